"""The moments between which a record changed what it shows, from its history as the API answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from infra.lienthong.api import Document


class Known(NamedTuple):
    """What a record showed from an instant on, by the statements recorded until then."""

    at: str
    version: int
    shown: Mapping[str, Any]


class Turn(NamedTuple):
    """Two instants, one right after the other in a record's past, between which a field changed."""

    before: Known
    after: Known
    field: str


def turn_of(changes: Sequence[Document]) -> Turn | None:
    """The last change of a field that the record showed before and after it; None without one.

    Each field shows the value of its highest rank that was stated and not withdrawn. What was
    hidden or erased does not count, and what was recorded at one instant is one step.
    """
    found = None
    before: Known | None = None
    for known in _known(changes):
        if before is not None:
            for field, value in known.shown.items():
                if before.shown.get(field, value) != value:
                    found = Turn(before, known, field)
        before = known
    return found


def _known(changes: Sequence[Document]) -> Iterator[Known]:
    ordered = sorted(changes, key=lambda change: change["version"])
    lanes: dict[str, dict[int, Any]] = {}
    for at, together in groupby(ordered, key=lambda change: change["recorded_at"]):
        version = 0
        for change in together:
            version = change["version"]
            for field in change["fields"]:
                if "stated" in field and field.get("won"):
                    lanes.setdefault(field["field"], {})[field["rank"]] = field["stated"]
        yield Known(at, version, {field: v for field, by in lanes.items() if (v := _top(by))})


def _top(by_rank: Mapping[int, Any]) -> Any:
    """What the highest rank says, of those that say something."""
    stated = {rank: value for rank, value in by_rank.items() if value is not None}
    return stated[max(stated)] if stated else None
