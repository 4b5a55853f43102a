"""Failures that are counted before and after the fact."""

from flasgo.storage.counters import CounterTable
from flasgo.storage.failures import FailureCounts


class Clock:
    now = 10**9

    def __call__(self) -> int:
        return self.now * 1000


def counts() -> tuple[FailureCounts, Clock]:
    clock = Clock()
    return FailureCounts(60, CounterTable(clock=clock)), clock


def test_only_failures_count() -> None:
    failures, _ = counts()
    for _ in range(10):
        assert failures.begin("a", 3) == 0
        failures.end("a", 3, failed=False)

    waits = []
    for _ in range(5):
        waits.append(failures.begin("a", 3))
        if not waits[-1]:
            failures.end("a", 3, failed=True)
    assert waits == [0, 0, 0, 60, 60]
    assert failures.begin("b", 3) == 0


def test_the_wait_ends() -> None:
    failures, clock = counts()
    failures.failed("a", 1)
    assert failures.begin("a", 1) == 60

    clock.now += 60_000_000

    assert failures.begin("a", 1) == 0


def test_attempts_under_way_count_as_if_they_had_failed() -> None:
    failures, _ = counts()
    failures.failed("a", 3)

    assert [failures.begin("a", 3) for _ in range(4)] == [0, 0, 1, 1]
    failures.end("a", 3, failed=False)
    assert failures.begin("a", 3) == 0
    failures.end("a", 3, failed=True)
    failures.end("a", 3, failed=True)
    assert failures.begin("a", 3) == 60
    assert failures._under_way == {}


def test_success_forgets_what_has_failed() -> None:
    failures, _ = counts()
    for _ in range(3):
        failures.failed("a", 3)
    failures.forget("a")

    assert failures.begin("a", 3) == 0


def test_a_failure_says_when_it_is_one_too_many() -> None:
    failures, _ = counts()

    assert [failures.failed("a", 2) for _ in range(3)] == [0, 0, 60]


def test_what_has_ended_and_never_begun_changes_nothing() -> None:
    failures, _ = counts()
    failures.end("a", 2, failed=False)

    assert failures._under_way == {}
    assert [failures.begin("a", 2) for _ in range(3)] == [0, 0, 1]
