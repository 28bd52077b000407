"""The idiomatic handler: what a good engineer writes from the Powertools documentation.

A batch processor answers per message, pydantic parses the event, the idempotency utility
with its DynamoDB store skips what was taken before, one `put_item` keeps the record and one
the audit entry. Clients are made once; the identity of an event is its source and id, passed
on as one short text, which is the cheapest key to hash.

It promises less than this service: record and audit are two writes that a crash can part, an
event is known for an hour, the last to arrive wins whatever it says, and no field can tell
who stated it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.config import Config
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.person import PersonData

Handler = Callable[[Any, Any], Any]


class PersonEvent(BaseModel):
    """A CloudEvent about a person; the data is checked by the published contract."""

    model_config = ConfigDict(frozen=True)

    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=128)
    source: str = Field(pattern="^/agencies/[A-Z0-9.]{1,35}$")
    type: str = Field(pattern=r"^vn\.lienthong\.person\.[a-z-]+\.v1$")
    subject: str = Field(pattern="^[0-9]{12}$")
    time: AwareDatetime
    sequence: str | None = Field(default=None, pattern="^[0-9]{1,18}$")
    data: PersonData

    @property
    def uid(self) -> str:
        return f"{self.source}#{self.id}"


def build(people: str, audit: str, idempotency: str) -> Handler:
    """The handler over three tables, with everything that lives as long as the function."""
    config = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard"}, tcp_keepalive=True
    )
    dynamodb = boto3.resource("dynamodb", config=config)
    people_table, audit_table = dynamodb.Table(people), dynamodb.Table(audit)
    logger = Logger()
    metrics = Metrics()
    processor = BatchProcessor(event_type=EventType.SQS)
    idempotency_config = IdempotencyConfig()
    store = DynamoDBPersistenceLayer(table_name=idempotency, boto3_client=dynamodb.meta.client)

    @idempotent_function(  # type: ignore[untyped-decorator]  # the library's own
        data_keyword_argument="event_uid", config=idempotency_config, persistence_store=store
    )
    def take(event_uid: str, event: PersonEvent) -> str:
        now = datetime.now(UTC).isoformat()
        stated: dict[str, Any] = {**event.data}
        people_table.put_item(
            Item={
                **{name: value for name, value in stated.items() if value is not None},
                "source": event.source,
                "stated_at": event.time.isoformat(),
                "updated_at": now,
            }
        )
        audit_table.put_item(
            Item={
                "event_uid": event_uid,
                "personal_id": event.subject,
                "type": event.type,
                "recorded_at": now,
                "data": stated,
            }
        )
        return event_uid

    def take_record(record: SQSRecord) -> None:
        event = PersonEvent.model_validate_json(record.body)
        take(event_uid=event.uid, event=event)
        logger.info("An event was taken.", extra={"message_id": record.message_id})

    @logger.inject_lambda_context
    @metrics.log_metrics
    def lambda_handler(event: Any, context: Any) -> Any:
        idempotency_config.register_lambda_context(context)
        answer = process_partial_response(
            event=event, record_handler=take_record, processor=processor, context=context
        )
        taken = len(event["Records"]) - len(answer["batchItemFailures"])
        metrics.add_metric(name="Taken", unit=MetricUnit.Count, value=taken)
        return answer

    return lambda_handler
