"""Erasing a value that ledger entries state, and the record that their fold then is.

An erasure goes through a record's whole chain: every change that states the value loses both
its values, every change that only repeats it as its `before` loses that. Hashes, chain and
stamps stay, so the ledger still verifies; the value is nowhere in the entries or the record.
Field names, record keys and event ids are no values: what stands in them cannot be erased.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from functions.shared.core.canonical import canonical
from functions.shared.core.events import Json
from functions.shared.core.kinds import REPLACES
from functions.shared.core.lanes import Change, Record
from functions.shared.core.ledger import LedgerEntry, erase
from functions.shared.core.replay import folded

PAIR: Final = "pair"
BEFORE: Final = "before"


class Stated(NamedTuple):
    """A value of a field that an entry still states."""

    version: int
    event_uid: str
    value: Json


@dataclass(frozen=True, slots=True)
class ErasedEntry:
    """An entry as it is and as it will be; `what` tells whether both values of the field go."""

    was: LedgerEntry
    will_be: LedgerEntry
    what: Literal["pair", "before"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What to write, all of it at once: the record and its touched entries."""

    field: str
    record: Record
    after: Record
    entries: tuple[ErasedEntry, ...]

    @property
    def actions(self) -> int:
        """How many writes that is."""
        return 1 + len(self.entries)


def erasable(field: str) -> bool:
    """Whether a field holds values; a replaced id is itself the name of its field."""
    return not field.startswith(f"{REPLACES}/")


def stated_values(entries: Sequence[LedgerEntry], field: str) -> list[Stated]:
    """Every value of a field that is still there, in the order of the entries."""
    return [
        Stated(entry.version, entry.event_uid, change.stated)
        for entry in entries
        for change in entry.changes
        if change.field == field and change.stated is not None
    ]


def plan_erasure(
    kind: str, key: str, entries: Sequence[LedgerEntry], field: str, values: Collection[Json]
) -> Erasure:
    """What to write so that none of `values` is left in the field, at any rank.

    `entries` are all of the record, in the order of their versions, and agree with it. Raises
    ValueError where no entry holds one of the values.
    """
    gone = frozenset(canonical(value) for value in values if value is not None)
    touched: list[ErasedEntry] = []
    after: list[LedgerEntry] = []
    for entry in entries:
        change = next((c for c in entry.changes if c.field == field), None)
        what = _what(change, gone) if change is not None else None
        if what is None:
            after.append(entry)
            continue
        will_be = erase(entry, [field], before_only=what == BEFORE)
        touched.append(ErasedEntry(entry, will_be, what))
        after.append(will_be)
    if not touched:
        raise ValueError("No entry of the record holds such a value.")
    return Erasure(field, folded(kind, key, entries), folded(kind, key, after), tuple(touched))


def _what(change: Change, gone: frozenset[bytes]) -> Literal["pair", "before"] | None:
    if change.stated is not None and canonical(change.stated) in gone:
        return "pair"
    if change.before is not None and canonical(change.before) in gone:
        return "before"
    return None
