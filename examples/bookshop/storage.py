"""Where the shop keeps its data: one SQLite database, and a folder of covers. What handlers get of it is a Connection."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

from msgspec import Struct

from flasgo import Depends

from .settings import ShopSettings

SCHEMA = """
create table if not exists authors (
    id integer primary key,
    name text not null,
    born text
);
create table if not exists books (
    id integer primary key,
    title text not null,
    isbn text not null unique,
    author_id integer not null references authors,
    genre text not null,
    price integer not null,
    published text not null,
    stock integer not null check (stock >= 0),
    cover text
);
create table if not exists reviews (
    id integer primary key,
    book_id integer not null references books on delete cascade,
    reader text not null,
    stars integer not null,
    text text not null,
    written text not null,
    unique (book_id, reader)
);
create table if not exists orders (
    id text primary key,
    reader text not null,
    status text not null,
    total integer not null,
    ship_to text not null,
    payment text not null,
    placed text not null
);
create table if not exists order_lines (
    order_id text not null references orders,
    book_id integer not null references books,
    copies integer not null
);
create index if not exists lines_of_orders on order_lines (order_id);
create index if not exists lines_of_books on order_lines (book_id);
"""

SHELF = """
insert into authors (id, name, born) values (1, 'Jane Austen', '1775-12-16'), (2, 'Mary Somerville', '1780-12-26');
insert into books (id, title, isbn, author_id, genre, price, published, stock) values
    (1, 'Emma', '9780141439587', 1, 'novel', 899, '1815-12-23', 5),
    (2, 'Persuasion', '9780141439686', 1, 'novel', 799, '1817-12-20', 1),
    (3, 'Mechanism of the Heavens', '9781108057899', 2, 'science', 3999, '1831-11-01', 2);
"""


class Storage(Struct, frozen=True):
    database: Path
    covers: Path


@contextmanager
def open_storage(settings: ShopSettings) -> Generator[Storage]:
    """Made once, when the application starts. Without a DATA_FOLDER it is a new one that is removed when the application ends."""
    if settings.DATA_FOLDER:
        yield prepared(Path(settings.DATA_FOLDER))
    else:
        with TemporaryDirectory(prefix="bookshop-") as folder:
            yield prepared(Path(folder))


def prepared(folder: Path) -> Storage:
    storage = Storage(folder / "shop.db", folder / "covers")
    storage.covers.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(storage.database)) as connection:
        connection.execute("pragma journal_mode = wal")  # readers do not wait for writers
        connection.executescript(SCHEMA)
        if connection.execute("select count(*) from authors").fetchone() == (0,):
            connection.executescript(SHELF)
    return storage


Stored: TypeAlias = Annotated[Storage, Depends(open_storage, scope="app")]


def connect(storage: Stored) -> Iterator[sqlite3.Connection]:
    """A connection for one request. What the handler has not committed is rolled back."""
    connection = sqlite3.connect(storage.database, timeout=5, isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.row_factory = sqlite3.Row
        connection.execute("pragma foreign_keys = on")
        yield connection


Connection: TypeAlias = Annotated[sqlite3.Connection, Depends(connect)]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All of it or nothing; from its first line on, no other request writes."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
