"""Entity tags for answers that are made for each request, on routes with `etag=True` (RFC 9110 §8.8.3, §13).

The tag is a hash of the body, so the handler runs all the same: what is saved is the way, not the work.
"""

import hashlib

from flasgo.errors import HTTPException
from flasgo.http.conditional import ETag, evaluate, parse_etag
from flasgo.pipeline.stage import Part
from flasgo.plan.headers import EntityTag
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.security.headers import is_personal

READS = frozenset({"GET", "HEAD"})
OF_CONTENT = frozenset({b"content-type", b"content-language", b"content-location", b"last-modified"})


class EntityTags:
    """The stage that gives a complete 200 to GET and HEAD its ETag, and answers 304 to whoever has it already, or 412."""

    def __init__(self) -> None:
        self._part = Part(commit=self.commit)

    def compile(self, route: Route | None, /) -> Part | None:
        return None if route is None or route.option(EntityTag) is None else self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

    @staticmethod
    def commit(request: Request, response: Response) -> None:
        """Raise HTTPException 412 where the client wants another version than the current one."""
        if (
            type(response) is not Response
            or response.status_code != 200  # noqa: PLR2004 - conditions are of the successful answer, §13.2.1
            or request.method not in READS
            or is_personal(request, response)
            or request.csrf_due is not None
            or any(name == b"cache-control" and b"no-store" in value for name, value in response.raw)
        ):
            return
        tag = _own(response) or _hashed(response)
        fields = request.fields
        verdict = evaluate(
            request.method,
            if_match=_text(fields.get(b"if-match")),
            if_none_match=_text(fields.get(b"if-none-match")),
            etag=tag,
        )
        if verdict == "precondition_failed":
            raise HTTPException(412, "There is another version of this by now. Get it without If-Match.")
        if verdict == "not_modified":
            response.status_code = 304
            response.body = b""
            response.raw[:] = [field for field in response.raw if field[0] not in OF_CONTENT]


def _own(response: Response) -> ETag | None:
    """The tag that the handler gave."""
    given = next((value for name, value in response.raw if name == b"etag"), None)
    return None if given is None else parse_etag(given.decode("latin-1"))


def _hashed(response: Response) -> ETag:
    tag = ETag(hashlib.sha256(response.body).hexdigest()[:32])
    response.raw[:] = [*(field for field in response.raw if field[0] != b"etag"), (b"etag", str(tag).encode())]
    return tag


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
