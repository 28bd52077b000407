"""Entries become a record again; what does not agree is named.

A record is exactly the fold of its ledger entries: whatever was changed behind the service's
back, in an item or in an entry, no longer agrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from functions.shared.core.canonical import canonical
from functions.shared.core.events import Json
from functions.shared.core.items import item_of
from functions.shared.core.lanes import (
    NO_HASH,
    Change,
    Lanes,
    Record,
    Statement,
    advanced,
    fold,
    new_record,
)
from functions.shared.core.ledger import LedgerEntry, Outcome, erasures, faults


def folded(kind: str, key: str, entries: Sequence[LedgerEntry]) -> Record:
    """The record that the entries, in the order of their versions, make.

    A won change whose value was erased leaves a withdrawn lane with its stamp.
    """
    record = new_record(kind, key)
    for entry in entries:
        lanes, _ = fold(record.lanes, entry.event.stamp, _statements(entry))
        record = advanced(record, lanes, entry.version, entry.entry_hash, entry.recorded_at)
    return record._replace(erasures=sum(map(erasures, entries)))


def item_disagreements(
    kind: str, key: str, item: Mapping[str, Json] | None, entries: Sequence[LedgerEntry]
) -> list[str]:
    """Where a record's item (None: it is missing) is not the fold of its entries."""
    if not entries:
        return [] if item is None else ["The record has no ledger entry at all."]
    if item is None:
        return [f"The record is missing, though the ledger has {len(entries)} entries of it."]
    expected = item_of(folded(kind, key, entries))
    names = sorted({*expected, *item})
    return [
        f"{name} is not what the ledger gives."
        for name in names
        if _differ(expected.get(name), item.get(name))
    ]


def _differ(expected: Json, found: Json) -> bool:
    """Whether two values differ as JSON, where true is not 1 at any depth."""
    if isinstance(expected, bytes) or isinstance(found, bytes):
        return expected != found
    try:
        return canonical(expected) != canonical(found)
    except ValueError:
        return True


def _statements(entry: LedgerEntry) -> list[Statement]:
    return [Statement(change.field, change.rank, change.stated) for change in entry.changes]


def disagreements(kind: str, key: str, entries: Sequence[LedgerEntry]) -> list[str]:
    """What is wrong with a record's entries, as sentences; empty when they are honest.

    `entries` are all that claim this record, in the order of their versions. Checked are each
    entry's hashes, the chain without gap or fork, and that each outcome, `won` and `before`
    is what folding gives.
    """
    found = []
    lanes: Lanes = {}
    unknown: set[tuple[str, int]] = set()
    prev = NO_HASH
    for position, entry in enumerate(entries, start=1):
        name = f"Entry {entry.version}"
        found += [f"{name}: {fault}" for fault in faults(entry)]
        if entry.record_key != f"{kind}/{key}":
            found.append(f"{name}: It belongs to another record.")
        if entry.version != position:
            found.append(f"{name}: The chain has a gap or a repeat; version {position} was due.")
        if entry.prev != prev:
            found.append(f"{name}: It does not follow the entry before it.")
        lanes, changes = fold(lanes, entry.event.stamp, _statements(entry))
        found += _fold_faults(name, entry, changes, unknown)
        prev = entry.entry_hash
    return found


def _fold_faults(
    name: str, entry: LedgerEntry, changes: Sequence[Change], unknown: set[tuple[str, int]]
) -> list[str]:
    """Compares what was recorded with what folding gives; `unknown` are erased lane values."""
    found = []
    for recorded, again in zip(entry.changes, changes, strict=True):
        lane = (recorded.field, recorded.rank)
        if recorded.won != again.won:
            found.append(f"{name}: Folding does not agree that {recorded.field} won or lost.")
        if recorded.erased is None and lane not in unknown and recorded.before != again.before:
            found.append(f"{name}: {recorded.field} was not what the entry says it was before.")
        if again.won:
            _note(unknown, lane, recorded)
    won = any(change.won for change in changes)
    if entry.outcome != (Outcome.APPLIED if won else Outcome.SUPERSEDED):
        found.append(f"{name}: Its outcome is not what folding gives.")
    return found


def _note(unknown: set[tuple[str, int]], lane: tuple[str, int], recorded: Change) -> None:
    if recorded.erased == "pair":
        unknown.add(lane)
    else:
        unknown.discard(lane)
