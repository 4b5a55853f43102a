"""Argon2id for passwords (RFC 9106), by argon2-cffi: `uv add flasgo[argon2]`.

hash_password(password, hasher=Argon2())
"""

import secrets

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from msgspec import Struct

from flasgo.auth.passwords import HASH_BYTES, SALT_BYTES, encoded

MAX_MEMORY_KIB = 512 * 1024
"""KiB that a stored hash may ask for: it may come from elsewhere."""


class Argon2(Struct, frozen=True):
    """Argon2id with `memory` KiB, `passes` times, in `lanes` threads; the defaults are OWASP's."""

    memory: int = 19_456
    passes: int = 2
    lanes: int = 1

    @property
    def prefix(self) -> str:
        return "$argon2id$"

    def hash(self, password: bytes, /) -> str:
        return self._hasher().hash(password)

    def verify(self, hashed: str, password: bytes, /) -> bool:
        try:
            affordable = argon2.extract_parameters(hashed).memory_cost <= MAX_MEMORY_KIB
            if affordable:
                return self._hasher().verify(hashed, password)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            pass
        raise ValueError("This is no password hash of Argon2id, or one that asks for too much memory.")

    def is_current(self, hashed: str, /) -> bool:
        return hashed.startswith(self.prefix) and not self._hasher().check_needs_rehash(hashed)

    def decoy(self) -> str:
        salt, hashed = encoded(secrets.token_bytes(SALT_BYTES)), encoded(secrets.token_bytes(HASH_BYTES))
        return f"$argon2id$v=19$m={self.memory},t={self.passes},p={self.lanes}${salt}${hashed}"

    def _hasher(self) -> argon2.PasswordHasher:
        return argon2.PasswordHasher(self.passes, self.memory, self.lanes, HASH_BYTES, SALT_BYTES)
