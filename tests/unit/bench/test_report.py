"""The report says of every figure what it is, what was wanted and what is lacking."""

from __future__ import annotations

from tests.bench import report
from tests.bench.goals import Figure, Goal, Result, Table

MET = Figure(Goal("met", True, 2, 3, "x", 1), 2.5, "ours", "theirs", (2.4, 2.6), "faster calls")
MISSED = Figure(Goal("missed", False, 100, 50, " MB"), 120, "ours", "theirs", None, "less memory")
REACHED = Figure(Goal("reached", True, 2, 3, "x", 1), 4, "ours", "theirs", None, "nothing")
TABLE = Table("Beside it", ("what", "number"), [("a|b", "1"), ("c", "1,000")], "A note.")
FACTS = {"cores": "2", "Python": "3.11"}


def results(*figures: Figure) -> dict[str, Result]:
    return {"part": Result(list(figures), [TABLE], {"raw": [1, 2]})}


def test_only_a_missed_goal_is_named_as_missed() -> None:
    assert report.missed(results(MET, REACHED)) == []
    assert report.missed(results(MET, MISSED, REACHED)) == [
        "missed: 120 MB, and at most 100 MB is the goal."
    ]


def test_what_is_lacking_is_told_of_figures_short_of_the_moonshot() -> None:
    assert report.lacking(results(MET, MISSED, REACHED)) == [
        "met: faster calls",
        "missed: less memory",
    ]


def test_a_missed_goal_without_a_moonshot_is_explained_and_a_met_one_is_not() -> None:
    goal = Goal("plain", False, 3, None, "x", 1)
    missed, met = (Figure(goal, value, "", "", None, "fewer calls") for value in (3.5, 2.5))

    assert report.lacking(results(missed)) == ["plain: fewer calls"]
    assert report.lacking(results(met)) == []


def test_markdown_has_a_row_for_each_figure_and_is_one_table_each() -> None:
    lines = report.as_markdown(results(MET, MISSED), FACTS).splitlines()

    assert "| met | 2.5x | 2.4 to 2.6 | >= 2x | >= 3x | goal met | ours | theirs |" in lines
    assert (
        "| missed | 120 MB | - | <= 100 MB | <= 50 MB | SHORT OF THE GOAL | ours | theirs |"
        in lines
    )
    assert "| a\\|b | 1 |" in lines
    assert "One run on one machine: cores 2, Python 3.11." in lines


def test_text_puts_the_goals_first_and_lines_up() -> None:
    text = report.as_text(results(MET, MISSED), FACTS)
    rows = [line for line in text.splitlines() if line.startswith(("met", "missed"))]

    assert text.index("missed") < text.index("Beside it") < text.index("cores")
    assert len({row.index("ours") for row in rows}) == 1


def test_json_has_the_goals_the_machine_and_what_was_measured() -> None:
    document = report.as_json(results(MISSED), FACTS)

    assert document["goals"][0]["verdict"] == "SHORT OF THE GOAL"
    assert document["goals"][0]["goal"] == 100
    assert document["missed"] == report.missed(results(MISSED))
    assert document["machine"] == FACTS
    assert document["details"] == {"part": {"raw": [1, 2]}}


def test_a_report_without_figures_has_no_empty_table() -> None:
    assert "| figure |" not in report.as_markdown(results(), FACTS)
    assert "quartiles" not in report.as_text(results(), FACTS)
