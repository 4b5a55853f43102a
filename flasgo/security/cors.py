"""The stage of CORS: tells browsers which pages of other origins may read an answer, and answers what they ask first (Fetch §3.2).

A preflight (OPTIONS with Origin and Access-Control-Request-Method) is answered by what the route of the method asked about says,
before sessions, CSRF, hooks and permissions: it carries no credentials, and asks for none. Its answer says what is allowed; the browser
compares. Every other answer of such a route says who may read it, errors included, with `Vary: Origin`, so that no cache shows one origin's
answer to another. An origin is compared in its parsed form and sent back only where it is listed; `null`, which every
sandboxed frame has, and an Origin that comes twice never are.
"""

from collections.abc import Callable, Iterable, Sequence

from flasgo.errors import HTTPException
from flasgo.http.asgi import routed_path
from flasgo.http.headers import RawHeaders, add_vary
from flasgo.pipeline.stage import AskStep, Part
from flasgo.plan.cors import ANY, CORS, NOBODY, cors_of
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import TEXT, Response, quick
from flasgo.routing.mount import Mount, defaults_of
from flasgo.routing.pattern import Pattern
from flasgo.routing.rule import Rule
from flasgo.routing.table import Miss, Table
from flasgo.security.origins import Origins, parse_origin

ASKED = b"access-control-request-method"
ALLOW_ORIGIN = b"access-control-allow-origin"

USUAL_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
"""What a preflight is told where no route is: the request itself is to have its 404 or 405, which scripts can read then."""

MAX_REMEMBERED = 1_024
"""Listed origins that were sent, as they were written; they come from clients, so there is an end to it."""


def _listed(names: Iterable[str]) -> bytes:
    return ", ".join(names).encode("ascii")


class Sharing:
    """One CORS for routes with these methods, ready to be sent."""

    def __init__(self, cors: CORS, methods: Iterable[str]) -> None:
        self.everyone = ANY in cors.origins
        self.origins = None if self.everyone else Origins(cors.origins)
        self._known: set[bytes] = set()
        self._always = [(b"access-control-allow-credentials", b"true")] if cors.credentials else []
        if cors.expose:
            self._always.append((b"access-control-expose-headers", _listed(name.lower() for name in cors.expose)))
        answered = {*methods, "HEAD"} if "GET" in methods else set(methods)
        allowed = answered if cors.methods is None else answered.intersection(cors.methods)
        self._withheld = answered - allowed
        self.preflight: RawHeaders = [
            (b"access-control-allow-methods", _listed(sorted(allowed))),
            (b"access-control-max-age", b"%d" % cors.max_age),
        ]
        if cors.headers:
            self.preflight.append((b"access-control-allow-headers", _listed(name.lower() for name in cors.headers)))
        self.private_network = cors.private_network
        self.part = Part(finisher=self.finish)

    def lets(self, request: Request) -> bytes | None:
        """The value of Access-Control-Allow-Origin for this request, if its page may read the answer."""
        if self.origins is None:
            return b"*"
        origin = request.fields.get(b"origin")
        if origin is None or (request.repeats and len(request.headers.getlist("origin")) > 1):
            return None
        if origin not in self._known:
            parsed = parse_origin(origin)
            if parsed is None or not self.origins.trusts(parsed):
                return None
            if len(self._known) < MAX_REMEMBERED:
                self._known.add(origin)
        return origin

    def finish(self, request: Request, response: Response) -> None:
        """Say who may read this answer; the handler's own word on it stays."""
        raw = response.raw
        if not self.everyone:
            add_vary(raw, "Origin")
        origin = None if request.scope["method"] in self._withheld else self.lets(request)
        if origin is not None and not any(name == ALLOW_ORIGIN for name, _ in raw):
            raw.append((ALLOW_ORIGIN, origin))
            raw += self._always

    def answer(self, request: Request) -> Response:
        """What a preflight is answered; `finish` completes it."""
        response = quick(b"", TEXT, 204)
        response.raw.clear()
        if self.lets(request) is not None:
            response.raw += self.preflight
            if self.private_network and request.fields.get(b"access-control-request-private-network") == b"true":
                response.raw.append((b"access-control-allow-private-network", b"true"))
        return response


CLOSED = Sharing(NOBODY, ())
"""That of routes whose answers nobody may read: a table knows no None."""


class Sharings:
    """Who may read what of an application: the sharing of every route, and by path and method."""

    def __init__(
        self, rules: Sequence[Rule], everywhere: CORS | None, forms_of: Callable[[Rule], tuple[Pattern, ...]]
    ) -> None:
        self.everywhere = everywhere
        self._made: dict[tuple[CORS, frozenset[str]], Sharing] = {}
        self.any = any(self.of(rule.route) is not None for rule in rules)
        self.table: Table[Sharing] = Table()
        for rule in rules if self.any else ():
            for pattern in forms_of(rule):
                self.table.add(pattern, dict.fromkeys(rule.route.methods, self.of(rule.route) or CLOSED))
        self.table.freeze()

    def of(self, route: Route) -> Sharing | None:
        cors = cors_of(route, self.everywhere)
        return None if cors is None else self.made(cors, route.methods)

    def made(self, cors: CORS, methods: Iterable[str]) -> Sharing:
        key = cors, frozenset(methods)
        if key not in self._made:
            self._made[key] = Sharing(*key)
        return self._made[key]

    def at(self, path: str, method: str) -> Sharing | Miss:
        """That of the route that answers `method` there, at the other form of the slash too; else of what it answers instead."""
        found = self.table.find(method, path)
        if isinstance(found, Miss) and method == "HEAD":
            found = self.table.find("GET", path)
        if not isinstance(found, Miss):
            return found[0]
        if found.slash is not None:
            return self.at(found.slash, method)
        instead = [self.at(path, other) for other in found.allow]
        return next((one for one in instead if one is not CLOSED), CLOSED) if instead else found


class CrossOrigin:
    """The stage, for the routes of one blueprint or of none, of an application that shares anything."""

    def __init__(self, sharings: Sharings, mount: Mount | None) -> None:
        self.sharings = sharings
        own = next((one for one in defaults_of(mount) if isinstance(one, CORS)), sharings.everywhere)
        self.elsewhere = sharings.made(own, USUAL_METHODS) if own is not None and own.origins else None

    def compile(self, route: Route | None, /) -> Part | None:
        if route is None or "OPTIONS" in route.methods:
            return Part((AskStep(self.ask),), finisher=self.finish)
        sharing = self.sharings.of(route)
        return None if sharing is None else sharing.part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

    async def ask(self, request: Request) -> Response | None:
        """The answer to a preflight, where the route that it asks about is shared."""
        fields = request.fields
        if request.scope["method"] != "OPTIONS" or ASKED not in fields or b"origin" not in fields:
            return None
        sharing = self.sharing_of(request)
        return None if sharing is None else sharing.answer(request)

    def sharing_of(self, request: Request) -> Sharing | None:
        """That of what the request is about."""
        method = request.scope["method"]
        if method == "OPTIONS":
            method = request.fields.get(ASKED, b"OPTIONS").decode("latin-1")
        found = self.sharings.at(routed_path(request.scope), method)
        if isinstance(found, Miss):
            return self.elsewhere
        return None if found is CLOSED else found

    def finish(self, request: Request, response: Response) -> None:
        sharing = self.sharing_of(request)
        if sharing is not None:
            sharing.finish(request, response)

    def before(self, finish: Callable[[Request, Response], None]) -> Callable[[Request, Response], None]:
        """What completes the answer to a failure while another was sent: `finish`, and this before it."""
        if not self.sharings.any:
            return finish

        def both(request: Request, response: Response) -> None:
            self.finish(request, response)
            finish(request, response)

        return both
