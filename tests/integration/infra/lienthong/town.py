"""A stack's tables and queues on an AWS double in the process, and the command line on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import boto3

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.documents import unpack
from functions.shared.adapters.dynamodb import DynamoRecords
from functions.shared.adapters.keys import record_key
from functions.shared.adapters.quarantine import DynamoQuarantine
from functions.shared.core.kinds import KINDS
from functions.shared.runtime.pipeline import Pipeline, Report
from infra.lienthong.__main__ import main
from infra.lienthong.send import OUTPUT_OF_QUEUE
from infra.lienthong.tables import OUTPUT_OF_KIND
from tests.builders import ANYONE, kind_of_type, messages, salts, ticking
from tests.fakes import FakeAgencies, Unhurried
from tests.integration.functions.stack import template

REGION: Final = "ap-southeast-1"


@cache
def client(service: str) -> Any:
    """A client of the double, made once; what it sees is the double that is in force."""
    return boto3.client(cast(Any, service), region_name=REGION)


class Town:
    """Deployed tables and queues; `take` is what the functions do, `run` what a person types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dynamodb = client("dynamodb")
        self.s3 = client("s3")
        self.sqs = client("sqs")
        self.outputs = {"region": REGION, "QuarantineBucket": "quarantine"}
        self.s3.create_bucket(
            Bucket="quarantine",
            CreateBucketConfiguration={"LocationConstraint": cast(Any, REGION)},
        )
        for kind, output in OUTPUT_OF_KIND.items():
            self._table(output, KINDS[kind].key)
        self._table("LedgerTable", "event_uid", by_record=True)
        self._quarantine()
        for output in OUTPUT_OF_QUEUE.values():
            for name in (output, output.replace("QueueUrl", "DeadLetterQueueUrl")):
                self.outputs[name] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.outputs_file = folder / "outputs.json"
        self.outputs_file.write_text(json.dumps(self.outputs), "utf-8")
        self._now, self._salt = ticking(), salts()

    def _table(self, output: str, key: str, *, by_record: bool = False) -> None:
        request: dict[str, Any] = {
            "TableName": output,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        }
        if by_record:
            request["AttributeDefinitions"] += [
                {"AttributeName": "record_key", "AttributeType": "S"},
                {"AttributeName": "version", "AttributeType": "N"},
            ]
            request["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": "by-record",
                    "KeySchema": [
                        {"AttributeName": "record_key", "KeyType": "HASH"},
                        {"AttributeName": "version", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ]
        self.dynamodb.create_table(**request)
        self.outputs[output] = output

    def _quarantine(self) -> None:
        """The quarantine's table with the template's indexes."""
        properties = template()["QuarantineTable"]["Properties"]
        names = ("IndexName", "KeySchema", "Projection")
        indexes = properties["GlobalSecondaryIndexes"]
        self.dynamodb.create_table(
            TableName="QuarantineTable",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=properties["AttributeDefinitions"],
            KeySchema=properties["KeySchema"],
            GlobalSecondaryIndexes=[{name: index[name] for name in names} for index in indexes],
        )
        self.outputs["QuarantineTable"] = "QuarantineTable"

    def pipeline(self, kind: str) -> Pipeline:
        """The pipeline of a kind's queue."""
        waiting = Waiting(lambda _: None, lambda: 0.0)
        return Pipeline(
            kind=KINDS[kind],
            store=DynamoRecords(
                self.dynamodb, KINDS[kind], OUTPUT_OF_KIND[kind], "LedgerTable", waiting
            ),
            quarantine=DynamoQuarantine(
                self.dynamodb, self.s3, "QuarantineTable", "quarantine", waiting, "test"
            ),
            agencies=FakeAgencies(),
            senders=ANYONE,
            now=self._now,
            salt=self._salt,
            jitter=lambda: 0.0,
            pause=lambda _: None,
        )

    def take(self, *contents: Mapping[str, Any] | str, kind: str = "") -> list[Report]:
        """Lets the functions take events or, on the queue of `kind`, any bodies, one by one."""
        return [
            self.pipeline(kind or _kind(content)).run(messages([content]), Unhurried())
            for content in contents
        ]

    def run(self, *arguments: str) -> int:
        """Types a command on this stack."""
        return main([*arguments, "--outputs", str(self.outputs_file)])

    def archive(self) -> Archive:
        """The tables, for reading."""
        tables = {kind: self.outputs[output] for kind, output in OUTPUT_OF_KIND.items()}
        waiting = Waiting(lambda _: None, lambda: 0.0)
        return Archive(self.dynamodb, tables, "LedgerTable", "QuarantineTable", waiting)

    # The tables, behind the service's back -----------------------------------------------------

    def record(self, kind: str, key: str) -> Item:
        """A record's item."""
        found = self.dynamodb.get_item(
            TableName=OUTPUT_OF_KIND[kind], Key={KINDS[kind].key: {"S": key}}
        )
        return cast(Item, found["Item"])

    def entries(self, kind: str, key: str) -> list[Item]:
        """A record's entries in the order of their versions."""
        found = cast(Sequence[Item], self.dynamodb.scan(TableName="LedgerTable")["Items"])
        mine = [i for i in found if i.get("record_key", {}).get("S") == record_key(kind, key)]
        return sorted(mine, key=lambda item: int(item["version"]["N"]))

    def put(self, table: str, item: Item) -> None:
        """Writes an item by hand."""
        self.dynamodb.put_item(TableName=table, Item=item)

    def remove_entry(self, item: Item) -> None:
        """Removes a ledger entry by hand."""
        self.dynamodb.delete_item(TableName="LedgerTable", Key={"event_uid": item["event_uid"]})

    def everything(self) -> str:
        """All that records and ledger hold, documents unpacked, as one text to look into."""

        def plain(value: Any) -> Any:
            if isinstance(value, bytes):
                try:
                    return unpack(value)
                except ValueError:
                    return value.hex()
            raise TypeError

        tables = [*OUTPUT_OF_KIND.values(), "LedgerTable"]
        return "\n".join(
            json.dumps(item, default=plain, ensure_ascii=False)
            for table in tables
            for item in self.dynamodb.scan(TableName=table)["Items"]
        )


def _kind(content: Mapping[str, Any] | str) -> str:
    assert not isinstance(content, str)
    return kind_of_type(content["type"].removeprefix("vn.lienthong.")).name
