"""Where a test request goes: the URL that a browser would hold, from what a test writes (RFC 3986; RFC 9112 §3.2).

A path is sent as it is written: dot segments, double slashes and percent-escapes are what a test may be about. Only what
could not stand in a request line (spaces, controls, what is not ASCII) is percent-encoded, and a fragment is left out.
"""

import re
from string import ascii_letters, digits, punctuation
from urllib.parse import quote, unquote, urljoin

from msgspec import Struct
from msgspec.structs import replace

from flasgo.http.url import DEFAULT_PORTS
from flasgo.patterns import regex

SENDABLE = ascii_letters + digits + punctuation
_ABSOLUTE = regex(
    r"(https?)://(?:\[([0-9a-f:.]+)\]|([^/?#\\:@\[\]\s]+))(?::([0-9]{1,5}))?(?=[/?#]|$)(.*)", re.IGNORECASE | re.DOTALL
)


class Target(Struct, frozen=True):
    """`host` is lower-case and without brackets; `raw_path` and `query` are as they stand in the request line."""

    scheme: str
    host: str
    port: int
    raw_path: str = "/"
    query: str = ""

    @property
    def path(self) -> str:
        """The path as servers decode it: UTF-8, where what is not becomes U+FFFD."""
        return unquote(self.raw_path)

    @property
    def authority(self) -> str:
        """The Host field that a client sends: the port only where the scheme does not imply it (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.authority}{self.raw_path}{query}"

    def same_origin(self, other: "Target") -> bool:
        return (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)

    def join(self, location: str) -> "Target":
        """Where a Location header leads from here (RFC 9110 §10.2.2).

        Raises ValueError where that is no http or https URL.
        """
        return parse_url(urljoin(str(self), quote(location.encode("latin-1"), safe=SENDABLE)))


def parse_url(url: str) -> Target:
    """Raises ValueError for anything but an http or https URL with a host, a fit port and no user name."""
    match = _ABSOLUTE.fullmatch(url)
    if match is None:
        raise ValueError(f"{url[:200]!r} is not an http:// or https:// URL of the form scheme://host[:port]/path?query")
    scheme, address, name, port, rest = match.groups()
    host = address or name.encode("ascii" if name.isascii() else "idna").decode("ascii")
    raw_path, query = split_path(rest)
    scheme = scheme.lower()
    return Target(scheme, host.lower(), int(port or DEFAULT_PORTS[scheme]), raw_path, query)


def split_path(path: str) -> tuple[str, str]:
    """Path (the leading slash may be missing) and query, as they are sent."""
    path, _, query = quote(path.partition("#")[0], safe=SENDABLE).partition("?")
    return (path if path.startswith("/") else f"/{path}"), query


def parse_target(path: str, *, base: Target, scheme: str | None, root_path: str) -> Target:
    """What a test wrote: a path with its query, which goes to `base`, or a URL of its own.

    `root_path` is put before the path, as servers do that are told of a proxy which took it off. `scheme` overrides.
    Raises ValueError for a URL that cannot be, and for a scheme other than http and https.
    """
    if re.match("https?://", path, re.IGNORECASE):
        target = parse_url(path)
    else:
        raw_path, query = split_path(path)
        target = replace(base, raw_path=raw_path, query=query)
    if scheme is not None:
        if scheme not in DEFAULT_PORTS:
            raise ValueError(f"scheme is {scheme!r}: use 'http' or 'https'")
        implied = target.port == DEFAULT_PORTS[target.scheme]
        target = replace(target, scheme=scheme, port=DEFAULT_PORTS[scheme] if implied else target.port)
    return replace(target, raw_path=quote(root_path, safe=SENDABLE) + target.raw_path)
