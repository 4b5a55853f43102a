"""Schemas that say what the decoder asks for."""

import enum
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from flasgo.openapi.refine import EXAMPLES
from flasgo.openapi.schemas import Schemas
from flasgo.validation import spellings
from flasgo.validation.decode import json_decoder


class Cat(Struct, tag=True):
    friend: "Cat | None" = None


class Dog(Struct, tag=True):
    name: str


class Solo(Struct, tag="solo"):
    a: int


class Row(Struct, array_like=True, tag="row"):
    at: timedelta


class Place(NamedTuple):
    at: timedelta


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Span:
    since: Annotated[datetime, Meta(description="From.")]
    again: "Span | None" = None


def schema_of(annotation: object, *, sent: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    schemas = Schemas()
    schema = schemas.of(annotation, sent=sent)
    return schema, schemas.finish()


@pytest.mark.parametrize(
    ("annotation", "pattern"),
    [
        (timedelta, spellings.DURATION),
        (Decimal, spellings.DECIMAL),
        (Annotated[datetime, Meta(tz=False)], spellings.LOCAL_DATETIME),
        (time, spellings.TIME),
        (Annotated[time, Meta(tz=False)], spellings.LOCAL_TIME),
    ],
    ids=["timedelta", "decimal", "datetime", "time", "local time"],
)
def test_what_text_spells_has_its_pattern_and_an_example_that_fits(annotation: object, pattern: str):
    schema, _ = schema_of(annotation)
    assert schema["pattern"] == pattern
    assert schema["examples"] == [EXAMPLES[pattern]]
    assert Draft202012Validator(schema).is_valid(EXAMPLES[pattern])


@pytest.mark.parametrize(
    "annotation",
    [Annotated[datetime, Meta(tz=True)], Annotated[time, Meta(tz=True)], UUID, date],
    ids=["datetime", "time", "uuid", "date"],
)
def test_a_registered_format_says_enough(annotation: object):
    schema, _ = schema_of(annotation)
    assert schema.keys() == {"type", "format"}


def test_an_example_of_the_programs_own_stays():
    schema, _ = schema_of(Annotated[Decimal, Meta(examples=["1"])])
    assert schema["examples"] == ["1"]


@pytest.mark.parametrize(
    ("least", "most", "right", "wrong"),
    [
        (0, None, ["", "YQ==", "YWI=", "YWJj", "YWJjYQ=="], ["Y", "YQ", "YQ=", "Y===", "YQ==YQ=="]),
        (1, 2, ["YQ==", "YWI="], ["", "YWJj"]),
        (3, 4, ["YWJj", "YWJjYQ=="], ["YWI=", "YWJjYWI="]),
        (2, 1, [], ["", "YQ==", "YWI="]),
    ],
)
def test_bytes_are_base64_of_their_lengths(least: int, most: int | None, right: list[str], wrong: list[str]):
    schema, _ = schema_of(Annotated[bytes, Meta(min_length=least or None, max_length=most)])
    validator = Draft202012Validator(schema)
    assert all(map(validator.is_valid, right))
    assert not any(map(validator.is_valid, wrong))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (int, {"pattern": "^-?(?:0|[1-9][0-9]*)$"}),
        (UUID, {"format": "uuid"}),
        (date, {"format": "date"}),
        (Level, {"enum": ["1"], "type": "string"}),
        (Literal[1, 2], {"enum": ["1", "2"], "type": "string"}),
        (timedelta, {"pattern": spellings.DURATION}),
    ],
    ids=["int", "uuid", "date", "enum", "literal", "timedelta"],
)
def test_names_that_are_no_text_are_described(key: Any, expected: dict[str, object]):
    schema, _ = schema_of(dict[key, int])
    assert schema["propertyNames"] == expected


def test_names_that_are_text_are_as_msgspec_has_them():
    assert "propertyNames" not in schema_of(dict[str, int])[0]
    assert schema_of(dict[str, Any])[0] == {"type": "object"}


def test_what_is_twice_in_a_set_is_taken_unless_its_length_counts():
    assert "uniqueItems" not in schema_of(set[int])[0]
    assert schema_of(Annotated[set[int], Meta(max_length=2)])[0]["uniqueItems"] is True


def test_members_of_a_flag_may_be_joined():
    _, components = schema_of(Right)
    assert components["Right"]["type"] == "integer"
    assert "enum" not in components["Right"]
    assert schema_of(Level)[1]["Level"]["enum"] == [1]


def test_a_tag_that_tells_nothing_apart_may_stay_away():
    _, components = schema_of(Solo)
    assert components["Solo"]["required"] == ["a"]
    assert schema_of(Solo, sent=False)[1]["Solo"]["required"] == ["type", "a"]


def test_a_tag_that_tells_apart_elsewhere_stays_there():
    schemas = Schemas()
    alone, among, answered = (
        schemas.of(Cat, sent=True),
        schemas.of(Cat | Dog | int | None, sent=True),
        schemas.of(Dog, sent=False),
    )
    components = schemas.finish()
    assert alone == {"$ref": "#/components/schemas/Cat_untagged"}
    assert components["Cat_untagged"]["required"] == []
    assert components["Cat"]["required"] == ["type"]
    assert among["anyOf"][1]["anyOf"] == [{"$ref": f"#/components/schemas/{name}"} for name in ("Cat", "Dog")]
    assert answered == {"$ref": "#/components/schemas/Dog"}


def test_what_is_answered_always_has_its_tag():
    schemas = Schemas()
    schemas.of(Solo, sent=True)
    schemas.of(Solo)
    components = schemas.finish()
    assert components["Solo"]["required"] == ["type", "a"]
    assert components["Solo_untagged"]["required"] == ["a"]


def test_places_and_members_are_walked_through():
    _, components = schema_of(tuple[Row, Place, Span])
    assert components["Row"]["prefixItems"][1]["pattern"] == spellings.DURATION
    assert components["Place"]["prefixItems"][0]["pattern"] == spellings.DURATION
    assert components["Span"]["properties"]["since"]["anyOf"][0] == {"format": "date-time"}
    assert components["Span"]["properties"]["since"]["description"] == "From."


class Strict(enum.Flag):
    A = 1
    B = 2


class Gaps(enum.Flag):
    A = 1
    C = 4


Wide = enum.Flag("Wide", [f"B{bit}" for bit in range(20)])


class First(Struct, tag=1):
    a: int


class Second(Struct, tag=2):
    b: int


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Right, {"minimum": -(1 << 63), "maximum": (1 << 64) - 1}),
        (Strict, {"minimum": -4, "maximum": 3}),
        (Gaps, {"enum": [-8, -7, -4, -3, 0, 1, 4, 5]}),
        (Wide, {"minimum": -(1 << 20), "maximum": (1 << 20) - 1}),
    ],
)
def test_a_flag_says_which_integers_are_its_members_joined(kind: type[enum.Flag], said: dict[str, Any]):
    component = schema_of(kind)[1][kind.__name__]
    assert component == {"title": kind.__name__, "type": "integer", **said}
    for value in said.get("enum", [said.get("minimum"), said.get("maximum")])[:8]:
        json_decoder(kind)(b"%d" % value)


def test_tags_that_are_numbers_are_told_apart_by_their_own_enums():
    schema, components = schema_of(First | Second | None)
    (records, null) = schema["anyOf"]
    assert records.keys() == {"anyOf"}
    assert null == {"type": "null"}
    assert components["First"]["properties"]["type"]["enum"] == [1]
    assert "discriminator" in schema_of(Cat | Dog)[0]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tuple[int, int], {"minItems": 2, "maxItems": 2, "items": {"type": "integer"}}),
        (tuple[int, str], {"minItems": 2, "maxItems": 2, "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
        (tuple[int, ...], {"items": {"type": "integer"}}),
    ],
)
def test_a_tuple_of_like_places_is_an_array_with_a_length(kind: object, said: dict[str, Any]):
    assert schema_of(kind)[0] == {"type": "array", **said}


class Pairs(Struct):
    pair: tuple[float, float] | None = None


def test_what_is_sent_and_answered_is_refined_twice_to_the_same():
    schemas = Schemas()
    schemas.of(Pairs, sent=True)
    schemas.of(Pairs)
    array, _ = schemas.finish()["Pairs"]["properties"]["pair"]["anyOf"]
    assert array["items"] == {"type": "number"}
