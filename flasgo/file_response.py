"""FileResponse: a file of this machine as an answer, with conditions and ranges (RFC 9110 §13, §14)."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path, PureWindowsPath
from typing import BinaryIO
from urllib.parse import quote

from msgspec import Struct

from flasgo.errors import HTTPException
from flasgo.http.asgi import Departure, Send, length_field, path_body, response_body, response_start
from flasgo.http.conditional import ETag
from flasgo.http.filenames import UNSEEN
from flasgo.http.folders import open_file
from flasgo.http.headers import RawHeaders
from flasgo.http.media import content_type_for
from flasgo.http.representation import OWN_FIELDS, Selection, Snapshot, Span, select
from flasgo.response import BODILESS, NO_FIELDS, Response

PIECE = 262_144
"""Bytes that are read and sent at a time."""

SANDBOX = "default-src 'none'; sandbox"
"""The policy of what is to be saved, not shown: opened in the browser all the same, it can run nothing (OWASP File Upload)."""


class Opening(Struct, frozen=True):
    """The beginning of an answer: its head, the first piece of its body, and the pieces that are still to come.

    `whole` is the path of the file where all of it is still to come, and may be left to the server.
    """

    status: int
    headers: RawHeaders
    piece: bytes = b""
    left: int = 0
    rest: Iterator[bytes] = iter(())
    whole: str | None = None


class FileResponse(Response):
    """The content of `path`, read in pieces in a thread when it is sent.

    `filename` names the download (only with `as_attachment`, or where the name should differ); the content type follows
    from the name. ETag and Last-Modified are sent, conditions answered with 304 or 412, one range with 206, several with
    multipart/byteranges; with `conditional=False` none of it. `path` is opened as given: never build it from a client's words
    (`send_from_directory` is for these). An attachment has a Content-Security-Policy that lets it do nothing.

    Raises FileNotFoundError when sending where there is no such regular file, and HTTPException 412 or 416 where conditions and
    ranges are refused: answered as errors are everywhere.
    """

    opener: Callable[[], BinaryIO] | None = None
    """Opens the file in another way than by its path."""

    etag_suffix: str = ""
    """What tells this representation of the file from others, in its ETag."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        as_attachment: bool = False,
        conditional: bool = True,
    ) -> None:
        self.path = Path(path)
        self.conditional = conditional
        name = PureWindowsPath(filename or self.path.name).name  # what stands behind the last separator of either kind
        super().__init__(b"", status_code, headers, content_type=content_type or content_type_for(name))
        if filename is not None or as_attachment:
            self.headers["content-disposition"] = disposition(name, attachment=as_attachment)
        if as_attachment:
            self.headers.setdefault("content-security-policy", SANDBOX)

    async def send(self, send: Send, *, fields: Mapping[bytes, bytes] = NO_FIELDS, head_only: bool = False) -> None:
        run = self.delivery.run
        with ExitStack() as files:
            opening = await run(self._begin, files, fields, head_only=head_only)
            left = opening.left
            if opening.whole is not None:
                await send(response_start(opening.status, opening.headers))
                await send(path_body(opening.whole))
                return
            piece = opening.piece
            async with Departure(self.delivery.receive if left else None):
                await send(response_start(opening.status, opening.headers))
                while left > 0:
                    await send(response_body(piece, more_body=True))
                    piece = await run(_next, opening.rest)
                    left -= len(piece)
            await send(response_body(piece))

    def _begin(self, files: ExitStack, fields: Mapping[bytes, bytes], *, head_only: bool) -> Opening:
        """Everything up to the first piece: for a small file, all that touches the disk. The file is closed with `files`."""
        file = files.enter_context(open_file(self.path) if self.opener is None else self.opener())
        snapshot = self._snapshot(file)
        selection = checked(self._select(snapshot, fields, head_only=head_only), snapshot)
        described = [field for field in self.sent_fields() if field[0] not in OWN_FIELDS]
        if self.conditional:
            described += snapshot.fields
        status, size = selection.status, selection.length
        raw = selection.fields(described) if self.status_code == 200 else described  # noqa: PLR2004 - the class's default
        if status not in BODILESS:
            raw.append(length_field(size))
        if head_only or size == 0:
            return Opening(status, raw)
        if self.delivery.pathsend and status == 200 and size > PIECE:  # noqa: PLR2004 - the whole file
            return Opening(status, raw, whole=os.path.realpath(self.path))
        pieces = _joined(selection.pieces(lambda start, stop: _read(file, start, stop)))
        piece = next(pieces)
        return Opening(status, raw, piece, size - len(piece), pieces)

    def _snapshot(self, file: BinaryIO) -> Snapshot:
        return snapshot_of(os.fstat(file.fileno()), self.etag_suffix)

    def _select(self, snapshot: Snapshot, fields: Mapping[bytes, bytes], *, head_only: bool) -> Selection:
        # Conditions and ranges are of the successful answer (RFC 9110 §13.2.1, §14.2).
        if self.status_code != 200 or not self.conditional:  # noqa: PLR2004 - see above
            size = 0 if self.status_code in BODILESS else snapshot.size
            return Selection(self.status_code, (Span(0, size),))
        return select(snapshot, fields, self.content_type, ranges=not head_only)


def snapshot_of(status: os.stat_result, suffix: str = "") -> Snapshot:
    """What is said of a file, by its time and size; `suffix` tells apart what is made of one file."""
    return Snapshot(status.st_size, status.st_mtime, ETag(f"{status.st_mtime_ns:x}-{status.st_size:x}{suffix}"))


def checked(selection: Selection, snapshot: Snapshot) -> Selection:
    """The same. Raises HTTPException where it refuses: 412, and 416, which says how many bytes there are (RFC 9110 §15.5.17)."""
    if selection.status == 412:  # noqa: PLR2004 - Precondition Failed
        raise HTTPException(
            412, "There is another version of this by now. Get it without conditions.", {"etag": str(snapshot.etag)}
        )
    if selection.status == 416:  # noqa: PLR2004 - Range Not Satisfiable
        raise HTTPException(
            416,
            "None of these bytes are there. Content-Range says how many there are.",
            {"etag": str(snapshot.etag), "content-range": selection.content_range},
        )
    return selection


def _read(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` to `stop` in pieces. Raises EOFError where the file has become shorter than its headers say."""
    file.seek(start)
    left = stop - start
    while left > 0:
        piece = file.read(min(PIECE, left))
        if not piece:
            # Ending short without the final event makes a server abort the connection.
            raise EOFError("The file became shorter while it was sent.")
        left -= len(piece)
        yield piece


def _next(pieces: Iterator[bytes]) -> bytes:
    return next(pieces)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes without small pieces: each of them costs a hop to a thread and an event."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if size + len(piece) > PIECE and waiting:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
        waiting.append(piece)
        size += len(piece)
    yield b"".join(waiting)


def disposition(filename: str, *, attachment: bool) -> str:
    """Content-Disposition (RFC 6266 §4) with a plain ASCII name and the full one (RFC 8187) where they differ.

    What does not show, such as controls and what turns the direction of writing, becomes "_" in both.
    """
    kind = "attachment" if attachment else "inline"
    filename = "".join("_" if unicodedata.category(c) in UNSEEN else c for c in filename)
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    full = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
    return f'{kind}; filename="{plain}"{full}'
