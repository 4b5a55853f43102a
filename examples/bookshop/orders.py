"""The orders: a reader places them, and sees no others."""

import sqlite3
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid4

from msgspec import json

from flasgo import Blueprint, Created, HasScope, NotFound

from .models import Address, Card, Invoice, Line, NewOrder, Order, OrderStatus, Page
from .pages import WantedPage, page_of
from .people import Reader
from .problems import NoSuchBook, OutOfStock
from .storage import Connection, transaction

orders = Blueprint("orders", url_prefix="/orders", tags=["orders"], auth="bearer", permissions=[HasScope("orders")])


def order_of(connection: sqlite3.Connection, row: sqlite3.Row) -> Order:
    lines = connection.execute(
        "select book_id, copies from order_lines where order_id = ? order by rowid", (row["id"],)
    )
    return Order(
        id=UUID(row["id"]),
        status=OrderStatus(row["status"]),
        lines=[Line(line["book_id"], line["copies"]) for line in lines],
        total=row["total"],
        ship_to=json.decode(row["ship_to"], type=Address),
        payment=json.decode(row["payment"], type=Card | Invoice),
        placed=datetime.fromisoformat(row["placed"]),
    )


def find_order(connection: sqlite3.Connection, id: UUID, reader: Reader) -> Order:  # noqa: A002 - as in the paths
    row = connection.execute("select * from orders where id = ? and reader = ?", (str(id), reader.id)).fetchone()
    if row is None:  # somebody else's is not there either: nobody learns which orders exist
        raise NotFound("You have no such order.")
    return order_of(connection, row)


def take(connection: sqlite3.Connection, book_id: int, copies: int) -> int:
    """Take copies off the shelf. Gives what they cost."""
    book = connection.execute("select price, stock from books where id = ?", (book_id,)).fetchone()
    if book is None:
        raise NoSuchBook(book_id=book_id)
    if book["stock"] < copies:
        raise OutOfStock(book_id=book_id, left=book["stock"])
    connection.execute("update books set stock = stock - ? where id = ?", (copies, book_id))
    return int(book["price"]) * copies


@orders.post("", raises=[OutOfStock, NoSuchBook])
@orders.ratelimit(20, per=60, key_func=lambda request: request.user.id)
def place_order(new: NewOrder, reader: Reader, connection: Connection) -> Created[Order]:
    """Order books.

    All of it is there, or nothing is ordered. Each reader may try 20 times in a minute.
    """
    order_id = uuid4()
    wanted: Counter[int] = Counter()
    for line in new.lines:
        wanted[line.book_id] += line.copies
    with transaction(connection):
        total = sum(take(connection, book_id, copies) for book_id, copies in wanted.items())
        now = datetime.now(UTC).isoformat(timespec="seconds")
        ship_to, payment = (json.encode(part).decode() for part in (new.ship_to, new.payment))
        connection.execute(
            "insert into orders (id, reader, status, total, ship_to, payment, placed) values (?, ?, ?, ?, ?, ?, ?)",
            (str(order_id), reader.id, OrderStatus.OPEN, total, ship_to, payment, now),
        )
        connection.executemany(
            "insert into order_lines (order_id, book_id, copies) values (?, ?, ?)",
            [(str(order_id), line.book_id, line.copies) for line in new.lines],
        )
    return find_order(connection, order_id, reader)


@orders.get("")
def list_orders(
    reader: Reader, connection: Connection, wanted: WantedPage, status: OrderStatus | None = None
) -> Page[Order]:
    """List one's own orders, the newest first."""
    query = "select * from orders where reader = ? and (? is null or status = ?) order by rowid desc"
    return page_of(wanted, connection, query, (reader.id, status, status), lambda row: order_of(connection, row))


@orders.get("/<id>", raises=[NotFound])
def show_order(id: UUID, reader: Reader, connection: Connection) -> Order:  # noqa: A002 - the name in the path
    """Show one of one's own orders."""
    return find_order(connection, id, reader)


@orders.post("/<id>/cancel", raises=[NotFound])
def cancel_order(id: UUID, reader: Reader, connection: Connection) -> Order:  # noqa: A002 - the same
    """Cancel an order; its books go back to the shelf. Again is harmless."""
    with transaction(connection):
        order = find_order(connection, id, reader)
        if order.status is OrderStatus.OPEN:
            connection.execute("update orders set status = ? where id = ?", (OrderStatus.CANCELLED, str(id)))
            connection.executemany(
                "update books set stock = stock + ? where id = ?", [(line.copies, line.book_id) for line in order.lines]
            )
        return find_order(connection, id, reader)
