"""A policy that a decorator declares holds on its routes, whatever stands between; where it cannot, that is an error."""

import functools
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from flasgo import Flasgo, RegistrationError
from flasgo.routing import policies
from flasgo.routing.policies import declare, layers


class Guard(Struct, frozen=True):
    name: str = "guard"


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(function)(plain(function))


class Instance:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self) -> Any:
        return self.function()


def hidden(function: Callable[..., Any]) -> Callable[..., Any]:
    table = {"it": function}

    def wrapper() -> Any:
        return table["it"]()

    return wrapper


def same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


FORMS = [same, plain, wrapped, functools.partial, Instance, lambda f: wrapped(plain(Instance(f)))]


@pytest.fixture
def app() -> Flasgo[Any]:
    return Flasgo()


@pytest.fixture(autouse=True)
def _own_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_marked", [])


def guard(app: Flasgo[Any], name: str = "guard") -> Callable[[Any], Any]:
    return lambda f: declare(f, Guard(name), "@guard", into=app._declared)


def names(app: Flasgo[Any]) -> list[tuple[str, ...]]:
    return [tuple(one.name for one in route.every(Guard)) for route in app.routes]


def handler() -> str:
    return "ok"


@pytest.mark.parametrize("form", FORMS)
def test_below_whatever_wraps_it(app: Flasgo[Any], form: Callable[..., Any]):
    app.add_route("/", form(guard(app)(handler)))
    assert names(app) == [("guard",)]
    app.freeze()


@pytest.mark.parametrize("form", FORMS)
def test_above_whatever_wraps_the_registered_function(app: Flasgo[Any], form: Callable[..., Any]):
    app.add_route("/", handler)
    guard(app)(form(handler))
    assert names(app) == [("guard",)]
    app.freeze()


def test_a_bound_method_is_the_same_each_time_it_is_asked_for(app: Flasgo[Any]):
    class View:
        def show(self) -> str:
            return ""

    one, other = View(), View()
    guard(app)(one.show)
    app.add_route("/one", one.show)
    app.add_route("/other", other.show)
    assert names(app) == [("guard",), ()]


def test_the_innermost_first_and_each_but_once(app: Flasgo[Any]):
    app.add_route("/a", guard(app, "outer")(wrapped(guard(app, "inner")(handler))))
    app.add_route("/b", handler)
    assert names(app) == [("inner", "outer"), ("inner", "outer")]


def test_a_handler_that_calls_a_guarded_function_is_not_guarded(app: Flasgo[Any]):
    guarded = guard(app)(plain(handler))

    def other() -> str:
        return str(guarded())

    app.add_route("/guarded", guarded)
    app.add_route("/other", other)
    assert names(app) == [("guard",), ()]


def test_one_that_finds_no_route_is_an_error_that_says_where_and_what_to_do(app: Flasgo[Any]):
    app.add_route("/", hidden(guard(app)(handler)))
    with pytest.raises(
        RegistrationError, match=r"test_policies\.py:\d+: handler\(\): @guard stands on no route.*functools\.wraps"
    ):
        app.freeze()


def test_a_mark_of_no_application_holds_in_every_one_and_is_missed_only_where_its_file_has_handlers(app: Flasgo[Any]):
    declare(handler, Guard(), "@mark")
    app.add_route("/", handler)
    assert names(app) == [("guard",)]
    app.freeze()
    lost = Flasgo()
    lost.add_route("/", hidden(declare(lambda: "", Guard(), "@mark")))
    with pytest.raises(RegistrationError, match="@mark stands on no route"):
        lost.freeze()
    elsewhere = Flasgo()
    elsewhere.add_route("/", textwrap.dedent)
    elsewhere.freeze()


def test_what_refers_to_itself_has_an_end():
    one = Instance(handler)
    one.function = one
    assert list(layers(one)) == [one]
    deep: Any = handler
    for _ in range(100):
        deep = Instance(deep)
    assert len(list(layers(deep))) == 64


def test_a_mark_of_a_function_that_its_program_has_dropped_is_missed_by_nobody(app: Flasgo[Any]):
    def dropped() -> str:
        return ""

    assert declare(dropped, Guard(), "@mark") is dropped
    del dropped
    app.add_route("/", handler)
    app.freeze()


@pytest.mark.parametrize("form", FORMS)
def test_a_mark_that_holds_on_a_route_of_another_application_is_not_missed_here(form: Callable[..., Any]):
    def marked() -> str:
        return ""

    other, app = Flasgo(), Flasgo()
    other.add_route("/", form(declare(marked, Guard(), "@mark")))
    app.add_route("/", handler)
    app.freeze()
    assert names(other) == [("guard",)]


def test_an_endpoint_that_nothing_can_refer_to_weakly_is_a_route_like_any_other(app: Flasgo[Any]):
    class Slotted:
        __slots__ = ()

        def __call__(self) -> str:
            return ""

    app.add_route("/", Slotted())
    app.freeze()


def test_a_mark_that_a_decorator_hides_is_missed_though_it_belongs_to_no_application(app: Flasgo[Any]):
    def marked() -> str:
        return ""

    app.add_route("/", hidden(declare(marked, Guard(), "@mark")))
    with pytest.raises(RegistrationError, match="@mark stands on no route"):
        app.freeze()
