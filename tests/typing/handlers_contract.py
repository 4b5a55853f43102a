"""What the type checkers know of handlers: `ty check` and `mypy --strict` read this file, nothing runs it."""

from collections.abc import Callable
from typing import Annotated, Any, assert_type

from msgspec import Meta, Struct

from flasgo import (
    Body,
    Cookie,
    Flasgo,
    Header,
    Path,
    Query,
    Request,
    Response,
    Settings,
    abort,
    current_app,
    jsonify,
    redirect,
    request,
)


class ShopSettings(Settings, frozen=True):
    STRIPE_KEY: str = ""


class Book(Struct, frozen=True):
    title: Annotated[str, Meta(min_length=1)]


app = Flasgo(settings=ShopSettings(STRIPE_KEY="sk"))
assert_type(app, Flasgo[ShopSettings])
assert_type(app.settings, ShopSettings)
assert_type(app.settings.STRIPE_KEY, str)
assert_type(Flasgo().settings, Settings)
assert_type(Flasgo(settings={"DEBUG": True}).settings, Settings)
assert_type(Flasgo(settings="shop.settings").settings, Settings)


@app.get("/books/<int:id>")
async def one(id: int, verbose: bool = False, tenant: Annotated[str, Header()] = "main") -> Book:
    assert_type(tenant, str)
    return Book(f"{id} {verbose}")


@app.post("/books", status_code=201)
def add(body: Book, page: Annotated[int | None, Query(alias="p"), Meta(ge=1)] = None) -> tuple[Book, int]:
    assert_type(page, int | None)
    return body, 201


@app.route("/", methods=["GET", "POST"], name="home", threaded=False)
def home(request: Request) -> str:
    return request.path


@app.before_request
def gate(request: Request) -> Response | None:
    return None


@app.after_request
def stamp(response: Response) -> None:
    response.headers["x-one"] = "1"


@app.errorhandler(KeyError)
def missing(error: KeyError) -> tuple[str, int]:
    return str(error), 404


async def decorators_give_back_the_function_unchanged() -> None:
    assert_type(await one(5), Book)
    assert_type(await one(5, verbose=True, tenant="t"), Book)
    assert_type(add(Book("t")), tuple[Book, int])
    assert_type(missing(KeyError()), tuple[str, int])
    checked_home: Callable[[Request], str] = home
    checked_gate: Callable[[Request], Response | None] = gate
    checked_stamp: Callable[[Response], None] = stamp
    await one("5")  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # its parameters keep their types
    add()  # type: ignore[call-arg] # ty: ignore[missing-argument] # the same
    for function in (checked_home, checked_gate, checked_stamp):
        assert_type(function.__module__, str)


def registering_calls_are_checked() -> None:
    app.add_route("/x", home, methods=["GET"], status_code=200)
    app.get("/x", status="200")  # type: ignore[call-arg] # no such option
    app.get("/x", threaded="no")  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # a bool
    app.add_route("/x", "home")  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # no callable


def markers_take_an_alias_and_nothing_else() -> None:
    assert_type(Path(alias="id"), Path)
    assert_type(Query().alias, str | None)
    assert_type((Header(), Cookie(), Body()), tuple[Header, Cookie, Body])
    Query("q")  # type: ignore[call-arg] # ty: ignore[too-many-positional-arguments] # by name alone
    Header(alias=5)  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # a str
    Cookie(default="x")  # type: ignore[call-arg] # ty: ignore[unknown-argument] # defaults stand in the signature
    Query().alias = "q"  # type: ignore[misc] # ty: ignore[invalid-assignment] # frozen


async def json_is_of_the_type_that_is_asked_for(r: Request) -> None:
    assert_type(await r.json(type=Book), Book)
    assert_type(await r.json(type=int), int)
    assert_type(await r.json(type=list[Book]), list[Book])
    assert_type(await r.json(), Any)
    assert_type(await request.json(type=Book), Book)


def answers_and_proxies_have_their_types() -> None:
    assert_type(request.path, str)
    assert_type(current_app.settings, Settings)
    assert_type(jsonify({"a": 1}), Response)
    assert_type(redirect("/"), Response)


def abort_never_returns(found: Book | None) -> Book:
    if found is None:
        abort(404)
    return found
