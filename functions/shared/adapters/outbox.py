"""A queue that a function sends to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore.config import Config

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.errors import AWS_ERRORS, meaning, translated
from functions.shared.core.errors import Defect, Retry
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

_MOST_TRIES: Final = 6
_AT_ONCE: Final = 10


def sqs(region: str | None = None) -> SQSClient:
    """An SQS client for the functions; see `clients` for why it is as it is."""
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 2},
        parameter_validation=False,
        tcp_keepalive=True,
    )
    session = botocore.session.get_session()
    return cast("SQSClient", session.create_client("sqs", region_name=region, config=config))


@dataclass(frozen=True, slots=True)
class SqsOutbox:
    """`Outbox` over one queue."""

    client: SQSClient
    url: str
    waiting: Waiting

    def send(self, bodies: Sequence[str], deadline: Deadline) -> None:
        """Every body is in the queue, some perhaps twice, or Retry is raised."""
        for start in range(0, len(bodies), _AT_ONCE):
            self._send(
                {str(n): b for n, b in enumerate(bodies[start : start + _AT_ONCE])}, deadline
            )

    def _send(self, left: dict[str, str], deadline: Deadline) -> None:
        for number in range(_MOST_TRIES):
            if number:
                if deadline.remaining() <= 0:
                    break
                self.waiting.before_try(number, deadline)
            entries: Any = [{"Id": key, "MessageBody": body} for key, body in left.items()]
            try:
                answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            except AWS_ERRORS as error:
                if issubclass(meaning(error), Defect):
                    raise translated(error, "SendMessageBatch") from None
                continue
            for sent in answer.get("Successful", []):
                left.pop(sent["Id"], None)
            if not left:
                return
        raise Retry("SendMessageBatch did not take every message in time.")
