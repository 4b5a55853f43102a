"""The schemas of a document's types."""

import pytest

from flasgo.openapi.schemas import Schemas


def test_a_class_that_json_does_not_know_is_named():
    class Unknown:
        pass

    schemas = Schemas()
    schemas.of(list[Unknown])
    with pytest.raises(TypeError, match=r"Unknown'> is not supported"):
        schemas.finish()
