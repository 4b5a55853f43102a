import asyncio
from typing import Annotated

import pytest
from msgspec import Struct

from flasgo import Body, ContentTooLarge, Flasgo, Form, HTTPException, Request, Settings


class Book(Struct):
    title: str


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-requests-0123456789abcdefghijk", "CSRF_ENABLED": False, **settings})


def reader(**settings: object) -> Flasgo[Settings]:
    """An application that answers with the body that it got, read in each of the ways there are."""
    app = application(**settings)

    @app.post("/body")
    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/stream")
    async def stream(request: Request) -> bytes:
        return b"|".join([piece async for piece in request.stream()])

    @app.post("/text")
    async def text(request: Request, encoding: str = "utf-8") -> str:
        return await request.text(encoding)

    @app.post("/json")
    async def json(request: Request):
        return [await request.json()]

    @app.post("/ignored")
    async def ignored() -> str:
        return "not read"

    return app


# ── what a request says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_attribute_says_what_was_sent():
    app = application()
    seen = {}

    @app.put("/books/<int:id>")
    async def book(request: Request, id: int):
        seen.update(
            method=request.method,
            path=request.path,
            query_string=request.query_string,
            query_params=request.query_params,
            scheme=request.scheme,
            host=request.host,
            url=str(request.url),
            content_type=request.content_type,
            cookies=request.cookies,
            client_ip=request.client_ip,
            endpoint=request.endpoint,
            path_params=request.path_params,
            header=request.headers["X-Name"],
            app=request.app is app,
            settings=request.app.settings is app.settings,
            representation=repr(request),
        )
        return ""

    client = app.test_client()
    client.request(
        "PUT",
        "/books/7?tag=a&tag=b&empty=&q=%C3%BC%20x",
        headers={"content-type": "Text/Plain; charset=utf-8", "x-name": "value", "cookie": "a=1; b=2; a=3"},
    )
    assert seen == {
        "method": "PUT",
        "path": "/books/7",
        "query_string": "tag=a&tag=b&empty=&q=%C3%BC%20x",
        "query_params": {"tag": ["a", "b"], "empty": [""], "q": ["ü x"]},
        "scheme": "http",
        "host": "localhost",
        "url": "http://localhost/books/7?tag=a&tag=b&empty=&q=%C3%BC%20x",
        "content_type": "text/plain",
        "cookies": {"a": "1", "b": "2"},
        "client_ip": "127.0.0.1",
        "endpoint": "book",
        "path_params": {"id": 7},
        "header": "value",
        "app": True,
        "settings": True,
        "representation": "<Request PUT '/books/7'>",
    }


async def test_optional_parts_of_the_scope_may_be_missing(call):
    app = application()
    seen = []

    @app.get("/<name>")
    async def index(request: Request, name: str, q: str = "nothing"):
        seen.append([request.scheme, request.query_string, request.query_params, request.root_path, request.client_ip])
        return q

    everything = ["scheme", "query_string", "root_path", "raw_path", "client", "server", "http_version", "asgi"]
    exchange = await call(app, "/ü", without=everything)
    assert (exchange.status, exchange.body) == (200, b"nothing")
    assert seen == [["http", "", {}, "", None]]
    exchange = await call(app, "/x", client=None, raw_path=None)
    assert exchange.status == 200


@pytest.mark.parametrize("kind", ["tuple of tuples", "list of lists", "iterator"])
async def test_headers_may_come_as_any_iterable(call, kind):
    app = application()

    @app.get("/")
    async def index(request: Request):
        return f"{request.headers['x-a']} {request.fields[b'x-a'].decode()}"

    pairs = [(b"host", b"localhost"), (b"x-a", b"1")]
    headers = {
        "tuple of tuples": tuple(pairs),
        "list of lists": [list(pair) for pair in pairs],
        "iterator": iter(pairs),
    }
    exchange = await call(app, headers=Unlisted(headers[kind]))
    assert (exchange.status, exchange.body) == (200, b"1 1")


class Unlisted:
    """What the test's own call must not turn into a list."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return iter(self.pairs)


def test_a_query_that_cannot_be_read_is_400():
    app = application()

    @app.get("/")
    async def index(request: Request):
        return request.query_params

    client = app.test_client()
    assert client.get("/?a=%ff").status_code == 400
    assert client.get("/?" + "a&" * 1000).status_code == 400


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pieces", [[b"one two"], [b"one", b" ", b"two"], [b"", b"one two", b""], [b"one", 0.01, b" two"]]
)
async def test_a_body_is_whole_however_it_comes(call, pieces):
    exchange = await call(reader(), "/body", method="POST", pieces=pieces)
    assert (exchange.status, exchange.body) == (200, b"one two")


async def test_a_stream_gives_the_pieces_as_they_come_without_empty_ones(call):
    exchange = await call(reader(), "/stream", method="POST", pieces=[b"", b"one", 0.01, b"two", b""])
    assert exchange.body == b"one|two"
    assert (await call(reader(), "/stream", method="POST", pieces=[b"all"])).body == b"all"
    assert (await call(reader(), "/stream", method="POST")).body == b""


def test_a_body_is_kept_and_may_be_read_again_in_every_way():
    app = application()

    @app.post("/")
    async def index(request: Request):
        first = await request.body()
        pieces = [piece async for piece in request.stream()]
        return [
            first == await request.body(),
            pieces == [first],
            await request.text(),
            await request.json(),
            await request.json(),
        ]

    for body in (b'{"a":1}', iter([b'{"a"', b":1}"])):
        response = app.test_client().post("/", body=body, headers={"content-type": "application/json"})
        assert response.json() == [True, True, '{"a":1}', {"a": 1}, {"a": 1}]


@pytest.mark.parametrize("first", ["stream", "body"])
async def test_a_stream_is_read_once(call, first):
    app = application()
    problems = []

    @app.post("/")
    async def index(request: Request):
        async for _ in request.stream():
            break
        try:
            if first == "stream":
                async for _ in request.stream():
                    raise AssertionError
            else:
                await request.body()
        except RuntimeError as error:
            problems.append(str(error))
        return ""

    await call(app, method="POST", pieces=[b"one", b"two"])
    assert problems == ["The body was read already, or is being read; use either stream() or body(), and once."]


async def test_two_tasks_cannot_read_one_body(call):
    app = application()

    @app.post("/")
    async def index(request: Request):
        results = await asyncio.gather(request.body(), request.body(), return_exceptions=True)
        return sorted(str(result) for result in results)

    exchange = await call(app, method="POST", pieces=[b"one", 0.01, b"two"])
    assert b"onetwo" in exchange.body
    assert b"is being read" in exchange.body


def test_text_is_read_in_the_encoding_that_is_asked_for():
    client = reader().test_client()
    assert client.post("/text", body="ü".encode()).text == "ü"
    assert client.post("/text?encoding=latin-1", body=b"\xfc").text == "ü"
    for encoding in ("utf-8", "ascii", "nonsense", "hex", "utf\0", "idna", ""):
        response = client.post("/text", params={"encoding": encoding}, body=b"xn--\xfc-")
        assert response.status_code == 400
        assert "text. Send it in that encoding." in response.text


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/problem+json"],
)
def test_json_is_read_from_what_is_called_json(content_type):
    response = reader().test_client().post("/json", body=b"[1]", headers={"content-type": content_type})
    assert response.json() == [[1]]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-json", "multipart/form-data", "json", ""])
def test_json_is_refused_under_any_other_name(content_type):
    """A browser sends text/plain across origins without asking (CVE-2021-32677)."""
    response = reader().test_client().post("/json", body=b"[1]", headers={"content-type": content_type})
    assert response.status_code == 415


@pytest.mark.parametrize(
    "coding", ["gzip", "GZIP", "deflate", "br", "identity, gzip", "gzip, identity", "identityx", ""]
)
@pytest.mark.parametrize("path", ["/json", "/body", "/stream", "/text", "/data", "/bound", "/typed"])
def test_a_content_encoding_is_refused(path, coding):
    """A firewall may have read it decoded, where we would read the bytes."""
    app = reader()

    @app.post("/data")
    def data(request: Request) -> bytes:
        return request.get_data()

    @app.post("/bound")
    async def bound(body: Annotated[int, Body()]) -> int:
        return body

    @app.post("/typed")
    async def typed(body: list[Book]) -> int:
        return len(body)

    sent = b"[]" if path == "/typed" else b"1"
    client = app.test_client()
    headers = {"content-type": "application/json"}
    assert client.post(path, body=sent, headers=headers).status_code == 200
    for same in ("identity", "Identity", " identity\t"):
        assert client.post(path, body=sent, headers={**headers, "content-encoding": same}).status_code == 200
    refused = client.post(path, body=sent, headers={**headers, "content-encoding": coding})
    assert (refused.status_code, refused.headers["accept-encoding"]) == (415, "identity")


def test_who_asks_for_a_body_as_it_was_sent_gets_it():
    app = application()

    @app.post("/body")
    async def body(request: Request) -> bytes:
        return await request.body(encoded=True)

    @app.post("/stream")
    async def stream(request: Request) -> bytes:
        return b"".join([piece async for piece in request.stream(encoded=True)])

    @app.post("/data")
    def data(request: Request) -> bytes:
        return request.get_data(encoded=True)

    @app.post("/then-text")
    async def then_text(request: Request) -> str:
        await request.body(encoded=True)
        return await request.text()

    client = app.test_client()
    headers = {"content-encoding": "gzip"}
    for path in ("/body", "/stream", "/data"):
        assert client.post(path, body=b"\x1f\x8b", headers=headers).body == b"\x1f\x8b"
    assert client.post("/then-text", body=b"\x1f\x8b", headers=headers).status_code == 415


def test_a_body_that_nobody_reads_may_be_encoded():
    headers = {"content-encoding": "gzip"}
    assert reader().test_client().post("/ignored", body=b"\x1f\x8b", headers=headers).text == "not read"


@pytest.mark.parametrize("coding", ["gzip", "identity, gzip", ""])
@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'),
    ],
)
def test_a_content_encoding_of_a_form_is_refused(content_type, body, coding, bound):
    app = application()

    async def typed(a: Annotated[int, Form()]) -> int:
        return a

    async def plain(request: Request) -> str | None:
        return (await request.form()).get("a")

    app.post("/")(typed if bound else plain)
    client = app.test_client()
    headers = {"content-type": content_type}
    assert client.post("/", body=body, headers=headers).text == "1"
    assert client.post("/", body=body, headers={**headers, "content-encoding": "identity"}).text == "1"
    assert client.post("/", body=body, headers={**headers, "content-encoding": coding}).status_code == 415


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100, b"[" * 100_000, b"nan", b'"\\ud800"'])
def test_json_that_is_none_is_400(body):
    response = reader().test_client().post("/json", body=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.text.startswith("Malformed JSON request body")


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/body", "/stream", "/text", "/json"])
@pytest.mark.parametrize("pieces", [[b"12345678901"], [b"123456", b"78901"], [b"123456", 0.01, b"78901"]])
async def test_a_body_over_the_limit_is_413_counted_as_it_comes(call, path, pieces):
    headers = ((b"host", b"localhost"), (b"content-type", b"application/json"))
    exchange = await call(reader(MAX_REQUEST_BODY_BYTES=10), path, method="POST", pieces=pieces, headers=headers)
    assert exchange.status == 413
    assert exchange.body == (
        b"The request body is larger than the 10 bytes that are taken here. Send less, or in several requests."
    )
    assert exchange.headers["connection"] == "close"
    assert exchange.complete


async def test_a_body_of_exactly_the_limit_is_taken(call):
    for pieces in ([b"1234567890"], [b"12345", b"67890"]):
        exchange = await call(reader(MAX_REQUEST_BODY_BYTES=10), "/body", method="POST", pieces=pieces)
        assert exchange.status == 200


async def test_an_announced_length_over_the_limit_is_413_before_anything_is_read(call):
    asked = []

    async def receive():
        asked.append("more")
        await asyncio.sleep(60)

    headers = ((b"host", b"localhost"), (b"content-length", b"11"), (b"expect", b"100-continue"))
    app = reader(MAX_REQUEST_BODY_BYTES=10)
    exchange = await call(app, "/body", method="POST", receive=receive, headers=headers)
    assert (exchange.status, asked) == (413, [])


async def test_after_413_what_still_comes_is_drained_before_the_last_event(call):
    """Else the server closes on unread bytes, and the client gets a reset instead of the answer (RFC 9112 §9.6)."""
    read = []

    async def receive():
        read.append(b"x" * 100_000)
        return {"type": "http.request", "body": read[-1], "more_body": True}

    exchange = await call(reader(MAX_REQUEST_BODY_BYTES=10), "/body", method="POST", receive=receive)
    assert exchange.status == 413
    assert sum(map(len, read)) <= 500_000
    assert [message.get("more_body") for message in exchange.messages[1:]] == [True, False]
    assert len(exchange.messages[1]["body"]) == int(exchange.headers["content-length"])
    assert exchange.messages[2]["body"] == b""


@pytest.mark.parametrize(
    "pieces", [[b"123456", b"789012", b"34"], [b"123456", b"789012", None], [b"123456", b"7890123"]]
)
async def test_draining_ends_with_the_body_or_with_the_client(call, pieces):
    exchange = await call(reader(MAX_REQUEST_BODY_BYTES=10), "/body", method="POST", pieces=pieces)
    assert exchange.status == 413
    assert exchange.complete


async def test_draining_does_not_wait_for_a_client_that_only_announced(call, monkeypatch):
    monkeypatch.setattr("flasgo.http.asgi.DRAINED_SECONDS", 0.05)
    headers = ((b"host", b"localhost"), (b"content-length", b"1000000"))
    app = reader(MAX_REQUEST_BODY_BYTES=10)
    async with asyncio.timeout(5):
        exchange = await call(app, "/body", method="POST", pieces=[60], headers=headers)
    assert exchange.status == 413
    assert exchange.complete


@pytest.mark.parametrize("length", [b"ten", b"-1", b"+5", b"1 2", b"", b"0x10", "٣".encode()])
async def test_a_length_that_is_no_number_is_400(call, length):
    headers = ((b"host", b"localhost"), (b"content-length", length))
    exchange = await call(reader(), "/body", method="POST", pieces=[b"1", 0.01, b"2"], headers=headers)
    assert (exchange.status, exchange.body) == (400, b"Content-Length is not a number.")


async def test_a_huge_length_is_413_and_never_converted(call):
    headers = ((b"host", b"localhost"), (b"content-length", b"9" * 10_000))
    app = reader()
    exchange = await call(app, "/body", method="POST", pieces=[b"1", b""], headers=headers)
    assert exchange.status == 413


def test_a_route_may_have_a_limit_of_its_own():
    app = application(MAX_REQUEST_BODY_BYTES=10)

    @app.post("/large", max_body_bytes=20)
    async def large(request: Request) -> bytes:
        return await request.body()

    @app.post("/none", max_body_bytes=0)
    async def none(request: Request) -> bytes:
        return await request.body()

    client = app.test_client()
    assert client.post("/large", body=b"x" * 20).status_code == 200
    assert "the 20 bytes" in client.post("/large", body=b"x" * 21).text
    assert client.post("/none").status_code == 200
    assert client.post("/none", body=b"x").status_code == 413
    assert client.post("/none", body=iter([b"x", b"y"])).status_code == 413


def test_a_body_that_nobody_reads_is_not_measured():
    assert reader(MAX_REQUEST_BODY_BYTES=10).test_client().post("/ignored", body=b"x" * 1000).text == "not read"


@pytest.mark.parametrize("way", ["body", "stream"])
async def test_a_refused_body_stays_refused(call, way):
    app = application(MAX_REQUEST_BODY_BYTES=3)
    app.errorhandler(HTTPException)(lambda error: "not reached")

    @app.post("/")
    async def index(request: Request):
        for _ in range(3):
            with pytest.raises(ContentTooLarge):
                _ = [piece async for piece in request.stream()] if way == "stream" else await request.body()
        return "refused each time"

    exchange = await call(app, method="POST", pieces=[b"12", b"34", b"56"])
    assert exchange.body == b"refused each time"


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/body", "/stream"])
@pytest.mark.parametrize("pieces", [[60], [b"half", 60]])
async def test_a_body_that_stops_coming_is_408(call, path, pieces):
    app = reader(REQUEST_READ_TIMEOUT_SECONDS=0.05)
    async with asyncio.timeout(5):
        exchange = await call(app, path, method="POST", pieces=pieces)
    assert exchange.status == 408
    assert exchange.headers["connection"] == "close"
    assert b"came too slowly" in exchange.body


async def test_a_body_that_drips_is_408_though_it_never_pauses(call):
    """Each byte comes within the idle time; what counts is that so little comes in so long a time."""
    app = reader(REQUEST_READ_TIMEOUT_SECONDS=0.1)
    async with asyncio.timeout(5):
        exchange = await call(app, "/body", method="POST", pieces=[b"x", 0.02] * 100)
    assert exchange.status == 408


async def test_a_timeout_leaves_the_handler_free_to_go_on(call):
    app = application(REQUEST_READ_TIMEOUT_SECONDS=0.05)

    @app.post("/")
    async def index(request: Request):
        for _ in range(2):
            with pytest.raises(HTTPException, match="408"):
                await request.body()
        await asyncio.sleep(0.1)  # no timer is left behind that could strike here
        return "went on"

    assert (await call(app, method="POST", pieces=[b"half", 60])).body == b"went on"


# ── clients that leave ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/body", "/stream", "/json"])
@pytest.mark.parametrize("pieces", [[None], [b"half", None], [b"half", 0.01, None], [0.01, None]])
async def test_a_client_that_leaves_in_the_middle_gets_no_answer_and_makes_no_noise(call, caplog, path, pieces):
    app = reader()
    ended = []
    app.teardown_request(lambda error: ended.append(type(error).__name__))
    app.after_request(lambda response: ended.append("after"))
    headers = ((b"host", b"localhost"), (b"content-type", b"application/json"))
    exchange = await call(app, path, method="POST", pieces=pieces, headers=headers)
    assert exchange.messages == []
    assert ended == ["ClientDisconnected"]
    assert not caplog.records


@pytest.mark.parametrize("error", [OSError("gone"), ConnectionResetError(), BrokenPipeError()])
@pytest.mark.parametrize("path", ["/", "/headers", "/missing"])
async def test_a_server_that_says_so_by_an_os_error_is_understood(call, caplog, error, path):
    """ASGI 2.4: sending to a client that has left raises OSError."""
    app = application()
    ended = []
    app.teardown_request(lambda error: ended.append(type(error).__name__))

    @app.get("/")
    async def index():
        return "text"

    @app.get("/headers")
    async def headers():
        return "text", 200, {"x-a": "b"}

    async def send(message):
        raise error

    await call(app, path, send=send)
    assert ended == ["ClientDisconnected"]
    assert not caplog.records


async def test_a_server_whose_receive_fails_is_a_logged_500(call, caplog):
    async def receive():
        raise RuntimeError("no body today")

    exchange = await call(reader(), "/body", method="POST", receive=receive)
    assert exchange.status == 500
    assert "no body today" in caplog.text


async def test_a_cancelled_request_ends_as_cancelled(call):
    app = reader()
    ended = []
    app.teardown_request(lambda error: ended.append(type(error).__name__))
    task = asyncio.create_task(call(app, "/body", method="POST", pieces=[b"half", 60]))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["CancelledError"]


def test_a_request_that_nobody_looks_at_holds_nothing():
    app = application()
    seen = []

    @app.get("/")
    async def index(request: Request):
        seen.append([name for name in vars(request) if name.startswith("_")])
        return ""

    app.test_client().get("/")
    assert seen == [[]]
