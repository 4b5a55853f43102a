"""How often something may happen: the arithmetic of both algorithms, the same in every store.

Whole numbers only, times in microseconds, so that every store counts alike: the memory's table and SQLite call these
functions, Redis has them in Lua (numbers below 2**53 are exact there).

The sliding window has two buckets. Each begins with its first hit, lasts one period, and knows how much was taken, when first
and when last. The earlier bucket is what was taken in the period before; of it counts what is younger than one period, as if
its hits were spread evenly from the first to the last, the last still being there. Hence, for a limit L:

  - in the period that a key's first hit begins, at most L: exactly what was promised
  - in any period at all: L if the hits came evenly, or at once, or L is 1 or 2; never more than 2 L - 2, which takes one hit
    at a bucket's begin, L - 1 at its end, and a wait for the right moment
  - whoever waits until his last hit is one period old has the whole limit again

The token bucket is GCRA (ITU-T I.371) as a debt that is paid off evenly: in any time t at most burst + L * t / period.

A clock that was set back by less than a period stands still until it has caught up; by more, what was counted is void: nobody is
locked out by a clock.
"""

from msgspec import Struct


class Window(Struct, frozen=True, gc=False):
    """What a sliding window knows: the bucket that is being filled, and the one before it. `count` 0 is a bucket not begun."""

    count: int = 0
    first: int = 0
    last: int = 0
    earlier: int = 0
    earlier_first: int = 0
    earlier_last: int = 0


class Bucket(Struct, frozen=True, gc=False):
    """What a token bucket knows: its debt at the time `at`. One token is `period` of debt, and `limit` is paid off in a microsecond."""

    debt: int = 0
    at: int = 0


NEW_WINDOW = Window()
NEW_BUCKET = Bucket()


def window_at(state: Window, now: int, period: int) -> Window:
    """The window as it is now: a bucket that has lasted a period is the earlier one. Its `last` is never after now."""
    if state.last > now:
        if state.last - now > period:
            return NEW_WINDOW
        return window_at(state, state.last, period)
    if state.count == 0 or now - state.first < period:
        return state
    if now - state.last >= period:
        return NEW_WINDOW
    return Window(0, 0, state.last, state.count, state.first, state.last)


def window_used(state: Window, now: int, period: int) -> int:
    """How much counts now, of a window as `window_at` gives it."""
    return state.count + _remnant(state.earlier, state.earlier_first, state.earlier_last, now - period)


def window_wait(state: Window, now: int, limit: int, period: int, cost: int) -> int:
    """Microseconds until `cost`, at most `limit`, may be taken; 0 is now. Of a window as `window_at` gives it."""
    room = limit - cost - state.count
    if room >= 0:
        if _remnant(state.earlier, state.earlier_first, state.earlier_last, now - period) <= room:
            return 0
        return _shrunk_at(state.earlier, state.earlier_first, state.earlier_last, room) + period - now
    # The bucket being filled must itself become the earlier one, and shrink.
    return max(1, _shrunk_at(state.count, state.first, state.last, max(0, limit - cost)) + period - now)


def window_reset(state: Window, now: int, period: int) -> int:
    """Microseconds until the oldest of what counts has left; 0 where nothing counts. Of a window as `window_at` gives it."""
    left = _remnant(state.earlier, state.earlier_first, state.earlier_last, now - period)
    if left:
        return _shrunk_at(state.earlier, state.earlier_first, state.earlier_last, left - 1) + period - now
    return max(1, state.first + period - now) if state.count else 0


def window_taken(state: Window, now: int, cost: int) -> Window:
    """The window after `cost` was taken. Of a window as `window_at` gives it."""
    if state.count == 0:
        now = max(now, state.last)
        return Window(cost, now, now, state.earlier, state.earlier_first, state.earlier_last)
    return Window(
        state.count + cost,
        state.first,
        max(now, state.last),
        state.earlier,
        state.earlier_first,
        state.earlier_last,
    )


def _remnant(count: int, first: int, last: int, horizon: int) -> int:
    """How much of a finished bucket is younger than the horizon."""
    if horizon >= last:
        return 0
    if horizon < first:
        return count
    return 1 + (count - 1) * (last - horizon) // (last - first)


def _shrunk_at(count: int, first: int, last: int, room: int) -> int:
    """The first horizon at which no more than `room`, less than `count`, is left of a bucket."""
    if room == 0 or count <= 1:
        return last
    return last - max(0, (room * (last - first) - 1) // (count - 1))


def bucket_at(state: Bucket, now: int, limit: int, period: int) -> Bucket:
    """The bucket as it is now, as much of its debt paid off as time has passed."""
    if state.at > now:
        return NEW_BUCKET if state.at - now > period else state
    return Bucket(max(0, state.debt - (now - state.at) * limit), now)


def bucket_left(state: Bucket, burst: int, period: int) -> int:
    """Whole tokens that may be taken, of a bucket as `bucket_at` gives it."""
    return max(0, burst * period - state.debt) // period


def bucket_wait(state: Bucket, limit: int, burst: int, period: int, cost: int) -> int:
    """Microseconds until `cost`, at most `burst`, may be taken; 0 is now. Of a bucket as `bucket_at` gives it."""
    return max(0, -((burst * period - state.debt - cost * period) // limit))


def bucket_reset(state: Bucket, limit: int) -> int:
    """Microseconds until the bucket is full. Of a bucket as `bucket_at` gives it."""
    return -(-state.debt // limit)


def bucket_taken(state: Bucket, period: int, cost: int) -> Bucket:
    """The bucket after `cost` was taken. Of a bucket as `bucket_at` gives it."""
    return Bucket(state.debt + cost * period, state.at)
