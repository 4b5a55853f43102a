from typing import assert_type

import msgspec
import pytest
from msgspec import Struct

from flasgo.testing.response import ResponseHeaders, TestResponse


class Book(Struct):
    title: str


def response(body: bytes = b"", *headers: tuple[bytes, bytes], status: int = 200) -> TestResponse:
    return TestResponse(status, ResponseHeaders(list(headers)), body)


def test_headers_are_found_in_any_case():
    headers = ResponseHeaders([(b"content-type", b"text/plain"), (b"x-y", b"\xe9")])
    assert headers["Content-Type"] == "text/plain"
    assert headers.get("X-Y") == "é"
    assert "CONTENT-TYPE" in headers
    assert "absent" not in headers
    assert headers.get("absent") is None
    assert headers == {"content-type": "text/plain", "x-y": "é"}
    assert (len(headers), list(headers)) == (2, ["content-type", "x-y"])
    assert repr(headers) == "{'content-type': 'text/plain', 'x-y': 'é'}"


def test_repeated_headers_are_joined_by_a_line_break_and_listed_apart():
    lines = [(b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2")]
    headers = ResponseHeaders(lines)
    assert headers["set-cookie"].split("\n") == ["a=1", "b=2"]
    assert headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert headers.getlist("absent") == []
    assert headers.raw == lines


def test_what_getlist_gives_is_a_copy():
    headers = ResponseHeaders([(b"a", b"1")])
    headers.getlist("a").append("2")
    assert headers["a"] == "1"


def test_a_response_has_short_cuts_to_its_headers():
    lines = [
        (b"location", b"/x"),
        (b"content-type", b"text/html"),
        (b"set-cookie", b"a=1; Path=/"),
        (b"set-cookie", b"b=; Max-Age=0"),
    ]
    made = response(b"", *lines, status=302)
    assert (made.location, made.content_type, made.cookies) == ("/x", "text/html", {"a": "1", "b": ""})
    assert made.raw_headers == lines
    assert made.history == []


def test_a_response_without_headers_has_none_of_them():
    made = response()
    assert (made.location, made.content_type, made.cookies) == (None, None, {})


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("grün".encode(), b"text/plain", "grün"),
        ("grün".encode("latin-1"), b'text/plain; Charset="ISO-8859-1"', "grün"),
        ("grün".encode(), b"text/plain;charset=UTF-8", "grün"),
        ("grün".encode(), b"text/plain; charset=unheard-of", "grün"),
        (b"\xff", b"text/plain", "\ufffd"),
    ],
)
def test_text_is_decoded_by_the_declared_charset(body, content_type, text):
    assert response(body, (b"content-type", content_type)).text == text


def test_json_is_decoded_and_converted_to_a_type():
    made = response(b'[{"title":"Emma"}]')
    assert made.json() == [{"title": "Emma"}]
    books = made.json(list[Book])
    assert_type(books, list[Book])
    assert books == [Book("Emma")]
    assert made.json(type=list[Book]) == books


def test_json_that_is_none_or_does_not_fit_is_an_error():
    with pytest.raises(msgspec.DecodeError):
        response(b"<html>").json()
    with pytest.raises(msgspec.ValidationError, match="title"):
        response(b"{}").json(Book)


def test_its_repr_says_what_a_failing_test_wants_to_know():
    assert (
        repr(response(b"abc", (b"content-type", b"text/html"), status=404)) == "<TestResponse 404 text/html, 3 bytes>"
    )
    assert repr(response()) == "<TestResponse 200 without content type, 0 bytes>"


def test_pytest_does_not_collect_it():
    assert TestResponse.__test__ is False
