"""Hosts: the grammar of a name with or without port, and patterns of them (RFC 9110 §7.2, RFC 3986 §3.2.2).

At most 255 bytes: a name of letters, digits, `-`, `_` and `.`, an IPv4 address or a bracketed IPv6 address, with an
optional port of 1 to 65535. One trailing dot is taken off, IPv6 compared as addresses.

    example.com      that name
    .example.com     its sub-domains, not itself; `*.example.com` is the same
    *                every well-formed name
"""

from collections.abc import Iterable
from ipaddress import IPv6Address

from flasgo.patterns import regex

MAX_HOST_BYTES = 255
NAME = regex(rb"[A-Za-z0-9_.-]+\Z")
PORT = regex(rb"[0-9]{1,5}\Z")
LABEL_MAX = 63


def host_name(host: bytes) -> str | None:
    """The name or address that a Host header names, in the form that is compared; None where it breaks the grammar."""
    if len(host) > MAX_HOST_BYTES:
        return None
    if host.startswith(b"["):
        address, bracket, rest = host[1:].partition(b"]")
        port = rest[1:] if rest.startswith(b":") else None
        if not bracket or (rest and port is None):
            return None
        name = _ipv6(address)
    else:
        raw, colon, digits = host.partition(b":")
        port = digits if colon else None
        name = _name(raw)
    if port is not None and not (PORT.match(port) and 1 <= int(port) <= 65535):  # noqa: PLR2004 - the range of ports
        return None
    return name


def host_port(host: bytes) -> int | None:
    """The port of a well-formed Host, or None where it names none."""
    _, colon, digits = host.rpartition(b"]")[2].rpartition(b":")
    return int(digits) if colon else None


def _ipv6(address: bytes) -> str | None:
    try:
        return None if b"%" in address else str(IPv6Address(address.decode("ascii")))
    except ValueError:
        return None


def _name(raw: bytes) -> str | None:
    if not NAME.match(raw):
        return None
    name = raw.decode("ascii").lower().removesuffix(".")
    labels = name.split(".")
    return name if all(0 < len(label) <= LABEL_MAX for label in labels) else None


class AllowedHosts:
    """The patterns of ALLOWED_HOSTS, ready to be asked."""

    def __init__(self, patterns: Iterable[str]) -> None:
        names: set[str | None] = set()
        suffixes: list[str] = []
        self.everything = False
        for pattern in patterns:
            text = pattern.strip().lower()
            if text == "*":
                self.everything = True
            elif text.startswith(("*.", ".")):
                suffixes.append(text.removeprefix("*").partition(":")[0].removesuffix("."))
            else:
                names.add(_pattern_name(text))
        self.names = frozenset(names)
        self.suffixes = tuple(suffixes)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (self.everything or name in self.names or name.endswith(self.suffixes))


def _pattern_name(pattern: str) -> str | None:
    """The name of a pattern without a wildcard; a port in it is ignored, as in 0.5.1. None is no name, and nobody's."""
    bare = f"[{pattern}]" if pattern.count(":") > 1 and not pattern.startswith("[") else pattern
    return host_name(bare.encode("latin-1", "replace"))


def host_is_allowed(host: str | None, *, allowed_hosts: Iterable[str]) -> bool:
    """Would a request with this Host be answered? `allowed_hosts` are patterns as in ALLOWED_HOSTS."""
    try:
        name = None if host is None else host_name(host.strip().encode("ascii"))
    except UnicodeEncodeError:
        return False
    return name in AllowedHosts(allowed_hosts)
