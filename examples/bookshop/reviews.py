"""The reviews: everyone reads them, a reader writes one of each book."""

import sqlite3
from datetime import UTC, datetime

from flasgo import Blueprint, Created, Forbidden, HasAnyScope, HasScope, NotFound

from .books import find_book
from .models import Id, NewReview, Page, Review
from .pages import WantedPage, page_of
from .people import Reader
from .problems import AlreadyReviewed
from .storage import Connection, transaction

reviews = Blueprint("reviews", tags=["reviews"])


def review_of(row: sqlite3.Row) -> Review:
    written = datetime.fromisoformat(row["written"])
    return Review(row["id"], row["book_id"], row["reader"], row["stars"], row["text"], written)


@reviews.get("/books/<id>/reviews", raises=[NotFound])
def list_reviews(id: Id, connection: Connection, wanted: WantedPage) -> Page[Review]:  # noqa: A002 - the name in the path
    """List the reviews of a book, the newest first."""
    find_book(connection, id)
    query = "select * from reviews where book_id = ? order by id desc"
    return page_of(wanted, connection, query, (id,), review_of)


@reviews.post(
    "/books/<id>/reviews", auth="bearer", permissions=[HasScope("reviews")], raises=[NotFound, AlreadyReviewed]
)
def write_review(id: Id, new: NewReview, reader: Reader, connection: Connection) -> Created[Review]:  # noqa: A002 - the same
    """Review a book."""
    with transaction(connection):
        find_book(connection, id)
        own = "select id from reviews where book_id = ? and reader = ?"
        if (row := connection.execute(own, (id, reader.id)).fetchone()) is not None:
            raise AlreadyReviewed(review_id=row["id"])
        connection.execute(
            "insert into reviews (book_id, reader, stars, text, written) values (?, ?, ?, ?, ?)",
            (id, reader.id, new.stars, new.text, datetime.now(UTC).isoformat(timespec="seconds")),
        )
        query = "select * from reviews where book_id = ? and reader = ?"
        return review_of(connection.execute(query, (id, reader.id)).fetchone())


@reviews.delete(
    "/reviews/<id>",
    auth="bearer",
    permissions=[HasAnyScope({"reviews", "moderation"})],
    raises=[NotFound, Forbidden],
)
def remove_review(id: Id, reader: Reader, connection: Connection) -> None:  # noqa: A002 - the same
    """Remove a review: one's own, or as a moderator any."""
    row = connection.execute("select reader from reviews where id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no review {id}.")
    if row["reader"] != reader.id and "moderation" not in reader.scopes:
        raise Forbidden("This is the review of somebody else.")
    connection.execute("delete from reviews where id = ?", (id,))
