"""The database: SQLite, one connection for each request, opened by whoever asks for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from flasgo import Depends, User

from .settings import BlogSettings

SCHEMA = """
CREATE TABLE IF NOT EXISTS author (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password_hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS post (
    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES author, created TEXT NOT NULL,
    title TEXT NOT NULL, body TEXT NOT NULL, picture TEXT, picture_text TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS post_created ON post (created DESC, id DESC);
"""


class Author(User, frozen=True, kw_only=True):
    """Somebody who may write."""

    is_authenticated: bool = True
    name: str
    password_hash: str


class Post(Struct, frozen=True):
    """A post as it is shown; `author` is the name."""

    id: int
    author_id: str
    author: str
    created: datetime
    title: str
    body: str
    picture: str | None
    picture_text: str


def prepare(data: Path) -> None:
    """Make the folder and the tables, if they are not there."""
    (data / "pictures").mkdir(parents=True, exist_ok=True)
    with closing(connect(data)) as connection, connection:
        connection.executescript(SCHEMA)


def connect(data: Path) -> sqlite3.Connection:
    # One thread at a time uses it, but not always the same: a request may end in another one than it began in.
    connection = sqlite3.connect(data / "blog.db", check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def find_author(data: Path, id_: str) -> Author | None:
    """The author of a session."""
    with closing(connect(data)) as connection:
        row = connection.execute("SELECT * FROM author WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _author(row)


class Database:
    """What the blog asks of its tables. Every value goes as a parameter, never into the SQL."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def author_named(self, name: str) -> Author | None:
        row = self._connection.execute("SELECT * FROM author WHERE name = ?", (name,)).fetchone()
        return None if row is None else _author(row)

    def add_author(self, name: str, password_hash: str) -> Author | None:
        """The new author; None where the name is taken."""
        try:
            with self._connection:
                query = "INSERT INTO author (name, password_hash) VALUES (?, ?) RETURNING *"
                return _author(self._connection.execute(query, (name, password_hash)).fetchone())
        except sqlite3.IntegrityError:
            return None

    def count_posts(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM post").fetchone()[0])

    def posts(self, *, limit: int, skip: int) -> list[Post]:
        query = f"{_POSTS} ORDER BY created DESC, post.id DESC LIMIT ? OFFSET ?"
        return [_post(row) for row in self._connection.execute(query, (limit, skip))]

    def post(self, id_: int) -> Post | None:
        row = self._connection.execute(f"{_POSTS} WHERE post.id = ?", (id_,)).fetchone()
        return None if row is None else _post(row)

    def add_post(self, author_id: str, title: str, body: str, picture: str | None, picture_text: str) -> int:
        query = (
            "INSERT INTO post (author_id, created, title, body, picture, picture_text) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id"
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._connection:
            row = self._connection.execute(query, (author_id, now, title, body, picture, picture_text)).fetchone()
        return int(row["id"])

    def change_post(self, id_: int, title: str, body: str, picture: str | None, picture_text: str) -> None:
        query = "UPDATE post SET title = ?, body = ?, picture = ?, picture_text = ? WHERE id = ?"
        with self._connection:
            self._connection.execute(query, (title, body, picture, picture_text, id_))

    def delete_post(self, id_: int) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM post WHERE id = ?", (id_,))


_POSTS = "SELECT post.*, author.name AS author FROM post JOIN author ON author.id = author_id"


def _author(row: sqlite3.Row) -> Author:
    return Author(id=str(row["id"]), name=row["name"], password_hash=row["password_hash"])


def _post(row: sqlite3.Row) -> Post:
    return Post(
        id=row["id"],
        author_id=str(row["author_id"]),
        author=row["author"],
        created=datetime.fromisoformat(row["created"]),
        title=row["title"],
        body=row["body"],
        picture=row["picture"],
        picture_text=row["picture_text"],
    )


def opened(settings: BlogSettings) -> Iterator[Database]:
    with closing(connect(settings.data)) as connection:
        yield Database(connection)


Opened = Annotated[Database, Depends(opened)]
"""The database in a handler's signature."""
