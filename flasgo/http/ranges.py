"""Byte ranges (RFC 9110 §14): which part of a representation a request asks for.

A Range that is malformed, or that asks for work instead of bytes, is ignored and the whole representation sent, as
§14.2 allows. Time is linear in a header of bounded length (Starlette CVE-2025-62727).
"""

from itertools import pairwise

from msgspec import Struct

from flasgo.patterns import regex

MAX_HEADER_LENGTH = 1024
"""Characters of a Range header; a longer one is ignored."""

MAX_RANGES = 10
"""Ranges in one request; more are ignored."""

_RANGE = regex(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)")


class ByteRange(Struct, frozen=True):
    """The bytes from `start` up to, not including, `stop`: `data[start:stop]`. Never empty."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """The value of Content-Range, which counts the last byte in; `size` is that of the whole representation."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


class RangeNotSatisfiable(ValueError):
    """None of the ranges has a byte within the `size` bytes that there are: the answer is 416 (RFC 9110 §15.5.17)."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"no range lies within {size} bytes")

    @property
    def content_range(self) -> str:
        """The value of Content-Range in the 416."""
        return f"bytes */{self.size}"


def parse_range(header: str | None, size: int) -> tuple[ByteRange, ...] | None:
    """The ranges of a representation of `size` bytes, in the order asked for; those beyond its end are left out.

    None means: send it all. So it is without a header, and with one that is malformed, longer than MAX_HEADER_LENGTH,
    of another unit, or has more than MAX_RANGES ranges or such that overlap.
    Raises RangeNotSatisfiable where no range has a byte.
    """
    if header is None or len(header) > MAX_HEADER_LENGTH:
        return None
    unit, equals, listed = header.partition("=")
    members = [member for part in listed.split(",") if (member := part.strip(" \t"))]
    if unit.lower() != "bytes" or not equals or not 0 < len(members) <= MAX_RANGES:
        return None
    asked: list[tuple[int, int]] = []
    for member in members:
        match = _RANGE.fullmatch(member)
        if match is None or not _is_valid(match["first"], match["last"]):
            return None
        asked.append(_bounds(match["first"], match["last"], size))
    ranges = [ByteRange(start, stop) for start, stop in asked if start < stop]
    if not ranges:
        if _is_all_of_nothing(members, size):
            return None
        raise RangeNotSatisfiable(size)
    ordered = sorted(ranges, key=lambda part: part.start)
    if any(part.stop > following.start for part, following in pairwise(ordered)):
        return None
    return tuple(ranges)


def _is_valid(first: str, last: str) -> bool:
    if first and last:
        return int(first) <= int(last)
    return bool(first or last)


def _is_all_of_nothing(members: list[str], size: int) -> bool:
    """The last bytes of an empty representation are satisfiable (§14.1.2), but no Content-Range can say so."""
    return size == 0 and any(member[0] == "-" and int(member[1:]) > 0 for member in members)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Where the range begins and ends within `size`; nothing lies between where it is beyond."""
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size
