"""Queries and urlencoded forms."""

import pytest

from flasgo.errors import MalformedRequest
from flasgo.http.query import MAX_FIELDS, encode_query, parse_query


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"a=1", [("a", "1")]),
        (b"q=hello&page=2", [("q", "hello"), ("page", "2")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a", [("a", "")]),
        (b"a=", [("a", "")]),
        (b"=", [("", "")]),
        (b"=1", [("", "1")]),
        (b"a==b=c", [("a", "=b=c")]),
        (b"a=1&&b=2", [("a", "1"), ("b", "2")]),
        (b"&&a=1&", [("a", "1")]),
        (b"&", []),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a+b=c+d", [("a b", "c d")]),
        (b"a%20b=%2B%26%3D", [("a b", "+&=")]),
        (b"w=%C3%B6&s=%f0%9f%98%80", [("w", "ö"), ("s", "😀")]),
        ("w=ö&x=1".encode(), [("w", "ö"), ("x", "1")]),
        ("w=ö%C3%B6+".encode(), [("w", "öö ")]),
        (b"a=%00%0a", [("a", "\0\n")]),
        (b"a=%2541", [("a", "%41")]),
        (b"a=%", [("a", "%")]),
        (b"a=%4", [("a", "%4")]),
        (b"a=%zz%4g%%41", [("a", "%zz%4g%A")]),
        (b"a=%+1", [("a", "% 1")]),
        ("a=%٣٣".encode(), [("a", "%٣٣")]),
    ],
)
def test_it_reads_as_browsers_write(raw: bytes, expected: list[tuple[str, str]]):
    assert expected == parse_query(raw)


@pytest.mark.parametrize(
    "raw",
    [b"\xff", b"a=\xc3", b"a=%ff", b"a=%C3", b"a=%C3&b=%B6", b"a=%C3=%B6", b"%ED%A0%80=1", b"a=%C0%AF", b"a=%C3\xb6"],
)
def test_what_is_not_utf_8_is_malformed(raw: bytes):
    with pytest.raises(MalformedRequest, match="not UTF-8"):
        parse_query(raw)


def test_as_many_fields_as_allowed_pass_and_one_more_does_not():
    assert MAX_FIELDS == 1000
    assert len(parse_query(b"&".join([b"a=1"] * 1000))) == 1000
    with pytest.raises(MalformedRequest, match="more than 1000 fields"):
        parse_query(b"&".join([b"a=1"] * 1001))
    assert len(parse_query(b"a=1&b=2", max_fields=2)) == 2
    with pytest.raises(MalformedRequest, match="more than 2 fields"):
        parse_query(b"a&&b", max_fields=2)


def test_a_million_fields_are_counted_not_read(costs_at_most):
    raw = b"a=1&" * 1_000_000

    def read() -> None:
        with pytest.raises(MalformedRequest):
            parse_query(raw)

    costs_at_most(0.05, read)


@pytest.mark.parametrize("pattern", [b"%", b"%4", b"%zz", b"%41", b"+", b"%%41", b"=", b"a"])
def test_time_is_linear_in_length(pattern: bytes, costs_at_most):
    raw = b"a=" + (pattern * 262_144)[:262_144]
    assert len(parse_query(raw)) == 1
    costs_at_most(2, lambda: parse_query(raw))  # quadratic time would be minutes


def test_encoding_is_the_inverse():
    pairs = [("a b", "ö&="), ("a b", ""), ("", "+%"), ("x", "~")]
    assert encode_query(iter(pairs)) == "a+b=%C3%B6%26%3D&a+b=&=%2B%25&x=~"
    assert pairs == parse_query(encode_query(pairs).encode())


def test_a_lone_surrogate_cannot_be_encoded():
    with pytest.raises(ValueError, match="surrogates"):
        encode_query([("a", "\ud800")])
