"""Rate limits: the names that programs use."""

from flasgo.plan.limits import RateLimitDefault, RateLimitExempt, RateLimitRule
from flasgo.ratelimit.limits import RateLimiter, rate_limit_success_headers
from flasgo.ratelimit.rule import rate_limit
from flasgo.storage.decision import RateLimitDecision

__all__ = [
    "RateLimitDecision",
    "RateLimitDefault",
    "RateLimitExempt",
    "RateLimitRule",
    "RateLimiter",
    "rate_limit",
    "rate_limit_success_headers",
]
