"""The schemas of a document's types."""

import re
from typing import Annotated, Generic, TypeVar

import pytest
from msgspec import Meta, Struct

from flasgo.openapi.schemas import Schemas


def test_a_class_that_json_does_not_know_is_named():
    class Unknown:
        pass

    schemas = Schemas()
    schemas.of(list[Unknown])
    with pytest.raises(TypeError, match=r"Unknown'> is not supported"):
        schemas.finish()


T = TypeVar("T")


class Page(Struct, Generic[T]):
    items: list[T]


class Page_Page_int(Struct):  # the name that a generic would have
    size: int


def test_generics_of_generics_have_names_without_modules():
    schemas = Schemas()
    schemas.of(Page[Page[Reading]])
    schemas.of(Page[Page[int]])
    components = schemas.finish()
    assert set(components) == {"Page_Page_Reading", "Page_Reading", "Reading", "Page_Page_int", "Page_int"}
    assert components["Page_Page_int"]["title"] == "Page[Page[int]]"
    assert components["Page_Page_int"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Page_int"}


def test_a_name_that_is_taken_is_not_given_again():
    schemas = Schemas()
    nested, plain = schemas.of(Page[Page[int]]), schemas.of(Page_Page_int)
    components = schemas.finish()
    assert plain == {"$ref": "#/components/schemas/Page_Page_int"}
    assert components["Page_Page_int"]["properties"].keys() == {"size"}
    assert nested["$ref"].removeprefix("#/components/schemas/") in components.keys() - {"Page_Page_int"}


class Reading(Struct):
    highest: float = float("inf")
    lowest: float = 0.5


def test_a_default_that_json_has_no_number_for_is_not_shown():
    schemas = Schemas()
    schemas.of(Reading)
    properties = schemas.finish()["Reading"]["properties"]
    assert properties == {"highest": {"type": "number"}, "lowest": {"type": "number", "default": 0.5}}


@pytest.mark.parametrize("pattern", [r"\S", r"^\s+$", r"^[\s,]+$", r"^[^\s]+$", r"\A\\s(?P<name>\s)\Z", r"[]\s]"])
def test_white_space_in_a_pattern_is_pythons(pattern: str):
    schemas = Schemas()
    schema = schemas.of(Annotated[str, Meta(pattern=pattern)])
    schemas.finish()
    assert r"(?P" not in schema["pattern"]
    for code in (*range(0x120), 0x1680, 0x180E, *range(0x2000, 0x2070), 0x3000, 0xFEFF):
        for text in (chr(code), f"\\s{chr(code)}"):
            assert bool(re.search(schema["pattern"], text)) == bool(re.search(pattern, text)), (schema["pattern"], text)
