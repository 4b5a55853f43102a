"""The arithmetic of limits against models that remember every hit."""

from hypothesis import given
from hypothesis import strategies as st

from flasgo.storage.rates import Rate, SlidingWindow, TokenBucket

PERIOD = 1_000
TAG = 7

limits = st.integers(1, 12)
periods = st.integers(1, 5_000)
gaps = st.one_of(st.integers(0, 50), st.integers(0, 3 * PERIOD))
"""Times between hits: some within the same moment, some beyond both buckets."""


class Log:
    """Every hit that was taken, and when: the true sliding window."""

    def __init__(self, period: int) -> None:
        self.period = period
        self.taken: list[tuple[int, int]] = []

    def count(self, now: int) -> int:
        return sum(cost for at, cost in self.taken if 0 <= now - at < self.period)

    def most(self) -> int:
        """The most that was ever taken within one period."""
        return max((self.count(at) for at, _ in self.taken), default=0)


def run(rate: Rate, hits: list[tuple[int, int]], log: Log, start: int = 10**15) -> list[bool]:
    """Play hits of (gap, cost) and note what was taken. Every verdict is checked against its own promises."""
    state, now = None, start
    allowed: list[bool] = []
    for gap, cost in hits:
        now += gap
        promised = rate.look(state, now, cost)
        wait, left, reset, new = rate.hit(state, now, cost)
        assert (wait == 0) == (new is not None)
        assert wait == promised
        assert 0 <= left <= rate.limit
        allowed.append(wait == 0)
        if new is None:
            assert rate.look(state, now + wait, cost) == 0
            assert rate.look(state, now + wait - 1, cost) > 0
        else:
            assert reset > 0
            log.taken.append((now, cost))
            state = new
            assert rate.used(state, now) == rate.limit - left
            assert rate.used(state, rate.ends(state)) == 0
            assert (left == 0) == (rate.look(state, now, 1) > 0)
    return allowed


@given(limits, st.lists(st.tuples(gaps, st.integers(1, 12)), max_size=60))
def test_no_period_ever_admits_twice_the_limit(limit: int, hits: list[tuple[int, int]]) -> None:
    log = Log(PERIOD)
    run(SlidingWindow(limit, PERIOD, TAG), [(gap, min(cost, limit)) for gap, cost in hits], log)

    assert log.most() <= max(1, 2 * limit - 2)


@given(limits, st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=60))
def test_the_first_period_admits_the_limit_exactly(limit: int, hits: list[tuple[int, int]]) -> None:
    rate, log = SlidingWindow(limit, PERIOD), Log(PERIOD)
    allowed = run(rate, [(gap, 1) for gap, _ in hits], log)

    start = 10**15 + hits[0][0] if hits else 0
    at, inside = 10**15, []
    for gap, _ in hits:
        at += gap
        inside.append(at - start < PERIOD)
    assert sum(a for a, i in zip(allowed, inside, strict=True) if i) == min(limit, sum(inside))


@given(st.integers(1, 2), st.lists(gaps, max_size=60))
def test_limits_of_one_and_two_are_the_true_window(limit: int, hits: list[int]) -> None:
    rate, log, state, now = SlidingWindow(limit, PERIOD), Log(PERIOD), None, 10**15
    for gap in hits:
        now += gap
        admitted = rate.look(state, now, 1) == 0
        true = log.count(now) < limit
        assert not admitted or true  # what is off by a moment is off on the safe side
        if admitted:
            state = rate.hit(state, now, 1)[3]
            log.taken.append((now, 1))


@given(limits, st.lists(st.tuples(gaps, st.integers(1, 12)), min_size=1, max_size=40))
def test_who_waits_one_period_has_the_whole_limit_again(limit: int, hits: list[tuple[int, int]]) -> None:
    rate, log = SlidingWindow(limit, PERIOD), Log(PERIOD)
    state, now = None, 10**15
    for gap, cost in hits:
        now += gap
        state = rate.hit(state, now, min(cost, limit))[3] or state
        log.taken.append((now, cost))
    assert state is not None

    assert rate.look(state, rate.ends(state), limit) == 0
    assert rate.ends(state) <= now + PERIOD


@given(limits, st.integers(0, 6), periods, st.lists(st.tuples(gaps, st.integers(1, 12)), max_size=60))
def test_a_bucket_admits_its_burst_and_what_has_flowed_in(
    limit: int, more: int, period: int, hits: list[tuple[int, int]]
) -> None:
    burst = limit + more
    log = Log(period)
    run(TokenBucket(limit, period, burst, TAG), [(gap, min(cost, burst)) for gap, cost in hits], log)

    for number, (begin, _) in enumerate(log.taken):
        taken = 0
        for at, cost in log.taken[number:]:
            taken += cost
            assert taken * period <= burst * period + limit * (at - begin)


@given(
    limits, st.lists(st.tuples(st.integers(-3 * PERIOD, 3 * PERIOD), st.integers(1, 12)), max_size=40), st.booleans()
)
def test_no_clock_locks_anybody_out(limit: int, hits: list[tuple[int, int]], bucket: bool) -> None:
    rate: Rate = TokenBucket(limit, PERIOD, limit) if bucket else SlidingWindow(limit, PERIOD)
    state, now = None, 10**15
    for step, cost in hits:
        now += step
        wait, _, _, new = rate.hit(state, now, min(cost, limit))
        assert 0 <= wait <= 3 * PERIOD
        state = new or state
    if state is not None:
        assert rate.look(state, now + 3 * PERIOD, limit) == 0
