"""Sayings become messages: the envelope around what an agency states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from infra.city.chronicle import Saying
from infra.city.clock import time_text


@dataclass(frozen=True, slots=True)
class Note:
    """Something the truth has to say of one message, in the file of that name."""

    file: str
    says: Mapping[str, Any]


@dataclass(slots=True)
class Posting:
    """A message and the instant at which it is published."""

    at: int
    body: bytes
    note: Note | None = None


@dataclass(frozen=True, slots=True)
class Ids:
    """Makes the ids of one neighbourhood's events: the city's own mark keeps cities apart."""

    mark: str
    neighbourhood: int

    def of(self, number: int) -> str:
        """The id of the neighbourhood's event of that number."""
        return f"{self.mark}-{self.neighbourhood:06d}-{number:04d}"


def event_of(saying: Saying, id_: str) -> dict[str, Any]:
    """The CloudEvent that says it."""
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": id_,
        "source": f"/agencies/{saying.agency}",
        "type": f"vn.lienthong.{saying.what}.v1",
        "subject": saying.key,
        "time": time_text(saying.at, saying.clock),
    }
    if saying.sequence is not None:
        made["sequence"] = str(saying.sequence)
    made["data"] = saying.data
    return made


def written(event: Mapping[str, Any]) -> bytes:
    """An event as one line of UTF-8, without line break."""
    return orjson.dumps(event)
