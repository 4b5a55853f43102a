"""Cookies as browsers send and keep them (RFC 6265bis).

Reading never fails: one odd cookie, set by a neighbour on the same site, must not lock a visitor out. Nothing is
unquoted, for browsers do not. A cookie without a name keeps the empty name, and can never pass for another
(Werkzeug CVE-2023-23934). Writing is strict: what a browser would drop or read otherwise is a ValueError with its cure.
"""

import time
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from flasgo.errors import MalformedRequest
from flasgo.http.conditional import http_date
from flasgo.http.headers import TOKEN
from flasgo.patterns import regex

SameSite: TypeAlias = Literal["Lax", "Strict", "None"]

MAX_COOKIE_BYTES = 4096
"""Name, value and attributes together; browsers drop larger cookies without a word (RFC 6265bis §5.6)."""

_VALUE = regex(r"[!#-+\--:<-\[\]-~]*")  # cookie-octet
_PATH = regex(r"/[!-:<-~]*")
_DOMAIN = regex(r"(?=.{1,253}\Z)[0-9A-Za-z-]{1,63}(?:\.[0-9A-Za-z-]{1,63})*")


class DuplicateCookie(MalformedRequest):
    """One name came with two values, or without a name before it, so somebody else may have set one of them; nobody can tell which."""


def parse_cookies(header: bytes) -> dict[str, list[str]]:
    """Each name of a Cookie header with all its values, in the order sent: more specific paths come first.

    Cookies without a name are under "". Bytes that are not UTF-8 become U+FFFD. Linear in the length of the header;
    the lines of several Cookie headers are joined by `b"; "` (RFC 9113 §8.2.3).
    """
    cookies: dict[str, list[str]] = {}
    for pair in filter(None, header.decode("utf-8", "replace").split(";")):
        name, equals, value = pair.strip(" \t").partition("=")
        if equals:
            cookies.setdefault(name.rstrip(" \t"), []).append(value.lstrip(" \t"))
        elif name:
            cookies.setdefault("", []).append(name)
    return cookies


def find_cookie(header: bytes, name: bytes) -> bytes | None:
    """The value of the cookie of this name (not empty) in a Cookie header; None where it is absent.

    Raises DuplicateCookie where the name is there twice, be the values equal or not, and where a cookie without a name poses
    as it (Werkzeug CVE-2023-23934). Linear in the length of the header.
    """
    before, found, after = header.partition(name)
    if not found:
        return None
    if (not before or before.endswith(b"; ")) and after.startswith(b"=") and after.find(name) < 0:
        return after[1:].partition(b";")[0].strip(b" \t")  # as browsers write it
    pairs = [pair.partition(b"=") for pair in header.split(b";")]
    values = [value.strip(b" \t") for key, equals, value in pairs if equals and key.strip(b" \t") == name]
    if len(values) > 1 or any(_poses_as(name, key, value) for key, _, value in pairs):
        raise DuplicateCookie("A cookie was sent twice. Clear the cookies of this site and try again.")
    return values[0] if values else None


def _poses_as(name: bytes, key: bytes, value: bytes) -> bool:
    """Is it a cookie without a name whose value looks like the whole of another (`=name=value`)? Some readers take it for that."""
    return not key.strip(b" \t") and value.lstrip(b" \t").startswith(name + b"=")


def build_set_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    expires: datetime | None = None,
    secure: bool = True,
    http_only: bool = True,
    same_site: SameSite | None = "Lax",
    path: str = "/",
    domain: str | None = None,
    partitioned: bool = False,
) -> str:
    """The value of a Set-Cookie line.

    `max_age` is in seconds, zero or less deletes the cookie; Expires is said too, for `max_age` from now unless
    `expires` gives another time. With neither the cookie lives as long as the browser's session.
    Raises ValueError for whatever a browser would drop or misread, and for more than MAX_COOKIE_BYTES.
    """
    _check_syntax(name, value, path=path, domain=domain, same_site=same_site)
    _check_rules(name, secure=secure, same_site=same_site, path=path, domain=domain, partitioned=partitioned)
    parts = [f"{name}={value}", f"Path={path}"]
    if domain is not None:
        parts.append(f"Domain={domain.removeprefix('.')}")
    if same_site is not None:
        parts.append(f"SameSite={same_site}")
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if expires is not None or max_age is not None:
        parts.append(f"Expires={http_date(_expiry(name, expires, max_age or 0))}")
    parts.extend(
        flag for flag, wanted in (("Secure", secure), ("HttpOnly", http_only), ("Partitioned", partitioned)) if wanted
    )
    line = "; ".join(parts)
    if len(line) > MAX_COOKIE_BYTES:
        raise ValueError(
            f"cookie {name[:64]!r} is {len(line)} bytes with its attributes, and browsers drop more than"
            f" {MAX_COOKIE_BYTES}: keep the data on the server, and its id in the cookie"
        )
    return line


def delete_cookie_header(
    name: str,
    *,
    secure: bool = True,
    http_only: bool = True,
    same_site: SameSite | None = "Lax",
    path: str = "/",
    domain: str | None = None,
    partitioned: bool = False,
) -> str:
    """The value of a Set-Cookie line that deletes; the attributes must be those with which the cookie was set."""
    return build_set_cookie(
        name,
        "",
        max_age=0,
        expires=datetime.fromtimestamp(0, UTC),
        secure=secure,
        http_only=http_only,
        same_site=same_site,
        path=path,
        domain=domain,
        partitioned=partitioned,
    )


def _check_syntax(name: str, value: str, *, path: str, domain: str | None, same_site: str | None) -> None:
    if TOKEN.fullmatch(name) is None:
        raise ValueError(f"{name[:64]!r} is not a cookie name: use letters, digits, hyphens and underscores")
    if _VALUE.fullmatch(value) is None:
        raise ValueError(
            f"cookie {name[:64]!r}: its value holds a space, a control or non-ASCII character, or one of"
            ' " , ; \\: encode it, as base64url for example'
        )
    if _PATH.fullmatch(path) is None:
        raise ValueError(f"cookie {name[:64]!r}: its path must begin with / and be percent-encoded, without ;")
    if domain is not None and _DOMAIN.fullmatch(domain.removeprefix(".")) is None:
        raise ValueError(f"cookie {name[:64]!r}: its domain must be a host name in ASCII (IDNA), without a port")
    if same_site not in {"Lax", "Strict", "None", None}:
        raise ValueError(f'cookie {name[:64]!r}: same_site must be "Lax", "Strict", "None" or None')


def _check_rules(
    name: str, *, secure: bool, same_site: str | None, path: str, domain: str | None, partitioned: bool
) -> None:
    """What browsers demand of prefixes (RFC 6265bis §4.1.3, without regard to case), SameSite=None and Partitioned."""
    prefix = name.lower()
    if not secure:
        if prefix.startswith(("__host-", "__secure-")):
            raise ValueError(f"cookie {name[:64]!r}: its prefix demands secure=True")
        if same_site == "None" or partitioned:
            raise ValueError(f"cookie {name[:64]!r}: SameSite=None and Partitioned demand secure=True")
    if prefix.startswith("__host-") and (path != "/" or domain is not None):
        raise ValueError(f'cookie {name[:64]!r}: the prefix __Host- demands path="/" and no domain')


def _expiry(name: str, expires: datetime | None, max_age: int) -> float:
    if expires is None:
        return int(time.time()) + max_age
    if expires.tzinfo is None:
        raise ValueError(f"cookie {name[:64]!r}: expires has no time zone: use datetime.now(UTC) and the like")
    return expires.timestamp()
