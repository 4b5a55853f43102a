"""F003 to F005, F007, F010 and F017: what the settings turn off, or leave as it is on a developer's machine."""

import re
from collections.abc import Iterator

from flasgo.checks.model import Facts, Finding, Severity

YEAR = 31_536_000
"""Seconds: what a Strict-Transport-Security has at least, as lists of preloaded sites want it."""

LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "testserver"})

LARGE_BODY = 100 * 1024 * 1024
LARGE_HEAD = 65_536
LONG_READ = 60.0
"""Bytes and seconds beyond which a limit of every route is none."""


def debug(facts: Facts) -> Iterator[Finding]:
    if facts.settings.DEBUG:
        yield Finding(
            "F003",
            "error",
            "DEBUG is on: errors are shown with source and variables to whoever can reach the page, and every answer is checked twice.",
            "Set DEBUG to False. FLASGO_ENV=production in the environment refuses it from then on.",
        )


def hosts(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    names = {host.partition(":")[0] if host.count(":") == 1 else host for host in settings.ALLOWED_HOSTS}
    cure = 'Name the hosts that you serve, as in ALLOWED_HOSTS={"shop.example", "www.shop.example"}.'
    if not settings.ENFORCE_ALLOWED_HOSTS:
        yield Finding(
            "F004",
            "error",
            "ENFORCE_ALLOWED_HOSTS is off: links and redirects are made of whatever Host a client sends.",
            f"Leave it on. {cure}",
        )
    elif "*" in names:
        yield Finding(
            "F004",
            "error",
            'ALLOWED_HOSTS holds "*": links and redirects are made of whatever Host a client sends.',
            cure,
        )
    elif not names:
        yield Finding("F004", "error", "ALLOWED_HOSTS is empty: every request is answered with 400.", cure)
    elif names <= LOCAL:
        yield Finding(
            "F004",
            "warning",
            "ALLOWED_HOSTS names this machine alone: requests from outside are answered with 400.",
            cure,
        )


def cookies(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings

    def found(severity: Severity, message: str, hint: str) -> Finding:
        return Finding("F005", severity, message, hint)

    if not settings.SESSION_COOKIE_SECURE:
        yield found(
            "error",
            "SESSION_COOKIE_SECURE is off: the session travels over http, where others read it, and its name has no __Host-.",
            "Set it to True, and serve over https.",
        )
    elif not settings.session_cookie_name.lower().startswith("__host-"):
        yield found(
            "warning",
            f"The session cookie is named {settings.session_cookie_name!r}, without __Host-: a sub-domain can set another in its place.",
            'Leave SESSION_COOKIE_PREFIX at "auto", and SESSION_COOKIE_NAME without a prefix.',
        )
    if settings.CSRF_ENABLED and not settings.CSRF_COOKIE_SECURE:
        yield found("error", "CSRF_COOKIE_SECURE is off: the token travels over http.", "Set it to True.")
    if not settings.SESSION_COOKIE_HTTP_ONLY:
        yield found(
            "error",
            "SESSION_COOKIE_HTTP_ONLY is off: one injected script reads every visitor's session.",
            "Set it to True; scripts need no more than csrf_token().",
        )
    if settings.SESSION_COOKIE_SAME_SITE == "None":
        yield found(
            "warning",
            'SESSION_COOKIE_SAME_SITE is "None": pages of other sites send requests as your visitor, and CSRF alone stops them.',
            'Use "Lax", unless your pages are meant to work inside other sites\' frames.',
        )


def transport(facts: Facts) -> Iterator[Finding]:
    value = facts.settings.SECURITY_HEADERS.get("strict-transport-security")
    cure = "Leave SECURITY_HEADERS its strict-transport-security of max-age=63072000; includeSubDomains (RFC 6797)."
    if value is None:
        yield Finding(
            "F007", "warning", "No Strict-Transport-Security is sent: the first request may go over http.", cure
        )
        return
    age = re.search(r"max-age\s*=\s*\"?([0-9]+)", value, re.IGNORECASE)
    if age is None or int(age[1]) < YEAR:
        yield Finding("F007", "warning", f"Strict-Transport-Security holds for less than a year: {value!r}.", cure)


def limits(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    if not settings.SECURITY_FAILURE_RATE_LIMIT:
        yield Finding(
            "F010",
            "warning",
            "SECURITY_FAILURE_RATE_LIMIT is 0: refused requests cost you as much as a client likes.",
            "Leave it at 50; valid requests are never counted.",
        )
    if not settings.CREDENTIAL_FAILURE_LIMIT:
        yield Finding(
            "F010",
            "error",
            "CREDENTIAL_FAILURE_LIMIT is 0: passwords and tokens can be guessed for as long as somebody likes.",
            "Leave it at 10; it counts for each account and client.",
        )
    for name, value, most, unit in (
        ("MAX_REQUEST_BODY_BYTES", settings.MAX_REQUEST_BODY_BYTES, LARGE_BODY, "bytes"),
        ("MAX_REQUEST_HEAD_BYTES", settings.MAX_REQUEST_HEAD_BYTES, LARGE_HEAD, "bytes"),
        ("REQUEST_READ_TIMEOUT_SECONDS", settings.REQUEST_READ_TIMEOUT_SECONDS, LONG_READ, "seconds"),
    ):
        if value > most:
            yield Finding(
                "F010",
                "warning",
                f"{name} is {value:,} {unit}, for every route: a few clients can use up memory or time.",
                "Lower it, and give the routes that need more max_body_bytes=… of their own.",
            )


def autoescape(facts: Facts) -> Iterator[Finding]:
    if facts.autoescape is not None and facts.autoescape is not True:
        yield Finding(
            "F017",
            "error",
            "The templates' autoescaping is not on for every name: what visitors type becomes HTML (CWE-79).",
            "Leave environment.autoescape at True; a value that is HTML already is a Markup.",
        )
