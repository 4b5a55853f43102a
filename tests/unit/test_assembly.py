import gc
import linecache
import sys
from typing import Any, cast

import pytest

from flasgo import Flasgo, Settings
from flasgo.assembly import forms_of


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-assembly-0123456789abcdefghijkl", "CSRF_ENABLED": False, **settings})


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/", None),
        ("/a", "/a/"),
        ("/a/", "/a"),
        ("/a/<int:id>", "/a/<int:id>/"),
        ("/a/<int:id>/", "/a/<int:id>"),
        ("/a/<path:rest>", None),
        ("/<path:rest>/a", "/<path:rest>/a/"),
        ("/<path:rest>/", "/<path:rest>"),
    ],
)
def test_the_forms_of_a_path(path, other):
    app = application(STRICT_SLASHES=False)
    app.add_route(path, lambda **values: "")
    (rule,) = app._rules
    assert [pattern.source for pattern in forms_of(rule, app.settings)] == [path, *([other] if other else [])]
    strict = application()
    assert [pattern.source for pattern in forms_of(rule, strict.settings)] == [path]


def test_a_routes_own_word_on_slashes_comes_before_the_settings():
    for setting in (True, False):
        app = application(STRICT_SLASHES=setting)
        app.add_route("/a", lambda: "", name="a", strict_slashes=not setting)
        (rule,) = app._rules
        assert len(forms_of(rule, app.settings)) == (2 if setting else 1)


def test_what_is_decided_at_freeze_is_the_same_for_every_request():
    app = application(MAX_REQUEST_BODY_BYTES=5, REQUEST_READ_TIMEOUT_SECONDS=2.5)
    app.add_route("/<int:id>", lambda id: "", name="typed", max_body_bytes=9)
    assembly = app.freeze()
    assert app.freeze() is assembly
    scope: Any = {"type": "http", "method": "GET", "path": "/7", "headers": []}
    target, values = assembly.find(scope)
    terms = target.terms
    assert values == (7,)
    assert (terms.endpoint, terms.pattern, terms.parameters) == ("typed", "/<int:id>", ("id",))
    assert (terms.max_body_bytes, terms.read_timeout, terms.app) == (9, 2.5, app)
    nowhere, _ = assembly.find({**scope, "path": "/x"})
    assert nowhere is assembly.unmatched
    assert (nowhere.terms.endpoint, nowhere.terms.max_body_bytes) == (None, 5)


def test_the_host_check_is_left_out_where_it_is_turned_off():
    app = application(ENFORCE_ALLOWED_HOSTS=False, ALLOWED_HOSTS=[])
    app.add_route("/", lambda: "served")
    assert app.test_client().get("/", headers={"host": "anything"}).text == "served"


@pytest.mark.parametrize("enabled", [True, False])
def test_freezing_leaves_the_garbage_collector_as_it_was(enabled):
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        application().freeze()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def routes(count: int) -> Flasgo[Settings]:
    def handler() -> Any:
        async def read(id: int) -> str:
            return f"{id}"

        return read

    app = application()
    for number in range(count):
        app.add_route(f"/api/things{number}/<int:id>", handler(), name=f"thing{number}")
    app.freeze()
    return app


def test_routes_that_are_alike_are_compiled_once():
    routes(1)
    before = len(linecache.cache)
    app = routes(100)
    assert len(linecache.cache) == before
    targets = [app.freeze().table.find("GET", f"/api/things{number}/7") for number in range(100)]
    assert len({target[0].handle.__code__ for target in cast("Any", targets)}) == 1


def calls_for(count: int) -> int:
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        routes(count)
    finally:
        sys.setprofile(None)
    return calls


def test_what_a_route_costs_to_register_does_not_grow_with_their_number():
    routes(1)
    few, many = calls_for(100), calls_for(400)
    each = (many - few) / 300
    assert each < 1000
    assert each < 1.2 * few / 100
