"""Which origins may send unsafe requests: the request's own, and those that are trusted (RFC 6454, Fetch §3.1)."""

from collections.abc import Iterable

from flasgo.http.url import DEFAULT_PORTS
from flasgo.request import Request
from flasgo.security.hosts import host_name, host_port

MAX_ORIGIN_BYTES = 2048


class Origins:
    """The entries of CSRF_TRUSTED_ORIGINS, ready to be asked.

    scheme://host[:port]   that origin
    host[:port]            that host under http and https; without a port, on their own ports
    .example.com           every sub-domain, under both schemes and on every port
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self.exact: set[tuple[str, str, int]] = set()
        self.suffixes: tuple[str, ...] = ()
        for entry in trusted:
            text = entry.strip().lower()
            if text.startswith("."):
                self.suffixes += (text,)
                continue
            scheme, separator, rest = text.rpartition("://")
            for each in (scheme,) if separator else ("http", "https"):
                origin = parse_origin(f"{each}://{rest}".encode("latin-1", "replace"))
                if origin is not None:
                    self.exact.add(origin)

    def trusts(self, origin: tuple[str, str, int]) -> bool:
        return origin in self.exact or origin[1].endswith(self.suffixes)


def own_origin(request: Request) -> tuple[str, str, int] | None:
    """Scheme, host and port that the request was sent to."""
    return parse_origin(request.scheme.encode("latin-1", "replace") + b"://" + request.fields.get(b"host", b""))


def parse_origin(value: bytes) -> tuple[str, str, int] | None:
    """Scheme, host in its compared form, and port with the scheme's own filled in; None for anything that is no origin."""
    scheme_bytes, separator, rest = value.partition(b"://")
    scheme = scheme_bytes.lower().decode("latin-1")
    if not separator or scheme not in DEFAULT_PORTS or len(value) > MAX_ORIGIN_BYTES:
        return None
    name = host_name(rest)
    return None if name is None else (scheme, name, host_port(rest) or DEFAULT_PORTS[scheme])


def referring_origin(referer: bytes) -> tuple[str, str, int] | None:
    """The origin of a Referer's URL."""
    scheme, separator, rest = referer.partition(b"://")
    end = min((at for mark in b"/?#" if (at := rest.find(bytes((mark,)))) >= 0), default=len(rest))
    return parse_origin(scheme + separator + rest[:end])
