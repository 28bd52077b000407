"""An event is taken into its record: the record after it, and the ledger entry that proves it.

This is what every event of a batch goes through, and what a batch spends most of its time on, so
it is done by a compiled loop where there is one (`functions.shared.native`). `take_plainly` is
what that does, in terms of `lanes` and `ledger`; replaying and verifying use these alone, so the
two check each other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from functions.shared import native
from functions.shared.core.events import Event
from functions.shared.core.lanes import Lane, Lanes, Record, Statement, advanced, fold
from functions.shared.core.ledger import EventRef, LedgerEntry, Outcome, make_entry
from functions.shared.core.stamps import Stamp


class Taken(NamedTuple):
    """What comes of an event and its record.

    `tied` says that a statement met one of the same source, instant and sequence, so that only
    their ids decided.
    """

    record: Record
    entry: LedgerEntry
    tied: bool


def take(
    record: Record,
    event: Event,
    ranks: tuple[int, ...],
    sender: str | None,
    recorded_at: str,
    salt: bytes,
    *,
    owned: bool = False,
) -> Taken:
    """The record after the event, as its next version, and the entry of that version.

    `ranks` are those of the event's fields, in their order. `owned` says that nobody else has the
    record's lanes, which may then be changed in place, in part also where this raises; otherwise
    they are left as they are.
    """
    if (loops := native.loops) is None:
        return take_plainly(record, event, ranks, sender, recorded_at, salt)
    return loops.take(record, event, ranks, sender, recorded_at, salt, owned, SHAPES)


SHAPES: Final = (
    Lane,
    Record,
    Stamp,
    EventRef,
    LedgerEntry,
    Taken,
    Outcome.APPLIED,
    Outcome.SUPERSEDED,
)
"""The named tuples that a compiled loop makes, and the outcomes that it finds."""


def take_plainly(
    record: Record,
    event: Event,
    ranks: tuple[int, ...],
    sender: str | None,
    recorded_at: str,
    salt: bytes,
) -> Taken:
    """`take`, whether or not there is a compiled one; the record's lanes are left as they are."""
    stamp = event.envelope.stamp
    stated = statements_of(event, ranks)
    lanes, changes = fold(record.lanes, stamp, stated)
    version = record.version + 1
    entry = make_entry(
        event,
        changes,
        version=version,
        prev=record.head,
        sender=sender,
        recorded_at=recorded_at,
        salt=salt,
    )
    after = advanced(record, lanes, version, entry.entry_hash, recorded_at)
    return Taken(after, entry, _tied(record.lanes, stamp, stated))


def statements_of(event: Event, ranks: tuple[int, ...]) -> tuple[Statement, ...]:
    """What an event states, each field with its rank."""
    return tuple(map(Statement, event.fields, ranks, event.values))


def _tied(lanes: Lanes, stamp: Stamp, statements: tuple[Statement, ...]) -> bool:
    return any(
        lane.stamp[:3] == stamp[:3]
        for field, rank, _ in statements
        if (lane := lanes.get(field, {}).get(rank)) is not None
    )
