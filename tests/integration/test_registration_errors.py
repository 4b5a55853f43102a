"""What cannot work is refused when it is registered: one sentence with file, line, handler, parameter and cure."""

import enum
import functools
import inspect
import re
import sys
import textwrap
import types
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path as Path_
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, Protocol, TypedDict, TypeVar, Union, Unpack
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct

from flasgo import (
    Blueprint,
    Body,
    Codec,
    Cookie,
    Depends,
    Flasgo,
    Header,
    Path,
    Query,
    RegistrationError,
    Request,
    Response,
    Session,
    Settings,
    Status,
)

T = TypeVar("T")


class Book(Struct):
    title: str


class Author(Struct):
    name: str


class Cat(Struct, tag=True):
    name: str


class Dog(Struct, tag=True):
    name: str


class Options(TypedDict):
    limit: int


class Plain:
    pass


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Colour(enum.Enum):
    RED = "red"


class Other(Settings, frozen=True):
    KEY: str = ""


class OwnRequest(Request):
    pass


class OwnSession(Session):
    pass


class Hidden(Struct):
    unknown: "Nowhere"  # noqa: F821  # ty: ignore[unresolved-reference] - what it is about


def table(names: str, rows: Sequence[object]) -> pytest.MarkDecorator:
    """A test for each row, numbered: the names of types are no names of tests."""
    return pytest.mark.parametrize(names, rows, ids=map(str, range(len(rows))))


def refusal(handler: Callable[..., object], path: str = "/x", *methods: str) -> str:
    """The message that registering this handler raises."""
    with pytest.raises(RegistrationError) as caught:
        Flasgo().add_route(path, handler, methods=methods or ("GET",))
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.__cause__ is None
    return message


def check(handler: Callable[..., object], *fragments: str, path: str = "/x", methods: Sequence[str] = ("GET",)) -> None:
    """The message names the place, then says these things."""
    message = refusal(handler, path, *methods)
    code = inspect.unwrap(handler).__code__
    name = str(getattr(handler, "__qualname__", "")).replace("<locals>.", "")
    assert message.startswith(f"{code.co_filename}:{code.co_firstlineno}: {name}()")
    missing = [fragment for fragment in fragments if fragment not in message]
    assert missing == [], message


class TestPath:
    def test_a_placeholder_that_nothing_takes(self):
        def handler(): ...

        check(handler, "<id>", "add a parameter `id`", path="/x/<id>")

    def test_a_parameter_that_the_marker_sends_to_a_path_without_it(self):
        def handler(id: Annotated[int, Path()]): ...

        check(handler, "parameter `id`", "the path has no <id>", "add it to the path")

    def test_an_alias_that_the_path_does_not_have(self):
        def handler(id: Annotated[int, Path(alias="number")]): ...

        check(handler, "parameter `id`", "<number>", path="/x/<id>")

    def test_another_marker_on_a_name_of_the_path(self):
        def handler(id: Annotated[int, Query()]): ...

        check(handler, "<id>", "no parameter takes it", path="/x/<id>")

    @table(
        "path, annotation, says",
        [
            ("/<int:v>", str, "<v> makes int of the path's text, but the annotation says str"),
            ("/<int:v>", bool, "says bool"),
            ("/<int:v>", date, "says date"),
            ("/<int:v>", UUID, "says UUID"),
            ("/<int:v>", bytes, "says bytes"),
            ("/<int:v>", str | bool, "says str | bool"),
            ("/<int:v>", Literal["1"], "annotate int"),
            ("/<int:v>", Colour, "says Colour"),
            ("/<float:v>", int, "makes float"),
            ("/<float:v>", Literal[1], "makes float"),
            ("/<uuid:v>", str, "makes UUID"),
            ("/<uuid:v>", int, "makes UUID"),
            ("/<date:v>", datetime, "makes date"),
            ("/<date:v>", str, "makes date"),
            ("/<int:v>", Annotated[str, Meta(min_length=3)], "says str"),
            ("/<v>", list[int], "more than one value; a placeholder of a path is one piece of text"),
            ("/<v>", tuple[int, int], "more than one value"),
            ("/<v>", list[int] | None, "more than one value"),
            ("/<v>", set, "more than one value"),
            ("/<v>", Book, "Book cannot be read from text"),
            ("/<int:v>", Book, "Book cannot be read from text"),
            ("/<v>", dict[str, int], "dict[str, int] cannot be read from text"),
            ("/<v>", Plain, "Plain cannot be read from text"),
            ("/<path:v>", Request, "Request cannot be read from text"),
            ("/<v>", None, "None alone says nothing"),
            ("/<v>", Annotated[int, Meta(min_length=1)], "min_length"),
            ("/<int:v>", Annotated[int, Meta(pattern="a")], "pattern"),
            ("/<v>", Mixed, "Enums must contain either all str or all int values"),
        ],
    )
    def test_a_type_that_the_converter_cannot_give(self, path: str, annotation: Any, says: str):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", says, path=path)

    @pytest.mark.parametrize("braces", ["{id}", "{id:int}"])
    def test_braces_as_other_frameworks_write_them(self, braces: str):
        def handler(id: int): ...

        written = "<int:id>" if ":" in braces else "<id>"
        with pytest.raises(RegistrationError, match=f"a placeholder is written in angle brackets: write {written}"):
            Flasgo().add_route(f"/books/{braces}", handler)

    @table("annotation", [Literal["de", "en"], Literal["de"], Annotated[str, Meta(max_length=2)], Colour, date])
    def test_choices_that_the_annotation_does_not_take(self, annotation: Any):
        def handler(lang): ...

        handler.__annotations__["lang"] = annotation
        says = "the path lets <lang> be 'deu', but the annotation does not; list the same choices in both"
        check(handler, f"parameter `lang`: {says}", path="/<any(deu,de):lang>")

    def test_a_class_that_a_converter_of_the_users_does_not_make(self):
        class Slug: ...

        class Slugs:
            python_type = Slug
            rank = 50
            least = 1
            run = None

            def to_python(self, text: str) -> Slug:
                raise NotImplementedError

            def to_url(self, value: object) -> str:
                raise NotImplementedError

        def handler(slug: Plain): ...

        app = Flasgo()
        app.register_converter("slug", Slugs())
        with pytest.raises(RegistrationError, match="parameter `slug`: Plain cannot be read from text"):
            app.add_route("/<slug:slug>", handler)

        def constrained(slug: Annotated[Slug, Meta(min_length=1)]): ...

        with pytest.raises(RegistrationError, match="parameter `slug`"):
            app.add_route("/<slug:slug>", constrained)


class TestMarkers:
    @pytest.mark.parametrize("marker", [Path, Query, Header, Cookie, Body])
    def test_a_marker_class_without_parentheses(self, marker: Any):
        def handler(v): ...

        handler.__annotations__["v"] = Annotated[str, marker]
        check(handler, "parameter `v`", f"write {marker.__name__}() instead of {marker.__name__}.")

    @table("default", [Query(), Header(alias="x"), Cookie, Body()])
    def test_a_marker_as_default(self, default: object):
        def handler(v: int): ...

        handler.__defaults__ = (default,)
        name = default.__name__ if isinstance(default, type) else type(default).__name__
        check(handler, "parameter `v`", f"{name}() is no default; write `v: Annotated[int, {name}()]`")

    @table("annotation", [Query, Query(), Header | None, list[Body]])
    def test_a_marker_instead_of_a_type(self, annotation: Any):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "() is no type; write `v: Annotated[str, ", methods=["POST"])

    def test_two_markers(self):
        def handler(v: Annotated[str, Query(), Header()]): ...

        check(handler, "parameter `v`", "several markers")

    def test_two_markers_in_nested_annotations(self):
        tenant = Annotated[str, Header()]

        def handler(v: Annotated[tenant, Query()]): ...

        check(handler, "parameter `v`", "several markers")

    @table(
        "annotation",
        [
            Annotated[str, Header()] | None,
            Optional[Annotated[str, Header()]],
            list[Annotated[str, Header()]],
            dict[str, list[Annotated[str, Header()]]],
            Annotated[list[Annotated[str, Header]], Meta(max_length=2)],
        ],
    )
    def test_a_marker_inside_the_type(self, annotation: Any):
        def handler(v=None): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "stands inside the type; put it around the whole: `Annotated[", "Header()]`")

    @table("kind", [Request, Session, Settings])
    def test_a_marker_on_what_is_injected(self, kind: Any):
        def handler(v): ...

        handler.__annotations__["v"] = Annotated[kind, Query()]
        check(handler, "parameter `v`", f"{kind.__name__} is provided by its type; take the marker away")

    @table(
        "marker, says",
        [
            (Header(alias="two words"), "'two words' cannot be the name of a header"),
            (Header(alias=""), "alias='' is no name; give a string that is not empty"),
            (Query(alias=""), "alias='' is no name"),
            (Query(alias=5), "alias=5 is no name"),  # ty: ignore[invalid-argument-type] - what it is about
            (Header(alias="naïve"), "cannot be the name of a header"),
            (Header(alias="x:y"), "cannot be the name of a header"),
            (Header(alias="X_Tenant"), "underscore"),
            (Cookie(alias="a=b"), "'a=b' cannot be the name of a cookie"),
            (Cookie(alias="größe"), "cannot be the name of a cookie"),
        ],
    )  # fmt: skip
    def test_an_alias_that_cannot_be_sent(self, marker: object, says: str):
        def handler(v): ...

        handler.__annotations__["v"] = Annotated[str, marker]
        check(handler, "parameter `v`", says, "alias")

    def test_a_parameter_whose_name_is_no_header(self):
        def handler(größe: Annotated[str, Header()]): ...

        check(handler, "parameter `größe`", "give it an alias")


class TestTypes:
    @table(
        "annotation, says",
        [
            (Plain, "Plain cannot be read from text"),
            (Plain | None, "Plain cannot be read from text"),
            (dict, "dict cannot be read from text; mark the parameter with Body()"),
            (dict[str, int], "dict[str, int] cannot be read from text; mark the parameter with Body()"),
            (list[dict[str, int]], "dict[str, int] cannot be read from text"),
            (list[list[int]], "list[int] cannot be read from text"),
            (list[int] | int, "a union of a collection with something else cannot be read from text"),
            (Callable[[int], str], "cannot be read from text"),
            (type[int], "cannot be read from text"),
            (deque, "deque cannot be read from text"),
            (complex, "complex cannot be read from text"),
            (T, "T cannot be read from text"),
            (list[T], "T cannot be read from text"),
            (None, "None alone says nothing; annotate the type of the value"),
            (list[None], "None alone says nothing"),
            (Literal[None], "None alone says nothing"),
            (Literal[b"x"], "Literal"),
            (Mixed, "Enums must contain either all str or all int values"),
            (enum.Enum("Empty", {}), "Enum types must have at least one item"),
            (Iterator[int], "Iterator"),
            (Annotated[str, Meta(ge=1)], "Can only set `ge` on a numeric type"),
            (Annotated[int, Meta(min_length=1)], "Can only set `min_length`"),
            (Annotated[int | str, Meta(ge=1)], "Can only set `ge`"),
            (Annotated[list[int], Meta(gt=1)], "Can only set `gt`"),
            (Annotated[str, Meta(tz=True)], "Can only set `tz`"),
            (Iterable[int], "Iterable may be a list or a stream; write list[…]"),
            (Annotated[int, Meta(ge=10, le=5)], "no value keeps both ge=10 and le=5; correct its constraints"),
            (Annotated[Annotated[int, Meta(ge=10)], Meta(lt=10)], "no value keeps both ge=10 and lt=10"),
            (Annotated[int, Meta(gt=4, lt=5)], "no value keeps both gt=4 and lt=5"),
            (Annotated[float, Meta(gt=4, lt=4)], "no value keeps both gt=4 and lt=4"),
            (Annotated[str, Meta(min_length=3, max_length=2)], "no value keeps both min_length=3 and max_length=2"),
            (Annotated[list[int], Meta(min_length=3, max_length=2)], "no value keeps both min_length=3"),
        ],
    )
    def test_what_text_cannot_stand_for(self, annotation: Any, says: str):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", says)
        handler.__annotations__["v"] = Annotated[annotation, Query()]
        check(handler, "parameter `v`", says)
        handler.__annotations__["v"] = Annotated[annotation, Header()]
        check(handler, "parameter `v`", says)

    @pytest.mark.parametrize("annotation", [5, [int], ..., "text", {}, Union, Optional])
    def test_what_is_no_type(self, annotation: Any):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        message = refusal(handler)
        assert "handler()" in message

    def test_a_record_in_the_query(self):
        def handler(v: Annotated[Book, Query()]): ...

        check(handler, "parameter `v`", "Book cannot be read from text; mark the parameter with Body()")

    @table(
        "annotation, says",
        [
            (Annotated[Plain, Body()], "Plain is not a type that JSON can carry; use a Struct"),
            (Annotated[list[Plain], Body()], "Plain is not a type that JSON can carry"),
            (Annotated[Callable[[], int], Body()], "JSON"),
            (Annotated[complex, Body()], "JSON"),
            (Book | Author, "must be tagged"),
            (Book | dict[str, int], "more than one dict-like type"),
            (list[Book] | tuple[int, int], "more than one array-like"),
            (type[Book], "JSON"),
            (Hidden, "a type inside it names 'Nowhere', which its module does not have"),
            (list[Hidden], "'Nowhere'"),
            (Annotated[Book, Meta(ge=1)], "Can only set `ge`"),
            (dict[int | str, Book] | Plain, "Plain"),
        ],
    )
    def test_what_json_cannot_stand_for(self, annotation: Any, says: str):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "cannot be decoded from JSON", says, methods=["POST"])

    def test_a_dataclass_with_a_field_of_an_unknown_class(self):
        @dataclass
        class Order:
            item: Plain

        def handler(v: Order): ...

        check(handler, "parameter `v`", "Plain is not a type that JSON can carry", methods=["POST"])

    def test_an_alias_that_contains_itself(self):
        class Alias:  # as `type loop = list[loop]` makes it
            __type_params__ = ()
            __value__: Any

        loop: Any = Alias()
        loop.__value__ = types.GenericAlias(list, loop)

        def handler(v): ...

        handler.__annotations__["v"] = loop
        check(handler, "parameter `v`", "an alias that contains itself; write a Struct", methods=["POST"])

        handler.__annotations__ = {"return": loop}
        check(handler, "an alias that contains itself; write a Struct")

    def test_a_session_or_request_of_ones_own(self):
        def handler(v: OwnRequest): ...

        check(handler, "parameter `v`", "no application provides OwnRequest; annotate Request.")

        def handler(v: OwnSession): ...

        check(handler, "parameter `v`", "no application provides OwnSession; annotate Session.")

    def test_settings_that_the_application_does_not_have(self):
        def handler(v: Other): ...

        check(handler, "parameter `v`", "it asks for Other", "annotate Settings")


class TestDefaults:
    @table(
        "annotation",
        [int, str, float, bool, list[int], Annotated[int, Meta(ge=1)], Literal["a"], Annotated[int, Query()]],
    )
    def test_none_for_a_type_that_is_not_optional(self, annotation: Any):
        def handler(v=None): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "its default is None, but its type is not", "| None = None`")

    def test_none_for_a_body(self):
        def handler(v: Book = None): ...  # ty: ignore[invalid-parameter-default] - what it is about

        check(handler, "parameter `v`", "write `Book | None = None`", methods=["POST"])

    @table(
        "annotation, default, says",
        [
            (int, "5", "its default is of type str, but the annotation says int"),
            (str, 5, "of type int"),
            (int, 1.5, "of type float"),
            (bool, 0, "of type int"),
            (UUID, "", "of type str"),
            (Decimal, 1, "of type int"),
            (date, "2024-01-01", "of type str"),
            (int, object(), "of type object"),
            (str | int, object(), "of type object"),
            (int | None, "x", "of type str"),
            (list[int], 5, "of type int"),
            (list[int], "abc", "of type str"),
            (Colour, "red", "of type str"),
            (Literal["a"], 5, "of type int"),
            (Annotated[int, Header()], "5", "of type str"),
        ],
    )
    def test_a_default_of_another_type(self, annotation: Any, default: object, says: str):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        handler.__defaults__ = (default,)
        check(handler, "parameter `v`", says, "make one of them agree with the other")

    @table(
        "annotation, default",
        [
            (Annotated[int, Meta(ge=1)], 0),
            (Literal["a", "b"], "c"),
            (Annotated[str, Meta(pattern="^a")], "b"),
            (list[int], ["a"]),
            (list[int], [object()]),
            (Annotated[list[int], Meta(max_length=1)], [1, 2]),
            (tuple[int, int], (1,)),
            (Annotated[str, Meta(max_length=1), Header()], "two"),
        ],
    )
    def test_a_default_that_a_client_could_not_send(self, annotation: Any, default: object):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        handler.__defaults__ = (default,)
        check(handler, "parameter `v`", "its default is not what it asks of a client (", "| None = None`")

    @table("annotation", [str, Any, None, list[str]])
    def test_a_default_that_no_utf_8_has_a_form_for(self, annotation: Any):
        def handler(v): ...

        if annotation is not None:
            handler.__annotations__["v"] = annotation
        handler.__defaults__ = (["\ud800"] if annotation == list[str] else "\ud800",)
        check(handler, "parameter `v`", "its default holds half of a surrogate pair", "write the whole character")

    def test_a_member_of_a_body_whose_default_no_utf_8_has_a_form_for(self):
        class Page(Struct):
            title: str = "\udfff"

        def handler(v: Page): ...

        check(handler, "parameter `v`", "a field's default holds half of a surrogate pair", methods=["POST"])

    def test_a_default_that_its_codec_cannot_write(self):
        class Place:
            pass

        def encode(place: Place) -> str:
            raise RuntimeError("secret")

        app = Flasgo(codecs=[Codec(Place, str, encode, lambda text: Place())])

        def handler(v: Place = Place()): ...

        with pytest.raises(RegistrationError) as caught:
            app.get("/")(handler)
        said = str(caught.value)
        assert "test_registration_errors.py:" in said
        assert "parameter `v`: its default cannot be written as JSON (RuntimeError); correct the codec" in said
        assert "secret" not in said

    def test_a_body_whose_default_breaks_its_own_rules(self):
        class Positive(Struct):
            number: Annotated[int, Meta(ge=1)]

        def handler(v: Positive = Positive(0)): ...

        check(handler, "parameter `v`", "is not what it asks of a client (Expected `int` >= 1", methods=["POST"])

    def test_a_body_whose_default_is_not_of_its_type(self):
        def handler(v: Book = {}): ...  # ty: ignore[invalid-parameter-default] - what it is about

        check(handler, "parameter `v`", "of type dict, but the annotation says Book", methods=["POST"])

    def test_an_ellipsis(self):
        def handler(v: int = ...): ...  # ty: ignore[invalid-parameter-default] - what it is about

        check(handler, "parameter `v`", "`...` is no default; leave it out")


class TestOwned:
    """What the framework provides stands alone: no request can send it."""

    @table(
        "annotation", [Request | int, list[Request], Session | Request, dict[str, Settings], Request | Session | None]
    )
    def test_inside_another_type(self, annotation: Any):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "is provided by its type alone; annotate ")

    @table("annotation", [Response, Response | None])
    def test_a_response(self, annotation: Any):
        def handler(v): ...

        handler.__annotations__["v"] = annotation
        check(handler, "parameter `v`", "a handler takes no Response: it returns one")


class TestTogether:
    def test_two_bodies(self):
        def handler(one: Book, two: Author): ...

        check(handler, "parameter `two`", "`one` takes the body already; put both into one Struct", methods=["POST"])

    def test_two_parameters_of_one_name(self):
        def handler(one: Annotated[int, Query(alias="n")], n: int): ...

        check(handler, "parameter `n`", "`one` takes query 'n' already; give one of them an alias")

    def test_header_names_are_compared_without_case(self):
        def handler(x_one: Annotated[str, Header()], two: Annotated[str, Header(alias="X-One")]): ...

        check(handler, "parameter `two`", "`x_one` takes header 'x-one' already")

    def test_two_parameters_for_one_placeholder(self):
        def handler(id: int, other: Annotated[int, Path(alias="id")]): ...

        check(handler, "parameter `other`", "`id` takes path 'id' already", path="/x/<id>")

    @table("methods", [["GET"], ["HEAD"], ["GET", "POST"]])
    def test_a_body_where_there_is_none(self, methods: list[str]):
        def handler(v: Book): ...

        check(handler, "parameter `v`", f"a {methods[0]} request has none; use POST", methods=methods)

    def test_an_optional_body_where_there_is_never_one(self):
        def handler(v: Book | None = None): ...

        check(handler, "parameter `v`", "a GET request has none", methods=["GET", "HEAD"])


class TestCallables:
    def test_what_cannot_be_called(self):
        with pytest.raises(RegistrationError, match="a route needs a callable"):
            Flasgo().add_route("/x", "handler")  # ty: ignore[invalid-argument-type] - what it is about

    def test_what_was_called_already(self):
        async def handler(): ...

        called = handler()
        with pytest.raises(
            RegistrationError, match=r"'/x': <coroutine object .* is no handler: a route needs a callable"
        ):
            Flasgo().add_route("/x", called)  # ty: ignore[invalid-argument-type] - what it is about
        called.close()

    def test_a_class_method_that_was_not_bound(self):
        class Views:
            @classmethod
            def index(cls): ...

        with pytest.raises(RegistrationError, match="a route needs a callable"):
            Flasgo().add_route("/x", Views.__dict__["index"])

    def test_a_method_without_its_instance(self):
        class Views:
            def index(self, page: int = 1): ...

        check(Views.index, "parameter `self`", "`app.add_route(path, instance.method)`")

    def test_a_method_without_self(self):
        class Views:
            def index(*, page: int = 1): ...

        index: Any = Views().index
        check(index, "without a parameter for its instance")

    def test_a_callable_without_a_signature(self):
        with pytest.raises(RegistrationError, match="its signature cannot be read; wrap it in a function of your own"):
            Flasgo().add_route("/x", dict)

    def test_a_generator_that_declares_one_answer(self):
        def rows() -> str:
            yield "1"

        async def lines() -> list[int]:
            yield 1

        class Rows:
            def __call__(self) -> bytes:
                yield b"1"

        check(rows, "it is a generator", "declare AsyncIterator")
        check(lines, "it is a generator")
        assert "it is a generator" in refusal(Rows())
        assert "it is a generator" in refusal(functools.partial(rows))

    def test_a_partial_that_binds_what_is_not_there(self):
        def handler(page: int = 1): ...

        anything: Any = handler
        assert "its partial binds `pages`" in refusal(functools.partial(anything, pages=2))
        assert "its partial binds 2 positional arguments" in refusal(functools.partial(anything, 1, 2))

    def test_what_a_partial_binds_is_not_for_the_path(self):
        def handler(id: int): ...

        assert "the path has <id>, but no parameter takes it" in refusal(functools.partial(handler, id=3), "/x/<id>")

    def test_a_wrapper_that_takes_more_than_it_wraps(self):
        def handler(page: int = 1): ...

        @functools.wraps(handler)
        def wrapper(token, *args, **kwargs): ...

        check(wrapper, "parameter `token`", "its wrapper takes it, but what it wraps does not", "`__signature__`")

    def test_a_wrapper_that_takes_something_else_than_it_wraps(self):
        """`functools.wraps` has replaced its annotations, so that nothing is known of what it takes."""

        def handler(page: int): ...

        @functools.wraps(handler)
        def wrapper(number: int): ...

        check(wrapper, "parameter `number`", "nothing says where it comes from", "functools.wraps", "`__signature__`")

    def test_a_wrappers_option_before_what_it_passes_by_position(self):
        def handler(page: int, /): ...

        @functools.wraps(handler)
        def wrapper(retries=3, *args, **kwargs): ...

        check(wrapper, "parameter `retries`", "its wrapper takes it")

    def test_a_wrapper_that_loses_what_is_needed(self):
        def handler(*, page: int): ...

        @functools.wraps(handler)
        def wrapper(*args): ...

        check(wrapper, "parameter `page`", "its wrapper does not pass it on; give the wrapper `*args` and `**kwargs`")

        def handler(page: int, /): ...

        @functools.wraps(handler)
        def wrapper(**kwargs): ...

        check(wrapper, "parameter `page`", "its wrapper does not pass it on")

    def test_a_wrapper_around_itself(self):
        def handler(id: int): ...

        vars(handler)["__wrapped__"] = handler
        with pytest.raises(RegistrationError, match="it wraps itself"):
            Flasgo().add_route("/x/<id>", handler)

    def test_members_by_name(self):
        def handler(**options: Unpack[Options]): ...

        check(handler, "parameter `options`", "write its members out as parameters")
        handler.marked = True  # what has attributes may be more than a function, and is read with more care
        check(handler, "parameter `options`", "write its members out as parameters")


class TestStringAnnotations:
    @pytest.fixture
    def register(self, tmp_path: Path_, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
        """Gives the message for the `handler` of a module with this source."""

        def register(source: str) -> str:
            file = tmp_path / "shop.py"
            file.write_text(textwrap.dedent(source))
            module = types.ModuleType("shop")
            module.__file__ = str(file)
            monkeypatch.setitem(sys.modules, "shop", module)
            exec(compile(file.read_text(), file, "exec"), module.__dict__)
            with pytest.raises(RegistrationError) as caught:
                Flasgo().post("/x")(module.handler)
            message = str(caught.value)
            assert "\n" not in message
            assert re.match(re.escape(str(file)) + r":[1-9]\d*: \w+(\.\w+)*\(\)", message)
            return message

        return register

    def test_a_model_that_is_local_to_a_function(self, register: Callable[[str], str]):
        message = register(
            """
            from __future__ import annotations
            from msgspec import Struct

            def make():
                class Book(Struct):
                    title: str
                def handler(page: int, book: Book) -> None: ...
                return handler

            handler = make()
            """
        )
        assert "make.handler() parameter `book`: its annotation names 'Book'" in message
        assert "at the top level of the module" in message
        assert "from __future__ import annotations" in message

    def test_a_return_type_that_is_not_there(self, register: Callable[[str], str]):
        message = register("def handler() -> 'Nowhere': ...")
        assert "handler(): its annotation names 'Nowhere'" in message
        assert "TYPE_CHECKING" in message

    def test_a_name_that_is_not_there(self, register: Callable[[str], str]):
        source = "def handler(v: Nowhere): ..."
        if sys.version_info < (3, 14):
            source = f"from __future__ import annotations\n{source}"
        assert "its annotation names 'Nowhere'" in register(source)

    def test_what_is_no_type(self, register: Callable[[str], str]):
        assert "annotations cannot be read (TypeError: " in register("def handler(v: 'list[int][str]'): ...")
        assert "annotations cannot be read (SyntaxError: " in register("def handler(v: 'not a type'): ...")
        assert "annotations cannot be read (AttributeError: " in register("import enum\ndef handler(v: 'enum.X'): ...")
        assert "correct them" in register("def handler(v: '1/0'): ...")

    def test_what_is_there_only_later(self, register: Callable[[str], str]):
        message = register("def handler(page: int, v: 'list[Later]'): ...")
        assert "parameter `v`: its annotation names 'Later', which its module does not have, or not yet" in message
        assert "above this" in message

    def test_a_class_as_handler(self, register: Callable[[str], str]):
        message = register("class handler:\n    def __init__(self, v: 'Nowhere') -> None: ...")
        assert "handler() parameter `v`: its annotation names 'Nowhere'" in message.replace(
            "handler.__init__", "handler"
        )


class Loose(Protocol):
    def method(self) -> int: ...


class Pair(NamedTuple):
    left: Plain
    right: int


class Page(Struct, Generic[T]):
    items: list[T]


class Private(msgspec.Struct):
    public: int


class TestReturns:
    @table(
        "annotation, says",
        [
            (Plain, "Plain is not a type that JSON can carry"),
            (list[Plain], "Plain is not a type"),
            (Page[Plain], "Plain is not a type"),
            (Pair, "Plain is not a type"),
            (Plain | None, "Plain is not a type"),
            (tuple[Plain, int], "Plain is not a type"),
            (Callable[[], int], "JSON"),
            (Book | Author, "must be tagged"),
            (Hidden, "'Nowhere'"),
            (complex, "complex is not a type"),
            (Loose, "Loose is not a type"),
            (5, "5"),
            (Union[Response, Plain], "Plain is not a type"),
            (tuple[str, int, list[str] | None] | Plain, "Plain"),
            (Iterable[int], "Iterable may be a list or a stream; write list[…], or Iterator[…] for a stream"),
            (list[Annotated[int, Meta(ge=2, le=1)]], "no value keeps both ge=2 and le=1"),
        ],
    )
    def test_a_type_that_has_no_form(self, annotation: Any, says: str):
        def handler(): ...

        handler.__annotations__["return"] = annotation
        check(handler, "its return type has no form as a response", says, "Declare a type that JSON can carry")

    @table(
        "annotation, says",
        [
            (Iterator[Plain], "Plain is not a type that JSON can carry"),
            (AsyncIterator[complex], "complex is not a type"),
            (AsyncIterator[bytes | int], "bytes and JSON cannot be in one stream"),
            (AsyncIterator[str] | str, "declare the stream alone, or with Response"),
            (
                Annotated[AsyncIterator[str], Status(201)],
                "gives a stream a status; give the route status_code= instead",
            ),
            (AsyncIterator[str] | list[int], "declare the stream alone, or with Response"),
        ],
    )
    def test_a_stream_that_has_no_form(self, annotation: Any, says: str):
        def handler(): ...

        handler.__annotations__["return"] = annotation
        check(handler, "its return type ", "stream", says)

    @table(
        "annotation, says",
        [
            (tuple[Book, Literal[204, 304]], "an answer with status 204 has no body; annotate None"),
            (tuple[Book, Literal[304], dict[str, str]], "an answer with status 304 has no body"),
            (tuple[str, Literal[204]], "an answer with status 204 has no body"),
            (tuple[Book, Literal[999]], "its return type: 999 is not a final HTTP status: use 200 to 599."),
            (tuple[Book, Literal[100]] | None, "its return type: 100 is not a final HTTP status"),
        ],
    )
    def test_a_status_that_cannot_be(self, annotation: Any, says: str):
        def handler(): ...

        handler.__annotations__["return"] = annotation
        check(handler, says)

    @table("annotation", [Book, str, AsyncIterator[str], list[int] | str, Book | tuple[Book, Literal[201]]])
    def test_a_status_of_the_route_that_leaves_no_place_for_the_answer(self, annotation: Any):
        def handler(): ...

        handler.__annotations__["return"] = annotation
        for status in (204, 304):
            with pytest.raises(RegistrationError, match=f"an answer with status {status} has no body; annotate None"):
                Flasgo().add_route("/x", handler, status_code=status)

    def test_a_private_field_that_is_never_written(self):
        import attrs

        @attrs.define
        class Account:
            _secret: str

        def handler() -> Account:
            raise NotImplementedError

        check(handler, "`_secret`", "underscore", "rename it")

    def test_a_class_that_is_its_own_answer(self):
        with pytest.raises(RegistrationError, match="Plain is not a type that JSON can carry"):
            Flasgo().add_route("/x", Plain)


def test_nothing_is_registered_when_it_is_refused():
    def handler(v: Plain): ...

    app = Flasgo()
    with pytest.raises(RegistrationError):
        app.get("/x")(handler)
    assert app.routes == ()


def test_the_annotations_of_any_type_give_a_sentence():
    def handler(v): ...

    for annotation in (
        Any,
        object,
        Struct,
        dict,
        list,
        "int",
        3.5,
        ...,
        {},
        lambda: 1,
        type,
        Generic,
        Protocol,
        Literal,
    ):
        handler.__annotations__["v"] = annotation
        message = ""
        try:
            Flasgo().add_route("/x", handler, methods=["POST"])
        except RegistrationError as error:
            message = str(error)
        assert message == "" or "parameter `v`" in message or "annotations" in message


class TestOptions:
    """An option that is ignored would leave open what it was to protect."""

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"permission": []}, "there is no option permission=; did you mean permissions=?"),
            ({"stauts_code": 201}, "did you mean status_code=?"),
            ({"zzz": 1}, "there is no option zzz=; there are auth, cache, "),
            ({"csrf": "off"}, "csrf='off' is of type str; give True or False."),
            ({"threaded": None}, "threaded=None is of type NoneType; give True or False."),
            ({"strict_slashes": "no"}, "give True, False or None."),
            ({"max_body_bytes": "1"}, "max_body_bytes='1' is of type str; give a number of bytes or None."),
            ({"max_body_bytes": True}, "max_body_bytes=True is of type bool"),
            ({"name": 5}, "name=5 is of type int; give a string or None."),
            ({"summary": None}, "give a string."),
            ({"tags": [1]}, "a tag is a string"),
            ({"methods": [b"GET"]}, "a method is a string, such as 'GET'"),
        ],
        ids=str,
    )
    def test_an_option_that_means_nothing(self, options: Any, says: str):
        def handler(): ...

        with pytest.raises(RegistrationError) as caught:
            Flasgo().add_route("/x", handler, **options)
        code = handler.__code__
        assert str(caught.value).startswith(f"{code.co_filename}:{code.co_firstlineno}: ")
        assert says in str(caught.value)

    def test_of_a_blueprint(self):
        options: Any = {"permission": []}
        with pytest.raises(RegistrationError, match="Blueprint 'shop': there is no option permission=; did you mean"):
            Blueprint("shop", **options)
        options = {"csrf": 0}
        with pytest.raises(RegistrationError, match="Blueprint 'shop': csrf=0 is of type int; give True or False"):
            Blueprint("shop", **options)

    def test_of_a_route_in_a_blueprint(self):
        def handler(): ...

        shop = Blueprint("shop")
        options: Any = {"permission": []}
        shop.add_route("/x", handler, **options)
        with pytest.raises(RegistrationError, match=r"handler\(\): there is no option permission="):
            Flasgo().register_blueprint(shop)

    @pytest.mark.parametrize("owner", [Flasgo, lambda: Blueprint("shop")], ids=["app", "blueprint"])
    def test_a_decorator_without_its_parentheses(self, owner: Callable[[], Any]):
        def handler(): ...

        app = owner()
        for decorator in (app.get, app.route, app.post):
            with pytest.raises(RegistrationError, match=r"is no path; write the decorator with one, as in @app.get"):
                decorator(handler)
        for kind in (handler, "404", True, 200, BaseException):
            with pytest.raises(RegistrationError, match="give an exception class or a status from 400 to 599"):
                app.errorhandler(kind)
        assert app.routes == ()


class TestProviders:
    def test_a_scope_that_there_is_not(self):
        marker: Any = Depends(lambda: 1, scope="session")  # ty: ignore[invalid-argument-type] - what it is about

        def handler(v): ...

        handler.__annotations__["v"] = Annotated[int, marker]
        check(handler, "parameter `v`", "scope='session' is none", 'write "request" or "app"')

    def test_a_class_whose_signature_nobody_knows_is_refused_where_it_is_named(self):
        def handler(v: Annotated[dict, Depends()]): ...

        check(handler, "parameter `v`", "the signature of dict cannot be read", "Depends(function)")

    def test_a_provider_that_could_never_be_called_is_refused_at_its_own_place(self):
        def provider(page: int): ...

        def handler(v: Annotated[int, Depends(functools.partial(provider, number=1))]): ...

        with pytest.raises(RegistrationError) as caught:
            Flasgo().add_route("/x", handler)
        place = f"{__file__}:{provider.__code__.co_firstlineno}: "
        assert str(caught.value).startswith(place)
        assert "its partial binds `number`, which it does not take" in str(caught.value)

    def test_a_provider_that_gives_one_of_some_values(self):
        def provider() -> Literal["a", "b"]:
            return "b"

        def handler(v: Annotated[Literal["a", "b"], Depends(provider)]) -> str:
            return v

        app = Flasgo()
        app.add_route("/x", handler)
        assert app.test_client().get("/x").text == "b"

    def test_an_alias_that_contains_itself_says_nothing_of_what_a_provider_gives(self):
        class Alias:  # as `type loop = list[loop]` makes it
            __type_params__ = ()
            __value__: Any

        loop: Any = Alias()
        loop.__value__ = types.GenericAlias(list, loop)

        def provider():
            return 7

        provider.__annotations__["return"] = loop

        def handler(v: Annotated[int, Depends(provider)]) -> str:
            return f"{v}"

        app = Flasgo()
        app.add_route("/x", handler)
        assert app.test_client().get("/x").text == "7"

    def test_a_body_that_is_not_the_same_as_its_dependencys(self):
        def optional(book: Book | None = None): ...

        def handler(title: Annotated[str, Depends(optional)], book: Book): ...

        check(handler, "parameter `book`", "`book` takes the body already", methods=["POST"])


def test_none_is_no_handler():
    with pytest.raises(
        RegistrationError, match=r"'/x': None is no handler: a route needs a callable; give it a function"
    ):
        Flasgo().add_route("/x", None)  # ty: ignore[invalid-argument-type] - what it is about


# ── what a call only begins


async def async_generator(*_: object) -> AsyncIterator[str]:
    yield "x"


def generator(*_: object) -> Iterator[str]:
    yield "x"


@contextmanager
def manager(*_: object) -> Generator[str]:
    yield "x"


@asynccontextmanager
async def async_manager(*_: object) -> AsyncGenerator[str]:
    yield "x"


@functools.wraps(async_generator)
def passing_on(*values: object) -> object:
    return async_generator(*values)


class Dispatching:
    @functools.singledispatchmethod
    def answer(self, value: int = 1) -> str:
        return str(value)


@functools.singledispatch
def dispatching(value: int = 1) -> str:
    return str(value)


@pytest.mark.parametrize(
    "function", [async_generator, generator, manager, async_manager, pytest.param(passing_on, id="wrapper")]
)
@pytest.mark.parametrize(
    "register",
    ["before_request", "after_request", "teardown_request", "context_processor", "errorhandler", "form_message"],
)
def test_a_hook_that_only_begins_is_refused_with_a_cure(register: str, function: Callable[..., object]) -> None:
    app = Flasgo()
    decorator = getattr(app, register)
    if register == "errorhandler":
        decorator = decorator(404)

    kind = "context manager" if "manager" in function.__name__ else "generator"
    with pytest.raises(RegistrationError, match=f"is called once and gives its answer, but this is a {kind}; "):
        decorator(function)


@pytest.mark.parametrize("function", [manager, async_manager])
def test_a_context_manager_is_no_handler(function: Callable[..., object]) -> None:
    with pytest.raises(RegistrationError, match="make it a provider"):
        Flasgo().add_route("/", function)


@pytest.mark.parametrize("function", [dispatching, Dispatching().answer, functools.partial(dispatching)], ids=range(3))
def test_a_singledispatch_function_is_neither_handler_nor_provider(function: Callable[..., object]) -> None:
    with pytest.raises(RegistrationError, match="chooses by its first positional argument"):
        Flasgo().add_route("/", function)

    def handler(value: Annotated[str, Depends(function)]) -> str:
        return value

    with pytest.raises(RegistrationError, match="write a function of your own that calls it"):
        Flasgo().add_route("/", handler)


def test_a_singledispatch_function_may_be_a_hook_and_a_context_manager_may_decorate_a_handler() -> None:
    app = Flasgo()
    entered: list[str] = []

    @contextmanager
    def timed() -> Generator[None]:
        entered.append("in")
        yield
        entered.append("out")

    @functools.singledispatch
    def told(error: Exception) -> tuple[str, int]:
        return "an error", 400

    @told.register
    def _(error: KeyError) -> tuple[str, int]:
        return f"no {error}", 400

    app.errorhandler(LookupError)(told)

    @app.get("/")
    @timed()
    def index() -> str:
        return {"a": "b"}["c"]

    @app.get("/fine")
    @timed()
    def fine() -> str:
        return "fine"

    client = app.test_client()
    assert client.get("/").text == "no 'c'"
    assert client.get("/fine").text == "fine"
    assert entered == ["in", "in", "out"]
