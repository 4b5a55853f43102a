"""How text spells what is no text: what fits, what is suspect, and what becomes of it in a query."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from types import GenericAlias
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta, Raw, Struct, inspect
from msgspec.json import Decoder

from flasgo.errors import ValidationFailed
from flasgo.plan.forms import alternatives_of
from flasgo.validation.decode import json_decoder
from flasgo.validation.spellings import MISSPELT, is_spelled, is_well_spelled, reader_of, suspect_in

ID = "12345678-1234-1234-1234-123456789abc"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (UUID, ID.replace("-", "")),
        (Decimal, "1_0"),
        (Decimal, "_1"),
        (Decimal, " 1"),
        (Decimal, "1 "),
        (Decimal, "\u0661"),
        (Decimal, "1e1000"),
        (Decimal, "n_an"),
        (Decimal, "i_nf"),
        (timedelta, "p1d"),
        (timedelta, "+P1D"),
        (timedelta, "PT1s"),
        (timedelta, "P811763989.5D"),
        (Annotated[datetime, Meta(tz=True)], "2026-01-31 12:30:00Z"),
        (Annotated[datetime, Meta(tz=True)], "2026-01-31T12:30:00+0100"),
        (Annotated[time, Meta(tz=True)], "12:30:00-0100"),
    ],
)
def test_what_msgspec_reads_and_no_schema_says_is_refused(kind: type[object], text: str):
    body = f'{{"a": [{{"b": "{text}"}}]}}'.encode()
    nested: Any = GenericAlias(dict, (str, GenericAlias(list, (GenericAlias(dict, (str, kind)),))))
    Decoder(nested).decode(body)
    with pytest.raises(ValidationFailed) as caught:
        json_decoder(nested)(body)
    assert [issue.pointer for issue in caught.value.issues] == ["/a/0/b"]


def test_the_names_of_members_are_spelled_likewise():
    decode = json_decoder(dict[UUID, int])
    assert decode(f'{{"{ID}": 1}}'.encode()) == {UUID(ID): 1}
    with pytest.raises(ValidationFailed) as caught:
        decode(f'{{"{ID.replace("-", "")}": 1}}'.encode())
    assert caught.value.issues[0].message == "key must be a UUID"


def test_what_looks_suspect_and_is_right_is_read():
    assert json_decoder(list[Decimal])(b'["1", 2.5, "-1e3"]') == [Decimal(1), Decimal("2.5"), Decimal(-1000)]
    assert json_decoder(dict[str, Decimal])(b'{"a_1": "1"}') == {"a_1": Decimal(1)}


@pytest.mark.parametrize("kind", [int, str, date, list[int], datetime])
def test_most_types_have_nothing_to_look_for(kind: object):
    assert suspect_in(kind) is None


def read(kind: object, text: str) -> object:
    reader = reader_of(alternatives_of(inspect.type_info(kind)))
    return text if reader is None else reader(text)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (UUID, ID, ID),
        (UUID, "a", MISSPELT),
        (UUID | None, ID.replace("-", ""), MISSPELT),
        (UUID | int, "12", 12),
        (UUID | int, ID, ID),
        (timedelta | bool, "p1d", MISSPELT),
        (str, "p1d", "p1d"),
        (int, "1_0", "1_0"),
        (Decimal, "sNaN", "sNaN"),
        (timedelta, "nan", MISSPELT),
        (Literal[1, 2], "2.0", "2"),
        (Literal[1, 2] | None, "20e-1", "2"),
        (Literal[1, 2], "2.5", "2.5"),
        (Literal[1, 2], "02.0", "02.0"),
        (Literal[1, "2.0"], "2.0", "2.0"),
        (Literal["a"], "3.0", "3.0"),
        (Size, "2.0", "2"),
        (UUID | Size, "2.0", Size.LARGE),
        (UUID | Size, "3", MISSPELT),
        (UUID | Literal[2], "2", 2),
        pytest.param(UUID | Size, ID, ID, id="a UUID or a choice"),
    ],
)
def test_text_is_looked_at_before_it_is_read(kind: object, text: str, expected: object):
    assert read(kind, text) == expected


def test_a_path_has_one_spelling_of_a_number():
    assert reader_of(alternatives_of(inspect.type_info(Size)), in_path=True) is None


def test_a_type_knows_whether_its_text_is_spelled():
    assert is_spelled(list[UUID])
    assert not is_spelled(list[int])
    assert is_well_spelled("anything", str)
    assert is_well_spelled("1.5", Decimal)
    assert not is_well_spelled("1_5", Decimal)


class Line(Struct):
    at: Decimal
    rest: Raw


class Few(Struct):
    items: Annotated[set[int], Meta(max_length=2)]


def test_a_type_that_holds_raw_json_is_not_looked_at_again():
    assert json_decoder(Line)(b'{"at": "1", "rest": {"a": "nan"}}').at == 1


@pytest.mark.parametrize("kind", [Few, list[Few]])
def test_in_a_set_whose_length_is_bounded_no_item_is_twice(kind: type[object]):
    body = b'{"items": [1, 2]}' if kind is Few else b'[{"items": [1, 2]}]'
    json_decoder(kind)(body)
    with pytest.raises(ValidationFailed) as caught:
        json_decoder(kind)(body.replace(b"2", b"1"))
    (issue,) = caught.value.issues
    assert (issue.pointer, issue.code) == ("/items" if kind is Few else "/0/items", "repeated")


def test_in_other_sets_an_item_may_be_there_twice():
    assert json_decoder(set[int])(b"[1, 1]") == {1}
