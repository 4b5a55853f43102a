"""Where templates are: folders, and how a name finds a file in one of them and nowhere else (CWE-22, CWE-59)."""

import os
import stat
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

Folder: TypeAlias = str | PathLike[str]

MAX_NAME = 1024
"""Characters of a template's name."""

NO_WAY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A last component that became a symlink since it was resolved is refused, and a FIFO does not block."""


class Refused(LookupError):
    """Why a name finds no template."""


class Source(Struct, frozen=True):
    """The text of a template, and of which state of which file it is."""

    text: str
    file: str
    state: tuple[int, int]

    def is_current(self) -> bool:
        try:
            return _state(Path(self.file).stat()) == self.state
        except OSError:
            return False


class Folders:
    """Folders in which templates are looked for, one after the other.

    Raises ValueError where there is none, where one is no folder, and for a limit (bytes of one template) that is not positive.
    """

    def __init__(self, folders: Folder | Sequence[Folder], *, encoding: str = "utf-8", max_bytes: int) -> None:
        if max_bytes <= 0:
            raise ValueError(
                f"max_template_bytes={max_bytes} lets no template through: give a positive number of bytes."
            )
        several = [folders] if isinstance(folders, (str, PathLike)) else list(folders)
        if not several:
            raise ValueError("No folder of templates was given: name at least one.")
        self.encoding = encoding
        self.max_bytes = max_bytes
        self.roots: tuple[str, ...] = ()
        for folder in several:
            self.add(folder)

    def add(self, folder: Folder) -> None:
        """Look there after all others; once is enough."""
        path = Path(folder)
        if not path.is_dir():
            raise ValueError(f"{str(path)!r} is no folder of templates: seen from {str(Path.cwd())!r} there is none.")
        root = os.path.realpath(path)
        if root not in self.roots:
            self.roots += (root,)

    def read(self, name: str) -> Source:
        """The template of this name. Raises Refused for one that is not there, or not inside the folders."""
        segments = _segments(name)
        for root in self.roots:
            path = Path(root, *segments)
            file = os.path.realpath(path)
            if os.path.lexists(path):
                if os.path.commonpath((root, file)) != root or file == root:
                    raise Refused("it leads out of its folder")
                source = self._open(file)
                if os.path.realpath(file) != file:  # a folder above it was replaced meanwhile
                    raise Refused("it has moved")
                return source
        raise Refused(f"it is in none of {', '.join(self.roots)}")

    def names(self) -> Iterator[str]:
        """The name of every file in the folders."""
        for root in self.roots:
            for folder, _, files in os.walk(root):
                yield from (Path(folder, file).relative_to(root).as_posix() for file in files)

    def _open(self, file: str) -> Source:
        try:
            descriptor = os.open(file, os.O_RDONLY | NO_WAY)
        except OSError as error:
            raise Refused(f"it cannot be opened: {error.strerror}") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Refused("it is no file")
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:
            raise Refused(f"it is larger than {self.max_bytes} bytes; raise max_template_bytes")
        try:
            return Source(content.decode(self.encoding), file, _state(status))
        except UnicodeDecodeError as error:
            raise Refused(f"it is not {self.encoding}: byte {error.start}") from error


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size


def _segments(name: str) -> list[str]:
    """The parts of a name; a backslash is a slash. Raises Refused for every name that could lead out of a folder."""
    if len(name) > MAX_NAME or not name.isprintable():
        raise Refused("it is too long, or has a character that no name has")
    plain = name.replace("\\", "/")
    segments = [segment for segment in plain.split("/") if segment not in {"", "."}]
    if plain.startswith("/") or ".." in segments or not segments or any(":" in segment for segment in segments):
        raise Refused("a name is relative, and has no '..' and no drive")
    return segments
