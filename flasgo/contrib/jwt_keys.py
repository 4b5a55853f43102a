"""Keys for JSON Web Tokens: what they are read from, and which goes with which algorithm."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

__all__ = ["Key", "KeyData", "Keys", "checked_algorithms", "find_keys", "load_keys", "usable_keys"]

KeyData: TypeAlias = str | bytes | Mapping[str, Any]
"""A secret, a key as PEM, or a JWK or JWKS (RFC 7517), whose members are of many types."""

Keys: TypeAlias = tuple[Key, ...]

KINDS: Mapping[str, type[Key]] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), OctKey),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSAKey),
    **dict.fromkeys(("ES256", "ES384", "ES512"), ECKey),
    **dict.fromkeys(("EdDSA", "Ed25519"), OKPKey),
}
"""The algorithms, and the kind of key that each goes with (RFC 7518 §3, RFC 8037, RFC 9864)."""

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""A secret has at least the size of the hash (RFC 7518 §3.2)."""

RSA_BITS = 2048
MAX_KEYS = 32
"""Keys that are taken of a set."""


def checked_algorithms(algorithms: Iterable[str]) -> frozenset[str]:
    """Raises ValueError for none, unknown ones, and both secrets and public keys."""
    names = frozenset((algorithms,) if isinstance(algorithms, str) else algorithms)
    unknown = sorted(names - KINDS.keys())
    if unknown or not names:
        raise ValueError(f"algorithms={unknown!r}: name those that may have signed, out of {', '.join(KINDS)}.")
    if len({KINDS[name] is OctKey for name in names}) > 1:
        raise ValueError("algorithms mixes secrets (HS…) and public keys: a public key could be taken for a secret.")
    return names


def load_keys(data: KeyData, algorithms: frozenset[str]) -> Keys:
    """The keys of the application's own configuration. Raises ValueError, which does not show them."""
    if isinstance(data, Mapping):
        keys = usable_keys(data, algorithms)
    else:
        raw = data.encode() if isinstance(data, str) else data
        keys = tuple(
            key for kind in {KINDS[name] for name in algorithms} if (key := _from_bytes(raw, kind)) is not None
        )
        keys = tuple(key for key in keys if any(_goes_with(key, name) for name in algorithms))
    if not keys:
        raise ValueError(
            f"The key does not go with {', '.join(sorted(algorithms))}: a secret needs at least 32, 48 or 64 bytes and must not be PEM, "
            "RSA 2048 bits, ES256 the curve P-256, and so on."
        )
    return keys


def usable_keys(data: Mapping[str, Any], algorithms: frozenset[str]) -> Keys:
    """The keys of a JWK or JWKS that may verify one of these algorithms; others are left out (RFC 7517 §5)."""
    entries = data.get("keys", [data])
    if not isinstance(entries, list):
        return ()
    keys = (_from_jwk(entry) for entry in entries[:MAX_KEYS] if isinstance(entry, dict))
    return tuple(key for key in keys if key is not None and any(_goes_with(key, name) for name in algorithms))


def find_keys(keys: Keys, algorithm: str, kid: str | None) -> Iterator[Key]:
    """The keys that may have signed: of this kind and, where token and key have a name, of this name."""
    for key in keys:
        if _goes_with(key, algorithm) and (kid is None or key.kid is None or key.kid == kid):
            yield key


def _goes_with(key: Key, algorithm: str) -> bool:
    if (
        not isinstance(key, KINDS[algorithm])
        or key.get("use", "sig") != "sig"
        or key.get("alg", algorithm) != algorithm
    ):
        return False
    if isinstance(key, OctKey):
        return len(key.raw_value) >= SECRET_BYTES[algorithm]
    if isinstance(key, RSAKey):
        return key.raw_value.key_size >= RSA_BITS
    return key.curve_name == CURVES[algorithm]


def _from_jwk(entry: dict[str, Any]) -> Key | None:
    kinds: dict[object, type[Key]] = {"oct": OctKey, "RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(entry.get("kty"))
    try:
        return None if kind is None else kind.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _from_bytes(raw: bytes, kind: type[Key]) -> Key | None:
    """A secret must not look like a key of another kind: that would be a public key taken for a secret."""
    if kind is OctKey and (
        len(raw) < min(SECRET_BYTES.values()) or b"-----BEGIN" in raw or raw.startswith((b"ssh-", b"{"))
    ):
        return None
    try:
        return kind.import_key(raw)
    except (JoseError, ValueError, TypeError):
        return None
