"""What is asked of the HTTP API: the source of its OpenAPI document, with `schemas.api_answers`.

Questions are strict and closed. The functions validate them with these models, so nothing is here
that a start can do without.
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
from schemas.forms import (
    DATE_PATTERN,
    INSTANT_PATTERN,
    PARTIAL_DATE_PATTERN,
    TEXT_PATTERN,
)
from schemas.model import LEFT_OUT
from schemas.scalars import (
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


CursorText = Annotated[
    str,
    StringConstraints(pattern=CURSOR_PATTERN),
    Field(description="Where the next page begins; of the same question and the same caller."),
]


def _whole(value: Any) -> Any:
    """A number without a fraction is an integer in JSON Schema, however it is written."""
    return int(value) if type(value) is float and value.is_integer() else value


_WHOLE: Final = BeforeValidator(_whole)
"""Stands last, for a bound before it stays in the schema."""


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
    year_of_birth: Annotated[int, Field(ge=1900, le=2099, description="Year of birth."), _WHOLE] = (
        LEFT_OUT
    )
    commune: CommuneCode = LEFT_OUT
    old_identity_number: OldIdentityNumber = LEFT_OUT
    limit: Annotated[int, Field(ge=1, le=50, description="At most so many people."), _WHOLE] = 50

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
        int,
        Field(ge=1, le=1000, description="The stop: at most so many entries in this call."),
        _WHOLE,
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
