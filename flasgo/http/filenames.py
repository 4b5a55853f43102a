"""File names of clients, made harmless on every system (CWE-22, CWE-73)."""

import unicodedata

from flasgo.patterns import regex

MAX_FILENAME_BYTES = 255
"""What the usual file systems take as one name, in UTF-8."""

_PLAIN = regex(r"(?!(?i:con|prn|aux|nul|clock|com|lpt))[0-9A-Za-z_-](?:[0-9A-Za-z_. -]{0,198}[0-9A-Za-z_-])?")
"""What needs no cleaning, and cannot be a device."""
_RESERVED = regex(r'[<>:"|?*]')
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The categories of characters that do not show."""
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"}
    | {port + digit for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)
_LONGEST_EXTENSION = 32  # in bytes, with its dot: a longer one is none
_MUCH = 2 * MAX_FILENAME_BYTES


def safe_filename(raw: str) -> str:
    """A name from a client as the name of one file: `directory / safe_filename(raw)` is always directly in `directory`.

    The last component of either separator, in NFC; without controls, other characters that do not show (such as those
    that turn the direction of writing) and dots or spaces at its ends; "_" for what Windows reserves, and before its
    device names; at most 255 bytes of UTF-8, the extension kept. "file" where nothing is left. Not unique: two files may
    have the same name.
    """
    if _PLAIN.fullmatch(raw):
        return raw
    name = _cleaned(raw)
    return _shortened(f"_{name}") if is_device(name) else name


def is_device(name: str) -> bool:
    """Does Windows take this name, whatever its extension, for a device?"""
    return name.partition(".")[0].rstrip(" ").upper() in _DEVICES


def _cleaned(raw: str) -> str:
    shown = "".join(char for char in raw if unicodedata.category(char) not in UNSEEN)
    last = _last_of(unicodedata.normalize("NFC", _bounded(_last_of(shown))))
    return _shortened(_RESERVED.sub("_", last).strip(" .")) or "file"


def _last_of(path: str) -> str:
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def _bounded(name: str) -> str:
    """What a long name begins and ends with: normalising accents on one letter takes the square of their number (CVE-2025-64458)."""
    return name if len(name) <= _MUCH else name[: _MUCH - _LONGEST_EXTENSION] + name[-_LONGEST_EXTENSION:]


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_FILENAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    suffix = dot + extension
    if len(suffix.encode()) > _LONGEST_EXTENSION:
        stem, suffix = name, ""
    kept = stem.encode()[: MAX_FILENAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return kept.rstrip(" .") + suffix
