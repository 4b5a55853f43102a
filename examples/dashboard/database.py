"""The database: one SQLite file, opened when the application starts and closed when it ends, for all requests together."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, cast

from flasgo import Depends

from .records import Person
from .settings import BoardSettings

SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password_hash TEXT NOT NULL, scopes TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS service (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, team TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS measure (
    service_id INTEGER NOT NULL REFERENCES service, at TEXT NOT NULL,
    requests INTEGER NOT NULL, errors INTEGER NOT NULL, latency REAL NOT NULL, PRIMARY KEY (service_id, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident (
    id INTEGER PRIMARY KEY, service_id INTEGER NOT NULL REFERENCES service, title TEXT NOT NULL, severity TEXT NOT NULL,
    status TEXT NOT NULL, owner TEXT NOT NULL, note TEXT NOT NULL, opened TEXT NOT NULL, resolved TEXT
);
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, incident_id INTEGER NOT NULL REFERENCES incident, at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incident_opened ON incident (opened DESC, id DESC);
"""


class Database:
    """One connection. Handlers run in several threads, so one after the other has it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """What a query gives. Every value goes as a parameter, never into the SQL."""
        with self._lock:
            return cast("list[sqlite3.Row]", self._connection.execute(query, values).fetchall())

    def row(self, query: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        found = self.rows(query, values)
        return found[0] if found else None

    def write(self, query: str, *many: Sequence[object]) -> int:
        """Change something, all of it or nothing; gives the id of the row that was added last."""
        with self._lock, self._connection:
            cursor = self._connection.cursor()
            for values in many:
                cursor.execute(query, values)
            return cursor.lastrowid or 0

    def person_named(self, name: str) -> Person | None:
        row = self.row("SELECT * FROM person WHERE name = ?", (name,))
        return None if row is None else _person(row)


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def opened(settings: BoardSettings) -> Iterator[Database]:
    settings.data.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(settings.data)) as connection:
        connection.executescript(SCHEMA)
        yield Database(connection)


Opened = Annotated[Database, Depends(opened, scope="app")]
"""The database in a handler's signature: made once, at the start."""


def find_person(path: Path, id_: str) -> Person | None:
    """The person of a session. A backend has no dependencies, so this opens what it needs."""
    with closing(connect(path)) as connection:
        row = connection.execute("SELECT * FROM person WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _person(row)


def _person(row: sqlite3.Row) -> Person:
    scopes = frozenset(row["scopes"].split())
    return Person(id=str(row["id"]), name=row["name"], password_hash=row["password_hash"], scopes=scopes)
