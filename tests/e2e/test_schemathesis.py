"""A stranger who has read nothing but the document, and tries what it says (schemathesis)."""

from typing import Annotated, Any, Literal, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from msgspec import Meta, Struct

from flasgo import Cookie, Created, Flasgo, Header, NotFound, Problem, Status

pytestmark = pytest.mark.slow


class NewBook(Struct):
    title: Annotated[str, Meta(min_length=1, max_length=20)]
    pages: Annotated[int, Meta(ge=1, le=5000)] = 1
    kind: Literal["novel", "poem"] = "novel"


class Book(NewBook, kw_only=True):
    id: int
    sequel: "Book | None" = None


class Taken(Struct):
    by: str


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    good: bool


class OutOfStock(Problem, status=409, title="Out of stock"):
    sku: str


def shop() -> Flasgo[Any]:
    app = Flasgo(
        settings={
            "ENABLE_DOCS": True,
            "SECRET_KEY": "a secret of a test, and of no use elsewhere",
            "ALLOWED_HOSTS": {"testserver"},
            "SECURITY_FAILURE_RATE_LIMIT": 0,
            "CSRF_ENABLED": False,
        }
    )

    @app.get("/books")
    async def books(
        page: Annotated[int, Meta(ge=1, le=99)] = 1,
        kinds: list[Literal["novel", "poem"]] = [],
        tenant: Annotated[str, Header()] = "main",
        theme: Annotated[Literal["a", "b"], Cookie()] = "a",
        exact: bool = False,
    ) -> list[Book]:
        return [Book(title=str(page), id=1)]

    @app.post("/books", raises=(OutOfStock,), status_code=201)
    async def add(body: list[NewBook]) -> list[Book]:
        if len(body) == 2:
            raise OutOfStock(sku="a")
        return [Book(title=one.title, id=1) for one in body]

    @app.get("/books/<int:id>", raises=(NotFound,))
    def one(id: int) -> Book:
        if id > 3:
            raise NotFound
        return Book(title="a", id=id)

    @app.put("/books/<id>")
    async def put(
        id: Annotated[int, Meta(ge=1, le=9)], body: list[NewBook]
    ) -> Created[Book] | Annotated[Taken, Status(409)]:
        return Book(title="a", id=id) if id < 5 else Taken("b")

    @app.delete("/books/<int:id>")
    async def remove(id: int) -> None:
        return None

    @app.post("/pets")
    async def pets(body: list[Cat | Dog]) -> list[Cat | Dog]:
        return body

    @app.get("/home")
    async def home():
        return {"framework": "flasgo", "status": "ok"}

    return app


SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", shop())
OPERATIONS: list[Any] = [cast("Any", found).ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{one.method} {one.path}" for one in OPERATIONS])
def test_nothing_is_answered_that_the_document_does_not_say(operation: Any) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=operation.as_strategy())
    def try_it(case: Any) -> None:
        response = case.call_and_validate()
        assert str(response.status_code) in operation.definition.raw["responses"]

    try_it()
