"""What the document's schema accepts the decoder accepts, and the other way round, in every place of a request."""

import enum
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from urllib.parse import quote
from uuid import UUID

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from msgspec import Meta, Struct, defstruct

from flasgo import Body, Cookie, Flasgo, Form, Header, Path, Query

pytestmark = pytest.mark.slow

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Switches(enum.Flag):
    A = 1
    C = 4


class First(Struct, tag=1):
    a: int


class Second(Struct, tag=2):
    b: int


class Numbers(Struct):
    few: Annotated[set[int], Meta(max_length=2)] = set()
    some: Annotated[frozenset[int], Meta(min_length=2)] = frozenset({1, 2})
    pair: tuple[float, float] = (0.5, 1)
    joined: Switches = Switches.A


class Point(NamedTuple):
    x: int
    y: Annotated[float, Meta(ge=0)] = 0.0


class Loose(TypedDict, total=False):
    a: int
    b: str


@dataclass
class Address:
    street: Annotated[str, Meta(max_length=4)]
    number: int = 1
    tags: list[Literal["a", "b"]] = field(default_factory=list)


@attrs.define
class Car:
    wheels: Annotated[int, Meta(ge=3, le=4)]
    garage: Address | None = None


class Inner(Struct, rename="camel"):
    first_name: Annotated[str, Meta(min_length=1, max_length=3)]
    age_now: Annotated[int, Meta(ge=0, lt=150)] | None = None


class Closed(Struct, forbid_unknown_fields=True):
    a: int
    b: bool = False


class Cat(Struct, tag=True):
    lives: Annotated[int, Meta(le=9)]


class Dog(Struct, tag=True):
    name: str
    friend: "Cat | Dog | None" = None


class Alone(Struct, tag="alone"):
    a: int


class Row(Struct, array_like=True):
    a: int
    b: str = ""


class Page(Struct, Generic[T]):
    items: Annotated[list[T], Meta(max_length=2)]
    more: T | None = None


class Tree(Struct):
    value: int
    left: "Tree | None" = None


SCALARS: tuple[Any, ...] = (
    int,
    Annotated[int, Meta(ge=-3, le=3)],
    Annotated[int, Meta(gt=0, multiple_of=3)],
    float,
    Annotated[float, Meta(gt=0, lt=1)],
    bool,
    Annotated[str, Meta(min_length=1, max_length=3)],
    Annotated[str, Meta(pattern="^[a-c]+$")],
    Decimal,
    UUID,
    date,
    datetime,
    Annotated[datetime, Meta(tz=True)],
    Annotated[datetime, Meta(tz=False)],
    time,
    Annotated[time, Meta(tz=True)],
    Annotated[time, Meta(tz=False)],
    timedelta,
    Literal["a", "b"],
    Literal[1, 2],
    Colour,
    Level,
    Right,
    Switches,
    bytes,
    Annotated[bytes, Meta(min_length=1, max_length=2)],
    int | None,
    UUID | int,
    UUID | Level,
    timedelta | bool,
    Decimal | None,
)

COLLECTIONS: tuple[Any, ...] = (
    list[int],
    Annotated[list[UUID], Meta(min_length=1, max_length=2)],
    Annotated[set[int], Meta(min_length=1)],
    tuple[int, bool],
    tuple[Decimal, ...],
    frozenset[Literal["a", "b"]],
    Annotated[set[int], Meta(max_length=2)],
    Annotated[frozenset[Literal["a", "b", "c"]], Meta(min_length=2)],
    tuple[int, int],
    list[bool],
    list[timedelta],
)

NESTED: tuple[Any, ...] = (
    str,
    Any,
    int | str | None,
    Point,
    Loose,
    Address,
    Car,
    list[Car | None],
    Inner,
    Closed,
    Cat | Dog,
    Cat | Dog | None | int,
    First | Second,
    Numbers,
    list[Numbers],
    Alone,
    list[Alone],
    Row,
    Page[Inner],
    Page[Decimal],
    Tree,
    dict[str, int],
    dict[int, Decimal],
    dict[UUID, int],
    dict[date, bool],
    dict[Colour, int],
    dict[Level, int],
    Annotated[dict[str, int], Meta(max_length=1)],
    list[Inner | None],
    dict[str, list[timedelta]],
)


def names(annotation: object) -> str:
    return re.sub(r"msgspec\.|typing\.|datetime\.|tests\.property\.\w+\.|__main__\.|test_\w+\.", "", str(annotation))


# ── formats, as their registers have them (JSON Schema 2020-12 §7.3)

_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
FORMATS: dict[str, Callable[[str], bool]] = {
    "uuid": lambda text: re.fullmatch("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) is not None,
    "date": lambda text: is_date(text),
    "time": lambda text: re.fullmatch(_CLOCK, text) is not None,
    "date-time": lambda text: is_date(text[:10]) and re.fullmatch(f"[Tt]{_CLOCK}", text[10:]) is not None,
}


def is_date(text: str) -> bool:
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def checker() -> Any:
    made = FormatChecker(formats=())
    for name, check in FORMATS.items():
        made.checks(name)(lambda value, check=check: not isinstance(value, str) or check(value))
    return made


def route(annotation: object, path: str = "/") -> tuple[Any, dict[str, Any]]:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    async def handler(v: object) -> str:
        return ""

    handler.__annotations__["v"] = annotation
    app.post(path)(handler)
    document = app.openapi_spec()
    (item,) = document["paths"].values()
    return app.test_client(), {**item["post"], "components": document["components"]}


@cache
def body_of(annotation: Any) -> tuple[Any, Any, dict[str, Any]]:
    client, operation = route(Annotated[annotation, Body()])
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": operation["components"]}
    return client, Draft202012Validator(whole, format_checker=checker()), whole


def agree(client: Any, validator: Any, value: object) -> None:
    """The same verdict of both."""
    text = json.dumps(value)
    valid = validator.is_valid(value)
    response = client.post("/", body=text.encode(), headers={"content-type": "application/json"})
    assert response.status_code == (200 if valid else 422), (text, response.text)


BY_FORMAT = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.from_regex(f"[0-9]{{4}}-[01][0-9]-[0-3][0-9][Tt]{_CLOCK}", fullmatch=True),
    "time": st.from_regex(_CLOCK, fullmatch=True),
}


def values_of(schema: dict[str, Any], root: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema, nearly always: whoever draws asks the validator."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return st.deferred(lambda: values_of(root["components"]["schemas"][name], root, depth + 1))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        choices = sorted(schema["anyOf"], key=lambda one: one == {"type": "null"}, reverse=True)
        return st.one_of([values_of({**rest, **one}, root, depth + 1) for one in choices[: 1 if depth > 8 else None]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([values_of({**schema, "type": one}, root, depth) for one in kind])
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            low, high = schema.get("minimum", -(10**6)), schema.get("maximum", 10**6)
            return st.integers(low, high).map(lambda each: each * schema.get("multipleOf", 1))
        case "number":
            return st.floats(schema.get("minimum", -1e9), schema.get("maximum", 1e9)) | st.integers(0, 9)
        case "string" if "pattern" in schema:
            return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        case "string" if schema.get("format") in BY_FORMAT:
            return BY_FORMAT[schema["format"]]
        case "string":
            return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 9))
        case "array" if "prefixItems" in schema:
            return st.tuples(*(values_of(one, root, depth + 1) for one in schema["prefixItems"])).map(list)
        case "array":
            low, high = schema.get("minItems", 0), schema.get("maxItems", 3)
            return st.lists(values_of(schema.get("items", {}), root, depth + 1), min_size=low, max_size=high)
        case "object":
            members = {name: values_of(one, root, depth + 1) for name, one in schema.get("properties", {}).items()}
            required = set(schema.get("required", ()))
            named = st.fixed_dictionaries(
                {name: one for name, one in members.items() if name in required},
                optional={name: one for name, one in members.items() if name not in required},
            )
            more = schema.get("additionalProperties", True)
            if not isinstance(more, dict):
                return named
            keys = values_of({"type": "string", **schema.get("propertyNames", {})}, root, depth + 1)
            return st.dictionaries(keys, values_of(more, root, depth + 1), max_size=2)
        case _:
            return JSON


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.sampled_from([0.5, 1.0, 1e3, -0.0])
    | st.sampled_from(
        ["", "a", "ab", "abcd", "red", "1", "1.5", "nan", "1_0", "P1D", "p1d", "2024-02-29", "2023-02-29"]
    )
    | st.dates().map(str)
    | st.datetimes().map(lambda at: at.isoformat())
    | st.times().map(str)
    | st.uuids().map(str)
    | st.uuids().map(lambda each: each.hex)
    | st.decimals(allow_nan=True).map(str)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "v", "type", "firstName", "value", "1", "x", "red"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)

FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def changed(value: Any, data: st.DataObject) -> Any:
    """A valid value with a change somewhere."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        rest = {key: item for key, item in value.items() if key != name}
        return data.draw(st.sampled_from([rest, {**value, name: changed(value[name], data)}, {**value, "zz": 1}]))
    if isinstance(value, list) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], changed(value[place], data), *value[place + 1 :]]
    if isinstance(value, str) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value)))
        piece = data.draw(st.sampled_from(["", "0", "-", " ", "_", "T", "Z", "+", ":", "x", "P", "\u0661"]))
        return value[:place] + piece + value[place + data.draw(st.integers(0, 1)) :]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and data.draw(st.booleans()):
        return value + data.draw(st.sampled_from([1, -1, 0.5, 1000]))
    return data.draw(JSON)


def check_body(annotation: Any, data: st.DataObject) -> None:
    client, validator, whole = body_of(annotation)
    value = data.draw(values_of(whole, whole))
    if validator.is_valid(value):
        agree(client, validator, value)
    agree(client, validator, changed(value, data))
    agree(client, validator, data.draw(JSON))


@pytest.mark.parametrize("annotation", [*SCALARS, *COLLECTIONS, *NESTED], ids=names)
@FEW
@given(data=st.data())
def test_json_bodies(annotation: Any, data: st.DataObject):
    check_body(annotation, data)


# ── text: a schema is of values, and a client writes them down; whatever it wrote stands for every value that is written so


def readings(text: str) -> list[Any]:
    """The values that this text may stand for."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    plain = text in {"true", "false"} or (
        type(value) in {int, float} and "n" not in text.lower() and text.strip() == text
    )
    return [text, value] if plain else [text]


def is_valid(validator: Any, texts: list[str], *, many: bool) -> bool:
    if many:
        return any(validator.is_valid(list(each)) for each in product(*map(readings, texts)))
    return len(texts) == 1 and any(map(validator.is_valid, readings(texts[0])))


def written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def by_query(texts: list[str]) -> dict[str, Any]:
    return {"params": [("v", text) for text in texts]}


def by_header(texts: list[str]) -> dict[str, Any]:
    return {"headers": {"v": ",".join(texts)}}


def by_cookie(texts: list[str]) -> dict[str, Any]:
    return {"headers": {"cookie": "; ".join(f"v={text}" for text in texts)}}


def by_form(texts: list[str]) -> dict[str, Any]:
    return {"data": [("v", text) for text in texts] or [("other", "")]}


def by_multipart(texts: list[str]) -> dict[str, Any]:
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    parts = [part % (b"v", text.encode()) for text in texts] or [part % (b"other", b"")]
    return {"body": b"".join(parts) + b"--b--\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}}


PLACES: dict[str, tuple[object, Callable[[list[str]], dict[str, Any]], str]] = {
    "query": (Query(), by_query, ""),
    "header": (Header(), by_header, "\\, "),
    "cookie": (Cookie(), by_cookie, '";,\\ '),
    "form": (Form(), by_form, ""),
    "multipart": (Form(), by_multipart, ""),
    "form of a record": (Form(), by_form, ""),
}


@cache
def text_route(place: str, annotation: Any) -> tuple[Any, Any, dict[str, Any]]:
    marker, _, _ = PLACES[place]
    kind: Any = defstruct("Record", [("v", annotation)]) if place == "form of a record" else annotation
    client, operation = route(Annotated[kind, marker])
    if "form" in place or place == "multipart":
        contents = operation["requestBody"]["content"]
        schema = contents["application/x-www-form-urlencoded"]["schema"]["properties"]["v"]
    else:
        (schema,) = (one["schema"] for one in operation["parameters"] if one["name"] == "v")
    whole = {**schema, "components": operation["components"]}
    return client, Draft202012Validator(whole, format_checker=checker()), whole


def agree_on_text(place: str, annotation: Any, texts: list[str]) -> None:
    _, send, unwritable = PLACES[place]
    if place in {"header", "cookie"} and not all(
        text and text.isascii() and text.isprintable() and not set(text) & set(unwritable) for text in texts
    ):
        return
    client, validator, whole = text_route(place, annotation)
    arrays = {one.get("type") == "array" for one in (whole, *whole.get("anyOf", ())) if one.keys() != {"anyOf"}}
    response = client.post("/", **send(texts))
    valid = any(is_valid(validator, texts, many=many) for many in arrays)
    assert response.status_code == (200 if valid else 422), (texts, whole, response.text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("annotation", [*SCALARS, *COLLECTIONS], ids=names)
@FEW
@given(data=st.data())
def test_text(place: str, annotation: Any, data: st.DataObject):
    _, _, whole = text_route(place, annotation)
    value = data.draw(values_of(whole, whole))
    many = isinstance(value, list)
    texts = [written(each) for each in (value if many else [value])]
    if texts:
        agree_on_text(place, annotation, texts)
        agree_on_text(
            place, annotation, [f"{text}.0" if re.fullmatch("-?[0-9]{1,15}", text) else text for text in texts]
        )
        place_of_change = data.draw(st.integers(0, len(texts) - 1))
        texts[place_of_change] = written(changed(texts[place_of_change], data))
        agree_on_text(place, annotation, texts)


NOT_PLAIN = re.compile(r"[eE]|\.0$|^-?0[0-9]")


@cache
def path_route(annotation: Any) -> tuple[Any, Any, dict[str, Any]]:
    client, operation = route(Annotated[annotation, Path()], "/<v>")
    (parameter,) = (one for one in operation["parameters"] if one["in"] == "path")
    whole = {**parameter["schema"], "components": operation["components"]}
    return client, Draft202012Validator(whole, format_checker=checker()), whole


@pytest.mark.parametrize("annotation", SCALARS, ids=names)
@FEW
@given(data=st.data())
def test_paths(annotation: Any, data: st.DataObject):
    client, validator, whole = path_route(annotation)
    value = data.draw(values_of(whole, whole))
    for text in (written(value), written(changed(written(value), data))):
        if not text or "/" in text or text in {".", ".."}:
            continue
        kinds = whole.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if {"integer", "number"}.intersection(kinds) and NOT_PLAIN.search(text):
            continue  # a path has numbers in one spelling: what is written otherwise names nothing
        response = client.post("/" + quote(text, safe=""))
        valid = is_valid(validator, [text], many=False)
        assert (response.status_code == 200) == valid, (text, whole, response.text)
        assert response.status_code in {200, 404, 422}
