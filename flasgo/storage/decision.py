"""What a rate limit says of one request."""

from msgspec import Struct

from flasgo.storage.rates import MICROSECONDS, Outcome


class RateLimitDecision(Struct, frozen=True, gc=False):
    """Whether a request was allowed, and what its client may still do; the headers of the answer say the same.

    `remaining` is what is left of `limit`. `reset_after` is when more of it is there, in whole seconds, 1 at least: the oldest
    request leaves the window, or the bucket is full. `retry_after`, in whole seconds, is 0 for what was allowed.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after: int
    retry_after: int


def decision_of(limit: int, outcome: Outcome) -> RateLimitDecision:
    wait, left, reset, _ = outcome
    return RateLimitDecision(wait == 0, limit, left, max(1, -(-reset // MICROSECONDS)), -(-wait // MICROSECONDS))


def strictest(decisions: list[RateLimitDecision]) -> RateLimitDecision:
    """The one to tell the client: of those that refuse the one that does longest, else the one with the least left."""
    return min(decisions, key=lambda one: (-one.retry_after, one.remaining, one.reset_after))
