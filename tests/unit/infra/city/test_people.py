"""People: ages, households, and what befalls them."""

from __future__ import annotations

from collections import Counter

import pytest

from infra.city.clock import DAY, day, years_after
from infra.city.identifiers import Identifiers
from infra.city.places import province
from schemas.event_types import EVENT_TYPES
from tests.unit.infra.city.telling import Document, told


def people() -> list[Document]:
    return told().truth["people"]


def share(count: int) -> float:
    return count / len(people())


def stated(what: str) -> list[Document]:
    return [e for e in told().events() if e["type"] == f"vn.lienthong.{what}.v1"]


def test_half_are_women() -> None:
    assert share(sum(p["sex"] == "female" for p in people())) == pytest.approx(0.5, abs=0.03)


def test_a_quarter_are_children_and_a_tenth_are_old() -> None:
    years = [2025 - int(p["date_of_birth"][:4]) for p in people()]
    assert share(sum(age < 15 for age in years)) == pytest.approx(0.25, abs=0.04)
    assert share(sum(age >= 65 for age in years)) == pytest.approx(0.10, abs=0.03)


def test_births_and_deaths_are_about_as_frequent_as_in_the_country() -> None:
    assert share(sum(p["date_of_birth"] >= "2025" for p in people())) == pytest.approx(
        0.014, abs=0.008
    )
    assert share(sum("deceased_on" in p for p in people())) == pytest.approx(0.006, abs=0.004)


def test_surnames_have_their_shares_among_the_people_too() -> None:
    shares = Counter(p["full_name"].split()[0] for p in people())
    assert share(shares["Nguyễn"]) == pytest.approx(0.384, abs=0.045)
    assert share(shares["Trần"]) == pytest.approx(0.11, abs=0.03)


def test_the_personal_id_says_sex_and_birth_year() -> None:
    misnumbered = 0
    for person in people():
        digits = person["personal_id"]
        year = (19 + int(digits[3]) // 2) * 100 + int(digits[4:6])
        assert (int(digits[3]) % 2 == 1) == (person["sex"] == "female")
        misnumbered += year != int(person["date_of_birth"][:4])
    assert misnumbered < 6


def test_nobody_has_the_number_of_another() -> None:
    for field in ("personal_id", "old_identity_number"):
        numbers = [p[field] for p in people() if p[field]]
        assert len(numbers) == len(set(numbers))
    for field in ("former_ids", "mistaken_ids", "insurance_numbers", "dossiers"):
        numbers = [number for p in people() for number in p[field]]
        assert len(numbers) == len(set(numbers))


def test_a_series_of_numbers_meets_every_number_once() -> None:
    identifiers = Identifiers(1, "01")
    numbers = {identifiers.personal_id("001", "male", 1990) for _ in range(50_000)}
    assert len(numbers) == 50_000
    assert all(number.startswith("001090") for number in numbers)


def test_everybody_is_registered_with_a_head_of_household_who_exists() -> None:
    ids = {key for key, _ in told().of_kind("person")}
    for person in people():
        fields = told().shown["person", person["personal_id"]]
        assert fields["household"]["head_id"] in ids


def test_residences_are_communes_of_the_province() -> None:
    communes = {commune.code for commune in province("01").communes}
    assert len(communes) == 126
    for _, fields in told().of_kind("person"):
        if "residence" in fields:
            assert fields["residence"]["commune"] in communes


def test_the_birth_of_a_child_is_told_by_justice_then_confirmed_by_population() -> None:
    born = [p["personal_id"] for p in people() if p["date_of_birth"] >= "2025"]
    registered = stated("person.registered")
    assert born
    for key in born:
        sources = [e["source"] for e in registered if e["subject"] == key]
        assert sources[:2] == ["/agencies/G03", "/agencies/G01"]


def test_the_dead_are_deceased_in_their_record_unless_it_is_recorded_later() -> None:
    dead = [p for p in people() if "deceased_on" in p]
    lives = [told().shown["person", p["personal_id"]]["life"]["status"] for p in dead]
    assert Counter(lives)["deceased"] > 0.7 * len(dead)


def test_some_deaths_are_recorded_weeks_later() -> None:
    delays = [
        day(e["time"][:10]) - day(e["data"]["life"]["deceased_on"])
        for e in stated("person.deceased")
    ]
    assert max(delays) > 14
    assert sorted(delays)[len(delays) // 2] <= 10


def test_the_married_are_two() -> None:
    weddings = [e for e in stated("person.updated") if "marital_status_code" in e["data"]]
    assert weddings
    assert {e["source"] for e in weddings} == {"/agencies/G03"}
    assert len(weddings) % 2 == 0


def test_identity_cards_expire_on_a_birthday_of_the_law() -> None:
    for _, fields in told().of_kind("person"):
        card = fields.get("identity_card", {})
        if "expires_on" in card and len(fields["date_of_birth"]) == 10:
            birth = day(fields["date_of_birth"])
            assert day(card["expires_on"]) in [years_after(birth, y) for y in (25, 40, 60)]
            assert card["issued_on"] < card["expires_on"]


def test_replaced_ids_lead_to_the_one_that_holds() -> None:
    replaced = stated("person.identifier-replaced")
    assert replaced
    for event in replaced:
        (old,) = event["data"]["replaces"]
        assert told().shown["person", old]["annulment"]["same_as"] == event["subject"]


def test_most_but_not_all_who_were_registered_twice_are_noticed() -> None:
    mistaken = [(p["personal_id"], id_) for p in people() for id_ in p["mistaken_ids"]]
    noticed = [
        told().shown["person", id_]["annulment"]["same_as"] == right
        for right, id_ in mistaken
        if "annulment" in told().shown["person", id_]
    ]
    assert all(noticed)
    assert 0 < len(noticed) < len(mistaken)


def test_what_happens_is_told_by_the_event_types_of_the_contract() -> None:
    assert {e["type"] for e in told().events()} <= set(EVENT_TYPES)


def test_a_day_has_as_many_microseconds_as_the_clock_says() -> None:
    assert DAY == 24 * 60 * 60 * 1_000_000
