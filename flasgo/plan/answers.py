"""With which status a handler answers, said in its return annotation: `-> Created[Book] | Annotated[Taken, Status(409)]`."""

from typing import Annotated, TypeAlias, TypeVar

from msgspec import Struct

from flasgo.response import BODILESS, checked_status

T = TypeVar("T")


class Status(Struct, frozen=True):
    """The status of answers of this type: `-> Annotated[Book, Status(201)]`. Of several types the value's own decides.

    Raises ValueError for what is no final status, and for 304, which a condition of the request decides.
    """

    code: int

    def __post_init__(self) -> None:
        if checked_status(self.code) in BODILESS - {204}:
            raise ValueError(f"{self.code} is no status that a type decides.")


Created: TypeAlias = Annotated[T, Status(201)]
"""`-> Created[Book]`: a Book, with status 201 Created."""

Accepted: TypeAlias = Annotated[T, Status(202)]
"""`-> Accepted[Job]`: a Job, with status 202 Accepted."""
