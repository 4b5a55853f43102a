"""What a route says about the headers of its answers: `headers=` and `cache=` of the registering calls.

The names are those of a Response, `headers` beside `status_code`: what a route gives is the default of all its answers,
and the answer's own value wins.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from flasgo.http.headers import field_name, header_field

MAX_SECONDS = 31_536_000
"""A year: what RFC 2616 §14.21 allowed, and what caches take for "for ever"."""

Seconds = Annotated[int, Meta(ge=0, le=MAX_SECONDS, extra={"unit": "seconds"})]

CACHE_FIELDS = frozenset({b"cache-control", b"pragma", b"expires"})

NOT_A_DEFAULT = frozenset({
    b"connection", b"content-encoding", b"content-length", b"content-range", b"content-type", b"date", b"etag",
    b"keep-alive", b"last-modified", b"location", b"set-cookie", b"trailer", b"transfer-encoding", b"upgrade", b"vary",
})  # fmt: skip
"""Fields that are about one message, or about what one answer depends on: never the same for every answer of a route."""


class Cache(Struct, frozen=True, kw_only=True):
    """How long answers of a route may be kept (RFC 9111 §5.2.2), which are no-store without it. Times are in seconds.

    `public`: shared caches (a CDN, a proxy) may keep them too, for `s_maxage`, else `max_age`. Without it only the
    visitor's own browser may. `max_age` 0: kept, but asked about before every use. `immutable`: not even asked about while
    fresh (RFC 8246). `stale_while_revalidate`: shown for so much longer while a fresh one is fetched (RFC 5861 §3).
    `must_revalidate`: never shown stale, not even when the server cannot be reached.

    An answer that is an error, sets a cookie, looked at the session or used `csp_nonce()` is no-store all the same, for it is
    one visitor's own; with `public`, so is the answer to a user, or to a request with Authorization. Raises ValueError for times out of range and for directives that contradict each other.
    """

    public: bool = False
    max_age: Seconds = 0
    s_maxage: Seconds | None = None
    immutable: bool = False
    stale_while_revalidate: Seconds | None = None
    must_revalidate: bool = False

    def __post_init__(self) -> None:
        for name in ("max_age", "s_maxage", "stale_while_revalidate"):
            seconds = getattr(self, name)
            if seconds is None and name != "max_age":
                continue
            if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= MAX_SECONDS:
                raise ValueError(f"Cache({name}={seconds!r}): give whole seconds from 0 to {MAX_SECONDS}, a year.")
        if self.s_maxage is not None and not self.public:
            raise ValueError("Cache(s_maxage=…) is for shared caches: add public=True, or leave it out.")
        if self.immutable and not self.max_age:
            raise ValueError("Cache(immutable=True) holds while the answer is fresh: give a max_age.")
        if self.must_revalidate and self.stale_while_revalidate:
            raise ValueError(
                "Cache(must_revalidate=True) forbids what stale_while_revalidate allows: keep one of them."
            )

    def directives(self) -> str:
        """The value of Cache-Control."""
        parts = ["public" if self.public else "private", f"max-age={self.max_age}"]
        if self.s_maxage is not None:
            parts.append(f"s-maxage={self.s_maxage}")
        if self.stale_while_revalidate is not None:
            parts.append(f"stale-while-revalidate={self.stale_while_revalidate}")
        if self.must_revalidate:
            parts.append("must-revalidate")
        if self.immutable:
            parts.append("immutable")
        return ", ".join(parts)


class EntityTag(Struct, frozen=True):
    """Answers to GET and HEAD have an ETag, made of their bytes, and are 304 for whoever has them already."""


class RouteHeaders(Struct, frozen=True):
    """`fields` replace or join the default headers of a route's answers, `removed` are not among them."""

    fields: tuple[tuple[bytes, bytes], ...]
    removed: frozenset[bytes]

    def over(self, defaults: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The defaults as this route has them."""
        gone = self.removed | {name for name, _ in self.fields}
        return [*(field for field in defaults if field[0] not in gone), *self.fields]


def header_options(
    headers: object, cache: object, methods: frozenset[str], *, etag: bool = False
) -> tuple[RouteHeaders | Cache | EntityTag, ...]:
    """The options of a route with these `headers=`, `cache=` and `etag=`. Raises ValueError and TypeError with the cure.

    Without `cache`, answers with an ETag are kept by the visitor's own browser, which asks about them each time.
    """
    own = route_headers(headers) if headers else None
    if cache is not None and not isinstance(cache, Cache):
        raise TypeError(f"cache={cache!r} is no Cache; write cache=Cache(max_age=60).")
    if cache is not None and methods.isdisjoint({"GET", "HEAD"}):
        raise ValueError("cache is for answers to GET and HEAD, which this route does not answer; leave it out.")
    if etag and methods.isdisjoint({"GET", "HEAD"}):
        raise ValueError("etag is for answers to GET and HEAD, which this route does not answer; leave it out.")
    if etag:
        return (*(() if own is None else (own,)), Cache() if cache is None else cache, EntityTag())
    return (*(() if own is None else (own,)), *(() if cache is None else (cache,)))


def route_headers(headers: object) -> RouteHeaders:
    """The checked value of `headers=`; a value of None removes a default. Raises ValueError and TypeError with the cure."""
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a mapping of names to values, not {type(headers).__name__}.")
    names = [field_name(name) for name in headers]
    for name in names:
        if name in CACHE_FIELDS:
            raise ValueError(f"headers holds {name.decode()!r}: say it with cache=Cache(…), which knows when not to.")
        if name in NOT_A_DEFAULT:
            raise ValueError(f"headers holds {name.decode()!r}, which belongs to the single answer: set it there.")
        if names.count(name) > 1:
            raise ValueError(f"headers holds {name.decode()!r} twice; names are the same in any case.")
    fields = tuple(header_field(name, value) for name, value in headers.items() if value is not None)
    return RouteHeaders(fields, frozenset(names) - {name for name, _ in fields})
