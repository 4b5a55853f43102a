"""URLs of strangers, taken apart in one way only (RFC 3986 §3, the part of it that no two parsers read differently).

    scheme://[userinfo@]host[:port][/path][?query][#fragment]

No control, format or private-use character, no space, no backslash, at most 8,192 characters. A host is a name of letters,
digits, "-" and "_", or an IPv4 address, or an IPv6 address in brackets and without a zone. A name that ends in a number would
be an address to some resolvers (`127.1`, `0x7f.1`, `2130706433`), so it must be one in strict dotted decimal. Names in
other scripts become their ASCII form (UTS #46, IDNA 2008); a trailing dot is dropped; nothing in a host is percent-decoded.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Literal, TypeAlias
from urllib.parse import quote, urljoin

from msgspec import Struct

from flasgo.errors import BadRequest
from flasgo.outbound.addresses import Address
from flasgo.patterns import regex

Refusal: TypeAlias = Literal[
    "malformed_url",
    "scheme_not_allowed",
    "userinfo_not_allowed",
    "host_not_allowed",
    "port_not_allowed",
    "address_not_allowed",
    "unresolvable_host",
    "lookup_timeout",
    "redirect_not_allowed",
]


class SSRFViolation(BadRequest, ValueError):
    """A URL that must not be fetched. `code` is stable; the message may be shown: it never holds credentials or addresses.

    Such a URL nearly always comes from the request, so the request is what is wrong with it: 400, where nobody handles it.
    """

    def __init__(self, message: str, code: Refusal = "malformed_url") -> None:
        super().__init__(message)
        self.refusal: Refusal = code

    @property
    def code(self) -> Refusal:
        return self.refusal

    def __str__(self) -> str:
        return self.detail

    def __reduce__(self) -> tuple[type["SSRFViolation"], tuple[str, Refusal]]:
        return type(self), (self.detail, self.refusal)


class OutboundURL(Struct, frozen=True):
    """A URL in parts. `userinfo`, `port` and `rest` are as written, but in ASCII.

    `host`: a name in lower-case ASCII, or an address in its shortest form and without brackets; `address`: the latter, parsed.
    """

    scheme: str
    userinfo: str | None
    host: str
    address: Address | None
    port: int | None
    rest: str

    @property
    def host_header(self) -> str:
        """The Host that a request to this URL sends (RFC 9110 §7.2)."""
        return _bracketed(self.host) + self._port_suffix

    def at(self, address: Address) -> str:
        """The URL with `address` in place of its host, and with a path before its query: some readers look for the host's end at a slash."""
        userinfo = "" if self.userinfo is None else f"{self.userinfo}@"
        path = "/" if self.rest.startswith(("?", "#")) else ""
        return f"{self.scheme}://{userinfo}{_bracketed(str(address))}{self._port_suffix}{path}{self.rest}"

    @property
    def _port_suffix(self) -> str:
        return "" if self.port is None else f":{self.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


MAX_URL = 8_192
"""Characters of a URL; RFC 9110 §4.1 asks for 8,000 octets at least."""
MAX_HOST = 253
"""Characters of a host, counted before anything is normalised (Django CVE-2025-64458) and again after (RFC 1035 §2.3.4)."""

_SHAPE = regex(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,31})://"
    r"(?:(?P<userinfo>[^/?#@\[\]]*)@)?"
    r"(?P<host>\[[^/?#@\[\]]*\]|[^/?#@\[\]:]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?#].*)?)"
)
_IPV6 = regex(r"\[([0-9A-Fa-f:.]*)\]")
_NAME = regex(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_ENDS_IN_NUMBER = regex(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # as the URL Standard has it, "ends in a number"
_VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def parse_url(url: str) -> OutboundURL:
    """The parts of an absolute URL.

    Raises SSRFViolation where it breaks the grammar above.
    """
    _check_text(url)
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise SSRFViolation("The URL is not of the form https://host:port/path. Write it in full.")
    host, address = parse_host(shape["host"])
    port = None if shape["port"] is None else int(shape["port"])
    if port is not None and not 1 <= port < 2**16:
        raise SSRFViolation("The port of the URL is not a number from 1 to 65535.")
    userinfo = None if shape["userinfo"] is None else _ascii(shape["userinfo"])
    return OutboundURL(shape["scheme"].lower(), userinfo, host, address, port, _ascii(shape["rest"]))


def parse_host(text: str) -> tuple[str, Address | None]:
    """The host of a URL as it is compared, and the address where it is one.

    Raises SSRFViolation where it breaks the grammar above.
    """
    if text.startswith("["):
        return _parse_ipv6(text)
    name = _ascii_name(text).lower().removesuffix(".")
    if len(name) > MAX_HOST or not _NAME.fullmatch(name):
        raise SSRFViolation("The host of the URL is missing, too long, or has characters that no host name has.")
    if not _ENDS_IN_NUMBER.fullmatch(name):
        return name, None
    try:
        return name, IPv4Address(name)
    except ValueError:
        raise SSRFViolation(
            "The host of the URL ends in a number, but is no IPv4 address. Write four numbers from 0 to 255 between dots."
        ) from None


def join_url(base: str, location: str) -> str:
    """Where a Location leads from a URL (RFC 3986 §5.2).

    Raises SSRFViolation where that cannot be told.
    """
    _check_text(location)
    try:
        return urljoin(base, location)
    except ValueError:
        raise SSRFViolation("The redirect leads to something that is not a URL.") from None


def _check_text(url: str) -> None:
    if len(url) > MAX_URL:
        raise SSRFViolation(f"The URL has more than {MAX_URL} characters.")
    if not url.isprintable() or " " in url or "\\" in url:
        raise SSRFViolation("The URL holds a space, a backslash or an invisible character. Percent-encode it.")


def _parse_ipv6(text: str) -> tuple[str, Address]:
    brackets = _IPV6.fullmatch(text)
    try:
        address = IPv6Address(brackets[1] if brackets else "")
    except ValueError:
        raise SSRFViolation(
            "The host of the URL is in brackets, but is no IPv6 address. Write one without a zone, as in [2001:db8::1]."
        ) from None
    return str(address), address


def _ascii_name(name: str) -> str:
    if len(name) > MAX_HOST or name.isascii():
        return name
    import idna  # noqa: PLC0415 - 40 ms that only names in other scripts pay

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:  # of which idna's own errors are kinds
        raise SSRFViolation(
            "The host of the URL is no valid international name. Write its ASCII form, xn--…."
        ) from None


def _ascii(text: str) -> str:
    """Text beyond ASCII, percent-encoded (RFC 3987 §3.1), so that no client has to guess."""
    return text if text.isascii() else quote(text, safe=_VISIBLE_ASCII)
