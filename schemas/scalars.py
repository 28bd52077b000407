"""Named scalar types: each has a form (`schemas.forms`) and a description.

Values that pass validation are plain JSON: text, integers, booleans, lists and objects; never
dates or other Python types.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from schemas import rules
from schemas.forms import (
    AGENCY_ID_MAX,
    AGENCY_ID_PATTERN,
    ANY_AGENCY_ID_PATTERN,
    CARD_NUMBER_PATTERN,
    CODE_PATTERN,
    COMMUNE_PATTERN,
    DATE_PATTERN,
    DOSSIER_CODE_PATTERN,
    FACILITY_PATTERN,
    FIELD_CODE_PATTERN,
    GROUP_CODE_PATTERN,
    INSTANT_PATTERN,
    INSURANCE_NUMBER_PATTERN,
    LARGEST_INTEGER,
    OLD_IDENTITY_NUMBER_PATTERN,
    PARTIAL_DATE_PATTERN,
    PERSONAL_ID_PATTERN,
    PHONE_PATTERN,
    PRINTABLE_PATTERN,
    PROCEDURE_CODE_PATTERN,
    SENDER_PATTERN,
    TEXT_PATTERN,
)
from schemas.forms import normalise_instant as normalise_instant

PersonalId = Annotated[
    str,
    StringConstraints(pattern=PERSONAL_ID_PATTERN),
    Field(
        description="Personal identification number (số định danh cá nhân): 12 digits, as text.",
        examples=["001190000017"],
    ),
]
OldIdentityNumber = Annotated[
    str,
    StringConstraints(pattern=OLD_IDENTITY_NUMBER_PATTERN),
    Field(description="Old identity number (số CMND): 9 digits, as text."),
]
InsuranceNumber = Annotated[
    str,
    StringConstraints(pattern=INSURANCE_NUMBER_PATTERN),
    Field(description="Social-insurance number (mã số BHXH): 10 digits, as text."),
]
CardNumber = Annotated[
    str,
    StringConstraints(pattern=CARD_NUMBER_PATTERN),
    BeforeValidator(rules.card_number),
    Field(
        description=(
            "Health-insurance card number: 15 characters (group, level, province, insurance"
            " number), or the 10 digits of newer cards. Stored in upper case without white space;"
            " both are also taken as they come."
        )
    ),
]
GroupCode = Annotated[
    str,
    StringConstraints(pattern=GROUP_CODE_PATTERN),
    Field(description="Beneficiary group (mã đối tượng): two capital letters; the list grows."),
]
FacilityCode = Annotated[
    str,
    StringConstraints(pattern=FACILITY_PATTERN),
    Field(description="Health facility (mã cơ sở KCB): 5 characters, the third may be a letter."),
]
CommuneCode = Annotated[
    str,
    StringConstraints(pattern=COMMUNE_PATTERN),
    Field(description="Commune code of the statistics office: 5 digits, as text, never reused."),
]
Phone = Annotated[
    str,
    StringConstraints(pattern=PHONE_PATTERN),
    Field(description="Telephone number: digits, may begin with +."),
]
Code = Annotated[
    str,
    StringConstraints(pattern=CODE_PATTERN),
    Field(description="A code of a national catalogue, as text."),
]
FieldCode = Annotated[
    str,
    StringConstraints(pattern=FIELD_CODE_PATTERN),
    Field(description="Field of administration (mã lĩnh vực), for example G03-GD10."),
]
SenderId = Annotated[
    str,
    StringConstraints(pattern=SENDER_PATTERN),
    Field(description="IAM unique id of a principal: the queue's SenderId up to the colon."),
]
AgencyId = Annotated[
    str,
    StringConstraints(pattern=AGENCY_ID_PATTERN, max_length=AGENCY_ID_MAX),
    Field(description="Agency id of Decision 20/2020 (H26.12), or the Z form of another body."),
]
AnyAgencyId = Annotated[
    str,
    StringConstraints(pattern=ANY_AGENCY_ID_PATTERN, max_length=AGENCY_ID_MAX),
    Field(description="Agency id, in the form of Decision 20/2020, the older form or the Z form."),
]
DossierCode = Annotated[
    str,
    StringConstraints(pattern=DOSSIER_CODE_PATTERN),
    Field(description="Dossier code (mã hồ sơ): agency id, date, counter; H26.12-260302-0001."),
]
ProcedureCode = Annotated[
    str,
    StringConstraints(pattern=PROCEDURE_CODE_PATTERN),
    Field(description="Procedure code (mã TTHC) such as 1.004222, with or without a suffix."),
]
StepId = Annotated[
    str,
    StringConstraints(pattern=PRINTABLE_PATTERN),
    Field(description="Id of a step, unique for its source and dossier: 1-128 characters."),
]
CalendarDate = Annotated[
    str,
    StringConstraints(pattern=DATE_PATTERN),
    Field(description="A date that exists: YYYY-MM-DD."),
]
PartialDate = Annotated[
    str,
    StringConstraints(pattern=PARTIAL_DATE_PATTERN),
    Field(description="As much of a date as is known: YYYY, YYYY-MM or YYYY-MM-DD."),
]
Instant = Annotated[
    str,
    BeforeValidator(rules.instant),
    Field(
        description=(
            "RFC 3339 with offset. Stored as YYYY-MM-DDTHH:MM:SS.ffffffZ, further digits cut off;"
            " second 60 is refused."
        ),
        json_schema_extra={"pattern": INSTANT_PATTERN},
        examples=["2026-03-02T08:15:00+07:00"],
    ),
]
Name = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=100),
    BeforeValidator(rules.text),
    Field(description="A name: text of at most 100 characters."),
]
Title = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=500),
    BeforeValidator(rules.text),
    Field(description="An address or title: text of at most 500 characters."),
]
LongText = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=1000),
    BeforeValidator(rules.text),
    Field(description="Text of at most 1,000 characters."),
]
ShortText = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=50),
    BeforeValidator(rules.text),
    Field(description="Text of at most 50 characters."),
]
DossierStatus = Annotated[
    int,
    Field(
        ge=1,
        le=10,
        description=(
            "National dossier state: 1 newly registered, 2 accepted, 3 refused, 4 in process,"
            " 5 supplement requested, 6 fee due, 7 withdrawn, 8 stopped, 9 done, 10 returned."
        ),
    ),
]
Amount = Annotated[
    int, Field(ge=0, le=LARGEST_INTEGER, description="An amount of money in whole đồng.")
]
