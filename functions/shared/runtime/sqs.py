"""What a queue hands a function, and what the function answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from functions.shared.core.instants import instant_of_milliseconds
from functions.shared.core.planning import Message
from functions.shared.core.registry import Senders

SqsEvent = Mapping[str, Any]
_QUARANTINE_ID: Final = re.compile("[0-9a-f]{64}")
Answer = dict[str, list[dict[str, str]]]


class LambdaContext(Protocol):
    """What a function uses of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int: ...


class TimeLeft:
    """`Deadline` over Lambda's context, keeping some time back to answer in."""

    def __init__(self, context: LambdaContext, keep: float) -> None:
        self._context = context
        self._keep = keep

    def remaining(self) -> float:
        return self._context.get_remaining_time_in_millis() / 1000 - self._keep


def messages_of(event: SqsEvent, senders: Senders) -> list[Message]:
    """The messages of an SQS event, with the principal that each may be attributed to."""
    return [_message(record, senders) for record in event["Records"]]


def _message(record: Mapping[str, Any], senders: Senders) -> Message:
    attributes = record["attributes"]
    sender_id = attributes.get("SenderId")
    sender = replays = None
    if told := record.get("messageAttributes"):
        sender = _text(told, "sender")
        replays = _text(told, "replays")
        if replays is not None and not (
            _QUARANTINE_ID.fullmatch(replays) and senders.relayed(sender_id)
        ):
            replays = None
    return Message(
        record["messageId"],
        record["body"],
        instant_of_milliseconds(int(attributes["SentTimestamp"])),
        senders.principal(sender_id, sender),
        replays,
    )


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    text = attributes.get(name, {}).get("stringValue")
    return text if isinstance(text, str) else None


def answer(unfinished: Iterable[Message]) -> Answer:
    """A partial batch response: these messages come back, the others are done with."""
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in unfinished]}
