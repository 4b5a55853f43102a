"""Byte ranges: what is served, what is ignored, what cannot be."""

from contextlib import suppress

import pytest

from flasgo.http.ranges import MAX_HEADER_LENGTH, ByteRange, RangeNotSatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-499", [(0, 500)]),
        ("bytes=500-", [(500, 1000)]),
        ("bytes=0-", [(0, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-500", [(500, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=900-5000", [(900, 1000)]),
        ("bytes=999-999", [(999, 1000)]),
        ("BYTES=0-0", [(0, 1)]),
        ("bytes=0-0,-1", [(0, 1), (999, 1000)]),
        ("bytes=-1, 0-0", [(999, 1000), (0, 1)]),
        ("bytes=0-9, 10-19 ,\t20-29", [(0, 10), (10, 20), (20, 30)]),
        ("bytes=,0-0,,", [(0, 1)]),
        ("bytes=0-0, 2000-3000", [(0, 1)]),
        ("bytes=2000-, 5-6, -0", [(5, 7)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(10)), [(n, n + 1) for n in range(10)]),
        ("bytes=00000-0009", [(0, 10)]),
    ],
)
def test_ranges_of_a_thousand_bytes(header: str, expected: list[tuple[int, int]]):
    assert parse_range(header, 1000) == tuple(ByteRange(start, stop) for start, stop in expected)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=5-4",
        "bytes=2000-1999",
        "bytes=0-1, 5-4",
        "bytes=0--1",
        "bytes=0-1-2",
        "bytes=0 - 1",
        "bytes=+0-1",
        "bytes=0-1_0",
        "bytes=٠-١",
        "bytes=0-0\n",
        "bytes: 0-1",
        "bytes =0-1",
        "lines=0-1",
        "=0-1",
        "bytes=0-5, 5-6",
        "bytes=0-0, 0-0",
        "bytes=10-19, 0-9, 15-16",
        "bytes=0-, 0-",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(11)),
        "bytes=0-0" + "," * MAX_HEADER_LENGTH,
    ],
)
def test_the_whole_is_sent_for_what_is_malformed_or_greedy(header: str | None):
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=5000-, 6000-7000, -0"])
def test_beyond_the_end_there_is_nothing(header: str):
    with pytest.raises(RangeNotSatisfiable, match="1000 bytes") as caught:
        parse_range(header, 1000)
    assert caught.value.size == 1000
    assert caught.value.content_range == "bytes */1000"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-0"])
def test_an_empty_representation_has_no_byte_to_begin_with(header: str):
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, 0)


@pytest.mark.parametrize("header", ["bytes=-1", "bytes=0-, -5"])
def test_the_last_bytes_of_nothing_are_nothing_sent_whole(header: str):
    assert parse_range(header, 0) is None


def test_a_range_is_a_slice_and_knows_its_header():
    part = ByteRange(2, 5)
    assert b"abcdefg"[part.start : part.stop] == b"cde"
    assert part.length == 3
    assert part.content_range(7) == "bytes 2-4/7"


@pytest.mark.parametrize("pattern", ["0-,", "-", ",", " ", "9", "1-1,", "0-0 ,", "=", "-1,"])
def test_time_is_linear(pattern: str, costs_at_most):
    """The length is looked at first: megabytes cost nothing."""
    long = "bytes=" + pattern * 3_000_000
    assert parse_range(long, 1000) is None
    costs_at_most(0.001, lambda: parse_range(long, 1000))

    def longest() -> None:
        with suppress(RangeNotSatisfiable):
            parse_range(("bytes=" + pattern * MAX_HEADER_LENGTH)[:MAX_HEADER_LENGTH], 10**12)

    costs_at_most(0.05, longest)
