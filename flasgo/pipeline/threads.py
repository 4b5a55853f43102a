"""Sync user code off the event loop: one bounded pool, one hop for as much of a request as can share it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar, cast

from flasgo.current import home
from flasgo.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")

QUEUE_PER_THREAD = 25
"""Calls that may wait for each thread before a request is refused with 503."""


class ThreadPool:
    """`threads` workers, started when first needed. Calls run in a copy of their caller's context.

    Whoever is cancelled while a thread works for it waits for that thread: nothing may be torn down that is still in use.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._limit = threads * (1 + QUEUE_PER_THREAD)
        self._pending = 0
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Call `function` in a thread.

        Raises ServiceUnavailable where QUEUE_PER_THREAD times as many calls wait already: a queue without an end only
        turns overload into time-outs.
        """
        if self._pending >= self._limit:
            raise ServiceUnavailable("The server is busy. Try again later.", headers={"retry-after": "1"})
        return self.run_surely(function, *args, **kwargs)

    async def run_surely(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, never refused: for what completes or clears up a request that was let in."""
        loop, call = asyncio.get_running_loop(), partial(function, *args, **kwargs)
        try:
            with self._lock:
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="flasgo")
                job = self._executor.submit(copy_context().run, _sealed, call, loop)
                self._pending += 1
        except RuntimeError as error:
            # Where the machine has no more threads, the call is queued for one that there is: it must not be made here, too.
            if "start new thread" in str(error):
                raise
            # The interpreter is ending, and begins no thread any more: what is to be closed is closed here.
            return copy_context().run(call)
        job.add_done_callback(lambda _: self._done())
        try:
            return cast("T", await asyncio.wrap_future(job, loop=loop))
        except asyncio.CancelledError:
            await _end_of(job)
            raise

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1

    def shutdown(self) -> None:
        """Let the threads end once their calls are over; what waits is cancelled, and the next call starts new ones."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


async def _end_of(job: Future[T]) -> None:
    """Wait until a thread is done with what nobody wants any more; a second cancellation ends the waiting."""
    if not job.done():
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        await ended.wait()


def _sealed(function: Callable[[], T], loop: asyncio.AbstractEventLoop) -> T:
    """Call; a StopIteration, which no future can carry, becomes a RuntimeError as in a coroutine (PEP 479)."""
    home.loop = loop
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("A handler raised StopIteration.") from error
