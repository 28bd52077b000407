"""What an event may say of an administrative dossier (Dossiers, queue dossier)."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict

from schemas import rules
from schemas.annulment import Annulment
from schemas.model import NOT_EMPTY, STATED
from schemas.scalars import (
    Amount,
    AnyAgencyId,
    DossierCode,
    DossierStatus,
    FieldCode,
    Instant,
    LongText,
    PersonalId,
    Phone,
    ProcedureCode,
    ShortText,
    StepId,
    Title,
)


@with_config(STATED)
class Applicant(TypedDict, total=False):
    """Who applied (chủ hồ sơ)."""

    kind: Required[
        Annotated[
            Literal["citizen", "enterprise", "household-business", "state-body", "other"],
            Field(description="citizen, enterprise, household-business, state-body or other."),
        ]
    ]
    name: Annotated[Title, Field(description="Name of the applicant.")]
    personal_id: Annotated[PersonalId, Field(description="Personal id of a citizen.")]
    paper_number: Annotated[
        ShortText, Field(description="Number of another paper, for example a tax or business code.")
    ]
    phone: Annotated[Phone, Field(description="Telephone number.")]


@with_config(STATED)
class Step(TypedDict, total=False):
    """One entry of the timeline; a register of its own, named by its source and `id`."""

    id: Required[Annotated[StepId, Field(description="Unique for the source and the dossier.")]]
    at: Required[Annotated[Instant, Field(description="When the step was taken.")]]
    status: Annotated[DossierStatus, Field(description="National state after the step, 1-10.")]
    handler: Annotated[LongText, Field(description="Who took the step.")]
    position: Annotated[LongText, Field(description="Position of the handler.")]
    unit: Annotated[LongText, Field(description="Unit of the handler.")]
    text: Annotated[LongText, Field(description="What was done.")]
    due_at: Annotated[Instant, Field(description="When the step was due.")]
    origin: Annotated[
        LongText, Field(description="Where the step was recorded first, for example a task's name.")
    ]


@with_config(NOT_EMPTY)
class Fee(TypedDict, total=False):
    """What the dossier costs and whether it was paid."""

    amount: Annotated[Amount, Field(description="Whole đồng.")]
    paid: Annotated[bool, Field(description="Whether it was paid.")]
    paid_online: Annotated[bool, Field(description="Whether it was paid online.")]


@with_config(STATED)
class DossierAnnulment(Annulment, total=False):
    """A record that should not be, or that is another one."""

    same_as: Annotated[
        DossierCode, Field(description="Key of the record of this kind that this one really is.")
    ]


@with_config(STATED)
class DossierData(TypedDict, total=False):
    """What one event says of one dossier; `null` withdraws what the source's rank said."""

    dossier_code: Required[Annotated[DossierCode, Field(description="The record's key.")]]
    procedure_code: Annotated[ProcedureCode | None, Field(description="Procedure code (mã TTHC).")]
    procedure_name: Annotated[Title | None, Field(description="Name of the procedure.")]
    field_code: Annotated[
        FieldCode | None, Field(description="Field of administration (mã lĩnh vực).")
    ]
    receiving_agency: Annotated[
        AnyAgencyId | None, Field(description="Agency that received the dossier.")
    ]
    handling_agency: Annotated[
        AnyAgencyId | None, Field(description="Agency that handles the dossier now.")
    ]
    applicant: Annotated[Applicant | None, Field(description="Who applied.")]
    channel: Annotated[
        Literal["in-person", "online", "post"] | None,
        Field(description="in-person, online or post."),
    ]
    status: Annotated[DossierStatus | None, Field(description="National state 1-10.")]
    submitted_at: Annotated[Instant | None, Field(description="When it was submitted.")]
    received_at: Annotated[Instant | None, Field(description="When it was accepted.")]
    due_at: Annotated[Instant | None, Field(description="When the result is due.")]
    finished_at: Annotated[
        Instant | None, Field(description="When the work ended; decides whether it was on time.")
    ]
    returned_at: Annotated[Instant | None, Field(description="When the applicant got the result.")]
    step: Annotated[
        Step, Field(description="One entry of the timeline, never null; at most 200 per source.")
    ]
    fee: Annotated[
        Annotated[Fee, AfterValidator(rules.states_something)] | None,
        Field(description="Fee and payment."),
    ]
    digitised_parts: Annotated[bool | None, Field(description="Whether its parts were digitised.")]
    digitised_result: Annotated[bool | None, Field(description="Whether its result is electronic.")]
    reused_data: Annotated[bool | None, Field(description="Whether digitised data was used again.")]
    satisfaction: Annotated[
        Annotated[int, Field(ge=1, le=5)] | None, Field(description="The applicant's rating, 1-5.")
    ]
    annulment: Annotated[
        DossierAnnulment | None,
        Field(description="Why this record should not be, or which one it really is."),
    ]
