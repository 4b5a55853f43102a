"""Lists by pages: what a request says of them, and how one is read."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias, TypeVar

from msgspec import Meta, Struct

from flasgo import Depends

from .models import Page

T = TypeVar("T")


class Wanted(Struct, frozen=True):
    page: int
    per_page: int


def wanted(
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1, per_page: Annotated[int, Meta(ge=1, le=100)] = 20
) -> Wanted:
    return Wanted(page, per_page)


WantedPage: TypeAlias = Annotated[Wanted, Depends(wanted)]


def page_of(
    wanted: Wanted,
    connection: sqlite3.Connection,
    query: str,
    values: Sequence[object],
    make: Callable[[sqlite3.Row], T],
) -> Page[T]:
    """The wanted page of what a query selects, which says its order itself."""
    (total,) = connection.execute(f"select count(*) from ({query})", values).fetchone()  # noqa: S608 - a text of this program
    rows = connection.execute(
        f"{query} limit ? offset ?", (*values, wanted.per_page, (wanted.page - 1) * wanted.per_page)
    )
    return Page([make(row) for row in rows], wanted.page, -(-total // wanted.per_page), total)
