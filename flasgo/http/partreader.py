"""A multipart form chunk by chunk: whatever it is, and however it is cut.

The library `multipart` finds the boundaries. It reads the heads of parts more leniently, so both its hooks for them are
replaced; should a later version not call them, no part gets through.
"""

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from flasgo.errors import ContentTooLarge, MalformedBody
from flasgo.http.formlimits import FormLimits, Parts, head_too_large, too_large
from flasgo.http.headers import Headers
from flasgo.http.parthead import PartHead, read_head
from flasgo.http.uploads import Spool, SpooledFile, UploadedFile


class MultipartReader:
    """Takes the chunks of a form and collects its parts. Without a spool everything is kept in memory.

    It appends to the spool and never flushes it.
    """

    def __init__(self, boundary: bytes, limits: FormLimits, spool: Spool | None = None) -> None:
        self._parts = Parts({}, {}, spool)
        self._limits = limits
        self._openings = (b"--" + boundary, b"\r\n--" + boundary)
        self._parser = _Parser(boundary, limits)
        self._head: bytes | None = b""  # what came so far, until it is enough to tell how the form begins
        self._tail = len(self._openings[1]) + 1  # bytes that the parser may hold back: a boundary and one more
        self._within: _Part | None = None  # the file whose content goes on, where the parser holds none of it back
        self._received = self._fields = self._files = self._text = self._held = 0

    def feed(self, chunk: bytes) -> None:
        """Read one chunk. Raises MalformedBody and ContentTooLarge."""
        limits = self._limits
        self._received += len(chunk)
        if self._received > limits.max_multipart_bytes:
            raise too_large(f"The form is larger than {limits.max_multipart_bytes} bytes.")
        if self._head is not None:
            chunk = self._opened(self._head + chunk)
        if not chunk:
            return
        try:
            self._read(chunk)
        except MultipartError as error:
            error.__traceback__ = None  # the library keeps the error, and this would keep all that was being read
            if isinstance(error, ParserLimitReached):
                raise head_too_large(limits) from None
            raise MalformedBody("The multipart form is malformed. Encode it as RFC 7578 says.") from None

    def finish(self) -> Parts:
        """What the form held, now that the body is over. Raises MalformedBody where the form is not."""
        try:
            self._parser.close()
        except MultipartError as error:
            error.__traceback__ = None  # as above
            raise MalformedBody("The multipart form is cut off: send it whole, with its closing boundary.") from None
        return self._parts

    def _opened(self, head: bytes) -> bytes:
        """All that came, once it is enough to be the boundary: the library would take other bytes before it."""
        if head.startswith(self._openings):
            self._head = None
            return head
        if len(head) >= len(self._openings[1]):
            raise MalformedBody("The form does not begin with the boundary that its Content-Type names.")
        self._head = head
        return b""

    def _read(self, chunk: bytes) -> None:
        within = self._within
        if within is not None and b"\r" not in chunk:
            self._take_file(within, chunk)  # without the first byte of a boundary there is none to look for
            return
        parser = self._parser
        event: object = None
        for event in parser.parse(chunk):
            part = parser.part
            if event is None:
                self._end(part)
            elif not isinstance(event, bytes):
                self._begin(part.head)
            elif part.head.filename is None:
                self._take_text(part, event)
            else:
                self._take_file(part, event)
        in_file = event is not None and parser.part.head.filename is not None
        self._within = parser.part if in_file and b"\r" not in chunk[-self._tail :] else None

    def _begin(self, head: PartHead) -> None:
        limits = self._limits
        if head.filename is None:
            self._fields += 1
            if self._fields > limits.max_fields:
                raise too_large(f"The form has more than {limits.max_fields} fields.")
            self._text += len(head.name.encode())
            if self._text > limits.max_text_bytes:
                raise _text_too_large(limits)
        else:
            self._files += 1
            if self._files > limits.max_files:
                raise too_large(f"The form has more than {limits.max_files} files.")

    def _take_text(self, part: "_Part", piece: bytes) -> None:
        limits = self._limits
        part.size += len(piece)
        if part.size > limits.max_field_bytes:
            raise too_large(f"A field of the form is larger than {limits.max_field_bytes} bytes.")
        self._text += len(piece)
        if self._text > limits.max_text_bytes:
            raise _text_too_large(limits)
        part.keep(piece)

    def _take_file(self, part: "_Part", piece: bytes) -> None:
        limits, spool = self._limits, self._parts.spool
        part.size += len(piece)
        if limits.max_file_bytes is not None and part.size > limits.max_file_bytes:
            raise too_large(f"A file of the form is larger than {limits.max_file_bytes} bytes.")
        if spool is None:
            part.keep(piece)
        elif part.start is not None:
            spool.append(piece)
        elif self._held + len(piece) <= limits.spool_bytes:
            self._held += len(piece)
            part.keep(piece)
        else:
            self._held -= len(part.body)
            part.start = spool.size
            spool.append(part.body)
            spool.append(piece)
            part.body = b""

    def _end(self, part: "_Part") -> None:
        name, filename = part.head.name, part.head.filename
        if filename is None:
            try:
                text = part.body.decode()
            except UnicodeDecodeError:
                raise MalformedBody("A field of the form is not UTF-8. Send files with a filename.") from None
            self._parts.fields.setdefault(name, []).append(text)
        elif filename or part.size:  # neither: no file was chosen
            self._parts.files.setdefault(name, []).append(self._file(part, filename))

    def _file(self, part: "_Part", filename: str) -> UploadedFile:
        head, spool = part.head, self._parts.spool
        headers = Headers(head.headers)
        if spool is None or part.start is None:
            return UploadedFile(head.name, filename, bytes(part.body), head.content_type, headers)
        return SpooledFile(
            head.name, filename, head.content_type, headers, spool=spool, start=part.start, size=part.size
        )


class _Part(MultipartSegment):
    """One part while it is read; `start` is its place in the spool, for a file that is there."""

    def __init__(self, head: PartHead) -> None:
        self.bytes_received = 0  # the library counts here, and says here that it has seen the end
        self.complete = False
        self.head = head
        self.size = 0
        self.body: bytes | bytearray = b""
        self.start: int | None = None

    def keep(self, piece: bytes) -> None:
        if not self.body:
            self.body = piece
        elif isinstance(self.body, bytes):
            self.body = bytearray(self.body) + piece
        else:
            self.body += piece


class _Parser(PushMultipartParser):
    """The library's parser with heads read by the rules of this room; `part` is the one that it is in."""

    part: _Part

    def __init__(self, boundary: bytes, limits: FormLimits) -> None:
        super().__init__(boundary, max_header_size=limits.max_part_header_bytes + 1)  # of a line with half its CRLF
        self._limits = limits
        self._lines: list[bytes] = []

    def _on_segment_headerline(self, line: bytes) -> None:
        if len(self._lines) == self._limits.max_part_headers:
            raise head_too_large(self._limits)
        self._lines.append(line)

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> _Part:  # noqa: ARG002 - empty, see _on_segment_headerline
        head = b"\r\n".join(self._lines)
        if len(head) > self._limits.max_part_header_bytes:
            raise head_too_large(self._limits)
        self._lines.clear()
        self.part = _Part(read_head(head))
        return self.part


def _text_too_large(limits: FormLimits) -> ContentTooLarge:
    return too_large(f"The fields of the form are larger than {limits.max_text_bytes} bytes together.")
