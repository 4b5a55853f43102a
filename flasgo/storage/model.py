"""What a store is: bytes under keys, each with a time to live, and counters that are hit atomically.

Rate limits and server-side sessions are built on it. Three stores keep to it, and one suite of tests runs on all three:
`MemoryStore` for one process, `SQLiteStore` for the processes of one host, `contrib.redis.RedisStore` for several hosts.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

MAX_KEY_BYTES = 512
"""Bytes of a key in UTF-8."""

MAX_VALUE_BYTES = 1_048_576

MAX_TTL = 315_360_000.0
"""Seconds; ten years, as the settings' own bound."""

MAX_COUNTERS = 16
"""Counters that one hit takes from at most."""

Algorithm: TypeAlias = Literal["window", "bucket"]


class Counter(Struct, frozen=True):
    """One counter that a hit takes from: at most `limit` in any `period` (seconds, up to a day; exact to a microsecond).

    "window" is the sliding window of two buckets: the last bucket counts by the part of it that the window still covers.
    "bucket" is the token bucket as GCRA: it holds `burst` tokens (0: as many as `limit`) and gains `limit` in each `period`.
    `cost` is what this hit takes; 0 only looks. One key is one counter: what it has counted is kept when its rule changes.
    """

    key: str
    limit: int
    period: float
    cost: int = 1
    algorithm: Algorithm = "window"
    burst: int = 0


class Verdict(Struct, frozen=True):
    """What became of a hit on one counter, after it.

    `remaining` is what may still be taken now; `retry_after` the seconds until this cost would be allowed, 0 where it was;
    `reset_after` the seconds until more may be taken again: the oldest hit leaves the window, or the bucket is full.
    """

    allowed: bool
    remaining: int
    retry_after: float
    reset_after: float


@runtime_checkable
class Store(Protocol):
    """Bytes under keys, for every process that opened the same store.

    A key is any text of 1 to 512 bytes in UTF-8, and two different texts are two keys, whatever their case or normal form.
    A value has at most 1 MiB. `ttl` is in seconds, above 0; None keeps the value until it is deleted. What has expired is
    not there. A store opens itself when it is first used, and again when it is used after `aclose`.

    Every method raises StoreUnavailable where the store cannot be reached, or does not answer in time; what was asked for
    may then have happened or not. A call that is cancelled leaves the store usable. ValueError is the caller's mistake.
    """

    async def get(self, key: str, /) -> bytes | None:
        """The value, or None where there is none."""
        ...

    async def set(self, key: str, value: bytes, /, *, ttl: float | None = None) -> None:
        """Put a value, whatever was there."""
        ...

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, /, *, ttl: float | None = None
    ) -> bool:
        """Put `value` only if `expected` is there now; None is absence on either side. False, and nothing done, if not."""
        ...

    async def delete(self, key: str, /) -> bool:
        """Remove a key. Was it there?"""
        ...

    async def keys(self, prefix: str, /, *, limit: int = 1_000) -> list[str]:
        """Keys that begin with a prefix, sorted, at most `limit`; it may cost a walk through the whole store."""
        ...

    async def delete_prefix(self, prefix: str, /) -> int:
        """Remove all keys that begin with a prefix, which is not empty; how many there were. Not atomic."""
        ...

    async def hit(self, counters: Sequence[Counter], /) -> tuple[Verdict, ...]:
        """Take from all of these counters, or from none where one of them does not allow it; one verdict for each, in order.

        Where none was taken from, the verdicts of the others say what they would allow. Counters and values are apart: a counter's key
        is no key of `get`. At most 16 counters, each key once.
        """
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers: a health probe."""
        ...

    async def aclose(self) -> None:
        """Give back connections, files and threads. It may be called twice."""
        ...
