"""Urlencoded forms: the round trip, and any bytes in any chunks."""

import asyncio
from collections.abc import AsyncGenerator

from hypothesis import given
from hypothesis import strategies as st

from flasgo.errors import MalformedBody
from flasgo.http.formlimits import FormLimits
from flasgo.http.forms import FormData, parse_form, read_form
from flasgo.http.query import encode_query

URLENCODED = b"application/x-www-form-urlencoded"
LIMITS = FormLimits()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_what_is_encoded_is_read_back(pairs: list[tuple[str, str]]):
    form = parse_form(URLENCODED, encode_query(pairs).encode(), LIMITS)
    assert [(name, value) for name in form for value in form.getlist(name)] == sorted(
        pairs, key=lambda pair: list(form).index(pair[0])
    )


@given(st.lists(st.one_of(st.binary(max_size=8), st.sampled_from([b"&", b"=", b"%", b"%c3", b"%bc", b"+", b"a"]))))
def test_chunks_do_not_matter(chunks: list[bytes]):
    async def stream() -> AsyncGenerator[bytes]:
        for chunk in chunks:
            yield chunk

    async def streamed() -> FormData:
        return await read_form(URLENCODED, stream(), LIMITS)

    try:
        expected = parse_form(URLENCODED, b"".join(chunks), LIMITS)
    except MalformedBody:
        expected = None
    try:
        actual = asyncio.run(streamed())
    except MalformedBody:
        actual = None
    assert expected == actual
