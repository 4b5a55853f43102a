"""The authors: everyone reads them, the shopkeeper adds to them."""

import sqlite3
from datetime import date

from flasgo import Blueprint, Created, HasScope, NotFound

from .books import SELECT as BOOKS
from .books import book_of
from .models import Author, AuthorDetails, Id, NewAuthor, Page
from .pages import WantedPage, page_of
from .storage import Connection

authors = Blueprint("authors", url_prefix="/authors", tags=["authors"])


def author_of(row: sqlite3.Row) -> Author:
    return Author(row["id"], row["name"], date.fromisoformat(row["born"]) if row["born"] else None)


@authors.get("")
def list_authors(connection: Connection, wanted: WantedPage) -> Page[Author]:
    """List the authors by name."""
    return page_of(wanted, connection, "select id, name, born from authors order by name, id", (), author_of)


@authors.post("", auth="bearer", permissions=[HasScope("authors")])
def add_author(new: NewAuthor, connection: Connection) -> Created[Author]:
    """Add an author."""
    cursor = connection.execute(
        "insert into authors (name, born) values (?, ?)", (new.name, new.born and str(new.born))
    )
    assert cursor.lastrowid is not None
    return Author(cursor.lastrowid, new.name, new.born)


@authors.get("/<id>", etag=True, raises=[NotFound])
def show_author(id: Id, connection: Connection) -> AuthorDetails:  # noqa: A002 - the name in the path
    """Show an author, with all of the books."""
    row = connection.execute("select id, name, born from authors where id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no author {id}.")
    author = author_of(row)
    rows = connection.execute(f"{BOOKS} where books.author_id = ? order by published, books.id", (id,))
    return AuthorDetails(author.id, author.name, [book_of(row) for row in rows], author.born)
