"""Signatures that are seldom written are read like all others."""

import contextlib
import enum
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
    cast,
)
from uuid import UUID

import attrs
import pytest
from msgspec import Meta, Struct

from flasgo import (
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    File,
    Flasgo,
    Form,
    FormData,
    Header,
    Request,
    Response,
    Session,
    Settings,
    Status,
    UploadedFile,
    User,
)
from flasgo.testing.response import TestResponse

T = TypeVar("T")
UserId = NewType("UserId", int)
SlugText = NewType("SlugText", Annotated[str, Meta(pattern="^[a-z-]+$")])
Small = Annotated[int, Meta(ge=1)]
Smaller = Annotated[Small, Meta(le=9)]
Tenant = Annotated[str, Header(alias="X-Tenant")]
ShortTenant = Annotated[Tenant, Meta(max_length=5)]
UUID_TEXT = "7b0f2a2e-5c3b-4b4e-9a55-0d1c2f3a4b5c"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Blank(enum.Enum):
    NOTHING = ""
    SOME = "some"


class Bits(enum.Flag):
    A = 1
    B = 2


class Book(Struct):
    title: Annotated[str, Meta(min_length=1)]
    pages: int = 0


@dataclass(kw_only=True)
class ByName:
    a: int
    b: str = "x"


@dataclass
class PartlyByName:
    a: int
    _: KW_ONLY
    b: int = 2


@dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    tags: list[str] = field(default_factory=list)


@attrs.define(kw_only=True)
class Attrs:
    a: int = attrs.field(alias="aa")
    b: int = 3


class Loose(TypedDict, total=False):
    a: Required[int]
    b: str


class Looser(Loose):
    c: NotRequired[Small]


class Pair(NamedTuple):
    x: int
    y: int = 2


class Page(Struct, Generic[T]):
    items: list[T]
    next: T | None = None


class ShopSettings(Settings, frozen=True):
    KEY: str = "k"


class Admin(User, frozen=True):
    level: int = 1


SETTINGS = ShopSettings(SECRET_KEY="test-signatures-0123456789abcdefghij", CSRF_ENABLED=False)


def ask(handler: Callable[..., object], url: str = "/x", path: str = "", **sent: Any) -> TestResponse:
    app = Flasgo(settings=SETTINGS)
    method = "POST" if sent.keys() & {"json", "data", "files"} else "GET"
    app.add_route(path or url.partition("?")[0], handler, methods=[method])
    return app.test_client().request(method, url, **sent)


def text(*values: object) -> str:
    return repr(values)


class TestQuery:
    def test_sets(self):
        def handler(*, ids: set[int], colours: frozenset[Colour] = frozenset()) -> str:
            return text(sorted(ids), sorted(c.value for c in colours))

        assert ask(handler, "/x?ids=1&ids=2&ids=1&colours=red").text == "([1, 2], ['red'])"

    def test_tuples_of_a_length_and_of_none(self):
        def handler(pair: tuple[int, str], many: tuple[int, ...] = (7,)) -> str:
            return text(pair, many)

        assert ask(handler, "/x?pair=1&pair=b").text == "((1, 'b'), (7,))"
        assert ask(handler, "/x?pair=1&pair=b&many=1&many=2").text == "((1, 'b'), (1, 2))"
        assert ask(handler, "/x?pair=1").status_code == 422

    def test_new_types_with_and_without_constraints(self):
        def handler(user: UserId, slug: SlugText = cast("SlugText", "abc")) -> str:
            return text(user, slug)

        assert ask(handler, "/x?user=3&slug=a-b").text == "(3, 'a-b')"
        assert ask(handler, "/x?user=3&slug=A").status_code == 422

    def test_constraints_add_up(self):
        def handler(n: Smaller) -> str:
            return text(n)

        assert [ask(handler, f"/x?n={n}").status_code for n in (0, 1, 9, 10)] == [422, 200, 200, 422]

    def test_literals_and_unions(self):
        def handler(v: Literal["a", 1, None] = None, w: int | Literal["all"] = "all") -> str:
            return text(v, w)

        assert ask(handler).text == "(None, 'all')"
        assert ask(handler, "/x?v=1&w=5").text == "(1, 5)"
        assert ask(handler, "/x?v=a&w=all").text == "('a', 'all')"
        assert ask(handler, "/x?v=2").status_code == 422

    def test_what_the_standard_library_has(self):
        def handler(d: date, t: timedelta, c: Decimal, u: UUID, at: datetime, clock: time = time(1)) -> str:
            return text(d.year, t.seconds, str(c), u.version, at.tzinfo is not None, clock.hour)

        url = f"/x?d=2024-01-01&t=PT1H&c=1.50&u={UUID_TEXT}&at=2024-01-01T00:00:00Z"
        assert ask(handler, url).text == "(2024, 3600, '1.50', 4, True, 1)"

    def test_enums_of_every_kind(self):
        def handler(level: Level, bits: Bits, levels: Sequence[Level] = (Level.LOW,)) -> str:
            return text(level.name, bits.name, [one.name for one in levels])

        assert ask(handler, "/x?level=2&bits=1").text == "('HIGH', 'A', ['LOW'])"
        assert ask(handler, "/x?level=2&bits=1&levels=2").text == "('HIGH', 'A', ['HIGH'])"

    def test_abstract_collections(self):
        def handler(a: Sequence[int], b: AbstractSet[int] = frozenset()) -> str:
            return text(a, b)

        assert ask(handler, "/x?a=1&a=2&b=3").text == "([1, 2], {3})"

    def test_defaults_say_the_types_of_bare_parameters(self):
        def handler(a, b=1, c=None, d=1.5, e=(1, 2), f=Colour.RED, g=True):
            return text(a, b, c, d, e, f.value, g)

        assert ask(handler, "/x?a=1&b=2&c=3&d=2.5&f=blue&g=no").text == "('1', 2, '3', 2.5, (1, 2), 'blue', False)"

    def test_every_kind_of_parameter_at_once(self):
        def handler(a: int, /, b: int = 2, *args: int, c: int = 3, **rest: object) -> str:
            return text(a, b, args, c, rest)

        assert ask(handler, "/x/1/q?b=5&c=6", "/x/<a>/<z>").text == "(1, 5, (), 6, {'z': 'q'})"


class TestHeadersAndCookies:
    def test_constraints_around_a_marked_alias(self):
        def handler(tenant: ShortTenant = "main") -> str:
            return tenant

        assert ask(handler).text == "main"
        assert ask(handler, headers={"x-tenant": "abc"}).text == "abc"
        assert ask(handler, headers={"x-tenant": "abcdef"}).status_code == 422

    def test_collections_in_headers(self):
        def handler(
            ids: Annotated[frozenset[int], Header(alias="X-Ids")],
            days: Annotated[tuple[date, date] | None, Header()] = None,
        ) -> str:
            return text(sorted(ids), days and days[1].day)

        assert ask(handler, headers={"x-ids": "1, 2,2", "days": "2024-01-01,2024-01-02"}).text == "([1, 2], 2)"
        assert ask(handler, headers={"x-ids": "1"}).text == "([1], None)"

    def test_collections_in_cookies(self):
        def handler(ids: Annotated[set[int], Cookie()], colour: Annotated[Colour | None, Cookie()] = None) -> str:
            return text(sorted(ids), colour and colour.value)

        assert ask(handler, headers={"cookie": "ids=1; ids=2; colour=red"}).text == "([1, 2], 'red')"


class TestBodies:
    @pytest.mark.parametrize(
        ("kind", "sent", "expected"),
        [
            (ByName, {"a": 1}, ByName(a=1)),
            (PartlyByName, {"a": 1, "b": 5}, PartlyByName(1, b=5)),
            (Slotted, {"a": 1}, Slotted(1)),
            (Attrs, {"a": 1}, Attrs(aa=1)),
            (Looser, {"a": 1, "c": 1}, {"a": 1, "c": 1}),
            (Pair, [1], Pair(1)),
            (Page[Book], {"items": [{"title": "t"}]}, Page([Book("t")])),
            (list[Book | None], [{"title": "t"}, None], [Book("t"), None]),
            (dict[str, Book], {"a": {"title": "t"}}, {"a": Book("t")}),
            (Annotated[dict[UUID, list[int]], Body()], {UUID_TEXT: [1]}, {UUID(UUID_TEXT): [1]}),
        ],
        ids=str,
    )
    def test_records_of_every_kind(self, kind: Any, sent: object, expected: object):
        seen: list[object] = []

        def handler(body, q: int = 0) -> None:
            seen.extend([body, q])

        handler.__annotations__["body"] = kind
        assert ask(handler, "/x?q=4", json=sent).status_code == 204
        assert seen == [expected, 4]

    def test_forms(self):
        def fields(
            a: Annotated[int, Form()], b: Annotated[list[str], Form()] = [], c: Annotated[bool, Form()] = False
        ) -> str:
            return text(a, b, c)

        def record(v: Annotated[ByName, Form()], q: int = 1) -> str:
            return text(v, q)

        def typed_dict(v: Annotated[Looser, Form()]) -> str:
            return text(v)

        def both(form: FormData, v: Annotated[Book, Form()]) -> str:
            return text(form.get("title"), v.title)

        assert ask(fields, data={"a": "1", "b": ["x", "y"], "c": "on"}).text == "(1, ['x', 'y'], True)"
        assert ask(record, data={"a": "1"}).text == "(ByName(a=1, b='x'), 1)"
        assert ask(typed_dict, data={"a": "1", "c": "0"}).status_code == 422
        assert ask(both, data={"title": "t"}).text == "('t', 't')"

    def test_files(self):
        def handler(
            one: UploadedFile,
            more: list[UploadedFile],
            avatar: Annotated[UploadedFile | None, File(alias="me")] = None,
            title: Annotated[str, Form()] = "t",
        ) -> str:
            return text(one.filename, [file.filename for file in more], avatar, title)

        files: Any = [("one", ("a.txt", b"a")), ("more", ("b.txt", b"b")), ("more", ("c.txt", b"c"))]
        assert ask(handler, files=files).text == "('a.txt', ['b.txt', 'c.txt'], None, 't')"

    def test_collections_of_files_with_bounds_and_of_a_length(self):
        def bounded(files: Annotated[list[UploadedFile], Meta(max_length=1)]) -> str:
            return text(len(files))

        def two(files: tuple[UploadedFile, UploadedFile]) -> str:
            return text(*[file.filename for file in files])

        one: Any = [("files", ("a.txt", b"a"))]
        other: Any = [("other", ("a.txt", b"a"))]
        assert ask(bounded, files=one).text == "(1,)"
        assert ask(bounded, files=other).text == "(0,)"
        assert ask(bounded, files=one * 2).status_code == 422
        assert ask(two, files=one * 2).text == "('a.txt', 'a.txt')"
        assert [ask(two, files=sent).status_code for sent in (one, other)] == [422, 422]

    def test_the_empty_text_is_a_choice_where_the_type_says_so(self):
        def handler(a: Annotated[Literal["", "x"], Form()], b: Annotated[Blank | None, Form()] = None) -> str:
            return text(a, b and b.name)

        assert ask(handler, data={"a": "", "b": ""}).text == "('', 'NOTHING')"
        assert ask(handler, data={"a": "x"}).text == "('x', None)"
        assert ask(handler, data={"b": ""}).status_code == 422


def connection() -> Iterator[str]:
    yield "connection"


async def session(c: Annotated[str, Depends(connection)], q: int = 1) -> AsyncIterator[str]:
    yield f"{c} {q}"


class Service:
    def __init__(self, s: Annotated[str, Depends(session)], tenant: Tenant = "main") -> None:
        self.words = f"{s} {tenant}"


class Counter:
    def __call__(self, n: int = 3) -> int:
        return n * 2

    def method(self, n: int = 3) -> int:
        return n * 3

    @classmethod
    def of_class(cls, n: int = 3) -> int:
        return n * 4

    @staticmethod
    def static(n: int = 3) -> int:
        return n * 5


@contextlib.contextmanager
def seven() -> Generator[int]:
    yield 7


@contextlib.asynccontextmanager
async def eight(x: Annotated[int, Depends(seven)]) -> AsyncGenerator[int]:
    yield x + 1


class TestDependencies:
    def test_classes_on_generators_on_generators(self):
        def handler(service: Annotated[Service, Depends()], c: Annotated[str, Depends(connection)]) -> str:
            return text(service.words, c)

        response = ask(handler, "/x?q=5", headers={"x-tenant": "blue"})
        assert response.text == "('connection 5 blue', 'connection')"

    def test_callables_of_every_kind(self):
        counter = Counter()

        def handler(
            a: Annotated[int, Depends(counter)],
            b: Annotated[int, Depends(counter.method)],
            c: Annotated[int, Depends(Counter.of_class)],
            d: Annotated[int, Depends(Counter.static)],
            e: Annotated[int, Depends(functools.partial(Counter.static, 1))],
            f: Annotated[int, Depends(eight)],
        ) -> str:
            return text(a, b, c, d, e, f)

        assert ask(handler, "/x?n=2").text == "(4, 6, 8, 10, 5, 8)"

    @pytest.mark.parametrize("sent", [{"json": {"title": "t"}}, {"data": {"title": "t"}}], ids=["json", "form"])
    def test_the_same_body_for_a_handler_and_its_dependency(self, sent: dict[str, Any]):
        def title(payload: Book) -> str:
            return payload.title

        def handler(title: Annotated[str, Depends(title)], book: Book) -> str:
            return text(title, book.title)

        assert ask(handler, **sent).text == "('t', 't')"

    def test_the_same_form_for_both_is_read_once(self):
        def title(payload: Annotated[Book, Form()]) -> str:
            return payload.title

        def handler(title: Annotated[str, Depends(title)], book: Annotated[Book, Form()]) -> str:
            return text(title, book.title)

        assert ask(handler, data={"title": "t"}).text == "('t', 't')"
        refused = ask(handler, data={"title": ""}, headers={"accept": "application/json"}).json()
        assert [error["pointer"] for error in refused["errors"]] == ["/title"]


def test_everything_that_is_injected():
    def handler(
        own: ShopSettings,
        base: Settings,
        session: Session,
        tasks: BackgroundTasks,
        admin: Admin | None,
        user: User | None = None,
        settings: ShopSettings | None = None,
        r: Request | None = None,
    ) -> str:
        path = None if r is None else r.path
        return text(own.KEY, base is own, settings is own, type(session), type(tasks), admin, user, path)

    expected = text("k", True, True, Session, BackgroundTasks, None, None, "/x")
    assert ask(handler).text == expected


class Methods:
    def of_two(self, a: int, b: int) -> str:
        return text(a, b)

    of_one = functools.partialmethod(of_two, 3)

    async def later(self, id: int) -> dict[str, int]:
        return {"id": id}


@functools.cache
def cached(a: int) -> str:
    return text(a)


def generated(n: int) -> Iterable[str]:
    yield from map(str, range(n))


def generated_of_anything() -> Iterable:  # ty: ignore[missing-type-argument] - what it is about
    yield "x"


class TestCallables:
    def test_methods_partial_and_cached(self):
        assert ask(Methods().of_one, "/x?b=4").text == "(3, 4)"
        assert ask(Methods().later, "/x/4", "/x/<id>").json() == {"id": 4}
        assert ask(functools.partial(Methods().later, id=5)).json() == {"id": 5}
        assert ask(cached, "/x?a=4").text == "(4,)"

    def test_a_generator_may_say_that_it_gives_an_iterable(self):
        assert ask(generated, "/x?n=3").text == "012"
        assert ask(generated_of_anything).text == "x"

    def test_the_choices_of_a_path_and_those_of_the_annotation(self):
        def handler(lang: Literal["de", "en", "fr"]) -> str:
            return lang

        assert ask(handler, "/x/en", "/x/<any(de,en):lang>").text == "en"
        assert ask(handler, "/x/fr", "/x/<any(de,en):lang>").status_code == 404

    @pytest.mark.parametrize(
        "annotation", [None, Response, Book | None, tuple[None, Literal[204]] | None, Any], ids=str
    )
    def test_a_status_without_a_body(self, annotation: Any):
        def handler():
            return Response(status_code=204) if annotation is Response else None

        handler.__annotations__["return"] = annotation
        app = Flasgo()
        app.add_route("/x", handler, status_code=204)
        assert app.test_client().get("/x").status_code == 204


class TestAnswers:
    @pytest.mark.parametrize(
        ("annotation", "value", "status", "body"),
        [
            (tuple[Book, int], (Book("a"), 201), 201, '{"title":"a","pages":0}'),
            (tuple[Book, Literal[201, 202], dict[str, str]], (Book("a"), 202, {}), 202, '{"title":"a","pages":0}'),
            (Annotated[Book, Status(201)] | None, None, 204, ""),
            (Annotated[Book, Status(201)] | None, Book("a"), 201, '{"title":"a","pages":0}'),
            (Page[Book], Page([Book("a")]), 200, '{"items":[{"title":"a","pages":0}],"next":null}'),
            (Pair, Pair(1), 200, "[1,2]"),
            (dict[Colour, list[Pair]], {Colour.RED: [Pair(1)]}, 200, '{"red":[[1,2]]}'),
            (UserId, 3, 200, "3"),
            (Attrs, Attrs(aa=1), 200, '{"a":1,"b":3}'),
            (set[int], {1}, 200, "[1]"),
            (Loose, {"a": 1, "zz": 3}, 200, '{"a":1}'),
            (Literal["a", "b"], "a", 200, "a"),
            (date, date(2024, 1, 1), 200, '"2024-01-01"'),
        ],
        ids=str,
    )
    def test_types_of_every_kind(self, annotation: Any, value: object, status: int, body: str):
        def handler():
            return value

        handler.__annotations__["return"] = annotation
        response = ask(handler)
        assert (response.status_code, response.text) == (status, body)

    def test_streams(self):
        async def words() -> AsyncIterator[str]:
            yield "a"
            yield "b"

        def books() -> Iterator[Book]:
            yield Book("a")
            yield Book("b")

        assert ask(words).text == "ab"
        assert ask(books).text == '{"title":"a","pages":0}\n{"title":"b","pages":0}\n'
