"""What comes back of what a handler returns, in production and, checked in full, in tests."""

import asyncio
import enum
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from http import HTTPStatus
from types import GenericAlias, MappingProxyType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    Never,
    NewType,
    NoReturn,
    NotRequired,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
    cast,
)
from uuid import UUID

import attrs
import pytest
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from flasgo import ContractError, Flasgo, Request, Response, TestClient, TestResponse, abort, redirect

T = TypeVar("T")

NOTHING = object()


class Author(Struct, frozen=True):
    name: str


class FullAuthor(Author, frozen=True):
    email: str = "secret"


class Book(Struct):
    title: str
    author: Author = Author("a")


class FullBook(Book):
    price: str = "secret"


class Slim(Struct, frozen=True):
    id: int


class Wide(Slim, frozen=True):
    password: str = "secret"


class Node(Struct):
    value: Slim
    children: list["Node"] = []


class Page(Struct, Generic[T]):
    items: list[T]
    more: dict[str, T] = {}


class SlimPage(Page[Slim]):
    pass


class Cat(Struct, tag=True):
    lives: int


class Tiger(Cat):
    den: str = "secret"


class Dog(Struct, tag="hound", tag_field="kind2"):
    name: str


class Bird(Struct, tag=True):
    song: str


class Row(Struct, array_like=True):
    id: int
    slim: Slim = Slim(0)


class WideRow(Row):
    password: str = "secret"


class Sparse(Struct, omit_defaults=True, rename="camel"):
    first_name: str = ""
    slim_one: Slim | None = None


class Strict(Struct, forbid_unknown_fields=True):
    id: int


class WideStrict(Strict):
    password: str = "secret"


class Maybe(Struct):
    slim: Slim | UnsetType = UNSET
    number: int | UnsetType = UNSET


class Checked(Struct):
    low: int
    high: Annotated[int, Meta(le=10)]

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError("high is below low")


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class Point3(Point):
    z: str = "secret"


@dataclass(frozen=True, slots=True)
class Segment:
    start: Point
    ends: tuple[Point, ...] = ()
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", 1)


@attrs.define
class Line:
    sku: str
    slim: Slim | None = None


@attrs.define
class WideLine(Line):
    cost: str = "secret"


@attrs.define(slots=False)
class Loose:
    sku: str


class Person(TypedDict):
    name: str
    slim: NotRequired[Slim]


class Pair(NamedTuple):
    left: Slim
    right: int = 0


class Wider(Pair):
    pass


class Colour(enum.Enum):
    RED = "red"


class Mode(enum.StrEnum):
    FAST = "fast"


class Markup(str):
    def __html__(self) -> str:
        return str(self)


class Fragment:
    def __html__(self) -> str:
        return "<p>"


class HTML(Protocol):
    def __html__(self) -> str: ...


SlimId = NewType("SlimId", Slim)


def table(names: str, rows: Sequence[object]) -> pytest.MarkDecorator:
    """A test for each row, numbered: the names of types are no names of tests."""
    return pytest.mark.parametrize(names, rows, ids=[str(number) for number in range(len(rows))])


def application(handler: Callable[..., object], annotation: Any = NOTHING, **options: Any) -> Flasgo[Any]:
    app: Flasgo[Any] = Flasgo()
    if annotation is not NOTHING:
        handler.__annotations__["return"] = annotation
    app.add_route("/x", handler, threaded=False, **options)
    return app


@pytest.fixture(params=["production", "tests"])
def answer(request: pytest.FixtureRequest) -> Callable[..., TestResponse]:
    """Gives the response that a value makes of a handler that declares this type."""

    def answer(value: object, annotation: Any = NOTHING, **options: Any) -> TestResponse:
        def handler():
            return value

        app = application(handler, annotation, **options)
        client = app.test_client() if request.param == "tests" else TestClient(app)
        return client.get("/x")

    return answer


Answer = Callable[..., TestResponse]

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
PAGE = "text/html; charset=utf-8"
BYTES = "application/octet-stream"


def parts(response: TestResponse) -> tuple[int, str | None, bytes]:
    return response.status_code, response.headers.get("content-type"), response.body


class TestForms:
    @table(
        "value, expected",
        [
            ("text", (200, TEXT, b"text")),
            ("", (200, TEXT, b"")),
            (Markup("<p>"), (200, PAGE, b"<p>")),
            (Fragment(), (200, PAGE, b"<p>")),
            (b"\x00", (200, BYTES, b"\x00")),
            (bytearray(b"\x00"), (200, BYTES, b"\x00")),
            (memoryview(b"\x00"), (200, BYTES, b"\x00")),
            ({"a": 1}, (200, JSON, b'{"a":1}')),
            ([1], (200, JSON, b"[1]")),
            (Slim(1), (200, JSON, b'{"id":1}')),
            (Point(1), (200, JSON, b'{"x":1,"y":0}')),
            (Line("s"), (200, JSON, b'{"sku":"s","slim":null}')),
            (Pair(Slim(1), 2), (200, JSON, b'[{"id":1},2]')),
            (("text", 201), (201, TEXT, b"text")),
            (({"a": 1}, 201), (201, JSON, b'{"a":1}')),
            ((b"x", 202), (202, BYTES, b"x")),
            ((None, 202), (202, TEXT, b"")),
            (("no", HTTPStatus.NOT_FOUND), (404, TEXT, b"no")),
            (Response(b"x", 418), (418, TEXT, b"x")),
        ],
    )
    def test_without_a_declaration_and_with_the_right_one(self, answer: Answer, value: Any, expected: object):
        assert parts(answer(value)) == expected
        annotation: Any = type(value)
        if annotation is tuple:
            annotation = GenericAlias(tuple, (type(value[0]), int))
        assert parts(answer(value, annotation)) == expected
        assert parts(answer(value, annotation | None)) == expected
        assert parts(answer(value, Any)) == expected
        assert parts(answer(value, object)) == expected
        assert parts(answer(value, annotation | Response)) == expected

    def test_none_is_204(self, answer: Answer):
        for annotation in (NOTHING, None, Slim | None, str | None, Optional[list[Slim]], Any):
            response = answer(None, annotation)
            assert (response.status_code, response.body) == (204, b"")

    @table(
        "value, annotation, expected",
        [
            (None, None, (202, b"")),
            ("t", str, (202, b"t")),
            (b"t", bytes, (202, b"t")),
            (Slim(1), Slim, (202, b'{"id":1}')),
            (Wide(1), Slim, (202, b'{"id":1}')),
            ({"a": 1}, NOTHING, (202, b'{"a":1}')),
            (("t", 201), NOTHING, (201, b"t")),
            ((Slim(1), 201), tuple[Slim, int], (201, b'{"id":1}')),
            ((Slim(1), 200), tuple[Slim, int], (200, b'{"id":1}')),
            (Response(b"x"), Response, (200, b"x")),
            (Slim(1), Slim | None, (202, b'{"id":1}')),
            (None, Slim | None, (202, b"")),
        ],
    )
    def test_the_status_of_the_route_is_that_of_what_names_none(
        self, answer: Answer, value: object, annotation: Any, expected: object
    ):
        response = answer(value, annotation, status_code=202)
        assert (response.status_code, response.body) == expected

    @table(
        "value, annotation, body",
        [
            (5, int, b"5"),
            (True, bool, b"true"),
            (1, float, b"1"),
            (1.5, float, b"1.5"),
            (Decimal("1.50"), Decimal, b'"1.50"'),
            (UUID(int=1), UUID, b'"00000000-0000-0000-0000-000000000001"'),
            (date(2024, 1, 1), date, b'"2024-01-01"'),
            (datetime(2024, 1, 1, tzinfo=UTC), datetime, b'"2024-01-01T00:00:00Z"'),
            (time(1), time, b'"01:00:00"'),
            (timedelta(hours=1), timedelta, b'"PT3600S"'),
            (Colour.RED, Colour, b'"red"'),
            ([1], list, b"[1]"),
            ([1], list[int], b"[1]"),
            ({1}, set[int], b"[1]"),
            (frozenset({1}), frozenset[int], b"[1]"),
            ([1], set[int], b"[1]"),
            ((1, 2), tuple[int, ...], b"[1,2]"),
            ((1, 2), tuple[int, ...] | None, b"[1,2]"),
            (("a", "b"), tuple[str, str], b'["a","b"]'),
            ((Slim(1), Point(1)), tuple[Slim, Point], b'[{"id":1},{"x":1,"y":0}]'),
            ([1], Sequence[int], b"[1]"),
            ((1, "a"), Sequence[int | str], b'[1,"a"]'),
            (deque([1]), Collection[int], b"[1]"),
            ({"a": 1}.keys(), Collection[str], b'["a"]'),
            ({"a": 1}, dict, b'{"a":1}'),
            (OrderedDict(a=1), dict[str, int], b'{"a":1}'),
            ({1: 2}, dict[int, int], b'{"1":2}'),
            (MappingProxyType({"a": 1}), Mapping[str, int], b'{"a":1}'),
            (MappingProxyType({"a": Wide(1)}), Mapping[str, Slim], b'{"a":{"id":1}}'),
            ({"a": [1, None]}, dict[str, object], b'{"a":[1,null]}'),
            ({"a": 1}, dict[str, Any], b'{"a":1}'),
            (1, Literal[1, 2], b"1"),
            (1, Literal[1, "a"], b"1"),
            (Raw(b"[1]"), Raw, b"[1]"),
            (Slim(1), SlimId, b'{"id":1}'),
            (Slim(1), Annotated[Slim, "words"], b'{"id":1}'),
            (Sparse(), Sparse, b"{}"),
            (Sparse("x", Slim(1)), Sparse, b'{"firstName":"x","slimOne":{"id":1}}'),
            (Row(1), Row, b'[1,{"id":0}]'),
            (Maybe(), Maybe, b"{}"),
            (Maybe(Slim(1), 2), Maybe, b'{"slim":{"id":1},"number":2}'),
            (Segment(Point(1)), Segment, b'{"start":{"x":1,"y":0},"ends":[],"length":1}'),
            (Tiger(9), Cat | Bird, b'{"type":"Cat","lives":9}'),
            (Bird("x"), Cat | Bird, b'{"type":"Bird","song":"x"}'),
            (Dog("x"), Dog, b'{"kind2":"hound","name":"x"}'),
            (Page([1]), Page[int], b'{"items":[1],"more":{}}'),
            (Page([Wide(1)]), Page[Any], b'{"items":[{"id":1,"password":"secret"}],"more":{}}'),
            (Node(Slim(1), [Node(Slim(2))]), Node, b'{"value":{"id":1},"children":[{"value":{"id":2},"children":[]}]}'),
            ({"name": "n"}, Person, b'{"name":"n"}'),
            ({"name": "n", "slim": Slim(1)}, Person, b'{"name":"n","slim":{"id":1}}'),
        ],
    )
    def test_json_by_declaration(self, answer: Answer, value: object, annotation: Any, body: bytes):
        assert parts(answer(value, annotation)) == (200, JSON, body)
        assert parts(answer(value, annotation | str if annotation is not list else list | str)) == (200, JSON, body)

    @table(
        "value, annotation, expected",
        [
            ("a", Literal["a", "b"], (TEXT, b"a")),
            (Mode.FAST, Mode, (TEXT, b"fast")),
            ("a", Literal["a"] | Slim, (TEXT, b"a")),
            (Slim(1), Literal["a"] | Slim, (JSON, b'{"id":1}')),
            (Markup("<p>"), str, (PAGE, b"<p>")),
            (Markup("<p>"), Markup, (PAGE, b"<p>")),
            (Markup("<p>"), Slim | str, (PAGE, b"<p>")),
            (Fragment(), HTML, (PAGE, b"<p>")),
            (Fragment(), HTML | None, (PAGE, b"<p>")),
            (b"x", Slim | bytes, (BYTES, b"x")),
            ("x", str | Slim | None, (TEXT, b"x")),
            (Response.html("<p>"), Slim, (PAGE, b"<p>")),
            (Response.html("<p>"), str, (PAGE, b"<p>")),
        ],
    )
    def test_plain_forms_beside_json(self, answer: Answer, value: object, annotation: Any, expected: object):
        assert parts(answer(value, annotation))[1:] == expected

    def test_a_redirect_and_an_abort(self, answer: Answer):
        assert answer(redirect("/y"), Response).status_code == 302

        for annotation in (Never, NoReturn, None, NOTHING, Slim):

            def handler():
                abort(410)

            assert application(handler, annotation).test_client().get("/x").status_code == 410

    def test_a_redirect_may_be_answered_whatever_is_declared(self, answer: Answer):
        for annotation in (Slim, str, None, list[int]):
            assert answer(redirect("/y"), annotation).status_code == 302


class Level(enum.IntEnum):
    HIGH = 2


class TestStatus:
    @table(
        "annotation",
        [
            NOTHING,
            Slim,
            Slim | None,
            tuple[Slim, int],
            tuple[Slim, HTTPStatus],
            tuple[Slim | None, int],
            tuple[Slim, Literal[201, 204, 404]],
            tuple[Slim, int] | None,
            tuple[Slim, int, dict[str, str]],
            tuple[Slim, int, Mapping[str, str] | None],
            Union[Slim, tuple[Slim, int], tuple[Slim, int, dict[str, str]]],
            Annotated[tuple[Slim, Annotated[int, Meta(ge=200)]], "words"],
        ],
    )
    def test_the_forms_that_carry_one(self, answer: Answer, annotation: Any):
        headers = {"x-one": "1", "content-type": "application/vnd.slim+json"}
        value = Slim(1) if annotation is NOTHING else Wide(1)
        for status in (201, HTTPStatus.CREATED):
            response = answer((value, status), annotation)
            assert parts(response) == (201, JSON, b'{"id":1}')
            response = answer((value, status, None if annotation is not NOTHING else {}), annotation)
            assert parts(response) == (201, JSON, b'{"id":1}')
            response = answer((value, status, headers), annotation)
            assert parts(response) == (201, "application/vnd.slim+json", b'{"id":1}')
            assert response.headers["x-one"] == "1"
        if annotation is not NOTHING:
            assert parts(answer((None, 404), annotation)) == (404, TEXT, b"")
            assert parts(answer((None, 204), annotation))[0] == 204

    @table(
        "annotation, value, text",
        [
            (tuple[int, int], (3, 404), "[3,404]"),
            (tuple[float, int], (0.5, 1), "[0.5,1]"),
            (tuple[Decimal, int], (Decimal(1), 2), '["1",2]'),
            (tuple[str, Level], ("a", Level.HIGH), '["a",2]'),
        ],
    )
    def test_two_numbers_and_an_enum_of_ones_own_are_a_pair(
        self, answer: Answer, annotation: Any, value: object, text: str
    ):
        assert parts(answer(value, annotation)) == (200, JSON, text.encode())

    def test_headers_are_added_to_a_plain_answer(self, answer: Answer):
        for annotation in (str, tuple[str, int, dict[str, str]], NOTHING):
            response = answer(("t", 201, {"X-One": "1"}), annotation)
            assert (parts(response), response.headers["x-one"]) == ((201, TEXT, b"t"), "1")

    def test_headers_of_a_response_in_a_tuple(self, answer: Answer):
        value = Response(b"x", 200, {"x-two": "2"})
        for annotation in (Response, tuple[Response, int], tuple[Response, int, dict[str, str]], Slim):
            response = answer((value, 202, {"x-one": "1"}), annotation)
            assert (response.status_code, response.headers["x-one"], response.headers["x-two"]) == (202, "1", "2")
        assert value.status_code == 200

    def test_a_pair_of_its_own_is_no_status(self, answer: Answer):
        assert answer((5, 200), tuple[int, ...]).body == b"[5,200]"
        assert answer((Slim(5), 300), Pair).status_code in {300, 500}
        assert answer(Pair(Slim(5), 300), Pair).body == b'[{"id":5},300]'
        assert answer(Wider(Slim(5), 300), Pair).body == b'[{"id":5},300]'

    def test_a_list_with_a_status(self, answer: Answer):
        for annotation in (list[int], Sequence[int], list, Collection[int], list[Slim | int], tuple[list[int], int]):
            assert parts(answer(([1, 2], 201), annotation)) == (201, JSON, b"[1,2]")

    @table("value", [("t", 99), ("t", 600), ("t", 201, {"a b": "c"}), ("t", 201, {"a": "b\r\nc"})])
    def test_what_cannot_be_sent_is_500(self, answer: Answer, value: object, caplog: pytest.LogCaptureFixture):
        for annotation in (str, NOTHING, Slim | str):
            assert answer(value, annotation).status_code == 500


class TestAwaitables:
    @table(
        "annotation",
        [
            Awaitable[Slim],
            Coroutine[Any, Any, Slim],
            Awaitable[Slim | None],
            Awaitable[tuple[Slim, int]],
            Slim | Awaitable[Slim],
            "asyncio.Future[Slim]",
            Annotated[Awaitable[Slim], "words"],
        ],
    )
    def test_what_is_awaited_is_what_is_declared(self, annotation: Any):
        async def inner() -> Slim:
            await asyncio.sleep(0)
            return Wide(1)

        def handler():
            return inner()

        assert application(handler, annotation).test_client().get("/x").text == '{"id":1}'

    def test_a_bare_awaitable_says_nothing(self):
        async def inner() -> str:
            return "t"

        def handler() -> Awaitable:  # ty: ignore[missing-type-argument] - what it is about
            return inner()

        assert application(handler).test_client().get("/x").text == "t"


SECRETS = [
    (FullBook("t"), Book, {"title": "t", "author": {"name": "a"}}),
    (Book("t", FullAuthor("b")), Book, {"title": "t", "author": {"name": "b"}}),
    (FullBook("t", FullAuthor("b")), Book | None, {"title": "t", "author": {"name": "b"}}),
    (FullBook("t"), Book | Response, {"title": "t", "author": {"name": "a"}}),
    (FullBook("t"), Book | Literal["none"], {"title": "t", "author": {"name": "a"}}),
    (FullBook("t"), Book | int, {"title": "t", "author": {"name": "a"}}),
    ([Wide(1)], list[Slim], [{"id": 1}]),
    ((Wide(1), Slim(2)), list[Slim], [{"id": 1}, {"id": 2}]),
    ([Wide(1)], Sequence[Slim], [{"id": 1}]),
    (deque([Wide(1)]), Collection[Slim], [{"id": 1}]),
    ([Wide(1), None], list[Slim | None], [{"id": 1}, None]),
    ([[Wide(1)]], list[list[Slim]], [[{"id": 1}]]),
    ((Wide(1), "a"), tuple[Slim, str], [{"id": 1}, "a"]),
    ((Wide(1), Wide(2)), tuple[Slim, ...], [{"id": 1}, {"id": 2}]),
    ([Wide(1), "a"], tuple[Slim, str], [{"id": 1}, "a"]),
    ({"a": Wide(1)}, dict[str, Slim], {"a": {"id": 1}}),
    ({"a": [Wide(1)]}, dict[str, list[Slim]], {"a": [{"id": 1}]}),
    ({"a": {"b": Wide(1)}}, Mapping[str, Mapping[str, Slim]], {"a": {"b": {"id": 1}}}),
    ({"a": Wide(1), "b": 2}, dict[str, Slim | int], {"a": {"id": 1}, "b": 2}),
    (Page([Wide(1)], {"a": Wide(2)}), Page[Slim], {"items": [{"id": 1}], "more": {"a": {"id": 2}}}),
    (SlimPage([Wide(1)]), SlimPage, {"items": [{"id": 1}], "more": {}}),
    (SlimPage([Wide(1)]), Page[Slim], {"items": [{"id": 1}], "more": {}}),
    (Node(Slim(1), [Node(Wide(2))]), Node, {"value": {"id": 1}, "children": [{"value": {"id": 2}, "children": []}]}),
    (Tiger(9), Cat, {"type": "Cat", "lives": 9}),
    ([Tiger(9), Bird("x")], list[Cat | Bird], [{"type": "Cat", "lives": 9}, {"type": "Bird", "song": "x"}]),
    (WideRow(1, Wide(2)), Row, [1, {"id": 2}]),
    (Row(1, Wide(2)), Row, [1, {"id": 2}]),
    (Sparse("x", Wide(1)), Sparse, {"firstName": "x", "slimOne": {"id": 1}}),
    (WideStrict(1), Strict, {"id": 1}),
    (Maybe(Wide(1)), Maybe, {"slim": {"id": 1}}),
    (Point3(1), Point, {"x": 1, "y": 0}),
    ([Point3(1)], list[Point], [{"x": 1, "y": 0}]),
    (Segment(Point3(1), (Point3(2),)), Segment, {"start": {"x": 1, "y": 0}, "ends": [{"x": 2, "y": 0}], "length": 1}),
    (WideLine("s"), Line, {"sku": "s", "slim": None}),
    (Line("s", Wide(1)), Line, {"sku": "s", "slim": {"id": 1}}),
    ({"name": "n", "password": "secret"}, Person, {"name": "n"}),
    ({"name": "n", "slim": Wide(1)}, Person, {"name": "n", "slim": {"id": 1}}),
    ([{"name": "n", "password": "secret"}], list[Person], [{"name": "n"}]),
    (Pair(Wide(1)), Pair, [{"id": 1}, 0]),
    (Wider(Wide(1)), Pair, [{"id": 1}, 0]),
    ({"title": "t", "author": FullAuthor("b"), "password": "secret"}, Book, {"title": "t", "author": {"name": "b"}}),
    ({"type": "Cat", "lives": 9, "den": "secret"}, Cat | Bird, {"type": "Cat", "lives": 9}),
    (Wide(1), SlimId, {"id": 1}),
    ((Wide(1), 200), Slim, {"id": 1}),
    ((FullBook("t"), 200), tuple[Book, int], {"title": "t", "author": {"name": "a"}}),
]


class Account:
    """A row of some database, with more columns than the answer has."""

    def __init__(self) -> None:
        self.title = "t"
        self.author = FullAuthor("b")
        self.password = "secret"


class TestNothingLeaks:
    @table("value, annotation, expected", SECRETS)
    def test_what_the_type_does_not_have_stays_here(
        self, answer: Answer, value: object, annotation: Any, expected: object
    ):
        response = answer(value, annotation)
        assert response.status_code == 200, response.text
        assert response.json() == expected

    def test_attributes_that_are_no_fields(self, answer: Answer):
        loose = Loose("s")
        vars(loose)["password"] = "secret"
        assert answer(loose, Loose).json() == {"sku": "s"}
        assert answer([loose], list[Loose]).json() == [{"sku": "s"}]
        point = Point(1)
        vars(point)["password"] = "secret"
        assert answer(point, Point).json() == {"x": 1, "y": 0}

    def test_objects_with_the_attributes_of_a_record(self, answer: Answer):
        assert answer(Account(), Book).json() == {"title": "t", "author": {"name": "b"}}
        assert answer([Account()], list[Book]).json() == [{"title": "t", "author": {"name": "b"}}]
        assert answer(Account(), Book | None).json() == {"title": "t", "author": {"name": "b"}}

    def test_what_is_declared_as_anything_goes_out_as_it_is(self, answer: Answer):
        assert answer({"a": Wide(1)}, dict[str, object]).json() == {"a": {"id": 1, "password": "secret"}}
        assert answer([Wide(1)], list).json() == [{"id": 1, "password": "secret"}]

    def test_the_value_of_the_handler_is_left_alone(self, answer: Answer):
        value = Book("t", FullAuthor("b"))
        answer(value, Book)
        assert type(value.author) is FullAuthor

    def test_a_union_prefers_the_nearest_class(self, answer: Answer):
        class Wider(Cat):
            fur: str = "f"

        class Near(Struct, tag="near"):
            cat: Cat

        assert answer(Tiger(9), Bird | Cat).json() == {"type": "Cat", "lives": 9}
        assert answer(Near(Tiger(1)), Near | Cat).json() == {"type": "near", "cat": {"type": "Cat", "lives": 1}}

    def test_a_record_that_is_not_complete_yet(self, answer: Answer):
        class Half:
            def __new__(cls) -> Any:
                return object.__new__(Point)

        @dataclass
        class Late:
            point: Point = field(init=False)

        assert answer(Late(), Late).status_code in {200, 500}

    def test_deep_values_are_answered(self, answer: Answer):
        node = Node(Wide(0))
        for number in range(30):
            node = Node(Slim(number), [node])
        assert "secret" not in answer(node, Node).text


WRONG = [
    (5, str),
    ({"a": 1}, str),
    (None, str),
    (b"x", str),
    ("x", bytes),
    ("x", None),
    ({"a": 1}, None),
    (5, None),
    ({"a": 1}, Response),
    ("x", Response),
    ("x", Markup),
    ("x", int),
    (None, Slim),
    ("x", Slim),
    (5, Slim),
    ([Slim(1)], Slim),
    (Slim(1), list[Slim]),
    (Slim(1), dict[str, Slim]),
    ({"id": "x"}, Slim),
    ({}, Slim),
    (Point(1), Slim),
    (Author("a"), Slim | None),
    ([Author("a")], list[Slim]),
    ({"a": Author("a")}, dict[str, Slim]),
    ((Author("a"), 200), Slim),
    ((None, 200, "headers"), Slim),
    ((Slim(1), "200"), Slim),
    ((Slim(1), True), Slim),
    ((Slim(1),), Slim),
    (("a", 200, []), str),
    ((), str),
    (Dog("d"), Cat | Bird),
    ({"type": "Cow"}, Cat | Bird),
    ((Slim(1),), tuple[Slim, str]),
    ((Slim(1), 1, 2), tuple[Slim, str]),
    ("abc", list[Slim]),
    (b"abc", list[Slim]),
    ({"name": 5, "slim": Author("a")}, Person),
    ("x", Person),
    (object(), NOTHING),
    (object(), Slim),
    (object(), dict[str, int]),
    (5, NOTHING),
    ({"a": object()}, dict[str, Any]),
]

WRONG_TYPE: Any = 5

ONLY_IN_TESTS = [
    (["x"], list[int]),
    ({"a": "x"}, dict[str, int]),
    (True, int),
    (5, Literal[1, 2]),
    (Slim(cast("Any", "x")), Slim),
    (Checked(1, 11), Checked),
    (Page(["x"]), Page[int]),
    ((1, 2, 3), tuple[str, str]),
    ({"name": 5}, Person),
    ({"slim": Slim(1)}, Person),
    (float("nan"), float),
    ([1, 2, 3], Annotated[list[int], Meta(max_length=2)]),
    (Point(cast("Any", "x")), Point),
    (datetime(2024, 1, 1, tzinfo=UTC), date),
    (Maybe(number=cast("Any", "x")), Maybe),
    ([Slim(1), Slim(cast("Any", "x"))], list[Slim]),
]


def logged(caplog: pytest.LogCaptureFixture) -> type[BaseException]:
    """The class of the exception that was logged last."""
    match caplog.records[-1].exc_info:
        case (type() as kind, _, _):
            return kind
        case _:
            raise AssertionError


class TestContract:
    @table("value, annotation", WRONG)
    def test_another_value_than_the_declared_one_is_500(
        self, answer: Answer, value: object, annotation: Any, caplog: pytest.LogCaptureFixture
    ):
        response = answer(value, annotation)
        assert response.status_code == 500
        assert "secret" not in response.text
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("flasgo.errors", logging.ERROR)
        assert issubclass(logged(caplog), TypeError)

    @table("value, annotation", ONLY_IN_TESTS)
    def test_what_only_a_closer_look_finds_is_found_in_tests(
        self, value: object, annotation: Any, caplog: pytest.LogCaptureFixture
    ):
        def handler():
            return value

        app = application(handler, annotation)
        assert TestClient(app).get("/x").status_code == 200
        assert app.test_client().get("/x").status_code == 500
        assert issubclass(logged(caplog), ContractError)
        debug = Flasgo(settings={"DEBUG": True})
        debug.get("/x")(handler)
        assert TestClient(debug).get("/x").status_code == 500

    def test_the_message_names_handler_type_and_problem(self):
        def handler() -> list[Checked]:
            return [Checked(1, 11), Checked(2, 12), cast("Any", "secret")]

        client = application(handler).test_client(raise_server_exceptions=True)
        with pytest.raises(ContractError) as caught:
            client.get("/x")
        line = handler.__code__.co_firstlineno
        message = str(caught.value)
        assert message.startswith(f"{__file__}:{line}: TestContract.")
        assert "handler() does not answer what it declares, list[Checked]: " in message
        assert "Return what is declared, or declare what is returned." in message
        assert "secret" not in message

        def handler() -> list[Checked]:
            return [Checked(1, 11), Checked(2, 12)]

        client = application(handler).test_client(raise_server_exceptions=True)
        with pytest.raises(ContractError) as caught:
            client.get("/x")
        assert "/0/high must be at most 10; /1/high must be at most 10" in str(caught.value)

        def handler() -> str | None:
            return WRONG_TYPE  # ty: ignore[unsound-return] - what it is about

        client = application(handler).test_client(raise_server_exceptions=True)
        with pytest.raises(ContractError, match=r"what it declares, str \| None: it is of type int"):
            client.get("/x")

    def test_a_handler_of_the_users_sees_it(self):
        app: Flasgo[Any] = Flasgo()

        @app.get("/x")
        def handler() -> Slim:
            return WRONG_TYPE  # ty: ignore[unsound-return] - what it is about

        @app.errorhandler(ContractError)
        def broken(request: Request, error: ContractError) -> tuple[str, int]:
            return "broken", 502

        assert app.test_client().get("/x").status_code == 502

    def test_a_value_that_json_cannot_say(self, answer: Answer):
        assert answer({"a": {1: object()}}).status_code == 500
        assert answer("\ud800").status_code == 500


def test_one_response_object_may_answer_many_requests():
    shared = Response(b"x")

    def handler() -> Response:
        return shared

    client = application(handler).test_client()
    assert [client.get("/x").status_code for _ in range(3)] == [200] * 3
    assert shared.raw == Response(b"x").raw
