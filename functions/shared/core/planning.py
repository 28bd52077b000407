"""A batch becomes writes: which events are known, which may not speak, which fold into what.

Pure: what is in the tables goes in, what should be written comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from functions.shared.core.events import Envelope, Event, Reason
from functions.shared.core.instants import later
from functions.shared.core.items import LARGEST_ITEM, size_of
from functions.shared.core.kinds import STEP, Kind
from functions.shared.core.lanes import Record, advanced, fold, has_room_for_step, new_record
from functions.shared.core.ledger import LedgerEntry, Outcome, repeats
from functions.shared.core.reading import Reading
from functions.shared.core.registry import (
    Agency,
    Senders,
    agency_id,
    asks_the_registry,
    ranks_of,
    refused_fields,
    standing,
)
from functions.shared.core.taking import statements_of, take
from schemas.envelope import MAX_SECONDS_AHEAD

MOST_EVENTS_PER_CHANGE: Final = 99
"""One transaction holds at most 100 actions: the record and this many ledger entries."""
MOST_BYTES_PER_CHANGE: Final = 1_400_000
"""Bytes of the cores of a change's events. An entry holds what is stated and what was before,
so twice as much, a record and the entries' own attributes stay under a transaction's 4 MB."""


class Message(NamedTuple):
    """One message as a queue delivered it.

    `sent_at` is the queue's own instant (SentTimestamp), `sender` the principal that the queue
    or a relay of the stack vouches for, `replays` the quarantine entry that it replays.
    """

    id: str
    body: str
    sent_at: str
    sender: str | None = None
    replays: str | None = None


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """What the ledger holds of an event that may have come again."""

    digest: str
    salt: bytes | None
    entry_hash: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the tables hold of what a batch touches; what is absent does not exist.

    `records` by the record's key, `events` by `event_uid`.
    """

    records: Mapping[str, Record]
    events: Mapping[str, KnownEvent]


class Verdict(Enum):
    """How a message ends, or that it has to be taken up again."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    AGAIN = "again"


class RecordChange(NamedTuple):
    """One record's write: the record as loaded, as it will be, and its new ledger entries.

    All of it goes into one transaction, or none. `messages` are the batch positions that the
    entries answer, in the same order. `ties` counts the events that met a statement of the
    same source, instant and sequence, so that only their ids decided.
    """

    before: Record
    after: Record
    entries: tuple[LedgerEntry, ...]
    messages: tuple[int, ...]
    ties: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one round does: writes, refusals, and messages that need no write.

    `followers` maps a message to the earlier message of the batch that carries the same
    event; it ends as that one's duplicate. `waiting` messages are looked at in the next
    round, when the ledger knows more.
    """

    changes: tuple[RecordChange, ...]
    refused: Mapping[int, tuple[Reason, ...]]
    duplicates: Mapping[int, KnownEvent]
    followers: Mapping[int, int]
    waiting: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a round knows besides the tables.

    `tight` names the records that the store found too large as a whole; the round looks at
    each of their events alone and refuses those that do not fit.
    """

    kind: Kind
    agencies: Mapping[str, Agency | None]
    senders: Senders
    recorded_at: str
    salt: Callable[[], bytes]
    tight: frozenset[str] = frozenset()


def plan_round(
    messages: Sequence[Message],
    readings: Mapping[int, Reading],
    loaded: Loaded,
    now: Circumstances,
) -> Plan:
    """What to do with the messages of `readings` (position -> reading), in their order.

    The ledger is asked first: what it knows is a duplicate whatever the registry and the
    clock say now.
    """
    refused: dict[int, tuple[Reason, ...]] = {}
    duplicates: dict[int, KnownEvent] = {}
    followers: dict[int, int] = {}
    waiting: list[int] = []
    taken: dict[str, int] = {}
    drafts: dict[str, _Draft] = {}
    for position, reading in readings.items():
        envelope = reading.envelope
        if envelope is None:
            refused[position] = reading.reasons
            continue
        known = loaded.events.get(envelope.uid)
        if known is not None and repeats(known.digest, known.salt, envelope.core):
            duplicates[position] = known
            continue
        first = taken.get(envelope.uid)
        if first is not None:
            if _same_core(readings[first], envelope):
                followers[position] = first
            else:
                waiting.append(position)
            continue
        ranks, reasons = judged(reading, messages[position], known, now)
        event = reading.event
        if event is None or reasons:
            refused[position] = reasons
            continue
        draft = drafts.get(event.record_key)
        if draft is None:
            record = loaded.records.get(event.key) or new_record(event.kind, event.key)
            draft = drafts[event.record_key] = _Draft(record, now)
        elif draft.full:
            waiting.append(position)
            continue
        if (full := draft.take(event, ranks, position, messages[position])) is not None:
            refused[position] = (full,)
        else:
            taken[envelope.uid] = position
    return Plan(
        changes=tuple(change for draft in drafts.values() if (change := draft.change())),
        refused=refused,
        duplicates=duplicates,
        followers=followers,
        waiting=tuple(waiting),
    )


def _same_core(reading: Reading, envelope: Envelope) -> bool:
    return reading.envelope is not None and reading.envelope.core == envelope.core


def judged(
    reading: Reading, message: Message, known: KnownEvent | None, now: Circumstances
) -> tuple[tuple[int, ...], tuple[Reason, ...]]:
    """The ranks of the event's fields, or every reason against it in the contract's order."""
    reasons = list(reading.reasons)
    envelope = reading.of_this_queue
    if envelope is None:
        return (), reading.reasons
    if (
        envelope.time > message.sent_at  # hardly ever, and cheaper to ask
        and envelope.time > later(message.sent_at, MAX_SECONDS_AHEAD)
    ):
        text = (
            "The time is more than 5 minutes after the queue received the event; correct the"
            " source's clock and send it with the time the fact was recorded."
        )
        reasons.append(Reason("time-in-future", "/time", text))
    agency = None
    if asks_the_registry(envelope):
        agency = now.agencies.get(agency_id(envelope.source))
    stands = standing(envelope, now.kind.name, agency, message.sender, now.senders)
    event, agency_kind = reading.event, stands.agency_kind
    if event is not None and agency_kind is not None and known is None:
        ranks = ranks_of(now.kind, agency_kind, event.fields)
        if ranks is not None and not reasons and not stands.reasons:
            return ranks, ()
    reasons += stands.reasons
    reasons += refused_fields(now.kind, agency_kind, reading.fields_of(now.kind))
    if known is not None:
        text = (
            "The ledger holds another event with this source and id; give this one an id of its"
            " own."
        )
        reasons.append(Reason("id-reused", "/id", text))
    return (), tuple(reasons)


class _Draft:
    """One record's change while the events of a batch fold into it."""

    def __init__(self, before: Record, now: Circumstances) -> None:
        self._before = self._after = before
        self._now = now
        self._entries: list[LedgerEntry] = []
        self._messages: list[int] = []
        self._bytes = self._ties = 0
        self._tight = bool(now.tight) and before.record_key in now.tight

    @property
    def full(self) -> bool:
        return len(self._entries) >= MOST_EVENTS_PER_CHANGE or self._bytes >= MOST_BYTES_PER_CHANGE

    def take(
        self, event: Event, ranks: tuple[int, ...], position: int, message: Message
    ) -> Reason | None:
        """Takes the event in, or says why the record has no room for it."""
        before, now = self._after, self._now
        if STEP in now.kind.ranks:
            for field in event.fields:
                if field.startswith(_STEPS) and not has_room_for_step(before.lanes, field):
                    return Reason("record-full", "/data/step", _FULL_OF_STEPS)
        if self._tight and not _fits(before, event, ranks, now.recorded_at):
            return Reason("record-full", "", _FULL)
        self._after, entry, tied = take(
            before,
            event,
            ranks,
            message.sender,
            now.recorded_at,
            now.salt(),
            owned=before is not self._before,
        )
        self._ties += tied
        self._bytes += len(event.core)
        self._entries.append(entry)
        self._messages.append(position)
        return None

    def change(self) -> RecordChange | None:
        if not self._entries:
            return None
        return RecordChange(
            self._before, self._after, tuple(self._entries), tuple(self._messages), self._ties
        )


def _fits(before: Record, event: Event, ranks: tuple[int, ...], at: str) -> bool:
    """Whether the record with the event still fits an item."""
    lanes, _ = fold(before.lanes, event.envelope.stamp, statements_of(event, ranks))
    return size_of(advanced(before, lanes, before.version + 1, "", at)) <= LARGEST_ITEM


_STEPS: Final = f"{STEP}/"
_FULL: Final = (
    "The record would no longer fit into the table; ask the operator whether the source repeats"
    " itself under ever new names."
)
_FULL_OF_STEPS: Final = (
    "The dossier holds 200 steps of this source, the most there may be; state further progress"
    " in a step that exists."
)
