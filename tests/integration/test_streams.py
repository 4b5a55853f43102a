import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

import pytest
from msgspec import Struct

from flasgo import Flasgo, Response, Settings, StreamingResponse, request


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-streams-0123456789abcdefghijklmn", "CSRF_ENABLED": False, **settings})


class Book(Struct, frozen=True):
    title: str
    pages: int


class Secret(Book, frozen=True):
    price: float = 1.0


# ── what streams ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_async_iterator_is_sent_as_it_comes():
    app = application()

    @app.get("/")
    async def index() -> StreamingResponse:
        async def pieces():
            yield "é"
            yield b""
            yield b"\xff"
            yield ""
            yield bytearray(b"b")
            yield memoryview(b"m")

        return StreamingResponse(pieces(), 201, {"x-own": "1"}, content_type="text/csv")

    response = app.test_client().get("/")
    assert (response.status_code, response.body) == (201, "é".encode() + b"\xffbm")
    assert (response.headers["x-own"], response.headers["content-type"]) == ("1", "text/csv")
    assert "content-length" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in response.headers["cache-control"]


def test_a_plain_iterator_runs_in_a_thread_and_is_closed_there():
    app = application()
    threads: list[int] = []

    @app.get("/")
    def index():
        def pieces():
            try:
                for number in range(3):
                    threads.append(threading.get_ident())
                    yield f"{number} of {request.path}\n"
            finally:
                threads.append(threading.get_ident())

        return StreamingResponse(pieces())

    response = app.test_client().get("/")
    assert response.text == "0 of /\n1 of /\n2 of /\n"
    assert len(threads) == 4
    assert threading.main_thread().ident not in threads


@pytest.mark.parametrize("content", [["a", b"b"], ("a", "b"), iter(["ab"]), {"ab": 1}])
def test_anything_that_can_be_iterated_will_do(content):
    app = application()
    app.add_route("/", lambda: StreamingResponse(content), name="index")
    assert app.test_client().get("/").body == b"ab"


@pytest.mark.parametrize("content", ["text", b"bytes", None, 5, Response("x")])
def test_what_is_whole_is_no_stream(content):
    with pytest.raises(TypeError, match="made of an iterator"):
        StreamingResponse(content)


def test_an_async_iterator_without_aclose_will_do():
    class Three:
        left = 3

        def __aiter__(self):
            return self

        async def __anext__(self):
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return "x"

    app = application()
    app.add_route("/", lambda: StreamingResponse(Three()), name="index")
    assert app.test_client().get("/").text == "xxx"


def test_an_async_iterator_with_an_aclose_of_its_own_is_closed():
    closed = []

    class Own:
        def __aiter__(self):
            return self

        async def __anext__(self):
            raise StopAsyncIteration

        async def aclose(self):
            closed.append(True)

    app = application()
    app.add_route("/", lambda: StreamingResponse(Own()), name="index")
    response = app.test_client().get("/")
    assert (response.status_code, response.body, closed) == (200, b"", [True])


def test_hooks_see_a_stream_and_may_complete_it():
    app = application()

    @app.get("/")
    async def index() -> AsyncIterator[str]:
        yield "x"

    @app.after_request
    async def mark(response):
        response.headers["x-kind"] = type(response).__name__

    assert app.test_client().get("/").headers["x-kind"] == "StreamingResponse"


# ── handlers that are generators, or declare one ────────────────────────────────────────────────────────────────────


def test_a_generator_function_is_a_handler():
    app = application()

    @app.get("/async/<int:count>")
    async def asynchronous(count: int):
        for number in range(count):
            yield f"{number}\n"

    @app.get("/plain/<int:count>")
    def plain(count: int):
        for number in range(count):
            yield f"{number}\n"

    client = app.test_client()
    for path in ("/async/3", "/plain/3"):
        response = client.get(path)
        assert response.text == "0\n1\n2\n"
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert client.get("/async/x").status_code == 404


@pytest.mark.parametrize(
    ("annotation", "piece", "body", "kind"),
    [
        (AsyncIterator[str], "x", b"x", "text/plain; charset=utf-8"),
        (AsyncGenerator[str, None], "x", b"x", "text/plain; charset=utf-8"),
        (AsyncIterator[bytes], b"x", b"x", "application/octet-stream"),
        (AsyncIterator[bytes | str], "x", b"x", "application/octet-stream"),
        (AsyncIterator[Book], Book("Emma", 474), b'{"title":"Emma","pages":474}\n', "application/x-ndjson"),
        (AsyncIterator[Book], Secret("Emma", 474), b'{"title":"Emma","pages":474}\n', "application/x-ndjson"),
        (AsyncIterator[Book | None], None, b"null\n", "application/x-ndjson"),
        (AsyncIterator[int | str], "x", b'"x"\n', "application/x-ndjson"),
        (AsyncIterator[dict[str, int]], {"a": 1}, b'{"a":1}\n', "application/x-ndjson"),
        (AsyncIterator, "x", b"x", "text/plain; charset=utf-8"),
        (AsyncIterator[str] | Response, "x", b"x", "text/plain; charset=utf-8"),
        (Response | AsyncIterator[str], "x", b"x", "text/plain; charset=utf-8"),
    ],
    ids=map(str, range(12)),
)
def test_a_declared_stream_has_the_form_of_its_pieces(annotation, piece, body, kind):
    app = application()

    async def index():
        yield piece

    index.__annotations__["return"] = annotation
    app.add_route("/", index, status_code=202)
    response = app.test_client().get("/")
    assert (response.status_code, response.body, response.headers["content-type"]) == (202, body, kind)


def test_a_plain_generator_may_be_declared_too():
    app = application()

    @app.get("/a")
    def books() -> Iterator[Book]:
        yield Book("Emma", 474)
        yield Book("Persuasion", 249)

    @app.get("/b")
    def more() -> Generator[str, None, None]:
        yield "x"

    @app.get("/c")
    def returned() -> Iterator[str]:
        return iter(["a", "b"])

    @app.get("/d")
    async def awaited() -> AsyncIterator[str]:
        async def pieces():
            yield "d"

        return pieces()

    client = app.test_client()
    assert client.get("/a").text == '{"title":"Emma","pages":474}\n{"title":"Persuasion","pages":249}\n'
    assert [client.get(path).text for path in ("/b", "/c", "/d")] == ["x", "ab", "d"]


def test_a_declared_stream_may_be_a_response():
    app = application()

    @app.get("/")
    async def index() -> AsyncIterator[str] | Response:
        return Response("nothing yet", 202)

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (202, "nothing yet")


def test_what_is_no_stream_breaks_the_declaration(caplog):
    app = application()

    @app.get("/list")
    async def whole() -> AsyncIterator[str]:
        return ["x"]  # ty: ignore[invalid-explicit-return] - on purpose

    @app.get("/piece")
    async def wrong() -> AsyncIterator[Book]:
        yield {"title": "Emma"}  # ty: ignore[invalid-yield] - on purpose

    @app.get("/any")
    async def untyped():
        yield 5

    client = app.test_client(raise_server_exceptions=False)
    assert [client.get(path).status_code for path in ("/list", "/piece", "/any")] == [500, 500, 500]
    assert "it is of type list" in caplog.text
    assert "does not answer what it declares" in caplog.text
    assert "a piece of type int: give str or bytes" in caplog.text


def test_in_tests_a_line_is_checked_in_full():
    from typing import Annotated

    from msgspec import Meta

    class Bounded(Struct, frozen=True):
        pages: Annotated[int, Meta(ge=1)]

    app = application()

    @app.get("/")
    async def index() -> AsyncIterator[Bounded]:
        yield Bounded(0)

    response = app.test_client(raise_server_exceptions=False).get("/")
    assert response.status_code == 500


# ── failures ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("threaded", [False, True])
def test_a_failure_before_the_first_piece_is_answered(threaded, caplog):
    app = application()

    async def index():
        raise RuntimeError("unwell")
        yield "x"

    def plain():
        raise RuntimeError("unwell")
        yield "x"

    app.add_route("/", plain if threaded else index)
    response = app.test_client(raise_server_exceptions=False).get("/")
    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "RuntimeError: unwell" in caplog.text


def test_an_error_that_is_an_answer_is_one_before_the_first_piece():
    from flasgo import NotFound

    app = application()

    @app.get("/")
    async def index() -> AsyncIterator[str]:
        raise NotFound("There is no such stream.")
        yield "x"

    assert app.test_client().get("/").status_code == 404


async def test_a_failure_after_it_breaks_the_connection_off(call, caplog):
    app = application()
    closed = []

    @app.get("/")
    async def index():
        try:
            yield "first"
            raise RuntimeError("unwell")
        finally:
            closed.append(True)

    messages = []

    async def send(message):
        messages.append(message)

    with pytest.raises(RuntimeError, match="unwell"):
        await call(app, send=send)
    assert [m.get("body") for m in messages] == [None, b"first"]
    assert messages[-1]["more_body"] is True
    assert closed == [True]
    assert "response-broken-off" in caplog.text


async def test_teardown_hooks_run_when_the_stream_is_over(call):
    app = application()
    order = []

    @app.get("/")
    async def index():
        order.append("stream")
        yield "x"

    app.teardown_request(lambda: order.append("teardown"))
    await call(app)
    assert order == ["stream", "teardown"]


# ── clients that leave ──────────────────────────────────────────────────────────────────────────────────────────────


async def leaving(app, call, *, method="GET", headers=((b"host", b"localhost"),)):
    """Ask, wait for the first piece, and leave."""
    first, left = asyncio.Event(), asyncio.Event()
    received = []

    async def receive():
        if not received:
            received.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message.get("body"):
            first.set()

    task = asyncio.create_task(call(app, receive=receive, send=send, method=method, headers=headers))
    await first.wait()
    left.set()
    async with asyncio.timeout(5):
        await task


async def test_a_client_that_leaves_while_the_stream_waits_ends_it_at_once(call, caplog):
    caplog.set_level(logging.DEBUG)
    app = application()
    ended = []

    @app.get("/")
    async def index():
        try:
            yield "first"
            await asyncio.sleep(3600)
            yield "never"
        except BaseException as error:
            ended.append(type(error))
            raise

    app.teardown_request(lambda error: ended.append(type(error).__name__))
    await leaving(app, call)
    assert ended == [asyncio.CancelledError, "ClientDisconnected"]
    assert "response-broken-off" not in caplog.text


@pytest.mark.parametrize("more", [(), ((b"content-encoding", b"gzip"),)], ids=["", "of an encoded body"])
async def test_a_stream_without_an_end_ends_when_nobody_takes_it(call, more):
    """Servers drop what is sent to nobody, without a word; and a field about a body that nobody reads hides no departure."""
    app = application()
    ended = []

    @app.get("/")
    async def index():
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    await leaving(app, call, headers=((b"host", b"localhost"), *more))
    assert ended == [True]


async def test_a_plain_iterator_is_closed_when_the_client_leaves(call):
    app = application()
    ended = []

    @app.get("/")
    def index():
        try:
            while True:
                yield "x"
        finally:
            ended.append(True)

    await leaving(app, call)
    assert ended == [True]


async def test_a_stream_is_closed_while_the_server_takes_nothing_more(call):
    app = application()
    ended = []
    stuck, left = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def index():
        try:
            yield "x"
            yield "y"
        except GeneratorExit:
            ended.append("closed")
            raise

    async def send(message):
        if message.get("body") == b"x":
            stuck.set()
            await asyncio.sleep(3600)

    received = []

    async def receive():
        if not received:
            received.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(call(app, send=send, receive=receive))
    await stuck.wait()
    left.set()
    async with asyncio.timeout(5):
        await task
    assert ended == ["closed"]


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_connection_that_breaks_ends_the_stream(call, at):
    app = application()
    ended = []

    @app.get("/")
    async def index():
        try:
            yield "x"
            yield "y"
        finally:
            ended.append(True)

    sent = 0

    async def send(message):
        nonlocal sent
        sent += 1
        if sent == at:
            raise OSError("gone")

    await call(app, send=send)
    assert ended == [True]


async def test_an_oserror_of_the_stream_is_an_error_of_the_application(call, caplog):
    app = application()

    @app.get("/")
    async def index():
        yield "x"
        raise OSError("the disk is gone")

    async def send(message):
        pass

    with pytest.raises(OSError, match="disk"):
        await call(app, send=send)


async def test_a_cancelled_request_stays_cancelled(call):
    app = application()
    reached, ended = asyncio.Event(), []

    @app.get("/")
    async def index():
        try:
            yield "x"
            reached.set()
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    task = asyncio.create_task(call(app))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_a_stream_may_read_the_body_that_is_still_coming_in(call):
    """Then nobody listens for the client's leaving, since that would take the body away."""
    app = application()

    @app.post("/")
    async def echo(request):
        async def pieces():
            async for piece in request.stream():
                yield piece.upper()

        return StreamingResponse(pieces())

    exchange = await call(app, method="POST", pieces=[b"abc", 0.01, b"def"])
    assert exchange.body == b"ABCDEF"


async def test_a_body_that_was_announced_too_large_does_not_stop_a_stream(call):
    app = application(MAX_REQUEST_BODY_BYTES=10)

    @app.post("/")
    async def index():
        yield "x"

    exchange = await call(app, method="POST", body=b"x" * 11)
    assert exchange.body == b"x"


async def test_head_sends_nothing_and_runs_nothing(call):
    app = application()
    ran = []

    @app.get("/")
    async def index():
        ran.append(True)
        yield "x"

    exchange = await call(app, method="HEAD")
    assert (exchange.status, exchange.body, ran) == (200, b"", [])


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(call, status):
    app = application()
    app.add_route("/", lambda: StreamingResponse(["x"], status), name="index")
    exchange = await call(app)
    assert (exchange.status, exchange.body, exchange.complete) == (status, b"", True)


async def test_a_slow_reader_slows_the_stream_down(call):
    app = application()
    made = 0

    @app.get("/")
    async def index():
        nonlocal made
        for _ in range(100):
            made += 1
            yield "x"

    ahead = []

    async def send(message):
        if message.get("body"):
            ahead.append(made)
            await asyncio.sleep(0)

    await call(app, send=send)
    assert ahead == list(range(1, 101))
