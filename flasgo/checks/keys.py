"""F001 and F002: is a key what nobody can guess? Settings refuse what is obvious; here is what only looks like a key."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import log2

from flasgo.checks.model import Facts, Finding

MIN_BITS = 96.0
"""What a key must hold by the frequencies of its characters: 32 random hexadecimal digits have about 115."""

EXAMPLES = ("django-insecure", "insecure", "secret", "password", "example", "testing")
"""What a key begins with that was written to be replaced."""

MAKE = "Make one with python -c 'import secrets; print(secrets.token_urlsafe(48))', and keep it outside the source."


def weakness(key: str) -> str | None:
    """Why a key can be guessed, as the end of a sentence."""
    if key.lower().startswith(EXAMPLES):
        return "begins like a key that was written to be replaced"
    if (key + key).find(key, 1) < len(key):
        return "is a shorter text, repeated"
    bits = -sum(count * log2(count / len(key)) for count in Counter(key).values())
    if bits < MIN_BITS:
        return f"has too few different characters to be random (about {bits:.0f} bits)"
    steps = [ord(b) - ord(a) for a, b in pairwise(key)]
    if sum(step in {0, 1, -1} for step in steps) > len(steps) / 2:
        return "is a row of characters in their order"
    return None


def secret_key(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    if settings.secret_key_is_random:
        yield Finding(
            "F001",
            "error",
            "SECRET_KEY is not set: every start makes another one, and whoever was logged in no longer is.",
            f"Set SECRET_KEY, or FLASGO_SECRET_KEY where settings come from the environment. {MAKE}",
        )
    elif (why := weakness(settings.SECRET_KEY)) is not None:
        yield Finding("F001", "error", f"SECRET_KEY {why}: who guesses it signs sessions of his own.", MAKE)


def fallbacks(facts: Facts) -> Iterator[Finding]:
    keys = facts.settings.SECRET_KEY_FALLBACKS
    for number, key in enumerate(keys, 1):
        if (why := weakness(key)) is not None:
            yield Finding(
                "F002",
                "error",
                f"Key {number} of SECRET_KEY_FALLBACKS {why}: what it signs is accepted like that of SECRET_KEY.",
                "Take it out of the list; what it signed is then no longer believed.",
            )
    if len(keys) > 2:  # noqa: PLR2004 - one that was replaced, and one more while it is
        yield Finding(
            "F002",
            "info",
            f"SECRET_KEY_FALLBACKS holds {len(keys)} keys, and each of them opens every session.",
            "Keep a replaced key for as long as sessions last (SESSION_ABSOLUTE_MAX_AGE), then take it out; five are the most.",
        )


def random_with_workers(facts: Facts) -> Iterator[Finding]:
    if facts.settings.secret_key_is_random and facts.workers != 1:
        several = facts.workers is not None
        yield Finding(
            "F019",
            "error" if several else "warning",
            f"SECRET_KEY is random in every process, and {'several' if several else 'perhaps several'} will serve: "
            "each refuses what the others have signed.",
            "Set SECRET_KEY; `flasgo run --workers` refuses to start without it.",
        )
