"""The counters of one process: a table that has an end, and in which nobody gets anything by filling it.

Beyond `max_keys` somebody is forgotten: who has the most credit left, in eighths of his limit, and of these who came first. An
eighth of the table is kept for those who came last, whatever their credit. So a client that is at its limit stays, however many
others come, unless seven eighths of the table are at theirs. Nobody is refused because the table is full.

A key's tier is looked at only when it comes to the head of its queue. Each insertion into a full table looks at a few.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from flasgo.storage.decision import RateLimitDecision, decision_of
from flasgo.storage.model import Algorithm, Counter, Verdict
from flasgo.storage.rates import (
    MICROSECONDS,
    ONE_BUCKET_SIZE,
    Outcome,
    Rate,
    SlidingWindow,
    make_rate,
    pack_one,
    tag_of,
    unpack_counts,
    verdict_of,
)

MAX_KEYS = 100_000
TIERS = 8

ALMOST = MICROSECONDS - 1
"""What rounds a time up to whole seconds."""


class CounterTable:
    """Counters under keys. Safe to call from several threads; it never waits for anything.

    A key takes about 200 bytes, itself included, whatever its limit. `clock` gives nanoseconds.
    """

    def __init__(self, max_keys: int = MAX_KEYS, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.max_keys = max_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._rates: list[Rate] = []
        self._rates_by_rule: dict[tuple[Algorithm, int, float, int], Rate] = {}
        self._states: dict[str, bytes] = {}
        self._latest: deque[str] = deque()
        self._tiers: tuple[deque[str], ...] = tuple(deque() for _ in range(TIERS + 1))

    def __len__(self) -> int:
        return len(self._states)

    def rate(self, algorithm: Algorithm, limit: int, seconds: float, burst: int = 0) -> Rate:
        """The rule of these numbers, as a Counter has them, for use with this table."""
        rule = (algorithm, limit, seconds, burst)
        rate = self._rates_by_rule.get(rule)
        if rate is None:
            with self._lock:
                rate = make_rate(*rule, tag=len(self._rates))
                self._rates.append(rate)
                self._rates_by_rule[rule] = rate
        return rate

    def take(self, key: str, rate: Rate, cost: int = 1) -> Outcome:
        """Hit one counter."""
        with self._lock:
            now = self._clock() // 1000
            state = self._states.get(key)
            outcome = rate.hit(state, now, cost)
            packed = outcome[3]
            if packed is not None:
                if state is None:
                    self._put(key, packed, now)
                else:
                    self._states[key] = packed
        return outcome

    def taker(self, rate: Rate, cost: int = 1) -> Callable[[str], RateLimitDecision]:
        """`take` of one rate and cost, in the fewest steps: every request of a limited route pays it."""
        limit = rate.limit
        if not isinstance(rate, SlidingWindow):
            return lambda key: decision_of(limit, self.take(key, rate, cost))
        lock, unlock = self._lock.acquire, self._lock.release  # half of what `with` costs
        clock, states = self._clock, self._states
        most, period, tag = limit - cost, rate.period, rate.tag

        def take(key: str) -> RateLimitDecision:
            lock()
            try:
                state = states.get(key)
                if state is not None and len(state) == ONE_BUCKET_SIZE:
                    count, first, last = unpack_counts(state)
                    now = clock() // 1000
                    left, reset = most - count, first + period - now
                    # One more in a bucket that is alone: nearly every request.
                    if left >= 0 and reset > 0 and last <= now:
                        states[key] = pack_one(tag, count + cost, first, now)
                        return RateLimitDecision(True, limit, left, (reset + ALMOST) // MICROSECONDS, 0)
            finally:
                unlock()
            return decision_of(limit, self.take(key, rate, cost))

        return take

    def look(self, key: str, rate: Rate, cost: int = 1) -> int:
        """Microseconds until `cost` may be taken; 0 is now."""
        with self._lock:
            return rate.look(self._states.get(key), self._clock() // 1000, cost)

    def take_all(self, hits: Sequence[tuple[str, Rate, int]]) -> list[Outcome]:
        """Hit several counters, of different keys, with a cost each: all of them, or none where one does not allow it."""
        with self._lock:
            now, states = self._clock() // 1000, self._states
            outcomes = [rate.hit(states.get(key), now, cost) for key, rate, cost in hits]
            if any(wait for wait, _, _, _ in outcomes):
                looks = [rate.hit(states.get(key), now, 0) for key, rate, _ in hits]
                return [
                    (wait, left, reset, None) for (wait, *_), (_, left, reset, _) in zip(outcomes, looks, strict=True)
                ]
            for (key, _, _), outcome in zip(hits, outcomes, strict=True):
                if outcome[3] is not None:
                    self._put(key, outcome[3], now)
        return outcomes

    def hit(self, counters: Sequence[Counter]) -> tuple[Verdict, ...]:
        """As `Store.hit`, at once."""
        hits = [(c.key, self.rate(c.algorithm, c.limit, c.period, c.burst), c.cost) for c in counters]
        return tuple(verdict_of(wait, left, reset) for wait, left, reset, _ in self.take_all(hits))

    def forget(self, key: str) -> None:
        """Give a key its whole credit back."""
        with self._lock:
            if key in self._states:
                self._states[key] = b""  # its place in a queue remains, so it must not come back as a new one

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._states.clear()
            self._latest.clear()
            for tier in self._tiers:
                tier.clear()

    def _put(self, key: str, state: bytes, now: int) -> None:
        if key not in self._states:
            self._latest.append(key)
        self._states[key] = state
        if len(self._states) > self.max_keys:
            self._make_room(now)

    def _make_room(self, now: int) -> None:
        for place in range(1, TIERS + 1):
            self._lower(place, now)
        while len(self._states) > self.max_keys:
            spare = len(self._latest) > self.max_keys // TIERS
            place = -1 if spare else next(place for place, tier in enumerate(self._tiers) if tier)
            queue = self._latest if spare else self._tiers[place]
            key = queue.popleft()
            tier = self._tier(key, now)
            if tier <= max(place, 0):
                del self._states[key]
            else:
                self._tiers[tier].append(key)

    def _lower(self, place: int, now: int) -> None:
        """Look at the head of a queue: who has credit again is put where he belongs, at the head if it is all of it."""
        queue = self._tiers[place]
        if queue:
            key = queue.popleft()
            tier = self._tier(key, now)
            if tier == 0:
                self._tiers[0].appendleft(key)
            else:
                self._tiers[tier].append(key)

    def _tier(self, key: str, now: int) -> int:
        """How many eighths of its limit a key has taken."""
        state = self._states[key]
        if not state:
            return 0
        rate = self._rates[tag_of(state)]
        return min(TIERS, rate.used(state, now) * TIERS // rate.limit)
