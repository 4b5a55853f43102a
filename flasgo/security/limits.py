"""The limit of a request's head, for servers that have none of their own (SECURITY-DESIGN §7), and what stands in it once."""

from msgspec import msgpack

from flasgo.errors import HeadersTooLarge, HTTPException, MalformedRequest
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request

MAX_FIELDS = 100

ONCE = (b"content-type", b"content-length", b"content-encoding", b"range", b"if-range")
"""Fields that are no lists (RFC 9110 §5.3): sent twice, each reader could believe another one. Host, Origin, Authorization and
session cookies are looked at where they count.
"""

SMALL = (
    '"query_string" in scope and not request.repeats and len(fields) <= max_head_fields'
    ' and len(scope["query_string"]) + len(measured(fields)){path} <= max_head_bytes'
)
"""Is it small for sure? MessagePack puts some bytes more around each name and value: no other single call measures them all."""

KNOWN_PATH = 256
"""Bytes that are set aside for the path of a route without placeholders, if it is no longer: it need not be measured."""


class HeadLimit:
    """The stage that refuses a head of more than `max_bytes`, or of more than MAX_FIELDS header fields, or with one of ONCE twice.

    The path and the query as they were sent count, and the names and values of the fields.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._part = self._measuring(' + len(scope["path"])', max_bytes)
        self._part_of_known = self._measuring("", max_bytes - KNOWN_PATH)

    def _measuring(self, path: str, most: int) -> Part:
        names = {"measured": msgpack.Encoder().encode, "max_head_fields": MAX_FIELDS, "max_head_bytes": most}
        return Part((GateStep(self.check, when=f"not ({SMALL.format(path=path)})"),), names=names)

    def compile(self, route: Route | None, /) -> Part:
        known = route is not None and "<" not in route.path and len(route.path) <= KNOWN_PATH
        return self._part_of_known if known else self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (HeadersTooLarge, MalformedRequest)

    def check(self, request: Request) -> None:
        """Raise HeadersTooLarge (RFC 6585 §5) or MalformedRequest."""
        scope = request.scope
        headers = scope["headers"]
        size = len(scope["path"]) + len(scope.get("query_string", b""))
        size += sum(len(name) + len(value) for name, value in headers)
        if size > self.max_bytes or len(headers) > MAX_FIELDS:
            raise HeadersTooLarge(
                f"The request's head is larger than MAX_REQUEST_HEAD_BYTES allows ({self.max_bytes} bytes, {MAX_FIELDS} fields). "
                "Send fewer or smaller headers, or a shorter URL.",
                headers={"connection": "close"},
            )
        if request.repeats:
            names = [name for name, _ in headers]
            for name in ONCE:
                if names.count(name) > 1:
                    raise MalformedRequest(f"{name.decode().title()} came more than once. Send it once.")
