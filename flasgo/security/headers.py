"""The security headers and the no-store default, on every response (OWASP Secure Headers, ASVS 5.0 §3.4).

A handler's own value of a header wins; where it has none, that of its route (`headers=`), then that of SECURITY_HEADERS.
Cache-Control, Pragma and Expires are the exception: while ENFORCE_NO_STORE_CACHE they say no-store unless the route says
`cache=` or the response says `allow_public_cache` (CWE-524), and even these do not hold for an answer that is one visitor's own:
one that sets a cookie, looked at the session (Flask CVE-2026-27205), or carries a nonce. Strict-Transport-Security is
sent over https alone (RFC 6797 §7.2).
"""

from collections.abc import Mapping

from flasgo.errors import HTTPException
from flasgo.events import SecurityLog
from flasgo.http.headers import RawHeaders, header_field
from flasgo.pipeline.stage import Part
from flasgo.plan.headers import CACHE_FIELDS, Cache, RouteHeaders
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response

NO_STORE: RawHeaders = [
    (b"cache-control", b"no-store, no-cache, must-revalidate, max-age=0"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
]
HSTS = b"strict-transport-security"
FAILED = 400
"""The statuses from here on are errors (RFC 9110 §15.5)."""


class Completion:
    """The header fields that some routes' responses get, worked out beforehand.

    With `explain` (the log, in DEBUG) a line says where a handler's own word on caching was replaced.
    """

    def __init__(self, fields: RawHeaders, *, no_store: bool, explain: SecurityLog | None = None) -> None:
        self.over_https = fields
        self.over_http = [field for field in fields if field[0] != HSTS]
        self.no_store = no_store
        self.explain = explain
        self.https_fields = with_no_store(self.over_https) if no_store else self.over_https
        self.http_fields = with_no_store(self.over_http) if no_store else self.over_http
        self.part = Part(
            finisher=self.finish,
            # Only flasgo's own code has written to it: none of these names can be there.
            fields='https_fields if scope.get("scheme") == "https" else http_fields',
            names={"https_fields": self.https_fields, "http_fields": self.http_fields},
        )

    def finish(self, request: Request, response: Response) -> None:
        scope = request.scope
        secure = "scheme" in scope and scope["scheme"] == "https"
        if response.written is not None or response.allow_public_cache:
            self._merge(request, response, self.over_https if secure else self.over_http)
        else:
            # Only flasgo's own code has written to it: none of these names can be there.
            response.raw += self.https_fields if secure else self.http_fields

    def _merge(self, request: Request, response: Response, defaults: RawHeaders) -> None:
        raw = response.raw
        if self.no_store and (not response.allow_public_cache or is_personal(request, response)):
            if self.explain is not None and any(name in CACHE_FIELDS for name, _ in raw):
                self.explain.write("cache-headers-replaced", request, cure="cache= on the route, or allow_public_cache")
            raw[:] = with_no_store(raw)
        present = {name for name, _ in raw}
        raw += [field for field in defaults if field[0] not in present]


class CachedCompletion:
    """The completion of a route with `cache=`: what it says, or no-store for errors and for what is one visitor's own."""

    def __init__(self, fields: RawHeaders, cache: Cache, *, explain: SecurityLog | None) -> None:
        self.public = cache.public
        self.kept = Completion([*fields, (b"cache-control", cache.directives().encode())], no_store=False)
        self.not_kept = Completion(fields, no_store=True, explain=explain)

    def finish(self, request: Request, response: Response) -> None:
        unfit = (
            response.error_code is not None
            or response.status_code >= FAILED
            or request.scope["method"] not in {"GET", "HEAD"}
            or is_personal(request, response)
            or (self.public and (b"authorization" in request.fields or request.user.is_authenticated))
        )
        if unfit:
            response.allow_public_cache = False
        (self.not_kept if unfit else self.kept).finish(request, response)


def is_personal(request: Request, response: Response) -> bool:
    """Is the response for this visitor alone?"""
    session = request.opened_session
    return (
        request.nonce is not None
        or (session is not None and session.touched)
        or any(name == b"set-cookie" for name, _ in response.raw)
    )


class SecurityHeaders:
    """The stage that completes every response with the headers of its route, of SECURITY_HEADERS and, by default, no-store."""

    def __init__(self, headers: Mapping[str, str], *, no_store: bool, explain: SecurityLog | None = None) -> None:
        self.fields = [header_field(name, value) for name, value in headers.items()]
        self.no_store = no_store
        self.explain = explain
        common = Completion(self.fields, no_store=no_store, explain=explain)
        self.finish = common.finish
        self._part = common.part

    def compile(self, route: Route | None, /) -> Part:
        own = None if route is None else route.option(RouteHeaders)
        cache = None if route is None else route.option(Cache)
        if own is None and cache is None:
            return self._part
        fields = self.fields if own is None else own.over(self.fields)
        if cache is not None:
            fields = [field for field in fields if field[0] not in CACHE_FIELDS]
            return Part(finisher=CachedCompletion(fields, cache, explain=self.explain).finish)
        return Completion(fields, no_store=self.no_store, explain=self.explain).part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


def with_no_store(fields: RawHeaders) -> RawHeaders:
    return [*(field for field in fields if field[0] not in CACHE_FIELDS), *NO_STORE]
