"""An SQLiteStore's thread and connection, in the cases that need a hand inside."""

import asyncio
import os
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from flasgo import Counter, SQLiteStore, StoreUnavailable
from flasgo.storage import sqlite


@pytest.fixture
async def store(tmp_path: Path):
    made = SQLiteStore(tmp_path / "store.db", timeout=0.05)
    yield made
    await made.aclose()


def test_its_repr_says_where(tmp_path: Path) -> None:
    assert repr(SQLiteStore("store.db")) == "<SQLiteStore 'store.db'>"


async def test_more_calls_than_may_wait_are_refused(store: SQLiteStore, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_WAITING", 2)
    await store.ping()
    release = threading.Event()
    waiting = [asyncio.ensure_future(store._run(lambda _: release.wait())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="2 calls wait"):
        await store.get("key")
    release.set()
    await asyncio.gather(*waiting)
    assert await store.get("key") is None


async def test_a_mistake_inside_leaves_no_transaction_open(store: SQLiteStore) -> None:
    def mistaken(database: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store._write(mistaken)
    await store.set("key", b"1")
    assert await store.get("key") == b"1"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_a_forked_process_opens_its_own(store: SQLiteStore) -> None:
    await store.set("key", b"1")
    parents = store._database
    store._process = os.getpid() + 1  # as a child sees what its parent left
    assert await store.get("key") == b"1"
    assert store._database is not parents
    assert parents is not None
    parents.close()


async def test_making_the_file_waits_for_another_who_makes_it(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "store.db", timeout=0.02)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.ping()
    await store.set("key", b"1")
    await store.aclose()


async def test_another_who_made_it_meanwhile_is_noticed(store: SQLiteStore, monkeypatch) -> None:
    marks = iter([0, sqlite.APPLICATION_ID])
    monkeypatch.setattr(sqlite, "_mark", lambda _: next(marks))
    await SQLiteStore(store.path).aclose()
    await store.ping()


async def test_what_expired_is_swept(store: SQLiteStore, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "SWEEP_SECONDS", 0)
    await store.set("short", b"", ttl=0.001)
    await asyncio.sleep(0.005)
    await store.set("long", b"", ttl=100)
    rows = await store._run(lambda database: database.execute("SELECT count(*) FROM store_values").fetchone())
    assert rows == (1,)


async def test_what_expired_goes_faster_than_it_can_be_added(store: SQLiteStore) -> None:
    """A flood of clients, each seen once, leaves no more rows than a period has, whatever the clock says of the last sweep."""
    for flood in range(6):
        for first in range(0, 800, 16):
            await store.hit([Counter(f"{flood} {first + n}", 5, 0.001) for n in range(16)])
    await asyncio.sleep(0.002)
    rows = await store._run(lambda database: database.execute("SELECT count(*) FROM store_counters").fetchone()[0])
    assert rows <= 1_600
