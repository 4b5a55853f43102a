from typing import Any

from flasgo.request import Request
from flasgo.response import TEXT, Response, quick
from flasgo.security.headers import NO_STORE, SecurityHeaders


def request(scheme: str | None = "http") -> Request:
    async def receive() -> Any:
        raise AssertionError

    scope: Any = {"type": "http", "method": "GET", "path": "/", "headers": []}
    return Request.of(scope if scheme is None else {**scope, "scheme": scheme}, receive)


STAGE = SecurityHeaders({"x-a": "1", "strict-transport-security": "max-age=1"}, no_store=True)
HSTS = (b"strict-transport-security", b"max-age=1")


def finished(
    response: Response, stage: SecurityHeaders = STAGE, scheme: str | None = "http"
) -> list[tuple[bytes, bytes]]:
    stage.finish(request(scheme), response)
    return response.raw


def test_what_only_flasgo_wrote_is_completed_in_one_step():
    assert finished(quick(b"", TEXT)) == [TEXT, (b"x-a", b"1"), *NO_STORE]
    assert finished(quick(b"", TEXT), scheme="https") == [TEXT, (b"x-a", b"1"), HSTS, *NO_STORE]
    assert HSTS not in finished(quick(b"", TEXT), scheme=None)


def test_what_a_user_wrote_is_merged():
    raw = finished(Response("x", headers={"X-A": "2", "pragma": "x"}), scheme="https")
    assert sorted(raw) == sorted([TEXT, (b"x-a", b"2"), HSTS, *NO_STORE])


def test_public_caches_are_a_word_that_lifts_no_store():
    assert finished(Response("x", allow_public_cache=True)) == [TEXT, (b"x-a", b"1")]
    assert finished(Response("x", headers={"x-b": "2"}), SecurityHeaders({}, no_store=False)) == [TEXT, (b"x-b", b"2")]


def test_it_is_the_same_for_every_route_and_refuses_nothing():
    assert STAGE.compile(None) is STAGE.compile(None)
    assert STAGE.rejections(None) == ()
