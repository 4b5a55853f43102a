"""JSON Web Tokens (RFC 7519, RFC 8725), by joserfc: `uv add flasgo[jwt]`.

    app.register_auth_backend("jwt", jwt_backend(key, algorithms=["ES256"], issuer="https://id.example", audience="shop"))

What a token may not choose: the algorithm is one of a list, and each goes with one kind of key, so that neither `none` nor a public key
taken for a secret (CVE-2016-5431) means anything; keys come from here alone, never from the token's `jwk`, `jku` or `x5c`. `crit` and
encrypted tokens are refused. A token has one spelling. Whatever is wrong with one, the answer is the same 401.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import time
from typing import Annotated, Any, TypeAlias, cast

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from flasgo.auth.attempts import plain
from flasgo.auth.model import Outcome, mode_of
from flasgo.auth.tokens import BearerBackend
from flasgo.contrib.jwks import JWKS, Fetch
from flasgo.contrib.jwt_keys import Key, KeyData, Keys, checked_algorithms, find_keys, load_keys
from flasgo.identity import User
from flasgo.signing import decode_base64url, encode_base64url

Claims: TypeAlias = Mapping[str, Any]
"""What a token says; its issuer decides of which types."""

ToUser: TypeAlias = Callable[[Claims], Outcome | Awaitable[Outcome]]

LEEWAY = 30
"""Seconds by which clocks may disagree."""

LATEST = 1 << 53
Seconds = Annotated[float, Meta(ge=0, le=LATEST)]


class Header(Struct, frozen=True):
    alg: str
    kid: Annotated[str, Meta(max_length=256)] | None = None
    typ: str | None = None
    crit: object = None
    b64: object = None


class Registered(Struct, frozen=True):
    """The claims that every token may have (RFC 7519 §4.1), of the types that they must have."""

    iss: str | None = None
    sub: str | None = None
    aud: str | list[str] = []
    exp: Seconds | None = None
    nbf: Seconds | None = None
    iat: Seconds | None = None


class Rules(Struct, frozen=True):
    """What a token must say, beyond being signed."""

    issuers: frozenset[str]
    audiences: frozenset[str]
    required: frozenset[str]
    leeway: float
    token_type: str | None

    def hold(self, header: Header, claims: Registered, everything: Claims) -> bool:
        now = time()
        named = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
        meant = bool(self.audiences & named) if self.audiences else not named  # RFC 7519 §4.1.3
        return (
            (self.token_type is None or _type(header.typ) == _type(self.token_type))
            and all(everything.get(name) is not None for name in self.required)
            and (not self.issuers or claims.iss in self.issuers)
            and meant
            and (claims.exp is None or now < claims.exp + self.leeway)
            and (claims.nbf is None or now >= claims.nbf - self.leeway)
            and (claims.iat is None or now >= claims.iat - self.leeway)
        )


def _type(typ: str | None) -> str:
    """A `typ` without case and the prefix that may be left out (RFC 7515 §4.1.9)."""
    return (typ or "").lower().removeprefix("application/")


read_header = Decoder(Header).decode
read_registered = Decoder(Registered).decode
read_claims = Decoder(dict[str, Any]).decode
encode = Encoder().encode


def jwt_backend(
    key: KeyData | None = None,
    *,
    algorithms: Iterable[str],
    jwks_url: str | None = None,
    fetch: Fetch | None = None,
    issuer: str | Iterable[str] | None = None,
    audience: str | Iterable[str] | None = None,
    required: Iterable[str] = ("exp", "sub"),
    leeway: float = LEEWAY,
    token_type: str | None = None,
    user: ToUser | None = None,
) -> BearerBackend:
    """Bearer tokens that are JWTs.

    `key` is a secret of enough bytes, a public key as PEM, a JWK or a JWKS (as mappings); or `jwks_url` says where the keys are
    published: they are fetched when needed, kept, and fetched again for a `kid` that is not among them, seldom. `fetch` replaces
    urllib for that. `algorithms` are those that may have signed, all of one kind: secrets or public keys.
    `issuer` and `audience` are whose tokens for whom are good; a token for somebody is refused where no audience is given.
    `required` claims must be there. `exp`, `nbf` and `iat` are heeded with `leeway` seconds. `token_type` is what `typ` must be,
    such as "at+jwt" (RFC 9068). `user` makes a User, or None, of the claims; without it `sub` is the id, `scope` (or `scp`)
    the scopes, and `data` the claims.

    Raises ValueError for what could never be safe: an unknown algorithm or `none`, both kinds, a key that does not go with
    them, or a short secret.
    """
    allowed = checked_algorithms(algorithms)
    rules = Rules(_set(issuer), _set(audience), frozenset(required), leeway, token_type)
    if (key is None) == (jwks_url is None):
        raise ValueError("Give jwt_backend a key, or a jwks_url.")
    keys = load_keys(key, allowed) if key is not None else ()
    published = JWKS(jwks_url, allowed, fetch) if jwks_url is not None else None
    return BearerBackend(JWTJudge(allowed, keys, published, rules, user or user_of), bearer_format="JWT", mode="loop")


def _set(value: str | Iterable[str] | None) -> frozenset[str]:
    return frozenset() if value is None else frozenset({value} if isinstance(value, str) else value)


def user_of(claims: Claims) -> User | None:
    """The user of a token: `sub`, and the scopes of `scope` (RFC 8693 §4.2) or `scp`."""
    if not claims.get("sub"):
        return None
    scopes = claims.get("scope", claims.get("scp", ()))
    words = scopes.split() if isinstance(scopes, str) else scopes
    named = [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
    return User(id=claims["sub"], is_authenticated=True, scopes=frozenset(named), data=claims)


class JWTJudge:
    """Whose token is it?"""

    def __init__(self, allowed: frozenset[str], keys: Keys, published: JWKS | None, rules: Rules, user: ToUser) -> None:
        self.allowed = allowed
        self.keys = keys
        self.published = published
        self.rules = rules
        self.user = user
        self.blocks = user is not user_of and mode_of(user) == "thread"

    def __call__(self, token: str, /) -> Outcome | Awaitable[Outcome]:
        parsed = parse(token)
        if parsed is None or parsed.header.alg not in self.allowed:
            return None
        keys = self.keys if self.published is None else self.published.known(parsed.header.kid)
        return (
            self._fetched(parsed, self.published)
            if keys is None and self.published
            else self._judged(parsed, keys or ())
        )

    async def _fetched(self, parsed: "Parsed", published: JWKS) -> Outcome:
        outcome = self._judged(parsed, await published.fetched(parsed.header.kid))
        if isinstance(outcome, Awaitable):
            return cast("Outcome", await outcome)  # type: ignore[redundant-cast]  # ty needs it
        return outcome

    async def _in_thread(self, claims: Claims) -> Outcome:
        return await asyncio.to_thread(plain, self.user, claims)

    def _judged(self, parsed: "Parsed", keys: Keys) -> Outcome | Awaitable[Outcome]:
        if not any(is_signed(parsed, key) for key in find_keys(keys, parsed.header.alg, parsed.header.kid)):
            return None
        try:
            registered, claims = read_registered(parsed.payload), read_claims(parsed.payload)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not self.rules.hold(parsed.header, registered, claims):
            return None
        return self._in_thread(claims) if self.blocks else self.user(claims)


class Parsed(Struct, frozen=True):
    """A token taken apart: nothing in it is believed yet."""

    header: Header
    message: bytes
    payload: bytes
    signature: bytes


def parse(token: str) -> Parsed | None:
    """None for what is no signed token in compact form (RFC 7515 §7.1), or demands to be understood (§4.1.11)."""
    message, _, signature = token.encode("utf-8", "replace").rpartition(b".")
    head, _, body = message.partition(b".")
    parts = [decode_base64url(part) for part in (head, body, signature)]
    raw_head, payload, mac = parts
    if not raw_head or payload is None or not mac:
        return None
    try:
        header = read_header(raw_head)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if header.crit is not None or header.b64 is not None else Parsed(header, message, payload, mac)


def is_signed(parsed: Parsed, key: Key) -> bool:
    try:
        return JWSRegistry.algorithms[parsed.header.alg].verify(parsed.message, parsed.signature, key)
    except (JoseError, ValueError):
        return False


def encode_jwt(
    claims: Claims,
    key: KeyData,
    *,
    algorithm: str,
    expires_in: float,
    issuer: str | None = None,
    audience: str | Iterable[str] | None = None,
    kid: str | None = None,
    token_type: str = "JWT",  # noqa: S107 - RFC 7519 §5.1
) -> str:
    """A signed token with these claims, issued now and good for `expires_in` seconds.

    `key` is a secret, or a private key as PEM or JWK, of the kind that goes with `algorithm`. `kid` names it for those who know
    several (default: that of a JWK).

    Raises ValueError for a key that does not go with the algorithm, or claims that JSON cannot hold.
    """
    (signing,) = load_keys(key, checked_algorithms([algorithm]))
    now = int(time())
    given = {"iat": now, "exp": now + int(expires_in), **claims}
    if issuer is not None:
        given["iss"] = issuer
    if audience is not None:
        given["aud"] = audience if isinstance(audience, str) else list(audience)
    header = {"alg": algorithm, "typ": token_type, "kid": kid or signing.kid}
    try:
        message = b".".join(
            encode_base64url(encode({k: v for k, v in part.items() if v is not None})) for part in (header, given)
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"The claims hold something that JSON cannot: {error}.") from None
    try:
        signature = JWSRegistry.algorithms[algorithm].sign(message, signing)
    except (JoseError, TypeError, AttributeError):
        raise ValueError("Signing needs the private key.") from None
    return b".".join((message, encode_base64url(signature))).decode("ascii")
