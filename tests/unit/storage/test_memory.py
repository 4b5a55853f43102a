"""What a MemoryStore does when it is full, and with deadlines that mean nothing any more."""

from flasgo import MemoryStore


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_value_too_many_drives_out_what_was_written_longest_ago() -> None:
    store = MemoryStore(max_values=3)
    for key in ("a", "b", "c"):
        await store.set(key, b"")
    await store.set("a", b"again")
    await store.set("d", b"")
    assert await store.keys("") == ["a", "c", "d"]


async def test_its_bytes_are_bounded_too_and_the_last_written_always_stays() -> None:
    store = MemoryStore(max_bytes=100)
    await store.set("a", bytes(60))
    await store.set("b", bytes(60))
    assert await store.keys("") == ["b"]
    await store.set("c", bytes(500))
    assert await store.keys("") == ["c"]
    assert await store.delete("c")
    await store.set("d", bytes(60))
    assert await store.keys("") == ["d"]


async def test_writing_one_value_for_ever_takes_no_more_memory() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.set("for ever", b"")
    for _ in range(10_000):
        await store.set("key", b"", ttl=1_000)
    assert len(store._deadlines) < 100
    clock.now = 1_001
    assert await store.keys("") == ["for ever"]
    assert repr(store) == "<MemoryStore of 1 values and 0 counters>"


async def test_what_expired_goes_without_being_asked_for() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    for number in range(100):
        await store.set(f"key{number}", b"", ttl=1)
    clock.now = 2
    await store.set("key", b"")
    assert len(store._values) == 1
