"""What a return annotation declares."""

from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, Never, NoReturn, Optional, Protocol, Union

import pytest
from msgspec import Struct

from flasgo import FileResponse, Response
from flasgo.plan.model import MISSING, Returns, Source
from flasgo.plan.returns import declares_awaitable, plan_returns
from flasgo.response import SupportsHTML

SOURCE = Source("file.py", 1, "handler")
NONE = type(None)


class Book(Struct):
    title: str


class Markup(str):
    def __html__(self) -> str:
        raise NotImplementedError


class HTML(Protocol):
    def __html__(self) -> str: ...


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (MISSING, Returns("any")),
        (Any, Returns("any")),
        (object, Returns("any")),
        (Never, Returns("any")),
        (NoReturn, Returns("any")),
        (Awaitable, Returns("any")),
        (Book | Any, Returns("any")),
        (None, Returns("plain", plain=(NONE,))),
        (str, Returns("plain", plain=(str,))),
        (bytearray, Returns("plain", plain=(bytearray,))),
        (Response, Returns("plain", plain=(Response,))),
        (FileResponse, Returns("plain", plain=(FileResponse,))),
        (str | None, Returns("plain", plain=(str, NONE))),
        (Markup, Returns("plain", plain=(Markup,))),
        (HTML, Returns("plain", plain=(SupportsHTML,))),
        (Literal["a", "b"], Returns("plain", plain=(str,))),
        (Literal["a", 1], Returns("json", Literal["a", 1])),
        (Book, Returns("json", Book)),
        (Optional[Book], Returns("json", Book, (NONE,))),
        (Book | list[int] | Response | str, Returns("json", Book | list[int], (Response, str))),
        (Awaitable[Book | None], Returns("json", Book, (NONE,))),
        (tuple[Book, int], Returns("json", Book)),
        (tuple[Book, bool], Returns("json", tuple[Book, bool])),
        (tuple[Book, HTTPStatus, dict[str, str]], Returns("json", Book)),
        (tuple[str, Literal[201], Mapping[str, str] | None], Returns("plain", plain=(str,))),
        (tuple[str, Literal["a"]], Returns("json", tuple[str, Literal["a"]])),
        (tuple[str, int, list[int]], Returns("json", tuple[str, int, list[int]])),
        (tuple[str, int, Any], Returns("json", tuple[str, int, Any])),
        (tuple[Book | None, int] | Book, Returns("json", Union[Book, Book], (NONE,))),
        (tuple[int, ...], Returns("json", tuple[int, ...])),
        (Annotated[Book, "words"], Returns("json", Book)),
        (dict[str, object], Returns("json", dict[str, Any])),
    ],
    ids=[str(number) for number in range(32)],
)
def test_what_is_declared(annotation: Any, expected: Returns):
    found = plan_returns(annotation, SOURCE)
    assert (found.kind, found.annotation, found.plain) == (expected.kind, expected.annotation, expected.plain)


def test_awaitables():
    assert declares_awaitable(Awaitable[str])
    assert declares_awaitable(str | Awaitable[str])
    assert not declares_awaitable(str)
    assert not declares_awaitable(MISSING)
