"""Forms: what a browser sends when one is submitted (WHATWG HTML §4.10.21), in either of its encodings.

Names and values are UTF-8. `read_form` reads a body as it comes, `parse_form` one that is in memory.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Self, TypeVar, overload

from flasgo.errors import BadRequest, MalformedBody, MalformedRequest
from flasgo.http.formlimits import FormLimits, Parts, too_large
from flasgo.http.media import MediaType, essence, parse_media_type
from flasgo.http.multipart import parse_multipart, read_multipart
from flasgo.http.parthead import is_utf8
from flasgo.http.query import parse_query
from flasgo.http.uploads import UploadedFile
from flasgo.patterns import regex

T = TypeVar("T")

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"

CSRF_FIELD = "csrf_token"
"""The field in which a page's form brings its CSRF token; no field of anybody's model."""

LARGE = 65_536
"""Bytes of an urlencoded body beyond which its escapes could keep the event loop for many milliseconds."""


class MissingField(BadRequest, KeyError):
    """A field that was asked for by its name and was not sent: the client's mistake, 400, where nobody catches the KeyError."""


class FormData(Mapping[str, str]):
    """A submitted form. As a mapping it has the fields of text, each with its first value; files are apart.

    `fields` and `files` give one value, or several, for each name. Large files of a request are in a temporary file, which
    lives until the form is closed, or it and its files are forgotten.
    """

    __slots__ = ("_parts",)
    __hash__ = None  # type: ignore[assignment]  # equality is by content

    def __init__(
        self,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        files: Mapping[str, UploadedFile | Sequence[UploadedFile]] | None = None,
    ) -> None:
        self._parts = Parts(
            {
                name: [given] if isinstance(given, str) else list(given)
                for name, given in (fields or {}).items()
                if given or isinstance(given, str)
            },
            {
                name: [given] if isinstance(given, UploadedFile) else list(given)
                for name, given in (files or {}).items()
                if given
            },
        )

    @classmethod
    def of(cls, parts: Parts) -> Self:
        """The form of these parts, which it takes over."""
        form = cls.__new__(cls)
        form._parts = parts  # noqa: SLF001 - what it is made of
        return form

    def __getitem__(self, key: str, /) -> str:
        """The first value of a field of text. Raises MissingField, a KeyError that is answered with 400."""
        values = self._parts.fields.get(key)
        if values is None:
            raise MissingField(f"The field {key!r} is missing.")
        return values[0]

    @overload
    def get(self, key: object, default: None = None) -> str | None: ...

    @overload
    def get(self, key: object, default: str) -> str: ...

    @overload
    def get(self, key: object, default: T) -> str | T: ...

    @overload
    def get(self, key: object, default: None = None, *, type: Callable[[str], T]) -> T | None: ...

    @overload
    def get(self, key: object, default: T, *, type: Callable[[str], T]) -> T: ...

    def get(self, key: object, default: object = None, *, type: Callable[[str], object] | None = None) -> object:  # noqa: A002 - Flask's word
        """The first value of a field of text, else `default`; so is a value of which `type` makes nothing (ValueError, TypeError)."""
        values = self._parts.fields.get(key) if isinstance(key, str) else None
        if values is None:
            return default
        if type is None:
            return values[0]
        try:
            return type(values[0])
        except (ValueError, TypeError):
            return default

    def getlist(self, key: str) -> list[str]:
        """Every value of a field of text, in order; empty where there is none."""
        return list(self._parts.fields.get(key, ()))

    def file(self, key: str) -> UploadedFile | None:
        """The first file of this name; None where none was chosen."""
        files = self._parts.files.get(key)
        return files[0] if files else None

    def filelist(self, key: str) -> list[UploadedFile]:
        """Every file of this name, in order; empty where none was chosen."""
        return list(self._parts.files.get(key, ()))

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """All values of text by name."""
        return self._parts.fields

    @property
    def files(self) -> dict[str, tuple[UploadedFile, ...]]:
        """All files by name."""
        return {name: tuple(files) for name, files in self._parts.files.items()}

    def __contains__(self, key: object) -> bool:
        return key in self._parts.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts.fields)

    def __len__(self) -> int:
        """The number of names of fields of text; so a form with nothing but files is false."""
        return len(self._parts.fields)

    def __eq__(self, other: object) -> bool:
        """All values and files alike; compared with another mapping, first values alike and no files."""
        if isinstance(other, FormData):
            return (self.fields, self._parts.files) == (other.fields, other._parts.files)
        if isinstance(other, Mapping):
            return not self._parts.files and dict(self.items()) == dict(other.items())
        return NotImplemented

    def __repr__(self) -> str:
        return f"<FormData with {len(self._parts.fields)} fields and {len(self._parts.files)} names of files>"

    def close(self) -> None:
        """Remove the temporary file, if there is one; its files can no longer be read. Again is harmless."""
        if self._parts.spool is not None:
            self._parts.spool.close()

    async def aclose(self) -> None:
        """`close`, in a thread if there is a file: removing a large one takes a while."""
        spool = self._parts.spool
        if spool is not None and spool.size:
            await asyncio.to_thread(spool.close)


async def read_form(content_type: bytes | None, stream: AsyncIterator[bytes], limits: FormLimits) -> FormData:
    """The form that `stream` brings, by its Content-Type; empty, and nothing is read, where that is not one of a form.

    The result is to be closed. Raises MalformedBody; ContentTooLarge beyond a limit, as soon as it is passed; what `stream`
    raises; OSError where the disk refuses. Then, and when it is cancelled, no file is left and `stream` is closed.
    """
    declared = content_type or b""
    kind = essence(declared)
    try:
        if kind == MULTIPART:
            return FormData.of(await read_multipart(_boundary(declared), stream, limits))
        if kind != URLENCODED:
            return FormData()
        _check_charset(declared)
        body = bytearray()
        async for chunk in stream:
            body += chunk
            _check_size(len(body), limits)
        if len(body) > LARGE and b"%" in body:
            return await asyncio.to_thread(_urlencoded, bytes(body), limits)
        return _urlencoded(bytes(body), limits)
    except BaseException:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
        raise


def parse_form(content_type: bytes | None, body: bytes, limits: FormLimits, kind: bytes | None = None) -> FormData:
    """`read_form` for a body that is in memory, where its files stay. For small ones: it keeps the event loop.

    `kind` is the essence of the content type, for who has it already.
    """
    declared = content_type or b""
    kind = essence(declared) if kind is None else kind
    if kind == MULTIPART:
        usual = _USUAL_BOUNDARY.fullmatch(declared)
        return FormData.of(parse_multipart(usual[1] if usual else _boundary(declared), body, limits))
    if kind != URLENCODED:
        return FormData()
    _check_charset(declared)
    _check_size(len(body), limits)
    return _urlencoded(body, limits)


def _urlencoded(body: bytes, limits: FormLimits) -> FormData:
    if body.count(b"&") >= limits.max_fields:
        raise too_large(f"The form has more than {limits.max_fields} fields.")
    try:
        pairs = parse_query(body, max_fields=limits.max_fields)
    except MalformedRequest:
        raise MalformedBody("The form is not UTF-8. Encode its text as UTF-8 before escaping it.") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return FormData.of(Parts(fields, {}))


def _check_size(size: int, limits: FormLimits) -> None:
    if size > limits.max_body_bytes:
        raise too_large(f"The form is larger than {limits.max_body_bytes} bytes.")


def _check_charset(content_type: bytes) -> None:
    if b";" in content_type:
        _parameters(content_type, "The Content-Type of the form is malformed. Send application/x-www-form-urlencoded.")


_USUAL_BOUNDARY = regex(rb"multipart/form-data; ?boundary=([0-9A-Za-z_.+'-]{1,70})")
_BOUNDARY = regex(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")  # RFC 2046 §5.1.1
_NO_BOUNDARY = (
    "The multipart form has no proper boundary. Include a boundary in the Content-Type header, of 1 to 70 characters: "
    'multipart/form-data; boundary="…".'
)


def _boundary(content_type: bytes) -> bytes:
    """The boundary that a multipart Content-Type names. Raises MalformedBody."""
    usual = _USUAL_BOUNDARY.fullmatch(content_type)
    if usual is not None:
        return bytes(usual[1])
    boundary = _parameters(content_type, _NO_BOUNDARY).parameter("boundary")
    if boundary is None or _BOUNDARY.fullmatch(boundary) is None:
        raise MalformedBody(_NO_BOUNDARY)
    return boundary.encode("ascii")


def _parameters(content_type: bytes, advice: str) -> MediaType:
    """The whole header. Raises MalformedBody, with this advice where it is malformed, and where it names another charset."""
    try:
        media = parse_media_type(content_type)
    except ValueError:
        raise MalformedBody(advice) from None
    if not is_utf8(media):
        raise MalformedBody("The form is not in UTF-8. Send it in UTF-8, and name no other charset.")
    return media
