"""Nonces in the Content-Security-Policy of the answers that use them (CSP 3 §7.2).

`csp_nonce()` makes 128 random bits, once for each request. Only then has this stage anything to do: the policy that the answer
would have (its own, its route's or the application's) lets scripts and styles with the nonce run, and whatever else it
said stays as it was. Such an answer is never stored: a nonce that is used twice is no secret.

    script-src, script-src-elem, style-src, style-src-elem    where they are: the nonce joins their sources
    script-src, style-src                                     where they are not: default-src's sources, else 'self', and the nonce
"""

from functools import lru_cache

from flasgo.errors import HTTPException
from flasgo.http.headers import RawHeaders
from flasgo.pipeline.stage import Part
from flasgo.plan.headers import CACHE_FIELDS, RouteHeaders
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Response
from flasgo.security.headers import NO_STORE

POLICY = b"content-security-policy"
REPORT_ONLY = b"content-security-policy-report-only"
NAMES = frozenset({POLICY, REPORT_ONLY})

MARK = b"\x00"
"""Stands for the nonce in a policy that is prepared: no header holds it."""

FALLBACKS = ("script-src", "style-src")
FINER = ("script-src-elem", "style-src-elem")


@lru_cache(maxsize=256)
def prepared(value: bytes) -> bytes:
    """The value of the header, which may be several policies, with `MARK` where the nonce goes."""
    return b", ".join(_prepared(policy) for policy in value.split(b",") if policy.strip())


def _prepared(policy: bytes) -> bytes:
    """One policy. Of a directive that is there twice, browsers read the first (CSP 3 §2.2.1)."""
    texts = [text for piece in policy.decode("latin-1").split(";") if (text := " ".join(piece.split()))]
    names = [text.partition(" ")[0].lower() for text in texts]
    first = {name: names.index(name) for name in names}
    for name in (*FALLBACKS, *FINER):
        if name in first:
            texts[first[name]] = _with_mark(texts[first[name]])
    default = texts[first["default-src"]].split(" ")[1:] if "default-src" in first else ["'self'"]
    texts += [_with_mark(" ".join((name, *default))) for name in FALLBACKS if name not in first]
    return "; ".join(texts).encode("latin-1")


def _with_mark(directive: str) -> str:
    """The directive with the nonce among its sources; 'none' says that there are no others."""
    name, *sources = directive.split(" ")
    kept = [source for source in sources if source.lower() != "'none'"]
    return " ".join((name, *kept, "'nonce-\x00'"))


class Nonces:
    """The stage that puts a request's nonce into the policy of its answer; it stands inside the security headers.

    `defaults` are the application's header fields.
    """

    def __init__(self, defaults: RawHeaders) -> None:
        self.defaults = defaults
        self._part = Part(finisher=_Finish(defaults), when="request.nonce is not None")

    def compile(self, route: Route | None, /) -> Part:
        own = None if route is None else route.option(RouteHeaders)
        return self._part if own is None else Part(finisher=_Finish(own.over(self.defaults)), when=self._part.when)

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


class _Finish:
    def __init__(self, defaults: RawHeaders) -> None:
        self.defaults = [(name, prepared(value)) for name, value in defaults if name in NAMES]

    def __call__(self, request: Request, response: Response) -> None:
        nonce = (request.nonce or "").encode("ascii")
        raw = response.headers.raw  # touched, so that the security headers are merged with what stands here
        own = {name for name, _ in raw}
        filled = [
            (name, prepared(_without(value, nonce)).replace(MARK, nonce) if name in NAMES else value)
            for name, value in raw
            if name not in CACHE_FIELDS
        ]
        filled += [(name, value.replace(MARK, nonce)) for name, value in self.defaults if name not in own]
        raw[:] = [*filled, *NO_STORE]
        response.allow_public_cache = False


def _without(policy: bytes, nonce: bytes) -> bytes:
    """The policy without a nonce that a handler wrote into it already: it comes in again, once."""
    return policy.replace(b" 'nonce-%b'" % nonce, b"")
