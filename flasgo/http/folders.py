"""Files below a folder, by a path that a client wrote (CWE-22, CWE-59).

A path is taken as it is, decoded once by the server: nothing is collapsed, repaired or decoded again. Whatever is refused
is refused alike, with FileNotFoundError, so that an answer does not tell what is there.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from flasgo.http.filenames import MAX_FILENAME_BYTES, is_device
from flasgo.patterns import regex

MAX_PATH_BYTES: Final = 4096
"""Bytes of a whole path, in UTF-8."""

_REFUSED = regex(r"[\x00-\x1f\x7f-\x9f\\:]")
"""Controls; the other separator; and what begins a drive or an alternate stream on Windows."""

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Not blocking, so that a FIFO in the place of a file cannot hold the thread for ever.
_FILE_FLAGS = _FLAGS | getattr(os, "O_NONBLOCK", 0)
_WALKS = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


def is_safe_path(path: str) -> bool:
    """May a client's relative path be looked up at all?

    It is segments of at most MAX_FILENAME_BYTES, joined by "/". None of them is empty, begins with a dot, ends with a dot or a space
    (which Windows drops), or is a device's name with or without an extension (Werkzeug CVE-2026-21860).
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError:  # a lone surrogate: bytes that were not UTF-8
        return False
    if size > MAX_PATH_BYTES or _REFUSED.search(path):
        return False
    return all(
        segment and segment[0] != "." and segment[-1] not in ". " and _is_short(segment) and not is_device(segment)
        for segment in path.split("/")
    )


def _is_short(segment: str) -> bool:
    return len(segment.encode()) <= MAX_FILENAME_BYTES


class Folder:
    """A directory, and what may be read below it: regular files, and links that do not lead out of it."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).absolute()
        self._base = os.fspath(self.root)

    def __repr__(self) -> str:
        return f"Folder({self._base!r})"

    def find(self, path: str) -> tuple[str, ...]:
        """Where the file of a client's path really lies, step by step from the root.

        Raises FileNotFoundError where there is none that may be read.
        """
        return self._resolve(path)[1]

    def _resolve(self, path: str) -> tuple[str, tuple[str, ...]]:
        if is_safe_path(path):
            # Path.resolve says RuntimeError of links that go round, up to Python 3.12.
            with suppress(OSError, ValueError):
                base = os.path.realpath(self._base, strict=True)
                real = Path(os.path.realpath(f"{base}/{path}", strict=True))
                parts = real.relative_to(base).parts
                if stat.S_ISREG(real.lstat().st_mode):
                    return base, parts
        raise _none()

    def open(self, path: str) -> BinaryIO:
        """The file of a client's path, opened for reading, unbuffered. Raises FileNotFoundError as `find` does.

        What was resolved has no links any more; each step of it is opened without following one, so that a link that is put in its way
        meanwhile leads nowhere.
        """
        base, parts = self._resolve(path)
        try:
            return opened(_descend(base, parts), path)
        except OSError:
            raise _none() from None

    def status(self, path: str) -> os.stat_result:
        """What is said of the path, links followed. Raises OSError. The path must have been found before."""
        return os.stat(f"{self._base}/{path}")  # noqa: PTH116 - on the way of every request, and a Path costs more than the call


def _descend(base: str, parts: tuple[str, ...]) -> int:
    """Open the last of `parts`, each below the one before it; none of them may be a link."""
    if not _WALKS:  # Windows, where making links takes a privilege
        return os.open(Path(base, *parts), _FILE_FLAGS)
    *folders, name = parts
    at = os.open(base, _FLAGS | os.O_DIRECTORY)
    try:
        for folder in folders:
            above, at = at, os.open(folder, _FLAGS | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(above)
        return os.open(name, _FILE_FLAGS | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, opened for reading, unbuffered. Raises FileNotFoundError for anything else, and OSError."""
    return opened(os.open(path, _FILE_FLAGS), path)


def opened(descriptor: int, name: str | os.PathLike[str]) -> BinaryIO:
    """The file of a descriptor, which is closed unless it is a regular file. Raises FileNotFoundError."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "not a regular file", os.fspath(name))
    return os.fdopen(descriptor, "rb", buffering=0)


def _none() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such file below the folder")
