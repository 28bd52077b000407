"""The handlers of a load as Lambda calls them, composed from the environment alone."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import boto3
import pytest

from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.loads import load_from
from functions.shared.core.loads import LoadState, Tally
from functions.shared.runtime import composition
from tests.builders import body, event, lambda_context, registrations, sqs_event
from tests.integration.functions.stack import BUCKET, RECORDS, Aws, create_table
from tests.notices import notification

_numbers: Final = count(1)
INTAKE: Final = "intake-of-the-handlers"


@pytest.fixture(name="environment")
def _environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    sqs = boto3.client("sqs")
    tables = {
        name: create_table(aws.dynamodb, name)
        for name in (*RECORDS.values(), "LedgerTable", "QuarantineTable", "LoadsTable")
    }
    bucket = f"{INTAKE}-{next(_numbers)}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    settings = {
        "STAGE": "local",
        "LOG_HASH_KEY": "k" * 32,
        "LEDGER_TABLE": tables["LedgerTable"],
        "QUARANTINE_TABLE": tables["QuarantineTable"],
        "QUARANTINE_BUCKET": BUCKET,
        "INTAKE_BUCKET": bucket,
        "LOADS_TABLE": tables["LoadsTable"],
        "RANGES_QUEUE_URL": sqs.create_queue(QueueName=f"ranges-{bucket}")["QueueUrl"],
        "FILES_QUEUE_URL": sqs.create_queue(QueueName=f"files-{bucket}")["QueueUrl"],
        "LOAD_RANGE_BYTES": "1024",
        "PEOPLE_TABLE": tables["PeopleTable"],
        "INSURANCE_CARDS_TABLE": tables["InsuranceCardsTable"],
        "DOSSIERS_TABLE": tables["DossiersTable"],
        "AGENCIES_TABLE": tables["AgenciesTable"],
        "REGISTRY_SENDERS": "",
        "POWERTOOLS_SERVICE_NAME": f"loading-{bucket}",
        "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    services = (composition.file_split_service, composition.range_sync_service)
    for service in services:
        service.cache_clear()
    yield settings
    for service in services:
        service.cache_clear()


def call(function: str, told: str) -> dict[str, Any]:
    handler = importlib.import_module(f"functions.{function}.handler")
    answer: dict[str, Any] = handler.lambda_handler(sqs_event([told]), lambda_context())
    return answer


def test_a_dropped_file_is_in_the_tables_once_every_task_is_answered_for(
    aws: Aws, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    people = [
        body(event(key=f"0011900{n:05d}", id_=f"by-file-{n}", fields={"phone": "0912345678"}))
        for n in range(12)
    ]
    lines = [*map(body, registrations()), "nonsense by file"]
    queue, bucket = environment["RANGES_QUEUE_URL"], environment["INTAKE_BUCKET"]
    sqs = boto3.client("sqs")

    def load(name: str, content: bytes) -> None:
        key = f"incoming/{name}"
        stored = aws.s3.put_object(Bucket=bucket, Key=key, Body=content)
        told = notification(
            bucket, key, stored["VersionId"], stored["ETag"].strip('"'), len(content)
        )
        assert call("file_split", json.dumps(told)) == {"batchItemFailures": []}
        while messages := sqs.receive_message(QueueUrl=queue).get("Messages"):
            for message in messages:
                assert call("range_sync", message["Body"]) == {"batchItemFailures": []}
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    load("registry", "\n".join(lines).encode())
    load("people", "\n".join(people).encode())

    items: Any = aws.dynamodb.scan(TableName=environment["LOADS_TABLE"])["Items"]
    loads = [load_from(item) for item in items if item["item"]["S"] == "load"]
    assert {load.state for load in loads} == {LoadState.DONE}
    assert sorted((load.tally for load in loads if load.tally), key=lambda t: t.applied) == sorted(
        [Tally(applied=12), Tally(applied=len(registrations()), quarantined=1)],
        key=lambda t: t.applied,
    )
    stored = aws.dynamodb.scan(TableName=environment["PEOPLE_TABLE"])["Items"]
    assert len(stored) == 12
    spoken = capsys.readouterr().out
    for item in map(from_item, stored):
        assert item["personal_id"] not in spoken
        assert item["phone"] not in spoken
    assert "by-file" not in spoken


def test_a_warm_function_composes_once(environment: dict[str, str]) -> None:
    assert environment
    assert composition.file_split_service() is composition.file_split_service()
    assert composition.range_sync_service() is composition.range_sync_service()
    assert set(composition.range_sync_service().pipelines) == {
        "population",
        "insurance",
        "dossier",
        "registry",
    }
