"""The OpenAPI document of an application, and the page that shows it."""

import json
from collections.abc import AsyncIterator
from datetime import date
from enum import Enum, IntEnum
from functools import partial, wraps
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct
from openapi_spec_validator import validate

from flasgo import (
    Blueprint,
    Body,
    ConfigurationError,
    Conflict,
    Converter,
    Cookie,
    Created,
    Flasgo,
    Form,
    FormData,
    HasScope,
    Header,
    HTTPException,
    NotFound,
    Problem,
    Query,
    RegistrationError,
    Response,
    Settings,
    Status,
    UploadedFile,
    User,
    bearer_token_backend,
)

T = TypeVar("T")


NAMES = r"^[^\u0000-\u001f\u007f]*$"
"""What a part of a multipart form may be called."""


class Genre(Enum):
    NOVEL = "novel"
    POEM = "poem"


class Author(Struct):
    """Who writes."""

    name: str


class NewBook(Struct):
    title: Annotated[str, Meta(min_length=1, pattern=r"\A[A-Z](?P<rest>.*)\Z", examples=["Moby"])]
    author: Author | None = None
    genre: Genre = Genre.NOVEL


class Book(NewBook, kw_only=True):
    id: int
    sequel: "Book | None" = None


class Shelf(Struct, Generic[T]):
    items: list[T]


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    good: bool


class Cover(Struct):
    image: UploadedFile
    alt: str | None
    large: bool


class Taken(Struct):
    by: str


class OutOfStock(Problem, status=409, title="Out of stock"):
    """Too few are left."""

    sku: str


def make(**settings: Any) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "a secret of a test, and of no use elsewhere", **settings})


def spec_of(app: Flasgo[Settings]) -> dict[str, Any]:
    """The document, as JSON has it, once a validator has accepted it."""
    spec = json.loads(json.dumps(app.openapi_spec()))
    validate(spec)
    return spec


def described(endpoint: Any, path: str = "/", method: str = "get", **options: Any) -> dict[str, Any]:
    """What the document says of one route."""
    app = make()
    app.add_route(path, endpoint, methods=[method], **options)
    return next(iter(spec_of(app)["paths"].values()))[method]


def schemas_of(*endpoints: Any) -> dict[str, Any]:
    app = make()
    for number, endpoint in enumerate(endpoints):
        app.add_route(f"/{number}", endpoint, methods=["POST"])
    return spec_of(app)["components"]["schemas"]


def parameters(endpoint: Any, path: str = "/") -> dict[str, Any]:
    return {one["name"]: one for one in described(endpoint, path)["parameters"]}


class TestDocument:
    def test_it_says_what_it_is_about(self):
        spec = spec_of(make(API_TITLE="Shop", API_VERSION="2.1", API_DESCRIPTION="*Books*"))
        assert spec["openapi"] == "3.1.1"
        assert spec["info"] == {"title": "Shop", "version": "2.1", "description": "*Books*"}
        assert "description" not in spec_of(make())["info"]

    def test_it_is_the_same_object_until_a_route_is_added(self):
        app = make()
        app.get("/a")(lambda: "")
        first = app.openapi_spec()
        assert app.openapi_spec() is first
        app.get("/b")(lambda: "")
        assert set(app.openapi_spec()["paths"]) == {"/a", "/b"}
        app.test_client().get("/a")
        assert app.openapi_spec() is app.openapi_spec()

    def test_paths_are_templates(self):
        app = make()
        for path in ("/", "/a/<int:id>", "/<name>.<ext>", "/files/<path:rest>", "/b/"):
            app.get(path)(lambda **values: "")
        assert list(spec_of(app)["paths"]) == ["/", "/a/{id}", "/{name}.{ext}", "/files/{rest}", "/b/"]

    def test_routes_that_are_kept_out_are_not_there(self):
        app = make()
        app.get("/", include_in_schema=False)(lambda: "")
        assert spec_of(app)["paths"] == {}

    def test_head_is_said_with_get_and_odd_methods_are_not_said(self):
        app = make()
        app.route("/", methods=["GET", "HEAD", "PROPFIND"])(lambda: "")
        app.head("/alone")(lambda: "")
        spec = spec_of(app)
        assert {path: set(item) for path, item in spec["paths"].items()} == {"/": {"get"}, "/alone": {"head"}}

    def test_routes_of_one_template_share_a_path_item(self):
        app = make()
        app.get("/<int:id>")(lambda id: "")
        app.get("/<name>", include_in_schema=False)(lambda name: "")
        app.post("/<slug>")(lambda slug: "")
        (item,) = spec_of(app)["paths"].values()
        assert set(item) == {"get", "post"}
        assert item["post"]["parameters"][0]["name"] == "id"

    @pytest.mark.parametrize("methods", [["GET"], ["POST", "GET"]])
    def test_two_routes_of_one_place_are_not_left_out_in_silence(self, methods: list[str]):
        app = make()
        app.get("/<int:id>")(lambda id: "")
        app.route("/<name>", methods=methods)(lambda name: "")
        message = r"GET /<name> differs from /<int:id>, .*test_openapi.py:\d+: .* by its converters alone.*include_in_schema=False"
        with pytest.raises(ConfigurationError, match=message):
            app.openapi_spec()

    def test_the_class_that_a_converter_makes_is_sent_as_text(self):
        class Slug:
            pass

        class SlugConverter(Converter):
            def to_python(self, text: str) -> Slug: ...

        app = make()
        app.register_converter("slug", SlugConverter)
        app.get("/<slug:of>")(lambda of: "")
        (parameter,) = spec_of(app)["paths"]["/{of}"]["get"]["parameters"]
        assert parameter == {"name": "of", "in": "path", "required": True, "schema": {"type": "string"}}

    def test_ids_are_unique(self):
        app = make()
        for path in ("/a", "/b", "/c"):
            app.get(path, name="shop item")(lambda: "")
        app.get("/d", operation_id="shop_item_get_2")(lambda: "")
        app.route("/e", methods=["GET", "POST"], operation_id="both")(lambda: "")
        ids = [operation["operationId"] for item in spec_of(app)["paths"].values() for operation in item.values()]
        assert ids == [
            "shop_item_get",
            "shop_item_get_3",
            "shop_item_get_4",
            "shop_item_get_2",
            "both_get",
            "both_post",
        ]

    def test_two_operations_of_one_id_are_refused(self):
        app = make()
        app.get("/a", operation_id="one")(lambda: "")
        app.get("/b", operation_id="one")(lambda: "")
        with pytest.raises(ConfigurationError, match="operation_id='one' is that of"):
            app.openapi_spec()

    def test_it_says_where_else_it_is_served_and_where_itself_first(self):
        servers = {"https://api.shop.example": "Production.", "https://try.shop.example/v1": ""}
        app = make(API_SERVERS=servers, ENABLE_DOCS=True)
        others = [
            {"url": "https://api.shop.example", "description": "Production."},
            {"url": "https://try.shop.example/v1"},
        ]
        assert spec_of(app)["servers"] == others
        assert app.test_client().get("/openapi.json").json()["servers"] == [{"url": "/"}, *others]
        below = app.test_client(root_path="/shop").get("/openapi.json")
        assert below.json()["servers"] == [{"url": "/shop"}, *others]

    def test_tags_are_listed_in_their_order(self):
        app = make(API_TAGS={"books": "All books.", "cats": "None."})
        app.get("/a", tags=["dogs", "books"], deprecated=True)(lambda: "")
        spec = spec_of(app)
        assert spec["tags"] == [
            {"name": "books", "description": "All books."},
            {"name": "cats", "description": "None."},
            {"name": "dogs"},
        ]
        assert spec["paths"]["/a"]["get"]["tags"] == ["dogs", "books"]
        assert spec["paths"]["/a"]["get"]["deprecated"] is True

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tags": "books"}, "is one string"),
            ({"responses": {999: "x"}}, "responses: 999"),
            ({"responses": {200: type}}, r"responses\[200\]"),
            ({"raises": NotFound}, r"write raises=\(NotFound,\)"),
            ({"raises": [ValueError]}, "name classes of HTTPException"),
            ({"raises": [HTTPException]}, "says no status; name one of its subclasses"),
        ],
    )
    def test_what_a_route_says_is_checked(self, options: Any, message: str):
        with pytest.raises(RegistrationError, match=message):
            make().get("/", **options)(lambda: "")


class TestDocstrings:
    def handler(self) -> str:
        """The first line.

        The *rest*,
            indented.
        """
        raise NotImplementedError

    def test_the_first_line_is_the_summary(self):
        operation = described(self.handler)
        assert operation["summary"] == "The first line."
        assert operation["description"] == "The *rest*,\n    indented."

    def test_options_come_first(self):
        operation = described(self.handler, summary="S", description="D")
        assert (operation["summary"], operation["description"]) == ("S", "D")

    def test_whatever_is_called_is_read(self):
        class Thing:
            """A thing."""

            def __call__(self) -> str:
                """It is called."""
                raise NotImplementedError

        class Made(Struct):
            """It is made."""

        @wraps(self.handler)
        def wrapper(*args: Any, **kwargs: Any) -> Any: ...

        assert described(Thing())["summary"] == "It is called."
        assert described(partial(self.handler))["summary"] == "The first line."
        assert described(wrapper)["summary"] == "The first line."
        assert described(Made)["summary"] == "It is made."
        assert "summary" not in described(lambda: "")


class TestParameters:
    def test_each_place_has_its_own(self):
        def handler(
            q: Annotated[int, Meta(ge=1, le=9, description="How many.")],
            genre: Genre = Genre.POEM,
            tags: list[str] = [],
            since: date | None = None,
            ratio: float = float("inf"),
            tenant: Annotated[str, Header()] = "main",
            accept: Annotated[str, Header()] = "",
            theme: Annotated[Literal["a", "b"], Cookie()] = "a",
            other: Annotated[bool, Query(alias="not")] = False,
        ) -> None: ...

        found = parameters(handler)
        assert found["q"] == {
            "name": "q",
            "in": "query",
            "required": True,
            "description": "How many.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 9},
        }
        assert found["genre"]["schema"] == {"$ref": "#/components/schemas/Genre", "default": "poem"}
        assert found["tags"]["schema"] == {"type": "array", "items": {"type": "string"}, "default": []}
        assert found["since"]["schema"] == {"type": "string", "format": "date"}
        assert found["ratio"]["schema"] == {"type": "number"}
        assert (found["tenant"]["in"], found["theme"]["in"]) == ("header", "cookie")
        assert found["not"]["schema"].pop("pattern").startswith("^(?:[Tt][Rr][Uu][Ee]|")
        assert found["not"]["schema"] == {"type": ["boolean", "string"], "default": False}
        assert "accept" not in found

    def test_the_first_number_of_the_headers_and_of_the_cookies_is_a_component_in_an_all_of(self):
        class Level(IntEnum):
            LOW = 1

        def handler(
            page: int,
            trace: Annotated[str, Header()],
            level: Annotated[Level, Header()] = Level.LOW,
            size: Annotated[int, Header()] = 9,
            ratio: Annotated[float | None, Meta(description="How much."), Cookie()] = None,
        ) -> None: ...

        found = {name: each["schema"] for name, each in parameters(handler).items()}
        assert found == {
            "page": {"type": "integer"},
            "trace": {"type": "string"},
            "level": {"allOf": [{"$ref": "#/components/schemas/Level"}], "default": 1},
            "size": {"type": "integer", "default": 9},
            "ratio": {"allOf": [{"$ref": "#/components/schemas/Ratio"}]},
        }

    def test_what_is_named_after_a_parameter_takes_no_name_of_another(self):
        app = make()

        class Limit(Struct):
            most: int

        @app.get("/a")
        def first(x_limit: Annotated[int, Header()], limit: Annotated[float, Cookie()] = 1.5) -> Limit: ...

        @app.get("/b")
        def second(x_limit: Annotated[int, Header()], limit: Annotated[float, Cookie()] = 2.5) -> None: ...

        @app.get("/c")
        def third(x_limit: Annotated[int, Meta(le=3), Header()], limit: Annotated[int, Cookie(alias="__")]) -> None: ...

        spec = spec_of(app)
        found = [
            [one["schema"]["allOf"][0]["$ref"].rpartition("/")[2] for one in spec["paths"][path]["get"]["parameters"]]
            for path in ("/a", "/b", "/c")
        ]
        assert found == [["XLimit", "Limit2"], ["XLimit", "Limit2"], ["XLimit2", "Number"]]
        schemas = spec["components"]["schemas"]
        assert schemas["XLimit2"] == {"type": "integer", "maximum": 3}
        assert schemas["Limit"]["type"] == "object"

    def test_the_words_for_true_and_false_stand_in_lists_of_several_types_too(self):
        def handler(flags: list[bool | int] = []) -> None: ...

        number, word = parameters(handler)["flags"]["schema"]["items"]["anyOf"]
        assert sorted([str(number["type"]), str(word["type"])]) == ["['boolean', 'string']", "integer"]

    def test_a_default_that_nobody_can_send_is_not_said(self):
        def handler(mark: Any = object(), size: Any = "seven", number: Any = 7) -> None: ...

        found = parameters(handler)
        assert not found["mark"]["required"]
        assert "default" not in found["mark"]["schema"]
        assert found["size"]["schema"]["default"] == "seven"
        assert "default" not in found["number"]["schema"]  # what is sent is text

    def test_the_path_says_what_its_converters_take(self):
        class Slug(Converter):
            def to_python(self, text: str) -> str: ...

        app = make()
        app.register_converter("slug", Slug)
        path = "/<int:a>/<float:b>/<any(x,y):c>/<uuid:d>/<date:e>/<f>/<slug:g>/<int:h>/<i>/<j>/<path:k>"

        @app.get(path)
        def handler(
            a: int,
            b: float,
            c: str,
            d: UUID,
            e: date,
            g: str,
            h: Annotated[int, Meta(ge=1, le=10)],
            i: Genre,
            j: Annotated[str, Meta(description="J.")],
            k: str,
            f: int,
        ) -> None: ...

        (operation,) = next(iter(spec_of(app)["paths"].values())).values()
        assert {one["name"]: one["schema"] for one in operation["parameters"]} == {
            "a": {"type": "integer", "minimum": 0, "maximum": 10**19 - 1},
            "b": {"type": "number", "minimum": 0},
            "c": {"type": "string", "enum": ["x", "y"]},
            "d": {"type": "string", "format": "uuid"},
            "e": {"type": "string", "format": "date"},
            "f": {"type": "integer", "minimum": 0, "maximum": 10**19 - 1},
            "g": {"type": "string"},
            "h": {"type": "integer", "minimum": 1, "maximum": 10},
            "i": {"$ref": "#/components/schemas/Genre"},
            "j": {"type": "string", "minLength": 1},
            "k": {"type": "string", "minLength": 1},
        }
        assert all(one["required"] for one in operation["parameters"])

    def test_a_token_is_asked_where_it_is_checked(self):
        app = make(CSRF_HEADER_NAME="x-token")
        app.route("/", methods=["GET", "POST"])(lambda: "")
        app.post("/free", csrf=False)(lambda: "")
        spec = spec_of(app)
        assert spec["paths"]["/"]["post"]["parameters"] == [{"$ref": "#/components/parameters/CSRFToken"}]
        assert spec["components"]["parameters"]["CSRFToken"]["name"] == "x-token"
        assert "403" in spec["paths"]["/"]["post"]["responses"]
        assert "403" not in spec["paths"]["/"]["get"]["responses"]
        assert "parameters" not in spec["paths"]["/free"]["post"]

    def test_no_token_is_asked_of_clients_who_prove_themselves_by_what_no_browser_sends(self):
        app = make()
        app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))
        app.post("/", auth="bearer")(lambda: "")
        spec = spec_of(app)
        assert "parameters" not in spec["paths"]["/"]["post"]
        assert "parameters" not in spec["components"]

    def test_an_entity_tag_comes_with_its_304(self):
        app = make()
        app.get("/", etag=True)(lambda: "")

        @app.get("/none", etag=True)
        async def nothing() -> None: ...

        responses = spec_of(app)["paths"]["/"]["get"]["responses"]
        assert responses["200"]["headers"]["ETag"]["schema"] == {"type": "string"}
        assert "content" not in responses["304"]
        assert "304" not in spec_of(app)["paths"]["/none"]["get"]["responses"]


class TestBodies:
    def test_a_record_may_be_sent_in_three_forms(self):
        def handler(body: NewBook) -> None: ...

        class Flat(Struct):
            name: str
            big: bool
            nick: str | None

        def flat(body: Flat) -> None: ...

        nested = described(handler, method="post")["requestBody"]
        assert nested == {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewBook"}}},
        }
        content = described(flat, method="post")["requestBody"]["content"]
        assert list(content) == ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
        assert content["multipart/form-data"]["schema"]["required"] == ["name"]

    def test_files_come_with_multipart_alone(self):
        def handler(cover: Annotated[Cover, Form()]) -> None: ...

        def single(cover: UploadedFile, alt: Annotated[str, Form()] = "none") -> None: ...

        file = {"contentMediaType": "application/octet-stream", "not": {"type": "array"}}
        (schema,) = described(handler, method="post")["requestBody"]["content"].values()
        assert schema["schema"]["properties"]["image"] == file
        assert schema["schema"]["required"] == ["image"]
        body = described(single, method="post")["requestBody"]
        assert body["required"]
        assert body["content"] == {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"cover": file, "alt": {"type": "string", "default": "none"}},
                    "required": ["cover"],
                    "propertyNames": {"pattern": NAMES},
                }
            }
        }

    def test_an_empty_text_may_stand_for_a_list_of_files_that_may_be_empty_or_left_out(self):
        Some: TypeAlias = Annotated[list[UploadedFile], Meta(min_length=1)]

        class Album(Struct):
            pages: list[UploadedFile]
            covers: Some
            more: Some = []
            two: Annotated[list[UploadedFile], Meta(min_length=2)] | None = None
            back: UploadedFile | None = None

        def several(
            pages: list[UploadedFile],
            covers: Some,
            more: Some | None,
            two: Annotated[list[UploadedFile], Meta(min_length=2)] | None,
            back: UploadedFile | None,
        ) -> None: ...

        def whole(form: Annotated[Album, Form()]) -> None: ...

        file = {"contentMediaType": "application/octet-stream"}
        for handler in (several, whole):
            (content,) = described(handler, method="post")["requestBody"]["content"].values()
            fields = {
                name: {key: value for key, value in schema.items() if key != "default"}
                for name, schema in content["schema"]["properties"].items()
            }
            assert fields == {
                "pages": {"type": ["array", "string"], "items": file, "maxLength": 0},
                "covers": {"type": "array", "items": file, "minItems": 1},
                "more": {"type": ["array", "string"], "items": file, "maxLength": 0},
                "two": {
                    "type": ["array", "string"],
                    "items": file,
                    "maxLength": 0,
                    "anyOf": [{"minItems": 2}, {"maxItems": 0}],
                },
                "back": file | {"not": {"type": "array"}},
            }
            assert content["schema"]["required"] == ["covers"]

    def test_text_with_a_form_of_its_own_is_not_empty(self):
        def handler(
            word: Annotated[str, Meta(pattern="^a+$"), Form()] = "a",
            one: Annotated[list[int], Meta(min_length=1), Form()] = [1],
            two: Annotated[list[int], Meta(min_length=2), Form()] = [1, 2],
        ) -> None: ...

        content = described(handler, method="post")["requestBody"]["content"]
        properties = content["multipart/form-data"]["schema"]["properties"]
        assert properties["word"] == {"type": "string", "pattern": "^a+$", "default": "a"}
        integers = {"type": "array", "items": {"type": "integer"}}
        assert properties["one"]["anyOf"][0] == integers | {"items": {"anyOf": [{"type": "integer"}, {"const": ""}]}}
        assert properties["two"] == {
            "anyOf": [integers | {"minItems": 2}, {"type": "array", "maxItems": 0}, {"const": ""}],
            "default": [1, 2],
        }

    def test_a_form_may_be_left_out(self):
        def handler(alt: Annotated[str, Form()] = "none") -> None: ...

        def whole(form: Annotated[Author | None, Form()] = None) -> None: ...

        body = described(handler, method="post")["requestBody"]
        assert not body["required"]
        assert "application/x-www-form-urlencoded" in body["content"]
        content = described(whole, method="post")["requestBody"]["content"]
        assert content["multipart/form-data"]["schema"]["properties"] == {"name": {"type": "string"}}

    def test_a_form_that_takes_no_other_fields_says_so(self):
        class Closed(Struct, forbid_unknown_fields=True):
            name: str

        def handler(form: Annotated[Closed | None, Form()] = None) -> None: ...

        content = described(handler, method="post")["requestBody"]["content"]
        assert content["application/x-www-form-urlencoded"]["schema"] == {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        }

    def test_any_form_may_be_asked_for(self):
        def handler(form: FormData) -> None: ...

        content = described(handler, method="post")["requestBody"]["content"]
        assert content["multipart/form-data"]["schema"] == {
            "type": "object",
            "properties": {},
            "propertyNames": {"pattern": NAMES},
        }

    def test_a_form_has_no_null(self):
        class Reply(Struct):
            text: str | None
            score: int | str | None = None

        def handler(form: Annotated[Reply, Form()]) -> None: ...

        schema = described(handler, method="post")["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert schema == {
            "type": "object",
            "properties": {"text": {"type": "string"}, "score": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
            "propertyNames": {"pattern": NAMES},
        }

    def test_a_get_has_no_body(self):
        app = make()

        @app.route("/", methods=["GET", "POST"])
        def handler(body: Author | None = None) -> None: ...

        item = spec_of(app)["paths"]["/"]
        assert "requestBody" not in item["get"]
        assert "requestBody" in item["post"]


class TestSchemas:
    def test_names_are_those_of_the_types(self):
        def handler(body: Shelf[Book]) -> Shelf[Cat | Dog]: ...

        def other(body: Shelf[int]) -> None: ...

        found = schemas_of(handler, other)
        assert {"Shelf_Book", "Shelf_int", "Book", "Author", "Genre", "Cat", "Dog"} <= set(found)
        assert found["Shelf_Book"]["title"] == "Shelf[Book]"

    def test_a_name_that_is_taken_stays_with_whoever_has_it(self):
        taken = type("Shelf_int", (Struct,), {})

        def handler(body: Shelf[int]) -> taken: ...

        found = schemas_of(handler)
        assert {"Shelf_int", "Shelf_int_"} <= set(found)

    def test_two_types_of_one_name_are_told_apart(self):
        first = type("Author", (Struct,), {"__annotations__": {"a": int}})

        def handler(body: Author) -> first: ...

        if msgspec.__version__.startswith("0.22."):
            with pytest.raises(ConfigurationError, match=r"Two types of the document are both called .*Rename one"):
                schemas_of(handler)
        else:
            assert len([name for name in schemas_of(handler) if "Author" in name]) == 2

    def test_types_that_msgspec_takes_for_one_are_an_error_that_says_what_to_do(self, monkeypatch):
        def takes_them_for_one(*_args, **_more):
            raise KeyError(Author)

        monkeypatch.setattr(msgspec.json, "schema_components", takes_them_for_one)
        with pytest.raises(ConfigurationError, match="Rename one of them"):
            schemas_of(lambda: None)

    def test_recursion_nullable_and_patterns(self):
        def handler() -> Book: ...

        found = schemas_of(handler)
        properties = found["Book"]["properties"]
        assert properties["sequel"]["anyOf"] == [{"$ref": "#/components/schemas/Book"}, {"type": "null"}]
        assert properties["title"]["pattern"] == "^[A-Z](.*)$"
        assert properties["title"]["examples"] == ["Moby"]
        assert found["Author"]["description"] == "Who writes."

    def test_unions_are_told_apart_by_their_tags(self):
        def handler(pet: Annotated[Cat | Dog, Body()]) -> None: ...

        schema = described(handler, method="post")["requestBody"]["content"]["application/json"]["schema"]
        assert schema["discriminator"] == {
            "propertyName": "type",
            "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
        }


def responses(endpoint: Any, path: str = "/", method: str = "get", **options: Any) -> dict[str, Any]:
    """The responses of one route, references written out."""
    app = make()
    app.add_route(path, endpoint, methods=[method], **options)
    spec = spec_of(app)
    found = next(iter(spec["paths"].values()))[method]["responses"]
    shared = spec["components"]["responses"]
    return {status: shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for status, one in found.items()}

    def test_a_default_that_nobody_may_send_is_not_said(self):
        class Search(Struct):
            words: Annotated[list[str], Meta(min_length=1)] = []
            page: Annotated[int, Meta(ge=1)] = 0
            size: Annotated[int, Meta(ge=1)] = 20

        def handler(search: Search) -> None: ...

        properties = schemas_of(handler)["Search"]["properties"]
        assert {name: each.get("default") for name, each in properties.items()} == {
            "words": None,
            "page": None,
            "size": 20,
        }


class TestAnswers:
    @pytest.mark.parametrize(
        ("annotation", "expected"),
        [
            (str, {"200": ["text/plain"]}),
            (bytes, {"200": ["application/octet-stream"]}),
            (None, {"204": None}),
            (Author, {"200": ["application/json"]}),
            (Author | None, {"200": ["application/json"], "204": None}),
            (Author | str, {"200": ["application/json", "text/plain"]}),
            (Created[Author], {"201": ["application/json"]}),
            (
                Created[Author] | Annotated[Taken, Status(409)],
                {"201": ["application/json"], "409": ["application/json"]},
            ),
            (tuple[Author, Literal[200, 201]], {"200": ["application/json"], "201": ["application/json"]}),
            (tuple[Author, Literal[201]] | str, {"200": ["text/plain"], "201": ["application/json"]}),
            (Response, {"200": None}),
            (AsyncIterator[str], {"200": ["text/plain"]}),
            (AsyncIterator[Author], {"200": ["application/x-ndjson"]}),
            (Any, {"200": None}),
        ],
    )
    def test_each_declared_type_has_its_status(self, annotation: Any, expected: dict[str, Any]):
        async def handler() -> Any: ...

        handler.__annotations__["return"] = annotation
        found = responses(handler)
        got = {status: list(one["content"]) if "content" in one else None for status, one in found.items()}
        assert {status: got[status] for status in got if status[0] in "2"} | {
            status: got[status] for status in expected
        } == expected

    def test_html_is_what_says_so(self):
        class Markup(str):
            def __html__(self) -> str: ...

        async def handler() -> Markup: ...

        assert list(responses(handler)["200"]["content"]) == ["text/html"]

    @pytest.mark.parametrize("annotation", [Any, Response, tuple[Author, int]])
    def test_what_is_open_is_said_to_be(self, annotation: Any):
        async def handler() -> Any: ...

        handler.__annotations__["return"] = annotation
        assert responses(handler)["default"] == {"description": "Whatever else the handler answers."}

    def test_every_other_error_is_a_problem(self):
        async def handler() -> Author: ...

        assert list(responses(handler)["default"]["content"]) == ["application/problem+json"]

    def test_routes_that_speak_no_json_may_answer_pages(self):
        async def handler() -> str: ...

        assert list(responses(handler)["400"]["content"]) == ["application/problem+json", "text/html", "text/plain"]
        found = responses(handler, raises=(OutOfStock,))
        assert list(found["409"]["content"]) == ["application/problem+json", "text/html"]

    def test_types_of_one_status_are_alternatives(self):
        async def handler() -> tuple[Author, Literal[200]] | tuple[Taken, Literal[200, 201]]: ...

        schema = responses(handler, responses={200: Book})["200"]["content"]["application/json"]["schema"]
        assert [one["$ref"].rpartition("/")[2] for one in schema["anyOf"]] == ["Author", "Taken", "Book"]

    def test_an_alternative_is_said_once(self):
        app = make()

        @app.errorhandler(Conflict)
        async def first(error: Conflict) -> Taken: ...

        @app.errorhandler(OutOfStock)
        async def second(error: OutOfStock) -> Taken: ...

        @app.get("/", raises=(Conflict, OutOfStock))
        async def handler() -> Author: ...

        @app.get("/more", raises=(Conflict,), responses={409: Author})
        async def more() -> Annotated[Author, Status(409)]: ...

        spec = spec_of(app)
        taken = spec["components"]["responses"]["Conflict"]["content"]["application/json"]["schema"]
        assert taken == {"$ref": "#/components/schemas/Taken"}
        several = spec["paths"]["/more"]["get"]["responses"]["409"]["content"]["application/json"]["schema"]["anyOf"]
        assert [one["$ref"].rpartition("/")[2] for one in several] == ["Author", "Taken"]

    def test_more_answers_may_be_declared(self):
        async def handler() -> Author: ...

        found = responses(handler, responses={202: "Later.", 303: None, 200: Taken})
        assert found["202"] == {"description": "Later."}
        assert found["303"] == {"description": "See Other"}
        assert len(found["200"]["content"]["application/json"]["schema"]["anyOf"]) == 2

    def test_binding_says_which_errors_it_has(self):
        async def nothing() -> Author: ...

        async def path(a: int) -> Author: ...

        async def query(q: int) -> Author: ...

        async def body(body: Author) -> Author: ...

        def plain() -> Author: ...

        async def narrow(a: Genre) -> Author: ...

        def errors(*args: Any) -> set[str]:
            return {status for status in responses(*args) if status[0] in "45"}

        always = errors(nothing)
        assert {"400", "431"} <= always
        assert errors(path, "/<int:a>") == always | {"404"}
        assert errors(narrow, "/<a>") == always | {"404", "422"}
        assert errors(query) == always | {"422"}
        assert errors(body, "/", "post") == always | {"403", "408", "413", "415", "422"}
        assert errors(plain) == always | {"503"}
        assert "Retry-After" in responses(plain)["503"]["headers"]

    def test_problems_have_their_members(self):
        app = make()

        @app.get("/", raises=(OutOfStock, Conflict, NotFound))
        async def handler() -> Author: ...

        spec = spec_of(app)
        conflict = spec["components"]["responses"]["Conflict"]
        assert conflict["description"] == "Conflict: `out_of_stock`, `conflict`. Too few are left."
        assert conflict["content"]["application/problem+json"]["schema"]["anyOf"] == [
            {"$ref": "#/components/schemas/OutOfStock"},
            {"$ref": "#/components/schemas/ProblemDocument"},
        ]
        schema = spec["components"]["schemas"]["OutOfStock"]
        assert schema["properties"]["status"] == {"enum": [409], "type": "integer"}
        assert "sku" in schema["required"]

    def test_an_error_shows_what_it_looks_like(self):
        app = make()

        class Teapot(HTTPException):
            default_status = 418

        @app.errorhandler(NotFound)
        async def missing(error: NotFound) -> Taken: ...

        @app.get("/", raises=(Teapot, NotFound, OutOfStock, Conflict))
        async def handler(limit: Annotated[int, Meta(le=100)] = 1) -> Author:
            raise Teapot(418)

        shared = spec_of(app)["components"]["responses"]
        examples = {
            name: one["content"]["application/problem+json"]["schema"].get("examples")
            for name, one in shared.items()
            if "application/problem+json" in one.get("content", {})
        }
        assert shared["ImATeapot"]["description"] == "I'm a Teapot: `im_a_teapot`."
        assert examples["Conflict"] is None, "the members of the user's own kind say more"
        assert "NotFound" not in examples, "it is answered by a handler"
        assert [one["code"] for one in examples["BadRequest"]] == ["malformed_request", "host_not_allowed"]
        assert [one["status"] for one in examples["Error"]] == [500]
        client = app.test_client()
        for path, name in (("/?limit=101", "UnprocessableContent"), ("/", "ImATeapot")):
            (example,) = examples[name]
            assert client.get(path).json() == example | {"instance": "/"}

    def test_an_error_and_an_answer_may_share_a_status(self):
        async def handler() -> Author | Annotated[Taken, Status(409)]: ...

        found = responses(handler, raises=(OutOfStock,))["409"]["content"]
        assert list(found) == ["application/json", "application/problem+json"]

    def test_a_sentence_on_an_error_leaves_it_its_forms(self):
        async def handler(number: int) -> Author: ...

        found = responses(handler, "/<int:number>", responses={404: "No such author."})["404"]
        assert found["description"] == "No such author."
        assert list(found["content"]) == ["application/problem+json", "text/html", "text/plain"]

    def test_a_sentence_on_an_error_whose_handler_says_nothing_stands_alone(self):
        app = make()

        @app.errorhandler(Conflict)
        async def conflict(error: Conflict) -> Any: ...

        @app.get("/", raises=(Conflict,), responses={409: "Taken."})
        async def handler() -> Author: ...

        assert spec_of(app)["paths"]["/"]["get"]["responses"]["409"] == {"description": "Taken."}

    def test_what_has_no_schema_is_said_once(self):
        async def handler() -> bytes | bytearray: ...

        assert responses(handler)["200"]["content"] == {"application/octet-stream": {}}

    def test_handlers_of_the_users_say_what_they_answer(self):
        app = make()

        @app.errorhandler(404)
        async def missing(error: NotFound) -> Taken: ...

        @app.errorhandler(Conflict)
        async def conflict(error: Conflict) -> type: ...

        @app.get("/", raises=(NotFound, Conflict))
        async def handler() -> Author: ...

        shared = spec_of(app)["components"]["responses"]
        assert shared["NotFound"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}}
        assert "content" not in shared["Conflict"]

    def test_any_of_the_users_handlers_may_answer_what_nobody_declared(self):
        app = make()
        part = Blueprint("part", url_prefix="/part")

        @app.errorhandler(OSError)
        async def broken(error: OSError) -> tuple[Taken, Literal[500]]: ...

        @part.errorhandler(Conflict)
        async def conflict(error: Conflict) -> str: ...

        @app.get("/")
        async def handler() -> Author: ...

        @part.get("/")
        async def in_part() -> Author: ...

        app.register_blueprint(part)
        spec = spec_of(app)

        def default_of(path: str) -> list[str]:
            reference = spec["paths"][path]["get"]["responses"]["default"]["$ref"]
            return list(spec["components"]["responses"][reference.rpartition("/")[2]].get("content", {}))

        assert default_of("/") == ["application/problem+json", "application/json"]
        assert default_of("/part/") == ["application/problem+json", "text/plain", "application/json"]

    def test_where_one_of_them_may_answer_anything_nothing_is_said(self):
        app = make()

        @app.errorhandler(OSError)
        async def broken(error: OSError) -> Response: ...

        @app.get("/")
        async def handler() -> Author: ...

        assert "content" not in spec_of(app)["components"]["responses"]["Error"]


class TestSecurity:
    @pytest.fixture
    def app(self) -> Flasgo[Settings]:
        app = make()
        app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))
        return app

    def test_schemes_and_scopes_are_those_of_the_backends(self, app: Flasgo[Settings]):
        @app.get("/")
        @app.authorize(HasScope("admin"), backend="bearer")
        async def handler() -> Author: ...

        spec = spec_of(app)
        operation = spec["paths"]["/"]["get"]
        assert operation["security"] == [{"bearer": ["admin"]}]
        assert {"401", "403"} <= set(operation["responses"])
        assert spec["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
        assert "WWW-Authenticate" in spec["components"]["responses"]["Unauthorized"]["headers"]

    def test_strangers_may_be_let_in(self, app: Flasgo[Settings]):
        @app.get("/", auth="bearer")
        async def handler(user: User | None) -> Author: ...

        operation = spec_of(app)["paths"]["/"]["get"]
        assert {} in operation["security"]
        assert "401" not in operation["responses"]

    def test_a_route_that_asks_for_nobody_says_nothing(self, app: Flasgo[Settings]):
        app.get("/")(lambda: "")
        spec = spec_of(app)
        assert "security" not in spec["paths"]["/"]["get"]
        assert "securitySchemes" not in spec["components"]


class TestServing:
    @pytest.fixture
    def app(self) -> Flasgo[Settings]:
        app = make(ENABLE_DOCS=True, API_TITLE="Shop <1>")

        @app.get("/books")
        async def books() -> list[Book]: ...

        return app

    def test_it_is_off_unless_asked_for(self):
        client = make().test_client()
        assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404

    def test_the_document_is_served_and_validated(self, app: Flasgo[Settings]):
        client = app.test_client()
        response = client.get("/openapi.json")
        assert response.json() == json.loads(json.dumps(app.openapi_spec()))
        assert list(response.json()["paths"]) == ["/books"]
        etag = response.headers["etag"]
        assert client.get("/openapi.json", headers={"if-none-match": etag}).status_code == 304
        assert client.get("/openapi.json", headers={"if-match": '"other"'}).status_code == 412
        assert client.post("/openapi.json").status_code == 405
        assert client.head("/openapi.json").headers["content-length"] == response.headers["content-length"]

    def test_it_says_where_the_application_is_mounted(self, app: Flasgo[Settings]):
        assert "servers" not in app.test_client().get("/openapi.json").json()
        for number in range(20):
            client = app.test_client(root_path=f"/shop{number}")
            assert client.get("/openapi.json").json()["servers"] == [{"url": f"/shop{number}"}]

    def test_the_page_and_its_files_are_served_from_here(self, app: Flasgo[Settings]):
        client = app.test_client(root_path="/shop")
        page = client.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<title>Shop &lt;1&gt; Docs</title>" in page.text
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "http" not in page.text
        addresses = [part.partition('"')[0] for part in page.text.replace('src="', 'href="').split('href="')[1:]]
        assert len(addresses) == 6
        for address in addresses:
            response = client.get(address.removeprefix("/shop"))
            assert response.status_code == 200
            if address != "/shop/openapi.json":
                assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert "set-cookie" not in response.headers

    @pytest.mark.parametrize(
        ("accepted", "packed"),
        [("gzip", True), ("br, X-GZip;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.000", False), ("br", False)],
    )
    def test_files_are_sent_as_they_are_taken(self, app: Flasgo[Settings], accepted: str, packed: bool):
        client = app.test_client()
        style = next(
            part.partition('"')[0] for part in client.get("/docs").text.split('href="') if "swagger-ui.css" in part
        )
        response = client.get(style, headers={"accept-encoding": accepted})
        assert (response.headers.get("content-encoding") == "gzip") is packed
        assert response.headers["vary"] == "Accept-Encoding"

    def test_a_backend_may_guard_it(self):
        app = make(ENABLE_DOCS=True, DOCS_AUTH_BACKEND="staff")
        app.register_auth_backend(
            "staff",
            bearer_token_backend(lambda token: User(id="a", is_authenticated=True) if token == "right" else None),
        )
        client = app.test_client()
        for path in ("/docs", "/openapi.json"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"authorization": "Bearer right"}).status_code == 200
        assert (
            client.get("/openapi.json", headers={"authorization": "Bearer right"})
            .headers["cache-control"]
            .startswith("private")
        )

    def test_a_backend_that_nobody_registered_is_refused(self):
        with pytest.raises(RegistrationError, match="staff"):
            make(ENABLE_DOCS=True, DOCS_AUTH_BACKEND="staff").freeze()

    def test_paths_may_be_chosen(self):
        client = make(ENABLE_DOCS=True, DOCS_PATH="/", OPENAPI_PATH="/api/spec.json").test_client()
        assert 'data-document="/api/spec.json"' in client.get("/").text
        assert client.get("/api/spec.json").status_code == 200

    def test_a_route_of_the_users_in_its_place_is_refused(self):
        with pytest.raises(RegistrationError, match="/docs"):
            make(ENABLE_DOCS=True).get("/docs")(lambda: "")

    def test_what_cannot_be_described_is_told_at_startup(self):
        app = make(ENABLE_DOCS=True)
        app.get("/a", operation_id="one")(lambda: "")
        app.get("/b", operation_id="one")(lambda: "")
        with pytest.raises(ConfigurationError):
            app.freeze()


def test_the_files_of_the_page_are_counted_by_no_default_limit():
    app = Flasgo(
        settings={
            "SECRET_KEY": "a secret of a test, and of no use elsewhere",
            "ENABLE_DOCS": True,
            "RATE_LIMIT_DEFAULT": ["1/60"],
        }
    )
    client = app.test_client()
    page = client.get("/docs").text
    files = [piece.partition('"')[0] for piece in page.split('="/docs/')[1:]]
    assert len(files) == 5
    assert {client.get(f"/docs/{file}").status_code for file in files * 2} == {200}
    assert client.get("/docs").status_code == 429
