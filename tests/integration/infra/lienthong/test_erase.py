"""An erased value is nowhere in record or ledger, and everything still verifies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.dynamodb import DynamoRecords, entry_from_item
from functions.shared.adapters.erasure import DynamoErasure
from functions.shared.core.erasure import Erasure, plan_erasure
from functions.shared.core.errors import Conflict
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Verdict, plan_round
from functions.shared.core.reading import read
from functions.shared.ports import Commit
from tests.builders import PERSON_ID, circumstances, event, messages
from tests.fakes import Unhurried
from tests.integration.infra.lienthong.town import Town

SECRET = "0911222333"
KEPT = "0900000001"


@pytest.fixture
def phones(town: Town) -> Town:
    """A telephone number stated twice, once replaced, once superseded."""
    town.take(
        event(fields={"phone": SECRET, "nationality": "VN"}, id_="1", time="2026-03-01T00:00:00Z"),
        event(fields={"phone": KEPT}, id_="2", time="2026-03-02T00:00:00Z"),
        event(
            fields={"phone": SECRET}, source="/agencies/G24", id_="3", time="2026-02-01T00:00:00Z"
        ),
        event(fields={"nationality": "LA"}, id_="4", time="2026-03-03T00:00:00Z"),
    )
    return town


def erase(town: Town, *arguments: str) -> int:
    return town.run("erase", "person", PERSON_ID, *arguments, "--reason", "asked for", "--yes")


def test_the_value_is_nowhere_afterwards(phones: Town) -> None:
    assert SECRET in phones.everything()
    assert erase(phones, "phone", "--version", "1") == 0
    assert SECRET not in phones.everything()
    assert KEPT in phones.everything()


def test_everything_still_verifies(phones: Town) -> None:
    assert erase(phones, "phone", "--version", "1") == 0
    assert phones.run("verify") == 0


def test_a_shown_value_leaves_the_record_and_a_lower_one_shows(town: Town) -> None:
    town.take(
        event(fields={"full_name": "Trần An"}, id_="1"),
        event(fields={"full_name": "Trần Ân"}, source="/agencies/G24", id_="2"),
    )
    assert erase(town, "full_name", "--value-of", "1") == 0
    item = town.record("person", PERSON_ID)
    assert item["full_name"] == {"S": "Trần Ân"}
    assert town.run("verify") == 0


def test_repeats_of_an_erased_event_are_duplicates(phones: Town) -> None:
    assert erase(phones, "phone", "--version", "1") == 0
    (report,) = phones.take(
        event(fields={"phone": SECRET, "nationality": "VN"}, id_="1", time="2026-03-01T00:00:00Z")
    )
    assert report.verdicts[0] is Verdict.DUPLICATE
    assert SECRET not in phones.everything()


def test_entries_that_are_not_touched_keep_their_bytes(phones: Town) -> None:
    before = phones.entries("person", PERSON_ID)[3]
    assert erase(phones, "phone", "--version", "1") == 0
    assert phones.entries("person", PERSON_ID)[3] == before


def test_the_record_goes_on_after_an_erasure(phones: Town) -> None:
    assert erase(phones, "phone", "--version", "2") == 0
    (report,) = phones.take(event(fields={"phone": "0900000005"}, id_="9"))
    assert report.verdicts[0] is Verdict.APPLIED
    assert phones.record("person", PERSON_ID)["phone"] == {"S": "0900000005"}
    assert phones.run("verify") == 0


def test_a_value_may_be_erased_after_another(phones: Town) -> None:
    assert erase(phones, "phone", "--version", "1") == 0
    assert erase(phones, "phone", "--version", "2") == 0
    assert erase(phones, "nationality", "--value-of", "1", "4") == 0
    text = phones.everything()
    assert not [value for value in (SECRET, KEPT, '"LA"', '"VN"') if value in text]
    assert phones.run("verify") == 0


def test_the_answer_names_what_was_erased_and_what_is_not_covered(
    phones: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert erase(phones, "phone", "--version", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    erased = {entry["version"]: entry["erased"] for entry in found["entries"]}
    assert erased == {1: "pair", 2: "before", 3: "pair"}
    assert "quarantine" in found["not_covered"]
    assert found["quarantine_copies"] == []


def test_quarantined_messages_of_the_events_are_named(
    phones: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    phones.take(event(fields={"phone": SECRET}, id_="1"))  # the id, with other content
    assert erase(phones, "phone", "--version", "1", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["quarantine_copies"]) == 1


def refused(town: Town, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = town.everything()
    assert erase(town, *arguments) in (1, 2)
    assert town.everything() == before
    return capsys.readouterr().err


def test_it_has_to_be_clear_which_value_is_meant(
    phones: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Several values" in refused(phones, capsys, "phone")
    assert "states no value" in refused(phones, capsys, "phone", "--version", "4")
    assert "states no value" in refused(phones, capsys, "phone", "--value-of", "77")
    assert "No entry states a value of full_name" in refused(phones, capsys, "full_name")


def test_a_repeated_erasure_finds_nothing(phones: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert erase(phones, "phone", "--version", "1") == 0
    assert "states no value" in refused(phones, capsys, "phone", "--version", "1")


def test_a_record_that_does_not_verify_is_left_alone(
    phones: Town, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    item = phones.record("person", PERSON_ID)
    phones.put("PeopleTable", {**item, "phone": {"S": "0900000007"}})
    assert "does not agree" in refused(phones, capsys, "phone", "--version", "1")


def test_a_replaced_id_cannot_be_erased(phones: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert "field's own name" in refused(phones, capsys, "replaces/001190000018")


def test_the_reason_must_not_repeat_the_value(phones: Town) -> None:
    arguments = ("person", PERSON_ID, "phone", "--version", "1", "--yes")
    assert phones.run("erase", *arguments, "--reason", f"{SECRET} is not theirs") == 2
    assert SECRET in phones.everything()


def test_without_a_terminal_and_without_yes_nothing_is_erased(phones: Town) -> None:
    before = phones.everything()
    arguments = ("person", PERSON_ID, "phone", "--version", "1", "--reason", "asked for")
    assert phones.run("erase", *arguments) == 2
    assert phones.everything() == before


def test_more_entries_than_one_transaction_holds_are_refused_whole(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = [event(fields={"phone": SECRET}, id_=str(number)) for number in range(100)]
    town.pipeline("person").run(messages(batch), Unhurried())
    assert "99 of them" in refused(town, capsys, "phone")


def planned(town: Town, *values: str) -> tuple[Erasure, dict[str, Any]]:
    items = town.entries("person", PERSON_ID)
    entries = [entry_from_item(item) for item in items]
    erasure = plan_erasure("person", PERSON_ID, entries, "phone", values)
    return erasure, {item["event_uid"]["S"]: item for item in items}


def store(town: Town) -> DynamoErasure:
    return DynamoErasure(town.dynamodb, "PeopleTable", "LedgerTable")


def test_an_event_that_comes_in_between_stops_the_erasure(phones: Town) -> None:
    erasure, loaded = planned(phones, SECRET)
    phones.take(event(fields={"nationality": "KH"}, id_="9"))
    before = phones.everything()
    with pytest.raises(Conflict):
        store(phones).write(erasure, loaded, at="2026-11-22T00:00:00.000000Z", because="x")
    assert phones.everything() == before


def test_another_erasure_in_between_stops_the_erasure(phones: Town) -> None:
    erasure, loaded = planned(phones, SECRET)
    assert erase(phones, "phone", "--version", "2") == 0
    with pytest.raises(Conflict):
        store(phones).write(erasure, loaded, at="2026-11-22T00:00:00.000000Z", because="x")
    assert KEPT not in phones.everything()


def test_a_writer_that_loaded_the_record_before_does_not_bring_the_value_back(
    phones: Town,
) -> None:
    waiting = Waiting(lambda _: None, lambda: 0.0)
    records = DynamoRecords(phones.dynamodb, PERSON, "PeopleTable", "LedgerTable", waiting)
    loaded = records.load({PERSON_ID}, set(), Unhurried())
    arrived = messages([event(fields={"nationality": "KH"}, id_="9")])
    plan = plan_round(arrived, {0: read(arrived[0].body, PERSON)}, loaded, circumstances())
    assert erase(phones, "phone", "--version", "2") == 0
    assert records.commit(plan.changes) == [Commit.CONFLICT]
    assert KEPT not in phones.everything()
    assert phones.run("verify") == 0
