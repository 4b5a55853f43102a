"""multipart/form-data (RFC 7578), read as it comes and no more leniently than browsers write it (WHATWG HTML §4.10.21.8).

What two parsers may read differently is refused, for one of them may be a firewall: bytes before the first boundary,
whitespace around names, bare CR and LF, folded lines, a header or parameter that is there twice, parts within parts, encoded
parts, an end that is missing. Limits are checked before anything is kept. How a body is cut into chunks never matters.

A form that is in memory and written as browsers write it is split here; any other is read by partreader.py.
"""

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Protocol, cast

from flasgo.http.formlimits import FormLimits, Parts
from flasgo.http.parthead import USUAL_PART, usual_headers
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
                await spool.write_on()
        parts = reader.finish()
        await spool.flush()
    except BaseException:
        spool.close()
        raise
    return parts


def parse_multipart(boundary: bytes, body: bytes, limits: FormLimits) -> Parts:
    """Read a form that is in memory; its files are kept there. Raises MalformedBody and ContentTooLarge."""
    try:
        parts = _split(boundary, body, limits)
    except UnicodeDecodeError:
        parts = None
    if parts is None:
        reader = _reader(boundary, limits)
        reader.feed(body)
        parts = reader.finish()
    return parts


ENDINGS = frozenset({b"--\r\n", b"--"})
"""What follows the last boundary where nothing follows the form."""


def _split(boundary: bytes, body: bytes, limits: FormLimits) -> Parts | None:
    """A form as every browser writes it, many times faster than the reader, and no differently.

    None or UnicodeDecodeError for any other, and for one that may be beyond a limit: what it is, the reader says.
    """
    opening = b"--" + boundary
    if not body.startswith(opening) or len(body) > limits.unchecked_bytes:
        return None
    delimiter = b"\r\n" + opening
    length, most = len(delimiter), limits.max_part_header_bytes
    fields: dict[str, list[str]] = {}
    files: dict[str, list[UploadedFile]] = {}
    left = limits.unchecked_parts
    after = length - 2  # where the last boundary ends
    while (head := USUAL_PART.match(body, after)) is not None:
        start = head.end()
        end = body.find(delimiter, start - 2)  # not in the blank line either
        left -= 1
        if end < start or left < 0 or start - after > most:
            return None
        disposition, raw_name, filename, content_type = head.groups()
        name, content = raw_name.decode(), body[start:end]
        after = end + length
        if filename is None:
            if name in fields:
                fields[name].append(content.decode())
            else:
                fields[name] = [content.decode()]
        elif filename or content:
            file = UploadedFile(name, filename.decode(), content, *usual_headers(disposition, content_type))
            if name in files:
                files[name].append(file)
            else:
                files[name] = [file]
    return Parts(fields, files) if body[after:] in ENDINGS and after >= length else None
