"""The handlers as Lambda calls them, composed from the environment that the template gives."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from functions.shared import native
from functions.shared.adapters.attributes import from_item
from functions.shared.runtime import composition
from tests.builders import lambda_context, registrations, sqs_event
from tests.integration.functions.stack import BUCKET, Aws, create_table, template

ROOT: Final = Path(__file__).parents[3]
QUEUES: Final = ("registry", "population", "insurance", "dossier")
TABLES: Final = (
    "PeopleTable",
    "InsuranceCardsTable",
    "DossiersTable",
    "AgenciesTable",
    "LedgerTable",
    "QuarantineTable",
)
Said = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class Deployed:
    """Tables by their resource, and how to call a function."""

    aws: Aws
    tables: dict[str, str]
    monkeypatch: pytest.MonkeyPatch

    def call(self, function: str, event: dict[str, Any], **environment: str) -> dict[str, Any]:
        """Calls a function in a process that knows nothing but its environment."""
        settings = {
            "STAGE": "local",
            "LOG_HASH_KEY": "k" * 32,
            "LEDGER_TABLE": self.tables["LedgerTable"],
            "QUARANTINE_TABLE": self.tables["QuarantineTable"],
            "QUARANTINE_BUCKET": BUCKET,
            "POWERTOOLS_SERVICE_NAME": f"{function}-{id(self)}",
            "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
            **environment,
        }
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)
        composition.sync_service.cache_clear()
        composition.dead_letter_service.cache_clear()
        handler = importlib.import_module(f"functions.{function}.handler")
        answer: dict[str, Any] = handler.lambda_handler(event, lambda_context())
        return answer

    def sync(self, queue: str, event: dict[str, Any]) -> dict[str, Any]:
        """Calls the sync function of a queue with the variables its resource has."""
        resource = template()[f"{queue.capitalize()}SyncFunction"]["Properties"]
        given = resource["Environment"]["Variables"]
        environment = {
            name: self.tables.get(value["Ref"], "") if isinstance(value, dict) else value
            for name, value in given.items()
            if name in ("QUEUE", "RECORDS_TABLE", "AGENCIES_TABLE")
        }
        return self.call(f"{queue}_sync", event, **environment)

    def items(self, resource: str) -> list[dict[str, Any]]:
        scanned = self.aws.dynamodb.scan(TableName=self.tables[resource])["Items"]
        return [from_item(item) for item in scanned]


@pytest.fixture
def deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    tables = {resource: create_table(aws.dynamodb, resource) for resource in TABLES}
    yield Deployed(aws, tables, monkeypatch)
    native.use(compiled=True)
    composition.sync_service.cache_clear()
    composition.dead_letter_service.cache_clear()


def sample(queue: str) -> dict[str, Any]:
    path = ROOT / "events" / f"{queue}_sync" / "sqs.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("queue", QUEUES)
def test_a_sample_invocation_ends_in_the_tables(
    queue: str, deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    records = ROOT / "infra" / "reference" / "registry.ndjson"
    seeds = records.read_text(encoding="utf-8").splitlines()
    assert deployed.sync("registry", sqs_event(seeds)) == {"batchItemFailures": []}
    assert len(deployed.items("LedgerTable")) == len(seeds)
    event = sample(queue)
    assert deployed.sync(queue, event) == {"batchItemFailures": []}
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    expected = {f"{e['source']}#{e['id']}" for e in [*bodies, *map(json.loads, seeds)]}
    refused = {item.get("event_id") for item in deployed.items("QuarantineTable")}
    assert {item["event_uid"] for item in deployed.items("LedgerTable")} == {
        uid for uid in expected if uid.partition("#")[2] not in refused
    }
    spoken = capsys.readouterr().out
    for document in bodies:
        assert document["subject"] not in spoken
        assert document["id"] not in spoken


def test_messages_beside_bad_ones_are_unharmed(deployed: Deployed) -> None:
    deployed.sync("registry", sqs_event([*registrations(), "nonsense", "x" * 300_000]))
    assert len(deployed.items("AgenciesTable")) == len(registrations())
    assert len(deployed.items("QuarantineTable")) == 2


def test_dead_letters_are_kept_and_closed(deployed: Deployed) -> None:
    arn = "arn:aws:sqs:ap-southeast-1:123456789012:lienthong-registry-dead-letter"
    written, unwritten = registrations()[:2]
    deployed.sync("registry", sqs_event([written]))
    sources = json.dumps({arn: "registry"})
    batch = sqs_event([written, unwritten, "x" * 9000], arn=arn)
    answer = deployed.call("dead_letter", batch, DEAD_LETTER_SOURCES=sources)
    assert answer == {"batchItemFailures": []}
    statuses = {item.get("event_id"): item["status"] for item in deployed.items("QuarantineTable")}
    assert statuses == {written["id"]: "resolved", unwritten["id"]: "open", None: "open"}


def test_a_warm_function_composes_once(deployed: Deployed) -> None:
    deployed.sync("registry", sqs_event(registrations()[:1]))
    assert composition.sync_service() is composition.sync_service()
    assert composition.sync_service().pipeline.kind.name == "agency"


def test_the_loops_are_those_that_the_environment_names(deployed: Deployed) -> None:
    assert native.COMPILED is not None, "Run `make setup`: it compiles the loops."
    for word, loops in (("plain", None), ("compiled", native.COMPILED)):
        deployed.monkeypatch.setenv("LOOPS", word)
        deployed.sync("registry", sqs_event(registrations()))
        assert native.loops is loops
    assert len(deployed.items("AgenciesTable")) == len(registrations())
