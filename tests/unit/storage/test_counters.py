"""The table of counters: what it forgets when it is full, what it counts together, and who shares a key."""

import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.clients import client_key
from flasgo.storage.counters import CounterTable
from flasgo.storage.decision import decision_of
from flasgo.storage.model import Algorithm, Counter


class Clock:
    def __init__(self) -> None:
        self.now = 10**9

    def __call__(self) -> int:
        return self.now * 1000


def took(table: CounterTable, key: str, limit: int, cost: int = 1) -> bool:
    return table.take(key, table.rate("window", limit, 60), cost)[0] == 0


def test_a_limit_admits_as_many_as_it_says() -> None:
    table = CounterTable()

    assert [took(table, "a", 3) for _ in range(5)] == [True, True, True, False, False]
    assert took(table, "b", 3)


def test_a_hit_costs_what_it_says() -> None:
    table = CounterTable()

    assert [took(table, "a", 10, cost) for cost in (4, 4, 4, 2, 1)] == [True, True, False, True, False]


def test_several_counters_are_all_taken_from_or_none() -> None:
    table = CounterTable(clock=Clock())
    counters = [Counter("a", 2, 60), Counter("b", 5, 60), Counter("c", 5, 60, algorithm="bucket")]

    verdicts = [table.hit(counters) for _ in range(3)]

    assert [[v.allowed for v in each] for each in verdicts] == [[True] * 3, [True] * 3, [False, True, True]]
    assert [[v.remaining for v in each] for each in verdicts] == [[1, 4, 4], [0, 3, 3], [0, 3, 3]]
    assert verdicts[2][0].retry_after == 60
    assert verdicts[2][1].retry_after == 0


def test_a_look_takes_nothing() -> None:
    table = CounterTable()
    rate = table.rate("window", 1, 60)

    assert [table.look("a", rate) for _ in range(3)] == [0, 0, 0]
    assert len(table) == 0
    assert took(table, "a", 1)
    assert table.look("a", rate) > 0
    assert table.hit([Counter("a", 1, 60, cost=0)])[0].remaining == 0


def test_a_rule_may_change_under_its_key() -> None:
    clock = Clock()
    table = CounterTable(clock=clock)
    for _ in range(5):
        took(table, "a", 5)

    assert not took(table, "a", 3)
    assert took(table, "a", 6)
    assert table.take("a", table.rate("bucket", 3, 60))[:2] == (0, 2)
    assert took(table, "a", 3)


def test_a_forgotten_key_has_its_whole_credit_and_keeps_its_place() -> None:
    table = CounterTable(max_keys=4)
    for _ in range(1000):
        took(table, "a", 1)
        table.forget("a")
    table.forget("unknown")

    assert took(table, "a", 1)
    assert len(table) == 1
    assert len(table._latest) == 1


def test_a_full_table_forgets_who_has_taken_least() -> None:
    clock = Clock()
    table = CounterTable(max_keys=16, clock=clock)
    for key, hits in (("limited", 8), ("half", 4), ("fresh", 1)):
        for _ in range(hits):
            took(table, key, 8)
    for number in range(15):
        took(table, f"{number}", 8)

    assert len(table) == 16
    assert "fresh" not in table._states
    assert {"limited", "half"} <= table._states.keys()
    for number in range(1_000):
        for _ in range(5):
            took(table, f"busy {number}", 8)
    assert len(table) == 16
    assert "half" not in table._states
    assert not took(table, "limited", 8)


def test_who_was_given_his_credit_back_is_forgotten_first() -> None:
    table = CounterTable(max_keys=16)
    for number in range(16):
        for _ in range(2):
            took(table, f"{number}", 8)
    table.forget("0")
    took(table, "one more", 8)

    assert "0" not in table._states
    assert {f"{number}" for number in range(1, 16)} <= table._states.keys()


def test_who_has_credit_again_is_forgotten_before_who_comes_now() -> None:
    clock = Clock()
    table = CounterTable(max_keys=16, clock=clock)
    for number in range(16):
        for _ in range(8):
            took(table, f"old {number}", 8)
    took(table, "one more", 8)
    clock.now += 61_000_000
    for number in range(12):
        for _ in range(4):
            took(table, f"new {number}", 8)

    assert {f"new {number}" for number in range(12)} <= table._states.keys()
    assert len(table) == 16


def test_nobody_is_refused_where_all_are_limited() -> None:
    table = CounterTable(max_keys=8)

    assert all(took(table, f"{number}", 1) for number in range(100))
    assert len(table) == 8
    assert not took(table, "99", 1)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=200))
def test_the_table_never_holds_more_than_it_may(hits: list[tuple[int, int]]) -> None:
    table = CounterTable(max_keys=8)
    for key, limit in hits:
        table.take(f"{key}", table.rate("bucket" if limit > 2 else "window", limit, 60))
        if key == 3:
            table.forget("3")

    queued = [*table._latest, *(key for tier in table._tiers for key in tier)]
    assert len(table) <= 8
    assert sorted(queued) == sorted(table._states)


@given(st.lists(st.integers(0, 400), max_size=400))
def test_a_limited_client_gets_nothing_back_by_the_coming_of_others(others: list[int]) -> None:
    table = CounterTable(max_keys=16)
    for _ in range(3):
        took(table, "limited", 3)
    for key in others:
        took(table, f"{key}", 500)

    assert not took(table, "limited", 3)


def test_threads_share_one_limit() -> None:
    table = CounterTable()
    rate = table.rate("window", 1_000, 60)
    admitted: list[int] = []

    def hammer() -> None:
        admitted.append(sum(table.take("a", rate)[0] == 0 for _ in range(400)))

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(admitted) == 1_000


def test_a_cleared_table_remembers_nothing() -> None:
    table = CounterTable(max_keys=2)
    for key in "abc":
        took(table, key, 1)
    table.clear()

    assert len(table) == 0
    assert took(table, "a", 1)


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::9", "20010db800010002/64"),
        ("2001:DB8:1:2:ffff::", "20010db800010002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"),
        ("::1", "0000000000000000/64"),
        ("testclient", "testclient"),
        (None, None),
        ("", None),
    ],
)
def test_a_client_is_an_address_or_a_network_of_one_customer(ip: str | None, key: str | None) -> None:
    assert client_key(ip) == key


@pytest.mark.parametrize("ip", ["not:an:address", "x" * 65, "sha256:abc", "\ud800:", "a\0:b"])
def test_what_is_no_address_is_a_key_of_its_own(ip: str) -> None:
    key = client_key(ip)

    assert key is not None
    assert len(key) <= 80
    assert key != client_key(ip + "y")


@given(
    algorithm=st.sampled_from(["window", "bucket"]),
    cost=st.integers(1, 3),
    steps=st.lists(st.integers(-90_000_000, 90_000_000) | st.integers(0, 2_000_000), max_size=30),
)
@example(algorithm="window", cost=1, steps=[0, 30_000_000, -20_000_000, 65_000_000])  # a clock set back for a while
def test_a_taker_counts_as_take_does_whatever_the_clock_says(algorithm: Algorithm, cost: int, steps: list[int]) -> None:
    clock = Clock()
    one, other = CounterTable(clock=clock), CounterTable(clock=clock)
    take = one.taker(one.rate(algorithm, 5, 60), cost)
    rate = other.rate(algorithm, 5, 60)
    for step in steps:
        clock.now = max(0, clock.now + step)
        assert take("key") == decision_of(5, other.take("key", rate, cost))
