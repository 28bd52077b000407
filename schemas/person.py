"""What an event may say of a person (People, queue population)."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict

from schemas import rules
from schemas.annulment import Annulment
from schemas.model import NOT_EMPTY, STATED
from schemas.scalars import (
    CalendarDate,
    Code,
    CommuneCode,
    Instant,
    Name,
    OldIdentityNumber,
    PartialDate,
    PersonalId,
    Phone,
    Title,
)

Sex = Literal["male", "female"]


@with_config(NOT_EMPTY)
class IdentityCard(TypedDict, total=False):
    """The identity card (thẻ căn cước) in force."""

    issued_on: Annotated[CalendarDate, Field(description="Day on which it was issued.")]
    expires_on: Annotated[CalendarDate, Field(description="Last day on which it is valid.")]


@with_config(STATED)
class Life(TypedDict, total=False):
    """Whether the person lives."""

    status: Required[
        Annotated[
            Literal["alive", "deceased", "missing"],
            Field(description="alive, deceased or missing."),
        ]
    ]
    deceased_on: Annotated[CalendarDate, Field(description="Date of death, where it is known.")]


@with_config(STATED)
class Place(TypedDict, total=False):
    """Where a person lives."""

    commune: Required[Annotated[CommuneCode, Field(description="Commune code: 5 digits.")]]
    address: Annotated[Title, Field(description="Address inside the commune.")]


@with_config(STATED)
class Household(TypedDict, total=False):
    """The household to which a person belongs."""

    head_id: Required[
        Annotated[PersonalId, Field(description="Personal id of the head of the household.")]
    ]
    relation_code: Annotated[Code, Field(description="Code of the relation to the head.")]


@with_config(STATED)
class ElectronicIdentity(TypedDict, total=False):
    """The electronic identity account (VNeID)."""

    level: Required[Annotated[int, Field(ge=1, le=2, description="Level of the account: 1 or 2.")]]
    activated_at: Annotated[Instant, Field(description="When it was activated.")]


@with_config(STATED)
class PersonAnnulment(Annulment, total=False):
    """A record that should not be, or that is another one."""

    same_as: Annotated[
        PersonalId, Field(description="Key of the record of this kind that this one really is.")
    ]


@with_config(STATED)
class PersonData(TypedDict, total=False):
    """What one event says of one person; `null` withdraws what the source's rank said."""

    personal_id: Required[
        Annotated[PersonalId, Field(description="The record's key: 12 digits, as text.")]
    ]
    full_name: Annotated[Name | None, Field(description="Full name, as in the civil register.")]
    date_of_birth: Annotated[
        PartialDate | None, Field(description="YYYY, YYYY-MM or YYYY-MM-DD: as much as is known.")
    ]
    sex: Annotated[Sex | None, Field(description="male or female.")]
    nationality: Annotated[Code | None, Field(description="Code of the nationality.")]
    ethnicity_code: Annotated[
        Code | None, Field(description="Code of the ethnic group (sensitive).")
    ]
    marital_status_code: Annotated[Code | None, Field(description="Code of the marital status.")]
    old_identity_number: Annotated[
        OldIdentityNumber | None,
        Field(description="Nine-digit number of the old identity card (CMND)."),
    ]
    identity_card: Annotated[
        Annotated[IdentityCard, AfterValidator(rules.states_something)] | None,
        Field(description="The identity card in force."),
    ]
    life: Annotated[Life | None, Field(description="Whether the person lives.")]
    residence: Annotated[Place | None, Field(description="Permanent residence (nơi thường trú).")]
    current_residence: Annotated[
        Place | None, Field(description="Current residence (nơi ở hiện tại).")
    ]
    birth_registration_commune: Annotated[
        CommuneCode | None, Field(description="Commune in which the birth was registered.")
    ]
    household: Annotated[Household | None, Field(description="Head of household, relation.")]
    phone: Annotated[Phone | None, Field(description="Telephone number.")]
    eid: Annotated[ElectronicIdentity | None, Field(description="Electronic identity account.")]
    digital_signature_issued_on: Annotated[
        CalendarDate | None, Field(description="Day on which a digital signature was issued.")
    ]
    replaces: Annotated[
        list[PersonalId],
        Field(
            min_length=1,
            description=(
                "Cancelled personal ids of this person; each is a register of its own with the"
                " value true, never withdrawn, only annulled."
            ),
        ),
        AfterValidator(rules.distinct_in_order),
    ]
    annulment: Annotated[
        PersonAnnulment | None,
        Field(description="Why this record should not be, or which one it really is."),
    ]
