"""The store of several hosts: Redis 6.2 or later, or Valkey, one server or a cluster. Needs the extra `flasgo[redis]`.

Whatever reads and then writes is one Lua script, which Redis runs alone; counters are counted by the server's own clock, so that
the clocks of the hosts do not matter. Every value has a key of its own; all counters have the hash tag `{limits}`, since in a
cluster the keys of one script must be of one slot.
"""

import asyncio
import heapq
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Protocol, TypeVar, cast
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from flasgo.contrib.redis_scripts import COMPARE_AND_SET, HIT
from flasgo.errors import StoreUnavailable
from flasgo.storage.checks import check_counters, check_ttl, check_value, key_bytes, prefix_bytes
from flasgo.storage.model import Counter, Verdict
from flasgo.storage.rates import MICROSECONDS, verdict_of

T = TypeVar("T")

SCAN_COUNT = 1_000
"""Keys that Redis looks at in one step of a walk."""

GLOB = str.maketrans({character: f"\\{character}" for character in "*?[]\\^-"})
"""What a pattern of SCAN would take for more than itself."""


class Client(Protocol):
    """What is used of redis-py's client, whose own types leave sync and async open."""

    def get(self, key: bytes) -> Awaitable[bytes | None]: ...
    def set(self, key: bytes, value: bytes, *, px: int | None) -> Awaitable[object]: ...
    def delete(self, *keys: bytes) -> Awaitable[int]: ...
    def ping(self) -> Awaitable[object]: ...
    def scan(self, cursor: int, *, match: bytes, count: int) -> Awaitable[tuple[int, list[bytes]]]: ...
    def register_script(self, script: str) -> "Script": ...
    def aclose(self) -> Awaitable[None]: ...


class Cluster(Protocol):
    """What is used of a cluster's client besides: a walk is of one server."""

    def scan(
        self, cursor: int, *, match: bytes, count: int, target_nodes: object
    ) -> Awaitable[tuple[Mapping[str, int], list[bytes]]]: ...
    def initialize(self) -> Awaitable[object]: ...
    def get_primaries(self) -> Sequence[object]: ...


class Script(Protocol):
    """A script that is sent as its hash, and in full to a server that does not know it."""

    def __call__(self, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Awaitable[object]: ...


class Link:
    """A client, the loop that its connections belong to, and the calls that are under way.

    In `turns` calls wait for a connection where the client itself would refuse one too many.
    """

    def __init__(
        self, client: Client, loop: asyncio.AbstractEventLoop, turns: AbstractAsyncContextManager[object]
    ) -> None:
        self.client = client
        self.loop = loop
        self.turns = turns
        self.calls: set[asyncio.Future[None]] = set()


class RedisStore:
    """Values and counters in Redis, under keys that begin with `prefix`.

    `url` is `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS, or `unix://path`; its query may hold what
    redis-py knows, such as `ssl_ca_certs`. `redis+cluster://` and `rediss+cluster://` name one server of a cluster, by which the
    others are found; `max_connections` is then for each of them. An operation that takes longer than `timeout` (seconds, waiting for a connection and
    making one included) fails; it is never sent a second time. At most `max_connections` are open; they are made anew when the server was restarted.

    `clock` (microseconds since the epoch) replaces the server's time for counters: for tests.

    Raises ValueError for another kind of URL.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "flasgo:",
        timeout: float = 0.25,
        max_connections: int = 32,
        clock: Callable[[], int] | None = None,
    ) -> None:
        parts = urlsplit(url)
        kind, _, cluster = parts.scheme.partition("+")
        if kind not in {"redis", "rediss", "unix"} or cluster not in {"", "cluster"} or (cluster and kind == "unix"):
            raise ValueError(
                "A Redis URL begins with redis://, rediss:// or unix://, that of a cluster with redis+cluster:// or rediss+cluster://."
            )
        self.url = url.replace(parts.scheme, kind, 1)
        self.clustered = bool(cluster)
        self.place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self.timeout = timeout
        self.max_connections = max_connections
        self._values = prefix.encode() + b"v:"
        self._counters = prefix.encode() + b"{limits}:"
        self._clock = clock
        self._link: Link | None = None
        self._connected()  # whatever the URL holds that redis-py does not know fails here

    def __repr__(self) -> str:
        return f"<RedisStore {self.place!r}>"

    async def get(self, key: str, /) -> bytes | None:
        name = self._values + key_bytes(key)
        return await self._run(lambda client: client.get(name))

    async def set(self, key: str, value: bytes, /, *, ttl: float | None = None) -> None:
        name = self._values + key_bytes(key)
        check_value(value)
        milliseconds = _milliseconds(ttl)
        await self._run(lambda client: client.set(name, value, px=milliseconds or None))

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, /, *, ttl: float | None = None
    ) -> bool:
        name = self._values + key_bytes(key)
        check_value(value)
        arguments = (*_optional(expected), *_optional(value), _milliseconds(ttl))
        return await self._run(lambda client: client.register_script(COMPARE_AND_SET)([name], arguments)) == 1

    async def delete(self, key: str, /) -> bool:
        name = self._values + key_bytes(key)
        return await self._run(lambda client: client.delete(name)) > 0

    async def keys(self, prefix: str, /, *, limit: int = 1_000) -> list[str]:
        prefix_bytes(prefix, empty=True)
        skip = len(self._values)
        found = [key[skip:] async for step in self._scan(prefix) for key in step]
        return [key.decode("utf-8", "surrogatepass") for key in heapq.nsmallest(limit, set(found))]

    async def delete_prefix(self, prefix: str, /) -> int:
        prefix_bytes(prefix, empty=False)
        removed = 0
        async for step in self._scan(prefix):
            for key in step:  # one by one: in a cluster they are of many slots
                removed += await self._run(partial(_delete, key))
        return removed

    async def hit(self, counters: Sequence[Counter], /) -> tuple[Verdict, ...]:
        names = [self._counters + key for key in check_counters(counters)]
        arguments: list[bytes | int] = [-1 if self._clock is None else self._clock()]
        for counter in counters:
            period = round(counter.period * MICROSECONDS)
            burst = counter.burst or counter.limit
            arguments += (counter.algorithm.encode(), counter.limit, period, counter.cost, burst)
        if not names:
            return ()
        answer = await self._run(lambda client: client.register_script(HIT)(names, arguments))
        numbers = [int(number) for number in cast("list[bytes]", answer)]
        return tuple(verdict_of(*numbers[at : at + 3]) for at in range(0, len(numbers), 3))

    async def ping(self) -> None:
        await self._run(lambda client: client.ping())

    async def aclose(self) -> None:
        """Close the connections once what is under way has ended, which takes `timeout` at most."""
        link, self._link = self._link, None
        if link is not None and link.loop is asyncio.get_running_loop():
            while link.calls:
                await asyncio.wait(link.calls)
            await link.client.aclose()

    # ── the connection ──────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Ask Redis; whatever fails, or is not answered in time, is a StoreUnavailable. A broken connection is not used again."""
        link = self._linked()
        call = link.loop.create_future()
        link.calls.add(call)
        try:
            async with asyncio.timeout(self.timeout), link.turns:
                if self.clustered:  # before redis-py knows the servers it would send a script to any of them
                    await cast("Cluster", link.client).initialize()
                return await work(link.client)
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"{self.place}: {type(error).__name__}: {error}") from error
        except AttributeError as error:
            # When a server is lost, redis-py closes the connections of its neighbours' calls, too, and then finds None in them.
            if not self.clustered:
                raise
            raise StoreUnavailable(f"{self.place}: a connection was closed while it was used") from error
        finally:
            link.calls.discard(call)
            call.cancel()

    def _linked(self) -> "Link":
        """The client of the running loop: connections cannot be taken from one loop to another."""
        loop = asyncio.get_running_loop()
        if self._link is None or self._link.loop is not loop:
            turns = asyncio.Semaphore(self.max_connections) if self.clustered else nullcontext()
            self._link = Link(self._connected(), loop, turns)
        return self._link

    def _connected(self) -> Client:
        """A client; it connects when it is first asked."""
        if self.clustered:
            return self._connected_to_cluster()
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            self.url,
            max_connections=self.max_connections,
            timeout=self.timeout,
            socket_timeout=self.timeout,
            socket_connect_timeout=self.timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            protocol=2,
        )
        return cast("Client", Redis.from_pool(pool))

    def _connected_to_cluster(self) -> Client:
        try:
            client = RedisCluster.from_url(
                self.url,
                max_connections=self.max_connections,
                socket_timeout=self.timeout,
                socket_connect_timeout=self.timeout,
                retry=Retry(NoBackoff(), 0),
                reinitialize_steps=0,  # what has moved is learnt one by one; beginning anew would break off what others ask
                decode_responses=False,
                protocol=2,
            )
        except RedisClusterException as error:  # a database, which a cluster does not have
            raise ValueError(str(error)) from None
        return cast("Client", client)

    async def _scan(self, prefix: str) -> AsyncGenerator[list[bytes]]:
        """The keys that begin with a prefix, step by step; some may come twice."""
        pattern = _pattern(self._values) + prefix.translate(GLOB).encode("utf-8", "surrogatepass") + b"*"
        servers = await self._run(_primaries) if self.clustered else (None,)
        for server in servers:
            cursor = 0
            while True:
                cursor, step = await self._run(partial(_step, server, cursor, pattern))
                yield step
                if cursor == 0:
                    break


def _delete(key: bytes, client: Client) -> Awaitable[int]:
    return client.delete(key)


async def _primaries(client: Client) -> Sequence[object]:
    """The servers of a cluster that have keys of their own."""
    return cast("Cluster", client).get_primaries()


async def _step(server: object, cursor: int, pattern: bytes, client: Client) -> tuple[int, list[bytes]]:
    """One step of a walk through a server's keys, in a cluster through those of one of its servers."""
    if server is None:
        return await client.scan(cursor, match=pattern, count=SCAN_COUNT)
    cursors, keys = await cast("Cluster", client).scan(cursor, match=pattern, count=SCAN_COUNT, target_nodes=server)
    (following,) = cursors.values()
    return following, keys


def _pattern(prefix: bytes) -> bytes:
    return prefix.decode().translate(GLOB).encode()


def _optional(value: bytes | None) -> tuple[int, bytes]:
    return (0, b"") if value is None else (1, value)


def _milliseconds(ttl: float | None) -> int:
    """A time to live as Redis has it; 0 is none. What is shorter than a millisecond lasts one."""
    check_ttl(ttl)
    return 0 if ttl is None else math.ceil(ttl * 1_000)
