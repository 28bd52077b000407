"""Files dropped into the intake bucket of a deployed stack, IAM enforced: through S3's own
notification, both queues and both functions, to tables and report."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.keys import incoming_object, manifest_object
from functions.shared.adapters.loads import DynamoLoads
from functions.shared.core.loads import Load, LoadState, Tally, load_id
from tests.e2e.delivery import (
    PATIENCE,
    Sent,
    by_deadline,
    contents,
    denied,
    known,
    settle,
    taken,
    unconserved,
    workers,
)
from tests.e2e.poison import stating

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

NUMBERS: Final = count(800_000)


def loads_of(stack: Deployed) -> DynamoLoads:
    waiting = Waiting(time.sleep, lambda: 1.0)
    return DynamoLoads(stack.client("dynamodb"), stack.outputs["LoadsTable"], waiting)


def drop(stack: Deployed, name: str, content: bytes) -> str:
    """Drops a file; gives the id of its load."""
    bucket, key = stack.outputs["IntakeBucket"], incoming_object(name)
    stored = stack.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return load_id(bucket, key, stored["VersionId"])


def drop_manifest(stack: Deployed, name: str, manifest: Any) -> None:
    stack.client("s3").put_object(
        Bucket=stack.outputs["IntakeBucket"],
        Key=manifest_object(incoming_object(name)),
        Body=json.dumps(manifest).encode(),
    )


def found(stack: Deployed, id_: str, when: Callable[[Load], bool]) -> Load:
    """The load, once it is as it should be."""
    loads = loads_of(stack)
    seen: list[Load] = []

    def has_come() -> bool:
        load = loads.found(id_)
        seen[:] = [load] if load is not None else []
        return load is not None and when(load)

    try:
        by_deadline(has_come, "the load is not there yet")
    except AssertionError as late:
        raise AssertionError(f"{late} {seen}") from None
    return seen[0]


def ended(stack: Deployed, id_: str) -> Load:
    return found(stack, id_, lambda load: load.finished_at is not None)


def report(stack: Deployed, load: Load) -> list[dict[str, Any]]:
    stored = stack.client("s3").get_object(
        Bucket=stack.outputs["IntakeBucket"], Key=str(load.report)
    )
    return [json.loads(line) for line in stored["Body"].read().splitlines()]


def messages(name: str, number: int) -> list[Sent]:
    """Events of two kinds, and two messages that are none."""
    good = [
        taken(stating(("person", "insurance-card")[n % 2], next(NUMBERS), f"{name}-{n}"))
        for n in range(number)
    ]
    bad = [
        Sent("population", f"{name}: nonsense", (("not-json", ""),)),
        Sent("population", f'["{name}"]', (("not-cloudevent", ""),)),
    ]
    return [*good[:3], bad[0], *good[3:], bad[1]]


def file_of(sent: Iterable[Sent]) -> bytes:
    return "\n".join(message.body for message in sent).encode()


def test_a_file_ends_as_its_lines_would_have_by_the_queues(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    sent = messages("plain", 60)

    load = ended(stack, drop(stack, "H26.12/a file.ndjson", file_of(sent)))

    assert (load.state, load.lines) == (LoadState.DONE, len(sent))
    assert load.tally == Tally(applied=60, quarantined=2)
    assert [line["line"] for line in report(stack, load)] == [4, len(sent)]
    assert unconserved(sent, contents(stack, before)) == []
    assert load.load_id in {seen.load_id for seen in loads_of(stack).recent()}
    logs = stack.logs()
    assert load.load_id in logs
    said = {value for m in sent if not m.reasons for value in (m.event["id"], m.event["subject"])}
    assert [value for value in said if value in logs] == []
    assert "a file.ndjson" not in logs


def test_a_packed_file_in_ranges_dropped_twice_changes_nothing_the_second_time(
    stack: Deployed,
) -> None:
    settle(stack)
    before = known(stack)
    sent = messages("packed", 60)
    content = file_of(sent)
    half = len(content) // 2
    packed = gzip.compress(content[:half]) + gzip.compress(content[half:])

    with stack.environment("FileSplitFunction", LOAD_RANGE_BYTES="5000"):
        first = ended(stack, drop(stack, "packed.gz", packed))
        second = ended(stack, drop(stack, "packed.gz", packed))

    assert first.ranges is not None
    assert first.ranges > 2
    assert (first.tally, second.tally) == (
        Tally(applied=60, quarantined=2),
        Tally(duplicate=60, quarantined=2),
    )
    assert [line["line"] for line in report(stack, second)] == [4, len(sent)]
    assert unconserved(sent, contents(stack, before)) == []


def test_rows_wait_for_their_manifest_and_its_correction(stack: Deployed) -> None:
    manifest = {
        "format": "csv",
        "source": "/agencies/G24",
        "type": "vn.lienthong.insurance-card.updated.v1",
        "id": "e2e-row-{so}",
        "time": {"value": "2026-01-05T09:31:00+07:00"},
        "columns": {"so": {"field": "insurance_number"}, "dt": {"field": "phone"}},
    }
    id_ = drop(stack, "rows.csv", b"so,dt\r\n0700000001,0912345678\r\n0700000002,not a number\r\n")
    waiting = found(stack, id_, lambda load: load.problems != ())
    assert waiting.state is LoadState.WAITING

    drop_manifest(stack, "rows.csv", {**manifest, "columns": {}})
    failed = found(stack, id_, lambda load: load.state is LoadState.FAILED)
    assert failed.problems

    drop_manifest(stack, "rows.csv", manifest)
    load = ended(stack, id_)
    assert (load.state, load.tally) == (LoadState.DONE, Tally(applied=1, quarantined=1))
    (refused,) = report(stack, load)
    assert (refused["line"], refused["reasons"][0]["path"]) == (3, "/data/phone")


def test_a_killed_worker_goes_on_where_it_was(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    stack.set_visibility("RangesQueueUrl", 6)
    function = stack.function_names["RangeSyncFunction"]
    loads = loads_of(stack)
    reached = 0
    sent: list[Sent] = []
    for attempt in range(5):
        batch = messages(f"killed-{attempt}", 5_000)
        sent += batch
        id_ = drop(stack, f"killed-{attempt}", file_of(batch))
        by_deadline(partial(_is_under_way, loads, id_), "no checkpoint came")
        for worker in workers(stack, function):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        reached = sum(part.lines for part in loads.ranges(id_))
        load = ended(stack, id_)
        assert (load.state, load.lines) == (LoadState.DONE, len(batch))
        assert load.tally is not None
        assert load.tally.total == len(batch)
        assert load.tally.duplicate <= 1_000
        if reached < len(batch):
            break
    else:
        raise AssertionError("No worker was at work when it was killed.")
    stack.set_visibility("RangesQueueUrl", 780)

    assert reached > 0
    assert unconserved(sent, contents(stack, before)) == []


def _is_under_way(loads: DynamoLoads, id_: str) -> bool:
    return any(part.lines for part in loads.ranges(id_))


def test_a_stuck_load_ends_once_its_task_is_redriven(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    sqs = stack.client("sqs")
    queue, dead = (stack.outputs[f"Ranges{kind}Url"] for kind in ("Queue", "DeadLetterQueue"))
    sent = messages("stuck", 10)

    with denied(stack, "RangeSyncFunction", "dynamodb:BatchGetItem"):
        stack.set_visibility("RangesQueueUrl", 1)
        id_ = drop(stack, "stuck", file_of(sent))
        found(stack, id_, lambda load: load.state is LoadState.STUCK)
        letters: list[Any] = []

        def has_come() -> bool:
            answer = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1)
            letters.extend(answer.get("Messages", []))
            return bool(letters)

        by_deadline(has_come, "no dead letter came", PATIENCE)
    stack.set_visibility("RangesQueueUrl", 780)
    # As SQS's own redrive does: the letter is sent to its queue again and leaves the other.
    sqs.send_message(QueueUrl=queue, MessageBody=letters[0]["Body"])
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=letters[0]["ReceiptHandle"])

    load = ended(stack, id_)
    assert (load.state, load.stuck) == (LoadState.DONE, frozenset())
    assert load.tally == Tally(applied=10, quarantined=2)
    assert unconserved(sent, contents(stack, before)) == []


def test_a_dead_notification_is_worked_once_its_event_source_is_switched_on(
    stack: Deployed,
) -> None:
    settle(stack)
    before = known(stack)
    sqs, functions = stack.client("sqs"), stack.client("lambda")
    files, dead = (stack.outputs[f"Files{kind}Url"] for kind in ("Queue", "DeadLetterQueue"))
    mappings = {
        mapping["EventSourceArn"].rpartition(":")[2]: mapping
        for mapping in functions.list_event_source_mappings(
            FunctionName=stack.function_names["FileSplitFunction"]
        )["EventSourceMappings"]
    }
    usual, of_the_dead = (mappings[url.rpartition("/")[2]] for url in (files, dead))

    def switch(mapping: Any, *, on: bool) -> None:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    sent = messages("dead", 5)
    switch(usual, on=False)
    try:
        id_ = drop(stack, "dead", file_of(sent))
        (letter,) = sqs.receive_message(QueueUrl=files, WaitTimeSeconds=5)["Messages"]
        sqs.send_message(QueueUrl=dead, MessageBody=letter["Body"])
        sqs.delete_message(QueueUrl=files, ReceiptHandle=letter["ReceiptHandle"])
    finally:
        switch(usual, on=True)
    assert loads_of(stack).found(id_) is None

    switch(of_the_dead, on=True)
    try:
        load = ended(stack, id_)
    finally:
        switch(of_the_dead, on=False)

    assert load.tally == Tally(applied=5, quarantined=2)
    assert unconserved(sent, contents(stack, before)) == []
