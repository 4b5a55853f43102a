"""What of a program's values may be shown on a debug page: never a secret, by its name or by its value, and never without end.

by name     anything called secret, token, pass, key, auth, cookie, session, credential or csrf, at any depth
by value    the keys of the application and whatever else is known to be secret, wherever it stands
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from functools import cache
from itertools import islice
from urllib.parse import quote

from msgspec import Struct

REDACTED = "[redacted]"

WORDS = r"secret|token|pass(?!ed|ing|ive|enger|age)|key(?!board|word|error)|auth(?!or(?!i[sz]))|cookie|session|credential|csrf|signature"
SECRET_LITERAL = rf"""((?:{WORDS})\w*(?:["']?\]?\s*(?::\s*[\w\[\]|. ]{{1,40}}=|==?|!=|:)|["']\s*,)\s*[rbfu]{{0,2}})("[^"]*"|'[^']*')"""
"""A quoted text that belongs to a secret name: `api_key = "…"`, `"password": "…"`, `get("TOKEN", "…")`."""

SECRET_WORD = rf"((?:{WORDS})\w*\s*=\s*)([^\s,;&)}}\]\"'\[]+)"
"""A bare word that belongs to one, as in a query or a repr: `token=abc`."""

USERINFO = r"(?<=://)[^/\s@]{1,200}@"

SHORTEST_SECRET = 6
MAX_TEXT = 1_000
MAX_READ = 20_000
"""Characters of a text that are looked at: whatever is secret is found before the text is cut to MAX_TEXT."""

MAX_ITEMS = 25
MAX_DEPTH = 4


@cache
def pattern(source: str) -> re.Pattern[str]:
    """Compiled when it is first needed: a program in which nothing fails does not pay for it."""
    return re.compile(source, re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    return pattern(WORDS).search(name) is not None


class Redactor:
    """Shows values without the `known` secrets, without what is secret by its name, and not beyond MAX_TEXT characters."""

    def __init__(self, known: Iterable[str]) -> None:
        forms = {form for one in known if len(one) >= SHORTEST_SECRET for form in (one, repr(one)[1:-1], quote(one))}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str, limit: int = MAX_TEXT) -> str:
        """A message or a repr."""
        text = self.source(text, limit)
        return pattern(SECRET_WORD).sub(rf"\1{REDACTED}", text)

    def source(self, text: str, limit: int = MAX_TEXT) -> str:
        """A line of a program, in which only values that stand there as text can be secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        if len(text) > limit:
            text = f"{text[:limit]}…"
        return pattern(SECRET_LITERAL).sub(rf"\1{REDACTED}", pattern(USERINFO).sub(f"{REDACTED}@", text))

    def value(self, name: str, value: object) -> str:
        """The value of a variable. Nothing that the value's own code does can make it fail."""
        try:
            return self.text(self._shown(name, value, MAX_DEPTH))
        except Exception as error:  # noqa: BLE001 - a repr of the user's may raise whatever it likes
            return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"

    def _shown(self, name: str, value: object, depth: int) -> str:
        if is_secret_name(name) and not (value is None or isinstance(value, (bool, type)) or callable(value)):
            return REDACTED
        if isinstance(value, (str, bytes)):
            return self.text(repr(value[:MAX_READ]))
        if depth == 0:
            return "…"
        if isinstance(value, Mapping):
            items = islice(value.items(), MAX_ITEMS)
            pairs = [f"{key!r}: {self._shown(_name(key), item, depth - 1)}" for key, item in items]
            return f"{{{_listed(pairs, len(value))}}}"
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._shown_items(name, value, depth)
        return self._shown_object(value, depth)

    def _shown_items(
        self, name: str, value: list[object] | tuple[object, ...] | set[object] | frozenset[object], depth: int
    ) -> str:
        items = list(islice(value, MAX_ITEMS))
        if isinstance(value, tuple) and len(items) == 2 and isinstance(items[0], (str, bytes)):  # noqa: PLR2004 - as header fields are
            return f"({items[0]!r}, {self._shown(_name(items[0]), items[1], depth - 1)})"
        brackets = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
        shown = _listed([self._shown(name, item, depth - 1) for item in items], len(value))
        return f"{brackets[0]}{shown}{brackets[1]}"

    def _shown_object(self, value: object, depth: int) -> str:
        names = _field_names(value)
        if names is None:
            return repr(value)
        parts = [f"{each}={self._shown(each, getattr(value, each, None), depth - 1)}" for each in names[:MAX_ITEMS]]
        return f"{type(value).__name__}({_listed(parts, len(names))})"


def _name(key: object) -> str:
    return (key.decode("latin-1") if isinstance(key, bytes) else str(key))[:200]


def _listed(parts: list[str], count: int) -> str:
    return ", ".join([*parts, *([f"… {count - MAX_ITEMS} more"] if count > MAX_ITEMS else ())])


def _field_names(value: object) -> list[str] | None:
    """The fields of a Struct, dataclass or attrs object; None for everything else."""
    if isinstance(value, type):
        return None
    if isinstance(value, Struct):
        return list(value.__struct_fields__)
    if is_dataclass(value):
        return [field.name for field in dataclass_fields(value)]
    attributes = getattr(type(value), "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]
