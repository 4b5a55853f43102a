"""The stage that opens sessions from their cookie and writes them back (OWASP Session Management, ASVS 5.0 §7).

Opening is left to the first look. A session that was looked at makes the response vary by cookie (Flask
CVE-2026-27205). It is written when it changed, when a fallback key had signed it, or when a tenth of its idle lifetime is
gone; never when the request ended in an error.
"""

import logging
from functools import partial
from typing import Literal, Protocol, TypedDict

from flasgo.errors import HTTPException
from flasgo.http.cookies import DuplicateCookie, build_set_cookie, delete_cookie_header
from flasgo.pipeline.stage import Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response, encode_json
from flasgo.session import Session, SessionError, Stored, pack, unpack
from flasgo.settings import Settings
from flasgo.signing import Signer

logger = logging.getLogger("flasgo.security")

MAX_COOKIE_BYTES = 4096
"""What browsers keep of one cookie, its name and attributes included (RFC 6265bis §5.6)."""


class SessionCodec(Protocol):
    """Between a session and the value of its cookie."""

    def read(self, value: bytes, /) -> Stored | None:
        """The session that a cookie's value stands for; None when it is not valid any more."""
        ...

    def write(self, session: Session, json: bytes, /) -> bytes:
        """The cookie's value for a session and its content."""
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
        signed = self.signer.unsign(value, max_age=self.idle)
        if signed is None:
            return None
        renew = signed.outdated or signed.now - signed.issued > self.idle / 10
        stored = unpack(signed.payload, renew=renew)
        return None if stored is None or signed.now - stored.created > self.absolute else stored

    def write(self, session: Session, json: bytes, /) -> bytes:
        return self.signer.sign(pack(json, session.written_sid(), session.created()))


class CookieAttributes(TypedDict):
    secure: bool
    http_only: bool
    same_site: Literal["Lax", "Strict", "None"]


class Sessions:
    """Sessions of one application, by the codec that it uses."""

    def __init__(self, settings: Settings, codec: SessionCodec) -> None:
        self.codec = codec
        secure = settings.SESSION_COOKIE_SECURE
        name = settings.SESSION_COOKIE_NAME
        prefixed = secure and settings.SESSION_COOKIE_PREFIX == "auto" and not name.lower().startswith("__")
        self.name = f"__Host-{name}" if prefixed else name
        self.idle = settings.SESSION_COOKIE_MAX_AGE
        self._attributes: CookieAttributes = {
            "secure": secure,
            "http_only": settings.SESSION_COOKIE_HTTP_ONLY,
            "same_site": settings.SESSION_COOKIE_SAME_SITE,
        }
        self.log = settings.LOG_SECURITY_EVENTS
        self._key = self.name.encode("latin-1") + b"="
        self._part = Part(commit=self.commit, finisher=self.finish, when="opened_session")

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

    def open(self, request: Request) -> Session:
        """The session of a request; nothing is verified before it is looked at."""
        return Session(read=partial(self._read, request))

    def _read(self, request: Request) -> Stored | None:
        try:
            value = request.cookie(self._key)
        except DuplicateCookie:
            # Which of them is ours cannot be told: another application of the domain may have set one (CVE-2023-23934).
            if self.log:
                logger.warning("session-cookie-repeated method=%s client=%s", request.method[:20], request.client_ip)
            return None
        return None if value is None else self.codec.read(value)

    def commit(self, request: Request, response: Response) -> None:
        """Write the session where it has to be. Raises SessionError for one that a browser could not keep."""
        session = request.opened_session
        if session is None or not session.touched or response.error_code is not None:
            return
        json, stored = session.json(), session.stored
        if json == b"{}":
            if stored is not None:
                response.raw.append((b"set-cookie", self._deletion()))
        elif session.differs(json) or (stored is not None and stored.renew):
            response.raw.append((b"set-cookie", self._cookie(session, json)))

    def finish(self, request: Request, response: Response) -> None:
        """Say that the response varies by cookie, and keep it out of shared caches, if the session was looked at."""
        session = request.opened_session
        if session is not None and session.touched:
            response.vary_by_cookie()

    def _cookie(self, session: Session, json: bytes) -> bytes:
        value = self.codec.write(session, json).decode("ascii")
        try:
            line = build_set_cookie(self.name, value, **self._attributes, max_age=self.idle)
        except ValueError as error:
            largest = max(session, key=lambda key: len(encode_json(session[key])))
            raise SessionError(
                f"The session does not fit into a cookie of {MAX_COOKIE_BYTES} bytes; its largest key is {largest!r}. "
                "Keep large things elsewhere, and their ids in the session."
            ) from error
        return line.encode("latin-1")

    def _deletion(self) -> bytes:
        return delete_cookie_header(self.name, **self._attributes).encode("latin-1")
