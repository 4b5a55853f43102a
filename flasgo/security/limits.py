"""The limit of a request's head, for servers that have none of their own (SECURITY-DESIGN §7)."""

from itertools import chain

from flasgo.errors import HeadersTooLarge, HTTPException
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request

MAX_FIELDS = 100

join = b"".join
flatten = chain.from_iterable


class HeadLimit:
    """The stage that refuses a head of more than `max_bytes`, or of more than MAX_FIELDS header fields.

    Names and values count. The URL is bounded where it is read: routing and the query have limits of their own.
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
        headers = request.scope["headers"]
        # Joining is the cheapest way to add many lengths up.
        if headers[MAX_FIELDS:] or len(join(flatten(headers))) > self.max_bytes:
            raise HeadersTooLarge(
                f"The request's head is larger than MAX_REQUEST_HEAD_BYTES allows ({self.max_bytes} bytes, {MAX_FIELDS} fields). "
                "Send fewer or smaller headers, or a shorter URL.",
                headers={"connection": "close"},
            )
