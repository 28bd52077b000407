"""Writing an erasure: the record and every touched entry in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from functions.shared.adapters.attributes import Item, size_of_item, to_attribute
from functions.shared.adapters.dynamodb import (
    MOST_ACTIONS,
    MOST_BYTES,
    item_from_entry,
    item_from_record,
    unchanged,
)
from functions.shared.adapters.errors import AWS_ERRORS, translated
from functions.shared.core.erasure import ErasedEntry, Erasure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

NOTES = "erasures"
"""Attribute of an entry's item: when, of which field and why something was erased from it."""


@dataclass(frozen=True, slots=True)
class DynamoErasure:
    """Erases in a table of records of one kind and the ledger's."""

    client: DynamoDBClient
    records_table: str
    ledger_table: str

    def fits(self, erasure: Erasure) -> bool:
        """Whether one transaction holds all of it."""
        sizes = [item_from_record(erasure.after)]
        sizes += [item_from_entry(entry.will_be) for entry in erasure.entries]
        return erasure.actions <= MOST_ACTIONS and sum(map(size_of_item, sizes)) <= MOST_BYTES

    def write(self, erasure: Erasure, loaded: Mapping[str, Item], *, at: str, because: str) -> None:
        """Writes it whole, if the record and the entries still are what was `loaded`.

        `loaded` are the entries' items by event. Raises Conflict where something was written in
        the meantime, or where it is not known what became of it: read again, then repeat.
        """
        actions: Any = [
            {
                "Put": {
                    "TableName": self.records_table,
                    "Item": item_from_record(erasure.after),
                    **unchanged(erasure.record),
                }
            }
        ]
        note = to_attribute({"at": at, "field": erasure.field, "because": because})
        actions += [
            self._put(entry, loaded[entry.was.event_uid], note) for entry in erasure.entries
        ]
        try:
            self.client.transact_write_items(TransactItems=actions)
        except AWS_ERRORS as error:
            raise translated(error, "TransactWriteItems") from None

    def _put(self, entry: ErasedEntry, loaded: Item, note: dict[str, Any]) -> dict[str, Any]:
        item = item_from_entry(entry.will_be)
        item[NOTES] = {"L": [*loaded.get(NOTES, {}).get("L", []), note]}
        return {
            "Put": {
                "TableName": self.ledger_table,
                "Item": item,
                # The hash alone does not say it: another erasure keeps it.
                "ConditionExpression": "entry_hash=:h AND changes=:c",
                "ExpressionAttributeValues": {
                    ":h": {"S": entry.was.entry_hash},
                    ":c": loaded["changes"],
                },
            }
        }
