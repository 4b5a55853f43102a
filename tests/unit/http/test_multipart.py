"""Multipart forms: read from any chunks, within limits, and nothing left behind."""

import asyncio
import gc
import os
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import msgspec
import pytest

from flasgo.errors import ClientDisconnected, ContentTooLarge, HTTPException, MalformedBody, RequestTimeout
from flasgo.http.formlimits import FormLimits, Parts
from flasgo.http.multipart import parse_multipart, read_multipart
from flasgo.http.partreader import MultipartReader
from flasgo.http.uploads import PIECE, Spool, SpooledFile, UploadedFile

TEXT = b'Content-Disposition: form-data; name="%b"\r\n\r\n%b'
FILE = b'Content-Disposition: form-data; name="f"; filename="%b"\r\nContent-Type: image/png\r\n\r\n%b'
END = b"--b--\r\n"


def form(*parts: bytes, end: bytes = END) -> bytes:
    return b"".join(b"--b\r\n%b\r\n" % part for part in parts) + end


def parse(body: bytes, **limits: int) -> Parts:
    return parse_multipart(b"b", body, msgspec.convert(limits, FormLimits))


async def pieces(*chunks: bytes | Exception) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk


def cut(body: bytes, size: int = 65_536) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def outcome(chunks: Iterable[bytes]) -> Parts | str:
    reader = MultipartReader(b"b", FormLimits(max_part_header_bytes=80, max_part_headers=2))
    try:
        for chunk in chunks:
            reader.feed(chunk)
        return reader.finish()
    except (MalformedBody, ContentTooLarge):
        return "refused"


def descriptors(directory: Path) -> int:
    """How many files of a directory this process has open, those without a name included."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself, and what another thread closes meanwhile
            count += str(link.readlink()).startswith(str(directory))
    return count


async def opened_in(directory: Path) -> int:
    """How many files a directory has open, once a thread has opened one."""
    async with asyncio.timeout(10):
        while not (count := descriptors(directory)):
            await asyncio.sleep(0.001)
    return count


async def closed_in(directory: Path) -> None:
    """Wait for a thread that writes still."""
    async with asyncio.timeout(10):
        while descriptors(directory):
            await asyncio.sleep(0.001)


@pytest.fixture
def disk(tmp_path: Path) -> FormLimits:
    return FormLimits(temp_dir=str(tmp_path), max_multipart_bytes=2**27)


@pytest.fixture
def assert_nothing_left(tmp_path: Path) -> Callable[[], None]:
    def check() -> None:
        assert list(tmp_path.iterdir()) == []
        assert descriptors(tmp_path) == 0

    return check


class TestParts:
    def test_text_and_files_in_order(self):
        parts = parse(form(TEXT % (b"a", b"1"), FILE % (b"x.png", b"\x89PNG"), TEXT % (b"a", b"2"), TEXT % (b"c", b"")))
        assert parts.fields == {"a": ["1", "2"], "c": [""]}
        headers = {"content-disposition": 'form-data; name="f"; filename="x.png"', "content-type": "image/png"}
        assert {"f": [UploadedFile("f", "x.png", b"\x89PNG", "image/png", headers)]} == parts.files
        assert parts.files["f"][0].headers["Content-Type"] == "image/png"

    @pytest.mark.parametrize("body", [END, b"--b--", b"\r\n--b--\r\n", b"--b--\r\nepilogue", b"--b--\r\n--b\r\n"])
    def test_a_form_may_be_empty(self, body: bytes):
        assert Parts({}, {}) == parse(body)

    def test_no_file_chosen_is_no_file(self):
        assert parse(form(FILE % (b"", b""))).files == {}

    def test_an_empty_file_is_a_file(self):
        assert [file.body for file in parse(form(FILE % (b"x", b""))).files["f"]] == [b""]

    def test_a_file_without_a_name_is_a_file(self):
        file = parse(form(FILE % (b"", b"abc"))).files["f"][0]
        assert (file.raw_filename, file.filename, file.body) == ("", "file", b"abc")

    def test_text_is_utf8(self):
        assert parse(form(TEXT % ("ü".encode(), "日本".encode()))).fields == {"ü": ["日本"]}
        with pytest.raises(MalformedBody, match="UTF-8"):
            parse(form(TEXT % (b"a", b"\xff")))

    @pytest.mark.parametrize(
        "data", [b"--b", b"\r\n--", b"\r\n-b", b"\r\n--a", b"\n--b--\r\n", b"--b--", b"\r", b"\r\n"]
    )
    def test_data_may_look_like_the_boundary(self, data: bytes):
        body = form(FILE % (b"x", data), TEXT % (b"a", data))
        assert data == parse(body).files["f"][0].body
        assert [data.decode()] == parse(body).fields["a"]


class TestMalformed:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"-",
            b"--b",
            b"--b\r\n",
            form(TEXT % (b"a", b"1"), end=b""),
            form(TEXT % (b"a", b"1"), end=b"--b"),
            form(TEXT % (b"a", b"1"), end=b"--b-"),
            b"--b\r\n" + TEXT % (b"a", b"1"),
        ],
    )
    def test_what_is_cut_off_is_refused(self, body: bytes):
        with pytest.raises(MalformedBody, match="cut off"):
            parse(body)

    @pytest.mark.parametrize("body", [b"--c\r\n", b"preamble\r\n" + END, b"\r\n\r\n" + END, b"\n" + END, b"a=1&b=2"])
    def test_what_does_not_begin_with_the_boundary_is_refused(self, body: bytes):
        with pytest.raises(MalformedBody, match="begin with the boundary"):
            parse(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"--b\n" + END,
            b"--bb\r\n" + END,
            b"--b \r\n" + END,
            form(TEXT % (b"a", b"1"), end=b"--b--x")[:-1].replace(b"--b--", b"--b-x"),
            form(TEXT % (b"a", b"1\r\n--bx")),
            form(b'Content-Disposition: form-data; name="a"\n\n1'),
            form(b"1"),
        ],
    )
    def test_what_has_the_wrong_lines_is_refused(self, body: bytes):
        with pytest.raises(MalformedBody):
            parse(body)

    @pytest.mark.parametrize(
        "head",
        [
            b"Content-Type: text/plain",
            b'\nContent-Disposition: form-data; name="a"',
            b'Content-Disposition : form-data; name="a"',
            b'X: a\nb\r\nContent-Disposition: form-data; name="a"',
            b'X: a\rb\r\nContent-Disposition: form-data; name="a"',
            b'Content-Disposition: form-data;\r\n name="a"',
            b'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=c',
            b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64',
        ],
    )
    def test_a_part_with_a_bad_head_is_refused(self, head: bytes):
        with pytest.raises(MalformedBody):
            parse(form(head + b"\r\n\r\n1"))


class TestLimits:
    def test_the_body(self):
        body = form(TEXT % (b"a", b"1"))
        assert parse(body, max_multipart_bytes=len(body)).fields
        with pytest.raises(ContentTooLarge, match="larger than") as caught:
            parse(body, max_multipart_bytes=len(body) - 1)
        assert caught.value.headers == {"connection": "close"}

    def test_the_number_of_fields(self):
        parts = [TEXT % (b"a", b"1")] * 3
        assert parse(form(*parts), max_fields=3, max_files=0).fields
        with pytest.raises(ContentTooLarge, match="more than 2 fields"):
            parse(form(*parts), max_fields=2)

    def test_the_number_of_files_chosen_or_not(self):
        parts = [FILE % (b"x", b""), FILE % (b"", b"")]
        assert parse(form(*parts), max_files=2, max_fields=0).files
        with pytest.raises(ContentTooLarge, match="more than 1 files"):
            parse(form(*parts), max_files=1)

    def test_the_size_of_a_field(self):
        assert parse(form(TEXT % (b"a", b"1" * 9)), max_field_bytes=9).fields
        with pytest.raises(ContentTooLarge, match="field"):
            parse(form(TEXT % (b"a", b"1" * 10)), max_field_bytes=9)

    @pytest.mark.parametrize("last", [b"12345", b""])
    def test_the_size_of_all_text_with_its_names(self, last: bytes):
        body = form(TEXT % ("ü".encode(), b"123"), TEXT % (b"b" * (7 - len(last)), last))
        assert parse(body, max_text_bytes=12).fields
        with pytest.raises(ContentTooLarge, match="together"):
            parse(body, max_text_bytes=11)

    def test_files_are_no_text(self):
        assert parse(form(FILE % (b"x", b"1" * 100)), max_field_bytes=1, max_text_bytes=1).files

    def test_the_size_of_a_file(self):
        assert parse(form(FILE % (b"x", b"1" * 9)), max_file_bytes=9).files
        with pytest.raises(ContentTooLarge, match="file"):
            parse(form(FILE % (b"x", b"1" * 10)), max_file_bytes=9)

    def test_the_number_of_headers(self):
        head = b'X: 1\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
        assert parse(form(head), max_part_headers=2).fields
        with pytest.raises(ContentTooLarge, match="headers"):
            parse(form(head), max_part_headers=1)

    def test_the_size_of_headers(self):
        head = b'X: %b\r\nContent-Disposition: form-data; name="a"' % (b"1" * 3000)
        assert parse(form(head + b"\r\n\r\n"), max_part_header_bytes=len(head)).fields
        with pytest.raises(ContentTooLarge, match="headers"):
            parse(form(head + b"\r\n\r\n"), max_part_header_bytes=len(head) - 1)

    def test_a_head_without_an_end_is_not_waited_for(self):
        with pytest.raises(ContentTooLarge, match="headers"):
            parse(b"--b\r\nX: " + b"1" * 5000)
        with pytest.raises(ContentTooLarge, match="headers"):
            parse(b"--b\r\n" + b"X: 1\r\n" * 9)

    async def test_they_are_checked_while_reading(self):
        async def endless() -> AsyncGenerator[bytes]:
            yield b"--b\r\n" + TEXT % (b"a", b"")
            while True:
                yield b"1" * 1000

        with pytest.raises(ContentTooLarge, match="field"):
            await read_multipart(b"b", endless(), FormLimits())


class TestChunks:
    BODIES = {
        "a form": form(TEXT % (b"a", b"1\r\n2"), FILE % (b"x", b"\r\n--\r\r\n--\n--b-"), TEXT % (b"c", b"")),
        "with spaces around": b"\r\n" + form(TEXT % (b"a", b"1"), end=b"--b--\r\n\r\n--b\r\nepilogue"),
        "empty": END,
        "cut off": form(TEXT % (b"a", b"1"), end=b"--b\r\n"),
        "another boundary": b"--c\r\n\r\n--c--",
        "no boundary": b"\r\nabcdefgh",
        "a longer boundary": form(TEXT % (b"a", b"1\r\n--bc\r\n")),
        "a bare LF": form(b'X: 1\nContent-Disposition: form-data; name="a"\r\n\r\n1'),
        "a leading LF": form(b'\nContent-Disposition: form-data; name="a"\r\n\r\n1'),
        "a bare CR": form(b'Content-Disposition: form-data; name="a"\r\nX: 1\r2\r\n\r\n1'),
        "a folded line": form(b'Content-Disposition: form-data;\r\n name="a"\r\n\r\n1'),
        "the longest head": form(b'Content-Disposition: form-data; name="a"\r\nX: ' + b"1" * 35 + b"\r\n\r\n1"),
        "a longer head": form(b'Content-Disposition: form-data; name="a"\r\nX: ' + b"1" * 36 + b"\r\n\r\n1"),
        "the longest line": form(TEXT % (b"a" * 41, b"1")),
        "a longer line": form(TEXT % (b"a" * 42, b"1")),
        "a long line": form(b"X: " + b"1" * 80 + b"\r\n\r\n1"),
        "many headers": form(b'Content-Disposition: form-data; name="a"\r\nX: 1\r\nY: 2\r\n\r\n1'),
        "two forms": form(TEXT % (b"a", b"1")) + form(TEXT % (b"a", b"2")),
    }

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_any_cut_gives_the_same(self, body: bytes):
        expected = outcome([body])
        for offset in range(len(body) + 1):
            assert expected == outcome([body[:offset], body[offset:]]), offset
        for size in (1, 2, 3, 5):
            assert expected == outcome(cut(body, size)), size

    @pytest.mark.parametrize("end", [END, b"--b--"])
    def test_any_two_cuts_in_a_file_give_the_same(self, end: bytes):
        body = form(FILE % (b"x", b"12\r\n--3456"), FILE % (b"y", b"123456"), end=end)
        expected = outcome([body])
        assert expected != "refused"
        for first, second in combinations(range(len(body)), 2):
            assert expected == outcome([body[:first], body[first:second], body[second:]]), (first, second)

    def test_these_are_not_all_refused(self):
        accepted = {"a form", "with spaces around", "empty", "the longest head", "the longest line", "two forms"}
        assert accepted == {name for name, body in self.BODIES.items() if outcome([body]) != "refused"}


class TestSpooling:
    async def test_small_files_stay_in_memory(self, disk: FormLimits, tmp_path: Path):
        parts = await read_multipart(b"b", pieces(form(FILE % (b"x", b"1" * disk.spool_bytes))), disk)
        assert [UploadedFile] == [type(file) for file in parts.files["f"]]
        assert descriptors(tmp_path) == 0

    async def test_what_does_not_fit_is_spooled_to_one_file(self, disk: FormLimits, tmp_path: Path):
        sizes = [1000, disk.spool_bytes, 2 * PIECE + 1, 200_000, 100_000, 50_000]
        bodies = [os.urandom(size) for size in sizes]
        body = form(*(FILE % (b"x", data) for data in bodies), TEXT % (b"a", b"1"))
        parts = await read_multipart(b"b", pieces(*cut(body)), disk)
        files = parts.files["f"]
        assert [UploadedFile, SpooledFile, SpooledFile, UploadedFile, SpooledFile, UploadedFile] == list(
            map(type, files)
        )
        assert bodies == [await file.read() for file in files]
        assert sizes == [file.size for file in files]
        assert descriptors(tmp_path) == 1
        assert list(tmp_path.iterdir()) == []

    async def test_one_chunk_is_enough(self, disk: FormLimits):
        data = os.urandom(3 * PIECE)
        parts = await read_multipart(b"b", pieces(form(FILE % (b"x", data))), disk)
        assert data == parts.files["f"][0].body

    async def test_it_lives_as_long_as_its_files(self, disk: FormLimits, tmp_path: Path):
        parts = await read_multipart(b"b", pieces(form(FILE % (b"x", b"1" * 500_000))), disk)
        file = parts.files["f"][0]
        del parts
        gc.collect()
        assert await file.read() == b"1" * 500_000
        del file
        gc.collect()
        assert descriptors(tmp_path) == 0

    @pytest.mark.parametrize(
        ("ending", "expected"),
        [
            (ClientDisconnected("gone"), ClientDisconnected),
            (RequestTimeout("slow"), RequestTimeout),
            (ContentTooLarge("much"), ContentTooLarge),
            (b"", MalformedBody),
            (b"\r\n--bx" + b" " * 9, MalformedBody),
            (b"1" * 500_000, ContentTooLarge),
        ],
    )
    async def test_nothing_is_left_when_it_goes_wrong(
        self,
        disk: FormLimits,
        ending: bytes | Exception,
        expected: type[Exception],
        assert_nothing_left: Callable[[], None],
        tmp_path: Path,
    ):
        opened = []

        async def stream() -> AsyncGenerator[bytes]:
            for piece in cut(b"--b\r\n" + FILE % (b"x", b"1" * 1_000_000)):
                yield piece
            opened.append(await opened_in(tmp_path))
            if isinstance(ending, Exception):
                raise ending
            yield ending

        limits = FormLimits(temp_dir=disk.temp_dir, max_file_bytes=1_400_000)
        with pytest.raises(expected):
            await read_multipart(b"b", stream(), limits)
        assert opened == [1]
        await closed_in(tmp_path)
        assert_nothing_left()

    async def test_nothing_is_left_when_it_is_cancelled(
        self, disk: FormLimits, assert_nothing_left: Callable[[], None], tmp_path: Path
    ):
        waiting = asyncio.Event()

        async def stream() -> AsyncGenerator[bytes]:
            for piece in cut(b"--b\r\n" + FILE % (b"x", b"1" * 1_000_000)):
                yield piece
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(read_multipart(b"b", stream(), disk))
        await waiting.wait()
        assert await opened_in(tmp_path) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await closed_in(tmp_path)
        assert_nothing_left()

    async def test_a_disk_that_is_not_there_is_an_error(self, tmp_path: Path):
        limits = FormLimits(temp_dir=str(tmp_path / "nowhere"))
        with pytest.raises(FileNotFoundError):
            await read_multipart(b"b", pieces(form(FILE % (b"x", b"1" * 500_000))), limits)

    async def test_a_large_upload_takes_no_memory(self, disk: FormLimits):
        """What two uploads take at most differs by much less than their sizes do."""

        async def peak(pieces: int) -> int:
            async def stream() -> AsyncGenerator[bytes]:
                yield b"--b\r\n" + FILE % (b"x", b"")
                for _ in range(pieces):
                    yield b"1" * 65_536
                yield b"\r\n" + END

            gc.collect()
            tracemalloc.start()
            try:
                parts = await read_multipart(b"b", stream(), disk)
                file = parts.files["f"][0]
                assert pieces * 65_536 == file.size == sum([len(piece) async for piece in file])
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        small, large = await peak(256), await peak(1024)
        assert large - small < 768 * 65_536 // 10


class TestHostile:
    @pytest.fixture
    def reads_soon(self, costs_at_most):
        """Asserts that a body is read or refused in linear time."""

        def check(body: bytes, *, chunk: int = 65_536) -> None:
            chunks = cut(body, chunk)

            def read() -> None:
                reader = MultipartReader(b"b", FormLimits())
                with suppress(HTTPException):
                    for piece in chunks:
                        reader.feed(piece)
                    reader.finish()

            costs_at_most(0.05, read)

        return check

    @pytest.mark.parametrize("part", [TEXT % (b"a", b"1"), FILE % (b"x", b"1"), FILE % (b"", b"")])
    @pytest.mark.parametrize("count", [5000, 100_000])
    def test_countless_parts_are_soon_too_many(self, part: bytes, count: int, reads_soon):
        body = form(*[part] * count)
        with pytest.raises(ContentTooLarge):
            parse(body)
        reads_soon(body)

    @pytest.mark.parametrize(
        "data",
        [
            b"\r" + b"1" * 2**20,
            b"\r" * 2**20,
            b"\r\n" * 2**19,
            b"\r\n--" * 2**18,
            b"\n" * 2**20,
            b"--b" * 2**18,
        ],
        ids=["cr", "crs", "crlfs", "dashes", "lfs", "boundaries"],
    )
    @pytest.mark.parametrize("chunk", [4096, 65_536])
    def test_no_data_takes_more_than_linear_time(self, data: bytes, chunk: int, reads_soon):
        reads_soon(form(FILE % (b"x", data)), chunk=chunk)

    def test_a_head_that_drips_is_soon_too_long(self, reads_soon):
        reads_soon(b"--b\r\nX: " + b"1" * 100_000, chunk=1)

    def test_a_file_that_drips_is_kept_in_its_size(self):
        reader = MultipartReader(b"b", FormLimits())
        reader.feed(b"--b\r\n" + FILE % (b"x", b""))
        tracemalloc.start()
        try:
            for _ in range(5000):
                reader.feed(b"12")
            assert tracemalloc.get_traced_memory()[0] < 50_000
        finally:
            tracemalloc.stop()

    def test_a_part_that_drips_grows_in_place(self):
        reader = MultipartReader(b"b", FormLimits())
        reader.feed(b"--b\r\n" + FILE % (b"x", b"12"))
        reader.feed(b"34")
        grown = reader._parser.part.body
        reader.feed(b"56")
        assert grown is reader._parser.part.body
        assert grown == b"123456"

    def test_a_part_that_is_spooled_is_no_longer_kept(self):
        reader = MultipartReader(b"b", FormLimits(spool_bytes=3), Spool())
        reader.feed(b"--b\r\n" + FILE % (b"x", b"12"))
        assert reader._parser.part.body == b"12"
        reader.feed(b"34")
        assert reader._parser.part.body == b""
