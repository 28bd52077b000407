"""What the pipeline needs from the world, as protocols with their guarantees.

Each port has one adapter over AWS and one fake in the tests, and both pass the same suite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from functions.shared.core.events import Reason
from functions.shared.core.planning import KnownEvent, Loaded, RecordChange
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.registry import Agency


class Deadline(Protocol):
    """How long the work may still take."""

    def remaining(self) -> float:
        """Seconds left; zero or less when it is time to stop."""
        ...


class Commit(Enum):
    """What became of one record's change."""

    DONE = "done"
    """The record and all its entries are written."""
    CONFLICT = "conflict"
    """Nothing is written, or it is not known: load again and merge again."""
    BUSY = "busy"
    """Nothing is written: the table is throttled; wait, then try again."""
    TOO_LARGE = "too-large"
    """Nothing is written: the record would not fit into an item. Look at each event alone."""
    REFUSED = "refused"
    """Nothing is written and the store will never take it: a defect."""


class RecordStore(Protocol):
    """The records of one kind and the ledger.

    `load` reads consistently, all of it or raises `Retry`. `commit` writes each change whole
    or not at all, guarded by the version and head that were loaded and by the absence of the
    entries' events; it answers for every change, in order, and never raises for a passing
    failure. Changes are independent: one that fails takes no other with it for good.
    """

    def load(
        self, records: Collection[str], events: Collection[str], deadline: Deadline
    ) -> Loaded: ...

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]: ...


class KnownEvents(Protocol):
    """The ledger, asked by event alone.

    `known` reads consistently and answers by `event_uid`; it raises `Retry` when it cannot.
    """

    def known(self, events: Collection[str], deadline: Deadline) -> Mapping[str, KnownEvent]: ...


class AgencySource(Protocol):
    """The registry, at most a minute old.

    `agencies` answers for every id, None for one that is not registered. With `afresh` it
    reads again whatever it remembers. Raises `Retry` when it cannot be read.
    """

    def agencies(
        self, ids: Collection[str], deadline: Deadline, *, afresh: bool = False
    ) -> Mapping[str, Agency | None]: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message on its way into quarantine, whole.

    `event_uid` is there when the message is a readable event, `replays` when it replays an
    entry of the quarantine, which it then points to.
    """

    queue: str
    body: str
    reasons: tuple[Reason, ...]
    received_at: str
    source: str | None = None
    event_id: str | None = None
    sender: str | None = None
    event_uid: str | None = None
    replays: str | None = None

    @property
    def id(self) -> str:
        """The id of the entry that this becomes."""
        return quarantine_id(self.queue, self.body, self.replays)


class Quarantine(Protocol):
    """The refused messages.

    `keep` stores each refusal under its id, whole, before it returns; the same message again
    only counts up `seen`. `resolve` closes those of the ids that are there and not resolved
    yet, because the ledger holds the event now, and answers which it closed. Both raise
    `Retry` when something could not be done; doing it again is harmless.
    """

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None: ...

    def resolve(
        self, ids: Collection[str], at: str, why: str, deadline: Deadline
    ) -> frozenset[str]: ...
