"""What was known of a record at an instant, and what changed between two.

A record at an instant is the fold of those of its ledger entries that were recorded until then,
so it is what a reader would have been shown at that time, less what was erased since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from functions.shared.core.answers import BadRequest, Problem
from functions.shared.core.groups import group_of
from functions.shared.core.kinds import family_of
from functions.shared.core.lanes import Change, Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.replay import folded
from functions.shared.core.views import See, masked_field
from schemas.forms import normalise_instant


def as_known(kind: str, key: str, entries: Iterable[LedgerEntry], at: str) -> Record | None:
    """The record as it was known at an instant; None before its first entry.

    `entries` are all of the record. Their order does not matter: a later version may have been
    recorded by a function whose clock is behind.
    """
    until = sorted((e for e in entries if e.recorded_at <= at), key=lambda entry: entry.version)
    return folded(kind, key, until) if until else None


class ChangeView(NamedTuple):
    """What an event did to a record as an answer, and the fields that it shows and masks."""

    answer: dict[str, Any]
    seen: frozenset[str]
    masked: frozenset[str]


def change_answer(kind: str, entry: LedgerEntry, see: See) -> ChangeView:
    """What an event did to a record, for whoever may see these groups of its fields.

    Of a field that may not be seen its family is named: a replaced id and a step's id are in
    their field's name. The event's id is not told, for it may hold a person's number.
    """
    seen, masked = set(), set()
    fields: list[dict[str, Any]] = []
    for change in entry.changes:
        family, group = family_of(change.field), group_of(kind, change.field)
        if see(group):
            seen.add(family)
            fields.append({"field": change.field, "group": group, **_told(change)})
        else:
            if family not in masked:
                fields.append({"field": family, **masked_field(group)})
            masked.add(family)
    event = entry.event
    answer = {
        "version": entry.version,
        "recorded_at": entry.recorded_at,
        "outcome": entry.outcome.value,
        "event": {"source": event.source, "type": event.type, "time": event.time},
        "fields": fields,
    }
    return ChangeView(answer, frozenset(seen), frozenset(masked))


def _told(change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {"rank": change.rank, "won": change.won}
    if change.erased is None:
        return {**told, "before": change.before, "stated": change.stated}
    if change.erased == "before":
        told["stated"] = change.stated
    return {**told, "erased": change.erased}


def between(
    entries: Iterable[LedgerEntry], since: str | None, until: str | None
) -> Sequence[LedgerEntry]:
    """The entries that were recorded between two instants, both inclusive, by version."""
    found = [
        entry
        for entry in entries
        if (since is None or since <= entry.recorded_at)
        and (until is None or entry.recorded_at <= until)
    ]
    return sorted(found, key=lambda entry: entry.version)


def instant_asked(parameter: str, text: str) -> str:
    """The instant that a parameter names, as it is stored. Raises BadRequest."""
    try:
        return normalise_instant(text)
    except ValueError:
        raise BadRequest(
            [
                Problem(
                    parameter,
                    "form",
                    "An instant is RFC 3339 with an offset, such as 2026-11-22T08:30:00+07:00.",
                )
            ]
        ) from None
