"""Limits that a program asks by hand, where a decorator cannot say what is to be counted."""

from collections.abc import Awaitable, Sequence

from flasgo.errors import RegistrationError
from flasgo.events import SecurityLog
from flasgo.plan.limits import RateLimitRule
from flasgo.ratelimit.limiter import Hits, Limiter, add_hit, key_of
from flasgo.ratelimit.stage import fields_of
from flasgo.request import Request
from flasgo.storage.decision import RateLimitDecision, strictest
from flasgo.storage.memory import MemoryStore


class RateLimiter:
    """Counts in this process, for at most `max_keys` clients and rules together; whoever is at a limit is forgotten last.

    It counts apart from the decorators, and sends nothing by itself.
    """

    def __init__(self, *, max_keys: int = 100_000) -> None:
        self._limiter = Limiter(MemoryStore(max_counters=max_keys), log=SecurityLog(enabled=False))

    async def check(self, rule: RateLimitRule, request: Request, *, endpoint_id: str) -> RateLimitDecision:
        """Count a request by one rule, under its scope or this name."""
        return await self.check_batch([(rule, endpoint_id)], request)

    async def check_batch(self, rules: Sequence[tuple[RateLimitRule, str]], request: Request) -> RateLimitDecision:
        """Count a request by all of these rules or, where one of them refuses, by none; the decision is the strictest.

        Raises RegistrationError where there are no rules.
        """
        if not rules:
            raise RegistrationError("A request is checked by one rule at least.")
        hits: Hits = {}
        for rule, name in rules:
            value = None if rule.key_func is None else rule.key_func(request)
            key = key_of(request, await value if isinstance(value, Awaitable) else value)
            if key is not None:
                quota = self._limiter.quota(rule, name if rule.scope is None else rule.scope)
                add_hit(hits, quota, key)
        if not hits:  # nobody knows who that is: see `client_key`
            capacity = min(rule.capacity for rule, _ in rules)
            return RateLimitDecision(allowed=True, limit=capacity, remaining=capacity, reset_after=1, retry_after=0)
        return strictest(self._limiter.count(hits))


def rate_limit_success_headers(decision: RateLimitDecision) -> dict[str, str]:
    """The header fields that tell a client of a decision."""
    return {name.decode(): value.decode() for name, value in fields_of(decision)}
