"""Named scalar types: each has a form, a description and one sentence that says how to fix it.

Patterns use explicit ASCII classes (`[0-9]`, never `\\d`), match whole values and read the
same in Rust, ECMA 262 and Python (there with `re.fullmatch`). Values that pass validation are
plain JSON: text, integers, booleans, lists and objects; never dates or other Python types.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from unicodedata import normalize

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

# Forms ------------------------------------------------------------------------------------

LARGEST_INTEGER: Final = 2**53
"""RFC 7493 (I-JSON), 2.2: integers beyond this are not the same number to every reader."""

_YEAR: Final = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR: Final = (
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
)
_DAY_OF_YEAR: Final = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE: Final = f"(?:{_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)"
DATE_PATTERN: Final = f"^{_DATE}$"
"""A date of the Gregorian calendar, years 0001 to 9999; leap days only in leap years."""
PARTIAL_DATE_PATTERN: Final = f"^(?:{_YEAR}(?:-(?:0[1-9]|1[0-2]))?|{_DATE})$"
INSTANT_PATTERN: Final = (
    f"^{_DATE}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?"
    "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""RFC 3339, section 5.6, without leap seconds and without a blank in place of `T`."""
STORED_INSTANT_PATTERN: Final = (
    f"^{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{{6}}Z$"
)

_BLANKS: Final = (
    r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
)
TEXT_PATTERN: Final = rf"^[^\u0000]*[^\u0000{_BLANKS}][^\u0000]*$"
"""Some character that is not white space, and no NUL."""
PRINTABLE_PATTERN: Final = (
    r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff]{1,128}$"
)
"""1-128 characters without control characters, line separators and noncharacters."""

PERSONAL_ID_PATTERN: Final = "^[0-9]{12}$"
OLD_IDENTITY_NUMBER_PATTERN: Final = "^[0-9]{9}$"
INSURANCE_NUMBER_PATTERN: Final = "^[0-9]{10}$"
CARD_NUMBER_PATTERN: Final = "^(?:[A-Z]{2}[1-5][0-9]{2}(?:[0-9]{10}|KT[0-9]{8})|[0-9]{10})$"
GROUP_CODE_PATTERN: Final = "^[A-Z]{2}$"
FACILITY_PATTERN: Final = "^[0-9]{2}[0-9A-Z][0-9]{2}$"
COMMUNE_PATTERN: Final = "^[0-9]{5}$"
PHONE_PATTERN: Final = "^[+]?[0-9]{3,20}$"
CODE_PATTERN: Final = "^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$"
FIELD_CODE_PATTERN: Final = "^[0-9A-Za-z][0-9A-Za-z._-]{0,49}$"
SENDER_PATTERN: Final = "^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$"

AGENCY_NEW: Final = "[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}"
"""Decision 20/2020/QD-TTg, article 4: groups from the left are levels 1, 2, 3 ..."""
AGENCY_OTHER: Final = "Z[0-9A-Z]{2}[0-9A-Z]{0,32}"
"""The same, article 6: a scheme and up to 32 characters, for bodies that are no agency."""
AGENCY_OLD: Final = "[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Y][0-9]{2}"
"""QCVN 102: most specific group first; 000.00.00.H26 is the province itself."""
AGENCY_ID_MAX: Final = 35
AGENCY_ID_PATTERN: Final = f"^(?:{AGENCY_NEW}|{AGENCY_OTHER})$"
ANY_AGENCY_ID_PATTERN: Final = f"^(?:{AGENCY_NEW}|{AGENCY_OTHER}|{AGENCY_OLD})$"
DOSSIER_CODE_PATTERN: Final = (
    f"^(?:{AGENCY_OLD}|{AGENCY_NEW})-(?:[0-9]{{6}}|[0-9]{{8}})-[0-9]{{4,7}}$"
)
"""Circular 01/2018/TT-VPCP, article 19, and the later form with an eight-digit date."""
PROCEDURE_CODE_PATTERN: Final = "^[1-9][.][0-9]{6}(?:[.](?:000[.]00[.]00[.])?[A-Y][0-9]{2})?$"

EXPECTED: Final[dict[str, str]] = {
    DATE_PATTERN: ("This must be a date that exists, written YYYY-MM-DD, for example 2026-03-31."),
    PARTIAL_DATE_PATTERN: (
        "This must be a year, a month or a date that exists, written YYYY, YYYY-MM or"
        " YYYY-MM-DD, for example 1958 or 1958-07-02."
    ),
    TEXT_PATTERN: "This text must not hold the character NUL (U+0000); remove it.",
    PRINTABLE_PATTERN: (
        "This must be 1 to 128 printable characters, without control characters or line breaks."
    ),
    PERSONAL_ID_PATTERN: (
        "This must be the 12 digits 0-9 of a personal id, written as text with its leading zeros."
    ),
    OLD_IDENTITY_NUMBER_PATTERN: (
        "This must be the 9 digits 0-9 of an old identity number, written as text with its"
        " leading zeros."
    ),
    INSURANCE_NUMBER_PATTERN: (
        "This must be the 10 digits 0-9 of an insurance number, written as text with its leading"
        " zeros."
    ),
    CARD_NUMBER_PATTERN: (
        "This must be a card number: two letters, the level 1-5, two digits and ten digits (or KT"
        " and eight digits), or the ten digits of the insurance number alone."
    ),
    GROUP_CODE_PATTERN: "This must be the two capital letters of a beneficiary group.",
    FACILITY_PATTERN: (
        "This must be the 5 characters of a health facility: digits, of which the third may be a"
        " capital letter, for example 01020 or 01C51."
    ),
    COMMUNE_PATTERN: (
        "This must be the 5 digits 0-9 of a commune, written as text with its leading zeros."
    ),
    PHONE_PATTERN: (
        "This must be a telephone number of 3 to 20 digits 0-9, which may begin with +; leave out"
        " blanks and punctuation."
    ),
    CODE_PATTERN: (
        "This must be a code of at most 20 letters A-Z and a-z, digits, dots, hyphens and"
        " underscores, beginning with a letter or digit."
    ),
    FIELD_CODE_PATTERN: (
        "This must be a code of at most 50 letters A-Z and a-z, digits, dots, hyphens and"
        " underscores, beginning with a letter or digit."
    ),
    SENDER_PATTERN: (
        "This must be the IAM unique id of a principal: at most 128 letters, digits, hyphens and"
        " underscores, without the colon and what follows it."
    ),
    AGENCY_ID_PATTERN: (
        "This must be an agency id in the form of Decision 20/2020, for example H26.12, or the Z"
        " form of another body."
    ),
    ANY_AGENCY_ID_PATTERN: (
        "This must be an agency id, for example H26.12, its older form such as 000.12.00.H26, or"
        " the Z form of another body."
    ),
    DOSSIER_CODE_PATTERN: (
        "This must be a dossier code: an agency id, a date of 6 or 8 digits and a counter of 4 to"
        " 7 digits, joined by hyphens, for example H26.12-260302-0001."
    ),
    PROCEDURE_CODE_PATTERN: (
        "This must be a procedure code such as 1.004222, which may end in the id of the agency"
        " whose variant it is."
    ),
}
"""What each pattern asks for, as a sentence for the sender. Every pattern used has one."""

# Normalisation ----------------------------------------------------------------------------

_INSTANT: Final = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?"
    "(?:([Zz])|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch


def normalise_instant(text: str) -> str:
    """The instant as `YYYY-MM-DDTHH:MM:SS.ffffffZ`; digits after the sixth are cut off.

    Takes RFC 3339 with an offset, `T` and `Z` in either case. Raises ValueError for anything
    else: a leap second, a date that does not exist, an instant whose UTC year is not 1-9999.
    The order of instants is the order of the results as text.
    """
    shape = _INSTANT(text)
    if shape is None:
        raise ValueError("This is no instant of RFC 3339.")
    if shape.end(1) >= 0:
        return datetime.fromisoformat(text[:-1]).isoformat(timespec="microseconds") + "Z"
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("This instant is outside the years 0001 to 9999.") from None
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def normalise_text(text: str) -> str:
    """The text in Unicode NFC, without outer white space, inner runs as one blank.

    White space is what `str.isspace` says. Normalising twice changes nothing more.
    """
    return " ".join(normalize("NFC", text).split())


def normalise_card_number(text: str) -> str:
    """The card number without white space, in upper case where it is ASCII."""
    joined = "".join(text.split())
    return joined.upper() if joined.isascii() else joined


def _text(value: object) -> object:
    return " ".join(normalize("NFC", value).split()) if type(value) is str else value


def _card_number(value: object) -> object:
    return normalise_card_number(value) if type(value) is str else value


def _instant(value: object) -> object:
    if type(value) is not str:
        return value
    try:
        return normalise_instant(value)
    except ValueError:
        raise PydanticCustomError("instant", "no instant") from None


# Types ------------------------------------------------------------------------------------

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
    BeforeValidator(_card_number),
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
    BeforeValidator(_instant),
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
    BeforeValidator(_text),
    Field(description="A name: text of at most 100 characters."),
]
Title = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=500),
    BeforeValidator(_text),
    Field(description="An address or title: text of at most 500 characters."),
]
LongText = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=1000),
    BeforeValidator(_text),
    Field(description="Text of at most 1,000 characters."),
]
ShortText = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=50),
    BeforeValidator(_text),
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
