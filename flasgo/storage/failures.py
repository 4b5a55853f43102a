"""How often something failed of late, under names: wrong credentials, and requests that were refused."""

import threading

from flasgo.storage.counters import CounterTable
from flasgo.storage.rates import MICROSECONDS

BUSY_SECONDS = 1.0
"""How long to wait where it is only attempts under way that fill a limit."""


class FailureCounts:
    """Failures of the last `seconds`, counted in this process in constant memory; it may be called from several threads.

    An attempt is begun before anything costly is done, and ended with what became of it. Those under way count as if they had
    failed, so that a thousand guesses at once are no more than a thousand one after another.
    """

    def __init__(self, seconds: float, table: CounterTable | None = None) -> None:
        self.seconds = seconds
        self.table = CounterTable() if table is None else table
        self._under_way: dict[str, int] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, limit: int) -> float:
        """Begin an attempt, which must be ended. Where it may not be begun yet: the seconds to wait, and nothing is begun."""
        rate = self.table.rate("window", limit, self.seconds)
        with self._lock:
            others = self._under_way.get(key, 0)
            wait = self.table.look(key, rate, min(limit, others + 1))
            if wait or others >= limit:
                return max(self.table.look(key, rate) / MICROSECONDS, BUSY_SECONDS)
            self._under_way[key] = others + 1
        return 0

    def end(self, key: str, limit: int, *, failed: bool) -> None:
        """End an attempt: one that failed is counted, any other leaves no trace."""
        with self._lock:
            others = self._under_way.get(key, 1) - 1
            if others:
                self._under_way[key] = others
            else:
                self._under_way.pop(key, None)
            if failed:
                self.failed(key, limit)

    def failed(self, key: str, limit: int) -> float:
        """Count a failure that nothing was asked about before; beyond `limit` the seconds until it is below it again."""
        return self.table.take(key, self.table.rate("window", limit, self.seconds))[0] / MICROSECONDS

    def forget(self, key: str) -> None:
        """Count nothing any more of what has failed under a key: it has succeeded."""
        self.table.forget(key)
