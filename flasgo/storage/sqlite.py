"""The store of one host: an SQLite database in WAL mode, shared by all processes that open its file.

SQLite itself orders the writers: each takes the lock before it reads (BEGIN IMMEDIATE), so none works on what another has
changed, and a process that is killed holds nothing. All calls of one process go through one thread of its own.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from os import PathLike
from time import monotonic, sleep, time
from typing import Any, Protocol, TypeVar, cast

from flasgo.errors import StoreUnavailable
from flasgo.storage.checks import (
    after_prefix,
    check_counters,
    check_ttl,
    check_value,
    key_bytes,
    key_text,
    prefix_bytes,
)
from flasgo.storage.model import Counter, Verdict
from flasgo.storage.rates import MICROSECONDS, rate_of, verdict_of

T = TypeVar("T")

APPLICATION_ID = 0x666C7367
"""What marks the file as ours, for `file` and for us: "flsg"."""

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS store_values (key BLOB PRIMARY KEY, value BLOB NOT NULL, ends REAL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS store_values_ends ON store_values (ends) WHERE ends IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS store_counters (key BLOB PRIMARY KEY, state BLOB NOT NULL, ends REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS store_counters_ends ON store_counters (ends)",
)
GET = "SELECT value FROM store_values WHERE key = ? AND (ends IS NULL OR ends > ?)"
PUT = "INSERT INTO store_values VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends"
DELETE = "DELETE FROM store_values WHERE key = ? AND (ends IS NULL OR ends > ?)"
KEYS = "SELECT key FROM store_values WHERE key >= ? AND key < ? AND (ends IS NULL OR ends > ?) ORDER BY key LIMIT ?"
DELETE_PREFIX = "DELETE FROM store_values WHERE key >= ? AND key < ? AND (ends IS NULL OR ends > ?)"
COUNT = "SELECT state FROM store_counters WHERE key = ?"
PUT_COUNT = "INSERT INTO store_counters VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends = excluded.ends"
SWEEPS = (
    "DELETE FROM store_values WHERE key IN (SELECT key FROM store_values WHERE ends <= ? LIMIT 1000)",
    "DELETE FROM store_counters WHERE key IN (SELECT key FROM store_counters WHERE ends <= ? LIMIT 1000)",
)

SWEEP_SECONDS = 10.0
"""How often a process that writes removes what has expired, 1,000 rows of each table at a time."""

SWEEP_WRITES = 50
"""After how many writes it does so at the latest. One of them makes 16 rows at most: what has expired goes faster than anybody can add to it."""

MAX_WAITING = 1_000
"""Calls that may wait for the thread; more are refused, since a queue without an end only turns overload into time-outs."""


class Rows(Protocol):
    """What an executed statement gives: a cursor of sqlite3."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...  # a row has what the statement asked for
    def fetchall(self) -> list[Any]: ...


class Database(Protocol):
    """A connection of sqlite3, which is imported only when a store is opened."""

    @property
    def in_transaction(self) -> bool: ...
    def execute(self, statement: str, values: tuple[Any, ...] = (), /) -> Rows: ...
    def close(self) -> None: ...


class SQLiteStore:
    """Values and counters in the file `path`, for the processes of this host; it survives their restart.

    `timeout` is how long a write waits for those of other processes, in seconds. The file is made with mode 0600, its
    directory must be there. A network file system will not do: SQLite's locks and shared memory need one host.
    """

    def __init__(self, path: str | PathLike[str], *, timeout: float = 5.0) -> None:
        self.path = os.fspath(path)
        self.timeout = timeout
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._database: Database | None = None
        self._process = os.getpid()
        self._waiting = 0
        self._swept = monotonic()
        self._writes = 0

    def __repr__(self) -> str:
        return f"<SQLiteStore {self.path!r}>"

    async def get(self, key: str, /) -> bytes | None:
        encoded = key_bytes(key)

        def read(database: Database) -> bytes | None:
            return _first(database, GET, (encoded, time()))

        return await self._run(read)

    async def set(self, key: str, value: bytes, /, *, ttl: float | None = None) -> None:
        await self._write(partial(_put, key_bytes(key), _checked(value), _ttl(ttl)))

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, /, *, ttl: float | None = None
    ) -> bool:
        encoded = key_bytes(key)
        check_value(value)
        lifetime = _ttl(ttl)

        def swap(database: Database) -> bool:
            if _first(database, GET, (encoded, time())) != expected:
                return False
            if value is None:
                database.execute(DELETE, (encoded, time()))
            else:
                _put(encoded, value, lifetime, database)
            return True

        return await self._write(swap)

    async def delete(self, key: str, /) -> bool:
        encoded = key_bytes(key)
        return await self._write(lambda database: database.execute(DELETE, (encoded, time())).rowcount > 0)

    async def keys(self, prefix: str, /, *, limit: int = 1_000) -> list[str]:
        start = prefix_bytes(prefix, empty=True)
        bounds = (start, after_prefix(start))
        rows = await self._run(lambda database: database.execute(KEYS, (*bounds, time(), limit)).fetchall())
        return [key_text(key) for (key,) in rows]

    async def delete_prefix(self, prefix: str, /) -> int:
        start = prefix_bytes(prefix, empty=False)
        bounds = (start, after_prefix(start))
        return await self._write(lambda database: database.execute(DELETE_PREFIX, (*bounds, time())).rowcount)

    async def hit(self, counters: Sequence[Counter], /) -> tuple[Verdict, ...]:
        keys = check_counters(counters)
        return await self._write(partial(_hit, keys, tuple(counters)))

    async def ping(self) -> None:
        await self._run(lambda database: database.execute("SELECT count(*) FROM sqlite_schema").fetchone())

    async def aclose(self) -> None:
        """Close the file once the calls that wait are done."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            closing = asyncio.wrap_future(thread.submit(self._close))
            thread.shutdown(wait=False)
            await asyncio.shield(closing)

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, work: Callable[[Database], T]) -> T:
        """Do something in the store's thread. A caller who is cancelled does not stop what has begun there."""
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise StoreUnavailable(f"{self.path}: {MAX_WAITING} calls wait for the store already")
            if self._process != os.getpid():  # a fork has no thread, and must not use its parent's connection
                self._process, self._thread, self._database, self._waiting = os.getpid(), None, None, 0
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="flasgo-sqlite")
            job = self._thread.submit(partial(self._call, work))
            self._waiting += 1
        job.add_done_callback(lambda _: self._done())
        return await asyncio.wrap_future(job)

    def _done(self) -> None:
        with self._lock:
            self._waiting -= 1

    async def _write(self, work: Callable[[Database], T]) -> T:
        """Do something in the store's thread, in a transaction that no other writer stands beside."""
        return await self._run(partial(self._transaction, work))

    def _transaction(self, work: Callable[[Database], T], database: Database) -> T:
        database.execute("BEGIN IMMEDIATE")
        result = work(database)
        self._writes += 1
        if self._writes >= SWEEP_WRITES or monotonic() - self._swept >= SWEEP_SECONDS:
            self._swept, self._writes = monotonic(), 0
            for sweep in SWEEPS:
                database.execute(sweep, (time(),))
        database.execute("COMMIT")
        return result

    def _call(self, work: Callable[[Database], T]) -> T:
        import sqlite3  # noqa: PLC0415 - a program that has no such store need not load it

        try:
            database = self._database
            if database is None:
                database = self._database = self._opened()
            return work(database)
        except (sqlite3.Error, OSError) as error:
            # Where another process writes, nothing is wrong with this connection; else a new one will see the file as it is then.
            busy = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY
            if not busy or self._database is None or self._database.in_transaction:
                self._close()
            raise StoreUnavailable(f"{self.path}: {type(error).__name__}: {error}") from error
        except BaseException:
            self._close()
            raise

    def _opened(self) -> Database:
        import sqlite3  # noqa: PLC0415 - as above

        # SQLite itself would make the file as the umask says; its -wal and -shm take their mode from it.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        database = sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: Database) -> None:
        """WAL lets readers read while one writes; NORMAL may lose the last writes when the machine, not the process, dies."""
        if self._is_ours(database):
            database.execute("PRAGMA synchronous = NORMAL")
            return
        self._enter_wal(database)  # the file remembers it
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if not self._is_ours(database):
            for statement in SCHEMA:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("COMMIT")

    def _is_ours(self, database: Database) -> bool:
        """Has a store made this database? False for an empty one. Raises StoreUnavailable for anybody else's, which is not touched."""
        # In this order: what another process makes in between is marked, too, for both are committed at once.
        holds_something = database.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
        mark = _mark(database)
        if mark == APPLICATION_ID:
            return True
        if mark or holds_something:
            raise StoreUnavailable(f"{self.path} is the database of another program. Give the store a file of its own.")
        return False

    def _enter_wal(self, database: Database) -> None:
        """Several processes may make the file at once; SQLite does not wait for the lock that this change needs."""
        import sqlite3  # noqa: PLC0415 - as above

        deadline = monotonic() + self.timeout
        while True:
            try:
                database.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or monotonic() > deadline:
                    raise
                sleep(0.005)
            else:
                return

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()


def _mark(database: Database) -> int:
    return cast("int", database.execute("PRAGMA application_id").fetchone()[0])


def _first(database: Database, statement: str, values: tuple[bytes] | tuple[bytes, float]) -> bytes | None:
    """The first value of the first row."""
    row = database.execute(statement, values).fetchone()
    return None if row is None else cast("bytes", row[0])


def _put(key: bytes, value: bytes, ttl: float | None, database: Database) -> None:
    database.execute(PUT, (key, value, None if ttl is None else time() + ttl))


def _hit(keys: Iterable[bytes], counters: tuple[Counter, ...], database: Database) -> tuple[Verdict, ...]:
    now = time()
    instant = int(now * MICROSECONDS)
    rates = [rate_of(counter) for counter in counters]
    states = [_first(database, COUNT, (key,)) for key in keys]
    allowed = not any(
        rate.look(state, instant, counter.cost) for rate, state, counter in zip(rates, states, counters, strict=True)
    )
    verdicts: list[Verdict] = []
    for key, rate, state, counter in zip(keys, rates, states, counters, strict=True):
        wait, left, reset, packed = rate.hit(state, instant, counter.cost if allowed else 0)
        if packed is not None:
            database.execute(PUT_COUNT, (key, packed, rate.ends(packed) / MICROSECONDS))
        if not allowed:
            wait = rate.look(state, instant, counter.cost)
        verdicts.append(verdict_of(wait, left, reset))
    return tuple(verdicts)


def _checked(value: bytes) -> bytes:
    check_value(value)
    return value


def _ttl(ttl: float | None) -> float | None:
    check_ttl(ttl)
    return ttl
