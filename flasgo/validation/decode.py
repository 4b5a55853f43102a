"""JSON text to typed values, and every reason why not.

Two members of one name: the last one counts, as for every JSON reader of Python's, but each must fit.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeVar, cast

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder, encode
from msgspec.json import decode as decode_typed
from msgspec.json import decode as decode_untyped

from flasgo.errors import HTTPException, Issue, MalformedBody, ValidationFailed
from flasgo.http.jsontext import within_depth
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.issues import collect
from flasgo.validation.numbers import with_whole_numbers
from flasgo.validation.spellings import suspect_in

T = TypeVar("T")

OUT_OF_RANGE: Final = Issue("body", "", "too_large", "must not hold a number that is out of range")
TWICE: Final = Issue("body", "", "repeated", "must not hold an object with two members of one name")

MAX_JSON_DEPTH = 64
"""Levels of nesting that a JSON body may have."""


def json_decoder(kind: type[T], codecs: Codecs = NO_CODECS) -> Callable[[bytes], T]:
    """What decodes JSON text as this type. A whole number is an integer however it is written: `1.0` and `1e3`, too.

    It raises MalformedBody where the text is not JSON or nested deeper than MAX_JSON_DEPTH, ValidationFailed with every
    problem where it is not of the type, or holds a number that is not finite.
    """
    decode = Decoder(kind, dec_hook=codecs.decode if codecs.within(kind) else None).decode
    suspect = suspect_in(kind)

    def decode_json(body: bytes) -> T:
        if not within_depth(body, MAX_JSON_DEPTH):
            raise malformed(f"it is nested more than {MAX_JSON_DEPTH} levels deep")
        if not body.isascii():
            _check_encoding(body)
        try:
            value = decode(body)
        except (DecodeError, RecursionError) as error:
            if not isinstance(error, ValidationError):
                raise malformed(_reason(body, error)) from None
            whole = with_whole_numbers(body)
            if whole == body:
                raise _refusal(body, kind, codecs) from None
            return decode_json(whole)
        if suspect is not None and suspect.search(body):
            # msgspec takes the string "NaN" for a Decimal, among others.
            issues = collect(decode_untyped(body), kind, location="body", strict=True, codecs=codecs)
            if issues:
                raise ValidationFailed(issues)
        return value

    return decode_json


class JsonSource(Struct, frozen=True):
    """`decode`, and the same as lines of code that decode `body` in place, with the names that they use: for most bodies without
    a call.
    """

    decode: Callable[[bytes], object]
    lines: tuple[str, ...]
    names: Mapping[str, object]


def json_source(annotation: object, codecs: Codecs = NO_CODECS) -> JsonSource:
    """What `json_decoder` gives, as source."""
    kind = cast("type[object]", annotation)  # msgspec takes every annotation, and calls them all types
    decode = json_decoder(kind, codecs)
    if suspect_in(kind) is not None or codecs.within(kind):
        return JsonSource(decode, ("body = decode_body(body)",), {"decode_body": decode})
    names = {"decode_body": decode, "decode_quickly": Decoder(kind).decode, "DecodeError": DecodeError}
    return JsonSource(decode, QUICKLY, names)


FEW = f'len(body) - len(body.replace(b"[", b"", {MAX_JSON_DEPTH}).replace(b"{{", b"", {MAX_JSON_DEPTH})) < {MAX_JSON_DEPTH}'
"""The first question of `within_depth`, asked in place."""

QUICKLY = (
    "try:",
    f"    body = decode_quickly(body) if body.isascii() and {FEW} else decode_body(body)",
    "except DecodeError:",
    "    body = decode_body(body)",
)


@lru_cache(maxsize=1024)
def decoder_for(kind: type[T], codecs: Codecs = NO_CODECS) -> Callable[[bytes], T]:
    """The decoder of a type, made once."""
    return json_decoder(kind, codecs)


def malformed(reason: str) -> MalformedBody:
    return MalformedBody(
        f"Malformed JSON request body: {reason}. Send valid JSON in UTF-8, with Content-Type: application/json."
    )


def _check_encoding(body: bytes) -> None:
    """Raise for what is not UTF-8 (RFC 8259 §8.1), though it may stand in a member that the type does not have."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"it is not UTF-8 at byte {error.start}") from None


def _refusal(body: bytes, kind: object, codecs: Codecs) -> HTTPException:
    try:
        value = decode_untyped(body)
    except ValidationError:
        return ValidationFailed([OUT_OF_RANGE])
    except (DecodeError, RecursionError) as broken:
        # A typed decoder may refuse the type of a value before it comes to the place where the text breaks off.
        return malformed(_reason(body, broken))
    issues = collect(value, kind, location="body", strict=True, codecs=codecs)
    return ValidationFailed(issues or [_only_in_text(value, kind, codecs)])


def _only_in_text(value: object, kind: object, codecs: Codecs) -> Issue:
    """What is refused as text and taken as values: a member that is there twice, of which the last one fits, or an integer beyond 64 bits."""
    hook = codecs.decode if codecs.within(kind) else None
    try:
        decode_typed(encode(value), type=cast("type[object]", kind), dec_hook=hook)
    except ValidationError:
        return OUT_OF_RANGE
    return TWICE


def _reason(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "it is empty"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return str(error).removeprefix("JSON is malformed: ")
