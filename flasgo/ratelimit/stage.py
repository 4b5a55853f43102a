"""The stages of rate limits: by address before anybody is authenticated, by key when it is known who asks.

The rules of each stage are taken together: from all of them, or from none. A route without rules has no part in this.
"""

from collections.abc import Awaitable, Sequence
from typing import Literal

from msgspec import Struct

from flasgo.errors import HTTPException, StoreUnavailable, TooManyRequests
from flasgo.http.clients import client_key
from flasgo.pipeline.stage import Finisher, Gate, GateStep, Part
from flasgo.plan.limits import KeyFunc, RateLimitRule, rule_of, rules_of
from flasgo.plan.model import Route
from flasgo.ratelimit.limiter import Hits, Limiter, Quota, add_hit, key_of
from flasgo.request import Request
from flasgo.response import Response
from flasgo.storage.decision import RateLimitDecision, decision_of
from flasgo.storage.rates import MICROSECONDS

MAX_REMEMBERED = 1_024
"""Addresses whose keys are remembered for speed; whoever is forgotten has his made anew."""

NAMES = frozenset(
    prefix + name
    for prefix in (b"", b"x-")
    for name in (b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset")
)


class Keyed(Struct, frozen=True, eq=False):
    """A quota and the function that says whose it is."""

    quota: Quota
    key_func: KeyFunc


class RateLimits:
    """What every route is limited to. `by_client` and `by_key` are the two stages, in their order.

    `defaults` are the rules of RATE_LIMIT_DEFAULT.
    """

    def __init__(self, limiter: Limiter, routes: Sequence[Route], defaults: Sequence[str]) -> None:
        self.limiter = limiter
        self.defaults = tuple(map(rule_of, defaults))
        self._places: dict[int, str] = {}
        for route in routes:
            for number, rule in enumerate(route.every(RateLimitRule)):
                # Where a decorator has several routes, it is one quota: known by the first of them.
                self._places.setdefault(id(rule), _place(route, number))
        self.by_client = LimitStage(self, "client")
        self.by_key = LimitStage(self, "key")

    def quotas(self, route: Route) -> dict[RateLimitRule, Quota]:
        """The quotas that a route takes from; of two rules for the same counts, the lower."""
        rules = rules_of(route, self.defaults)
        own = route.every(RateLimitRule)
        quotas: dict[tuple[str, KeyFunc | None], Quota] = {}
        for number, rule in enumerate(rules):
            place = self._places[id(rule)] if own else _place(route, number)
            quota = self.limiter.quota(rule, place if rule.scope is None else rule.scope)
            same = quotas.get((quota.prefix, rule.key_func))
            if same is None or rule.requests < same.rule.requests:
                quotas[quota.prefix, rule.key_func] = quota
        return {quota.rule: quota for quota in quotas.values()}


def _place(route: Route, number: int) -> str:
    """What no other rule of any route is known by, in every process that has the same routes."""
    return f"{','.join(sorted(route.methods))} {route.path} {number}"


class LimitStage:
    """The rules of one kind: by address, or by key."""

    def __init__(self, limits: RateLimits, kind: Literal["client", "key"]) -> None:
        self.limits = limits
        self.kind = kind

    def compile(self, route: Route | None, /) -> Part | None:
        quotas = self.quotas(route)
        if route is None or not quotas:
            return None
        limiter = self.limits.limiter
        if self.kind == "client":
            step = GateStep(client_gate(limiter, quotas), waits=limiter.waits)
        else:
            keyed = [Keyed(quota, quota.rule.key_func) for quota in quotas if quota.rule.key_func is not None]
            step = GateStep(key_gate(limiter, keyed), waits=True)
        return Part((step,), finisher=self._finisher(route), when="request.rate_limit is not None")

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        quotas = self.quotas(route)
        if not quotas:
            return ()
        strict = self.limits.limiter.waits and any(quota.rule.strict for quota in quotas)
        return (TooManyRequests, StoreUnavailable) if strict else (TooManyRequests,)

    def quotas(self, route: Route | None) -> list[Quota]:
        if route is None:
            return []
        keyed = self.kind == "key"
        return [q for q in self.limits.quotas(route).values() if (q.rule.key_func is not None) is keyed]

    def _finisher(self, route: Route) -> Finisher | None:
        """The headers are added once, by the first of the two stages that has a part in the route."""
        if self.kind == "key" and self.limits.by_client.quotas(route):
            return None
        return finish


def client_gate(limiter: Limiter, quotas: Sequence[Quota]) -> Gate:
    """Take from the quotas of the client's address."""
    if not limiter.waits and len(quotas) == 1:
        return lone_gate(limiter, quotas[0])

    def gate(request: Request) -> Awaitable[None] | None:
        client = client_key(request.client_ip)
        if client is None:
            limiter.note_stranger(request)
            return None
        return limiter.take(request, {quota.prefix + client: quota for quota in quotas})

    return gate


def lone_gate(limiter: Limiter, quota: Quota) -> Gate:
    """The same for one quota, in memory. It is what most limited routes pay, so there are few calls in it."""
    take, told, rate, cost = limiter.table.take, limiter.told, quota.rate, quota.rule.cost
    limit = rate.limit
    keys: dict[str | None, str] = {}

    def key_of_client(request: Request) -> str | None:
        ip = request.client_ip
        client = client_key(ip)
        if client is None:
            limiter.note_stranger(request)
            return None
        if len(keys) >= MAX_REMEMBERED:
            keys.clear()
        keys[ip] = quota.prefix + client
        return keys[ip]

    def gate(request: Request) -> None:
        client = request.scope.get("client")
        key = keys.get(client[0] if client else None) or key_of_client(request)
        if key is None:
            return
        outcome = take(key, rate, cost)
        wait, left, reset, _ = outcome
        if wait or request.rate_limit is not None:
            told(request, decision_of(limit, outcome))
        else:
            request.rate_limit = RateLimitDecision(True, limit, left, -(-reset // MICROSECONDS) or 1, 0)

    return gate


def key_gate(limiter: Limiter, keyed: Sequence[Keyed]) -> Gate:
    """Take from the quotas of whoever the key functions name."""
    first = keyed[0]
    alone = not limiter.waits and len(keyed) == 1

    def gate(request: Request) -> Awaitable[None] | None:
        values = [first.key_func(request)] if alone else [one.key_func(request) for one in keyed]
        for value in values:
            if isinstance(value, Awaitable):
                return later(request, values)
        return take(request, values)

    async def later(request: Request, values: list[object]) -> None:
        known = [await value if isinstance(value, Awaitable) else value for value in values]
        wait = take(request, known)
        if wait is not None:
            await wait

    def take(request: Request, values: list[object]) -> Awaitable[None] | None:
        hits: Hits = {}
        for one, value in zip(keyed, values, strict=True):
            key = key_of(request, value)
            if key is None:
                limiter.note_stranger(request)
            elif alone:
                limiter.take_one(request, one.quota, one.quota.prefix + key)
            else:
                add_hit(hits, one.quota, key)
        return limiter.take(request, hits) if hits else None

    return gate


def finish(request: Request, response: Response) -> None:
    """Tell the client what it may still do, on answers that were allowed and refused alike."""
    decision = request.rate_limit
    if decision is not None:
        if response.written is not None:
            response.raw[:] = [field for field in response.raw if field[0] not in NAMES]
        response.raw += fields_of(decision)


def fields_of(decision: RateLimitDecision) -> tuple[tuple[bytes, bytes], ...]:
    """The header fields of 0.5.1."""
    limit, remaining, reset = b"%d" % decision.limit, b"%d" % decision.remaining, b"%d" % decision.reset_after
    return (
        (b"ratelimit-limit", limit),
        (b"ratelimit-remaining", remaining),
        (b"ratelimit-reset", reset),
        (b"x-ratelimit-limit", limit),
        (b"x-ratelimit-remaining", remaining),
        (b"x-ratelimit-reset", reset),
    )
