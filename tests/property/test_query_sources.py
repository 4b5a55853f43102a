"""The quick way to read a query and the thorough one are of one mind."""

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo import Request
from flasgo.binding.sources import SOURCES
from flasgo.errors import MalformedRequest
from flasgo.http.asgi import Message
from flasgo.plan.model import MISSING, Input

SINGLE = (Input("a", "query", "a", int, MISSING),)
WITH_MANY = (*SINGLE, Input("zz", "query", "zz", list[int], MISSING, many=True))


async def receive() -> Message:
    raise NotImplementedError


def read(inputs: tuple[Input, ...], query: bytes) -> object:
    sent = Request.of({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": []}, receive)
    try:
        return SOURCES["query"](inputs)(sent)
    except MalformedRequest as error:
        return type(error)


@given(
    st.lists(st.sampled_from([b"a", b"b", b"=", b"&", b"%41", b"%", b"+", b"1", "é".encode(), b"\xff"])).map(b"".join)
)
@example(b"&" * 1_000)
@example(b"&" * 999)
@example(b"&".join(b"n%d=1" % number for number in range(1_001)))
def test_a_query_without_lists_is_read_as_one_with_them(query: bytes) -> None:
    assert read(SINGLE, query) == read(WITH_MANY, query)


def test_a_query_of_too_many_fields_is_refused_before_it_is_read() -> None:
    assert read(SINGLE, b"&".join(b"n%d=1" % number for number in range(1_001))) is MalformedRequest
