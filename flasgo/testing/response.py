"""What a test looks at: one response, complete."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar, overload

import msgspec
from msgspec import UNSET, Struct, UnsetType

from flasgo.http.headers import RawHeaders
from flasgo.testing.jar import split_pair

T = TypeVar("T")


class ResponseHeaders(Mapping[str, str]):
    """Header fields by name, in any case; the lines of a repeated header are joined by "\\n", `getlist` has them apart."""

    def __init__(self, raw: RawHeaders) -> None:
        self.raw = raw
        self._lines: dict[str, list[str]] = {}
        for name, value in raw:
            self._lines.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def __getitem__(self, name: str) -> str:
        return "\n".join(self._lines[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return repr(dict(self))

    def getlist(self, name: str) -> list[str]:
        """The value of each line of this name, in order; empty where there is none."""
        return self._lines.get(name.lower(), []).copy()


class TestResponse(Struct):
    """A response; `history` are the redirects that led here, first to last."""

    __test__: ClassVar[bool] = False

    status_code: int
    headers: ResponseHeaders
    body: bytes
    history: list["TestResponse"] = []

    def __repr__(self) -> str:
        return (
            f"<TestResponse {self.status_code} {self.content_type or 'without content type'}, {len(self.body)} bytes>"
        )

    @property
    def raw_headers(self) -> RawHeaders:
        """Every header line as the application sent it."""
        return self.headers.raw

    @property
    def data(self) -> bytes:
        """The body, as Flask calls it."""
        return self.body

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @property
    def location(self) -> str | None:
        return self.headers.get("location")

    @property
    def text(self) -> str:
        """The body in the charset of its content type, UTF-8 without one; what cannot be decoded becomes U+FFFD."""
        match = re.search(r';\s*charset\s*=\s*"?([^\s";]+)', self.content_type or "", re.IGNORECASE)
        try:
            return self.body.decode(match[1] if match else "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    @property
    def cookies(self) -> dict[str, str]:
        """Name and value of what this response sets; deletions too, mostly with an empty value."""
        return dict(split_pair(header.partition(";")[0]) for header in self.headers.getlist("set-cookie"))

    @overload
    def json(self) -> Any: ...  # as json.loads: a test says by its own checks what it expects

    @overload
    def json(self, type: type[T]) -> T: ...

    def json(self, type: type[object] | UnsetType = UNSET) -> object:  # noqa: A002 - the name that msgspec gives it
        """The body as JSON, converted to `type` where one is given: `response.json(list[Book])`.

        Raises msgspec.DecodeError where the body is not JSON, msgspec.ValidationError where it is not of the type.
        """
        return msgspec.json.decode(self.body) if type is UNSET else msgspec.json.decode(self.body, type=type)
