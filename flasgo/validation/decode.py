"""JSON text to typed values, and every reason why not."""

from functools import lru_cache
from typing import TypeVar

from msgspec import DecodeError, ValidationError
from msgspec.json import Decoder
from msgspec.json import decode as decode_untyped

from flasgo.errors import MalformedBody, ValidationFailed
from flasgo.http.jsontext import within_depth
from flasgo.validation.issues import collect

T = TypeVar("T")

MAX_JSON_DEPTH = 64
"""Levels of nesting that a JSON body may have."""


@lru_cache(maxsize=1024)
def decoder_for(kind: type[T]) -> Decoder[T]:
    """The decoder of a type, made once."""
    return Decoder(kind)


def decode_json(body: bytes, decoder: Decoder[T]) -> T:
    """The value that this JSON text stands for.

    Raises MalformedBody where it is not JSON or nested deeper than MAX_JSON_DEPTH, ValidationFailed with every
    problem where it is not of the decoder's type.
    """
    # As deep as that takes as many brackets: most bodies have fewer, and need no closer look.
    if body.count(b"[") + body.count(b"{") > MAX_JSON_DEPTH and not within_depth(body, MAX_JSON_DEPTH):
        raise malformed(f"it is nested more than {MAX_JSON_DEPTH} levels deep")
    try:
        return decoder.decode(body)
    except ValidationError:
        raise ValidationFailed(collect(_builtins(body), decoder.type, location="body", strict=True)) from None
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(_reason(body, error)) from None


def malformed(reason: str) -> MalformedBody:
    return MalformedBody(
        f"Malformed JSON request body: {reason}. Send valid JSON in UTF-8, with Content-Type: application/json."
    )


def _builtins(body: bytes) -> object:
    try:
        return decode_untyped(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A typed decoder may refuse the type of a value before it comes to the place where the text breaks off.
        raise malformed(_reason(body, error)) from None


def _reason(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "it is empty"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 at byte {error.start}"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return str(error).removeprefix("JSON is malformed: ")
