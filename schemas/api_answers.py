"""What the HTTP API answers: the source of its OpenAPI document, with `schemas.api`.

Answers are described as exactly as they are made and are closed. The functions do not validate
what they answer, so they start without this module; the tests do.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from schemas.api import OPAQUE_PATTERN, CursorText
from schemas.document import Hash
from schemas.model import LEFT_OUT
from schemas.quarantine import QueueName, Reason, Step
from schemas.reasons import QuarantineStatus, ReasonCode
from schemas.scalars import AnyAgencyId


class Answer(BaseModel):
    """What is answered: closed."""

    model_config = ConfigDict(extra="forbid")


RecordId = Annotated[
    str,
    StringConstraints(pattern=OPAQUE_PATTERN),
    Field(description="Opaque id of a record: the same for as long as the service's key."),
]
RequestId = Annotated[str, Field(description="Id of the request, also in X-Request-Id.")]
StoredInstant = Annotated[str, Field(description="An instant in UTC: YYYY-MM-DDTHH:MM:SS.ffffffZ.")]
Group = Literal["identity", "residence", "contact", "family", "insurance", "dossier", "sensitive"]
Kind = Literal["person", "insurance-card", "dossier"]


class Rival(Answer):
    """What another source says of a field."""

    value: JsonValue
    source: str
    time: StoredInstant
    rank: int
    disputed: bool = Field(description="Whether it is newer than what is shown, and differs.")


class SeenField(Answer):
    """A field that may be seen."""

    group: Group
    value: JsonValue
    source: str = LEFT_OUT
    time: StoredInstant = LEFT_OUT
    rank: int = LEFT_OUT
    rivals: list[Rival] = LEFT_OUT


class MaskedField(Answer):
    """A field that is there and may not be seen."""

    group: Group
    masked: Literal[True]


Fields = dict[str, SeenField | MaskedField]


class Warned(Answer):
    """Something to be careful about."""

    code: str
    text: str
    field: str = LEFT_OUT


class RecordAnswer(Answer):
    """A record as the caller may see it."""

    record: RecordId
    kind: Kind
    version: int = Field(ge=1, description="Number of its ledger entries.")
    updated_at: StoredInstant
    warnings: list[Warned]
    fields: Fields


class OneRecordAnswer(RecordAnswer):
    """One record."""

    request_id: RequestId


class LookupAnswer(Answer):
    """A person with insurance cards and dossiers."""

    person: RecordAnswer | None
    insurance_cards: list[RecordAnswer]
    dossiers: list[RecordAnswer]
    complete: bool = LEFT_OUT
    hint: str = LEFT_OUT
    request_id: RequestId


class FoundPerson(Answer):
    """A person whom a search found."""

    record: RecordId
    match: Literal["exact", "case", "tone", "diacritics"]
    fields: Fields


class SearchAnswer(Answer):
    """Exact matches first."""

    people: Annotated[list[FoundPerson], Field(max_length=50)]
    complete: bool = Field(description="Whether these are all.")
    hint: str = LEFT_OUT
    request_id: RequestId


class DossiersAnswer(Answer):
    """A page of an agency's dossiers."""

    dossiers: list[RecordAnswer]
    cursor: CursorText | None
    request_id: RequestId


class PastRecordAnswer(RecordAnswer):
    """A record as it was known at an instant."""

    at: StoredInstant
    request_id: RequestId


class SeenChange(Answer):
    """What an event did to a field."""

    field: str
    group: Group
    rank: int
    won: bool
    before: JsonValue = LEFT_OUT
    stated: JsonValue = LEFT_OUT
    erased: Literal["pair", "before"] = LEFT_OUT


class MaskedChange(Answer):
    """A change of a field that may not be seen."""

    field: str
    group: Group
    masked: Literal[True]


class ChangingEvent(Answer):
    """Whose event changed something."""

    source: str
    type: str
    time: StoredInstant


class ChangeAnswer(Answer):
    """What one event did to a record."""

    version: int
    recorded_at: StoredInstant
    outcome: Literal["applied", "superseded"]
    event: ChangingEvent
    fields: list[SeenChange | MaskedChange]


class ChangesAnswer(Answer):
    """What changed in a record."""

    record: RecordId
    changes: list[ChangeAnswer]
    cursor: CursorText | None
    request_id: RequestId


class ReceiptChange(Answer):
    """A field that the event states, without its values."""

    field: str
    rank: int
    won: bool
    commit: Hash | None


class ReceiptRefusal(Answer):
    """A quarantine entry of the event."""

    id: Hash
    status: QuarantineStatus
    received_at: StoredInstant
    reasons: list[Reason]


class ReceiptAnswer(Answer):
    """What became of an event, and the proof of it."""

    source: str
    id: str
    state: Literal["applied", "superseded", "quarantined"]
    type: str | None
    time: StoredInstant | None
    recorded_at: StoredInstant | None
    record: RecordId | None
    version: int | None
    prev: Hash | None
    entry_hash: Hash | None
    event_digest: Hash | None
    event_salt: Annotated[
        Hash | None, Field(description="Null after an erasure; lets the publisher check the digest")
    ]
    changes_digest: Hash | None
    changes: list[ReceiptChange]
    why: str | None
    quarantine: list[ReceiptRefusal]
    request_id: RequestId


class LookedAtRecord(Answer):
    """A record that a look was at: which fields were seen, which were masked."""

    record: RecordId
    kind: Literal["person", "insurance-card", "dossier", "agency"]
    seen: list[str]
    masked: list[str]


class AccessEntryAnswer(Answer):
    """Who looked, when, why, and what left in the answer."""

    entry: RecordId
    looked_at: StoredInstant
    officer: str
    officer_name: str
    agency: str
    agency_name: str | None
    roles: list[str]
    action: str
    purpose: str
    case: str | None
    decision: Literal["permitted", "refused"]
    rules: list[str]
    records: list[LookedAtRecord]
    request_id: str
    spent: Literal["day", "minute"] = Field(
        default=LEFT_OUT,
        description="Of a refusal for asking too much: the window whose allowance was used up.",
    )
    hidden_until: StoredInstant = LEFT_OUT


class AccessLogAnswer(Answer):
    """A page of the access log, the newest look first."""

    entries: list[AccessEntryAnswer]
    cursor: CursorText | None
    request_id: RequestId


class DeferralAnswer(Answer):
    """The entry is hidden from its subject until then."""

    entry: RecordId
    hidden_until: StoredInstant
    request_id: RequestId


class AllowanceAnswer(Answer):
    """Looks today; null where there is no limit."""

    looks: int
    most: int | None
    left: int | None


class MeAnswer(Answer):
    """Who asks."""

    id: str
    name: str
    agency: AnyAgencyId
    agency_name: str | None
    roles: list[str]
    is_system: bool
    allowance: AllowanceAnswer
    request_id: RequestId


class Verdict(Answer):
    """What becomes of one event that was sent."""

    index: int = Field(ge=0, description="Its place in the batch.")
    source: str | None
    id: str | None
    verdict: Literal["queued", "refused", "not-queued"]
    reasons: list[Reason]
    receipt: str | None = Field(description="Where its receipt will be.")


class PublishedAnswer(Answer):
    """A verdict per event."""

    events: list[Verdict]
    request_id: RequestId


class EntryAnswer(Answer):
    """A quarantine entry without its message."""

    id: Hash
    queue: QueueName
    status: QuarantineStatus
    received_at: StoredInstant
    reason: ReasonCode
    seen: int
    source: str = LEFT_OUT
    event_id: str = LEFT_OUT
    sender: str = LEFT_OUT
    replays: Hash = LEFT_OUT
    closed_at: StoredInstant = LEFT_OUT
    closed_by: str = LEFT_OUT
    closed_because: str = LEFT_OUT
    reasons: list[Reason]
    reasons_count: int
    steps: list[Step]


class EntriesAnswer(Answer):
    """A page of entries, the newest first."""

    entries: list[EntryAnswer]
    cursor: CursorText | None
    request_id: RequestId


class CountsAnswer(Answer):
    """How many entries there are, each with the names that it is for."""

    total: int
    counts: list[dict[str, str | int]]
    cursor: CursorText | None
    request_id: RequestId


class PlacedReason(Answer):
    """A reason and the place in the message that it is about."""

    code: ReasonCode
    path: str
    text: str
    error: str = LEFT_OUT
    place: str = LEFT_OUT
    line: int = LEFT_OUT
    column: int = LEFT_OUT


class FollowedStep(Step):
    """A step, and what came of it."""

    outcome: str = LEFT_OUT


class WholeEntryAnswer(EntryAnswer):
    """A quarantine entry whole."""

    body: str | None = Field(description="Null where it may not be seen.")
    body_masked: bool
    errors: list[PlacedReason]
    steps: list[FollowedStep]  # type: ignore[assignment]  # the same, and more of each
    led_to_it: list[EntryAnswer]
    request_id: RequestId


class Unfitting(Answer):
    """Why there is nothing to be sent for an entry."""

    code: str
    text: str


class DifferenceAnswer(Answer):
    """Where a message was changed."""

    path: str
    was: JsonValue
    is_: JsonValue = Field(alias="is")


class SettledAnswer(Answer):
    """What became of one message; `reason`, `status` and `replay_begun` are what was before."""

    entry: Hash
    reason: ReasonCode
    status: QuarantineStatus
    replay_begun: bool
    did: Literal["replayed", "corrected", "dismissed"]
    outcome: str


class ReplayAnswer(SettledAnswer):
    """What became of a message that was to be sent again."""

    event_id: str | None
    becomes: Hash | None
    still_refused: list[Reason]
    not_applicable: Unfitting | None
    differences: list[DifferenceAnswer]
    request_id: RequestId


class DismissalAnswer(SettledAnswer):
    """What became of a message that was to be put aside."""

    request_id: RequestId


class AfterAnswer(Answer):
    """What would come of the messages."""

    passing: int
    still_refused: dict[str, int]
    not_applicable: dict[str, int]


class SampleAnswer(Answer):
    """One message, and what would be changed in it."""

    entry: Hash
    queue: QueueName
    reason: ReasonCode
    differences: list[DifferenceAnswer]
    still_refused: list[Reason]


class ForesightAnswer(Answer):
    """What would happen; nothing was done."""

    dry_run: Literal[True]
    meant: int
    before: dict[str, int]
    after: AfterAnswer
    replays_begun_earlier: int
    samples: list[SampleAnswer]
    cursor: CursorText | None
    request_id: RequestId


class TallyAnswer(Answer):
    """What happened."""

    dry_run: Literal[False]
    looked_at: int
    outcomes: dict[str, int]
    still_refused: dict[str, int]
    not_applicable: dict[str, int]
    stopped: bool
    cursor: CursorText | None
    request_id: RequestId


class ProblemPart(Answer):
    """One thing that is wrong."""

    path: str = Field(
        description="JSON Pointer into the body, or the name of a header or parameter."
    )
    code: str
    text: str


class ProblemDocument(Answer):
    """Why a request is not answered (RFC 9457). It never holds a value that was received."""

    type: Annotated[str, StringConstraints(pattern="^urn:lienthong:problem:[a-z-]+$")]
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemPart]
    events: list[Verdict] = LEFT_OUT
    request_id: RequestId
