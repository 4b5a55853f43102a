"""The decorator that belongs to no application: for handlers that are written before there is one."""

from collections.abc import Callable
from typing import TypeVar

from flasgo.plan.limits import KeyFunc, LimitAlgorithm, RateLimitRule
from flasgo.routing.policies import declare

F = TypeVar("F", bound=Callable[..., object])


def rate_limit(
    requests: int,
    *,
    per: float,
    scope: str | None = None,
    key_func: KeyFunc | None = None,
    algorithm: LimitAlgorithm = "sliding-window",
    cost: int = 1,
    burst: int | None = None,
    strict: bool = False,
) -> Callable[[F], F]:
    """Let each client call the decorated handler `requests` times in `per` seconds: what `Flasgo.ratelimit` does.

    Raises RegistrationError for what could not be counted; the application does for a handler that is on no route.
    """
    rule = RateLimitRule(requests, per, scope, key_func, algorithm, cost, burst, strict)
    return lambda function: declare(function, rule, "@rate_limit")
