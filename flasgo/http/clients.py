"""For whom something is counted: limits, throttles and connections tell clients apart in the same way."""

from hashlib import sha256
from socket import AF_INET6, inet_pton

MAPPED = bytes(10) + b"\xff\xff"
"""What stands before an IPv4 address that is written as IPv6 (RFC 4291 §2.5.5.2)."""

MAX_KEY = 64
"""Characters of a key; what is longer is replaced by its hash."""


def client_key(ip: str | None) -> str | None:
    """Whom an address stands for: an IPv4 address, the /64 of an IPv6 address, which is what one customer gets.

    IPv4 inside IPv6 is that IPv4 address. What a server gives that is no address is taken as it is. None for a client that
    is not known: those are never counted as one, or any of them could lock out all others.
    """
    if not ip:
        return None
    if ":" in ip:
        try:
            packed = inet_pton(AF_INET6, ip.partition("%")[0])
        except (OSError, ValueError):
            return bounded(ip)
        if packed[:12] == MAPPED:
            return ".".join(map(str, packed[12:]))
        return f"{packed[:8].hex()}/64"
    return ip if len(ip) <= MAX_KEY else bounded(ip)


def bounded(text: str) -> str:
    """The text, or its hash where it is longer than a key may be. No two texts share one."""
    if len(text) <= MAX_KEY and not text.startswith("sha256:"):
        return text
    return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
