"""The forms of the pages, and how a plain handler gets one."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from flasgo import PageForm, Request, UploadedFile

T = TypeVar("T")


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


def sent(record: type[T]) -> Callable[[Request], Awaitable[PageForm[T]]]:
    """A provider of the form that was sent, as `record`: `Annotated[PageForm[Login], Depends(sent(Login))]`."""

    async def read(request: Request) -> PageForm[T]:
        return await request.form_as(record)

    return read
