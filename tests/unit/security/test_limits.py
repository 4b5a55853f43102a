from typing import Any

import pytest

from flasgo.errors import HeadersTooLarge, MalformedRequest
from flasgo.request import Request
from flasgo.security.limits import MAX_FIELDS, HeadLimit

STAGE = HeadLimit(30)


def check(path: str = "/", headers: Any = (), **parts: Any) -> None:
    async def receive() -> Any:
        raise AssertionError

    STAGE.check(Request.of({"type": "http", "method": "GET", "path": path, "headers": list(headers), **parts}, receive))


def test_path_query_names_and_values_count_together():
    check("/" + "x" * 9, [(b"n" * 5, b"v" * 5)], query_string=b"x" * 10)
    with pytest.raises(HeadersTooLarge, match=r"\(30 bytes, 100 fields\)"):
        check("/" + "x" * 9, [(b"n" * 5, b"v" * 6)], query_string=b"x" * 10)


def test_servers_may_leave_parts_out():
    for parts in ({}, {"raw_path": None}):
        check("/" + "x" * 29, **parts)
        with pytest.raises(HeadersTooLarge):
            check("/" + "x" * 30, **parts)


def test_a_path_that_is_no_utf8_is_measured_too():
    check("/\udcff")


def test_fields_are_counted():
    fields = [(b"", b"")] * MAX_FIELDS
    check(headers=fields)
    with pytest.raises(HeadersTooLarge):
        check(headers=[*fields, (b"", b"")])


def test_it_is_the_same_for_every_route_and_refuses_with_431():
    assert STAGE.compile(None) is STAGE.compile(None)
    assert [kind.default_status for kind in STAGE.rejections(None)] == [431, 400]


@pytest.mark.parametrize("name", [b"content-type", b"content-length", b"content-encoding", b"range", b"if-range"])
def test_what_is_no_list_comes_once(name):
    stage = HeadLimit(1_000)

    async def receive() -> Any:
        raise AssertionError

    def scope(*fields):
        return {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"accept", b"a"), (b"accept", b"b"), *fields],
        }

    stage.check(Request.of(scope((name, b"1")), receive))
    with pytest.raises(MalformedRequest, match=r"came more than once. Send it once.$"):
        stage.check(Request.of(scope((name, b"1"), (name, b"1")), receive))
