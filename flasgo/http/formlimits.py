"""What a form may cost, what it held, and how one beyond its limits is answered."""

from msgspec import Struct
from msgspec.structs import force_setattr

from flasgo.errors import ContentTooLarge
from flasgo.http.uploads import Spool, UploadedFile


class FormLimits(Struct, frozen=True):
    """What a form may cost: numbers of fields, of files and of headers in a part, and bytes for all the rest.

    `max_body_bytes` bounds an urlencoded body, `max_multipart_bytes` a multipart one. `max_text_bytes` is for the names and
    values of all fields of a multipart form together, `max_file_bytes` for each file (None: whatever the body may have).
    The files of a form are kept in memory up to `spool_bytes` together; the one that does not fit is spooled to a temporary
    file in `temp_dir` (None: the system's place for them).
    """

    max_body_bytes: int = 1_048_576
    max_multipart_bytes: int = 16_777_216
    max_fields: int = 1000
    max_files: int = 100
    max_part_headers: int = 8
    max_part_header_bytes: int = 4096
    max_field_bytes: int = 262_144
    max_text_bytes: int = 524_288
    max_file_bytes: int | None = None
    spool_bytes: int = 262_144
    temp_dir: str | None = None

    unchecked_bytes: int = 0
    """A multipart form of at most so many bytes, whatever it holds, is within all limits in bytes but that of heads."""
    unchecked_parts: int = 0
    """A form of so many parts is within the limits of numbers, if each has no more than the two headers that browsers write."""

    def __post_init__(self) -> None:
        in_bytes = (self.max_multipart_bytes, self.max_field_bytes, self.max_text_bytes, self.max_file_bytes)
        force_setattr(self, "unchecked_bytes", min(size for size in in_bytes if size is not None))
        few = self.max_part_headers < 2  # noqa: PLR2004 - see above
        force_setattr(self, "unchecked_parts", 0 if few else min(self.max_fields, self.max_files))


class Parts(Struct):
    """What a multipart form held, by name. The bytes of some files may be in `spool`."""

    fields: dict[str, list[str]]
    files: dict[str, list[UploadedFile]]
    spool: Spool | None = None


def head_too_large(limits: FormLimits) -> ContentTooLarge:
    return too_large(
        f"A part of the form has more than {limits.max_part_headers} headers, or {limits.max_part_header_bytes} bytes of them."
    )


def too_large(problem: str) -> ContentTooLarge:
    """The answer to a form beyond a limit; the connection is closed, because the rest of the form will not be read."""
    return ContentTooLarge(f"{problem} Send less, or in several requests.", headers={"connection": "close"})
