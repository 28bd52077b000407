"""What is asked of the HTTP API and what it answers: the source of its OpenAPI document.

Questions are strict and closed. Answers are described as exactly as they are made; the functions
do not validate what they answer, the tests do.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas import rules
from schemas.document import Hash
from schemas.forms import (
    DATE_PATTERN,
    INSTANT_PATTERN,
    PARTIAL_DATE_PATTERN,
    TEXT_PATTERN,
)
from schemas.model import LEFT_OUT
from schemas.quarantine import QueueName, Reason, Step
from schemas.reasons import QuarantineStatus, ReasonCode
from schemas.scalars import (
    AnyAgencyId,
    CalendarDate,
    CommuneCode,
    DossierCode,
    InsuranceNumber,
    OldIdentityNumber,
    PersonalId,
)

CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]{1,4096}$"
OPAQUE_PATTERN: Final = "^[A-Za-z0-9_-]{8,1024}$"
STATUSES_PATTERN: Final = "^(?:[1-9]|10)(?:,(?:[1-9]|10)){0,9}$"
COUNT_PATTERN: Final = "^[1-9][0-9]{0,2}$"
MOMENT_PATTERN: Final = f"(?:^[0-9]{{1,4}}[smhdw]$)|(?:{DATE_PATTERN})|(?:{INSTANT_PATTERN})"
PRINCIPAL_PATTERN: Final = "^[0-9A-Za-z][0-9A-Za-z._@+-]{0,127}$"


class Question(BaseModel):
    """What is sent: strict and closed; its errors never hold what was received."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """What was sent, and nothing that was not."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class Answer(BaseModel):
    """What is answered: closed."""

    model_config = ConfigDict(extra="forbid")


RecordId = Annotated[
    str,
    StringConstraints(pattern=OPAQUE_PATTERN),
    Field(description="Opaque id of a record: the same for as long as the service's key."),
]
CursorText = Annotated[
    str,
    StringConstraints(pattern=CURSOR_PATTERN),
    Field(description="Where the next page begins; of the same question and the same caller."),
]
RequestId = Annotated[str, Field(description="Id of the request, also in X-Request-Id.")]
StoredInstant = Annotated[str, Field(description="An instant in UTC: YYYY-MM-DDTHH:MM:SS.ffffffZ.")]
Group = Literal["identity", "residence", "contact", "family", "insurance", "dossier", "sensitive"]
Kind = Literal["person", "insurance-card", "dossier"]


def _whole(value: Any) -> Any:
    """A number without a fraction is an integer in JSON Schema, however it is written."""
    return int(value) if type(value) is float and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


def _problem(code: str, text: str) -> PydanticCustomError:
    return PydanticCustomError("request", "request", {"code": code, "text": text})


# Questions ----------------------------------------------------------------------------------


class LookupQuestion(Question):
    """A person by exactly one number."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            "maxProperties": 1,
            "examples": [{"personal_id": "001190000017"}],
        }
    )

    personal_id: PersonalId = LEFT_OUT
    old_identity_number: OldIdentityNumber = LEFT_OUT
    insurance_number: InsuranceNumber = LEFT_OUT

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise _problem(
                "exactly-one",
                "Give exactly one of personal_id, old_identity_number and insurance_number.",
            )
        return self


class DossierLookupQuestion(Question):
    """A dossier by its code."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"dossier_code": "H26.12-20260303-0000003"}]}
    )

    dossier_code: DossierCode


_NARROWING: Final = ("date_of_birth", "year_of_birth", "commune", "old_identity_number")


class SearchQuestion(Question):
    """People by name, and at least one thing more."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name]} for name in _NARROWING],
            "examples": [{"name": "nguyen thi hoa mau", "year_of_birth": 1990}],
        }
    )

    name: Annotated[
        str,
        StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=100),
        BeforeValidator(rules.text),
        Field(
            description=(
                "The name, whole; case, the place of the tone and diacritics do not matter."
            )
        ),
    ]
    date_of_birth: Annotated[
        str,
        StringConstraints(pattern=PARTIAL_DATE_PATTERN),
        Field(description="As much of the date of birth as is known."),
    ] = LEFT_OUT
    year_of_birth: Annotated[Whole, Field(ge=1900, le=2099, description="Year of birth.")] = (
        LEFT_OUT
    )
    commune: CommuneCode = LEFT_OUT
    old_identity_number: OldIdentityNumber = LEFT_OUT
    limit: Annotated[Whole, Field(ge=1, le=50, description="At most so many people.")] = 50

    @model_validator(mode="after")
    def _narrow(self) -> Self:
        if not self.model_fields_set & set(_NARROWING):
            raise _problem(
                "too-little",
                "A name alone is not enough: add date_of_birth, year_of_birth, commune or"
                " old_identity_number.",
            )
        return self


Why = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=500),
    BeforeValidator(rules.text),
    Field(description="Why, in your words; without what belongs to a person."),
]


class DeferralQuestion(Question):
    """Until when an entry of the access log is hidden from its subject, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"until": "2027-01-31", "why": "Inspection 12/QD-TTr is under way"}]
        }
    )

    until: CalendarDate
    why: Why


class Operation(Question):
    """One step of a patch (RFC 6902) of the event."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: Annotated[str, StringConstraints(pattern="^(?:/(?:[^~/]|~0|~1)*)*$", max_length=512)]
    origin: Annotated[
        str,
        StringConstraints(pattern="^(?:/(?:[^~/]|~0|~1)*)*$", max_length=512),
        Field(alias="from"),
    ] = LEFT_OUT
    value: JsonValue = LEFT_OUT


Patch = Annotated[
    list[Operation],
    Field(min_length=1, max_length=50, description="A patch (RFC 6902) of the message."),
]
Again = Annotated[
    bool,
    Field(description="Also where an earlier replay was begun and is not known to be finished."),
]
DryRun = Annotated[bool, Field(description="Say what would happen, and do nothing.")]


class ReplayQuestion(Question):
    """Sends a refused message again: as it was, as an editor left it, or patched."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {"required": ["body", "patch"]},
            "if": {"properties": {"dry_run": {"const": True}}, "required": ["dry_run"]},
            "else": {"required": ["why"]},
            "examples": [
                {
                    "why": "The date of birth was typed wrong",
                    "patch": [
                        {"op": "replace", "path": "/data/date_of_birth", "value": "1990-02-03"}
                    ],
                }
            ],
        }
    )

    why: Why = LEFT_OUT
    body: Annotated[
        str | dict[str, JsonValue],
        Field(description="The whole message: the text, or the event."),
    ] = LEFT_OUT
    patch: Patch = LEFT_OUT
    again: Again = False
    even_refused: Annotated[bool, Field(description="Also where it would be refused again.")] = (
        False
    )
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _either(self) -> Self:
        if {"body", "patch"} <= self.model_fields_set:
            raise _problem("exactly-one", "Give a body or a patch, not both.")
        _require_why(self)
        return self


class DismissalQuestion(Question):
    """Puts a refused message aside for good."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"dry_run": {"const": True}}, "required": ["dry_run"]},
            "else": {"required": ["why"]},
            "examples": [{"why": "A test of the agency's"}],
        }
    )

    why: Why = LEFT_OUT
    again: Again = False
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        _require_why(self)
        return self


Word = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=256)]
Words = Annotated[
    Word | Annotated[list[Word], Field(min_length=1, max_length=50)],
    Field(description="A text, or several of which any will do."),
]


class Select(Question):
    """Which open entries are meant; what is absent does not matter."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    queue: Words = LEFT_OUT
    reason: Words = LEFT_OUT
    error: Words = LEFT_OUT
    path: Words = LEFT_OUT
    source: Words = LEFT_OUT
    type: Words = LEFT_OUT
    since: Word = LEFT_OUT
    until: Word = LEFT_OUT

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise _problem("too-little", "Say which entries are meant.")
        return self


class BulkQuestion(Question):
    """A change of many entries: a dry run unless told otherwise, and a stop."""

    select: Select
    why: Why = LEFT_OUT
    dry_run: DryRun = True
    most: Annotated[
        Whole, Field(ge=1, le=1000, description="The stop: at most so many entries in this call.")
    ] = 100
    again: Again = False
    cursor: CursorText = LEFT_OUT

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        _require_why(self)
        return self


_IN_EARNEST: Final[dict[str, JsonValue]] = {
    "if": {"properties": {"dry_run": {"const": False}}, "required": ["dry_run"]},
    "then": {"required": ["why"]},
}
_SELECTED: Final[dict[str, JsonValue]] = {"queue": "population", "reason": "invalid-data"}


class BulkReplayQuestion(BulkQuestion):
    """Sends the open messages of a selection again as they were."""

    model_config = ConfigDict(
        json_schema_extra={**_IN_EARNEST, "examples": [{"select": _SELECTED}]}
    )

    even_refused: Annotated[bool, Field(description="Also where it would be refused again.")] = (
        False
    )


class BulkCorrectionQuestion(BulkQuestion):
    """Applies one rule to the open messages of a selection and sends what it makes of them."""

    model_config = ConfigDict(
        json_schema_extra={
            **_IN_EARNEST,
            "examples": [{"select": _SELECTED, "patch": [{"op": "remove", "path": "/data/phone"}]}],
        }
    )

    patch: Patch


class BulkDismissalQuestion(BulkQuestion):
    """Puts the open messages of a selection aside for good."""

    model_config = ConfigDict(
        json_schema_extra={**_IN_EARNEST, "examples": [{"select": _SELECTED}]}
    )


def _require_why(question: ReplayQuestion | DismissalQuestion | BulkQuestion) -> None:
    if "why" not in question.model_fields_set and not question.dry_run:
        raise _problem("missing", "Say why; only a dry run needs no reason.")


# Answers ------------------------------------------------------------------------------------


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
