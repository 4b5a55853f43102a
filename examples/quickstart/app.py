"""A small typed JSON API with one page. Serve it with `flasgo run app.py`."""

from html import escape
from typing import Annotated

from msgspec import Meta, Struct

from flasgo import Conflict, Flasgo, NotFound, Response, url_for


class NewBook(Struct, frozen=True):
    """What a client sends."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    pages: Annotated[int, Meta(ge=1)]
    tags: tuple[str, ...] = ()


class Book(Struct, frozen=True):
    """What a client gets."""

    id: int
    title: str
    pages: int
    tags: tuple[str, ...] = ()


app = Flasgo()
shelf = {1: Book(1, "Emma", 474, ("novel",)), 2: Book(2, "Persuasion", 249)}


@app.get("/")
async def index() -> Response:
    books = "".join(
        f'<li><a href="{url_for("one_book", id=book.id)}">{escape(book.title)}</a>, {book.pages} pages</li>'
        for book in shelf.values()
    )
    return Response.html(f'<!doctype html><html lang="en"><title>Books</title><h1>Books</h1><ul>{books}</ul></html>')


@app.get("/books")
async def list_books(min_pages: int = 0, tag: str | None = None) -> list[Book]:
    return [book for book in shelf.values() if book.pages >= min_pages and (tag is None or tag in book.tags)]


# csrf=False: there are no cookies and no logins here, so nothing that a page of another site could ride on.
@app.post("/books", status_code=201, raises=(Conflict,), csrf=False)
async def add_book(new: NewBook) -> Book:
    if any(book.title == new.title for book in shelf.values()):
        raise Conflict("A book of this title is on the shelf already.")
    book = Book(max(shelf, default=0) + 1, new.title, new.pages, new.tags)
    shelf[book.id] = book
    return book


@app.get("/books/<int:id>")
async def one_book(id: int) -> Book:  # noqa: A002 - the name in the path
    if id not in shelf:
        raise NotFound(f"There is no book {id}.")
    return shelf[id]


@app.delete("/books/<int:id>", csrf=False)
async def remove_book(id: int) -> None:  # noqa: A002 - the same
    if shelf.pop(id, None) is None:
        raise NotFound(f"There is no book {id}.")


if __name__ == "__main__":
    app.run()
