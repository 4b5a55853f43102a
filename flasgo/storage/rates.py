"""A counter's rule and its state as bytes: what the stores that count in Python keep under a key."""

from collections.abc import Callable
from functools import lru_cache
from struct import Struct as Layout
from typing import Protocol, TypeAlias, cast

from flasgo.storage.model import Algorithm, Counter, Verdict
from flasgo.storage.window import (
    NEW_BUCKET,
    NEW_WINDOW,
    Bucket,
    Window,
    bucket_at,
    bucket_left,
    bucket_reset,
    bucket_taken,
    bucket_wait,
    window_at,
    window_reset,
    window_taken,
    window_used,
    window_wait,
)

MICROSECONDS = 1_000_000

ONE_BUCKET = Layout("<IIqq")
unpack_counts = cast("Callable[[bytes], tuple[int, int, int]]", Layout("<4xIqq").unpack)  # without its tag
pack_one = cast("Callable[[int, int, int, int], bytes]", ONE_BUCKET.pack)
ONE_BUCKET_SIZE = ONE_BUCKET.size
TWO_BUCKETS = Layout("<IIqqIqq")
TOKENS = Layout("<Iqq")

Outcome: TypeAlias = tuple[int, int, int, bytes | None]
"""Microseconds to wait (0: it was taken), what is left, microseconds until it is reset, and the new state if it was taken."""


class Rate(Protocol):
    """A rule that states are counted by. A state is None, or bytes that the same kind of rule wrote; other bytes are None.

    Each state begins with the `tag` of the rule that wrote it.
    """

    limit: int
    """What may be taken at once."""

    tag: int

    def look(self, state: bytes | None, now: int, cost: int, /) -> int:
        """Microseconds until `cost` may be taken; 0 is now."""
        ...

    def hit(self, state: bytes | None, now: int, cost: int, /) -> Outcome:
        """Take `cost` if it may be taken now."""
        ...

    def used(self, state: bytes, now: int, /) -> int:
        """How much of the limit is taken, rounded up."""
        ...

    def ends(self, state: bytes, /) -> int:
        """From when on the state says nothing any more."""
        ...


class SlidingWindow:
    """At most `limit` in any `period` (microseconds): see window.py for the bounds."""

    def __init__(self, limit: int, period: int, tag: int = 0) -> None:
        self.limit = limit
        self.period = period
        self.tag = tag

    def look(self, state: bytes | None, now: int, cost: int, /) -> int:
        return window_wait(self._read(state, now), now, self.limit, self.period, cost)

    def hit(self, state: bytes | None, now: int, cost: int, /) -> Outcome:
        limit, period = self.limit, self.period
        # What happens to nearly every request, without the steps between: a first hit, and one more in a bucket that is alone.
        if state is None:
            if 0 < cost <= limit:
                return 0, limit - cost, period, ONE_BUCKET.pack(self.tag, cost, now, now)
        elif cost and len(state) == ONE_BUCKET.size:
            count, first, last = unpack_counts(state)
            left = limit - count - cost
            if left >= 0 and last <= now < first + period:
                return 0, left, first + period - now, ONE_BUCKET.pack(self.tag, count + cost, first, now)
        window = self._read(state, now)
        wait = window_wait(window, now, limit, period, cost)
        packed = None
        if not wait and cost:
            window = window_taken(window, now, cost)
            packed = self._write(window)
        left = max(0, limit - window_used(window, now, period))
        return wait, left, window_reset(window, now, period), packed

    def used(self, state: bytes, now: int, /) -> int:
        return window_used(self._read(state, now), now, self.period)

    def ends(self, state: bytes, /) -> int:
        return _unpack(state).last + self.period

    def _read(self, state: bytes | None, now: int) -> Window:
        return NEW_WINDOW if state is None else window_at(_unpack(state), now, self.period)

    def _write(self, window: Window) -> bytes:
        count, first, last = window.count, window.first, window.last
        if window.earlier:
            earlier = (window.earlier, window.earlier_first, window.earlier_last)
            return TWO_BUCKETS.pack(self.tag, count, first, last, *earlier)
        return ONE_BUCKET.pack(self.tag, count, first, last)


def _unpack(state: bytes) -> Window:
    if len(state) == ONE_BUCKET.size:
        _, count, first, last = ONE_BUCKET.unpack(state)
        return Window(count, first, last)
    if len(state) == TWO_BUCKETS.size:
        _, count, first, last, earlier, earlier_first, earlier_last = TWO_BUCKETS.unpack(state)
        return Window(count, first, last, earlier, earlier_first, earlier_last)
    return NEW_WINDOW


class TokenBucket:
    """`burst` at once, and `limit` in each `period` (microseconds) from then on."""

    def __init__(self, rate: int, period: int, burst: int, tag: int = 0) -> None:
        self.rate = rate
        self.period = period
        self.limit = burst
        self.tag = tag

    def look(self, state: bytes | None, now: int, cost: int, /) -> int:
        return bucket_wait(self._read(state, now), self.rate, self.limit, self.period, cost)

    def hit(self, state: bytes | None, now: int, cost: int, /) -> Outcome:
        bucket = self._read(state, now)
        wait = bucket_wait(bucket, self.rate, self.limit, self.period, cost)
        packed = None
        if not wait and cost:
            bucket = bucket_taken(bucket, self.period, cost)
            packed = TOKENS.pack(self.tag, bucket.debt, bucket.at)
        return wait, bucket_left(bucket, self.limit, self.period), bucket_reset(bucket, self.rate), packed

    def used(self, state: bytes, now: int, /) -> int:
        return self.limit - bucket_left(self._read(state, now), self.limit, self.period)

    def ends(self, state: bytes, /) -> int:
        bucket = _unpack_tokens(state)
        return bucket.at + bucket_reset(bucket, self.rate)

    def _read(self, state: bytes | None, now: int) -> Bucket:
        bucket = NEW_BUCKET if state is None else _unpack_tokens(state)
        return bucket_at(bucket, now, self.rate, self.period)


def _unpack_tokens(state: bytes) -> Bucket:
    if len(state) != TOKENS.size:
        return NEW_BUCKET
    _, debt, at = TOKENS.unpack(state)
    return Bucket(debt, at)


@lru_cache(maxsize=1024)
def make_rate(algorithm: Algorithm, limit: int, seconds: float, burst: int = 0, tag: int = 0) -> Rate:
    """The rule of these numbers, as a Counter has them."""
    period = max(1, round(seconds * MICROSECONDS))
    if algorithm == "window":
        return SlidingWindow(limit, period, tag)
    return TokenBucket(limit, period, burst or limit, tag)


def rate_of(counter: Counter) -> Rate:
    return make_rate(counter.algorithm, counter.limit, counter.period, counter.burst)


def tag_of(state: bytes) -> int:
    return int.from_bytes(state[:4], "little")


def verdict_of(wait: int, left: int, reset: int) -> Verdict:
    """The verdict of an outcome, in seconds."""
    return Verdict(wait == 0, left, wait / MICROSECONDS, reset / MICROSECONDS)
