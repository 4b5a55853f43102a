"""The cookies of one client, kept as a browser keeps them (RFC 6265; draft-ietf-httpbis-rfc6265bis where it is stricter).

- A cookie is known by name, domain and path. Without Domain it belongs to its host alone; with Domain, to sub-domains too.
- Max-Age outweighs Expires; both end within 400 days. A cookie that has expired deletes the one it names.
- `Secure` needs a secure origin, to be stored and to be sent: https, or a host that is this machine (`localhost`,
  `*.localhost`, 127.0.0.0/8, ::1) over any scheme, which browsers take for trustworthy (W3C Secure Contexts §3.1).
  So the Secure cookies of an application are seen at `http://localhost`, and vanish at `http://testserver`.
- `__Secure-` needs Secure; `__Host-` needs Secure, Path=/ and no Domain; SameSite=None needs Secure. What breaks a rule
  is dropped without a word, as a browser does.
- There is no list of public suffixes: a Domain without a dot is one.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from msgspec import Struct

from flasgo.patterns import regex
from flasgo.testing.target import Target

MAX_COOKIE_BYTES = 4096
"""Name and value together; more is ignored (RFC 6265bis §5.6)."""
MAX_ATTRIBUTE_BYTES = 1024
MAX_LIFETIME_SECONDS = 400 * 24 * 3600
_CONTROL = regex(r"[\x00-\x08\x0a-\x1f\x7f]")


class Cookie(Struct, frozen=True):
    """`expires` is a POSIX time; None lasts as long as the jar."""

    name: str
    value: str
    domain: str
    path: str = "/"
    host_only: bool = True
    secure: bool = False
    expires: float | None = None

    def is_for(self, target: Target) -> bool:
        here = target.host == self.domain if self.host_only else domain_match(target.host, self.domain)
        return here and path_match(target.raw_path, self.path) and (not self.secure or is_secure(target))


class Jar:
    """`clock` gives the POSIX time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def store(self, target: Target, set_cookies: Iterable[str]) -> None:
        """Take the Set-Cookie headers of a response from `target`."""
        for header in set_cookies:
            cookie = parse_set_cookie(header, target, self._clock())
            if cookie is not None and not self._is_shadowed(cookie, target):
                self.put(cookie)

    def put(self, cookie: Cookie) -> None:
        """Keep it without questions; an expired one deletes its namesake. One that is replaced keeps its place."""
        key = (cookie.name, cookie.domain, cookie.path)
        if self._is_alive(cookie):
            self._cookies[key] = cookie
        else:
            self._cookies.pop(key, None)

    def cookies(self) -> list[Cookie]:
        """All that have not expired, oldest first."""
        return [cookie for cookie in list(self._cookies.values()) if self._is_alive(cookie)]

    def sent_to(self, target: Target) -> list[Cookie]:
        """In the order of RFC 6265 §5.4: longer paths first, then older ones."""
        fit = [cookie for cookie in self.cookies() if cookie.is_for(target)]
        return sorted(fit, key=lambda cookie: -len(cookie.path))

    def clear(self) -> None:
        self._cookies.clear()

    def _is_alive(self, cookie: Cookie) -> bool:
        return cookie.expires is None or cookie.expires > self._clock()

    def _is_shadowed(self, cookie: Cookie, target: Target) -> bool:
        """Whether an insecure origin would lay a cookie over a Secure one, which it must leave alone (RFC 6265bis §5.7)."""
        return not is_secure(target) and any(
            old.secure
            and old.name == cookie.name
            and (domain_match(old.domain, cookie.domain) or domain_match(cookie.domain, old.domain))
            and path_match(cookie.path, old.path)
            for old in self.cookies()
        )


def parse_set_cookie(header: str, target: Target, now: float) -> Cookie | None:
    """The cookie of one Set-Cookie header from `target`, or None where a browser ignores it (RFC 6265 §5.2, §5.3)."""
    pair, _, rest = header.partition(";")
    name, value = split_pair(pair)
    if _CONTROL.search(header) or not (name or value) or len(name) + len(value) > MAX_COOKIE_BYTES:
        return None
    attributes = _attributes(rest)
    secure = "secure" in attributes
    same_site_none = attributes.get("samesite", "").lower() == "none"
    if (same_site_none and not secure) or (secure and not is_secure(target)) or _breaks_prefix(name, value, attributes):
        return None
    domain = attributes.get("domain", "").removeprefix(".").lower()
    host_only = domain in {"", target.host} and ("." not in domain or _is_address(domain))
    if domain and not host_only and ("." not in domain or not domain_match(target.host, domain)):
        return None
    path = attributes.get("path", "")
    return Cookie(
        name,
        value,
        domain or target.host,
        path if path.startswith("/") else default_path(target.raw_path),
        host_only,
        secure,
        _expiry(attributes, now),
    )


def split_pair(pair: str) -> tuple[str, str]:
    """Name and value of `name=value`; without "=" it is all value (RFC 6265bis §5.6)."""
    name, separator, value = pair.partition("=")
    return (name.strip(" \t"), value.strip(" \t")) if separator else ("", name.strip(" \t"))


def _attributes(text: str) -> dict[str, str]:
    """By lower-case name; the last of a name counts, and one that is too long does not."""
    pairs = (part.partition("=") for part in text.split(";"))
    stripped = ((name.strip(" \t").lower(), value.strip(" \t")) for name, _, value in pairs)
    return {name: value for name, value in stripped if len(value) <= MAX_ATTRIBUTE_BYTES}


def _breaks_prefix(name: str, value: str, attributes: dict[str, str]) -> bool:
    """RFC 6265bis §5.7: without case, and not by a nameless cookie either, whose value a server would read as a name."""
    if not name:
        return value.lower().startswith(("__host-", "__secure-"))
    if name.lower().startswith("__host-"):
        return "secure" not in attributes or attributes.get("path") != "/" or bool(attributes.get("domain"))
    return name.lower().startswith("__secure-") and "secure" not in attributes


def _expiry(attributes: dict[str, str], now: float) -> float | None:
    max_age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]+", max_age):
        return now + max(0, min(int(max_age), MAX_LIFETIME_SECONDS))
    expires = parse_date(attributes.get("expires", ""))
    return None if expires is None else min(expires, now + MAX_LIFETIME_SECONDS)


_DELIMITER = regex(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = regex(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?")
_DAY = regex(r"([0-9]{1,2})(?:[^0-9].*)?")
_YEAR = regex(r"([0-9]{2,4})(?:[^0-9].*)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_date(text: str) -> float | None:
    """A cookie-date, as liberally as RFC 6265 §5.1.1 reads one; None where it is none."""
    clock = day = month = year = None
    for token in _DELIMITER.split(text):
        if clock is None and (match := _TIME.fullmatch(token)):
            clock = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.fullmatch(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.fullmatch(token)):
            year = int(match[1])
    if clock is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0  # noqa: PLR2004 - two-digit years, steps 3 and 4
    try:
        moment = datetime(year, month, day, *clock, tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() if year >= 1601 else None  # noqa: PLR2004 - the Gregorian calendar, step 5


def default_path(raw_path: str) -> str:
    """RFC 6265 §5.1.4: up to, and without, the last slash."""
    return raw_path.rpartition("/")[0] or "/"


def path_match(path: str, cookie_path: str) -> bool:
    """RFC 6265 §5.1.4: equal, or below."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")


def domain_match(host: str, domain: str) -> bool:
    """RFC 6265 §5.1.3: equal, or a name below; an address has nothing below."""
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def is_secure(target: Target) -> bool:
    """Whether browsers take this origin for potentially trustworthy."""
    if target.scheme == "https" or target.host == "localhost" or target.host.endswith(".localhost"):
        return True
    return _is_address(target.host) and ipaddress.ip_address(target.host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
