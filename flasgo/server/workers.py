"""Workers: several server processes that accept from one listening socket.

A worker that ends is replaced. One that cannot even start the first time ends the whole server: the others would fail alike.
One that has served its share of requests goes on until its successor serves, and is then asked to end: nobody waits for a
start-up, and what a program leaks has an end.
"""

import secrets
import socket
import time
from collections.abc import Mapping

from flasgo.server.processes import EXIT_REFUSED, EXIT_STARTUP_FAILED, FULL, SERVING, TICK, Child, say, stop_event

_KILL_MARGIN = 5.0
"""Seconds that the shutdown handlers of a worker get after its open requests."""

JITTER = 5
"""The part of its share, a fifth, that a worker may serve besides: those that started together do not end together."""


def share_of(max_requests: int) -> int:
    """How many requests this process serves: so many, or up to 20 % more."""
    return max_requests + secrets.randbelow(max_requests // JITTER + 1)


def serve_with_workers(listener: socket.socket, count: int, environment: Mapping[str, str], *, grace: float) -> int:
    """Keep `count` children serving until Ctrl+C or SIGTERM; the exit status.

    `grace` is how many seconds a child takes at most for its open requests. Raises ConfigurationError outside the main thread.
    """
    with stop_event() as stop:
        crew = _Crew(listener, count, environment, grace + _KILL_MARGIN)
        try:
            while not stop.wait(TICK):
                status = crew.look()
                if status is not None:
                    return status
        finally:
            crew.end()
    return 0


class _Crew:
    """The workers at their places, those that are to take one, and those that have left one and still answer."""

    def __init__(
        self, listener: socket.socket, count: int, environment: Mapping[str, str], seconds_to_end: float
    ) -> None:
        self._listener = listener
        self._environment = environment
        self._seconds_to_end = seconds_to_end
        self._children = [self._child() for _ in range(count)]
        self._first = frozenset(child.pid for child in self._children)
        self._successors: dict[int, Child] = {}
        self._leaving: dict[Child, float] = {}

    def _child(self) -> Child:
        return Child(self._listener, self._environment)

    def look(self) -> int | None:
        """Replace whom it is time to replace; the status to end with, if no worker can start."""
        for place, child in enumerate(self._children):
            status = child.status()
            if status is not None:
                if status in {EXIT_REFUSED, EXIT_STARTUP_FAILED} and child.pid in self._first:
                    return status
                say(f"worker {child.pid} ended with status {status}; starting another")
                child.end(0)
                successor = self._successors.pop(place, None)
                self._children[place] = self._child() if successor is None else successor
            elif child.has_said(FULL):
                self._succeed(place, child)
        now = time.monotonic()
        for child, deadline in tuple(self._leaving.items()):
            if child.status() is not None or now >= deadline:
                child.end(0)
                del self._leaving[child]
        return None

    def _succeed(self, place: int, child: Child) -> None:
        """Start a successor, or let the one that serves already take the place."""
        successor = self._successors.get(place)
        if successor is None:
            say(f"worker {child.pid} has served its share of requests; starting another")
            self._successors[place] = self._child()
        elif (status := successor.status()) is not None:
            say(f"worker {successor.pid} ended with status {status}; starting another")
            successor.end(0)
            self._successors[place] = self._child()
        elif successor.has_said(SERVING):
            child.ask_to_end()
            self._leaving[child] = time.monotonic() + self._seconds_to_end
            self._children[place] = self._successors.pop(place)

    def end(self) -> None:
        """Ask all of them to end, and wait for each."""
        everyone = [*self._children, *self._successors.values(), *self._leaving]
        for child in everyone:
            child.ask_to_end()
        for child in everyone:
            child.end(self._seconds_to_end)
