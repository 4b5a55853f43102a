"""The limit of a request's head, for servers that have none of their own (SECURITY-DESIGN §7)."""

from flasgo.errors import HeadersTooLarge, HTTPException
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request

MAX_FIELDS = 100


class HeadLimit:
    """The stage that refuses a head of more than `max_bytes`, or of more than MAX_FIELDS header fields.

    The path and the query as they were sent count, and the names and values of the fields.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._part = Part((GateStep(self.check),))

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (HeadersTooLarge,)

    def check(self, request: Request) -> None:
        """Raise HeadersTooLarge (RFC 6585 §5)."""
        scope = request.scope
        size = len(scope["path"]) + len(scope.get("query_string", b""))
        # A loop over a few fields is cheaper than anything that builds something to be measured.
        for name, value in scope["headers"]:
            size += len(name) + len(value)
        if size > self.max_bytes or scope["headers"][MAX_FIELDS:]:
            raise HeadersTooLarge(
                f"The request's head is larger than MAX_REQUEST_HEAD_BYTES allows ({self.max_bytes} bytes, {MAX_FIELDS} fields). "
                "Send fewer or smaller headers, or a shorter URL.",
                headers={"connection": "close"},
            )
