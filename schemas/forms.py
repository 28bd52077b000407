"""The forms of text that events hold: patterns, what each asks for, and normalisation.

Patterns use explicit ASCII classes (`[0-9]`, never `\\d`), match whole values and read the
same in Rust, ECMA 262 and Python (there with `re.fullmatch`). Imports nothing but the standard
library, so that a function starts without building a single model.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final
from unicodedata import normalize

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
_LETTERS: Final = r"[!-~\u00a1-\u024f\u1e00-\u1eff]"
NORMAL_TEXT_PATTERN: Final = f"^{_LETTERS}+(?: {_LETTERS}+)*$"
"""Text that `normalise_text` leaves as it is, told by its form alone: characters of ASCII and
precomposed Latin letters, Vietnamese among them, with single blanks inside."""
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
    "([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]((?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-5][0-9])"
    "(?:[.]([0-9]+))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
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
    day, clock, seconds, digits, zone = shape.groups()
    days, clock = _clock_in_utc(clock, zone)
    if digits is None:
        digits = "000000"
    elif len(digits) != 6:
        digits = digits[:6].ljust(6, "0")
    return f"{_day_off(day, days)}T{clock}{seconds}.{digits}Z"


# Days and clocks come again and again, instants hardly ever.


@lru_cache(maxsize=4096)
def _clock_in_utc(clock: str, zone: str) -> tuple[int, str]:
    """How many days off it is in UTC at this time of day, and the time of day there."""
    minutes = _minutes(clock)
    if zone not in "Zz":
        minutes += _minutes(zone[1:]) if zone[0] == "-" else -_minutes(zone[1:])
    days, minutes = divmod(minutes, 24 * 60)
    return days, f"{minutes // 60:02d}:{minutes % 60:02d}"


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@lru_cache(maxsize=4096)
def _day_off(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        raise ValueError("This instant is no date of the years 0001 to 9999.") from None


def normalise_text(text: str) -> str:
    """The text in Unicode NFC, without outer white space, inner runs as one blank.

    White space is what `str.isspace` says. Normalising twice changes nothing more.
    """
    return " ".join(normalize("NFC", text).split())


def normalise_card_number(text: str) -> str:
    """The card number without white space, in upper case where it is ASCII."""
    joined = "".join(text.split())
    return joined.upper() if joined.isascii() else joined
