"""Logging in and out: the session remembers who it is, and a cookie of its own may for longer.

    session["_user"]     the user's id
    session["_stamp"]    the digest of his stamp, where there is one: when the stamp changes, the session knows nobody any more
    remember cookie      signed JSON [id, digest], purpose "remember", for REMEMBER_COOKIE_MAX_AGE seconds

A login begins a session with another binding id (session fixation, CWE-384), and drops what another user left in it.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar, cast

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from flasgo.auth.model import CredentialBackend, Outcome, mode_of
from flasgo.auth.permissions import unawaited
from flasgo.context import current_request
from flasgo.errors import HTTPException
from flasgo.http.cookies import DuplicateCookie, build_set_cookie, delete_cookie_header
from flasgo.identity import ANONYMOUS, User
from flasgo.pipeline.stage import Part
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.session import USER_KEY
from flasgo.settings import Settings
from flasgo.signing import Signer, decode_base64url, encode_base64url

U = TypeVar("U", bound=User)

LoadUser: TypeAlias = Callable[[str], Awaitable[U | None] | U | None]
"""The user of an id, or None where there is none any more. A coroutine function runs on the loop, a plain one in a thread."""

USER, STAMP = USER_KEY, "_stamp"
"""The keys of the session that say who it is."""

ERROR = 400
"""The statuses from here on are errors (RFC 9110 §15.5): such a response remembers nobody."""


class Claim(Struct, frozen=True, array_like=True):
    """Who somebody was when he logged in."""

    id: str
    stamp: str = ""
    remembered: bool = False


encode = Encoder().encode
decode = Decoder(Claim).decode


class SessionBackend(CredentialBackend[Claim], Generic[U]):
    """See session_backend."""

    def __init__(self, load_user: LoadUser[U], stamp: Callable[[U], str] | None, login_url: str | None) -> None:
        mode = mode_of(load_user)
        super().__init__(
            self._load if mode == "thread" else self._load_later,
            challenge='Cookie realm="session"',
            scheme=None,
            mode=mode,
            ambient=True,
            counts=False,
        )
        self.load_user = load_user
        self.stamp = stamp
        self.login_url = login_url

    def find(self, request: Request, /) -> Claim | None:
        session = request.session
        id = session.get(USER, type=str)  # noqa: A001 - the user's id
        if id is not None:
            return Claim(id, session.get(STAMP, "", type=str))
        return logins_of(request).recall(request)

    def _load(self, claim: Claim) -> Outcome:
        return self.load(current_request("session_backend"), claim)

    def load(self, request: Request, claim: Claim) -> U | None:
        """Whose claim it is, at once. Raises TypeError where the loader gives an awaitable."""
        user = self.load_user(claim.id)
        if isinstance(user, Awaitable):
            raise unawaited(user, "The loader of users")
        return self._believed(request, claim, user)

    async def _load_later(self, claim: Claim) -> Outcome:
        user = self.load_user(claim.id)
        known = await user if isinstance(user, Awaitable) else user
        return self._believed(current_request("session_backend"), claim, known)

    def _believed(self, request: Request, claim: Claim, user: U | None) -> U | None:
        """The user, if he is still the one who logged in; one whom a cookie remembered gets a session."""
        logins = logins_of(request)
        if user is None or not logins.is_stamp_of(user, claim.stamp):
            return None
        if claim.remembered:
            logins.enter(request, user)
        return user


def session_backend(
    load_user: LoadUser[U], *, stamp: Callable[[U], str] | None = None, login_url: str | None = None
) -> SessionBackend[U]:
    """Users who logged in with `login(user)`: the session has the id, `load_user` gives the user.

    Registered as `default`, with a loader that is a plain function, it also says who `request.user` is on routes that ask for nobody, once
    that is read. `stamp` gives a text that changes when every login of the user shall end: his password's hash, or a number that "log out
    everywhere" counts up. `login_url` is where a stranger who reads a page is sent, with the way back in the parameter `next`,
    which is checked by `redirect()`; all others are told 401.
    """
    return SessionBackend(load_user, stamp, login_url)


class SessionLogins:
    """The logins of one application, and the stage that has the browser remember them.

    `everywhere`: routes that ask for nobody know the visitor, too.
    """

    def __init__(self, backend: SessionBackend[User], settings: Settings, *, everywhere: bool = False) -> None:
        self.backend = backend
        self.everywhere = everywhere and backend.mode == "thread"
        self.signer = Signer((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), "remember")
        self.max_age = settings.REMEMBER_COOKIE_MAX_AGE
        self.secure = settings.SESSION_COOKIE_SECURE
        prefix = "__Host-" if settings.session_cookie_name.startswith("__Host-") else ""
        self.name = prefix + settings.REMEMBER_COOKIE_NAME
        self._cookie = self.name.encode("latin-1")
        self._part = Part(finisher=self.finish, when="request.remember is not None")

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()

    def finish(self, request: Request, response: Response) -> None:
        if request.remember is not None and response.status_code < ERROR:
            response.raw.append((b"set-cookie", request.remember))

    def login(self, request: Request, user: User, /, *, remember: bool) -> None:
        if user.id is None or not user.is_authenticated:
            raise ValueError(
                "login() takes a user with an id and is_authenticated=True; this one would stay a stranger."
            )
        if remember and self.backend.stamp is None:
            raise RuntimeError(
                "login(remember=True) needs session_backend(…, stamp=…): without a stamp nobody could ever be made to forget."
            )
        self.enter(request, user)
        if remember:
            value = self.signer.sign(encode(Claim(user.id, self.stamp_of(user))))
            line = build_set_cookie(self.name, value.decode("ascii"), secure=self.secure, max_age=self.max_age)
            request.remember = line.encode("latin-1")

    def enter(self, request: Request, user: User, /) -> None:
        """Begin a session of this user."""
        session = request.session
        if session.get(USER, user.id) != user.id:
            session.clear()
        session.rotate()
        session[USER] = user.id
        if self.backend.stamp is not None:
            session[STAMP] = self.stamp_of(user)
        request.user = user

    def visitor(self, request: Request, /) -> User:
        """Whom the session of a request knows where no backend was asked; a coroutine function cannot be asked here."""
        claim = self.backend.find(request) if self.everywhere else None
        user = None if claim is None else self.backend.load(request, claim)
        return ANONYMOUS if user is None else user

    def logout(self, request: Request, /) -> None:
        request.session.clear()
        request.user = ANONYMOUS
        request.remember = delete_cookie_header(self.name, secure=self.secure).encode("latin-1")

    def recall(self, request: Request, /) -> Claim | None:
        """Whom the browser remembers."""
        try:
            value = request.cookie(self._cookie)
        except DuplicateCookie:
            return None
        signed = None if value is None else self.signer.unsign(value, max_age=self.max_age)
        if signed is None:
            return None
        try:
            claim = decode(signed.payload)
        except (DecodeError, UnicodeDecodeError):  # not of our making, though our key has signed it
            return None
        return Claim(claim.id, claim.stamp, remembered=True)

    def stamp_of(self, user: User) -> str:
        """What a login keeps of the user's stamp: it tells nothing of it, and is his alone."""
        return encode_base64url(self.signer.keys[0].mac(self._stamped(user))).decode("ascii")

    def is_stamp_of(self, user: User, stamp: str) -> bool:
        """Was this kept of the stamp that the user has now?"""
        if self.backend.stamp is None:
            return True
        mac = decode_base64url(stamp.encode("utf-8", "replace"))
        return mac is not None and self.signer.signatory(self._stamped(user), mac) is not None

    def _stamped(self, user: User) -> bytes:
        stamp = cast("Callable[[User], str]", self.backend.stamp)
        return b"stamp " + encode((user.id, stamp(user)))


def logins_of(request: Request) -> SessionLogins:
    """Raises RuntimeError, with advice, in an application that has no session_backend."""
    logins = request.terms.logins
    if not isinstance(logins, SessionLogins):
        raise RuntimeError(  # noqa: TRY004 - as outside a request: the place is wrong, not the value
            "This application has no logins; register them: app.register_auth_backend('default', session_backend(load_user))."
        )
    return logins


def login(user: User, *, remember: bool = False) -> None:
    """From now on the visitor is this user: in this request, and in those that follow, by the session.

    The session gets another binding id, and CSRF tokens given out before are void; what another user left in it is dropped.
    With `remember` a cookie outlives the session by REMEMBER_COOKIE_MAX_AGE, until the user's stamp changes.

    Raises ValueError for a user who is not authenticated, RuntimeError outside a request, or where the application has
    no session_backend, or one without a stamp that is to `remember`.
    """
    request = current_request("login()")
    logins_of(request).login(request, user, remember=remember)


def logout() -> None:
    """Forget who the visitor is, and everything else that his session holds.

    A copy of a signed session's cookie that somebody has stolen stays good until it expires, or the user's stamp changes; with
    SESSION_STORE the session is gone, and every copy with it.

    Raises RuntimeError as `login` does.
    """
    request = current_request("logout()")
    logins_of(request).logout(request)
