"""A stand-in for DynamoDB that counts what the code asks of it, in capacity units.

By DynamoDB's rules: a write of up to 1 KB is one unit, in a transaction two, an update as large as
the larger of the item before and after; an index entry is one unit when its keys appear or go and
two when they change, outside of the transaction; a consistent read of up to 4 KB is one unit, one
of an index half of that, and what is not there costs as the smallest does. The operations and
expressions are those of the API's adapters; any other raises NotImplementedError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Final, NamedTuple, TypeVar

from functions.shared.adapters.attributes import Item, size_of_item
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, PERSON

_T = TypeVar("_T")
_EQUAL: Final = re.compile(r"(\w+)=(:\w+)")
_BEGINS: Final = re.compile(r"begins_with\((\w+),(:\w+)\)")
_BETWEEN: Final = re.compile(r"(\w+) BETWEEN (:\w+) AND (:\w+)")
_SET: Final = re.compile(r"(#?\w+)=(:\w+)")
_ADD: Final = re.compile(r"(\w+) (:\w+)")
_LAST: Final = chr(0x10FFFF)


class Table(NamedTuple):
    """The attributes of a table's key and of each of its indexes, which are KEYS_ONLY."""

    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]]


TABLES: Final[Mapping[str, Table]] = {
    PERSON.name: Table(
        ("personal_id",),
        {"by-name": ("name_key", "birth_key"), "by-old-number": ("old_identity_number",)},
    ),
    INSURANCE_CARD.name: Table(("insurance_number",), {"by-person": ("personal_id",)}),
    DOSSIER.name: Table(
        ("dossier_code",),
        {"by-applicant": ("applicant_id",), "by-handler": ("handling_agency", "status_due")},
    ),
    AGENCY.name: Table(("agency_id",), {}),
    "ledger": Table(("event_uid",), {"by-record": ("record_key", "version")}),
    "quarantine": Table(
        ("quarantine_id",),
        {
            "by-queue": ("queue_key", "received_at"),
            "by-reason": ("reason_key", "received_at"),
            "by-event": ("event_uid", "received_at"),
        },
    ),
    "access-log": Table(
        ("subject", "number"),
        {
            "by-officer": ("officer", "looked_at"),
            "by-agency": ("agency_day", "looked_at"),
            "by-purpose": ("purpose_day", "looked_at"),
        },
    ),
    "access-heads": Table(("subject",), {}),
    "allowances": Table(("allowance",), {}),
}
"""The tables as the template has them; those of records are named after their kind."""


def kilobytes(count: int) -> int:
    """Units of a write of so many bytes."""
    return -(-count // 1024)


def index_units(before: Item | None, after: Item, keys: Sequence[str]) -> int:
    """Of one index: nothing while its keys stay, one to put, one to remove."""
    old = [(before or {}).get(key) for key in keys]
    new = [after.get(key) for key in keys]
    return 0 if old == new else int(None not in old) + int(None not in new)


def size(item: Item) -> int:
    """Bytes of an item, its sets of bytes included."""
    sets = {name: value["BS"] for name, value in item.items() if "BS" in value}
    plain = {name: value for name, value in item.items() if name not in sets}
    return size_of_item(plain) + sum(len(n) + sum(map(len, found)) for n, found in sets.items())


class Meter:
    """Tables in memory as a DynamoDB client. `read_units`, `write_units` and `put` (the items that
    were put) are counted from the last `reset` on."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._items: dict[str, dict[tuple[str, ...], Item]] = {name: {} for name in tables}
        self.reset()

    def reset(self) -> None:
        """Counts from zero; the items stay."""
        self.read_units: float = 0
        self.write_units: int = 0
        self.put: list[Item] = []

    def fill(self, table: str, item: Item) -> None:
        """An item that was there before anything was counted."""
        self._items[table][self._key(table, item)] = item

    def _key(self, table: str, item: Item) -> tuple[str, ...]:
        return tuple(next(iter(item[name].values())) for name in self._tables[table].key)

    # What a client does ---------------------------------------------------------------------

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        """The items, each consistently read."""
        answers: dict[str, list[Item]] = {}
        for table, part in RequestItems.items():
            if not part.get("ConsistentRead"):
                raise NotImplementedError(part)
            found = [self._items[table].get(self._key(table, key)) for key in part["Keys"]]
            self.read_units += sum(_blocks(size(item or {})) for item in found)
            answers[table] = [item for item in found if item is not None]
        return {"Responses": answers, "UnprocessedKeys": {}}

    def query(
        self,
        *,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Mapping[str, Any],
        Limit: int,
    ) -> dict[str, Any]:
        """A page of an index in its order."""
        table = self._tables[TableName]
        keys = table.indexes[IndexName]
        ranges = _ranges(KeyConditionExpression, ExpressionAttributeValues)
        found = sorted(
            (
                {name: item[name] for name in dict.fromkeys((*keys, *table.key))}
                for item in self._items[TableName].values()
                if all(name in item for name in keys)
                and all(low <= item[name]["S"] <= high for name, low, high in ranges)
            ),
            key=lambda item: [str(item[name]) for name in keys],
        )
        if len(found) > Limit:
            raise NotImplementedError("A query of several pages")
        self.read_units += _blocks(sum(map(size, found))) / 2
        return {"Items": found}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Every action is done; the conditions are taken to hold."""
        for action in TransactItems:
            ((kind, request),) = action.items()
            table = request["TableName"]
            key = self._key(table, request["Item"] if kind == "Put" else request["Key"])
            before = self._items[table].get(key)
            if kind == "Put":
                after = request["Item"]
                self.put.append(after)
            elif kind == "Update":
                after = _updated({**request["Key"], **(before or {})}, request)
            else:
                raise NotImplementedError(kind)
            self._items[table][key] = after
            self.write_units += 2 * kilobytes(max(size(before or {}), size(after)))
            for keys in self._tables[table].indexes.values():
                self.write_units += index_units(before, after, keys)
        return {}


class AtOnce(Executor):
    """Makes each call when it is handed in, so that nothing is counted twice or lost."""

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """What the call gives, already there."""
        future: Future[_T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _blocks(count: int) -> int:
    """Units of a consistent read of so many bytes; there is none for nothing."""
    return max(1, -(-count // 4096))


def _ranges(text: str, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each attribute of a key condition, with the first and the last text that fit it."""

    def of(name: str) -> str:
        return str(values[name]["S"])

    ranges = [(name, of(low), of(high)) for name, low, high in _BETWEEN.findall(text)]
    rest = _BETWEEN.sub("", text)
    ranges += [(name, of(value), of(value) + _LAST) for name, value in _BEGINS.findall(rest)]
    rest = _BEGINS.sub("", rest)
    ranges += [(name, of(value), of(value)) for name, value in _EQUAL.findall(rest)]
    if _EQUAL.sub("", rest).replace(" AND ", ""):
        raise NotImplementedError(text)
    return ranges


def _updated(item: Item, request: Mapping[str, Any]) -> Item:
    """The item after `SET name=:value,... ADD name :value,...`."""
    names = request.get("ExpressionAttributeNames", {})
    values = request["ExpressionAttributeValues"]
    sets, _, adds = request["UpdateExpression"].removeprefix("SET ").partition(" ADD ")
    after = dict(item)
    for name, value in _parts(_SET, sets):
        after[names.get(name, name)] = values[value]
    for name, value in _parts(_ADD, adds):
        after[name] = _added(after.get(name), values[value])
    return after


def _parts(form: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, text.split(",")):
        found = form.fullmatch(part)
        if found is None:
            raise NotImplementedError(part)
        yield found[1], found[2]


def _added(before: Any, more: Any) -> Any:
    """A number with another added, a set with further members."""
    if "N" in more:
        return {"N": str(int((before or {"N": "0"})["N"]) + int(more["N"]))}
    ((kind, members),) = more.items()
    return {kind: sorted({*(before or {kind: ()})[kind], *members})}
