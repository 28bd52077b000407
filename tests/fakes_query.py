"""Fakes of the ports that reading through the API needs, and a town whose records they show.

`FakeReaders` passes the suite of the real door (tests/integration/.../adapters/test_reader.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from functions.shared.adapters.reader import MOST_CARDS, MOST_DOSSIERS, MOST_ENTRIES
from functions.shared.core.access import (
    Caller,
    Errand,
    Head,
    Question,
    Role,
    Ruling,
    person_subject,
)
from functions.shared.core.cases import Entry
from functions.shared.core.items import item_of, name_key
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, KINDS, PERSON
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.registry import Agency
from functions.shared.core.search import SHOWN, Named, Wanted
from functions.shared.core.views import newest_first, shown_of, subject_of_record
from functions.shared.ports import Chain, Deadline, Due, Found, FoundPeople, Happened
from tests.builders import SENT_AT, kind_of_type, messages, ticking
from tests.fakes import FakeLedger, FakeQuarantine, FakeWorld, Unhurried

KINDS_READ: Final = (PERSON, INSURANCE_CARD, DOSSIER)


class FakeTown:
    """Pipelines of every kind over one ledger and one quarantine, in memory."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.quarantine = FakeQuarantine()
        now = ticking()
        self.worlds = {
            kind.name: FakeWorld(kind, ledger=self.ledger, quarantine=self.quarantine, now=now)
            for kind in KINDS.values()
        }

    def sent(self, *documents: Mapping[str, Any] | str, kind: str = PERSON.name) -> FakeTown:
        """Takes these events in, each in a batch of its own; `kind` is the queue of what is no
        event."""
        for document in documents:
            queue = kind
            if not isinstance(document, str):
                queue = kind_of_type(document["type"].removeprefix("vn.lienthong.")).name
            self.worlds[queue].pipeline.run(messages([document]), Unhurried())
        return self

    def record(self, kind: str, key: str) -> Record | None:
        records = self.worlds[kind].records
        return records.record(key) if key in records.items else None

    def records(self, kind: str) -> list[Record]:
        records = self.worlds[kind].records
        return [records.record(key) for key in sorted(records.items)]

    def entries(self, kind: str, key: str) -> list[LedgerEntry]:
        """A record's entries in the order of their versions."""
        found = [e for e in self.ledger.entries.values() if e.record_key == f"{kind}/{key}"]
        return sorted(found, key=lambda entry: entry.version)


@dataclass
class FakeReaders:
    """`Readers` over a town. `opened` are the doors that were opened."""

    town: FakeTown
    opened: list[FakeReader] = field(default_factory=list)

    def open(self) -> FakeReader:
        reader = FakeReader(self.town)
        self.opened.append(reader)
        return reader


@dataclass
class FakeReader:
    """`Reader` over a town."""

    town: FakeTown
    handed_out: dict[str, str] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)

    def about(self, personal_id: str, deadline: Deadline) -> Found:
        del deadline
        subject = person_subject(personal_id)
        cards, dossiers = (
            [record for record in self.town.records(kind) if subject_of_record(record) == subject]
            for kind in (INSURANCE_CARD.name, DOSSIER.name)
        )
        by_code = {record.key: record for record in dossiers}
        return Found(
            self._given(self.town.record(PERSON.name, personal_id)),
            tuple(self._handed(cards[:MOST_CARDS])),
            tuple(self._handed(by_code[c] for c in newest_first(by_code)[:MOST_DOSSIERS])),
            complete=len(cards) <= MOST_CARDS and len(dossiers) <= MOST_DOSSIERS,
        )

    def records(
        self,
        wanted: Collection[tuple[str, str]],
        deadline: Deadline,
    ) -> dict[str, Record]:
        del deadline
        found = filter(None, (self.town.record(kind, key) for kind, key in wanted))
        return {record.record_key: record for record in self._handed(found)}

    def with_old_number(self, number: str, deadline: Deadline) -> list[str]:
        del deadline
        return [
            record.key
            for record in self.town.records(PERSON.name)
            if shown_of(record).get("old_identity_number") == number
        ][:10]

    def people(
        self,
        wanted: Wanted,
        deadline: Deadline,
    ) -> FoundPeople:
        del deadline
        named = []
        for record in self.town.records(PERSON.name):
            shown = shown_of(record)
            name = shown.get("full_name")
            if not isinstance(name, str) or name_key(name) != wanted.name_key:
                continue
            if (match := wanted.matches(shown)) is not None:
                fields = {field: shown[field] for field in SHOWN if field in shown}
                named.append(Named(record.key, fields, match))
        named.sort(key=lambda one: (one.match, one.fields.get("date_of_birth", ""), one[0]))
        best = tuple(named[: wanted.limit])
        for one in best:
            self.handed_out[person_subject(one.personal_id)] = person_subject(one.personal_id)
        return FoundPeople(best, len(named) <= wanted.limit)

    def handled(self, due: Due, deadline: Deadline) -> tuple[list[Record], Due | None]:
        del deadline
        places = {}
        for record in self.town.records(DOSSIER.name):
            key = item_of(record).get("status_due")
            handler = shown_of(record).get("handling_agency")
            if not isinstance(key, str) or handler != due.agency:
                continue
            status, at, code = key.split("#", 2)
            late = due.before is not None and not (at and at < due.before)
            if int(status) in due.statuses and (at, code) > due.after and not late:
                places[at, code] = record
        page = sorted(places)[: due.limit]
        rest = due.after_key(page[-1]) if len(places) > len(page) else None
        return list(self._handed(places[place] for place in page)), rest

    def chain(
        self,
        kind: str,
        key: str,
        deadline: Deadline,
        *,
        after: int = 0,
        whole: bool = False,
    ) -> Chain:
        del deadline
        entries = [entry for entry in self.town.entries(kind, key) if entry.version > after]
        page = tuple(entries if whole else entries[:MOST_ENTRIES])
        record = self._given(self.town.record(kind, key))
        return Chain(record, page, len(page) < len(entries))

    def event(self, uid: str, deadline: Deadline) -> Happened:
        del deadline
        entry = self.town.ledger.entries.get(uid)
        if entry is not None:
            kind, _, key = entry.record_key.partition("/")
            self._given(self.town.record(kind, key))
        refused = [
            Entry(
                kept.refusal.id,
                kept.refusal.queue,
                kept.status,
                kept.refusal.received_at,
                kept.refusal.reasons[0].code,
                kept.refusal.reasons,
                source=kept.refusal.source,
                event_id=kept.refusal.event_id,
                event_uid=kept.refusal.event_uid,
            )
            for kept in self.town.quarantine.kept.values()
            if kept.refusal.event_uid == uid
        ]
        return Happened(entry, tuple(sorted(refused, key=lambda e: (e.received_at, e.id))))

    def _given(self, record: Record | None) -> Record | None:
        if record is not None:
            self.handed_out[record.record_key] = subject_of_record(record)
        return record

    def _handed(self, records: Iterable[Record]) -> Iterable[Record]:
        return [record for record in records if self._given(record) is not None]


@dataclass
class FakePolicies:
    """`Policies` by a rule of the test; the rule's name says what it was. `asked` has it all."""

    permits: Callable[[Question], bool] = lambda _: True
    asked: list[Question] = field(default_factory=list)

    def rule(self, caller: Caller, errand: Errand, questions: Sequence[Question]) -> list[Ruling]:
        del caller, errand
        self.asked += questions
        return [
            Ruling(True, (f"may-{question.action}",))
            if self.permits(question)
            else Ruling(False, ())
            for question in questions
        ]


@dataclass
class FakeDirectory:
    """`Directory` over parents by agency; an agency is called by its id."""

    parents: Mapping[str, str] = field(default_factory=dict)
    agencies: Mapping[str, Agency] = field(default_factory=dict)

    def agency(self, id_: str, deadline: Deadline) -> Agency | None:
        del deadline
        return self.agencies.get(id_)

    def name(self, id_: str, deadline: Deadline) -> str | None:
        del deadline
        return f"Cơ quan {id_}"

    def above(self, id_: str, deadline: Deadline) -> tuple[str, ...]:
        del deadline
        found: list[str] = []
        while (parent := self.parents.get(id_)) is not None and parent not in found:
            found.append(parent)
            id_ = parent
        return tuple(found)

    def of_sender(self, principal: str, deadline: Deadline) -> str | None:
        del deadline
        named = [one.id for one in self.agencies.values() if principal in one.senders]
        return named[0] if len(named) == 1 else None


OFFICER: Final = Caller(
    id="5f0c1c1e-officer",
    name="officer.h26.12",
    agency="H26.12",
    above=("H26",),
    roles=frozenset({Role.ONE_STOP_OFFICER}),
)
ERRAND: Final = Errand("dossier-handling", "H26.12-20260303-0000003", "request-1")
NOW: Final = SENT_AT
