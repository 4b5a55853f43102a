"""What people who come from FastAPI type without thinking."""

from typing import Annotated, Any

import pytest
from msgspec import Struct

import flasgo
from flasgo import (
    BackgroundTasks,
    Blueprint,
    Body,
    File,
    Flasgo,
    HTTPException,
    NotFound,
    Path,
    Query,
    RegistrationError,
    Request,
    Response,
    Settings,
    UploadedFile,
    advice,
)


class Book(Struct):
    title: str


@pytest.mark.parametrize(
    ("marker", "values", "options", "cure"),
    [
        (Query, ("x",), {}, r"Query\(\) takes no default; .* `name: Annotated\[…, Query\(\)\] = default`"),
        (Query, (), {"default": 1}, r"Query\(\) takes no default"),
        (Query, (), {"min_length": 3}, r"`Annotated\[…, Query\(\), Meta\(min_length=…\)\]`"),
        (Path, (), {"regex": "a+"}, r"Path\(\), Meta\(pattern=…\)"),
        (Body, (), {"embed": True}, "write a Struct that has it as a member"),
        (File, (..., 1), {"alias": "x"}, r"File\(\) takes no default"),
        (File, (), {"media_type": "image/png"}, "there is alias=, the name on the wire"),
    ],
)
def test_a_marker_says_where_defaults_and_constraints_stand(
    marker: Any, values: tuple[object, ...], options: dict[str, object], cure: str
) -> None:
    with pytest.raises(TypeError, match=cure):
        marker(*values, **options)
    assert marker(alias="x") == marker(alias="x") != marker()


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"response_model": Book}, "the return annotation says it: `-> Book`"),
        ({"response_class": Response}, "a Response is sent as it is"),
        ({"dependencies": []}, "a permission or a hook"),
        ({"responses": {404: {"description": "None such."}}}, r"responses\[404\]: write the type .* or a sentence"),
        ({"response": 1}, "did you mean responses=?"),
        ({"zzz": 1}, "there are auth, "),
    ],
)
def test_an_option_says_what_it_is_called_here(options: dict[str, Any], cure: str) -> None:
    with pytest.raises(RegistrationError, match=cure):

        @Flasgo().get("/", **options)
        async def handler() -> Book:
            raise NotFound


def test_a_class_that_is_no_record_says_what_a_body_is() -> None:
    class Model:
        def __init__(self, title: str) -> None:
            self.title = title

    with pytest.raises(RegistrationError, match=r"A body is a msgspec.Struct, a dataclass, an attrs class"):

        @Flasgo().post("/")
        async def handler(model: Annotated[Model, "a model"]) -> None: ...


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: Flasgo(__name__), r"Flasgo\(\) takes no import_name: there is none"),  # ty: ignore[no-matching-overload]
        (lambda: Flasgo(title="Shop"), r"settings=\{'API_TITLE': …\}"),
        (lambda: Flasgo(settings={}, debug=True), r"settings=\{'DEBUG': True\}"),
        (lambda: Blueprint("shop", __name__), r"Blueprint\(\) takes no import_name"),  # ty: ignore[too-many-positional-arguments]
        (lambda: Blueprint("shop", prefix="/shop"), "write url_prefix=…"),
        (lambda: Flasgo(nothing=1), "unexpected keyword argument 'nothing'"),
    ],
)
def test_an_argument_of_the_application_says_which_setting_it_is(make: Any, cure: str) -> None:
    with pytest.raises((TypeError, RegistrationError), match=cure):
        make()


def test_subclasses_of_the_application_have_arguments_of_their_own() -> None:
    class Shop(Flasgo[Settings]):
        def __init__(self, title: str) -> None:
            super().__init__(settings={"API_TITLE": title})

    assert Shop("Books").openapi_spec()["info"]["title"] == "Books"


def test_the_detail_of_an_error_is_text() -> None:
    for kind in (lambda: HTTPException(404, {"id": 1}), lambda: NotFound({"id": 1})):  # ty: ignore[invalid-argument-type]
        with pytest.raises(TypeError, match=r"is text, not dict; .* Problem"):
            kind()


@pytest.mark.parametrize(
    ("thing", "name", "cure"),
    [
        (Flasgo(), "include_router", "write app.register_blueprint"),
        (Blueprint("b"), "include_router", "write blueprint.register_blueprint"),
        (Request.of({"type": "http", "headers": []}, None), "client", "write request.client_ip"),  # ty: ignore[invalid-argument-type]
        (UploadedFile("f", "f.txt", b""), "file", "write `await upload.read"),
        (Response(""), "media_type", "write response.content_type"),
        (BackgroundTasks(), "add_task", "write tasks.add"),
    ],
)
def test_an_attribute_of_fastapi_is_answered_with_where_it_went(thing: object, name: str, cure: str) -> None:
    assert not hasattr(thing, name)
    with pytest.raises(AttributeError, match=cure):
        getattr(thing, name)


@pytest.mark.parametrize(
    ("kind", "table"),
    [(UploadedFile, advice.UPLOAD), (Response, advice.RESPONSE), (BackgroundTasks, advice.TASKS)],
)
def test_what_is_said_to_be_gone_is_not_there(kind: object, table: dict[str, str]) -> None:
    assert [name for name in table if hasattr(kind, name)] == []


def test_every_cure_is_a_sentence() -> None:
    for table in (advice.UPLOAD, advice.RESPONSE, advice.TASKS, advice.OPTIONS, advice.ARGUMENTS, advice.MARKED):
        assert all(cure.endswith(".") for cure in table.values())


def test_a_name_of_fastapi_says_where_it_went_when_it_is_imported() -> None:
    with pytest.raises(ImportError, match="write `from flasgo import UploadedFile`"):
        from flasgo import UploadFile  # ty: ignore[missing-module-member] # noqa: F401
    assert not hasattr(flasgo, "APIRouter")
