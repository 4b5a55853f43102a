"""F006, F008, F009, F014, F015 and F018: what routes let others do, and what their answers allow."""

import re
from collections.abc import Iterable, Iterator, Mapping

from flasgo.checks.model import Facts, Finding, Judged, Severity
from flasgo.plan.access import Access
from flasgo.plan.cors import ANY, CORS, cors_of, cors_of_settings
from flasgo.plan.headers import RouteHeaders
from flasgo.plan.limits import RateLimitRule, rule_of, rules_of
from flasgo.plan.model import SAFE_METHODS, Route
from flasgo.settings import DEFAULT_SECURITY_HEADERS

METRICS = re.compile(r"/(?:metrics|prometheus|statsz?|debug|actuator|health/details)/?$")
"""Paths whose answers are for operators."""

LOOSE_SOURCES = re.compile(r"'unsafe-inline'|'unsafe-eval'|(?<![\w.:/*-])\*(?![\w.:/-])|\bdata:|\bhttps?:(?!//)")
"""What lets a script-src run scripts of strangers (CSP 3 §2.3)."""

STRICT = "strict-transport-security"


def places(judged: Iterable[Judged]) -> tuple[str, ...]:
    return tuple(f"{one}  {one.route.plan.source.file}:{one.route.plan.source.line}" for one in judged)


def is_unsafe(route: Route) -> bool:
    return not route.methods <= SAFE_METHODS


def forgery(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    open_to_it = [one for one in facts.routes if is_unsafe(one.route) and one.ambient and not one.checked]
    if not settings.CSRF_ENABLED:
        yield Finding(
            "F006",
            "error" if open_to_it else "warning",
            "CSRF_ENABLED is off: pages of other sites can act as whoever visits them.",
            "Leave it on. Routes of bearer tokens and keys in headers need no token, and csrf=False exempts a single one.",
            places(open_to_it),
        )
    elif open_to_it:
        yield Finding(
            "F006",
            "warning",
            "Routes with csrf=False, whose callers may be known by what a browser sends by itself:",
            "Take csrf=False away; or name a backend of bearer tokens or keys in headers (auth=…), which needs no token.",
            places(open_to_it),
        )
    if settings.CSRF_ENABLED and not (settings.CSRF_CHECK_ORIGIN and settings.CSRF_REQUIRE_ORIGIN):
        name = "CSRF_REQUIRE_ORIGIN" if settings.CSRF_CHECK_ORIGIN else "CSRF_CHECK_ORIGIN"
        yield Finding(
            "F006",
            "warning",
            f"{name} is off: the token alone tells a request of yours from one that another site makes.",
            "Leave it on, and name other origins of yours in CSRF_TRUSTED_ORIGINS.",
        )


def headers(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    sent = settings.SECURITY_HEADERS
    missing = sorted(name for name in DEFAULT_SECURITY_HEADERS if name not in sent and name != STRICT)
    if missing:
        yield Finding(
            "F008",
            "warning",
            f"SECURITY_HEADERS lacks {', '.join(missing)}: it replaces the whole set.",
            "Write SECURITY_HEADERS={**flasgo.settings.DEFAULT_SECURITY_HEADERS, …}.",
        )
    if (fault := weakened(sent)) is not None:
        yield Finding(
            "F008", "warning", f"SECURITY_HEADERS: {fault}.", "Keep the default, and use csp_nonce() for scripts."
        )
    if not settings.ENFORCE_NO_STORE_CACHE:
        yield Finding(
            "F008",
            "warning",
            "ENFORCE_NO_STORE_CACHE is off: a proxy or a shared computer may keep one visitor's page for another.",
            "Leave it on, and say cache=Cache(…) on the routes whose answers may be kept.",
        )
    for one in facts.routes:
        option = one.route.option(RouteHeaders)
        if option is None:
            continue
        own = {name.decode("latin-1"): value.decode("latin-1") for name, value in option.fields}
        gone = sorted(
            name.decode("latin-1") for name in option.removed if name.decode("latin-1") in DEFAULT_SECURITY_HEADERS
        )
        faults = [*([f"takes {', '.join(gone)} away"] if gone else []), *([found] if (found := weakened(own)) else [])]
        if faults:
            yield Finding(
                "F008",
                "warning",
                f"A route's headers= {' and '.join(faults)}.",
                "Keep the default of this route, or loosen no more than the one directive that it needs.",
                places((one,)),
            )


def weakened(fields: Mapping[str, str]) -> str | None:
    """What is weaker in these headers than it should be, as the middle of a sentence."""
    policy = fields.get("content-security-policy")
    if policy is not None:
        directives = {words[0].lower(): words[1:] for part in policy.split(";") if (words := part.split())}
        scripts = directives.get("script-src", directives.get("default-src"))
        if scripts is None:
            return "content-security-policy says nothing of scripts"
        if LOOSE_SOURCES.search(" ".join(scripts)) and "'strict-dynamic'" not in scripts:
            return f"content-security-policy lets scripts come from {' '.join(scripts)}"
    if fields.get("x-content-type-options", "nosniff").lower() != "nosniff":
        return "x-content-type-options is not nosniff"
    if fields.get("referrer-policy", "").lower() == "unsafe-url":
        return "referrer-policy tells other sites whole URLs"
    return None


def documents(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    if settings.ENABLE_DOCS and not settings.DOCS_AUTH_BACKEND:
        yield Finding(
            "F009",
            "warning",
            f"ENABLE_DOCS is on, and {settings.OPENAPI_PATH} describes every route to everyone.",
            "Set DOCS_AUTH_BACKEND to the backend of those who may see it, or ENABLE_DOCS to False.",
        )
    shown = [one for one in facts.routes if METRICS.search(one.route.path) and is_open(one)]
    if shown:
        yield Finding(
            "F009",
            "warning",
            "What is for operators is shown to everyone:",
            "Say who may see it (permissions=…, auth=…), or keep it from the outside at the proxy.",
            places(shown),
        )


def is_open(one: Judged) -> bool:
    return one.wanted is None or one.wanted.open


def permissions(facts: Facts) -> Iterator[Finding]:
    """What was opened in so many words (AllowAny, or no permissions at all) is meant to be open."""
    unsaid = [
        one for one in facts.routes if is_unsafe(one.route) and one.wanted is None and not one.route.every(Access)
    ]
    if unsaid:
        yield Finding(
            "F015",
            "warning",
            "Routes that change something, and ask nobody who he is:",
            "Say who may call them: permissions=[IsAuthenticated()], or [AllowAny()] for everybody; DEFAULT_PERMISSIONS is for all routes.",
            places(unsaid),
        )


def counted_apart(facts: Facts) -> Iterator[Finding]:
    if facts.workers == 1:
        return
    settings = facts.settings
    several = facts.workers is not None
    how_many = f"{facts.workers} processes" if several else "Several processes would"
    severity: Severity = "warning" if several else "info"
    shared = (
        'Use "sqlite:///path" on one host, or "redis://…"; `flasgo check --workers 1` says that there is one process.'
    )
    defaults: list[RateLimitRule] = [rule_of(text) for text in settings.RATE_LIMIT_DEFAULT]
    limited = [one for one in facts.routes if rules_of(one.route, defaults)]
    if settings.RATE_LIMIT_STORE == "memory" and limited:
        yield Finding(
            "F014",
            severity,
            f'{how_many} count rate limits apart (RATE_LIMIT_STORE is "memory"): a client gets as many times more.',
            shared,
            places(limited),
        )
    if settings.SESSION_STORE == "memory":
        yield Finding(
            "F014",
            "error" if several else severity,
            f'{how_many} keep sessions apart (SESSION_STORE is "memory"): visitors are logged out at random.',
            shared,
        )
    if several and settings.CREDENTIAL_FAILURE_LIMIT and any(map(takes_credentials, facts.routes)):
        yield Finding(
            "F014",
            "info",
            f"{how_many} count wrong credentials apart, whatever the stores are: a guesser has as many times CREDENTIAL_FAILURE_LIMIT tries.",
            "Limit what takes passwords in a shared store, @app.ratelimit(10, per=60, strict=True), or divide CREDENTIAL_FAILURE_LIMIT.",
        )


def takes_credentials(one: Judged) -> bool:
    return one.wanted is not None and any(backend.credentials is not None for backend in one.wanted.backends)


def cross_origin(facts: Facts) -> Iterator[Finding]:
    everywhere = dict(facts.settings.SECURITY_HEADERS)
    if fault := _shared_with(everywhere):
        yield Finding("F018", fault[0], f"SECURITY_HEADERS {fault[1]}", _CORS_CURE)
    everyone = cors_of_settings(facts.settings)
    shared: dict[tuple[Severity, str], list[Judged]] = {}
    for one in facts.routes:
        cors = cors_of(one.route, everyone)
        for fault in () if cors is None else _opened(cors):
            shared.setdefault(fault, []).append(one)
    for (severity, what), routes in shared.items():
        yield Finding("F018", severity, f"CORS {what}:", _CORS_CURE, places(routes))
    for one in facts.routes:
        option = one.route.option(RouteHeaders)
        fields = {} if option is None else {n.decode("latin-1"): v.decode("latin-1") for n, v in option.fields}
        fault = _shared_with(fields, asks=not is_open(one))
        if fault is not None:
            yield Finding("F018", fault[0], f"A route {fault[1]}", _CORS_CURE, places((one,)))


_CORS_CURE = "Name the origins that may read it, one in each answer, with Vary: Origin; never echo what a client sends."


def _opened(cors: CORS) -> Iterator[tuple[Severity, str]]:
    if ANY in cors.origins:
        yield "warning", "lets pages of every site read the answers"
    plain = [origin for origin in cors.origins if origin.startswith("http://") and not LOCAL.match(origin)]
    if plain:
        severity: Severity = "error" if cors.credentials else "warning"
        yield (
            severity,
            f"trusts pages that come without TLS, which any network on the way can write ({', '.join(plain)})",
        )


LOCAL = re.compile(r"http://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?\Z")
"""Origins of this machine: of use in development, and nobody's in production."""


def _shared_with(fields: Mapping[str, str], *, asks: bool = False) -> tuple[Severity, str] | None:
    origin = fields.get("access-control-allow-origin")
    credentials = fields.get("access-control-allow-credentials", "").lower() == "true"
    if origin == "null":
        return "error", 'lets the origin "null" read its answers: every sandboxed frame has it.'
    if origin == "*" and credentials:
        return "error", "lets every site read its answers, and asks for credentials, too."
    if origin == "*":
        return ("error" if asks else "warning"), "lets pages of every site read its answers."
    return None
