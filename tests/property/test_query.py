"""Queries: the round trip, and agreement with the standard library."""

from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.errors import MalformedRequest
from flasgo.http.query import encode_query, parse_query

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ODD = st.text("ab=&%+4C3zZ;#?ö", max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_what_is_encoded_is_read_back(pairs: list[tuple[str, str]]):
    encoded = encode_query(pairs).encode("ascii")
    assert pairs == parse_query(encoded)


@given(ODD)
@example("a=%C3")
@example("a=%C3%b6")
def test_it_agrees_with_the_standard_library(text: str):
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=None)
    except UnicodeDecodeError:
        expected = None
    try:
        actual = parse_query(text.encode())
    except MalformedRequest:
        actual = None
    assert expected == actual


@given(st.binary(max_size=60))
@example(b"\xff")
@example(b"a=%ff&")
def test_bytes_are_fields_or_malformed(raw: bytes):
    try:
        fields = parse_query(raw)
    except MalformedRequest:
        return
    assert len(fields) == sum(1 for piece in raw.split(b"&") if piece)
    for name, value in fields:
        assert len((name + value).encode()) <= len(raw)
