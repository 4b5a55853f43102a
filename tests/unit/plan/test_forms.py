"""What of a type a form can carry."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import pytest
from msgspec import Meta, Struct

from flasgo import UploadedFile
from flasgo.plan.forms import form_fields, is_upload
from flasgo.plan.model import MISSING, FormField


class Places(NamedTuple):
    a: int


class Array(Struct, array_like=True):
    a: int


class Inner(Struct):
    a: int


class Nested(Struct):
    inner: Inner


class Either(Struct):
    either: list[int] | int


class Mapped(Struct):
    mapped: dict[str, int]


class Fine(Struct, rename="camel"):
    some_text: Literal["", "a"]
    flag: Annotated[bool, "anything"] = True
    names: list[str] = []
    files: Annotated[list[UploadedFile], Meta(min_length=1)] = msgspec.field(default_factory=list)
    maybe: float | None = None


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Places, "places, not names"),
        (Array, "places, not names"),
        (int, "not one record"),
        (list[Inner], "not one record"),
        (Nested, "`inner` is nested"),
        (Either, "`either` is a collection or something else"),
        (Mapped, "`mapped` is nested"),
    ],
)
def test_what_no_form_can_carry(kind: Any, problem: str):
    with pytest.raises(TypeError, match=problem):
        form_fields(kind)


def test_the_fields_of_a_record():
    def told(field: FormField) -> tuple[object, ...]:
        return field.name, field.attribute, field.file, field.many, field.required, field.unsent

    assert [told(field) for field in form_fields(Fine)] == [
        ("someText", "some_text", False, False, True, MISSING),
        ("flag", "flag", False, False, False, False),
        ("names", "names", False, True, False, MISSING),
        ("files", "files", True, True, False, MISSING),
        ("maybe", "maybe", False, False, False, MISSING),
    ]


@pytest.mark.parametrize(
    ("kind", "upload"),
    [
        (UploadedFile, True),
        (UploadedFile | None, True),
        (list[UploadedFile], True),
        (Annotated[tuple[UploadedFile, ...], Meta(max_length=1)], True),
        (list[int], False),
        (Literal["a"], False),
    ],
)
def test_uploads_are_known(kind: Any, upload: bool):
    assert is_upload(kind) is upload
