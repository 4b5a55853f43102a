"""The collector finds every problem, names its place and its kind, and says so without repeating the value."""

import enum
import json
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs
import msgspec
import pytest
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from flasgo.errors import Issue
from flasgo.validation.issues import BOOL_WORDS, collect, finite

T = TypeVar("T")
Found = list[tuple[str, str, str]]


def found(value: object, expected: object, *, strict: bool = True, **options: Any) -> Found:
    issues = collect(value, expected, location="body" if strict else "query", strict=strict, **options)
    return [(issue.pointer, issue.code, issue.message) for issue in issues]


def codes(value: object, expected: object, *, strict: bool = True, **options: Any) -> list[tuple[str, str]]:
    return [(pointer, code) for pointer, code, _ in found(value, expected, strict=strict, **options)]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Book(Struct, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=5)]
    pages: Annotated[int, Meta(ge=1)]
    authors: list[str] = []


class Renamed(Struct, rename="camel"):
    first_name: str
    last_name: str = ""


class Node(Struct):
    value: int
    children: list["Node"] = []


class Period(Struct):
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("end is before start")


# ---- several problems at once


def test_every_problem_of_an_object_is_reported_in_the_order_of_its_members() -> None:
    value = {"extra": 1, "pages": 0, "authors": ["Ann", 5, None]}

    assert found(value, Book) == [
        ("/title", "missing", "is required"),
        ("/pages", "too_small", "must be at least 1"),
        ("/authors/1", "type_error", "must be a string"),
        ("/authors/2", "type_error", "must be a string"),
        ("/extra", "unknown_field", "is not a known field"),
    ]


def test_issues_carry_the_location_and_begin_at_the_given_pointer() -> None:
    assert collect({"n": "x"}, dict[str, int], location="form", strict=True, at="/part") == (
        Issue("form", "/part/n", "type_error", "must be an integer"),
    )
    assert collect("x", int, location="path", strict=False, at="/id") == (
        Issue("path", "/id", "type_error", "must be an integer"),
    )


def test_a_valid_value_has_no_issues() -> None:
    assert found({"title": "Emma", "pages": 400}, Book) == []
    assert found(None, Any) == []


def test_every_broken_bound_of_one_value_is_reported() -> None:
    expected = Annotated[str, Meta(min_length=3, pattern="^[a-z]+$")]

    assert found("1", expected) == [
        ("", "too_short", "must have at least 3 characters"),
        ("", "pattern_mismatch", "must match the pattern ^[a-z]+$"),
    ]


# ---- one problem of each kind


@pytest.mark.parametrize(
    ("expected", "value", "code", "message"),
    [
        (None, 1, "type_error", "must be null"),
        (bool, 1, "type_error", "must be true or false"),
        (int, 1.5, "type_error", "must be an integer"),
        (int, True, "type_error", "must be an integer"),
        (float, "1", "type_error", "must be a number"),
        (float, 10**400, "type_error", "must be a number"),
        (str, 1, "type_error", "must be a string"),
        (str, None, "type_error", "must be a string"),
        (list[int], {}, "type_error", "must be an array"),
        (tuple[int, str], 1, "type_error", "must be an array"),
        (tuple[int, ...], "x", "type_error", "must be an array"),
        (set[int], 1, "type_error", "must be an array"),
        (dict[str, int], [], "type_error", "must be an object"),
        (Book, [], "type_error", "must be an object"),
        (Colour, "green", "invalid_choice", 'must be one of: "red", "blue"'),
        (Colour, 5, "invalid_choice", 'must be one of: "red", "blue"'),
        (Size, 3, "invalid_choice", "must be one of: 1, 2"),
        (Literal["a", "b"], "c", "invalid_choice", 'must be one of: "a", "b"'),
        (Literal["only"], 1, "invalid_choice", 'must be "only"'),
        (Literal[1, None], 2, "invalid_choice", "must be one of: null, 1"),
        (date, "31.1.2024", "invalid_format", "must be a date such as 2024-01-31"),
        (date, 5, "type_error", "must be a date such as 2024-01-31"),
        (datetime, "x", "invalid_format", "must be a date and time such as 2024-01-31T12:30:00Z"),
        (time, "x", "invalid_format", "must be a time such as 12:30:00"),
        (timedelta, "x", "invalid_format", "must be a duration such as PT1H30M"),
        (UUID, "x", "invalid_format", "must be a UUID"),
        (Decimal, "x", "invalid_format", "must be a decimal number"),
        (Decimal, [], "type_error", "must be a decimal number"),
        (bytes, "x", "invalid_format", "must be base64 text"),
        (bytearray, "x", "invalid_format", "must be base64 text"),
        (memoryview, "x", "invalid_format", "must be base64 text"),
        (Decimal, "NaN", "not_finite", "must be a finite number"),
        (Decimal, "-Infinity", "not_finite", "must be a finite number"),
        (Decimal, "s_n_a_n", "not_finite", "must be a finite number"),
        (float, float("inf"), "not_finite", "must be a finite number"),
        (Annotated[int, Meta(ge=1)], 0, "too_small", "must be at least 1"),
        (Annotated[int, Meta(gt=1)], 1, "too_small", "must be greater than 1"),
        (Annotated[int, Meta(le=1)], 10**30, "too_large", "must be at most 1"),
        (Annotated[float, Meta(lt=0.5)], 0.5, "too_large", "must be less than 0.5"),
        (Annotated[int, Meta(multiple_of=5)], 7, "not_multiple", "must be a multiple of 5"),
        (Annotated[str, Meta(min_length=1)], "", "too_short", "must have at least 1 character"),
        (Annotated[str, Meta(max_length=200)], "x" * 201, "too_long", "must have at most 200 characters"),
        (Annotated[bytes, Meta(max_length=2)], "AAAA", "too_long", "must have at most 2 bytes"),
        (Annotated[list[int], Meta(min_length=1)], [], "too_short", "must have at least 1 item"),
        (Annotated[set[int], Meta(max_length=2)], [1, 2, 3], "too_long", "must have at most 2 items"),
        (Annotated[dict[str, int], Meta(min_length=2)], {"a": 1}, "too_short", "must have at least 2 members"),
        (Annotated[str, Meta(pattern="^a")], "b", "pattern_mismatch", "must match the pattern ^a"),
        (Annotated[datetime, Meta(tz=True)], "2024-01-31T12:30:00", "invalid_format", "must come with a time zone"),
        (Annotated[time, Meta(tz=False)], "12:30:00Z", "invalid_format", "must come without a time zone"),
        (Colour | None, "green", "invalid_choice", 'must be one of: "red", "blue"'),
    ],
)
def test_a_single_problem_has_its_code_and_words(expected: object, value: object, code: str, message: str) -> None:
    assert found(value, expected) == [("", code, message)]


@pytest.mark.parametrize(
    ("expected", "value", "issues"),
    [
        (tuple[int, str], [1], [("", "too_short")]),
        (tuple[int, str], ["x", "y", "z"], [("", "too_long"), ("/0", "type_error")]),
        (tuple[()], [1], [("", "too_long")]),
        (dict[str, list[int]], {"a": [1], "b": ["x"], "c": 1}, [("/b/0", "type_error"), ("/c", "type_error")]),
        (frozenset[int], [1, "x"], [("/1", "type_error")]),
        (Sequence[int], [1, "x"], [("/1", "type_error")]),
        (Mapping[str, int], {"a": "x"}, [("/a", "type_error")]),
        (list[Any], "x", [("", "type_error")]),
        (list, "x", [("", "type_error")]),
        (list[list[list[list[list[int]]]]], [[[[[1, "x"]]]]], [("/0/0/0/0/1", "type_error")]),
        (Annotated[list[int], Meta(max_length=1)], [1, "x"], [("", "too_long"), ("/1", "type_error")]),
    ],
)
def test_containers_are_looked_into(expected: object, value: object, issues: list[tuple[str, str]]) -> None:
    assert codes(value, expected) == issues


# ---- names of members


def test_keys_are_held_to_their_type() -> None:
    expected = dict[Annotated[int, Meta(ge=3)], float]

    assert found({"x": 1, "2": 1, "4": "y", "5": 1}, expected) == [
        ("/x", "type_error", "key must be an integer"),
        ("/2", "too_small", "key must be at least 3"),
        ("/4", "type_error", "must be a number"),
    ]
    assert found({"a": 1}, dict[UUID, int]) == [("/a", "invalid_format", "key must be a UUID")]
    assert found({"nan": 1, "1": 1}, dict[float, int]) == [("/nan", "not_finite", "key must be a finite number")]
    assert found({"a": 1}, dict[int | UUID, int]) == [("/a", "type_error", "key must be an integer or a UUID")]
    assert found({"1": 1}, dict[int, int]) == []


def test_no_more_keys_are_looked_at_than_there_is_room_for() -> None:
    assert len(found(dict.fromkeys("abc", 1), dict[int, int], limit=2)) == 2


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a/b~c", "a~1b~0c"),
        ("", ""),
        ("☃", "☃"),
        ("a\nb\x00\x7f\u202e", "a\ufffdb\ufffd\ufffd\ufffd"),
        ("\ud800", "\ufffd"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"),
        ("/" * 40, "~1" * 31 + "…"),
        ("x" + "/" * 40, "x" + "~1" * 31 + "…"),
    ],
)
def test_names_in_pointers_are_escaped_printable_and_short(name: str, segment: str) -> None:
    assert found({name: "x"}, dict[str, int]) == [(f"/{segment}", "type_error", "must be an integer")]


def test_a_pointer_that_would_be_too_long_names_the_last_ancestor_that_fits() -> None:
    value: object = 1
    for _ in range(9):
        value = {"x" * 64: value}

    [(pointer, code)] = codes(
        value, dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]]]]
    )

    assert (pointer, code) == (("/" + "x" * 64) * 7, "type_error")


# ---- classes


def test_encoded_names_are_the_ones_in_pointers() -> None:
    assert codes({"first_name": "x", "lastName": 1}, Renamed) == [
        ("/firstName", "missing"),
        ("/lastName", "type_error"),
    ]


def test_unknown_fields_matter_only_where_they_are_forbidden() -> None:
    assert codes({"firstName": "x", "other": 1}, Renamed) == []
    assert codes({"title": "x", "pages": 1, "a/b": 1, "c": 2}, Book) == [
        ("/a~1b", "unknown_field"),
        ("/c", "unknown_field"),
    ]
    assert len(codes({"title": "x", "pages": 1} | dict.fromkeys(map(str, range(50_000)), 1), Book, limit=7)) == 7


def test_recursive_models_are_followed() -> None:
    value = {"value": 1, "children": [{"value": "x"}, {"value": 2, "children": [{}]}]}

    assert codes(value, Node) == [("/children/0/value", "type_error"), ("/children/1/children/0/value", "missing")]


def test_dataclasses_attrs_classes_typed_dicts_and_named_tuples_are_followed() -> None:
    @dataclass
    class Data:
        a: int
        b: list[int] = field(default_factory=list)

    @attrs.define
    class Attrs:
        a: int
        b: int = 1

    class Total(TypedDict):
        a: Required[int]
        b: NotRequired[int]

    class Row(NamedTuple):
        a: int
        b: int = 1

    assert codes({"b": ["x"], "c": 1}, Data) == [("/a", "missing"), ("/b/0", "type_error")]
    assert codes({"b": "x"}, Attrs) == [("/a", "missing"), ("/b", "type_error")]
    assert codes({"b": "x"}, Total) == [("/a", "missing"), ("/b", "type_error")]
    assert codes({"a": 1, "b": "x"}, list[Total] | Total) == [("/b", "type_error")]
    assert codes([], Row) == [("", "too_short")]
    assert codes(["x", "y", 3], Row) == [("", "too_long"), ("/0", "type_error"), ("/1", "type_error")]
    assert codes([1], Row) == []


def test_array_like_structs_have_places_instead_of_names() -> None:
    class Point(Struct, array_like=True):
        x: int
        y: int = 0

    class Exact(Point, array_like=True, forbid_unknown_fields=True):
        pass

    class Tagged(Struct, array_like=True, tag="t"):
        x: int

    class Late(Struct, array_like=True, kw_only=True):
        x: int = 0
        y: int
        z: int = 0

    assert found([], Point) == [("", "too_short", "must have at least 1 item")]
    assert codes(["x", 1, "more"], Point) == [("/0", "type_error")]
    assert codes([1, 2, 3], Exact) == [("", "too_long")]
    assert codes({"x": 1}, Point) == [("", "type_error")]
    assert codes([], Tagged) == [("", "too_short")]
    assert found(["u", "x"], Tagged) == [
        ("/0", "invalid_tag", 'must be "t"'),
        ("/1", "type_error", "must be an integer"),
    ]
    assert codes(["t", 1], Tagged) == []
    assert found([1], Late) == [("", "too_short", "must have at least 2 items")]


def test_generics_new_types_and_nested_annotations_are_unwrapped() -> None:
    class Box(Struct, Generic[T]):
        item: T

    @dataclass
    class Crate(Generic[T]):
        item: T

    Positive = NewType("Positive", Annotated[int, Meta(gt=0)])
    Titled = Annotated[list[Annotated[Positive, Meta(title="n", examples=[1])]], Meta(max_length=2, description="d")]

    assert codes({"item": {"item": "x"}}, Box[Crate[int]]) == [("/item/item", "type_error")]
    assert codes([0, 1, 2], Titled) == [("", "too_long"), ("/0", "too_small")]
    assert codes({"item": [0]}, Box[Titled]) == [("/item/0", "too_small")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements came with Python 3.12")
def test_type_aliases_are_unwrapped() -> None:
    names: dict[str, Any] = {"Annotated": Annotated, "Meta": Meta}
    exec("type Small = Annotated[int, Meta(le=5)]\ntype Pair[T] = tuple[T, T]", names)

    assert codes({"n": 6}, dict.__class_getitem__((str, names["Small"]))) == [("/n", "too_large")]
    assert codes([1, "x"], names["Pair"][int]) == [("/1", "type_error")]


def test_a_field_may_be_unset() -> None:
    class Patch(Struct):
        name: str | UnsetType = UNSET

    assert codes({}, Patch) == []
    assert found({"name": None}, Patch) == [("/name", "type_error", "must be a string")]


def test_what_json_cannot_carry_is_refused_by_name() -> None:
    assert found(1, Callable) == [("", "type_error", "must be a Callable")]
    assert found({"a": 1}, dict[str, object]) == []


# ---- unions


class Cat(Struct, tag="cat"):
    lives: Annotated[int, Meta(ge=1)]


class Dog(Struct, tag="dog", forbid_unknown_fields=True):
    name: str


class One(Struct, tag=1, array_like=True):
    x: int


class Two(Struct, tag=2, array_like=True):
    x: int


def test_the_branch_that_fits_the_json_type_is_followed() -> None:
    assert codes({"title": ""}, Book | None) == [("/title", "too_short"), ("/pages", "missing")]
    assert codes(["x"], list[int] | int | None) == [("/0", "type_error")]
    assert codes({"a": "x"}, Optional[dict[str, int]]) == [("/a", "type_error")]
    assert codes(1, Annotated[int, Meta(ge=5)] | str) == [("", "too_small")]
    assert codes(1, Annotated[int, Meta(ge=5)] | float) == [("", "too_small")]
    assert codes("x", date | int) == [("", "invalid_format")]
    assert codes("NaN", Decimal | None) == [("", "not_finite")]


def test_a_value_that_fits_no_branch_is_told_them_all() -> None:
    assert found("x", Book | None) == [("", "type_error", "must be an object or null")]
    assert found(True, Union[int, Annotated[Union[UUID, None], Meta(title="id")]]) == [
        ("", "type_error", "must be an integer, a UUID or null")
    ]
    assert found({}, list[int] | Literal["all"]) == [("", "type_error", 'must be an array or "all"')]


def test_tagged_unions_are_followed_by_their_tag() -> None:
    expected = list[Cat | Dog | None]

    assert found([{"type": "cat", "lives": 0}, {"type": "dog", "x": 1}, None], expected) == [
        ("/0/lives", "too_small", "must be at least 1"),
        ("/1/name", "missing", "is required"),
        ("/1/x", "unknown_field", "is not a known field"),
    ]
    assert found([{}, {"type": "cow"}, {"type": 1}, []], expected) == [
        ("/0/type", "missing", "is required"),
        ("/1/type", "invalid_tag", 'must be one of: "cat", "dog"'),
        ("/2/type", "invalid_tag", 'must be one of: "cat", "dog"'),
        ("/3", "type_error", "must be an object or null"),
    ]


def test_tagged_arrays_are_followed_by_their_first_item() -> None:
    assert found([[2, "x"], [], [3, 1], [True, 1]], list[One | Two]) == [
        ("/0/1", "type_error", "must be an integer"),
        ("/1/0", "missing", "is required"),
        ("/2/0", "invalid_tag", "must be one of: 1, 2"),
        ("/3/0", "invalid_tag", "must be one of: 1, 2"),
    ]


def test_a_lone_tagged_struct_needs_no_tag_but_refuses_another_one() -> None:
    assert codes({"lives": 0}, Cat) == [("/lives", "too_small")]
    assert codes({"type": "dog", "lives": 0}, Cat | None) == [("/type", "invalid_tag"), ("/lives", "too_small")]


def test_any_in_a_union_accepts_everything() -> None:
    assert codes({"x": 1}, Union[Book, Any]) == []


# ---- a type's own checks


def test_a_types_own_check_speaks_once_its_fields_are_valid() -> None:
    late = {"start": "2024-02-01", "end": "2024-01-01"}

    assert found({"p": late, "q": {"start": "x", "end": "2024-01-01"}}, dict[str, Period]) == [
        ("/p", "invalid", "end is before start"),
        ("/q/start", "invalid_format", "must be a date such as 2024-01-31"),
    ]


class Level(Struct):
    built: ClassVar[list[int]] = []
    n: int
    below: Optional["Level"] = None

    def __post_init__(self) -> None:
        self.built.append(self.n)
        if self.n == 9:
            raise ValueError("too high")


def test_own_checks_run_from_the_inside_out_and_once_each() -> None:
    value: object = None
    for n in range(10):
        value = {"below": value, "n": n}
    Level.built.clear()

    assert found(value, Level) == [("", "invalid", "too high")]
    assert Level.built == list(range(10))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("pages must be\teven\x1b[2J"), "pages must be\ufffdeven\ufffd[2J"),
        (TypeError("x" * 500), "x" * 199 + "…"),
        (ValueError(), "is not valid"),
        (KeyError("a fault, not a verdict"), "is not valid"),
        (RecursionError(), "is not valid"),
    ],
)
def test_the_words_of_a_check_are_kept_when_it_refuses_and_made_safe(error: Exception, message: str) -> None:
    class Picky(Struct):
        def __post_init__(self) -> None:
            raise error

    assert found([{}], list[Picky]) == [("/0", "invalid", message)]


def test_the_check_of_a_dataclass_and_of_an_attrs_class_is_heard_too() -> None:
    @dataclass
    class Data:
        a: int

        def __post_init__(self) -> None:
            raise ValueError("no data")

    @attrs.define
    class Attrs:
        a: int

        def __attrs_post_init__(self) -> None:
            raise ValueError("no attrs")

    assert found({"a": 1}, Data) == [("", "invalid", "no data")]
    assert found({"a": 1}, Attrs) == [("", "invalid", "no attrs")]


def test_ready_made_validators_of_attrs_would_repeat_the_value_so_their_words_are_dropped() -> None:
    @attrs.define
    class Attrs:
        a: str = attrs.field(validator=attrs.validators.in_(["x"]))

    assert found({"a": "secret"}, Attrs) == [("", "invalid", "is not valid")]


def test_a_check_that_is_not_written_in_python_is_heard() -> None:
    Odd = msgspec.defstruct("Odd", [], namespace={"__post_init__": operator.index})

    [(pointer, code, message)] = found({}, Odd)

    assert (pointer, code) == ("", "invalid")
    assert "cannot be interpreted as an integer" in message


def test_what_cannot_be_blamed_on_a_part_is_reported_at_the_top() -> None:
    class Holder(Struct):
        raw: Raw

    assert found({"raw": 1}, Holder | int, at="/x") == [("/x", "invalid", "is not valid")]
    assert found(1, Raw | None, at="/x") == [("/x", "invalid", "is not valid")]


# ---- text


class Search(Struct):
    page: Annotated[int, Meta(ge=1)] = 1
    exact: bool = False
    tags: list[Literal["new", "old"]] = []
    rate: float = 0
    price: Decimal = Decimal(0)
    since: date | None = None


def test_text_is_read_as_the_type_it_stands_for() -> None:
    value = {"page": "0", "exact": "maybe", "tags": ["new", "x"], "rate": "nan", "price": "inf", "since": "today"}

    assert found(value, Search, strict=False) == [
        ("/page", "too_small", "must be at least 1"),
        ("/exact", "type_error", "must be true or false"),
        ("/tags/1", "invalid_choice", 'must be one of: "new", "old"'),
        ("/rate", "not_finite", "must be a finite number"),
        ("/price", "not_finite", "must be a finite number"),
        ("/since", "invalid_format", "must be a date such as 2024-01-31"),
    ]


@pytest.mark.parametrize("text", ["abc", "", " 1", "1.5", "9" * 5000, "0x10"])
def test_text_that_is_no_integer(text: str) -> None:
    assert found(text, int, strict=False) == [("", "type_error", "must be an integer")]


@pytest.mark.parametrize("text", ["nan", "-inf", "Infinity", "NAN"])
def test_text_that_is_no_finite_number(text: str) -> None:
    assert codes(text, float, strict=False) == [("", "not_finite")]
    assert codes(text, float | None, strict=False) == [("", "not_finite")]
    assert codes({"x": [text, "1"]}, dict[str, list[float]], strict=False) == [("/x/0", "not_finite")]
    assert codes(text, Annotated[float, Meta(ge=0, le=1)], strict=False) == [("", "not_finite")]


@pytest.mark.parametrize("word", sorted({*BOOL_WORDS, *(word.upper() for word in BOOL_WORDS), "oN", "Yes"}))
def test_the_usual_words_for_booleans_are_valid_in_text(word: str) -> None:
    assert found(word, bool, strict=False) == []
    assert found(word, bool | None, strict=False) == []
    assert found(word, bool | int, strict=False) == []
    assert found({"exact": word, "page": "0"}, Search, strict=False) == [("/page", "too_small", "must be at least 1")]
    assert found({"exact": word}, Search, strict=False) == []
    assert found({"x": [word]}, dict[str, list[bool]], strict=False) == []


def test_the_usual_words_for_booleans_mean_nothing_in_json() -> None:
    assert codes("yes", bool) == [("", "type_error")]
    assert codes("maybe", bool, strict=False) == [("", "type_error")]


def test_a_union_in_text_follows_the_branch_that_the_text_can_be_read_as() -> None:
    assert found("x", int | None, strict=False) == [("", "type_error", "must be an integer")]
    assert codes("9", Annotated[int, Meta(le=5)] | bool | None, strict=False) == [("", "too_large")]
    assert found("x", int | UUID | None, strict=False) == [("", "type_error", "must be an integer or a UUID")]
    assert codes("", Annotated[str, Meta(min_length=1)] | None, strict=False) == [("", "too_short")]
    assert codes(["1", "x"], list[int] | None, strict=False) == [("/1", "type_error")]
    assert codes(["1", "2"], int | None, strict=False) == [("", "type_error")]
    assert codes("x", list[int] | None, strict=False) == [("", "type_error")]


# ---- bounds


def test_no_more_issues_than_the_limit() -> None:
    assert len(found([{}] * 5_000, list[Book])) == 100
    assert len(found([{}] * 5_000, list[Book], limit=3)) == 3
    assert len(found({"a": 1, "b": 2}, dict[str, str], limit=1)) == 1


def test_the_budget_ends_the_search_quietly_but_never_before_one_issue() -> None:
    value = [1] * 2_000 + ["x"]

    assert found(value, list[int], budget=5) == [("", "invalid", "is not valid")]
    assert codes([None, *value], list[int], budget=20) == [("/0", "type_error")]
    assert codes(value, list[int], budget=60) == [("/2000", "type_error")]
    assert found([1] * 2_000, list[int], budget=5) == []


def test_what_the_budget_left_unseen_is_not_reported_after_an_issue() -> None:
    class Inner(Struct):
        rows: list[list[str]]

    class Outer(Struct):
        first: int
        inner: Inner

    value = {"first": "x", "inner": {"rows": [["a"]] * 1_000 + [[1]]}}

    assert codes(value, Outer) == [("/first", "type_error"), ("/inner/rows/1000/0", "type_error")]
    assert codes(value, Outer, budget=8) == [("/first", "type_error")]


def test_long_arrays_of_plain_items_cost_few_steps_however_deep_they_lie() -> None:
    value: object = [1] * 2_000 + ["x"]
    expected: Any = list[int]
    for _ in range(6):
        value, expected = [value], list[expected]

    assert codes(value, expected, budget=200) == [("/0/0/0/0/0/0/2000", "type_error")]


def test_numbers_that_are_not_finite_do_not_hide_beyond_the_budget() -> None:
    value = ["1.5"] * 1_000 + ["NaN"]

    assert codes(value, list[Decimal]) == [("/1000", "not_finite")]
    assert found(value, list[Decimal], budget=3) == [("", "not_finite", "must hold finite numbers only")]
    assert found(["1.5"] * 1_000, list[Decimal], budget=3) == []


def test_strings_that_only_read_like_a_number_are_no_issue() -> None:
    assert found(["NaN", "-Infinity"], list[str]) == []


def test_values_that_cannot_be_written_as_json_again_are_looked_at_one_by_one() -> None:
    class Holder(Struct):
        n: int
        extra: Any = None

        def __post_init__(self) -> None:
            self.extra = object()

    assert codes([{"n": 1}, {"n": "x"}], list[Holder]) == [("/1/n", "type_error")]
    assert codes([{"n": 1}, {"n": 2}], list[Holder]) == []


def test_few_bad_rows_among_many_are_all_found() -> None:
    rows: list[object] = [{"title": "Emma", "pages": 1, "authors": ["Ann"] * 3} for _ in range(20_000)]
    bad = range(7, 20_000, 1_000)
    for index in bad:
        rows[index] = {"title": "Emma", "pages": 0}

    assert codes(rows, list[Book]) == [(f"/{index}/pages", "too_small") for index in bad]


def test_deep_values_are_looked_at_to_a_depth_and_raise_nothing() -> None:
    value: dict[str, object] = {"value": "x"}
    for _ in range(40):
        value = {"value": 1, "children": [value]}
    assert codes(value, Node) == [("/children/0" * 40 + "/value", "type_error")]

    for _ in range(40):
        value = {"value": 1, "children": [value]}
    [(pointer, code)] = codes(value, Node)
    assert code == "invalid"
    assert pointer.startswith("/children/0/children/0")

    for _ in range(100_000):
        value = {"value": 1, "children": [value]}
    assert [code for _, code in codes(value, Node)] == ["invalid"]


def test_a_caller_that_stands_deep_in_the_stack_gets_an_answer() -> None:
    value: dict[str, object] = {"value": "x"}
    for _ in range(40):
        value = {"value": 1, "children": [value]}

    def descend(levels: int) -> list[tuple[str, str]]:
        return descend(levels - 1) if levels else codes(value, Node)

    frames = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frames, frame = frames + 1, frame.f_back
    room = sys.getrecursionlimit() - frames

    assert descend(0) == [("/children/0" * 40 + "/value", "type_error")]
    assert [code for _, code in descend(room - 60)] == ["invalid"]


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (list[int], [1] * 400_000 + ["x"]),
        (list[list[list[list[int]]]], [[[[1] * 10] * 10] * 10] * 300 + [[[["x"]]]]),
        (dict[str, int], dict.fromkeys(map(str, range(100_000)), 1) | {"bad": "x"}),
        (dict[int, int], dict.fromkeys(map(str, range(100_000)), 1) | {"bad": 1}),
        (list[Node], [{"value": 1}] * 60_000 + [{}]),
        (Book, {"title": "x" * 1_000_000, "pages": 1}),
        (Book, dict.fromkeys(map(str, range(100_000)), 1)),
    ],
)
def test_large_values_take_linear_time(
    expected: object, value: object, costs_at_most: Callable[[float, Callable[[], object]], None]
) -> None:
    """It takes under 150 ms."""
    assert collect(value, expected, location="body", strict=True)
    costs_at_most(3, lambda: collect(value, expected, location="body", strict=True))


def test_messages_taken_from_a_type_are_bounded() -> None:
    literal: Any = Literal
    many = literal[tuple(f"choice-{n}" for n in range(1_000))]
    pattern = Annotated[str, Meta(pattern="x" * 1_000)]

    for expected in (many, pattern, many | int, int | many):
        [(_, _, message)] = found("secret", expected)
        assert len(message) < 300
        assert message.endswith("…")


def test_no_message_repeats_the_value() -> None:
    secret = "s3cr3t"
    value = dict.fromkeys(("title", "pages", "authors"), secret) | {"n": [secret, {"x": secret}]}

    for expected in (
        Book,
        dict[str, int],
        dict[str, Colour],
        dict[str, date],
        dict[str, Literal["a"]],
        dict[str, UUID],
    ):
        assert secret not in json.dumps(found(value, expected))


def test_metadata_that_cannot_be_hashed_is_no_obstacle() -> None:
    class Tag:
        __hash__ = None  # type: ignore[assignment]

    assert codes("x", Annotated[int, Tag()]) == [("", "type_error")]


# ---- finite


@pytest.mark.parametrize("value", [0, 1.5, Decimal("1.5"), Decimal(0), "nan", None, [], True, 10**400])
def test_ordinary_values_are_finite(value: object) -> None:
    assert finite(value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
def test_nan_and_infinities_are_not(value: object) -> None:
    assert not finite(value)
