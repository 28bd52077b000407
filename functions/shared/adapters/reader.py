"""The door to people, insurance cards, dossiers and their ledger entries, for whoever asks the API.

There is no other way to them in the functions behind the API. A door is opened for one request; it
remembers every record that it hands out with the person it is about, so that no answer leaves
before each of them is noted. What it only compares inside, to find the best of many, it hands out
nothing of. Each method is at most two rounds of calls that go out together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from functions.shared.adapters.access_log import head_from_item
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.bulk import MOST_KEYS, Waiting, Wanted, read_items
from functions.shared.adapters.desk import entry_of
from functions.shared.adapters.dynamodb import entry_from_item, record_from_item
from functions.shared.adapters.keys import parse_record_key, record_key
from functions.shared.core.access import NO_HEAD, Head, person_subject
from functions.shared.core.cases import Entry
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, KINDS, PERSON
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.search import MOST_FOUND, SHOWN, Named
from functions.shared.core.search import Wanted as WantedPeople
from functions.shared.core.views import (
    ABOUT,
    newest_first,
    shown_of,
    subject_of,
    subject_of_record,
)
from functions.shared.ports import Chain, Deadline, Due, Found, FoundPeople, Happened

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

THREADS: Final = 8
"""Calls of one round that go out together; botocore keeps ten connections."""
MOST_CARDS: Final = 50
MOST_DOSSIERS: Final = 50
"""Records of one person in one answer."""
MOST_CODES: Final = 1000
"""Dossiers of one person among which the newest are looked for."""
MOST_NAMED: Final = 200
"""People whose names are compared for one search."""
MOST_NAME_KEYS: Final = 8000
"""Index keys of one name that are looked through for those of a commune."""
MOST_ENTRIES: Final = 100
MOST_REFUSED: Final = 50
"""Quarantine entries of one event in a receipt."""
_MOST_TRIES: Final = 6
_PAGE: Final = 2000
_REFUSED: Final = (
    "quarantine_id",
    "queue",
    "status",
    "received_at",
    "reason_key",
    "reasons",
    "reasons_count",
    "source",
    "event_id",
    "event_uid",
)


@dataclass(frozen=True, slots=True)
class Doors:
    """Opens a door for each request. `records` names the table of each kind.

    The pool's threads share the client; over the direct wire each has a connection of its own.
    """

    client: DynamoDBClient
    records: Mapping[str, str]
    ledger: str
    quarantine: str
    heads: str
    waiting: Waiting
    pool: Executor

    def open(self) -> DynamoReader:
        """A door that has handed out nothing yet."""
        return DynamoReader(self)


@dataclass(frozen=True, slots=True)
class DynamoReader:
    """`Reader` over the tables."""

    _to: Doors
    _handed_out: dict[str, str] = field(default_factory=dict)
    _heads: dict[str, Head] = field(default_factory=dict)

    @property
    def handed_out(self) -> Mapping[str, str]:
        """The subject of every record that was handed out, by record key."""
        return self._handed_out

    @property
    def heads(self) -> Mapping[str, Head]:
        """The newest links of the people who were read, as they were read with them."""
        return self._heads

    # Records --------------------------------------------------------------------------------

    def about(self, personal_id: str, deadline: Deadline) -> Found:
        """A person, their cards and their newest dossiers, as they show the person now."""
        person, cards, codes = self._together(
            lambda: self._records({(PERSON.name, personal_id)}, deadline),
            lambda: self._keys_of(INSURANCE_CARD.name, "by-person", personal_id, deadline),
            lambda: self._keys_of(DOSSIER.name, "by-applicant", personal_id, deadline),
        )
        wanted = {(INSURANCE_CARD.name, key) for key in cards[:MOST_CARDS]}
        newest = newest_first(codes)[:MOST_DOSSIERS]
        wanted |= {(DOSSIER.name, code) for code in newest}
        found = self._records(wanted, deadline) if wanted else {}
        # An index lags: what shows another person by now is not theirs and is not handed out.
        subject = person_subject(personal_id)
        own = {key: record for key, record in found.items() if subject_of_record(record) == subject}
        for record in (*person.values(), *own.values()):
            self._hand_out(record)
        return Found(
            person=person.get(record_key(PERSON.name, personal_id)),
            cards=_of(own, INSURANCE_CARD.name, sorted(cards)),
            dossiers=_of(own, DOSSIER.name, newest),
            complete=len(cards) <= MOST_CARDS and len(codes) <= MOST_DOSSIERS,
        )

    def records(
        self,
        wanted: Collection[tuple[str, str]],
        deadline: Deadline,
    ) -> dict[str, Record]:
        """The records of these kinds and keys that exist, by record key; one round."""
        found = self._records(wanted, deadline)
        for record in found.values():
            self._hand_out(record)
        return found

    def with_old_number(self, number: str, deadline: Deadline) -> list[str]:
        """The personal ids of people who show an old identity number, at most so many that it
        is seen to be several; an index may lag."""
        table = self._to.records[PERSON.name]
        keys, _ = self._index(
            table, "by-old-number", "old_identity_number=:v", {":v": number}, deadline, 10
        )
        return sorted(key["personal_id"]["S"] for key in keys)

    def people(
        self,
        wanted: WantedPeople,
        deadline: Deadline,
    ) -> FoundPeople:
        """The people that are meant, best matches first."""
        ids, complete = self._candidates(wanted, deadline)
        chunks = [ids[start : start + MOST_KEYS] for start in range(0, len(ids), MOST_KEYS)]
        few = len(ids) <= MOST_FOUND  # all of them may be handed out
        found = self._together(*(partial(self._shown, c, few, deadline) for c in chunks))
        named = [
            Named(plain[PERSON.key], {name: plain[name] for name in SHOWN if name in plain}, match)
            for items in found
            for plain in items
            if (match := wanted.matches(plain)) is not None
        ]
        named.sort(
            key=lambda one: (one.match, one.fields.get("date_of_birth", ""), one.personal_id)
        )
        best = named[: wanted.limit]
        for one in best:
            key = record_key(PERSON.name, one.personal_id)
            self._handed_out[key] = person_subject(one.personal_id)
        return FoundPeople(tuple(best), complete and len(named) <= wanted.limit)

    def handled(self, due: Due, deadline: Deadline) -> tuple[list[Record], Due | None]:
        """The next dossiers that an agency handles, those due first before the others, and where
        to go on after them. Those without a due date come before all others."""
        queries = [partial(self._handled, due, status, deadline) for status in sorted(due.statuses)]
        keys = sorted({key for found in self._together(*queries) for key in found})
        page = keys[: due.limit]
        wanted = {(DOSSIER.name, code) for _, code in page}
        found = self._records(wanted, deadline) if wanted else {}
        records = []
        for record in _of(found, DOSSIER.name, [code for _, code in page]):
            shown = shown_of(record)
            # An index lags: what somebody else handles by now is not listed.
            if shown.get("handling_agency") == due.agency and shown.get("status") in due.statuses:
                records.append(record)
                self._hand_out(record)
        return records, due.after_key(page[-1]) if len(keys) > len(page) else None

    # The ledger -----------------------------------------------------------------------------

    def chain(
        self,
        kind: str,
        key: str,
        deadline: Deadline,
        *,
        after: int = 0,
        whole: bool = False,
    ) -> Chain:
        """A record and its ledger entries, by version: those after a version, a page of them.

        With `whole` all of them are there, or `Retry` is raised: an index lags, but a record
        knows how many entries it has.
        """
        most = None if whole else MOST_ENTRIES
        found, (uids, more) = self._together(
            lambda: self._records({(kind, key)}, deadline),
            lambda: self._uids(kind, key, after, most, deadline),
        )
        record = found.get(record_key(kind, key))
        for number in range(1, _MOST_TRIES):
            if not whole or record is None or len(uids) >= record.version - after:
                break
            self._to.waiting.before_try(number, deadline)
            uids, more = self._uids(kind, key, after, most, deadline)
        if whole and record is not None and len(uids) < record.version - after:
            raise Retry("The ledger's index does not have every entry of the record yet.")
        entries = self._entries(uids, deadline)
        if record is not None:
            self._hand_out(record)
        elif entries:
            self._handed_out[record_key(kind, key)] = subject_of(kind, key, {})
        return Chain(record, tuple(sorted(entries, key=lambda entry: entry.version)), more)

    def event(self, uid: str, deadline: Deadline) -> Happened:
        """What the ledger and the quarantine hold of an event."""
        found, ids = self._together(
            lambda: self._entries([uid], deadline), lambda: self._refused_ids(uid, deadline)
        )
        entry = found[0] if found else None
        refused, subject = self._together(
            lambda: self._refused(ids, deadline),
            lambda: self._subject_of_entry(entry, deadline) if entry is not None else None,
        )
        if entry is not None and subject is not None:
            self._handed_out[entry.record_key] = subject
        return Happened(entry, tuple(refused))

    # How ------------------------------------------------------------------------------------

    def _hand_out(self, record: Record) -> None:
        self._handed_out[record.record_key] = subject_of_record(record)

    def _together(self, *calls: Callable[[], Any]) -> list[Any]:
        """What the calls give, which are made at the same time; all have ended when one of them
        has failed."""
        if not calls:
            return []
        *others, own = calls
        futures = [self._to.pool.submit(call) for call in others]
        try:
            last = own()
        finally:
            wait(futures)
        return [*(future.result() for future in futures), last]

    def _records(
        self, wanted: Collection[tuple[str, str]], deadline: Deadline
    ) -> dict[str, Record]:
        by_kind: dict[str, set[str]] = {}
        for kind, key in wanted:
            by_kind.setdefault(kind, set()).add(key)
        tables = {self._to.records[kind]: kind for kind in by_kind}
        asked = {
            self._to.records[kind]: Wanted(KINDS[kind].key, keys) for kind, keys in by_kind.items()
        }
        subjects = [person_subject(id_) for id_ in by_kind.get(PERSON.name, ())]
        found = self._with_heads(asked, subjects, deadline)
        records = [
            record_from_item(KINDS[tables[table]], item)
            for table, items in found.items()
            for item in items
        ]
        return {record.record_key: record for record in records}

    def _with_heads(
        self, asked: Mapping[str, Wanted], subjects: Sequence[str], deadline: Deadline
    ) -> dict[str, list[Item]]:
        """The items, and on the way the heads of these subjects in the access log."""
        wanted = dict(asked)
        if subjects:
            wanted[self._to.heads] = Wanted("subject", subjects)
        found = read_items(self._to.client, wanted, deadline, self._to.waiting)
        if subjects:
            self._heads.update(dict.fromkeys(subjects, NO_HEAD))
            heads = found.pop(self._to.heads)
            self._heads.update({item["subject"]["S"]: head_from_item(item) for item in heads})
        return found

    def _keys_of(self, kind: str, index: str, personal_id: str, deadline: Deadline) -> list[str]:
        name = "personal_id" if kind == INSURANCE_CARD.name else "applicant_id"
        keys, _ = self._index(
            self._to.records[kind], index, f"{name}=:v", {":v": personal_id}, deadline, MOST_CODES
        )
        return [key[KINDS[kind].key]["S"] for key in keys]

    def _candidates(self, wanted: WantedPeople, deadline: Deadline) -> tuple[list[str], bool]:
        """Personal ids of those who may be meant, and whether these are all."""
        if wanted.old_identity_number is not None:
            ids = self.with_old_number(wanted.old_identity_number, deadline)
            return ids, len(ids) < 10
        most = MOST_NAME_KEYS if wanted.commune is not None else MOST_NAMED
        key = wanted.name_key
        pages = self._together(
            *(partial(self._named, key, b, most, deadline) for b in wanted.ranges)
        )
        keys = [key for found, _ in pages for key in found if wanted.takes(key["birth_key"]["S"])]
        ids = [key[PERSON.key]["S"] for key in keys]
        whole = len(ids) <= MOST_NAMED and not any(more for _, more in pages)
        return ids[:MOST_NAMED], whole

    def _named(
        self, name_key: str, begins: str, most: int, deadline: Deadline
    ) -> tuple[list[Item], bool]:
        condition, values = "name_key=:v", {":v": name_key}
        if begins:
            condition, values = (
                f"{condition} AND begins_with(birth_key,:b)",
                {**values, ":b": begins},
            )
        table = self._to.records[PERSON.name]
        return self._index(table, "by-name", condition, values, deadline, most)

    def _shown(self, ids: Sequence[str], heads: bool, deadline: Deadline) -> list[dict[str, Any]]:
        """What a search looks at of these people; their heads are read on the way or not."""
        names = (PERSON.key, *SHOWN, "old_identity_number")
        wanted = {self._to.records[PERSON.name]: Wanted(PERSON.key, ids, names)}
        subjects = [person_subject(id_) for id_ in ids] if heads else []
        (items,) = self._with_heads(wanted, subjects, deadline).values()
        return [from_item(item) for item in items]

    def _handled(self, due: Due, status: int, deadline: Deadline) -> list[tuple[str, str]]:
        """Due instant and code of the next dossiers of a status."""
        first, last = due.range_of(status)
        keys, _ = self._index(
            self._to.records[DOSSIER.name],
            "by-handler",
            "handling_agency=:v AND status_due BETWEEN :a AND :b",
            {":v": due.agency, ":a": first, ":b": last},
            deadline,
            due.limit + 2,  # the last one that was seen is among them
        )
        found = []
        for key in keys:
            _, at, code = key["status_due"]["S"].split("#", 2)
            if (at, code) > due.after:
                found.append((at, code))
        return found

    def _uids(
        self, kind: str, key: str, after: int, most: int | None, deadline: Deadline
    ) -> tuple[list[str], bool]:
        condition = "record_key=:v AND version>:n"
        values: dict[str, str | int] = {":v": record_key(kind, key), ":n": after}
        keys, more = self._index(self._to.ledger, "by-record", condition, values, deadline, most)
        return [item["event_uid"]["S"] for item in keys], more

    def _entries(self, uids: Collection[str], deadline: Deadline) -> list[LedgerEntry]:
        if not uids:
            return []
        wanted = {self._to.ledger: Wanted("event_uid", set(uids))}
        (items,) = read_items(self._to.client, wanted, deadline, self._to.waiting).values()
        try:
            return [entry_from_item(item) for item in items]
        except ValueError:
            raise Defect("An entry of the ledger does not have the stored form.") from None

    def _subject_of_entry(self, entry: LedgerEntry, deadline: Deadline) -> str:
        """The subject of the record that an entry is of, by what the record shows now."""
        kind, key = parse_record_key(entry.record_key)
        if kind in (PERSON.name, AGENCY.name):
            return subject_of(kind, key, {})
        names = (KINDS[kind].key, ABOUT[kind])
        wanted = {self._to.records[kind]: Wanted(KINDS[kind].key, {key}, names)}
        (items,) = read_items(self._to.client, wanted, deadline, self._to.waiting).values()
        return subject_of(kind, key, from_item(items[0]) if items else {})

    def _refused_ids(self, uid: str, deadline: Deadline) -> list[str]:
        keys, _ = self._index(
            self._to.quarantine, "by-event", "event_uid=:v", {":v": uid}, deadline, MOST_REFUSED
        )
        return [key["quarantine_id"]["S"] for key in keys]

    def _refused(self, ids: Collection[str], deadline: Deadline) -> list[Entry]:
        """Quarantine entries without their bodies, the oldest first."""
        if not ids:
            return []
        wanted = {self._to.quarantine: Wanted("quarantine_id", set(ids), _REFUSED)}
        (items,) = read_items(self._to.client, wanted, deadline, self._to.waiting).values()
        return sorted(map(entry_of, items), key=lambda entry: (entry.received_at, entry.id))

    def _index(
        self,
        table: str,
        index: str,
        condition: str,
        values: Mapping[str, str | int],
        deadline: Deadline,
        most: int | None,
    ) -> tuple[list[Item], bool]:
        """Keys of an index in its order, at most so many, and whether there are more."""
        request: dict[str, Any] = {
            "TableName": table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {
                name: {"N": str(value)} if isinstance(value, int) else {"S": value}
                for name, value in values.items()
            },
        }
        found: list[Item] = []
        while True:
            if most is not None:
                request["Limit"] = min(most + 1 - len(found), _PAGE)
            answer = self._to.waiting.tried(
                "Query",
                deadline,
                lambda: cast(Any, self._to.client.query(**request)),
                most=_MOST_TRIES,
            )
            found += answer["Items"]
            start = answer.get("LastEvaluatedKey")
            if most is not None and len(found) > most:
                return found[:most], True
            if start is None:
                return found, False
            if deadline.remaining() <= 0:
                raise Retry("Query did not end in time.")
            request["ExclusiveStartKey"] = start


def _of(found: Mapping[str, Record], kind: str, keys: Iterable[str]) -> tuple[Record, ...]:
    """The records of a kind among those found, in the order of the keys."""
    wanted = (found.get(record_key(kind, key)) for key in keys)
    return tuple(record for record in wanted if record is not None)
