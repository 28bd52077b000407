"""The ledger entry: one per event, for ever, a link of its record's hash chain.

As `history --json` shows it: attributes that are stored compressed are plain here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from schemas.cloud_event import EventId, Source
from schemas.document import Document, Hash, Principal
from schemas.envelope import SEQUENCE_PATTERN, TYPE_PATTERN
from schemas.model import LEFT_OUT
from schemas.scalars import Instant

Salt = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-f]{32}$"),
    Field(description="16 random bytes as lower-case hexadecimal digits."),
]


class LedgerEvent(Document):
    """The event as the ledger names it."""

    source: Source = Field(description="The event's source.")
    id: EventId = Field(description="The event's id.")
    type: str = Field(pattern=TYPE_PATTERN, description="The event's type.")
    time: Instant = Field(description="The event's time, normalised.")
    sequence: Annotated[str, StringConstraints(pattern=SEQUENCE_PATTERN)] | None = Field(
        description="The sequence as it was sent, or null."
    )
    digest: Hash = Field(description="SHA-256 of the event's salt and its canonical core.")


class LedgerChange(Document):
    """What one statement did to its lane; after an erasure without the values that went."""

    field: str = Field(
        min_length=1,
        description="The field: its name, replaces/<id> or step/<source>/<step id>.",
    )
    rank: int = Field(ge=0, description="Rank of the agency for this field at the event's time.")
    won: bool = Field(description="Whether the statement is the newest of its lane.")
    before: Any = Field(
        default=LEFT_OUT, description="The lane's value until then, or null; normalised."
    )
    stated: Any = Field(default=LEFT_OUT, description="What the event stated; normalised.")
    commit: Hash = Field(
        default=LEFT_OUT, description="The commitment to [before, stated], kept by an erasure."
    )
    erased: Literal["pair", "before"] = Field(
        default=LEFT_OUT, description="What was erased: both values, or the one until then."
    )


class LedgerEntry(Document):
    """The proof that one event was taken, and what it did."""

    event_uid: str = Field(min_length=1, description="<source>#<id>: the table's key.")
    record_key: str = Field(min_length=1, description="<kind>/<key> of the record.")
    version: int = Field(ge=1, description="Place of the entry in its record's chain, from 1.")
    prev: Hash = Field(description="Hash of the entry before, or 64 zeros.")
    entry_hash: Hash = Field(description="Hash of this entry.")
    event: LedgerEvent = Field(description="The event that was taken.")
    sender: Principal | None = Field(description="The principal who sent it, or null.")
    recorded_at: Instant = Field(description="When the entry was written.")
    outcome: Literal["applied", "superseded"] = Field(
        description="applied if a statement won its lane, superseded if none did."
    )
    changes_digest: Hash = Field(description="Hash over field, rank, won and commit of changes.")
    changes: list[LedgerChange] = Field(
        min_length=1,
        description=(
            "One per field stated, in the order of the kind's table, then annulment, then"
            " replaced ids and steps by code point."
        ),
    )
    salt: Salt = Field(default=LEFT_OUT, description="The entry's salt; gone after an erasure.")
    salts: dict[str, Hash] = Field(
        default=LEFT_OUT,
        description="After an erasure: the derived salts of the fields that are still whole.",
    )
