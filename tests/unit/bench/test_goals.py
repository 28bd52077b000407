"""The verdict on a figure is the one that its goal and moonshot give."""

from __future__ import annotations

from tests.bench.goals import COLD_START, GROWTH, SMALL_ITEMS, UNITS_OF_A_CARD, Goal, Verdict

AT_LEAST = Goal("ratio", True, 30, 60, "x", 1)


def test_at_least_the_goal_is_met_and_the_moonshot_reached_from_above() -> None:
    verdicts = [AT_LEAST.verdict(value) for value in (29.9, 30, 59.9, 60, 100)]

    assert verdicts == [
        Verdict.SHORT,
        Verdict.GOAL,
        Verdict.GOAL,
        Verdict.MOONSHOT,
        Verdict.MOONSHOT,
    ]


def test_at_most_the_goal_is_met_and_the_moonshot_reached_from_below() -> None:
    verdicts = [COLD_START.verdict(value) for value in (0.7, 0.6, 0.36, 0.35, 0.1)]

    assert verdicts == [
        Verdict.SHORT,
        Verdict.GOAL,
        Verdict.GOAL,
        Verdict.MOONSHOT,
        Verdict.MOONSHOT,
    ]


def test_a_figure_is_judged_as_it_is_shown() -> None:
    assert AT_LEAST.shown(29.96) == "30.0x"
    assert AT_LEAST.verdict(29.96) is Verdict.GOAL
    assert AT_LEAST.verdict(29.94) is Verdict.SHORT
    assert GROWTH.verdict(1.004) is Verdict.MOONSHOT


def test_without_a_moonshot_a_goal_is_met_or_missed() -> None:
    assert UNITS_OF_A_CARD.verdict(6) is Verdict.GOAL
    assert UNITS_OF_A_CARD.verdict(7) is Verdict.SHORT


def test_without_a_goal_nothing_can_be_missed() -> None:
    assert SMALL_ITEMS.verdict(95) is Verdict.MOONSHOT
    assert SMALL_ITEMS.verdict(10) is Verdict.LACKING
