"""The quarantine: small items in the table, large bodies in the bucket."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.attributes import to_attribute
from functions.shared.adapters.bulk import Waiting, Wanted, read_items
from functions.shared.adapters.errors import AWS_ERRORS, code_of
from functions.shared.adapters.keys import (
    quarantine_object,
    queue_key,
    reason_key,
    shard_of,
)
from functions.shared.core.canonical import canonical
from functions.shared.core.events import Json, Reason
from functions.shared.ports import Deadline, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

LARGEST_INLINE: Final = 8 * 1024
"""Bytes of a body, or of the reasons, that the item itself holds."""
FIRST_REASONS: Final = 20
"""Reasons that the item shows when the whole list is in the bucket."""
_MOST_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class DynamoQuarantine:
    """`Quarantine` over a table and a bucket. `closer` names who closes entries."""

    client: DynamoDBClient
    s3: S3Client
    table: str
    bucket: str
    waiting: Waiting
    closer: str

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
        """Stores every refusal whole; what is large goes to the bucket first."""
        for refusal in refusals:
            self._keep(refusal.id, refusal, deadline)

    def _keep(self, entry: str, refusal: Refusal, deadline: Deadline) -> None:
        values = self._values(entry, refusal, deadline)
        names = {f"#{i}": name for i, name in enumerate(values)}
        sets = ",".join(f"#{i}=if_not_exists(#{i},:{i})" for i in range(len(values)))
        self._tried(
            "UpdateItem",
            deadline,
            lambda: self.client.update_item(
                TableName=self.table,
                Key={"quarantine_id": {"S": entry}},
                UpdateExpression=f"SET {sets} ADD #seen :one",
                ExpressionAttributeNames={**names, "#seen": "seen"},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    **{f":{i}": to_attribute(v) for i, v in enumerate(values.values())},
                },
            ),
        )

    def _values(self, entry: str, refusal: Refusal, deadline: Deadline) -> dict[str, Json]:
        shard = shard_of(entry)
        values: dict[str, Json] = {
            "queue": refusal.queue,
            "received_at": refusal.received_at,
            "status": "open",
            "queue_key": queue_key(refusal.queue, refusal.received_at, shard),
            "reason_key": reason_key(refusal.reasons[0].code, refusal.received_at, shard),
        }
        for name in ("source", "event_id", "sender", "event_uid", "replays"):
            if (value := getattr(refusal, name)) is not None:
                values[name] = value
        body = refusal.body.encode("utf-8", "surrogatepass")
        if len(body) <= LARGEST_INLINE and body.decode("utf-8", "replace") == refusal.body:
            values["body"] = refusal.body
        else:
            values["body_object"] = self._store(entry, refusal, "body", body, deadline)
            values["body_bytes"] = len(body)
        values.update(self._reasons(entry, refusal, deadline))
        return values

    def _reasons(self, entry: str, refusal: Refusal, deadline: Deadline) -> dict[str, Json]:
        listed: list[Json] = [dict(reason.as_json()) for reason in refusal.reasons]
        whole = canonical(listed)
        if len(whole) <= LARGEST_INLINE:
            return {"reasons": listed}
        first = [dict(_shortened(reason).as_json()) for reason in refusal.reasons[:FIRST_REASONS]]
        return {
            "reasons": list[Json](first),
            "reasons_count": len(listed),
            "reasons_object": self._store(entry, refusal, "reasons.json", whole, deadline),
        }

    def _store(
        self, entry: str, refusal: Refusal, part: str, content: bytes, deadline: Deadline
    ) -> str:
        key = quarantine_object(refusal.queue, entry, part)
        self._tried(
            "PutObject",
            deadline,
            lambda: self.s3.put_object(Bucket=self.bucket, Key=key, Body=content),
        )
        return key

    def resolve(
        self, ids: Collection[str], at: str, why: str, deadline: Deadline
    ) -> frozenset[str]:
        """Closes the entries among `ids` that exist and are not resolved yet."""
        wanted = {self.table: Wanted("quarantine_id", ids, ("quarantine_id", "status"))}
        items = read_items(self.client, wanted, deadline, self.waiting)[self.table]
        closing = [i["quarantine_id"]["S"] for i in items if i["status"]["S"] != "resolved"]
        for entry in closing:
            self._close(entry, at, why, deadline)
        return frozenset(closing)

    def _close(self, entry: str, at: str, why: str, deadline: Deadline) -> None:
        self._tried(
            "UpdateItem",
            deadline,
            lambda: self.client.update_item(
                TableName=self.table,
                Key={"quarantine_id": {"S": entry}},
                ConditionExpression="attribute_exists(quarantine_id)",
                UpdateExpression=(
                    "SET #status=:status,closed_at=:at,closed_by=:by,closed_because=:why"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":status": {"S": "resolved"},
                    ":at": {"S": at},
                    ":by": {"S": self.closer},
                    ":why": {"S": why},
                },
            ),
        )

    def _tried(self, operation: str, deadline: Deadline, call: Callable[[], Any]) -> None:
        """Calls until it works; raises Retry when time is up, Defect when it never will.

        Every call here may be repeated: at worst `seen` counts one too many.
        """

        def unless_gone() -> None:
            try:
                call()
            except AWS_ERRORS as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise  # otherwise the entry is gone; there is nothing to close

        self.waiting.tried(operation, deadline, unless_gone, most=_MOST_TRIES)


def _shortened(reason: Reason) -> Reason:
    return Reason(reason.code, reason.path[:256], reason.text[:512], reason.error)
