"""The stage that opens sessions from their cookie and writes them back (OWASP Session Management, ASVS 5.0 §7).

Opening is left to the first look. A session that was looked at makes the response vary by cookie, and keeps it out of
caches (Flask CVE-2026-27205). It is written when it changed, when a fallback key had signed it, or when a tenth of its
idle lifetime is gone; never when the request ended in an error.
"""

from time import time
from typing import Literal, Protocol, TypedDict

from msgspec.structs import replace

from flasgo.errors import HTTPException
from flasgo.events import SecurityLog
from flasgo.http.cookies import MAX_COOKIE_BYTES, DuplicateCookie, build_set_cookie, delete_cookie_header
from flasgo.pipeline.stage import Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response, encode_json
from flasgo.session import EMPTY, FORGOTTEN, Session, SessionError, Stored, unpack
from flasgo.settings import Settings
from flasgo.signing import Signer

FAILED = 400
"""The statuses from here on are errors (RFC 9110 §15.5)."""

MAX_REMEMBERED = 1024
MAX_REMEMBERED_BYTES = 2048
"""How many Cookie headers, and up to what length, are remembered with their session: a visitor sends the same one with every request."""

YOUNG = 0.1
"""The part of its idle lifetime after which a session is written again."""


class SessionCodec(Protocol):
    """Between a session and the value of its cookie."""

    def read(self, value: bytes, /) -> Stored | None:
        """The session that a cookie's value stands for; None when it is not valid any more."""
        ...

    def write(self, stored: Stored, /) -> bytes:
        """The cookie's value for a session."""
        ...


class SignedCookie:
    """The codec that keeps the whole session in the cookie, signed.

    `idle` and `absolute` are lifetimes in seconds: since it was last issued, and since it began.
    """

    def __init__(self, signer: Signer, *, idle: int, absolute: int) -> None:
        self.signer = signer
        self.idle = idle
        self.absolute = absolute

    def read(self, value: bytes, /) -> Stored | None:
        signed = self.signer.unsign(value)
        stored = None if signed is None else unpack(signed.payload, issued=signed.issued, renew=signed.outdated)
        if stored is None:
            return None
        now = time()
        age = now - stored.issued
        if age > self.idle or now - stored.created > self.absolute:
            return None
        return replace(stored, renew=True) if age > self.idle * YOUNG else stored

    def write(self, stored: Stored, /) -> bytes:
        return self.signer.sign(stored.pack())


class CookieAttributes(TypedDict):
    secure: bool
    http_only: bool
    same_site: Literal["Lax", "Strict", "None"]


class Sessions:
    """Sessions of one application, by the codec that it uses."""

    def __init__(self, settings: Settings, codec: SessionCodec, *, log: SecurityLog) -> None:
        self.codec = codec
        self.log = log
        self.name = settings.session_cookie_name
        self.idle = settings.SESSION_COOKIE_MAX_AGE
        self.absolute = settings.SESSION_ABSOLUTE_MAX_AGE
        self._attributes: CookieAttributes = {
            "secure": settings.SESSION_COOKIE_SECURE,
            "http_only": settings.SESSION_COOKIE_HTTP_ONLY,
            "same_site": settings.SESSION_COOKIE_SAME_SITE,
        }
        self._cookie = self.name.encode("latin-1")
        self._young: dict[bytes, tuple[Stored, float]] = {}
        self._part = Part(commit=self.commit, when="request.opened_session is not None")

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

    def read(self, request: Request, /) -> Stored | None:
        """The session that a request brought, if it is valid."""
        header = b"" if request.repeats or b"cookie" not in request.fields else request.fields[b"cookie"]
        if header in self._young:
            stored, until = self._young[header]
            if time() <= until:
                return stored
        try:
            value = request.cookie(self._cookie)
        except DuplicateCookie:
            # Which of them is ours cannot be told: another application of the domain may have set one (CVE-2023-23934).
            self.log.write("session-cookie-repeated", request)
            return None
        found = None if value is None else self.codec.read(value)
        if found is not None and header and not found.renew and len(header) <= MAX_REMEMBERED_BYTES:
            if len(self._young) >= MAX_REMEMBERED:
                self._young.clear()
            self._young[header] = found, min(found.issued + self.idle * YOUNG, found.created + self.absolute)
        return found

    def commit(self, request: Request, response: Response) -> None:
        """Write the session where it has to be. Raises SessionError for one that a browser could not keep."""
        session = request.opened_session
        if session is None:  # pragma: no cover - `when` has asked; for checkers
            return
        if session.touched:
            response.vary_by_cookie()
        stored = session.outcome(failed=response.error_code is not None and response.status_code >= FAILED)
        if stored is None:
            return
        try:
            line = self.line(stored, session)
        except SessionError:
            session.revert()
            raise
        if session.is_new and stored.json == EMPTY and self.is_hidden(request):
            session.revert()
            return
        self.send(request, response, session, line)

    @staticmethod
    def send(request: Request, response: Response, session: Session, line: str) -> None:
        response.raw.append((b"set-cookie", line.encode("latin-1")))
        response.vary_by_cookie()
        if session.rebound and request.csrf_due is None:
            request.csrf_due = "rebound"

    def is_hidden(self, request: Request) -> bool:
        """May the visitor have a session that the browser did not send, which a new one would replace?"""
        return self._attributes["same_site"] == "Strict" and request.fields.get(b"sec-fetch-site") == b"cross-site"

    def line(self, stored: Stored, session: Session) -> str:
        """The Set-Cookie line. It lives as long as the session could without being renewed."""
        if stored is FORGOTTEN:
            return delete_cookie_header(self.name, **self._attributes)
        value = self.codec.write(stored).decode("ascii")
        left = min(self.idle, stored.created + self.absolute - int(time()))
        try:
            return self.cookie_line(value, max_age=left)
        except ValueError as error:
            largest = max(session, key=lambda key: len(encode_json(session[key])))
            raise SessionError(
                f"The session does not fit into a cookie of {MAX_COOKIE_BYTES} bytes; its largest key is {largest[:64]!r}. "
                "Keep large things elsewhere, and their ids in the session."
            ) from error

    def cookie_line(self, value: str, *, max_age: int) -> str:
        """The Set-Cookie line of a value that lives for `max_age` seconds. Raises ValueError for one that is too long."""
        return build_set_cookie(self.name, value, **self._attributes, max_age=max_age)
