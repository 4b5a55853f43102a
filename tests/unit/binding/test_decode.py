"""The lines that bind a handler's arguments: only those that it needs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from msgspec import Struct

from flasgo import Body, Cookie, Form, FormData, Header, Request, Settings
from flasgo.binding.content import IS_JSON, LATER, READY, TAKE_BODY
from flasgo.binding.decode import Code, compile_binding, models_of
from flasgo.plan.places import Context, plan_handler
from flasgo.routing.converters import Converters
from flasgo.routing.pattern import parse
from flasgo.validation.decode import QUICKLY


class Book(Struct):
    title: str


def compiled(handler: Callable[..., object], path: str = "/x") -> Code:
    pattern = parse(path, Converters())
    types = {each.name: each.converter.python_type for each in pattern.placeholders}
    context = Context(types, frozenset(pattern.bare), (Request, Settings, FormData), frozenset({"POST"}))
    return compile_binding(
        plan_handler(handler, context), pattern.names, {Settings: lambda request: request.app.settings}, repr
    )


def test_a_handler_without_parameters_costs_nothing():
    def handler(): ...

    assert compiled(handler) == Code((), {}, "")


def test_what_the_path_has_already_is_passed_on():
    def handler(b, a: int, **rest): ...

    code = compiled(handler, "/<int:a>/<b>/<c>")
    assert code == Code(("values = request.path_values",), {}, "values[1], values[0], c=values[2]")


def test_one_conversion_for_each_location():
    def handler(
        one: int,
        two: Annotated[str, Header()],
        three: str = "",
        four: Annotated[str | None, Cookie()] = None,
    ): ...

    code = compiled(handler)
    assert code.lines == (
        "try:",
        "    query = convert(query_source(request), query_type, strict=False)",
        "    header = convert(header_source(request), header_type, strict=False)",
        "    cookie = convert(cookie_source(request), cookie_type, strict=False)",
        "except ValidationError:",
        "    raise refuse(request) from None",
    )
    assert code.arguments == "query.a0, header.a0, query.a1, cookie.a0"
    assert not code.waits


def test_numbers_that_may_be_infinite_are_looked_at():
    def handler(a: float, b: int, c: list[Decimal] = []): ...

    assert compiled(handler).lines[2:6] == (
        "    if not (finite(query.a0) or query.a0 is query_default0):",
        "        raise ValidationError",
        "    if not (all(map(finite, query.a2 or ())) or query.a2 == query_default2):",
        "        raise ValidationError",
    )


def test_injected_values():
    def handler(r: Request, /, settings: Settings): ...

    code = compiled(handler)
    assert (code.lines, code.arguments, list(code.names)) == ((), "request, provide0(request)", ["provide0"])


class Order(Struct):
    books: list[Book]


def test_a_body():
    def handler(v: Order): ...

    code = compiled(handler)
    assert code.lines == (f"if not {IS_JSON}:", "    request.require_json()", *TAKE_BODY, *QUICKLY)
    assert (code.arguments, code.waits) == ("body", True)

    def optional(v: Order | None): ...

    assert compiled(optional).lines == LATER

    def both(v: Annotated[Order, Body()], page: int): ...

    assert compiled(both).lines[-len(code.lines) - 1 :] == ("    raise await refuse(request) from None", *code.lines)


def test_a_body_that_needs_a_second_look_is_decoded_by_a_call():
    def handler(v: Annotated[Decimal, Body()]): ...

    assert compiled(handler).lines[-1] == "body = decode_body(body)"


def test_a_body_that_may_be_a_form_costs_json_nothing():
    def handler(v: Book): ...

    code = compiled(handler)
    lines = [f"    {line}" for line in (*TAKE_BODY, *QUICKLY)]
    assert code.lines == (f"if {IS_JSON}:", *lines, "else:", "    body = await body_later(request)")
    assert (code.arguments, code.waits) == ("body", True)


def test_a_form():
    def handler(v: Annotated[Book, Form()], page: Annotated[int, Form()], form: FormData): ...

    code = compiled(handler)
    assert code.lines == (
        *READY,
        "try:",
        "    form = read_form(submitted)",
        "    body = read_whole(submitted)",
        "except ValidationError:",
        "    raise refuse_form(submitted) from None",
    )
    assert code.arguments == "body, form.a0, submitted"

    def alone(form: FormData): ...

    assert compiled(alone).lines == READY


def test_the_generated_types_are_named_after_the_handler_and_the_place():
    def handler(page: int, x_one: Annotated[str, Header()] = "d"): ...

    plan = plan_handler(handler, Context({}, frozenset(), ()))
    query, header = models_of(plan)
    assert (query.kind.__name__, header.kind.__name__) == ("handler_query", "handler_header")
    assert query.kind.__struct_encode_fields__ == ("page",)
    assert header.kind.__struct_encode_fields__ == ("x-one",)
