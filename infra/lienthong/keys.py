"""Keys as people type them: which kind of record a key is of, and whether it has its form."""

from __future__ import annotations

import argparse
import re
from typing import Final, NamedTuple

from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, KINDS, PERSON
from infra.lienthong.problems import Misuse
from schemas.forms import (
    AGENCY_ID_MAX,
    AGENCY_ID_PATTERN,
    DOSSIER_CODE_PATTERN,
    INSURANCE_NUMBER_PATTERN,
    PERSONAL_ID_PATTERN,
)

KIND_OF_WORD: Final = {
    "person": PERSON.name,
    "card": INSURANCE_CARD.name,
    "insurance-card": INSURANCE_CARD.name,
    "dossier": DOSSIER.name,
    "agency": AGENCY.name,
}
"""What a person types -> kind."""
WORDS: Final = ("person", "card", "dossier", "agency")

_FORM: Final = {
    PERSON.name: (PERSONAL_ID_PATTERN, "a personal id has 12 digits, leading zeros included"),
    INSURANCE_CARD.name: (
        INSURANCE_NUMBER_PATTERN,
        "an insurance number has 10 digits, leading zeros included",
    ),
    DOSSIER.name: (
        DOSSIER_CODE_PATTERN,
        "a dossier code is <agency>-<YYMMDD or YYYYMMDD>-<4 to 7 digits>",
    ),
    AGENCY.name: (AGENCY_ID_PATTERN, "an agency id looks like H26.12"),
}


class RecordName(NamedTuple):
    """A record's kind and key."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


def named(word: str, key: str) -> RecordName:
    """The record of a kind (as typed) and a key; `Misuse` if the key has not that kind's form."""
    kind = KIND_OF_WORD[word]
    if not _has_form(kind, key):
        raise Misuse(f"{key} is no key of that kind: {_FORM[kind][1]}. Correct it.")
    return RecordName(kind, key)


def recognised(text: str, word: str | None = None) -> RecordName:
    """The record that a key names by its form, or as `<kind>/<key>`; `Misuse` if it is none."""
    if word is not None:
        return named(word, text)
    kind, slash, key = text.partition("/")
    if slash and kind in KIND_OF_WORD:
        return named(kind, key)
    kinds = [kind for kind in KINDS if _has_form(kind, text)]
    if len(kinds) != 1:
        raise Misuse(
            f"{text} has the form of no key: {'; '.join(form for _, form in _FORM.values())}. "
            "Correct it, or say the kind with --kind."
        )
    return RecordName(kinds[0], text)


def _has_form(kind: str, key: str) -> bool:
    if kind == AGENCY.name and len(key) > AGENCY_ID_MAX:
        return False
    return re.fullmatch(_FORM[kind][0], key) is not None


def add_kind_option(parser: argparse.ArgumentParser) -> None:
    """`--kind`, where a key's form does not say enough."""
    parser.add_argument(
        "--kind", choices=WORDS, help="kind of the record (default: what the key's form says)"
    )
