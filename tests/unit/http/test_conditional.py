"""Dates, entity tags and the order in which conditions decide."""

import time
from email.utils import formatdate

import pytest

from flasgo.http.conditional import (
    MAX_TAGS_LENGTH,
    ETag,
    evaluate,
    http_date,
    if_range_matches,
    parse_etag,
    parse_etag_list,
    parse_http_date,
)

NOON = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT
NOON_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER_DATE = "Sun, 06 Nov 1994 08:49:38 GMT"
EARLIER_DATE = "Sun, 06 Nov 1994 08:49:36 GMT"


class TestDates:
    def test_it_is_written_as_imf_fixdate(self):
        assert NOON_DATE == http_date(NOON) == http_date(NOON + 0.999)
        assert http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert http_date(-0.001) == "Wed, 31 Dec 1969 23:59:59 GMT"

    @pytest.mark.parametrize("month", range(12))
    def test_it_agrees_with_the_standard_library(self, month: int):
        at = NOON + month * 30 * 86_400 + month * 3601
        assert formatdate(at, usegmt=True) == http_date(at)

    def test_beyond_the_calendar_is_its_end(self):
        assert "Mon, 01 Jan 0001 00:00:00 GMT" == http_date(float("-inf")) == http_date(-(10**20))
        assert "Fri, 31 Dec 9999 23:59:59 GMT" == http_date(float("inf")) == http_date(10**20)

    @pytest.mark.parametrize(
        "value",
        [
            NOON_DATE,
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ],
    )
    def test_all_three_forms_are_read(self, value: str):
        assert parse_http_date(value) == NOON

    def test_a_leap_second_is_the_second_after(self):
        assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == 1483228800.0

    def test_a_year_of_two_digits_is_never_more_than_50_years_ahead(self):
        year = time.gmtime().tm_year
        for ahead in (50, 0, -49):
            at = parse_http_date(f"Sunday, 06-Nov-{(year + ahead) % 100:02} 08:49:37 GMT")
            assert at is not None
            assert time.gmtime(at).tm_year == year + ahead

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "now",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, ٠٦ Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT\n",
            " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov   08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 GMT" + " " * 100_000,
        ],
    )
    def test_anything_else_is_no_date(self, value: str):
        assert parse_http_date(value) is None


class TestETag:
    def test_it_is_written_with_quotes(self):
        assert str(ETag("abc")) == '"abc"'
        assert str(ETag("abc", weak=True)) == 'W/"abc"'

    @pytest.mark.parametrize("value", ['a"b', "a b", "a\n", "\0", "→", "\x7f"])
    def test_what_cannot_stand_between_quotes_is_refused(self, value: str):
        with pytest.raises(ValueError, match="use a hash"):
            ETag(value)

    def test_comparison_is_that_of_the_rfc(self):
        """The table of RFC 9110 §8.8.3.2."""
        strong, weak, other = ETag("1"), ETag("1", weak=True), ETag("2", weak=True)
        assert [
            weak.matches_strongly(weak),
            weak.matches_strongly(other),
            weak.matches_strongly(strong),
            strong.matches_strongly(strong),
        ] == [False, False, False, True]
        assert [
            weak.matches_weakly(weak),
            weak.matches_weakly(other),
            weak.matches_weakly(strong),
            strong.matches_weakly(strong),
        ] == [True, False, True, True]
        assert not strong.matches_strongly(ETag("2"))
        assert not strong.matches_strongly(weak)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ('"a"', ETag("a")),
            ('W/"a"', ETag("a", weak=True)),
            ('""', ETag("")),
            ('"\xe9"', ETag("\xe9")),
            ('"' + "a" * (MAX_TAGS_LENGTH - 2) + '"', ETag("a" * (MAX_TAGS_LENGTH - 2))),
            ('"' + "a" * (MAX_TAGS_LENGTH - 1) + '"', None),
            ("a", None),
            ('w/"a"', None),
            ('"a" ', None),
            ('"a', None),
            ("*", None),
            ("", None),
        ],
    )
    def test_one_is_read(self, value: str, expected: ETag | None):
        assert expected == parse_etag(value)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("*", "*"),
            (" * ", "*"),
            ('"a"', (ETag("a"),)),
            ('"a", W/"b"', (ETag("a"), ETag("b", weak=True))),
            ('"a","b"', (ETag("a"), ETag("b"))),
            (' ,, "a" ,\t, "b",', (ETag("a"), ETag("b"))),
            ('"a,b", "W/c"', (ETag("a,b"), ETag("W/c"))),
            ("", ()),
            (",", ()),
            ("abc", ()),
            ('"a" "b"', ()),
            ('"a""b"', ()),
            ('"a", b', ()),
            ('"a", *', ()),
            ('"a', ()),
            ('W/ "a"', ()),
            ('"a b"', ()),
        ],
    )
    def test_a_list_is_read_whole_or_not_at_all(self, value: str, expected):
        assert expected == parse_etag_list(value)

    def test_a_list_is_read_up_to_its_longest(self):
        tags = ('"a",' * MAX_TAGS_LENGTH)[:MAX_TAGS_LENGTH]
        assert len(parse_etag_list(tags)) == MAX_TAGS_LENGTH // 4
        assert parse_etag_list(tags + ",") == ()

    @pytest.mark.parametrize("pattern", ['"', 'W/"', ",", " ", ' ,"', '"a",', '"a" ,\t', "W/"])
    def test_time_is_linear(self, pattern: str, costs_at_most):
        value = '"a"' + (pattern * MAX_TAGS_LENGTH)[: MAX_TAGS_LENGTH - 4] + "x"
        assert parse_etag_list(value) == ()
        costs_at_most(0.05, lambda: parse_etag_list(value))


class TestEvaluate:
    """RFC 9110 §13.2.2, step by step."""

    def test_without_conditions_it_proceeds(self):
        assert "proceed" == evaluate("GET") == evaluate("PUT", etag=ETag("a"), last_modified=NOON)

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    @pytest.mark.parametrize(
        ("condition", "etag", "outcome"),
        [
            ('"a"', ETag("a"), "proceed"),
            ('"b", "a"', ETag("a"), "proceed"),
            ('"b"', ETag("a"), "precondition_failed"),
            ('W/"a"', ETag("a"), "precondition_failed"),
            ('"a"', ETag("a", weak=True), "precondition_failed"),
            ('"a"', None, "precondition_failed"),
            ("*", ETag("a"), "proceed"),
            ("*", None, "precondition_failed"),
            ("junk", ETag("junk"), "precondition_failed"),
        ],
    )
    def test_1_if_match_compares_strongly(self, method: str, condition: str, etag: ETag | None, outcome: str):
        assert outcome == evaluate(method, if_match=condition, etag=etag)

    def test_if_match_star_is_satisfied_by_whatever_exists(self):
        assert evaluate("PUT", if_match="*", last_modified=NOON) == "proceed"

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    @pytest.mark.parametrize(
        ("condition", "modified", "outcome"),
        [
            (NOON_DATE, NOON, "proceed"),
            (NOON_DATE, NOON + 0.9, "proceed"),
            (LATER_DATE, NOON, "proceed"),
            (EARLIER_DATE, NOON, "precondition_failed"),
            (EARLIER_DATE, None, "proceed"),
            ("junk", NOON, "proceed"),
        ],
    )
    def test_2_if_unmodified_since(self, method: str, condition: str, modified: float | None, outcome: str):
        assert outcome == evaluate(method, if_unmodified_since=condition, last_modified=modified)

    def test_if_match_silences_if_unmodified_since(self):
        assert (
            evaluate("PUT", if_match='"a"', if_unmodified_since=EARLIER_DATE, etag=ETag("a"), last_modified=NOON)
            == "proceed"
        )

    @pytest.mark.parametrize(
        ("method", "refusal"),
        [("GET", "not_modified"), ("HEAD", "not_modified")]
        + [(method, "precondition_failed") for method in ("PUT", "POST", "DELETE", "get")],
    )
    @pytest.mark.parametrize(
        ("condition", "etag", "holds"),
        [
            ('"a"', ETag("a"), False),
            ('W/"a"', ETag("a"), False),
            ('"a"', ETag("a", weak=True), False),
            ('"b"', ETag("a"), True),
            ('"b", "a"', ETag("a"), False),
            ('"a"', None, True),
            ("*", ETag("a"), False),
            ("*", None, True),
            ("a", ETag("a"), True),
        ],
    )
    def test_3_if_none_match_compares_weakly(
        self, method: str, refusal: str, condition: str, etag: ETag | None, holds: bool
    ):
        assert ("proceed" if holds else refusal) == evaluate(method, if_none_match=condition, etag=etag)

    @pytest.mark.parametrize(
        ("method", "condition", "modified", "outcome"),
        [
            ("GET", NOON_DATE, NOON, "not_modified"),
            ("HEAD", NOON_DATE, NOON + 0.9, "not_modified"),
            ("GET", LATER_DATE, NOON, "not_modified"),
            ("GET", EARLIER_DATE, NOON, "proceed"),
            ("GET", NOON_DATE, None, "proceed"),
            ("GET", "junk", NOON, "proceed"),
            ("POST", NOON_DATE, NOON, "proceed"),
        ],
    )
    def test_4_if_modified_since(self, method: str, condition: str, modified: float | None, outcome: str):
        assert outcome == evaluate(method, if_modified_since=condition, last_modified=modified)

    def test_if_none_match_silences_if_modified_since(self):
        assert (
            evaluate("GET", if_none_match='"b"', if_modified_since=LATER_DATE, etag=ETag("a"), last_modified=NOON)
            == "proceed"
        )

    def test_both_groups_are_asked(self):
        assert evaluate("GET", if_match='"a"', if_none_match='"a"', etag=ETag("a")) == "not_modified"
        assert evaluate("GET", if_match='"b"', if_none_match='"a"', etag=ETag("a")) == "precondition_failed"


class TestIfRange:
    @pytest.mark.parametrize(
        ("value", "etag", "modified", "expected"),
        [
            (None, None, None, True),
            ('"a"', ETag("a"), None, True),
            ('"a"', ETag("b"), None, False),
            ('"a"', None, NOON, False),
            ('W/"a"', ETag("a"), None, False),
            ('"a"', ETag("a", weak=True), None, False),
            (NOON_DATE, ETag("a"), NOON, True),
            (NOON_DATE, None, NOON + 0.9, True),
            (LATER_DATE, None, NOON, False),
            (EARLIER_DATE, None, NOON, False),
            (NOON_DATE, ETag("a"), None, False),
            ("junk", ETag("junk"), NOON, False),
            ("*", ETag("a"), NOON, False),
            ('"a", "b"', ETag("a"), NOON, False),
        ],
    )
    def test_only_the_very_same_representation_matches(
        self, value: str | None, etag: ETag | None, modified: float | None, expected: bool
    ):
        assert if_range_matches(value, etag, modified) is expected
