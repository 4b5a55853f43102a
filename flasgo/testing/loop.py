"""The one event loop in which a client's application lives.

Connections, locks and tasks belong to the loop that made them, so what one request opens the next must find in the same
loop. The first use of a client chooses it:

- a sync call (`client.get`, `with client:`): a loop in a thread of the client's own, so that sync calls work everywhere,
  inside a running loop too (which they block, as sync calls do);
- an async call (`await client.arequest`, `async with client:`): the caller's loop, so that test and application may share
  events, queues and connections.

After that every call goes there, from whatever thread or loop. A caller's loop that has stopped (the next test has its
own) is left for a new choice, unless a lifespan lives in it.
"""

import asyncio
import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")
Work: TypeAlias = Callable[[], Coroutine[Any, Any, T]]  # what a coroutine yields is between it and asyncio

STOP_SECONDS = 5.0
"""How long closing waits for a thread whose loop is blocked; it is a daemon, and is then left behind."""
BLOCKED_SECONDS = 1.0
"""How long after its timeout a call waits for the loop to say so, before it takes the loop for blocked."""


class _Raised(Struct, frozen=True):
    """What the work raised. As a value it reaches the caller as it is: asyncio would exchange a TimeoutError for a copy
    without traceback, and end the loop's thread on SystemExit and KeyboardInterrupt."""

    error: BaseException


def _unwrap(outcome: T | _Raised) -> T:
    if isinstance(outcome, _Raised):
        raise outcome.error
    return outcome


class LoopThread:
    """An event loop that runs in a daemon thread until `stop`, or until nobody holds this object any more."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        target = (self.loop, self._stopping)
        self._thread = threading.Thread(target=_serve, args=target, name="flasgo-test-client", daemon=True)
        running = threading.Event()
        self.loop.call_soon(running.set)
        self._thread.start()
        running.wait()
        self._finalizer = weakref.finalize(self, _stop, *target, self._thread, STOP_SECONDS)

    def stop(self, wait: float) -> None:
        """Cancel what runs there and close the loop; wait so many seconds for it."""
        self._finalizer.detach()
        _stop(self.loop, self._stopping, self._thread, wait)


def _serve(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(stopping.wait())


def _stop(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event, thread: threading.Thread, wait: float) -> None:
    with suppress(RuntimeError):  # the loop is closed already
        loop.call_soon_threadsafe(stopping.set)
    if thread is not threading.current_thread():  # a finalizer runs wherever the collector does
        thread.join(wait)


class Home:
    """`timeout`, in seconds, ends any call with TimeoutError; None waits for ever.

    While `pinned`, a lifespan lives here, and the loop cannot be exchanged for another.
    """

    def __init__(self, timeout: float | None) -> None:
        self.pinned = False
        self._timeout = timeout
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None

    def run(self, work: Work[T], name: str) -> T:
        """Do the work in the loop and wait for it; RuntimeError from inside the very loop that would have to do it."""
        loop = self._choose(None)
        if loop is _running_loop():
            raise RuntimeError(
                f"{name}: this client lives in the event loop that is running here, and a sync call would stop it. "
                "Use `await client.arequest(...)`, or sync calls from the client's first use on."
            )
        future = asyncio.run_coroutine_threadsafe(self._timed(work, name), loop)
        try:
            done, _ = concurrent.futures.wait({future}, self._timeout and self._timeout + BLOCKED_SECONDS)
        except BaseException:  # Ctrl-C, or a test runner's own timeout
            future.cancel()
            raise
        if not done:
            self.close(wait=0)
            raise TimeoutError(
                f"{name} did not finish within {self._timeout} s: the application blocks its event loop."
            )
        return _unwrap(future.result())

    async def arun(self, work: Work[T], name: str) -> T:
        """Do the work in the loop and await it, in a task of its own: its context variables stay there."""
        here = asyncio.get_running_loop()
        loop = self._choose(here)
        if loop is here:
            return _unwrap(await asyncio.create_task(self._timed(work, name)))
        return _unwrap(await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._timed(work, name), loop)))

    def close(self, *, wait: float = STOP_SECONDS) -> None:
        """Stop the client's own thread, if there is one, with whatever still runs in it. The next call chooses anew."""
        with self._lock:
            thread, self._thread, self._loop = self._thread, None, None
        self.pinned = False
        if thread is not None:
            thread.stop(wait)

    def _choose(self, here: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or not self._loop.is_running():
                if self.pinned:
                    raise RuntimeError(
                        "The lifespan of this client was started in an event loop that does not run any more. "
                        "Use the client inside the loop (and test) that entered it, or enter it with a plain `with`."
                    )
                if here is None:
                    self._thread = LoopThread()
                    self._loop = self._thread.loop
                else:
                    self._thread, self._loop = None, here
            return self._loop

    async def _timed(self, work: Work[T], name: str) -> T | _Raised:
        deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                return await work()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller
            if not deadline.expired():
                return _Raised(error)
            told = TimeoutError(
                f"{name} did not finish within {self._timeout} s: the application waits for something that does not come. "
                "Above is where it waited; TestClient(timeout=...) gives it more time."
            )
            told.__cause__ = error
            return _Raised(told)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
