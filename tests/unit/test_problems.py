"""Problem types of the user's own: built, compared, sent."""

import pickle
from typing import Any, ClassVar, Literal, get_type_hints

import msgspec
import pytest

from flasgo import Problem, RegistrationError


class OutOfStock(Problem, status=409, title="Out of stock", type="https://example.org/stock"):
    """Too few are left."""

    shelves: ClassVar[int] = 3
    sku: str
    left: int = 0


class SoldOutForEver(OutOfStock, code="gone"):
    year: int = 2000


def test_a_problem_has_its_members_and_words():
    problem = OutOfStock(sku="B-7", detail="Soon.")
    assert (problem.sku, problem.left, problem.detail, problem.status_code) == ("B-7", 0, "Soon.", 409)
    assert (problem.code, problem.title) == ("out_of_stock", "Out of stock")
    assert msgspec.to_builtins(problem.document("/orders")) == {
        "type": "https://example.org/stock",
        "title": "Out of stock",
        "status": 409,
        "detail": "Soon.",
        "instance": "/orders",
        "code": "out_of_stock",
        "sku": "B-7",
        "left": 0,
    }


def test_a_problem_of_a_problem_has_the_members_of_both():
    assert list(SoldOutForEver.members()) == ["detail", "instance", "sku", "left", "year"]
    problem = SoldOutForEver(sku="a", instance="/here")
    assert (problem.code, problem.title, problem.status_code) == ("gone", "Out of stock", 409)
    assert msgspec.to_builtins(problem.document("/orders"))["instance"] == "/here"


def test_its_document_is_one_type_that_says_what_never_changes():
    kind = OutOfStock.document_type()
    assert OutOfStock.document_type() is kind
    assert kind is not SoldOutForEver.document_type()
    hints = get_type_hints(kind)
    assert (hints["status"], hints["code"]) == (Literal[409], Literal["out_of_stock"])
    assert kind.__doc__ == "Too few are left."


def test_problems_are_equal_by_what_they_say_and_travel():
    problem = OutOfStock(sku="a", left=1)
    assert problem == OutOfStock(sku="a", left=1)
    assert problem != OutOfStock(sku="a")
    assert problem != SoldOutForEver(sku="a", left=1)
    assert pickle.loads(pickle.dumps(problem)) == problem


@pytest.mark.parametrize(
    ("members", "message"),
    [({}, "OutOfStock needs 'sku'"), ({"sku": "a", "b": 1, "a": 1}, "OutOfStock has no member 'a'")],
)
def test_members_are_those_that_are_declared(members: dict[str, object], message: str):
    with pytest.raises(TypeError, match=message):
        OutOfStock(**members)  # ty: ignore[invalid-argument-type] - what it is about


def test_a_status_that_is_no_error():
    with pytest.raises(ValueError, match="Fine: 200 is not the status of an error"):

        class Fine(Problem, status=200): ...

    text: Any = "409"
    with pytest.raises(ValueError, match="Odd: '409' is not the status of an error"):

        class Odd(Problem, status=text): ...


def test_a_problem_needs_a_status():
    class Vague(Problem): ...

    with pytest.raises(RegistrationError, match="Vague has no status"):
        Vague()


@pytest.mark.parametrize("name", ["status", "args", "_hidden"])
def test_names_that_are_taken(name: str):
    kind = type("Taken", (Problem,), {"__annotations__": {name: int}}, status=409)
    with pytest.raises(RegistrationError, match=f"{name!r} cannot be a member of its own"):
        kind.document_type()


def test_a_type_that_is_not_there():
    kind = type("Lost", (Problem,), {"__annotations__": {"at": "Nowhere"}, "__module__": __name__}, status=409)
    with pytest.raises(RegistrationError, match="names 'Nowhere', which its module does not have"):
        kind.members()
