"""Charts as data: where lines and bars stand. Templates draw them as SVG, whose colours are the page's, in light and in dark."""

from collections.abc import Sequence
from math import floor, log10

from msgspec import Struct


class Mark(Struct, frozen=True):
    """A place on an axis, and what is written there."""

    at: float
    label: str


class Line(Struct, frozen=True):
    """A line: `path` is drawn, `area` is what lies below it, `end` is its last point."""

    path: str
    area: str
    end: tuple[float, float]


class Slot(Struct, frozen=True):
    """What a pointer, or a screen reader, finds at one place: a column of the chart."""

    x: float
    width: float
    words: str


class LineChart(Struct, frozen=True):
    width: float
    height: float
    left: float
    bottom: float
    line: Line | None
    values: tuple[Mark, ...]
    times: tuple[Mark, ...]
    slots: tuple[Slot, ...]


class Bar(Struct, frozen=True):
    y: float
    width: float
    label: str
    value: int


class BarChart(Struct, frozen=True):
    width: float
    height: float
    left: float
    thickness: float
    bars: tuple[Bar, ...]


def ceiling(value: float, *, steps: int = 4) -> tuple[float, float]:
    """The end of an axis that has room for a value, and the step between its marks: 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return float(steps), 1.0
    rough = value / steps
    power = 10.0 ** floor(log10(rough))
    step = next(unit * power for unit in (1, 2, 2.5, 5, 10) if unit * power >= rough * 0.999)
    count = -(-value // step)
    return step * count, step


def line_chart(
    values: Sequence[float],
    labels: Sequence[str],
    words: Sequence[str],
    *,
    width: float = 720,
    height: float = 240,
    marks: int = 6,
    steps: int = 4,
) -> LineChart:
    """A line over its axes; `labels` are those of the columns, of which about `marks` are written, `words` say what a column holds."""
    left, top, bottom = 46.0, 10.0, height - 26
    end, step = ceiling(max(values, default=0), steps=steps)
    columns = max(len(values), 1)
    wide = (width - left - 14) / max(columns - 1, 1)

    def place(column: int, value: float) -> tuple[float, float]:
        return round(left + column * wide, 1), round(bottom - (bottom - top) * value / end, 1)

    every = max(1, -(-columns // marks))
    return LineChart(
        width=width,
        height=height,
        left=left,
        bottom=bottom,
        line=_line([place(n, value) for n, value in enumerate(values)], bottom) if values else None,
        values=tuple(Mark(place(0, step * n)[1], short(step * n)) for n in range(round(end / step) + 1)),
        times=tuple(Mark(place(n, 0)[0], label) for n, label in enumerate(labels) if n % every == every // 2),
        slots=tuple(Slot(round(left + n * wide - wide / 2, 1), round(wide, 1), text) for n, text in enumerate(words)),
    )


def _line(points: list[tuple[float, float]], bottom: float) -> Line:
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    return Line(path, f"{path} L{points[-1][0]:g} {bottom:g} L{points[0][0]:g} {bottom:g} Z", points[-1])


def sparkline(values: Sequence[float], *, width: float = 120, height: float = 32) -> Line:
    """A line without axes, from its least to its greatest value."""
    least, most = min(values, default=0), max(values, default=0)
    high = most - least or 1
    wide = (width - 6) / max(len(values) - 1, 1)
    points = [
        (round(3 + n * wide, 1), round(height - 4 - (height - 8) * (value - least) / high, 1))
        for n, value in enumerate(values)
    ]
    return _line(points or [(3, height - 4)], height)


def bar_chart(
    bars: Sequence[tuple[str, int]], *, width: float = 420, left: float = 120, thickness: float = 18
) -> BarChart:
    """Bars that lie, each with its name before it and its value behind it."""
    most = max((value for _, value in bars), default=0) or 1
    room = width - left - 40
    found = tuple(
        Bar(round(4 + n * (thickness + 12), 1), round(room * value / most, 1), label, value)
        for n, (label, value) in enumerate(bars)
    )
    return BarChart(width, 4 + len(bars) * (thickness + 12), left, thickness, found)


def short(value: float) -> str:
    """A number in few characters: 1.2k, 35k, 1.2M."""
    for unit, word in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.1f}".removesuffix(".0") + word
    return f"{value:.1f}".removesuffix(".0")
