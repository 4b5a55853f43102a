"""Answers whose type decides their status, and problems of the user's own kinds."""

import pickle
from typing import Annotated, Any, ClassVar, Literal

import pytest
from msgspec import Struct

from flasgo import Accepted, Created, Flasgo, Problem, RegistrationError, Response, Status


class Book(Struct):
    title: str


class Special(Book):
    price: int = 0


class Taken(Struct):
    by: str


class OutOfStock(Problem, status=409, title="Out of stock", type="https://shop.example/out-of-stock"):
    """Too few are left."""

    kind: ClassVar[str] = "shop"
    sku: str
    left: int = 0


class SoldOut(OutOfStock, status=410, code="gone_for_good"):
    since: str = "ever"


class Plain(Problem, status=404):
    pass


def answer(annotation: Any, value: Any, **options: Any):
    app = Flasgo(settings={"CSRF_ENABLED": False})

    async def handler() -> Any:
        return value

    handler.__annotations__["return"] = annotation
    app.add_route("/", handler, **options)
    return app.test_client(raise_server_exceptions=False).get("/")


@pytest.mark.parametrize("alias", [Created, Accepted])
def test_a_status_that_is_called_like_a_response_says_that_it_belongs_into_the_annotation(alias: Any) -> None:
    name = repr(alias).removeprefix("flasgo.")
    with pytest.raises(TypeError, match=rf"write `-> {name}\[Book\]`, and return the Book itself"):
        alias(Book("a"))


def test_a_status_without_a_type_is_refused_at_registration() -> None:
    with pytest.raises(RegistrationError, match=r"flasgo\.Created"):
        answer(Created, Book("a"))


@pytest.mark.parametrize(
    ("annotation", "value", "status", "text"),
    [
        (Created[Book], Book("a"), 201, '{"title":"a"}'),
        (Created[Book], {"title": "a", "more": 1}, 201, '{"title":"a"}'),
        (Created[Book], (Book("a"), 201), 201, '{"title":"a"}'),
        (Accepted[str], "later", 202, "later"),
        (Accepted[None], None, 202, ""),
        (Created[Book] | Annotated[Taken, Status(409)], Book("a"), 201, '{"title":"a"}'),
        (Created[Book] | Annotated[Taken, Status(409)], Taken("b"), 409, '{"by":"b"}'),
        (Created[Book] | Annotated[Taken, Status(409)], Special("a", 3), 201, '{"title":"a"}'),
        (Created[Book] | Special, Special("a", 3), 200, '{"title":"a","price":3}'),
        (Created[Book] | None, None, 204, ""),
        (Created[Book] | None, {"title": "a"}, 201, '{"title":"a"}'),
        (Created[Book] | str, "words", 200, "words"),
        (Created[str] | Annotated[bytes, Status(206)], b"words", 206, "words"),
        (Annotated[Created[Book] | Taken, Status(409)], Taken("b"), 409, '{"by":"b"}'),
        (Created[Book] | tuple[Taken, Literal[409]], (Taken("b"), 409), 409, '{"by":"b"}'),
        (Created[Book] | Annotated[Taken, Status(409)], Response("own", 418), 418, "own"),
        (Annotated[Book | None, Status(200)], None, 204, ""),
    ],
)
def test_the_type_of_a_value_decides_its_status(annotation: Any, value: object, status: int, text: str):
    response = answer(annotation, value)
    assert (response.status_code, response.text) == (status, text)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Created[Book] | Annotated[Taken, Status(409)], {"title": "a"}, "says nothing of its status"),
        (Created[Book] | Annotated[Taken, Status(409)], (Book("a"), 500), "its status is 500"),
        (tuple[Book, Literal[201]], (Book("a"), 500), "its status is 500"),
    ],
)
def test_what_is_not_declared_is_found_in_tests(annotation: Any, value: object, message: str, caplog: Any):
    assert answer(annotation, value).status_code == 500
    assert message in caplog.text


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Created[Book] | Book, "gives Book more than one status"),
        (Created[list[Book]] | list[str], "gives list more than one status"),
        (Annotated[Book, Status(204)], "an answer with status 204 has no body"),
        (Created[Any], "has a Status, but no type"),
        (Created[Book] | Annotated[type, Status(409)], "has no form as a response"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(annotation: Any, message: str):
    with pytest.raises(RegistrationError, match=message):
        answer(annotation, None)


@pytest.mark.parametrize("code", [99, 304, 600])
def test_a_status_is_final(code: int):
    with pytest.raises(ValueError, match="status"):
        Status(code)


def raised(error: Exception, accept: str = "application/json"):
    app = Flasgo()

    @app.get("/x y")
    async def handler() -> None:
        raise error

    return app.test_client().get("/x y", headers={"accept": accept})


class TestProblems:
    def test_the_document_has_the_members(self):
        response = raised(OutOfStock(sku="B-7", left=2, detail="Wait."))
        assert response.status_code == 409
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json() == {
            "type": "https://shop.example/out-of-stock",
            "title": "Out of stock",
            "status": 409,
            "detail": "Wait.",
            "instance": "/x%20y",
            "code": "out_of_stock",
            "sku": "B-7",
            "left": 2,
        }

    def test_a_subclass_adds_to_it(self):
        document = raised(SoldOut(sku="B-7", instance="/books/7")).json()
        assert document == {
            "type": "https://shop.example/out-of-stock",
            "title": "Out of stock",
            "status": 410,
            "detail": "Out of stock",
            "instance": "/books/7",
            "code": "gone_for_good",
            "sku": "B-7",
            "left": 0,
            "since": "ever",
        }

    def test_without_a_title_the_status_says_it(self):
        assert raised(Plain()).json()["title"] == "Not Found"

    @pytest.mark.parametrize(("accept", "kind"), [("*/*", "application/problem+json"), ("text/html", "text/html")])
    def test_its_members_are_for_all_but_browsers(self, accept: str, kind: str):
        assert raised(Plain(), accept).headers["content-type"].startswith(kind)

    def test_a_handler_may_answer_it(self):
        app = Flasgo()

        @app.get("/")
        async def handler() -> None:
            raise SoldOut(sku="B-7")

        @app.errorhandler(OutOfStock)
        async def sorry(error: OutOfStock) -> str:
            return error.sku

        response = app.test_client().get("/")
        assert (response.status_code, response.text) == (410, "B-7")

    def test_it_is_a_value(self):
        error = OutOfStock(sku="B-7", detail="Wait.")
        assert pickle.loads(pickle.dumps(error)) == error
        assert error != OutOfStock(sku="B-7")
        assert error != "B-7"

    @pytest.mark.parametrize(
        ("members", "message"), [({}, "needs 'sku'"), ({"sku": "a", "color": 1}, "has no member 'color'")]
    )
    def test_it_takes_what_is_annotated(self, members: dict[str, Any], message: str):
        with pytest.raises(TypeError, match=message):
            OutOfStock(**members)

    def test_a_status_is_one_of_errors(self):
        with pytest.raises(ValueError, match="not the status of an error"):
            type("Fine", (Problem,), {}, status=200)

    @pytest.mark.parametrize("name", ["status_code", "title", "_private"])
    def test_no_member_hides_what_every_problem_has(self, name: str):
        kind = type("Wrong", (Problem,), {"__annotations__": {name: str}}, status=400)
        with pytest.raises(RegistrationError, match="cannot be a member"):
            Flasgo().get("/", raises=(kind,))(lambda: "")

    def test_a_status_is_needed(self):
        with pytest.raises(RegistrationError, match="has no status"):
            type("Base", (Problem,), {})()

    def test_the_types_of_members_are_known(self):
        kind = type("Wrong", (Problem,), {"__annotations__": {"a": "Nowhere"}}, status=400)
        with pytest.raises(RegistrationError, match="'Nowhere'"):
            kind(a=1)

    @pytest.mark.parametrize(
        ("raises", "message"),
        [
            (Plain, r"write raises=\(Plain,\)"),
            ((ValueError,), "name classes of HTTPException"),
            ((Exception,), "name classes of HTTPException"),
            ((type("Odd", (Problem,), {"__annotations__": {"a": type}}, status=400),), "no form in JSON"),
        ],
    )
    def test_what_a_route_raises_is_checked(self, raises: Any, message: str):
        with pytest.raises(RegistrationError, match=message):
            Flasgo().get("/", raises=raises)(lambda: "")
