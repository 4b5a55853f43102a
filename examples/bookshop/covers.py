"""The covers: a picture that the shopkeeper uploads, and everyone sees."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

from msgspec import Meta

from flasgo import Blueprint, File, FileResponse, HasScope, NotFound, UploadedFile, send_file, send_from_directory

from .books import find_book
from .models import Book, Id
from .problems import NotAnImage
from .storage import Connection, Stored

covers = Blueprint("covers", url_prefix="/books/<id>/cover", tags=["books"])

KINDS = {"png": ("image/png", b"\x89PNG\r\n\x1a\n"), "jpg": ("image/jpeg", b"\xff\xd8\xff")}
"""The pictures that are taken, by the end of their name: media type, and the bytes that they begin with."""

PLAIN = Path(__file__).with_name("plain.png")
"""The cover of a book that has none of its own, so that every book can be shown."""


@covers.put(
    "",
    auth="bearer",
    permissions=[HasScope("books")],
    raises=[NotFound, NotAnImage],
    max_file_bytes=2_000_000,
    max_body_bytes=2_010_000,
)
def put_cover(
    id: Id,  # noqa: A002 - the name in the path
    image: Annotated[UploadedFile, File(), Meta(description="PNG or JPEG, up to 2 MB.")],
    connection: Connection,
    storage: Stored,
) -> Book:
    """Give a book its cover.

    What kind of file it is, is seen from its bytes: its name and its content type are only what the client says.
    """
    find_book(connection, id)
    kind = next((kind for kind, (_, magic) in KINDS.items() if image.body.startswith(magic)), None)
    if kind is None:
        raise NotAnImage(detail="Send a PNG or JPEG picture.")
    name = f"{uuid4()}.{kind}"  # never the client's, and never the same again
    image.save_sync(storage.covers / name)
    old = connection.execute("select cover from books where id = ?", (id,)).fetchone()["cover"]
    connection.execute("update books set cover = ? where id = ?", (name, id))
    if old is not None:
        (storage.covers / old).unlink(missing_ok=True)
    return find_book(connection, id)


@covers.get("", raises=[NotFound], responses={200: "The picture, as `image/png` or `image/jpeg`."})
def show_cover(id: Id, connection: Connection, storage: Stored) -> FileResponse:  # noqa: A002 - the same
    """Show the cover of a book: a plain one, until the book is given its own."""
    row = connection.execute("select cover from books where id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no book {id}.")
    name = row["cover"]
    if name is None:
        return send_file(PLAIN, max_age=60)
    media_type, _ = KINDS[name.rpartition(".")[2]]
    return send_from_directory(storage.covers, name, mimetype=media_type, max_age=60)
