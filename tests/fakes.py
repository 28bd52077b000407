"""One fake per port, in memory. Each passes the suite that its real adapter passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import orjson

from functions.shared.core.events import Json
from functions.shared.core.items import LANES, LARGEST_ITEM, item_of, record_of, size_of
from functions.shared.core.kinds import Kind
from functions.shared.core.lanes import NO_HASH, Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.planning import KnownEvent, Loaded, RecordChange
from functions.shared.core.registry import Agency, Senders
from functions.shared.ports import Commit, Deadline, Refusal
from functions.shared.runtime.pipeline import Pipeline
from tests.builders import ANYONE, registry, salts, ticking

ENOUGH: Final = 30.0


class Unhurried:
    """A deadline that is always far away."""

    def remaining(self) -> float:
        return ENOUGH


class Passed:
    """A deadline that is over."""

    def remaining(self) -> float:
        return 0.0


class Impatient:
    """A deadline that is over after it was asked so many times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def remaining(self) -> float:
        self._times -= 1
        return ENOUGH if self._times >= 0 else 0.0


class FakeLedger:
    """`KnownEvents` in memory: the entries by their event."""

    def __init__(self) -> None:
        self.entries: dict[str, LedgerEntry] = {}

    def known(self, events: Collection[str], deadline: Deadline) -> Mapping[str, KnownEvent]:
        del deadline
        return {uid: _known(self.entries[uid]) for uid in events if uid in self.entries}

    def of(self, record: Record) -> list[LedgerEntry]:
        """A record's entries in the order of their versions."""
        key = record.record_key
        found = [entry for entry in self.entries.values() if entry.record_key == key]
        return sorted(found, key=lambda entry: entry.version)


class FakeRecords:
    """`RecordStore` in memory; it keeps items in their stored form, as a table does."""

    def __init__(self, kind: Kind, ledger: FakeLedger) -> None:
        self._kind = kind
        self._ledger = ledger
        self.items: dict[str, dict[str, Json]] = {}

    def load(self, records: Collection[str], events: Collection[str], deadline: Deadline) -> Loaded:
        return Loaded(
            records={key: self.record(key) for key in records if key in self.items},
            events=self._ledger.known(events, deadline),
        )

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]:
        return [self._commit(change) for change in changes]

    def _commit(self, change: RecordChange) -> Commit:
        if size_of(change.after) > LARGEST_ITEM:
            return Commit.TOO_LARGE
        item = self.items.get(change.after.key, {})
        stored = item.get("head", NO_HASH), item.get("erasures", 0)
        if stored != (change.before.head, change.before.erasures):
            return Commit.CONFLICT
        uids = [entry.event_uid for entry in change.entries]
        if len(set(uids)) < len(uids):
            return Commit.REFUSED
        if any(uid in self._ledger.entries for uid in uids):
            return Commit.CONFLICT
        self.items[change.after.key] = item_of(change.after)
        self._ledger.entries.update(zip(uids, change.entries, strict=True))
        return Commit.DONE

    def record(self, key: str) -> Record:
        """A record as it would be loaded."""
        item = self.items[key]
        return record_of(self._kind, item, orjson.loads(cast(bytes, item[LANES])))


class FakeAgencies:
    """`AgencySource` over a mapping. `asked` lists what was read afresh."""

    def __init__(self, agencies: Mapping[str, Agency] | None = None) -> None:
        self.agencies_by_id = dict(registry() if agencies is None else agencies)
        self.asked: list[frozenset[str]] = []

    def agencies(
        self, ids: Collection[str], deadline: Deadline, *, afresh: bool = False
    ) -> Mapping[str, Agency | None]:
        del deadline
        if afresh:
            self.asked.append(frozenset(ids))
        return {id_: self.agencies_by_id.get(id_) for id_ in ids}


@dataclass
class Kept:
    """A quarantine entry."""

    refusal: Refusal
    seen: int = 1
    status: str = "open"
    closed_at: str = ""
    closed_because: str = ""


class FakeQuarantine:
    """`Quarantine` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
        del deadline
        for refusal in refusals:
            if refusal.id in self.kept:
                self.kept[refusal.id].seen += 1
            else:
                self.kept[refusal.id] = Kept(refusal)

    def resolve(
        self, ids: Collection[str], at: str, why: str, deadline: Deadline
    ) -> frozenset[str]:
        del deadline
        closing = {id_ for id_ in ids if id_ in self.kept and self.kept[id_].status != "resolved"}
        for id_ in closing:
            entry = self.kept[id_]
            entry.status, entry.closed_at, entry.closed_because = "resolved", at, why
        return frozenset(closing)

    def bodies(self) -> set[str]:
        """What is kept, whole."""
        return {entry.refusal.body for entry in self.kept.values()}


def _known(entry: LedgerEntry) -> KnownEvent:
    return KnownEvent(entry.event.digest, entry.salt, entry.entry_hash, entry.outcome)


@dataclass
class FakeWorld:
    """A pipeline of one queue with a fake behind every port."""

    kind: Kind
    senders: Senders = ANYONE
    ledger: FakeLedger = field(default_factory=FakeLedger)
    quarantine: FakeQuarantine = field(default_factory=FakeQuarantine)
    agencies: FakeAgencies = field(default_factory=FakeAgencies)
    now: Callable[[], str] = field(default_factory=ticking)
    salt: Callable[[], bytes] = field(default_factory=salts)

    def __post_init__(self) -> None:
        self.records = FakeRecords(self.kind, self.ledger)
        self.pauses: list[float] = []
        self.pipeline = Pipeline(
            kind=self.kind,
            store=self.records,
            quarantine=self.quarantine,
            agencies=self.agencies,
            senders=self.senders,
            now=self.now,
            salt=self.salt,
            jitter=lambda: 1.0,
            pause=self.pauses.append,
        )

    def contents(self) -> dict[str, dict[str, Json]]:
        """The items by key, apart from what tells of the order of arrival."""
        return comparable(self.records.items.values(), self.kind)


def comparable(items: Iterable[Mapping[str, Json]], kind: Kind) -> dict[str, dict[str, Json]]:
    """Items by key without `head` and `updated_at`, which depend on the order of arrival."""
    return {
        cast(str, item[kind.key]): {
            name: value for name, value in item.items() if name not in ("head", "updated_at")
        }
        for item in items
    }
