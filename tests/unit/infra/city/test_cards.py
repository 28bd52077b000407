"""Health-insurance cards: groups, levels, numbers and validity."""

from __future__ import annotations

from collections import Counter

import pytest

from functions.shared.core.codes import INSURANCE_GROUPS
from infra.city.cards import GROUPS, LEVELS, child_card_end, facility_codes, pupil_card_end
from infra.city.clock import date_text, day
from infra.city.places import province
from tests.unit.infra.city.telling import Document, told


def cards() -> list[tuple[str, Document]]:
    return list(told().of_kind("insurance-card"))


def stated(what: str) -> list[Document]:
    return [e for e in told().events() if e["type"] == f"vn.lienthong.insurance-card.{what}.v1"]


@pytest.mark.parametrize(
    ("born", "until"),
    [
        # Decree 146/2018/ND-CP, article 13.2
        ("2019-01-10", "2025-09-30"),
        ("2019-09-30", "2025-09-30"),
        ("2019-10-01", "2025-10-31"),
        ("2019-11-05", "2025-11-30"),
        ("2020-02-29", "2026-09-30"),
        ("2019-12-31", "2025-12-31"),
    ],
)
def test_a_childs_card_ends_by_the_rule_of_72_months(born: str, until: str) -> None:
    assert date_text(child_card_end(day(born))) == until


def test_a_pupils_card_ends_with_the_school_year() -> None:
    assert date_text(pupil_card_end(day("2025-10-01"))) == "2026-09-30"
    assert date_text(pupil_card_end(day("2025-03-01"))) == "2025-09-30"


def test_groups_are_known_ones_and_their_levels_the_laws() -> None:
    groups = {group for _, table in GROUPS for group in table.values}
    assert groups <= INSURANCE_GROUPS
    assert (LEVELS["TE"], LEVELS["HN"], LEVELS["HT"], LEVELS["QN"]) == (1, 2, 3, 5)


def test_a_long_number_is_group_level_province_and_insurance_number() -> None:
    forms = Counter[int]()
    for key, fields in cards():
        card = fields["card"]
        forms[len(card["number"])] += 1
        expected = f"{card['group_code']}{card['benefit_level']}01{key}"
        assert card["number"] in (key, expected)
    assert set(forms) == {10, 15}


def test_children_have_childrens_cards_from_the_day_they_were_born() -> None:
    children = [fields for _, fields in cards() if fields["card"]["group_code"] == "TE"]
    assert children
    for fields in children:
        birth = fields["date_of_birth"]
        assert fields["card"]["valid_from"] == birth
        assert fields["card"]["valid_to"] == date_text(child_card_end(day(birth)))


def test_groups_suit_the_age() -> None:
    for event in stated("issued"):
        group = event["data"]["card"]["group_code"]
        age = 2025 - int(event["data"]["date_of_birth"][:4])
        assert group != "HT" or age >= 59
        assert group != "HS" or age <= 23
        assert group != "TE" or age <= 6


def test_a_renewal_begins_the_day_after_or_thirty_days_after_payment() -> None:
    last: dict[str, Document] = {}
    gaps = Counter[bool]()
    for event in told().events():
        card = event["data"].get("card")
        if not event["type"].startswith("vn.lienthong.insurance-card.") or not card:
            continue
        before = last.get(event["subject"])
        if before and before["valid_from"] != card["valid_from"]:
            gap = day(card["valid_from"]) - day(before["valid_to"])
            assert gap == 1 or gap >= 92 + 30
            if gap > 1:
                paid = day(event["time"][:10])
                assert day(card["valid_from"]) - paid in (29, 30, 31)
            gaps[gap == 1] += 1
        last[event["subject"]] = card
    assert gaps[True] > 20 * gaps[False] > 0


def test_cards_of_the_dead_are_ended_but_not_all_and_not_all_at_once() -> None:
    dead = [p for p in told().truth["people"] if "deceased_on" in p and p["insurance_numbers"]]
    states = Counter(
        told().shown["insurance-card", p["insurance_numbers"][0]]["status"] for p in dead
    )
    assert states["ended"] > len(dead) / 2


def test_suspended_cards_are_there() -> None:
    assert stated("suspended")


def test_facilities_are_in_form_and_some_have_a_letter() -> None:
    codes = facility_codes(province("01"))
    assert any(not code.isdigit() for code in codes)
    assert all(code.startswith("01") and len(code) == 5 for code in codes)


def test_some_people_have_two_numbers_of_which_most_are_noticed() -> None:
    several = [p["insurance_numbers"] for p in told().truth["people"]]
    several = [numbers for numbers in several if len(numbers) > 1]
    noticed = [
        told().shown["insurance-card", second].get("annulment", {}).get("same_as") == first
        for first, second in several
    ]
    assert len(several) > len([n for n in noticed if n]) > 0
