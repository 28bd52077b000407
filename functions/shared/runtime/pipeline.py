"""The batch, worked as a batch: parse, load, merge, commit, answer per message.

One bulk read of what the batch touches, a pure merge in memory, few large transactions.
What cannot be written now is loaded and merged again within the time left; what then remains
is reported, so that the queue delivers it again. Delivery is at least once, the effect is
idempotent: the ledger entry is the idempotency key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from functions.shared.core.errors import Retry
from functions.shared.core.events import Reason
from functions.shared.core.instants import later, milliseconds
from functions.shared.core.kinds import Kind
from functions.shared.core.ledger import Outcome, repeats
from functions.shared.core.planning import (
    Circumstances,
    KnownEvent,
    Loaded,
    Message,
    Plan,
    RecordChange,
    Verdict,
    plan_round,
)
from functions.shared.core.quarantine import corrected_entry, quarantine_id
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import (
    NOT_PERMITTED,
    Agency,
    Senders,
    agency_id,
    asks_the_registry,
)
from functions.shared.ports import (
    AgencySource,
    Commit,
    Deadline,
    Quarantine,
    RecordStore,
    Refusal,
)
from functions.shared.runtime.measures import FRESH_FOR

MOST_FRUITLESS_ROUNDS: Final = 8
"""Rounds without progress after which the queue's own waiting is the better waiting."""
LONGEST_PAUSE: Final = 2.0
"""Seconds; pauses double from a fiftieth of a second, each shortened by jitter."""


@dataclass(slots=True)
class Report:
    """What became of a batch: a verdict per message, and counts for metrics.

    `reasons` counts the first reason of each quarantined message; `pauses` the times the
    batch had to wait for the tables; `defects` the changes the store would never take. `ages`
    are the milliseconds from `time` until now of each applied event that was fresh when it
    reached the queue; `late` counts the other applied ones.
    """

    verdicts: dict[int, Verdict]
    reasons: Counter[str] = field(default_factory=Counter)
    refused: dict[int, tuple[Reason, ...]] = field(default_factory=dict)
    resolved: int = 0
    ties: int = 0
    rounds: int = 0
    pauses: int = 0
    defects: int = 0
    late: int = 0
    ages: list[int] = field(default_factory=list)

    def count(self, verdict: Verdict) -> int:
        return list(self.verdicts.values()).count(verdict)

    def unfinished(self) -> list[int]:
        """The positions that have to come back."""
        return [i for i, verdict in self.verdicts.items() if verdict is Verdict.AGAIN]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Takes batches of one queue. Everything it touches is handed in.

    `now` gives the present instant, `salt` 16 fresh random bytes, `jitter` a number in
    [0, 1), `pause` waits for so many seconds.
    """

    kind: Kind
    store: RecordStore
    quarantine: Quarantine
    agencies: AgencySource
    senders: Senders
    now: Callable[[], str]
    salt: Callable[[], bytes]
    jitter: Callable[[], float]
    pause: Callable[[float], None]

    def run(self, messages: Sequence[Message], deadline: Deadline) -> Report:
        """Ends every message as applied, superseded, duplicate or quarantined, or to come again.

        Never raises for what a message holds or for a passing failure of the tables.
        """
        batch = _Batch(self, messages, deadline)
        batch.work()
        batch.measure()
        batch.keep_refused()
        batch.settle()
        return batch.report


class _Batch:
    """One batch on its way through the pipeline."""

    def __init__(self, pipeline: Pipeline, messages: Sequence[Message], deadline: Deadline) -> None:
        self._pipeline = pipeline
        self._messages = messages
        self._deadline = deadline
        self._readings = {i: read(m.body, pipeline.kind) for i, m in enumerate(messages)}
        self._pending = dict(self._readings)
        self._tight: set[str] = set()
        self._attempted: dict[str, int] = {}
        self.report = Report(dict.fromkeys(self._pending, Verdict.AGAIN))

    # Rounds ---------------------------------------------------------------------------------

    def work(self) -> None:
        """Rounds of load, merge and commit until nothing is pending or time is up."""
        for position, reading in self._readings.items():
            if reading.envelope is None:
                self._refuse(position, reading.reasons)
        fruitless = 0
        while self._pending and self._deadline.remaining() > 0:
            before = len(self._pending)
            self.report.rounds += 1
            try:
                held_up = self._round()
            except Retry:
                return
            if not held_up:
                continue
            fruitless = 0 if len(self._pending) < before else fruitless + 1
            if fruitless >= MOST_FRUITLESS_ROUNDS:
                return
            self._wait(fruitless)

    def _round(self) -> bool:
        """One round; whether some of it was held up by others or by throttling."""
        loaded = self._load(self._pending.values())
        plan = self._plan(loaded)
        for position, reasons in plan.refused.items():
            self._refuse(position, reasons)
        for position, known in plan.duplicates.items():
            self._finish(position, self._of_known(position, known))
        held_up = False
        if plan.changes:
            outcomes = self._pipeline.store.commit(plan.changes)
            for change, outcome in zip(plan.changes, outcomes, strict=True):
                held_up |= self._take(change, outcome)
        for position, leader in plan.followers.items():
            if self.report.verdicts[leader] in _WRITTEN:
                self._finish(position, Verdict.DUPLICATE)
        return held_up

    def _load(self, readings: Iterable[Reading]) -> Loaded:
        records, events = set(), set()
        for reading in readings:
            if reading.envelope is not None:
                events.add(reading.envelope.uid)
            if reading.event is not None:
                records.add(reading.event.key)
        return self._pipeline.store.load(records, events, self._deadline)

    def _plan(self, loaded: Loaded) -> Plan:
        """The round's plan; nobody is refused by a registry that was not read just now."""
        ids = set(filter(None, map(_agency_asked, self._pending.values())))
        source = self._pipeline.agencies
        plan = self._plan_with(loaded, source.agencies(ids, self._deadline) if ids else {})
        doubted = {
            agency
            for position, reasons in plan.refused.items()
            if (agency := _agency_asked(self._pending[position])) is not None
            and any(reason.code == NOT_PERMITTED for reason in reasons)
        }
        if not doubted:
            return plan
        source.agencies(doubted, self._deadline, afresh=True)
        return self._plan_with(loaded, source.agencies(ids, self._deadline))

    def _plan_with(self, loaded: Loaded, agencies: Mapping[str, Agency | None]) -> Plan:
        pipeline = self._pipeline
        return plan_round(
            self._messages,
            self._pending,
            loaded,
            Circumstances(
                kind=pipeline.kind,
                agencies=agencies,
                senders=pipeline.senders,
                recorded_at=pipeline.now(),
                salt=pipeline.salt,
                tight=frozenset(self._tight),
            ),
        )

    def _take(self, change: RecordChange, outcome: Commit) -> bool:
        if outcome is Commit.DONE:
            self.report.ties += change.ties
            for position, entry in zip(change.messages, change.entries, strict=True):
                self._finish(position, _VERDICTS[entry.outcome])
            return False
        record_key = change.after.record_key
        still_too_large = outcome is Commit.TOO_LARGE and record_key in self._tight
        if outcome is Commit.REFUSED or still_too_large:
            self.report.defects += 1
            for position in change.messages:
                del self._pending[position]
            return False
        if outcome is Commit.TOO_LARGE:
            self._tight.add(record_key)
            return False
        # Perhaps the answer alone was lost: an entry of ours that the next load finds makes its
        # message no duplicate, it is this attempt.
        hashes = (entry.entry_hash for entry in change.entries)
        self._attempted.update(zip(hashes, change.messages, strict=True))
        return True

    def _of_known(self, position: int, known: KnownEvent) -> Verdict:
        if self._attempted.get(known.entry_hash) == position:
            return _VERDICTS[known.outcome]
        return Verdict.DUPLICATE

    def _finish(self, position: int, verdict: Verdict) -> None:
        self.report.verdicts[position] = verdict
        del self._pending[position]

    def _refuse(self, position: int, reasons: tuple[Reason, ...]) -> None:
        self.report.refused[position] = reasons
        del self._pending[position]

    def _wait(self, fruitless: int) -> None:
        self.report.pauses += 1
        longest = min(LONGEST_PAUSE, 0.02 * 2**fruitless, max(self._deadline.remaining(), 0))
        self._pipeline.pause(longest * self._pipeline.jitter())

    def measure(self) -> None:
        """How old the applied events are, now that they are in the tables."""
        times = []
        for position in self._ended(Verdict.APPLIED):
            envelope = self._readings[position].envelope
            assert envelope is not None
            if envelope.time >= _fresh_since(self._messages[position].sent_at):
                times.append(envelope.time)
            else:
                self.report.late += 1
        if times:
            # A source's clock may be minutes ahead of the queue's.
            ages = milliseconds(times, self._pipeline.now())
            self.report.ages = [max(0, age) for age in ages]

    # Quarantine -----------------------------------------------------------------------------

    def keep_refused(self) -> None:
        """Stores what was refused, whole; only then is a refused message acknowledged."""
        refused = self.report.refused
        if not refused:
            return
        queue = self._pipeline.kind.queue
        refusals = []
        for position, reasons in refused.items():
            refusals.append(
                refusal(queue, self._messages[position], self._readings[position], reasons)
            )
        try:
            self._pipeline.quarantine.keep(refusals, self._deadline)
        except Retry:
            return
        for position, reasons in refused.items():
            self.report.verdicts[position] = Verdict.QUARANTINED
            self.report.reasons[reasons[0].code] += 1

    def settle(self) -> None:
        """Closes quarantine entries of events that the ledger holds.

        An accepted event looks for its entry after its own commit, a refused one looks into
        the ledger after its own entry is kept: whichever of two racing workers is second
        sees the other's work. A message that could not look comes back and looks again.
        """
        self._resolve(self._ended(*_ACCEPTED))
        doubted = {
            position: envelope
            for position in self._ended(Verdict.QUARANTINED)
            if (envelope := self._readings[position].envelope) is not None
        }
        if not doubted:
            return
        try:
            loaded = self._pipeline.store.load(
                (), {envelope.uid for envelope in doubted.values()}, self._deadline
            )
        except Retry:
            self._again(doubted)
            return
        self._resolve(
            [
                position
                for position, envelope in doubted.items()
                if (known := loaded.events.get(envelope.uid)) is not None
                and repeats(known.digest, known.salt, envelope.core)
            ]
        )

    def _resolve(self, positions: Sequence[int]) -> None:
        if not positions:
            return
        ids = set().union(*map(self._entries_of, positions))
        try:
            closed = self._pipeline.quarantine.resolve(
                ids, self._pipeline.now(), _RESOLVED, self._deadline
            )
        except Retry:
            self._again(positions)
        else:
            self.report.resolved += len(closed)

    def _entries_of(self, position: int) -> Sequence[str]:
        """The quarantine entries that hold a message's event: as sent, and as replayed.

        An event that corrects an entry is another one than the entry's, which stays replayed.
        """
        queue, message = self._pipeline.kind.queue, self._messages[position]
        sent = quarantine_id(queue, message.body)
        if message.replays is None:
            return (sent,)
        replayed = quarantine_id(queue, message.body, message.replays)
        event_id = self._readings[position].event_id
        if event_id is None or corrected_entry(event_id) == message.replays:
            return sent, replayed
        return sent, replayed, message.replays

    def _ended(self, *verdicts: Verdict) -> list[int]:
        """The positions that ended so."""
        return [i for i, verdict in self.report.verdicts.items() if verdict in verdicts]

    def _again(self, positions: Iterable[int]) -> None:
        for position in positions:
            self.report.verdicts[position] = Verdict.AGAIN


def refusal(queue: str, message: Message, reading: Reading, reasons: tuple[Reason, ...]) -> Refusal:
    """A message with the reasons against it, as the quarantine keeps it."""
    return Refusal(
        queue=queue,
        body=message.body,
        reasons=reasons,
        received_at=message.sent_at,
        source=reading.source,
        event_id=reading.event_id,
        sender=message.sender,
        event_uid=reading.envelope.uid if reading.envelope is not None else None,
        replays=message.replays,
    )


def _agency_asked(reading: Reading) -> str | None:
    """The id of the agency whose standing the event depends on."""
    envelope = reading.of_this_queue
    if envelope is None or not asks_the_registry(envelope):
        return None
    return agency_id(envelope.source)


@lru_cache(maxsize=256)
def _fresh_since(sent_at: str) -> str:
    """The `time` of the oldest fresh event among those that reached the queue then."""
    return later(sent_at, -FRESH_FOR)


_VERDICTS: Final = {
    Outcome.APPLIED: Verdict.APPLIED,
    Outcome.SUPERSEDED: Verdict.SUPERSEDED,
}
_WRITTEN: Final = tuple(_VERDICTS.values())
_ACCEPTED: Final = (*_WRITTEN, Verdict.DUPLICATE)
_RESOLVED: Final = "A later delivery of this event was accepted; the ledger holds it."
