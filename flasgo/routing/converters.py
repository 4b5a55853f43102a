"""Converters: what a placeholder of a path pattern accepts, and which Python value it becomes.

A converter sees decoded text that is never empty and, but for `path`, never holds a "/". Everything here is linear in that text.
`rank` is the specificity of a converter: where several match the same segment, the lowest one wins. Two of equal rank in one place
are an ambiguity, which the table refuses unless both are `any` without a common choice.
"""

import re
from abc import abstractmethod
from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from keyword import iskeyword
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

from flasgo.errors import RegistrationError
from flasgo.patterns import regex

# `date`, `uuid` and `float` never match the same text, so the order among these three decides nothing.
RANK_ANY: Final = 10
RANK_INT: Final = 20
RANK_DATE: Final = 30
RANK_UUID: Final = 31
RANK_FLOAT: Final = 32
RANK_CUSTOM: Final = 50
RANK_STR: Final = 90
RANK_PATH: Final = 100

_INT_DIGITS: Final = 19
_FLOAT_CHARACTERS: Final = 32
_NO_FIT: Final = "the text does not fit"
_DATE = regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLOAT = regex(r"[0-9]+(?:\.[0-9]+)?")
_UUID = regex(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@runtime_checkable
class Converter(Protocol):
    """The two directions between a placeholder's text and its value. Subclass it, or be of its shape.

        class Slug(Converter):
            def to_python(self, text: str) -> str:
                if not text.islower():
                    raise ValueError("not a slug")
                return text

    Arguments in a pattern, `<slug(3,40):s>`, are passed to the class as text. A converter that is called from a handler's path
    must be fast: it runs on the event loop for every request that comes as far as its place.
    """

    @property
    def python_type(self) -> type:
        """The type of the values, for documents and for checking the handler's annotation."""
        return str

    @property
    def rank(self) -> int:
        """Specificity: lower is tried first. Literal text comes before every rank."""
        return RANK_CUSTOM

    @property
    def least(self) -> int:
        """The shortest text that can fit, at least 1; used where a placeholder shares its segment with other text."""
        return 1

    @property
    def run(self) -> re.Pattern[str] | None:
        """Matches, from where it starts, the longest text that could fit; None: any text could. It must be linear."""
        return None

    @abstractmethod
    def to_python(self, text: str) -> object:
        """The value of `text`. Raises ValueError when it does not fit, and then the pattern does not match."""
        ...

    def to_url(self, value: object) -> str:
        """The text of `value`, not percent-encoded. Raises ValueError or TypeError when it does not fit."""
        return text_of(value)


def text_of(value: object) -> str:
    """The text of a scalar as it stands in a URL: "true" and "false", ISO 8601 dates and times, an Enum's value.

    Raises TypeError for None, bytes, containers and other objects: their text would be a guess.
    """
    match value:
        case Enum():
            return text_of(value.value)
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal() | UUID():
            return str(value)
        case date() | time():
            return value.isoformat()
        case _:
            raise TypeError(f"{type(value).__name__} has no text in a URL")


class StrConverter(Converter):
    """One or more characters, none of them "/"."""

    rank = RANK_STR

    def to_python(self, text: str) -> str:
        return text


class PathConverter(Converter):
    """One or more characters of any kind: the only converter that spans segments."""

    rank = RANK_PATH

    def to_python(self, text: str) -> str:
        return text


class IntConverter(Converter):
    """1 to 19 ASCII digits, leading zeros included, without a sign."""

    python_type = int
    rank = RANK_INT
    run = regex(f"[0-9]{{1,{_INT_DIGITS}}}")

    def to_python(self, text: str) -> int:
        if len(text) <= _INT_DIGITS and text.isascii() and text.isdigit():
            return int(text)
        raise ValueError(_NO_FIT)

    def to_url(self, value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(int(value))
        raise TypeError("an int is needed")


class FloatConverter(Converter):
    """ASCII digits, then perhaps a point and more digits: "1" and "1.5", at most 32 characters; no sign, no exponent."""

    python_type = float
    rank = RANK_FLOAT
    run = regex(f"[0-9.]{{1,{_FLOAT_CHARACTERS}}}")

    def to_python(self, text: str) -> float:
        if len(text) <= _FLOAT_CHARACTERS and _FLOAT.fullmatch(text):
            return float(text)
        raise ValueError(_NO_FIT)

    def to_url(self, value: object) -> str:
        if isinstance(value, float):
            return format(Decimal(repr(float(value))), "f")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(int(value))
        raise TypeError("a float is needed")


class DateConverter(Converter):
    """YYYY-MM-DD, a day that exists (RFC 3339 full-date)."""

    python_type = date
    rank = RANK_DATE
    least = 10
    run = regex("[0-9-]{1,10}")

    def to_python(self, text: str) -> date:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        raise ValueError(_NO_FIT)

    def to_url(self, value: object) -> str:
        if isinstance(value, date) and not isinstance(value, datetime):  # a datetime would lose its time
            return value.isoformat()
        raise TypeError("a date is needed")


class UUIDConverter(Converter):
    """The hyphenated form of RFC 9562 §4 in upper or lower case."""

    python_type = UUID
    rank = RANK_UUID
    least = 36
    run = regex("[0-9a-fA-F-]{1,36}")

    def to_python(self, text: str) -> UUID:
        if _UUID.fullmatch(text):
            return UUID(text)
        raise ValueError(_NO_FIT)

    def to_url(self, value: object) -> str:
        if isinstance(value, UUID):
            return str(value)
        raise TypeError("a UUID is needed")


class AnyConverter(Converter):
    """One of the texts that the pattern lists: `<any(en,de):lang>`."""

    rank = RANK_ANY

    def __init__(self, *choices: str) -> None:
        if not choices:
            raise ValueError("list the choices: any(en,de)")
        for choice in choices:
            if not choice or choice.strip("\"'") != choice:
                raise ValueError("a choice is bare text without quotes, and not empty: any(en,de)")
            if choice in {".", ".."}:
                raise ValueError("'.' and '..' are never sent by a client")
        if len(set(choices)) < len(choices):
            raise ValueError("a choice is listed twice")
        self.choices: tuple[str, ...] = choices
        self._members = frozenset(choices)
        self._least = min(map(len, choices))
        characters = "".join(sorted({character for choice in choices for character in choice}))
        self._run = re.compile(f"[{re.escape(characters)}]{{1,{max(map(len, choices))}}}")

    @property
    def least(self) -> int:
        return self._least

    @property
    def run(self) -> re.Pattern[str]:
        return self._run

    def to_python(self, text: str) -> str:
        if text in self._members:
            return text
        raise ValueError(_NO_FIT)

    def to_url(self, value: object) -> str:
        return self.to_python(text_of(value))


STR: Final = StrConverter()
PATH: Final = PathConverter()

_BUILT_IN: Final[dict[str, Converter | type[Converter]]] = {
    "str": STR,
    "int": IntConverter(),
    "float": FloatConverter(),
    "path": PATH,
    "uuid": UUIDConverter(),
    "date": DateConverter(),
    "any": AnyConverter,
}
_BY_TYPE: Final[dict[object, str]] = {int: "int", float: "float", UUID: "uuid", date: "date"}


class Converters:
    """The converters of one application, by name: the built-in ones and those it registered."""

    def __init__(self) -> None:
        self._entries = dict(_BUILT_IN)
        self._bound: dict[tuple[str, tuple[str, ...]], Converter] = {}
        self.read: dict[str, object] = {}
        """What was made of texts with these converters: parts of patterns, of which many routes have the same."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def copy(self) -> "Converters":
        """The same converters in a registry of its own."""
        twin = Converters()
        twin._entries.update(self._entries)
        return twin

    def over(self, base: "Converters") -> "Converters":
        """Those of `base` with what was registered here before them; `base` itself where nothing was."""
        own = {name: entry for name, entry in self._entries.items() if _BUILT_IN.get(name) is not entry}
        if not own:
            return base
        twin = base.copy()
        for name, entry in own.items():
            twin.register(name, entry, override=True)
        return twin

    def register(self, name: str, converter: Converter | type[Converter], *, override: bool = False) -> None:
        """Make `<name:…>` mean `converter`: an instance, or a class that is called with the arguments of the pattern.

        Patterns that are parsed already keep the converter they have. Raises RegistrationError for a bad name, for something that
        is no converter, for a name that is taken unless `override`, and always for `path`, which alone spans segments.
        """
        if not (name.isascii() and name.isidentifier()) or iskeyword(name):
            raise RegistrationError(f"{name!r} cannot name a converter: use an ASCII identifier such as 'slug'")
        if name == "path" or (name in self._entries and not override):
            cure = "it cannot be replaced" if name == "path" else "pass override=True to replace it"
            raise RegistrationError(f"there is a converter {name!r} already; {cure}, or choose another name")
        if not isinstance(converter, type):
            _checked(name, converter)
        elif not all(callable(getattr(converter, method, None)) for method in ("to_python", "to_url")):
            raise RegistrationError(f"converter {name!r}: {converter.__name__} needs to_python and to_url")
        self._entries[name] = converter
        self.read.clear()
        self._bound = {words: bound for words, bound in self._bound.items() if words[0] != name}

    def bind(self, name: str, arguments: tuple[str, ...] = ()) -> Converter:
        """The converter of `<name(arguments):…>`, always the same one for the same words.

        Raises RegistrationError for an unknown name (with the nearest one) and for arguments that it does not take.
        """
        bound = self._bound.get((name, arguments))
        if bound is None:
            bound = self._bound[name, arguments] = self._make(name, arguments)
        return bound

    def for_type(self, annotation: object) -> Converter | None:
        """The converter that a bare `<name>` takes from its handler's annotation; None where `str` is right."""
        name = _BY_TYPE.get(annotation) if isinstance(annotation, type) else None
        return self.bind(name) if name else None

    def _make(self, name: str, arguments: tuple[str, ...]) -> Converter:
        entry = self._entries.get(name)
        if entry is None:
            raise RegistrationError(f"there is no converter {name!r}; {_nearest(name, self._entries)}")
        if not isinstance(entry, type):
            if arguments:
                raise RegistrationError(f"converter {name!r} takes no arguments")
            return entry
        try:
            return _checked(name, entry(*arguments))
        except (TypeError, ValueError) as problem:
            raise RegistrationError(f"converter {name!r} refuses its arguments: {problem}") from problem


def _checked(name: str, candidate: object) -> Converter:
    if isinstance(candidate, Converter):
        return candidate
    kind = type(candidate).__name__
    raise RegistrationError(f"converter {name!r}: {kind} is no converter; subclass flasgo.Converter")


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
