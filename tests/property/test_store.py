"""Whatever is done in whatever order: a store is what a dictionary with deadlines would be."""

import asyncio
import tempfile
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from flasgo import MemoryStore, SQLiteStore, Store

KEYS = st.sampled_from(["a", "a:1", "a:2", "ab", "b", "A", "é", "e\u0301", "\0", "\udc80", "\U0001f600", "a%", "a_", "a*"]) | st.text(
    min_size=1, max_size=20
)  # fmt: skip
VALUES = st.binary(max_size=20) | st.sampled_from([b"", b"1", b"2"])
TTLS = st.none() | st.sampled_from([1.0, 10.0, 100.0])


class StoreMachine(RuleBasedStateMachine):
    """`now` is the time of the store under test, in seconds."""

    now: ClassVar[float] = 1_000.0

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, tuple[bytes, float]] = {}
        self.runner = asyncio.Runner()
        type(self).now = 1_000.0
        self.store = self.opened()

    def opened(self) -> Store:
        return MemoryStore(clock=lambda: StoreMachine.now)

    def alive(self, key: str) -> bytes | None:
        value, ends = self.model.get(key, (None, 0.0))
        return value if ends > StoreMachine.now else None

    def put(self, key: str, value: bytes | None, ttl: float | None) -> None:
        if value is None:
            self.model.pop(key, None)
        else:
            self.model[key] = (value, float("inf") if ttl is None else StoreMachine.now + ttl)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        assert self.runner.run(self.store.get(key)) == self.alive(key)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: str, value: bytes, ttl: float | None) -> None:
        self.runner.run(self.store.set(key, value, ttl=ttl))
        self.put(key, value, ttl)

    @rule(key=KEYS, expected=st.none() | VALUES, value=st.none() | VALUES, ttl=TTLS, right=st.booleans())
    def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, ttl: float | None, *, right: bool
    ) -> None:
        expected = self.alive(key) if right else expected
        agreed = expected == self.alive(key)
        assert self.runner.run(self.store.compare_and_set(key, expected, value, ttl=ttl)) is agreed
        if agreed:
            self.put(key, value, ttl)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.runner.run(self.store.delete(key)) is (self.alive(key) is not None)
        self.put(key, None, None)

    @rule(prefix=KEYS)
    def delete_prefix(self, prefix: str) -> None:
        doomed = [key for key in self.model if key.startswith(prefix)]
        there = sum(self.alive(key) is not None for key in doomed)
        assert self.runner.run(self.store.delete_prefix(prefix)) == there
        for key in doomed:
            del self.model[key]

    @rule(seconds=st.sampled_from([0.5, 1.0, 9.0, 50.0]))
    def wait(self, seconds: float) -> None:
        StoreMachine.now += seconds

    @rule()
    def open_again(self) -> None:
        self.runner.run(self.store.aclose())

    @rule(prefix=st.just("") | KEYS, limit=st.integers(0, 5))
    def keys(self, prefix: str, limit: int) -> None:
        there = sorted(key for key in self.model if key.startswith(prefix) and self.alive(key) is not None)
        assert self.runner.run(self.store.keys(prefix, limit=limit)) == there[:limit]

    @invariant()
    def all_keys_are_there(self) -> None:
        there = sorted(key for key in self.model if self.alive(key) is not None)
        assert self.runner.run(self.store.keys("")) == there

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()


QUICK = settings(max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


def test_memory_is_a_dictionary_with_deadlines() -> None:
    run_state_machine_as_test(StoreMachine, settings=QUICK)


def test_sqlite_is_a_dictionary_with_deadlines(monkeypatch) -> None:
    monkeypatch.setattr("flasgo.storage.sqlite.time", lambda: StoreMachine.now)
    monkeypatch.setattr("flasgo.storage.sqlite.SWEEP_SECONDS", 0)
    with tempfile.TemporaryDirectory() as directory:

        class OnDisk(StoreMachine):
            number: ClassVar[int] = 0

            def opened(self) -> Store:
                type(self).number += 1
                return SQLiteStore(Path(directory, f"{self.number}.db"))

        run_state_machine_as_test(OnDisk, settings=QUICK)
