"""multipart/form-data (RFC 7578), read as it comes and no more leniently than browsers write it (WHATWG HTML §4.10.21.8).

What two parsers may read differently is refused, for one of them may be a firewall: bytes before the first boundary,
whitespace around names, bare CR and LF, folded lines, a header or parameter that is there twice, parts within parts, encoded
parts, an end that is missing. Limits are checked before anything is kept. How a body is cut into chunks never matters.

A form that is in memory and written as browsers write it is split here; any other is read by partreader.py.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import import_module
from typing import Protocol, cast

from flasgo.errors import MalformedBody
from flasgo.http.formlimits import FormLimits, Parts
from flasgo.http.headers import Headers
from flasgo.http.parthead import read_head
from flasgo.http.uploads import Spool, UploadedFile


class Reader(Protocol):
    """Takes a form chunk by chunk: see MultipartReader."""

    def feed(self, chunk: bytes, /) -> None: ...
    def finish(self) -> Parts: ...


def _reader(boundary: bytes, limits: FormLimits, spool: Spool | None = None) -> Reader:
    """Named, not imported: its library takes longer to load than all other parsers together, and the first such form loads it."""
    make = import_module("flasgo.http.partreader").MultipartReader
    return cast("Reader", make(boundary, limits, spool))


async def read_multipart(boundary: bytes, stream: AsyncIterator[bytes], limits: FormLimits) -> Parts:
    """Read a form as it comes; the spool of the result is for the caller to close.

    Raises MalformedBody, ContentTooLarge, what `stream` raises, and OSError where the disk refuses. Then, and when it is
    cancelled, no file is left.
    """
    spool = Spool(limits.temp_dir)
    reader = _reader(boundary, limits, spool)
    try:
        async for chunk in stream:
            reader.feed(chunk)
            if spool.full:
                await spool.flush()
        parts = reader.finish()
        await spool.flush()
    except BaseException:
        spool.close()
        raise
    return parts


def parse_multipart(boundary: bytes, body: bytes, limits: FormLimits) -> Parts:
    """Read a form that is in memory; its files are kept there. Raises MalformedBody and ContentTooLarge."""
    with suppress(_UnusualError, MalformedBody, UnicodeDecodeError):
        return _split(boundary, body, limits)
    reader = _reader(boundary, limits)
    reader.feed(body)
    return reader.finish()


ENDINGS = frozenset({b"--\r\n", b"--"})
"""What follows the last boundary where nothing follows the form."""


class _UnusualError(Exception):
    """A form that is not written as browsers write it, or is beyond a limit: what it is, the reader says."""


def _split(boundary: bytes, body: bytes, limits: FormLimits) -> Parts:
    """A form as every browser writes it, a few times faster than the reader, and no differently.

    Raises _UnusualError, MalformedBody and UnicodeDecodeError for any other.
    """
    delimiter = b"\r\n--" + boundary
    if len(body) > limits.max_multipart_bytes or not body.startswith(delimiter[2:]):
        raise _UnusualError
    *segments, last = body[len(delimiter) - 2 :].split(delimiter)
    if last not in ENDINGS or not 0 < len(segments) <= min(limits.max_fields, limits.max_files):
        raise _UnusualError
    parts = Parts({}, {})
    text = 0
    for segment in segments:
        lines, blank, content = segment.partition(b"\r\n\r\n")
        size = len(content)
        if not blank or not lines.startswith(b"\r\n") or lines.count(b"\r\n") > limits.max_part_headers:
            raise _UnusualError
        if len(lines) > limits.max_part_header_bytes:
            raise _UnusualError
        head = read_head(lines[2:])
        if head.filename is None:
            text += size + len(head.name.encode())
            if size > limits.max_field_bytes or text > limits.max_text_bytes:
                raise _UnusualError
            parts.fields.setdefault(head.name, []).append(content.decode())
        elif limits.max_file_bytes is not None and size > limits.max_file_bytes:
            raise _UnusualError
        elif head.filename or size:
            file = UploadedFile(head.name, head.filename, content, head.content_type, Headers(head.headers))
            parts.files.setdefault(head.name, []).append(file)
    return parts
