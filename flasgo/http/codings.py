"""Content codings: which of those that there are a client takes, and that bodies have none (RFC 9110 §8.4.1, §12.5.3)."""

from functools import lru_cache
from typing import Final

from flasgo.errors import UnsupportedMediaType
from flasgo.patterns import regex

CODINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""The codings of files that were compressed beforehand, the smallest first, and what their names end with."""

MAX_LENGTH: Final = 1024
"""Characters of an Accept-Encoding header; a longer one is read as if there were none."""

_MEMBER = regex(
    r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
_ALIASES = {"x-gzip": "gzip"}  # §8.4.1.3


@lru_cache(maxsize=256)
def accepted_codings(header: bytes) -> tuple[str, ...]:
    """Those of CODINGS that the client takes, the one it likes best first; of those it likes alike, the smallest first."""
    if len(header) > MAX_LENGTH:
        return ()
    weights: dict[str, float] = {}
    for member in header.decode("latin-1").split(","):
        match = _MEMBER.fullmatch(member.strip(" \t"))
        if match is not None:
            name = match["name"].lower()
            weights[_ALIASES.get(name, name)] = float(match["weight"] or 1)
    others = weights.get("*", 0.0)
    liked = {coding: weights.get(coding, others) for coding in CODINGS}
    return tuple(sorted((coding for coding in CODINGS if liked[coding]), key=lambda coding: -liked[coding]))


def refuse_encoded(coding: bytes) -> None:
    """Raise UnsupportedMediaType for a body with this Content-Encoding: what stands before us may have read it in another way.

    `identity` says that there is none; it should not be sent (§8.4.1), and changes nothing.
    """
    if coding.strip(b" \t").lower() != b"identity":
        raise UnsupportedMediaType(
            "Send the body without Content-Encoding.",
            headers={"accept-encoding": "identity"},  # §15.5.16
        )
