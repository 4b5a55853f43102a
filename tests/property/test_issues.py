"""Whatever the type and whatever the value: the collector agrees with msgspec, stays in bounds, and repeats no value."""

import enum
from collections.abc import Iterable
from dataclasses import make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict, Union, cast
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from flasgo.validation.issues import collect, finite

MARKER = "mArKeR"
"""Planted in strings: no issue may repeat it."""


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


NUMBERS = st.sampled_from([0, 1, 2, 3, 7, -1, 10**30, -(10**30), 0.5, 2.0, -3.25, 1e300])
WORDS = st.sampled_from([
    "", "a", "abc", "red", "1", "-2", "2.5", "1e5", "true", "FALSE", "null", "nan", "-inf", "sNaN", "Infinity",
    "2024-01-31", "2024-01-31T12:30:00Z", "2024-01-31T12:30:00", "12:30:00", "PT1H", "AAAA",
    "7b0f2a2e-5c3b-4b4e-9a55-0d1c2f3a4b5c", MARKER, MARKER * 50, MARKER + "\n\x00",
])  # fmt: skip
SCALAR_VALUES = st.none() | st.booleans() | NUMBERS | WORDS
NAMES = st.sampled_from(["a", "b", "c", "1", "2", "x/y", "t~", "red", "nan"])
VALUES = st.recursive(
    SCALAR_VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
BOUNDS = st.sampled_from([0, 1, 2, 5])
INTEGERS = st.sampled_from(["ge", "gt", "le", "lt", "multiple_of"]).flatmap(
    lambda name: st.builds(lambda bound: Annotated[int, Meta(**{name: bound})], st.sampled_from([1, 2, 5]))
)
FLOATS = st.builds(lambda low, high: Annotated[float, Meta(ge=low, lt=high)], BOUNDS, BOUNDS)
STRINGS = st.builds(lambda low, high: Annotated[str, Meta(min_length=low, max_length=high)], BOUNDS, BOUNDS)
SCALARS = (
    st.sampled_from([
        None, bool, int, float, str, bytes, bytearray, date, datetime, time, timedelta, Decimal, UUID, Any, object, Colour,
        Size, Literal["a", "red"], Literal[1, 2, None], Annotated[datetime, Meta(tz=True)], Annotated[time, Meta(tz=False)],
        Annotated[str, Meta(pattern="^a")], Annotated[bytes, Meta(max_length=1)], Annotated[str, Meta(title="T")],
    ])
    | INTEGERS
    | FLOATS
    | STRINGS
)  # fmt: skip
HASHABLE = st.sampled_from([int, float, str, Decimal, UUID, Colour, Literal["a", "1"]]) | INTEGERS | STRINGS
FIELDS = ("a", "b", "x/y")


KEPT: list[object] = []
"""Every type that msgspec has seen here. 0.23 crashes now and then where Decoder(type) is asked for many types, some of which it refuses:
so types are kept, and examples are the same in every run (`derandomize`), until the cause is known.
"""


def struct(kinds: list[object], required: int, **config: Any) -> object:
    members = [(name.replace("/", "_"), kind) for name, kind in zip(FIELDS, kinds, strict=False)]
    made = msgspec.defstruct(
        "Generated",
        [*members[:required], *((name, kind, None) for name, kind in members[required:])],
        rename={"x_y": "x/y"},
        **config,
    )
    KEPT.append(made)
    return made


def checked(kind: object) -> object:
    """A Struct that refuses in its own words whatever is not "a" or 1."""

    def check(self: Any) -> None:
        if self.a not in ("a", 1):
            raise ValueError("a is not to my liking")

    return msgspec.defstruct("Checked", [("a", kind)], namespace={"__post_init__": check})


def tagged(kinds: list[object], **config: Any) -> object:
    return Union[tuple(struct([kind], 1, tag_field="b", tag=f"{i}", **config) for i, kind in enumerate(kinds, 1))]


def composites(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(inner, min_size=1, max_size=3)
    required = st.integers(0, 3)
    return st.one_of(
        st.builds(lambda kind: list[kind], inner),
        st.builds(
            lambda kind, low, high: Annotated[list[kind], Meta(min_length=low, max_length=high)], inner, BOUNDS, BOUNDS
        ),
        st.builds(lambda kind: tuple[kind, ...], inner),
        st.builds(lambda kinds: tuple.__class_getitem__(tuple(kinds)), several),
        st.builds(lambda kind, most: Annotated[set[kind], Meta(max_length=most)], HASHABLE, BOUNDS),
        st.builds(lambda kind: frozenset[kind], HASHABLE),
        st.builds(lambda key, kind, most: Annotated[dict[key, kind], Meta(max_length=most)], HASHABLE, inner, BOUNDS),
        st.builds(struct, several, required, forbid_unknown_fields=st.booleans(), array_like=st.booleans()),
        st.builds(struct, several, required, tag=st.sampled_from(["a", 1]), array_like=st.booleans()),
        st.builds(tagged, several, array_like=st.booleans()),
        st.builds(checked, inner),
        st.builds(lambda kind: make_dataclass("Generated", [("a", kind), ("b", kind, None)]), inner),
        st.builds(lambda kind: TypedDict("Generated", {"a": kind, "x/y": NotRequired[kind]}), inner),
        st.builds(lambda first, second: NamedTuple("Generated", [("a", first), ("b", second)]), inner, inner),
        st.builds(lambda kinds: Union[tuple(kinds)], several),
        st.builds(lambda kind: Union[kind, None], inner),
    )


TYPES = st.recursive(SCALARS, composites, max_leaves=6)


def likely_values(expected: object) -> st.SearchStrategy[object]:
    """Values that often come near to the type: an arbitrary one seldom gets past the first level."""
    return st.deferred(lambda: _likely(msgspec.inspect.type_info(expected))) | VALUES


def _likely(shape: msgspec.inspect.Type, depth: int = 0) -> st.SearchStrategy[object]:
    def inside(part: msgspec.inspect.Type) -> st.SearchStrategy[object]:
        return _likely(part, depth + 1) if depth < 4 else SCALAR_VALUES

    match shape:
        case msgspec.inspect.Metadata():
            return inside(shape.type)
        case msgspec.inspect.UnionType():
            return st.one_of([inside(choice) for choice in shape.types])
        case msgspec.inspect.CollectionType():
            return st.lists(inside(shape.item_type), max_size=12)
        case msgspec.inspect.TupleType():
            return st.tuples(*map(inside, shape.item_types)).map(list)
        case msgspec.inspect.DictType():
            return st.dictionaries(NAMES, inside(shape.value_type), max_size=3)
        case msgspec.inspect.StructType(array_like=True) | msgspec.inspect.NamedTupleType():
            tag = [st.just(shape.tag)] if isinstance(shape, msgspec.inspect.StructType) and shape.tag_field else []
            return st.tuples(*tag, *(inside(field.type) for field in shape.fields)).map(list)
        case msgspec.inspect.StructType() | msgspec.inspect.DataclassType() | msgspec.inspect.TypedDictType():
            members = {field.encode_name: inside(field.type) for field in shape.fields}
            if isinstance(shape, msgspec.inspect.StructType) and shape.tag_field:
                members[shape.tag_field] = st.sampled_from([shape.tag, shape.tag, "9", 1])
            return st.fixed_dictionaries({}, optional=members | {"unknown": SCALAR_VALUES})
        case _:
            return SCALAR_VALUES


def numbers_in(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    elif isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    elif hasattr(value, "__dataclass_fields__"):
        value = list(vars(value).values())
    if isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from numbers_in(item)
    else:
        yield value


def is_valid(value: object, expected: object, *, strict: bool) -> bool:
    try:
        converted = msgspec.convert(value, expected, strict=strict, str_keys=True)
    except msgspec.ValidationError:
        return False
    return all(map(finite, numbers_in(converted)))


def usable(expected: object) -> bool:
    KEPT.append(expected)
    try:
        msgspec.json.Decoder(cast("type[object]", expected))
    except TypeError:  # a union that msgspec cannot tell apart
        return False
    return True


@given(st.data(), TYPES.filter(usable))
@settings(derandomize=True)
def test_issues_are_found_exactly_where_msgspec_refuses(data: st.DataObject, expected: object) -> None:
    value = data.draw(likely_values(expected))

    issues = collect(value, expected, location="body", strict=True)

    assert bool(issues) != is_valid(value, expected, strict=True)
    for issue in issues:
        assert MARKER not in issue.message
        assert MARKER not in issue.pointer
        assert len(issue.message) < 300
        assert issue.pointer == "" or issue.pointer.startswith("/")


TEXT_TYPES = SCALARS | st.builds(lambda kind: Union[kind, None], SCALARS) | st.builds(lambda kind: list[kind], SCALARS)
TEXTS = WORDS | st.lists(WORDS, max_size=3)


@given(st.lists(TEXT_TYPES.filter(usable), min_size=1, max_size=3), st.dictionaries(st.sampled_from(FIELDS), TEXTS))
@settings(derandomize=True)
def test_the_same_holds_for_text(kinds: list[object], value: dict[str, object]) -> None:
    expected = struct(kinds, 3)

    issues = collect(value, expected, location="query", strict=False)

    assert bool(issues) != is_valid(value, expected, strict=False)
    for issue in issues:
        assert MARKER not in issue.message
        assert issue.pointer in {
            "/a",
            "/b",
            "/x~1y",
            *(f"/{name}/{i}" for name in ("a", "b", "x~1y") for i in range(3)),
        }


@given(st.data(), TYPES.filter(usable), st.integers(1, 3), st.integers(0, 40))
@settings(derandomize=True)
def test_bounds_are_kept_and_a_refused_value_never_goes_unexplained(
    data: st.DataObject, expected: object, limit: int, budget: int
) -> None:
    value = data.draw(likely_values(expected))

    issues = collect(value, expected, location="body", strict=True, limit=limit, budget=budget)

    assert len(issues) <= limit
    assert issues or is_valid(value, expected, strict=True)


@given(st.text(max_size=700), st.lists(st.text(max_size=200), max_size=12))
@settings(derandomize=True)
def test_pointers_are_short_and_printable_whatever_the_client_names_its_members(name: str, path: list[str]) -> None:
    value: object = 1
    expected: Any = str
    for step in [name, *path]:
        value = {step: value}
        expected = dict[str, expected]

    [issue] = collect(value, expected, location="body", strict=True)

    assert len(issue.pointer) <= 512
    assert issue.pointer.isprintable()
    assert all(len(segment) <= 64 for segment in issue.pointer.split("/"))


@given(TYPES.filter(usable), VALUES)
@settings(max_examples=30, derandomize=True)
def test_a_deep_value_raises_nothing(expected: object, value: object) -> None:
    for _ in range(2_000):
        value = [value]

    issues = collect(value, expected, location="body", strict=True)

    assert len(issues) <= 100
