"""Paths below a folder, ranges of several parts, and codings, under arbitrary text."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.codings import CODINGS, accepted_codings
from flasgo.http.conditional import ETag
from flasgo.http.filenames import is_device
from flasgo.http.folders import Folder, is_safe_path
from flasgo.http.representation import Snapshot, select

SEGMENTS = st.sampled_from(
    [
        "a",
        "b.txt",
        "..",
        ".",
        "",
        ".env",
        "con",
        "NUL.txt",
        "up",
        "out",
        "x.",
        "x ",
        "a\\b",
        "c:",
        "\0",
        "\n",
        "é",
        "\udcff",
    ]
)
PATHS = st.lists(SEGMENTS | st.text(max_size=5), max_size=6).map("/".join)


@pytest.fixture(scope="module")
def root():
    with tempfile.TemporaryDirectory() as name:
        base = Path(name, "root")
        (base / "a" / "a").mkdir(parents=True)
        for path in ("b.txt", "a/b.txt", "a/a/b.txt", "é", ".env", "con", "x."):
            (base / path).write_bytes(b"inside")
        Path(name, "root-sibling").mkdir()
        Path(name, "root-sibling", "b.txt").write_bytes(b"outside")
        Path(name, "b.txt").write_bytes(b"outside")
        (base / "up").symlink_to("..")
        (base / "out").symlink_to("../b.txt")
        yield base


@given(PATHS)
@example("b.txt")
@example("a/a/b.txt")
@example("up/b.txt")
@example("../root-sibling/b.txt")
@example("a\0/b.txt")
@example("\udcff/a")
def test_what_is_opened_lies_inside_and_is_named_as_asked(root, path):
    try:
        with Folder(root).open(path) as file:
            content = file.read()
    except FileNotFoundError:
        assert not (
            is_safe_path(path) and (root / path).is_file() and (root / path).resolve().is_relative_to(root.resolve())
        )
        return
    assert content == b"inside"
    assert is_safe_path(path)
    assert (root / path).resolve().is_relative_to(root.resolve())


@given(PATHS | st.text(max_size=300))
def test_a_safe_path_has_nothing_that_any_system_reads_in_another_way(path):
    if is_safe_path(path):
        assert not set(path) & set("\\:\0\r\n\x7f")
        for segment in path.split("/"):
            assert segment not in {"", ".", ".."}
            assert segment[0] != "."
            assert segment[-1] not in ". "
            assert len(segment.encode()) <= 255
            assert not is_device(segment)


@given(st.text("0123456789-, bytes=", max_size=40) | st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12).map(
    lambda pairs: "bytes=" + ",".join(f"{a}-{b}" for a, b in pairs)
), st.integers(0, 40))  # fmt: skip
@example("bytes=0-1,3-4", 10)
def test_a_selection_is_as_long_as_it_says_and_never_longer_than_the_whole_with_its_heads(header, size):
    body = bytes(range(size))
    selection = select(Snapshot(size, 0, ETag("x")), {b"range": header.encode()}, "text/plain")
    content = b"".join(selection.pieces(lambda start, stop: iter((body[start:stop],))))
    assert len(content) == selection.length
    assert selection.status in {200, 206, 416}
    assert sum(span.stop - span.start for span in selection.spans) <= size
    assert len(selection.spans) <= 10
    if selection.status == 200:
        assert content == body


@given(st.binary(max_size=60) | st.text("gzipbrstdx-*;q=0.15, ", max_size=60).map(str.encode))
def test_codings_are_those_that_there_are(header):
    accepted = accepted_codings(header)
    assert len(set(accepted)) == len(accepted)
    assert set(accepted) <= CODINGS.keys()
