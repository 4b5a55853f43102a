"""The connections of one server: their limits, who they come from, and the one timer that looks after all of them.

A request costs no timer and asks for no time. Once a second the sweep looks at every connection, sees what it waits for, and
compares with what it saw before: a deadline is noticed at most two seconds late, and never too early. Without connections there is no sweep.
"""

import asyncio
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from flasgo.events import SecurityLog
from flasgo.http.headers import RawHeaders
from flasgo.settings import Settings

MAX_MIDDLEWARE = 8

NOTHING: Mapping[str, RawHeaders] = MappingProxyType({"http": [], "https": []})


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """What one connection may take. Seconds, bytes and counts."""

    head_bytes: int = 16_384
    """The request line, the header fields and the empty line after them."""
    head_fields: int = 100
    head_seconds: float = 10.0
    """From the first byte of a head to its last; a connection that has sent nothing yet is closed as late."""

    body_idle_seconds: float = 10.0
    """Between two pieces of a body, while it is wanted."""
    body_bytes_per_second: float = 500.0
    """The average that a body must reach, once `body_grace_seconds` are over."""
    body_grace_seconds: float = 20.0
    framing_bytes: int = 4_096
    """Of trailers, and of chunk extensions beyond a few bytes for each chunk."""

    write_stall_seconds: float = 30.0
    """How long nothing of a response is taken by the peer until the connection is aborted."""
    keep_alive_seconds: float = 5.0
    pipeline_depth: int = 16
    """Requests that are unanswered at the same time; the connection is closed after them when there are more."""

    linger_seconds: float = 2.0
    """How long the peer may take to read the answer to what was refused; what it sends meanwhile is dropped."""
    linger_bytes: int = 262_144

    connections_per_peer: int = 100
    """From one IPv4 address or one /64 of IPv6 (what one customer gets), but not from this machine; 0 is no limit."""
    sweep_seconds: float = 1.0


def limits_of(settings: Settings | None) -> ConnectionLimits:
    """The limits that the settings ask for; without any, the defaults.

    Behind trusted proxies every connection comes from the same few peers: they are not counted then.
    """
    if settings is None:
        return ConnectionLimits()
    seconds = settings.REQUEST_READ_TIMEOUT_SECONDS
    limits = ConnectionLimits(
        head_bytes=settings.MAX_REQUEST_HEAD_BYTES,
        head_seconds=seconds,
        body_idle_seconds=seconds,
        body_grace_seconds=2 * seconds,
    )
    return replace(limits, connections_per_peer=0) if settings.TRUSTED_PROXIES else limits


def settings_of(app: object) -> Settings | None:
    """The settings of a flasgo application, or of the one inside the middleware of a server (`.app`)."""
    for _ in range(MAX_MIDDLEWARE):
        settings: object = getattr(app, "settings", None)
        if isinstance(settings, Settings):
            return settings
        app = getattr(app, "app", None)
    return None


def peer_of(client: tuple[str, int] | None) -> str | None:
    """Whom a connection is counted for: an IPv4 address or the /64 of an IPv6 address.

    None for this machine, on a Unix socket or by loopback: a proxy has all connections there, and so has a load test.
    """
    if client is None:
        return None
    host = client[0]
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return None if host.startswith("127.") else host
    if address.is_loopback:
        return None
    mapped = address.ipv4_mapped
    if mapped is not None:
        return None if mapped.is_loopback else str(mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


class Watched(Protocol):
    """A connection, as far as the watch knows it."""

    peer: str | None

    def look(self, now: float, /) -> None:
        """Compare with the last look; `now` is the time of the loop."""
        ...

    def make_way(self, now: float, /) -> bool:
        """Go, if the peer is slow to send what it began, and say whether."""
        ...


class Watch:
    """The connections of one server. What is refused is told to `log`; `said` has the header fields of refusals, by scheme."""

    def __init__(
        self,
        limits: ConnectionLimits,
        loop: asyncio.AbstractEventLoop,
        *,
        log: SecurityLog,
        said: Mapping[str, RawHeaders] = NOTHING,
    ) -> None:
        self.limits = limits
        self.log = log
        self.said = said
        self.connections: set[Watched] = set()
        self._peers: dict[str, dict[Watched, None]] = {}  # the longest connected first
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._excused = False

    def enter(self, connection: Watched) -> int:
        """Look after a connection from now on; how many its peer has, this one included."""
        self.connections.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self.limits.sweep_seconds, self._sweep)
        if connection.peer is None:
            return 0
        siblings = self._peers.setdefault(connection.peer, {})
        siblings[connection] = None
        return len(siblings)

    def leave(self, connection: Watched) -> None:
        """Forget a connection; again is no mistake."""
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        if connection.peer is not None:
            siblings = self._peers[connection.peer]
            del siblings[connection]
            if not siblings:
                del self._peers[connection.peer]
        if not self.connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def make_way(self, connection: Watched) -> bool:
        """Whether one of the peer's slow connections went for this one: its own slow requests do not lock a peer out."""
        now = self._loop.time()
        siblings = self._peers[connection.peer] if connection.peer is not None else {}
        return any(sibling.make_way(now) for sibling in tuple(siblings))

    def _sweep(self) -> None:
        """Look at everyone. After a blocked loop not at once: what has come meanwhile must be read before it is judged."""
        now = self._loop.time()
        late = self._timer is not None and now - self._timer.when() > self.limits.sweep_seconds
        self._timer = self._loop.call_later(self.limits.sweep_seconds, self._sweep)
        if late and not self._excused:
            self._excused = True
            return
        self._excused = False
        for connection in tuple(self.connections):
            connection.look(now)
