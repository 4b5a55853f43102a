"""CSRF: signed, session-bound double submit, with Fetch Metadata and Origin (OWASP CSRF cheat sheet).

    raw      = nonce (16) | HMAC(key, len(owner) | owner | nonce) (32)
    cookie   = base64url(raw)
    token    = base64url(mask | raw xor mask), another one each time (BREACH); the cookie's own value is taken, too

The check stands before any work of an unsafe method: Sec-Fetch-Site, then Origin or Referer, then cookie and token, which
must be the same, and of the session that the request carries. Whatever is malformed or repeated is refused.

The owner is the session's `sid`, and empty for a visitor without a session. Asking for a token begins a session, so that the token
stays good whatever is put into the session later, in this request or another. Its `sid` is then the fresh nonce itself, and
the owner stays empty: such a token is good with the session and without it. Nobody can make that of a token of his own,
since no session ever begins with a nonce that came from a request.
"""

import secrets
from collections.abc import Awaitable, Mapping
from functools import partial
from hmac import compare_digest
from typing import Literal, TypeAlias, TypeVar

from flasgo.errors import BadRequest, CSRFFailed, HTTPException, StoreUnavailable
from flasgo.events import SecurityLog
from flasgo.http.cookies import DuplicateCookie, build_set_cookie
from flasgo.http.forms import CSRF_FIELD as FIELD
from flasgo.pipeline.stage import Gate, GateStep, Part
from flasgo.plan.access import Policy, is_for_clients
from flasgo.plan.files import StaticFolder
from flasgo.plan.headers import Cache
from flasgo.plan.model import SAFE_METHODS, Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.security.origins import Origins, own_origin, parse_origin, referring_origin
from flasgo.settings import Settings
from flasgo.signing import Signer, decode_base64url, encode_base64url

PAGE_METHODS = frozenset({"GET", "HEAD"})
"""Methods whose responses are given the cookie; OPTIONS may be a preflight."""

NONCE_BYTES = 16
RAW_BYTES = 48
COOKIE_BYTES = 64
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

MAX_REMEMBERED = 1024
MAX_REMEMBERED_BYTES = 2048
"""How many senders, how many tokens with the Cookie fields (up to what length) they came with, and how many Cookie fields that have
the cookie are remembered: a page sends the same with each of its requests. They come from clients, so there is an end to it.
"""

MASKED_BITS = 8 * RAW_BYTES
LOW_HALF = (1 << MASKED_BITS) - 1

OWN_SITES = frozenset({b"same-origin", b"none"})
"""What Sec-Fetch-Site says of a request from this origin, and of one that the user began (W3C Fetch Metadata §2.3)."""

T = TypeVar("T")
Sender: TypeAlias = tuple[bytes | None, bytes | None, bytes | None, str]
"""Origin, Sec-Fetch-Site, Host and scheme of a request."""

Reason: TypeAlias = Literal[
    "repeated-header", "cross-site", "no-origin", "foreign-origin",
    "no-token", "no-cookie", "two-cookies", "foreign-cookie", "wrong-token",
]  # fmt: skip
TOKEN_REASONS = frozenset({"no-token", "no-cookie", "foreign-cookie", "wrong-token"})
"""Refusals after which the client is given the cookie that it should have, so that its next try can succeed."""


def mask(raw: bytes) -> bytes:
    """A token that stands for `raw` and never looks the same twice (BREACH, CVE-2013-3587)."""
    pad = secrets.randbits(MASKED_BITS)
    both = (pad << MASKED_BITS) | (pad ^ int.from_bytes(raw, "big"))
    return encode_base64url(both.to_bytes(2 * RAW_BYTES, "big"))


def unmask(token: bytes) -> bytes:
    """What a masked token stands for, or the cookie's own value decoded; empty for anything else."""
    size = len(token)
    if size != 2 * COOKIE_BYTES:
        return (decode_base64url(token) if size == COOKIE_BYTES else None) or b""
    decoded = decode_base64url(token)
    if decoded is None:
        return b""
    both = int.from_bytes(decoded, "big")
    return ((both >> MASKED_BITS) ^ (both & LOW_HALF)).to_bytes(RAW_BYTES, "big")


def _remember(known: set[T], what: T) -> None:
    if len(known) >= MAX_REMEMBERED:
        known.clear()
    known.add(what)


class CSRF:
    """The stage that checks unsafe requests, and gives out the tokens.

    `protects` says whether a route is checked. `issues` says that the application has any route that is, so that pages
    are given the cookie that their forms will need.
    """

    def __init__(self, settings: Settings, *, issues: bool, log: SecurityLog) -> None:
        self.signer = Signer((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), "csrf")
        self.cookie = settings.CSRF_COOKIE_NAME
        self.header = settings.CSRF_HEADER_NAME.lower().encode("latin-1")
        self.origins = Origins(settings.CSRF_TRUSTED_ORIGINS)
        self.check_origin = settings.CSRF_CHECK_ORIGIN
        self.require_origin = settings.CSRF_REQUIRE_ORIGIN
        self.log = log
        self.issues = issues
        session = settings.session_cookie_name.encode("latin-1") + b"="
        remember = settings.REMEMBER_COOKIE_NAME.encode("latin-1") + b"="  # whatever prefix it has
        self._by_login = partial(self.check_with_login, (session,))
        self._by_ambient_login = partial(self.check_with_login, (session, remember))
        self._name = self.cookie.encode("latin-1")
        self._key = self._name + b"="
        line = build_set_cookie(self.cookie, "", secure=settings.CSRF_COOKIE_SECURE, http_only=False)
        self._attributes = line.encode("latin-1").removeprefix(self._key)
        # Whether some cookie of another name ends so, too, does not matter: asking for a token brings the cookie in any case.
        lacking = 'fields.get(b"cookie") not in csrf_bearers and is_without_csrf(fields)'
        self._due = {False: "request.csrf_due", True: f"request.csrf_due or {lacking}"}
        self._bearers: set[bytes] = set()
        self._parts: dict[tuple[Gate | None, bool], Part] = {}
        self._good_senders: set[Sender] = set()
        self._good_tokens: set[tuple[bytes, bytes, bytes]] = set()

    def compile(self, route: Route | None, /) -> Part | None:
        if route is not None and route.option(StaticFolder) is not None:
            return None  # everyone gets the same, and only by GET
        # An application without a protected route has nothing to say by itself: only where a token was asked for.
        # Nor does a route whose answers shared caches may keep: a cookie would be everybody's, or forbid the keeping.
        cache = None if route is None else route.option(Cache)
        public = cache is not None and cache.public
        issues = self.issues and not public and not (route is not None and is_for_clients(route))
        gate = self._check_for(route) if route is not None and self.protects(route) else None
        return self._part(gate, issues=issues)

    def _part(self, gate: Gate | None, *, issues: bool) -> Part:
        """One part for all routes alike."""
        if (gate, issues) not in self._parts:
            gates = () if gate is None else (GateStep(gate, waits=True),)
            names = {"csrf_bearers": self._bearers, "is_without_csrf": self.is_without} if issues else {}
            self._parts[gate, issues] = Part(gates, finisher=self.finish, when=self._due[issues], names=names)
        return self._parts[gate, issues]

    def is_without(self, fields: Mapping[bytes, bytes]) -> bool:
        """Is there no cookie of this kind? A Cookie field that has one is remembered: most visitors send theirs again and again."""
        sent = fields.get(b"cookie", b"")
        if self._key not in sent:
            return True
        if len(sent) <= MAX_REMEMBERED_BYTES:
            _remember(self._bearers, sent)
        return False

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (CSRFFailed,) if route is not None and self.protects(route) else ()

    @staticmethod
    def protects(route: Route) -> bool:
        return route.csrf and not route.methods <= SAFE_METHODS

    @classmethod
    def issues_for(cls, route: Route) -> bool:
        """Will pages need a token for this route?"""
        return cls.protects(route) and not is_for_clients(route)

    def _check_for(self, route: Route) -> Gate:
        policy = route.option(Policy)
        if policy is None or (policy.ambient and not policy.by_login):
            return self.check
        return self._by_ambient_login if policy.ambient else self._by_login

    # ── the check ───────────────────────────────────────────────────────────────────────────────────────────────

    def check_with_login(self, cookies: tuple[bytes, ...], request: Request) -> Awaitable[None] | None:
        """As `check`, for routes that believe nothing else which a browser sends by itself: only where one of these is sent."""
        headers = request.scope["headers"] if request.repeats else request.fields.items()
        for name, value in headers:
            if name == b"cookie" and any(value.find(cookie) >= 0 for cookie in cookies):
                return self.check(request)
        return None

    def check(self, request: Request) -> Awaitable[None] | None:
        """Raise CSRFFailed unless the request comes from a page of ours; awaits the body only for a token inside it."""
        scope, fields = request.scope, request.fields
        if scope["method"] in SAFE_METHODS:
            return None
        if request.repeats:
            self._refuse_repeats(request)
        origin = fields[b"origin"] if b"origin" in fields else None  # noqa: SIM401 - here and below, a call less for every post
        site = fields[b"sec-fetch-site"] if b"sec-fetch-site" in fields else None  # noqa: SIM401
        host = fields[b"host"] if b"host" in fields else None  # noqa: SIM401
        sender = (origin, site, host, scope["scheme"] if "scheme" in scope else "http")  # noqa: SIM401
        if sender not in self._good_senders:
            self._check_sender(request, sender)
        if self.header in fields:
            token = fields[self.header]
        elif b"x-csrftoken" in fields:
            token = fields[b"x-csrftoken"]
        else:
            return self._check_form(request, self._cookie_of(request))
        if request.repeats or b"cookie" not in fields:
            self._check_token(request, token)
        else:
            sent = (fields[b"cookie"], token, request.session.peek())
            if sent not in self._good_tokens:
                self._check_token(request, token)
                if len(sent[0]) + len(token) <= MAX_REMEMBERED_BYTES:
                    _remember(self._good_tokens, sent)
        return None

    def _refuse_repeats(self, request: Request) -> None:
        once = (b"host", b"origin", b"sec-fetch-site", b"referer", self.header, b"x-csrftoken")
        names = [name for name, _ in request.scope["headers"]]
        if any(names.count(name) > 1 for name in once):
            raise self._failed(request, "repeated-header")

    def _check_sender(self, request: Request, sender: Sender) -> None:
        """Where the browser says that the request comes from; a sender found right is known from then on."""
        origin, site, _, _ = sender
        referer = request.fields.get(b"referer") if origin is None else None
        source = parse_origin(origin) if origin is not None else referring_origin(referer)
        trusted = source is not None and self.origins.trusts(source)
        if site is not None and site not in OWN_SITES and not (trusted and origin is not None):
            raise self._failed(request, "cross-site")
        if self.check_origin:
            if origin is None and referer is None:
                if site is None and self.require_origin:
                    raise self._failed(request, "no-origin")
            elif not trusted and (source is None or source != own_origin(request)):
                raise self._failed(request, "foreign-origin")
        if origin is not None and len(self._good_senders) < MAX_REMEMBERED:
            self._good_senders.add(sender)

    def _check_token(self, request: Request, token: bytes) -> None:
        raw, expected = unmask(token), self._cookie_of(request)
        if not compare_digest(raw, expected):
            self._check_older(request, raw, expected)

    async def _check_form(self, request: Request, expected: bytes) -> None:
        """The token as a field of a form: read with the whole body, which the handler gets from the same place."""
        try:
            values = (await request.read_form()).getlist(FIELD) if request.content_type in FORM_TYPES else []
        except BadRequest:  # what cannot be read brings no token
            values = []
        if len(values) != 1:
            raise self._failed(request, "no-token")
        raw = unmask(values[0].encode())
        if not compare_digest(raw, expected):
            self._check_older(request, raw, expected)

    def _check_older(self, request: Request, raw: bytes, expected: bytes) -> None:
        """Raise CSRFFailed unless this is the expected token from before the secret key changed."""
        nonce = expected[:NONCE_BYTES]
        if not (compare_digest(raw[:NONCE_BYTES], nonce) and self._is_genuine(raw, request.session.peek())):
            raise self._failed(request, "wrong-token")

    def _cookie_of(self, request: Request) -> bytes:
        """The raw token of the cookie that goes with the request's session. Raises CSRFFailed where there is none."""
        try:
            text = request.cookie(self._name)
        except DuplicateCookie:
            raise self._failed(request, "two-cookies") from None
        if text is None:
            raise self._failed(request, "no-cookie")
        raw = self._verified(text, request.session.peek())
        if raw is None:
            raise self._failed(request, "foreign-cookie")
        return raw

    def _verified(self, text: bytes, sid: bytes) -> bytes | None:
        """The raw token that a cookie's value stands for, if it is genuine and goes with this session."""
        raw = decode_base64url(text) if len(text) == COOKIE_BYTES else None
        return raw if raw is not None and self._is_genuine(raw, sid) else None

    def _is_genuine(self, raw: bytes, sid: bytes) -> bool:
        return self.signer.signatory(_signed(raw[:NONCE_BYTES], sid), raw[NONCE_BYTES:]) is not None

    def _failed(self, request: Request, reason: Reason) -> CSRFFailed:
        self.log.write("csrf-check-failed", request, reason=reason)
        if reason in TOKEN_REASONS:
            request.csrf_due = "refused"
            advice = (
                f"Read the token from the cookie {self.cookie!r} and send it in the header "
                f"{self.header.decode('latin-1')!r} or the form field {FIELD!r}."
            )
        else:
            advice = (
                "Send it from a page of this site, with one Origin or Referer. If the sender is yours, list it in CSRF_TRUSTED_ORIGINS; "
                "behind a proxy, set TRUSTED_PROXIES; for clients that are no browsers, send Origin, set CSRF_REQUIRE_ORIGIN to False, "
                "or exempt the route with csrf=False."
            )
        return CSRFFailed(f"This request needs matching CSRF cookie and header values. {advice}")

    # ── giving out tokens ───────────────────────────────────────────────────────────────────────────────────────

    def token(self, request: Request) -> str:
        """A masked token for a page or an API's client; the response will carry the cookie that it matches."""
        fresh = secrets.token_bytes(NONCE_BYTES)
        request.csrf_due = "asked"
        request.csrf_raw = self._current(request, request.session.hold(fresh), fresh)
        return mask(request.csrf_raw).decode("ascii")

    def _current(self, request: Request, sid: bytes, fresh: bytes) -> bytes:
        """The raw token for the owner of this session: that which he has, signed with the newest key, or one of the fresh nonce."""
        given, text = request.csrf_raw, self._text_of(request)
        if given is None or not self._is_genuine(given, sid):
            given = None if text is None else self._verified(text, sid)
        nonce = fresh if given is None else given[:NONCE_BYTES]
        return nonce + self.signer.keys[0].mac(_signed(nonce, sid))

    def _text_of(self, request: Request) -> bytes | None:
        """The cookie's value; None when it was not sent, or twice."""
        try:
            return request.cookie(self._name)
        except DuplicateCookie:
            return None

    def finish(self, request: Request, response: Response) -> None:
        """Set the cookie where a token was asked for, or refused, or will be needed by a page that has none."""
        due = request.csrf_due
        if due is None and (response.allow_public_cache or request.scope["method"] not in PAGE_METHODS):
            return
        if due == "rebound" and not self.issues:
            return
        try:
            sid = request.session.peek()
        except StoreUnavailable:  # whose token this would be cannot be told; the next page has one
            return
        raw = self._current(request, sid, secrets.token_bytes(NONCE_BYTES))
        if due == "asked" and raw != request.csrf_raw:
            reason = "the session was rotated or cleared after csrf_token() was called"
            self.log.write("csrf-token-void", request, reason=reason)
        text = encode_base64url(raw)
        if text != self._text_of(request):
            response.raw.append((b"set-cookie", self._key + text + self._attributes))
        response.vary_by_cookie()


def _signed(nonce: bytes, sid: bytes) -> bytes:
    """What is signed for a session: see the head of this file for who owns a token."""
    owner = b"" if nonce == sid else sid
    return bytes((len(owner),)) + owner + nonce
