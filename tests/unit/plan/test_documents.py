"""What a registration says for the document, checked."""

from typing import Any

import pytest

from flasgo import HTTPException, NotFound, Problem, RegistrationError
from flasgo.plan.documents import Additions, Declared, SecurityScheme, checked_raises, checked_responses
from flasgo.plan.model import Source

SOURCE = Source("app.py", 3, "books")


class Gone(Problem, status=410):
    since: int


class Broken(Problem, status=409):
    at: type


def test_errors_that_are_answers():
    assert checked_raises([NotFound, Gone], SOURCE) == (NotFound, Gone)


@pytest.mark.parametrize(
    ("raises", "message"),
    [
        (NotFound, r"app\.py:3: books\(\): raises=NotFound is one class; write raises=\(NotFound,\)"),
        ([ValueError], "name classes of HTTPException"),
        ([NotFound()], "name classes of HTTPException"),
        ([HTTPException], "says no status; name one of its subclasses"),
        ([Broken], "raises=Broken: a member of it has no form in JSON"),
    ],
)
def test_errors_that_are_none(raises: Any, message: str):
    with pytest.raises(RegistrationError, match=message):
        checked_raises(raises, SOURCE)


def test_more_answers():
    assert checked_responses({202: int, 303: "Look there.", 204: None}, SOURCE) == (
        Declared(202, annotation=int, typed=True),
        Declared(303, "Look there."),
        Declared(204),
    )


@pytest.mark.parametrize(
    ("responses", "message"),
    [({99: int}, "responses: 99 is not a final HTTP status"), ({200: type}, r"responses\[200\]: ")],
)
def test_answers_that_are_none(responses: Any, message: str):
    with pytest.raises(RegistrationError, match=message):
        checked_responses(responses, SOURCE)


def test_what_extensions_add_is_counted():
    additions = Additions()
    assert len(additions) == 0
    additions.schemes["key"] = SecurityScheme(id="key", type="apiKey", location="header", name="X-Key")
    additions.tags["books"] = "Books."
    additions.hooks.append(lambda document: None)
    assert len(additions) == 3
