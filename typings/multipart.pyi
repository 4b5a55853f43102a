# What flasgo uses of multipart 2.x, which ships no types.
from collections.abc import Generator
from typing import Self

class MultipartError(ValueError): ...
class ParserError(MultipartError): ...
class ParserLimitReached(MultipartError): ...

class MultipartSegment:
    name: str
    filename: str | None
    bytes_received: int
    complete: bool

class PushMultipartParser:
    def __init__(
        self,
        boundary: str | bytes | bytearray,
        content_length: int = -1,
        max_header_size: int = 4224,
        max_header_count: int = 8,
        max_segment_size: float = ...,
        max_segment_count: float = ...,
        header_charset: str = "utf8",
        strict: bool = False,
    ) -> None: ...
    def parse(self, chunk: bytes | bytearray) -> Generator[MultipartSegment | bytes | None]: ...
    def close(self, check_complete: bool = True) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: object, error: object, trace: object) -> None: ...

    # The two hooks that decide about the head of a part.
    def _on_segment_headerline(self, line: bytes) -> None: ...
    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment: ...
