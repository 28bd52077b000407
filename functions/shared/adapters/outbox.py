"""A queue that a function sends to, or takes from and wants to see again sooner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.errors import AWS_ERRORS
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

SENDER: Final = "sender"
"""The message attribute that names the principal whom a relay of the stack verified."""
_MOST_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class SqsOutbox:
    """`Outbox` over one queue."""

    client: SQSClient
    url: str
    waiting: Waiting

    def send(self, bodies: Sequence[str], deadline: Deadline) -> None:
        """Every body is in the queue, some perhaps twice, or Retry is raised.

        One by one: a load sends few, and an emulator asks for a permission to send batches that
        AWS does not have.
        """
        for body in bodies:
            self._send(body, deadline)

    def _send(self, body: str, deadline: Deadline) -> None:
        self.waiting.tried(
            "SendMessage",
            deadline,
            lambda: self.client.send_message(QueueUrl=self.url, MessageBody=body),
            most=_MOST_TRIES,
        )


@dataclass(frozen=True, slots=True)
class SqsRelay:
    """`Relay` over the queues: queue -> URL."""

    client: SQSClient
    urls: Mapping[str, str]
    waiting: Waiting

    def send(self, queue: str, body: str, sender: str, deadline: Deadline) -> None:
        """The body is in the queue, perhaps twice, with whom it is from; or Retry is raised."""
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            SENDER: {"DataType": "String", "StringValue": sender}
        }
        self.waiting.tried(
            "SendMessage",
            deadline,
            lambda: self.client.send_message(
                QueueUrl=self.urls[queue], MessageBody=body, MessageAttributes=attributes
            ),
            most=_MOST_TRIES,
        )


@dataclass(frozen=True, slots=True)
class SqsInbox:
    """`Inbox` over one queue."""

    client: SQSClient
    url: str

    def show_again(self, receipt: str, seconds: int) -> None:
        """The message is delivered again after so many seconds, if the queue can be told so."""
        # Otherwise it comes when its visibility ends, which is late and no harm.
        with suppress(*AWS_ERRORS):
            self.client.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
