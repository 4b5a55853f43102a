"""What every store asks of keys, values, lifetimes and counters, so that all of them refuse the same."""

from collections.abc import Sequence

from flasgo.storage.model import MAX_COUNTERS, MAX_KEY_BYTES, MAX_TTL, MAX_VALUE_BYTES, Counter

MAX_PERIOD = 86_400.0
"""Seconds; a day."""

MAX_LIMIT = 1_000_000_000

MAX_EXACT = 2**53
"""Whole numbers below it are exact in Redis's Lua: a limit times its period in microseconds stays below."""


def key_bytes(key: str) -> bytes:
    """A key in UTF-8; a lone surrogate is written as WTF-8 does, so that two texts never have the same bytes. Raises ValueError."""
    encoded = key.encode("utf-8", "surrogatepass")
    if not 0 < len(encoded) <= MAX_KEY_BYTES:
        raise ValueError(f"A store's key has 1 to {MAX_KEY_BYTES} bytes, not {len(encoded)}. Hash what is longer.")
    return encoded


def prefix_bytes(prefix: str, *, empty: bool) -> bytes:
    """The prefix of keys. Raises ValueError; `empty` says that it may be."""
    return b"" if not prefix and empty else key_bytes(prefix)


def key_text(encoded: bytes) -> str:
    """The key that `key_bytes` made bytes of."""
    return encoded.decode("utf-8", "surrogatepass")


def after_prefix(prefix: bytes) -> bytes:
    """The least bytes that are more than everything that begins so; UTF-8 has no byte 255."""
    return prefix[:-1] + bytes((prefix[-1] + 1,)) if prefix else b"\xff"


def check_value(value: bytes | None) -> None:
    """Raise ValueError, or TypeError, for what no store would take."""
    if value is not None and not isinstance(value, bytes):
        raise TypeError(f"A store's value is bytes, not {type(value).__name__}.")
    if value is not None and len(value) > MAX_VALUE_BYTES:
        raise ValueError(f"A store's value has at most {MAX_VALUE_BYTES} bytes, not {len(value)}.")


def check_ttl(ttl: float | None) -> None:
    """Raise ValueError for a lifetime that is none."""
    if ttl is not None and not 0 < ttl <= MAX_TTL:
        raise ValueError(f"A time to live is above 0 and at most {MAX_TTL:.0f} seconds, or None.")


def check_counters(counters: Sequence[Counter]) -> list[bytes]:
    """The keys of the counters of one hit. Raises ValueError."""
    if len(counters) > MAX_COUNTERS:
        raise ValueError(f"One hit takes from at most {MAX_COUNTERS} counters, not {len(counters)}.")
    keys = [key_bytes(counter.key) for counter in counters]
    if len(set(keys)) != len(keys):
        raise ValueError("One hit takes from a counter once: add up the costs.")
    for counter in counters:
        check_counter(counter)
    return keys


def check_counter(counter: Counter) -> None:
    """Raise ValueError for a rule that no store could keep."""
    capacity = counter.limit if counter.algorithm == "window" else counter.burst or counter.limit
    if not (1 <= counter.limit <= MAX_LIMIT and 0 <= counter.burst <= MAX_LIMIT):
        raise ValueError(f"A counter's limit is 1 to {MAX_LIMIT}, its burst 0 to {MAX_LIMIT}.")
    if not 0 <= counter.cost <= capacity:
        raise ValueError(
            f"A hit's cost is 0 to what the counter can give at once, {capacity}; more could never be allowed."
        )
    if not 0.001 <= counter.period <= MAX_PERIOD:  # noqa: PLR2004 - a millisecond
        raise ValueError(f"A counter's period is 0.001 to {MAX_PERIOD:.0f} seconds.")
    if max(capacity, counter.limit) * counter.period * 1_000_000 >= MAX_EXACT:
        raise ValueError(
            "A counter of so many in so long a period cannot be exact: limit times period is below 9,007,199,254."
        )
