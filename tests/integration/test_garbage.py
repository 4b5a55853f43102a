"""A request leaves nothing for the cycle collector, which would stop everybody while it looks for it."""

import gc
from typing import Annotated

import pytest
from msgspec import Struct

from flasgo import Conflict, Flasgo, Form, Request, Session, Settings, session
from flasgo.http.asgi import Message, Scope


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

    @app.post("/json")
    async def json(book: Book) -> Book:
        return book

    @app.post("/form")
    async def form(book: Annotated[Book, Form()]) -> Book:
        return book

    return app


async def ask(app: Flasgo[Settings], method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if "status" in message:
            statuses.append(message["status"])

    sent = [(b"host", b"localhost"), (b"content-length", b"%d" % len(body)), *headers]
    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"a=1", "headers": sent}
    await app(scope, receive, send)
    return statuses[0]


JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("method", "path", "header", "body", "status"),
    [
        ("GET", "/text", JSON, b"", 200),
        ("GET", "/session", JSON, b"", 200),
        ("GET", "/written", JSON, b"", 200),
        ("GET", "/g", JSON, b"", 200),
        ("GET", "/wrong", JSON, b"", 409),
        ("GET", "/nothing", JSON, b"", 404),
        ("POST", "/json", JSON, b'{"title": "x"}', 200),
        ("POST", "/json", JSON, b'{"title": 5}', 422),
        ("POST", "/form", FORM, b"title=x", 200),
    ],
)
async def test_no_request_stays(method, path, header, body, status):
    app = application()
    assert await ask(app, method, path, [header], body) == status
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await ask(app, method, path, [header], body)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, (Request, Session))]
        assert left == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
