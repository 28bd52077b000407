"""Tables as the template has them, on moto, and a world to run pipelines in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.dynamodb import (
    DynamoLedger,
    DynamoRecords,
    entry_from_item,
    record_from_item,
)
from functions.shared.adapters.quarantine import DynamoQuarantine
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.events import Json
from functions.shared.core.kinds import AGENCY, Kind
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.registry import Senders
from functions.shared.runtime.pipeline import Pipeline
from tests.builders import ANYONE, salts, ticking
from tests.fakes import FakeAgencies, comparable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

BUCKET: Final = "quarantine"
RECORDS: Final[Mapping[str, str]] = {
    "person": "PeopleTable",
    "insurance-card": "InsuranceCardsTable",
    "dossier": "DossiersTable",
    "agency": "AgenciesTable",
}
"""Record kind -> the template's name of its table."""
WAITING: Final = Waiting(pause=lambda _: None, jitter=lambda: 0.0)


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values; tables need none of them."""


_Template.add_multi_constructor("!", lambda _, suffix, node: {suffix: node.value})


@cache
def template() -> Mapping[str, Any]:
    """The template's resources."""
    path = Path(__file__).parents[3] / "template.yaml"
    loaded = yaml.load(path.read_text(encoding="utf-8"), _Template)  # a SafeLoader with more tags
    return cast(Mapping[str, Any], loaded["Resources"])


_MADE: Final = ("AttributeDefinitions", "KeySchema", "BillingMode")
_numbers: Final = count(1)


def create_table(client: DynamoDBClient, resource: str) -> str:
    """A new table with the keys and indexes of the template's; gives its name."""
    properties = template()[resource]["Properties"]
    arguments: Any = {name: properties[name] for name in _MADE}
    if indexes := properties.get("GlobalSecondaryIndexes"):
        kept = ("IndexName", "KeySchema", "Projection")
        arguments["GlobalSecondaryIndexes"] = [{n: index[n] for n in kept} for index in indexes]
    name = f"{resource}-{next(_numbers)}"
    client.create_table(TableName=name, **arguments)
    return name


@dataclass(frozen=True)
class Aws:
    """The clients that the functions use, over moto."""

    dynamodb: DynamoDBClient
    s3: S3Client


@dataclass
class MotoWorld:
    """New tables of one kind, and pipelines over them."""

    aws: Aws
    kind: Kind
    senders: Senders = ANYONE
    now: Callable[[], str] = field(default_factory=ticking)
    salt: Callable[[], bytes] = field(default_factory=salts)

    def __post_init__(self) -> None:
        self.records_table = create_table(self.aws.dynamodb, RECORDS[self.kind.name])
        self.ledger_table = create_table(self.aws.dynamodb, "LedgerTable")
        self.quarantine_table = create_table(self.aws.dynamodb, "QuarantineTable")

    def store(self, client: Any = None) -> DynamoRecords:
        return DynamoRecords(
            client or self.aws.dynamodb,
            self.kind,
            self.records_table,
            self.ledger_table,
            WAITING,
        )

    def ledger(self, client: Any = None) -> DynamoLedger:
        return DynamoLedger(client or self.aws.dynamodb, self.ledger_table, WAITING)

    def quarantine(self, client: Any = None, s3: Any = None) -> DynamoQuarantine:
        return DynamoQuarantine(
            client or self.aws.dynamodb,
            s3 or self.aws.s3,
            self.quarantine_table,
            BUCKET,
            WAITING,
            "tests",
        )

    def pipeline(self, client: Any = None, s3: Any = None) -> Pipeline:
        """A pipeline over the tables, or over stand-ins of the clients."""
        return Pipeline(
            kind=self.kind,
            store=self.store(client),
            quarantine=self.quarantine(client, s3),
            agencies=FakeAgencies(),
            senders=self.senders,
            now=self.now,
            salt=self.salt,
            jitter=lambda: 0.0,
            pause=lambda _: None,
        )

    def items(self, table: str) -> list[Item]:
        """Everything a table holds."""
        return cast(list[Item], self.aws.dynamodb.scan(TableName=table)["Items"])

    def contents(self) -> dict[str, dict[str, Json]]:
        """The items by key, apart from what tells of the order of arrival."""
        return comparable(map(from_item, self.items(self.records_table)), self.kind)

    def entries(self) -> dict[str, LedgerEntry]:
        """The ledger by event."""
        entries = map(entry_from_item, self.items(self.ledger_table))
        return {entry.event_uid: entry for entry in entries}

    def records(self) -> dict[str, Any]:
        """The records by key."""
        items = self.items(self.records_table)
        return {r.key: r for r in (record_from_item(self.kind, item) for item in items)}

    def quarantined(self) -> list[dict[str, Any]]:
        """The quarantine's items, each with its whole body."""
        return [self._whole(from_item(item)) for item in self.items(self.quarantine_table)]

    def bodies(self) -> set[str]:
        """What the quarantine keeps, whole."""
        return {entry["body"] for entry in self.quarantined()}

    def _whole(self, entry: dict[str, Any]) -> dict[str, Any]:
        if "body" in entry:
            return entry
        stored = self.aws.s3.get_object(Bucket=BUCKET, Key=entry["body_object"])
        return {**entry, "body": stored["Body"].read().decode("utf-8", "surrogatepass")}


def chain_of(record_key: str, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """A record's entries in the order of their versions."""
    found = [entry for entry in entries if entry.record_key == record_key]
    return sorted(found, key=lambda entry: entry.version)


def agencies_over(aws: Aws, table: str, monotonic: Callable[[], float]) -> DynamoAgencies:
    """The registry's adapter."""
    return DynamoAgencies(aws.dynamodb, table, WAITING, monotonic)


def registry_world(aws: Aws) -> MotoWorld:
    """The registry's own tables."""
    return MotoWorld(aws, AGENCY)
