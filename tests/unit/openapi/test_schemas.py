"""The schemas of a document's types."""

import pytest
from msgspec import Struct

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
