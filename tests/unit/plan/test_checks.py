"""`exact` says whether a value holds more than its type, `narrow` takes away what it does; both know types as msgspec does."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import attrs
import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from flasgo.plan.checks import exact, narrow, outermost


class Slim(Struct):
    id: int


class Wide(Slim):
    secret: int = 0


class Outer(Struct):
    slim: Slim
    many: list[Slim] = []


class Other(Struct):
    outer: Outer
    maybe: Slim | None = None


class Loop(Struct):
    next: "Loop | None" = None
    slim: Slim | None = None


class Unset(Struct):
    slim: Slim | UnsetType = UNSET


class Keys(TypedDict, total=False):
    a: int
    b: Slim


class Pair(NamedTuple):
    left: int
    right: Slim | None = None


@dataclass
class Data:
    slim: Slim


@attrs.define(slots=False)
class Attrs:
    x: int


Odd: Any = msgspec.defstruct("Odd", [("class", Slim)])


def table(names: str, rows: Sequence[object]) -> pytest.MarkDecorator:
    """A test for each row, numbered: the names of types are no names of tests."""
    return pytest.mark.parametrize(names, rows, ids=[str(number) for number in range(len(rows))])


def calls(check: Callable[[object], bool], value: object) -> int:
    """How many Python functions a check runs for a value."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        check(value)
    finally:
        sys.setprofile(None)
    return count


class TestExact:
    @table(
        "annotation, yes, no",
        [
            (Slim, [Slim(1)], [Wide(1), None, 5, {"id": 1}]),
            (Annotated[Slim, Meta(description="words")], [Slim(1)], [Wide(1)]),
            (Slim | None, [Slim(1), None], [Wide(1), 5]),
            (Slim | int | list[Slim], [Slim(1), 5, [], [Slim(1)]], [Wide(1), [Wide(1)], "x"]),
            (Slim | Literal["a", 1], [Slim(1), "b", 7], [Wide(1), 1.5]),
            (Slim | Any, [Slim(1), Wide(1), object()], []),
            (list[Slim], [[], [Slim(1)]], [[Wide(1)], (Slim(1),), [Slim(1), 5], deque()]),
            (set[Pair], [set(), {Pair(1)}], [(Pair(1),)]),
            (tuple[Slim, ...], [(), (Slim(1),), [Slim(1)]], [(Wide(1),), (5,)]),
            (tuple[Slim, int], [(Slim(1), 5), (Slim(1), Wide(1))], [(Slim(1),), (Wide(1), 5), (Slim(1), 5, 5)]),
            (dict[str, Slim], [{}, {"a": Slim(1)}], [{"a": Wide(1)}, {"a": None}, [Slim(1)]]),
            (dict[str, Slim | None], [{"a": None}], [{"a": Wide(1)}]),
            (Outer, [Outer(Slim(1)), Outer(Slim(1), [Slim(2)])], [Outer(Wide(1)), Outer(Slim(1), [Wide(1)])]),
            (Other, [Other(Outer(Slim(1)))], [Other(Outer(Wide(1))), Other(Outer(Slim(1)), Wide(1)), Outer(Slim(1))]),
            (Loop, [Loop(Loop(None, Slim(1)))], [Loop(Loop(Loop(None, Wide(1)))), Loop(slim=Wide(1))]),
            (Unset, [Unset(), Unset(Slim(1))], [Unset(Wide(1))]),
            (Keys, [{}, {"a": 1}, {"b": Slim(1)}], [{"c": 1}, {"b": Wide(1)}, Slim(1)]),
            (list[Keys], [[{"a": 1}]], [[{"c": 1}]]),
            (Pair, [Pair(1), Pair(1, Slim(1))], [Pair(1, Wide(1)), (1, None)]),
            (Data, [Data(Slim(1))], [Data(Wide(1))]),
            (Attrs, [Attrs(1)], [5]),
            (Odd, [Odd(**{"class": Slim(1)})], [Odd(**{"class": Wide(1)})]),
            (int, [5, True], ["5", 1.5]),
            (float, [5, 1.5], ["5"]),
            (list[int], [[5], ["x"], {5}], [(5,), "x", {}]),
            (dict[str, int], [{}], [[]]),
            (bytes, [b"", bytearray()], [""]),
            (msgspec.Raw, [msgspec.Raw(b"1")], [b"1"]),
            (Any, [object()], []),
            (None, [None], [5]),
            (dict[str, object], [{"a": Wide(1)}], [5]),
        ],
    )
    def test_the_answer(self, annotation: Any, yes: list[object], no: list[object]):
        check = exact(annotation)
        assert [check(value) for value in yes] == [True] * len(yes)
        assert [check(value) for value in no] == [False] * len(no)

    def test_a_field_that_is_not_set(self):
        assert not exact(Data)(object.__new__(Data))

    def test_attributes_of_an_attrs_class_beyond_its_fields(self):
        value = Attrs(1)
        vars(value)["secret"] = 2
        assert not exact(Attrs)(value)

    @table(
        "annotation, value, count",
        [
            (Slim, Slim(1), 1),
            (Outer, Outer(Slim(1), [Slim(1)] * 100), 2),
            (list[Slim], [Slim(1)] * 100, 2),
            (Other, Other(Outer(Slim(1))), 3),
            (dict[str, Slim], {"a": Slim(1)}, 2),
            (list[Slim | None], [None] * 100, 101),
        ],
    )
    def test_it_costs_a_call_for_each_record_and_collection_that_is_looked_into(
        self, annotation: Any, value: object, count: int
    ):
        assert calls(exact(annotation), value) == count


class TestOutermost:
    def test_it_looks_no_further(self):
        assert outermost(list[Slim])([5])
        assert outermost(Slim)(Wide(1))
        assert outermost(int | None)(None)
        assert outermost(Annotated[int, Meta(description="words")])(5)
        assert not outermost(int | None)("x")
        assert outermost(Literal["a"])("b")


class TestNarrow:
    @table(
        "annotation, value, expected",
        [
            (Annotated[Slim, Meta(description="words")], Wide(1), Slim(1)),
            (Slim, {"id": 1, "secret": 2}, Slim(1)),
            (Slim, Attrs, None),
            (dict[str, int], {"a": 1}, {"a": 1}),
            (list[Slim], deque([Wide(1)]), [Slim(1)]),
            (Unset, Unset(), Unset()),
            (Attrs, Attrs(1), Attrs(1)),
            (Pair, Pair(1, Wide(1)), [1, Slim(1)]),
            (Keys, {"b": Wide(1), "c": 1}, {"b": Slim(1)}),
            (Any, Wide(1), Wide(1)),
            (Slim | Any, 5, 5),
        ],
    )
    def test_what_is_left(self, annotation: Any, value: object, expected: object):
        if expected is None:
            with pytest.raises(msgspec.ValidationError):
                narrow(annotation)(value)
        else:
            assert narrow(annotation)(value) == expected

    def test_a_field_that_is_not_set_stays_so(self):
        value = object.__new__(Data)
        assert vars(narrow(Data)(value)) == {}

    @table(
        "annotation, value, says",
        [
            (int, "secret", "expected int, got str"),
            (list[int], 5, "expected list or set or frozenset, got int"),
            (list[int], "secret", "got str"),
            (tuple[int, int], (1, 2, 3), "got tuple"),
            (Slim | int, "secret", "str is none of the alternatives"),
            (Slim, "secret", "Expected `object`, got `str`"),
        ],
    )
    def test_what_is_not_of_the_type(self, annotation: Any, value: object, says: str):
        with pytest.raises(msgspec.ValidationError) as caught:
            narrow(annotation)(value)
        assert says in str(caught.value)
        assert "secret" not in str(caught.value)
