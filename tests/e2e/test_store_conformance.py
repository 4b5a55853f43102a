"""One suite for every store: memory, SQLite with real processes, and a real Redis server that is killed and started again."""

import asyncio
import contextlib
import os
import random
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import redis.asyncio as redis_py

from flasgo import Counter, Store, StoreUnavailable
from flasgo.contrib.redis import Client, RedisStore
from flasgo.storage.counters import CounterTable
from flasgo.storage.memory import MemoryStore
from flasgo.storage.model import Algorithm
from flasgo.storage.sqlite import SQLiteStore
from flasgo.storage.urls import open_store

PATIENCE = 20.0
"""Seconds that an operation may take on a busy machine. Nothing here is timed: only what never ends fails by it."""


@pytest.fixture(scope="module")
def redis(redis_servers):
    return redis_servers()


@pytest.fixture(params=["memory", "sqlite", "redis", "cluster"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        made: Store = MemoryStore()
    elif request.param == "sqlite":
        made = SQLiteStore(tmp_path / "store.db")
    else:
        server = request.getfixturevalue("redis" if request.param == "redis" else "redis_cluster")
        made = RedisStore(server.url, prefix=f"{request.node.name}:", timeout=PATIENCE)
    yield made
    await made.aclose()


STRANGE = [
    "a",
    "A",
    "K",
    "\u212a",
    "é",
    "e\u0301",
    "{a}b",
    "{b}a",
    "a*",
    "a?",
    "[a]",
    "a\\b",
    "a^-b",
    "\0",
    "\udc80",
    "\U0001f600",
    "%s",
    "x" * 512,
]
"""Keys that some store, pattern or normal form might take for another."""


class TestValues:
    async def test_what_was_put_is_there_until_it_is_deleted(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert await store.get("key") is None
        await store.set("key", b"\0\xff\r\n")
        assert await store.get("key") == b"\0\xff\r\n"
        await store.set("key", b"")
        assert await store.get("key") == b""
        assert await store.delete("key") is True
        assert await store.delete("key") is False
        assert await store.get("key") is None

    async def test_every_text_is_a_key_of_its_own(self, store: Store) -> None:
        for number, key in enumerate(STRANGE):
            await store.set(key, str(number).encode())
        assert [await store.get(key) for key in STRANGE] == [str(number).encode() for number in range(len(STRANGE))]
        assert await store.keys("") == sorted(STRANGE)
        for key in STRANGE:
            assert key in await store.keys(key)
            assert all(found.startswith(key) for found in await store.keys(key))

    async def test_what_has_expired_is_not_there(self, store: Store) -> None:
        await store.set("short", b"1", ttl=0.02)
        await store.set("long", b"2", ttl=100)
        await asyncio.sleep(0.04)
        assert await store.get("short") is None
        assert await store.delete("short") is False
        assert await store.keys("") == ["long"]
        assert await store.compare_and_set("short", None, b"3", ttl=0.02) is True
        await asyncio.sleep(0.04)
        assert await store.compare_and_set("short", b"3", b"4") is False

    async def test_a_value_put_again_has_its_new_time_to_live_only(self, store: Store) -> None:
        await store.set("key", b"1", ttl=0.02)
        await store.set("key", b"2")
        await asyncio.sleep(0.04)
        assert await store.get("key") == b"2"

    async def test_a_value_is_put_only_if_the_expected_one_is_there(self, store: Store) -> None:
        assert await store.compare_and_set("key", b"1", b"2") is False
        assert await store.compare_and_set("key", None, b"1") is True
        assert await store.compare_and_set("key", None, b"2") is False
        assert await store.compare_and_set("key", b"1", b"") is True
        assert await store.compare_and_set("key", None, b"2") is False
        assert await store.compare_and_set("key", b"", None) is True
        assert await store.get("key") is None
        assert await store.compare_and_set("key", None, None) is True

    async def test_of_many_who_swap_one_wins(self, store: Store) -> None:
        won = await asyncio.gather(*(store.compare_and_set("key", None, str(n).encode()) for n in range(20)))
        assert sum(won) == 1
        assert await store.get("key") == str(won.index(True)).encode()

    async def test_keys_are_found_and_deleted_by_their_beginning(self, store: Store) -> None:
        for key in ("a:1", "a:2", "a:3", "ab", "b:1"):
            await store.set(key, b"")
        assert await store.keys("a:") == ["a:1", "a:2", "a:3"]
        assert await store.keys("a", limit=2) == ["a:1", "a:2"]
        assert await store.delete_prefix("a:") == 3
        assert await store.delete_prefix("a:") == 0
        assert await store.keys("") == ["ab", "b:1"]

    async def test_what_no_store_takes_is_refused(self, store: Store) -> None:
        for key in ("", "x" * 513, "é" * 257):
            with pytest.raises(ValueError, match="key has 1 to 512 bytes"):
                await store.get(key)
            with pytest.raises(ValueError, match="key has 1 to 512 bytes"):
                await store.set(key, b"")
        with pytest.raises(ValueError, match="at most 1048576 bytes"):
            await store.set("key", bytes(1_048_577))
        with pytest.raises(TypeError, match="value is bytes"):
            await store.compare_and_set("key", None, cast("bytes", cast("object", "text")))
        for ttl in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="time to live"):
                await store.set("key", b"", ttl=ttl)
        with pytest.raises(ValueError, match="key has 1 to 512 bytes"):
            await store.delete_prefix("")

    async def test_it_answers_and_opens_again_after_it_was_closed(self, store: Store) -> None:
        await store.ping()
        await store.set("key", b"1")
        await store.aclose()
        await store.aclose()
        assert await store.get("key") == b"1"
        await store.ping()


class TestCounters:
    async def test_no_more_than_the_limit_is_taken(self, store: Store) -> None:
        counter = Counter("key", 3, 60)
        verdicts = [(await store.hit([counter]))[0] for _ in range(4)]
        assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]
        assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0]
        assert verdicts[0].retry_after == 0
        assert 0 < verdicts[3].retry_after <= 60
        assert 0 < verdicts[3].reset_after <= 120

    async def test_a_bucket_gives_its_burst_and_then_refills(self, store: Store) -> None:
        counter = Counter("key", 20, 1, algorithm="bucket", burst=2)
        verdicts = [(await store.hit([counter]))[0] for _ in range(3)]
        assert [verdict.allowed for verdict in verdicts] == [True, True, False]
        assert 0 < verdicts[2].retry_after <= 0.05
        await asyncio.sleep(verdicts[2].retry_after)
        assert (await store.hit([counter]))[0].allowed

    async def test_several_are_taken_from_together_or_not_at_all(self, store: Store) -> None:
        small, large = Counter("small", 1, 60), Counter("large", 10, 60, cost=2)
        assert [verdict.remaining for verdict in await store.hit([small, large])] == [0, 8]
        refused = await store.hit([large, small])
        assert [(verdict.allowed, verdict.remaining) for verdict in refused] == [(True, 8), (False, 0)]
        (looked,) = await store.hit([Counter("large", 10, 60, cost=0)])
        assert (looked.allowed, looked.remaining) == (True, 8)

    async def test_a_counter_is_no_value(self, store: Store) -> None:
        await store.hit([Counter("key", 3, 60)])
        assert await store.get("key") is None
        assert await store.keys("") == []
        await store.set("key", b"1")
        assert (await store.hit([Counter("key", 3, 60)]))[0].remaining == 1

    async def test_a_counter_of_another_algorithm_begins_anew(self, store: Store) -> None:
        await store.hit([Counter("key", 1, 60)])
        assert (await store.hit([Counter("key", 1, 60, algorithm="bucket")]))[0].allowed

    async def test_many_at_once_get_exactly_the_limit(self, store: Store) -> None:
        verdicts = await asyncio.gather(*(store.hit([Counter("key", 7, 60)]) for _ in range(20)))
        assert sum(verdict.allowed for (verdict,) in verdicts) == 7

    async def test_what_no_store_counts_is_refused(self, store: Store) -> None:
        assert await store.hit([]) == ()
        for counter in (
            Counter("", 1, 1), Counter("k", 0, 1), Counter("k", 1, 0), Counter("k", 1, 86_401), Counter("k", 1, 1, cost=2),
            Counter("k", 1, 1, cost=-1), Counter("k", 1, 1, burst=-1), Counter("k", 1_000_000, 86_400),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=r"counter|key|cost"):
                await store.hit([counter])
        with pytest.raises(ValueError, match="once"):
            await store.hit([Counter("k", 1, 1), Counter("k", 2, 1)])
        with pytest.raises(ValueError, match="16 counters"):
            await store.hit([Counter(str(n), 1, 1) for n in range(17)])


class TestCancellation:
    async def test_a_call_that_is_cancelled_leaves_the_store_usable(self, store: Store) -> None:
        """At whatever point: each call is cancelled after one more step of the loop than the one before it."""
        await store.set("key", b"1")
        for steps in range(40):
            calls = [
                asyncio.ensure_future(call)
                for call in (store.get("key"), store.set("key", b"1"), store.compare_and_set("key", b"1", b"1"),
                             store.hit([Counter("key", 1_000, 60)]), store.keys(""))
            ]  # fmt: skip
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            assert await store.get("key") == b"1"
        assert await store.keys("") == ["key"]
        assert (await asyncio.gather(*(store.get("key") for _ in range(50)))) == [b"1"] * 50

    async def test_it_may_be_closed_while_it_works(self, store: Store) -> None:
        calls = [asyncio.ensure_future(store.set(f"key{n}", b"1")) for n in range(20)]
        await asyncio.sleep(0)
        await store.aclose()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(result is None or isinstance(result, StoreUnavailable) for result in results)
        await store.set("key", b"2")
        assert await store.get("key") == b"2"


WORKER = """
import asyncio, sys
from flasgo import Counter
from flasgo.storage.model import Algorithm
from flasgo.storage.sqlite import SQLiteStore

def opened(url):
    if url.startswith("sqlite:///"):
        return SQLiteStore(url.removeprefix("sqlite:///"), timeout=30)
    from flasgo.contrib.redis import Client, RedisStore
    return RedisStore(url, timeout=30)

async def main(url, rounds):
    store = opened(url)
    taken = 0
    for _ in range(rounds):
        while True:
            old = await store.get("sum")
            if await store.compare_and_set("sum", old, str(int(old or b"0") + 1).encode(), ttl=100):
                break
        for _ in range(4):
            taken += (await store.hit([Counter("quota", 150, 3600), Counter("other", 1000, 3600)]))[0].allowed
    await store.aclose()
    print(taken)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def workers(url: str, count: int, rounds: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen((sys.executable, "-c", WORKER, url, str(rounds)), stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_processes_lose_no_write_and_share_one_quota(kind: str, request, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    if kind == "redis":
        url = request.getfixturevalue("redis").url.replace("/0", "/1")

    count = 8 if kind == "sqlite" else 4
    taken = [int(worker.communicate(timeout=100)[0]) for worker in workers(url, count, 120 // count)]

    store = open_store(url)
    assert await store.get("sum") == b"120"
    assert sum(taken) == 150
    await store.aclose()


class TestSQLite:
    async def test_its_files_are_for_its_owner_alone(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            store = SQLiteStore(tmp_path / "store.db")
            await store.set("key", b"1")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        finally:
            os.umask(old)
            await store.aclose()
        assert modes == {"store.db": 0o600, "store.db-shm": 0o600, "store.db-wal": 0o600}

    async def test_it_remembers_after_a_restart(self, tmp_path: Path) -> None:
        first, second = SQLiteStore(tmp_path / "store.db"), SQLiteStore(str(tmp_path / "store.db"))
        await first.set("key", b"1")
        await first.hit([Counter("key", 1, 60)])
        await first.aclose()
        assert await second.get("key") == b"1"
        assert not (await second.hit([Counter("key", 1, 60)]))[0].allowed
        await second.aclose()

    @pytest.mark.slow
    async def test_a_killed_process_leaves_nothing_locked(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/store.db"
        running = workers(url, 4, 1_000_000)
        store = SQLiteStore(tmp_path / "store.db")
        deadline = time.monotonic() + 30
        while (await store.get("sum")) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        for worker in running:
            worker.kill()
            worker.communicate()
        before = int(await store.get("sum") or b"0")
        assert await store.compare_and_set("sum", str(before).encode(), b"0", ttl=100)
        await store.ping()
        await store.aclose()

    async def test_a_locked_file_is_unavailable_and_then_available(self, tmp_path: Path) -> None:
        import sqlite3

        store = SQLiteStore(tmp_path / "store.db", timeout=0.02)
        await store.set("key", b"1")
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.set("key", b"2")
        assert await store.get("key") == b"1"  # readers do not wait for a writer
        other.execute("ROLLBACK")
        other.close()
        await store.set("key", b"2")
        assert await store.get("key") == b"2"
        await store.aclose()

    async def test_a_damaged_file_is_unavailable(self, tmp_path: Path) -> None:
        path = tmp_path / "store.db"
        path.write_bytes(b"this is no database, " * 1000)
        store = SQLiteStore(path)
        for call in (store.get("key"), store.set("key", b"1"), store.hit([Counter("key", 1, 1)]), store.ping()):
            with pytest.raises(StoreUnavailable, match="not a database"):
                await call
        path.unlink()
        await store.set("key", b"1")
        assert await store.get("key") == b"1"
        await store.aclose()

    async def test_a_missing_directory_is_unavailable(self, tmp_path: Path) -> None:
        store = SQLiteStore(tmp_path / "missing" / "store.db")
        with pytest.raises(StoreUnavailable, match="No such file"):
            await store.ping()
        await store.aclose()

    async def test_the_database_of_another_program_is_left_alone(self, tmp_path: Path) -> None:
        import sqlite3

        with sqlite3.connect(tmp_path / "theirs.db") as theirs:
            theirs.execute("CREATE TABLE precious (x)")
        theirs.close()
        store = SQLiteStore(tmp_path / "theirs.db")
        with pytest.raises(StoreUnavailable, match="of another program"):
            await store.set("key", b"1")
        await store.aclose()
        assert [path.name for path in tmp_path.iterdir()] == ["theirs.db"]
        assert (tmp_path / "theirs.db").read_bytes()[18:20] == b"\1\1"  # no WAL: its journal is as it was


class Broken:
    """A client that fails as redis-py does when its connection was closed under it."""

    async def initialize(self) -> None:
        pass

    async def get(self, _key: bytes) -> None:
        raise AttributeError("no writer")


class TestRedis:
    async def test_a_server_that_is_killed_is_unavailable_until_it_is_started_again(self, redis_servers) -> None:
        server = redis_servers()
        store = RedisStore(server.url)
        try:
            await store.set("key", b"1")
            assert (await store.hit([Counter("key", 5, 60)]))[0].allowed
            server.kill()
            for call in (
                store.get("key"),
                store.set("key", b"1"),
                store.hit([Counter("key", 5, 60)]),
                store.keys(""),
                store.ping(),
            ):
                with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{server.port}"):
                    await call
            assert server.start()
            assert await store.get("key") is None
            assert (await store.hit([Counter("key", 5, 60)]))[0].remaining == 4  # and knows its script again
        finally:
            server.kill()
            await store.aclose()

    async def test_a_server_that_does_not_answer_is_given_up(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)
            with pytest.raises(StoreUnavailable, match="Timeout"):
                await store.get("key")
            await store.aclose()

    async def test_in_a_cluster_all_counters_are_of_one_slot(self, tmp_path: Path, redis_servers) -> None:
        """A cluster of one server: it refuses scripts whose keys are of several slots."""
        server = redis_servers("--cluster-enabled", "yes", "--dir", str(tmp_path))
        store = RedisStore(server.url, timeout=PATIENCE)
        try:
            slots = ("redis-cli", "-p", str(server.port), "cluster", "addslotsrange", "0", "16383")
            subprocess.run(slots, check=True, capture_output=True)
            for _ in range(100):
                with contextlib.suppress(StoreUnavailable):
                    await store.set("key", b"1")
                    break
                await asyncio.sleep(0.02)
            verdicts = await store.hit([Counter("one", 5, 60), Counter("{two}", 5, 60), Counter("three", 5, 60)])
            assert [verdict.remaining for verdict in verdicts] == [4, 4, 4]
            client = redis_py.Redis.from_url(server.url)
            with pytest.raises(redis_py.RedisError, match="hash to the same slot"):
                await client.eval("return 1", 2, "one", "two")
            await client.aclose()
        finally:
            server.kill()
            await store.aclose()

    @pytest.mark.slow
    async def test_a_server_of_a_cluster_that_is_killed_takes_its_keys_with_it_until_it_is_back(
        self, redis_cluster
    ) -> None:
        store = RedisStore(redis_cluster.url, prefix="kill:", timeout=PATIENCE)
        keys = [f"key{number}" for number in range(24)]

        async def put(key: str) -> bool:
            try:
                await store.set(key, b"1", ttl=60)
            except StoreUnavailable:
                return False
            return True

        async def all_there() -> bool:
            return all(await asyncio.gather(*map(put, keys)))

        assert await all_there()
        victim = redis_cluster.servers[1]
        victim.kill()
        try:
            assert {await put(key) for key in keys} == {True, False}
        finally:
            while not victim.start():
                await asyncio.sleep(0.02)
        deadline = time.monotonic() + 30
        while not await all_there():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        verdicts = await store.hit([Counter("one", 5, 60), Counter("{two}", 5, 60)])
        assert [verdict.remaining for verdict in verdicts] == [4, 4]
        await store.aclose()

    def test_a_cluster_has_no_databases_and_no_sockets(self) -> None:
        for url in ("redis+cluster://127.0.0.1:7000/1", "unix+cluster:///run/redis.sock", "redis+sentinel://h:1"):
            with pytest.raises(ValueError, match=r"[Cc]luster"):
                RedisStore(url)

    async def test_tls_is_spoken_with_a_server_whose_certificate_is_trusted(self, redis_tls) -> None:
        store = open_store(f"{redis_tls.url}?ssl_ca_certs={redis_tls.certificate}")
        assert isinstance(store, RedisStore)
        store.timeout = 5
        await store.set("key", b"1")
        assert await store.get("key") == b"1"
        assert (await store.hit([Counter("one", 5, 60)]))[0].remaining == 4
        await store.aclose()

    @pytest.mark.parametrize("clustered", [False, True])
    async def test_a_mistake_in_what_is_asked_is_nobodys_absence(self, clustered: bool) -> None:
        """An attribute that is missing is told as it is, but by a cluster's client, which loses its connections like that."""
        store = RedisStore(f"redis{'+cluster' if clustered else ''}://127.0.0.1:1")
        link = store._linked()
        link.client = cast("Client", Broken())
        with pytest.raises(StoreUnavailable if clustered else AttributeError, match=r"closed while|no writer"):
            await store.get("key")

    async def test_a_server_that_nobody_trusts_is_unavailable(self, redis_tls) -> None:
        store = RedisStore(redis_tls.url, timeout=PATIENCE)
        with pytest.raises(StoreUnavailable, match=r"(?i)certificate verify failed|ssl"):
            await store.get("key")
        await store.aclose()
        plain = RedisStore(redis_tls.url.replace("rediss", "redis"), timeout=PATIENCE)
        with pytest.raises(StoreUnavailable):
            await plain.get("key")
        await plain.aclose()

    async def test_its_script_counts_as_python_does(self, redis) -> None:
        """The same hits at the same times, by both: every verdict is the same."""
        now = 1_800_000_000_000_000
        store = RedisStore(redis.url, prefix="same:", timeout=PATIENCE, clock=lambda: now)
        table = CounterTable(clock=lambda: now * 1000)
        chance = random.Random(5)
        rules: list[tuple[Algorithm, int, float, int]] = [
            ("window", 5, 90, 0), ("window", 1, 60, 0), ("window", 100_000, 86_400, 0), ("window", 37, 60, 0),
            ("bucket", 5, 90, 0), ("bucket", 3, 60, 10), ("bucket", 100_000, 86_400, 7), ("bucket", 7, 3600, 1),
        ]  # fmt: skip
        for _ in range(600):
            counters = [
                Counter(f"{chance.randrange(3)} {algorithm} {limit}", limit, period, chance.choice((0, 1, 1, 1, 2, 5)) if limit >= 5 and burst != 1 else 1, algorithm, burst)
                for algorithm, limit, period, burst in chance.sample(rules, chance.randrange(1, 4))
            ]  # fmt: skip
            if len({counter.key for counter in counters}) < len(counters):
                continue
            if any(counter.cost > (counter.burst or counter.limit) for counter in counters):
                continue
            assert await store.hit(counters) == table.hit(counters), counters
            now += chance.choice(
                (0, 0, 1, 1_000, 100_000, 250_000, 1_000_000, 30_000_000, 3_600_000_000, -1, -500_000, -90_000_000_000)
            )
        await store.aclose()

    async def test_a_walk_takes_as_many_steps_as_it_needs(self, redis, monkeypatch) -> None:
        monkeypatch.setattr("flasgo.contrib.redis.SCAN_COUNT", 2)
        store = RedisStore(redis.url, prefix="w*lk:", timeout=PATIENCE)
        for number in range(30):
            await store.set(f"key{number:02}", b"")
        assert await store.keys("", limit=3) == ["key00", "key01", "key02"]
        assert await store.delete_prefix("key1") == 10
        assert len(await store.keys("key")) == 20
        await store.aclose()

    async def test_more_callers_than_connections_wait_for_their_turn(self, redis) -> None:
        store = RedisStore(redis.url, prefix="turn:", max_connections=2, timeout=PATIENCE)
        await store.set("key", b"1")
        assert await asyncio.gather(*(store.get("key") for _ in range(100))) == [b"1"] * 100
        await store.aclose()

    def test_it_goes_from_loop_to_loop(self, redis) -> None:
        store = RedisStore(redis.url, prefix="loops:")

        async def put() -> None:
            await store.set("key", b"1")
            client = vars(store)["_link"].client
            await client.connection_pool.disconnect()  # the store itself is not told that this loop ends

        async def look() -> bytes | None:
            try:
                return await store.get("key")
            finally:
                await store.aclose()

        asyncio.run(put())
        assert asyncio.run(look()) == b"1"

    def test_its_repr_tells_no_password(self) -> None:
        assert (
            repr(RedisStore("rediss://user:secret@example.com:6380/2")) == "<RedisStore 'rediss://example.com:6380/2'>"
        )
