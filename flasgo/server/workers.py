"""Workers: several server processes that accept from one listening socket.

A worker that ends is replaced. One that cannot even start the first time ends the whole server: the others would fail alike.
"""

import socket
from collections.abc import Mapping

from flasgo.server.processes import EXIT_REFUSED, EXIT_STARTUP_FAILED, TICK, Child, say, stop_event

_KILL_MARGIN = 5.0
"""Seconds that the shutdown handlers of a worker get after its open requests."""


def serve_with_workers(listener: socket.socket, count: int, environment: Mapping[str, str], *, grace: float) -> int:
    """Keep `count` children serving until Ctrl+C or SIGTERM; the exit status.

    `grace` is how many seconds a child takes at most for its open requests. Raises ConfigurationError outside the main thread.
    """
    with stop_event() as stop:
        children = [Child(listener, environment) for _ in range(count)]
        first = frozenset(child.pid for child in children)
        try:
            while not stop.wait(TICK):
                for place, child in enumerate(children):
                    status = child.status()
                    if status is None:
                        continue
                    if status in {EXIT_REFUSED, EXIT_STARTUP_FAILED} and child.pid in first:
                        return status
                    say(f"worker {child.pid} ended with status {status}; starting another")
                    child.end(0)
                    children[place] = Child(listener, environment)
        finally:
            for child in children:
                child.ask_to_end()
            for child in children:
                child.end(grace + _KILL_MARGIN)
    return 0
