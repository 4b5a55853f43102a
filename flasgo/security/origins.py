"""Which origins may send unsafe requests: the request's own, and those that are trusted (RFC 6454, Fetch §3.1)."""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from flasgo.http.hosts import host_name, host_port
from flasgo.http.url import DEFAULT_PORTS
from flasgo.request import Request

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host in its compared form, and port."""


class Wildcard(Struct, frozen=True):
    """The sub-domains of a domain; under one scheme and on one port, where these are given."""

    suffix: str
    scheme: str | None = None
    port: int | None = None

    def covers(self, origin: Origin) -> bool:
        scheme, host, port = origin
        return host.endswith(self.suffix) and self.scheme in {None, scheme} and self.port in {None, port}


class Origins:
    """The entries of CSRF_TRUSTED_ORIGINS, ready to be asked.

    scheme://host[:port]            that origin
    scheme://*.example.com[:port]   every sub-domain under that scheme, on that port or the scheme's own
    host[:port]                     that host under http and https; without a port, on their own ports
    .example.com[:port]             every sub-domain under both schemes, on that port or any; `*.example.com` is the same
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self.exact: set[Origin] = set()
        self.wildcards: list[Wildcard] = []
        for entry in trusted:
            scheme, separator, rest = entry.strip().lower().rpartition("://")
            domain = rest.removeprefix("*")
            host = domain.removeprefix(".").encode("latin-1", "replace")
            if domain.startswith("."):
                port = host_port(host) or DEFAULT_PORTS.get(scheme)
                self.wildcards.append(Wildcard(f".{host_name(host)}", scheme or None, port))
                continue
            for each in (scheme,) if separator else DEFAULT_PORTS:
                origin = parse_origin(f"{each}://".encode() + host)
                if origin is not None:
                    self.exact.add(origin)

    def trusts(self, origin: Origin) -> bool:
        return origin in self.exact or any(wildcard.covers(origin) for wildcard in self.wildcards)


def own_origin(request: Request) -> Origin | None:
    """Scheme, host and port that the request was sent to."""
    return parse_origin(request.scheme.encode("latin-1", "replace") + b"://" + request.fields.get(b"host", b""))


def parse_origin(value: bytes) -> Origin | None:
    """Scheme, host in its compared form, and port with the scheme's own filled in; None for anything that is no origin."""
    scheme_bytes, _, rest = value.partition(b"://")
    scheme = scheme_bytes.lower().decode("latin-1")
    if scheme not in DEFAULT_PORTS:
        return None
    name = host_name(rest)
    return None if name is None else (scheme, name, host_port(rest) or DEFAULT_PORTS[scheme])


def referring_origin(referer: bytes | None) -> Origin | None:
    """The origin of a Referer's URL, if there is one."""
    if referer is None:
        return None
    scheme, separator, rest = referer.partition(b"://")
    end = min((at for mark in b"/?#" if (at := rest.find(bytes((mark,)))) >= 0), default=len(rest))
    return parse_origin(scheme + separator + rest[:end])
