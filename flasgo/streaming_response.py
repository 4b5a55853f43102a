"""StreamingResponse: an answer that is made while it is sent, piece by piece."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import AsyncGeneratorType, GeneratorType
from typing import TypeAlias

from flasgo.http.asgi import Departure, Runner, Send, response_body, response_start, send_pieces
from flasgo.response import BODILESS, NO_FIELDS, Response, checked_status, register_conversion

Content: TypeAlias = AsyncIterable[object] | Iterable[object]
Encode: TypeAlias = Callable[[object], bytes]


def as_piece(piece: object) -> bytes:
    """A piece as bytes. Raises TypeError for what is neither text nor bytes."""
    match piece:
        case str():
            return piece.encode()
        case bytes() | bytearray() | memoryview():
            return bytes(piece)
        case _:
            raise TypeError(
                f"A stream gave a piece of type {type(piece).__name__}: give str or bytes; or declare the handler's return type, "
                "such as AsyncIterator[Book], and each piece becomes a line of JSON."
            )


class StreamingResponse(Response):
    """What `content` gives, sent as it comes; its length is not said.

    `content` is an async iterator, which runs on the event loop, or a plain one, each step of which runs in a thread; it gives bytes, or text
    that is sent as UTF-8. The next piece is asked for when the server has taken the last one, so that a slow client slows the iterator
    down. When the client leaves, the iterator is closed at once: where it awaits something it is cancelled, where it waits to go
    on it sees GeneratorExit. HEAD closes it unused.

    A failure before the first piece is answered like any error. After it the connection is broken off, so that the client
    can tell that it has not got it all.
    """

    encode: Encode = staticmethod(as_piece)
    """Makes bytes of what is not bytes."""

    def __init__(
        self,
        content: Content,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        content_type: str = "text/plain; charset=utf-8",
    ) -> None:
        if isinstance(content, (str, bytes)) or not isinstance(content, (AsyncIterable, Iterable)):
            raise TypeError(
                f"A StreamingResponse is made of an iterator, not of {type(content).__name__}; "
                "call a function that yields, and use Response for what is whole."
            )
        super().__init__(b"", status_code, headers, content_type=content_type)
        self.content = content

    async def send(
        self,
        send: Send,
        *,
        fields: Mapping[bytes, bytes] = NO_FIELDS,  # noqa: ARG002 - a stream has no conditions and no ranges
        head_only: bool = False,
    ) -> None:
        status = checked_status(self.status_code)
        start = response_start(status, self.sent_fields())
        pieces = _steps(self.content, self.delivery.run)
        try:
            if head_only or status in BODILESS:
                await send(start)
            else:
                async with Departure(self.delivery.receive):
                    await send_pieces(send, start, pieces, self.encode)
        finally:
            await _close(pieces)
        await send(response_body(b""))


def _steps(content: Content, run: Runner) -> AsyncIterator[object]:
    return aiter(content) if isinstance(content, AsyncIterable) else _InThread(iter(content), run)


async def _close(steps: AsyncIterator[object]) -> None:
    """Let an iterator that can be closed clear up after itself."""
    if isinstance(steps, (AsyncGeneratorType, _InThread)):
        await steps.aclose()
    elif (close := getattr(steps, "aclose", None)) is not None:
        await close()


class _End:
    """What no iterator gives."""


class _InThread:
    """A plain iterator as an async one."""

    def __init__(self, steps: Iterator[object], run: Runner) -> None:
        self._steps = steps
        self._run = run

    def __aiter__(self) -> "_InThread":
        return self

    async def __anext__(self) -> object:
        piece = await self._run(next, self._steps, _End)
        if piece is _End:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        close = getattr(self._steps, "close", None)
        if close is not None:
            await self._run(close)


def _from_generator(value: Content, status: int) -> Response:
    return StreamingResponse(value, status)


# A handler may be a generator function, or return what one gives.
register_conversion(AsyncGeneratorType, _from_generator)
register_conversion(GeneratorType, _from_generator)
