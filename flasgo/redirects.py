"""Where a redirect may lead: within this site, unless the program says otherwise (CWE-601, OWASP Unvalidated Redirects).

A target mostly comes from a request (`?next=…`), so what browsers make of it counts, not what it looks like:

    /path, path, ?query, #part       within the site
    http(s)://host/…                 the request's own host, or one of ALLOWED_REDIRECT_HOSTS, or any with `allow_external`

    //host, /\\host, \\host            refused: browsers take them for another host
    javascript:, data:, https:host   refused: no http(s) URL with a host
    user@host                        refused: it looks like another host
    controls, line separators        refused: browsers drop tabs and line breaks, and so join what was apart
    letters that look like others    refused in a host, which is ASCII (punycode for what is not)
    more than 2 KiB                  refused

https is never left for http on the same host. Outside a request nothing is known of a host, so only the first line is safe.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias, cast
from urllib.parse import quote

from flasgo.current import current
from flasgo.errors import UnsafeRedirect
from flasgo.events import Occasion, SecurityLog
from flasgo.http.hosts import AllowedHosts, host_name, host_port
from flasgo.http.url import DEFAULT_PORTS
from flasgo.patterns import regex
from flasgo.settings import Settings

MAX_LOCATION = 2_048

LOCATION_SAFE = "/:?#[]@!$&'()*+,;=%-._~"
"""What may stand in a URI reference (RFC 3986 §2), and the percent sign of what is encoded already."""

PLAIN = regex(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-][A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?(?:#[A-Za-z0-9._~%/-]*)?")
"""What nearly every target is: a path of this site, which needs no further look."""

HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of characters that end lines, are dropped by browsers, or cannot be sent at all."""

SEPARATORS = regex(r"[/?#]")

Fault: TypeAlias = Literal[
    "empty", "too-long", "control", "space", "backslash", "two-slashes",
    "scheme", "no-host", "userinfo", "host", "other-host", "downgrade", "no-request",
]  # fmt: skip

ADVICE: dict[Fault, str] = {
    "other-host": (
        "It leads to another host. If that is meant, list the host in ALLOWED_REDIRECT_HOSTS; "
        "where no user has a say in the target, redirect(…, allow_external=True)."
    ),
    "no-request": "Outside a request only a path is known to be of this site; or say allow_external=True.",
    "downgrade": "It leads from https to http.",
}
OTHERWISE = "It is no path of this site and no http or https URL that every browser reads alike."


class Served(Protocol):
    """What is needed of an application."""

    @property
    def settings(self) -> Settings: ...


class Visit(Occasion, Protocol):
    """What is needed of a request: where it was sent, and to which application (RuntimeError where there is none)."""

    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def app(self) -> Served: ...


def is_safe_redirect_target(url: str, request: Visit | None = None, *, hosts: Iterable[str] | None = None) -> bool:
    """Is it safe to send a visitor there? Within this site, or to one of `hosts` (default: ALLOWED_REDIRECT_HOSTS).

    `hosts` are written as in ALLOWED_REDIRECT_HOSTS. `request` (default: the one in hand) says what this site is.
    """
    visit = _visit() if request is None else request
    return fault_of(url, visit, hosts=hosts) is None


def checked_location(target: str, *, allow_external: bool) -> str:
    """The Location of a redirect to `target`, percent-encoded where it has to be. Raises UnsafeRedirect, which is logged."""
    if len(target) <= MAX_LOCATION and PLAIN.fullmatch(target):
        return target
    visit = _visit()
    fault = fault_of(target, visit, allow_external=allow_external)
    if fault is None:
        location = quote(target, safe=LOCATION_SAFE)
        if len(location) <= MAX_LOCATION:
            return location
        fault = "too-long"
    settings = _settings_of(visit)
    if settings is not None:
        log = SecurityLog(enabled=settings.LOG_SECURITY_EVENTS)
        log.write("redirect-refused", visit, reason=fault, target=target[:256].partition("?")[0])
    raise UnsafeRedirect(f"The target of this redirect is not safe. {ADVICE.get(fault, OTHERWISE)}")


def fault_of(
    target: str, visit: Visit | None, *, hosts: Iterable[str] | None = None, allow_external: bool = False
) -> Fault | None:
    """Why a target is not safe; None where it is."""
    fault = _fault_of_text(target)
    if fault is not None:
        return fault
    first = _first_part(target)
    if ":" not in first:
        return None  # a path, a query or a part of this site
    scheme = first.partition(":")[0].lower()
    if scheme not in DEFAULT_PORTS:
        return "scheme"
    authority, fault = _authority_of(target[len(scheme) + 1 :])
    if fault is not None:
        return fault
    return None if allow_external else _fault_of_host(scheme, authority, visit, hosts)


def _authority_of(rest: str) -> tuple[bytes, Fault | None]:
    """The host and port of a URL, given from behind its scheme, or why they cannot be trusted."""
    if not rest.startswith("//"):
        return b"", "no-host"
    authority = _first_part(rest[2:])
    raw = authority.encode("ascii", "replace")  # a question mark is in no host
    if "@" in authority:
        return raw, "userinfo"
    if host_name(raw) is None:
        return raw, "host" if authority else "no-host"
    return raw, None


def _first_part(text: str) -> str:
    """What stands before the path, query and part."""
    end = SEPARATORS.search(text)
    return text if end is None else text[: end.start()]


def _fault_of_text(target: str) -> Fault | None:
    if not target:
        return "empty"
    if len(target) > MAX_LOCATION:
        return "too-long"
    if any(unicodedata.category(character) in HIDDEN for character in target):
        return "control"
    if target != target.strip():
        return "space"
    beginning = target[:4] if target.isascii() else unicodedata.normalize("NFKC", target[:4])
    if "\\" in target or "\\" in beginning:
        return "backslash"
    return "two-slashes" if beginning.startswith("//") else None


def _fault_of_host(scheme: str, authority: bytes, visit: Visit | None, hosts: Iterable[str] | None) -> Fault | None:
    name, port = host_name(authority), host_port(authority)
    own = None if visit is None else visit.host.encode("latin-1", "replace")
    if hosts is None:
        settings = _settings_of(visit)
        hosts = () if settings is None else settings.ALLOWED_REDIRECT_HOSTS
    if name in _patterns(frozenset(hosts)):
        return None
    if visit is None or own is None:
        return "no-request"
    if name != host_name(own):
        return "other-host"
    ports = DEFAULT_PORTS
    if scheme == visit.scheme:
        same = (port or ports[scheme]) == (host_port(own) or ports[scheme])
    else:
        if scheme == "http":
            return "downgrade"
        same = (port or ports[scheme]) == ports[scheme]
    return None if same else "other-host"


def _visit() -> Visit | None:
    return cast("Visit | None", current.get(None))


def _settings_of(visit: Visit | None) -> Settings | None:
    try:
        return None if visit is None else visit.app.settings
    except RuntimeError:
        return None  # a Request made by hand


@lru_cache(maxsize=32)
def _patterns(hosts: frozenset[str]) -> AllowedHosts:
    return AllowedHosts(hosts)
