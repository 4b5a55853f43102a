"""A renderer for each declaration, and no more in it than the declaration needs."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

from flasgo import ContractError, Response
from flasgo.binding.render import Render, compile_render
from flasgo.plan.places import Context, plan_handler
from flasgo.plan.produces import checked_produces
from flasgo.response import to_response
from flasgo.streaming_response import StreamingResponse
from flasgo.validation.codecs import NO_CODECS


class Slim(Struct):
    id: int


class Wide(Slim):
    secret: str = "secret"


def renderer(annotation: Any, status: int = 200, *, verify: bool = False) -> Render:
    def handler() -> Any: ...

    handler.__annotations__["return"] = annotation
    return compile_render(plan_handler(handler, Context({}, frozenset(), ())), status, verify=verify)


def test_what_declares_nothing_is_converted_by_its_own_type():
    assert renderer(Any) is to_response
    assert renderer(Any, 201)("text").status_code == 201


@pytest.mark.parametrize("verify", [False, True])
def test_text_json_and_what_carries_a_status(verify: bool):
    render = renderer(Slim | str, 201, verify=verify)
    answers = [render(value) for value in ("t", Slim(1), Wide(1), (Wide(1), 404), Response(b"r", 410))]
    assert [(answer.status_code, answer.body) for answer in answers] == [
        (201, b"t"),
        (201, b'{"id":1}'),
        (201, b'{"id":1}'),
        (404, b'{"id":1}'),
        (410, b"r"),
    ]


def test_verification_is_asked_for():
    assert renderer(list[int])(["x"]).body == b'["x"]'
    with pytest.raises(ContractError, match="/0 must be an integer"):
        renderer(list[int], verify=True)(["x"])
    with pytest.raises(ContractError, match="the value must be an integer"):
        renderer(int, verify=True)(True)


@pytest.mark.parametrize("verify", [False, True])
def test_each_line_of_a_stream_loses_what_its_type_does_not_have(verify: bool):
    render = renderer(Iterator[Slim], verify=verify)
    response = render(iter(()))
    assert isinstance(response, StreamingResponse)
    assert [response.encode(value) for value in (Slim(1), Wide(2))] == [b'{"id":1}\n', b'{"id":2}\n']


def test_other_forms_are_written_of_what_is_not_verified():
    def handler() -> list[int]:
        return []

    plan = plan_handler(handler, Context({}, frozenset(), ()))
    (produces,) = checked_produces(
        {"text/csv": lambda numbers: ",".join(map(str, numbers))}, plan, plan.source, NO_CODECS
    )
    (form,) = produces.representations
    assert compile_render(plan, 200, verify=False, form=form)([1, 2]).body == b"1,2"
    assert compile_render(plan, 200, verify=False, form=form)(["x"]).body == b"x"
    with pytest.raises(ContractError, match="/0 must be an integer"):
        compile_render(plan, 200, verify=True, form=form)(["x"])


def test_no_answer_shares_its_header_fields_with_another():
    render = renderer(Slim)
    render(Slim(1)).headers["x-one"] = "1"
    assert "x-one" not in render(Slim(1)).headers
    text = renderer(str)
    text("t").headers["x-one"] = "1"
    assert "x-one" not in text("t").headers
