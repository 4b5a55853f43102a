"""Byte ranges under arbitrary text."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.ranges import RangeNotSatisfiable, parse_range

SIZES = st.integers(0, 30)
ODD = st.text("0123456789-, \tx=", max_size=30).map("bytes={}".format)
LISTS = st.lists(st.from_regex(r"\A([0-2]?[0-9])?-([0-3]?[0-9])?\Z"), max_size=11).map(",".join).map("bytes={}".format)


@given(st.text(max_size=30) | ODD | LISTS, SIZES)
@example("bytes=0-1, 4-5", 9)
@example("bytes=9-", 9)
@example("bytes=1-2, 2-3", 9)
def test_whatever_is_served_lies_within_and_never_twice(header: str, size: int):
    try:
        ranges = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    if ranges is not None:
        assert 1 <= len(ranges) <= 10
        assert all(0 <= part.start < part.stop <= size for part in ranges)
        assert sum(part.length for part in ranges) <= size
        ordered = sorted(ranges, key=lambda part: part.start)
        assert all(part.stop <= following.start for part, following in pairwise(ordered))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30))
@example(9, 1, 9)
@example(0, 1, 9)
@example(3, 1, 9)
def test_one_range_is_the_slice_it_says(first: int, length: int, size: int):
    data = bytes(range(size))
    last = first + length
    for header, expected in (
        (f"bytes={first}-{last}", data[first : last + 1]),
        (f"bytes={first}-", data[first:]),
        (f"bytes=-{first}", data[max(size - first, 0) :]),
    ):
        try:
            ranges = parse_range(header, size)
        except RangeNotSatisfiable:
            assert expected == b""
        else:
            assert ranges is not None
            (part,) = ranges
            assert expected == data[part.start : part.stop]
            assert part.content_range(size) == f"bytes {expected[0]}-{expected[-1]}/{size}"
