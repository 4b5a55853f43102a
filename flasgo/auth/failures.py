"""Bad credentials are counted, and beyond too many nothing is looked at any more: not even the right ones.

Two counts for each attempt: of the client, and of the account as this client tries it. Neither lets anybody lock out
another's clients. A client that is not known is not counted: one count for all of them would be everybody's.

Where a password is typed, attempts under way count as failures, so that a thousand guesses at once are no more than a thousand
one after another. Where a program sends its credentials with every request, that would refuse those who ask for much at once: there
only CLIENT_FACTOR times as many may be under way for one account, and any number for tokens, which cannot be guessed.
"""

from math import ceil

from msgspec import Struct

from flasgo.errors import TooManyRequests
from flasgo.events import SecurityLog
from flasgo.http.clients import bounded, client_key
from flasgo.request import Request
from flasgo.storage.failures import FailureCounts
from flasgo.storage.rates import MICROSECONDS

CLIENT_FACTOR = 10
"""How many times as many failures a client may have over all accounts: behind one address are many people."""


class Count(Struct, frozen=True):
    """A count that an attempt is made under; `held` says that it counts while it is under way."""

    key: str
    limit: int
    held: bool


class CredentialFailures:
    """The counts of one application: `limit` failures for each account and client."""

    def __init__(self, counts: FailureCounts, limit: int, *, log: SecurityLog) -> None:
        self.counts = counts
        self.limit = limit
        self.log = log

    def begin(self, request: Request, account: str | None, /, *, typed: bool = False) -> tuple[Count, ...]:
        """Before anything costly is done: an attempt, which must be ended. `typed` is a password out of a form.

        Raises TooManyRequests where too much has failed already, whatever was sent.
        """
        begun: list[Count] = []
        for count in self._counts(request, account, typed=typed):
            wait = self._begin(count)
            if wait:
                self.end(tuple(begun), failed=False)
                self.log.write("credentials-throttled", request)
                raise TooManyRequests(
                    "Too many wrong credentials were sent. Wait before you try again.",
                    headers={"retry-after": str(ceil(wait))},
                )
            begun.append(count)
        return tuple(begun)

    def end(self, begun: tuple[Count, ...], /, *, failed: bool) -> None:
        """End an attempt: one that failed is counted, any other leaves no trace."""
        for count in begun:
            if count.held:
                self.counts.end(count.key, count.limit, failed=failed)
            elif failed:
                self.counts.failed(count.key, count.limit)

    def succeeded(self, begun: tuple[Count, ...], /) -> None:
        """End an attempt with the right credentials: what this client has failed with for the account is forgotten."""
        self.end(begun, failed=False)
        for count in begun[1:]:
            self.counts.forget(count.key)

    def _begin(self, count: Count) -> float:
        """The seconds to wait; 0 where it was begun."""
        if count.held:
            return self.counts.begin(count.key, count.limit)
        rate = self.counts.table.rate("window", count.limit, self.counts.seconds)
        return self.counts.table.look(count.key, rate) / MICROSECONDS

    def _counts(self, request: Request, account: str | None, *, typed: bool) -> tuple[Count, ...]:
        client = client_key(request.client_ip)
        if client is None:
            return ()
        many = self.limit * CLIENT_FACTOR
        whole = Count(f"client {client}", many, held=False)
        if account is None:
            return (whole,)
        name = f"{client} {bounded(account)}"
        if typed:
            return whole, Count(f"account {name}", self.limit, held=True)
        return whole, Count(f"account {name}", self.limit, held=False), Count(f"under way {name}", many, held=True)
