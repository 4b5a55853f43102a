"""What a handler is called with: every kind of parameter, from every place of a request, and what is answered when one is wrong."""

import asyncio
import enum
import functools
import inspect
import math
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    LiteralString,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs
import msgspec
import pytest
import typing_extensions
from msgspec import Meta, Struct

from flasgo import Body, Cookie, Flasgo, Header, Path, Query, Request, Session, Settings, TestClient, TestResponse
from flasgo.context import request as current

T = TypeVar("T")
U = typing_extensions.TypeVar("U", default=int)
A = TypeVar("A")
B = TypeVar("B")

BookId = NewType("BookId", int)
Tag = NewType("Tag", Annotated[str, Meta(max_length=3)])
Positive = Annotated[int, Meta(gt=0)]
Alias = typing_extensions.TypeAliasType("Alias", Annotated[int, Meta(ge=1)])
Many = typing_extensions.TypeAliasType("Many", list[T], type_params=(T,))
Swapped = typing_extensions.TypeAliasType("Swapped", dict[B, A], type_params=(A, B))
Fixed = typing_extensions.TypeAliasType("Fixed", int, type_params=(A,))
Itself = typing_extensions.TypeAliasType("Itself", A, type_params=(A,))
OfAlias = typing_extensions.TypeAliasType("OfAlias", Many[A], type_params=(A,))

NOTHING: Final = object()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Mode(enum.StrEnum):
    FAST = "fast"
    NULL = "null"


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Book(Struct):
    title: Annotated[str, Meta(min_length=1)]
    pages: int = 0


class Camel(Struct, rename="camel"):
    first_name: str


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    name: str


class Node(Struct):
    value: int
    children: list["Node"] = []


class Page(Struct, Generic[T]):
    items: list[T]


class Defaulted(Struct, Generic[U]):
    item: U


@dataclass
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)


@attrs.define
class Line:
    sku: str
    price: Decimal = Decimal(1)


class Person(TypedDict):
    name: str
    age: NotRequired[int]


class Partly(TypedDict, total=False):
    name: Required[str]
    age: int


class Pair(NamedTuple):
    left: int
    right: str = "r"


class ShopSettings(Settings, frozen=True):
    STRIPE_KEY: str = ""


def application(**settings: object) -> Flasgo[Any]:
    return Flasgo(settings={"CSRF_ENABLED": False, **settings})


def client_of(app: Flasgo[Any]) -> TestClient:
    return app.test_client(headers={"accept": "application/json"})


class Probe:
    """An application with one handler, of one parameter `v`, and what that was called with."""

    def __init__(self, annotation: Any, default: object = NOTHING, path: str = "/x", **options: Any) -> None:
        def handler(v):
            self.values.append(v)
            return "ok"

        if annotation is not NOTHING:
            handler.__annotations__["v"] = annotation
        if default is not NOTHING:
            handler.__defaults__ = (default,)
        self.values: list[object] = []
        app = application()
        app.route(path, methods=options.pop("methods", ["POST", "QUERY"]), threaded=False, **options)(handler)
        self.client = client_of(app)

    def send(self, url: str = "/x", **options: Any) -> TestResponse:
        return self.client.request("QUERY", url, **options)

    def __call__(self, url: str = "/x", **options: Any) -> object:
        """The value that the parameter had."""
        response = self.send(url, **options)
        assert (response.status_code, response.text) == (200, "ok")
        return self.values[-1]

    def query(self, text: str) -> object:
        return self(f"/x?v={text}")

    def issues(self, url: str = "/x", **options: Any) -> list[tuple[str, str, str]]:
        """Location, pointer and code of all that is wrong."""
        response = self.send(url, **options)
        assert response.status_code == 422, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert self.values == []
        return [(e["location"], e["pointer"], e["code"]) for e in response.json()["errors"]]


def table(names: str, rows: Sequence[object]) -> pytest.MarkDecorator:
    """A test for each row, numbered: the names of types are no names of tests."""
    return pytest.mark.parametrize(names, rows, ids=[str(number) for number in range(len(rows))])


SCALARS = [
    (str, "a%20b", "a b"),
    (str, "", ""),
    (str, "null", "null"),
    (str | None, "null", "null"),
    (int, "5", 5),
    (int, "-5", -5),
    (int, "0", 0),
    (int, "9" * 40, int("9" * 40)),
    (float, "1.5", 1.5),
    (float, "3", 3.0),
    (float, "-1e3", -1000.0),
    (bool, "true", True),
    (bool, "TRUE", True),
    (bool, "1", True),
    (bool, "on", True),
    (bool, "Yes", True),
    (bool, "false", False),
    (bool, "0", False),
    (bool, "OFF", False),
    (bool, "no", False),
    (bool | None, "no", False),
    (bytes, "aGk=", b"hi"),
    (Decimal, "1.10", Decimal("1.10")),
    (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
    (date, "2024-02-29", date(2024, 2, 29)),
    (datetime, "2024-01-01T10:00:00Z", datetime(2024, 1, 1, 10, tzinfo=UTC)),
    (time, "10:30:00", time(10, 30)),
    (timedelta, "PT1H30M", timedelta(hours=1, minutes=30)),
    (Colour, "red", Colour.RED),
    (Size, "2", Size.LARGE),
    (Mode, "null", Mode.NULL),
    (Mode | None, "null", Mode.NULL),
    (Access, "3", Access.READ | Access.WRITE),
    (Literal["a", "b"], "b", "b"),
    (Literal[1, 2], "2", 2),
    (Literal[True], "on", True),
    (Literal["a", None], "a", "a"),
    (int | str, "5", "5"),
    (int | str, "x", "x"),
    (int | None, "5", 5),
    (Optional[int], "5", 5),
    (Union[int, str, None], "x", "x"),
    (UUID | int, "7", 7),
    (bool | Literal["auto"], "auto", "auto"),
    (bool | Literal["auto"], "yes", True),
    (BookId, "5", 5),
    (BookId | None, "5", 5),
    (Tag, "abc", "abc"),
    (Positive, "5", 5),
    (Alias, "5", 5),
    (Alias | None, "5", 5),
    (Annotated[Alias, Meta(le=9)], "5", 5),
    (Annotated[int | None, Meta(ge=1)], "5", 5),
    (Annotated[Optional[Positive], Meta(le=9), "words"], "5", 5),
    (Annotated[datetime, Meta(tz=True)], "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    (Fixed[str], "5", 5),
    (Itself[int], "5", 5),
    (Final[int], "5", 5),
    (LiteralString, "a", "a"),
    (Any, "5", "5"),
    (object, "5", "5"),
    (Any | None, "5", "5"),
]

LISTS = [
    (list[int], "v=1&v=2", [1, 2]),
    (list[int], "v=1", [1]),
    (list[str], "v=", [""]),
    (list, "v=1&v=2", ["1", "2"]),
    (list[Any], "v=1", ["1"]),
    (set[int], "v=1&v=2&v=1", {1, 2}),
    (frozenset[Colour], "v=red", frozenset({Colour.RED})),
    (tuple[int, ...], "v=1&v=2", (1, 2)),
    (tuple[int, str], "v=1&v=2", (1, "2")),
    (tuple, "v=1", ("1",)),
    (Sequence[int], "v=1", [1]),
    (MutableSequence[int], "v=1", [1]),
    (Collection[int], "v=1", [1]),
    (AbstractSet[int], "v=1", {1}),
    (list[bool], "v=on&v=no", [True, False]),
    (tuple[bool, int], "v=on&v=1", (True, 1)),
    (list[int | None], "v=1", [1]),
    (list[int] | None, "v=1", [1]),
    (Optional[list[Size]], "v=1", [Size.SMALL]),
    (list[Positive], "v=1", [1]),
    (Annotated[list[int], Meta(max_length=2)], "v=1&v=2", [1, 2]),
    (Annotated[list[int] | None, Meta(max_length=2)], "v=1&v=2", [1, 2]),
    (list[Alias], "v=1", [1]),
    (Many[int], "v=1&v=2", [1, 2]),
    (Many[BookId], "v=1", [1]),
    (OfAlias[int], "v=1", [1]),
    (Many, "v=1", ["1"]),
    (list[Literal["a", "b"]], "v=a", ["a"]),
    (list[Decimal], "v=1.5", [Decimal("1.5")]),
]


def _same(left: object, right: object) -> bool:
    return left == right and type(left) is type(right)


class TestQuery:
    @table("annotation, text, expected", SCALARS)
    def test_a_scalar(self, annotation: Any, text: str, expected: object):
        assert _same(Probe(annotation).query(text), expected)
        assert _same(Probe(Annotated[annotation, Query()]).query(text), expected)

    @table("annotation, query, expected", LISTS)
    def test_a_collection_takes_every_value(self, annotation: Any, query: str, expected: object):
        assert _same(Probe(annotation)(f"/x?{query}"), expected)
        assert _same(Probe(Annotated[annotation, Query(alias="w")])(f"/x?{query.replace('v=', 'w=')}"), expected)

    @table(
        "annotation, query, code",
        [
            (int, "", "missing"),
            (list[int], "", "missing"),
            (int, "v=", "type_error"),
            (int, "v=x", "type_error"),
            (int, "v=1.5", "type_error"),
            (int, "v=%205", "type_error"),
            (int, "v=null", "type_error"),
            (int | None, "v=null", "type_error"),
            (int | None, "v=None", "type_error"),
            (int | None, "v=", "type_error"),
            (bool | None, "v=null", "type_error"),
            (Literal["a", None], "v=null", "invalid_choice"),
            (int, "v=" + "9" * 5000, "type_error"),
            (float, "v=nan", "not_finite"),
            (float, "v=-inf", "not_finite"),
            (float, "v=Infinity", "not_finite"),
            (float | None, "v=NaN", "not_finite"),
            (Decimal, "v=NaN", "not_finite"),
            (Decimal, "v=sNaN", "not_finite"),
            (Decimal, "v=Infinity", "not_finite"),
            (float | str, "v=1e999", None),
            (int | float, "v=nan", "not_finite"),
            (float, "v=1e999", "type_error"),
            (bool, "v=maybe", "type_error"),
            (bool, "v=", "type_error"),
            (bool, "v=t", "type_error"),
            (UUID, "v=1", "invalid_format"),
            (date, "v=2024-02-30", "invalid_format"),
            (datetime, "v=yesterday", "invalid_format"),
            (Annotated[datetime, Meta(tz=True)], "v=2024-01-01T00:00:00", "invalid_format"),
            (time, "v=25:00:00", "invalid_format"),
            (timedelta, "v=long", "invalid_format"),
            (bytes, "v=%21", "invalid_format"),
            (Colour, "v=green", "invalid_choice"),
            (Size, "v=3", "invalid_choice"),
            (Size, "v=x", "invalid_choice"),
            (Literal["a"], "v=b", "invalid_choice"),
            (Positive, "v=0", "too_small"),
            (Annotated[int, Meta(ge=1)], "v=0", "too_small"),
            (Annotated[int, Meta(lt=9)], "v=9", "too_large"),
            (Annotated[float, Meta(le=9)], "v=9.5", "too_large"),
            (Annotated[int, Meta(multiple_of=5)], "v=9", "not_multiple"),
            (Annotated[str, Meta(min_length=2)], "v=a", "too_short"),
            (Annotated[str, Meta(max_length=2)], "v=abc", "too_long"),
            (Annotated[str, Meta(pattern="^a+$")], "v=b", "pattern_mismatch"),
            (Annotated[int | None, Meta(ge=1)], "v=0", "too_small"),
            (Annotated[int, Meta(ge=1)] | None, "v=0", "too_small"),
            (Tag, "v=abcd", "too_long"),
            (Annotated[list[int], Meta(max_length=1)], "v=1&v=2", "too_long"),
            (tuple[int, int], "v=1", "too_short"),
            (tuple[int, int], "v=1&v=2&v=3", "too_long"),
            (int, "v=1&v=1", "repeated"),
            (str, "v=1&v=2", "repeated"),
            (str | None, "v=1&v=2", "repeated"),
            (bool, "v=1&v=1", "repeated"),
            (Annotated[set[int], Meta(min_length=2)], "v=1&v=1", "repeated"),
            (Annotated[frozenset[bool], Meta(max_length=2)], "v=1&v=true", "repeated"),
        ],
    )
    def test_what_does_not_fit_is_422(self, annotation: Any, query: str, code: str | None):
        probe = Probe(annotation)
        if code is None:
            assert probe(f"/x?{query}") == query.removeprefix("v=")
        else:
            assert probe.issues(f"/x?{query}") == [("query", "/v", code)]

    @table(
        "annotation, query, pointer",
        [
            (list[int], "v=1&v=x", "/v/1"),
            (list[int | None], "v=null", "/v/0"),
            (list[float], "v=1&v=nan", "/v/1"),
            (tuple[Decimal, ...], "v=inf", "/v/0"),
            (list[bool], "v=on&v=perhaps", "/v/1"),
            (tuple[int, Colour], "v=1&v=x", "/v/1"),
            (set[Positive], "v=0", "/v/0"),
        ],
    )
    def test_a_value_of_a_list_is_pointed_at(self, annotation: Any, query: str, pointer: str):
        assert [found for _, found, _ in Probe(annotation).issues(f"/x?{query}")] == [pointer]

    def test_names_that_no_parameter_has_do_not_matter(self):
        assert Probe(int)("/x?w=1&v=5&w=2&=3&&") == 5

    def test_an_alias_is_the_name_on_the_wire(self):
        probe = Probe(Annotated[int, Query(alias="from/to~")])
        assert probe("/x?from%2Fto~=5") == 5
        assert probe.send("/x?v=5").status_code == 422
        probe = Probe(Annotated[int, Query(alias="from/to~")])
        assert probe.issues("/x?from%2Fto~=5&from%2Fto~=6") == [("query", "/from~1to~0", "repeated")]

    def test_a_query_that_breaks_its_grammar_is_400(self):
        response = Probe(str).send("/x?v=%ff")
        assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
        assert Probe(str).send("/x?" + "v&" * 2000).status_code == 400

    def test_plus_and_escapes(self):
        assert Probe(str)("/x?v=a+b%2Bc%C3%A9") == "a b+cé"

    def test_semicolons_separate_nothing(self):
        assert Probe(str)("/x?v=1;v=2") == "1;v=2"

    def test_in_a_set_whose_length_is_bounded_each_item_is_sent_once(self):
        kind = Annotated[set[int], Meta(max_length=2)]
        assert Probe(kind)("/x?v=1&v=2") == {1, 2}
        assert Probe(kind, {1})("/x") == {1}
        assert Probe(set[int])("/x?v=1&v=1") == {1}


class TestDefaults:
    @table(
        "annotation, default, expected",
        [
            (int, 5, 5),
            (float, 5, 5),
            (float, math.inf, math.inf),
            (Decimal, Decimal("NaN"), None),
            (list[float], [math.inf], [math.inf]),
            (int | None, None, None),
            (int | None, NOTHING, None),
            (list[int] | None, NOTHING, None),
            (Literal["a", None], NOTHING, None),
            (Annotated[int | None, Meta(ge=1)], NOTHING, None),
            (str, "", ""),
            (Colour, Colour.RED, Colour.RED),
            (int, Size.LARGE, Size.LARGE),
            (str, Mode.FAST, Mode.FAST),
            (Literal["a"], "a", "a"),
            (date, date(2024, 1, 1), date(2024, 1, 1)),
            (UUID, UUID(int=1), UUID(int=1)),
            (list[int], [1, 2], [1, 2]),
            (list[int], (), ()),
            (Sequence[int], (1,), (1,)),
            (set[int], {1}, {1}),
            (frozenset[int], frozenset(), frozenset()),
            (tuple[int, ...], (1, 2), (1, 2)),
            (Annotated[int, Meta(ge=1)], 1, 1),
            (Any, None, None),
            (Any, NOTHING, "422"),
            (bytes, b"x", b"x"),
        ],
    )
    def test_what_is_not_sent_is_the_default(self, annotation: Any, default: object, expected: object):
        probe = Probe(annotation, default)
        if expected == "422":
            assert probe.issues() == [("query", "/v", "missing")]
        elif expected is None and default is not NOTHING and default is not None:
            assert probe() is default
        else:
            assert probe() == expected

    def test_a_default_that_could_not_be_sent_does_not_let_others_in(self):
        probe = Probe(float, math.inf)
        assert probe("/x?v=2") == 2
        assert Probe(float, math.inf).issues("/x?v=nan") == [("query", "/v", "not_finite")]
        assert Probe(float, math.inf).issues("/x?v=inf") == [("query", "/v", "not_finite")]
        assert Probe(list[float], [math.inf])("/x?v=1") == [1.0]

    def test_an_object_of_the_programmers_stays_the_same_object(self):
        marker = object()
        assert Probe(NOTHING, marker)() is marker
        assert Probe(Any, marker)() is marker
        day = datetime(2024, 1, 1, tzinfo=UTC)
        assert Probe(datetime, day)() is day

    def test_what_may_change_is_never_shared_between_requests(self):
        app = application()

        @app.get("/x")
        def handler(v: list[int] = [], w: set[str] = {"a"}) -> list[int]:
            v.append(1)
            w.add("b")
            return [len(v), len(w)]

        client = client_of(app)
        assert [client.get("/x").json() for _ in range(3)] == [[1, 2]] * 3
        assert handler.__defaults__ == ([], {"a"})

    def test_a_default_body_is_never_shared_between_requests(self):
        app = application()

        @app.post("/x")
        def handler(
            body: Annotated[dict[str, list[int]], Body()] = {"a": []},
        ) -> int:
            body["a"].append(1)
            return len(body["a"])

        @app.post("/book")
        def book(body: Book = Book("a")) -> Book:
            body.pages += 1
            return body

        client = client_of(app)
        assert [client.post("/x").json() for _ in range(2)] == [1, 1]
        assert [client.post("/book").json()["pages"] for _ in range(2)] == [1, 1]

    @table(
        "default, text, expected",
        [
            (1, "5", 5),
            (1.0, "5", 5.0),
            (True, "off", False),
            ("a", "5", "5"),
            (None, "5", "5"),
            (NOTHING, "5", "5"),
            (Size.SMALL, "2", Size.LARGE),
            (Colour.RED, "blue", Colour.BLUE),
            (date(2024, 1, 1), "2025-01-01", date(2025, 1, 1)),
            ([], "5", ["5"]),
            ((), "5", ("5",)),
            (object, "5", "5"),
        ],
    )
    def test_without_an_annotation_the_default_says_the_type(self, default: object, text: str, expected: object):
        assert _same(Probe(NOTHING, default).query(text), expected)


class TestPath:
    @table(
        "path, annotation, text, expected",
        [
            ("/<v>", NOTHING, "a%20b", "a b"),
            ("/<v>", str, "5", "5"),
            ("/<v>", Any, "5", "5"),
            ("/<v>", int, "5", 5),
            ("/<v>", BookId, "5", 5),
            ("/<v>", Alias, "5", 5),
            ("/<v>", Positive, "5", 5),
            ("/<v>", Annotated[int, Path()], "5", 5),
            ("/<v>", float, "1.5", 1.5),
            ("/<v>", date, "2024-01-01", date(2024, 1, 1)),
            ("/<v>", UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
            ("/<v>", bool, "yes", True),
            ("/<v>", Decimal, "1.50", Decimal("1.50")),
            ("/<v>", datetime, "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
            ("/<v>", Colour, "red", Colour.RED),
            ("/<v>", Size, "1", Size.SMALL),
            ("/<v>", Literal["a", "b"], "a", "a"),
            ("/<v>", Literal[1], "1", 1),
            ("/<v>", int | str, "x", "x"),
            ("/<v>", int | None, "5", 5),
            ("/<v>", Annotated[str, Meta(max_length=3)], "abc", "abc"),
            ("/<int:v>", NOTHING, "5", 5),
            ("/<int:v>", int, "005", 5),
            ("/<int:v>", Any, "5", 5),
            ("/<int:v>", object, "5", 5),
            ("/<int:v>", float, "5", 5.0),
            ("/<int:v>", Decimal, "5", Decimal(5)),
            ("/<int:v>", Positive, "5", 5),
            ("/<int:v>", int | None, "5", 5),
            ("/<int:v>", int | str, "5", 5),
            ("/<int:v>", Size, "2", Size.LARGE),
            ("/<int:v>", Access, "2", Access.WRITE),
            ("/<int:v>", Literal[1, 2], "2", 2),
            ("/<int:v>", Alias, "5", 5),
            ("/<float:v>", float, "5", 5.0),
            ("/<float:v>", Decimal, "1.5", Decimal("1.5")),
            ("/<uuid:v>", UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
            ("/<date:v>", date, "2024-01-01", date(2024, 1, 1)),
            ("/<path:v>", str, "a/b", "a/b"),
            ("/<any(red,blue):v>", Colour, "red", Colour.RED),
            ("/<any(red,blue):v>", Literal["red", "blue"], "blue", "blue"),
            ("/<v>", bytes, "aGk=", b"hi"),
        ],
    )
    def test_a_placeholder(self, path: str, annotation: Any, text: str, expected: object):
        assert _same(Probe(annotation, path=path)(f"/{text}"), expected)

    @table(
        "path, annotation, text",
        [
            ("/<v>", int, "x"),
            ("/<v>", int, "-5"),
            ("/<v>", int, "9" * 20),
            ("/<v>", Positive, "x"),
            ("/<v>", float, "nan"),
            ("/<v>", Annotated[float, Meta(gt=0)], "nan"),
            ("/<v>", Decimal, "NaN"),
            ("/<v>", Decimal, "sNaN"),
            ("/<v>", Decimal, "inf"),
            ("/<v>", date, "2024-02-30"),
            ("/<v>", UUID, "5"),
            ("/<v>", bool, "maybe"),
            ("/<v>", Colour, "green"),
            ("/<int:v>", Size, "7"),
            ("/<int:v>", Literal[1], "2"),
            ("/<v>", Literal["a"], "b"),
            ("/<v>", int | None, "null"),
            ("/<int:v>", int, "x"),
        ],
    )
    def test_what_does_not_convert_is_404(self, path: str, annotation: Any, text: str):
        response = Probe(annotation, path=path).send(f"/{text}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")

    @table(
        "path, annotation, text, code",
        [
            ("/<v>", Positive, "0", "too_small"),
            ("/<int:v>", Positive, "0", "too_small"),
            ("/<int:v>", Annotated[int, Meta(lt=3)], "3", "too_large"),
            ("/<int:v>", Annotated[int | None, Meta(lt=3)], "3", "too_large"),
            ("/<int:v>", Annotated[int, Meta(multiple_of=2)], "3", "not_multiple"),
            ("/<v>", Annotated[str, Meta(min_length=2)], "a", "too_short"),
            ("/<v>", Annotated[str, Meta(max_length=1)], "ab", "too_long"),
            ("/<v>", Annotated[str, Meta(pattern="^b")], "ab", "pattern_mismatch"),
            ("/<float:v>", Annotated[float, Meta(gt=1)], "1", "too_small"),
        ],
    )
    def test_a_violated_constraint_is_422(self, path: str, annotation: Any, text: str, code: str):
        assert Probe(annotation, path=path).issues(f"/{text}") == [("path", "/v", code)]

    def test_an_alias_names_the_placeholder(self):
        app = application()

        @app.get("/<id>/<int:page>")
        def handler(book: Annotated[int, Path(alias="id")], number: Annotated[int, Path(alias="page")]) -> list[int]:
            return [book, number]

        assert client_of(app).get("/5/7").json() == [5, 7]

    def test_a_query_parameter_may_have_the_name_of_a_placeholder(self):
        app = application()

        @app.get("/<id>")
        def handler(id: int, other: Annotated[float, Query(alias="id")]) -> list[float]:
            return [id, other]

        response = client_of(app).get("/5?id=1.5")
        assert response.text == "[5,1.5]"

    def test_a_class_of_the_users_comes_from_its_converter(self):
        class Base: ...

        class Slug(Base):
            def __init__(self, text: str) -> None:
                self.text = text

        class Slugs:
            python_type = Slug
            rank = 50
            least = 1
            run = None

            def to_python(self, text: str) -> Slug:
                return Slug(text)

            def to_url(self, value: object) -> str:
                raise NotImplementedError

        app = application()
        app.register_converter("slug", Slugs())
        for number, annotation in enumerate((Slug, Base, Slug | None, Any, NOTHING)):

            def handler(s):
                return s.text

            if annotation is not NOTHING:
                handler.__annotations__["s"] = annotation
            app.add_route(f"/{number}/<slug:s>", handler)
        client = client_of(app)
        assert [client.get(f"/{number}/a-b").text for number in range(5)] == ["a-b"] * 5

    def test_a_default_in_the_path_never_counts(self):
        assert Probe(int, 5, path="/<v>")("/7") == 7
        assert Probe(int, None, path="/<v>")("/7") == 7


class TestHeader:
    def test_the_name_has_hyphens_and_no_case(self):
        app = application()

        @app.get("/x")
        def handler(user_agent: Annotated[str, Header()], x: Annotated[int, Header(alias="X-Page")] = 1) -> str:
            return f"{user_agent} {x}"

        client = client_of(app)
        assert client.get("/x", headers={"User-Agent": "me", "x-PAGE": "3"}).text == "me 3"
        assert client.get("/x", headers={"user-agent": "me"}).text == "me 1"

    @table("annotation, text, expected", [row for row in SCALARS if "%" not in row[1]])
    def test_a_scalar(self, annotation: Any, text: str, expected: object):
        assert _same(Probe(Annotated[annotation, Header()])(headers={"v": text}), expected)

    @table(
        "lines, expected",
        [
            (["1"], [1]),
            (["1, 2,3"], [1, 2, 3]),
            (["1", "2, 3"], [1, 2, 3]),
            (["1,,\t2, "], [1, 2]),
            ([""], []),
        ],
    )
    def test_a_list_is_commas_or_lines(self, lines: list[str], expected: list[int]):
        assert Probe(Annotated[list[int], Header()])(headers=[("v", line) for line in lines]) == expected

    def test_a_header_twice(self):
        probe = Probe(Annotated[str, Header()])
        assert probe.issues(headers=[("v", "a"), ("V", "b")]) == [("header", "/v", "repeated")]

    def test_another_header_twice_does_not_matter(self):
        assert Probe(Annotated[str, Header()])(headers=[("v", "a"), ("w", "b"), ("w", "c")]) == "a"

    def test_a_header_that_is_not_there(self):
        assert Probe(Annotated[str, Header()]).issues() == [("header", "/v", "missing")]
        assert Probe(Annotated[list[str], Header()]).issues() == [("header", "/v", "missing")]
        assert Probe(Annotated[list[str] | None, Header()])() is None

    def test_bytes_that_are_not_ascii_are_latin_1(self):
        assert Probe(Annotated[str, Header()])(headers={"v": "é"}) == "é"


class TestCookie:
    def test_a_cookie(self):
        probe = Probe(Annotated[int, Cookie()])
        assert probe(headers={"cookie": "a=1; v=5"}) == 5
        assert Probe(Annotated[int, Cookie(alias="__Host-v")])(headers={"cookie": "__Host-v=5"}) == 5
        assert Probe(Annotated[int | None, Cookie()])(headers={"cookie": "a=1"}) is None
        assert Probe(Annotated[bool, Cookie()])(headers={"cookie": "v=on"}) is True
        assert Probe(Annotated[str, Cookie()])(headers={"cookie": "v="}) == ""

    def test_a_cookie_twice(self):
        probe = Probe(Annotated[str, Cookie()])
        assert probe.issues(headers={"cookie": "v=1; v=2"}) == [("cookie", "/v", "repeated")]
        assert Probe(Annotated[list[int], Cookie()])(headers={"cookie": "v=1; v=2"}) == [1, 2]

    def test_a_cookie_that_does_not_fit(self):
        assert Probe(Annotated[int, Cookie()]).issues(headers={"cookie": "v=x"}) == [("cookie", "/v", "type_error")]
        assert Probe(Annotated[int, Cookie()]).issues() == [("cookie", "/v", "missing")]


BODIES = [
    (Book, {"title": "t"}, Book("t")),
    (Book, {"title": "t", "pages": 3, "other": 1}, Book("t", 3)),
    (Camel, {"firstName": "x"}, Camel("x")),
    (Node, {"value": 1, "children": [{"value": 2}]}, Node(1, [Node(2)])),
    (Page[Book], {"items": [{"title": "t"}]}, Page([Book("t")])),
    (Page[BookId], {"items": [1]}, Page([1])),
    (Page, {"items": ["any", 1]}, Page(["any", 1])),
    (Defaulted, {"item": 1}, Defaulted(1)),
    (Defaulted[str], {"item": "x"}, Defaulted("x")),
    (Point, {"x": 1, "tags": ["a"]}, Point(1, 0, ["a"])),
    (Line, {"sku": "s", "price": "2.50"}, Line("s", Decimal("2.50"))),
    (Person, {"name": "n"}, {"name": "n"}),
    (Partly, {"name": "n", "age": 3}, {"name": "n", "age": 3}),
    (Pair, [1], Pair(1)),
    (list[Book], [{"title": "t"}], [Book("t")]),
    (list[Point] | None, [{"x": 1}], [Point(1)]),
    (set[Pair], [[1, "a"]], {Pair(1, "a")}),
    (tuple[Book, Point], [{"title": "t"}, {"x": 1}], (Book("t"), Point(1))),
    (dict[str, Book], {"a": {"title": "t"}}, {"a": Book("t")}),
    (dict[int, list[Person]], {"1": [{"name": "n"}]}, {1: [{"name": "n"}]}),
    (Mapping[str, Book], {"a": {"title": "t"}}, {"a": Book("t")}),
    (Cat | Dog, {"type": "Dog", "name": "d"}, Dog("d")),
    (list[Cat | Dog], [{"type": "Cat", "lives": 9}], [Cat(9)]),
    (Book | int, 5, 5),
    (Book | str, "text", "text"),
    (Book | None, None, None),
    (Optional[Book], {"title": "t"}, Book("t")),
    (Annotated[Book, Body()], {"title": "t"}, Book("t")),
    (Annotated[Book, Body(), Meta(description="words")], {"title": "t"}, Book("t")),
    (Annotated[int, Body()], 5, 5),
    (Annotated[Positive, Body()], 5, 5),
    (Annotated[str, Body()], "x", "x"),
    (Annotated[bytes, Body()], "aGk=", b"hi"),
    (Annotated[Decimal, Body()], "1.50", Decimal("1.50")),
    (Annotated[list[int], Body()], [1], [1]),
    (Annotated[dict[str, int], Body()], {"a": 1}, {"a": 1}),
    (Annotated[dict, Body()], {"a": [1]}, {"a": [1]}),  # ty: ignore[missing-type-argument] - what it is about
    (Annotated[Any, Body()], {"a": [1, None, 1.5]}, {"a": [1, None, 1.5]}),
    (Annotated[object, Body()], [1], [1]),
    (Annotated[dict[str, object], Body()], {"a": 1}, {"a": 1}),
    (Annotated[Many[int], Body()], [1], [1]),
    (Annotated[Swapped[int, str], Body()], {"a": 1}, {"a": 1}),
    (Annotated[dict[Colour, Alias], Body()], {"red": 1}, {Colour.RED: 1}),
    (Annotated[msgspec.Raw, Body()], [1], msgspec.Raw(b"[1]")),
    (Many[Book], [{"title": "t"}], [Book("t")]),
]


class TestBody:
    @table("annotation, sent, expected", BODIES)
    def test_json(self, annotation: Any, sent: object, expected: object):
        assert Probe(annotation)(json=sent) == expected

    @table(
        "annotation, sent, issues",
        [
            (Book, {}, [("body", "/title", "missing")]),
            (Book, {"title": "", "pages": "x"}, [("body", "/title", "too_short"), ("body", "/pages", "type_error")]),
            (Book, [], [("body", "", "type_error")]),
            (Book, None, [("body", "", "type_error")]),
            (list[Book], [{"title": "t"}, {}], [("body", "/1/title", "missing")]),
            (Point, {"y": None}, [("body", "/x", "missing"), ("body", "/y", "type_error")]),
            (Line, {"sku": 1}, [("body", "/sku", "type_error")]),
            (Line, {"sku": "s", "price": "NaN"}, [("body", "/price", "not_finite")]),
            (Line, {"sku": "s", "price": "sNaN"}, [("body", "/price", "not_finite")]),
            (Line, {"sku": "s", "price": "-Infinity"}, [("body", "/price", "not_finite")]),
            (Person, {}, [("body", "/name", "missing")]),
            (Partly, {"age": 1}, [("body", "/name", "missing")]),
            (Pair, [], [("body", "", "too_short")]),
            (Cat | Dog, {"type": "Cow"}, [("body", "/type", "invalid_tag")]),
            (Cat | Dog, {}, [("body", "/type", "missing")]),
            (Annotated[Positive, Body()], 0, [("body", "", "too_small")]),
            (Annotated[Swapped[int, str], Body()], {"a": "b"}, [("body", "/a", "type_error")]),
            (Defaulted, {"item": "x"}, [("body", "/item", "type_error")]),
        ],
    )
    def test_all_that_is_wrong(self, annotation: Any, sent: object, issues: list[tuple[str, str, str]]):
        assert Probe(annotation).issues(json=sent) == issues

    def test_decimals_that_only_look_odd_pass(self):
        @dataclass
        class Order:
            price: Decimal
            name: str

        probe = Probe(Order)
        assert probe(json={"price": "1.5", "name": "Nan"}) == Order(Decimal("1.5"), "Nan")
        assert probe(body=rb'{"price": "\u0031", "name": "info"}', headers=JSON) == Order(Decimal(1), "info")
        escaped = rb'{"price": "\u004eaN", "name": ""}'
        assert Probe(Order).issues(body=escaped, headers=JSON) == [("body", "/price", "not_finite")]

    @table(
        "sent, status, fragment",
        [
            (b"", 400, "it is empty"),
            (b" \n", 400, "it is empty"),
            (b"{", 400, "Malformed JSON request body"),
            (b'{"title": "t"', 400, "truncated"),
            (b'{"title": "t",}', 400, "Malformed"),
            (b'{"title": t}', 400, "Malformed"),
            (b"{'title': 't'}", 400, "Malformed"),
            (b'{"title": "t"} x', 400, "Malformed"),
            (b'{"title": NaN}', 400, "Malformed"),
            (b'{"title": "\xff"}', 400, "not UTF-8"),
            (b'{"title": "\xed\xa0\x80"}', 400, "not UTF-8"),
            (rb'{"title": "\ud800"}', 400, "Malformed"),
            (rb'{"title": "\udc00\ud800"}', 400, "Malformed"),
            (b'\xef\xbb\xbf{"title": "t"}', 400, "Malformed"),
            ('{"title": "t"}'.encode("utf-16"), 400, "Malformed"),
            (b'{"title": 5, "pages": ', 400, "Malformed"),
            (b"[" * 65 + b"]" * 65, 400, "nested more than 64 levels deep"),
            (b'{"other": ' + b"[" * 64 + b"]" * 64 + b', "title": "t"}', 400, "nested more than 64 levels deep"),
            (b"[" * 100_000, 400, "nested"),
            (b'{"a":' * 100_000, 400, "nested"),
            (b'{"other": ' + b"[" * 63 + b"]" * 63 + b', "title": "t"}', 200, ""),
            (b'{"title": "[[[' + b"[" * 100 + b'"}', 200, ""),
            (b'{"title": "\\u00e9"}', 200, ""),
            ('{"title": "\U0001f600"}'.encode(), 200, ""),
            (b'{"title": "a", "title": "b"}', 200, ""),
        ],
    )  # fmt: skip
    def test_text_that_is_or_is_not_json(self, sent: bytes, status: int, fragment: str):
        response = Probe(Book).send(body=sent, headers=JSON)
        assert response.status_code == status, response.text
        assert fragment in response.text
        if status == 400:
            assert response.json()["code"] == "malformed_body"
            assert "Content-Type: application/json" in response.json()["detail"]

    def test_of_two_members_of_one_name_the_last_counts_and_both_must_fit(self):
        assert Probe(Book)(body=b'{"title": "a", "title": "b"}', headers=JSON) == Book("b")
        twice = Probe(Book).issues(body=b'{"title": 1, "title": "b"}', headers=JSON)
        assert twice == [("body", "", "repeated")]
        last = Probe(Book).issues(body=b'{"title": "b", "title": 1}', headers=JSON)
        assert last == [("body", "/title", "type_error")]

    @table(
        "annotation, sent, issue",
        [
            (Annotated[float, Body()], b"1e400", ("body", "", "too_large")),
            (Annotated[list[float], Body()], b"[1, -1e999]", ("body", "", "too_large")),
            (Annotated[Any, Body()], b"[1, -1e999]", ("body", "", "too_large")),
            (Annotated[int, Body()], b"9" * 5000, ("body", "", "too_large")),
            (Annotated[Any, Body()], b"[" + b"9" * 5000 + b"]", ("body", "", "too_large")),
            (Annotated[float, Body()], b"1" + b"0" * 400, ("body", "", "type_error")),
            (Annotated[int, Body()], b"1.5", ("body", "", "type_error")),
            (Annotated[int, Body()], b"true", ("body", "", "type_error")),
        ],
    )
    def test_numbers_beyond_all_bounds(self, annotation: Any, sent: bytes, issue: tuple[str, str, str]):
        assert Probe(annotation).issues(body=sent, headers=JSON) == [issue]

    def test_a_large_integer_is_exact(self):
        assert Probe(Annotated[int, Body()])(body=b"9" * 400, headers=JSON) == int("9" * 400)

    @pytest.mark.parametrize(
        "kind",
        ["application/json", "application/JSON; charset=utf-8", "application/problem+json", "application/vnd.api+json"],
    )
    def test_the_media_types_of_json(self, kind: str):
        assert Probe(Book)(body=b'{"title": "t"}', headers={"content-type": kind}) == Book("t")

    @table(
        "headers",
        [
            {},
            {"content-type": ""},
            {"content-type": "text/plain"},
            {"content-type": "text/json"},
            {"content-type": "application/jsonp"},
            {"content-type": "application/json", "content-encoding": "gzip"},
            {"content-type": "application/json; charset=utf-8", "content-encoding": "deflate"},
        ],
    )
    @pytest.mark.parametrize("annotation", [Book, Book | None], ids=["required", "optional"])
    def test_anything_else_is_415(self, headers: dict[str, str], annotation: Any):
        response = Probe(annotation).send(body=b'{"title": "t"}', headers=headers)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
    def test_a_form_is_415_for_what_no_form_can_be(self, kind: str):
        response = Probe(list[Book]).send(body=b'[{"title": "t"}]', headers={"content-type": kind})
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")

    @table(
        "annotation, default, expected",
        [
            (Book | None, NOTHING, None),
            (Book | None, None, None),
            (Optional[list[Book]], None, None),
            (Book, Book("d"), Book("d")),
            (Annotated[int, Body()], 7, 7),
            (Annotated[int | None, Body()], NOTHING, None),
        ],
    )
    def test_an_optional_body(self, annotation: Any, default: object, expected: object):
        probe = Probe(annotation, default)
        assert probe() == expected
        assert probe(headers=JSON) == expected
        assert probe(headers={"content-type": "text/plain"}) == expected
        assert probe.send(body=b"{", headers=JSON).status_code == 400
        assert probe.send(body=b" ", headers=JSON).status_code == 400

    def test_an_optional_body_that_is_wrong(self):
        assert Probe(Book | None).issues(json={"pages": "x"}) == [
            ("body", "/title", "missing"),
            ("body", "/pages", "type_error"),
        ]

    def test_null_is_none_where_the_type_says_so(self):
        assert Probe(Book | None, Book("d"))(json=None) is None

    @pytest.mark.parametrize("pieces", [[b'{"title":', b' "t"}'], [b"", b'{"title": "t"}', b""]])
    def test_a_body_in_pieces(self, pieces: list[bytes]):
        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                await asyncio.sleep(0)
                yield piece

        assert Probe(Book)(body=stream(), headers=JSON) == Book("t")
        assert Probe(Book | None)(body=stream(), headers=JSON) == Book("t")

    def test_a_check_of_the_types_own(self):
        class Period(Struct):
            start: int
            end: int

            def __post_init__(self) -> None:
                if self.end < self.start:
                    raise ValueError("must not end before it starts")

        probe = Probe(Period)
        assert probe.issues(json={"start": 2, "end": 1}) == [("body", "", "invalid")]
        assert probe.send(json={"start": 2, "end": 1}).json()["errors"][0]["message"] == "must not end before it starts"


JSON = {"content-type": "application/json"}


class TestEverythingAtOnce:
    def application(self) -> TestClient:
        app = application()

        @app.post("/<n>")
        async def handler(
            n: Annotated[int, Meta(ge=10)],
            book: Book,
            page: Positive,
            colour: Colour,
            tenant: Annotated[int, Header()],
            theme: Annotated[Literal["dark"], Cookie()],
        ) -> None:
            raise NotImplementedError

        return client_of(app)

    def test_every_location_is_reported(self):
        response = self.application().post(
            "/5?page=0&colour=secret-1",
            json={"title": "", "pages": "secret-2"},
            headers={"tenant": "secret-3", "cookie": "theme=secret-4"},
        )
        assert response.status_code == 422
        assert [(e["location"], e["pointer"], e["code"]) for e in response.json()["errors"]] == [
            ("path", "/n", "too_small"),
            ("query", "/page", "too_small"),
            ("query", "/colour", "invalid_choice"),
            ("header", "/tenant", "type_error"),
            ("cookie", "/theme", "invalid_choice"),
            ("body", "/title", "too_short"),
            ("body", "/pages", "type_error"),
        ]
        assert "secret" not in response.text

    def test_the_body_alone(self):
        response = self.application().post(
            "/10?page=1&colour=red", json={}, headers={"tenant": "1", "cookie": "theme=dark"}
        )
        assert [e["pointer"] for e in response.json()["errors"]] == ["/title"]

    def test_a_path_that_names_nothing_comes_first(self):
        app = application()

        @app.post("/<colour>")
        async def handler(colour: Colour, book: Book, page: int) -> None:
            raise NotImplementedError

        client = client_of(app)
        assert client.post("/green?page=x", json={}).status_code == 404
        assert client.post("/green", body=b"{").status_code == 404
        assert client.post("/red?page=x", json={}).status_code == 422

    def test_a_body_that_is_not_json_comes_before_what_does_not_fit(self):
        assert self.application().post("/10", body=b"{", headers=JSON).status_code == 400
        assert self.application().post("/10", body=b"{}").status_code == 415

    def test_text_that_does_not_fit_with_a_body_that_does(self):
        response = self.application().post("/10", json={"title": "t"})
        assert {e["location"] for e in response.json()["errors"]} == {"query", "header", "cookie"}

    def test_the_number_of_issues_is_bounded(self):
        app = application()

        @app.post("/x")
        def handler(v: list[int], body: list[Book]) -> None:
            raise NotImplementedError

        client = client_of(app)
        query = "&".join(["v=x"] * 60)
        response = client.post(f"/x?{query}", json=[{}] * 60)
        assert len(response.json()["errors"]) == 100
        assert {e["location"] for e in response.json()["errors"]} == {"query", "body"}
        query = "&".join(["v=x"] * 600)
        assert len(client.post(f"/x?{query}", json=[{}]).json()["errors"]) == 100

    def test_a_browser_gets_a_page_and_others_text(self):
        app = application()

        @app.get("/x")
        def handler(v: int) -> str:
            raise NotImplementedError

        client = app.test_client()
        page = client.get("/x?v=<script>", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert "query /v: must be an integer" in page.text
        assert "script" not in page.text
        text = client.get("/x?v=a")
        assert (text.status_code, text.headers["content-type"]) == (422, "text/plain; charset=utf-8")


class TestInjected:
    def test_by_type(self):
        app = Flasgo(settings=ShopSettings(STRIPE_KEY="sk", CSRF_ENABLED=False))

        @app.get("/x")
        def handler(
            r: Request,
            shop: ShopSettings,
            base: Settings,
            s: Session,
            maybe: Request | None = None,
            other: Optional[ShopSettings] = None,
        ) -> list[object]:
            return [r.path, shop.STRIPE_KEY, base is shop, len(s), maybe is r, other is shop]

        assert app.test_client().get("/x").json() == ["/x", "sk", True, 0, True, True]

    @table("annotation", [NOTHING, Request, Any, object, int, Book, Request | None, "Request", str, Callable[[], int]])
    def test_by_name_whatever_the_annotation(self, annotation: Any):
        app = application()

        def handler(request):
            return request.path

        if annotation is not NOTHING:
            handler.__annotations__["request"] = annotation
        app.add_route("/x", handler)
        assert app.test_client().get("/x").text == "/x"

    def test_a_default_of_the_request_never_counts(self):
        app = application()

        @app.get("/x")
        def handler(request: Any = None, *, r: Request | None = None):
            return f"{request is r} {request.path}"

        assert app.test_client().get("/x").text == "True /x"

    def test_a_subclass_for_the_one_named_request(self):
        class OwnRequest(Request): ...

        app = application()

        @app.get("/x")
        def handler(request: OwnRequest):
            return type(request).__name__

        assert app.test_client().get("/x").text == "Request"

    def test_a_type_goes_before_the_name(self):
        app = application()

        @app.get("/x")
        def handler(request: Settings):
            return str(isinstance(request, Settings))

        assert app.test_client().get("/x").text == "True"

    def test_a_marker_and_a_path_go_before_the_name(self):
        app = application()

        @app.get("/x")
        def handler(request: Annotated[str, Query()]):
            return request

        @app.get("/p/<request>")
        def by_path(request: str):
            return request

        client = app.test_client()
        assert client.get("/x?request=q").text == "q"
        assert client.get("/p/q").text == "q"


class Calls:
    """Handlers of every shape; each answers with what it was given."""

    def method(self, id: int, page: int = 1):
        return f"{id} {page}"

    async def later(self, id: int, page: int = 1):
        return f"{id} {page}"

    @staticmethod
    def static(id: int, page: int = 1):
        return f"{id} {page}"

    @classmethod
    def by_class(cls, id: int, page: int = 1):
        return f"{id} {page}"

    def __call__(self, id: int, page: int = 1):
        return f"{id} {page}"


class Later:
    async def __call__(self, id: int, page: int = 1):
        return f"{id} {page}"


class Static:
    @staticmethod
    def __call__(id: int, page: int = 1):
        return f"{id} {page}"


def plain(id: int, page: int = 1):
    return f"{id} {page}"


async def coroutine(id: int, page: int = 1):
    return f"{id} {page}"


def awaitable(id: int, page: int = 1):
    return coroutine(id, page)


def by_position(id: int, page: int = 1, /):
    return f"{id} {page}"


def by_name(*, id: int, page: int = 1):
    return f"{id} {page}"


def mixed(id: int, /, *rest: object, page: int = 1, **others: object):
    return f"{id} {page}{''.join(map(str, rest))}{others or ''}"


def around(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def around_async(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    return wrapper


class Around:
    """A decorator that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def positions_only(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def names_only(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(**kwargs: Any) -> Any:
        return function(**kwargs)

    return wrapper


def with_request(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a parameter, which it keeps."""

    @functools.wraps(function)
    def wrapper(request, *args: Any, **kwargs: Any) -> Any:
        assert request.path.startswith("/")
        return function(*args, **kwargs)

    return wrapper


def with_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Has an option of its own, which no request has a say in."""

    @functools.wraps(function)
    def wrapper(*args: Any, retries=3, **kwargs: Any) -> Any:
        assert retries == 3
        return function(*args, **kwargs)

    return wrapper


def without_page(function: Callable[..., Any]) -> Callable[..., Any]:
    """Takes a parameter away, which it gives itself."""

    @functools.wraps(function)
    def wrapper(id) -> Any:
        return function(id, 1)

    return wrapper


def overridden(function: Callable[..., Any]) -> Callable[..., Any]:
    """Says itself what it takes."""

    def wrapper(**kwargs: Any) -> Any:
        return function(**kwargs)

    vars(wrapper)["__signature__"] = inspect.signature(function)
    return wrapper


def overridden_in_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with annotations that are strings."""

    @functools.wraps(function)
    def wrapper(**kwargs: Any) -> Any:
        return function(**kwargs)

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation="int") for name in ("id", "page")]
    vars(wrapper)["__signature__"] = inspect.Signature([parameters[0], parameters[1].replace(default=1)])
    return wrapper


class Method:
    @around
    def wrapped(self, id: int, page: int = 1):
        return f"{id} {page}"

    @around_async
    async def later(self, id: int, page: int = 1):
        return f"{id} {page}"


HANDLERS: list[Callable[..., object]] = [
    plain,
    coroutine,
    awaitable,
    by_position,
    by_name,
    mixed,
    lambda id, page=1: f"{id} {page}",
    Calls().method,
    Calls().later,
    Calls.static,
    Calls().static,
    Calls.by_class,
    Calls().by_class,
    Calls(),
    Later(),
    Static(),
    staticmethod(plain),
    functools.partial(plain),
    functools.partial(coroutine),
    functools.partial(Calls().method),
    functools.partial(Later()),
    around(plain),
    around(coroutine),
    around_async(plain),
    around_async(coroutine),
    around(around_async(around(coroutine))),
    around(Calls()),
    around(functools.partial(plain)),
    functools.partial(around(plain)),
    Around(plain),
    Around(coroutine),
    Around(around(by_name)),
    around(by_position),
    positions_only(plain),
    positions_only(by_position),
    names_only(plain),
    names_only(by_name),
    with_request(plain),
    with_request(coroutine),
    around(with_request(by_name)),
    with_request(by_position),
    with_option(plain),
    with_option(with_request(coroutine)),
    overridden(plain),
    around(overridden(plain)),
    overridden_in_words(plain),
    Method().wrapped,
    Method().later,
    around(Method().wrapped),
    functools.lru_cache(plain),
]


class TestCallables:
    @table("handler", HANDLERS)
    def test_every_shape(self, handler: Callable[..., object]):
        app = application()
        app.add_route("/<id>", handler)
        app.add_route("/loop/<id>", handler, threaded=False)
        client = app.test_client()
        assert client.get("/5").text == "5 1"
        assert client.get("/loop/5").text == "5 1"
        assert client.get("/5?page=3").text == "5 3"
        assert client.get("/loop/5?page=3").text == "5 3"
        assert client.get("/5?page=x").status_code == 422

    def test_a_wrapper_that_takes_a_parameter_away(self):
        app = application()
        app.add_route("/<id>", without_page(plain))
        assert app.test_client().get("/5?page=3").text == "5 1"

    def test_what_a_partial_binds_is_out_of_reach(self):
        def handler(id: int, is_admin: bool, page: int = 1, *, level: int = 0):
            return f"{id} {is_admin} {page} {level}"

        app = application()
        app.add_route("/a/<id>", functools.partial(handler, is_admin=False))
        app.add_route("/b/<page>", functools.partial(handler, 7, False, level=3))
        app.add_route("/c/<id>", functools.partial(functools.partial(handler, is_admin=False), page=2))
        client = app.test_client()
        assert client.get("/a/5?is_admin=1&page=2&level=4").text == "5 False 2 4"
        assert client.get("/b/5?id=1&is_admin=1&level=9").text == "7 False 5 3"
        assert client.get("/c/5?is_admin=true&page=9").text == "5 False 2 0"

    def test_a_partial_may_bind_what_lands_in_kwargs(self):
        def handler(id: int, **others: object):
            return f"{id} {others}"

        app = application()
        app.add_route("/<id>", functools.partial(handler, extra=1))
        assert app.test_client().get("/5").text == "5 {'extra': 1}"

    @pytest.mark.skipif(not hasattr(functools, "Placeholder"), reason="came with Python 3.14")
    def test_a_partial_with_an_open_place(self):
        def handler(is_admin: bool, id: int, page: int = 1):
            return f"{is_admin} {id} {page}"

        anything: Any = handler

        app = application()
        app.add_route("/<is_admin>", functools.partial(anything, getattr(functools, "Placeholder", None), 7))
        assert app.test_client().get("/yes?id=1&page=2").text == "True 7 2"

    def test_kwargs_take_what_is_left_of_the_path(self):
        app = application()

        @app.get("/<int:a>/<b>/<c>")
        def handler(b, **rest):
            return f"{b} {rest}"

        assert app.test_client().get("/1/x/y").text == "x {'a': 1, 'c': 'y'}"

    def test_args_take_nothing(self):
        app = application()

        @app.get("/x")
        def handler(*args, page: int = 1):
            return f"{args} {page}"

        assert app.test_client().get("/x?page=2").text == "() 2"

    def test_a_class_makes_the_answer(self):
        class View(Struct):
            id: int
            page: int = 1

        @dataclass
        class Other:
            id: int
            page: int = 1

        class Markup:
            def __init__(self, id: int, page: "int" = 1) -> None:
                self.text = f"{id} {page}"

            def __html__(self) -> str:
                return self.text

            async def __call__(self) -> None:
                raise NotImplementedError

        class Made(str):
            def __new__(cls, id: int, page: int = 1) -> "Made":
                return super().__new__(cls, f"{id} {page}")

        app = application()
        for kind in (View, Other, Markup, Made):
            app.add_route(f"/{kind.__name__}/<id>", kind)
        client = app.test_client()
        assert client.get("/View/5?page=2").json() == {"id": 5, "page": 2}
        assert client.get("/Other/5").json() == {"id": 5, "page": 1}
        assert client.get("/Markup/5?page=3").text == "5 3"
        assert client.get("/Made/5?page=3").text == "5 3"

    def test_a_wrapper_may_take_a_value_of_the_path_for_itself(self):
        def tenants(function):
            @functools.wraps(function)
            def wrapper(tenant, *args, **kwargs):
                return f"{tenant}: {function(*args, **kwargs)}"

            return wrapper

        app = application()
        app.add_route("/<tenant>/<id>", tenants(plain))
        assert app.test_client().get("/acme/5?page=2").text == "acme: 5 2"

    def test_a_wrapper_that_annotates_what_it_adds(self):
        def paged(function):
            def wrapper(*args, size: int = 10, **kwargs):
                return f"{size}: {function(*args, **kwargs)}"

            vars(wrapper)["__wrapped__"] = function
            return wrapper

        app = application()
        app.add_route("/<id>", paged(plain))
        assert app.test_client().get("/5?page=2&size=3").text == "3: 5 2"

    def test_names_that_the_generated_code_uses(self):
        names = (
            "values", "query", "header", "cookie", "body", "response", "handler", "render", "path", "convert", "error",
            "value", "fields", "run", "partial", "answer", "finite", "refuse", "step0", "finish0", "make", "work", "cls",
            "query_source", "query_type", "decode_body", "body_later", "ValidationError", "Exception", "match", "type", "_",
            "match_", "print", "self",
        )  # fmt: skip
        source = f"def handler({', '.join(f'{name}: str' for name in names)}): return [{', '.join(names)}]"
        for kind, prefix in (("def", ""), ("async def", "async ")):
            namespace: dict[str, Any] = {}
            exec(prefix + source, namespace)
            app = application()
            app.add_route("/<path>/<values>/<handler>", namespace["handler"], name=kind)
            query = "&".join(f"{name}={name}" for name in names)
            assert app.test_client().get(f"/path/values/handler?{query}").json() == list(names)

    def test_soft_keywords_and_letters_of_any_alphabet(self):
        app = application()

        @app.get("/<größe>")
        def handler(größe: int, case: int, имя: str):
            return f"{größe} {case} {имя}"

        assert app.test_client().get("/5?case=1&имя=x").text == "5 1 x"

    def test_two_routes_of_one_handler_read_it_each_for_itself(self):
        app = application()

        @app.get("/books")
        @app.get("/books/<id>")
        def handler(id: int | None = None):
            return str(id)

        client = app.test_client()
        assert [client.get(url).text for url in ("/books", "/books/5", "/books?id=7")] == ["None", "5", "7"]

    def test_models_of_one_name(self):
        def first():
            class Model(Struct):
                a: int

            return Model

        def second():
            class Model(Struct):
                b: int
                inner: first()  # ty: ignore[invalid-type-form] - a class that has no name here

            return Model

        probe = Probe(second())
        assert msgspec.to_builtins(probe(json={"b": 1, "inner": {"a": 2}})) == {"b": 1, "inner": {"a": 2}}


class TestStringAnnotations:
    SOURCE = """
from __future__ import annotations
from typing import Annotated
from msgspec import Meta, Struct
from flasgo import Header

class Book(Struct):
    title: str
    parts: list[Book] = []

Positive = Annotated[int, Meta(gt=0)]

def handler(id: Positive, book: list[Book] | None, page: int = 1, x_one: Annotated[str, Header()] = 'd') -> dict[str, object]:
    return {'id': id, 'book': book, 'page': page, 'x': x_one}
"""

    def test_they_mean_what_they_say(self, monkeypatch: pytest.MonkeyPatch):
        module = type(sys)("shop_of_strings")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(self.SOURCE, module.__dict__)
        app = application()
        app.post("/<id>")(module.handler)
        app.post("/wrapped/<id>")(around(module.handler))
        client = client_of(app)
        for path in ("", "/wrapped"):
            response = client.post(f"{path}/5?page=2", json=[{"title": "t", "parts": [{"title": "p"}]}])
            book = {"title": "t", "parts": [{"title": "p", "parts": []}]}
            assert response.json() == {"id": 5, "book": [book], "page": 2, "x": "d"}
            assert client.post(f"{path}/0", json=[]).status_code == 422


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements came with Python 3.12")
class TestTypeStatements:
    SOURCE = """
from msgspec import Struct, Meta
from typing import Annotated

type Positive = Annotated[int, Meta(gt=0)]
type Many[T] = list[T]
type Swap[A, B] = dict[B, A]

class Page[T](Struct):
    items: Many[T]
    total: Positive = 1

type Pages[T] = list[Page[T]]

def query(v: Many[Positive]): return v
def body(v: Pages[Positive]): return v
def answers(v: Positive) -> Swap[Positive, str]: return {'a': v}
"""

    def test_they_are_written_out(self):
        namespace: dict[str, Any] = {"__name__": "shop_of_types"}
        exec(self.SOURCE, namespace)
        app = application()
        app.get("/q")(namespace["query"])
        app.get("/a")(namespace["answers"])
        app.post("/b")(namespace["body"])
        client = client_of(app)
        assert client.get("/q?v=1&v=2").json() == [1, 2]
        assert client.get("/q?v=0").status_code == 422
        assert client.post("/b", json=[{"items": [1]}]).json() == [{"items": [1], "total": 1}]
        assert client.post("/b", json=[{"items": [0], "total": 0}]).json()["errors"][0]["pointer"] == "/0/items/0"
        assert client.get("/a?v=3").json() == {"a": 3}


class TestPlaces:
    """Where a handler runs."""

    def application(self) -> tuple[Flasgo[Any], list[str]]:
        return application(), []

    @staticmethod
    def where() -> str:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return "thread"
        return "loop"

    def answers(self, handler: Callable[..., object], **options: Any) -> str:
        app = application()
        app.add_route("/<id>", handler, methods=["GET"], **options)
        app.add_route("/body/<id>", handler, methods=["POST"], **options)
        return app.test_client().get("/1").text

    def test_a_plain_function_runs_in_a_thread(self):
        def handler(id):
            assert current.path == "/1"
            return f"{self.where()} {threading.current_thread().name.startswith('flasgo')}"

        assert self.answers(handler) == "thread True"

    def test_threaded_false_keeps_it_on_the_loop(self):
        def handler(id):
            assert current.path == "/1"
            return self.where()

        assert self.answers(handler, threaded=False) == "loop"

    def test_a_coroutine_runs_on_the_loop(self):
        async def handler(id):
            return self.where()

        assert self.answers(handler) == "loop"
        assert self.answers(around(handler)) == "loop"
        assert self.answers(Later()) == "1 1"

    def test_what_a_plain_function_gives_to_await_is_awaited_on_the_loop(self):
        async def inner():
            return self.where()

        def handler(id):
            assert self.where() == "thread"
            return inner()

        assert self.answers(handler) == "loop"

    def test_what_says_that_it_gives_an_awaitable_runs_on_the_loop(self):
        def handler(id) -> "asyncio.Future[str]":
            future = asyncio.Future[str]()
            future.set_result(self.where())
            return future

        assert self.answers(handler) == "loop"

    @pytest.mark.parametrize("threaded", [True, False])
    def test_with_a_body(self, threaded: bool):
        async def inner(title: str) -> str:
            return f"{title} {self.where()}"

        app = application()

        @app.post("/plain", threaded=threaded)
        def handler(body: Book) -> str:
            return f"{body.title} {self.where()}"

        @app.post("/awaitable", threaded=threaded)
        def later(body: Book | None, r: Request, /, page: int = 1):
            return inner(f"{body.title} {page}" if body else "none")

        client = app.test_client()
        place = "thread" if threaded else "loop"
        assert client.post("/plain", json={"title": "t"}).text == f"t {place}"
        assert client.post("/awaitable?page=2", json={"title": "t"}).text == "t 2 loop"
        assert client.post("/awaitable").text == "none loop"
