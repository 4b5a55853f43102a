"""Conditional requests: dates, entity tags and what they decide (RFC 9110 §5.6.7, §8.8 and §13). Pure functions.

What a client sends may be anything: a condition that cannot be read never raises. An unreadable date is ignored
(§13.1.3), an unreadable list of tags matches nothing, so that a write is refused and a read is answered in full.
Times are seconds since the epoch, UTC.
"""

import math
import re
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.patterns import regex

Outcome: TypeAlias = Literal["proceed", "not_modified", "precondition_failed"]

MAX_TAGS_LENGTH = 4096
"""Characters of If-Match or If-None-Match; a longer one is unreadable."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = -62_135_596_800  # 0001-01-01T00:00:00Z
_LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z

# strftime follows the locale of the process; HTTP does not.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DAY, _MONTH = rf"(?:{'|'.join(_DAYS)})", rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-5][0-9]|60)"
_DATE_FORMS = (
    regex(rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),  # IMF-fixdate
    regex(rf"{_DAY}[a-z]{{3,6}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),  # RFC 850
    regex(rf"{_DAY} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),  # asctime
)
_LONGEST_DATE = len("Wednesday, 31-Dec-99 23:59:59 GMT")

_OPAQUE = r"[!#-~\x80-\xff]*"
_ENTITY_TAG = regex(rf'(?P<weak>W/)?"(?P<value>{_OPAQUE})"')
_TAG = rf'(?:W/)?"{_OPAQUE}"'
_TAG_LIST = regex(rf"[\t ,]*{_TAG}(?:[\t ]*,[\t ,]*{_TAG})*[\t ,]*")  # empty members are allowed, §5.6.1.2


def http_date(timestamp: float) -> str:
    """IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`; fractions of a second are cut off.

    A time outside the years 1 to 9999 becomes the nearest that can be written.
    """
    return _http_date(math.floor(min(max(timestamp, _EARLIEST), _LATEST)))


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    at = _EPOCH + timedelta(seconds=seconds)
    clock = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {clock} GMT"


def parse_http_date(value: str) -> float | None:
    """The time of a date in any of the three forms of RFC 9110 §5.6.7; None where it is none. The weekday is not checked."""
    if len(value) > _LONGEST_DATE:
        return None
    for form in _DATE_FORMS:
        if match := form.fullmatch(value):
            return _timestamp(match)
    return None


def _timestamp(match: re.Match[str]) -> float | None:
    month = _MONTHS.index(match["month"]) + 1
    day, hour, minute, second = (int(match[part]) for part in ("day", "hour", "minute", "second"))
    year = int(match["year"])
    if len(match["year"]) == 2:  # noqa: PLR2004 - the RFC 850 form
        year = _full_year(year)
    try:
        # Second 60 is in the grammar for leap seconds, but datetime has no place for it.
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return float(timegm(at.timetuple()) + second - at.second)


def _full_year(year: int) -> int:
    """A year of two digits is the latest that is not more than 50 years ahead (RFC 9110 §5.6.7)."""
    latest = time.gmtime().tm_year + 50
    return latest - (latest - year) % 100


class ETag(Struct, frozen=True):
    """An entity tag (RFC 9110 §8.8.3): `value` without its quotes. Raises ValueError where it cannot stand between them."""

    value: str
    weak: bool = False

    def __post_init__(self) -> None:
        if re.fullmatch(_OPAQUE, self.value) is None:
            raise ValueError("an entity tag holds visible latin-1 characters without quotes and spaces: use a hash")

    def __str__(self) -> str:
        return f'W/"{self.value}"' if self.weak else f'"{self.value}"'

    def matches_strongly(self, other: "ETag") -> bool:
        """The same bytes: equal, and both strong (RFC 9110 §8.8.3.2)."""
        return not self.weak and not other.weak and self.value == other.value

    def matches_weakly(self, other: "ETag") -> bool:
        """The same meaning: equal, weak or not (RFC 9110 §8.8.3.2)."""
        return self.value == other.value


def parse_etag(value: str) -> ETag | None:
    """One entity tag with its quotes; None where it is none, or longer than MAX_TAGS_LENGTH."""
    match = _ENTITY_TAG.fullmatch(value) if len(value) <= MAX_TAGS_LENGTH else None
    return match and ETag(match["value"], match["weak"] is not None)


def parse_etag_list(value: str) -> tuple[ETag, ...] | Literal["*"]:
    """The tags of If-Match or If-None-Match; empty where anything in it cannot be read. Linear in its length."""
    if len(value) > MAX_TAGS_LENGTH:
        return ()
    if value.strip(" \t") == "*":
        return "*"
    if _TAG_LIST.fullmatch(value) is None:
        return ()
    return tuple(ETag(match["value"], match["weak"] is not None) for match in _ENTITY_TAG.finditer(value))


def evaluate(
    method: str,
    *,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: str | None = None,
    if_unmodified_since: str | None = None,
    etag: ETag | None = None,
    last_modified: float | None = None,
) -> Outcome:
    """What the conditions of a request say, in the order of RFC 9110 §13.2.2; call it where the answer would be a 2xx.

    `etag` and `last_modified` are those of the current representation; with neither of them there is none, so that
    `If-Match: *` fails and `If-None-Match: *` holds. If-Range is asked afterwards, with `if_range_matches`.
    """
    exists = etag is not None or last_modified is not None
    reads = method in {"GET", "HEAD"}
    if if_match is not None:
        if not _any_match(if_match, etag, exists=exists, strong=True):
            return "precondition_failed"
    elif _is_later(last_modified, if_unmodified_since) is True:
        return "precondition_failed"
    if if_none_match is not None:
        if _any_match(if_none_match, etag, exists=exists, strong=False):
            return "not_modified" if reads else "precondition_failed"
    elif reads and _is_later(last_modified, if_modified_since) is False:
        return "not_modified"
    return "proceed"


def if_range_matches(value: str | None, etag: ETag | None, last_modified: float | None) -> bool:
    """May the range be served, or is it one of another representation (RFC 9110 §13.1.5)? True where there is no If-Range.

    Tags are compared strongly; a date must be exactly the one that Last-Modified says.
    """
    if value is None:
        return True
    tag = parse_etag(value)
    if tag is not None:
        return etag is not None and tag.matches_strongly(etag)
    date = parse_http_date(value)
    return date is not None and last_modified is not None and date == math.floor(last_modified)


def _any_match(condition: str, etag: ETag | None, *, exists: bool, strong: bool) -> bool:
    tags = parse_etag_list(condition)
    if tags == "*":
        return exists
    if etag is None:
        return False
    return any(tag.matches_strongly(etag) if strong else tag.matches_weakly(etag) for tag in tags)


def _is_later(last_modified: float | None, than: str | None) -> bool | None:
    """Was the representation modified after that date? None where either is not known."""
    date = None if than is None else parse_http_date(than)
    if date is None or last_modified is None:
        return None
    return math.floor(last_modified) > date  # a date has no fractions
