"""The server processes of one supervisor: how they start, share its socket and end.

A child is the supervisor's own command line run once more, so that a script, `python -m package` and `flasgo run` all work alike.
Its environment tells it apart: `FLASGO_RUN_MAIN=true`, for programs that want to know, and the numbers of two inherited sockets.
The first is the listening one, opened once by the supervisor: no request is refused while a child is replaced, it only waits.
The second is the lifeline: its far end closes with the supervisor, however that ends, and then the child ends too. Through it a
child says how far it is, in single bytes: SERVING, once it answers, and FULL, when it has served its share of requests.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread, current_thread, main_thread
from types import FrameType

from msgspec import Struct

from flasgo.errors import ConfigurationError

MARKER = "FLASGO_RUN_MAIN"
SOCKETS = "FLASGO_RUN_SOCKETS"

EXIT_REFUSED = 2
"""The exit status of a command that cannot be carried out: a bad option, target or address."""
EXIT_STARTUP_FAILED = 3
"""The exit status of an application whose lifespan start-up failed; uvicorn's."""

SERVING = b"s"
FULL = b"f"

TICK = 0.25
"""Seconds between two looks of a supervisor at its children."""
ORPHAN_GRACE = 5.0
"""Seconds that a child without supervisor may take to end by itself."""


def say(sentence: str) -> None:
    """One line for the person at the terminal."""
    print(f"flasgo: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - a program that serves talks on stderr


class Child:
    """One server process. `environment` is its whole environment but for what tells it that it is a child."""

    def __init__(self, listener: socket.socket, environment: Mapping[str, str]) -> None:
        self._lifeline, far_end = socket.socketpair()
        self._lifeline.setblocking(False)
        self._heard = b""
        with far_end:
            numbers = []
            for inherited in (listener, far_end):
                inherited.set_inheritable(True)
                numbers.append(str(inherited.fileno()))
            self._process = subprocess.Popen(  # noqa: S603 - the command that started this very process
                (sys.executable, *sys.orig_argv[1:]),
                env={**environment, MARKER: "true", SOCKETS: " ".join(numbers)},
                close_fds=False,  # only the sockets marked inheritable pass; unlike pass_fds it works on Windows too
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        """The exit status, negative for a signal, or None while it runs."""
        return self._process.poll()

    def has_said(self, word: bytes) -> bool:
        with suppress(OSError):  # nothing new, or its end of the line is closed
            self._heard += self._lifeline.recv(16)
        return word in self._heard

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self, grace: float) -> None:
        """Ask it to end, wait `grace` seconds, then kill it; it is gone afterwards."""
        self.ask_to_end()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._lifeline.close()


class Inheritance(Struct, frozen=True):
    """What a child has of its supervisor: the listening socket, and its end of the lifeline."""

    listener: socket.socket
    lifeline: socket.socket

    def tell(self, word: bytes) -> None:
        """Say SERVING or FULL to the supervisor, if there still is one."""
        with suppress(OSError):
            self.lifeline.send(word)


def inherit() -> Inheritance | None:
    """What the supervisor left to this process, or None where there is no supervisor. To be called once."""
    numbers = os.environ.pop(SOCKETS, None)
    if numbers is None:
        return None
    listener, lifeline = (socket.socket(fileno=int(number)) for number in numbers.split())
    for inherited in (listener, lifeline):
        inherited.set_inheritable(False)  # what the application starts is none of the supervisor's
    Thread(target=_end_with_supervisor, args=(lifeline,), name="flasgo-lifeline", daemon=True).start()
    return Inheritance(listener, lifeline)


def _end_with_supervisor(lifeline: socket.socket) -> None:
    with lifeline, suppress(OSError):  # Windows resets what POSIX closes
        lifeline.recv(1)  # nothing is ever sent: this returns at the end of the supervisor
    signal.raise_signal(signal.SIGTERM)
    time.sleep(ORPHAN_GRACE)
    os._exit(1)


@contextmanager
def stop_event() -> Generator[Event]:
    """An event that Ctrl+C and SIGTERM set, instead of what they do otherwise.

    Raises ConfigurationError outside the main thread, where Python has no signals.
    """
    if current_thread() is not main_thread():
        raise ConfigurationError("Reloading and workers need the main thread: start the server there, or without them.")
    stop = Event()
    with on_stop_signals(lambda *_: stop.set()):
        yield stop


@contextmanager
def on_stop_signals(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Handle Ctrl+C and SIGTERM so for a while. For the main thread."""
    before = [(number, signal.signal(number, handler)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, previous in before:
            signal.signal(number, previous)
