"""The depth of a JSON text is found without decoding it, and in linear time."""

import json
from collections.abc import Callable

import pytest

from flasgo.http.jsontext import within_depth

MEBIBYTE = 1 << 20


def nested(depth: int, inner: bytes = b"") -> bytes:
    return b"[" * depth + inner + b"]" * depth


@pytest.mark.parametrize(
    "text", [b"", b"0", b"null", b'"["', b"[]", b"{}", b'{"a": [1, 2]}', nested(64), b"\xef\xbb\xbf[]"]
)
def test_shallow_text_is_within_the_default_limit(text: bytes) -> None:
    assert within_depth(text)


def test_the_default_limit_is_64_levels() -> None:
    assert within_depth(nested(64))
    assert not within_depth(nested(65))


@pytest.mark.parametrize("limit", [0, 1, 2, 63, 64, 65, 300])
def test_the_limit_is_inclusive(limit: int) -> None:
    assert within_depth(nested(limit, b"0"), limit)
    assert not within_depth(nested(limit + 1, b"0"), limit)


def test_objects_and_arrays_both_count() -> None:
    text = b'{"a": [{"b": [{}]}]}'

    assert within_depth(text, 5)
    assert not within_depth(text, 4)


def test_many_neighbours_are_not_deep() -> None:
    assert within_depth(b"[" + b"[[]]," * 10_000 + b"[[]]]", 3)
    assert not within_depth(b"[" + b"[[]]," * 10_000 + b"[[[]]]]", 3)


def test_depth_is_carried_over_from_far_before() -> None:
    text = nested(10, b"[]," * 5_000 + nested(10, b"[]," * 5_000 + b"0"))

    assert within_depth(text, 21)
    assert not within_depth(text, 20)


@pytest.mark.parametrize(
    "string",
    ["[[[[[[", "]]]]", '"[[[', '\\"[[[', "\\", "\\\\", '\\\\"[[', "[\\", "é[[[☃", "\n[[", "", '""', '"["', "{{}[]"],
)
def test_brackets_inside_strings_do_not_count(string: str) -> None:
    text = json.dumps([[string, {string: [string, string]}]], ensure_ascii=False).encode()

    assert within_depth(text, 4)
    assert not within_depth(text, 3)


@pytest.mark.parametrize(
    "text",
    [
        b'[["[[[[',  # a string that never ends hides what it would have held
        b'[["\\',
        b"]]]]]]",
        b"[[]]]]]]]",
    ],
)
def test_malformed_text_that_a_decoder_leaves_early_may_pass(text: bytes) -> None:
    assert within_depth(text, 2)


@pytest.mark.parametrize(
    "text",
    [
        b"[[[",
        b"[[[" + b"\\",
        b'[[[}}}"',
        b'"\\"[[[[" [[[',
        b"{{{",
        b"[" * 100_000,
    ],
)
def test_malformed_text_that_would_lead_a_decoder_too_deep_is_refused(text: bytes) -> None:
    assert not within_depth(text, 2)


@pytest.mark.parametrize(
    "piece",
    [
        b"[",
        b"]",
        b"[]",
        b"][",
        b'"',
        b"\\",
        b'\\"',
        b'["',
        b'"["',
        b'"\\n',
        b'{"":',
        b"[}",
        b"[[[[[[[[]]]]]]]]",
        nested(64) + b",",
        nested(65) + b",",
        b'"a",',
        b"\xff",
    ],
)
def test_a_mebibyte_of_anything_takes_linear_time(
    piece: bytes, costs_at_most: Callable[[float, Callable[[], object]], None]
) -> None:
    """It takes about 30 ms."""
    text = b"[" * 60 + b'"' * (piece == b'"\\n') + piece * (MEBIBYTE // len(piece))

    costs_at_most(0.5, lambda: within_depth(text))
