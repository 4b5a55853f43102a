import asyncio
import copy
from typing import Any

import pytest

from flasgo import Flasgo, Request, Settings
from flasgo.app import current_app
from flasgo.context import Proxy, g, request


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-context-0123456789abcdefghijkl", **settings})


def test_outside_a_request_every_use_says_what_to_do():
    called: Any = request
    for use in (
        lambda: request.path,
        lambda: g.value,
        lambda: setattr(g, "value", 1),
        lambda: delattr(g, "value"),
        lambda: "name" in g,
        lambda: list(g),
        lambda: current_app.settings,
        lambda: request == 1,
        lambda: bool(request),
        lambda: hash(request),
        lambda: called(),
    ):
        with pytest.raises(RuntimeError, match=r"`\w+` was used outside a request\. Use it in a handler or hook"):
            use()


def test_tools_that_look_at_everything_in_a_module_find_nothing_there():
    for proxy in (request, g, current_app):
        assert not hasattr(proxy, "__wrapped__")
        assert not hasattr(proxy, "__html__")
        assert repr(proxy) in {"<request proxy>", "<g proxy>", "<current_app proxy>"}


def test_inside_a_request_a_proxy_is_the_object():
    app = application()
    called: Any = request

    @app.get("/<name>")
    async def handler(current: Request, name: str):
        g.count = 1
        g.count += 1
        g.gone = True
        del g.gone
        return [
            request.path == current.path,
            request == current,
            hash(request) == hash(current),
            called() is current,
            bool(request),
            repr(request),
            current_app == app,
            current_app.url_for("handler", name="x"),
            "count" in g,
            "gone" in g,
            list(g),
            g.get("count"),
            g.get("nothing", 0),
            g.pop("count"),
            g.setdefault("more", 5),
            repr(current.g),
        ]

    assert app.test_client().get("/a").json() == [
        *(True, True, True, True, True),
        "<request proxy>",
        True,
        "/x",
        *(True, False, ["count"], 2, 0, 2, 5),
        "State(more)",
    ]


def test_a_namespace_says_what_is_missing():
    app = application()
    with pytest.raises(AttributeError, match="nothing named 'pool' was put here"):
        _ = app.state.pool
    app.state.pool = 1
    assert copy.copy(app.state).pool == 1


def test_each_request_has_a_namespace_of_its_own():
    app = application()

    @app.get("/")
    async def index():
        seen = "value" in g
        g.value = 1
        return [seen]

    client = app.test_client()
    assert client.get("/").json() == client.get("/").json() == [False]


def test_a_proxy_forwards_the_operators_of_containers():
    items = {"a": 1}
    proxy = Proxy("items", lambda: items)
    proxy["b"] = 2
    del proxy["a"]
    assert (proxy["b"], len(proxy), list(proxy), "b" in proxy, "a" in proxy) == (2, 1, ["b"], True, False)
    assert proxy == {"b": 2}
    with pytest.raises(TypeError, match="unhashable"):
        hash(proxy)


async def test_tasks_of_a_request_see_it_and_what_comes_after_does_not(call):
    app = application()
    tasks = []

    async def look():
        await asyncio.sleep(0.01)
        return request.path

    @app.get("/here")
    async def index():
        tasks.append(asyncio.create_task(look()))
        return ""

    await call(app, "/here")
    assert await tasks[0] == "/here"
    with pytest.raises(RuntimeError, match="outside a request"):
        _ = request.path


def test_a_request_made_by_hand_has_no_application(call):
    async def receive():
        raise AssertionError

    by_hand = Request.of({"type": "http", "method": "GET", "path": "/", "headers": []}, receive)
    with pytest.raises(RuntimeError, match="was not made by an application"):
        _ = by_hand.app
    assert by_hand.path_params == {}
    assert by_hand.endpoint is None
