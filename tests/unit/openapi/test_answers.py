"""What a route answers, as the document says it."""

from typing import Any, Literal

import pytest
from msgspec import Struct

from flasgo import HTTPException, NotFound, Problem, Response, TooManyRequests
from flasgo.openapi.answers import PROBLEM, Answers, Lines, answers_of
from flasgo.openapi.schemas import Schemas
from flasgo.plan.model import Answer, Returns


class Book(Struct):
    title: str


class Taken(Struct):
    by: str


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        (Returns("any"), (Answer(object, open=True),)),
        (Returns("json", Book), (Answer(Book),)),
        (Returns("plain", plain=(str, bytes, str)), (Answer(None, plain=str), Answer(None, plain=bytes))),
        (Returns("json", Book, (str,)), (Answer(Book), Answer(None, plain=str))),
        (Returns("stream", plain=(bytes,)), (Answer(None, plain=bytes),)),
        (Returns("stream", Book), (Answer(Lines),)),
        (Returns("json", Book, answers=(Answer(Book, statuses=(201,)),)), (Answer(Book, statuses=(201,)),)),
    ],
)
def test_the_forms_of_a_handlers_answers(returns: Returns, expected: tuple[Answer, ...]):
    assert answers_of(returns) == expected


class Page:
    def __html__(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("answer", "media_types"),
    [
        (Answer(Book), ["application/json"]),
        (Answer(Lines), ["application/x-ndjson"]),
        (Answer(object), []),
        (Answer(None, plain=Page), ["text/html"]),
        (Answer(None, plain=str), ["text/plain"]),
        (Answer(None, plain=bytes), ["application/octet-stream"]),
        (Answer(None, plain=type(None)), []),
        (Answer(None, plain=Response), []),
    ],
)
def test_the_media_types_of_an_answer(answer: Answer, media_types: list[str]):
    assert list(Answers(Schemas())._content(answer)) == media_types


def merged(*annotations: object) -> Any:
    """What stands for answers of these types in one place."""
    schemas = Schemas()
    answers = Answers(schemas)
    content: dict[str, Any] = {}
    for annotation in annotations:
        answers._merge(content, answers._content(Answer(annotation)))
    schemas.finish()
    answers.finish()
    return content["application/json"]["schema"]


BOOK, TAKEN = ({"$ref": f"#/components/schemas/{name}"} for name in ("Book", "Taken"))


@pytest.mark.parametrize(
    ("annotations", "schema"),
    [
        ((Book,), BOOK),
        ((Book, Book), BOOK),
        ((Book, Taken), {"anyOf": [BOOK, TAKEN]}),
        ((Book, Taken, Book), {"anyOf": [BOOK, TAKEN]}),
        ((Book, Book, Taken, Taken), {"anyOf": [BOOK, TAKEN]}),
        ((int | None, int | None), {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ((Literal["a"], str), {"anyOf": [{"enum": ["a"], "type": "string"}, {"type": "string"}]}),
    ],
)
def test_alternatives_of_one_place_are_said_once(annotations: tuple[object, ...], schema: dict[str, Any]):
    assert merged(*annotations) == schema


def test_a_form_without_a_schema_stays_as_it_is():
    answers = Answers(Schemas())
    content: dict[str, Any] = {}
    for _ in range(2):
        answers._merge(content, answers._content(Answer(None, plain=bytes)))
    assert content == {"application/octet-stream": {}}


@pytest.mark.parametrize(
    ("kind", "speaks_json", "media_types"),
    [
        (NotFound, True, [PROBLEM]),
        (NotFound, False, [PROBLEM, "text/html", "text/plain"]),
        (TooManyRequests, False, [PROBLEM, "text/html", "text/plain", "application/json"]),
    ],
)
def test_the_built_in_forms_of_an_error(kind: type[HTTPException], speaks_json: bool, media_types: list[str]):
    assert list(Answers(Schemas())._forms({kind: None}, speaks_json=speaks_json)) == media_types


def test_an_error_of_many_routes_is_written_once():
    answers = Answers(Schemas())
    first, second = (answers._error(404, {NotFound: None}, speaks_json=True) for _ in range(2))
    other = answers._error(404, {NotFound: None}, speaks_json=False)
    assert first == second == {"$ref": "#/components/responses/NotFound"}
    assert other == {"$ref": "#/components/responses/NotFound2"}
    assert list(answers.shared) == ["NotFound", "NotFound2"]


def test_a_response_is_named_with_letters_alone_whatever_its_phrase():
    class Weird(Problem, status=418): ...

    assert Answers(Schemas())._error(418, {Weird: None}, speaks_json=True) == {
        "$ref": "#/components/responses/ImATeapot"
    }
