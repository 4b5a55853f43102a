"""Counting requests by rules: at once in this process's memory, or by asking a store that several processes share.

What a store cannot be asked for, because it does not answer, is counted here, for PAUSE seconds without asking again: each
process then keeps the limits by itself. Where a rule is strict, the request is refused instead.
"""

from collections.abc import Awaitable
from hashlib import blake2b
from time import monotonic

from msgspec import Struct

from flasgo.errors import StoreUnavailable, TooManyRequests
from flasgo.events import SecurityLog
from flasgo.http.clients import bounded, client_key
from flasgo.plan.limits import RateLimitRule
from flasgo.request import Request
from flasgo.storage.counters import CounterTable
from flasgo.storage.decision import RateLimitDecision, decision_of, strictest
from flasgo.storage.memory import MemoryStore
from flasgo.storage.model import Algorithm, Counter, Store, Verdict
from flasgo.storage.rates import MICROSECONDS, Outcome, Rate

PAUSE = 1.0
"""Seconds for which a store that did not answer is not asked again."""

ALGORITHMS: dict[str, Algorithm] = {"sliding-window": "window", "token-bucket": "bucket"}
DETAIL = "Too many requests from this client. Wait before retrying."


class Quota(Struct, frozen=True, eq=False):
    """A rule where it holds: its counters have keys that begin with `prefix`, which no other quota has."""

    rule: RateLimitRule
    prefix: str
    rate: Rate

    def counter(self, key: str) -> Counter:
        rule = self.rule
        return Counter(key, rule.requests, rule.window_seconds, rule.cost, ALGORITHMS[rule.algorithm], rule.burst or 0)


Hits = dict[str, Quota]
"""The quotas that one request takes from, by the keys of their counters."""


class Limiter:
    """Takes from quotas, in a store. The counts of a MemoryStore are taken at once, without awaiting anything.

    `unavailable` is how many requests found that the store did not answer.
    """

    def __init__(self, store: Store, *, log: SecurityLog) -> None:
        self.store = store
        self.table = store.counters if isinstance(store, MemoryStore) else CounterTable()
        self.waits = not isinstance(store, MemoryStore)
        self.unavailable = 0
        self._log = log
        self._asks_again = 0.0
        self._knows_of_strangers = False

    def quota(self, rule: RateLimitRule, name: str) -> Quota:
        """A rule's quota; `name` is what it is counted under: its scope, or the place where it stands."""
        numbers = (ALGORITHMS[rule.algorithm], rule.window_seconds, rule.burst or 0)
        kind = "scope" if rule.scope is not None else "route"
        digest = blake2b(repr((kind, name, numbers)).encode("utf-8", "backslashreplace"), digest_size=12)
        rate = self.table.rate(numbers[0], rule.requests, rule.window_seconds, numbers[2])
        return Quota(rule, f"{digest.hexdigest()}:", rate)

    def take(self, request: Request, hits: Hits) -> Awaitable[None] | None:
        """Take from all quotas or, where one of them refuses, from none. Raises TooManyRequests."""
        if self.waits:
            return self._ask(request, hits)
        self.told(request, strictest(self.count(hits)))
        return None

    def note_stranger(self, request: Request) -> None:
        """Say once that requests without a client's address are not counted."""
        if not self._knows_of_strangers:
            self._knows_of_strangers = True
            self._log.write("rate-limit-client-unknown", request)

    def count(self, hits: Hits) -> list[RateLimitDecision]:
        """Take from all quotas or from none, in this process."""
        outcomes = self.table.take_all([(key, quota.rate, quota.rule.cost) for key, quota in hits.items()])
        return [decision_of(q.rate.limit, outcome) for q, outcome in zip(hits.values(), outcomes, strict=True)]

    async def _ask(self, request: Request, hits: Hits) -> None:
        strict = any(quota.rule.strict for quota in hits.values())
        decisions = None
        if strict or monotonic() >= self._asks_again:
            decisions = await self._ask_store(request, hits, strict=strict)
        self.told(request, strictest(self.count(hits) if decisions is None else decisions))

    async def _ask_store(self, request: Request, hits: Hits, *, strict: bool) -> list[RateLimitDecision] | None:
        try:
            verdicts = await self.store.hit([quota.counter(key) for key, quota in hits.items()])
        except StoreUnavailable as error:
            self.unavailable += 1
            self._log.write("rate-limit-store-unavailable", request, reason=error.reason)
            if strict:
                error.headers.setdefault("retry-after", "1")
                raise
            self._asks_again = monotonic() + PAUSE
            return None
        return [decision_of(q.rate.limit, outcome_of(v)) for q, v in zip(hits.values(), verdicts, strict=True)]

    def told(self, request: Request, decision: RateLimitDecision) -> None:
        """Note what the client is told. Raises TooManyRequests where it is that it must wait."""
        earlier = request.rate_limit
        request.rate_limit = decision if earlier is None else strictest([earlier, decision])
        if not decision.allowed:
            self._log.write("rate-limit-exceeded", request)
            raise TooManyRequests(DETAIL, headers={"retry-after": str(decision.retry_after)})


def outcome_of(verdict: Verdict) -> Outcome:
    wait = 0 if verdict.allowed else max(1, round(verdict.retry_after * MICROSECONDS))
    return wait, verdict.remaining, round(verdict.reset_after * MICROSECONDS), None


def add_hit(hits: Hits, quota: Quota, key: str) -> None:
    """Take from a quota under a key; of two that have the same counter there, the lower alone."""
    name = quota.prefix + key
    if name not in hits or quota.rule.requests < hits[name].rule.requests:
        hits[name] = quota


def key_of(request: Request, value: object) -> str | None:
    """The part of a counter's key that a key_func's answer stands for; None for a client that is not known.

    A request's own address is counted as one, IPv6 by its /64; no other text has the same key as an address.
    """
    if value is None:
        return client_key(request.client_ip)
    text = str(value)
    if text == request.client_ip:
        return client_key(text)
    return f"={bounded(text)}"
