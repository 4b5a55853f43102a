"""Request bodies: JSON, urlencoded and multipart, as a browser or an HTTP library would send them.

- urlencoded: WHATWG URL §5.2, UTF-8;
- multipart: RFC 7578, with names and file names escaped as WHATWG HTML §4.10.21.8 says ('"' → %22, CR → %0D,
  LF → %0A), so that no file name can end its line and begin a header of its own.
"""

import re
import secrets
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Protocol, TypeAlias, runtime_checkable
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct


@runtime_checkable
class Readable(Protocol):
    """An open file: what `open(path, "rb")` or `io.BytesIO` gives."""

    def read(self) -> bytes | str: ...


Fields: TypeAlias = Mapping[str, object] | Sequence[tuple[str, object]]
"""Form fields or query parameters: a list, tuple or set of values repeats the name, and so do pairs; bytes are sent as
they are, any other value as `str` writes it."""

FileContent: TypeAlias = str | bytes | Readable
FileValue: TypeAlias = FileContent | tuple[str, FileContent] | tuple[str, FileContent, str]
Files: TypeAlias = Mapping[str, FileValue] | Sequence[tuple[str, FileValue]]
"""By field: `(filename, content[, content type])`, or the content alone."""

Stream: TypeAlias = Iterable[bytes] | AsyncIterable[bytes]
Body: TypeAlias = str | bytes | bytearray | memoryview | Stream


class Payload(Struct, frozen=True):
    """What is sent after the head. A body of bytes has a known length, any other is streamed."""

    body: bytes | Stream
    content_type: str | None = None


def encode_payload(
    *,
    body: Body | None = None,
    json: object = UNSET,
    data: Fields | None = None,
    files: Files | None = None,
) -> Payload | None:
    """None where nothing is to be sent.

    Raises ValueError where more than one kind of body is given (`data` and `files` are one kind), TypeError where a
    value is not of the declared type.
    """
    form = data is not None or files is not None
    if (body is not None) + (json is not UNSET) + form > 1:
        raise ValueError("A request has one body: give only one of body=, json= and data=/files=.")
    if json is not UNSET:
        return Payload(msgspec.json.encode(json), "application/json")
    if files is not None:
        boundary = f"flasgo-{secrets.token_hex(16)}"
        return Payload(_multipart(boundary, data or (), files), f"multipart/form-data; boundary={boundary}")
    if data is not None:
        return Payload(encode_fields(data).encode("ascii"), "application/x-www-form-urlencoded")
    if isinstance(body, str):
        return Payload(body.encode())
    if isinstance(body, bytearray | memoryview):
        return Payload(bytes(body))
    return None if body is None else Payload(body)


def encode_fields(fields: Fields) -> str:
    """application/x-www-form-urlencoded, for a body or a query string."""
    return urlencode(list(_flat(fields)))


def _flat(fields: Fields) -> Iterator[tuple[str, bytes]]:
    if isinstance(fields, str | bytes):
        raise TypeError("data= and params= take a mapping or a list of pairs; send text or bytes with body=.")
    for name, value in fields.items() if isinstance(fields, Mapping) else fields:
        if not isinstance(name, str):
            raise TypeError(f"a field name is a str, not {type(name).__name__}.")
        for item in value if isinstance(value, list | tuple | set | frozenset) else (value,):
            if item is None:
                raise TypeError(f"field {name[:64]!r} is None: leave it out, or give an empty str.")
            yield name, item if isinstance(item, bytes) else str(item).encode()


def _multipart(boundary: str, fields: Fields, files: Files) -> bytes:
    parts = [_part(boundary, f'name="{_escape(name)}"', None, value) for name, value in _flat(fields)]
    for name, value in files.items() if isinstance(files, Mapping) else files:
        filename, content, content_type = _file(name, value)
        disposition = f'name="{_escape(name)}"; filename="{_escape(filename)}"'
        parts.append(_part(boundary, disposition, content_type, content))
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def _part(boundary: str, disposition: str, content_type: str | None, content: bytes) -> bytes:
    typed = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{typed}\r\n"
    return b"%b%b\r\n" % (head.encode(), content)


def _escape(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _file(field: str, value: FileValue) -> tuple[str, bytes, str]:
    """File name, content and content type of one file; an open file brings its own name, bare content takes the field's."""
    content_type = None
    if isinstance(value, str | bytes | Readable):
        filename, content = PurePath(str(getattr(value, "name", field))).name, value
    else:
        filename, content = value[0], value[1]
        content_type = value[2] if len(value) == 3 else None  # noqa: PLR2004 - the third is optional
    if not content_type:
        import mimetypes  # noqa: PLC0415 - only uploads need it

        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if re.search(r"[\r\n\x00]", content_type):
        raise ValueError(f"The content type of file {field[:64]!r} holds CR, LF or NUL.")
    if isinstance(content, Readable):
        content = content.read()
    return filename, content.encode() if isinstance(content, str) else content, content_type
