"""Uploaded files: bytes in memory or spooled, saving, and nothing left behind."""

import asyncio
import gc
import io
import os
import tempfile
import threading
import tracemalloc
from pathlib import Path
from typing import IO, Any

import pytest

from flasgo.errors import MalformedBody
from flasgo.http.uploads import (
    PIECE,
    STRETCH,
    Spool,
    SpooledFile,
    UploadedFile,
    write_all,
)

ODD_SIZE = 2 * PIECE + 7


def in_memory(body: bytes) -> UploadedFile:
    return UploadedFile("avatar", "me.png", body)


async def spooled(body: bytes, directory: Path | None = None) -> SpooledFile:
    """A file that stands somewhere in the middle of its spool."""
    spool = Spool(None if directory is None else str(directory))
    spool.append(b"before")
    start = spool.size
    spool.append(body)
    spool.append(b"after")
    await spool.flush()
    return SpooledFile("avatar", "me.png", None, {}, spool=spool, start=start, size=len(body))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def descriptors(directory: Path) -> list[str]:
    """The open files of this process in a directory, named or not."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]  # not that of the listing itself
    return [path for path in map(os.readlink, links) if path.startswith(str(directory))]


class TestUploadedFile:
    def test_it_is_made_as_before(self):
        file = UploadedFile("avatar", "../me.png", b"\x89PNG", content_type="image/png", headers={"x": "y"})
        assert (file.name, file.filename, file.raw_filename) == ("avatar", "me.png", "../me.png")
        assert (file.body, file.size, file.content_type, file.headers) == (b"\x89PNG", 4, "image/png", {"x": "y"})

    def test_what_is_not_given_is_empty(self):
        file = in_memory(b"")
        assert (file.body, file.size, file.content_type, file.headers) == (b"", 0, None, {})

    def test_it_is_equal_by_content(self):
        assert in_memory(b"a") == in_memory(b"a")
        assert in_memory(b"a") != in_memory(b"b")
        assert in_memory(b"a") != UploadedFile("avatar", "you.png", b"a")
        assert in_memory(b"a") != b"a"
        with pytest.raises(TypeError):
            hash(in_memory(b"a"))

    async def test_spooled_or_not_makes_no_difference_to_equality(self):
        assert in_memory(b"a" * ODD_SIZE) == await spooled(b"a" * ODD_SIZE)

    async def test_its_repr_is_safe_and_says_its_size(self):
        assert repr(UploadedFile("f", "x/\x1ba.png", b"ab")) == "<UploadedFile 'a.png' of 2 bytes>"
        assert repr(await spooled(b"ab")) == "<SpooledFile 'me.png' of 2 bytes>"

    def test_it_is_text_in_any_encoding(self):
        assert in_memory("ö".encode()).text() == "ö"
        assert in_memory(b"\xf6").text("latin-1") == "ö"

    @pytest.mark.parametrize("encoding", ["utf-8", "no-such-encoding"])
    def test_what_is_not_text_is_malformed(self, encoding: str):
        with pytest.raises(MalformedBody, match=encoding):
            in_memory(b"\xff").text(encoding)


@pytest.mark.parametrize("kind", ["memory", "spool"])
class TestReading:
    async def make(self, kind: str, body: bytes) -> UploadedFile:
        return in_memory(body) if kind == "memory" else await spooled(body)

    async def test_all_of_it(self, kind: str):
        body = os.urandom(ODD_SIZE)
        file = await self.make(kind, body)
        assert body == file.body == await file.read()
        assert await file.read() == b""

    async def test_in_steps(self, kind: str):
        file = await self.make(kind, b"abcdefgh")
        assert [await file.read(size) for size in (3, 0, 2, 9, 1)] == [b"abc", b"", b"de", b"fgh", b""]

    async def test_from_another_place(self, kind: str):
        file = await self.make(kind, b"abcdefgh")
        await file.seek(6)
        assert await file.read() == b"gh"
        await file.seek(0)
        assert await file.read(2) == b"ab"
        await file.seek(100)
        assert await file.read() == b""
        with pytest.raises(ValueError, match="byte 0"):
            await file.seek(-1)

    async def test_in_pieces_from_the_start_wherever_read_is(self, kind: str):
        body = os.urandom(ODD_SIZE)
        file = await self.make(kind, body)
        await file.read(5)
        pieces = [piece async for piece in file]
        assert [len(piece) for piece in pieces] == [PIECE, PIECE, 7]
        assert body == b"".join(pieces)

    async def test_an_empty_file_has_no_pieces(self, kind: str):
        assert [piece async for piece in await self.make(kind, b"")] == []

    async def test_it_is_saved_whole(self, kind: str, tmp_path: Path):
        body = os.urandom(ODD_SIZE)
        file = await self.make(kind, body)
        await file.save(tmp_path / "me.png")
        file.save_sync(str(tmp_path / "again.png"))
        assert body == (tmp_path / "me.png").read_bytes() == (tmp_path / "again.png").read_bytes()
        assert names(tmp_path) == ["again.png", "me.png"]


class TestSave:
    @pytest.fixture
    def target(self, tmp_path: Path) -> Path:
        return tmp_path / "me.png"

    async def test_what_is_there_stays(self, target: Path):
        target.write_bytes(b"old")
        with pytest.raises(FileExistsError):
            await in_memory(b"new").save(target)
        assert target.read_bytes() == b"old"
        assert names(target.parent) == ["me.png"]

    async def test_what_is_there_is_replaced_if_asked(self, target: Path):
        target.write_bytes(b"old")
        await in_memory(b"new").save(target, overwrite=True)
        assert target.read_bytes() == b"new"

    @pytest.mark.parametrize("exists", [True, False])
    async def test_a_symlink_is_refused_or_replaced_never_followed(self, target: Path, exists: bool):
        victim = target.parent / "victim"
        if exists:
            victim.write_bytes(b"precious")
        target.symlink_to(victim)
        with pytest.raises(FileExistsError):
            await in_memory(b"new").save(target)
        assert target.is_symlink()
        await in_memory(b"new").save(target, overwrite=True)
        assert not target.is_symlink()
        assert target.read_bytes() == b"new"
        assert exists == victim.exists()
        assert not exists or victim.read_bytes() == b"precious"

    async def test_a_directory_is_not_replaced(self, target: Path):
        target.mkdir()
        with pytest.raises(FileExistsError):
            await in_memory(b"new").save(target)
        with pytest.raises(OSError, match=r"me\.png"):
            await in_memory(b"new").save(target, overwrite=True)
        assert names(target.parent) == ["me.png"]

    async def test_the_directory_must_be_there(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError):
            await in_memory(b"new").save(tmp_path / "nowhere" / "me.png")

    async def test_its_permissions_are_those_of_any_new_file(self, target: Path):
        await in_memory(b"new").save(target)
        other = target.with_name("other")
        other.touch()
        assert other.stat().st_mode == target.stat().st_mode

    @pytest.mark.parametrize("taken", [True, False])
    async def test_without_hard_links_it_is_as_careful(
        self, target: Path, taken: bool, monkeypatch: pytest.MonkeyPatch
    ):
        def refuse(*_: object) -> None:
            raise PermissionError("no hard links here")

        monkeypatch.setattr(os, "link", refuse)
        if taken:
            target.write_bytes(b"old")
            with pytest.raises(FileExistsError):
                await in_memory(b"new").save(target)
        else:
            await in_memory(b"new").save(target)
        assert (b"old" if taken else b"new") == target.read_bytes()
        assert names(target.parent) == ["me.png"]

    async def test_what_cannot_be_read_leaves_nothing(self, target: Path):
        file = await spooled(b"abc")
        file._spool.close()
        with pytest.raises(ValueError, match="closed"):
            await file.save(target)
        assert names(target.parent) == []


def refuses(*arguments: object) -> int:
    raise BlockingIOError


WAYS: dict[str, tuple[str, object]] = {
    "from memory": ("os.preadv", os.preadv),
    "a system that cannot tell": ("flasgo.http.uploads.NOWAIT", None),
    "a disk that would have to be waited for": ("os.preadv", refuses),
    "half of it": ("os.preadv", lambda *arguments: 1),
}


@pytest.mark.parametrize("way", WAYS)
class TestReadingAhead:
    @pytest.fixture(autouse=True)
    def _by(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(*WAYS[way])

    @pytest.mark.parametrize("size", [1, 1000, 65_536, PIECE - 1, PIECE, PIECE + 1])
    async def test_small_reads_are_parts_of_larger_ones(self, size: int):
        body = os.urandom(min(ODD_SIZE, size * 100))
        file = await spooled(body)
        pieces = []
        while piece := await file.read(size):
            pieces.append(piece)
        assert b"".join(pieces) == body
        assert {len(piece) for piece in pieces[:-1]} <= {size}

    async def test_readers_at_the_same_time_do_not_meet(self):
        body = os.urandom(ODD_SIZE)
        file = await spooled(body)

        async def read(start: int) -> None:
            for at in range(start, ODD_SIZE, 100_003):
                assert await file._fetch(at, min(70_001, ODD_SIZE - at)) == body[at : at + 70_001]
                await asyncio.sleep(0)

        await asyncio.gather(*(read(start) for start in (0, 17, 50_000, PIECE)))

    async def test_what_was_read_ahead_is_gone_with_its_form(self):
        file = await spooled(b"abcdef")
        assert await file.read(2) == b"ab"
        file._spool.close()
        with pytest.raises(ValueError, match="read or save"):
            await file.read(2)


async def test_what_a_thread_reads_is_waited_for():
    file = await spooled(b"abcdef")
    file._spool._busy.acquire()
    reading = asyncio.create_task(file.read(3))
    await asyncio.sleep(0.01)
    assert not reading.done()
    file._spool._busy.release()
    assert await reading == b"abc"


class SlowFile:
    """A temporary file whose writes wait for a sign."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.writing = threading.Event()
        self.proceed = threading.Event()
        self.closed = threading.Event()

    def write(self, data: memoryview) -> int:
        self.writing.set()
        assert self.proceed.wait(10)
        return self.file.write(data)

    def close(self) -> None:
        self.file.close()
        self.closed.set()

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SlowFile:
    slow = SlowFile(tempfile.TemporaryFile(dir=tmp_path, buffering=0))  # noqa: SIM115 - the spool closes it
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: slow)
    return slow


async def until(event: threading.Event) -> None:
    async with asyncio.timeout(10):
        while not event.is_set():
            await asyncio.sleep(0.001)


class FullDisk:
    """A temporary file that takes nothing."""

    def __init__(self, **options: object) -> None: ...

    def write(self, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None: ...


class TestSpool:
    async def test_its_file_has_no_name_and_is_private(self, tmp_path: Path):
        file = await spooled(b"secret", tmp_path)
        assert names(tmp_path) == []
        assert file._spool._file is not None
        assert os.fstat(file._spool._file.fileno()).st_mode & 0o777 == 0o600

    async def test_nothing_is_opened_for_nothing(self, tmp_path: Path):
        spool = Spool(str(tmp_path))
        await spool.flush()
        assert descriptors(tmp_path) == []
        spool.close()

    async def test_it_is_full_when_a_visit_to_a_thread_is_worth_it(self):
        spool = Spool()
        spool.append(b"a" * (STRETCH - 1))
        assert not spool.full
        spool.append(b"a")
        assert spool.full
        await spool.flush()
        assert not spool.full
        assert spool.size == STRETCH

    async def test_what_comes_in_crumbs_takes_no_more_memory_than_it_is(self):
        spool = Spool()
        tracemalloc.start()
        try:
            for _ in range(100_000):
                spool.append(b"a")
            assert tracemalloc.get_traced_memory()[1] < STRETCH + 10_000
        finally:
            tracemalloc.stop()
        spool.close()

    async def test_pieces_of_any_size_are_written_in_their_order(self):
        spool = Spool()
        sent = [os.urandom(size) for size in (1, 2, STRETCH - 4, 3, STRETCH, 0, 3 * STRETCH + 5, STRETCH + 7, 4)]
        for piece in sent:
            spool.append(piece)
            if len(piece) % 2:
                await spool.write_on()
        await spool.flush()
        assert spool.read(0, spool.size) == b"".join(sent)
        spool.close()

    async def test_it_is_read_on_while_a_thread_writes_and_no_further_than_one_stretch(self, slow: SlowFile):
        spool = Spool()
        sent = [os.urandom(STRETCH) for _ in range(3)]
        spool.append(sent[0])
        await spool.write_on()
        await until(slow.writing)
        spool.append(sent[1])
        second = asyncio.create_task(spool.write_on())
        await asyncio.sleep(0)
        assert not second.done()
        slow.proceed.set()
        await second
        spool.append(sent[2])
        await spool.flush()
        assert spool.read(0, spool.size) == b"".join(sent)
        spool.close()

    async def test_its_buffers_are_used_again(self):
        spool = Spool()
        tracemalloc.start()
        try:
            for _ in range(20):
                spool.append(bytes(STRETCH))
                await spool.write_on()
            assert tracemalloc.get_traced_memory()[1] < 3.2 * STRETCH  # two, and the piece itself
        finally:
            tracemalloc.stop()
        spool.close()

    async def test_closed_it_gives_its_file_back_and_reads_no_more(self, tmp_path: Path):
        file = await spooled(b"abc", tmp_path)
        assert len(descriptors(tmp_path)) == 1
        file._spool.close()
        file._spool.close()
        assert descriptors(tmp_path) == []
        with pytest.raises(ValueError, match="read or save"):
            _ = file.body
        with pytest.raises(ValueError, match="read or save"):
            await file.read()

    async def test_forgotten_it_gives_its_file_back_without_a_warning(self, tmp_path: Path):
        file = await spooled(b"abc", tmp_path)
        assert len(descriptors(tmp_path)) == 1
        del file
        gc.collect()
        assert descriptors(tmp_path) == []

    async def test_writing_leaves_the_loop_alone(self, slow: SlowFile):
        spool = Spool()
        spool.append(b"abc")
        writing = asyncio.create_task(spool.flush())
        await until(slow.writing)  # the loop turns while the disk is slow
        assert not writing.done()
        slow.proceed.set()
        await writing
        assert spool.read(1, 2) == b"bc"
        spool.close()

    async def test_closing_while_it_writes_waits_for_nobody(self, slow: SlowFile):
        spool = Spool()
        spool.append(b"abc")
        writing = asyncio.create_task(spool.flush())
        await until(slow.writing)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        spool.close()
        assert not slow.closed.is_set()  # the thread is writing to it
        slow.proceed.set()
        await until(slow.closed)

    async def test_a_write_that_comes_after_closing_opens_nothing(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(tempfile, "TemporaryFile", None)
        spool = Spool()
        spool.append(b"abc")
        spool.close()
        await spool.flush()

    async def test_a_full_disk_is_an_error_and_closing_then_is_none(self, monkeypatch: pytest.MonkeyPatch):
        class RefusingDisk(FullDisk):
            closed = False

            def close(self) -> None:
                self.closed = True
                raise OSError(28, "No space left on device")

        disk = RefusingDisk()
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: disk)
        spool = Spool()
        spool.append(b"abc")
        with pytest.raises(OSError, match="No space"):
            await spool.flush()
        spool.close()
        assert disk.closed

    async def test_a_write_that_failed_unseen_stops_the_next(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(tempfile, "TemporaryFile", FullDisk)
        spool = Spool()
        spool.append(bytes(STRETCH))
        await spool.write_on()
        spool.append(b"def")
        with pytest.raises(OSError, match="No space"):
            await spool.write_on()
        spool.close()

    async def test_a_write_that_fails_when_nobody_waits_is_not_reported(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        monkeypatch.setattr(tempfile, "TemporaryFile", FullDisk)
        spool = Spool()
        spool.append(bytes(STRETCH))
        await spool.write_on()
        assert spool._writing is not None
        async with asyncio.timeout(10):
            while not spool._writing.done():
                await asyncio.sleep(0.001)
        spool.close()
        del spool
        gc.collect()
        assert caplog.records == []


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_a_piece_is_written_however_little_is_taken_at_once(most: int):
    class Grudging(io.BytesIO):
        def write(self, data: Any, /) -> int:
            return super().write(bytes(data)[:most])

    file = Grudging()
    for piece in (b"abcde", b"", b"fg"):
        write_all(file, memoryview(piece))
    assert file.getvalue() == b"abcdefg"
