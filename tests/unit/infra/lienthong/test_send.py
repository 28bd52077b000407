"""Messages reach the queue of their kind, or are named."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.lienthong.__main__ import main
from infra.lienthong.messages import Message
from infra.lienthong.problems import Unreachable
from infra.lienthong.send import MOST_BYTES, Report, send

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

URLS = {queue: queue for queue in ("population", "insurance", "dossier", "registry")}


class Queues:
    """Keeps what is sent; answers of single entries or of whole calls may be scripted."""

    def __init__(self, failing: Iterable[dict[str, Any]] = (), error: Exception | None = None):
        self.bodies: dict[str, list[str]] = {queue: [] for queue in URLS}
        self.calls: list[Counter[str]] = []
        self._failing = list(failing)
        self._error = error
        self._lock = threading.Lock()

    def send_message_batch(
        self, *, QueueUrl: str, Entries: Sequence[dict[str, str]]
    ) -> Any:  # boto3's names
        with self._lock:
            if self._error is not None:
                raise self._error
            assert 1 <= len(Entries) <= 10
            assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= MOST_BYTES
            self.calls.append(Counter({QueueUrl: len(Entries)}))
            failed = []
            for entry in Entries:
                if self._failing:
                    failed.append({"Id": entry["Id"], **self._failing.pop(0)})
                else:
                    self.bodies[QueueUrl].append(entry["MessageBody"])
            return {"Failed": failed} if failed else {}


def lines(*bodies: str | bytes) -> list[Message]:
    return [
        Message(number, body if isinstance(body, bytes) else body.encode())
        for number, body in enumerate(bodies, 1)
    ]


def event(kind: str, number: int = 0) -> str:
    return json.dumps({"type": f"vn.lienthong.{kind}.updated.v1", "n": number})


def sent(found: list[Message], queues: Queues, **options: Any) -> Report:
    return send(found, cast("SQSClient", queues), URLS, pause=lambda _: None, **options)


def test_each_kind_goes_to_its_queue() -> None:
    queues = Queues()
    kinds = ["person", "insurance-card", "dossier", "agency"]
    report = sent(lines(*(event(kind) for kind in kinds)), queues)
    assert [len(queues.bodies[queue]) for queue in URLS] == [1, 1, 1, 1]
    assert report.sent.total() == 4


def test_bytes_are_not_changed() -> None:
    queues = Queues()
    body = '  {"type":"vn.lienthong.person.updated.v1", "x": 1.50, "x": "Đặng"}\t'
    sent(lines(body), queues)
    assert queues.bodies["population"] == [body]


@pytest.mark.parametrize("threads", [1, 7])
def test_batches_have_at_most_ten_messages(threads: int) -> None:
    queues = Queues()
    report = sent(lines(*(event("person", n) for n in range(101))), queues, threads=threads)
    assert len(queues.calls) == report.batches == 11
    assert len(set(queues.bodies["population"])) == 101


def test_batches_have_at_most_one_mebibyte() -> None:
    queues = Queues()
    big = [event("person", n).replace("}", " " * 400_000 + "}") for n in range(5)]
    assert sent(lines(*big), queues).sent.total() == 5
    assert len(queues.calls) == 3


def test_what_no_queue_would_take_is_named_and_the_rest_is_sent() -> None:
    queues = Queues()
    report = sent(
        lines(
            event("person"),
            event("person").replace("}", " " * MOST_BYTES + "}"),
            b'{"type": "vn.lienthong.person.updated.v1", "x": "\xff"}',
            '{"type": "vn.lienthong.person.updated.v1", "x": "\0"}',
            "not json",
            event("vehicle"),
            event("dossier"),
        ),
        queues,
    )
    assert [entry.message.line for entry in report.unsent] == [2, 3, 4, 5, 6]
    assert report.sent.total() == 2


def test_a_named_queue_takes_messages_whose_type_cannot_be_read() -> None:
    queues = Queues()
    report = sent(lines("not json", event("dossier")), queues, queue="insurance")
    assert not report.unsent
    assert [len(queues.bodies[queue]) for queue in URLS] == [0, 1, 1, 0]


def test_every_line_may_be_sent_to_one_queue() -> None:
    queues = Queues()
    sent(lines(event("dossier"), event("person")), queues, queue="population", every_line=True)
    assert len(queues.bodies["population"]) == 2


def test_entries_that_a_queue_could_not_take_are_sent_again() -> None:
    queues = Queues(failing=[{"Code": "ThrottlingException", "SenderFault": False}] * 13)
    report = sent(lines(*(event("person", n) for n in range(10))), queues)
    assert report.sent.total() == 10
    assert len(set(queues.bodies["population"])) == 10
    assert not report.unsent


def test_entries_that_stay_refused_are_named_with_their_lines() -> None:
    queues = Queues(
        failing=[
            {"Code": "InvalidMessageContents", "SenderFault": True},
            *[{"Code": "InternalError", "SenderFault": False}] * 6,
        ]
    )
    report = sent(lines(event("person", 1), event("person", 2)), queues)
    assert [(entry.message.line, entry.reason.split("(")[1]) for entry in report.unsent] == [
        (1, "InvalidMessageContents)."),
        (2, "InternalError). Send it again later."),
    ]
    assert report.sent.total() == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "make up"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "x"}}, "SendMessageBatch"),
            "--profile",
        ),
        (
            ClientError(
                {"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "SendMessageBatch"
            ),
            "make up",
        ),
    ],
)
def test_a_stack_that_cannot_be_reached_says_what_to_do(error: Exception, says: str) -> None:
    with pytest.raises(Unreachable, match=says):
        sent(lines(event("person")), Queues(error=error))


def test_without_a_stack_the_command_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["send", "x.ndjson"]) == 3
    assert "make up" in capsys.readouterr().err


def test_every_line_without_a_queue_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "x.ndjson", "--every-line"]) == 2
    assert "--queue" in capsys.readouterr().err
