"""Conditional requests under arbitrary text."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.conditional import (
    ETag,
    evaluate,
    http_date,
    if_range_matches,
    parse_etag,
    parse_etag_list,
    parse_http_date,
)

TIMES = st.floats(min_value=-62_135_596_800, max_value=253_402_300_799)
OPAQUE = st.text([chr(code) for code in (0x21, *range(0x23, 0x7F), *range(0x80, 0x100))], max_size=8)
TAGS = st.builds(ETag, OPAQUE, st.booleans())
NOON = "Sun, 06 Nov 1994 08:49:37 GMT"
ODD = st.text('W/"ab,* ', max_size=30)
CONDITIONS = st.none() | st.text(max_size=20) | ODD | TAGS.map(str) | TIMES.map(http_date)


@given(TIMES)
def test_a_date_is_read_back_to_the_second(timestamp: float):
    assert math.floor(timestamp) == parse_http_date(http_date(timestamp))


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(value: str):
    parse_http_date(value)


@given(st.lists(TAGS, min_size=1, max_size=5), st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_tags_are_read_back(tags: list[ETag], separator: str):
    assert tuple(tags) == parse_etag_list(separator.join(map(str, tags)))
    assert tags[0] == parse_etag(str(tags[0]))


@given(st.text(max_size=30) | ODD)
def test_a_list_is_as_many_tags_as_it_has_pairs_of_quotes_or_nothing(value: str):
    tags = parse_etag_list(value)
    assert tags in {"*", ()} or 2 * len(tags) == value.count('"')


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST"]),
    st.tuples(CONDITIONS, CONDITIONS, CONDITIONS, CONDITIONS, CONDITIONS),
    st.none() | TAGS,
    st.none() | TIMES,
)
@example("GET", (None, None, None, None, NOON), ETag("a"), 784111777.0)
def test_any_conditions_have_an_outcome(
    method: str, conditions: tuple[str | None, ...], etag: ETag | None, modified: float | None
):
    if_match, if_none_match, since, unmodified, if_range = conditions
    outcome = evaluate(
        method,
        if_match=if_match,
        if_none_match=if_none_match,
        if_modified_since=since,
        if_unmodified_since=unmodified,
        etag=etag,
        last_modified=modified,
    )
    assert outcome in {"proceed", "precondition_failed"} or (outcome == "not_modified" and method in {"GET", "HEAD"})
    if if_range_matches(if_range, etag, modified):
        assert if_range is None or if_range == str(etag) or parse_http_date(if_range) is not None


@given(TAGS, TIMES)
def test_a_client_that_has_it_is_told_so(etag: ETag, modified: float):
    assert evaluate("GET", if_none_match=str(etag), etag=etag, last_modified=modified) == "not_modified"
    assert evaluate("GET", if_modified_since=http_date(modified), etag=etag, last_modified=modified) == "not_modified"
    assert evaluate("PUT", if_unmodified_since=http_date(modified), etag=etag, last_modified=modified) == "proceed"
    assert ("precondition_failed" if etag.weak else "proceed") == evaluate("PUT", if_match=str(etag), etag=etag)
