from contextlib import suppress
from pathlib import Path

import pytest

from flasgo.http import folders
from flasgo.http.folders import Folder, is_safe_path, open_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b.txt").write_bytes(b"inside")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "b.txt").write_bytes(b"outside")
    return tmp_path / "root"


@pytest.mark.parametrize("path", ["\udcff", "x/" * 2048 + "x", "a\x85b"])
def test_what_is_no_path_is_not_looked_up(path):
    assert not is_safe_path(path)


def test_a_file_is_found_and_opened(root):
    folder = Folder(root)
    assert folder.find("a/b.txt") == ("a", "b.txt")
    with folder.open("a/b.txt") as file:
        assert file.read() == b"inside"
    assert repr(folder) == f"Folder({str(root)!r})"


@pytest.mark.parametrize("step", ["a", "a/b.txt"])
def test_a_link_that_is_put_in_the_way_after_the_look_leads_nowhere(root, monkeypatch, step):
    descend = folders._descend

    def late(base: str, parts: tuple[str, ...]) -> int:
        (root / step).rename(root / "moved")
        (root / step).symlink_to(root.parent / "secret" / step.removeprefix("a").removeprefix("/"))
        return descend(base, parts)

    monkeypatch.setattr(folders, "_descend", late)
    with pytest.raises(FileNotFoundError):
        Folder(root).open("a/b.txt")


def test_a_system_that_cannot_walk_opens_what_was_resolved(root, monkeypatch):
    monkeypatch.setattr(folders, "_WALKS", False)
    with Folder(root).open("a/b.txt") as file:
        assert file.read() == b"inside"


def test_what_is_no_regular_file_is_refused(root):
    with pytest.raises(FileNotFoundError, match="not a regular file"):
        open_file(root)


def open_below(root: Path) -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of this look itself
            found.append(str(link.readlink()))
    return [target for target in found if target.startswith(str(root))]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is counted in /proc")
def test_nothing_stays_open_but_what_is_given(root, monkeypatch):
    """A descriptor that is left for each request ends a server after some thousand of them."""
    folder = Folder(root)
    (root / "a" / "c").mkdir()
    (root / "a" / "c" / "d.txt").write_bytes(b"inside")
    with folder.open("a/c/d.txt"):
        assert open_below(root) == [str(root / "a" / "c" / "d.txt")]
    for path in ("a/c", "a/none.txt", "a/b.txt/x"):
        with pytest.raises(FileNotFoundError):
            folder.open(path)
    with pytest.raises(FileNotFoundError):
        open_file(root)
    monkeypatch.setattr(
        folders.stat, "S_ISREG", lambda _mode: False
    )  # as if it were replaced by something else meanwhile
    with pytest.raises(FileNotFoundError):
        open_file(root / "a" / "b.txt")
    assert open_below(root) == []


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "endsInX", "a;b", "~", "-", "_", "a..b", "a b"])
def test_a_name_that_files_may_have_is_found(root, name):
    (root / name).write_bytes(b"inside")
    with Folder(root).open(name) as file:
        assert file.read() == b"inside"
