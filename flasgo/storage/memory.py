"""The store of one process: dictionaries with an end to them."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from flasgo.storage.checks import check_counters, check_ttl, check_value, key_bytes, prefix_bytes
from flasgo.storage.counters import CounterTable
from flasgo.storage.model import Counter, Verdict

FOREVER = float("inf")
STALE_DEADLINES = 64
"""Deadlines of values that are gone or were written again, beyond as many as there are values, that may wait to be cleared."""


class MemoryStore:
    """Values and counters in this process's memory: other workers have others, and a restart forgets them.

    At most `max_values` values of `max_bytes` (keys and values together) and `max_counters` counters are kept. A value
    that is one too many drives out that which was written longest ago; a counter, one of those with the most left to give.
    It may be used from several threads and event loops. `clock` counts seconds.
    """

    def __init__(
        self,
        *,
        max_values: int = 100_000,
        max_bytes: int = 268_435_456,
        max_counters: int = 100_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.max_values = max_values
        self.max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # the one written longest ago first
        self._deadlines: list[
            tuple[float, str]
        ] = []  # a heap; those of values that are gone or changed are passed over
        self._bytes = 0
        self.counters = CounterTable(max_counters)

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self._values)} values and {len(self.counters)} counters>"

    async def get(self, key: str, /) -> bytes | None:
        key_bytes(key)
        with self._lock:
            return self._alive(key)

    async def set(self, key: str, value: bytes, /, *, ttl: float | None = None) -> None:
        _check(key, value, ttl)
        with self._lock:
            self._put(key, value, ttl)

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, /, *, ttl: float | None = None
    ) -> bool:
        _check(key, value, ttl)
        with self._lock:
            if self._alive(key) != expected:
                return False
            if value is None:
                self._drop(key)
            else:
                self._put(key, value, ttl)
            return True

    async def delete(self, key: str, /) -> bool:
        key_bytes(key)
        with self._lock:
            there = self._alive(key) is not None
            self._drop(key)
            return there

    async def keys(self, prefix: str, /, *, limit: int = 1_000) -> list[str]:
        prefix_bytes(prefix, empty=True)
        with self._lock:
            self._expire()
            return heapq.nsmallest(limit, (key for key in self._values if key.startswith(prefix)))

    async def delete_prefix(self, prefix: str, /) -> int:
        prefix_bytes(prefix, empty=False)
        with self._lock:
            self._expire()
            doomed = [key for key in self._values if key.startswith(prefix)]
            for key in doomed:
                self._drop(key)
            return len(doomed)

    async def hit(self, counters: Sequence[Counter], /) -> tuple[Verdict, ...]:
        check_counters(counters)
        return self.counters.hit(counters)

    async def ping(self) -> None:
        """It is always there."""

    async def aclose(self) -> None:
        """There is nothing to give back; what is remembered stays for as long as the process."""

    # ── what is called with the lock held ───────────────────────────────────────────────────────────────────────

    def _alive(self, key: str) -> bytes | None:
        entry = self._values.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock():
            self._drop(key)
            return None
        return entry[0]

    def _put(self, key: str, value: bytes, ttl: float | None) -> None:
        self._drop(key)
        self._expire()
        deadline = FOREVER if ttl is None else self._clock() + ttl
        self._values[key] = (value, deadline)
        self._bytes += len(key) + len(value)
        if ttl is not None:
            heapq.heappush(self._deadlines, (deadline, key))
        while len(self._values) > self.max_values or (self._bytes > self.max_bytes and len(self._values) > 1):
            self._drop(next(iter(self._values)))

    def _drop(self, key: str) -> None:
        entry = self._values.pop(key, None)
        if entry is not None:
            self._bytes -= len(key) + len(entry[0])

    def _expire(self) -> None:
        """Remove what has expired; its deadlines come up in their order."""
        now = self._clock()
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, key = heapq.heappop(self._deadlines)
            if self._values.get(key, (b"", FOREVER))[1] == deadline:
                self._drop(key)
        if len(self._deadlines) > 2 * len(self._values) + STALE_DEADLINES:
            self._deadlines = [(entry[1], key) for key, entry in self._values.items() if entry[1] != FOREVER]
            heapq.heapify(self._deadlines)


def _check(key: str, value: bytes | None, ttl: float | None) -> None:
    key_bytes(key)
    check_value(value)
    check_ttl(ttl)
