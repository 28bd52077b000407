"""What a queue hands a function, in the form in which Lambda does."""

from __future__ import annotations

from typing import Any

import pytest

from functions.shared.core.planning import Message
from functions.shared.core.registry import Senders
from functions.shared.runtime.sqs import TimeLeft, answer, messages_of
from tests.builders import lambda_context, sqs_event, sqs_record


def message_of(record: dict[str, Any], senders: Senders = Senders()) -> Message:  # noqa: B008 - frozen
    (message,) = messages_of({"Records": [record]}, senders)
    return message


def test_a_record_is_a_message() -> None:
    """The record of the documentation of Lambda's SQS events."""
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": "Test message.",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAEXAMPLEEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {
            "testAttr": {"stringValue": "100", "binaryValue": "base64Str", "dataType": "Number"}
        },
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2",
    }
    assert message_of(record) == Message(
        id="059f36b4-87a3-44ab-83d2-661975830a7d",
        body="Test message.",
        sent_at="2018-12-17T21:37:29.183000Z",
        sender="AIDAEXAMPLEEXAMPLE",
    )


def test_messages_keep_their_order() -> None:
    event = sqs_event(["a", "b", "c"])
    assert [message.body for message in messages_of(event, Senders())] == ["a", "b", "c"]


def test_a_role_is_told_from_its_session() -> None:
    assert message_of(sqs_record("x", sender_id="AROAEXAMPLE:session")).sender == "AROAEXAMPLE"


def test_without_a_sender_nobody_spoke() -> None:
    record = sqs_record("x")
    del record["attributes"]["SenderId"]
    assert message_of(record).sender is None


class TestRelays:
    RELAYS = Senders(relays=frozenset({"AROARELAY"}))

    def passed_on(self, name: str, value: Any, sender: str = "AROARELAY:s") -> Message:
        attributes = {name: {"stringValue": value, "dataType": "String"}}
        return message_of(sqs_record("x", sender_id=sender, attributes=attributes), self.RELAYS)

    def test_a_relay_passes_the_principal_on(self) -> None:
        assert self.passed_on("sender", "AROAAGENCY").sender == "AROAAGENCY"

    def test_anyone_else_does_not(self) -> None:
        assert self.passed_on("sender", "AROAAGENCY", "AROAOTHER:s").sender == "AROAOTHER"

    def test_a_relay_says_what_it_replays(self) -> None:
        assert self.passed_on("replays", "a" * 64).replays == "a" * 64

    def test_anyone_else_replays_nothing(self) -> None:
        assert self.passed_on("replays", "a" * 64, "AROAOTHER:s").replays is None

    @pytest.mark.parametrize("value", ["", "a" * 63, "A" * 64, "a" * 65, "../x", None, 5])
    def test_what_is_no_entry_is_not_replayed(self, value: Any) -> None:
        assert self.passed_on("replays", value).replays is None

    @pytest.mark.parametrize("value", [None, "", 5])
    def test_what_is_no_text_is_passed_on_by_nobody(self, value: Any) -> None:
        assert self.passed_on("sender", value).sender == "AROARELAY"


def test_an_answer_names_what_has_to_come_back() -> None:
    left = [Message("1", "", ""), Message("2", "", "")]
    assert answer(left) == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert answer([]) == {"batchItemFailures": []}


def test_some_time_is_kept_back_to_answer_in() -> None:
    assert TimeLeft(lambda_context(30_000), 5).remaining() == 25
    assert TimeLeft(lambda_context(4_000), 5).remaining() == -1
