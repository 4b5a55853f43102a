"""Bad credentials are counted, and beyond too many nothing is looked at any more: not even the right ones.

Two counts for each attempt: of the client, and of the account as this client tries it. Neither lets anybody lock out
another's clients. A client that is not known is not counted: one count for all of them would be everybody's.
"""

from math import ceil
from typing import Protocol

from flasgo.errors import TooManyRequests
from flasgo.events import SecurityLog
from flasgo.http.clients import bounded, client_key
from flasgo.request import Request

CLIENT_FACTOR = 10
"""How many times as many failures a client may have over all accounts: behind one address are many people."""


class Counts(Protocol):
    """How often something failed of late, under bounded many keys; attempts under way count as failures."""

    def begin(self, key: str, limit: int) -> float:
        """Begin an attempt, which must be ended. Where it may not be begun yet: the seconds to wait, and nothing is begun."""
        ...

    def end(self, key: str, limit: int, *, failed: bool) -> None: ...
    def forget(self, key: str) -> None: ...


class CredentialFailures:
    """The counts of one application: `limit` failures for each account and client."""

    def __init__(self, counts: Counts, limit: int, *, log: SecurityLog) -> None:
        self.counts = counts
        self.limit = limit
        self.log = log

    def begin(self, request: Request, account: str | None) -> "Begun":
        """Before anything costly is done: an attempt, which must be ended.

        Raises TooManyRequests where too much has failed already, whatever was sent.
        """
        begun: Begun = []
        for key, limit in self._keys(request, account):
            wait = self.counts.begin(key, limit)
            if wait:
                self.end(begun, failed=False)
                self.log.write("credentials-throttled", request)
                raise TooManyRequests(
                    "Too many wrong credentials were sent. Wait before you try again.",
                    headers={"retry-after": str(ceil(wait))},
                )
            begun.append((key, limit))
        return begun

    def end(self, begun: "Begun", *, failed: bool) -> None:
        for key, limit in begun:
            self.counts.end(key, limit, failed=failed)

    def succeeded(self, begun: "Begun") -> None:
        """End an attempt with the right credentials: what this client has failed with for the account is forgotten."""
        self.end(begun, failed=False)
        for key, _ in begun[1:]:
            self.counts.forget(key)

    def _keys(self, request: Request, account: str | None) -> "Begun":
        client = client_key(request.client_ip)
        if client is None:
            return []
        whole = (f"client {client}", self.limit * CLIENT_FACTOR)
        return [whole] if account is None else [whole, (f"account {client} {bounded(account)}", self.limit)]


Begun = list[tuple[str, int]]
"""The counts that an attempt was begun in, and their limits."""
