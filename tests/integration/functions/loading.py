"""A world to load files in: the table of loads and the intake bucket on moto, both functions.

The queues are lists. A delivery calls a function as Lambda does; what it does not answer for, or
dies of, is delivered again, at most as often as the queue would.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import orjson

from functions.shared.adapters.keys import manifest_object
from functions.shared.adapters.loads import DynamoLoads
from functions.shared.adapters.objects import S3Objects
from functions.shared.adapters.outbox import SqsInbox, SqsOutbox
from functions.shared.core.kinds import KINDS
from functions.shared.core.loads import Load
from functions.shared.core.registry import Senders
from functions.shared.runtime.file_split import FileSplitService
from functions.shared.runtime.loading import FILE_TRIES, RANGE_TRIES
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Pipeline
from functions.shared.runtime.range_sync import RangeSyncService
from functions.shared.runtime.sqs import LambdaContext
from tests.builders import ANYONE, lambda_context, sqs_record, ticking
from tests.fakes import (
    FakeLedger,
    FakeLoads,
    FakeObjects,
    FakeOutbox,
    FakeQuarantine,
    FakeWorld,
)
from tests.faults import Call, Died, Faults, Faulty
from tests.integration.functions.stack import WAITING, Aws, create_table
from tests.notices import load_of, notification

_numbers: Final = count(1)


class Tasks:
    """An SQS client over one queue: what was sent, oldest first."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.asked_for: list[int] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:
        del QueueUrl
        self.sent.append(MessageBody)
        return {}

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> None:
        del QueueUrl, ReceiptHandle
        self.asked_for.append(VisibilityTimeout)


@dataclass
class LoadWorld:
    """Everything a load touches. `faults` stand in the way of every call of AWS."""

    aws: Aws
    range_bytes: int = 400
    senders: Senders = ANYONE
    faults: Faults = lambda _: None
    calls: list[Call] = field(default_factory=list)
    context: Callable[[], LambdaContext] = lambda_context

    def __post_init__(self) -> None:
        self.bucket = f"intake-{next(_numbers)}"
        self.make()
        self.tasks = Tasks()
        self.dead: list[str] = []
        self.ledger, self.quarantine = FakeLedger(), FakeQuarantine()
        self.worlds = {
            kind.queue: FakeWorld(
                kind, senders=self.senders, ledger=self.ledger, quarantine=self.quarantine
            )
            for kind in KINDS.values()
        }
        self.pipelines: dict[str, Pipeline] = {
            queue: world.pipeline for queue, world in self.worlds.items()
        }
        self._tokens = count(1)
        self._now = ticking()
        self.paused: list[float] = []
        self.narrator = Narrator("k" * 32)

    def make(self) -> None:
        """The table and the bucket."""
        self.table = create_table(self.aws.dynamodb, "LoadsTable")
        self.aws.s3.create_bucket(Bucket=self.bucket)
        self.aws.s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
        )

    # The functions --------------------------------------------------------------------------

    def ports(self) -> tuple[Any, Any, Any]:
        """The table, the bucket and the queue, over clients that the faults stand before."""
        return (
            self.loads(self._faulty(self.aws.dynamodb)),
            self.objects(self._faulty(self.aws.s3)),
            SqsOutbox(self._faulty(self.tasks), "ranges", WAITING),
        )

    def _faulty(self, client: Any) -> Any:
        return Faulty(client, lambda call: self.faults(call), calls=self.calls)

    def loads(self, client: Any = None) -> Any:
        return DynamoLoads(client or self.aws.dynamodb, self.table, WAITING)

    def objects(self, client: Any = None) -> S3Objects:
        return S3Objects(client or self.aws.s3, self.bucket, WAITING)

    def splitter(self) -> FileSplitService:
        loads, objects, ranges = self.ports()
        return FileSplitService(
            bucket=self.bucket,
            range_bytes=self.range_bytes,
            loads=loads,
            objects=objects,
            ranges=ranges,
            files=SqsInbox(self._faulty(self.tasks), "files"),
            narrator=self.narrator,
            now=self._now,
        )

    def worker(self) -> RangeSyncService:
        loads, objects, ranges = self.ports()
        return RangeSyncService(
            loads=loads,
            objects=objects,
            ranges=ranges,
            pipelines=self.pipelines,
            narrator=self.narrator,
            now=self._now,
            token=lambda: f"{next(self._tokens):04d}",
            pause=self.paused.append,
            jitter=lambda: 0.0,
        )

    # What happens ---------------------------------------------------------------------------

    def put(self, name: str, content: bytes) -> dict[str, Any]:
        """Drops a file; gives S3's notification of it, which nobody has heard yet."""
        key = f"incoming/{name}"
        stored = self.aws.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return notification(
            self.bucket, key, stored["VersionId"], stored["ETag"].strip('"'), len(content)
        )

    def put_manifest(self, name: str, manifest: object) -> dict[str, Any]:
        """Drops a file's manifest; gives S3's notification of it."""
        content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        return self.put(manifest_object(f"incoming/{name}").removeprefix("incoming/"), content)

    def notify(self, told: Mapping[str, Any]) -> None:
        """Delivers a notification until it is answered for."""
        for tries in range(1, FILE_TRIES + 1):
            if self.delivered(self.splitter, json.dumps(told), tries):
                return
        self.dead.append(json.dumps(told))

    def work(self) -> None:
        """Delivers tasks, the oldest first, until none is left."""
        while self.tasks.sent:
            self.deliver(self.tasks.sent.pop(0))

    def deliver(self, task: str) -> None:
        """Delivers one task until it is answered for, or is a dead letter."""
        for tries in range(1, RANGE_TRIES + 1):
            if self.delivered(self.worker, task, tries):
                return
        self.dead.append(task)

    def delivered(self, service: Callable[[], Any], body: str, tries: int) -> bool:
        """Whether one delivery was answered for. A process that died is another one next time."""
        record = sqs_record(body)
        record["attributes"]["ApproximateReceiveCount"] = str(tries)
        try:
            answer = service().handle({"Records": [record]}, self.context())
        except Died:
            return False
        return bool(answer == {"batchItemFailures": []})

    def load(self, name: str, content: bytes, manifest: object = None) -> Load:
        """Drops a file, with its manifest before it, works all of it, and gives the load."""
        if manifest is not None:
            self.notify(self.put_manifest(name, manifest))
        told = self.put(name, content)
        self.notify(told)
        self.work()
        return self.found(told)

    # What is there --------------------------------------------------------------------------

    def found(self, told: Mapping[str, Any]) -> Load:
        """The load of a notification."""
        load: Load | None = self.loads().found(load_of(told))
        assert load is not None
        return load

    def report(self, load: Load) -> list[dict[str, Any]]:
        """The refused lines of a load's report."""
        assert load.report is not None
        return [orjson.loads(line) for line in self.stored(load.report).splitlines()]

    def stored(self, key: str) -> bytes:
        """An object of the intake bucket."""
        stored: bytes = self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return stored

    def outcomes(self) -> Counter[str]:
        """What the ledger and the quarantine hold, by outcome."""
        counts = Counter(entry.outcome.value for entry in self.ledger.entries.values())
        counts["quarantined"] = len(self.quarantine.kept)
        return counts


class QuickWorld(LoadWorld):
    """The same over fakes, where a process may stop before or after any call of a port."""

    def __init__(self, range_bytes: int, stop_at: int = 0, *, after: bool = False) -> None:
        self._stop_at, self._after = stop_at, after
        self.called = 0
        super().__init__(Aws(None, None), range_bytes)  # type: ignore[arg-type]

    def make(self) -> None:
        self._loads, self._objects = FakeLoads(), FakeObjects()

    def ports(self) -> tuple[Any, Any, Any]:
        outbox = FakeOutbox()
        outbox.sent = self.tasks.sent
        return self._stopping(self._loads), self._stopping(self._objects), self._stopping(outbox)

    def _stopping(self, port: Any) -> Any:
        world = self

        class Stopping:
            def __getattr__(self, name: str) -> Any:
                real = getattr(port, name)

                def call(*arguments: Any) -> Any:
                    world.called += 1
                    stops = world.called == world._stop_at
                    if stops and not world._after:
                        raise Died(name)
                    answer = real(*arguments)
                    if stops:
                        raise Died(name)
                    return answer

                return call

        return Stopping()

    def loads(self, client: Any = None) -> FakeLoads:
        del client
        return self._loads

    def put(self, name: str, content: bytes) -> dict[str, Any]:
        key = f"incoming/{name}"
        pinned = self._objects.drop(key, content)
        return notification(self.bucket, key, pinned.version, pinned.etag, len(content))

    def stored(self, key: str) -> bytes:
        return self._objects.versions[key][-1]
