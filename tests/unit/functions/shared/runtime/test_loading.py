"""What the functions of a load are told, by S3 and by each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.errors import Defect
from functions.shared.runtime.file_split import Dropped, dropped_in
from functions.shared.runtime.loading import Delivery, Task, task_of
from tests.builders import sqs_record
from tests.notices import notification

NOTICE = notification("b", "incoming/thẻ +1%.csv", "v", "e", 7)


def test_a_notification_tells_what_was_dropped_by_whom_and_when() -> None:
    assert dropped_in(json.dumps(NOTICE)) == [
        Dropped(
            "b",
            "incoming/thẻ +1%.csv",
            "v",
            "e",
            7,
            "AROAEXAMPLEEXAMPLEG01",
            "2026-11-22T08:00:00.000000Z",
        )
    ]


@pytest.mark.parametrize(
    ("told", "sender"),
    [
        ("AWS:AROAEXAMPLE:session", "AROAEXAMPLE"),
        ("AWS:AIDAEXAMPLE", "AIDAEXAMPLE"),
        ("EXAMPLE", "EXAMPLE"),
        ("", None),
        (None, None),
    ],
)
def test_the_principal_is_known_as_a_queue_knows_it(told: str | None, sender: str | None) -> None:
    (record,) = NOTICE["Records"]
    notice = {"Records": [{**record, "userIdentity": {"principalId": told}}]}
    (dropped,) = dropped_in(json.dumps(notice))
    assert dropped.sender == sender


def test_the_test_message_of_s3_tells_of_nothing() -> None:
    assert dropped_in('{"Service": "Amazon S3", "Event": "s3:TestEvent"}') == []


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"Records": [{}]}', '"x"', "1"])
def test_what_is_no_notification_is_a_defect(text: str) -> None:
    with pytest.raises(Defect):
        dropped_in(text)


@given(st.text("0123456789abcdef", min_size=1), st.none() | st.integers(0, 10**8))
def test_a_task_is_read_as_it_was_sent(load_id: str, number: int | None) -> None:
    task = Task(load_id, number)
    assert task_of(task.body()) == task


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"load": "x", "range": "y"}', "1"])
def test_what_is_no_task_is_a_defect(text: str) -> None:
    with pytest.raises(Defect):
        task_of(text)


def test_a_delivery_says_how_often_it_came() -> None:
    record = sqs_record("x")
    record["attributes"]["ApproximateReceiveCount"] = "4"
    assert Delivery.of(record) == Delivery(record["messageId"], "AQEBexample", "x", 4)
