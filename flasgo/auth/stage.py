"""The stage that finds out who is asking, and whether he may.

Compiled for each route into the steps that it needs, in their order: the backends until one knows the user, the permissions,
the class of user that the handler takes. A route that asks for nothing has none.

    inline    on the loop, at once: what is built in
    loop      on the loop, awaited where there is something to await: coroutine functions
    thread    in the pool: plain functions of the user's, which may block; they share the hop of a plain handler

Before a step that costs something, credentials that failed too often are refused (failures.py).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias, cast

from msgspec import Struct

from flasgo.auth.attempts import Attempt, is_known, is_stranger, question
from flasgo.auth.denial import deny
from flasgo.auth.failures import CredentialFailures
from flasgo.auth.model import Backend, CredentialBackend
from flasgo.auth.permissions import BUILT_IN, AllowAny, Check, IsAuthenticated, Mode, checked_plain, compile_check
from flasgo.auth.registry import Policies, Wanted, from_hooks
from flasgo.auth.tokens import BearerBackend
from flasgo.errors import Forbidden, HTTPException, MalformedRequest, TooManyRequests, Unauthorized
from flasgo.events import SecurityLog, log_failure
from flasgo.identity import User
from flasgo.pipeline.chain import generate
from flasgo.pipeline.stage import GateStep, Part, Step, Then, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.access import AnyPermission
from flasgo.plan.documents import Secured
from flasgo.plan.model import Route
from flasgo.request import Request

Act: TypeAlias = Callable[[Request], Awaitable[object] | None]


class Move(Struct, frozen=True):
    """One thing to do, and where; `when` and `then` are those of a GateStep."""

    mode: Mode
    act: Act
    when: str | None = None
    then: Then | None = None


class Authentication:
    """See above."""

    def __init__(
        self, policies: Policies, failures: CredentialFailures | None, pool: ThreadPool, *, log: SecurityLog
    ) -> None:
        self.policies = policies
        self.failures = failures
        self.pool = pool
        self.log = log

    def compile(self, route: Route | None, /) -> Part | None:
        wanted = self.policies.nowhere if route is None else self.policies.wanted(route)
        if wanted is None:
            return None
        login_url = next((backend.login_url for backend in wanted.backends if backend.login_url), None)
        bearer = next((b.call for b in wanted.backends if isinstance(b.call, BearerBackend)), None)
        weak = None if bearer is None else partial(bearer.insufficient, scopes=wanted.scopes)
        refuse = partial(deny, log=self.log, login_url=login_url, weak=weak)
        hops = route is not None and route.plan.call == "sync" and route.threaded
        moves = [Move("inline", _refuse_repeats, when="request.repeats")]
        for number, backend in enumerate(wanted.backends):
            if backend.call is not from_hooks:
                moves.append(self._attempt(backend, first=number == 0, hops=hops))
        moves += [self._permission(one, refuse) for one in wanted.permissions if not isinstance(one, AllowAny)]
        if wanted.users:
            moves.append(Move("inline", _of_class(wanted.users, refuse)))
        return Part(tuple(_steps(moves)))

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        wanted = None if route is None else self.policies.wanted(route)
        if wanted is None:
            return ()
        kinds: list[type[HTTPException]] = [MalformedRequest]
        if not wanted.open:
            kinds.append(Unauthorized)
        if _can_forbid(wanted):
            kinds.append(Forbidden)
        if self.failures is not None and any(backend.counts for backend in wanted.backends):
            kinds.append(TooManyRequests)
        return tuple(kinds)

    def secured(self, route: Route, /) -> Secured | None:
        wanted = self.policies.wanted(route)
        return None if wanted is None else wanted.secured

    # ── who is it ───────────────────────────────────────────────────────────────────────────────────────────────

    def _attempt(self, backend: Backend, *, first: bool, hops: bool) -> Move:
        known = is_stranger if first else is_known
        credentials = backend.credentials
        if credentials is None:
            return Move(backend.mode, question(backend, known))
        attempt = Attempt(
            credentials,
            backend.challenges,
            known,
            self.failures if backend.counts else None,
            self.pool,
            self.log,
        )
        if backend.mode == "inline" or (backend.mode == "thread" and hops):
            return Move(backend.mode, attempt.at_once)
        if type(credentials).account is CredentialBackend.account:  # nothing is held while it is judged
            return Move("loop", attempt.ask, then=attempt.take)
        return Move("loop", attempt.on_loop)

    # ── may he ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _permission(self, permission: AnyPermission, refuse: Callable[[Request], None]) -> Move:
        if type(permission) is IsAuthenticated:
            return Move("inline", refuse, when="not request.user.is_authenticated")
        check = compile_check(permission, self.pool)
        if check.mode == "inline" and type(permission) in BUILT_IN:  # nothing there that could go wrong
            holds = check.call
            return Move("inline", lambda request: None if holds(request, request.user) else refuse(request))
        if check.mode == "loop":
            return Move("loop", self._asked_on_loop(check, refuse))

        def act(request: Request) -> None:
            try:
                allowed = checked_plain(check.call, request, request.user)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - whatever goes wrong in a permission lets nobody in
                allowed = self._failed(request, error)
            if not allowed:
                refuse(request)

        return Move(check.mode, act)

    def _asked_on_loop(self, check: Check, refuse: Callable[[Request], None]) -> Act:
        async def act(request: Request) -> None:
            try:
                verdict = check.call(request, request.user)
                allowed = bool(await verdict if isinstance(verdict, Awaitable) else verdict)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - whatever goes wrong in a permission lets nobody in
                allowed = self._failed(request, error)
            if not allowed:
                refuse(request)

        return act

    def _failed(self, request: Request, error: Exception) -> bool:
        self.log.write("permission-check-error", request)
        log_failure("permission-check-error", error, request)
        return False


def _can_forbid(wanted: Wanted) -> bool:
    others = (p for p in wanted.permissions if not isinstance(p, (AllowAny, IsAuthenticated)))
    return next(others, None) is not None or any(kind is not User for kind in wanted.users)


def _refuse_repeats(request: Request) -> None:
    """Two Authorization fields are two claims, and every reader of them may believe another (RFC 9110 §5.3)."""
    if sum(name == b"authorization" for name, _ in request.scope["headers"]) > 1:
        raise MalformedRequest("Send one Authorization header.")


def _of_class(kinds: Sequence[type[User]], refuse: Callable[[Request], None]) -> Act:
    def act(request: Request) -> None:
        user = request.user
        if not user.is_authenticated or not all(isinstance(user, kind) for kind in kinds):
            refuse(request)

    return act


# ── joining them ────────────────────────────────────────────────────────────────────────────────────────────────────


def _steps(moves: Sequence[Move]) -> list[Step]:
    """The moves as steps. What is inline after work in a thread is done there, so that no hop is broken in two."""
    steps: list[Step] = []
    work: list[Move] = []

    def flush() -> None:
        if work:
            steps.append(WorkStep(_joined(work)))
            work.clear()

    for move in moves:
        if move.mode == "thread" or (move.mode == "inline" and work):
            work.append(move)
        else:
            flush()
            steps.append(GateStep(move.act, waits=move.mode == "loop", when=move.when, then=move.then))
    flush()
    return steps


def _joined(moves: Sequence[Move]) -> Callable[[Request], None]:
    """Several calls as one function of straight lines."""
    if len(moves) == 1:
        return cast("Callable[[Request], None]", moves[0].act)
    names: dict[str, object] = {f"act{number}": move.act for number, move in enumerate(moves)}
    lines = [
        f"{'' if move.when is None else f'if {move.when}: '}act{number}(request)" for number, move in enumerate(moves)
    ]
    return cast("Callable[[Request], None]", generate("def acts(request):", lines, names))
