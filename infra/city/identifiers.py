"""Numbers that people and things are known by: in the form of real ones, each given once.

Every series is a counter sent through a permutation of its range, so numbers look random, never
repeat, and nothing is remembered but how many were given.
"""

from __future__ import annotations

from collections import Counter
from typing import Final
from zlib import crc32

from infra.city.clock import date_text, parts
from infra.city.names import Sex

MOST_PEOPLE: Final = 5_000_000
"""A city of more would run out of numbers of one birth year."""
_STEP: Final = {6: 618_033, 7: 6_180_339, 8: 61_803_399}
"""Coprime to the power of ten, so that counting by it meets every number once."""


class Identifiers:
    """Gives the numbers of one city."""

    def __init__(self, seed: int, province: str) -> None:
        self._seed, self._province = seed, province
        self._given: Counter[str] = Counter()

    def _next(self, series: str, digits: int) -> str:
        count = self._given[series]
        self._given[series] = count + 1
        start = crc32(f"{self._seed}/{series}".encode())
        return f"{(start + count * _STEP[digits]) % 10**digits:0{digits}d}"

    def personal_id(self, birth_province: str, sex: Sex, birth_year: int) -> str:
        """Circular 07/2016/TT-BCA, article 7: province of birth registration, century and sex,
        two digits of the birth year, six digits without meaning; no check digit."""
        century_and_sex = (birth_year // 100 - 19) * 2 + (sex == "female")
        prefix = f"{birth_province}{century_and_sex}{birth_year % 100:02d}"
        return prefix + self._next(prefix, 6)

    def old_identity_number(self) -> str:
        """Nine digits, the first two the province's."""
        return self._province + self._next("old-identity-number", 7)

    def insurance_number(self) -> str:
        """Ten digits, the first two the province's."""
        return self._province + self._next("insurance-number", 8)

    def phone(self) -> str:
        """Ten digits that nobody has: mobile numbers begin with 03, 05, 07, 08 or 09 and fixed
        lines with 02 (the numbering plan of Circular 22/2014/TT-BTTTT)."""
        return f"060{self._next('phone', 7)}"

    def business(self) -> str:
        """A business code of ten digits with a province prefix that is not in use."""
        return f"99{self._next('business', 8)}"

    def dossier_code(self, agency: str, day: int, long_form: bool) -> str:
        """Circular 01/2018/TT-VPCP, article 19: agency, date of receipt, counter of the day."""
        series = f"{agency}/{day}"
        self._given[series] += 1
        count = self._given[series]
        if long_form:
            return f"{agency}-{date_text(day).replace('-', '')}-{count:07d}"
        year, month, day_of_month = parts(day)
        return f"{agency}-{year % 100:02d}{month:02d}{day_of_month:02d}-{count:04d}"
