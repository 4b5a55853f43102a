"""The ASGI wire: its types, its event names and the only spelling of its keys (ASGI 3.0, HTTP spec 2.x).

Everything above reads a scope through `Request` and writes through `Response`; a change of the protocol is a change of this file.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from functools import partial
from typing import Protocol, Required, TypeAlias, TypedDict, cast

from flasgo.errors import ClientDisconnected, ContentTooLarge, RequestTimeout
from flasgo.http.headers import RawHeaders


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


Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class ASGIApp(Protocol):
    """Any ASGI 3 application."""

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...


LENGTHS = 4096
LENGTH_FIELDS = [(b"content-length", str(size).encode()) for size in range(LENGTHS)]
"""The Content-Length field of every small body, made once."""


def length_field(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


def whole_response(status: int, headers: RawHeaders, body: bytes) -> tuple[Message, Message]:
    """Both events of a response whose body is in memory and not empty; Content-Length is added to `headers`."""
    size = len(body)
    length = LENGTH_FIELDS[size] if size < LENGTHS else length_field(size)
    return (
        {"type": "http.response.start", "status": status, "headers": [*headers, length]},
        {"type": "http.response.body", "body": body},
    )


def response_start(status: int, headers: RawHeaders) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def response_body(body: bytes, *, more_body: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more_body}


class Pending:
    """What is left of an awaitable whose first step was taken by hand: `await` it to go on from there."""

    def __init__(self, steps: Generator[object, object, Message], yielded: object) -> None:
        self.steps = steps
        self.yielded = yielded

    def __await__(self) -> Generator[object, object, Message]:
        yielded = self.yielded
        while True:
            try:
                sent = yield yielded
            except BaseException as error:  # noqa: BLE001 - cancellation and timeouts belong to the inner awaitable
                step = partial(self.steps.throw, error)
            else:
                step = partial(self.steps.send, sent)
            try:
                yielded = step()
            except StopIteration as finished:
                return cast("Message", finished.value)


def poll(receive: Receive) -> Message | Pending:
    """Take the first step towards the next event: the event, if it is there already, or what to await for it.

    Mostly the event is there. Then nothing needs to be awaited, and no timer (which costs more than many a handler) be set.
    """
    steps = cast("Generator[object, object, Message]", receive().__await__())
    try:
        yielded = next(steps)
    except StopIteration as finished:
        return cast("Message", finished.value)
    return Pending(steps, yielded)


MINIMUM_BODY_RATE = 500
"""Bytes a second that a body must bring on average once twice the idle time is over (slow-body attacks)."""


async def stream_body(receive: Receive, *, limit: int, idle_seconds: float) -> AsyncGenerator[bytes]:
    """The request body, piece by piece as it comes; empty pieces are left out.

    Raises ContentTooLarge beyond `limit` bytes, counted as they come; RequestTimeout when nothing comes for
    `idle_seconds`, or too little for too long; ClientDisconnected when the peer is gone.
    """
    started = time.monotonic()
    size = 0
    more = True
    while more:
        left = started + 2 * idle_seconds + size / MINIMUM_BODY_RATE - time.monotonic()
        message = await _next(receive, min(idle_seconds, left))
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        if piece:
            yield piece


def body_ready(receive: Receive, *, limit: int) -> bytes | Message | Pending:
    """The whole body if it has come in one piece already; else the first step, for `read_body` to go on from.

    Raises ContentTooLarge and ClientDisconnected.
    """
    first = poll(receive)
    if isinstance(first, Pending):
        return first
    if first["type"] != "http.request":
        raise gone()
    if first.get("more_body"):
        return first
    body = first.get("body", b"")
    if len(body) > limit:
        raise too_large(limit)
    return body


async def read_body(first: Message | Pending, receive: Receive, *, limit: int, idle_seconds: float) -> bytes:
    """The whole request body, beginning with what `body_ready` had; raises as `stream_body` does."""
    message = await _within(idle_seconds, first) if isinstance(first, Pending) else first
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise too_large(limit)
    if message.get("more_body"):
        rest = stream_body(receive, limit=limit - len(body), idle_seconds=idle_seconds)
        body = b"".join([body, *[piece async for piece in rest]])
    return body


async def _next(receive: Receive, seconds: float) -> Message:
    first = poll(receive)
    if isinstance(first, Pending):
        return await _within(seconds, first)
    if first["type"] != "http.request":
        raise gone()
    return first


async def _within(seconds: float, pending: Pending) -> Message:
    try:
        async with asyncio.timeout(seconds):
            message = await pending
    except TimeoutError:
        raise RequestTimeout(
            "The request body came too slowly. Send it without pauses, or in smaller requests.",
            headers={"connection": "close"},
        ) from None
    if message["type"] != "http.request":
        raise gone()
    return message


def gone() -> ClientDisconnected:
    return ClientDisconnected("The client closed the connection before its request body was complete.")


def too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge(
        f"The request body is larger than MAX_REQUEST_BODY_BYTES allows ({limit} bytes). Send less, or in several requests.",
        headers={"connection": "close"},
    )
