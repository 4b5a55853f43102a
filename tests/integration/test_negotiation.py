"""One value, several forms: what the client's Accept chooses, and what the document says of it."""

import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import pytest
from markupsafe import Markup
from msgspec import Struct

from flasgo import ContractError, Flasgo, NotFound, RegistrationError, Response, Settings, Status


class Book(Struct):
    title: str
    pages: int


class Secret(Book):
    price: int = 9


class Taken(Struct):
    by: str


class Envelope(Struct):
    data: list[Book]


class More(Envelope):
    secret: str = "no"


def as_csv(books: list[Book]) -> str:
    return "".join(f"{book.title},{book.pages}\r\n" for book in books)


def as_envelope(books: list[Book]) -> Envelope:
    return More(books)


def as_page(books: list[Book]) -> Markup:
    return Markup("<h1>{}</h1>").format(books[0].title)


FORMS: dict[str, Callable[[list[Book]], object]] = {
    "text/csv": as_csv,
    "text/html": as_page,
    "application/vnd.shop+json": as_envelope,
    "application/pdf": lambda books: b"%PDF" + bytes(len(books)),
}

JSON = '[{"title":"Emma","pages":1}]'


@pytest.fixture
def app() -> Flasgo[Settings]:
    app = Flasgo()

    @app.get("/books", produces=FORMS)
    async def books(how: str = "") -> list[Book] | Annotated[Taken, Status(409)] | tuple[list[Book], int] | None:
        match how:
            case "taken":
                return Taken("Ada")
            case "nothing":
                return None
            case "gone":
                return [Book("Emma", 1)], 410
            case "partial":
                return [Book("Emma", 1)], 206
            case "missing":
                raise NotFound("There are none.")
        return [Book("Emma", 1)]

    return app


@pytest.mark.parametrize(
    ("accept", "content_type", "text"),
    [
        (None, "application/json", JSON),
        ("*/*", "application/json", JSON),
        ("application/*", "application/json", JSON),
        ("text/csv", "text/csv; charset=utf-8", "Emma,1\r\n"),
        ("TEXT/CSV; charset=latin-1", "text/csv; charset=utf-8", "Emma,1\r\n"),
        ("text/*", "text/csv; charset=utf-8", "Emma,1\r\n"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8", "<h1>Emma</h1>"),
        ("text/csv;q=0.2, application/json;q=0.1", "text/csv; charset=utf-8", "Emma,1\r\n"),
        ("text/csv;q=0.1, application/json;q=0.2", "application/json", JSON),
        ("text/csv, application/json", "application/json", JSON),
        ("application/json;q=0, application/*", "application/vnd.shop+json", '{"data":[{"title":"Emma","pages":1}]}'),
        ("application/pdf", "application/pdf", "%PDF\0"),
        ("nonsense", "application/json", JSON),
    ],
)
def test_the_clients_accept_chooses(app: Flasgo[Settings], accept: str | None, content_type: str, text: str):
    response = app.test_client().get("/books", headers={} if accept is None else {"accept": accept})
    assert (response.status_code, response.headers["content-type"], response.text) == (200, content_type, text)
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/xml, text/plain;q=0.9"])
def test_whoever_takes_none_of_the_forms_is_told_before_anything_is_done(accept: str):
    app, called = Flasgo(), []

    @app.get("/books", produces={"text/csv": as_csv})
    async def books() -> list[Book]:
        called.append(1)
        return []

    response = app.test_client().get("/books", headers={"accept": accept})
    assert response.status_code == 406
    assert response.json()["code"] == "not_acceptable"
    assert "application/json, text/csv" in response.json()["detail"]
    assert response.headers["vary"] == "Accept"
    assert called == []


@pytest.mark.parametrize(("how", "status"), [("taken", 409), ("gone", 410), ("missing", 404)])
def test_errors_are_json_whatever_was_asked_for(app: Flasgo[Settings], how: str, status: int):
    response = app.test_client().get(f"/books?how={how}", headers={"accept": "text/csv"})
    assert (response.status_code, "json" in response.headers["content-type"]) == (status, True)
    assert response.headers["vary"] == "Accept"


def test_statuses_and_what_is_no_json_are_as_on_any_route(app: Flasgo[Settings]):
    client = app.test_client(headers={"accept": "text/csv"})
    partial = client.get("/books?how=partial")
    assert (partial.status_code, partial.text) == (206, "Emma,1\r\n")
    assert client.get("/books?how=nothing").status_code == 204
    assert client.head("/books").headers["content-type"] == "text/csv; charset=utf-8"


def test_a_plain_handler_writes_in_its_thread_and_tags_are_of_the_form():
    app, threads = Flasgo(), set()

    def slow(books: list[Book]) -> str:
        threads.add(threading.get_ident())
        return as_csv(books)

    @app.get("/books", produces={"text/csv": slow}, etag=True)
    def books() -> list[Book]:
        threads.add(threading.get_ident())
        return [Book("Emma", 1)]

    client = app.test_client()
    csv, json = client.get("/books", headers={"accept": "text/csv"}), client.get("/books")
    assert len(threads - {threading.get_ident()}) == len(threads) <= 2
    assert csv.headers["etag"] != json.headers["etag"]
    again = client.get("/books", headers={"accept": "text/csv", "if-none-match": csv.headers["etag"]})
    assert (again.status_code, again.headers["vary"]) == (304, "Accept")


def test_a_handler_that_answers_by_itself_is_left_alone():
    app = Flasgo()

    @app.get("/books", produces={"text/csv": as_csv})
    async def books() -> list[Book] | Response:
        return Response.text("mine")

    assert app.test_client().get("/books", headers={"accept": "text/csv"}).text == "mine"


def test_what_is_declared_does_not_leak_and_is_checked():
    app = Flasgo()

    @app.get("/wrong", produces={"text/csv": lambda numbers: str(numbers)})
    async def wrong() -> list[int]:
        return ["a"]  # type: ignore[list-item]  # ty: ignore[invalid-explicit-return]

    @app.get("/number", produces={"text/csv": len, "application/vnd.n+json": len})
    async def number() -> list[int]:
        return [1]

    client = app.test_client(raise_server_exceptions=True)
    with pytest.raises(ContractError):
        client.get("/wrong", headers={"accept": "text/csv"})
    with pytest.raises(ContractError, match=r"produces\['text/csv'\] names gave int"):
        client.get("/number", headers={"accept": "text/csv"})
    assert client.get("/number", headers={"accept": "application/vnd.n+json"}).text == "1"


def test_the_document_has_every_form(app: Flasgo[Settings]):
    responses = app.openapi_spec()["paths"]["/books"]["get"]["responses"]
    books = {"type": "array", "items": {"$ref": "#/components/schemas/Book"}}
    assert responses["200"]["content"] == {
        "application/json": {"schema": books},
        "text/csv": {"schema": {"type": "string"}},
        "text/html": {"schema": {"type": "string"}},
        "application/vnd.shop+json": {"schema": {"$ref": "#/components/schemas/Envelope"}},
        "application/pdf": {},
    }
    assert set(responses["409"]["content"]) == {"application/json"}
    assert responses["406"] == {"$ref": "#/components/responses/NotAcceptable"}


def made_of(produces: object, returns: object = list[Book]) -> str:
    app = Flasgo()

    async def handler() -> object: ...

    handler.__annotations__["return"] = returns
    with pytest.raises(RegistrationError) as caught:
        app.get("/", produces=produces)(handler)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    return str(caught.value)


async def awaited(_: object) -> str:
    return ""


def generated(_: object) -> object:
    yield ""


def nothing(_: object) -> None: ...


def a_response(_: object) -> Response:
    return Response()


def a_number(_: object) -> int:
    return 1


def unreadable(_: object) -> "Missing":  # type: ignore[name-defined]  # noqa: F821  # ty: ignore[unresolved-reference]
    ...


@pytest.mark.parametrize(
    ("produces", "told"),
    [
        (["text/csv"], "a mapping of media types"),
        ({"csv": as_csv}, "not a media type"),
        ({"text/*": as_csv}, "one media type"),
        ({"*/*": as_csv}, "one media type"),
        ({"text/csv;q=0.5": as_csv}, "one media type"),
        ({"application/json": as_csv}, "twice"),
        ({"text/csv": as_csv, "TEXT/CSV": as_csv}, "twice"),
        ({"text/csv": "csv"}, "no function"),
        ({"text/csv": awaited}, "awaited"),
        ({"text/csv": generated}, "awaited"),
        ({"text/csv": lambda: ""}, "1 positional"),
        ({"text/csv": nothing}, "str or bytes"),
        ({"text/csv": a_response}, "str or bytes"),
        ({"text/csv": a_number}, "str or bytes"),
        ({"text/csv": unreadable}, "Missing"),
    ],
)
def test_what_could_not_be_answered_is_a_registration_error(produces: object, told: str):
    message = made_of(produces)
    assert told in message
    assert "handler()" in message


@pytest.mark.parametrize("returns", [str, None, object, Response, AsyncIterator[Book]])
def test_there_has_to_be_a_declared_json(returns: object):
    assert "annotate its return type" in made_of({"text/csv": as_csv}, returns)


def test_an_empty_mapping_is_none_and_costs_nothing():
    app = Flasgo()

    @app.get("/", produces={})
    async def one() -> Book:
        return Book("a", 1)

    response = app.test_client().get("/", headers={"accept": "image/png"})
    assert (response.status_code, "vary" in response.headers) == (200, False)


def test_a_charset_and_parameters_that_are_given_stay():
    app = Flasgo()
    forms = {"text/csv; header=present": as_csv, "text/plain; charset=utf-8": as_csv}

    @app.get("/", produces=forms)
    async def one() -> list[Book]:
        return []

    client = app.test_client()
    given = client.get("/", headers={"accept": "text/csv;header=present"}).headers["content-type"]
    assert given == "text/csv; header=present; charset=utf-8"
    assert client.get("/", headers={"accept": "text/plain"}).headers["content-type"] == "text/plain; charset=utf-8"
