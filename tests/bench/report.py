"""The report of a run: as text, as Markdown for the README, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.bench.goals import Figure, Result, Table, Verdict

TITLE: Final = "The sync pipeline against an idiomatic handler"
_COLUMNS: Final = ("what", "figure", "quartiles", "goal", "moonshot", "verdict", "ours", "baseline")


def missed(results: Mapping[str, Result]) -> list[str]:
    """A sentence for each goal that is missed; empty where all are met."""
    return [
        f"{figure.goal.name}: {_shown(figure)}, and {_bound(figure)} is the goal."
        for figure in _figures(results)
        if figure.verdict is Verdict.SHORT
    ]


def lacking(results: Mapping[str, Result]) -> list[str]:
    """For each figure that is short of its goal or its moonshot, what would have to change."""
    return [
        f"{figure.goal.name}: {figure.lacking}"
        for figure in _figures(results)
        if figure.lacking
        and (
            figure.verdict is Verdict.SHORT
            or (figure.verdict is not Verdict.MOONSHOT and figure.goal.moonshot is not None)
        )
    ]


def as_json(results: Mapping[str, Result], facts: Mapping[str, str]) -> dict[str, Any]:
    """The whole report as a document, the goals first."""
    return {
        "goals": [figure.as_json() for figure in _figures(results)],
        "missed": missed(results),
        "machine": dict(facts),
        "details": {name: result.details for name, result in results.items()},
    }


def as_text(results: Mapping[str, Result], facts: Mapping[str, str]) -> str:
    """The report for a terminal."""
    goals = _goal_rows(results)
    parts = [TITLE, *([_aligned(_COLUMNS, goals, texts={0, 5, 6, 7})] if goals else [])]
    parts += _sentences(
        "Short of the goal or the moonshot, and what would have to change", lacking(results)
    )
    for table in _tables(results):
        parts += [table.title, _aligned(table.columns, table.rows, texts={0})]
        parts += [table.note] if table.note else []
    parts.append(_aligned(("machine", ""), list(facts.items()), texts={0, 1}))
    return "\n\n".join(parts) + "\n"


def as_markdown(results: Mapping[str, Result], facts: Mapping[str, str]) -> str:
    """The report for a README: machine, versions and date above the table."""
    of = ", ".join(f"{name} {value}" for name, value in facts.items())
    goals = _goal_rows(results)
    parts = [f"## {TITLE}", f"One run on one machine: {of}."]
    parts += [_piped(_COLUMNS, goals, texts={0, 5, 6, 7})] if goals else []
    parts += _sentences(
        "Short of the goal or the moonshot, and what would have to change:", lacking(results)
    )
    for table in _tables(results):
        parts += [f"### {table.title}", _piped(table.columns, table.rows, texts={0})]
        parts += [table.note] if table.note else []
    return "\n\n".join(parts) + "\n"


def _figures(results: Mapping[str, Result]) -> list[Figure]:
    return [figure for result in results.values() for figure in result.figures]


def _tables(results: Mapping[str, Result]) -> list[Table]:
    return [table for result in results.values() for table in result.tables]


def _goal_rows(results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    return [
        (
            figure.goal.name,
            _shown(figure),
            "-" if figure.quartiles is None else _between(figure),
            _wanted(figure, figure.goal.goal),
            _wanted(figure, figure.goal.moonshot),
            figure.verdict.value,
            figure.ours,
            figure.baseline,
        )
        for figure in _figures(results)
    ]


def _shown(figure: Figure) -> str:
    return figure.goal.shown(figure.value)


def _between(figure: Figure) -> str:
    assert figure.quartiles is not None
    low, high = (f"{q:,.{figure.goal.digits}f}" for q in figure.quartiles)
    return f"{low} to {high}"


def _wanted(figure: Figure, value: float | None) -> str:
    sign = ">= " if figure.goal.at_least else "<= "
    return "-" if value is None else sign + f"{value:g}{figure.goal.unit}"


def _bound(figure: Figure) -> str:
    most = "at least" if figure.goal.at_least else "at most"
    return f"{most} {figure.goal.goal:g}{figure.goal.unit}"


def _sentences(title: str, sentences: Sequence[str]) -> list[str]:
    return [title, "\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def _aligned(
    columns: Sequence[str], rows: Sequence[Sequence[str]], texts: set[int], gap: str = "  "
) -> str:
    """Columns of equal width; those not in `texts` are numbers and stand to the right."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.ljust(width) if i in texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return gap.join(cells).rstrip()

    return "\n".join(line(row) for row in ([columns, *rows] if any(columns) else rows))


def _piped(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: set[int]) -> str:
    rule = ["---" if i in texts else "--:" for i in range(len(columns))]
    cells = [columns, rule, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
