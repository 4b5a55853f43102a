import asyncio
import copy
from typing import Any

import pytest

from flasgo.errors import ClientDisconnected, ContentTooLarge, MalformedRequest, RequestTimeout
from flasgo.http.asgi import routed_path
from flasgo.identity import User
from flasgo.request import Request, Terms
from flasgo.state import State


def scope(**more: Any) -> Any:
    return {"type": "http", "method": "GET", "path": "/", "headers": [], **more}


def request(*headers: tuple[bytes, bytes], body: bytes = b"", terms: Terms | None = None, **more: Any) -> Request:
    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    return Request.of(scope(headers=list(headers), **more), receive, terms or Terms())


def test_the_method_and_the_scheme_are_said_in_one_way():
    assert request(method="post").method == "POST"
    assert request(scheme="HTTPS").scheme == "https"


@pytest.mark.parametrize(
    ("path", "root", "routed"),
    [
        ("/a", "", "/a"),
        ("/a", "/", "/a"),
        ("/api/a", "/api", "/a"),
        ("/api/a", "/api/", "/a"),
        ("/api", "/api", "/"),
        ("/api/", "/api", "/"),
        ("/apia", "/api", "/apia"),
        ("/a", "/api", "/a"),
        ("/api/api/a", "/api", "/api/a"),
        ("", "", ""),
    ],
)
def test_one_root_path_is_taken_off(path, root, routed):
    assert routed_path(scope(path=path, root_path=root)) == routed
    assert request(path=path, root_path=root).path == routed


def test_the_fields_are_the_last_of_each_name_and_headers_are_all():
    both = request((b"accept", b"a"), (b"accept", b"b"), (b"x_y", b"1"))
    assert both.fields[b"accept"] == b"b"
    assert both.headers["Accept"] == "a, b"
    assert both.headers is both.headers
    assert "x_y" not in both.headers


def test_the_query_is_parsed_once_and_lossless_as_a_string():
    made = request(query_string=b"a=1&a=2&b=%C3%BC&c\xff")
    assert made.query_string == "a=1&a=2&b=%C3%BC&c\xff"
    with pytest.raises(MalformedRequest):
        _ = made.query_params
    made = request(query_string=b"a=1&a=2")
    assert made.query_params is made.query_params
    assert made.query_params == {"a": ["1", "2"]}


def test_cookies_are_those_of_all_lines():
    made = request((b"cookie", b"a=1; b=2"), (b"cookie", b"a=3"), (b"x", b"y"))
    assert made.cookies == {"a": "1", "b": "2"}
    assert made.cookie_lists == {"a": ["1", "3"], "b": ["2"]}
    assert request().cookies == {}


def test_the_content_type_is_bare():
    assert request((b"content-type", b"Text/HTML ; charset=x")).content_type == "text/html"
    assert request().content_type == ""


def test_the_client_is_the_peer_and_no_header_is_believed():
    forged = (b"x-forwarded-for", b"1.2.3.4")
    assert request(forged, client=("10.0.0.1", 1)).client_ip == "10.0.0.1"
    assert request(forged, client=None).client_ip is None


async def test_a_body_that_is_here_is_here():
    made = request(body=b"abc")
    assert made.body_ready() == await made.body() == b"abc"
    assert made.incoming is None


def received(*messages: dict[str, Any], limit: int = 100) -> Request:
    queue = iter(messages)

    async def receive() -> Any:
        return next(queue)

    return Request.of(scope(), receive, Terms(max_body_bytes=limit))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ({"type": "http.request", "body": b"all", "more_body": False}, b"all"),
        ({"type": "http.request", "body": b"all"}, b"all"),
        ({"type": "http.request"}, b""),
    ],
    ids=str,
)
def test_a_body_that_has_come_whole_is_ready(message, body):
    assert received(message).body_ready() == body


def test_a_body_that_has_not_come_whole_is_not_ready():
    made = received({"type": "http.request", "body": b"a", "more_body": True})
    assert (made.body_ready(), made.body_ready()) == (None, None)
    assert made.incoming is not None


class Turns:
    """What a server may give that is no coroutine: a body after so many turns of the loop."""

    def __init__(self, turns: int) -> None:
        self.turns = turns

    def __await__(self):
        for _ in range(self.turns):
            yield  # as a coroutine does that lets others run
        return {"type": "http.request", "body": b"abc", "more_body": False}


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_what_brings_a_body_need_not_be_a_coroutine(turns):
    made = Request.of(scope(), lambda: Turns(turns), Terms())
    assert made.body_ready() == (None if turns else b"abc")
    assert await made.body() == b"abc"


def test_what_is_ready_is_measured_and_a_client_that_has_left_is_noticed():
    with pytest.raises(ContentTooLarge):
        received({"type": "http.request", "body": b"abc"}, limit=2).body_ready()
    with pytest.raises(ClientDisconnected):
        received({"type": "http.disconnect"}).body_ready()


async def test_a_body_that_fails_fails_again():
    async def receive() -> Any:
        return await asyncio.sleep(60)

    made = Request.of(scope(), receive, Terms(read_timeout=0.01))
    for _ in range(2):
        with pytest.raises(RequestTimeout):
            await made.body()


def test_a_namespace_is_open_and_says_what_is_missing():
    state = State()
    state.a = 1
    assert ("a" in state, "b" in state, list(state), state.a, state.get("b", 2)) == (True, False, ["a"], 1, 2)
    assert repr(state) == "State(a)"
    assert copy.deepcopy(state).a == 1
    assert state.setdefault("b", 3) == state.b == 3
    assert (state.pop("b"), state.pop("b", None)) == (3, None)
    del state.a
    with pytest.raises(AttributeError, match="nothing named 'a' was put here"):
        _ = state.a


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"s=1"], b"1"),
        ([b"as=1; s=2"], b"2"),
        ([b"as=1"], None),
        ([b"a=s=1"], None),
        ([b"a=s=1; s=2"], b"2"),
        ([b"a=1"], None),
        ([b"a=1", b"s=2"], b"2"),
        ([], None),
    ],
)
def test_one_cookie_is_found_by_its_whole_name(lines, value):
    assert request(*((b"cookie", line) for line in lines)).cookie(b"s") == value


def test_a_request_made_by_hand_has_no_csrf_tokens():
    with pytest.raises(RuntimeError, match="not made by an application"):
        request().csrf_token()


def test_nobody_asks_in_a_request_made_by_hand_nor_in_the_class_itself():
    assert Request.user is User.anonymous()
    assert request().user is User.anonymous()
