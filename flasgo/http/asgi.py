"""The ASGI wire: its types, its event names and the only spelling of its keys (ASGI 3.0, HTTP spec 2.x).

Everything above reads a scope through `Request` and writes through `Response`; a change of the protocol is a change of this file.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from types import CoroutineType, TracebackType
from typing import Any, ParamSpec, Protocol, Required, TypeAlias, TypedDict, TypeVar

from msgspec import Struct

from flasgo.errors import BadRequest, ClientDisconnected, ContentTooLarge, HTTPException, RequestTimeout
from flasgo.http.headers import RawHeaders

P = ParamSpec("P")
T = TypeVar("T")


class Scope(TypedDict, total=False):
    """What a server says of a connection (ASGI 3.0; HTTP spec 2.x). Which keys are there depends on `type`."""

    type: Required[str]
    asgi: Mapping[str, str]
    http_version: str
    method: str
    scheme: str
    path: str
    raw_path: bytes | None
    query_string: bytes
    root_path: str
    headers: RawHeaders
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    subprotocols: list[str]
    extensions: dict[str, object]
    state: dict[str, object]


class Message(TypedDict, total=False):
    """An event between server and application. Which keys are there depends on `type`."""

    type: Required[str]
    body: bytes
    more_body: bool
    status: int
    headers: RawHeaders
    message: str
    code: int
    reason: str
    path: str


Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class ASGIApp(Protocol):
    """Any ASGI 3 application."""

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...


BODY_EVENT = "http.request"
"""The event that brings the body of a request, or a piece of it."""

START_EVENT = "http.response.start"
PIECE_EVENT = "http.response.body"
"""The events that say a response's status and fields, and its body or a piece of it."""

PATHSEND = "http.response.pathsend"
"""The extension by which a server sends a file by its path (ASGI, extensions)."""


class Runner(Protocol):
    """Calls plain code in a thread."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


class Delivery(Struct, frozen=True):
    """What a response that is more than bytes in memory is sent with.

    `run` calls plain code in a thread; `receive` gives http.disconnect when the client leaves, or is None where something else may
    still come from it; `pathsend` says that the server takes a path for a body.
    """

    run: Runner = asyncio.to_thread
    receive: Receive | None = None
    pathsend: bool = False


LENGTHS = 1024
LENGTH_FIELDS = [(b"content-length", str(size).encode()) for size in range(LENGTHS)]
"""The Content-Length field of every small body, made once."""


def length_field(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


def response_start(status: int, headers: RawHeaders) -> Message:
    return {"type": START_EVENT, "status": status, "headers": headers}


def response_body(body: bytes, *, more_body: bool = False) -> Message:
    return {"type": PIECE_EVENT, "body": body, "more_body": more_body}


def path_body(path: str) -> Message:
    """The rest of a response: the file at this absolute path."""
    return {"type": PATHSEND, "path": path}


class Watched:
    """A `send` that remembers whether anything was sent, and says ClientDisconnected where the peer is gone.

    `direct` is the server's own, for those that send so much that a call more matters: they say it themselves.
    """

    __slots__ = ("direct", "started")

    def __init__(self, send: Send) -> None:
        self.direct = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        try:
            await self.direct(message)
        except OSError as error:
            raise gone() from error


async def send_pieces(
    send: Send, start: Message, pieces: AsyncIterator[object], encode: Callable[[object], bytes]
) -> None:
    """The first event and what `pieces` gives; the last event is still owed. What is not bytes goes through `encode`.

    The first piece is waited for before anything is sent, so that a failure can still be answered.
    """
    first = await anext(pieces, b"")
    body = first if type(first) is bytes else encode(first)
    await send(start)
    if body:
        await send(response_body(body, more_body=True))
    direct = send.direct if isinstance(send, Watched) else send
    async for piece in pieces:
        body = piece if type(piece) is bytes else encode(piece)
        if body:  # an empty chunk would end the response (RFC 9112 §7.1)
            try:
                await direct({"type": "http.response.body", "body": body, "more_body": True})
            except OSError as error:
                raise gone() from error


class Departure:
    """While it is entered, the client's leaving interrupts the task: as a cancellation inside, as ClientDisconnected outside.

    Servers drop what is sent to a client that has left, and say nothing: without this a stream without an end would go on for ever.
    The last event of a response is sent outside, since after it every server says http.disconnect.
    """

    def __init__(self, receive: Receive | None) -> None:
        self._receive = receive
        self._left = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if self._receive is not None and task is not None:
            self._watcher = asyncio.create_task(self._watch(self._receive, task))

    async def _watch(self, receive: Receive, task: "asyncio.Task[object]") -> None:
        with suppress(Exception):  # a server that cannot say it: nothing is known
            while (await receive())["type"] != "http.disconnect":
                pass
            self._left = True
            task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._watcher is None:
            return
        self._watcher.cancel()
        if not self._left:
            return
        task = asyncio.current_task()
        cancelled = task is not None and task.uncancel() > 0
        if not cancelled and (kind is None or kind is asyncio.CancelledError):
            raise gone() from error


Steps: TypeAlias = Generator[object, object, Message | None]
"""They end with an event, unless they end at the first."""


class Pending:
    """What is left of an awaitable whose first step was taken by hand: `await` it to go on from there."""

    def __init__(self, steps: Steps, yielded: object) -> None:
        self.steps = steps
        self.yielded = yielded

    def __await__(self) -> Generator[object, object, Message]:
        yielded = self.yielded
        try:
            while True:
                try:
                    sent = yield yielded
                except BaseException as error:  # noqa: BLE001 - cancellation and timeouts belong to the inner awaitable
                    yielded = self.steps.throw(error)
                else:
                    yielded = self.steps.send(sent)
        except StopIteration as finished:
            message: Message = finished.value  # ty: ignore[unsound-assignment] - what the generator returns, by its type
            return message


def poll(receive: Receive) -> Message | Pending:
    """Take the first step towards the next event: the event, if it is there already, or what to await for it.

    Mostly the event is there. Then nothing needs to be awaited, and no timer (which costs more than many a handler) be set.
    """
    # A coroutine takes its steps itself: asking for its iterator costs an object. (No type says that it is a generator, too.)
    steps: Any = receive()
    if type(steps) is not CoroutineType:
        steps = steps.__await__()
    try:
        yielded = steps.send(None)
    except StopIteration as finished:
        message: Message = finished.value  # ty: ignore[unsound-assignment] - what the generator returns, by its type
        return message
    return Pending(steps, yielded)


MINIMUM_BODY_RATE = 500
"""Bytes a second that a body must bring on average once twice the idle time is over (slow-body attacks)."""

DRAINED_BYTES = 262_144
DRAINED_SECONDS = 2.0


class Incoming:
    """A request body that is still coming in; it is read once, by `whole` or by `pieces`.

    `first` is what `poll` had. `more` says whether the client is still sending, `taken` whether somebody reads it.
    """

    def __init__(self, receive: Receive, first: Message | Pending, *, limit: int, idle_seconds: float) -> None:
        self.more = True
        self.taken = False
        self._refusal: HTTPException | None = None
        self._receive = receive
        self._first: Message | Pending | None = first
        self._limit = limit
        self._idle = idle_seconds
        self._kept = bytearray()  # pieces on their own would take many times as much
        self._size = 0
        self._started = 0.0

    async def whole(self) -> bytes:
        """The body in one piece; raises as `pieces` does."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
        return bytes(body)

    async def keep(self, most: int) -> bool:
        """Take in what comes, for whoever reads it later, until all is here or it is more than `most` bytes; whether it is all.

        Raises as `pieces` does.
        """
        while self.more and self._size <= most:
            self._kept += await self._counted()
        return not self.more

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body, piece by piece as it comes; empty pieces are left out.

        Raises ContentTooLarge beyond `limit` bytes, counted as they come; RequestTimeout when nothing comes for
        `idle_seconds`, or too little for too long; ClientDisconnected when the peer is gone; and RuntimeError for a second
        reader, unless the first was refused: then it is refused likewise.
        """
        if self._refusal is not None:
            raise _without_traceback(self._refusal)
        if self.taken:
            raise RuntimeError("The body was read already, or is being read; use either stream() or body(), and once.")
        self.taken = True
        if self._kept:
            kept, self._kept = bytes(self._kept), bytearray()
            yield kept
        try:
            while self.more:
                piece = await self._counted()
                if piece:
                    yield piece
        except HTTPException as error:
            self.refuse(error)
            raise

    def refuse(self, error: HTTPException) -> None:
        """Have whoever reads get this error, too."""
        self._refusal = _without_traceback(error)

    async def _counted(self) -> bytes:
        """The next piece, if it comes in time and fits."""
        now = time.monotonic()
        self._started = self._started or now
        left = self._started + 2 * self._idle + self._size / MINIMUM_BODY_RATE - now
        piece = await self._next(min(self._idle, left))
        self._size += len(piece)
        if self._size > self._limit:
            raise too_large(self._limit)
        return piece

    async def drain(self) -> None:
        """Read on and forget, for DRAINED_SECONDS and DRAINED_BYTES at most.

        Who closes a connection while the client still sends resets it, and the client may never see the answer (RFC 9112 §9.6).
        """
        left = DRAINED_BYTES
        with suppress(OSError, HTTPException, ClientDisconnected):
            async with asyncio.timeout(DRAINED_SECONDS):
                while self.more and left > 0:
                    left -= len(await self._next(DRAINED_SECONDS))

    async def _next(self, seconds: float) -> bytes:
        """The next piece, which may be empty; no timer is set for one that is here already."""
        first, self._first = self._first, None
        step = poll(self._receive) if first is None else first
        message = await _within(seconds, step) if isinstance(step, Pending) else step
        if message["type"] != BODY_EVENT:
            self.more = False
            raise gone()
        self.more = message.get("more_body", False)
        return message.get("body", b"")


def _without_traceback(error: HTTPException) -> HTTPException:
    """The same error anew: a traceback holds all that was being read, and with it whoever keeps the error."""
    made = type(error).__new__(type(error), *error.args)
    made.__dict__ |= error.__dict__
    return made


async def _within(seconds: float, pending: Pending) -> Message:
    try:
        async with asyncio.timeout(seconds):
            return await pending
    except TimeoutError:
        raise RequestTimeout(
            "The request body came too slowly. Send it without pauses, or in smaller requests.",
            headers={"connection": "close"},
        ) from None


def gone() -> ClientDisconnected:
    return ClientDisconnected("The client closed the connection before the exchange was complete.")


def too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge(
        f"The request body is larger than the {limit} bytes that are taken here. Send less, or in several requests.",
        headers={"connection": "close"},
    )


def check_announced(fields: Mapping[bytes, bytes], limit: int) -> None:
    """Raise ContentTooLarge where Content-Length is more than `limit`, BadRequest where it is no number."""
    announced = fields.get(b"content-length", b"0")
    if not announced.isdigit():
        raise BadRequest("Content-Length is not a number.")
    if len(announced) > 18 or int(announced) > limit:  # noqa: PLR2004 - int() of more digits could cost time
        raise too_large(limit)


def lingering(send: Send, incoming: Incoming) -> Send:
    """A `send` that drains the request's body before the last event, after which a server may close the connection."""

    async def linger(message: Message) -> None:
        if message["type"] == PIECE_EVENT and not message.get("more_body"):
            await send({**message, "more_body": True})
            await incoming.drain()
            message = response_body(b"")
        await send(message)

    return linger


def routed_path(scope: Scope) -> str:
    """The path below `root_path`, which ASGI servers leave in `path`."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in {"", "/"}:
        return path[len(root) :] or "/"
    return path
