"""A town with an intake bucket: files are dropped by commands, and loaded when the test says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from itertools import count
from typing import Any, Final

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.loads import DynamoLoads
from functions.shared.adapters.objects import S3Objects
from functions.shared.core.kinds import KINDS
from functions.shared.ports import Deadline
from functions.shared.runtime.file_split import FileSplitService
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.range_sync import RangeSyncService
from tests.builders import SENDER, lambda_context, ticking
from tests.integration.functions.stack import create_table
from tests.integration.infra.lienthong.town import REGION, Town

BUCKET: Final = "intake"
RANGE_BYTES: Final = 400
_WAITING: Final = Waiting(lambda _: None, lambda: 0.0)


class _Tasks:
    """A queue of ranges that the test works off."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, bodies: Sequence[str], deadline: Deadline) -> None:
        del deadline
        self.bodies += bodies

    def show_again(self, receipt: str, seconds: int) -> None:
        raise AssertionError(f"A notification failed: {receipt}, again in {seconds} s.")


class Harbour:
    """The functions of a load over a town's tables and an intake bucket."""

    def __init__(self, town: Town, range_bytes: int = RANGE_BYTES) -> None:
        self.town = town
        town.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        town.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        table = create_table(town.dynamodb, "LoadsTable")
        town.outputs |= {"IntakeBucket": BUCKET, "LoadsTable": table}
        town.outputs_file.write_text(json.dumps(town.outputs), "utf-8")
        self.loads = DynamoLoads(town.dynamodb, table, _WAITING)
        objects, self.tasks, now = S3Objects(town.s3, BUCKET, _WAITING), _Tasks(), ticking()
        narrator, tokens = Narrator("k" * 32), count()
        self.splitting = FileSplitService(
            BUCKET, range_bytes, self.loads, objects, self.tasks, self.tasks, narrator, now
        )
        self.syncing = RangeSyncService(
            loads=self.loads,
            objects=objects,
            ranges=self.tasks,
            pipelines={kind.queue: town.pipeline(kind.name) for kind in KINDS.values()},
            narrator=narrator,
            now=now,
            token=lambda: f"{next(tokens):08x}",
            pause=lambda _: None,
            jitter=lambda: 0.0,
        )

    def notify(self, name: str) -> None:
        """Lets the splitting function see the newest object of that name."""
        key = f"incoming/{name}"
        head = self.town.s3.head_object(Bucket=BUCKET, Key=key)
        told = {
            "eventTime": "2026-11-22T03:00:00.000Z",
            "userIdentity": {"principalId": f"AWS:{SENDER}:session"},
            "s3": {
                "bucket": {"name": BUCKET},
                "object": {
                    "key": key,
                    "size": head["ContentLength"],
                    "versionId": head["VersionId"],
                    "eTag": head["ETag"].strip('"'),
                },
            },
        }
        self._handle(self.splitting, json.dumps({"Records": [told]}))

    def work(self, most: int = 1000) -> None:
        """Lets the workers take tasks, so many at most."""
        for _ in range(min(most, len(self.tasks.bodies))):
            self._handle(self.syncing, self.tasks.bodies.pop(0))

    def _handle(self, service: FileSplitService | RangeSyncService, body: str) -> None:
        record: Any = {
            "messageId": "1",
            "receiptHandle": "1",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        with redirect_stdout(StringIO()):  # metrics, which the command's own output is beside
            answer = service.handle({"Records": [record]}, lambda_context())
        assert answer == {"batchItemFailures": []}

    def load(self, name: str) -> None:
        """The newest object of that name, to its end."""
        self.notify(name)
        self.work()
