"""Names have the shares that were published, and forms that are borne."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from infra.city.chance import Chance
from infra.city.names import MINORITIES, PUBLISHED_SHARES, Names, Sex

REPOSITORY = Path(__file__).parents[4]
DATA = Path(os.environ.get("DATA", REPOSITORY.parent / "shared/data"))
MANY = 20_000


@cache
def families(southern: bool) -> Counter[str]:
    names, chance = Names(southern), Chance("families", southern)
    return Counter(names.family(chance, None) for _ in range(MANY))


def given(sex: Sex, birth_year: int) -> Counter[str]:
    names, chance = Names(southern=False), Chance("given", sex, birth_year)
    full = (names.full(chance, None, "Nguyễn", sex, birth_year) for _ in range(4000))
    return Counter(name.split()[1] for name in full)


def names_of(code: str, sex: Sex) -> set[str]:
    people = next(p for p in MINORITIES.values if p.code == code)
    names, chance = Names(southern=True), Chance("peoples", code, sex)
    return {names.full(chance, people, names.family(chance, people), sex, 1990) for _ in range(200)}


@pytest.mark.parametrize("southern", [False, True])
@pytest.mark.parametrize("surname", PUBLISHED_SHARES)
def test_a_surname_has_its_published_share(surname: str, southern: bool) -> None:
    found = sum(families(southern)[form] for form in surname.split("/")) / MANY
    assert found == pytest.approx(PUBLISHED_SHARES[surname] / 1000, abs=0.01)


def test_fourteen_surnames_are_those_of_nine_people_in_ten() -> None:
    assert sum(PUBLISHED_SHARES.values()) == 891


def test_the_south_writes_two_surnames_its_own_way() -> None:
    north, south = families(False), families(True)
    assert north["Hoàng"] > north["Huỳnh"]
    assert south["Huỳnh"] > south["Hoàng"]
    assert north["Vũ"] > north["Võ"]
    assert south["Võ"] > south["Vũ"]


def test_thi_and_van_are_what_older_women_and_men_have_in_the_middle() -> None:
    old, young = given("female", 1955), given("female", 2012)
    assert old["Thị"] > 2 * young["Thị"]
    assert given("male", 1955)["Văn"] > 2 * given("male", 2012)["Văn"]
    assert not old["Văn"]


def test_names_are_written_in_composed_letters_and_single_blanks() -> None:
    for people in (None, *MINORITIES.values):
        names, chance = Names(southern=False), Chance("letters", people and people.code)
        sexes: tuple[Sex, ...] = ("male", "female")
        for sex in sexes:
            for _ in range(100):
                name = names.full(chance, people, names.family(chance, people), sex, 1980)
                assert unicodedata.normalize("NFC", name) == name
                assert " ".join(name.split()) == name
                assert name[0].isupper()


def test_some_peoples_say_man_and_woman_before_the_name() -> None:
    assert all(re.match("H'\\w", name) for name in names_of("11", "female"))
    assert all(name.startswith("Y ") for name in names_of("11", "male"))


def test_some_names_have_hyphens_and_some_are_one_word() -> None:
    assert all(re.match("[HY]-", name) for name in names_of("10", "male"))
    assert all(" " not in name for name in names_of("12", "female"))


def test_peoples_have_codes_of_their_own() -> None:
    codes = [people.code for people in MINORITIES.values]
    assert len(codes) == len(set(codes)) == 11
    assert "01" not in codes


COUNTED = DATA / "people/vn_surname_freq_uit.csv"


@pytest.mark.skipif(not COUNTED.exists(), reason="the counted surnames are not on this machine")
def test_the_ten_most_frequent_surnames_are_nearly_those_that_were_counted() -> None:
    with COUNTED.open(encoding="utf-8") as file:
        counted = [row["surname"] for row in csv.DictReader(file)][:10]
    both = families(False) + families(True)
    ours = {name for name, _ in both.most_common(12)}
    assert len(ours & set(counted)) >= 8
