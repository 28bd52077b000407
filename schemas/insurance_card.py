"""What an event may say of a health-insurance card (InsuranceCards, queue insurance)."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from schemas.annulment import Annulment
from schemas.model import STATED
from schemas.scalars import (
    CalendarDate,
    CardNumber,
    FacilityCode,
    GroupCode,
    InsuranceNumber,
    Name,
    PartialDate,
    PersonalId,
    Phone,
    Title,
)


@with_config(STATED)
class Card(TypedDict, total=False):
    """The card (thẻ BHYT) that the insured person holds; the number changes with the group."""

    number: Required[
        Annotated[CardNumber, Field(description="15 characters, or the 10 digits of newer cards.")]
    ]
    group_code: Annotated[GroupCode, Field(description="Beneficiary group: two letters.")]
    benefit_level: Annotated[int, Field(ge=1, le=5, description="Benefit level (mức hưởng) 1-5.")]
    valid_from: Annotated[CalendarDate, Field(description="First day of validity.")]
    valid_to: Annotated[CalendarDate, Field(description="Last day of validity.")]


@with_config(STATED)
class InsuranceCardAnnulment(Annulment, total=False):
    """A record that should not be, or that is another one."""

    same_as: Annotated[
        InsuranceNumber,
        Field(description="Key of the record of this kind that this one really is."),
    ]


@with_config(STATED)
class InsuranceCardData(TypedDict, total=False):
    """What one event says of one card; `null` withdraws what the source's rank said."""

    insurance_number: Required[
        Annotated[InsuranceNumber, Field(description="The record's key: 10 digits, as text.")]
    ]
    personal_id: Annotated[
        PersonalId | None,
        Field(description="Personal id of the insured person, where it is known."),
    ]
    full_name: Annotated[Name | None, Field(description="Full name of the insured person.")]
    date_of_birth: Annotated[
        PartialDate | None, Field(description="YYYY, YYYY-MM or YYYY-MM-DD: as much as is known.")
    ]
    sex: Annotated[Literal["male", "female"] | None, Field(description="male or female.")]
    address: Annotated[Title | None, Field(description="Address of the insured person.")]
    phone: Annotated[Phone | None, Field(description="Telephone number.")]
    card: Annotated[Card | None, Field(description="The card itself.")]
    five_years_from: Annotated[
        CalendarDate | None, Field(description="Day from which five continuous years are reached.")
    ]
    primary_facility: Annotated[
        FacilityCode | None, Field(description="Registered primary facility (nơi KCB ban đầu).")
    ]
    status: Annotated[
        Literal["active", "suspended", "ended"] | None,
        Field(description="active, suspended or ended."),
    ]
    annulment: Annotated[
        InsuranceCardAnnulment | None,
        Field(description="Why this record should not be, or which one it really is."),
    ]
