"""The failure throttle: who makes too many requests that are refused is told 429 instead of why (SECURITY-DESIGN §8).

Counted are refusals for their host, for CSRF and for want of permission. Nothing else is touched: a valid request is answered
however many others of the same client were not, or a hostile page could lock its visitor out. Wrong credentials are
another matter, and counted apart.
"""

from math import ceil

from flasgo.errors import Forbidden, HostNotAllowed, HTTPException, TooManyRequests
from flasgo.events import SecurityLog
from flasgo.http.clients import client_key
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.settings import Settings
from flasgo.storage.failures import FailureCounts

FAILURES = (Forbidden, HostNotAllowed)  # CSRFFailed is a Forbidden


class FailureThrottle:
    """SECURITY_FAILURE_RATE_LIMIT failures of one client in the window are answered as they are; 0 throttles nothing.

    A client that is not known is not counted: one count for all of them would be everybody's.
    """

    def __init__(self, settings: Settings, *, log: SecurityLog) -> None:
        self.limit = settings.SECURITY_FAILURE_RATE_LIMIT
        self.counts = FailureCounts(settings.SECURITY_FAILURE_WINDOW_SECONDS)
        self.log = log

    def compile(self, _route: Route | None, /) -> None:
        """It has no part in any request that is not refused."""

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (TooManyRequests,) if self.limit else ()

    def judge(self, request: Request, error: Exception) -> Exception:
        """The error that is answered instead of this one, or this one."""
        client = client_key(request.client_ip) if self.limit and isinstance(error, FAILURES) else None
        if client is None:
            return error
        wait = self.counts.failed(client, self.limit)
        if not wait:
            return error
        self.log.write("security-failures-throttled", request)
        return TooManyRequests(
            "Too many refused requests from this client. Wait before retrying.",
            headers={"retry-after": str(ceil(wait))},
        )
