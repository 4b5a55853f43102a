"""Backends for credentials that a client puts into its request: bearer tokens, API keys, name and password.

Whatever is malformed is no credential, and is answered like none. Nothing here compares secrets: that is up to the
validator, which looks a key up by its hash, or compares with `hmac.compare_digest`.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, cast

from flasgo.auth.model import CredentialBackend, Outcome, mode_of
from flasgo.auth.permissions import Mode
from flasgo.http.cookies import DuplicateCookie
from flasgo.http.headers import TOKEN
from flasgo.patterns import regex
from flasgo.plan.documents import SecurityScheme
from flasgo.request import Request

KEY_TEXT = regex(r"[!-~]+")

BEARER = b"bearer"
"""The scheme that has errors: `invalid_token` and `insufficient_scope` (RFC 6750 §3.1)."""

SCOPE = regex(r"[!#-\[\]-~]+")
"""What a scope is made of (RFC 6749 §3.3)."""

CONTROLS = regex(r"[\x00-\x1f\x7f]")
"""What neither half of Basic credentials may hold (RFC 7617 §2)."""

MAX_CREDENTIAL = 8192
"""Bytes of a token, key or Basic credential; more is none."""


class TokenValidator(Protocol):
    """Whose token this is; None for nobody's. A coroutine function runs on the event loop, a plain one in a thread."""

    def __call__(self, token: str, /) -> Outcome | Awaitable[Outcome]: ...


class PasswordValidator(Protocol):
    """Whose name and password these are; None for nobody's. Take as long for an unknown name: `verify_password(None, …)`."""

    def __call__(self, username: str, password: str, /) -> Outcome | Awaitable[Outcome]: ...


def extract_bearer_token(authorization_header: str | None, *, scheme: str = "Bearer") -> str | None:
    """The token of an Authorization header's value; None for another scheme or anything malformed (RFC 6750 §2.1)."""
    if authorization_header is None:
        return None
    try:
        token = token_finder(scheme.encode("latin-1"))(authorization_header.encode("ascii"))
    except UnicodeEncodeError:
        return None
    return None if token is None else token.decode("ascii")


@lru_cache(maxsize=64)
def token_finder(scheme: bytes) -> Callable[[bytes], bytes | None]:
    """What finds the token after a scheme, whose case does not matter (RFC 9110 §11.1).

    A token is visible ASCII but the comma, which joins what a proxy got as two fields (RFC 6750 §2.1 has fewer; real tokens have more).
    """
    match = re.compile(rb"(?i:%b) +([!-+\--~]{1,%d}) *" % (re.escape(scheme), MAX_CREDENTIAL)).fullmatch

    def find(field: bytes) -> bytes | None:
        found = match(field)
        if found is None:
            return None
        return cast("bytes", found[1])  # what a group gives is typed with Any

    return find


class BearerBackend(CredentialBackend[str]):
    """See bearer_token_backend."""

    def __init__(
        self,
        judge: TokenValidator,
        *,
        scheme: str = "Bearer",
        bearer_format: str = "",
        mode: Mode | None = None,
    ) -> None:
        if not TOKEN.fullmatch(scheme):
            raise ValueError(f"{scheme[:40]!r} is no authentication scheme: use letters, digits and hyphens.")
        document = SecurityScheme(id="bearer", type="http", scheme=scheme.lower(), bearer_format=bearer_format)
        super().__init__(judge, challenge=scheme, scheme=document, mode=mode or mode_of(judge), ambient=False)
        self._scheme = scheme.lower().encode("ascii")
        self._token = token_finder(self._scheme)

    @property
    def rejection(self) -> str | None:
        return f'{self.challenge} error="invalid_token"' if self._scheme == BEARER else self.challenge

    def insufficient(self, request: Request, scopes: Sequence[str]) -> str | None:
        """What a 403 says to a token that does not suffice; None where none was sent, or the scheme has no words for it."""
        if self._scheme != BEARER or self.find(request) is None:
            return None
        known = f', scope="{" ".join(scopes)}"' if scopes and all(map(SCOPE.fullmatch, scopes)) else ""
        return f'{self.challenge} error="insufficient_scope"{known}'

    def find(self, request: Request, /) -> str | None:
        fields = request.fields
        if b"authorization" not in fields:
            return None
        token = self._token(fields[b"authorization"])
        return None if token is None else token.decode("ascii")


def bearer_token_backend(validate_token: TokenValidator, *, scheme: str = "Bearer") -> BearerBackend:
    """Tokens in the Authorization header (RFC 6750). `scheme` is what stands before them; its case does not matter.

    A page of another site cannot make a browser send them, so routes that know no other backend need no CSRF check.

    Raises ValueError for a scheme that cannot be one.
    """
    return BearerBackend(validate_token, scheme=scheme.strip() or "Bearer")


class APIKeyBackend(CredentialBackend[str]):
    """See api_key_backend."""

    def __init__(self, judge: TokenValidator, *, location: Literal["header", "query", "cookie"], name: str) -> None:
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name[:40]!r} cannot be the name of a {location}: use letters, digits and hyphens.")
        if location == "header" and "_" in name:
            raise ValueError(f"A header with an underscore, {name[:40]!r}, is never seen; write a hyphen.")
        document = SecurityScheme(id="api-key", type="apiKey", location=location, name=name)
        challenge = f'APIKey realm="api", {location}="{name}"'
        ambient = location == "cookie"
        super().__init__(judge, challenge=challenge, scheme=document, mode=mode_of(judge), ambient=ambient)
        self.location = location
        self.name = name
        self._header = name.lower().encode("ascii")
        self._cookie = name.encode("latin-1")

    def find(self, request: Request, /) -> str | None:
        """The key, if it was sent once."""
        match self.location:
            case "header":
                if request.repeats and sum(name == self._header for name, _ in request.scope["headers"]) > 1:
                    return None
                key = request.fields.get(self._header, b"").decode("latin-1")
            case "cookie":
                try:
                    key = (request.cookie(self._cookie) or b"").decode("latin-1")
                except DuplicateCookie:
                    return None
            case _:
                values = request.query_params.get(self.name, [])
                key = values[0] if len(values) == 1 else ""
        return key if len(key) <= MAX_CREDENTIAL and KEY_TEXT.fullmatch(key) else None


def api_key_backend(
    validate_key: TokenValidator,
    *,
    header: str | None = None,
    query: str | None = None,
    cookie: str | None = None,
) -> APIKeyBackend:
    """Keys in a header (`X-API-Key` unless another place is named), a query parameter or a cookie.

    Prefer a header: URLs end up in logs and histories. A cookie is sent by browsers whoever makes them, so it needs the
    CSRF check.

    Raises ValueError for more than one place, or a name that cannot be one.
    """
    match [
        (place, name) for place, name in (("header", header), ("query", query), ("cookie", cookie)) if name is not None
    ]:
        case []:
            return APIKeyBackend(validate_key, location="header", name="X-API-Key")
        case [("header", str(name))]:
            return APIKeyBackend(validate_key, location="header", name=name)
        case [("query", str(name))]:
            return APIKeyBackend(validate_key, location="query", name=name)
        case [("cookie", str(name))]:
            return APIKeyBackend(validate_key, location="cookie", name=name)
        case _:
            raise ValueError("An API key has one place: give one of header, query and cookie.")


class Basic(NamedTuple):
    """Name and password as they were sent."""

    username: str
    password: str


class BasicBackend(CredentialBackend[Basic]):
    """See basic_backend."""

    def __init__(self, judge: PasswordValidator, *, realm: str) -> None:
        if not realm.isascii() or not realm.isprintable() or '"' in realm or "\\" in realm:
            raise ValueError("A realm is shown in a header: give it ASCII without quotes, backslashes and controls.")
        super().__init__(
            lambda sent: judge(sent.username, sent.password),
            challenge=f'Basic realm="{realm}", charset="UTF-8"',
            scheme=SecurityScheme(id="basic", type="http", scheme="basic"),
            mode=mode_of(judge),
            ambient=True,
        )
        self._token = token_finder(b"basic")

    def find(self, request: Request, /) -> Basic | None:
        text = self._token(request.fields.get(b"authorization", b""))
        if text is None:
            return None
        try:
            raw = a2b_base64(text, strict_mode=True)
            decoded = raw.decode("utf-8")
        except (Base64Error, UnicodeDecodeError):
            return None
        if b2a_base64(raw, newline=False) != text:  # another spelling of the same
            return None
        username, colon, password = decoded.partition(":")
        return None if not colon or CONTROLS.search(decoded) else Basic(username, password)

    def account(self, credential: Basic, /) -> str:
        return credential.username


def basic_backend(validate: PasswordValidator, *, realm: str = "flasgo") -> BasicBackend:
    """Name and password in the Authorization header, as UTF-8 (RFC 7617). Over https only: they are readable on the way.

    Browsers keep sending them by themselves, so the CSRF check stands. A name whose password was wrong too often is refused
    for a while, unseen.

    Raises ValueError for a realm that no header can hold.
    """
    return BasicBackend(validate, realm=realm)
