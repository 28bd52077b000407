"""Reading the tables as they are, for verification, statistics and provenance.

Nothing here writes, and nothing here trusts what it reads: an item that does not have the
stored form is handed on as it is, so that verification can name it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from functions.shared.adapters.attributes import Item
from functions.shared.adapters.bulk import Waiting, Wanted, read_items
from functions.shared.adapters.errors import AWS_ERRORS, translated
from functions.shared.adapters.keys import record_key
from functions.shared.core.kinds import KINDS
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Archive:
    """The record tables (kind -> table), the ledger and the quarantine, read only."""

    client: DynamoDBClient
    records: Mapping[str, str]
    ledger: str
    quarantine: str
    waiting: Waiting

    def record_item(self, kind: str, key: str) -> Item | None:
        """The item of a record, read consistently, or None."""
        name = KINDS[kind].key
        try:
            answer = self.client.get_item(
                TableName=self.records[kind], Key={name: {"S": key}}, ConsistentRead=True
            )
        except AWS_ERRORS as error:
            raise translated(error, "GetItem") from None
        return cast("Item | None", answer.get("Item"))

    def entry_items(
        self, kind: str, key: str, deadline: Deadline, also: Collection[str] = ()
    ) -> list[Item]:
        """The ledger items that claim a record, each read consistently.

        The index that finds them may lag behind; `also` names events to read whether the
        index knows them or not. Raises Retry when time is up.
        """
        uids = set(also)
        for page in self._pages(
            "query",
            TableName=self.ledger,
            IndexName="by-record",
            KeyConditionExpression="record_key=:r",
            ExpressionAttributeValues={":r": {"S": record_key(kind, key)}},
        ):
            uids.update(item["event_uid"]["S"] for item in page)
        return self.events(uids, deadline)

    def events(
        self, uids: Collection[str], deadline: Deadline, attributes: tuple[str, ...] = ()
    ) -> list[Item]:
        """The ledger items of these events, or these attributes of each, read consistently."""
        if not uids:
            return []
        wanted = {self.ledger: Wanted("event_uid", uids, attributes)}
        return read_items(self.client, wanted, deadline, self.waiting)[self.ledger]

    def quarantined(
        self, ids: Collection[str], deadline: Deadline, attributes: tuple[str, ...] = ()
    ) -> list[Item]:
        """The quarantine items with these ids, or these attributes of each, read consistently."""
        if not ids:
            return []
        wanted = {self.quarantine: Wanted("quarantine_id", ids, attributes)}
        return read_items(self.client, wanted, deadline, self.waiting)[self.quarantine]

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        request = {"TableName": self.records[kind], "Select": "COUNT", "ConsistentRead": True}
        try:
            pages = self.client.get_paginator("scan").paginate(**cast(Any, request))
            return sum(page["Count"] for page in pages)
        except AWS_ERRORS as error:
            raise translated(error, "Scan") from None

    def all_records(self, kind: str) -> Iterator[Item]:
        """Every item of a record table."""
        return self._scan(self.records[kind])

    def all_entries(self, attributes: tuple[str, ...] = ()) -> Iterator[Item]:
        """Every item of the ledger, or these attributes of each."""
        return self._scan(self.ledger, attributes)

    def all_quarantined(self, attributes: tuple[str, ...] = ()) -> Iterator[Item]:
        """Every item of the quarantine, or these attributes of each."""
        return self._scan(self.quarantine, attributes)

    def _scan(self, table: str, attributes: tuple[str, ...] = ()) -> Iterator[Item]:
        request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        if attributes:
            names = {f"#{i}": name for i, name in enumerate(attributes)}
            request["ProjectionExpression"] = ",".join(names)
            request["ExpressionAttributeNames"] = names
        for page in self._pages("scan", **request):
            yield from page

    def _pages(self, operation: str, **request: Any) -> Iterator[list[Item]]:
        try:
            for page in self.client.get_paginator(cast(Any, operation)).paginate(**request):
                yield page.get("Items", [])
        except AWS_ERRORS as error:
            raise translated(error, operation.capitalize()) from None
