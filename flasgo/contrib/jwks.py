"""Keys that an issuer publishes (JWKS, RFC 7517 §5): fetched when they are needed, kept, and seldom asked for again.

KEEP        what was fetched is good for so long
AGAIN       a `kid` that is not among them has them fetched anew, but not more often than this: tokens come from anybody
STALE       where the issuer does not answer, what it said last is good for so long; then tokens are answered with 503
"""

import asyncio
import logging
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

from joserfc.jwk import OctKey
from msgspec import DecodeError
from msgspec.json import Decoder

from flasgo.contrib.jwt_keys import KINDS, Keys, usable_keys
from flasgo.errors import ServiceUnavailable

logger = logging.getLogger("flasgo.auth")

KEEP = 600.0
AGAIN = 30.0
STALE = 86_400.0
"""Seconds."""

TIMEOUT = 5.0
MAX_BYTES = 524_288

Fetch: TypeAlias = Callable[[str], bytes | Awaitable[bytes]]
"""Gets what is at a URL; a coroutine function runs on the loop, a plain one in a thread."""

decode = Decoder(dict[str, Any]).decode


class JWKS:
    """The keys at a URL, those that go with `algorithms`. Raises ValueError for a URL that is not https."""

    def __init__(
        self,
        url: str,
        algorithms: frozenset[str],
        fetch: Fetch | None = None,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
        ):
            raise ValueError("jwks_url must be https: whoever is on the way could give you his own keys.")
        if any(KINDS[name] is OctKey for name in algorithms):
            raise ValueError("Secrets are not published: a jwks_url goes with RS…, PS…, ES… and Ed25519 alone.")
        self.url = url
        self.algorithms = algorithms
        self.fetch = fetch or fetch_by_urllib
        self.clock = clock
        self.keys: Keys = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._under_way: asyncio.Task[None] | None = None

    def known(self, kid: str | None) -> Keys | None:
        """The keys, if they are here; None if they have to be fetched for this `kid`."""
        now = self.clock()
        fresh = self._fetched_at is not None and now - self._fetched_at < KEEP
        if fresh and (kid is None or any(key.kid == kid for key in self.keys)):
            return self.keys
        may_ask = self._tried_at is None or now - self._tried_at >= AGAIN
        return None if may_ask else self._last(now)

    async def fetched(self, kid: str | None) -> Keys:
        """The keys, fetched if need be, once for all who wait. Raises ServiceUnavailable where there are none."""
        task = self._under_way
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            known = self.known(kid)
            if known is not None:
                return known
            self._tried_at = self.clock()
            task = self._under_way = asyncio.ensure_future(self._refresh())
        await asyncio.shield(task)
        return self._last(self.clock())

    def _last(self, now: float) -> Keys:
        """What was said last."""
        if self._fetched_at is None or now - self._fetched_at > STALE:
            raise ServiceUnavailable(
                "The keys for tokens cannot be fetched. Try again later.", headers={"retry-after": "30"}
            )
        return self.keys

    async def _refresh(self) -> None:
        try:
            raw = await asyncio.to_thread(self.fetch, self.url)
            keys = usable_keys(decode(raw if isinstance(raw, bytes) else await raw), self.algorithms)
        except (OSError, ValueError, DecodeError, RecursionError) as error:
            logger.warning("jwks-unavailable error=%s", type(error).__name__)
            return
        if keys:  # a set without any is a mistake of its publisher
            self.keys, self._fetched_at = keys, self.clock()


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from where they were said to be."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None


def fetch_by_urllib(url: str) -> bytes:
    """Raises OSError, and ValueError for too much."""
    request = urllib.request.Request(url, headers={"accept": "application/jwk-set+json, application/json"})  # noqa: S310 - JWKS has checked it
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=TIMEOUT) as response:
            raw = cast("bytes", response.read(MAX_BYTES + 1))
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"the issuer answered {error.code}") from None
    if len(raw) > MAX_BYTES:
        raise ValueError("too many keys")
    return raw
