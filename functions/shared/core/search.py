"""Finding people by name: what has to be asked, where it is looked for, how well a name matches.

A search names a person and at least one more thing about them, so that nobody browses. Names
match without regard to case, to where the tone mark stands (`hoà`, `hòa`) and to diacritics;
what matches best comes first. Folding only ever finds what is near: it never decides that two
people are one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from functions.shared.core.answers import BadRequest, Problem
from functions.shared.core.events import Json
from functions.shared.core.items import name_key
from functions.shared.core.texts import folded

MOST_FOUND: Final = 50
LONGEST_NAME: Final = 100
_DATE: Final = re.compile(
    r"(?:19|20)[0-9]{2}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?"
)
_COMMUNE: Final = re.compile("[0-9]{5}")
_OLD_NUMBER: Final = re.compile("[0-9]{9}")
_YEARS: Final = range(1900, 2100)
HINT: Final = (
    "There are more people of this name than one answer holds, or looking through them takes too"
    " long. Add the date of birth or its year, or the commune."
)


class Match(IntEnum):
    """How a name matches the one that was asked for; the least difference first."""

    EXACT = 0
    CASE = 1
    TONE = 2
    DIACRITICS = 3

    @property
    def word(self) -> str:
        """As an answer says it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search that has a meaning. `birth` is a date, or the beginning of one."""

    name: str
    birth: str | None
    commune: str | None
    old_identity_number: str | None
    limit: int

    @property
    def name_key(self) -> str:
        """The index key under which all who match by name are."""
        return name_key(self.name)

    @property
    def ranges(self) -> tuple[str, ...]:
        """What the birth keys begin with of those who are meant, in ranges that do not overlap.

        A date finds those as well of whom the month or the year alone is known. Nothing where
        no date was given: then it is every birth key of the name.
        """
        if self.birth is None:
            return ("",)
        year, month = self.birth[:4], self.birth[:7]
        if len(self.birth) == 4:
            return (year,)
        if len(self.birth) == 7:
            return (month, f"{year}#")
        day = f"{self.birth}#{self.commune}#" if self.commune else f"{self.birth}#"
        return (day, f"{month}#", f"{year}#")

    def takes(self, birth_key: str) -> bool:
        """Whether the person of a birth key (`<date>#<commune>#<id>`) is of the commune asked."""
        return self.commune is None or birth_key.split("#")[1] == self.commune

    def matches(self, fields: Mapping[str, Json]) -> Match | None:
        """How a person, by what is shown of them, matches; None where they do not.

        Of two dates of birth one may be the beginning of the other.
        """
        born, name = fields.get("date_of_birth", ""), fields.get("full_name")
        residence = fields.get("residence")
        if not isinstance(born, str) or not isinstance(name, str):
            return None
        if self.birth and not (
            born and (born.startswith(self.birth) or self.birth.startswith(born))
        ):
            return None
        if self.commune and not (
            isinstance(residence, dict) and residence.get("commune") == self.commune
        ):
            return None
        number = self.old_identity_number
        if number and fields.get("old_identity_number") != number:
            return None
        return match(self.name, name)


def wanted(
    *,
    name: str,
    date_of_birth: str | None = None,
    year_of_birth: int | None = None,
    commune: str | None = None,
    old_identity_number: str | None = None,
    limit: int = MOST_FOUND,
) -> Wanted:
    """The search that is meant. Raises BadRequest."""
    text = normal(name)
    problems = list(_problems_of_name(text))
    if date_of_birth is not None and not _DATE.fullmatch(date_of_birth):
        problems.append(
            Problem("/date_of_birth", "form", "A date of birth is YYYY-MM-DD, or YYYY-MM, or YYYY.")
        )
    if year_of_birth is not None and year_of_birth not in _YEARS:
        problems.append(
            Problem("/year_of_birth", "form", "A year of birth is a number from 1900 to 2099.")
        )
    elif year_of_birth and date_of_birth and not date_of_birth.startswith(str(year_of_birth)):
        problems.append(
            Problem(
                "/year_of_birth",
                "contradiction",
                "The year of birth is not that of the date of birth; leave one of them out.",
            )
        )
    if commune is not None and not _COMMUNE.fullmatch(commune):
        problems.append(Problem("/commune", "form", "A commune is its code of 5 digits."))
    if old_identity_number is not None and not _OLD_NUMBER.fullmatch(old_identity_number):
        problems.append(
            Problem("/old_identity_number", "form", "An old identity number has 9 digits.")
        )
    if not 1 <= limit <= MOST_FOUND:
        problems.append(Problem("/limit", "range", f"A limit is 1 to {MOST_FOUND}."))
    if all(one is None for one in (date_of_birth, year_of_birth, commune, old_identity_number)):
        problems.append(
            Problem(
                "",
                "too-little",
                "A name alone is not enough: add date_of_birth, year_of_birth, commune or"
                " old_identity_number.",
            )
        )
    if problems:
        raise BadRequest(problems)
    birth = date_of_birth or (str(year_of_birth) if year_of_birth is not None else None)
    return Wanted(text, birth, commune, old_identity_number, limit)


def _problems_of_name(name: str) -> Iterable[Problem]:
    if len(name) > LONGEST_NAME:
        yield Problem("/name", "too-long", f"A name has at most {LONGEST_NAME} characters.")
    elif len(folded(name).replace(" ", "")) < 2:
        yield Problem("/name", "too-short", "A name has at least two letters; give all of it.")


def normal(name: str) -> str:
    """A name as records hold it: composed (NFC), white space single."""
    return " ".join(unicodedata.normalize("NFC", name).split())


_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""Grave, acute, tilde, hook above, dot below: the five tone marks of Vietnamese."""


def _tones_last(name: str) -> str:
    """The name with the tone of each word behind it, wherever it stood in the word."""
    words = []
    for word in unicodedata.normalize("NFD", name.casefold()).split():
        letters = "".join(char for char in word if char not in _TONES)
        words.append(letters + "".join(sorted(char for char in word if char in _TONES)))
    return " ".join(words)


def match(asked: str, name: str) -> Match | None:
    """How well a name matches the one that was asked for."""
    name = normal(name)
    if name == asked:
        return Match.EXACT
    if name.casefold() == asked.casefold():
        return Match.CASE
    if _tones_last(name) == _tones_last(asked):
        return Match.TONE
    return Match.DIACRITICS if name_key(name) == name_key(asked) else None


class Named(NamedTuple):
    """A person who was found: what a search may show of them, and how the name matches."""

    personal_id: str
    fields: Mapping[str, Json]
    match: Match


SHOWN: Final[tuple[str, ...]] = ("full_name", "date_of_birth", "sex", "residence", "annulment")
"""The fields that a search shows; the last one is there of few, who then are no right match."""
