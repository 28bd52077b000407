"""Verification: every ledger entry against its hashes, every record against its entries.

The ledger is spooled into a private database on disk that ends with the process, so a city's
ledger needs no city of memory. What seems wrong is read again before it is accused: an index
lags, and a live stack goes on writing between two reads.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.adapters.keys import parse_record_key, record_key
from functions.shared.core.events import Json
from functions.shared.core.kinds import KINDS
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.replay import disagreements, item_disagreements
from functions.shared.ports import Deadline
from infra.lienthong.findings import Finding

_TRIES: Final = 5


@dataclass(slots=True)
class Outcome:
    """What a verification looked at and what it found."""

    records: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Look:
    """A record's item and its entries' items as they were read, and what is wrong with them."""

    item: Item | None
    entries: tuple[Item, ...]
    faults: tuple[str, ...]


class _Spool:
    """The ledger's items by record, on disk."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a private database that SQLite deletes when closed
        self._db.execute("CREATE TABLE entry (record TEXT, uid TEXT, item BLOB)")

    def fill(self, items: Iterable[Item]) -> int:
        rows = ((_text(i, "record_key"), _text(i, "event_uid"), _dumped(i)) for i in items)
        count = self._db.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows).rowcount
        self._db.execute("CREATE INDEX by_record ON entry (record)")
        return max(count, 0)

    def items(self, record: str) -> list[Item]:
        rows = self._db.execute("SELECT item FROM entry WHERE record = ?", (record,))
        return [_loaded(item) for (item,) in rows]

    def records(self) -> Iterator[str]:
        for (record,) in self._db.execute("SELECT DISTINCT record FROM entry ORDER BY record"):
            yield record

    def close(self) -> None:
        self._db.close()


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks the live tables that an archive reads.

    `pause` waits for so many seconds between two looks at a record that seems wrong.
    """

    archive: Archive
    deadline: Deadline
    pause: Callable[[float], None]

    def everything(self, progress: Callable[[int], None]) -> Outcome:
        """Checks all records; `progress` is told how many more were looked at."""
        outcome, spool = Outcome(), _Spool()
        try:
            outcome.entries = spool.fill(self.archive.all_entries())
            suspects = self._suspects(spool, outcome, progress)
            for record, uids in suspects.items():
                outcome.findings += self._finding(record, uids)
        finally:
            spool.close()
        return outcome

    def _suspects(
        self, spool: _Spool, outcome: Outcome, progress: Callable[[int], None]
    ) -> dict[str, list[str]]:
        suspects: dict[str, list[str]] = {}
        seen: set[bytes] = set()
        for kind in self.archive.records:
            for item in self.archive.all_records(kind):
                record = record_key(kind, item[KINDS[kind].key]["S"])
                seen.add(_short(record))
                items = spool.items(record)
                if faults(record, item, items):
                    suspects[record] = [_text(i, "event_uid") for i in items]
                outcome.records += 1
                progress(1)
        for record in spool.records():
            if _short(record) not in seen:
                suspects[record] = [_text(i, "event_uid") for i in spool.items(record)]
        return suspects

    def one(self, kind: str, key: str) -> Outcome:
        """Checks one record."""
        record = record_key(kind, key)
        entries = self.archive.entry_items(kind, key, self.deadline)
        look = self.look(kind, key, [_text(i, "event_uid") for i in entries])
        findings = [Finding(record, look.faults)] if look.faults else []
        return Outcome(int(look.item is not None), len(look.entries), findings)

    def _finding(self, record: str, uids: list[str]) -> list[Finding]:
        """The record's faults, if they are still there however often it is read again."""
        kind, key = parse_record_key(record)
        if kind not in KINDS or not key:
            name = record or "(no record)"
            return [Finding(name, ("A ledger entry names no record of a known kind.",))]
        look = self.look(kind, key, uids)
        return [Finding(record, look.faults)] if look.faults else []

    def look(self, kind: str, key: str, uids: Collection[str] = ()) -> Look:
        """A record and its entries, read again for a while as long as they do not agree.

        `uids` are events that are known to belong to it, whether the index knows them or not.
        """
        look = self._read(kind, key, uids)
        for number in range(1, _TRIES):
            if not look.faults:
                break
            self.pause(0.2 * number)
            look = self._read(kind, key, uids)
        return look

    def _read(self, kind: str, key: str, uids: Collection[str]) -> Look:
        item = self.archive.record_item(kind, key)
        items = self.archive.entry_items(kind, key, self.deadline, also=uids)
        return Look(item, tuple(items), tuple(faults(record_key(kind, key), item, items)))


def faults(record: str, item: Item | None, entry_items: Iterable[Item]) -> list[str]:
    """What is wrong with a record's item and the entries that claim it; empty if nothing."""
    kind, key = parse_record_key(record)
    found: list[str] = []
    entries: list[LedgerEntry] = []
    for entry_item in entry_items:
        try:
            entries.append(_entry(entry_item))
        except _ODD:
            found.append(_malformed(entry_item))
    entries.sort(key=lambda entry: (entry.version, entry.event_uid))
    try:
        found += disagreements(kind, key, entries)
        found += _item_faults(kind, key, item, entries)
    except _ODD:
        found.append("The entries cannot be hashed and folded into a record.")
    return found


_ODD: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What reading values raises that have not the form they should have."""


def _item_faults(kind: str, key: str, item: Item | None, entries: list[LedgerEntry]) -> list[str]:
    try:
        plain = _plain(item)
    except _ODD:
        return ["The record's item does not have the stored form."]
    return item_disagreements(kind, key, plain, entries)


def _plain(item: Item | None) -> dict[str, Json] | None:
    if item is None:
        return None
    values: dict[str, Json] = from_item(item)
    if (lanes := item.get("lanes", {}).get("B")) is not None:
        values["lanes"] = bytes(lanes)
    return values


def _entry(item: Item) -> LedgerEntry:
    """The entry of an item; ValueError where any part has not the type it should have."""
    entry = entry_from_item(item)
    changes = entry.changes
    texts = (
        entry.event_uid,
        entry.record_key,
        entry.prev,
        entry.entry_hash,
        entry.recorded_at,
        entry.changes_digest,
        entry.event.source,
        entry.event.id,
        entry.event.type,
        entry.event.time,
        entry.event.digest,
        entry.event.sequence or "",
        entry.sender or "",
        *(entry.salts or {}),
        *(entry.salts or {}).values(),
        *(change.field for change in changes),
        *(change.commit or "" for change in changes),
    )
    numbers = (entry.version, *(change.rank for change in changes))
    if (
        any(type(text) is not str for text in texts)
        or any(type(number) is not int for number in numbers)
        or any(type(change.won) is not bool for change in changes)
        or len({change.field for change in changes}) != len(changes)
        or any(change.erased not in (None, "before", "pair") for change in changes)
    ):
        raise ValueError("A ledger item does not have the stored form.")
    return entry


def _malformed(item: Item) -> str:
    version = item.get("version", {}).get("N")
    which = f"Entry {version}" if isinstance(version, str) else "An entry"
    return f"{which}: It does not have the stored form."


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _short(record: str) -> bytes:
    """Eight bytes of a record's name, so that a city's worth of them fits into memory."""
    return hashlib.blake2b(record.encode(), digest_size=8).digest()


def _dumped(item: Item) -> bytes:
    return orjson.dumps(item, default=lambda value: base64.b64encode(bytes(value)).decode())


def _loaded(stored: bytes) -> Item:
    item: Any = orjson.loads(stored)
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value
        for name, value in item.items()
    }
