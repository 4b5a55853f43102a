import copy
from collections import OrderedDict, UserDict
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, cast

import pytest

from flasgo.response import BODILESS, TEXT, WITH_BODY, Plain, Response, checked_status, quick, redirect, to_response
from flasgo.streaming_response import StreamingResponse


async def sent(response: Response, **options: Any) -> list[Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await response.send(send, **options)
    return messages


# ── the constructor ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_its_arguments_are_those_of_0_5_1_in_their_order():
    response = Response(b"body", 201, {"X-A": "1"}, ["a=b"], "text/css", True)
    assert (response.body, response.status_code, response.headers["x-a"]) == (b"body", 201, "1")
    assert (response.cookies, response.content_type, response.allow_public_cache) == (["a=b"], "text/css", True)
    assert repr(response) == "<Response 201 text/css>"


@pytest.mark.parametrize("body", ["ü", "ü".encode(), bytearray("ü".encode()), memoryview("ü".encode())])
def test_a_body_is_bytes_or_becomes_bytes(body):
    assert Response(body).body == "ü".encode()


@pytest.mark.parametrize("body", [None, 5, [], {"a": 1}, object()])
def test_another_body_is_refused(body: Any):
    with pytest.raises(TypeError, match=r"is bytes or str, not .*; Response\.json encodes objects"):
        Response(body)


@pytest.mark.parametrize("status", [0, 100, 199, 600, -1, True, "200", None, 200.0])
def test_a_status_that_is_not_final_is_refused(status: Any):
    with pytest.raises(ValueError, match="is not a final HTTP status: use 200 to 599"):
        Response(status_code=status)


def test_a_status_becomes_a_plain_number():
    assert type(Response(status_code=HTTPStatus.CREATED).status_code) is int
    assert type(checked_status(HTTPStatus.OK)) is int


@pytest.mark.parametrize("bad", ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\x1bb", "a\x85b", " a", "a ", "→"])
def test_no_header_or_cookie_that_could_not_be_sent_safely(bad):
    for build in (
        lambda: Response(headers={"x-a": bad}),
        lambda: Response(cookies=[bad]),
        lambda: Response(content_type=bad),
        lambda: Response().headers.add("x-a", bad),
        lambda: Response().headers.__setitem__("x-a", bad),
        lambda: Response().cookies.append(bad),
        lambda: setattr(Response(), "content_type", bad),
        lambda: Response().set_cookie("a", bad),
        lambda: Response().set_cookie(bad, "a"),
        lambda: Response().set_cookie("a", "b", path=bad),
        lambda: Response().set_cookie("a", "b", domain=bad),
    ):
        with pytest.raises(ValueError):
            build()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ü", "a\0"])
def test_no_header_of_another_name(name):
    with pytest.raises(ValueError, match="is not a header name"):
        Response(headers={name: "x"})


def test_headers_are_without_case_from_the_first_to_the_last():
    response = Response(headers={"X-One": "1", "Content-Type": "text/css"})
    response.headers["X-ONE"] = "2"
    response.headers["x-two"] = "3"
    assert response.headers["x-one"] == "2"
    assert response.raw == [(b"content-type", b"text/css"), (b"x-one", b"2"), (b"x-two", b"3")]
    response.content_type = "text/html"
    assert response.raw[0] == (b"content-type", b"text/html")
    del response.headers["Content-Type"]
    assert response.content_type == ""


def test_a_copy_shares_nothing_that_is_written_to():
    original = Response("x", 201, {"x-a": "1"}, allow_public_cache=True)
    twin = copy.copy(original)
    twin.headers["x-a"] = "2"
    twin.set_cookie("a", "b")
    twin.status_code = 202
    assert (original.headers["x-a"], original.cookies, original.status_code) == ("1", [], 201)
    assert (twin.body, twin.allow_public_cache) == (b"x", True)
    untouched = quick(b"", TEXT)
    copy.copy(untouched).raw.append((b"a", b"b"))
    assert untouched.raw == [TEXT]


def test_kinds_have_their_constructors():
    assert Response.text("ü", status_code=201, headers={"x-a": "1"}).headers["x-a"] == "1"
    assert Response.html("<p>").content_type == "text/html; charset=utf-8"
    assert Response.json({"ü": [1, None]}).body == '{"ü":[1,null]}'.encode()
    assert Response.json(1).content_type == "application/json"
    with pytest.raises(TypeError):
        Response.json(object())


# ── cookies and redirects ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_cookie_is_safe_unless_it_is_said_otherwise():
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", secure=False, http_only=False, same_site=None, domain="x.example", path="/p")
    response.set_cookie("c", "3", expires=datetime(2030, 1, 1, tzinfo=UTC), partitioned=True)
    response.delete_cookie("a", path="/p", domain="x.example")
    assert response.cookies[:3] == [
        "a=1; Path=/; SameSite=Lax; Secure; HttpOnly",
        "b=2; Path=/p; Domain=x.example",
        "c=3; Path=/; SameSite=Lax; Expires=Tue, 01 Jan 2030 00:00:00 GMT; Secure; HttpOnly; Partitioned",
    ]
    assert response.cookies[3].startswith(
        "a=; Path=/p; Domain=x.example; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970"
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_a_status_that_says_so(status):
    response = redirect("/next", status_code=status, headers={"X-A": "1"})
    assert (response.status_code, response.location, response.body) == (status, "/next", b"")
    assert response.headers["x-a"] == "1"


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 404])
def test_another_status_is_no_redirect(status):
    with pytest.raises(ValueError, match="is not a redirect"):
        redirect("/next", status_code=status)


@pytest.mark.parametrize("location", ["/a\r\nset-cookie: b=c", "/\0", "/\x7f", "\t/", "/\ud800"])
def test_no_redirect_that_could_not_be_sent_safely(location):
    with pytest.raises(ValueError):
        redirect(location)


def test_a_response_that_is_no_redirect_has_no_location():
    assert Response().location is None


# ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_two_events_and_may_be_sent_again():
    response = Response("body", 201, {"content-length": "99"})
    expected = [
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"4")],
        },
        {"type": "http.response.body", "body": b"body", "more_body": False},
    ]
    assert await sent(response) == expected
    assert await sent(response) == expected


def test_a_plain_answer_is_what_has_a_body_in_memory_and_no_more():
    response = Response("a", 201)
    assert response.as_plain() == (201, [(b"content-type", b"text/plain; charset=utf-8")], b"a")

    response.headers["x-a"] = "1"
    response.headers["content-length"] = "7"
    response.status_code = HTTPStatus.OK
    status, fields, _ = cast("Plain", response.as_plain())
    assert (type(status), fields[1:]) == (int, [(b"x-a", b"1")])

    for more in (Response(b"", 204), Response(b"", 413), StreamingResponse(iter(["a"]))):
        assert more.as_plain() is more
    response.body = bytearray(b"a")  # type: ignore[assignment]  # ty: ignore[invalid-assignment] - as programs do
    assert response.as_plain() is response


async def test_head_gets_the_length_without_the_body():
    start, body = await sent(Response("body"), head_only=True)
    assert (b"content-length", b"4") in start["headers"]
    assert body["body"] == b""


@pytest.mark.parametrize("status", sorted(BODILESS))
async def test_a_status_without_a_body_has_none(status):
    start, body = await sent(Response("body", status))
    assert (start["status"], body["body"]) == (status, b"")
    assert b"content-length" not in dict(start["headers"])


def test_every_final_status_is_sent_one_way_or_another():
    assert set(WITH_BODY) == set(range(200, 600)) - {204, 304, 413}
    assert all(type(plain) is int and plain == status for status, plain in WITH_BODY.items())


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (OrderedDict(a=1), b'{"a":1}'),
        (UserDict(a=MappingProxyType({"b": 1})), b'{"a":{"b":1}}'),
        (frozenset, None),
        (range(2), None),
    ],
    ids=str,
)
def test_subclasses_and_look_alikes(value, body):
    if body is None:
        with pytest.raises(TypeError, match="has no form as a response"):
            to_response(value)
    else:
        assert to_response(value).body == body


def test_a_subclass_of_str_or_response_is_one():
    class Name(str):
        __slots__ = ()

    class Own(Response):
        pass

    assert to_response(Name("x")).content_type == "text/plain; charset=utf-8"
    made = to_response((Own("x"), 202))
    assert (type(made), made.status_code) == (Own, 202)


def test_the_routes_status_is_for_answers_that_name_none():
    assert to_response("x", 201).status_code == 201
    assert to_response(None, 201).status_code == 201
    assert to_response(None).status_code == 204
    assert to_response((None, 200)).status_code == 200
    assert to_response(Response("x"), 201).status_code == 200
