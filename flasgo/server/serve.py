"""Serving in this process, with uvicorn: quiet, and quick to stop when asked twice.

Ctrl+C and SIGTERM are the usual end: open requests are answered, the application shuts down, and the status is 0. A signal
during start-up and a second Ctrl+C do not wait, not even for a thread that goes on. uvicorn is imported when serving starts: `import flasgo` does not pay for it.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Collection
from contextlib import nullcontext
from threading import Timer, current_thread, main_thread
from types import FrameType
from typing import Literal, Protocol

from msgspec import Struct

from flasgo.events import trace_of
from flasgo.http.asgi import ASGIApp
from flasgo.server.processes import EXIT_STARTUP_FAILED, FULL, SERVING, on_stop_signals, say

LogLevel = Literal["critical", "error", "warning", "info", "debug"]

GRACE = 30
"""Seconds that open requests get when the server is asked to stop."""

HASTE = 1.0
"""Seconds that the process gets for its clean end after a second Ctrl+C. Python cannot end a thread that goes on: it ends with the process."""

LATE = 0.05
"""Seconds after which connections are told of the end that were accepted before it and made after it. uvicorn counts them after 0.1 s."""


class Share(Struct, frozen=True):
    """The requests that a process serves until it asks to be replaced, and whom it tells, see processes.py. It serves on meanwhile."""

    requests: int
    tell: Callable[[bytes], None]


class _Server(Protocol):
    """What is used of uvicorn's Server, whose class is known only once uvicorn is imported."""

    started: bool
    should_exit: bool

    def run(self, sockets: list[socket.socket] | None = None) -> None: ...


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    root_path: str = "",
    log_level: LogLevel = "info",
    grace: int = GRACE,
    share: Share | None = None,
    announcement: str = "",
) -> int:
    """Serve until asked to stop; the exit status. `grace` is for requests that are open then, in seconds.

    `announcement` is said once Ctrl+C and SIGTERM are handled: whoever has read it may send them.

    `log_level` "info" logs every request and what goes wrong, "debug" also what the server does, the others only what they say.
    """
    stop = _Stop()
    on_main = current_thread() is main_thread()
    try:
        with on_stop_signals(stop) if on_main else nullcontext():  # uvicorn, having stopped, raises the signals again
            if announcement:
                say(announcement)
            return _run(_server(app, root_path, log_level, grace, share, stop), listener, stop)
    except KeyboardInterrupt:
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_STARTUP_FAILED
    finally:
        stop.is_over()


def _run(server: _Server, listener: socket.socket, stop: "_Stop") -> int:
    def is_news(record: logging.LogRecord) -> bool:
        """Requests that are cancelled because the server stops do not need a traceback each."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.exc_text = trace_of(error)  # escaped: what an exception says may be what a client sent
        return not (server.should_exit and isinstance(error, asyncio.CancelledError))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_news)
    try:
        if not stop.asked:
            server.run(sockets=[listener])
    finally:
        log.removeFilter(is_news)
    return 0 if server.started or stop.asked else EXIT_STARTUP_FAILED


class _Stop:
    """What Ctrl+C and SIGTERM do until uvicorn has its own handlers.

    They are remembered as well: a KeyboardInterrupt that strikes in a callback, of a weak reference say, is dropped by Python.
    """

    asked = False
    _haste: Timer | None = None

    def make_haste(self) -> None:
        """End the process soon, unless serving is over before."""
        if self._haste is None:
            self._haste = Timer(HASTE, _leave)
            self._haste.daemon = True
            self._haste.start()

    def is_over(self) -> None:
        if self._haste is not None:
            self._haste.cancel()

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            self.make_haste()
        self.asked = True
        raise KeyboardInterrupt


class _Connection(Protocol):
    def shutdown(self) -> None: ...


def _tell_of_the_end(connections: Collection[_Connection]) -> None:
    """To be told again is no mistake."""
    for connection in tuple(connections):
        connection.shutdown()


def _leave() -> None:
    say("a thread is still at work: it was dropped")
    os._exit(0)


def _server(  # noqa: PLR0917 - everything that uvicorn is to know
    app: ASGIApp, root_path: str, log_level: LogLevel, grace: int, share: Share | None, stop: _Stop
) -> _Server:
    import uvicorn  # noqa: PLC0415 - 300 ms that only a server pays
    from uvicorn.config import LOGGING_CONFIG  # noqa: PLC0415 - the same

    class Server(uvicorn.Server):
        """uvicorn, but a start-up or shut-down that hangs can be ended, and waiting for open requests is said aloud."""

        is_full = False

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            if self.force_exit or not self.started:
                stop.asked = stop.asked or self.force_exit
                stop(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.should_exit = self.should_exit or stop.asked
            if share is not None and self.started:
                share.tell(SERVING)

        async def on_tick(self, counter: int) -> bool:
            if share is not None and not self.is_full and self.server_state.total_requests >= share.requests:
                self.is_full = True
                share.tell(FULL)
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if self.server_state.tasks:
                say(f"waiting up to {grace} s for open requests (Ctrl+C to drop them)")
            asyncio.get_running_loop().call_later(LATE, _tell_of_the_end, self.server_state.connections)
            await super().shutdown(sockets)

    config = uvicorn.Config(
        lambda: app,
        factory=True,  # else uvicorn calls the application without arguments to see whether it is a factory
        interface="asgi3",
        loop="auto",  # uvloop where it is installed
        http="flasgo.server.protocol:HardenedProtocol",
        lifespan="auto",
        log_config={**LOGGING_CONFIG, "loggers": _loggers(log_level)},
        access_log=log_level in {"info", "debug"},
        root_path=root_path,
        proxy_headers=False,  # whom to believe is the application's to say
        server_header=False,
        timeout_graceful_shutdown=grace,
    )
    config.reset_contextvars = True  # set, not passed: an older uvicorn does not know it
    return Server(config)


def _loggers(level: LogLevel) -> dict[str, dict[str, object]]:
    """uvicorn's loggers without its life story, and flasgo's own where the program has set up no logging."""
    loggers: dict[str, dict[str, object]] = {
        "uvicorn": {"handlers": ["default"], "level": level.upper(), "propagate": False},
        "uvicorn.error": {"level": "WARNING" if level == "info" else level.upper()},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    }
    if not logging.getLogger("flasgo").hasHandlers():
        loggers["flasgo"] = {"handlers": ["default"], "level": level.upper(), "propagate": False}
    return loggers
