"""Raw values by name: text for what is one, lists for what collects many, and nothing for what was not sent."""

from typing import Any

import pytest

from flasgo import Request
from flasgo.binding.sources import SOURCES, mended
from flasgo.errors import Location
from flasgo.http.asgi import Message, Scope
from flasgo.plan.model import MISSING, Input
from flasgo.request import Terms


def request(query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Request:
    async def receive() -> Message:
        raise NotImplementedError

    scope: Scope = {"type": "http", "method": "GET", "path": "/x", "query_string": query, "headers": list(headers)}
    return Request.of(scope, receive, Terms(parameters=("id", "on")), (5, "yes"))


def inputs(location: Location, **annotations: object) -> tuple[Input, ...]:
    return tuple(
        Input(name, location, name, annotation, MISSING, many=annotation not in {int, str, bool})
        for name, annotation in annotations.items()
    )


def raw(location: Location, sent: Request, **annotations: object) -> dict[str, object]:
    wanted = inputs(location, **annotations)
    return mended(SOURCES[location](wanted), wanted)(sent)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": ["2"]}),
        (b"b=1&b=2", {"b": ["1", "2"]}),
        (b"a=1&a=2", {"a": ["1", "2"]}),
        (b"a=1&c=3", {"a": "1", "c": "3"}),
        (b"a&a=", {"a": ["", ""]}),
    ],
)
def test_query(query: bytes, expected: dict[str, object]):
    assert raw("query", request(query), a=int, b=list[int]) == expected


def test_headers():
    sent = request(headers=((b"a", b"1"), (b"b", b"1, 2"), (b"b", b" 3 ,"), (b"c", b"4")))
    assert raw("header", sent, a=int, b=list[int]) == {"a": "1", "b": ["1", "2", "3"]}
    assert raw("header", sent, b=int) == {"b": ["1, 2", " 3 ,"]}
    assert raw("header", sent, d=int, e=list[int]) == {}


def test_cookies():
    sent = request(headers=((b"cookie", b"a=1; b=2; b=3"),))
    assert raw("cookie", sent, a=int, b=list[int]) == {"a": "1", "b": ["2", "3"]}
    assert raw("cookie", sent, a=list[int], b=int, c=str) == {"a": ["1"], "b": ["2", "3"]}


def test_path():
    assert raw("path", request(), on=bool) == {"id": 5, "on": True}


@pytest.mark.parametrize(
    ("annotation", "query", "expected"),
    [
        (bool, b"v=ON", True),
        (bool, b"v=perhaps", "perhaps"),
        (bool, b"v=on&v=off", ["on", "off"]),
        (bool, b"", None),
        (int, b"v=1", "1"),
        (list[bool], b"v=on&v=x", [True, "x"]),
        (tuple[int, bool], b"v=1&v=1", ["1", True]),
        (tuple[int, bool], b"v=1", ["1"]),
        (tuple[int, bool], b"v=1&v=1&v=1", ["1", True, "1"]),
        (tuple[int, str], b"v=1&v=1", ["1", "1"]),
        (list, b"v=on", ["on"]),
        (list[bool | str], b"v=on", ["on"]),
    ],
    ids=[str(number) for number in range(12)],
)
def test_the_words_of_booleans_where_they_are_asked_for(annotation: Any, query: bytes, expected: object):
    assert raw("query", request(query), v=annotation).get("v") == expected


def test_nothing_is_added_where_no_boolean_is_asked_for():
    wanted = inputs("query", a=int, b=list[str])
    source = SOURCES["query"](wanted)
    assert mended(source, wanted) is source
