"""The records of one kind and the ledger, on DynamoDB.

A change is one Put of the record, guarded by the head that was loaded, and one Put per ledger
entry, guarded by its absence. Many changes share a transaction; when one is cancelled, the
innocent ones are sent again without the culprits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.exceptions import ClientError

from functions.shared import native
from functions.shared.adapters.attributes import Item, from_item, to_item
from functions.shared.adapters.bulk import Waiting, Wanted, read_items
from functions.shared.adapters.documents import DICTIONARY, pack, pack_bytes, unpack, unpack_bytes
from functions.shared.adapters.errors import (
    AWS_ERRORS,
    CANCELLATION,
    cancellations,
    code_of,
    translated,
)
from functions.shared.adapters.errors import meaning as meaning_of
from functions.shared.adapters.wire import Written, sends_directly, written
from functions.shared.core.errors import Conflict, Defect, LienThongError, Retry
from functions.shared.core.items import LANES, LARGEST_ITEM, item_of, record_of, size_in_json
from functions.shared.core.kinds import Kind
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import EventRef, LedgerEntry, Outcome, changes_of
from functions.shared.core.planning import KnownEvent, Loaded, RecordChange
from functions.shared.ports import Commit, Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_ACTIONS: Final = 100
MOST_BYTES: Final = 3_500_000
"""A transaction holds at most 4 MB; the rest is room for names and conditions."""
_ENTRY_BESIDES: Final = 2_000
"""Bytes of an entry beside its documents, at most."""
_KNOWN: Final = ("event_uid", "event", "salt", "entry_hash", "outcome")
_MEANS: Final[dict[type[LienThongError], Commit]] = {
    Retry: Commit.BUSY,
    Conflict: Commit.CONFLICT,
    Defect: Commit.REFUSED,
}


@dataclass(frozen=True, slots=True)
class _Group:
    """The actions of one change: they stand or fall together."""

    position: int
    actions: list[Any]
    size: int


@dataclass(frozen=True, slots=True)
class DynamoRecords:
    """`RecordStore` over a table of one kind and the ledger's."""

    client: DynamoDBClient
    kind: Kind
    records_table: str
    ledger_table: str
    waiting: Waiting

    def load(self, records: Collection[str], events: Collection[str], deadline: Deadline) -> Loaded:
        """Reads both tables consistently, together, 100 keys a call."""
        wanted = {}
        if events:
            wanted[self.ledger_table] = Wanted("event_uid", events, _KNOWN)
        if records:
            wanted[self.records_table] = Wanted(self.kind.key, records)
        items = read_items(self.client, wanted, deadline, self.waiting)
        found = [record_from_item(self.kind, item) for item in items.get(self.records_table, ())]
        return Loaded(
            records={record.key: record for record in found},
            events=_known_events(items.get(self.ledger_table, ())),
        )

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]:
        """Packs the changes into as few transactions as may hold them and sends each."""
        outcomes = [Commit.CONFLICT] * len(changes)
        packed: list[_Group] = []
        actions = size = 0
        for position, change in enumerate(changes):
            group = self._group(position, change)
            if group is None:
                outcomes[position] = Commit.TOO_LARGE
                continue
            if actions + len(group.actions) > MOST_ACTIONS or size + group.size > MOST_BYTES:
                self._send(packed, outcomes)
                packed, actions, size = [], 0, 0
            packed.append(group)
            actions += len(group.actions)
            size += group.size
        self._send(packed, outcomes)
        return outcomes

    def _group(self, position: int, change: RecordChange) -> _Group | None:
        values = item_of(change.after)
        put: dict[str, Any] = {"TableName": self.records_table, "Item": to_item(values)}
        if change.before.version == 0:
            put["ConditionExpression"] = f"attribute_not_exists({self.kind.key})"
        else:
            put.update(unchanged(change.before))
        record = written(self.client, {"Put": put})
        # Written it is never shorter than the item is: that needs no measuring of its own.
        size = len(record.json) if isinstance(record, Written) else size_in_json(values)
        if size > LARGEST_ITEM and (size := size_in_json(values)) > LARGEST_ITEM:
            return None
        actions: list[Any] = [record]
        for entry in change.entries:
            action, documents = self._entry_action(entry)
            actions.append(action)
            size += _ENTRY_BESIDES + documents
        return _Group(position, actions, size)

    def _entry_action(self, entry: LedgerEntry) -> tuple[Any, int]:
        """The write of an entry, and how many bytes its documents take."""
        loops = native.loops
        if loops is not None and sends_directly(self.client):
            made, documents = loops.entry_action(self.ledger_table, entry, DICTIONARY)
            return Written(made), documents
        action, documents = entry_action_plainly(self.ledger_table, entry)
        return written(self.client, action), documents

    def _send(self, groups: list[_Group], outcomes: list[Commit]) -> None:
        """Sends the groups as one transaction; without the culprits again if cancelled."""
        while groups:
            actions: Any = [action for group in groups for action in group.actions]
            try:
                self.client.transact_write_items(TransactItems=actions)
            except AWS_ERRORS as error:
                code = code_of(error)
                if code == "TransactionCanceledException" and isinstance(error, ClientError):
                    groups = self._innocent(groups, error, outcomes)
                    continue
                meant = meaning_of(error)
                if code == "ValidationException":
                    # DynamoDB names no culprit for a malformed request: halve until found.
                    if len(groups) > 1:
                        half = len(groups) // 2
                        self._send(groups[:half], outcomes)
                        groups = groups[half:]
                        continue
                elif issubclass(meant, Defect):
                    raise translated(error, "TransactWriteItems") from None
                for group in groups:
                    outcomes[group.position] = _MEANS[meant]
                return
            for group in groups:
                outcomes[group.position] = Commit.DONE
            return

    def _innocent(
        self, groups: list[_Group], error: ClientError, outcomes: list[Commit]
    ) -> list[_Group]:
        """Gives the culprits of a cancelled transaction their outcome, answers the others."""
        meanings = [CANCELLATION.get(code, Retry) for code in cancellations(error)]
        innocent, start = [], 0
        for group in groups:
            end = start + len(group.actions)
            own = [meant for meant in meanings[start:end] if meant is not None]
            start = end
            if own:
                worst = Defect if Defect in own else Conflict if Conflict in own else Retry
                outcomes[group.position] = _MEANS[worst]
            else:
                innocent.append(group)
        if len(innocent) == len(groups):  # no culprit named: all of it is not known
            for group in groups:
                outcomes[group.position] = Commit.CONFLICT
            return []
        return innocent


@dataclass(frozen=True, slots=True)
class DynamoLedger:
    """`KnownEvents` over the ledger's table."""

    client: DynamoDBClient
    table: str
    waiting: Waiting

    def known(self, events: Collection[str], deadline: Deadline) -> Mapping[str, KnownEvent]:
        """What the ledger holds of the events, by `event_uid`."""
        wanted = {self.table: Wanted("event_uid", events, _KNOWN)}
        return _known_events(read_items(self.client, wanted, deadline, self.waiting)[self.table])


# Items --------------------------------------------------------------------------------------


def item_from_record(record: Record) -> Item:
    """The table item of a record."""
    return to_item(item_of(record))


def record_from_item(kind: Kind, item: Item) -> Record:
    """The record of a table item. Raises Defect where it was written by something else."""
    try:
        plain = from_item(item)
        return record_of(kind, plain, orjson.loads(bytes(plain[LANES])))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError):
        raise Defect(f"An item of kind {kind.name} does not have the stored form.") from None


def unchanged(record: Record) -> dict[str, Any]:
    """The condition that a stored record is still the one that was loaded.

    The head alone does not say so: an erasure keeps it.
    """
    names, values = {"#h": "head"}, {":h": {"S": record.head}}
    if record.erasures:
        condition = "#h=:h AND erasures=:e"
        values[":e"] = {"N": str(record.erasures)}
    else:
        condition = "#h=:h AND attribute_not_exists(erasures)"
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def item_from_entry(entry: LedgerEntry) -> Item:
    """The table item of a ledger entry; its documents as canonical JSON, packed."""
    item: Item = {
        "event_uid": {"S": entry.event_uid},
        "record_key": {"S": entry.record_key},
        "version": {"N": str(entry.version)},
        "prev": {"S": entry.prev},
        "entry_hash": {"S": entry.entry_hash},
        "event": {"B": pack(entry.event.as_json())},
        "recorded_at": {"S": entry.recorded_at},
        "outcome": {"S": entry.outcome.value},
        "changes_digest": {"S": entry.changes_digest},
        "changes": {"B": pack_bytes(entry.document)},
    }
    if entry.sender is not None:
        item["sender"] = {"S": entry.sender}
    if entry.salt is not None:
        item["salt"] = {"B": entry.salt}
    else:
        item["salts"] = {"B": pack(dict(entry.salts or {}))}
    return item


def entry_action_plainly(table: str, entry: LedgerEntry) -> tuple[dict[str, Any], int]:
    """The write of an entry and the bytes of its documents, whether or not there is a compiled
    one."""
    item = item_from_entry(entry)
    put = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(event_uid)",
    }
    return {"Put": put}, len(item["changes"]["B"]) + len(item["event"]["B"])


def entry_from_item(item: Item) -> LedgerEntry:
    """The ledger entry of a table item. Raises ValueError where it does not have the form."""
    try:
        plain = from_item(item)
        salt, document = plain.get("salt"), unpack_bytes(plain["changes"])
        changes_of(document)  # which is of its form, or this is no entry
        return LedgerEntry(
            event_uid=plain["event_uid"],
            record_key=plain["record_key"],
            version=plain["version"],
            prev=plain["prev"],
            entry_hash=plain["entry_hash"],
            event=EventRef(**unpack(plain["event"])),
            sender=plain.get("sender"),
            recorded_at=plain["recorded_at"],
            outcome=Outcome(plain["outcome"]),
            changes_digest=plain["changes_digest"],
            document=document,
            salt=bytes(salt) if salt is not None else None,
            salts=unpack(plain["salts"]) if salt is None else None,
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("A ledger item does not have the stored form.") from error


def _known_events(items: Iterable[Item]) -> dict[str, KnownEvent]:
    return {entry["event_uid"]: _known(entry) for entry in map(from_item, items)}


def _known(entry: dict[str, Any]) -> KnownEvent:
    salt = entry.get("salt")
    return KnownEvent(
        digest=unpack(entry["event"])["digest"],
        salt=bytes(salt) if salt is not None else None,
        entry_hash=entry["entry_hash"],
        outcome=Outcome(entry["outcome"]),
    )
