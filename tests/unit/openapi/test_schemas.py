"""The schemas of a document's types."""

import re
from typing import Annotated

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
