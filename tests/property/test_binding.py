"""Whatever is sent: a handler is called with a value of its types, or the answer is a 4xx; and nothing undeclared goes out."""

import asyncio
import contextlib
import enum
import functools
import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from flasgo import Cookie, Flasgo, Header, MalformedBody, RegistrationError, TestClient, ValidationFailed
from flasgo.plan.checks import exact, narrow
from flasgo.validation.decode import MAX_JSON_DEPTH, json_decoder
from flasgo.validation.issues import BOOL_WORDS
from flasgo.validation.numbers import with_whole_numbers


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


SCALARS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "decimal": Decimal,
    "uuid": UUID,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
    "colour": Colour,
    "size": Size,
    "literal": Literal["a", "b", 1],
    "positive": Annotated[int, Meta(gt=0)],
    "short": Annotated[str, Meta(max_length=3)],
    "either": int | UUID,
    "optional": float | None,
}

ANNOTATIONS = {
    **SCALARS,
    **{f"list of {name}": list[kind] for name, kind in SCALARS.items()},
    "set": set[int],
    "tuple": tuple[bool, ...],
    "fixed": tuple[int, bool, str],
}

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "null", "None", "nan", "NaN", "-nan", "sNaN", "NaN1", "inf", "-Infinity", "1e999", "1e400", "-1e-400", "0", "-0",
        "1.0", "1e5", "+1", " 1", "1_0", "0x10", "٣", "true", "On", "no", "", "red", "1", "2", "a", "\ud7ff", "\x00", "[]",
        "{}", '"a"', "2024-01-01", "2024-02-30", "2024-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59", "0001-01-01T00:00:00-23:59",
        "1700000000", "1e300", "P1D", "P99999999999999999D", "PT1e9S", "23:59:60", "24:00:00", "9" * 5000, "1" + "0" * 400,
        "1E+999999999999999999999", "00000000-0000-0000-0000-000000000000", "aGk=", "aGk",
    ]),
    st.integers().map(str),
    st.floats().map(str),
    st.decimals().map(str),
    st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
    st.timedeltas().map(lambda delta: msgspec.to_builtins(delta)),
    st.uuids().map(str),
)  # fmt: skip


def is_of(value: object, annotation: Any) -> bool:
    """Would msgspec take the value itself as one of this type, and is every number in it finite?"""
    items = value if isinstance(value, (list, set, tuple)) else [value]
    numbers = [item for item in items if isinstance(item, (float, Decimal))]
    finite = all(n.is_finite() if isinstance(n, Decimal) else math.isfinite(n) for n in numbers)
    return finite and bool(msgspec.convert(msgspec.to_builtins(value), annotation) == value)


@functools.cache
def text_client() -> tuple[TestClient, list[object]]:
    """An application with a route for each type, from the query, from a header and from a cookie; and what came last."""
    app: Flasgo[Any] = Flasgo()
    last: list[object] = []
    for number, annotation in enumerate(ANNOTATIONS.values()):
        for place, kind in (
            ("query", annotation),
            ("header", Annotated[annotation, Header()]),
            ("cookie", Annotated[annotation, Cookie()]),
        ):

            def handler(v, w: int | None = None):
                last[:] = [v]
                return "ok"

            handler.__annotations__["v"] = kind
            app.add_route(f"/{place}/{number}", handler, threaded=False)
    for number, annotation in enumerate(SCALARS.values()):

        def by_path(v):
            last[:] = [v]
            return "ok"

        by_path.__annotations__["v"] = annotation
        app.add_route(f"/path/{number}/<v>", by_path, threaded=False)
    return app.test_client(headers={"accept": "application/json"}), last


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """The application is compiled before the first example is timed."""
    client, _ = text_client()
    client.get("/query/0?v=a")


@given(st.sampled_from(sorted(ANNOTATIONS)), st.lists(TEXTS, max_size=4))
def test_what_comes_from_the_query_is_of_its_type(name: str, texts: list[str]):
    assume(all(max(text, default="") > "\ud7ff" or True for text in texts))
    client, last = text_client()
    annotation = ANNOTATIONS[name]
    last.clear()
    query = urlencode([("v", text.encode("utf-8", "replace")) for text in texts])
    response = client.get(f"/query/{list(ANNOTATIONS).index(name)}?{query}")
    check(response, last, annotation, "query", texts)


@given(st.sampled_from(sorted(ANNOTATIONS)), TEXTS)
def test_what_comes_from_a_cookie_or_a_header_is_of_its_type(name: str, text: str):
    client, last = text_client()
    number = list(ANNOTATIONS).index(name)
    sent = "".join(c for c in text if " " <= c <= "\xff" and not "\x7f" <= c <= "\x9f" and c not in ";").strip(" \xa0")
    for place, headers in (("header", {"v": sent}), ("cookie", {"cookie": f"v={sent}"})):
        last.clear()
        check(client.get(f"/{place}/{number}", headers=headers), last, ANNOTATIONS[name], place, [sent])


@given(st.sampled_from(sorted(SCALARS)), TEXTS)
def test_what_comes_from_the_path_is_of_its_type(name: str, text: str):
    client, last = text_client()
    assume(text not in {"", ".", ".."} and "/" not in text)
    last.clear()
    response = client.get(f"/path/{list(SCALARS).index(name)}/{quote(text.encode('utf-8', 'replace'), safe='')}")
    if response.status_code != 404:
        check(response, last, SCALARS[name], "path", [text])


def check(response: Any, last: list[object], annotation: Any, place: str, texts: list[str]) -> None:
    if response.status_code == 200:
        (value,) = last
        assert value is None or is_of(value, annotation)
        if value is None:
            assert texts == []
        return
    assert response.status_code == 422, (response.status_code, response.text)
    assert last == []
    errors = response.json()["errors"]
    assert 1 <= len(errors) <= 100
    assert {error["location"] for error in errors} == {place}
    assert all(error["pointer"].split("/")[1] == "v" for error in errors)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "bytes": st.binary(),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False),
    "uuid": st.uuids(),
    "date": st.dates(),
    "datetime": st.datetimes(),
    "colour": st.sampled_from(Colour),
    "size": st.sampled_from(Size),
    "positive": st.integers(min_value=1),
}


@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_a_value_survives_its_journey_through_the_query(data: st.DataObject, name: str):
    client, last = text_client()
    names = list(ANNOTATIONS)
    value = data.draw(VALUES[name])
    text = str(msgspec.to_builtins(value)) if not isinstance(value, float) else repr(value)
    assume("\ud800" not in text)
    assert client.get(f"/query/{names.index(name)}?{urlencode({'v': text})}").status_code == 200
    assert last == [value]
    several = data.draw(st.lists(VALUES[name], min_size=1, max_size=3))
    pairs = [("v", str(msgspec.to_builtins(v)) if not isinstance(v, float) else repr(v)) for v in several]
    assert client.get(f"/query/{names.index(f'list of {name}')}?{urlencode(pairs)}").status_code == 200
    assert last == [several]


@given(st.sampled_from(sorted(BOOL_WORDS)), st.data())
def test_the_words_of_booleans_in_any_case(word: str, data: st.DataObject):
    client, last = text_client()
    spelled = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    assert client.get(f"/query/{list(ANNOTATIONS).index('bool')}?v={spelled}").status_code == 200
    assert last == [BOOL_WORDS[word]]


@settings(deadline=None, max_examples=50)  # every example makes an application, or sends many requests
@given(st.binary(max_size=200))
def test_a_query_of_any_bytes_is_never_500(raw: bytes):
    client, _ = text_client()
    text = quote(raw, safe="&=%+;[]/?:@!$'()*,")
    for number in range(len(ANNOTATIONS)):
        assert client.get(f"/query/{number}?{text}").status_code in {200, 400, 422}


# ---- JSON


class Inner(Struct):
    number: int
    price: Decimal = Decimal(0)


class Tagged(Struct, tag=True):
    inner: Inner | None = None


class Other(Struct, tag=True, forbid_unknown_fields=True):
    names: list[str] = []


@dataclass
class Point:
    x: float
    when: datetime | None = None


class Keyed(TypedDict, total=False):
    a: int
    b: list[Inner]


class Row(NamedTuple):
    id: int
    tags: dict[str, bool] = {}


class Everything(Struct):
    inner: Inner
    union: Tagged | Other | None = None
    point: Point | None = None
    keyed: Keyed | None = None
    row: Row | None = None
    numbers: dict[int, float] = {}
    anything: Any = None


BODIES = (Any, int, float, Decimal, list[int], dict[str, Decimal], Everything, Inner, Tagged | Other, Row, list[Keyed])

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["NaN", "sNaN", "-Infinity", "1.5", "1E+400", "Tagged", "Other", "2024-01-01T00:00:00Z"]),
)
NAMES = st.sampled_from(
    [*Everything.__struct_fields__, "number", "price", "type", "names", "x", "when", "a", "b", "id", "tags", "1"]
)
JSONS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20
)
TYPES = st.sampled_from(BODIES)


def outcome(kind: Any, raw: bytes) -> object:
    """The value, or the exception, and nothing but the two that decoding may raise."""
    try:
        return json_decoder(kind)(raw)
    except (MalformedBody, ValidationFailed) as error:
        return error


def is_accepted(kind: Any, raw: bytes) -> bool:
    """What msgspec says, also of the same text with its whole numbers written as integers."""
    for text in (raw, with_whole_numbers(raw)):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            msgspec.json.decode(text, type=kind)
            return True
    return False


@given(TYPES, JSONS)
def test_json_is_decoded_or_every_reason_is_given(kind: object, value: object):
    raw = json.dumps(value).encode()
    found = outcome(kind, raw)
    if isinstance(found, ValidationFailed):
        assert 1 <= len(found.issues) <= 100
        assert {issue.location for issue in found.issues} == {"body"}
        not_finite = {issue.code for issue in found.issues} == {"not_finite"}
        assert not_finite or not is_accepted(kind, raw)
    elif isinstance(found, MalformedBody):
        assert b"NaN" in raw or b"Infinity" in raw
    else:
        assert is_accepted(kind, raw)
        assert not any(isinstance(node, Decimal) and not node.is_finite() for node in inside(found))


def inside(value: object) -> list[object]:
    found: list[object] = [value]
    if isinstance(value, Struct):
        value = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, dict):
        value = [*value, *value.values()]
    elif hasattr(value, "__dataclass_fields__"):
        value = list(vars(value).values())
    if isinstance(value, (list, tuple)):
        for item in value:
            found += inside(item)
    return found


@given(
    TYPES,
    st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0123456789aeflnrstu.-+ENIy', max_size=60).map(str.encode),
)
def test_any_bytes_are_decoded_malformed_or_invalid(kind: object, raw: bytes):
    found = outcome(kind, raw)
    if isinstance(found, ValidationFailed):
        assert found.issues
    if isinstance(found, MalformedBody):
        assert str(found).isprintable()
        assert "Traceback" not in str(found)


@given(TYPES, JSONS, st.integers(0, 400), st.binary(max_size=3))
def test_json_with_a_flaw_is_never_anything_else(kind: object, value: object, at: int, flaw: bytes):
    raw = json.dumps(value).encode()
    outcome(kind, raw[:at] + flaw + raw[at + len(flaw) :])
    outcome(kind, raw[:at])


@given(TYPES, st.integers(1, 200), st.sampled_from([b"[", b'{"inner":', b'{"anything":[']))
def test_depth_is_bounded_for_every_type(kind: object, depth: int, opening: bytes):
    raw = opening * depth
    levels = raw.count(b"[") + raw.count(b"{")
    found = outcome(kind, raw)
    assert isinstance(found, (MalformedBody, ValidationFailed))
    if levels > MAX_JSON_DEPTH:
        assert isinstance(found, MalformedBody)
    closing = {b"[": b"]", b'{"inner":': b"}", b'{"anything":[': b"]}"}[opening]
    assert isinstance(outcome(kind, raw + b"1" + closing * depth), MalformedBody) is (levels > MAX_JSON_DEPTH)


# ---- answers


class Slim(Struct):
    id: int


class Wide(Slim):
    secret: str = "secret"


@dataclass
class Flat:
    slim: Slim
    more: "list[Flat]"


@dataclass
class Fat(Flat):
    secret: str = "secret"


class Noted(TypedDict, total=False):
    slim: Slim
    notes: dict[str, Slim]


class Pair(NamedTuple):
    left: Slim
    right: "Flat | None"


class Holder(Struct):
    slim: Slim | None
    slims: list[Slim]
    by_name: dict[str, list[Slim | int]]
    flat: Flat
    noted: Noted
    pair: Pair
    row: tuple[Slim, str]
    rows: tuple[Slim, ...]


class WideHolder(Holder):
    secret: tuple[str, ...] = ("secret",)


slims = st.builds(Slim, st.integers()) | st.builds(Wide, st.integers())
flats = st.deferred(
    lambda: st.builds(Flat, slims, st.lists(flats, max_size=2)) | st.builds(Fat, slims, st.lists(flats, max_size=2))
)
noted = st.fixed_dictionaries(
    {},
    optional={
        "slim": slims,
        "notes": st.dictionaries(st.text(max_size=2), slims, max_size=2),
        "secret": st.just("secret"),
    },
)
fields = {
    "slim": st.none() | slims,
    "slims": st.lists(slims, max_size=3),
    "by_name": st.dictionaries(st.text(max_size=2), st.lists(slims | st.integers(), max_size=3), max_size=2),
    "flat": flats,
    "noted": noted,
    "pair": st.builds(Pair, slims, st.none() | flats),
    "row": st.tuples(slims, st.text(max_size=2)),
    "rows": st.lists(slims, max_size=3).map(tuple),
}
holders = st.builds(Holder, **fields) | st.builds(WideHolder, **fields)

DECLARED: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "record": (Holder, holders),
    "optional": (Holder | None, holders),
    "list": (list[Holder], st.lists(holders, max_size=2)),
    "mapping": (dict[str, Holder], st.dictionaries(st.text(max_size=2), holders, max_size=2)),
    "dict": (Noted, noted),
    "row": (Pair, st.builds(Pair, slims, st.none() | flats)),
    "recursive": (Flat, flats),
    "scalars": (list[Slim | int], st.lists(slims | st.integers(), max_size=3)),
}


@given(st.data(), st.sampled_from(sorted(DECLARED)))
def test_nothing_goes_out_that_the_type_does_not_have(data: st.DataObject, name: str):
    declared, strategy = DECLARED[name]
    value = data.draw(strategy)
    encoded = msgspec.json.encode(value)
    expected = msgspec.json.decode(encoded, type=declared)  # what it takes is what the type has
    is_exact = exact(declared)(value)
    assert is_exact == (b"secret" not in encoded)
    narrowed = msgspec.json.encode(narrow(declared)(value))
    assert b"secret" not in narrowed
    assert msgspec.json.decode(narrowed, type=declared) == expected
    assert msgspec.json.encode(value) == encoded


# ---- signatures

KINDS = {
    "position": inspect.Parameter.POSITIONAL_ONLY,
    "either": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "name": inspect.Parameter.KEYWORD_ONLY,
}
PARAMETERS = st.tuples(st.sampled_from(sorted(KINDS)), st.booleans(), st.sampled_from(["", ": int", ": str"]))


@st.composite
def functions(draw: st.DrawFn, names: str = "abcdef") -> Callable[..., Any]:
    """Functions that give back what they were called with, of every kind of signature."""
    drawn = draw(st.lists(PARAMETERS, max_size=4))
    order = ("position", "either", "name")
    rows = sorted(
        ((order.index(kind), optional, note) for kind, optional, note in drawn), key=lambda row: (row[0], row[1])
    )
    texts: list[str] = []
    seen_default = False
    for number, (place, optional, note) in enumerate(rows):
        if place == 2 and not any(t.startswith("*") for t in texts):
            texts.append("*rest" if draw(st.booleans()) else "*")
        seen_default = seen_default or optional
        default = " = 7" if (place == 2 and optional) or (place < 2 and seen_default) else ""
        note = "" if default and note == ": str" else note
        texts.append(f"{names[number]}{note}{default}")
        if place == 0 and (number + 1 == len(rows) or rows[number + 1][0] != 0):
            texts.append("/")
    if draw(st.booleans()):
        texts.append("**others")
    shown = ", ".join(names[: len(rows)])
    kind = draw(st.sampled_from(["", "async "]))
    namespace: dict[str, Any] = {}
    exec(f"{kind}def handler({', '.join(texts)}): return [{shown}]", namespace)
    return namespace["handler"]


def wrapped(function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    match kind:
        case "sync":

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

            return wrapper
        case "async":

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                value = function(*args, **kwargs)
                return await value if inspect.isawaitable(value) else value

            return wrapper
        case "request":

            @functools.wraps(function)
            def wrapper(request, *args: Any, **kwargs: Any) -> Any:
                assert request.method == "GET"
                return function(*args, **kwargs)

            return wrapper
        case "partial":
            return functools.partial(function)
        case _:

            class Instance:
                def __call__(self, *args: Any, **kwargs: Any) -> Any:
                    return function(*args, **kwargs)

            instance = Instance()
            functools.update_wrapper(instance, function)
            return instance


LAYERS = st.lists(st.sampled_from(["sync", "async", "request", "partial", "instance"]), max_size=3).filter(
    lambda layers: layers.count("request") < 2  # the outer one would keep what the inner one needs
)


@settings(deadline=None, max_examples=50)  # every example makes an application, or sends many requests
@given(functions(), LAYERS, st.integers(0, 3))
def test_every_signature_is_bound_in_every_wrapping(function: Callable[..., Any], layers: list[str], in_path: int):
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name in "abcdef"]
    handler = function
    for layer in layers:
        handler = wrapped(handler, layer)
    path = "".join(f"/<{p.name}>" for p in parameters[:in_path]) or "/x"
    app: Flasgo[Any] = Flasgo()
    app.add_route(path, handler, threaded=False)
    sent = {p.name: str(number) for number, p in enumerate(parameters, 1)}
    url = "".join(f"/{sent[p.name]}" for p in parameters[:in_path]) or "/x"
    query = urlencode({p.name: sent[p.name] for p in parameters[in_path:]})
    response = app.test_client().get(f"{url}?{query}")
    assert response.status_code == 200, response.text
    is_int = {
        p.name
        for p in parameters
        if p.annotation is int or (p.annotation is inspect.Parameter.empty and p.default == 7)
    }
    expected = [int(sent[p.name]) if p.name in is_int else sent[p.name] for p in parameters]
    assert response.json() == expected
    required = [p.name for p in parameters[in_path:] if p.default is inspect.Parameter.empty]
    response = app.test_client().get(url, headers={"accept": "application/json"})
    if required:
        assert [e["pointer"] for e in response.json()["errors"]] == [f"/{name}" for name in required]
    else:
        assert response.status_code == 200


ODD = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from([..., NotImplemented, object, type, Any, Struct, list, dict, tuple, set, Exception, asyncio.Future, math, print, Literal]),
    st.lists(st.just(int), max_size=2),
    st.builds(lambda: object()),
    st.builds(lambda: lambda v: v),
)  # fmt: skip


@settings(deadline=None, max_examples=50)  # every example makes an application, or sends many requests
@given(ODD, st.sampled_from(["v", "return"]), ODD | st.just(inspect.Parameter.empty), st.sampled_from(["GET", "POST"]))
def test_an_annotation_of_any_kind_registers_or_gives_a_sentence(
    annotation: Any, name: str, default: object, method: str
):
    def handler(v): ...

    handler.__annotations__[name] = annotation
    if default is not inspect.Parameter.empty:
        handler.__defaults__ = (default,)
    app: Flasgo[Any] = Flasgo(settings={"CSRF_ENABLED": False})
    with contextlib.suppress(RegistrationError):
        app.add_route("/x", handler, methods=[method])
        assert app.test_client().request(method, "/x?v=1").status_code in {200, 204, 415, 422, 500}


def test_the_generators_make_what_they_should():
    """The proof that the tests above can fail."""
    assert not is_of(math.inf, float)
    with pytest.raises(msgspec.ValidationError):
        is_of("x", int)
    assert not exact(Slim)(Wide(1))
    assert exact(Slim)(Slim(1))
