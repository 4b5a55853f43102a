"""What the type checkers know of rate limits: `ty check` and `mypy --strict` read this file, nothing runs it."""

from collections.abc import Callable
from typing import assert_type

from flasgo import Blueprint, Flasgo, RateLimitDecision, RateLimitRule, Request, rate_limit
from flasgo.ratelimit import RateLimitDefault, RateLimiter, rate_limit_success_headers

app = Flasgo()
api = Blueprint("api", defaults=[RateLimitDefault((RateLimitRule(100, 60),))])


async def tenant(request: Request) -> str | None:
    return request.headers.get("x-tenant")


@app.get("/a")
@app.ratelimit(5, per=60)
@api.ratelimit(5, per=0.5, scope="s", key_func=tenant, algorithm="token-bucket", burst=9, cost=2, strict=True)
@rate_limit(5, per=60, key_func=lambda request: request.user.id if request.user else request.client_ip)
def decorated(count: int) -> str:
    return "a" * count


@app.ratelimit_exempt
async def exempt() -> int:
    return 1


async def use(request: Request, limiter: RateLimiter, rule: RateLimitRule) -> None:
    assert_type(decorated(1), str)
    assert_type(await exempt(), int)
    assert_type(request.rate_limit, RateLimitDecision | None)
    decision = await limiter.check(rule, request, endpoint_id="x")
    assert_type(decision, RateLimitDecision)
    assert_type(decision.retry_after, int)
    assert_type(rate_limit_success_headers(decision), dict[str, str])
    assert_type(rule.key_func, Callable[[Request], object] | None)


app.ratelimit("5", per=60)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
app.ratelimit(5)  # type: ignore[call-arg]  # ty: ignore[missing-argument]
app.ratelimit(5, per=60, algorithm="leaky")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
