"""A request leaves nothing for the cycle collector, which would stop everybody while it looks for it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import Annotated

import pytest
from msgspec import Struct

from flasgo import Conflict, Depends, Flasgo, Form, Request, Session, Settings, UploadedFile, session
from flasgo.http.asgi import Message, Scope
from flasgo.http.uploads import Spool


class Book(Struct):
    title: str


def application() -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": "a-key-for-tests-0123456789-abcdefghij", "CSRF_ENABLED": False})

    @app.get("/text")
    async def text() -> str:
        return "text"

    @app.get("/session")
    async def with_session(session: Session) -> dict[str, int]:
        return {"n": session.get("n", 0)}

    @app.get("/written")
    async def written() -> str:
        session["n"] = 1
        return "written"

    @app.get("/g")
    async def with_g(request: Request) -> str:
        request.g.request = "a word"
        return request.headers.get("host", "") + str(request.args) + str(request.url)

    @app.get("/wrong")
    async def wrong() -> str:
        raise Conflict

    @app.get("/broken")
    async def broken() -> str:
        raise ValueError

    @app.get("/plain/broken")
    def plain_broken() -> str:
        raise ValueError

    @app.get("/told")
    async def told() -> str:
        raise KeyError

    @app.errorhandler(KeyError)
    async def tell(error: Exception) -> tuple[str, int]:
        return "told", 418

    @app.get("/provided")
    async def provided(made: Annotated[int, Depends(provider)]) -> int:
        raise LookupError

    @app.get("/lines")
    async def lines() -> AsyncIterator[str]:
        while True:
            yield "line\n" * 1000

    @app.post("/file")
    async def file(file: UploadedFile) -> int:
        return len(await file.read())

    @app.post("/plain/file")
    def plain_file(file: UploadedFile) -> int:
        return len(file.body)

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    async def json(book: Book) -> Book:
        return book

    @app.post("/form")
    async def form(book: Annotated[Book, Form()]) -> Book:
        return book

    return app


def provider() -> Iterator[int]:
    yield 1


async def ask(
    app: Flasgo[Settings], method: str, path: str, headers: Iterable[tuple[bytes, bytes]], events: Iterable[Message]
) -> int | None:
    """The status of the answer, if there was one. A client whose events are over says nothing any more, until it is given up."""
    statuses: list[int] = []
    left = iter(events)

    async def receive() -> Message:
        await asyncio.sleep(0)
        event = next(left, None)
        if event is None:
            await asyncio.sleep(60)
            raise AssertionError
        return event

    async def send(message: Message) -> None:
        if "status" in message:
            statuses.append(message["status"])
        if len(statuses) == 1 and path == "/lines":
            raise OSError

    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"a=1",
        "headers": [(b"host", b"localhost"), *headers],
    }
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await app(scope, receive, send)
    return statuses[0] if statuses else None


JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


MULTIPART = (b"content-type", b"multipart/form-data; boundary=b")
START = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
LENGTH = (b"content-length", b"3000")
GONE: Message = {"type": "http.disconnect"}


def pieces(*bodies: bytes, more: bool = False) -> list[Message]:
    """The events of a body; with `more` it is not over."""
    events: list[Message] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    return events if more else [*events, {"type": "http.request", "body": b""}]


LARGE = [START, *[bytes(100_000)] * 25]

REQUESTS: dict[str, tuple[str, str, tuple[tuple[bytes, bytes], ...], list[Message], int | None]] = {
    "text": ("GET", "/text", (), pieces(), 200),
    "a session": ("GET", "/session", (), pieces(), 200),
    "a session that changes": ("GET", "/written", (), pieces(), 200),
    "the object itself": ("GET", "/g", (), pieces(), 200),
    "an error": ("GET", "/wrong", (), pieces(), 409),
    "no such page": ("GET", "/nothing", (), pieces(), 404),
    "an unhandled error": ("GET", "/broken", (), pieces(), 500),
    "an unhandled error of a plain handler": ("GET", "/plain/broken", (), pieces(), 500),
    "an error that a handler answers": ("GET", "/told", (), pieces(), 418),
    "an error beside a provider": ("GET", "/provided", (), pieces(), 500),
    "a stream that nobody reads": ("GET", "/lines", (), pieces(), 200),
    "JSON": ("POST", "/json", (JSON,), pieces(b'{"title": "x"}'), 200),
    "JSON that does not fit": ("POST", "/json", (JSON,), pieces(b'{"title": 5}'), 422),
    "JSON of a client that leaves": ("POST", "/json", (JSON, LENGTH), [*pieces(b"{", more=True), GONE], None),
    "JSON that is given up": ("POST", "/json", (JSON, LENGTH), pieces(b"{", more=True), None),
    "a body of a client that leaves": ("POST", "/read", (LENGTH,), [*pieces(b"{", more=True), GONE], None),
    "a form": ("POST", "/form", (FORM,), pieces(b"title=x"), 200),
    "a file": ("POST", "/file", (MULTIPART,), pieces(*LARGE, b"\r\n--b--\r\n"), 200),
    "a file for a plain handler": ("POST", "/plain/file", (MULTIPART,), pieces(*LARGE, b"\r\n--b--\r\n"), 200),
    "a file that is cut off": ("POST", "/file", (MULTIPART,), pieces(*LARGE), 400),
    "a file that is too large": ("POST", "/file", (MULTIPART,), pieces(*LARGE * 9), 413),
    "a file of a client that leaves": ("POST", "/file", (MULTIPART,), [*pieces(*LARGE, more=True), GONE], None),
    "a file that is given up": ("POST", "/file", (MULTIPART,), pieces(*LARGE, more=True), None),
    "a plain handler's, given up": ("POST", "/plain/file", (MULTIPART,), pieces(*LARGE, more=True), None),
}


@pytest.mark.parametrize("which", REQUESTS)
async def test_no_request_stays(which: str):
    app = application()
    method, path, headers, events, status = REQUESTS[which]
    assert await ask(app, method, path, headers, events) == status
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await ask(app, method, path, headers, events)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, (Request, Session, Spool))]
        assert left == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
