"""What a backend is: something that says whose request this is."""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from msgspec import Struct

from flasgo.auth.permissions import Mode
from flasgo.identity import User
from flasgo.plan.documents import SecurityScheme
from flasgo.plan.model import Endpoint
from flasgo.plan.signature import call_of
from flasgo.request import Request

C = TypeVar("C")


class AuthResult(Struct, frozen=True):
    """What a backend may answer instead of a user or None; `challenge` is for the WWW-Authenticate header of a 401."""

    user: User | None = None
    challenge: str | None = None


Outcome: TypeAlias = User | AuthResult | None


class AuthBackend(Protocol):
    """Says whose request this is: a user, or None where it cannot tell or does not believe.

    Any function of a Request is one; a coroutine function runs on the event loop, a plain one may block and runs in a
    thread. One that raises is the application's mistake, logged and answered with 500.
    """

    def __call__(self, request: Request, /) -> Outcome | Awaitable[Outcome]: ...


class CredentialBackend(Generic[C]):
    """A backend in two halves: what the request carries is found at once, whether it is good may take time.

    `challenge` is what a 401 asks for (RFC 9110 §11.6.1). `ambient` says that browsers send such credentials by themselves,
    whoever made them send the request: then CSRF must be checked. `scheme` is for the OpenAPI document. `counts` says that
    bad credentials count, and that after too many of them nothing is looked at any more (SECURITY-DESIGN §8). `mode` says
    where `judge` runs.
    """

    login_url: str | None = None
    """Where a page's visitor is sent instead of being told 401."""

    def __init__(
        self,
        judge: Callable[[C], Outcome | Awaitable[Outcome]],
        *,
        challenge: str | None,
        scheme: SecurityScheme | None,
        mode: Mode,
        ambient: bool,
        counts: bool = True,
    ) -> None:
        self.judge = judge
        self.ambient = ambient
        self.counts = counts
        self.challenge = challenge
        self.scheme = scheme
        self.mode: Mode = mode

    @property
    def rejection(self) -> str | None:
        """What a 401 asks for where credentials were sent and not believed."""
        return self.challenge

    def find(self, request: Request, /) -> C | None:
        """What the request carries, believed by nobody yet."""
        raise NotImplementedError

    def account(self, _credential: C, /) -> str | None:
        """Whose it claims to be; None where it does not say."""
        return None

    def __call__(self, request: Request, /) -> Outcome | Awaitable[Outcome]:
        credential = self.find(request)
        if credential is None:
            return AuthResult(challenge=self.challenge)
        outcome = self.judge(credential)
        return self._later(outcome) if isinstance(outcome, Awaitable) else self._result(outcome)

    async def _later(self, outcome: Awaitable[Outcome]) -> Outcome:
        return self._result(await outcome)

    def _result(self, outcome: Outcome) -> Outcome:
        return AuthResult(challenge=self.challenge) if outcome is None else outcome


def mode_of(function: Endpoint) -> Mode:
    """Where a function of the user's runs: a plain one may block."""
    return "thread" if call_of(function) == "sync" else "loop"


class Backend(Struct, frozen=True):
    """A backend as it is registered, under a name."""

    name: str
    call: AuthBackend
    mode: Mode
    challenge: str | None = None
    ambient: bool = True
    scheme: SecurityScheme | None = None
    login_url: str | None = None

    @property
    def credentials(self) -> CredentialBackend[object] | None:
        return cast("CredentialBackend[object]", self.call) if isinstance(self.call, CredentialBackend) else None

    @property
    def challenges(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What a 401 asks for: where nothing was sent, and where what was sent is not believed."""
        if self.challenge is None:
            return (), ()
        own = self.credentials
        rejection = own.rejection if own is not None and self.challenge == own.challenge else None
        return (self.challenge,), (rejection or self.challenge,)

    @property
    def counts(self) -> bool:
        return self.credentials is not None and self.credentials.counts
