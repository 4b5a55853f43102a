"""Passwords: hashed so that a stolen table of them is worth little (OWASP Password Storage; NIST SP 800-63B-4).

    $scrypt$ln=15,r=8,p=3$<salt>$<hash>      unpadded base64, as in PHC strings

scrypt (RFC 7914) with 32 MiB, three times, costs what OWASP asks for. It takes that memory while it is made, so no more than
CONCURRENCY hashes are made at once in a process; some others wait, and beyond MAX_WAITING they are refused.

A password is taken as NFKC, so that it is the same from every keyboard, and its length is bounded before anything is done with it.
"""

import hashlib
import os
import secrets
import threading
import unicodedata
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from hmac import compare_digest
from typing import Protocol

from msgspec import Struct

from flasgo.context import current_request
from flasgo.errors import ServiceUnavailable
from flasgo.patterns import regex
from flasgo.pipeline.threads import ThreadPool

MAX_PASSWORD = 1024
"""Characters of a password; more is none (Django CVE-2025-64458: length first, then NFKC)."""

CONCURRENCY = max(2, min(8, os.cpu_count() or 1))
"""Hashes that are made at once."""

SALT_BYTES = 16
HASH_BYTES = 32
MAX_MEMORY = 512 * 1024 * 1024
"""Bytes that a stored hash may ask for: it may come from elsewhere."""

MAX_WAITING = 8 * CONCURRENCY
"""Calls that may wait for their turn: all others would only turn a flood of logins into time-outs."""

_slots = threading.Semaphore(CONCURRENCY)
_waiting = threading.Semaphore(CONCURRENCY + MAX_WAITING)
_pool = ThreadPool(CONCURRENCY)


class PasswordHasher(Protocol):
    """One way to hash passwords: `Scrypt`, or `Argon2` of flasgo.contrib.argon2. It blocks."""

    @property
    def prefix(self) -> str:
        """How its hashes begin."""
        ...

    def hash(self, password: bytes, /) -> str: ...

    def verify(self, hashed: str, password: bytes, /) -> bool:
        """Is it the password of a hash with this prefix? Raises ValueError for what is none."""
        ...

    def is_current(self, hashed: str, /) -> bool:
        """Was it made with these parameters?"""
        ...

    def decoy(self) -> str:
        """A hash that no password has, and that costs as much to verify as any."""
        ...


class Scrypt(Struct, frozen=True):
    """scrypt (RFC 7914) with 2**log_n * r * 128 bytes of memory, `p` times."""

    log_n: int = 15
    r: int = 8
    p: int = 3

    @property
    def prefix(self) -> str:
        return "$scrypt$"

    def hash(self, password: bytes, /) -> str:
        salt = secrets.token_bytes(SALT_BYTES)
        return self._written(salt, self.derive(password, salt))

    def verify(self, hashed: str, password: bytes, /) -> bool:
        made_by, salt, expected = _parse(hashed)
        return compare_digest(made_by.derive(password, salt), expected)

    def is_current(self, hashed: str, /) -> bool:
        return hashed.startswith(self.prefix) and _parse(hashed)[0] == self

    def decoy(self) -> str:
        return self._written(secrets.token_bytes(SALT_BYTES), secrets.token_bytes(HASH_BYTES))

    def _written(self, salt: bytes, hashed: bytes) -> str:
        return f"$scrypt$ln={self.log_n},r={self.r},p={self.p}${encoded(salt)}${encoded(hashed)}"

    def derive(self, password: bytes, salt: bytes) -> bytes:
        memory = 128 * self.r * (2**self.log_n + self.p + 2)
        return hashlib.scrypt(password, salt=salt, n=2**self.log_n, r=self.r, p=self.p, maxmem=memory, dklen=HASH_BYTES)


SCRYPT = Scrypt()

_HASH = regex(r"\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]?),p=([1-9][0-9]?)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})")


def _parse(hashed: str) -> tuple[Scrypt, bytes, bytes]:
    """Raises ValueError, which does not show it."""
    found = _HASH.fullmatch(hashed)
    with suppress(Base64Error):
        if found is not None:
            made_by = Scrypt(int(found[1]), int(found[2]), int(found[3]))
            if 128 * made_by.r * 2**made_by.log_n <= MAX_MEMORY:
                return made_by, _bytes(found[4]), _bytes(found[5])
    raise ValueError("This is no password hash of scrypt, or one that asks for too much memory.")


def encoded(raw: bytes) -> str:
    """Unpadded base64, as in PHC strings."""
    return b2a_base64(raw, newline=False).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)


def hash_password(password: str, *, hasher: PasswordHasher = SCRYPT) -> str:
    """The text to store for a password. It blocks for a quarter of a second: in async code await `ahash_password`.

    Raises ValueError for an empty password, or more than MAX_PASSWORD characters.
    """
    raw = _prepared(password)
    if raw is None:
        raise ValueError(f"A password has 1 to {MAX_PASSWORD} characters.")
    with _turn():
        return hasher.hash(raw)


def verify_password(
    hashed: str | None, password: str, *, account: str | None = None, hasher: PasswordHasher = SCRYPT
) -> bool:
    """Is this the password of that hash? It blocks: in async code await `averify_password`.

    None, for an account that does not exist, takes as long as a wrong password, so that nobody can tell (Django CVE-2024-39329).
    With `account`, the name that was given, wrong passwords are counted, and beyond CREDENTIAL_FAILURE_LIMIT nothing is verified.
    Hashes of scrypt are known beside those of `hasher`.

    Raises ValueError for what is no such hash, TooManyRequests, and ServiceUnavailable where too many wait already.
    """
    if account is None:
        return _verified(hashed, password, hasher)
    request = current_request("verify_password(account=…)")
    failures = request.terms.failures
    begun = None if failures is None else failures.begin(request, account, typed=True)
    right = False
    try:
        right = _verified(hashed, password, hasher)
    finally:
        if failures is not None and right:
            failures.succeeded(begun)
        elif failures is not None:
            failures.end(begun, failed=True)
    return right


def _verified(hashed: str | None, password: str, hasher: PasswordHasher) -> bool:
    raw = _prepared(password)
    known = hashed is not None and raw is not None
    stored = hashed if hashed is not None and known else hasher.decoy()
    maker = hasher if stored.startswith(hasher.prefix) else SCRYPT
    if not stored.startswith(maker.prefix):
        raise ValueError("This is no password hash that is known here; name what made it with `hasher`.")
    with _turn():
        return maker.verify(stored, raw or b"-") and known


def needs_rehash(hashed: str, *, hasher: PasswordHasher = SCRYPT) -> bool:
    """Was it made in another way than `hasher` would make it now? Then hash the password anew, once it is verified."""
    return not hasher.is_current(hashed)


async def ahash_password(password: str, *, hasher: PasswordHasher = SCRYPT) -> str:
    """`hash_password` in a thread."""
    return await _pool.run(partial(hash_password, password, hasher=hasher))


async def averify_password(
    hashed: str | None, password: str, *, account: str | None = None, hasher: PasswordHasher = SCRYPT
) -> bool:
    """`verify_password` in a thread."""
    return await _pool.run(partial(verify_password, hashed, password, account=account, hasher=hasher))


@contextmanager
def _turn() -> Generator[None]:
    """Wait for one's turn. Raises ServiceUnavailable where too many wait already."""
    if not _waiting.acquire(blocking=False):
        raise ServiceUnavailable("The server is busy. Try again later.", headers={"retry-after": "1"})
    try:
        with _slots:
            yield
    finally:
        _waiting.release()


def _prepared(password: str) -> bytes | None:
    """A password as it is hashed; None for what is none."""
    if not 1 <= len(password) <= MAX_PASSWORD:
        return None
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
