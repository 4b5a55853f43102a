"""Settings and registrations → one compiled handle for every route. The only place that knows the order of the stages.

    security headers     outside the net: an error must not lose them
    ── error net ──      everything below may raise
    hosts                first: nothing else is done for a request that is not for us
    head limit           before anything reads the header fields again
    before_request       the user's own gates
    bind ▸ handler ▸ render
    ── after_request ──  sees what the net answered, too

after_request stands outside the net, since it sees every response, and inside the security headers, so that these
have the last word.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, cast
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from flasgo.binding.decode import Provider, compile_binding
from flasgo.binding.render import compile_render
from flasgo.errors import MalformedRequest, MethodNotAllowed, NotFound
from flasgo.http.asgi import Scope
from flasgo.http.url import PATH_SAFE
from flasgo.pipeline.chain import Ending, Net, compile_handle
from flasgo.pipeline.endpoint import compile_ending
from flasgo.pipeline.errors import ErrorHandlers, ErrorNet
from flasgo.pipeline.hooks import BeforeHooks, Hook, compile_after, compile_teardown
from flasgo.pipeline.stage import Handle, Stage
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.model import Route
from flasgo.request import Application, Request, Terms, routed_path
from flasgo.response import TEXT, Response, quick
from flasgo.routing.pattern import Pattern, Segment
from flasgo.routing.registrar import Rule
from flasgo.routing.table import Miss, Table
from flasgo.security.headers import SecurityHeaders
from flasgo.security.hosts import HostCheck
from flasgo.security.limits import HeadLimit
from flasgo.settings import Settings


class Target(Struct, frozen=True):
    """What answers a route's requests, and the terms on which it does."""

    handle: Handle
    terms: Terms


class Hooks(Struct, frozen=True):
    """The user's functions around every request, in the order of registration."""

    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    teardown: tuple[Hook, ...] = ()


Found: TypeAlias = tuple[Target, tuple[object, ...]]

END = Segment(("",))
"""The empty segment after a path's last slash."""


class Assembly(Struct, frozen=True):
    """The frozen application: where every request goes."""

    static: dict[str, dict[str, Target]]
    table: Table[Target]
    unmatched: Target
    net: ErrorNet
    finish: Callable[[Request, Response], None]
    teardown: Callable[[BaseException | None], Awaitable[None]] | None

    def find(self, scope: Scope) -> Found:
        """The target of a request that is not one of the static routes' own, and the values in its path."""
        path = routed_path(scope) if scope.get("root_path") else scope["path"]
        if not path.isascii() and _is_lossy(path, scope):
            return self.unmatched, (MalformedRequest("The path is not UTF-8."),)
        method = scope["method"]
        found = self.table.find(method, path)
        if method == "HEAD" and isinstance(found, Miss):
            found = self.table.find("GET", path)
        return (self.unmatched, (found,)) if isinstance(found, Miss) else found


def _is_lossy(path: str, scope: Scope) -> bool:
    """Did the server put U+FFFD in the place of bytes that are not UTF-8?"""
    raw = scope.get("raw_path")
    if "\ufffd" not in path or raw is None:
        return False
    try:
        unquote_to_bytes(raw.partition(b"?")[0]).decode()
    except UnicodeDecodeError:
        return True
    return False


def assemble(
    app: Application,
    rules: Sequence[Rule],
    *,
    hooks: Hooks,
    handlers: ErrorHandlers,
    providers: Mapping[type, Provider],
    pool: ThreadPool,
    verify: bool,
) -> Assembly:
    """Compile every route. Raises RegistrationError where two routes would answer the same requests.

    With `verify`, answers are checked against their declared types in full.
    """
    settings = app.settings
    net = ErrorNet(handlers, pool)
    headers = SecurityHeaders(settings.SECURITY_HEADERS, no_store=settings.ENFORCE_NO_STORE_CACHE)
    hosts = HostCheck(settings.ALLOWED_HOSTS, log=settings.LOG_SECURITY_EVENTS)
    stages: tuple[Stage, ...] = (
        headers,
        *((hosts,) if settings.ENFORCE_ALLOWED_HOSTS else ()),
        HeadLimit(settings.MAX_REQUEST_HEAD_BYTES),
        BeforeHooks(hooks.before),
    )
    after = compile_after(hooks.after, net.answer, pool)

    def handle(route: Route | None, ending: Ending) -> Handle:
        parts = [part for stage in stages if (part := stage.compile(route)) is not None]
        steps = [step for part in parts for step in part.steps]
        finishers = [part.finisher for part in reversed(parts) if part.finisher is not None]
        return compile_handle(steps, ending, Net(net.answer, after), finishers, pool)

    table: Table[Target] = Table()
    for rule in rules:
        route = rule.route
        code = compile_binding(route.plan, rule.pattern.names, providers)
        render = compile_render(route.plan, route.status_code, verify=verify)
        target = Target(handle(route, compile_ending(route, code, render)), _terms(app, rule))
        targets = dict.fromkeys(route.methods, target)
        table.add(rule.pattern, targets)
        if not _strict(route, settings) and (other := other_form(rule.pattern)) is not None:
            table.add(other, targets)
    table.freeze()
    nowhere = Ending(("response = unmatched(request)",), {"unmatched": unmatched})
    return Assembly(
        static=table.static,
        table=table,
        unmatched=Target(
            handle(None, nowhere),
            Terms(
                read_timeout=settings.REQUEST_READ_TIMEOUT_SECONDS,
                max_body_bytes=settings.MAX_REQUEST_BODY_BYTES,
                app=app,
            ),
        ),
        net=net,
        finish=headers.finish,
        teardown=compile_teardown(hooks.teardown, pool),
    )


def _terms(app: Application, rule: Rule) -> Terms:
    settings, route = app.settings, rule.route
    limit = settings.MAX_REQUEST_BODY_BYTES if route.max_body_bytes is None else route.max_body_bytes
    return Terms(
        endpoint=route.name,
        pattern=route.path,
        parameters=rule.pattern.names,
        max_body_bytes=limit,
        read_timeout=settings.REQUEST_READ_TIMEOUT_SECONDS,
        speaks_json=route.plan.speaks_json,
        app=app,
    )


def other_form(pattern: Pattern) -> Pattern | None:
    """The same path with a slash more, or less, at its end; None for the root and for `path`, which takes slashes itself."""
    *before, last = pattern.segments
    if last.is_path or pattern.source == "/":
        return None
    if last == END:
        return Pattern(pattern.source.removesuffix("/"), tuple(before))
    return Pattern(f"{pattern.source}/", (*pattern.segments, END))


def _strict(route: Route, settings: Settings) -> bool:
    return settings.STRICT_SLASHES if route.strict_slashes is None else route.strict_slashes


def unmatched(request: Request) -> Response:
    """The answer where no route matches: 404, 405, the automatic OPTIONS, or a redirect to the other form of the slash."""
    (miss,) = cast("tuple[Miss | MalformedRequest]", request.values)
    if isinstance(miss, MalformedRequest):
        raise miss
    if miss.slash is not None:
        query = f"?{request.query_string}" if request.query_string else ""
        location = quote(request.root_path + miss.slash, safe=PATH_SAFE) + query
        return Response(b"", 308, {"location": location})
    allow = {*miss.allow, "OPTIONS"} | ({"HEAD"} if "GET" in miss.allow else set())
    if not miss.allow:
        raise NotFound(f"No route matches {request.path[:200]!r}. Check the path.")
    if request.method == "OPTIONS":
        response = quick(b"", TEXT, 204)
        response.raw.append((b"allow", ", ".join(sorted(allow)).encode()))
        return response
    methods = ", ".join(sorted(allow - {"OPTIONS"}))
    raise MethodNotAllowed(f"{request.method[:20]} is not allowed here. Use one of: {methods}.", allow=allow)
