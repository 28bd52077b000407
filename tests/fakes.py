"""One fake per port, in memory. Each passes the suite that its real adapter passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import orjson

from functions.shared.adapters.loads import item_of_load, load_from
from functions.shared.core.errors import Conflict, Defect
from functions.shared.core.events import Json
from functions.shared.core.items import LANES, LARGEST_ITEM, item_of, record_of, size_of
from functions.shared.core.kinds import Kind
from functions.shared.core.lanes import NO_HASH, Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.loads import (
    Load,
    LoadState,
    Pinned,
    Range,
    RangeState,
    Reporting,
    Split,
    Tally,
)
from functions.shared.core.planning import KnownEvent, Loaded, RecordChange
from functions.shared.core.registry import Agency, Senders
from functions.shared.ports import Commit, Deadline, Gone, Refusal
from functions.shared.runtime.pipeline import Pipeline
from tests.builders import ANYONE, registry, salts, ticking

ENOUGH: Final = 30.0


class Unhurried:
    """A deadline that is always far away."""

    def remaining(self) -> float:
        return ENOUGH


_UNHURRIED: Final = Unhurried()


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


class FakeLoads:
    """`Loads` in memory."""

    def __init__(self) -> None:
        self._loads: dict[str, Load] = {}
        self._ranges: dict[tuple[str, int], Range] = {}
        self._reporting: dict[str, Reporting] = {}

    def found(self, load_id: str, deadline: Deadline = _UNHURRIED) -> Load | None:
        del deadline
        load = self._loads.get(load_id)
        return None if load is None else load_from(item_of_load(load))

    def recent(self, deadline: Deadline = _UNHURRIED) -> Iterator[Load]:
        del deadline
        newest_first = sorted(self._loads.values(), key=lambda load: load.sent_at, reverse=True)
        return (load_from(item_of_load(load)) for load in newest_first)

    def ranges(self, load_id: str, deadline: Deadline = _UNHURRIED) -> list[Range]:
        del deadline
        return [part for (id_, _), part in sorted(self._ranges.items()) if id_ == load_id]

    def range(self, load_id: str, number: int, deadline: Deadline) -> Range | None:
        del deadline
        return self._ranges.get((load_id, number))

    def create(self, load: Load, deadline: Deadline) -> Load:
        self._loads.setdefault(load.load_id, load)
        stored = self.found(load.load_id, deadline)
        assert stored is not None
        return stored

    def hold(self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline) -> None:
        del deadline
        waiting = LoadState.WAITING
        self._change(load_id, _UNBEGUN, state=waiting, problems=problems, updated_at=at)

    def fail(self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline) -> None:
        del deadline
        failed = LoadState.FAILED
        self._change(load_id, _UNBEGUN, state=failed, problems=problems, updated_at=at)

    def begin(self, load: Load, at: str, deadline: Deadline) -> None:
        del deadline
        names = ("range_bytes", "packed", "form", "queue", "manifest", "header")
        values = {name: getattr(load, name) for name in (*names, "plain_size", "ranges")}
        times = {"started_at": at, "updated_at": at}
        state = LoadState.SPLITTING
        self._change(load.load_id, _UNBEGUN, state=state, problems=(), **times, **values)

    def told(self, load_id: str, split: Split, at: str, deadline: Deadline) -> None:
        del deadline
        before = self._loads[load_id].split
        if before is not None and before.told > split.told:
            raise Conflict("told")
        self._change(load_id, {LoadState.SPLITTING}, split=split, updated_at=at)

    def opened(
        self,
        load_id: str,
        ranges: int,
        plain_size: int,
        problems: tuple[str, ...],
        at: str,
        deadline: Deadline,
    ) -> None:
        del deadline
        self._change(
            load_id,
            {LoadState.SPLITTING},
            state=LoadState.LOADING,
            ranges=ranges,
            plain_size=plain_size,
            problems=problems,
            updated_at=at,
        )

    def close(
        self, load: Load, lines: int, tally: Tally, report: str, at: str, deadline: Deadline
    ) -> None:
        del deadline
        self._change(
            load.load_id,
            {LoadState.SPLITTING, LoadState.LOADING},
            state=LoadState.FAILED if load.problems else LoadState.DONE,
            lines=lines,
            tally=tally,
            report=report,
            finished_at=at,
            updated_at=at,
        )

    def open_range(self, fresh: Range, deadline: Deadline) -> Range:
        del deadline
        return self._ranges.setdefault((fresh.load_id, fresh.number), fresh)

    def checkpoint(self, before: Range, after: Range, deadline: Deadline) -> None:
        del deadline
        stored = self._ranges[after.load_id, after.number]
        done = stored.state is RangeState.DONE
        if done or (stored.position, stored.lines) != (before.position, before.lines):
            raise Conflict("checkpoint")
        self._ranges[after.load_id, after.number] = after

    def complete(self, before: Range, after: Range, deadline: Deadline) -> None:
        load = self._loads.get(after.load_id)
        if load is None:
            raise Conflict("complete")
        self.checkpoint(before, replace(after, state=RangeState.DONE), deadline)
        self._loads[after.load_id] = replace(
            load,
            done=load.done + 1,
            stuck=load.stuck - {after.number},
            updated_at=after.updated_at,
        )

    def stick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None:
        del deadline
        self._mark(load_id, number, RangeState.STUCK, at)
        load = self._loads[load_id]
        self._loads[load_id] = replace(load, stuck=load.stuck | {number}, updated_at=at)

    def unstick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None:
        del deadline
        self._mark(load_id, number, RangeState.WORKING, at)
        load = self._loads[load_id]
        self._loads[load_id] = replace(load, stuck=load.stuck - {number}, updated_at=at)

    def reporting(self, load_id: str, deadline: Deadline) -> Reporting | None:
        del deadline
        return self._reporting.get(load_id)

    def save_reporting(
        self, load_id: str, before: Reporting | None, after: Reporting, deadline: Deadline
    ) -> None:
        del deadline
        stored = self._reporting.get(load_id)
        known = [(r.upload, len(r.etags)) for r in (before, stored) if r is not None]
        if len(known) == 1 or len(set(known)) > 1:
            raise Conflict("save_reporting")
        self._reporting[load_id] = after

    def _mark(self, load_id: str, number: int, state: RangeState, at: str) -> None:
        if number < 0:
            return
        part = self._ranges[load_id, number]
        if part.state is RangeState.DONE:
            raise Conflict("mark")
        self._ranges[load_id, number] = replace(part, state=state, updated_at=at)

    def _change(self, load_id: str, states: Collection[LoadState], **values: Any) -> None:
        load = self._loads[load_id]
        if load.state not in states:
            raise Conflict("change")
        self._loads[load_id] = replace(load, **values)


_UNBEGUN: Final = frozenset({LoadState.WAITING, LoadState.FAILED})


class FakeObjects:
    """`Objects` in memory: the versions of each key, oldest first; a version's id is its place."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self._uploads: dict[str, dict[int, bytes]] = {}

    def drop(self, key: str, content: bytes) -> Pinned:
        """Stores a further version."""
        self.versions.setdefault(key, []).append(content)
        return Pinned(str(len(self.versions[key]) - 1), hashlib.md5(content).hexdigest())

    def head(self, key: str, deadline: Deadline) -> tuple[str, int] | None:
        del deadline
        found = self.versions.get(key)
        return None if found is None else (str(len(found) - 1), len(found[-1]))

    def fetch(self, key: str, most: int, deadline: Deadline) -> bytes | None:
        del deadline
        found = self.versions.get(key)
        return None if found is None else found[-1][:most]

    def read(
        self, key: str, begin: int, end: int, deadline: Deadline, pinned: Pinned | None = None
    ) -> bytes:
        del deadline
        if begin >= end:
            return b""
        found = self.versions.get(key)
        if found is None:
            raise Gone("gone")
        content = found[int(pinned.version) if pinned is not None else -1][begin:end]
        if len(content) != end - begin:
            raise Defect("short")
        return content

    def put(self, key: str, content: bytes, deadline: Deadline) -> None:
        del deadline
        self.drop(key, content)

    def begin_upload(self, key: str, deadline: Deadline) -> str:
        del deadline
        upload = f"{key}-{len(self._uploads)}"
        self._uploads[upload] = {}
        return upload

    def upload_part(
        self, key: str, upload: str, number: int, content: bytes, deadline: Deadline
    ) -> str:
        del key, deadline
        self._uploads[upload][number] = content
        return f"{number}"

    def end_upload(self, key: str, upload: str, etags: Sequence[str], deadline: Deadline) -> None:
        del deadline
        parts = self._uploads[upload]
        self.drop(key, b"".join(parts[int(etag)] for etag in etags))


class FakeOutbox:
    """`Outbox` and `Inbox` in memory."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.asked_for: list[int] = []

    def send(self, bodies: Sequence[str], deadline: Deadline) -> None:
        del deadline
        self.sent.extend(bodies)

    def show_again(self, receipt: str, seconds: int) -> None:
        del receipt
        self.asked_for.append(seconds)
