"""What an annotation is, below aliases and metadata, and what can stand for it."""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, Union
from uuid import UUID

import attrs
import pytest
import typing_extensions
from msgspec import Meta, Struct

from flasgo.plan.types import (
    describe,
    is_body,
    is_collection,
    is_record,
    json_problem,
    members,
    peel,
    resolve,
    text_problem,
    textual,
    without_none,
)

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
D = typing_extensions.TypeVar("D", default=int)

ONE, TWO, WORDS = Meta(ge=1), Meta(le=2), "words"
Number = typing_extensions.TypeAliasType("Number", Annotated[int, ONE])
Swapped = typing_extensions.TypeAliasType("Swapped", dict[B, A], type_params=(A, B))
Either = typing_extensions.TypeAliasType("Either", int | None)
Default = typing_extensions.TypeAliasType("Default", list[D], type_params=(D,))
Id = NewType("Id", Annotated[int, ONE])


class Book(Struct):
    title: str


class Page(Struct, Generic[T]):
    items: list[T]


class Half(Struct, Generic[T, D]):
    items: list[T]
    total: D


@dataclass
class Data:
    x: int


@attrs.define
class Attrs:
    x: int


class Keys(TypedDict):
    x: int


class Pair(NamedTuple):
    x: int


def table(names: str, rows: Sequence[object]) -> pytest.MarkDecorator:
    """A test for each row, numbered: the names of types are no names of tests."""
    return pytest.mark.parametrize(names, rows, ids=[str(number) for number in range(len(rows))])


def test_peel_gives_the_type_and_the_metadata_outermost_last():
    assert peel(int) == (int, ())
    assert peel(Annotated[Number, TWO, WORDS]) == (int, (ONE, TWO, WORDS))
    assert peel(Annotated[Id, TWO]) == (int, (ONE, TWO))
    assert peel(Final[Annotated[int, ONE]]) == (int, (ONE,))
    assert peel(typing.Required[Number]) == (int, (ONE,))
    assert peel(list[Number]) == (list[Number], ())


@table(
    "annotation, expected",
    [
        (object, Any),
        (dict[str, object], dict[str, Any]),
        (list[Id], list[Annotated[int, ONE]]),
        (Annotated[Number, WORDS, TWO], Annotated[int, ONE, TWO]),
        (Swapped[int, str], dict[str, int]),
        (Swapped, dict[Any, Any]),
        (Default, list[int]),
        (Default[str], list[str]),
        (Either | str, Union[int, None, str]),
        (Optional[Either], Optional[int]),
        (Literal["a", None], Optional[Literal["a"]]),
        (Literal[None], None),
        (Page[Id], Page[Annotated[int, ONE]]),
        (Page, Page),
        (Half, Half[Any, int]),
        (typing.LiteralString, str),
        (Callable[[int], str], Callable[[int], str]),
        (tuple[Number, ...], tuple[Annotated[int, ONE], ...]),
        (tuple[()], tuple[()]),
        (typing.List[Id], list[Annotated[int, ONE]]),
        ("text", "text"),
        (5, 5),
        ([int], [int]),
        (None, None),
    ],
)
def test_resolve_writes_out_what_is_an_alias_at_every_level(annotation: Any, expected: object):
    assert resolve(annotation) == expected


def test_members_are_flat():
    assert members(int) == (int,)
    assert members(Either | str) == (int, type(None), str) or members(Either | str) == (str, int, type(None))
    assert without_none(Union[Either, str])[1] is True
    assert without_none(None) == ((), True)
    assert without_none(int) == ((int,), False)


@table("kind", [Book, Page, Page[int], Data, Attrs, Keys, Pair, Annotated[Book, WORDS]])
def test_records(kind: Any):
    assert is_record(kind)
    assert is_body(kind)
    assert is_body(list[kind] | None)
    assert is_body(dict[str, tuple[kind, ...]])
    assert not is_collection(kind)


@table("kind", [int, str, list[int], tuple, dict[str, int], Literal["Book"], None, "Book", 5, Mapping])
def test_what_is_no_record(kind: object):
    assert not is_record(kind)
    assert not is_body(kind)


def test_collections():
    every = [
        list,
        list[int],
        set[int],
        frozenset,
        tuple,
        tuple[int, ...],
        Sequence[int],
        typing.Iterable[int],
        Annotated[list[int], ONE],
    ]
    assert all(map(is_collection, every))
    none = [str, bytes, dict, dict[str, int], Mapping[str, int], Pair, Book, int, None, Callable[[], int]]
    assert not any(map(is_collection, none))


@table(
    "annotation, expected",
    [
        (int, int),
        (int | None, int),
        (Union[int, str, None], Union[int, str]),
        (None, None),
        (Annotated[Optional[int], ONE], Annotated[int, ONE]),
        (Optional[Annotated[int, ONE]], Annotated[int, ONE]),
        (Annotated[Optional[Annotated[int, ONE]], TWO], Annotated[int, ONE, TWO]),
        (list[int | None], list[int]),
        (Optional[list[Optional[int]]], list[int]),
        (tuple[int | None, ...], tuple[int, ...]),
        (Sequence[int | None], Sequence[int]),
        (list, list),
    ],
)
def test_textual_leaves_out_none_which_no_text_can_say(annotation: Any, expected: object):
    assert textual(annotation) == expected


def test_text_problem_is_none_or_a_sentence():
    assert text_problem(Union[int, UUID]) is None
    assert text_problem(list[datetime]) is None
    assert text_problem(tuple[int, Literal["a"]]) is None
    assert "use the collection alone" in str(text_problem(list[int] | int))
    assert "Book cannot be read from text" in str(text_problem(list[Book]))
    assert "None alone" in str(text_problem(None))


class Fails(Struct):
    x: "1/0"  # ty: ignore[invalid-type-form] - what it is about


def test_json_problem_is_none_or_a_sentence():
    assert json_problem(Page[int]) is None
    assert json_problem(object) is None
    assert json_problem(Fails) == "division by zero; correct the type"
    assert "is not a type that JSON can carry" in str(json_problem(complex))


def test_a_constraint_of_a_union_is_sent_to_its_place():
    for kind in (Annotated[str | None, Meta(max_length=3)], Annotated[Optional[str], Meta(max_length=3)]):
        said = str(json_problem(kind))
        assert said.startswith("Can only set `max_length` on a str")
        assert said.endswith("; put the constraint to the one type that it is of: Annotated[str, Meta(…)] | None")
    assert str(json_problem(Annotated[int, Meta(max_length=3)])).endswith("; correct the type")


@table(
    "annotation, expected",
    [
        (int, "int"),
        (Book | None, "Book | None"),
        (Optional[list[Book]], "list[Book] | None"),
        (dict[str, Book | int], "dict[str, Book | int]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, ONE], "int"),
        (Page[Book], "Page[Book]"),
        (Any, "Any"),
        (T, "T"),
        (5, "5"),
    ],
)
def test_describe_is_as_one_writes_it(annotation: Any, expected: str):
    assert describe(annotation) == expected
