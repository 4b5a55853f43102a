"""FileResponse: a file of this machine as an answer, with conditions and ranges (RFC 9110 §13, §14)."""

import asyncio
import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path, PureWindowsPath
from typing import BinaryIO
from urllib.parse import quote

from msgspec import Struct

from flasgo.http.asgi import Send, length_field, response_body, response_start
from flasgo.http.conditional import ETag, Outcome, evaluate, http_date, if_range_matches
from flasgo.http.headers import RawHeaders
from flasgo.http.media import content_type_for
from flasgo.http.ranges import RangeNotSatisfiable, parse_range
from flasgo.response import BODILESS, NO_FIELDS, Response

PIECE = 262_144
"""Bytes that are read and sent at a time."""


class Snapshot(Struct, frozen=True):
    """What was true of the opened file: the same for every header and the body."""

    size: int
    modified: float
    etag: ETag


class Decision(Struct, frozen=True):
    """The status, from where to where the file is sent, and Content-Range where that is said."""

    status: int
    start: int
    stop: int
    content_range: str = ""


class Opening(Struct, frozen=True):
    """The beginning of an answer: its head, the first piece of its body, and the `file` from which `left` bytes are still to come."""

    status: int
    headers: RawHeaders
    piece: bytes = b""
    left: int = 0
    file: BinaryIO | None = None


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
        name = PureWindowsPath(filename or self.path.name).name  # what stands behind the last separator of either kind
        super().__init__(b"", status_code, headers, content_type=content_type or content_type_for(name))
        if filename is not None or as_attachment:
            self.headers["content-disposition"] = disposition(name, attachment=as_attachment)

    async def send(self, send: Send, *, fields: Mapping[bytes, bytes] = NO_FIELDS, head_only: bool = False) -> None:
        opening = await asyncio.to_thread(self._begin, fields, head_only=head_only)
        file, left = opening.file, opening.left
        try:
            await send(response_start(opening.status, opening.headers))
            await send(response_body(opening.piece, more_body=left > 0))
            while file is not None and left > 0:
                piece = await asyncio.to_thread(_read, file, left)
                left -= len(piece)
                await send(response_body(piece, more_body=left > 0))
        finally:
            if file is not None:
                await asyncio.to_thread(file.close)

    def _begin(self, fields: Mapping[bytes, bytes], *, head_only: bool) -> Opening:
        """Everything up to the first piece: for a small file, all that touches the disk."""
        with ExitStack() as opened:
            file = opened.enter_context(_open(self.path))
            snapshot = _snapshot(file)
            decision = self._decide(snapshot, fields, head_only=head_only)
            status, size = decision.status, decision.stop - decision.start
            raw = [field for field in self.sent_fields() if field[0] not in OWN_FIELDS]
            raw += [
                (b"etag", str(snapshot.etag).encode("latin-1")),
                (b"last-modified", http_date(snapshot.modified).encode("latin-1")),
                (b"accept-ranges", b"bytes"),
                *([(b"content-range", decision.content_range.encode("ascii"))] if decision.content_range else ()),
                *([] if status in BODILESS else [length_field(size)]),
            ]
            if head_only or size == 0:
                return Opening(status, raw)
            file.seek(decision.start)
            piece = _read(file, size)
            if len(piece) == size:
                return Opening(status, raw, piece)
            opened.pop_all()
            return Opening(status, raw, piece, size - len(piece), file)

    def _decide(self, snapshot: Snapshot, fields: Mapping[bytes, bytes], *, head_only: bool) -> Decision:
        # Conditions and ranges are of the successful answer (RFC 9110 §13.2.1, §14.2).
        if self.status_code != 200:  # noqa: PLR2004 - see above
            return Decision(self.status_code, 0, 0 if self.status_code in BODILESS else snapshot.size)
        verdict = self._verdict(snapshot, fields)
        if verdict != "proceed":
            return Decision(304 if verdict == "not_modified" else 412, 0, 0)
        condition = _text(fields, b"if-range")
        asked = _text(fields, b"range") if if_range_matches(condition, snapshot.etag, snapshot.modified) else None
        try:
            ranges = None if head_only else parse_range(asked, snapshot.size)
        except RangeNotSatisfiable as error:
            return Decision(416, 0, 0, error.content_range)
        if ranges is None or len(ranges) != 1:  # several are answered with the whole
            return Decision(200, 0, snapshot.size)
        return Decision(206, ranges[0].start, ranges[0].stop, ranges[0].content_range(snapshot.size))

    @staticmethod
    def _verdict(snapshot: Snapshot, fields: Mapping[bytes, bytes]) -> Outcome:
        return evaluate(
            "GET",
            if_match=_text(fields, b"if-match"),
            if_none_match=_text(fields, b"if-none-match"),
            if_modified_since=_text(fields, b"if-modified-since"),
            if_unmodified_since=_text(fields, b"if-unmodified-since"),
            etag=snapshot.etag,
            last_modified=snapshot.modified,
        )


OWN_FIELDS = frozenset({b"etag", b"last-modified", b"accept-ranges", b"content-range"})
"""What is said of the opened file, and by nobody else."""


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")


def _open(path: Path) -> BinaryIO:
    # Not blocking, so that a FIFO in the place of a file cannot hold the thread for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(f"{path} is not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _snapshot(file: BinaryIO) -> Snapshot:
    status = os.fstat(file.fileno())
    return Snapshot(status.st_size, status.st_mtime, ETag(f"{status.st_mtime_ns:x}-{status.st_size:x}"))


def _read(file: BinaryIO, left: int) -> bytes:
    """The next piece of what is left. Raises EOFError where the file has become shorter than its headers say."""
    piece = file.read(min(PIECE, left))
    if not piece:
        # Ending short without the final event makes a server abort the connection.
        raise EOFError("The file became shorter while it was sent.")
    return piece


def disposition(filename: str, *, attachment: bool) -> str:
    """Content-Disposition (RFC 6266 §4) with a plain ASCII name and the full one (RFC 8187) where they differ."""
    kind = "attachment" if attachment else "inline"
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    full = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
    return f'{kind}; filename="{plain}"{full}'
