"""Requests that another party could take for a different number of them (RFC 9112 §6.1, §6.3; CWE-444).

`flasgo run` and uvicorn with httptools refuse them by themselves. h11 goes by Transfer-Encoding, and keeps the connection, on which
the rest of what somebody in front took for one request would be the beginning of the next.
"""

from flasgo.errors import HTTPException, MalformedRequest
from flasgo.events import SecurityLog
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request


class Framing:
    """The stage that refuses Transfer-Encoding beside Content-Length, in HTTP/1.0, or other than `chunked`, and closes the connection."""

    def __init__(self, *, log: SecurityLog) -> None:
        self.log = log
        self._part = Part((GateStep(self.check, when='b"transfer-encoding" in fields'),))

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (MalformedRequest,)

    def check(self, request: Request) -> None:
        """Raise MalformedRequest unless chunks alone say where the body ends."""
        fields = request.fields
        if (
            b"content-length" in fields
            or fields[b"transfer-encoding"].strip(b" \t").lower() != b"chunked"
            or request.scope.get("http_version") == "1.0"
            or (request.repeats and len(request.headers.getlist("transfer-encoding")) > 1)
        ):
            self.log.write("request-refused", request, reason="transfer-encoding")
            raise MalformedRequest(
                "The request could be read in more than one way. Send either Content-Length or Transfer-Encoding: chunked, once.",
                headers={"connection": "close"},
            )
