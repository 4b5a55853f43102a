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
