"""Uploaded files: small ones in memory, the rest of a form in one temporary file.

The rules of this room:

- the name and the content type of a file are words of the client: never a path, never a proof of what the file is;
- the temporary file has no name (O_TMPFILE, or unlinked at once) and nobody else can open it: when it is closed, or the
  process is killed, it is gone;
- the event loop neither writes nor reads a disk: every access has a thread, but for reads of what is in memory still, and no lock is
  waited for by the loop.
"""

import asyncio
import io
import os
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, cast

from flasgo.errors import MalformedBody
from flasgo.http.filenames import safe_filename

PIECE = 262_144
"""Bytes that are read in one visit to a thread."""

STRETCH = 524_288
"""Bytes that are written in one visit; as many are collected meanwhile."""

NOTHING: Final = memoryview(bytearray())
"""What is read ahead before anybody reads."""

NOWAIT: Final = os.RWF_NOWAIT if hasattr(os, "RWF_NOWAIT") else None
"""Linux's flag for a read that is not to wait for a disk (preadv2(2))."""


class Spool:
    """One temporary file for a form: written from its start to its end, then read anywhere.

    `append`, `size` and what writes belong to the event loop, the rest may be called from any thread. `close` never waits: a
    write or read that is under way in a thread is ended by that thread, which then closes the file.

    What is appended is copied into buffers that are used again and again: to keep the chunks as they came until they are
    written gives their memory back to the system and takes it again, which costs more than all the rest.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.size = 0
        self._directory = directory
        self._filling: memoryview | None = None
        self._filled = 0
        self._ready: list[memoryview] = []
        self._spare: list[memoryview] = []
        self._writing: asyncio.Future[list[memoryview]] | None = None
        self._file: io.FileIO | None = None
        self._closed = False
        self._busy = threading.Lock()

    @property
    def closed(self) -> bool:
        """Is it given back, or about to be?"""
        return self._closed

    @property
    def full(self) -> bool:
        """Is there enough to be worth a visit to a thread?"""
        return bool(self._ready)

    def append(self, data: bytes | bytearray) -> None:
        self.size += len(data)
        left = memoryview(data)
        while left:
            if self._filling is None:
                self._filling = self._spare.pop() if self._spare else memoryview(bytearray(STRETCH))
            start = self._filled
            piece = left[: STRETCH - start]
            left = left[len(piece) :]
            self._filled += len(piece)
            self._filling[start : self._filled] = piece
            if self._filled == STRETCH:
                self._put_ready()

    def _put_ready(self) -> None:
        if self._filling is not None:
            self._ready.append(self._filling[: self._filled])
            self._filling, self._filled = None, 0

    async def write_on(self) -> None:
        """Have a thread write what is full, while the form is read on. Raises OSError where the disk refused what was before.

        At most two stretches are in memory: what is written already is waited for.
        """
        if self._writing is not None:
            self._spare += await self._writing
            self._writing = None
        if self._ready:
            data, self._ready = self._ready, []
            self._writing = asyncio.get_running_loop().run_in_executor(None, self._write, data)
            self._writing.add_done_callback(_look)

    async def flush(self) -> None:
        """Have everything written that was appended. Raises OSError where the disk refuses."""
        self._put_ready()
        await self.write_on()
        if self._writing is not None:
            await self._writing
        self._writing, self._spare = None, []

    def _write(self, data: list[memoryview]) -> list[memoryview]:
        try:
            with self._busy:
                if not self._closed:
                    if self._file is None:
                        import tempfile  # noqa: PLC0415 - it loads half of the library, and few forms need it

                        self._file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115 - closed by close()
                    for piece in data:
                        write_all(self._file, piece)
        finally:
            self._close_if_asked()
        return data

    def read(self, start: int, size: int) -> bytes:
        """`size` bytes from `start`. Blocks. Raises ValueError when the spool is closed."""
        with self._reading(start) as file:
            return cast("bytes", file.read(size))  # as much as there is: it is a file, and nobody writes it any more

    def read_into(self, buffer: memoryview, start: int) -> None:
        """Fill a buffer with what is there from `start` on. Blocks. Raises ValueError when the spool is closed."""
        with self._reading(start) as file:
            file.readinto(buffer)  # the same

    @contextmanager
    def _reading(self, start: int) -> Generator[io.FileIO]:
        try:
            with self._busy:
                if self._file is None:
                    raise ValueError("The form of this file is closed: read or save a file before its request ends.")
                self._file.seek(start)
                yield self._file
        finally:
            self._close_if_asked()

    def read_now(self, buffer: memoryview, start: int) -> bool:
        """Fill a buffer where that takes no waiting: what was written a moment ago is in memory still. False where it is not."""
        if NOWAIT is None or not self._busy.acquire(blocking=False):
            return False
        try:
            return self._file is not None and os.preadv(self._file.fileno(), [buffer], start, NOWAIT) == len(buffer)
        except OSError:  # it would have to wait, or the file system cannot tell
            return False
        finally:
            self._busy.release()
            self._close_if_asked()

    def close(self) -> None:
        """Give the file back to the system; again is harmless."""
        self._closed = True
        self._filling, self._ready, self._spare, self._writing = None, [], [], None
        self._close_if_asked()

    def _close_if_asked(self) -> None:
        # Whoever holds the lock comes here after releasing it, so the last one out always sees the wish to close.
        if self._closed and self._busy.acquire(blocking=False):
            file, self._file = self._file, None
            self._busy.release()
            if file is not None:
                with suppress(OSError):  # a full disk may refuse what is thrown away anyhow
                    file.close()

    def __del__(self) -> None:
        self.close()


def write_all(file: IO[bytes], piece: memoryview) -> None:
    """Write a piece to an unbuffered file, which may take less at once. Raises OSError."""
    while piece:
        piece = piece[file.write(piece) :]


def _look(writing: "asyncio.Future[list[memoryview]]") -> None:
    """A form that is given up asks no more how its last write went, and that is no news for a log."""
    if not writing.cancelled():
        writing.exception()


class Done(Awaitable[None]):
    """What has been done already, for those who await it."""

    def __await__(self) -> Generator[None]:
        yield from ()


class UploadedFile:
    """A file of a form. All but its bytes and its size is what the client says, and may be a lie.

    `name` is the form field; `filename` is safe as the name of a file in a directory of yours (see `safe_filename`),
    `raw_filename` is as sent; `content_type` is a bare media type in lower case, None where none was sent; `headers`
    are those of the part. It lives as long as its request: save it or read it before.
    """

    __slots__ = ("_body", "_position", "content_type", "headers", "name", "raw_filename", "size")
    __hash__ = None  # type: ignore[assignment]  # equality is by content

    def __init__(
        self,
        name: str,
        filename: str,
        body: bytes,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name: Final = name
        self.raw_filename: Final = filename
        self.content_type: Final = content_type
        self.headers: Final[Mapping[str, str]] = {} if headers is None else headers
        self.size = len(body)
        self._body = body
        self._position = 0

    @property
    def filename(self) -> str:
        """The name as sent, made harmless; never empty."""
        return safe_filename(self.raw_filename)

    @property
    def body(self) -> bytes:
        """All of it, in memory. Blocks where the file is large: use `read`, or `async for`, on the event loop."""
        return self._section(0, self.size)

    def text(self, encoding: str = "utf-8") -> str:
        """All of it as text. Raises MalformedBody where it is not of this encoding, or there is no such encoding."""
        try:
            return self.body.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            raise MalformedBody(f"The uploaded file is not {encoding[:40]!r} text. Send it in that encoding.") from None

    async def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, or all that is left; empty at the end."""
        left = max(self.size - self._position, 0)
        data = await self._fetch(self._position, left if size < 0 else min(size, left))
        self._position += len(data)
        return data

    async def seek(self, offset: int) -> None:
        """Let `read` go on at this byte. Raises ValueError where it is negative."""
        if offset < 0:
            raise ValueError("a file begins at byte 0")
        self._position = offset

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All of it in pieces of at most 256 KiB, from the start, wherever `read` is."""
        for start in range(0, self.size, PIECE):
            yield await self._fetch(start, min(PIECE, self.size - start))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Awaitable[None]:
        """Write it to `path`; whoever looks there sees nothing or the whole file.

        On the event loop it is awaited, and done in a thread; in a plain handler, which is in one, it is done at once.

        Never build `path` from `raw_filename`. A symlink at `path` is replaced or refused like a file, never followed.
        Raises FileExistsError where something is there and `overwrite` is False, and OSError as writing files does.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.save_sync(path, overwrite=overwrite)
            return Done()
        return asyncio.to_thread(self.save_sync, path, overwrite=overwrite)

    def save_sync(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """`save`, for handlers that are not coroutines."""
        target = Path(path)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as file:
                for start in range(0, self.size, PIECE):
                    file.write(self._section(start, min(PIECE, self.size - start)))
            if overwrite:
                part.replace(target)
            else:
                _publish(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _section(self, start: int, size: int) -> bytes:
        return self._body[start : start + size]

    async def _fetch(self, start: int, size: int) -> bytes:
        return self._section(start, size)

    def __eq__(self, other: object) -> bool:
        """The same names, type, headers and bytes; compared byte by byte where all else is equal."""
        if not isinstance(other, UploadedFile):
            return NotImplemented
        return self._described() == other._described() and self.body == other.body

    def _described(self) -> tuple[str, str, str | None, Mapping[str, str], int]:
        return (self.name, self.raw_filename, self.content_type, self.headers, self.size)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.filename!r} of {self.size} bytes>"


class SpooledFile(UploadedFile):
    """An uploaded file whose bytes are a stretch of a spool."""

    __slots__ = ("_ahead", "_ahead_from", "_spool", "_start")

    def __init__(
        self,
        name: str,
        filename: str,
        content_type: str | None,
        headers: Mapping[str, str],
        *,
        spool: Spool,
        start: int,
        size: int,
    ) -> None:
        super().__init__(name, filename, b"", content_type, headers)
        self.size = size
        self._spool = spool
        self._start = start
        self._ahead = NOTHING
        self._ahead_from = 0

    def _section(self, start: int, size: int) -> bytes:
        return self._spool.read(self._start + start, size)

    async def _fetch(self, start: int, size: int) -> bytes:
        """Small stretches are read ahead, for each read costs more than its bytes."""
        if size > PIECE:
            return await asyncio.to_thread(self._section, start, size)
        offset = start - self._ahead_from
        if self._spool.closed or not 0 <= offset <= len(self._ahead) - size:
            # Out of sight while it is filled: who reads at the same time gets another.
            buffer, self._ahead = self._ahead, NOTHING
            length = max(min(PIECE, self.size - start), 0)
            if len(buffer) < length:
                buffer = memoryview(bytearray(length))
            if not self._spool.read_now(buffer[:length], self._start + start):
                await asyncio.to_thread(self._spool.read_into, buffer[:length], self._start + start)
            self._ahead, self._ahead_from, offset = buffer[:length], start, 0
        found = bytes(self._ahead[offset : offset + size])
        if start + size >= self.size:
            self._ahead = NOTHING
        return found


def _publish(part: Path, target: Path) -> None:
    """Give a finished file its name, unless something has that name."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then put the file in its place
        target.touch(exist_ok=False)
        part.replace(target)
