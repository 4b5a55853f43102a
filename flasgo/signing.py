"""Signatures: HMAC-SHA256 (RFC 2104) under a key for each purpose, with the time of issue and rotation.

    key(purpose) = HMAC(SECRET_KEY, "flasgo/v1/" + purpose)
    token        = base64url, unpadded, of  version (1 byte) | issued (8 bytes, seconds) | payload | mac (32 bytes)
    mac          = HMAC(key(purpose), everything before it)

A token of one purpose is worth nothing for another. Purposes are constants of the code, never made of a user's words
(Django CVE-2026-6873). A token has exactly one spelling: padding, other alphabets and stray bits at its end are refused. Its length
is bounded before anything is done with it, and the mac is checked before the payload is looked at.
"""

import hashlib
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from hmac import compare_digest
from time import time
from typing import Literal, get_args

from msgspec import Struct

Purpose = Literal["session", "csrf", "flash", "remember", "url"]
PURPOSES = frozenset(get_args(Purpose))

VERSION = b"\x01"
MAC_BYTES = 32
HEAD_BYTES = 9
MAX_TOKEN_BYTES = 8192
CLOCK_SKEW = 60
"""Seconds that a token's time of issue may lie ahead: the clocks of several hosts never agree entirely."""

_BLOCK_BYTES = 64
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")
# Translating the other alphabet's own characters to one that no base64 has refuses them.
_FROM_URLSAFE = bytes.maketrans(b"-_+/=\n", b"+/!!!!")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST_OF = {2: frozenset(_ALPHABET[::16]), 3: frozenset(_ALPHABET[::4])}
"""The characters that may end a text whose length leaves this remainder by four: those without stray bits."""
_PADDING = {0: b"", 2: b"==", 3: b"="}


def encode_base64url(raw: bytes) -> bytes:
    """Unpadded base64url (RFC 4648 §5)."""
    return b2a_base64(raw, newline=False).translate(_TO_URLSAFE).rstrip(b"=")


def decode_base64url(text: bytes) -> bytes | None:
    """The bytes of canonical, unpadded base64url; None for any other spelling."""
    rest = len(text) & 3
    if rest and (rest == 1 or text[-1] not in _LAST_OF[rest]):
        return None
    try:
        return a2b_base64(text.translate(_FROM_URLSAFE) + _PADDING[rest], strict_mode=True)
    except Base64Error:
        return None


class Key:
    """One HMAC-SHA256 key, with both paddings hashed in advance: half the price of hmac.digest."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        padded = (secret if len(secret) <= _BLOCK_BYTES else hashlib.sha256(secret).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def __repr__(self) -> str:
        return "<Key>"

    def mac(self, message: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def derive(secret_key: str, purpose: Purpose) -> Key:
    """The key of one purpose. Raises ValueError for a purpose that is not in the list."""
    if purpose not in PURPOSES:
        raise ValueError("A purpose is one of the constants in Purpose: nothing else may choose a key.")
    return Key(Key(secret_key.encode()).mac(b"flasgo/v1/" + purpose.encode()))


class Signed(Struct, frozen=True):
    """What a valid token holds. `issued` is in seconds since the epoch; `outdated` says that a fallback key signed it."""

    payload: bytes
    issued: int
    outdated: bool


class Signer:
    """Signs with the first secret key and verifies with all of them, the newest first."""

    __slots__ = ("keys",)

    def __init__(self, secret_keys: Sequence[str], purpose: Purpose) -> None:
        self.keys = tuple(derive(secret, purpose) for secret in secret_keys)

    def __repr__(self) -> str:
        return f"<Signer with {len(self.keys)} keys>"

    def sign(self, payload: bytes, *, issued: int | None = None) -> bytes:
        """The token of a payload, issued now unless said otherwise."""
        seconds = int(time()) if issued is None else issued
        message = VERSION + seconds.to_bytes(8, "big") + payload
        return encode_base64url(message + self.keys[0].mac(message))

    def unsign(self, token: bytes, *, max_age: int | None = None) -> Signed | None:
        """What a token holds; None when it is not ours, older than `max_age` seconds, or issued in the future."""
        if len(token) > MAX_TOKEN_BYTES:
            return None
        raw = decode_base64url(token)
        if raw is None or len(raw) < HEAD_BYTES + MAC_BYTES or raw[:1] != VERSION:
            return None
        message, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        number = self.signatory(message, mac)
        if number is None:
            return None
        issued = int.from_bytes(message[1:HEAD_BYTES], "big")
        age = time() - issued
        if age < -CLOCK_SKEW or (max_age is not None and age > max_age):
            return None
        return Signed(message[HEAD_BYTES:], issued, number > 0)

    def signatory(self, message: bytes, mac: bytes) -> int | None:
        """The number of the key that made this mac, 0 being the newest; None when none did. It compares in constant time."""
        return next((number for number, key in enumerate(self.keys) if compare_digest(key.mac(message), mac)), None)
