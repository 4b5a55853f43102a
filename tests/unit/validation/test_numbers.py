import json

import pytest

from flasgo.validation.numbers import MAX_WHOLE_NUMBERS, with_whole_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2247.0", b"2247"),
        (b"-1.00", b"-1"),
        (b"-0.0", b"0"),
        (b"1e3", b"1000"),
        (b"15E-1", b"15E-1"),
        (b"1.50e1", b"15"),
        (b"1e400", b"1e400"),
        (b"1e18", b"1" + b"0" * 18),
        (b"0e999999999999999999999999999999", b"0e999999999999999999999999999999"),
        (b"1." + b"0" * 99, b"1." + b"0" * 99),
        (b'{"1.0": ["2.0", "\\"3.0", 4.0, 5, 6.5]}', b'{"1.0": ["2.0", "\\"3.0", 4, 5, 6.5]}'),
        (b'["1.0', b'["1.0'),
        (b"1.0.0", b"1.0.0"),
        (b"true", b"true"),
    ],
)
def test_whole_numbers_are_written_as_integers(text: bytes, expected: bytes) -> None:
    assert with_whole_numbers(text) == expected


def test_the_work_is_bounded() -> None:
    text = json.dumps([1.0] * (MAX_WHOLE_NUMBERS + 1)).encode()
    assert with_whole_numbers(text).count(b"1.0") == 1
