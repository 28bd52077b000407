"""What a record shows that does not fit together: warnings, never refusals.

Every warning is a function of the lanes alone, so any order of events gives the same list.
Texts are codes for programs and people alike; `WARNINGS` explains each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from functions.shared.core.codes import BIRTH_REGISTRATION_PROVINCES, INSURANCE_GROUPS
from functions.shared.core.events import Json
from functions.shared.core.instants import vietnam_day
from functions.shared.core.kinds import DOSSIER, DOSSIER_MOVES, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.lanes import Lanes, disputed

Fields = Mapping[str, Json]

WARNINGS: Final[Mapping[str, str]] = {
    "disputed": "A lower-ranked source says something newer and different of this field.",
    "personal-id-year": "The birth year is not the one in the personal id's digits 4 to 6.",
    "personal-id-sex": "The sex is not the one in the personal id's fourth digit.",
    "personal-id-province": "Digits 1 to 3 of the personal id are no province; perhaps a country.",
    "replaces-itself": "The person is said to replace their own personal id.",
    "placeholder": "A name is a placeholder, not a name.",
    "deceased-before-birth": "The day of death is before the day of birth.",
    "deceased-on-while-not-deceased": "A day of death is given, but the person is not deceased.",
    "identity-card-dates": "The identity card expires before it was issued, or precedes birth.",
    "card-number": "The card number does not end in the insurance number.",
    "card-group": "The group in the card number is not the group stated.",
    "card-benefit-level": "The benefit level in the card number is not the level stated.",
    "unknown-group": "The insurance group is not in the known list.",
    "card-dates": "The card is valid to a day before the one it is valid from.",
    "placeholder-identity": "The applicant's paper number is a known placeholder.",
    "dossier-code-date": "The date in the dossier code is not a day of the calendar.",
    "finished-without-due-date": "The dossier is finished and never had a due date.",
    "due-before-received": "The due date is before the dossier was received.",
    "finished-before-received": "The dossier was finished before it was received.",
    "unusual-move": "The timeline holds this move, which the national states do not have.",
}
"""Warning (the part before a colon) -> what it says."""

_PLACEHOLDER_NAMES: Final = frozenset(
    {"-", ".", "n/a", "na", "null", "none", "không rõ", "khong ro", "chưa rõ", "không có", "x"}
)
# Seen in real synchronisation code: an owner id that is no identity number is replaced by it.
_PLACEHOLDER_PAPERS: Final = frozenset({"000000001", "000000000", "123456789", "000000000000"})


def warnings(kind: Kind, key: str, fields: Fields, lanes: Lanes) -> list[str]:
    """The record's warnings, sorted, each once."""
    found = [f"disputed:{name}" for name in disputed(lanes)]
    rules = _RULES.get(kind.name)
    if rules is not None:
        found += rules(key, fields)
    return sorted(set(found)) if found else found


def _person(key: str, fields: Fields) -> Iterator[str]:
    yield from _identity(key, fields)
    if key[:3] not in BIRTH_REGISTRATION_PROVINCES:
        yield "personal-id-province"
    if key in _list(fields, "replaces"):
        yield "replaces-itself"
    if _is_placeholder(fields.get("full_name")):
        yield "placeholder:full_name"
    birth = _text(fields, "date_of_birth")
    life = _part(fields, "life")
    died = life.get("deceased_on")
    if died is not None:
        if life.get("status") != "deceased":
            yield "deceased-on-while-not-deceased"
        if birth and died[: len(birth)] < birth:
            yield "deceased-before-birth"
    card = _part(fields, "identity_card")
    issued, expires = card.get("issued_on"), card.get("expires_on")
    if issued and ((expires and expires < issued) or (birth and issued[: len(birth)] < birth)):
        yield "identity-card-dates"


def _identity(personal_id: str, fields: Fields) -> Iterator[str]:
    """Circular 07/2016/TT-BCA, article 7: digit 4 is century and sex, 5-6 the birth year."""
    digit = int(personal_id[3])
    birth, sex = _text(fields, "date_of_birth"), fields.get("sex")
    if birth and int(birth[:4]) != (19 + digit // 2) * 100 + int(personal_id[4:6]):
        yield "personal-id-year"
    if sex is not None and sex != ("female" if digit % 2 else "male"):
        yield "personal-id-sex"


def _insurance_card(key: str, fields: Fields) -> Iterator[str]:
    if personal_id := _text(fields, "personal_id"):
        yield from _identity(personal_id, fields)
    if _is_placeholder(fields.get("full_name")):
        yield "placeholder:full_name"
    card = _part(fields, "card")
    number, group, level = card.get("number"), card.get("group_code"), card.get("benefit_level")
    if number:
        if not number.endswith(key) and "KT" not in number[5:7]:
            yield "card-number"
        if len(number) == 15:
            if group and number[:2] != group:
                yield "card-group"
            if level and int(number[2]) != level:
                yield "card-benefit-level"
            group = group or number[:2]
    if group and group not in INSURANCE_GROUPS:
        yield "unknown-group"
    since, until = card.get("valid_from"), card.get("valid_to")
    if since and until and until < since:
        yield "card-dates"


def _dossier(key: str, fields: Fields) -> Iterator[str]:
    applicant = _part(fields, "applicant")
    if (applicant.get("paper_number") or applicant.get("personal_id")) in _PLACEHOLDER_PAPERS:
        yield "placeholder-identity"
    if _is_placeholder(applicant.get("name")):
        yield "placeholder:applicant"
    if not _code_date_exists(key):
        yield "dossier-code-date"
    received = _text(fields, "received_at") or _text(fields, "submitted_at")
    due, finished = _text(fields, "due_at"), _text(fields, "finished_at")
    if finished and not due:
        yield "finished-without-due-date"
    if received and due and vietnam_day(due) < vietnam_day(received):
        yield "due-before-received"
    if received and finished and finished < received:
        yield "finished-before-received"
    statuses = [step["status"] for step in _list(fields, "steps") if "status" in step]
    for before, after in pairwise(statuses):
        if after != before and after not in DOSSIER_MOVES[before]:
            yield f"unusual-move:{before}-{after}"


_RULES: Final[Mapping[str, Callable[[str, Fields], Iterator[str]]]] = {
    PERSON.name: _person,
    INSURANCE_CARD.name: _insurance_card,
    DOSSIER.name: _dossier,
}


def _code_date_exists(dossier_code: str) -> bool:
    """`<agency>-YYMMDD-XXXX` or `<agency>-YYYYMMDD-XXXXXXX`; the month and day must exist."""
    digits = dossier_code.split("-")[1][-4:]
    month, day = int(digits[:2]), int(digits[2:])
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_placeholder(value: Json) -> bool:
    return isinstance(value, str) and value.casefold() in _PLACEHOLDER_NAMES


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def _part(fields: Fields, name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _list(fields: Fields, name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []
