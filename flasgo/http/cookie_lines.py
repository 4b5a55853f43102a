"""The Set-Cookie lines of a response as a list of their values."""

from collections.abc import Iterable, MutableSequence, Sequence
from typing import overload

from flasgo.http.headers import MutableHeaders, header_field

SET_COOKIE = b"set-cookie"


class CookieLines(MutableSequence[str]):
    """A view: reads show the lines as they are, writes go to the headers, checked as every header is (ValueError)."""

    __slots__ = ("_headers",)
    __hash__ = None  # type: ignore[assignment]  # equality is by content, which may change

    def __init__(self, headers: MutableHeaders) -> None:
        self._headers = headers

    def _lines(self) -> list[str]:
        return self._headers.getlist("set-cookie")

    def _write(self, lines: Iterable[str]) -> None:
        fields = [header_field("set-cookie", line) for line in lines]
        raw = self._headers.raw
        raw[:] = [*(field for field in raw if field[0] != SET_COOKIE), *fields]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._lines()[index]

    @overload
    def __setitem__(self, index: int, value: str) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[str]) -> None: ...
    def __setitem__(self, index: int | slice, value: str | Iterable[str]) -> None:
        lines = self._lines()
        if isinstance(index, slice):
            lines[index] = value
        else:
            lines[index] = str(value)
        self._write(lines)

    def __delitem__(self, index: int | slice) -> None:
        lines = self._lines()
        del lines[index]
        self._write(lines)

    def insert(self, index: int, value: str) -> None:
        lines = self._lines()
        lines.insert(index, value)
        self._write(lines)

    def __len__(self) -> int:
        return len(self._lines())

    def __eq__(self, other: object) -> bool:
        return self._lines() == list(other) if isinstance(other, Sequence) else NotImplemented

    def __repr__(self) -> str:
        return f"<{len(self)} Set-Cookie lines>"
