"""F016: what lies in the static folders that was never meant to be fetched."""

import os
from collections.abc import Iterator
from pathlib import Path

from flasgo.checks.model import Facts, Finding

MOST = 50_000
"""Names that are looked at in one folder."""

SHOWN = 20
"""Paths that are kept of one folder."""

SOURCES = (".py", ".pyc", ".pyo", ".sqlite", ".sqlite3", ".db", ".pem", ".key", ".bak", ".swp", ".sql")
"""Endings of what is not for visitors."""


def static_folders(facts: Facts) -> Iterator[Finding]:
    for folder in facts.folders:
        served, hidden = _found(Path(folder))
        if served:
            yield Finding(
                "F016",
                "error",
                f"The static folder {folder!r} serves what is not for visitors:",
                "Move it out of the folder; everything else in there is fetched by whoever guesses its name.",
                served,
            )
        if hidden:
            yield Finding(
                "F016",
                "warning",
                f"The static folder {folder!r} holds what flasgo does not serve, but another server on this folder may:",
                "Move hidden files (.git, .env) and symbolic links that lead out of the folder elsewhere.",
                hidden,
            )


def _found(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is served and should not be, and what is not served and should not be there."""
    served: list[str] = []
    hidden: list[str] = []
    base = root.resolve()
    for entry in _walk(root):
        path = Path(entry.path)
        relative = str(path.relative_to(root))
        if entry.name.startswith(".") and entry.name != ".well-known":
            hidden.append(relative)
        elif entry.is_symlink() and not path.resolve().is_relative_to(base):
            hidden.append(f"{relative} -> {path.readlink()}")
        elif entry.name.lower().endswith(SOURCES) and not entry.is_dir():
            served.append(relative)
    return tuple(sorted(served)[:SHOWN]), tuple(sorted(hidden)[:SHOWN])


def _walk(root: Path) -> Iterator["os.DirEntry[str]"]:
    """Every name below a folder, up to MOST; nothing hidden is entered, and no link followed."""
    waiting, seen = [root], 0
    while waiting and seen < MOST:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:  # gone, or not ours to read: then it is not served either
            continue
        for entry in entries:
            seen += 1
            yield entry
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                waiting.append(Path(entry.path))
