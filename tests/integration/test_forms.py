"""Typed forms and uploads: what is bound from which encoding, and what is answered when it does not fit."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

import attrs
import msgspec
import pytest
from msgspec import Meta, Struct

from flasgo import Body, File, Flasgo, Form, FormData, Query, Request, TestClient, TestResponse, UploadedFile

TEXT = ("notes.txt", b"some notes", "text/plain")
JSON_OR_FORM = "application/json, application/x-www-form-urlencoded, multipart/form-data"


class Plan(enum.Enum):
    FREE = "free"
    PAID = "paid"


class Signup(Struct):
    email: Annotated[str, Meta(pattern="@")]
    age: Annotated[int, Meta(ge=18)]
    plan: Plan = Plan.FREE
    news: bool = False
    interests: list[str] = []
    born: date | None = None


class Upload(Struct):
    title: str
    document: UploadedFile
    pictures: Annotated[list[UploadedFile], Meta(max_length=2)]
    cover: UploadedFile | None = None


class Line(Struct):
    quantity: int


class Order(Struct):
    lines: list[Line]


def client_of(*handlers: Any, **options: Any) -> TestClient:
    """Each handler at the path of its name, for POST."""
    app = Flasgo(settings={"CSRF_ENABLED": False})
    for handler in handlers:
        app.add_route(f"/{handler.__name__}", handler, methods=["POST"], **options)
    return app.test_client(headers={"accept": "application/json"})


def problems(response: TestResponse) -> list[tuple[str, str, str]]:
    assert response.status_code == 422, response.text
    return [(e["location"], e["pointer"], e["code"]) for e in response.json()["errors"]]


# ── a record as the whole form


def test_a_record_is_read_from_either_encoding_of_a_form():
    async def signup(form: Annotated[Signup, Form()]) -> Signup:
        return form

    client = client_of(signup)
    sent = {"email": "a@b", "age": "20", "plan": "paid", "news": "on", "interests": ["x", "y"], "born": "2000-01-31"}
    expected = {**sent, "age": 20, "news": True}
    assert client.post("/signup", data=sent).json() == expected
    parts = [
        (name, value) for name, values in sent.items() for value in ([values] if isinstance(values, str) else values)
    ]
    multipart = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post("/signup", body=f"{multipart}--b--\r\n", headers=headers).json() == expected


def test_a_form_is_refused_as_json_and_anything_else():
    async def signup(form: Annotated[Signup, Form()]) -> None: ...

    client = client_of(signup)
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/json"}, {}):
        response = client.post("/signup", body="{}", headers=headers)
        assert response.status_code == 415
        assert response.headers["accept"] == "application/x-www-form-urlencoded, multipart/form-data"
        assert "application/x-www-form-urlencoded or multipart/form-data" in response.text
    encoded = {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    assert client.post("/signup", body="email=a", headers=encoded).status_code == 415


def test_every_problem_is_told_and_no_value_is_repeated():
    async def signup(form: Annotated[Signup, Form()], page: int) -> None: ...

    sent = {"email": "secret", "age": "17", "plan": "secret", "news": "secret", "born": "secret"}
    response = client_of(signup).post("/signup?page=secret", data=sent)
    assert problems(response) == [
        ("query", "/page", "type_error"),
        ("form", "/email", "pattern_mismatch"),
        ("form", "/age", "too_small"),
        ("form", "/plan", "invalid_choice"),
        ("form", "/news", "type_error"),
        ("form", "/born", "invalid_format"),
    ]
    assert "secret" not in response.text


def test_a_name_that_is_sent_twice_is_one_value_too_many():
    async def signup(form: Annotated[Signup, Form()]) -> None: ...

    response = client_of(signup).post("/signup", data=[("age", "20"), ("age", "21"), ("email", "a@b")])
    assert problems(response) == [("form", "/age", "repeated")]


@dataclass
class AsDataclass:
    name: str
    tags: set[str] = field(default_factory=set)


@attrs.define
class AsAttrs:
    name: str
    tags: set[str] = attrs.field(factory=set)


class AsTypedDict(TypedDict):
    name: str
    tags: NotRequired[set[str]]


class Renamed(Struct, rename="camel", frozen=True, kw_only=True, tag="renamed", tag_field="kind"):
    full_name: str
    name: str = ""
    tags: frozenset[str] = frozenset()


@pytest.mark.parametrize("kind", [AsDataclass, AsAttrs, AsTypedDict])
def test_every_kind_of_record_is_read(kind: type):
    async def take(form: Any) -> str:
        return repr(form)

    form: Any = Annotated[kind, Form()]  # ty: ignore[invalid-type-form] - a type that is known when it runs
    take.__annotations__["form"] = form
    client = client_of(take)
    text = client.post("/take", data={"name": "a", "tags": ["x", "x"]}).text
    assert "'a'" in text
    assert "{'x'}" in text
    assert client.post("/take", data={"name": "a"}).status_code == 200
    assert problems(client.post("/take", data={})) == [("form", "/name", "missing")]


def test_names_on_the_wire_and_tags_are_those_of_the_type():
    async def take(form: Annotated[Renamed, Form()]) -> list[str]:
        return [form.full_name, *form.tags]

    client = client_of(take)
    assert client.post("/take", data={"fullName": "a", "tags": "x", "kind": "renamed"}).json() == ["a", "x"]
    assert problems(client.post("/take", data={"fullName": "a", "kind": "other"})) == [("form", "/kind", "invalid_tag")]


class Tagged(Struct, tag="tagged", tag_field="kind"):
    name: str


class Strict(Struct, forbid_unknown_fields=True):
    name: str


def test_the_csrf_field_and_fields_of_other_parameters_are_known():
    async def take(form: Annotated[Strict, Form()], extra: Annotated[int, Form()] = 0) -> list[str]:
        return [form.name, str(extra)]

    client = client_of(take)
    assert client.post("/take", data={"name": "a", "csrf_token": "x", "extra": "2"}).json() == ["a", "2"]
    assert problems(client.post("/take", data={"name": "a", "b": "1"})) == [("form", "/b", "unknown_field")]
    assert problems(client.post("/take", data={"name": "a"}, files={"f": TEXT})) == [("form", "/f", "unknown_field")]


class Checked(Struct):
    first: str
    second: str

    def __post_init__(self) -> None:
        if self.first != self.second:
            raise ValueError("the two must be the same")


def test_a_types_own_check_has_its_say():
    async def take(form: Annotated[Checked, Form()]) -> str:
        return form.first

    client = client_of(take)
    assert client.post("/take", data={"first": "a", "second": "a"}).text == "a"
    assert problems(client.post("/take", data={"first": "a", "second": "b"})) == [("form", "", "invalid")]


class Empty(Struct):
    optional: int | None
    flag: bool = True
    number: int = 7
    numbers: Annotated[list[int], "any metadata"] = msgspec.field(default_factory=lambda: [1])
    text: str = "default"
    maybe: str | None = "default"
    choice: Literal["", "a"] = "a"
    pair: tuple[str, str] = ("a", "b")


def test_what_stays_empty_or_away_means_what_a_browser_means():
    async def take(form: Annotated[Empty, Form()]) -> Empty:
        return form

    client = client_of(take)
    away = client.post("/take", body="", headers={"content-type": "application/x-www-form-urlencoded"}).json()
    assert away == {
        "optional": None,
        "flag": False,
        "number": 7,
        "numbers": [1],
        "text": "default",
        "maybe": "default",
        "choice": "a",
        "pair": ["a", "b"],
    }
    names = ("optional", "flag", "number", "numbers", "text", "maybe", "choice")
    empty = client.post("/take", data=[*((name, "") for name in names), ("pair", ""), ("pair", "")]).json()
    assert empty == {**away, "text": "", "maybe": "", "choice": "", "pair": ["", ""]}
    assert client.post("/take", data={"numbers": ["", "5", ""]}).json()["numbers"] == [5]
    assert problems(client.post("/take", data={"pair": "a"})) == [("form", "/pair", "too_short")]
    assert problems(client.post("/take", data={"number": ""} | {"optional": "null"})) == [
        ("form", "/optional", "type_error")
    ]


def test_required_text_that_may_be_none_is_none_when_it_stays_away():
    class Note(Struct):
        text: str | None

    async def take(form: Annotated[Note, Form()]) -> Note:
        return form

    client = client_of(take)
    assert client.post("/take", data={"other": ""}).json() == {"text": None}
    assert client.post("/take", data={"text": ""}).json() == {"text": ""}
    assert client.post("/take", data={"text": "null"}).json() == {"text": "null"}
    assert problems(client.post("/take", data={"text": ["a", "b"]})) == [("form", "/text", "repeated")]


def test_a_list_of_which_nothing_was_chosen_keeps_its_constraints():
    async def few(tags: Annotated[list[str], Form(), Meta(max_length=2)]) -> list[str]:
        return tags

    async def some(tags: Annotated[list[str], Form(), Meta(min_length=1)]) -> None: ...

    client = client_of(few, some)
    assert client.post("/few", data={"other": ""}).json() == []
    assert problems(client.post("/few", data={"tags": ["a", "b", "c"]})) == [("form", "/tags", "too_long")]
    assert problems(client.post("/some", data={"other": ""})) == [("form", "/tags", "missing")]


def test_a_list_or_tuple_that_was_left_empty_was_not_sent():
    async def take(
        ids: Annotated[list[int] | None, Form(), Meta(min_length=2)],
        pair: Annotated[tuple[int, int], Form()] = (1, 2),
    ) -> list[object]:
        return [ids, pair]

    app = Flasgo(settings={"CSRF_ENABLED": False})
    app.post("/take")(take)
    client = app.test_client()
    assert client.post("/take", data={"ids": "", "pair": ""}).json() == [None, [1, 2]]
    response = client.post("/take", data={"ids": "3", "pair": "3"}, headers={"accept": "application/json"})
    assert problems(response) == [("form", "/ids", "too_short"), ("form", "/pair", "too_short")]
    media = app.openapi_spec()["paths"]["/take"]["post"]["requestBody"]["content"]["multipart/form-data"]
    for schema in media["schema"]["properties"].values():
        assert schema["anyOf"][0].items() >= {"type": "array", "items": {"type": "integer"}, "minItems": 2}.items()
        assert schema["anyOf"][1:] == [{"type": "array", "maxItems": 0}, {"const": ""}]


class Required(Struct):
    number: int
    ticked: bool
    chosen: Annotated[list[str], Meta(min_length=1)]


def test_what_is_required_is_missing_when_it_is_empty():
    async def take(form: Annotated[Required, Form()]) -> None: ...

    response = client_of(take).post("/take", data={"number": ""})
    assert problems(response) == [("form", "/number", "missing"), ("form", "/chosen", "missing")]


class Numbers(Struct):
    price: Decimal = Decimal(1)
    weights: list[float] = []
    maybe: float | None = None


@pytest.mark.parametrize("word", ["nan", "inf", "-Infinity", "NaN"])
def test_numbers_are_finite(word: str):
    async def take(form: Annotated[Numbers, Form()]) -> None: ...

    client = client_of(take)
    for name in ("price", "weights", "maybe"):
        assert client.post("/take", data={name: word}).status_code == 422
    assert client.post("/take", data={"price": "1.5", "weights": ["1", "2.5"]}).status_code == 204


# ── single fields and files


def test_single_fields_and_files():
    async def take(
        name: Annotated[str, Form()],
        document: UploadedFile,
        pages: Annotated[list[int], Form(alias="page")],
        pictures: Annotated[list[UploadedFile], File(alias="picture")],
        ticked: Annotated[bool, Form()],
        identity: Annotated[UUID | None, Form()],
        cover: UploadedFile | None,
        anything: Annotated[Any, Form()] = "x",
        thumbs: tuple[UploadedFile, ...] = (),
        limit: int = 1,
    ) -> list[object]:
        return [name, document.filename, pages, len(pictures), ticked, identity, cover, anything, len(thumbs), limit]

    client = client_of(take)
    some = client.post("/take?limit=3", data={"name": "a"}, files={"document": TEXT})
    assert some.json() == ["a", "notes.txt", [], 0, False, None, None, "x", 0, 3]
    every = client.post(
        "/take",
        data={"name": "a", "page": ["1", "2"], "ticked": "yes", "identity": "", "anything": "y"},
        files=[("document", TEXT), ("picture", TEXT), ("picture", TEXT), ("thumbs", TEXT)],
    )
    assert every.json() == ["a", "notes.txt", [1, 2], 2, True, None, None, "y", 1, 1]
    assert problems(client.post("/take", data={"document": "text", "page": "x"}, files={"name": TEXT})) == [
        ("form", "/name", "missing"),
        ("file", "/document", "type_error"),
        ("form", "/page/0", "type_error"),
    ]


def test_a_handler_with_files_takes_multipart_alone():
    async def take(document: UploadedFile) -> None: ...

    response = client_of(take).post("/take", data={"document": "x"})
    assert response.status_code == 415
    assert response.headers["accept"] == "multipart/form-data"


def test_a_record_with_files():
    async def take(form: Upload) -> list[object]:
        return [form.title, form.document.text(), len(form.pictures), form.cover and form.cover.filename]

    client = client_of(take)
    files = [("document", TEXT), ("pictures", TEXT), ("cover", ("c.png", b"", "image/png"))]
    assert client.post("/take", data={"title": "t"}, files=files).json() == ["t", "some notes", 1, "c.png"]
    assert client.post("/take", data={"title": "t"}, files=files[:1]).json() == ["t", "some notes", 0, None]
    many = [("document", TEXT), ("document", TEXT), *[("pictures", TEXT)] * 3]
    assert problems(client.post("/take", files=many)) == [
        ("file", "/document", "repeated"),
        ("form", "/title", "missing"),
        ("file", "/pictures", "too_long"),
    ]
    assert client.post("/take", json={"title": "t"}).status_code == 415


def test_the_form_itself():
    async def take(form: FormData, page: Annotated[int, Form()] = 1) -> list[object]:
        return [dict(form), page]

    client = client_of(take)
    assert client.post("/take", data={"a": "1", "page": "2"}).json() == [{"a": "1", "page": "2"}, 2]
    assert client.post("/take").json() == [{}, 1]
    assert client.post("/take", json={"a": 1}).status_code == 415
    assert client.post("/take", body="a=1").status_code == 415


def test_one_handler_may_show_a_form_and_take_it():
    async def take(form: FormData) -> str:
        return form.get("name", "nobody")

    app = Flasgo(settings={"CSRF_ENABLED": False})
    app.add_route("/take", take, methods=["GET", "POST"])
    client = app.test_client()
    assert client.get("/take").text == "nobody"
    assert client.post("/take", data={"name": "ann"}).text == "ann"


def test_an_optional_form_is_none_where_none_was_sent():
    async def take(form: Annotated[Signup | None, Form()], note: Annotated[str, Form()] = "") -> bool:
        return form is None

    async def default(form: Annotated[Signup, Form()] = Signup("a@b", 20)) -> Signup:
        form.interests.append("x")
        return form

    client = client_of(take, default)
    assert client.post("/take").json() is True
    assert client.post("/take", data={"email": "a@b", "age": "20"}).json() is False
    assert problems(client.post("/take", data={"email": "a@b"})) == [("form", "/age", "missing")]
    assert client.post("/default").json() == client.post("/default").json()


def test_sync_handlers_and_other_parameters():
    def take(request: Request, name: Annotated[str, Form()], n: Annotated[int, Query()] = 0) -> str:
        return f"{request.method} {name} {n}"

    assert client_of(take).post("/take?n=2", data={"name": "a"}).text == "POST a 2"


# ── one handler, every encoding


def test_a_body_is_taken_as_json_or_as_a_form():
    async def take(body: Signup) -> Signup:
        return body

    async def marked(body: Annotated[Signup, Body()]) -> Signup:
        return body

    client = client_of(take, marked)
    expected = {"email": "a@b", "age": 20, "plan": "free", "news": False, "interests": [], "born": None}
    for path in ("/take", "/marked"):
        assert client.post(path, json={"email": "a@b", "age": 20}).json() == expected
        json = {"content-type": "application/vnd.x+json; v=1"}
        assert client.post(path, body='{"email": "a@b", "age": 20}', headers=json).json() == expected
        assert client.post(path, data={"email": "a@b", "age": "20"}).json() == expected
        assert client.post(path, data={"email": "a@b", "age": "20"}, files={"f": TEXT}).json() == expected
        refused = client.post(path, body="email=a@b", headers={"content-type": "text/plain"})
        assert (refused.status_code, refused.headers["accept"]) == (415, JSON_OR_FORM)
    assert problems(client.post("/take", json={"email": "a@b", "age": "20"})) == [("body", "/age", "type_error")]
    assert problems(client.post("/take", data={"email": "a@b", "age": "x"})) == [("form", "/age", "type_error")]


def test_a_body_that_may_stay_away():
    async def take(body: Signup | None) -> bool:
        return body is None

    client = client_of(take)
    assert client.post("/take").json() is True
    assert client.post("/take", body="", headers={"content-type": "application/json"}).json() is True
    assert client.post("/take", json={"email": "a@b", "age": 20}).json() is False
    assert client.post("/take", data={"email": "a@b", "age": "20"}).json() is False
    assert client.post("/take", body="x").status_code == 415


def test_a_nested_body_is_json_alone():
    async def take(body: Order) -> Order:
        return body

    response = client_of(take).post("/take", data={"lines": "1"})
    assert response.status_code == 415
    assert "application/json" in response.text
    assert "form" not in response.text


def test_problems_of_the_form_come_with_those_of_the_query():
    async def take(body: Signup, page: int) -> None: ...

    response = client_of(take).post("/take?page=x", data={"email": "a@b"})
    assert problems(response) == [("query", "/page", "type_error"), ("form", "/age", "missing")]


def test_a_large_form_is_awaited():
    async def sized(text: Annotated[str, Form()]) -> int:
        return len(text)

    client = client_of(sized)
    assert client.post("/sized", data={"text": "x" * 200_000}).json() == 200_000
    assert client.post("/sized", data={"text": "%" * 200_000}).json() == 200_000


def test_problems_of_a_form_come_with_those_of_the_query():
    async def take(name: Annotated[str, Form()], page: int) -> None: ...

    client = client_of(take)
    assert problems(client.post("/take?page=x", data={})) == [
        ("query", "/page", "type_error"),
        ("form", "/name", "missing"),
    ]
    assert problems(client.post("/take?page=x", data={"name": "a"})) == [("query", "/page", "type_error")]


class Weighed(TypedDict):
    weight: float
    at: NotRequired[tuple[float, int]]


def test_numbers_of_other_records_are_finite_too():
    async def take(
        form: Annotated[Weighed, Form()], by: Annotated[tuple[int | None, bool], Form()] = (1, True)
    ) -> Weighed:
        return form

    client = client_of(take)
    assert client.post("/take", data={"weight": "1", "at": ["1", "2"], "by": ["", "no"]}).status_code == 422
    assert client.post("/take", data={"weight": "1", "at": ["1", "2"], "by": ["2", "no"]}).json() == {
        "weight": 1.0,
        "at": [1.0, 2],
    }
    assert client.post("/take", data={"weight": "nan"}).status_code == 422
    assert client.post("/take", data={"weight": "1", "at": ["inf", "2"]}).status_code == 422


# ── limits


def test_the_limit_of_a_file_is_the_routes():
    async def take(document: UploadedFile) -> int:
        return document.size

    client = client_of(take, max_file_bytes=1000)
    assert client.post("/take", files={"document": ("a", b"x" * 1000, "text/plain")}).json() == 1000
    response = client.post("/take", files={"document": ("a", b"x" * 1001, "text/plain")})
    assert response.status_code == 413
    assert "larger than 1000 bytes" in response.text


# ── what cannot work


def refused(handler: Any, methods: Sequence[str] = ("POST",), **options: Any) -> str:
    app = Flasgo()
    with pytest.raises(ValueError, match=r"test_forms\.py:\d+: ") as caught:
        app.add_route("/x", handler, methods=methods, **options)
    return str(caught.value).partition("()")[2]


class Nested(Struct):
    line: Line
    document: UploadedFile


class Mixed(Struct):
    value: list[int] | str


def test_what_cannot_work_is_told_when_it_is_registered():
    def nested(form: Nested): ...
    def listed(form: list[Upload]): ...
    def mixed(form: Annotated[Mixed, Form()]): ...
    def union(form: Annotated[Renamed | Tagged, Form()]): ...
    def marked(document: Annotated[UploadedFile, Query()]): ...
    def bytes_(document: Annotated[bytes, File()]): ...
    def or_text(document: UploadedFile | str): ...
    def or_text_form(document: Annotated[list[UploadedFile | str], File()]): ...
    def ticked(flag: Annotated[bool, Form()] = True): ...
    def default(document: UploadedFile = UploadedFile("a", "b", b"")): ...
    def none(document: UploadedFile = None): ...  # ty: ignore[invalid-parameter-default]
    def unfit(documents: Annotated[list[UploadedFile], Meta(min_length=1)] = []): ...
    def nothing(document: list[int | UploadedFile] | None): ...
    def mapping(form: Annotated[dict[str, str], Form()]): ...

    assert "`form`: Nested cannot be read from a form: its field `line` is nested" in refused(nested)
    assert "it is not one record. Put the files into a flat record" in refused(listed)
    assert "a collection or something else" in refused(mixed)
    assert "it is not one record. Take it as JSON, with Body() alone" in refused(union)
    assert "write File() instead of Query()" in refused(marked)
    assert "annotate UploadedFile" in refused(bytes_)
    assert "it is a file or something else" in refused(or_text)
    assert "Type unions" in refused(or_text_form)
    assert "write `bool` without a default" in refused(ticked)
    assert "a file has no default but None" in refused(default)
    assert "its default is empty, and its type is not" in refused(unfit)
    assert "write `UploadedFile | None = None`" in refused(none)
    assert "Type unions" in refused(nothing)
    assert "cannot be read from text" in refused(mapping)


def test_parameters_that_cannot_stand_together():
    def both(body: Signup, note: Annotated[str, Form()]): ...
    def with_data(body: Order, form: FormData): ...
    def two(one: Annotated[Signup, Form()], two: Upload): ...
    def same(one: Annotated[str, Form(alias="a")], two: Annotated[UploadedFile, File(alias="a")]): ...
    def get(document: UploadedFile): ...
    def get_form(form: FormData): ...
    def get_field(name: Annotated[str, Form()] = ""): ...

    assert "`body`: `note` is read from a form" in refused(both)
    assert "`form` is read from a form" in refused(with_data)
    assert "`two`: `one` takes the body already" in refused(two)
    assert "`one` takes file 'a' already" in refused(same)
    assert "a GET request has none" in refused(get, ["GET"])
    assert "a GET request has none" in refused(get_form, ["GET"])
    assert "a GET request has none" in refused(get_field, ["GET"])
    assert "max_file_bytes=-1 is negative" in refused(lambda: "", max_file_bytes=-1)
    assert "max_file_bytes=20000000 is more than" in refused(lambda: "", max_file_bytes=20_000_000)
    assert "max_file_bytes=11 is more than" in refused(lambda: "", max_file_bytes=11, max_body_bytes=10)


@pytest.mark.parametrize("text", ["a", "", None])
def test_text_is_no_file(text: str | None):
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/")
    async def upload(files: Annotated[list[UploadedFile], File()]) -> int:
        return len(files)

    part = '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    body = part % ("other", "1") + ("" if text is None else part % ("files", text)) + "--b--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b"}
    response = app.test_client().post("/", body=body.encode(), headers=headers)
    assert response.status_code == (422 if text else 200)
    if text:
        assert response.json()["errors"][0]["message"] == "must be a file"


class Chosen(Struct):
    plans: Annotated[set[Plan], Meta(max_length=2)] = set()


def takes_plans(plans: Annotated[set[Plan], Meta(max_length=2), Form()] = set()) -> int:
    return len(plans)


def takes_chosen(chosen: Annotated[Chosen, Form()]) -> int:
    return len(chosen.plans)


@pytest.mark.parametrize("handler", [takes_plans, takes_chosen])
def test_in_a_set_whose_length_is_bounded_no_item_is_twice(handler: Any):
    client, path, (one, two) = client_of(handler), f"/{handler.__name__}", Plan
    for sent, status in (
        ([one.value, two.value], 200),
        ([one.value, ""], 200),
        ([], 200),
        ([one.value, one.value], 422),
        (["", ""], 422),
    ):
        response = client.post(path, data=[("plans", value) for value in sent] or [("other", "1")])
        assert response.status_code == status, (sent, response.text)
    assert problems(client.post(path, data=[("plans", one.value)] * 2)) == [("form", "/plans", "repeated")]


def test_a_list_of_a_form_may_be_its_one_item():
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/")
    async def handler(
        ids: Annotated[list[int], Form()],
        plans: Annotated[set[Plan], Form()],
        two: Annotated[list[int], Meta(min_length=2), Form()],
        files: list[UploadedFile],
        names: Annotated[list[str], Form(), Meta(description="All of them.")] = [],
    ) -> None: ...

    (operation,) = app.openapi_spec()["paths"]["/"].values()
    media = operation["requestBody"]["content"]["multipart/form-data"]
    assert media["encoding"].keys() == {"ids", "plans", "two", "names"}
    assert media["encoding"]["ids"] == {"style": "form", "explode": True}
    properties = media["schema"]["properties"]
    array, *alone = properties["ids"]["anyOf"]
    assert array["type"] == "array"
    assert alone == [{"type": "integer"}, {"const": ""}]
    assert properties["plans"]["anyOf"][1:] == [{"$ref": "#/components/schemas/Plan"}, {"const": ""}]
    assert properties["two"]["type"] == "array"
    assert properties["files"]["type"] == ["array", "string"]
    assert properties["names"] == {
        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
        "default": [],
        "description": "All of them.",
    }


def test_the_lists_of_a_record_are_sent_item_by_item():
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/")
    async def handler(form: Annotated[Upload, Form()]) -> None: ...

    @app.post("/signup")
    async def signup(form: Annotated[Signup, Form()]) -> None: ...

    paths = app.openapi_spec()["paths"]
    (upload,) = paths["/"]["post"]["requestBody"]["content"].values()
    assert "encoding" not in upload
    contents = paths["/signup"]["post"]["requestBody"]["content"]
    assert [one["encoding"] for one in contents.values()] == [{"interests": {"style": "form", "explode": True}}] * 2
