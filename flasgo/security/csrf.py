"""CSRF: signed, session-bound double submit, with Fetch Metadata and Origin (OWASP CSRF cheat sheet).

    raw      = nonce (16) | HMAC(key, len(sid) | sid | nonce) (32)
    cookie   = base64url(raw)
    token    = base64url(mask | raw xor mask), another one each time (BREACH); the cookie's own value is taken, too

The check stands before any work of an unsafe method: Sec-Fetch-Site, then Origin or Referer, then cookie and token, which must
be the same, and of the session that the request carries. Whatever is malformed or repeated is refused.
"""

import logging
import secrets
from collections.abc import Awaitable
from hmac import compare_digest
from typing import TypeAlias

from flasgo.errors import CSRFFailed, HTTPException
from flasgo.http.cookies import DuplicateCookie, build_set_cookie
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.security.origins import Origins, own_origin, parse_origin, referring_origin
from flasgo.settings import Settings
from flasgo.signing import Signer, decode_base64url, encode_base64url

logger = logging.getLogger("flasgo.security")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that ask for nothing to be changed (RFC 9110 §9.2.1)."""

NONCE_BYTES = 16
RAW_BYTES = 48
COOKIE_BYTES = 64
FIELD = "csrf_token"

MAX_REMEMBERED = 1024
"""Senders that were found right and are remembered; they are a client's words, so there is an end to it."""

LENGTHS = tuple(bytes((length,)) for length in range(256))
"""One byte that says a length: it stands before the sid in what is signed."""

Sender: TypeAlias = tuple[bytes | None, bytes | None, bytes | None, str | None]
"""Origin, Sec-Fetch-Site, Host and scheme of a request."""

PAGE_METHODS = frozenset({"GET", "HEAD"})
OWN_SITES = frozenset({b"same-origin", b"none"})
"""What Sec-Fetch-Site says of a request from this origin, and of one that the user began (W3C Fetch Metadata §2.3)."""

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
TOKEN_REASONS = frozenset({"no-cookie", "wrong-token", "foreign-token"})
"""Refusals after which the client is given a fresh cookie, so that its next try can succeed."""


def mask(raw: bytes) -> bytes:
    """A token that stands for `raw` and never looks the same twice (BREACH, CVE-2013-3587)."""
    pad = secrets.token_bytes(RAW_BYTES)
    return encode_base64url(pad + _xor(pad, raw))


def unmask(token: bytes) -> bytes | None:
    """What a masked token stands for, or the cookie's own value decoded; None for anything else."""
    if len(token) not in {COOKIE_BYTES, 2 * COOKIE_BYTES}:
        return None
    decoded = decode_base64url(token)
    if decoded is None or len(decoded) == RAW_BYTES:
        return decoded
    return _xor(decoded[:RAW_BYTES], decoded[RAW_BYTES:])


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(RAW_BYTES, "big")


class CSRF:
    """The stage that checks unsafe requests, and gives out the tokens.

    `protects` says whether a route is checked. `issues` says that the application has any route that is, so that pages
    are given the cookie that their forms will need.
    """

    def __init__(self, settings: Settings, *, issues: bool) -> None:
        self.signer = Signer((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), "csrf")
        self.cookie = settings.CSRF_COOKIE_NAME
        self.header = settings.CSRF_HEADER_NAME.lower().encode("latin-1")
        self._key = self.cookie.encode("latin-1") + b"="
        line = build_set_cookie(self.cookie, "VALUE", secure=settings.CSRF_COOKIE_SECURE, http_only=False).encode(
            "latin-1"
        )
        self._before, _, self._after = line.partition(b"VALUE")
        self.check_origin = settings.CSRF_CHECK_ORIGIN
        self.require_origin = settings.CSRF_REQUIRE_ORIGIN
        self.log = settings.LOG_SECURITY_EVENTS
        self.origins = Origins(settings.CSRF_TRUSTED_ORIGINS)
        self.issues = issues
        self._known: set[Sender] = set()

    def compile(self, route: Route | None, /) -> Part | None:
        gates = (GateStep(self.check, waits=True),) if route is not None and self.protects(route) else ()
        # An application without a protected route has nothing to say by itself: only where a token was asked for.
        return Part(gates, finisher=self.finish, when=None if self.issues else "csrf_wanted")

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (CSRFFailed,) if route is not None and self.protects(route) else ()

    @staticmethod
    def protects(route: Route) -> bool:
        return route.csrf and not route.methods <= SAFE_METHODS

    # ── the check ───────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, request: Request) -> Awaitable[None] | None:
        """Raise CSRFFailed unless the request comes from a page of ours; awaits the body only for a token inside it."""
        scope, fields = request.scope, request.fields
        if scope["method"] in SAFE_METHODS:
            return None
        if len(fields) != len(scope["headers"]):
            self._refuse_repeats(request)
        if self.check_origin:
            sender = (fields.get(b"origin"), fields.get(b"sec-fetch-site"), fields.get(b"host"), scope.get("scheme"))
            if sender not in self._known:
                self._check_origin(request, sender)
        if self.header in fields:
            self._check_token(request, fields[self.header])
            return None
        if b"x-csrftoken" in fields:
            self._check_token(request, fields[b"x-csrftoken"])
            return None
        return self._check_form(request)

    def _refuse_repeats(self, request: Request) -> None:
        once = (b"origin", b"sec-fetch-site", b"referer", self.header, b"x-csrftoken")
        names = [name for name, _ in request.scope["headers"]]
        if any(names.count(name) > 1 for name in once):
            raise self._failed(request, "repeated-header")

    def _check_origin(self, request: Request, sender: Sender) -> None:
        """Where the browser says that the request comes from; a sender found right is known from then on."""
        origin, site, _, _ = sender
        referer = request.fields.get(b"referer") if origin is None else None
        if origin is not None:
            known = parse_origin(origin)
        else:
            known = None if referer is None else referring_origin(referer)
        trusted = known is not None and self.origins.trusts(known)
        if site is not None and site not in OWN_SITES and not trusted:
            raise self._failed(request, "cross-site")
        if origin is None and referer is None:
            if site is None and self.require_origin:
                raise self._failed(request, "no-origin")
        elif not trusted and (known is None or known != own_origin(request)):
            raise self._failed(request, "foreign-origin")
        if origin is not None and len(self._known) < MAX_REMEMBERED:
            self._known.add(sender)

    async def _check_form(self, request: Request) -> None:
        """The token as a field of a form: read with the whole body, which the handler gets from the same place."""
        kind = request.content_type
        if kind not in FORM_TYPES:
            raise self._failed(request, "no-token")
        form = await request.form()
        values = form.getlist(FIELD)
        if len(values) != 1:
            raise self._failed(request, "no-token")
        self._check_token(request, values[0].encode("utf-8", "replace"))

    def _check_token(self, request: Request, token: bytes) -> None:
        cookie = self._cookie_of(request)
        if cookie is None:
            raise self._failed(request, "no-cookie")
        raw = unmask(token)
        if raw is None or not compare_digest(raw, cookie):
            raise self._failed(request, "wrong-token")
        if not self._is_of_session(cookie, request.session.sid):
            raise self._failed(request, "foreign-token")
        request.csrf_raw = cookie

    def _cookie_of(self, request: Request) -> bytes | None:
        """The raw token of the cookie; None when there is none, several, or a malformed one."""
        try:
            value = request.cookie(self._key)
        except DuplicateCookie:
            return None
        return decode_base64url(value) if value is not None and len(value) == COOKIE_BYTES else None

    def _is_of_session(self, raw: bytes, sid: bytes) -> bool:
        message, mac = LENGTHS[len(sid)] + sid + raw[:NONCE_BYTES], raw[NONCE_BYTES:]
        keys = self.signer.keys
        if compare_digest(keys[0].mac(message), mac):
            return True
        return any(compare_digest(key.mac(message), mac) for key in keys[1:])

    def _failed(self, request: Request, reason: str) -> CSRFFailed:
        request.csrf_wanted = reason in TOKEN_REASONS or None
        if self.log:
            logger.warning(
                "csrf-check-failed reason=%s method=%s path=%r client=%s",
                reason,
                request.method[:20],
                request.path[:512],
                request.client_ip,
            )
        return CSRFFailed(
            "This request needs matching CSRF cookie and header values. Read the token from the cookie "
            f"{self.cookie!r} and send it in the header {self.header.decode('latin-1')!r} or the form field {FIELD!r}, "
            "from a page of this site."
        )

    # ── giving out tokens ───────────────────────────────────────────────────────────────────────────────────────

    def token(self, request: Request) -> str:
        """A masked token for a page or an API's client; the response will carry the cookie that it matches."""
        request.csrf_wanted = True
        return mask(self._current(request)).decode("ascii")

    def _current(self, request: Request) -> bytes:
        """The raw token that this request's response stands for: the visitor's own, as long as it is of the session."""
        sid = request.session.written_sid() if request.session.modified else request.session.sid
        raw = request.csrf_raw
        if raw is None or not self._is_of_session(raw, sid):
            raw = self._cookie_of(request)
            if raw is None or not self._is_of_session(raw, sid):
                nonce = secrets.token_bytes(NONCE_BYTES)
                raw = nonce + self.signer.keys[0].mac(LENGTHS[len(sid)] + sid + nonce)
            request.csrf_raw = raw
        return raw

    def finish(self, request: Request, response: Response) -> None:
        """Set the cookie where a token was asked for, was refused, or will be needed by a page that has none."""
        if request.csrf_wanted is None and not self._is_needed(request, response):
            return
        raw = self._current(request)
        if raw != self._cookie_of(request):
            response.raw.append((b"set-cookie", self._before + encode_base64url(raw) + self._after))
        response.vary_by_cookie()

    def _is_needed(self, request: Request, response: Response) -> bool:
        session, fields = request.opened_session, request.fields
        if session is not None and session.rebound:
            return self.issues
        # Whether some cookie of another name ends so, too, does not matter: asking for a token brings the cookie in any case.
        if not self.issues or (b"cookie" in fields and self._key in fields[b"cookie"]):
            return False
        return not response.allow_public_cache and request.scope["method"] in PAGE_METHODS
