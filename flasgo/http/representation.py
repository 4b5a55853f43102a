"""A representation that can be asked for conditionally and in parts: what a request gets of it (RFC 9110 §13, §14)."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from flasgo.http.conditional import ETag, Outcome, evaluate, http_date, if_range_matches
from flasgo.http.headers import RawHeaders
from flasgo.http.ranges import ByteRange, RangeNotSatisfiable, parse_range

ASKS = frozenset({b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"range", b"if-range"})
"""The fields of a request that ask for anything but the whole, unconditionally."""

OWN_FIELDS = frozenset({b"etag", b"last-modified", b"accept-ranges", b"content-range"})
"""What is said of the representation, and by nobody else."""

COMPLETE = frozenset({200, 206})
"""Statuses that bring content."""

_OF_CONTENT = frozenset({b"content-type", b"content-encoding", b"content-disposition", b"accept-ranges"})
"""What describes content, and is left out where none is sent (RFC 9110 §15.4.5)."""

ReadAt: TypeAlias = Callable[[int, int], Iterator[bytes]]
"""Gives the bytes from a start to a stop, in pieces."""


class Snapshot(Struct, frozen=True):
    """What is true of a representation: the same for every header and the body. `modified` is in seconds since the epoch."""

    size: int
    modified: float
    etag: ETag

    @property
    def fields(self) -> RawHeaders:
        """Its validators as header fields."""
        return [
            (b"etag", str(self.etag).encode("latin-1")),
            (b"last-modified", http_date(self.modified).encode("latin-1")),
            (b"accept-ranges", b"bytes"),
        ]


class Span(Struct, frozen=True):
    """Bytes of the representation from `start` to `stop`, and what is sent before them."""

    start: int
    stop: int
    head: bytes = b""


class Selection(Struct, frozen=True):
    """What is sent of a representation: the status, its parts in order, what comes after them, and the header fields that say so."""

    status: int
    spans: tuple[Span, ...] = ()
    tail: bytes = b""
    content_range: str = ""
    content_type: str = ""

    @property
    def length(self) -> int:
        """Bytes of the content."""
        return sum(len(span.head) + span.stop - span.start for span in self.spans) + len(self.tail)

    def fields(self, described: RawHeaders) -> RawHeaders:
        """The header fields of the answer, made of those that describe the whole; Content-Length is left out."""
        raw = [field for field in described if self.status in COMPLETE or field[0] not in _OF_CONTENT]
        if self.content_type:
            raw = [(b"content-type", self.content_type.encode("ascii")), *(f for f in raw if f[0] != b"content-type")]
        if self.content_range:
            raw.append((b"content-range", self.content_range.encode("ascii")))
        return raw

    def pieces(self, read: ReadAt) -> Iterator[bytes]:
        """The content."""
        for span in self.spans:
            if span.head:
                yield span.head
            yield from read(span.start, span.stop)
        if self.tail:
            yield self.tail


def select(snapshot: Snapshot, fields: Mapping[bytes, bytes], content_type: str, *, ranges: bool = True) -> Selection:
    """What a GET gets of a representation; `fields` are the request's. Without `ranges`, the whole or nothing, as for HEAD."""
    verdict = _verdict(snapshot, fields)
    if verdict != "proceed":
        return Selection(304 if verdict == "not_modified" else 412)
    whole = Selection(200, (Span(0, snapshot.size),))
    asked = _text(fields, b"range")
    if (
        asked is None
        or not ranges
        or not if_range_matches(_text(fields, b"if-range"), snapshot.etag, snapshot.modified)
    ):
        return whole
    try:
        parts = parse_range(asked, snapshot.size)
    except RangeNotSatisfiable as error:
        return Selection(416, content_range=error.content_range)
    if parts is None:
        return whole
    if len(parts) == 1:
        (part,) = parts
        return Selection(206, (Span(part.start, part.stop),), content_range=part.content_range(snapshot.size))
    return _several(parts, snapshot.size, content_type)


def _several(parts: tuple[ByteRange, ...], size: int, content_type: str) -> Selection:
    """multipart/byteranges (RFC 9110 §14.6). The boundary cannot be foreseen, so no content can contain it on purpose."""
    boundary = secrets.token_hex(16)
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    heads = [f"--{boundary}\r\n{kind}Content-Range: {part.content_range(size)}\r\n\r\n" for part in parts]
    heads[1:] = [f"\r\n{head}" for head in heads[1:]]
    spans = tuple(Span(part.start, part.stop, head.encode("latin-1")) for part, head in zip(parts, heads, strict=True))
    tail = f"\r\n--{boundary}--\r\n".encode()
    return Selection(206, spans, tail, content_type=f"multipart/byteranges; boundary={boundary}")


def _verdict(snapshot: Snapshot, fields: Mapping[bytes, bytes]) -> Outcome:
    return evaluate(
        "GET",
        if_match=_text(fields, b"if-match"),
        if_none_match=_text(fields, b"if-none-match"),
        if_modified_since=_text(fields, b"if-modified-since"),
        if_unmodified_since=_text(fields, b"if-unmodified-since"),
        etag=snapshot.etag,
        last_modified=snapshot.modified,
    )


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")
