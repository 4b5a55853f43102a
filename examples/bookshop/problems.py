"""What can go wrong in a bookshop, beside what can go wrong in HTTP: each has its own code and members."""

from flasgo import Problem


class OutOfStock(Problem, status=409, title="Out of stock"):
    """Fewer copies are left than were ordered; nothing was ordered."""

    book_id: int
    left: int


class NoSuchBook(Problem, status=409, title="No such book"):
    """The order names a book that is not sold here."""

    book_id: int


class NoSuchAuthor(Problem, status=409, title="No such author"):
    """Add the author first."""

    author_id: int


class IsbnTaken(Problem, status=409, title="ISBN taken"):
    """There is a book of this ISBN already."""

    book_id: int


class BookWasOrdered(Problem, status=409, title="Book was ordered"):
    """What somebody has ordered stays. Set its stock to 0 instead."""

    orders: int


class AlreadyReviewed(Problem, status=409, title="Already reviewed"):
    """A reader has one review of each book."""

    review_id: int


class NotAnImage(
    Problem, status=409, title="Not an image"
):  # 415 is for content types, 409 for content (RFC 9110 §9.3.4)
    """A cover is a PNG or JPEG picture, whatever its name says."""
