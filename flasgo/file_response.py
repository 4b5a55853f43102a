"""FileResponse: a file of this machine as an answer, with conditions and ranges (RFC 9110 §13, §14)."""

import asyncio
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import quote

from msgspec import Struct

from flasgo.http.asgi import Send, length_field, response_body, response_start
from flasgo.http.conditional import ETag, evaluate, http_date, if_range_matches
from flasgo.http.media import content_type_for
from flasgo.http.ranges import RangeNotSatisfiable, parse_range
from flasgo.response import NO_FIELDS, Response

PIECE = 262_144
"""Bytes that are read and sent at a time."""


class Snapshot(Struct, frozen=True):
    """What was true of the opened file: the same for every header and the body."""

    size: int
    modified: float
    etag: ETag


class FileResponse(Response):
    """The content of `path`, read in pieces in a thread when it is sent.

    `filename` names the download (only with `as_attachment`, or where the name should differ); the content type follows
    from the name. ETag and Last-Modified are sent, conditions answered with 304 or 412, and one range with 206.
    `path` is opened as given: never build it from a client's words.

    Raises FileNotFoundError when sending where there is no such regular file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        as_attachment: bool = False,
    ) -> None:
        self.path = Path(path)
        name = PurePath(filename or self.path.name).name
        super().__init__(b"", status_code, headers, content_type=content_type or content_type_for(name))
        if filename is not None or as_attachment:
            self.headers["content-disposition"] = disposition(name, attachment=as_attachment)

    async def send(self, send: Send, *, fields: Mapping[bytes, bytes] = NO_FIELDS, head_only: bool = False) -> None:
        file, snapshot = await asyncio.to_thread(_open, self.path)
        try:
            await self._send(send, file, snapshot, fields, head_only=head_only)
        finally:
            await asyncio.to_thread(file.close)

    async def _send(
        self, send: Send, file: BinaryIO, snapshot: Snapshot, fields: Mapping[bytes, bytes], *, head_only: bool
    ) -> None:
        raw = [field for field in self.sent_fields() if field[0] not in VALIDATORS]
        raw += [
            (b"etag", str(snapshot.etag).encode("latin-1")),
            (b"last-modified", http_date(snapshot.modified).encode("latin-1")),
            (b"accept-ranges", b"bytes"),
        ]
        verdict = self._verdict(snapshot, fields)
        if verdict != "proceed":
            status = 304 if verdict == "not_modified" else 412
            length = [] if status == 304 else [length_field(0)]  # noqa: PLR2004 - 304 has no body to measure
            await send(response_start(status, raw + length))
            await send(response_body(b""))
            return
        status, start, stop = self.status_code, 0, snapshot.size
        try:
            part = self._range(snapshot, fields)
        except RangeNotSatisfiable:
            raw += [(b"content-range", b"bytes */%d" % snapshot.size), length_field(0)]
            await send(response_start(416, raw))
            await send(response_body(b""))
            return
        if part is not None:
            status, start, stop = 206, *part
            raw.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, snapshot.size)))
        raw.append(length_field(stop - start))
        await send(response_start(status, raw))
        if head_only:
            await send(response_body(b""))
        else:
            await _send_pieces(send, file, start, stop)

    def _verdict(self, snapshot: Snapshot, fields: Mapping[bytes, bytes]) -> str:
        if self.status_code != 200:  # noqa: PLR2004 - conditions are about the successful answer, RFC 9110 §13.2.1
            return "proceed"
        return evaluate(
            "GET",
            if_match=_text(fields, b"if-match"),
            if_none_match=_text(fields, b"if-none-match"),
            if_modified_since=_text(fields, b"if-modified-since"),
            if_unmodified_since=_text(fields, b"if-unmodified-since"),
            etag=snapshot.etag,
            last_modified=snapshot.modified,
        )

    def _range(self, snapshot: Snapshot, fields: Mapping[bytes, bytes]) -> tuple[int, int] | None:
        """The one range to send as (start, stop), or None for the whole file; several ranges are answered with the whole."""
        condition = _text(fields, b"if-range")
        if self.status_code != 200 or (  # noqa: PLR2004 - ranges are of the successful answer
            condition is not None and not if_range_matches(condition, snapshot.etag, snapshot.modified)
        ):
            return None
        ranges = parse_range(_text(fields, b"range"), snapshot.size)
        if ranges is None or len(ranges) != 1:
            return None
        return ranges[0].start, ranges[0].stop


VALIDATORS = frozenset({b"etag", b"last-modified", b"accept-ranges", b"content-range"})


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")


def _open(path: Path) -> tuple[BinaryIO, Snapshot]:
    # Not blocking, so that a FIFO in the place of a file cannot hold the thread for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileNotFoundError(f"{path} is not a regular file")
    etag = ETag(f"{status.st_mtime_ns:x}-{status.st_size:x}")
    return os.fdopen(descriptor, "rb"), Snapshot(status.st_size, status.st_mtime, etag)


async def _send_pieces(send: Send, file: BinaryIO, start: int, stop: int) -> None:
    await asyncio.to_thread(file.seek, start)
    left = stop - start
    while left > 0:
        piece = await asyncio.to_thread(file.read, min(PIECE, left))
        if not piece:
            # The headers have promised more: ending short without the final event makes the server abort the connection.
            raise EOFError("The file became shorter while it was sent.")
        left -= len(piece)
        await send(response_body(piece, more_body=left > 0))
    if stop == start:
        await send(response_body(b""))


def disposition(filename: str, *, attachment: bool) -> str:
    """Content-Disposition (RFC 6266 §4) with a plain ASCII name and the full one (RFC 8187) where they differ."""
    kind = "attachment" if attachment else "inline"
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    full = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='')}"
    return f'{kind}; filename="{plain}"{full}'
