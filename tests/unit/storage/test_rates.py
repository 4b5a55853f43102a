"""The rules of counters and their states as bytes."""

import pytest

from flasgo.storage.model import Counter
from flasgo.storage.rates import Rate, SlidingWindow, TokenBucket, rate_of

SECOND = 1_000_000
START = 10**15


def taken(rate: Rate, *times: float) -> bytes:
    """The state after one hit at each of these times, in seconds."""
    state = None
    for time in times:
        wait, _, _, new = rate.hit(state, START + round(time * SECOND), 1)
        assert wait == 0
        assert new is not None
        state = new
    assert state is not None
    return state


def seconds_to_wait(rate: Rate, state: bytes, now: float, cost: int = 1) -> float:
    return rate.look(state, START + round(now * SECOND), cost) / SECOND


def test_a_counter_gives_its_rule() -> None:
    assert isinstance(rate_of(Counter("a", 5, 60)), SlidingWindow)
    assert rate_of(Counter("a", 5, 60)) is rate_of(Counter("b", 5, 60))
    bucket = rate_of(Counter("a", 5, 60, algorithm="bucket", burst=9))
    assert isinstance(bucket, TokenBucket)
    assert bucket.limit == 9
    assert rate_of(Counter("a", 5, 60, algorithm="bucket")).limit == 5


def test_a_burst_has_its_limit_again_after_one_period() -> None:
    rate = SlidingWindow(3, 60 * SECOND)
    state = taken(rate, 0, 0, 0)

    assert seconds_to_wait(rate, state, 0) == 60
    assert seconds_to_wait(rate, state, 59.5) == 0.5
    assert seconds_to_wait(rate, state, 60, cost=3) == 0


def test_hits_at_even_distances_come_back_one_by_one() -> None:
    rate = SlidingWindow(4, 60 * SECOND)
    state = taken(rate, 0, 10, 20, 30)

    assert seconds_to_wait(rate, state, 30) == pytest.approx(30, abs=1e-5)
    assert seconds_to_wait(rate, state, 30, cost=2) == pytest.approx(40, abs=1e-5)
    assert seconds_to_wait(rate, state, 65) == 0
    assert seconds_to_wait(rate, state, 65, cost=4) == pytest.approx(25, abs=1e-5)


def test_a_second_bucket_begins_beside_what_is_left_of_the_first() -> None:
    rate = SlidingWindow(3, 60 * SECOND)
    state = taken(rate, 0, 20, 40, 61)

    assert len(state) > len(taken(rate, 0))
    assert rate.used(state, START + 61 * SECOND) == 3
    assert seconds_to_wait(rate, state, 61) == pytest.approx(19, abs=1e-5)
    assert rate.hit(state, START + 100 * SECOND, 1)[:2] == (0, 1)


def test_the_worst_that_can_happen_is_twice_the_limit_but_two() -> None:
    rate = SlidingWindow(5, 60 * SECOND)
    within_one_period = [59.999] * 4 + [60 + 59.998] * 4
    state = taken(rate, 0, *within_one_period)

    assert seconds_to_wait(rate, state, 60 + 59.998) == pytest.approx(0.001, abs=1e-5)


def test_a_clock_set_back_a_little_stands_still() -> None:
    rate = SlidingWindow(3, 60 * SECOND)
    state = taken(rate, 0, 20, 40, 61)

    assert rate.used(state, START + 50 * SECOND) == 4
    assert rate.hit(state, START + 50 * SECOND, 1)[0] > 0
    assert rate.hit(taken(rate, 0), START - SECOND, 1)[0] == 0


def test_a_clock_set_back_far_voids_what_was_counted() -> None:
    window, bucket = SlidingWindow(1, 60 * SECOND), TokenBucket(1, 60 * SECOND, 1)

    assert seconds_to_wait(window, taken(window, 0), -61) == 0
    assert seconds_to_wait(bucket, taken(bucket, 0), -61) == 0
    assert seconds_to_wait(bucket, taken(bucket, 0), -30) == 60


def test_a_bucket_fills_evenly() -> None:
    rate = TokenBucket(6, 60 * SECOND, 2)
    state = taken(rate, 0, 0)

    assert seconds_to_wait(rate, state, 0) == 10
    assert seconds_to_wait(rate, state, 0, cost=2) == 20
    assert seconds_to_wait(rate, state, 10) == 0
    assert rate.ends(state) == START + 20 * SECOND


@pytest.mark.parametrize("rate", [SlidingWindow(2, SECOND), TokenBucket(2, SECOND, 2)])
def test_what_another_kind_of_rule_wrote_is_nothing(rate: Rate) -> None:
    assert rate.hit(b"something else", START, 2)[:2] == (0, 0)
    assert rate.used(b"", START) == 0


@pytest.mark.parametrize("rate", [SlidingWindow(2, SECOND), TokenBucket(2, SECOND, 2)])
def test_no_cost_is_a_look(rate: Rate) -> None:
    assert rate.hit(None, START, 0) == (0, 2, 0, None)
    state = taken(rate, 0, 0)
    wait, left, reset, new = rate.hit(state, START, 0)
    assert (wait, left, new) == (0, 0, None)
    assert reset > 0


def test_the_short_way_of_a_bucket_that_is_alone_counts_as_the_long_one() -> None:
    rate = SlidingWindow(3, 60 * SECOND)
    state = taken(rate, 0, 10)

    assert rate.hit(state, START + 59 * SECOND, 1)[:3] == (0, 0, SECOND)
    assert rate.hit(state, START + 59 * SECOND, 2)[0] > 0
    assert rate.hit(state, START + 61 * SECOND, 1)[:2] == (0, 1)
    assert rate.hit(state, START + 9 * SECOND, 1)[:2] == (0, 0)
