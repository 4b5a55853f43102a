"""What travels: the shapes of requests and answers, each of them a type and nothing else."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Generic, TypeAlias, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")

Id: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""A number that the database can hold."""

Name: TypeAlias = Annotated[str, Meta(max_length=120, pattern=r"\S", examples=["Jane Austen"])]
Title: TypeAlias = Annotated[str, Meta(max_length=200, pattern=r"\S", examples=["Northanger Abbey"])]
Isbn: TypeAlias = Annotated[str, Meta(pattern="^97[89][0-9]{10}$", description="ISBN-13.", examples=["9780141439792"])]
Cents: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000, description="In cents.", examples=[990])]
Stock: TypeAlias = Annotated[int, Meta(ge=0, le=100_000, description="Copies on the shelf.", examples=[12])]
Stars: TypeAlias = Annotated[int, Meta(ge=1, le=5, examples=[5])]


class Page(Struct, Generic[T], frozen=True):
    """One page of a list, and how long the whole of it is."""

    items: list[T]
    page: int
    pages: int
    total: int


class Genre(StrEnum):
    NOVEL = "novel"
    POETRY = "poetry"
    SCIENCE = "science"


class NewAuthor(Struct, frozen=True):
    name: Name
    born: date | None = None


class Author(Struct, frozen=True):
    id: int
    name: str
    born: date | None = None


class NewBook(Struct, frozen=True):
    title: Title
    isbn: Isbn
    author_id: Id
    genre: Genre
    price: Cents
    published: date
    stock: Stock = 0


class BookChanges(Struct, frozen=True):
    """What is to change of a book; what is left out stays."""

    title: Title | UnsetType = UNSET
    genre: Genre | UnsetType = UNSET
    price: Cents | UnsetType = UNSET
    stock: Stock | UnsetType = UNSET


class Rating(Struct, frozen=True):
    average: float
    reviews: int


class Book(Struct, frozen=True):
    id: int
    title: str
    isbn: str
    author: Author
    genre: Genre
    price: int
    published: date
    stock: int
    cover: str | None = None
    rating: Rating | None = None


class AuthorDetails(Struct, frozen=True):
    id: int
    name: str
    books: list[Book]
    born: date | None = None


class NewReview(Struct, frozen=True):
    stars: Stars
    text: Annotated[str, Meta(max_length=2000, examples=["Read it twice."])] = ""


class Review(Struct, frozen=True):
    id: int
    book_id: int
    reader: str
    stars: int
    text: str
    written: datetime


class Line(Struct, frozen=True):
    """So many copies of one book."""

    book_id: Id
    copies: Annotated[int, Meta(ge=1, le=100, examples=[1])] = 1


class Address(Struct, frozen=True):
    name: Name
    street: Annotated[str, Meta(min_length=1, max_length=120, examples=["1 Library Lane"])]
    city: Annotated[str, Meta(min_length=1, max_length=120, examples=["Bath"])]


class Card(Struct, frozen=True, tag="card"):
    """Paid at once; only the last digits are ever sent here."""

    last_digits: Annotated[str, Meta(pattern="^[0-9]{4}$", examples=["4242"])]


class Invoice(Struct, frozen=True, tag="invoice"):
    """Paid later."""

    days: Annotated[int, Meta(ge=7, le=60)] = 14


class NewOrder(Struct, frozen=True):
    lines: Annotated[list[Line], Meta(min_length=1, max_length=20)]
    ship_to: Address
    payment: Card | Invoice


class OrderStatus(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"


class Order(Struct, frozen=True):
    id: UUID
    status: OrderStatus
    lines: list[Line]
    total: int
    ship_to: Address
    payment: Card | Invoice
    placed: datetime
