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
    messages = []
    for record in event["Records"]:
        attributes = record["attributes"]
        messages.append(
            Message(
                id=record["messageId"],
                body=record["body"],
                sent_at=instant_of_milliseconds(int(attributes["SentTimestamp"])),
                sender=senders.principal(attributes.get("SenderId"), _said(record, "sender")),
                replays=_replays(record, senders),
            )
        )
    return messages


def _said(record: Mapping[str, Any], name: str) -> str | None:
    text = record.get("messageAttributes", {}).get(name, {}).get("stringValue")
    return text if isinstance(text, str) else None


def _replays(record: Mapping[str, Any], senders: Senders) -> str | None:
    """The quarantine entry that a relay of the stack says it replays."""
    entry = _said(record, "replays")
    if entry is None or _QUARANTINE_ID.fullmatch(entry) is None:
        return None
    return entry if senders.relayed(record["attributes"].get("SenderId")) else None


def answer(unfinished: Iterable[Message]) -> Answer:
    """A partial batch response: these messages come back, the others are done with."""
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in unfinished]}
