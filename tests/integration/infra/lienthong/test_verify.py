"""Whatever is changed behind the service's back is found, and its record is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from functions.shared.adapters.attributes import Item
from functions.shared.adapters.documents import pack, unpack
from functions.shared.core.lanes import NO_HASH
from infra.lienthong.verification import Outcome, Verifier
from tests.builders import DOSSIER_CODE, OTHER_PERSON_ID, PERSON_ID, event
from tests.fakes import Unhurried
from tests.integration.infra.lienthong.town import Town

PEOPLE = "PeopleTable"
LEDGER = "LedgerTable"
RECORD = f"person/{PERSON_ID}"
OTHER = f"person/{OTHER_PERSON_ID}"


def verified(town: Town) -> Outcome:
    verifier = Verifier(town.archive(), Unhurried(), lambda _: None)
    return verifier.everything(lambda _: None)


def accused(town: Town) -> set[str]:
    return {finding.of for finding in verified(town).findings}


@pytest.fixture
def honest(town: Town) -> Town:
    """Two people and a dossier: rivals, a withdrawal, a superseded event, steps."""
    town.take(
        event(
            "person.registered",
            {"full_name": "Trần An", "date_of_birth": "1990", "sex": "male"},
            id_="1",
        ),
        event(fields={"full_name": "Trần Ân"}, source="/agencies/G24", id_="2"),
        event(fields={"phone": "0900000001"}, id_="3", time="2026-03-05T02:00:00Z"),
        event(fields={"phone": "0900000009"}, id_="4", time="2026-03-04T02:00:00Z"),
        event(fields={"nationality": None}, id_="5"),
        event(fields={"phone": "0900000002"}, key=OTHER_PERSON_ID, id_="6"),
        event(fields={"nationality": "VN"}, key=OTHER_PERSON_ID, id_="7"),
        event("dossier.accepted", {"status": 2, "fee": {"amount": 1, "paid": True}}, id_="8"),
        event("dossier.progressed", {"step": {"id": "s", "at": "2026-03-03T02:00:00Z"}}, id_="9"),
    )
    return town


def test_nothing_is_found_on_honest_data(honest: Town) -> None:
    outcome = verified(honest)
    assert outcome.findings == []
    assert (outcome.records, outcome.entries) == (3, 9)


def test_an_empty_stack_agrees(town: Town) -> None:
    assert verified(town) == Outcome()


EDITS: dict[str, Callable[[Item], object]] = {
    "a shown field": lambda i: i.update(phone={"S": "0900000003"}),
    "a removed field": lambda i: i.pop("phone"),
    "an added field": lambda i: i.update(old_identity_number={"S": "123456789"}),
    "a search key": lambda i: i.update(name_key={"S": "tran binh"}),
    "a version": lambda i: i.update(version={"N": "9"}),
    "a head": lambda i: i.update(head={"S": NO_HASH}),
    "an update time": lambda i: i.update(updated_at={"S": "2026-01-01T00:00:00.000000Z"}),
    "a warning": lambda i: i.update(warnings={"L": []}),
    "an erasure that was none": lambda i: i.update(erasures={"N": "1"}),
    "lanes that are none": lambda i: i.update(lanes={"B": b"nonsense"}),
    "lanes of another type": lambda i: i.update(lanes={"S": "nonsense"}),
    "no lanes": lambda i: i.pop("lanes"),
    "a field of another type": lambda i: i.update(phone={"L": [{"NULL": True}]}),
    "a fraction": lambda i: i.update(version={"N": "1.5"}),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_one_edited_field_of_an_item_names_its_record(
    honest: Town, edit: Callable[[Item], object]
) -> None:
    item = honest.record("person", PERSON_ID)
    edit(item)
    honest.put(PEOPLE, item)
    assert accused(honest) == {RECORD}


def test_a_truth_value_inside_a_field_is_not_a_number(honest: Town) -> None:
    item = honest.record("dossier", DOSSIER_CODE)
    item["fee"]["M"]["paid"] = {"N": "1"}
    honest.put("DossiersTable", item)
    assert accused(honest) == {f"dossier/{DOSSIER_CODE}"}


def test_an_edited_rival_in_a_lane_names_its_record(honest: Town) -> None:
    item = honest.record("person", PERSON_ID)
    item["lanes"]["B"] = item["lanes"]["B"].replace("Trần Ân".encode(), "Trần Ấn".encode())
    honest.put(PEOPLE, item)
    assert accused(honest) == {RECORD}


def test_an_edited_stamp_of_a_lane_names_its_record(honest: Town) -> None:
    item = honest.record("person", PERSON_ID)
    item["lanes"]["B"] = item["lanes"]["B"].replace(b"2026-03-05", b"2026-03-06")
    honest.put(PEOPLE, item)
    assert accused(honest) == {RECORD}


@pytest.mark.parametrize("place", [0, 2, -1], ids=["first", "middle", "last"])
def test_a_removed_entry_names_its_record(honest: Town, place: int) -> None:
    honest.remove_entry(honest.entries("person", PERSON_ID)[place])
    assert accused(honest) == {RECORD}


def test_a_record_whose_entries_were_all_removed_is_named(honest: Town) -> None:
    for item in honest.entries("person", PERSON_ID):
        honest.remove_entry(item)
    assert accused(honest) == {RECORD}


def test_a_removed_record_is_named(honest: Town) -> None:
    honest.dynamodb.delete_item(TableName=PEOPLE, Key={"personal_id": {"S": PERSON_ID}})
    assert accused(honest) == {RECORD}


def test_an_old_version_that_is_put_back_names_its_record(honest: Town) -> None:
    old = honest.record("person", PERSON_ID)
    honest.take(event(fields={"nationality": "VN"}, id_="10", time="2026-04-01T00:00:00Z"))
    assert accused(honest) == set()
    honest.put(PEOPLE, old)
    assert accused(honest) == {RECORD}


def _document(name: str, change: Callable[[Any], Any]) -> Callable[[Item], object]:
    """An edit of a stored document; what `change` returns, if anything, takes its place."""

    def edit(item: Item) -> None:
        document = unpack(item[name]["B"])
        item[name] = {"B": pack(change(document) or document)}

    return edit


ENTRY_EDITS: dict[str, Callable[[Item], object]] = {
    "version": lambda i: i.update(version={"N": "7"}),
    "version to another's": lambda i: i.update(version={"N": "1"}),
    "prev": lambda i: i.update(prev={"S": NO_HASH}),
    "entry_hash": lambda i: i.update(entry_hash={"S": "1" * 64}),
    "sender": lambda i: i.update(sender={"S": "AROASOMEBODYELSE"}),
    "no sender": lambda i: i.pop("sender"),
    "recorded_at": lambda i: i.update(recorded_at={"S": "2026-01-01T00:00:00.000000Z"}),
    "outcome": lambda i: i.update(outcome={"S": "superseded"}),
    "changes_digest": lambda i: i.update(changes_digest={"S": "1" * 64}),
    "salt": lambda i: i.update(salt={"B": bytes(16)}),
    "event source": _document("event", lambda d: d.update(source="/agencies/G03")),
    "event id": _document("event", lambda d: d.update(id="x")),
    "event type": _document("event", lambda d: d.update(type="vn.lienthong.person.moved.v1")),
    "event time": _document("event", lambda d: d.update(time="2026-01-01T00:00:00.000000Z")),
    "event sequence": _document("event", lambda d: d.update(sequence="7")),
    "event digest": _document("event", lambda d: d.update(digest="1" * 64)),
    "stated": _document("changes", lambda d: d[0].__setitem__(4, "0900000008")),
    "before": _document("changes", lambda d: d[0].__setitem__(3, "0900000008")),
    "won": _document("changes", lambda d: d[0].__setitem__(2, False)),
    "rank": _document("changes", lambda d: d[0].__setitem__(1, 20)),
    "field": _document("changes", lambda d: d[0].__setitem__(0, "nationality")),
    "no change": _document("changes", lambda d: d.clear()),
    "one more change": _document("changes", lambda d: d.append(["sex", 30, True, None, "male"])),
    "the same change twice": _document("changes", lambda d: d.append(d[0])),
}


@pytest.mark.parametrize("edit", ENTRY_EDITS.values(), ids=ENTRY_EDITS)
def test_an_edited_entry_names_its_record(honest: Town, edit: Callable[[Item], object]) -> None:
    item = honest.entries("person", PERSON_ID)[2]
    edit(item)
    honest.put(LEDGER, item)
    assert accused(honest) == {RECORD}


def test_an_entry_moved_to_another_record_names_both(honest: Town) -> None:
    item = honest.entries("person", PERSON_ID)[2]
    item["record_key"] = {"S": OTHER}
    honest.put(LEDGER, item)
    assert accused(honest) == {RECORD, OTHER}


def test_an_entry_that_names_no_record_is_accused_with_the_record_it_left(honest: Town) -> None:
    item = honest.entries("person", PERSON_ID)[2]
    del item["record_key"]
    honest.put(LEDGER, item)
    assert accused(honest) == {RECORD, "(no record)"}


@pytest.mark.parametrize("names", [("version",), ("version", "prev")])
def test_two_swapped_entries_name_their_record(honest: Town, names: tuple[str, ...]) -> None:
    one, two = honest.entries("person", PERSON_ID)[1:3]
    for name in names:
        one[name], two[name] = two[name], one[name]
    honest.put(LEDGER, one)
    honest.put(LEDGER, two)
    assert accused(honest) == {RECORD}


def test_entries_that_swapped_all_but_their_keys_name_their_record(honest: Town) -> None:
    one, two = honest.entries("person", PERSON_ID)[1:3]
    one["event_uid"], two["event_uid"] = two["event_uid"], one["event_uid"]
    honest.put(LEDGER, one)
    honest.put(LEDGER, two)
    assert accused(honest) == {RECORD}


_KEYS: Final = {"event_uid", "record_key", "version"}


def _without_salt(item: Item) -> Item:
    del item["salt"]
    return item


MALFORMED: dict[str, Callable[[Item], object]] = {
    "documents that are texts": lambda i: i.update(changes={"S": "[]"}, event={"S": "{}"}),
    "documents that are no JSON": lambda i: i.update(changes={"B": b"\x01nonsense"}),
    "changes that are an object": lambda i: i.update(changes={"B": b"{}"}),
    "changes of odd length": _document("changes", lambda d: d[0].append(1)),
    "a field that is a number": _document("changes", lambda d: d[0].__setitem__(0, 5)),
    "a rank that is a text": _document("changes", lambda d: d[0].__setitem__(1, "30")),
    "an unknown field": _document("changes", lambda d: d[0].__setitem__(0, "unheard/of")),
    "an event without a time": _document("event", lambda d: d.pop("time") and None),
    "a time that is a number": _document("event", lambda d: d.update(time=5)),
    "a sequence that is no number": _document("event", lambda d: d.update(sequence="x")),
    "a list for an event": _document("event", lambda _: [1]),
    "no salt at all": lambda i: i.pop("salt"),
    "a salt that is a number": lambda i: i.update(salt={"N": "5"}),
    "salts that are no salts": lambda i: _without_salt(i).update(salts={"B": b'{"phone":"zz"}'}),
    "an unknown outcome": lambda i: i.update(outcome={"S": "lost"}),
    "a hash that is a number": lambda i: i.update(entry_hash={"N": "5"}),
    "nothing but its key": lambda i: [i.pop(n) for n in list(i) if n not in _KEYS],
}


@pytest.mark.parametrize("edit", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_entry_is_accused(honest: Town, edit: Callable[[Item], object]) -> None:
    item = honest.entries("person", PERSON_ID)[2]
    edit(item)
    honest.put(LEDGER, item)
    assert accused(honest) == {RECORD}


def test_an_item_that_holds_nothing_but_its_key_is_accused(honest: Town) -> None:
    honest.put(PEOPLE, {"personal_id": {"S": PERSON_ID}})
    honest.put(PEOPLE, {"personal_id": {"S": "001190000099"}, "odd": {"SS": ["a"]}})
    assert accused(honest) == {RECORD, "person/001190000099"}


def test_findings_name_the_record_and_exit_with_one(
    honest: Town, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    item = honest.record("person", PERSON_ID)
    item["phone"] = {"S": "0900000003"}
    honest.put(PEOPLE, item)
    assert honest.run("verify") == 1
    assert RECORD in capsys.readouterr().out
    assert honest.run("verify", PERSON_ID, "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding == {"record": RECORD, "faults": ["phone is not what the ledger gives."]}
    assert honest.run("verify", OTHER_PERSON_ID) == 0


def test_one_record_is_verified_by_its_key(
    honest: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert honest.run("verify", DOSSIER_CODE) == 0
    assert "1 record and 2 ledger entries were checked" in capsys.readouterr().out
    assert honest.run("verify", "001190000098") == 1
    assert "neither a record" in capsys.readouterr().err
