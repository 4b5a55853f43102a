"""Settings and registrations → one compiled handle for every route. The only place that knows the order of the stages.

    security headers     outside the net: an error must not lose them
    CSP nonce            right inside: it changes the policy that the headers would add
    ── error net ──      everything below may raise; the failure throttle stands here, where only refusals come
    framing              first: what may be half of another request is no request, whoever it is for
    hosts                nothing else is done for a request that is not for us
    head limit           before anything reads the header fields again
    CORS                 answers preflights, which bring no credentials, before anything asks for some
    session              opened by whoever looks first, which may be CSRF
    csrf                 before any of the application's own code runs for an unsafe request
    before_request       the user's own gates, the application's first, then those of its blueprints, the outer ones first
    limits by address    before anything is spent on finding out who asks
    auth                 who is asking, and whether he may: after the hooks, which may know it
    limits by key        once that is known
    body                 of a plain handler: no thread waits for a client (before plain hooks, where there are any)
    negotiation          whoever takes none of the route's forms is told before anything is done for him
    bind ▸ handler ▸ render
    ── after_request ──  sees what the net answered, too
    entity tags          the first commit: of what the handler and the hooks have made of the answer
    commits              the session is written once nothing can fail any more but the writing itself
    ── finishers ──      CSRF cookie, Vary, security headers

Stages of extensions stand at named places between these (extensions/stages.py): none outside the security headers, which
no extension may take away, and none between a limit and what it protects.

after_request stands outside the net, since it sees every response, and inside the security headers, so that these
have the last word.
"""

import gc
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from os import PathLike
from types import MappingProxyType
from typing import Any, TypeAlias, TypedDict, cast
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct
from msgspec.structs import replace

from flasgo.auth.failures import CredentialFailures
from flasgo.auth.registry import Policies
from flasgo.auth.stage import Authentication
from flasgo.binding.calls import Given
from flasgo.binding.decode import compile_binding
from flasgo.binding.pages import read_page
from flasgo.errors import MalformedRequest, MethodNotAllowed, NotFound
from flasgo.events import SecurityLog
from flasgo.extensions.stages import Place, Placed
from flasgo.http.asgi import Scope, routed_path
from flasgo.http.formlimits import FormLimits
from flasgo.http.url import PATH_SAFE
from flasgo.pageform import FormWords
from flasgo.pipeline.appscope import AppScope
from flasgo.pipeline.arrival import Arrival
from flasgo.pipeline.chain import Composer, Ending, Net
from flasgo.pipeline.endpoint import compile_ending
from flasgo.pipeline.errors import ErrorHandlers, ErrorNet, Explain
from flasgo.pipeline.hooks import BeforeHooks, Hook, Hooks, Teardown, compile_after, compile_teardown
from flasgo.pipeline.negotiation import Negotiation
from flasgo.pipeline.stage import Handle, Stage
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.cors import cors_of_settings
from flasgo.plan.files import StaticFolder
from flasgo.plan.model import FileLimit, Route
from flasgo.ratelimit.limiter import Limiter
from flasgo.ratelimit.stage import RateLimits
from flasgo.redirects import LOCATION_SAFE
from flasgo.request import Application, Request, Terms
from flasgo.response import TEXT, Response, quick
from flasgo.routing.furniture import Processor
from flasgo.routing.mount import Mount, own_ground
from flasgo.routing.pattern import Pattern, Segment
from flasgo.routing.rule import Rule
from flasgo.routing.table import Convert, Miss, Table
from flasgo.security.cors import CrossOrigin, Sharings
from flasgo.security.csp import Nonces
from flasgo.security.csrf import CSRF
from flasgo.security.etags import EntityTags
from flasgo.security.framing import Framing
from flasgo.security.headers import SecurityHeaders
from flasgo.security.hosts import HostCheck
from flasgo.security.limits import HeadLimit
from flasgo.security.proxies import TrustedProxies
from flasgo.security.session_keeper import SessionKeeper
from flasgo.security.sessions import Sessions, SignedCookie
from flasgo.security.stored_sessions import StoredSessions
from flasgo.security.throttle import FailureThrottle
from flasgo.settings import Settings
from flasgo.signing import Signer
from flasgo.storage.failures import FailureCounts
from flasgo.storage.model import Store
from flasgo.templating.engine import JinjaTemplates
from flasgo.templating.lookup import Folder
from flasgo.validation.codecs import NO_CODECS, Codec, Codecs


class Target(Struct, frozen=True):
    """What answers a route's requests, and the terms on which it does; `net` answers what fails while the response is sent.

    `files` says that the path is that of a file.
    """

    handle: Handle
    terms: Terms
    net: ErrorNet
    teardown: Teardown | None
    files: bool = False


class Surroundings(Struct, frozen=True):
    """What stands around the routes of one blueprint, or around those of none: compiled once for all of them."""

    stages: tuple[Stage, ...]
    errors: ErrorNet
    chain: Composer
    teardown: Teardown | None
    terms: Terms


Found: TypeAlias = tuple[Target, tuple[object, ...]]

END = Segment(("",))
"""The empty segment after a path's last slash."""

ANY = "*"
"""Stands for every method where what answers does not depend on it."""


class Assembly(Struct, frozen=True):
    """The frozen application: where every request goes."""

    static: dict[str, dict[str, Target]]
    lasts: dict[str, tuple[Convert | None, dict[str, Target]]]
    table: Table[Target]
    unmatched: Target
    elsewhere: Table[Target]
    """What answers the paths under a blueprint's prefix that no route matches, as the target of `ANY`."""
    proxies: TrustedProxies
    proxied: bool
    finish: Callable[[Request, Response], None]
    rules: Sequence[Rule]
    around: Callable[[Mount | None], Surroundings]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages around the routes that are in no blueprint."""
        return self.around(None).stages

    def find(self, scope: Scope) -> Found:
        """The target of a request that is not one of the static routes' own, and the values in its path."""
        path = scope["path"]
        head, _, text = path.rpartition("/")
        lasts = self.lasts
        if head in lasts and text and path.isascii() and not ("root_path" in scope and scope["root_path"]):  # noqa: RUF019 - a call less
            convert, targets = lasts[head]
            method = scope["method"]
            if method in targets:
                if convert is None:
                    return targets[method], (text,)
                try:
                    return targets[method], (convert(text),)
                except ValueError:
                    pass
        return self._search(scope)

    def _search(self, scope: Scope) -> Found:
        path = routed_path(scope)
        if not path.isascii() and not _is_text(path, scope):
            found = self.table.find("GET", path)
            if isinstance(found, Miss) or not found[0].files:
                return self.unmatched, (MalformedRequest("The path is not UTF-8."),)
            return found[0], ("",)  # no file has such a name, nor has one the empty name
        method = scope["method"]
        found = self.table.find(method, path)
        if not isinstance(found, Miss):
            return found
        if method == "HEAD":
            got = self.table.find("GET", path)
            if not isinstance(got, Miss):
                return got
            found = got
        return self._nowhere(path), (found,)

    def _nowhere(self, path: str) -> Target:
        """What answers where no route matches: the blueprint of the longest prefix, or the application."""
        found = self.elsewhere.find(ANY, path)
        return self.unmatched if isinstance(found, Miss) else found[0]


def _is_text(path: str, scope: Scope) -> bool:
    """Is it what the client sent? Servers put U+FFFD, or a surrogate, in the place of bytes that are not UTF-8."""
    raw = scope.get("raw_path")
    try:
        path.encode()
        if "\ufffd" in path and raw is not None:
            unquote_to_bytes(raw.partition(b"?")[0]).decode()
    except UnicodeError:
        return False
    return True


class AppOptions(TypedDict, total=False):
    """What `Flasgo` takes besides settings and lifespan."""

    session_store: Store | None
    static_folder: str | PathLike[str] | None
    static_url_path: str
    static_cache_max_age: int
    templates: JinjaTemplates | Folder | Sequence[Folder] | None
    codecs: Iterable[Codec[Any, Any]]


def assemble(
    app: Application,
    rules: Sequence[Rule],
    mounts: Sequence[Mount],
    *,
    policies: Policies,
    hooks: Hooks,
    handlers: ErrorHandlers,
    processors: tuple[Processor, ...] = (),
    providers: Mapping[type, Given],
    scope: AppScope,
    pool: ThreadPool,
    limit_store: Store,
    keeper: SessionKeeper | None,
    placed: Sequence[Placed] = (),
    codecs: Codecs = NO_CODECS,
    words: FormWords | None = None,
    verify: bool,
) -> Assembly:
    """Compile every route, and for every mount an answer for what none matches under its prefix.

    `limit_store` counts; `keeper` has the sessions not in cookies; `placed` are of extensions; `verify`: answers are checked.
    """
    settings = app.settings
    log = SecurityLog(enabled=settings.LOG_SECURITY_EVENTS)
    throttle = FailureThrottle(settings, log=log)
    limits = RateLimits(Limiter(limit_store, log=log), [rule.route for rule in rules], settings.RATE_LIMIT_DEFAULT)
    headers, explain = _headers(settings, log), _debug_page(settings) if settings.DEBUG else None
    gates, sessions = tuple(_gates(settings, log)), _sessions(settings, keeper, log)
    csrf, logins = _csrf(rules, settings, log), policies.backends.logins(settings)
    failures, sharings = _credential_failures(settings, log), _sharings(rules, settings)
    terms = replace(_common_terms(app, failures, codecs, words), read_session=sessions.read, csrf=csrf)
    terms = replace(terms, logins=logins, processors=processors)

    @cache
    def around(mount: Mount | None) -> Surroundings:
        everyone, nearest = _with_mounts(mount, hooks, handlers)
        errors = ErrorNet(nearest, pool, throttle.judge, explain)
        stages: tuple[Stage, ...] = (
            headers,
            Nonces(headers.fields),
            *gates,
            *((CrossOrigin(sharings, mount),) if sharings.any else ()),
            sessions,
            *((csrf,) if csrf is not None else ()),
            *_hooked(everyone.before),
            limits.by_client,
            *((logins,) if logins is not None else ()),
            Authentication(policies, failures, pool, log=log),
            limits.by_key,
            throttle,
            Arrival(everyone.before, first=False),
            *OF_FORMS,
        )
        stages = tuple(_with_extensions(stages, placed))
        chain = Composer(Net(errors.answer, compile_after(everyone.after, errors.answer, pool)), pool)
        return Surroundings(stages, errors, chain, compile_teardown(everyone.teardown, pool), _terms_in(terms, mount))

    def answer(rule: Rule) -> Target:
        route = rule.route
        code = compile_binding(route.plan, rule.pattern.names, providers, scope.value_of)
        ending = compile_ending(route, code, pool, verify=verify)
        return _target(route, around(rule.mount), ending, _terms(around(rule.mount).terms, route, rule.pattern))

    def answer_nowhere(mount: Mount | None) -> Target:
        return _target(None, around(mount), NOWHERE, around(mount).terms)

    table = _routes(rules, settings, answer)
    return Assembly(
        static=table.static,
        lasts=table.lasts,
        table=table,
        unmatched=answer_nowhere(None),
        elsewhere=_elsewhere(mounts, answer_nowhere),
        proxies=TrustedProxies(settings.TRUSTED_PROXIES, settings.PROXY_HEADERS, log=log),
        proxied=bool(settings.TRUSTED_PROXIES),
        finish=CrossOrigin(sharings, None).before(headers.finish),
        rules=rules,
        around=around,
    )


OF_FORMS: tuple[Stage, ...] = (Negotiation(), EntityTags())
"""What is of the forms of an answer, and has nothing of one application."""


def _with_extensions(stages: Iterable[Stage], placed: Sequence[Placed]) -> Iterator[Stage]:
    """The stages, and between them those of extensions at their places."""
    for stage in stages:
        yield from (each for each in placed if BEFORE.get(each.place) is type(stage))
        yield stage
        yield from (each for each in placed if AFTER.get(each.place) is type(stage))


BEFORE: Mapping[Place, type] = MappingProxyType({"before-hooks": BeforeHooks, "before-auth": Authentication})
AFTER: Mapping[Place, type] = MappingProxyType(
    {"around": Nonces, "before-session": HeadLimit, "after-auth": Authentication, "before-handler": EntityTags}
)
"""Where extensions' places are."""


def _hooked(hooks: Sequence[Hook]) -> tuple[Stage, ...]:
    """The hooks before a handler; the body that plain ones may ask for is waited for first."""
    return Arrival(hooks, first=True), BeforeHooks(hooks)


def _gates(settings: Settings, log: SecurityLog) -> Iterator[Stage]:
    """What a request passes before anybody reads it."""
    yield Framing(log=log)
    if settings.ENFORCE_ALLOWED_HOSTS:
        yield HostCheck(settings.ALLOWED_HOSTS, log=log)
    yield HeadLimit(settings.MAX_REQUEST_HEAD_BYTES)


def _headers(settings: Settings, log: SecurityLog) -> SecurityHeaders:
    return SecurityHeaders(
        settings.SECURITY_HEADERS, no_store=settings.ENFORCE_NO_STORE_CACHE, explain=log if settings.DEBUG else None
    )


def _common_terms(
    app: Application, failures: CredentialFailures | None, codecs: Codecs, words: FormWords | None
) -> Terms:
    settings = app.settings
    return Terms(
        page_reader=partial(read_page, codecs=codecs, words=words),
        codecs=codecs,
        max_body_bytes=settings.MAX_REQUEST_BODY_BYTES,
        read_timeout=settings.REQUEST_READ_TIMEOUT_SECONDS,
        app=app,
        failures=failures,
        form_limits=FormLimits(max_body_bytes=settings.MAX_REQUEST_BODY_BYTES),
    )


def _credential_failures(settings: Settings, log: SecurityLog) -> CredentialFailures | None:
    limit = settings.CREDENTIAL_FAILURE_LIMIT
    if not limit:
        return None
    return CredentialFailures(FailureCounts(settings.CREDENTIAL_FAILURE_WINDOW_SECONDS), limit, log=log)


def _sharings(rules: Sequence[Rule], settings: Settings) -> Sharings:
    return Sharings(rules, cors_of_settings(settings), partial(forms_of, settings=settings))


def _sessions(settings: Settings, keeper: SessionKeeper | None, log: SecurityLog) -> Sessions:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    codec = SignedCookie(
        Signer(keys, "session"), idle=settings.SESSION_COOKIE_MAX_AGE, absolute=settings.SESSION_ABSOLUTE_MAX_AGE
    )
    if keeper is None:
        return Sessions(settings, codec, log=log)
    return StoredSessions(settings, codec, keeper, log=log)


def _debug_page(settings: Settings) -> Explain:
    """Named, not imported: nothing but DEBUG loads that room."""
    return cast("Explain", import_module("flasgo.debug.page").DebugPage(settings).answer)


def _csrf(rules: Sequence[Rule], settings: Settings, log: SecurityLog) -> CSRF | None:
    if not settings.CSRF_ENABLED:
        return None
    return CSRF(settings, issues=any(CSRF.issues_for(rule.route) for rule in rules), log=log)


def _target(route: Route | None, surroundings: Surroundings, ending: Ending, terms: Terms) -> Target:
    parts = [part for stage in surroundings.stages if (part := stage.compile(route)) is not None]
    handle = surroundings.chain.compose(parts, ending)
    files = route is not None and route.option(StaticFolder) is not None
    return Target(handle, terms, surroundings.errors, surroundings.teardown, files)


def _routes(rules: Sequence[Rule], settings: Settings, answer: Callable[[Rule], Target]) -> Table[Target]:
    """What answers every route's requests."""
    table: Table[Target] = Table()
    with _without_collections():
        for rule in rules:
            targets = dict.fromkeys(rule.route.methods, answer(rule))
            for pattern in forms_of(rule, settings):
                table.add(pattern, targets)
        table.freeze()
    return table


def _with_mounts(mount: Mount | None, hooks: Hooks, handlers: ErrorHandlers) -> tuple[Hooks, ErrorHandlers]:
    """The application's hooks and error handlers with those of the blueprints around a route."""
    for each in () if mount is None else mount.chain:
        hooks = hooks.around(each.hooks)
        handlers = replace(each.handlers, outer=handlers)
    return hooks, handlers


def _elsewhere(mounts: Sequence[Mount], answer: Callable[[Mount], Target]) -> Table[Target]:
    """What answers under the prefixes of blueprints where no route matches."""
    table: Table[Target] = Table()
    for mount, patterns in own_ground(mounts):
        found = answer(mount)
        for pattern in patterns:
            table.add(pattern, {ANY: found})
    table.freeze()
    return table


@contextmanager
def _without_collections() -> Generator[None]:
    """Nothing of what a table is made of is garbage: looking for some doubles the time that ten thousand routes take."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _terms_in(common: Terms, mount: Mount | None) -> Terms:
    if mount is None:
        return common
    return replace(common, blueprint=mount.name, processors=common.processors + mount.processors)


def _terms(common: Terms, route: Route, pattern: Pattern) -> Terms:
    own, file = route.max_body_bytes, route.option(FileLimit)
    limit = common.max_body_bytes if own is None else own
    forms = common.form_limits if own is None else FormLimits(max_body_bytes=own, max_multipart_bytes=own)
    forms = forms if file is None else replace(forms, max_file_bytes=file.max_bytes)
    return replace(
        common,
        endpoint=route.name,
        pattern=route.path,
        parameters=pattern.names,
        max_body_bytes=limit,
        form_limits=forms,
        speaks_json=route.plan.speaks_json,
    )


def forms_of(rule: Rule, settings: Settings) -> tuple[Pattern, ...]:
    """The patterns that a rule answers: its own, and without strict slashes the one with a slash more, or less, at its end.

    The root has no other form, nor has a path that ends in a `path` placeholder, which takes slashes itself.
    """
    route, pattern = rule.route, rule.pattern
    strict = settings.STRICT_SLASHES if route.strict_slashes is None else route.strict_slashes
    *before, last = pattern.segments
    if strict or last.is_path or pattern.source == "/":
        return (pattern,)
    if last == END:
        return (pattern, Pattern(pattern.source.removesuffix("/"), tuple(before)))
    return (pattern, Pattern(f"{pattern.source}/", (*pattern.segments, END)))


def unmatched(request: Request) -> Response:
    """The answer where no route matches: 404, 405, the automatic OPTIONS, or a redirect to the other form of the slash."""
    (miss,) = cast("tuple[Miss | MalformedRequest]", request.path_values)
    if isinstance(miss, MalformedRequest):
        raise miss
    if miss.slash is not None:
        # What a client may write into a query is more than what a header may hold.
        query = quote(request.query_string, safe=LOCATION_SAFE, encoding="latin-1")
        location = quote(request.root_path + miss.slash, safe=PATH_SAFE) + (f"?{query}" if query else "")
        return Response(b"", 308, {"location": location})
    allow = {*miss.allow, "OPTIONS"} | ({"HEAD"} if "GET" in miss.allow else set())
    if not miss.allow:
        raise NotFound("No route matches this path. Check it.")
    if request.method == "OPTIONS":
        response = quick(b"", TEXT, 204)
        response.raw.append((b"allow", ", ".join(sorted(allow)).encode()))
        return response
    methods = ", ".join(sorted(allow - {"OPTIONS"}))
    raise MethodNotAllowed(f"{request.method[:20]} is not allowed here. Use one of: {methods}.", allow=allow)


NOWHERE = Ending(("response = unmatched(request)",), {"unmatched": unmatched})
"""How the answer is reached where no route matches."""
