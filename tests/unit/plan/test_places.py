"""The plan of a handler: every parameter with its place, its name on the wire, its type and its default."""

from collections.abc import Awaitable, Coroutine
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from flasgo import Body, Cookie, Header, Path, Query, Request, Settings
from flasgo.plan.forms import form_fields
from flasgo.plan.model import MISSING, Argument, HandlerPlan, Injected, Input, Returns
from flasgo.plan.places import Context, plan_handler
from flasgo.plan.signature import source_of


class Book(Struct):
    title: str


CONTEXT = Context({"id": str, "number": int}, frozenset({"id"}), (Request, Settings), frozenset({"POST"}))


def test_everything_at_once():
    async def handler(
        request,
        number,
        /,
        id: Annotated[int, Meta(ge=1)],
        body: Book | None,
        page: int = 1,
        tags: Annotated[list[str] | None, Query(alias="tag")] = None,
        *,
        x_one: Annotated[str, Header()] = "d",
        theme: Annotated[str | None, Cookie()],
        settings: Settings | None = None,
    ) -> Book | None:
        raise NotImplementedError

    assert plan_handler(handler, CONTEXT) == HandlerPlan(
        source_of(handler),
        "async",
        (
            Argument("request", True, Injected("request", Request)),
            Argument("number", True, Input("number", "path", "number", int, MISSING, ready=True)),
            Argument("id", True, Input("id", "path", "id", Annotated[int, Meta(ge=1)], MISSING)),
            Argument("body", True, Input("body", "body", "body", Book | None, None, fields=form_fields(Book))),
            Argument("page", True, Input("page", "query", "page", int, 1)),
            Argument("tags", True, Input("tags", "query", "tag", list[str], None, many=True)),
            Argument("x_one", False, Input("x_one", "header", "x-one", str, "d")),
            Argument("theme", False, Input("theme", "cookie", "theme", str, None)),
            Argument("settings", False, Injected("settings", Settings, optional=True)),
        ),
        Returns("json", Book, (type(None),)),
    )


def test_the_plan_knows_its_inputs_and_its_body():
    def handler(id: int, number: float, r: Request, body: Book) -> str:
        raise NotImplementedError

    plan = plan_handler(handler, CONTEXT)
    assert [i.parameter for i in plan.inputs] == ["id", "number", "body"]
    assert plan.body is plan.inputs[2]
    assert plan.speaks_json
    assert plan.call == "sync"

    def text(id, number) -> str:
        raise NotImplementedError

    plan = plan_handler(text, CONTEXT)
    assert plan.body is None
    assert not plan.speaks_json


def test_what_is_left_of_the_path():
    def handler(number, **others):
        raise NotImplementedError

    assert plan_handler(handler, CONTEXT).surplus == ("id",)


@pytest.mark.parametrize(
    "annotation", [Awaitable[str], Coroutine[Any, Any, str], Awaitable[str] | str], ids=["a", "c", "u"]
)
def test_a_plain_function_that_says_it_gives_an_awaitable_may_not_block(annotation: Any):
    def handler(**path):
        raise NotImplementedError

    handler.__annotations__["return"] = annotation
    plan = plan_handler(handler, CONTEXT)
    assert (plan.call, plan.returns) == (
        "either",
        Returns("plain", plain=(str,)) if annotation != Awaitable[str] | str else Returns("plain", plain=(str, str)),
    )


def test_the_body_has_its_alias_too():
    def handler(id, number, v: Annotated[dict[str, int], Body(alias="book")]):
        raise NotImplementedError

    body = plan_handler(handler, CONTEXT).body
    assert body is not None
    assert (body.name, body.annotation) == ("book", dict[str, int])


def test_an_alias_of_the_path():
    def handler(a: Annotated[int, Path(alias="id")], number: object):
        raise NotImplementedError

    first, second = plan_handler(handler, CONTEXT).inputs
    assert first == Input("a", "path", "id", int, MISSING, ready=True)
    assert second == Input("number", "path", "number", int, MISSING, ready=True)
