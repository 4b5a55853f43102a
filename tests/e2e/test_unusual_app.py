"""An application of unusual types, and a stranger who tries all that its document says, in every way that schemathesis has.

Where schemathesis itself is wrong, it is proved at the end of this file, by documents that flasgo has not written.
"""

import enum
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, TypedDict, TypeVar

import attrs
import msgspec
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from flasgo import (
    Accepted,
    Blueprint,
    Body,
    Conflict,
    Cookie,
    Created,
    Depends,
    File,
    Flasgo,
    Form,
    HasAnyScope,
    HasScope,
    Header,
    NotFound,
    Problem,
    Query,
    Response,
    Settings,
    Status,
    UploadedFile,
    User,
    api_key_backend,
    basic_backend,
    bearer_token_backend,
    session_backend,
)

pytestmark = pytest.mark.slow

T = TypeVar("T")
K = TypeVar("K")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


Isbn = NewType("Isbn", str)
Positive = Annotated[int, Meta(gt=0)]
Short = Annotated[str, Meta(min_length=1, max_length=8)]


class Page(Struct, Generic[T]):
    items: list[T]
    next: str | None = None
    total: Annotated[int, Meta(ge=0)] = 0


class Pair(Struct, Generic[K, T]):
    left: K
    right: T


class Tree(Struct):
    value: Annotated[int, Meta(ge=0, le=9)]
    children: Annotated[list["Tree"], Meta(max_length=3)] = []


class Circle(Struct, tag="circle", tag_field="kind"):
    radius: Annotated[float, Meta(gt=0)]


class Square(Struct, tag="square", tag_field="kind"):
    side: Annotated[float, Meta(gt=0)]


class Group(Struct, tag="group", tag_field="kind"):
    shapes: Annotated[list["Circle | Square | Group"], Meta(max_length=2)]


class One(Struct, tag=1):
    a: int


class Two(Struct, tag=2):
    b: int


class Money(Struct, frozen=True):
    amount: Decimal
    currency: Literal["EUR", "USD"] = "EUR"


@dataclass
class Address:
    street: Annotated[str, Meta(max_length=50)]
    zip: Annotated[str, Meta(pattern="^[0-9]{5}$")]
    tags: list[Short] = field(default_factory=list)


@attrs.define
class Car:
    wheels: Annotated[int, Meta(ge=3, le=4)]
    owner: Address | None = None


class Opt(TypedDict, total=False):
    a: int
    b: list[bool]


class Mixed(TypedDict):
    name: Short
    age: NotRequired[Positive]


class Pt(NamedTuple):
    x: int
    y: int = 0


class Row(Struct, array_like=True):
    id: int
    name: Short = "x"


class Order(Struct, rename="camel", forbid_unknown_fields=True):
    order_id: uuid.UUID
    placed_at: datetime
    due_in: timedelta
    price: Money
    ship_to: Address | None = None
    shapes: list[Circle | Square] = []
    level: Level = Level.LOW
    extra: dict[str, int | str | None] = {}
    at: time | None = None
    blob: bytes = b""
    corner: tuple[float, float] | None = None
    rights: Rights = Rights.READ
    choices: frozenset[Colour] = frozenset()
    day: Annotated[date, Meta(description="The day it is wanted.", examples=["2026-01-31"])] | None = None


class Exotic(Struct, kw_only=True):
    """Nested unions of everything."""

    a: int | list[int] | dict[str, int] | None = None
    b: Annotated[dict[Short, Annotated[list[Positive], Meta(max_length=2)]], Meta(max_length=2)] = {}
    c: tuple[int, ...] = ()
    d: Annotated[frozenset[int], Meta(max_length=3)] = frozenset()
    e: Literal["x", 1, None] = None
    f: bool | str = True
    g: Annotated[int, Meta(multiple_of=5)] = 5
    h: Annotated[float, Meta(ge=-1, le=1)] | None = None
    i: Isbn = Isbn("x")
    j: Row | None = None
    k: list[Pt] = []
    ll: dict[int, Money] = {}
    m: dict[Colour, date] = {}
    n: Annotated[bytes, Meta(max_length=3)] = b""
    o: Page[Tree] | None = None
    p: Annotated[datetime, Meta(tz=True)] | None = None
    q: Annotated[time, Meta(tz=False)] | None = None
    r: uuid.UUID | int = 1
    s: msgspec.UnsetType | int = msgspec.UNSET
    t: int = 0


class Withdrawn(Problem, status=409, title="Withdrawn"):
    """It is not sold any more."""

    since: date
    by: Short = "us"


class Avatar(Struct):
    owner: Annotated[str, Meta(min_length=1, max_length=10)]
    pic: UploadedFile
    tags: list[str] = []
    sizes: Annotated[list[Positive], Meta(max_length=3)] = []
    more: list[UploadedFile] = []
    public: bool = False
    size: Annotated[int, Meta(ge=1, le=5)] = 1
    since: date | None = None


class Contact(Struct):
    email: Annotated[str, Meta(pattern="^[^@]+@[^@]+$")]
    age: Annotated[int, Meta(ge=0)] | None = None
    when: date | None = None
    colour: Colour = Colour.RED
    colours: set[Colour] = set()
    at: time | None = None
    price: Decimal | None = None
    wait: timedelta | None = None
    id: uuid.UUID | None = None
    level: Level = Level.LOW


class Note(Struct):
    id: int
    text: Short


class NewNote(Struct):
    text: Short


def build() -> Flasgo[Settings]:
    app = Flasgo(
        settings=Settings(
            SECRET_KEY="a secret of a test, and of no use elsewhere",
            CSRF_ENABLED=False,
            ENABLE_DOCS=True,
            SECURITY_FAILURE_RATE_LIMIT=0,
            CREDENTIAL_FAILURE_LIMIT=0,
            ALLOWED_HOSTS=frozenset({"testserver"}),
        )
    )
    ann = User(id="a", is_authenticated=True, scopes=frozenset({"admin", "read"}))
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: ann if token == "token-123" else None))
    app.register_auth_backend("key", api_key_backend(lambda key: ann if key == "key-1" else None, header="X-Key"))
    app.register_auth_backend("qkey", api_key_backend(lambda key: ann if key == "key-1" else None, query="key"))
    app.register_auth_backend("session", session_backend(lambda user_id: None))
    app.register_auth_backend("basic", basic_backend(lambda name, password: None))
    notes: dict[int, Note] = {}

    # paths
    @app.get("/p/int/<int:id>", raises=(NotFound,))
    async def p_int(id: Annotated[int, Meta(ge=1, le=99)]) -> Money:
        """One amount.

        Of *money*.
        """
        if id == 7:
            raise NotFound("x")
        return Money(Decimal("1.5"))

    @app.get("/p/uuid/<uuid:id>/<date:d>")
    async def p_uuid(id: uuid.UUID, d: date) -> dict[str, str]:
        return {"id": str(id)}

    @app.get("/p/str/<name>")
    async def p_str(name: Annotated[str, Meta(min_length=2, max_length=5)]) -> str:
        return name

    @app.get("/p/enum/<level>")
    async def p_enum(level: Level) -> Level:
        return level

    @app.get("/p/any/<any(x,y):kind>")
    async def p_any(kind: Literal["x", "y"]) -> bytes:
        return b"1"

    @app.get("/p/path/<path:rest>")
    async def p_path(rest: str) -> str:
        return rest

    @app.get("/p/float/<float:f>")
    async def p_float(f: float) -> float:
        return f

    @app.get("/p/plainfloat/<f>")
    async def p_plainfloat(f: float) -> float:
        return f

    @app.get("/p/dec/<d>")
    async def p_dec(d: Decimal) -> Decimal:
        return d

    @app.get("/p/two/<int:a>-<int:b>.txt")
    async def p_two(a: int, b: int) -> list[int]:
        return [a, b]

    @app.get("/p/bool/<flag>")
    async def p_bool(flag: bool) -> bool:
        return flag

    # queries
    @app.get("/q/lists")
    async def q_lists(
        q: Annotated[list[int], Meta(max_length=3)] = [],
        names: list[str] = [],
        kinds: set[Colour] = set(),
        pair: tuple[int, bool] = (1, True),
        days: frozenset[date] = frozenset(),
        lit: list[Literal["a", "b"]] = [],
        least: Annotated[list[int], Meta(min_length=1)] = [1],
    ) -> list[int]:
        return q

    @app.get("/q/scalars")
    async def q_scalars(
        colour: Colour,
        at: datetime | None = None,
        wait: timedelta = timedelta(seconds=1),
        n: Decimal = Decimal("1.0"),
        id: uuid.UUID | None = None,
        ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.5,
        flag: bool | None = None,
        t: time | None = None,
        blob: bytes = b"",
        x: int | str = 1,
        lit: Literal[1, 2] = 1,
        mult: Annotated[int, Meta(multiple_of=3)] = 3,
        word: Annotated[str, Query(alias="the-word"), Meta(pattern="^[a-z]*$")] = "a",
        level: Level = Level.LOW,
        z: Any = 7,
    ) -> Colour:
        return colour

    @app.get("/q/required")
    async def q_required(a: int, b: Annotated[list[int], Meta(min_length=2, max_length=4)], c: bool) -> tuple[int, int]:
        return (a, len(b))

    # headers, cookies
    @app.get("/h")
    async def h(
        x_ids: Annotated[list[int], Header()],
        x_when: Annotated[date | None, Header()] = None,
        tenant: Annotated[str, Header(), Meta(max_length=9)] = "main",
        x_flag: Annotated[bool, Header(alias="X-My-Flag")] = False,
        x_level: Annotated[Level, Header()] = Level.LOW,
    ) -> list[int]:
        return x_ids

    @app.get("/k")
    async def k(
        hint: Annotated[str, Meta(pattern="^[a-z]+$"), Cookie()],
        t: Annotated[int, Cookie()] = 1,
        ok: Annotated[bool, Cookie()] = False,
        theme: Annotated[Literal["a", "b"], Cookie()] = "a",
        when: Annotated[date | None, Cookie()] = None,
    ) -> str:
        return "x"

    # bodies
    @app.post("/b/order", status_code=201)
    async def b_order(body: Order) -> Order:
        return body

    @app.post("/b/exotic")
    async def b_exotic(body: Exotic) -> Exotic:
        return body

    @app.post("/b/shape")
    async def b_shape(body: Circle | Square | Group) -> Circle | Square | Group:
        return body

    @app.post("/b/numbered")
    async def b_numbered(body: One | Two | None) -> One | Two | None:
        return body

    @app.post("/b/alone")
    async def b_alone(body: Circle) -> Created[Circle]:
        return body

    @app.put("/b/tree")
    async def b_tree(body: Tree) -> Tree:
        return body

    @app.post("/b/page")
    async def b_page(body: Page[Pair[int, Tree]]) -> Page[Pair[int, Tree]]:
        return body

    @app.post("/b/map")
    async def b_map(body: dict[uuid.UUID, list[Money]]) -> int:
        return len(body)

    @app.post("/b/points")
    async def b_points(body: Annotated[list[Pt], Body()]) -> list[Pt]:
        return body

    @app.post("/b/rows")
    async def b_rows(body: Annotated[list[Row], Body()]) -> list[Row]:
        return body

    @app.patch("/b/opt")
    async def b_opt(body: Opt) -> Opt:
        return body

    @app.post("/b/mixed")
    async def b_mixed(body: Mixed) -> Mixed:
        return body

    @app.post("/b/car")
    async def b_car(body: Car) -> Car:
        return body

    @app.post("/b/scalar")
    async def b_scalar(body: Annotated[int | str | None, Body()] = None) -> Accepted[dict[str, bool]]:
        return {"ok": True}

    @app.post("/b/any")
    async def b_any(body: Annotated[Any, Body()]) -> Any:
        return None

    @app.post("/b/set")
    async def b_set(body: Annotated[frozenset[Positive], Body()]) -> frozenset[Positive]:
        return body

    @app.post("/b/list")
    def b_list(body: list[Mixed]) -> Annotated[int, Status(202)]:
        return len(body)

    @app.post("/b/tuple")
    async def b_tuple(body: Annotated[tuple[int, Short, Money], Body()]) -> str:
        return "ok"

    # forms
    @app.post("/f/avatar")
    async def f_avatar(avatar: Annotated[Avatar, Form()]) -> dict[str, int]:
        return {"size": avatar.pic.size}

    @app.post("/f/contact")
    async def f_contact(contact: Annotated[Contact, Form()]) -> Contact:
        return contact

    @app.post("/f/either")
    async def f_either(contact: Annotated[Contact, Body()]) -> Contact:
        return contact

    @app.post("/f/files")
    async def f_files(
        files: Annotated[list[UploadedFile], File()],
        note: Annotated[str, Form()] = "",
        loud: Annotated[bool, Form()] = False,
        ids: Annotated[list[int], Form()] = [],
        kinds: Annotated[set[Colour], Form()] = set(),
    ) -> int:
        return len(files)

    @app.post("/f/one", max_file_bytes=100000)
    async def f_one(file: UploadedFile, cover: UploadedFile | None = None) -> Response:
        return Response.text("ok")

    # security
    @app.get("/s/bearer", auth="bearer", permissions=[HasScope("admin")])
    async def s_bearer(user: User) -> dict[str, str]:
        return {"id": str(user.id)}

    @app.get("/s/key", auth="key")
    async def s_key(user: User) -> str:
        return str(user.id)

    @app.get("/s/qkey", auth="qkey")
    async def s_qkey(user: User) -> str:
        return str(user.id)

    @app.get("/s/either", auth=("bearer", "key"), permissions=[HasAnyScope({"read", "x"})])
    async def s_either(user: User) -> str:
        return str(user.id)

    @app.get("/s/session", auth="session")
    async def s_session(user: User) -> str:
        return str(user.id)

    @app.get("/s/basic", auth="basic")
    async def s_basic(user: User) -> str:
        return str(user.id)

    @app.get("/s/maybe", auth="bearer")
    async def s_maybe(user: User | None) -> str:
        return "stranger" if user is None else str(user.id)

    @app.get("/s/limited")
    @app.ratelimit(1000000, per=60)
    async def s_limited() -> str:
        return "x"

    # answers
    @app.get("/a/csv", produces={"text/csv": lambda m: "a"}, etag=True)
    async def a_csv() -> Money:
        return Money(Decimal(2))

    @app.get("/a/stream")
    async def a_stream() -> AsyncIterator[bytes]:
        yield b"1"

    @app.get("/a/lines")
    async def a_lines() -> AsyncIterator[Note]:
        yield Note(1, "a")

    @app.get("/a/union")
    async def a_union(n: Annotated[int, Meta(ge=0, le=3)] = 0) -> Money | Annotated[Note, Status(203)] | None:
        return [Money(Decimal(1)), Note(1, "a"), None, None][n]

    @app.delete("/a/<int:id>", raises=(Withdrawn, Conflict))
    async def a_delete(id: int) -> None:
        if id % 2:
            raise Withdrawn(since=date(2020, 1, 1))

    @app.get("/a/more", responses={202: Note, 299: "Strange."})
    async def a_more() -> Note:
        return Note(1, "a")

    @app.get("/a/untyped")
    def a_untyped():
        return {"a": 1}

    @app.get("/a/tuple")
    async def a_tuple() -> tuple[date, timedelta, bytes, Decimal, uuid.UUID, time]:
        return (date(2020, 1, 1), timedelta(seconds=-1.5), b"a", Decimal("1E+5"), uuid.UUID(int=1), time(1, 2, 3, 4))

    # dependencies
    def paging(
        limit: Annotated[int, Meta(ge=0, le=5)] = 5, x_key: Annotated[str, Header(), Meta(min_length=3)] = "abc"
    ) -> int:
        return limit

    @app.get("/d")
    def d(limit: Annotated[int, Depends(paging)]) -> int:
        return limit

    # a resource
    part = Blueprint("notes", url_prefix="/notes")

    @part.get("/")
    async def listing(page: Annotated[int, Meta(ge=1, le=9)] = 1) -> Page[Note]:
        return Page(list(notes.values())[-5:], None, len(notes))

    @part.post("/")
    async def add(body: NewNote) -> Created[Note]:
        note = Note(len(notes) + 1, body.text)
        notes[note.id] = note
        return note

    @part.get("/<int:id>", raises=(NotFound,))
    async def one(id: int) -> Note:
        if id not in notes:
            raise NotFound("There is none.")
        return notes[id]

    @part.put("/<int:id>", raises=(NotFound,))
    async def put(id: int, body: NewNote) -> Note:
        if id not in notes:
            raise NotFound("There is none.")
        notes[id] = Note(id, body.text)
        return notes[id]

    @part.delete("/<int:id>", raises=(NotFound,))
    async def remove(id: int) -> None:
        if notes.pop(id, None) is None:
            raise NotFound("There is none.")

    app.register_blueprint(part)
    return app


def run(app: Any, *, examples: int) -> tuple[set[tuple[str, str, str]], set[str], int]:
    """What was found: phase, operation and message; the phases that came to their end; how many links were followed."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": {"Authorization": "Bearer token-123", "X-Key": "key-1"},
            "generation": {"max-examples": examples, "database": "none"},
            "continue-on-failure": True,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config).exclude(path="/a/tuple")
    found: set[tuple[str, str, str]] = set()
    phases: set[str] = set()
    followed = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            phases.add(event.phase.name)
            followed += sum(node.transition is not None for node in event.recorder.cases.values())
            for check in (one for checks in event.recorder.checks.values() for one in checks):
                if check.failure_info is not None:
                    found.add((event.phase.name, event.label or "", str(check.failure_info.failure)))
        elif isinstance(event, events.NonFatalError):
            found.add((event.phase.name if event.phase else "", event.label, str(event.value)))
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found, phases, followed


def test_a_stranger_who_tries_everything_finds_nothing():
    found, phases, followed = run(build(), examples=2)
    assert found == set()
    assert {"COVERAGE", "FUZZING", "STATEFUL_TESTING"} <= phases
    assert followed > 0


def test_the_document_is_valid():
    validate(build().openapi_spec())


def test_a_tuple_of_unlike_places_is_what_the_document_says():
    app = build()
    (operation,) = app.openapi_spec()["paths"]["/a/tuple"].values()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    value = app.test_client(base_url="http://testserver").get("/a/tuple").json()
    Draft202012Validator(schema).validate(value)
    assert not Draft202012Validator(schema).is_valid(value[::-1])
    assert not Draft202012Validator(schema).is_valid(value[1:])


# ── schemathesis, where it is wrong: once this fails, it has learnt better, and what is left out above is to be tried

COOKIES = [
    {"name": "hint", "in": "cookie", "required": True, "schema": {"type": "string", "pattern": "^[a-z]+$"}},
    {"name": "t", "in": "cookie", "required": False, "schema": {"type": "integer"}},
    {"name": "theme", "in": "cookie", "required": False, "schema": {"type": "string"}},
]
HEADERS = [
    {"name": "limit", "in": "header", "required": False, "schema": {"type": "integer"}},
    {"name": "trace", "in": "header", "required": False, "schema": {"type": "string"}},
]
PAIR = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "minItems": 2, "maxItems": 2}


def answer_of(schema: dict[str, Any]) -> dict[str, Any]:
    refused = {status: {"description": "no"} for status in ("405", "422")}
    return refused | {"200": {"description": "yes", "content": {"application/json": {"schema": schema}}}}


BY_HAND = {
    "openapi": "3.1.1",
    "info": {"title": "By hand", "version": "1"},
    "paths": {
        "/k": {"get": {"parameters": COOKIES, "responses": answer_of({"type": "boolean"})}},
        "/pair": {"get": {"responses": answer_of(PAIR)}},
        "/limits": {"get": {"parameters": HEADERS, "responses": answer_of({"type": "boolean"})}},
    },
}


async def by_hand(scope: Any, receive: Any, send: Any) -> None:
    """What BY_HAND says, to the letter, with nothing of flasgo's in it."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    sent = dict(pair.split("=", 1) for pair in headers.get(b"cookie", "").split("; ") if "=" in pair)
    status, body, head = 200, b"true", [(b"content-type", b"application/json")]
    if scope["path"] == "/openapi.json":
        body = msgspec.json.encode(BY_HAND)
    elif scope["method"] != "GET":
        status, body, head = 405, b"", [(b"allow", b"GET")]
    elif scope["path"] == "/pair":
        body = b"[1, true]"
    elif scope["path"] == "/limits":
        status = 200 if re.fullmatch("-?[0-9]+", headers.get(b"limit", "0")) else 422
    elif not (re.fullmatch("[a-z]+", sent.get("hint", "")) and re.fullmatch("-?[0-9]+", sent.get("t", "0"))):
        status = 422
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def test_schemathesis_finds_mistakes_where_there_are_none():
    Draft202012Validator.check_schema(PAIR)
    found, _, _ = run(by_hand, examples=10)
    mistakes = ("unexpected properties", "Invalid Schema")
    labels = {label for _, label, message in found if any(mistake in message for mistake in mistakes)}
    assert labels == {"GET /k", "GET /limits", "GET /pair"}
