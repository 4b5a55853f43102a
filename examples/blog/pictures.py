"""Pictures that authors upload: known by their bytes, kept under names of our own, and served so that they can do nothing."""

import secrets
from pathlib import Path

from flasgo import UploadedFile

MAX_BYTES = 4_000_000

SIGNATURES = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
}
"""How files of these kinds begin. No SVG: it is a document, with scripts."""


def kind_of(file: UploadedFile) -> str | None:
    """The kind of a picture by its first bytes, whatever its name and media type say; None for anything else."""
    start = bytes(file.body[:16])
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    return next((kind for kind, marks in SIGNATURES.items() if start.startswith(marks)), None)


def keep(file: UploadedFile, kind: str, folder: Path) -> str:
    """Save a picture; its name cannot be guessed, and is not the visitor's."""
    name = f"{secrets.token_hex(12)}.{kind}"
    file.save_sync(folder / name)
    return name


def drop(name: str | None, folder: Path) -> None:
    if name is not None:
        (folder / name).unlink(missing_ok=True)
