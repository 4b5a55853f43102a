"""With which status a handler answers, said in its return annotation: `-> Created[Book] | Annotated[Taken, Status(409)]`."""

from typing import Annotated, NoReturn, TypeAlias, TypeVar

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


class WithStatus(Struct, frozen=True):
    """What these are while the program runs: of `Created(book)`, a bare alias says only that a TypeVar cannot be called."""

    name: str
    status: Status

    def __getitem__(self, kind: object) -> object:
        return Annotated[kind, self.status]  # ty: ignore[invalid-type-form] - at run time any type is a type

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(f"{self.name} is for annotations: write `-> {self.name}[Book]`, and return the Book itself.")

    def __repr__(self) -> str:
        return f"flasgo.{self.name}"


globals().update(  # so that type checkers go on seeing the aliases
    {name: WithStatus(name, Status(code)) for name, code in (("Created", 201), ("Accepted", 202))}
)
