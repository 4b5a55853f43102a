"""How text spells what is no text: the patterns that the OpenAPI document shows are those that decide.

Python and msgspec read more than they write, and more than any schema says: UUIDs without hyphens, `1_000` and Arabic digits
in a Decimal, durations in lower case. What is beyond these patterns is refused. They are written in what ECMA-262 and Python
read alike.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, Final, Literal, Union, cast

from msgspec import Struct, ValidationError, convert
from msgspec import inspect as shapes

from flasgo.patterns import regex
from flasgo.validation.numbers import as_integer
from flasgo.validation.shapes import counts_apart, nodes

_YEARLY: Final = (
    "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP: Final = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
_DATE: Final = f"(?!0000)(?:{_YEARLY}|{_LEAP})"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_OFFSET: Final = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):{}[0-5][0-9])"
_COLON: Final = _OFFSET.format("")
_MAYBE: Final = _OFFSET.format("?")
_PART: Final = r"(?:\.[0-9]+)?"

DECIMAL: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
DATETIME: Final = f"^{_DATE}[Tt ]{_TIME}{_MAYBE}?$"
LOCAL_DATETIME: Final = f"^{_DATE}[Tt ]{_TIME}$"
ZONED_DATETIME: Final = f"^{_DATE}[Tt]{_TIME}{_COLON}$"
TIME: Final = f"^{_TIME}{_MAYBE}?$"
LOCAL_TIME: Final = f"^{_TIME}$"
ZONED_TIME: Final = f"^{_TIME}{_COLON}$"
DURATION: Final = (
    f"^-?P(?:[0-9]{{1,8}}{_PART}D|(?:[0-9]{{1,8}}D)?T(?:[0-9]{{1,9}}{_PART}H"
    f"|(?:[0-9]{{1,9}}H)?(?:[0-9]{{1,10}}{_PART}M|(?:[0-9]{{1,10}}M)?[0-9]{{1,12}}{_PART}S))"
    f"|[0-9]{{9}}D(?:T[0-9]{{1,5}}{_PART}S)?)$"
)
"""ISO 8601 in days and less, as msgspec writes it; what RFC 3339's `duration` has besides, years and months, has no length."""

_SHORT: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
SHORT_TIME: Final = f"^{_SHORT}$"
SHORT_DATETIME: Final = f"^{_DATE}T{_SHORT}$"
"""Without seconds, as inputs of forms send them."""

WORD: Final = "^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Oo][Nn]|[Oo][Ff][Ff]|[Yy][Ee][Ss]|[Nn][Oo]|[01])$"
"""What a boolean is in text."""

UUID: Final = "^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"


class Spelling(Struct, frozen=True):
    """The pattern that a text must match, and one that finds in JSON what might not: all that does not is found."""

    pattern: str
    suspect: bytes | None = None

    def fits(self, text: str) -> bool:
        """Is it spelled so?"""
        return _compiled(self.pattern).fullmatch(text) is not None


class Misspelt(Struct, frozen=True):
    """Stands for a text of a query, header, path or form that is not spelled as its type should be: of no type at all."""


MISSPELT: Final = Misspelt()

_SEVERAL: Final = rb","
"""Where there is none, no array holds an item twice."""

_compiled = lru_cache(maxsize=64)(re.compile)

_DECIMAL: Final = Spelling(
    DECIMAL, rb'(?i:n_*a_*n|i_*n_*f|e[+-]?[0-9]{4})|\\|_[-+.0-9]|[.0-9]_|"\s+[-+.0-9]|[.0-9]\s+"|[\x80-\xff]'
)
_UUID: Final = Spelling(UUID, rb'"[0-9A-Fa-f]{32}"')
_DURATION: Final = Spelling(DURATION, rb'"(?:\+|-?p|-?P[^"]*(?:[a-z]|[0-9]{9}))')
_ZONED: Final = rb'[0-9] [0-9]{2}:|[-+][0-9]{4}"'
_DATETIMES: Final = {
    None: Spelling(DATETIME), False: Spelling(LOCAL_DATETIME), True: Spelling(ZONED_DATETIME, _ZONED)
}  # fmt: skip
_TIMES: Final = {None: Spelling(TIME), False: Spelling(LOCAL_TIME), True: Spelling(ZONED_TIME, _ZONED)}


def spelling_of(shape: shapes.Type) -> Spelling | None:
    """How text spells a value of this type; None where any text, or what msgspec reads, is right."""
    match shape:
        case shapes.DecimalType():
            return _DECIMAL
        case shapes.UUIDType():
            return _UUID
        case shapes.TimeDeltaType():
            return _DURATION
        case shapes.DateTimeType():
            return _DATETIMES[shape.tz]
        case shapes.TimeType():
            return _TIMES[shape.tz]
        case _:
            return None


def suspect_in(kind: object) -> "re.Pattern[bytes] | None":
    """What to look for in JSON that was decoded as this type, to know that it is spelled as it should be; None for nothing.

    Of a type that holds a Raw nothing is looked for: who looks closer asks `convert`, which makes no Raw.
    """
    if any(isinstance(node, shapes.RawType) for node in nodes(kind)):
        return None
    found = {s.suspect for node in nodes(kind) if (s := spelling_of(node)) is not None and s.suspect is not None}
    if any(map(counts_apart, nodes(kind))):
        found.add(_SEVERAL)
    return re.compile(b"|".join(sorted(found))) if found else None


def is_well_spelled(text: str, kind: object) -> bool:
    """Is the text spelled as one of these types should be, or is it of a type that has no pattern?"""
    spelling = next((found for node in nodes(kind) if (found := spelling_of(node)) is not None), None)
    return spelling is None or spelling.fits(text)


def is_spelled(kind: object) -> bool:
    """Is there a type in it whose text must match a pattern?"""
    return any(spelling_of(node) is not None for node in nodes(kind))


def reader_of(choices: Iterable[shapes.Type], *, in_path: bool = False) -> "Callable[[str], object] | None":
    """What makes MISSPELT of a text that is none of these types, though msgspec would read it as one; None for nothing.

    A choice of integers is read in every spelling, as msgspec does with an `int`: `2.0` is 2, but not in a path, which has one spelling.
    """
    kinds = [choice for choice in choices if not isinstance(choice, shapes.NoneType)]
    if any(isinstance(kind, (shapes.StrType, shapes.AnyType)) for kind in kinds):
        return None
    spelling = next((found for kind in kinds if (found := spelling_of(kind)) is not None), None)
    values = [value for kind in kinds for value in _choices_of(kind)]
    numbered = int in map(type, values) and not (in_path or any(isinstance(value, str) for value in values))
    if spelling is None:
        return as_integer if numbered else None
    plain = [known for kind in kinds if (known := _plain_type(kind)) is not None]
    others = cast("Any", Union)[tuple(plain)] if plain else None
    read = partial(_spelled, spelling, others)
    return (lambda text: read(as_integer(text))) if numbered else read


def _choices_of(kind: shapes.Type) -> Iterable[object]:
    match kind:
        case shapes.EnumType():
            return [member.value for member in kind.cls]
        case shapes.LiteralType():
            return kind.values
        case _:
            return ()


_PLAIN: Final[Mapping[type[shapes.Type], type]] = {shapes.IntType: int, shapes.FloatType: float, shapes.BoolType: bool}


def _plain_type(kind: shapes.Type) -> object:
    """What text may stand for beside that, with no pattern of its own."""
    match kind:
        case shapes.EnumType():
            return kind.cls
        case shapes.LiteralType():
            return cast("Any", Literal)[kind.values]
        case _:
            return _PLAIN.get(type(kind))


def _spelled(spelling: Spelling, others: object, text: str) -> object:
    if spelling.fits(text) or (spelling is _DECIMAL and _NON_FINITE.fullmatch(text)):
        return text  # that a number is not finite is said by who looks at the value
    with suppress(ValidationError):
        if others is not None:
            return convert(text, others, strict=False)
    return MISSPELT


_NON_FINITE: Final = regex("[+-]?(?:s?nan[0-9]*|inf|infinity)", re.IGNORECASE)
