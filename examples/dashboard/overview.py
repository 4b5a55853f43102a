"""The first page: figures of the last hours, charts, and what is open."""

from collections.abc import Sequence
from typing import Literal

from markupsafe import Markup
from msgspec import Struct

from flasgo import Blueprint, render_template

from . import queries
from .charts import Line, LineChart, bar_chart, line_chart, short, sparkline
from .database import Database, Opened
from .fragments import Fragment
from .records import Hour, View

blueprint = Blueprint("overview")

Span = Literal["day", "two-days", "week"]
HOURS: dict[Span, int] = {"day": 24, "two-days": 48, "week": 168}


class Tile(Struct, frozen=True):
    """A figure, how it was before, and the line of the hours between."""

    label: str
    value: str
    unit: str
    change: str
    worse: bool
    line: Line


@blueprint.get("/")
def index(database: Opened, fragment: Fragment, span: Span = "day") -> Markup:
    if fragment == "tiles":
        return render_template("overview/tiles.html", tiles=tiles(database))
    hours = queries.hours(database, back=HOURS[span])
    if fragment == "traffic":
        return render_template("overview/traffic.html", chart=traffic(hours), hours=hours, span=span)
    unresolved, count = queries.incidents(database, View(sort="severity", descending=False), size=6)
    return render_template(
        "overview/index.html",
        tiles=tiles(database),
        chart=traffic(hours),
        hours=hours,
        span=span,
        by_service=bar_chart(queries.incidents_by_service(database)),
        severities=queries.open_by_severity(database),
        unresolved=unresolved,
        count=count,
    )


def tiles(database: Database) -> list[Tile]:
    """The last day against the day before."""
    hours = queries.hours(database, back=48)
    before, last = hours[:-24], hours[-24:]
    return [
        _tile(
            "Requests", "", [hour.requests for hour in last], [hour.requests for hour in before], worse_is_more=False
        ),
        _tile("Errors", "%", [share(hour) for hour in last], [share(hour) for hour in before], mean=True),
        _tile("Slowest 5 %", "ms", [hour.latency for hour in last], [hour.latency for hour in before], mean=True),
    ]


def _tile(
    label: str,
    unit: str,
    last: Sequence[float],
    before: Sequence[float],
    *,
    mean: bool = False,
    worse_is_more: bool = True,
) -> Tile:
    total, was = sum(last), sum(before)
    if mean:
        total, was = total / (len(last) or 1), was / (len(before) or 1)
    change = (total - was) / was if was else 0.0
    shown = f"{total:.2f}" if unit == "%" else short(round(total))
    words = (
        "as yesterday"
        if abs(change) < 0.005
        else f"{abs(change):.0%} {'more' if change > 0 else 'less'} than yesterday"
    )
    return Tile(label, shown, unit, words, worse_is_more and change > 0.05, sparkline(last))


def share(hour: Hour) -> float:
    """The errors among the requests of an hour, in per cent."""
    return 100 * hour.errors / hour.requests if hour.requests else 0.0


class Traffic(Struct, frozen=True):
    """Two charts, one above the other: errors are few, and on the scale of the requests nobody would see them."""

    requests: LineChart
    errors: LineChart


def traffic(hours: Sequence[Hour]) -> Traffic:
    long = len(hours) > HOURS["two-days"]  # then days are written, not hours
    times = [f"{hour.at:%a %-d}" if long else f"{hour.at:%H:%M}" for hour in hours]
    marks = 7 if long else 6
    requests = [f"{hour.at:%a %H:%M}: {hour.requests:,} requests" for hour in hours]
    errors = [f"{hour.at:%a %H:%M}: {share(hour):.2f} %, {hour.errors:,} errors" for hour in hours]
    return Traffic(
        line_chart([hour.requests for hour in hours], times, requests, height=200, marks=marks),
        line_chart([share(hour) for hour in hours], times, errors, height=130, marks=marks, steps=2),
    )
