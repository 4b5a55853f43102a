"""How often a route may be called: what the decorators put on it. Data only; the stage is in ratelimit/."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.errors import RegistrationError
from flasgo.plan.model import Route
from flasgo.request import Request

KeyFunc: TypeAlias = Callable[[Request], object]
"""Whom a request is counted for: text, a number, or an awaitable of one; None is its address."""

LimitAlgorithm: TypeAlias = Literal["sliding-window", "token-bucket"]

MAX_SECONDS = 86_400.0
MIN_SECONDS = 0.001
MAX_REQUESTS = 1_000_000_000
MAX_PRODUCT = 9_000_000_000.0
"""Requests times seconds: beyond it, Redis could not count exactly."""


class RateLimitRule(Struct, frozen=True):
    """At most `requests` in `window_seconds` (0.001 to 86,400), for each client.

    `scope` shares one quota among all rules of that name, and of the same window. `key_func` says whom a request is counted for,
    after authentication; without it that is the address, IPv6 by its /64, before authentication. "sliding-window" admits
    `requests` in any window; "token-bucket" admits `burst` (default: `requests`) at once and then an even flow. `cost` is how much
    one request takes. With `strict`, requests are refused with 503 while the store of the counts does not answer; without
    it they are let in, and counted by each process for itself.

    Raises RegistrationError, a ValueError, for what could not be counted.
    """

    requests: int
    window_seconds: float
    scope: str | None = None
    key_func: KeyFunc | None = None
    algorithm: LimitAlgorithm = "sliding-window"
    cost: int = 1
    burst: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise RegistrationError(f"A rate limit {problem}.")

    @property
    def capacity(self) -> int:
        """What may be taken at once."""
        return self.burst or self.requests

    def __str__(self) -> str:
        count = f"{self.requests}/{self.window_seconds:g}s"
        parts = (
            count,
            f"burst {self.burst}" if self.burst else "",
            f"cost {self.cost}" if self.cost != 1 else "",
            f"in {self.scope!r}" if self.scope is not None else "",
            "by key" if self.key_func is not None else "",
            "strict" if self.strict else "",
        )
        return " ".join(part for part in parts if part)


class RateLimitExempt(Struct, frozen=True):
    """This route is counted by no default rule."""


class RateLimitDefault(Struct, frozen=True):
    """The rules of the routes of one blueprint that have none of their own."""

    rules: tuple[RateLimitRule, ...]


def _problems(rule: RateLimitRule) -> list[str]:
    """What is wrong with a rule, each with its cure; its fields may hold anything."""
    problems: list[str] = []
    if not _is_count(rule.requests):
        problems.append(f"needs a whole number of requests, 1 to {MAX_REQUESTS:,}; write @app.ratelimit(5, per=60)")
    if not _is_number(rule.window_seconds) or not MIN_SECONDS <= rule.window_seconds <= MAX_SECONDS:
        problems.append(f"lasts {MIN_SECONDS} to {MAX_SECONDS:,.0f} seconds; write @app.ratelimit(5, per=60)")
    if rule.scope is not None and not _is_name(rule.scope):
        problems.append("has a scope that is a name, not blank; leave it out for a quota of its own")
    if rule.key_func is not None and not callable(rule.key_func):
        problems.append("has a key_func that cannot be called; give a function of the request")
    if rule.algorithm not in {"sliding-window", "token-bucket"}:
        problems.append('has an algorithm of "sliding-window" or "token-bucket"')
    if rule.burst is not None and (rule.algorithm != "token-bucket" or not _is_count(rule.burst)):
        problems.append('has a burst of 1 or more, with algorithm="token-bucket" alone')
    if problems:
        return problems
    if not _is_count(rule.cost) or rule.cost > rule.capacity:
        problems.append(f"has a cost of 1 to {rule.capacity}: more could never be allowed")
    if max(rule.requests, rule.capacity) * rule.window_seconds > MAX_PRODUCT:
        problems.append(
            f"counts so much in so long that it could not be exact; keep requests times seconds below {MAX_PRODUCT:,.0f}"
        )
    return problems


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_REQUESTS


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def rule_of(text: str) -> RateLimitRule:
    """The rule of a setting: "100/60" is 100 requests in 60 seconds. Raises RegistrationError, or another ValueError."""
    requests, _, seconds = text.partition("/")
    return RateLimitRule(int(requests), float(seconds))


def rules_of(route: Route, defaults: Sequence[RateLimitRule]) -> tuple[RateLimitRule, ...]:
    """The rules that hold for a route: its own; else those of its blueprint, the inner one first; else the application's.

    Raises RegistrationError for a route that has rules and is exempt.
    """
    own = route.every(RateLimitRule)
    exempt = route.option(RateLimitExempt) is not None
    if own and exempt:
        raise route.plan.source.mistake(
            "it has a rate limit and is exempt from rate limits; take one of the decorators away."
        )
    if own or exempt:
        return own
    nearest = route.option(RateLimitDefault)
    return tuple(defaults) if nearest is None else nearest.rules
