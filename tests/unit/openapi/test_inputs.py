"""What a route takes, as the document says it."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from flasgo import Flasgo, Form
from flasgo.openapi.inputs import PLAIN_NUMBER, as_text
from flasgo.plan.model import MISSING
from flasgo.validation import spellings
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


LOCAL = Annotated[datetime, Meta(tz=False)]


@pytest.mark.parametrize(
    ("annotation", "default", "said"),
    [
        (Literal["a", "b"], "a", {"enum": ["a", "b", ""], "default": "a"}),
        (time, MISSING, {"anyOf": [{"pattern": spellings.TIME}, {"pattern": spellings.SHORT_TIME}]}),
        (LOCAL, MISSING, {"anyOf": [{"pattern": spellings.LOCAL_DATETIME}, {"pattern": spellings.SHORT_DATETIME}]}),
    ],
)
def test_what_browsers_send_of_fields_and_no_json_has(annotation: Any, default: object, said: dict[str, Any]):
    app = Flasgo()

    async def handler(v: object) -> None: ...

    handler.__annotations__["v"] = Annotated[annotation, Form()]
    handler.__defaults__ = None if default is MISSING else (default,)
    app.post("/")(handler)
    for media in app.openapi_spec()["paths"]["/"]["post"]["requestBody"]["content"].values():
        field = media["schema"]["properties"]["v"]
        assert {name: value for name, value in field.items() if name in said} == said


def test_a_time_without_an_offset_may_have_no_seconds():
    app = Flasgo()

    @app.post("/")
    async def handler(at: Annotated[datetime, Form()]) -> None: ...

    (media, _) = app.openapi_spec()["paths"]["/"]["post"]["requestBody"]["content"].values()
    assert {"pattern": spellings.SHORT_DATETIME} in media["schema"]["properties"]["at"]["anyOf"]
