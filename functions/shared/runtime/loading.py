"""What the two functions of a load say to each other, and how often they are asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.shared.core.errors import Defect

FILE_TRIES: Final = 10
"""How often the queue `files` delivers a notification (its maxReceiveCount): a packed file that
takes longer than one run of the function goes on in the next."""
RANGE_TRIES: Final = 5
"""How often the queue `ranges` delivers a task that makes no progress (its maxReceiveCount)."""


@dataclass(frozen=True, slots=True)
class Task:
    """A message of the queue `ranges`: work a range, or, without a number, end the load if all
    of its ranges are done."""

    load_id: str
    number: int | None = None

    def body(self) -> str:
        """As it is sent."""
        plain: dict[str, object] = {"load": self.load_id}
        if self.number is not None:
            plain["range"] = self.number
        return json.dumps(plain)


def task_of(body: str) -> Task:
    """The task of a message. Raises Defect for one that this service did not send."""
    try:
        plain = json.loads(body)
        return Task(str(plain["load"]), None if "range" not in plain else int(plain["range"]))
    except (ValueError, KeyError, TypeError):
        raise Defect("The queue holds a message that is no task; delete it.") from None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a queue delivered it: its id, its receipt, its body, how often it came."""

    id: str
    receipt: str
    body: str
    tries: int

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Delivery:
        """The delivery of a record of an SQS event."""
        tries = int(record["attributes"]["ApproximateReceiveCount"])
        return cls(record["messageId"], record["receiptHandle"], record["body"], tries)
