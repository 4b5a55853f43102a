"""`application/x-www-form-urlencoded`, in queries and in forms (WHATWG URL §5).

`&` alone separates: a cache that reads `;` otherwise could be poisoned (CVE-2021-23336). Names and values are UTF-8 and
nothing else; a percent sign that begins no escape stands for itself, as in browsers.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlencode

from flasgo.errors import MalformedRequest
from flasgo.patterns import regex

MAX_FIELDS = 1000

# A whole run, because the bytes of one character may be several escapes; what stands between runs is text already.
_ESCAPES = regex(r"(?:%[0-9A-Fa-f]{2})+")


def parse_query(raw: bytes, *, max_fields: int = MAX_FIELDS) -> list[tuple[str, str]]:
    """Every name and value in order; `a` and `a=` both have the value "", nothing between two `&` is no field.

    Raises MalformedRequest for more than `max_fields` fields, counted before any is read, and for what is not UTF-8.
    Linear in the length of `raw`.
    """
    if not raw:
        return []
    try:
        text = raw.decode()
        if text.count("&") >= max_fields:
            raise MalformedRequest(f"There are more than {max_fields} fields in the query or form. Send fewer.")
        if "+" in text:
            text = text.replace("+", " ")
        escaped = "%" in text
        fields: list[tuple[str, str]] = []
        for piece in text.split("&"):
            if piece:
                name, _, value = piece.partition("=")
                fields.append((_unescape(name), _unescape(value)) if escaped and "%" in piece else (name, value))
    except UnicodeDecodeError:
        raise MalformedRequest("The query or form is not UTF-8. Encode its text as UTF-8 before escaping it.") from None
    return fields


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each name, in order."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs as `parse_query` reads them, in ASCII. Raises ValueError for lone surrogates, which UTF-8 cannot say."""
    return urlencode(tuple(pairs))


def _unescape(text: str) -> str:
    return _ESCAPES.sub(_decode_run, text) if "%" in text else text


def _decode_run(run: re.Match[str]) -> str:
    return bytes.fromhex(run[0].replace("%", "")).decode()
