"""The stages of rate limits: by address before anybody is authenticated, by key when it is known who asks.

The rules of each stage are taken together: from all of them, or from none. A route without rules has no part in this.
"""

from collections.abc import Awaitable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.errors import HTTPException, StoreUnavailable, TooManyRequests
from flasgo.http.clients import client_key
from flasgo.pipeline.stage import Finisher, Gate, GateStep, Part
from flasgo.plan.limits import KeyFunc, RateLimitRule, rule_of, rules_of
from flasgo.plan.model import Route
from flasgo.ratelimit.limiter import Hits, Limiter, Quota, add_hit, key_of
from flasgo.request import Request
from flasgo.response import Response
from flasgo.storage.decision import RateLimitDecision

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
        if not rules:
            return {}
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
    take, told = limiter.table.taker(quota.rate, quota.rule.cost), limiter.told
    keys: dict[str | None, str] = {}

    def key_of_client(request: Request) -> str | None:
        ip = request.client_ip
        client = client_key(ip)
        if client is None:
            limiter.note_stranger(request)
            return None
        if len(keys) >= MAX_REMEMBERED:
            keys.clear()
        key = keys[ip] = quota.prefix + client
        return key

    def gate(request: Request) -> None:
        try:
            client = request.scope["client"]
            key = keys[None if client is None else client[0]]
        except LookupError:  # another client, or one that the server does not know
            made = key_of_client(request)
            if made is None:
                return
            key = made
        decision = take(key)
        if decision.allowed:  # nobody has been told anything before: this stage is the first of the two
            request.rate_limit = decision
        else:
            told(request, decision)

    return gate


def key_gate(limiter: Limiter, keyed: Sequence[Keyed]) -> Gate:
    """Take from the quotas of whoever the key functions name."""
    if not limiter.waits and len(keyed) == 1:
        return lone_key_gate(limiter, keyed[0])

    def gate(request: Request) -> Awaitable[None] | None:
        values = [one.key_func(request) for one in keyed]
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
            else:
                add_hit(hits, one.quota, key)
        return limiter.take(request, hits) if hits else None

    return gate


def lone_key_gate(limiter: Limiter, keyed: Keyed) -> Gate:
    """The same for one quota, in memory."""
    quota, key_func = keyed.quota, keyed.key_func
    take, told = limiter.table.taker(quota.rate, quota.rule.cost), limiter.told

    def gate(request: Request) -> Awaitable[None] | None:
        value = key_func(request)
        if type(value) is not str and isinstance(value, Awaitable):
            return later(request, value)
        count(request, value)
        return None

    async def later(request: Request, value: Awaitable[object]) -> None:
        count(request, await value)

    def count(request: Request, value: object) -> None:
        key = key_of(request, value)
        if key is None:
            limiter.note_stranger(request)
            return
        decision = take(quota.prefix + key)
        if decision.allowed and request.rate_limit is None:
            request.rate_limit = decision
        else:
            told(request, decision)

    return gate


Field: TypeAlias = tuple[bytes, bytes]


class Pairs:
    """A header field and its twin of 0.5.1 for each number. They are kept: the same numbers come again and again."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.kept: dict[int, tuple[Field, Field]] = {}

    def make(self, number: int) -> tuple[Field, Field]:
        text = b"%d" % number
        pair = (self.name, text), (b"x-" + self.name, text)
        if len(self.kept) < KEPT:
            self.kept[number] = pair
        return pair


KEPT = 4_096
"""How many numbers of each kind have their fields kept, and below which one of what remains has."""

LIMITS, REMAINING, RESETS = Pairs(b"ratelimit-limit"), Pairs(b"ratelimit-remaining"), Pairs(b"ratelimit-reset")
kept_limits, kept_remaining, kept_resets = LIMITS.kept, REMAINING.kept, RESETS.kept


def fields_of(decision: RateLimitDecision) -> tuple[Field, ...]:
    """The header fields of 0.5.1."""
    limit, left, reset = decision.limit, decision.remaining, decision.reset_after
    one, x_one = kept_limits[limit] if limit in kept_limits else LIMITS.make(limit)
    three, x_three = kept_resets[reset] if reset in kept_resets else RESETS.make(reset)
    if left < KEPT:
        two, x_two = kept_remaining[left] if left in kept_remaining else REMAINING.make(left)
        return one, two, three, x_one, x_two, x_three
    text = b"%d" % left
    return one, (b"ratelimit-remaining", text), three, x_one, (b"x-ratelimit-remaining", text), x_three


def finish(request: Request, response: Response) -> None:
    """Tell the client what it may still do, on answers that were allowed and refused alike."""
    decision = request.rate_limit
    if decision is not None:
        if response.written is not None:
            response.raw[:] = [field for field in response.raw if field[0] not in NAMES]
        response.raw += fields_of(decision)
