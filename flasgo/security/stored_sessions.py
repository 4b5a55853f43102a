"""The stage of sessions that are kept in a store. The Session is the same; its cookie holds no more than an id.

A store answers later, and a Session is looked at without waiting. So a gate loads it, for requests that bring an id; not looked at,
it counts as not touched. Where the store does not answer, the request goes on, and whoever looks at its session, CSRF included, raises
StoreUnavailable (503): a visitor who has a session is never taken for a stranger, and pages that need none are still served.

A session with nothing in it, begun only because a CSRF token hangs on it, stays in a signed cookie: a robot that asks for a form a
million times writes nothing into the store. Only such cookies are believed: nothing of value can be in one that was stolen.
"""

from collections.abc import Awaitable
from time import time

from flasgo.errors import HTTPException, StoreUnavailable
from flasgo.events import SecurityLog, log_failure
from flasgo.http.cookies import DuplicateCookie
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.security.session_keeper import SessionKeeper
from flasgo.security.session_records import ID_LENGTH, Kept, label_of, user_of
from flasgo.security.sessions import FAILED, SessionCodec, Sessions
from flasgo.session import EMPTY, FORGOTTEN, Session, Stored
from flasgo.settings import Settings


class StoredSessions(Sessions):
    """Sessions in a store; `codec` is for those that are empty."""

    def __init__(self, settings: Settings, codec: SessionCodec, keeper: SessionKeeper, *, log: SecurityLog) -> None:
        super().__init__(settings, codec, log=log)
        self.keeper = keeper

    def compile(self, _route: Route | None, /) -> Part:
        return Part(
            (GateStep(self.load, waits=True),),
            commit=self.save,
            commit_waits=True,
            when="request.opened_session is not None",
        )

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (StoreUnavailable,)

    # ── loading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def load(self, request: Request) -> Awaitable[None] | None:
        """Fetch the session whose id the request brings, before anybody looks."""
        try:
            value = request.cookie(self._cookie)
        except DuplicateCookie:
            return None  # told by whoever looks
        return None if value is None or len(value) != ID_LENGTH else self._fetch(request, value)

    async def _fetch(self, request: Request, value: bytes) -> None:
        try:
            request.loaded_session = await self.keeper.load(value) or FORGOTTEN
        except StoreUnavailable as error:
            log_failure("session-store-unavailable", error, request)
            request.loaded_session = error

    def read(self, request: Request, /) -> Stored | None:
        """The session that was loaded, or an empty one out of its cookie. Raises StoreUnavailable."""
        loaded = request.loaded_session
        if isinstance(loaded, StoreUnavailable):
            raise loaded
        if loaded is not None:
            return loaded
        stored = super().read(request)
        return stored if stored is not None and stored.json == EMPTY else None

    # ── saving ──────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, request: Request, response: Response) -> Awaitable[None] | None:
        """Write the session where it has to be. Raises SessionError, Conflict, StoreUnavailable."""
        session = request.opened_session
        if session is None:  # pragma: no cover - `when` has asked; for checkers
            return None
        if session.touched:
            response.vary_by_cookie()
        if isinstance(session.came, Kept) and not session.restarted and not session.rebound:
            session.hold(
                b""
            )  # one that lost its last key is there still, for what another request may put in meanwhile
        stored = session.outcome(failed=response.error_code is not None and response.status_code >= FAILED)
        return None if stored is None else self._save(request, response, session, stored)

    async def _save(self, request: Request, response: Response, session: Session, stored: Stored) -> None:
        kept = session.came if isinstance(session.came, Kept) else None
        if kept is not None and stored.sid == kept.sid:
            await self._write(request, session, kept, stored)
            return
        if session.is_new and stored.json == EMPTY and self.is_hidden(request):
            session.revert()
            return
        try:
            line = await self._new_cookie(request, session, kept, stored)
        except BaseException:
            session.revert()
            raise
        self.send(request, response, session, line)

    async def _write(self, request: Request, session: Session, kept: Kept, stored: Stored) -> None:
        """The id stays, and so does the cookie: it lives as long as the session may at most."""
        if stored.json != kept.json or session.modified:
            await self.keeper.update(kept, stored)
            return
        try:
            await self.keeper.touch(kept)
        except StoreUnavailable as error:  # nothing is lost by it
            log_failure("session-store-unavailable", error, request)

    async def _new_cookie(self, request: Request, session: Session, kept: Kept | None, stored: Stored) -> str:
        """The cookie of a session that begins, ends, or has another id than before."""
        if stored.json == EMPTY:
            if kept is not None:
                await self.keeper.end(kept)
            return self.line(stored, session)
        if kept is None:
            value = await self.keeper.begin(stored, label_of(request.fields.get(b"user-agent", b"")))
        else:
            anew = session.restarted or user_of(stored.json) not in {"", kept.user}
            value = await self.keeper.supersede(kept, stored, anew=anew)
        return self.cookie_line(value.decode("ascii"), max_age=max(1, stored.created + self.absolute - int(time())))
