"""Trusted proxies: who the client is, and what it asked for, when others stand between (RFC 7239).

Forwarding headers are words of whoever sent the request, so they count only when the peer is in TRUSTED_PROXIES. Then the
chain is read from the right: the right-most address that is not a trusted proxy is the client, and protocol and host
come from the same hop. The scope is rewritten once, before anything reads it, so one answer feeds client_ip, scheme, host, url_for,
CSRF, limits, logs, Secure and HSTS alike.

PROXY_HEADERS says which family is read: "x-forwarded" (X-Forwarded-For, -Proto, -Host) or "forwarded" (RFC 7239). Only
the one that the proxy itself sets or overwrites may be named: the other is the client's to forge.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.http.asgi import Scope

Address: TypeAlias = IPv4Address | IPv6Address

MAX_HEADER_BYTES = 4096
MAX_HOPS = 32

SCHEMES = frozenset({"http", "https"})
PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*')


class Hop(Struct, frozen=True):
    """One step of the chain: whom it received the request from, and what that asked for, as far as it says."""

    address: str
    scheme: str | None = None
    host: str | None = None


class TrustedProxies:
    """The networks of TRUSTED_PROXIES and the family of headers that they set."""

    def __init__(self, networks: Iterable[str], family: Literal["x-forwarded", "forwarded"]) -> None:
        self.networks = tuple(ip_network(network) for network in networks)
        self.family = family

    def trusts(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def resolve(self, scope: Scope) -> Scope:
        """The scope as the client's own request would have made it; the same one when the peer is not trusted."""
        client = scope.get("client")
        if client is None or not self.trusts(client[0]):
            return scope
        hops = self._hops(scope)
        if not hops:
            return scope
        hop = next((hop for hop in reversed(hops) if not self.trusts(hop.address)), hops[0])
        address = parse_address(hop.address)
        resolved: Scope = {**scope, "client": None if address is None else (str(address), 0)}
        if hop.scheme in SCHEMES:
            resolved["scheme"] = hop.scheme
        if hop.host is not None:
            host = (b"host", hop.host.encode("latin-1", "replace"))
            resolved["headers"] = [host, *(field for field in scope["headers"] if field[0] != b"host")]
        return resolved

    def _hops(self, scope: Scope) -> list[Hop]:
        """The chain, nearest hop last; empty where the headers are absent or not to be made sense of."""
        if self.family == "forwarded":
            return forwarded_hops(_joined(scope, b"forwarded"))
        return x_forwarded_hops(
            _joined(scope, b"x-forwarded-for"),
            _joined(scope, b"x-forwarded-proto"),
            _joined(scope, b"x-forwarded-host"),
        )


def _joined(scope: Scope, name: bytes) -> str:
    value = b",".join(value for key, value in scope["headers"] if key == name)
    return value.decode("latin-1") if len(value) <= MAX_HEADER_BYTES else ""


def x_forwarded_hops(addresses: str, schemes: str, hosts: str) -> list[Hop]:
    """The chain of X-Forwarded-*: a scheme or host is of the hop at the same place, or, given once, of the nearest proxy's making."""
    chain = _listed(addresses)
    if not chain or len(chain) > MAX_HOPS:
        return []
    return [
        Hop(address, _of_hop(_listed(schemes), place, len(chain)), _of_hop(_listed(hosts), place, len(chain)))
        for place, address in enumerate(chain)
    ]


def _listed(value: str) -> list[str]:
    return [piece.strip() for piece in value.split(",") if piece.strip()]


def _of_hop(values: list[str], place: int, count: int) -> str | None:
    if not values:
        return None
    return values[place] if len(values) == count else values[-1]


def forwarded_hops(value: str) -> list[Hop]:
    """The chain of Forwarded (RFC 7239 §4); one malformed element makes the whole worthless."""
    hops: list[Hop] = []
    position = 0
    pairs: dict[str, str] = {}
    while position < len(value):
        match = PAIR.match(value, position)
        if match is None or match[1].lower() in pairs or len(hops) >= MAX_HOPS:
            return []
        pairs[match[1].lower()] = _unquoted(match[2])
        position = match.end()
        if position == len(value) or value[position] == ",":
            hops.append(_hop_of(pairs))
            pairs = {}
        elif value[position] != ";":
            return []
        position += 1
    return hops


def _hop_of(pairs: Mapping[str, str]) -> Hop:
    return Hop(pairs.get("for", "unknown"), pairs.get("proto", "").lower() or None, pairs.get("host"))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def parse_address(text: str) -> Address | None:
    """An address as proxies write it: IPv4 with or without port, IPv6 with or without brackets and port; None for words."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
