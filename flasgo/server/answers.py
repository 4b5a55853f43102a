"""The writing of an answer, where it is what most are: fields that were sent before, and a body in one piece, its length said.

uvicorn looks at each field of each answer several times over; but an application mostly says the same. Here the line of a field is
checked and made once, and head and body are one write. Everything else (streams, HEAD, a connection that ends, what is wrong) is
left to uvicorn's own `send`.
"""

import re
from collections.abc import Awaitable
from typing import Any, Final

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from flasgo.http.asgi import PIECE_EVENT, START_EVENT

MAX_LINES = 1024
MAX_LINE_BYTES = 1024
"""How many lines, and up to what length, are remembered: what is sent may hold what a client said, so there is an end to it."""

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t -~\x80-\xff]*")
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})


class Lines(dict[tuple[bytes, bytes], bytes]):
    """The lines of header fields. Raises KeyError for what is no field (RFC 9110 §5), and for those that say how the message ends."""

    def __missing__(self, field: tuple[bytes, bytes]) -> bytes:
        name, value = field
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _FRAMING:
            raise KeyError(field)
        line = b"%b: %b\r\n" % (name.lower(), value)
        if len(line) <= MAX_LINE_BYTES:
            if len(self) >= MAX_LINES:
                self.clear()
            self[field] = line
        return line


line_of = Lines().__getitem__


def answered(
    app: ASGI3Application,
    cycle: RequestResponseCycle,
    scope: Scope,
    receive: ASGIReceiveCallable,
    send: ASGISendCallable,
) -> Awaitable[None]:
    """The application, with another `send` than uvicorn's."""
    return app(scope, receive, Answer(cycle, send).send)


class Answer:
    """The `send` of one request. The head waits for the first of the body (ASGI: nothing is to be sent before it)."""

    __slots__ = ("cycle", "head", "others")

    def __init__(self, cycle: RequestResponseCycle, others: ASGISendCallable) -> None:
        self.cycle = cycle
        self.head: bytes | None = None
        self.others = others

    async def send(self, message: Any) -> None:  # of uvicorn's many events, by their `type`
        cycle, head = self.cycle, self.head
        if head is None:
            if message["type"] == START_EVENT and self._begin(message):
                return
        else:
            self.head = None
            if cycle.disconnected:
                return
            if message["type"] == PIECE_EVENT and cycle.keep_alive and not cycle.flow.write_paused:
                body = message["body"] if "body" in message else b""  # noqa: SIM401 - a call less, here and below
                more = "more_body" in message and message["more_body"]
                if len(body) == cycle.expected_content_length and not more:
                    cycle.transport.write(head + body)
                    cycle.response_complete = True
                    cycle.message_event.set()
                    cycle.on_response()
                    return
            if not cycle.keep_alive:  # that was decided meanwhile
                head = head[:-2] + b"connection: close\r\n\r\n"
            cycle.transport.write(head)
        await self.others(message)

    def _begin(self, message: Any) -> bool:
        """Make the head, if it is a plain one."""
        cycle = self.cycle
        headers = message["headers"] if "headers" in message else ()  # noqa: SIM401 - see send
        if (
            type(headers) is not list
            or not headers
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        fields = cycle.default_headers + headers
        name, length = fields.pop()
        if name != b"content-length" or not length.isdigit():
            return False
        try:
            lines = b"".join(map(line_of, fields))
        except (KeyError, TypeError):
            return False
        self.head = b"%b%bcontent-length: %b\r\n\r\n" % (STATUS_LINE[message["status"]], lines, length)
        if cycle.access_log:
            scope = cycle.scope
            address, target = get_client_addr(scope), get_path_with_query_string(scope)
            line = '%s - "%s %s HTTP/%s" %d'  # what uvicorn's formatter takes apart
            cycle.access_logger.info(line, address, scope["method"], target, scope["http_version"], message["status"])
        cycle.expected_content_length = int(length)
        cycle.chunked_encoding = False
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        return True
