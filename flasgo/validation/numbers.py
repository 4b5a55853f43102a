"""Numbers as JSON and text write them, where Python is of another mind."""

import math
import re
from decimal import Decimal
from typing import Final

from flasgo.patterns import regex

MAX_WHOLE_NUMBERS: Final = 10_000
"""Numbers of one text that are looked at, and written as integers where they are whole."""

MAX_EXPONENT: Final = 18
"""The greatest power of ten that a whole number is written with."""

_OTHERS = rb'(?:"(?:[^"\\]++|\\.)*+"|-?\d++(?![\d.eE])|[^"\-\d])*+'  # strings, plain integers, and what stands between
_FRACTIONAL = regex(_OTHERS + rb"(-?\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+)(?![\d.eE])", re.DOTALL)
_MAY_BE_WHOLE = regex(rb"\.0|\d[eE]")
_NUMBER = regex(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def finite(value: object) -> bool:
    """Tell whether a converted value is anything but NaN or an infinity, be it a float or a Decimal."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return not isinstance(value, float) or math.isfinite(value)


def with_whole_numbers(text: bytes) -> bytes:
    """JSON text with its whole numbers written as integers: `2247.0` and `1e3` are ones to JSON Schema (2020-12, §4.2.3).

    The text itself where nothing is to be done, or where it is not JSON.
    """
    if _MAY_BE_WHOLE.search(text) is None:
        return text
    pieces: list[bytes] = []
    at = 0
    for _ in range(MAX_WHOLE_NUMBERS):
        found = _FRACTIONAL.match(text, at)
        if found is None:
            break
        start, end = found.span(1)
        pieces += [text[at:start], _whole(found[1])]
        at = end
    return b"".join([*pieces, text[at:]])


def as_integer(text: str) -> str:
    """The text of a number as JSON writes it, as an integer where it is whole; any other text as it is."""
    return text if _NUMBER.fullmatch(text) is None else _whole(text.encode()).decode()


def _whole(number: bytes) -> bytes:
    if len(number) > 2 * MAX_EXPONENT:
        return number
    try:
        value = Decimal(number.decode())
        whole = value.adjusted() <= MAX_EXPONENT and value == value.to_integral_value()
    except ArithmeticError:  # an exponent of more digits than it has itself
        return number
    return b"%d" % int(value) if whole else number
