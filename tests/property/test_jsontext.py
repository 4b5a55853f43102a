"""The fast depth check agrees with a decoder and a walk over what it decoded."""

import json

from hypothesis import given
from hypothesis import strategies as st

from flasgo.http.jsontext import within_depth

SCALARS = st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a\n☃', max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{"\\x', max_size=4), inner, max_size=4)
    ),
    max_leaves=40,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.integers(0, 8), st.sampled_from([None, 2]), st.booleans())
def test_json_is_within_the_limit_exactly_when_its_value_is(
    value: object, limit: int, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()

    assert within_depth(text, limit) == (depth_of(value) <= limit)


@given(st.integers(0, 70), st.integers(0, 70), st.integers(1, 600))
def test_long_json_is_judged_across_its_whole_length(before: int, after: int, repeats: int) -> None:
    text = b"[" + (b"[" * before + b"]" * before + b"," + b"[" * after + b"]" * after + b",") * repeats + b"0]"

    assert within_depth(text) == (1 + max(before, after) <= 64)


@given(st.binary(max_size=60) | st.text(alphabet='[]{}"\\,a', max_size=60).map(str.encode), st.integers(0, 5))
def test_true_promises_that_no_decoder_goes_deeper(text: bytes, limit: int) -> None:
    """A reference scanner, which stops where the brackets or strings stop being JSON, never gets past the limit."""
    if within_depth(text, limit):
        assert deepest_valid_prefix(text) <= limit


def deepest_valid_prefix(text: bytes) -> int:
    closers: list[int] = []
    deepest = 0
    inside = escaped = False
    for byte in text:
        if inside:
            inside, escaped = escaped or byte != ord('"'), not escaped and byte == ord("\\")
        elif byte == ord('"'):
            inside = True
        elif byte in b"[{":
            closers.append(byte + 2)
            deepest = max(deepest, len(closers))
        elif byte in b"]}":
            if not closers or closers.pop() != byte:
                break
        elif byte == ord("\\"):
            break
    return deepest
