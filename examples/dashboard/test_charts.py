"""The arithmetic of the charts."""

import pytest

from .charts import bar_chart, ceiling, line_chart, short, sparkline


@pytest.mark.parametrize(
    ("value", "end", "step"),
    [(0, 4, 1), (1, 1, 0.25), (7, 8, 2), (10, 10, 2.5), (14_469, 15_000, 5000), (99, 100, 25), (0.03, 0.03, 0.01)],
)
def test_an_axis_ends_at_a_round_number_above_its_value(value: float, end: float, step: float) -> None:
    assert ceiling(value) == pytest.approx((end, step))


def test_a_line_stands_between_its_axes() -> None:
    chart = line_chart([0, 50, 100], ["a", "b", "c"], ["one", "two", "three"], height=226, marks=3)

    assert chart.line is not None
    assert chart.line.path == "M46 200 L376 105 L706 10"
    assert chart.line.end == (706, 10)
    assert [mark.label for mark in chart.values] == ["0", "25", "50", "75", "100"]
    assert [mark.label for mark in chart.times] == ["a", "b", "c"]
    assert [slot.words for slot in chart.slots] == ["one", "two", "three"]


def test_nothing_and_a_single_value_can_be_drawn() -> None:
    assert line_chart([], [], []).line is None
    one = line_chart([3], ["a"], ["one"])
    assert one.line is not None
    assert one.line.path.startswith("M46 ")
    assert sparkline([]).end == (3, 28)
    assert sparkline([5, 5]).path == "M3 28 L117 28"
    assert bar_chart([]).height == 4


def test_the_longest_bar_fills_its_room() -> None:
    chart = bar_chart([("a", 4), ("b", 1), ("c", 0)])

    assert [bar.width for bar in chart.bars] == [260, 65, 0]


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (0.25, "0.2"), (12, "12"), (1200, "1.2k"), (35_000, "35k"), (1_200_000, "1.2M")]
)
def test_numbers_are_short(value: float, words: str) -> None:
    assert short(value) == words
