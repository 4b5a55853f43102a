"""The books: everyone reads them, the shopkeeper changes them."""

import sqlite3
from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta
from msgspec.structs import asdict

from flasgo import Blueprint, Created, HasScope, NotFound, Query, url_for

from .models import Author, Book, BookChanges, Cents, Genre, Id, NewBook, Page, Rating
from .pages import WantedPage, page_of
from .problems import BookWasOrdered, IsbnTaken, NoSuchAuthor
from .storage import Connection, transaction

books = Blueprint("books", url_prefix="/books", tags=["books"])

SELECT = """
select books.*, authors.name, authors.born,
    (select avg(stars) from reviews where book_id = books.id) as average,
    (select count(*) from reviews where book_id = books.id) as reviews
from books join authors on authors.id = books.author_id
"""

ORDERS = {"title": "title, books.id", "price": "price, books.id", "newest": "published desc, books.id"}


def book_of(row: sqlite3.Row) -> Book:
    return Book(
        id=row["id"],
        title=row["title"],
        isbn=row["isbn"],
        author=Author(row["author_id"], row["name"], date.fromisoformat(row["born"]) if row["born"] else None),
        genre=Genre(row["genre"]),
        price=row["price"],
        published=date.fromisoformat(row["published"]),
        stock=row["stock"],
        cover=url_for("covers.show_cover", id=row["id"]) if row["cover"] else None,
        rating=Rating(round(row["average"], 1), row["reviews"]) if row["reviews"] else None,
    )


def find_book(connection: sqlite3.Connection, id: int) -> Book:  # noqa: A002 - as in the paths
    row = connection.execute(f"{SELECT} where books.id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no book {id}.")
    return book_of(row)


@books.get("")
def list_books(
    *,
    connection: Connection,
    wanted: WantedPage,
    search: Annotated[Annotated[str, Meta(min_length=2, max_length=100)] | None, Query(alias="q")] = None,
    genre: Annotated[list[Genre], Meta(max_length=3)] = [],  # noqa: B006 - never changed
    author_id: Id | None = None,
    max_price: Cents | None = None,
    published_from: date | None = None,
    published_to: date | None = None,
    in_stock: bool = False,
    sort: Literal["title", "price", "newest"] = "title",
) -> Page[Book]:
    """List books.

    Every filter narrows the list; `genre` may be repeated for any of several.
    """
    conditions: dict[str, tuple[object, ...]] = {}
    if search is not None:
        conditions["instr(lower(title), lower(?))"] = (search,)
    if genre:
        conditions[f"genre in ({', '.join('?' * len(genre))})"] = tuple(genre)
    if author_id is not None:
        conditions["author_id = ?"] = (author_id,)
    if max_price is not None:
        conditions["price <= ?"] = (max_price,)
    if published_from is not None:
        conditions["published >= ?"] = (str(published_from),)
    if published_to is not None:
        conditions["published <= ?"] = (str(published_to),)
    if in_stock:
        conditions["stock > 0"] = ()
    where = " and ".join(conditions) or "true"
    values = [value for each in conditions.values() for value in each]
    return page_of(wanted, connection, f"{SELECT} where {where} order by {ORDERS[sort]}", values, book_of)


@books.post("", auth="bearer", permissions=[HasScope("books")], raises=[IsbnTaken, NoSuchAuthor])
def add_book(new: NewBook, connection: Connection) -> Created[Book]:
    """Put a new book on the shelf."""
    with transaction(connection):
        same = connection.execute("select id from books where isbn = ?", (new.isbn,)).fetchone()
        if same is not None:
            raise IsbnTaken(book_id=same["id"])
        if connection.execute("select 1 from authors where id = ?", (new.author_id,)).fetchone() is None:
            raise NoSuchAuthor(author_id=new.author_id)
        cursor = connection.execute(
            "insert into books (title, isbn, author_id, genre, price, published, stock) values (?, ?, ?, ?, ?, ?, ?)",
            (new.title, new.isbn, new.author_id, new.genre, new.price, str(new.published), new.stock),
        )
    assert cursor.lastrowid is not None
    return find_book(connection, cursor.lastrowid)


@books.get("/<id>", etag=True, raises=[NotFound])
def show_book(id: Id, connection: Connection) -> Book:  # noqa: A002 - the name in the path
    """Show a book.

    Whoever has it already sends its `ETag` as `If-None-Match`, and is answered 304 while nothing has changed.
    """
    return find_book(connection, id)


@books.patch("/<id>", auth="bearer", permissions=[HasScope("books")], raises=[NotFound])
def change_book(id: Id, changes: BookChanges, connection: Connection) -> Book:  # noqa: A002 - the same
    """Change a book. What is left out stays as it is."""
    given = {name: value for name, value in asdict(changes).items() if value is not UNSET}
    if given:
        columns = ", ".join(f"{name} = ?" for name in given)  # the names of BookChanges, nothing of the client's
        connection.execute(f"update books set {columns} where id = ?", (*given.values(), id))  # noqa: S608
    return find_book(connection, id)


@books.delete("/<id>", auth="bearer", permissions=[HasScope("books")], raises=[NotFound, BookWasOrdered])
def remove_book(id: Id, connection: Connection) -> None:  # noqa: A002 - the same
    """Take a book off the shelf for good, with its reviews."""
    with transaction(connection):
        find_book(connection, id)
        (orders,) = connection.execute("select count(*) from order_lines where book_id = ?", (id,)).fetchone()
        if orders:
            raise BookWasOrdered(orders=orders)
        connection.execute("delete from books where id = ?", (id,))
