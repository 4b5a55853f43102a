"""One backend asked on behalf of one route: who is it?"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar, cast

from flasgo.auth.failures import Count, CredentialFailures
from flasgo.auth.model import AuthResult, Backend, CredentialBackend, Outcome
from flasgo.auth.permissions import unawaited
from flasgo.events import SecurityLog
from flasgo.identity import ANONYMOUS, User
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.signature import call_of
from flasgo.request import Request

Known: TypeAlias = Callable[[Request], bool]
"""Is it known already who it is? Then nobody is asked."""


def is_stranger(request: Request) -> bool:
    """For the first of a route's backends: it begins anew, whatever a hook has said."""
    request.user = ANONYMOUS
    return False


def is_known(request: Request) -> bool:
    return request.user.is_authenticated


class Attempt:
    """A backend in two halves: credentials are found at once; where there are none, nothing is judged.

    `challenges` are those of a request without credentials, and of one whose credentials are not believed. Credentials that failed too often are refused before they are judged: right ones, too.
    """

    __slots__ = (
        "account_of",
        "awaited",
        "challenges",
        "failing",
        "failures",
        "find",
        "judge",
        "known",
        "log",
        "rejections",
        "run",
        "threaded",
    )

    def __init__(  # noqa: PLR0917 - one of these is made for each backend of each route, and by nobody else
        self,
        backend: CredentialBackend[object],
        challenges: tuple[tuple[str, ...], tuple[str, ...]],
        known: Known,
        failures: CredentialFailures | None,
        pool: ThreadPool,
        log: SecurityLog,
    ) -> None:
        self.find = backend.find
        self.judge = backend.judge
        self.awaited = call_of(backend.judge) == "async"
        self.failing = () if failures is None else failures.failing
        self.account_of = backend.account
        self.challenges, self.rejections = challenges
        self.threaded = backend.mode == "thread"
        self.known = known
        self.failures = failures
        self.run = pool.run
        self.log = log

    def at_once(self, request: Request) -> None:
        """Where judging may block, or never does."""
        credential = self._found(request)
        if credential is None:
            return
        begun = self._begin(request, credential)
        try:
            settle(request, plain(self.judge, credential), self.rejections)
        except BaseException:
            self._abandon(begun)
            raise
        self._end(request, begun)

    def on_loop(self, request: Request) -> Awaitable[None] | None:
        """On the event loop: judging that may block is left to a thread."""
        credential = self._found(request)
        if credential is None:
            return None
        begun = self._begin(request, credential)
        if self.threaded:
            return self._later(request, begun, self.run(plain, self.judge, credential))
        try:
            outcome = self.judge(credential)
            if not isinstance(outcome, SETTLED):
                return self._later(request, begun, outcome)
            settle(request, outcome, self.rejections)
        except BaseException:
            self._abandon(begun)
            raise
        self._end(request, begun)
        return None

    def ask(self, request: Request) -> Awaitable[Outcome] | None:
        """On the event loop, of credentials that name no account: nothing is held while they are judged, so `take` ends it."""
        if self.known(request):
            return None
        credential = self.find(request)
        if credential is None:
            request.challenges += self.challenges
            return None
        if self.failing:
            cast("CredentialFailures", self.failures).begin(request, None)
        if self.threaded:
            return self.run(plain, self.judge, credential)
        outcome = self.judge(credential)
        if self.awaited or isinstance(outcome, Awaitable):
            return cast("Awaitable[Outcome]", outcome)
        self.take(request, outcome)
        return None

    def take(self, request: Request, outcome: Outcome) -> None:
        """What was asked for is here."""
        if isinstance(outcome, User) and outcome.is_authenticated:
            request.user = outcome
            return
        settle(request, outcome, self.rejections)
        if not request.user.is_authenticated:
            self.log.write("auth-failed", request)
            if self.failures is not None:
                self.failures.failed(request)

    async def _later(self, request: Request, begun: tuple[Count, ...], outcome: Awaitable[Outcome]) -> None:
        try:
            settle(request, await outcome if isinstance(outcome, Awaitable) else outcome, self.rejections)
        except BaseException:
            self._abandon(begun)
            raise
        self._end(request, begun)

    def _found(self, request: Request) -> object:
        """Credentials to be judged; None for none."""
        if self.known(request):
            return None
        credential = self.find(request)
        if credential is None:
            request.challenges += self.challenges
        return credential

    def _begin(self, request: Request, credential: object) -> tuple[Count, ...]:
        return () if self.failures is None else self.failures.begin(request, self.account_of(credential))

    def _abandon(self, begun: tuple[Count, ...]) -> None:
        if self.failures is not None:
            self.failures.end(begun, failed=False)

    def _end(self, request: Request, begun: tuple[Count, ...]) -> None:
        known = request.user.is_authenticated
        if not known:
            self.log.write("auth-failed", request)
        if self.failures is not None:
            if not known:
                self.failures.end(begun, failed=True)
            elif len(begun) > 1:  # the client's own count keeps what it has
                self.failures.succeeded(begun)


SETTLED = (User, AuthResult, type(None))
"""What a backend answers at once; anything else is awaited."""


def question(backend: Backend, known: Known) -> Callable[[Request], Awaitable[None] | None]:
    """A backend that is a function of the request."""
    challenges = () if backend.challenge is None else (backend.challenge,)
    call = backend.call

    def at_once(request: Request) -> None:
        if not known(request):
            settle(request, plain(call, request), challenges)

    async def later(request: Request, outcome: Awaitable[Outcome]) -> None:
        settle(request, await outcome, challenges)

    def on_loop(request: Request) -> Awaitable[None] | None:
        if known(request):
            return None
        outcome = call(request)
        if isinstance(outcome, Awaitable):
            return later(request, outcome)
        settle(request, outcome, challenges)
        return None

    return on_loop if backend.mode == "loop" else at_once


def settle(request: Request, outcome: Outcome, challenges: tuple[str, ...]) -> None:
    """Take what a backend said. Raises TypeError for what is no answer."""
    if isinstance(outcome, AuthResult):
        if outcome.challenge is not None:
            challenges = (outcome.challenge,)
        outcome = outcome.user
    if isinstance(outcome, User):
        request.user = outcome
    elif outcome is not None:
        kind = type(outcome).__name__
        raise TypeError(f"An auth backend answered with {kind}; it gives a User, an AuthResult or None.")
    if not outcome:
        request.challenges += challenges


C = TypeVar("C")


def plain(function: Callable[[C], Outcome | Awaitable[Outcome]], value: C) -> Outcome:
    """Call what answers at once. Raises TypeError for an awaitable, which nobody would await."""
    outcome = function(value)
    if isinstance(outcome, Awaitable):
        raise unawaited(outcome, repr(function))
    return outcome
