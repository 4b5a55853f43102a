"""What may stand in no file of the repository: what is true of one machine alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SKIPPED = frozenset({"build", "dist", "mutants", "node_modules", "site", "uv.lock", "__pycache__"})
SHOWN = frozenset({".ci", ".gitignore", ".github"})
"""The only names with a dot that are ours; the others are caches and environments."""

FAULTS = {
    "a path of one machine": re.compile(r"(?<![\w.$}~])/(?:root|work|farm|home/\w+|Users/\w+|tmp/w)/"),
    "the host of a package registry": re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian|crates)\.(?:org|io|com)\b"),
}


def files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in SKIPPED or (name.startswith(".") and name not in SHOWN):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def faults(text: str) -> list[str]:
    """What in a text may stand in no file. This file is one of them: it spells the patterns so that they do not match themselves."""
    return [f"{what}: {found[0]!r}" for what, pattern in FAULTS.items() for found in pattern.finditer(text)]


def readable(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""  # no text


def test_no_file_names_a_machine() -> None:
    found = {str(path.relative_to(ROOT)): faults(readable(path)) for path in files(ROOT)}

    assert {path: problems for path, problems in found.items() if problems} == {}


def test_the_files_are_found() -> None:
    found = {str(path.relative_to(ROOT)) for path in files(ROOT)}

    assert {".ci/run", ".gitignore", "README.md", "tests/docs/test_readme.py"} <= found
    assert not any(path.startswith((".git/", ".venv")) for path in found)


@pytest.mark.parametrize(
    "text",
    ["cd |root|x", "see |work|main|a", "open('|tmp|w|x')", "|home|ada|.cache", "https:||pypi~org|simple"],
)
def test_a_text_that_tells_too_much_is_caught(text: str) -> None:
    assert len(faults(text.replace("|", "/").replace("~", "."))) == 1


@pytest.mark.parametrize(
    "text", ["$PREFIX/root/x", "the /tmp folder", "frameworks/work/x", "cached", "pypi", "/homework/", "~/work/a"]
)
def test_a_text_that_does_not_passes(text: str) -> None:
    assert faults(text) == []


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements-dev.lock").read_text()
