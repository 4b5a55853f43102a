"""Is a password worth having? What NIST SP 800-63B-4 §3.1.1.2 asks for: length, and not one that everybody tries first.

No rules about kinds of characters: they make passwords worse. For more than this short list, ask a service that knows what has leaked.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from flasgo.auth.passwords import MAX_PASSWORD

MIN_LENGTH = 15
"""Characters, where the password is all that is asked for; 8 will do beside a second factor."""

COMMON = frozenset(
    [
        "000000",
        "111111",
        "112233",
        "121212",
        "123123",
        "123321",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "123qwe",
        "159753",
        "1q2w3e",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "1qaz2wsx",
        "654321",
        "666666",
        "696969",
        "777777",
        "987654321",
        "aaaaaa",
        "abc123",
        "abcdef",
        "access",
        "admin",
        "administrator",
        "asdf",
        "asdfgh",
        "asdfghjkl",
        "azerty",
        "baseball",
        "batman",
        "changeme",
        "charlie",
        "computer",
        "correcthorsebatterystaple",
        "default",
        "dragon",
        "flower",
        "football",
        "freedom",
        "fuckyou",
        "guest",
        "hello",
        "hottie",
        "hunter2",
        "iloveyou",
        "jesus",
        "jordan",
        "killer",
        "letmein",
        "login",
        "loveme",
        "lovely",
        "master",
        "michael",
        "monkey",
        "mustang",
        "ninja",
        "nothing",
        "passw0rd",
        "password",
        "password1",
        "password123",
        "pokemon",
        "princess",
        "qazwsx",
        "qwerty",
        "qwerty123",
        "qwertyuiop",
        "root",
        "secret",
        "shadow",
        "starwars",
        "sunshine",
        "superman",
        "test",
        "thisisapassword",
        "trustno1",
        "user",
        "welcome",
        "whatever",
        "william",
        "zaq12wsx",
        "zxcvbn",
        "zxcvbnm",
    ]
)
"""What is tried first, alone, repeated, or with digits and signs around it."""

ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
)

LEET = str.maketrans("013457@$!", "oieastasi")
MIN_INPUT = 4
"""Characters of a user's own word from which on it counts as part of his password."""

FEW_CHARACTERS = 5


def password_problems(
    password: str, *, user_inputs: Iterable[str] = (), min_length: int = MIN_LENGTH
) -> tuple[str, ...]:
    """What is wrong with a new password, in sentences for its user; empty for one that will do.

    `user_inputs` are words that others guess: the user's name and address, the name of the site. `min_length` is 15
    characters, and may be 8 where a second factor is asked for (NIST SP 800-63B-4). The password is never repeated.
    """
    if len(password) > MAX_PASSWORD:
        return (f"Use at most {MAX_PASSWORD} characters.",)
    text = unicodedata.normalize("NFKC", password)
    problems = [] if len(text) >= min_length else [f"Use at least {min_length} characters."]
    folded = text.casefold()
    if len(set(folded)) < FEW_CHARACTERS:
        problems.append("Use more different characters.")
    elif _is_row(folded):
        problems.append("Do not use neighbouring keys, letters or digits in a row.")
    elif _is_common(folded):
        problems.append("This is one of the passwords that are tried first.")
    words = {word for given in user_inputs for word in _words(given)}
    if any(_is_mostly(folded, word) for word in words):
        problems.append("Do not use your name, your address or the name of this site.")
    return tuple(problems)


def _is_common(text: str) -> bool:
    unit = _unit(text)
    bare = re.sub(r"[^a-z]", "", unit.translate(LEET))
    return bool({text, unit, unit.strip("0123456789!?.,#*_- "), bare, _unit(bare)} & COMMON)


def _unit(text: str) -> str:
    """The shortest text of which this is a repetition, a part of it perhaps at the end."""
    length = next((n for n in range(1, len(text)) if text[n:] == text[:-n]), len(text))
    return text[:length]


def _is_row(text: str) -> bool:
    """Is it nothing but stretches of rows, forwards or backwards?"""
    unit = re.sub(r"[^a-z0-9]", "", _unit(text))
    both = [*ROWS, *(row[::-1] for row in ROWS)]
    steps = [any(a + b in row for row in both) for a, b in pairwise(unit)]
    return len(steps) > 1 and sum(steps) >= len(steps) - len(steps) // 4


def _words(given: str) -> list[str]:
    """The words in what is known of a user; what they are in is one of them."""
    folded = unicodedata.normalize("NFKC", given[:MAX_PASSWORD]).casefold()
    return [word for word in {folded, *re.split(r"[\W_]+", folded)} if len(word) >= MIN_INPUT]


def _is_mostly(text: str, word: str) -> bool:
    """Is more than half of it this word, forwards or backwards, once or often?"""
    found = max(text.count(word), text.count(word[::-1]), text.translate(LEET).count(word))
    return 2 * found * len(word) > len(text)
