"""The quarantine entry: a refused message, whole, with every reason."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.document import Document, Hash, Principal
from schemas.model import LEFT_OUT
from schemas.reasons import QuarantineStatus, ReasonCode, StepKind
from schemas.scalars import Instant

QueueName = Literal["population", "insurance", "dossier", "registry"]


class Reason(Document):
    """One thing that is wrong with the message."""

    code: ReasonCode = Field(description="What kind of fault it is.")
    path: str = Field(
        pattern="^(?:/(?:[^~/]|~0|~1)*)*$",
        description="JSON Pointer into the event; empty for the whole message.",
    )
    text: str = Field(min_length=1, description="What is wrong and what to do, in a sentence.")
    error: str | None = Field(
        default=None,
        pattern="^[a-z-]{1,32}$",
        description="The class of a field's error, where the reason is about a field's value.",
    )


class Step(Document):
    """Something that somebody did about an entry."""

    at: Instant = Field(description="When it was done.")
    by: str = Field(min_length=1, description="Who did it.")
    did: StepKind = Field(description="What was done.")
    why: str = Field(min_length=1, description="Why, in their words.")
    event_id: str = Field(
        default=LEFT_OUT, min_length=1, description="The id of the event that was sent."
    )
    entry: Hash = Field(
        default=LEFT_OUT, description="The entry that the replay becomes if it is refused again."
    )


class QuarantineEntry(Document):
    """A message that could not be taken, kept until it is replayed, dismissed or resolved."""

    quarantine_id: Hash = Field(
        description="SHA-256 of the queue's name, the body and the entry it replays, if any."
    )
    seen: int = Field(ge=1, description="About how often the message was delivered.")
    queue: QueueName = Field(description="The queue it came from.")
    reasons: list[Reason] = Field(
        min_length=1,
        description=(
            "Every reason, in the order of examination; the first of them where they are many and"
            " `reasons_object` holds them all."
        ),
    )
    reasons_count: int = Field(
        default=LEFT_OUT, ge=1, description="How many reasons there are, if not all are listed."
    )
    reasons_object: str = Field(
        default=LEFT_OUT,
        min_length=1,
        description="Where they are all listed: a key in the quarantine bucket.",
    )
    body: str = Field(default=LEFT_OUT, description="The whole message, up to 8 KiB.")
    body_object: str = Field(
        default=LEFT_OUT,
        min_length=1,
        description="Where a longer body is kept whole: its key in the quarantine bucket.",
    )
    body_bytes: int = Field(default=LEFT_OUT, ge=0, description="Bytes of a body kept there.")
    source: str = Field(default=LEFT_OUT, description="The event's source, where readable.")
    event_id: str = Field(default=LEFT_OUT, description="The event's id, where readable.")
    sender: Principal = Field(default=LEFT_OUT, description="The principal who sent it.")
    received_at: Instant = Field(description="When it was first refused.")
    status: QuarantineStatus = Field(description="open, replayed, dismissed or resolved.")
    closed_at: Instant = Field(default=LEFT_OUT, description="When it was closed.")
    closed_by: str = Field(default=LEFT_OUT, description="Who closed it.")
    closed_because: str = Field(default=LEFT_OUT, description="Why it was closed.")
    replays: Hash = Field(default=LEFT_OUT, description="The entry that this message replays.")
    event_uid: str = Field(
        default=LEFT_OUT, min_length=1, description="<source>#<id>, where it is a readable event."
    )
    steps: list[Step] = Field(default=LEFT_OUT, description="What was done about it, oldest first.")
    queue_key: str = Field(min_length=1, description="<queue>#<day>#<shard> of the index by-queue.")
    reason_key: str = Field(
        min_length=1, description="<first reason>#<day>#<shard> of the index by-reason."
    )
