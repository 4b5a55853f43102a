"""The bookshop's OpenAPI document: it is valid, it says all there is, and nothing is answered that it does not say."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from flasgo import Flasgo

from .app import create_app
from .settings import ShopSettings


def quiet_shop() -> Flasgo[ShopSettings]:
    """A shop that does not mind a client who makes mistake after mistake."""
    return create_app(ShopSettings(SECURITY_FAILURE_RATE_LIMIT=0, ALLOWED_HOSTS=frozenset({"testserver"})))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return quiet_shop().openapi_spec()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_has_a_summary_and_a_tag_that_is_described(document: dict[str, Any]) -> None:
    found = list(operations(document))

    assert len(found) == 17
    assert [name for name, operation in found if not operation.get("summary")] == []
    assert {tag for _, operation in found for tag in operation["tags"]} == {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])


def test_generic_models_and_unions_have_names_to_read(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert {"Page_Book", "Page_Author", "Page_Review", "Page_Order", "OutOfStock"} <= set(schemas)
    assert schemas["NewOrder"]["properties"]["payment"]["discriminator"]["propertyName"] == "type"


def test_it_says_who_may_and_what_an_order_may_be_answered(document: dict[str, Any]) -> None:
    order = document["paths"]["/orders"]["post"]

    assert order["security"] == [{"bearer": ["orders"]}]
    assert {"201", "401", "403", "409", "415", "422", "429"} <= set(order["responses"])
    assert "security" not in document["paths"]["/books"]["get"]


def test_routes_that_only_tokens_open_ask_for_no_csrf_token(document: dict[str, Any]) -> None:
    assert "CSRFToken" not in document["components"].get("parameters", {})


TOKENS = ("token-of-ada", "token-of-eve")

SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", quiet_shop())
OPERATIONS: list[Any] = [cast("Any", found).ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{one.method} {one.path}" for one in OPERATIONS])
def test_nothing_is_answered_that_the_document_does_not_say(operation: Any) -> None:
    answered: set[int] = set()

    @settings(
        max_examples=6,
        phases=[Phase.generate],  # an answer that is wrong is told as it is, at once
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    @given(case=operation.as_strategy())
    def try_it(case: Any) -> None:
        for token in TOKENS:
            response = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
            assert str(response.status_code) in operation.definition.raw["responses"]
            answered.add(response.status_code)

    try_it()
    assert answered - {400, 401, 403}, "nobody came as far as a handler"


@pytest.mark.slow
def test_a_stranger_who_tries_everything_and_follows_every_link_finds_nothing() -> None:
    """Every phase and every check of schemathesis, which sees from the document which answers have what other operations ask for."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": {"Authorization": "Bearer token-of-eve"},
            "generation": {"max-examples": 3, "database": "none"},
            "continue-on-failure": True,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", quiet_shop(), config=config)
    failures: set[str] = set()
    phases: set[str] = set()
    links = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            phases.add(event.phase.name)
            links += sum(node.transition is not None for node in event.recorder.cases.values())
            checks = (check for found in event.recorder.checks.values() for check in found)
            failures |= {f"{check.name}: {check.failure_info.failure}" for check in checks if check.failure_info}
        elif isinstance(event, events.NonFatalError):
            failures.add(str(event.value))
    assert failures == set()
    assert phases == {"EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING"}
    assert links > 0
