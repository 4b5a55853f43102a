"""The grammars of settings: what no annotation can say of one value (RFC 3986 §3, RFC 9110 §5)."""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address, ip_network

from flasgo.patterns import regex
from flasgo.settings_sources import shown

TCHARS = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}"
"""A token (RFC 9110 §5.6.2)."""

_PLACEHOLDER = regex(
    "changeme|changethis|replaceinproduction|replaceme|replacethis|devinsecure|insecuresecret|yoursecret|secretkeyhere"
)
_MAKE_A_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(48))' makes a good one"


def key_fault(key: str) -> str | None:
    if _PLACEHOLDER.search(re.sub(r"[^a-z0-9]", "", key.lower())):
        return f"is a placeholder out of an example; {_MAKE_A_KEY}"
    if not 32 <= len(key) <= 4_096:  # noqa: PLR2004 - the next line says them
        return f"must have 32 to 4096 characters; {_MAKE_A_KEY}"
    if len(set(key)) < 5:  # noqa: PLR2004 - the next line says it
        return f"must have at least 5 different characters; {_MAKE_A_KEY}"
    return None


_HOST = regex(r"(?:(?P<name>[A-Za-z0-9_.-]{1,255})|\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?")
_LABEL_MAX = 63  # RFC 1035 §2.3.4
_SCHEME = regex(r"[A-Za-z][A-Za-z0-9+.-]*")  # RFC 3986 §3.1


def _is_host(text: str) -> bool:
    """A name, IPv4 or bracketed IPv6 address, with or without a port from 1 to 65535 (RFC 9110 §7.2)."""
    parts = _HOST.fullmatch(text)
    if parts is None or not 1 <= int(parts["port"] or 1) < 2**16:
        return False
    if parts["ipv6"] is None:
        return all(0 < len(label) <= _LABEL_MAX for label in parts["name"].removesuffix(".").split("."))
    try:
        IPv6Address(parts["ipv6"])
    except AddressValueError:
        return False
    return True


def _is_domain(text: str) -> bool:
    """ "." before the domain whose sub-domains are meant."""
    return text.startswith(".") and "[" not in text and _is_host(text[1:])


def _is_host_pattern(text: str) -> bool:
    """A host, where IPv6 may go without brackets; "*" for every one; "." or "*." before a domain for its sub-domains."""
    host = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    return text == "*" or _is_host(host) or _is_domain(text.removeprefix("*"))


def _is_origin(text: str) -> bool:
    """`scheme://host[:port]`; or without scheme for either; "*." before a domain, or "." where there is no scheme, for its sub-domains."""
    scheme, separator, host = text.rpartition("://")
    if separator:
        return scheme in {"http", "https"} and (_is_host(host) or (host.startswith("*") and _is_domain(host[1:])))
    return text != "null" and (_is_host(text) or _is_domain(text.removeprefix("*")))


def is_cors_origin(text: str) -> bool:
    """As _is_origin, but with its scheme; or "*" for every one."""
    return text == "*" or ("://" in text and _is_origin(text))


CORS_ORIGIN_FORM = "an origin as in 'https://app.example.com:8443', 'https://*.example.com' for its sub-domains, or '*' for all; no path"


def _is_network(text: str) -> bool:
    """An IP address, a network as in 10.0.0.0/8, whose host bits are zero, or "unix" for peers on a unix socket."""
    if text == "unix":
        return True
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


_RATE = regex(r"([1-9][0-9]{0,5}|1000000)/([1-9][0-9]{0,4})")
_DAY = 86_400
_EXACT = 9_000_000_000  # see plan/limits.py


def _is_rate(text: str) -> bool:
    """Requests, a slash, and whole seconds up to a day."""
    parts = _RATE.fullmatch(text)
    return parts is not None and int(parts[2]) <= _DAY and int(parts[1]) * int(parts[2]) <= _EXACT


_HOST_FORM = "a host as in 'example.com' or '[::1]', '.example.com' for its sub-domains, '*' for every host; no scheme, path or space"
GRAMMARS: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("ALLOWED_HOSTS", _is_host_pattern, _HOST_FORM),
    ("SSRF_ALLOWED_HOSTS", _is_host_pattern, _HOST_FORM),
    (
        "ALLOWED_REDIRECT_HOSTS",
        lambda text: text != "*" and _is_host_pattern(text),
        "a host as in 'example.com', '.example.com' for its sub-domains; for any host say redirect(…, allow_external=True)",
    ),
    (
        "TRUSTED_PROXIES",
        _is_network,
        "an address as in '10.0.0.1', a network as in '10.0.0.0/8' with no host bits set, or 'unix'",
    ),
    (
        "CSRF_TRUSTED_ORIGINS",
        _is_origin,
        "an origin as in 'https://example.com:8443', without path; '.example.com' or 'https://*.example.com' for sub-domains",
    ),
    ("CORS_ORIGINS", is_cors_origin, CORS_ORIGIN_FORM),
    (
        "RATE_LIMIT_DEFAULT",
        _is_rate,
        "requests and seconds as in '100/60': 1 to 1000000 requests in 1 to 86400 seconds, their product below 9000000000",
    ),
    ("SSRF_ALLOWED_SCHEMES", _SCHEME.fullmatch, "a scheme as in 'https', without '://'"),
)

_FRAMING = frozenset({"connection", "content-length", "set-cookie", "trailer", "transfer-encoding", "upgrade"})
_HEADER_NAME = regex(TCHARS)
_HEADER_VALUE = regex(r"(?:[!-~\xa0-\xff](?:[ -~\xa0-\xff]*[!-~\xa0-\xff])?)?")  # RFC 9110 §5.5, without tabs


def header_fault(name: str, value: str) -> str | None:
    if not _HEADER_NAME.fullmatch(name):
        return f"holds {shown(name)}, which is no header name; write letters, digits and '-'"
    if name.lower() in _FRAMING:
        return f"holds {name}, which belongs to the single answer; take it out"
    if not _HEADER_VALUE.fullmatch(value):
        return (
            f"holds a value of {name} with a line break, control character or outer space, or not in Latin-1; mend it"
        )
    return None
