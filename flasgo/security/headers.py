"""The security headers and the no-store default, on every response (OWASP Secure Headers, ASVS 5.0 §3.4).

A handler's own value of a header wins. Cache-Control, Pragma and Expires are the exception: while ENFORCE_NO_STORE_CACHE
they say no-store unless the response says `allow_public_cache` (CWE-524). Strict-Transport-Security is sent over
https alone (RFC 6797 §7.2).
"""

from collections.abc import Mapping

from flasgo.errors import HTTPException
from flasgo.events import SecurityLog
from flasgo.http.headers import RawHeaders, header_field
from flasgo.pipeline.stage import Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response

NO_STORE: RawHeaders = [
    (b"cache-control", b"no-store, no-cache, must-revalidate, max-age=0"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
]
CACHE_NAMES = frozenset(name for name, _ in NO_STORE)
HSTS = b"strict-transport-security"


class SecurityHeaders:
    """The stage that completes every response with the headers of SECURITY_HEADERS and, by default, no-store.

    With `explain` (the log, in DEBUG) a line says where a handler's own word on caching was replaced.
    """

    def __init__(self, headers: Mapping[str, str], *, no_store: bool, explain: SecurityLog | None = None) -> None:
        self.over_https = [header_field(name, value) for name, value in headers.items()]
        self.over_http = [field for field in self.over_https if field[0] != HSTS]
        self.no_store = no_store
        self.explain = explain
        self.https_fields = _with_no_store(self.over_https) if no_store else self.over_https
        self.http_fields = _with_no_store(self.over_http) if no_store else self.over_http
        self._part = Part(finisher=self.finish)

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

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
        if self.no_store and not response.allow_public_cache:
            if self.explain is not None and any(name in CACHE_NAMES for name, _ in raw):
                self.explain.write("cache-headers-replaced", request, cure="cache= on the route, or allow_public_cache")
            raw[:] = _with_no_store(raw)
        present = {name for name, _ in raw}
        raw += [field for field in defaults if field[0] not in present]


def _with_no_store(fields: RawHeaders) -> RawHeaders:
    return [*(field for field in fields if field[0] not in CACHE_NAMES), *NO_STORE]
