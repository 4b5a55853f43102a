"""What the parts of the house note on a request for each other."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from flasgo.background import BackgroundTasks
from flasgo.errors import StoreUnavailable
from flasgo.session import Stored
from flasgo.storage.decision import RateLimitDecision

Owed: TypeAlias = tuple[Callable[..., Awaitable[None]], object, "Owed | None"]
"""How a provider is ended, the generator or context manager that it is, and what was entered before it."""


class Notes:
    """What few requests have. It stands in the class until somebody notes something: most requests pay nothing for it."""

    challenges: tuple[str, ...] = ()
    """What a 401 asks for: the challenges of the backends that did not know who it is (RFC 9110 §11.6.1)."""

    remember: bytes | None = None
    """The Set-Cookie line by which the response makes the browser remember who it is, or forget it."""

    loaded_session: Stored | StoreUnavailable | None = None
    """The session out of a store, or why it is not here; None where none was asked for."""

    owed: Owed | None = None
    """The providers that were entered and have to be ended, the last first."""

    tasks: BackgroundTasks | None = None
    """What is to be done after the response, if anybody asked for it."""

    told: frozenset[object] = frozenset()
    """The kinds of log lines that were written for this request: there is one of each."""

    rate_limit: RateLimitDecision | None = None
    """What the rate limits said of this request; of several the strictest. None where none was asked."""

    flashed: tuple[tuple[str, str], ...] | None = None
    """The messages with their categories that were flashed to this visitor, once somebody asked for them."""

    failure: BaseException | None = None
    """What ended the request, if it was not an answer; for teardown. Noted by `Request.fail`."""
