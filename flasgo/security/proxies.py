"""Trusted proxies: who the client is, and what it asked for, when others stand between (RFC 7239).

Forwarding headers are words of whoever sent the request, so they count only when the peer is in TRUSTED_PROXIES. Then the
chain is read from the right: the right-most address that is not a trusted proxy is the client, and protocol and host
come from the same hop. What stands further left may be forged, and is not even looked at. The scope is rewritten once,
before anything reads it, so one answer feeds client_ip, scheme, host, url_for, CSRF, limits, logs and HSTS alike.

PROXY_HEADERS says which family is read: "x-forwarded" (X-Forwarded-For, -Proto, -Host) or "forwarded" (RFC 7239). Only
the one that the proxies themselves set or extend may be named: the other is the client's to forge.
"""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.events import SecurityLog
from flasgo.http.asgi import Scope
from flasgo.patterns import regex

Address: TypeAlias = IPv4Address | IPv6Address

MAX_HOPS = 32
MAX_REMEMBERED = 1024
"""Peers whose standing is remembered."""

UNIX = "unix"
"""The entry of TRUSTED_PROXIES for peers on a unix socket, which have no address."""

SCHEMES = frozenset({"http", "https"})
PAIR = regex(r"""[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*)"|([^\s"\\]*))[ \t]*""")
NODE = regex(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::[A-Za-z0-9._-]{1,16})?")
MAX_ADDRESS = 64
HIDDEN = regex(r"(?:unknown|_[A-Za-z0-9._-]+)(?::[A-Za-z0-9._-]{1,16})?", re.IGNORECASE)
"""A node that does not give its address (RFC 7239 §6.2, §6.3)."""


class Hop(Struct, frozen=True):
    """One step of the chain: whom a proxy received the request from (None where it does not say), and what that asked for."""

    address: Address | None
    scheme: str
    host: str | None


class TrustedProxies:
    """The networks of TRUSTED_PROXIES and the family of headers that they set."""

    def __init__(
        self, trusted: Iterable[str], family: Literal["x-forwarded", "forwarded"], *, log: SecurityLog
    ) -> None:
        self.log = log
        self.header = b"x-forwarded-for" if family == "x-forwarded" else b"forwarded"
        entries = frozenset(trusted)
        self.networks = tuple(ip_network(entry) for entry in entries - {UNIX})
        self.unix = UNIX in entries
        self.hops = x_forwarded_hops if family == "x-forwarded" else forwarded_hops
        self._peers: dict[str, bool] = {}

    def trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)

    def trusts_peer(self, scope: Scope) -> bool:
        """May the peer of this connection say who the client is?"""
        client = scope.get("client")
        if not client or not client[0]:
            return self.unix
        known = self._peers.get(client[0])
        if known is None:
            known = self.trusts(parse_address(client[0]))
            if len(self._peers) < MAX_REMEMBERED:
                self._peers[client[0]] = known
        return known

    def resolve(self, scope: Scope) -> Scope:
        """The scope as the client's own request would have made it; the same one when the peer is not trusted."""
        if not self.trusts_peer(scope):
            return scope
        found = None
        for found in self.hops(scope):
            if not self.trusts(found.address):
                break
        if found is None:
            if any(name == self.header for name, _ in scope["headers"]):
                # Not even what the trusted proxy itself wrote can be read: then nothing is known of the client.
                peer = scope.get("client")
                self.log.write("proxy-headers-malformed", client=peer[0] if peer else "-", header=self.header)
            return scope
        resolved: Scope = {**scope, "client": None if found.address is None else (str(found.address), 0)}
        if found.scheme in SCHEMES:
            resolved["scheme"] = found.scheme
        headers = scope["headers"]
        # A request without a Host, or with two, stays what it is: malformed (CVE-2026-48061).
        if found.host is not None and [name for name, _ in headers].count(b"host") == 1:
            host = (b"host", found.host.encode("latin-1"))
            resolved["headers"] = [host if field[0] == b"host" else field for field in headers]
        return resolved


def x_forwarded_hops(scope: Scope) -> Iterator[Hop]:
    """The chain of X-Forwarded-*, nearest hop first, up to what cannot be made sense of.

    Protocol and host are of the hop at the same place from the right, or of the last one that is given: many a proxy replaces
    what it received. Where X-Forwarded-For is absent, the peer is the only hop.
    """
    schemes = _from_right(scope, b"x-forwarded-proto")
    hosts = _from_right(scope, b"x-forwarded-host")
    client = scope.get("client")
    chain = _from_right(scope, b"x-forwarded-for") or ([client[0]] if client else ["unknown"])
    for place, node in enumerate(chain):
        hop = hop_of(node, _at(schemes, place).lower(), _at(hosts, place) or None)
        if hop is None:
            return
        yield hop


def forwarded_hops(scope: Scope) -> Iterator[Hop]:
    """The chain of Forwarded (RFC 7239 §4), nearest hop first, up to what cannot be made sense of.

    No address, protocol or host holds a comma, so none is looked for inside quotes: a quote that a client left open
    (`for="`) cannot swallow what a proxy wrote after it.
    """
    for element in _from_right(scope, b"forwarded"):
        pairs: dict[str, str] = {}
        for piece in element.split(";"):
            match = PAIR.fullmatch(piece)
            if match is None or match[1].lower() in pairs:
                return
            pairs[match[1].lower()] = match[2] if match[3] is None else match[3]
        hop = hop_of(pairs.get("for", "unknown"), pairs.get("proto", "").lower(), pairs.get("host"))
        if hop is None:
            return
        yield hop


def _from_right(scope: Scope, name: bytes) -> list[str]:
    """The elements of a header, the last first, at most MAX_HOPS of them."""
    value = b",".join(value for key, value in scope["headers"] if key == name)
    pieces = value.decode("latin-1").rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    return [stripped for piece in reversed(pieces) if (stripped := piece.strip(" \t"))]


def _at(values: list[str], place: int) -> str:
    return values[min(place, len(values) - 1)] if values else ""


def hop_of(node: str, scheme: str, host: str | None) -> Hop | None:
    """The hop of a node's name; None where that is neither an address nor a way of hiding one."""
    address = parse_address(node)
    return None if address is None and HIDDEN.fullmatch(node) is None else Hop(address, scheme, host)


def parse_address(node: str) -> Address | None:
    """An address as proxies write it: IPv4 or bracketed IPv6, either with or without port; or bare IPv6. None for all else."""
    match = NODE.fullmatch(node)
    try:
        address = ip_address(match[1] or match[2] if match else node[:MAX_ADDRESS])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
