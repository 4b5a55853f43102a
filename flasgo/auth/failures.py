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


MAX_REMEMBERED = 100_000
"""Clients that are remembered for speed; whoever is forgotten is looked up."""


class Count(Struct, frozen=True):
    """A count that an attempt is made under; `held` says that it counts while it is under way."""

    key: str
    limit: int
    held: bool


class CredentialFailures:
    """The counts of one application: `limit` failures for each account and client. `failing` holds counts that have any."""

    def __init__(self, counts: FailureCounts, limit: int, *, log: SecurityLog) -> None:
        self.counts = counts
        self.limit = limit
        self.log = log
        self.failing: set[str] = set()
        self._by_client: dict[str | None, tuple[Count, ...]] = {}

    def begin(self, request: Request, account: str | None, /, *, typed: bool = False) -> tuple[Count, ...]:
        """Before anything costly is done: an attempt, which must be ended. `typed` is a password out of a form.

        Raises TooManyRequests where too much has failed already, whatever was sent.
        """
        counts = self._of_client(request) if account is None else self._counts(request, account, typed=typed)
        if account is None and (not counts or counts[0].key not in self.failing):
            return counts
        begun: list[Count] = []
        for count in counts:
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
                if len(self.failing) >= MAX_REMEMBERED:
                    self.failing.clear()
                self.failing.add(count.key)
                self.counts.failed(count.key, count.limit)

    def failed(self, request: Request, /) -> None:
        """Count a failure of credentials that name no account."""
        self.end(self._of_client(request), failed=True)

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

    def _of_client(self, request: Request) -> tuple[Count, ...]:
        """The client's own count, for credentials that name no account; nothing for a client that is not known."""
        ip = request.client_ip
        counts = self._by_client.get(ip)
        if counts is None:
            if len(self._by_client) >= MAX_REMEMBERED:
                self._by_client.clear()
            client = client_key(ip)
            counts = () if client is None else (Count(f"client {client}", self.limit * CLIENT_FACTOR, held=False),)
            self._by_client[ip] = counts
        return counts

    def _counts(self, request: Request, account: str, *, typed: bool) -> tuple[Count, ...]:
        """The counts of an account that a client tries, the client's own first."""
        whole = self._of_client(request)
        client = client_key(request.client_ip)
        if client is None:
            return ()
        name = f"{client} {bounded(account)}"
        if typed:
            return *whole, Count(f"account {name}", self.limit, held=True)
        many = self.limit * CLIENT_FACTOR
        return *whole, Count(f"account {name}", self.limit, held=False), Count(f"under way {name}", many, held=True)
