"""One exchange with an ASGI application, as a strict HTTP/1.1 server holds it (ASGI HTTP spec 2.3; RFC 9110).

What a real server would refuse, mend or silently send wrong is an error here: RuntimeError, in words, in the test.

- `http.response.start` once, then `http.response.body` until one without `more_body`, then nothing;
- a final status, 200 to 599; no content with 204 and 304 (RFC 9110 §15.3.5, §15.4.5); that of HEAD is dropped (§9.3.2);
- header names lower-case tokens, values without CR, LF and NUL, all of them bytes;
- one Content-Length, and content of that length (§8.6);
- `http.disconnect` comes once the response is complete, or when the client hangs up.
"""

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import Literal

from msgspec import Struct

from flasgo.errors import ClientDisconnected
from flasgo.http.asgi import ASGIApp, Message, Scope
from flasgo.http.headers import RawHeaders
from flasgo.patterns import regex
from flasgo.testing.encode import Payload
from flasgo.testing.target import Target

BODY_EVENT_BYTES = 65_536
"""A longer body comes in several events, as from a socket."""

WITNESS = "flasgo.exceptions"
"""The ASGI extension by which the application shows this client the exceptions that it answered with 500."""

_NAME = regex(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_NOT_IN_VALUE = regex(rb"[\r\n\x00]")


class Request(Struct, frozen=True):
    """One request as it goes over the wire."""

    method: str
    target: Target
    headers: RawHeaders
    payload: Payload | None = None


class Answer(Struct, frozen=True):
    """One response as it came."""

    status: int
    headers: RawHeaders
    body: bytes


class Connection(Struct, frozen=True):
    """What is the same for every request: the peer, where the application is mounted, how its exceptions are taken."""

    root_path: str = ""
    client: tuple[str, int] | None = ("127.0.0.1", 50000)
    raise_server_exceptions: bool | None = None


def http_scope(request: Request, connection: Connection, state: dict[str, object]) -> Scope:
    target = request.target
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": target.scheme,
        "path": target.path,
        "raw_path": target.raw_path.encode("ascii"),
        "query_string": target.query.encode("ascii"),
        "root_path": connection.root_path,
        "headers": list(request.headers),
        "client": connection.client,
        "server": (target.host, target.port),
        "state": state.copy(),
        "extensions": {WITNESS: []},
    }


async def exchange(app: ASGIApp, request: Request, connection: Connection, state: dict[str, object]) -> Answer:
    """Send the request, and give the answer once the application has returned, its work after the response included.

    Raises what the application raises, or answers 500 in its place (`raise_server_exceptions=False`) as long as
    nothing has been sent; with `raise_server_exceptions=True`, also what it answered with 500 itself; RuntimeError where the application breaks the protocol or leaves its response unfinished.
    """
    inbound = _Inbound(request.payload)
    outbound = _Outbound(request.method, inbound.finish)
    feeder = asyncio.create_task(inbound.feed())
    failure: Exception | None = None
    scope = http_scope(request, connection, state)
    try:
        await app(scope, inbound.receive, outbound.send)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the test's to see
        failure = error
    finally:
        feeder.cancel()
        await asyncio.wait({feeder})
    if mistake := outbound.violation or inbound.failure:
        raise mistake
    if failure is not None and (connection.raise_server_exceptions is not False or inbound.hung_up):
        raise failure
    witnessed = scope["extensions"][WITNESS]
    if connection.raise_server_exceptions and isinstance(witnessed, list) and witnessed:
        raise witnessed[0]
    if failure is not None and outbound.phase == "new":
        return Answer(500, [(b"content-type", b"text/plain; charset=utf-8")], b"Internal Server Error")
    if outbound.phase != "complete":
        if inbound.hung_up:
            raise ClientDisconnected("The request body of the test hung up, and the application did not answer.")
        raise RuntimeError(_UNFINISHED[outbound.phase]) from failure
    return Answer(outbound.status, outbound.headers, b"".join(outbound.pieces))


_Phase = Literal["new", "started", "complete"]
_UNFINISHED = {
    "new": "The application ended without a response: it never sent http.response.start.",
    "started": "The application ended in the middle of its response: no http.response.body came without more_body.",
}


class _Inbound:
    """What the application receives: the body, then the end of the connection.

    A task feeds a queue, so that the application may be cancelled while it waits, or wait twice, and lose nothing.
    """

    def __init__(self, payload: Payload | None) -> None:
        self._body = b"" if payload is None else payload.body
        self._events: asyncio.Queue[Message | Exception] = asyncio.Queue(maxsize=1)
        self._over = asyncio.Event()
        self.failure: Exception | None = None
        self.hung_up = False

    def finish(self) -> None:
        """The response is complete: from now on there is nothing but http.disconnect."""
        self._over.set()

    async def receive(self) -> Message:
        if self._over.is_set():
            return {"type": "http.disconnect"}
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def feed(self) -> None:
        try:
            await self._feed_body()
        except ClientDisconnected:
            self.hung_up = True
        except Exception as error:  # noqa: BLE001 - the test's own mistake goes back to the test
            self.failure = error
            await self._events.put(error)
        else:
            await self._over.wait()
        while True:
            await self._events.put({"type": "http.disconnect"})

    async def _feed_body(self) -> None:
        body = self._body
        if isinstance(body, bytes):
            for start in range(0, len(body) or 1, BODY_EVENT_BYTES):
                end = start + BODY_EVENT_BYTES
                await self._put(body[start:end], more_body=end < len(body))
            return
        if isinstance(body, AsyncIterable):
            async for piece in body:
                await self._put(piece, more_body=True)
        else:
            for piece in body:
                await self._put(piece, more_body=True)
        await self._put(b"", more_body=False)

    async def _put(self, piece: bytes, *, more_body: bool) -> None:
        if not isinstance(piece, bytes):
            raise TypeError(f"A streamed body yields bytes, not {type(piece).__name__}.")
        await self._events.put({"type": "http.request", "body": piece, "more_body": more_body})


class _Outbound:
    """What the application sends: every message is checked, and the first mistake kept, even if the application hides it."""

    def __init__(self, method: str, on_complete: Callable[[], None]) -> None:
        self._head = method == "HEAD"
        self._on_complete = on_complete
        self._length: int | None = None
        self._sent = 0
        self.phase: _Phase = "new"
        self.status = 0
        self.headers: RawHeaders = []
        self.pieces: list[bytes] = []
        self.violation: RuntimeError | None = None

    async def send(self, message: Message) -> None:
        try:
            self._take(message)
        except RuntimeError as error:
            self.violation = self.violation or error
            raise

    def _take(self, message: Message) -> None:
        kind = message.get("type")
        if kind not in {"http.response.start", "http.response.body"}:
            raise RuntimeError(f"The application sent {kind!r}, which is not a message of an HTTP response.")
        if self.phase == "complete":
            raise RuntimeError(f"The application sent {kind} after its response was complete.")
        if kind == "http.response.start":
            self._start(message)
        else:
            self._body(message)

    def _start(self, message: Message) -> None:
        if self.phase == "started":
            raise RuntimeError("The application sent http.response.start twice.")
        status = message.get("status")
        if type(status) is not int or not 200 <= status <= 599:  # noqa: PLR2004 - RFC 9110 §15
            raise RuntimeError(f"{status!r} is not a final HTTP status: an int from 200 to 599.")
        self.headers = [_checked_field(field) for field in message.get("headers", ())]
        self._length = _content_length(self.headers)
        if status == 204 and self._length:  # noqa: PLR2004 - No Content
            raise RuntimeError(f"A response with status 204 has no content, but its content-length is {self._length}.")
        self.status = status
        self.phase = "started"

    def _body(self, message: Message) -> None:
        if self.phase == "new":
            raise RuntimeError("The application sent http.response.body before http.response.start.")
        body = message.get("body", b"")
        if not isinstance(body, bytes):
            # One kind of error for every violation.
            raise RuntimeError(f"The body of http.response.body must be bytes, not {type(body).__name__}.")  # noqa: TRY004 - see above
        if self.status in {204, 304} and body:
            raise RuntimeError(f"A response with status {self.status} has no content, but {len(body)} bytes were sent.")
        self._sent += len(body)
        more = bool(message.get("more_body", False))
        if not self._head:
            self.pieces.append(body)
            self._check_length(more=more)
        if not more:
            self.phase = "complete"
            self._on_complete()

    def _check_length(self, *, more: bool) -> None:
        if self._length is None or self.status == 304:  # noqa: PLR2004 - Not Modified tells the length it does not send
            return
        if self._sent > self._length or (self._sent < self._length and not more):
            raise RuntimeError(f"content-length is {self._length}, but {self._sent} bytes were sent.")


def _checked_field(field: object) -> tuple[bytes, bytes]:
    match field:
        case (bytes(name), bytes(value)):
            pass
        case _:
            raise RuntimeError(f"A response header must be a pair of bytes, not {field!r}.")
    if not _NAME.fullmatch(name):
        raise RuntimeError(f"{name!r} is not a header name: a lower-case token, RFC 9110 §5.1 and ASGI.")
    if _NOT_IN_VALUE.search(value):
        raise RuntimeError(f"The value of header {name!r} holds CR, LF or NUL: {value!r}.")
    return name, value


def _content_length(headers: RawHeaders) -> int | None:
    values = [value for name, value in headers if name == b"content-length"]
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit():
        raise RuntimeError(f"A response has one content-length, in digits, not {values!r}.")
    return int(values[0])
