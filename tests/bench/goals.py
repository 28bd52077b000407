"""The goals that the figures are held against, and the verdict on a figure.

A goal that is missed makes `make bench` fail; a moonshot that is not reached is explained, in
the same report, by what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class Verdict(Enum):
    """How a figure stands to its goal and its moonshot."""

    MOONSHOT = "moonshot reached"
    GOAL = "goal met"
    LACKING = "short of the moonshot"
    """Of a figure that has no other goal."""
    SHORT = "SHORT OF THE GOAL"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be: at least, or at most, so much; None where nothing is set.

    `unit` follows the number without a space (`x`, ` MB`); `digits` are those after the point.
    """

    name: str
    at_least: bool
    goal: float | None
    moonshot: float | None
    unit: str = ""
    digits: int = 0

    def verdict(self, value: float) -> Verdict:
        """Judged as the figure is shown: what reads as the goal has met it."""
        if self.moonshot is not None and self._met(value, self.moonshot):
            return Verdict.MOONSHOT
        if self.goal is None:
            return Verdict.LACKING
        return Verdict.GOAL if self._met(value, self.goal) else Verdict.SHORT

    def _met(self, value: float, wanted: float) -> bool:
        shown = round(value, self.digits)
        return shown >= wanted if self.at_least else shown <= wanted

    def shown(self, value: float | None) -> str:
        """A figure, or what is wanted of it, as people read it."""
        return "-" if value is None else f"{value:,.{self.digits}f}{self.unit}"


BATCH_OF_100: Final = Goal("CPU per event, batch of 100 distinct records", True, 30, 60, "x", 1)
BATCH_OF_10: Final = Goal("CPU per event, batch of 10 distinct records", True, 12, 30, "x", 1)
SHARED: Final = Goal("20 records with 5 events each, rate of distinct ones", True, 1.5, 3, "x", 2)
SHARED_NEW: Final = Goal("the same, of records that do not exist yet", True, None, 3, "x", 2)
COLD_START: Final = Goal("cold start, CPU of the baseline's", False, 0.6, 0.35, "", 2)
UNITS_OF_A_PERSON: Final = Goal("write units of a new person", False, 6, None)
UNITS_OF_A_CARD: Final = Goal("write units of a new card", False, 6, None)
UNITS_OF_A_DOSSIER: Final = Goal("write units of a new dossier", False, 7, None)
UNITS_OF_AN_UPDATE: Final = Goal(
    "write units of an update that touches no index key", False, 5, None
)
SMALL_ITEMS: Final = Goal(
    "the demo's records and entries that are under 1 KB", True, None, 95, " %", 1
)
GROWTH: Final = Goal("CPU per event at 1,000,000 records against 10,000", False, 1.05, 1.0, "x", 2)
LOOKUP: Final = Goal("p50 of a lookup, of a bare GetItem's", False, 3, None, "x", 1)
SEARCH_GROWTH: Final = Goal(
    "CPU of a search at 1,000,000 people against 10,000", False, 1.1, 1.0, "x", 2
)
MEMORY: Final = Goal("peak memory on a batch of 1,000", False, 128, 96, " MB", 0)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured for a goal, with the baseline beside it.

    `ours` and `baseline` say in words what the figure comes from, `quartiles` how it spreads,
    `lacking` what would have to change for the moonshot, from the same measurement.
    """

    goal: Goal
    value: float
    ours: str
    baseline: str
    quartiles: tuple[float, float] | None = None
    lacking: str = ""

    @property
    def verdict(self) -> Verdict:
        """How it stands to its goal."""
        return self.goal.verdict(self.value)

    def as_json(self) -> dict[str, Any]:
        """As a document of names and plain values."""
        digits = self.goal.digits + 1
        return {
            "name": self.goal.name,
            "figure": round(self.value, digits),
            "quartiles": [round(q, digits) for q in self.quartiles] if self.quartiles else None,
            "unit": self.goal.unit.strip() or None,
            "wanted": "at least" if self.goal.at_least else "at most",
            "goal": self.goal.goal,
            "moonshot": self.goal.moonshot,
            "verdict": self.verdict.value,
            "ours": self.ours,
            "baseline": self.baseline,
            "lacking": self.lacking or None,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """Figures beyond the goals. The first column is text, the others are numbers as text."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


@dataclass(slots=True)
class Result:
    """What a part of the benchmark found; `details` is for the JSON alone."""

    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
