"""What is known of a handler, as data."""

from collections.abc import Callable

import pytest
from msgspec import Struct

from flasgo.plan.model import MISSING, HandlerPlan, Input, Returns, Route, Source

SOURCE = Source("shop.py", 7, "View.index")


class Limit(Struct, frozen=True):
    requests: int


class Cache(Struct, frozen=True):
    seconds: int


def test_a_mistake_names_place_handler_and_parameter():
    assert str(SOURCE) == "shop.py:7: View.index()"
    assert str(SOURCE.mistake("it cannot work; mend it.")) == "shop.py:7: View.index(): it cannot work; mend it."
    assert str(SOURCE.mistake("no.", parameter="page")) == "shop.py:7: View.index() parameter `page`: no."


@pytest.mark.parametrize(("default", "required"), [(MISSING, True), (None, False), (0, False)])
def test_an_input_without_a_default_is_required(default: object, required: bool):
    assert Input("v", "query", "v", int, default).required is required


def test_the_options_of_a_route_are_found_by_type():
    def handler() -> None: ...

    endpoint: Callable[..., object] = handler
    plan = HandlerPlan(SOURCE, "sync", (), Returns("any"))
    route = Route("/x", frozenset({"GET"}), endpoint, "index", plan, options=(Limit(5), Cache(60)))
    assert route.option(Cache) == Cache(60)
    assert route.option(Limit) == Limit(5)
    assert Route("/x", frozenset({"GET"}), endpoint, "index", plan).option(Limit) is None
