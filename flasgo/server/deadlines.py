"""How long a peer may take: what the sweep remembers of one connection, and what it concludes.

Nothing here is touched by a request. Deadlines begin when the sweep first sees what a connection waits for.
"""

import asyncio
import socket
import sys
from typing import Literal

from flasgo.server.connections import ConnectionLimits

Wait = Literal["request", "head", "body", "end"]
"""What the peer is to do next: begin a request, send the rest of its head, of its body, or end the connection."""

TCP_INFO: object = getattr(socket, "TCP_INFO", None)
ACKNOWLEDGED = slice(120, 128)
"""Where `struct tcp_info` of Linux has `tcpi_bytes_acked`."""


def acknowledged(transport: asyncio.BaseTransport) -> int:
    """How many bytes the peer has taken so far, where the system tells; else 0.

    A kernel that holds megabytes for a slow peer asks for more only when a third of them is gone: our own buffer tells too little.
    """
    if not isinstance(TCP_INFO, int):
        return 0
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, TCP_INFO, ACKNOWLEDGED.stop)
    except (AttributeError, OSError):  # no socket, or a Unix socket
        return 0
    return int.from_bytes(info[ACKNOWLEDGED], sys.byteorder)


class Stillness:
    """Since when something has not changed, as far as the sweep can tell."""

    __slots__ = ("since", "value")

    def __init__(self) -> None:
        self.value: object = None
        self.since = 0.0

    def seconds(self, value: object, now: float) -> float:
        """How long it has been `value`."""
        if value != self.value:
            self.value, self.since = value, now
        return now - self.since


class Patience:
    """The patience with the peer of one connection. `now` is the time of the loop, in seconds."""

    __slots__ = ("_body", "_limits", "_received_before", "_wait", "_write")

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._wait = Stillness()
        self._body = Stillness()
        self._write = Stillness()
        self._received_before = 0

    def is_over(self, waiting: Wait | None, heads: int, received: int, now: float) -> bool:
        """Whether the peer took too long for what it is to do; None is nothing.

        `heads` and `received` count the requests of the connection and the bytes of their bodies.
        """
        limits = self._limits
        waited = self._waited(waiting, heads, received, now)
        match waiting:
            case "request":
                return waited >= (limits.keep_alive_seconds if heads else limits.head_seconds)
            case "head":
                return waited >= limits.head_seconds
            case "body":
                idle = self._body.seconds((received, self._wait.since), now)
                return idle >= limits.body_idle_seconds or self._is_behind(received, waited - limits.body_grace_seconds)
            case "end":
                return waited >= limits.linger_seconds
        return False

    def is_thin(self, waiting: Wait | None, heads: int, received: int, now: float) -> bool:
        """Whether the peer is slower than it may be for long: half a head, or a body below its rate for a sweep or more."""
        waited = self._waited(waiting, heads, received, now)
        return waiting == "head" or (
            waiting == "body" and waited >= self._limits.sweep_seconds and self._is_behind(received, waited)
        )

    def _waited(self, waiting: Wait | None, heads: int, received: int, now: float) -> float:
        waited = self._wait.seconds((waiting, heads), now)
        if not waited:
            self._received_before = received
        return waited

    def _is_behind(self, received: int, seconds: float) -> bool:
        return received - self._received_before < self._limits.body_bytes_per_second * seconds

    def is_stalled(self, transport: asyncio.WriteTransport, resumed: int, now: float) -> bool:
        """Whether the peer takes nothing of what there is for it. `resumed` counts how often all of it was taken."""
        size = transport.get_write_buffer_size()
        if not size:
            self._write.seconds(None, now)
            return False
        transport.set_write_buffer_limits(high=0)  # the application waits until all is taken: `size` only becomes less
        taken = (size, resumed, acknowledged(transport))
        return self._write.seconds(taken, now) >= self._limits.write_stall_seconds
