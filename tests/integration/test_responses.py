import dataclasses
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest
from msgspec import Struct

from flasgo import FileResponse, Flasgo, Response, Settings, jsonify, redirect


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-responses-0123456789abcdefghij", "CSRF_ENABLED": False, **settings})


def answering(value: object, **options: Any) -> Flasgo[Settings]:
    """An application whose only route returns this value."""
    app = application()
    app.add_route("/", lambda: value, **options)
    return app


class Markup(str):
    __slots__ = ()

    def __html__(self):
        return str(self)


class Point(Struct):
    x: int


@dataclasses.dataclass
class Place:
    x: int


class Pair(NamedTuple):
    x: int
    y: int


TEXT, HTML, JSON, BYTES = (
    "text/plain; charset=utf-8",
    "text/html; charset=utf-8",
    "application/json",
    "application/octet-stream",
)


@pytest.mark.parametrize(
    ("value", "status", "content_type", "body"),
    [
        ("ü", 200, TEXT, "ü".encode()),
        ("", 200, TEXT, b""),
        (Markup("<b>"), 200, HTML, b"<b>"),
        (b"\x00\xff", 200, BYTES, b"\x00\xff"),
        (bytearray(b"a"), 200, BYTES, b"a"),
        (memoryview(b"a"), 200, BYTES, b"a"),
        (None, 204, TEXT, b""),
        ({"a": [1, None]}, 200, JSON, b'{"a":[1,null]}'),
        ([1, "ü"], 200, JSON, '[1,"ü"]'.encode()),
        (Point(1), 200, JSON, b'{"x":1}'),
        (Place(1), 200, JSON, b'{"x":1}'),
        (Pair(1, 2), 200, JSON, b"[1,2]"),
        (("made", 201), 201, TEXT, b"made"),
        (("made", HTTPStatus.CREATED), 201, TEXT, b"made"),
        ((None, 202), 202, TEXT, b""),
        (({"a": 1}, 201), 201, JSON, b'{"a":1}'),
        ((Response("x", 200), 203), 203, TEXT, b"x"),
        (Response("own", 202, content_type="text/css"), 202, "text/css", b"own"),
        (Response.text("t", status_code=201), 201, TEXT, b"t"),
        (Response.html("<p>"), 200, HTML, b"<p>"),
        (Response.json([1], status_code=202), 202, JSON, b"[1]"),
        (jsonify({"a": 1}, status_code=203), 203, JSON, b'{"a":1}'),
    ],
)
@pytest.mark.parametrize("threaded", [True, False])
def test_what_a_handler_returns_becomes_a_response(value, status, content_type, body, threaded):
    response = answering(value, threaded=threaded).test_client().get("/")
    assert (response.status_code, response.headers["content-type"], response.body) == (status, content_type, body)
    assert response.headers.getlist("content-length") == ([] if status == 204 else [str(len(body))])


@pytest.mark.parametrize(
    "value",
    [5, 1.5, True, {1, 2}, object(), ("x", "201"), ("x", 201, [("a", "b")]), ("x", True), (), (1,), iter("x"), Point],
)
def test_what_has_no_form_is_a_logged_500(caplog, value):
    assert answering(value).test_client().get("/").status_code == 500
    assert "Return a Response" in caplog.text or "Return one of" in caplog.text


@pytest.mark.parametrize("value", [("x", 99), ("x", 100), ("x", 600), ("x", -200), ("x", 10**30)])
def test_a_status_out_of_range_is_a_logged_500(caplog, value):
    assert answering(value).test_client().get("/").status_code == 500
    assert "is not a final HTTP status" in caplog.text


def test_headers_of_a_tuple_are_sent_and_checked():
    response = answering(("x", 200, {"X-A": "1", "Content-Type": "text/css"})).test_client().get("/")
    assert (response.headers["x-a"], response.headers.getlist("content-type")) == ("1", ["text/css"])
    assert answering(("x", 200, {"x-a": "1\r\nx-b: 2"})).test_client().get("/").status_code == 500


# ── lengths and bodies ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("make", [Response, lambda body, status: (body, status)], ids=["response", "tuple"])
def test_statuses_without_a_body_have_none(status, make):
    response = answering(make("there must be none", status)).test_client().get("/")
    assert (response.status_code, response.body) == (status, b"")
    assert "content-length" not in response.headers


def test_the_length_is_that_of_the_body_when_it_is_sent_whatever_was_said():
    app = application()

    @app.get("/")
    async def index():
        response = Response(
            "short", headers={"content-length": "99", "Transfer-Encoding": "chunked", "keep-alive": "1"}
        )
        response.body = b"a longer body"
        return response

    response = app.test_client().get("/")
    assert response.body == b"a longer body"
    assert response.headers.getlist("content-length") == ["13"]
    assert "transfer-encoding" not in response.headers
    assert "keep-alive" not in response.headers


@pytest.mark.parametrize("body", ["text", bytearray(b"text"), memoryview(b"text")])
@pytest.mark.parametrize("touched", [True, False])
def test_a_body_of_another_kind_is_sent_as_bytes(body, touched):
    app = application()

    @app.after_request
    async def replace(response):
        response.body = body
        if touched:
            response.headers["x-a"] = "b"

    @app.get("/")
    async def index() -> str:
        return "to be replaced"

    response = app.test_client().get("/")
    assert (response.body, response.headers["content-length"]) == (b"text", "4")


@pytest.mark.parametrize("attribute", [{"body": 5}, {"body": None}, {"status_code": 99}, {"status_code": "200"}])
def test_what_cannot_be_sent_is_answered_with_a_logged_500(caplog, attribute):
    app = application()

    @app.after_request
    async def spoil(response):
        if response.status_code == 200:
            for name, value in attribute.items():
                setattr(response, name, value)

    @app.get("/")
    async def index() -> str:
        return "fine"

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("status", [HTTPStatus.CREATED, HTTPStatus.NO_CONTENT])
def test_a_status_may_be_of_the_standard_library(status):
    app = application()

    @app.get("/")
    async def index() -> str:
        return "x"

    @app.after_request
    async def change(response):
        response.status_code = status

    assert app.test_client().get("/").status_code == int(status)


def test_large_and_small_bodies_have_their_lengths():
    for size in (1, 4095, 4096, 100_000):
        app = answering("x" * size)
        assert app.test_client().get("/").headers["content-length"] == str(size)


# ── one response for many requests ──────────────────────────────────────────────────────────────────────────────────


def test_one_object_may_answer_many_requests():
    """Nothing that sending adds, or that a hook does, may be there the next time: cookies of one visitor least of all."""
    app = application()
    shared = Response("same", headers={"x-own": "1"})
    shared.set_cookie("a", "1")
    fields = list(shared.raw)

    @app.get("/")
    async def index():
        return shared

    @app.get("/sync")
    def sync():
        return shared

    @app.get("/typed")
    async def typed() -> Response:
        return shared

    @app.get("/tuple")
    async def in_tuple():
        return shared, 201, {"x-more": "1"}

    @app.after_request
    async def add(response):
        response.headers.add("x-added", "1")
        response.set_cookie("visitor", "secret")
        response.status_code = 202

    client = app.test_client()
    for path in ("/", "/sync", "/typed", "/tuple"):
        first, second = client.get(path), client.get(path)
        assert first.raw_headers == second.raw_headers
        assert first.headers.getlist("x-added") == ["1"]
        assert len(first.headers.getlist("set-cookie")) == 2
    assert (shared.raw, shared.status_code) == (fields, 200)


def test_one_file_response_may_answer_many_requests(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("file")
    app = answering(FileResponse(path))
    client = app.test_client()
    assert client.get("/").raw_headers == client.get("/").raw_headers


# ── cookies and redirects ───────────────────────────────────────────────────────────────────────────────────────────


def test_cookies_are_set_and_deleted():
    app = application()

    @app.get("/")
    async def index():
        response = Response("x", cookies=["raw=1; Path=/"])
        response.set_cookie("a", "1", max_age=60, same_site="Strict", path="/a")
        response.delete_cookie("b", secure=False)
        return response

    raw, cookie, deletion = app.test_client().get("/").headers.getlist("set-cookie")
    assert raw == "raw=1; Path=/"
    assert cookie.startswith("a=1; Path=/a; SameSite=Strict; Max-Age=60; Expires=")
    assert cookie.endswith("; Secure; HttpOnly")
    assert deletion.startswith("b=; Path=/; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970")
    assert "Secure" not in deletion


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/next", "/next"),
        ("/ü?q=a b#c", "/%C3%BC?q=a%20b#c"),
        ("/100%25", "/100%25"),
        ("/→", "/%E2%86%92"),
        ("next", "next"),
    ],
)
def test_a_redirect_is_percent_encoded(location, sent):
    response = answering(redirect(location)).test_client().get("/")
    assert (response.status_code, response.location, response.body) == (302, sent, b"")


async def test_http_1_0_and_unknown_versions_are_answered_alike(call):
    app = answering("x")
    for version in ("1.0", "1.1", "2", "3"):
        assert (await call(app, http_version=version)).body == b"x"


async def test_a_response_that_breaks_off_is_logged_and_left_unfinished(call, caplog):
    class Broken(Response):
        async def send(self, send, **options):
            await super().send(self.unfinished(send), **options)
            raise RuntimeError("half way")

        @staticmethod
        def unfinished(send):
            async def cut(message):
                if message["type"] == "http.response.start":
                    await send(message)

            return cut

    app = answering(Broken("body"))
    ended = []
    app.teardown_request(lambda error: ended.append(str(error)))
    with pytest.raises(RuntimeError, match="half way"):
        await call(app)
    assert ended == ["half way"]
    (record,) = caplog.records
    assert record.getMessage() == "response-broken-off method=GET path=/ client=127.0.0.1"
    assert record.exc_info
