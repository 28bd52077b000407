"""Indexes of the tables that the benchmark's server holds, sorted as DynamoDB's are.

A partition of an index is its keys in the order of the sort key; a query finds its range by
bisection, as a tree does. The people of a crowd are in `by-name` without being stored: whoever
has a name is worked out when the name is first asked for. Whatever else a query asks is refused,
so that no figure comes from an answer that only looks like one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.bench.workload import people_named, people_with_old_number

Wire = dict[str, dict[str, Any]]
"""An item, or a key, with attribute values as DynamoDB sends them."""

INDEXES: Final[Mapping[str, tuple[str, str | None]]] = {
    "by-person": ("personal_id", None),
    "by-applicant": ("applicant_id", None),
    "by-name": ("name_key", "birth_key"),
    "by-old-number": ("old_identity_number", None),
}
"""Index -> its partition key and sort key."""
_CONDITION: Final = re.compile(r"(\w+)=(:\w+)(?: AND begins_with\((\w+),(:\w+)\))?")
_AFTER_ALL: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Partition:
    """The keys of one partition in their order."""

    sort_keys: Sequence[str]
    keys: Sequence[Wire]

    @classmethod
    def of(cls, keys: Iterable[tuple[str, Wire]]) -> Partition:
        """A partition of these, given with what they are sorted by."""
        ordered = sorted(keys, key=lambda pair: pair[0])
        return cls([sort_key for sort_key, _ in ordered], [key for _, key in ordered])

    def beginning(self, prefix: str) -> Sequence[Wire]:
        """The keys whose sort key begins so."""
        first = bisect_left(self.sort_keys, prefix)
        return self.keys[first : bisect_right(self.sort_keys, prefix + _AFTER_ALL)]


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes of one table: of items, or of a crowd of people."""

    held: Mapping[str, Wire] | int
    key: str
    _partitions: dict[tuple[str, str], Partition] = field(default_factory=dict)

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a Query."""
        condition = _CONDITION.fullmatch(request["KeyConditionExpression"])
        hash_key, sort_key = INDEXES[request["IndexName"]]
        if condition is None or condition[1] != hash_key or condition[3] not in (None, sort_key):
            raise NotImplementedError(request["KeyConditionExpression"])
        values = request["ExpressionAttributeValues"]
        partition = self._partition(request["IndexName"], values[condition[2]]["S"])
        keys = partition.beginning(values[condition[4]]["S"] if condition[4] else "")
        start = request.get("ExclusiveStartKey")
        begin = 0 if start is None else keys.index(start) + 1
        page = keys[begin : begin + request.get("Limit", len(keys))]
        more = begin + len(page) < len(keys)
        return {
            "Items": page,
            "Count": len(page),
            "ScannedCount": len(page),
            **({"LastEvaluatedKey": page[-1]} if more else {}),
        }

    def _partition(self, index: str, value: str) -> Partition:
        found = self._partitions.get((index, value))
        if found is None:
            found = self._made(index, value)
            self._partitions[index, value] = found
        return found

    def _made(self, index: str, value: str) -> Partition:
        hash_key, sort_key = INDEXES[index]
        if not isinstance(self.held, int):
            names = [self.key, hash_key, *([sort_key] if sort_key else [])]
            return Partition.of(
                (
                    item[sort_key]["S"] if sort_key else key,
                    {name: item[name] for name in names},
                )
                for key, item in self.held.items()
                if item.get(hash_key) == {"S": value} and (sort_key is None or sort_key in item)
            )
        if index == "by-name":
            return Partition.of(
                (
                    birth_key,
                    {
                        "personal_id": {"S": key},
                        "name_key": {"S": value},
                        "birth_key": {"S": birth_key},
                    },
                )
                for birth_key, key in people_named(value, self.held)
            )
        if index == "by-old-number":
            return Partition.of(
                (key, {"personal_id": {"S": key}, "old_identity_number": {"S": value}})
                for key in people_with_old_number(value, self.held)
            )
        raise NotImplementedError(index)
