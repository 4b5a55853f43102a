"""What a route takes, as the document says it."""

from typing import Any

import pytest

from flasgo import Flasgo
from flasgo.openapi.inputs import PLAIN_NUMBER, as_text
from flasgo.validation.spellings import WORD

FLAG = {"type": ["boolean", "string"], "pattern": WORD}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer"}, {"type": "integer"}),
        ({"type": "boolean"}, FLAG),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, {"anyOf": [FLAG, {"type": "null"}]}),
        ({"type": "array", "items": {"type": "boolean"}}, {"type": "array", "items": FLAG}),
        ({"prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, {"prefixItems": [{"type": "integer"}, FLAG]}),
        ({"items": {"anyOf": [{"type": "boolean"}]}}, {"items": {"anyOf": [FLAG]}}),
    ],
)
def test_there_are_several_words_for_true_and_false(schema: dict[str, Any], text: dict[str, Any]):
    assert as_text(schema) == text


@pytest.mark.parametrize("path", ["/<float:x>", "/<x>"])
def test_a_number_in_a_path_says_how_it_is_spelled(path: str):
    app = Flasgo()

    @app.get(path)
    async def handler(x: float) -> None: ...

    (parameter,) = app.openapi_spec()["paths"]["/{x}"]["get"]["parameters"]
    assert parameter["description"] == PLAIN_NUMBER
    assert parameter["schema"] == {"type": "number", "minimum": 0}
