"""The forms of the pages: a handler takes one as `form: PageForm[Login]`, and shows it again with what is wrong beside each field."""

from typing import Annotated

from msgspec import Meta, Struct

from flasgo import UploadedFile


class Registration(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=2, max_length=40)]
    password: str


class Login(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
    remember: bool


class Draft(Struct, frozen=True):
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    body: Annotated[str, Meta(min_length=1, max_length=20_000)]
    picture: UploadedFile | None
    picture_text: Annotated[str, Meta(max_length=200)] = ""
    drop_picture: bool = False
