"""What the demo tells of who may see what: from the samples, and so that it can fail."""

from __future__ import annotations

import json
from typing import Any

from functions.shared.core.access import Role
from functions.shared.core.purposes import problem_with
from infra.lienthong import demo, demo_access
from infra.lienthong.demo_access import CARD, EVENT, INSPECTOR, NAME, OPERATOR, QUALITY, THREE, YEAR
from infra.lienthong.messages import messages_of
from infra.local.accounts import ACCOUNTS
from tests.api_double import card, masked, person, record, stated


def samples() -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in messages_of(demo._names("0[1-6]-*.ndjson"))]


def test_the_samples_have_the_person_the_card_and_the_event_of_the_story() -> None:
    (registered,) = [
        event["data"]
        for event in samples()
        if event["subject"] == demo.PERSON and event["type"].endswith("person.registered.v1")
    ]
    assert registered["date_of_birth"].startswith(str(YEAR))
    assert len(registered["full_name"].split()) == len(NAME.split())
    holders = {
        event["data"].get("personal_id") for event in samples() if event["subject"] == CARD
    } - {None}
    assert holders == {demo.PERSON}
    sent = demo_access._sample(demo._names("0[1-6]-*.ndjson"), *EVENT)
    assert sent["subject"] == demo.PERSON
    assert demo._file_of(EVENT).is_file()


def test_everybody_in_the_story_has_an_account_and_an_errand_that_is_registered() -> None:
    for asker in (*THREE, OPERATOR, QUALITY, INSPECTOR):
        assert asker.role in ACCOUNTS
        assert problem_with(*asker.errand) is None
    assert len({asker.role for asker in THREE}) == 3


def test_what_is_hidden_stands_beside_what_another_sees() -> None:
    whole = record("person", {"phone": stated("0900000001", "contact")})
    hidden = record("person", {"phone": masked("contact")})
    answers = [{"person": one, "insurance_cards": [], "dossiers": []} for one in (whole, hidden)]
    rows = list(demo_access._compared(answers))
    assert rows[0] == ("phone", "0900000001", "[dim](hidden)[/]")
    assert demo_access._masked(hidden) == {"phone"}
    assert demo_access._masked(whole) == set()


def test_a_record_as_it_was_known_is_told_from_any_other() -> None:
    known = record("person", {"phone": stated("1", "contact"), "eid": masked("sensitive")})
    version = known["version"]
    assert demo_access._as_known(known, version, {"phone": "1", "eid": {"level": 2}})
    assert not demo_access._as_known(known, version, {"phone": "2"})
    assert not demo_access._as_known(known, version, {"phone": "1", "sex": "male"})
    assert not demo_access._as_known(known, version + 1, {"phone": "1"})


def test_the_fields_that_a_role_saw_are_those_of_its_entries() -> None:
    entries = [
        {"roles": ["facility-staff"], "records": [{"seen": ["full_name"]}, {"seen": ["card"]}]},
        {"roles": ["inspector"], "records": [{"seen": ["residence"]}]},
    ]
    assert demo_access._seen_by(entries, Role.FACILITY_STAFF) == {"full_name", "card"}


def test_persons_and_cards_are_compared_field_by_field() -> None:
    answers = [{"person": person(), "insurance_cards": [card()], "dossiers": [1, 2]}]
    rows = list(demo_access._compared(answers))
    assert rows[-1] == ("[bold]dossiers[/]", "2")
    assert "insurance_number" in {row[0] for row in rows}
