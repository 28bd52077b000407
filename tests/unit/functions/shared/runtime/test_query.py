"""What is asked is answered by policy, after it was noted; nothing leaves otherwise."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.opaque import KEY_BYTES, Opaque
from functions.shared.core.access import (
    AccessEntry,
    Action,
    Caller,
    Errand,
    Head,
    Look,
    Question,
)
from functions.shared.core.allowances import AllowanceSpent, Limits, Window
from functions.shared.core.answers import (
    BadRequest,
    Declined,
    NotFound,
    NotPermitted,
    Unavailable,
)
from functions.shared.core.canonical import canonical
from functions.shared.core.errors import Defect, LienThongError, Retry
from functions.shared.core.instants import later
from functions.shared.ports import Deadline
from functions.shared.runtime import api
from functions.shared.runtime.query import LONGEST_DEFERRAL, QueryService, Visit
from tests.builders import (
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    OTHER_PERSON_ID,
    PERSON_ID,
    SENT_AT,
    event,
    ticking,
)
from tests.fakes import Unhurried
from tests.fakes_api import AMPLE, FakeAccessLog
from tests.fakes_query import (
    ERRAND,
    OFFICER,
    FakeDirectory,
    FakePolicies,
    FakeReader,
    FakeReaders,
    FakeTown,
)

PERSON: Final = f"person/{PERSON_ID}"
OTHER: Final = f"person/{OTHER_PERSON_ID}"
CARD: Final = f"insurance-card/{INSURANCE_NUMBER}"
DOSSIER: Final = f"dossier/{DOSSIER_CODE}"
ME: Final = f"caller/{OFFICER.id}"
OPAQUE: Final = Opaque(bytes(range(KEY_BYTES)))
NAME: Final = "Nguyễn Thị Mẫu"
OLD_NUMBER: Final = "010000024"


class Log(FakeAccessLog):
    """The access log in memory; `noted` has its entries in the order in which they were noted."""

    def __init__(self, limits: Limits = AMPLE) -> None:
        super().__init__(limits, now=ticking("2026-11-22T07:00:00Z"))
        self.noted: list[AccessEntry] = []

    def note(
        self,
        caller: Caller,
        errand: Errand,
        looks: Sequence[Look],
        heads: Mapping[str, Head],
        deadline: Deadline,
    ) -> list[AccessEntry]:
        noted = super().note(caller, errand, looks, heads, deadline)
        self.noted += noted
        return noted


@dataclass
class Office:
    """A service over fakes, with a person, a card, a dossier and some more."""

    town: FakeTown = field(default_factory=FakeTown)
    policies: FakePolicies = field(default_factory=FakePolicies)
    log: Log = field(default_factory=Log)
    errand: Errand = ERRAND
    caller: Caller = OFFICER

    def __post_init__(self) -> None:
        self.readers = FakeReaders(self.town)
        self.service = QueryService(
            readers=self.readers,
            policies=self.policies,
            log=self.log,
            directory=FakeDirectory({"H26.12": "H26", "H26.12.01": "H26.12"}),
            opaque=OPAQUE,
            patience=Unhurried,
            now=lambda: SENT_AT,
        )

    def ask(self, question: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
        return question(self.caller, self.errand, **arguments)

    @property
    def noted(self) -> list[tuple[str, str, bool]]:
        """Subject, action and decision of every entry."""
        return [(e.subject, e.action, e.allowed) for e in self.log.noted]

    @property
    def last(self) -> AccessEntry:
        return self.log.noted[-1]


def inhabited() -> FakeTown:
    return FakeTown().sent(
        event(
            "person.registered",
            {
                "full_name": NAME,
                "date_of_birth": "1990-02-03",
                "sex": "female",
                "old_identity_number": OLD_NUMBER,
                "residence": {"commune": "00070"},
                "ethnicity_code": "01",
            },
            id_="p-1",
        ),
        event(fields={"phone": "0900000001"}, id_="p-2", time="2026-03-04T00:00:00Z"),
        event(fields={"phone": "0900000003"}, id_="p-3", time="2026-03-01T00:00:00Z"),
        event(
            "person.registered",
            {"full_name": "NGUYEN THI MAU", "date_of_birth": "1990", "sex": "female"},
            key=OTHER_PERSON_ID,
            id_="o-1",
        ),
        event(
            "insurance-card.issued",
            {"full_name": NAME, "personal_id": PERSON_ID, "card": {"number": INSURANCE_NUMBER}},
            id_="c-1",
        ),
        event(
            "dossier.progressed",
            {
                "status": 4,
                "handling_agency": "H26.12",
                "receiving_agency": "K02",
                "due_at": "2026-03-10T02:00:00Z",
                "applicant": {"kind": "citizen", "personal_id": PERSON_ID, "name": NAME},
            },
            id_="d-1",
        ),
        event(fields={"phone": "no number"}, id_="p-refused"),
    )


INHABITED: Final = inhabited()


@pytest.fixture
def office() -> Office:
    return Office(INHABITED)


def only(*groups: str) -> FakePolicies:
    """Permits whatever names no group, and these groups."""
    return FakePolicies(lambda question: question.group is None or question.group in groups)


def nothing() -> FakePolicies:
    return FakePolicies(lambda _: False)


def of(kind: str, key: str) -> str:
    return OPAQUE.record(kind, key)


# Lookups ------------------------------------------------------------------------------------


def test_a_lookup_gives_the_person_the_cards_and_the_dossiers_and_is_noted_once(
    office: Office,
) -> None:
    answer = office.ask(office.service.lookup, personal_id=PERSON_ID)
    assert answer["person"]["record"] == of("person", PERSON_ID)
    assert [card["kind"] for card in answer["insurance_cards"]] == ["insurance-card"]
    assert [dossier["kind"] for dossier in answer["dossiers"]] == ["dossier"]
    assert answer["complete"]
    assert answer["request_id"] == ERRAND.request_id
    assert office.noted == [(PERSON, "read", True)]
    assert set(office.last.seen) == {PERSON, CARD, DOSSIER}
    assert "phone" in office.last.seen[PERSON]
    assert office.last.rules == ("may-read",)


@pytest.mark.parametrize(
    "number",
    [
        {"personal_id": PERSON_ID},
        {"old_identity_number": OLD_NUMBER},
        {"insurance_number": INSURANCE_NUMBER},
    ],
)
def test_each_number_finds_the_same(office: Office, number: dict[str, str]) -> None:
    answer = office.ask(office.service.lookup, **number)
    assert answer == office.ask(office.service.lookup, personal_id=PERSON_ID)
    assert office.noted == [(PERSON, "read", True)] * 2


def test_fields_of_groups_that_may_not_be_seen_are_masked_and_noted_as_that() -> None:
    office = Office(INHABITED, only("identity"))
    answer = office.ask(office.service.lookup, personal_id=PERSON_ID)
    assert answer["person"]["fields"]["phone"] == {"group": "contact", "masked": True}
    assert "phone" in office.last.masked[PERSON]
    assert "full_name" in office.last.seen[PERSON]
    assert b"0900000001" not in canonical(answer)


def test_dossiers_of_others_stay_in_the_list_with_every_field_masked() -> None:
    office = Office(INHABITED, FakePolicies(lambda question: question.kind != "dossier"))
    (dossier,) = office.ask(office.service.lookup, personal_id=PERSON_ID)["dossiers"]
    assert all(field.get("masked") for field in dossier["fields"].values())
    assert office.last.seen[DOSSIER] == ()
    assert "status" in office.last.masked[DOSSIER]


def test_a_dossier_is_asked_for_with_its_agencies_and_all_above_them(office: Office) -> None:
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    asked = {q.agencies for q in office.policies.asked if q.kind == "dossier"}
    assert asked == {frozenset({"H26.12", "H26", "K02"})}


def test_who_may_see_nothing_of_a_person_is_refused_before_anything_is_read() -> None:
    office = Office(INHABITED, nothing())
    with pytest.raises(NotPermitted):
        office.ask(office.service.lookup, personal_id=PERSON_ID)
    assert office.noted == [(PERSON, "read", False)]
    assert not office.readers.opened[0].handed_out


@pytest.mark.parametrize(
    ("number", "subject"),
    [
        ({"personal_id": "999999999999"}, "person/999999999999"),
        ({"insurance_number": "9999999999"}, "insurance-card/9999999999"),
        ({"old_identity_number": "999999999"}, ME),
    ],
)
def test_whom_nobody_knows_is_noted_as_well(
    office: Office, number: dict[str, str], subject: str
) -> None:
    with pytest.raises(NotFound):
        office.ask(office.service.lookup, **number)
    assert office.noted == [(subject, "read", True)]
    assert office.last.note == {"outcome": "not-found"}


def test_a_card_without_a_person_is_found_alone() -> None:
    card = event("insurance-card.issued", {"full_name": NAME, "card": {"number": INSURANCE_NUMBER}})
    office = Office(FakeTown().sent(card))
    answer = office.ask(office.service.lookup, insurance_number=INSURANCE_NUMBER)
    assert (answer["person"], answer["dossiers"]) == (None, [])
    assert len(answer["insurance_cards"]) == 1
    assert office.noted == [(CARD, "read", True)]


def test_an_old_number_of_several_people_tells_nothing_of_them() -> None:
    second = event(
        "person.updated", {"old_identity_number": OLD_NUMBER}, key=OTHER_PERSON_ID, id_="o-2"
    )
    office = Office(inhabited().sent(second))
    with pytest.raises(NotFound) as missing:
        office.ask(office.service.lookup, old_identity_number=OLD_NUMBER)
    assert "Several" in missing.value.text
    assert office.noted == [(ME, "read", True)]


def test_a_lookup_takes_exactly_one_number_in_its_form(office: Office) -> None:
    for numbers in [
        {},
        {"personal_id": PERSON_ID, "insurance_number": INSURANCE_NUMBER},
        {"personal_id": "1234"},
        {"personal_id": "٠" * 12},
        {"insurance_number": PERSON_ID},
        {"old_identity_number": f"{OLD_NUMBER}\n"},
    ]:
        with pytest.raises(BadRequest) as refused:
            office.ask(office.service.lookup, **numbers)
        assert not any(str(n) in str(refused.value) for n in numbers.values())
    assert not office.log.noted
    assert not office.readers.opened


def test_what_does_not_fit_an_answer_is_noted_as_masked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.shared.runtime.query.fitting", lambda _: 2)
    answer = office.ask(office.service.lookup, personal_id=PERSON_ID)
    assert len(answer["insurance_cards"]) == 1
    assert (answer["dossiers"], answer["complete"]) == ([], False)
    assert office.last.seen[DOSSIER] == ()


# Searches -----------------------------------------------------------------------------------


def test_a_search_gives_the_best_match_first_and_is_noted_of_each(office: Office) -> None:
    answer = office.ask(office.service.search, name=NAME, year_of_birth=1990)
    assert [(p["record"], p["match"]) for p in answer["people"]] == [
        (of("person", PERSON_ID), "exact"),
        (of("person", OTHER_PERSON_ID), "diacritics"),
    ]
    assert answer["complete"]
    assert "hint" not in answer
    assert office.noted == [(PERSON, "search", True), (OTHER, "search", True)]
    assert office.log.noted[0].seen == {PERSON: ("full_name", "date_of_birth", "sex", "residence")}
    assert set(answer["people"][0]["fields"]) == {
        "full_name",
        "date_of_birth",
        "sex",
        "residence",
    }


def test_a_search_masks_what_may_not_be_seen() -> None:
    office = Office(INHABITED, only("identity"))
    answer = office.ask(office.service.search, name=NAME, date_of_birth="1990-02-03")
    fields = answer["people"][0]["fields"]
    assert fields["residence"] == {"group": "residence", "masked": True}
    assert fields["full_name"]["value"] == NAME
    assert office.log.noted[0].masked == {PERSON: ("residence",)}


def test_a_search_that_finds_more_says_how_to_find_them(office: Office) -> None:
    answer = office.ask(office.service.search, name=NAME, year_of_birth=1990, limit=1)
    assert not answer["complete"]
    assert "date of birth" in answer["hint"]
    assert office.noted == [(PERSON, "search", True)]


def test_a_search_that_finds_nobody_is_noted_of_the_caller(office: Office) -> None:
    answer = office.ask(office.service.search, name="Trần Thử", commune="00070")
    assert answer["people"] == []
    assert office.noted == [(ME, "search", True)]


def test_who_may_not_search_is_refused_and_noted() -> None:
    office = Office(INHABITED, nothing())
    with pytest.raises(NotPermitted):
        office.ask(office.service.search, name=NAME, year_of_birth=1990)
    assert office.noted == [(ME, "search", False)]


# Records ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "key"),
    [("person", PERSON_ID), ("insurance-card", INSURANCE_NUMBER), ("dossier", DOSSIER_CODE)],
)
def test_a_record_is_read_by_its_opaque_id(office: Office, kind: str, key: str) -> None:
    answer = office.ask(office.service.record, kind=kind, opaque_id=of(kind, key))
    assert (answer["record"], answer["kind"]) == (of(kind, key), kind)
    assert office.noted == [(PERSON, "read", True)]
    assert set(office.last.seen) == {f"{kind}/{key}"}


@pytest.mark.parametrize(
    ("kind", "opaque_id"),
    [
        ("person", "nonsense"),
        ("person", of("insurance-card", INSURANCE_NUMBER)),
        ("dossier", of("person", PERSON_ID)),
        ("person", OPAQUE.entry(PERSON, 1)),
    ],
)
def test_an_id_that_is_none_of_this_kind_is_not_found(
    office: Office, kind: str, opaque_id: str
) -> None:
    with pytest.raises(NotFound):
        office.ask(office.service.record, kind=kind, opaque_id=opaque_id)
    assert not office.readers.opened


def test_a_record_that_is_gone_is_noted_as_not_found(office: Office) -> None:
    opaque_id = of("person", "999999999999")
    with pytest.raises(NotFound):
        office.ask(office.service.record, kind="person", opaque_id=opaque_id)
    assert office.noted == [("person/999999999999", "read", True)]


def own_alone() -> FakePolicies:
    """Permits what is of no agency, or of H26.40's."""
    return FakePolicies(lambda question: question.agencies <= {"H26.40"})


def elsewhere(policies: FakePolicies) -> Office:
    """An officer of another agency than the dossier's asks."""
    return Office(INHABITED, policies, caller=replace(OFFICER, agency="H26.40", above=()))


def test_another_agencys_dossier_is_refused_and_its_applicant_told() -> None:
    office = elsewhere(own_alone())
    with pytest.raises(NotPermitted):
        office.ask(office.service.record, kind="dossier", opaque_id=of("dossier", DOSSIER_CODE))
    assert office.noted == [(PERSON, "read", False)]
    assert office.last.masked == {DOSSIER: ()}


@pytest.mark.parametrize("code", [DOSSIER_CODE, "H26.12-20260303-9999999"])
def test_who_sees_no_dossier_at_all_does_not_learn_which_exist(code: str) -> None:
    office = elsewhere(nothing())
    with pytest.raises(NotPermitted):
        office.ask(office.service.dossier_lookup, dossier_code=code)
    with pytest.raises(NotPermitted):
        office.ask(office.service.history, opaque_id=of("dossier", code))
    assert office.noted == [
        (f"dossier/{code}", "read", False),
        (f"dossier/{code}", "read-history", False),
    ]
    assert not handed_out(office)


def test_a_dossier_is_found_by_its_code_as_by_its_id(office: Office) -> None:
    answer = office.ask(office.service.dossier_lookup, dossier_code=DOSSIER_CODE)
    again = office.ask(office.service.record, kind="dossier", opaque_id=of("dossier", DOSSIER_CODE))
    assert answer == again
    assert office.noted == [(PERSON, "read", True)] * 2


def test_a_code_without_its_form_is_told_and_one_of_no_dossier_is_noted(office: Office) -> None:
    with pytest.raises(BadRequest, match="dossier code"):
        office.ask(office.service.dossier_lookup, dossier_code="H26")
    assert office.noted == []
    unknown = "H26.12-20260303-9999999"
    with pytest.raises(NotFound, match="no dossier with this code"):
        office.ask(office.service.dossier_lookup, dossier_code=unknown)
    assert office.noted == [(f"dossier/{unknown}", "read", True)]


# Lists --------------------------------------------------------------------------------------


def worklist() -> FakeTown:
    town = FakeTown()
    for number in range(5):
        town.sent(
            event(
                "dossier.accepted",
                {
                    "status": 2,
                    "handling_agency": "H26.12",
                    "due_at": f"2026-03-1{number}T02:00:00Z",
                    "applicant": {"kind": "citizen", "personal_id": f"00119000000{number}"},
                },
                key=f"H26.12-20260303-000000{number}",
                id_=f"d-{number}",
            )
        )
    return town


def test_dossiers_are_listed_page_by_page_each_a_look_at_its_applicant() -> None:
    office = Office(worklist())
    first = office.ask(office.service.dossiers, limit=3)
    assert len(first["dossiers"]) == 3
    assert office.noted == [(f"person/00119000000{n}", "list", True) for n in range(3)]
    second = office.ask(office.service.dossiers, limit=3, cursor=first["cursor"])
    assert len(second["dossiers"]) == 2
    assert second["cursor"] is None
    asked = {q.agencies for q in office.policies.asked if q.action is Action.LIST}
    assert asked == {frozenset({"H26.12", "H26"})}


def test_a_list_that_does_not_fit_goes_on_after_what_was_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office(worklist())
    monkeypatch.setattr("functions.shared.runtime.query.fitting", lambda views: min(2, len(views)))
    told, cursor = [], None
    while True:
        page = office.ask(office.service.dossiers, cursor=cursor)
        told += [dossier["record"] for dossier in page["dossiers"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert told == [of("dossier", f"H26.12-20260303-000000{n}") for n in range(5)]


def test_a_cursor_is_of_its_question_and_its_caller() -> None:
    office = Office(worklist())
    cursor = office.ask(office.service.dossiers, limit=3)["cursor"]
    with pytest.raises(BadRequest):
        office.ask(office.service.dossiers, limit=3, cursor=cursor, statuses=[2])
    office.caller = replace(OFFICER, id="another")
    with pytest.raises(BadRequest):
        office.ask(office.service.dossiers, limit=3, cursor=cursor)


@pytest.mark.parametrize(
    "arguments",
    [
        *({"statuses": [0]}, {"statuses": [11]}, {"limit": 0}, {"limit": 51}),
        *({"due_before": "soon"}, {"cursor": "nonsense"}),
    ],
)
def test_a_list_that_has_no_meaning_is_refused(office: Office, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        office.ask(office.service.dossiers, **arguments)
    assert not office.readers.opened


def test_an_empty_list_is_noted_of_the_caller(office: Office) -> None:
    answer = office.ask(office.service.dossiers, agency="H26.99")
    assert (answer["dossiers"], answer["cursor"]) == ([], None)
    assert office.noted == [(ME, "list", True)]


# The past -----------------------------------------------------------------------------------


def recorded_at(version: int) -> str:
    return INHABITED.entries("person", PERSON_ID)[version - 1].recorded_at


def test_a_record_is_shown_as_it_was_known(office: Office) -> None:
    opaque_id = of("person", PERSON_ID)
    first = office.ask(office.service.history_at, opaque_id=opaque_id, at=recorded_at(1))
    second = office.ask(office.service.history_at, opaque_id=opaque_id, at=recorded_at(2))
    assert "phone" not in first["fields"]
    assert (first["version"], first["at"]) == (1, recorded_at(1))
    assert second["fields"]["phone"]["value"] == "0900000001"
    assert office.noted == [(PERSON, "read-history", True)] * 2


def test_before_the_first_entry_there_was_nothing(office: Office) -> None:
    with pytest.raises(NotFound):
        office.ask(
            office.service.history_at,
            opaque_id=of("person", PERSON_ID),
            at="2020-01-01T00:00:00Z",
        )
    assert office.noted == [(PERSON, "read-history", True)]


def test_whom_a_card_named_then_is_told_as_well() -> None:
    moved = event(
        "insurance-card.updated", {"personal_id": OTHER_PERSON_ID}, id_="c-2", time=SENT_AT
    )
    town = inhabited().sent(moved)
    office = Office(town)
    at = town.entries("insurance-card", INSURANCE_NUMBER)[0].recorded_at
    opaque_id = of("insurance-card", INSURANCE_NUMBER)
    office.ask(office.service.history_at, opaque_id=opaque_id, at=at)
    assert sorted(office.noted) == [(OTHER, "read-history", True), (PERSON, "read-history", True)]


def test_what_changed_is_told_between_two_instants(office: Office) -> None:
    opaque_id = of("person", PERSON_ID)
    answer = office.ask(office.service.history, opaque_id=opaque_id)
    assert [change["version"] for change in answer["changes"]] == [1, 2, 3]
    assert [change["outcome"] for change in answer["changes"]][2] == "superseded"
    assert (answer["record"], answer["cursor"]) == (opaque_id, None)
    answer = office.ask(
        office.service.history, opaque_id=opaque_id, since=recorded_at(2), until=recorded_at(2)
    )
    assert [change["version"] for change in answer["changes"]] == [2]
    assert office.last.seen == {PERSON: ("phone",)}


def test_changes_come_page_by_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes_query.MOST_ENTRIES", 1)
    versions, cursor = [], None
    while True:
        page = office.ask(office.service.history, opaque_id=of("person", PERSON_ID), cursor=cursor)
        versions.append([change["version"] for change in page["changes"]])
        cursor = page["cursor"]
        if cursor is None:
            break
    assert versions == [[1], [2], [3]]


def test_pages_without_a_change_in_question_are_passed_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fakes_query.MOST_ENTRIES", 1)
    page = office.ask(
        office.service.history, opaque_id=of("person", PERSON_ID), since=recorded_at(3)
    )
    assert [change["version"] for change in page["changes"]] == [3]


def test_who_sees_the_frame_alone_sees_that_something_changed_and_no_value() -> None:
    office = Office(INHABITED, only())
    opaque_id = of("person", PERSON_ID)
    answer = office.ask(office.service.history, opaque_id=opaque_id)
    assert len(answer["changes"]) == 3
    assert all(f["masked"] for change in answer["changes"] for f in change["fields"])
    assert office.last.seen == {PERSON: ()}
    then = office.ask(office.service.history_at, opaque_id=opaque_id, at=recorded_at(3))
    assert all(told["masked"] for told in then["fields"].values())


@pytest.mark.parametrize(
    ("office", "kind", "key", "masked"),
    [
        (Office(INHABITED, nothing()), "person", PERSON_ID, {}),
        (elsewhere(own_alone()), "dossier", DOSSIER_CODE, {DOSSIER: ()}),
    ],
)
def test_who_may_not_see_the_past_is_refused(
    office: Office, kind: str, key: str, masked: dict[str, tuple[str, ...]]
) -> None:
    for question in (office.service.history, office.service.history_at):
        more = {"at": SENT_AT} if question == office.service.history_at else {}
        with pytest.raises(NotPermitted):
            office.ask(question, opaque_id=of(kind, key), **more)
    assert office.noted == [(PERSON, "read-history", False)] * 2
    assert office.last.masked == masked


# Receipts -----------------------------------------------------------------------------------


def test_a_receipt_is_noted_of_the_person_whose_record_it_is_of(office: Office) -> None:
    answer = office.ask(office.service.receipt, source="/agencies/G24", id_="c-1")
    assert (answer["state"], answer["record"]) == (
        "applied",
        of("insurance-card", INSURANCE_NUMBER),
    )
    assert office.noted == [(PERSON, "read-receipt", True)]
    assert office.last.seen == {CARD: ()}
    (question,) = office.policies.asked
    assert question == Question(Action.READ_RECEIPT, "ledger", None, frozenset({"G24"}))


def test_a_receipt_of_a_refused_event_has_its_reasons(office: Office) -> None:
    answer = office.ask(office.service.receipt, source="/agencies/G01", id_="p-refused")
    assert (answer["state"], answer["record"]) == ("quarantined", None)
    assert answer["quarantine"][0]["reasons"][0]["code"] == "invalid-data"
    assert office.noted == [(ME, "read-receipt", True)]


def test_there_is_no_receipt_of_what_never_came(office: Office) -> None:
    with pytest.raises(NotFound):
        office.ask(office.service.receipt, source="/agencies/G01", id_="nothing")
    assert office.noted == [(ME, "read-receipt", True)]


@pytest.mark.parametrize(
    ("source", "id_"),
    [
        *(("G01", "p-1"), ("/agencies/", "p-1")),
        *(("/agencies/G01", ""), ("/agencies/G01", "x" * 129)),
    ],
)
def test_a_receipt_needs_a_source_and_an_id(office: Office, source: str, id_: str) -> None:
    with pytest.raises(BadRequest):
        office.ask(office.service.receipt, source=source, id_=id_)
    assert not office.readers.opened


# The access log -----------------------------------------------------------------------------


def test_a_trace_tells_who_looked_and_is_noted_itself(office: Office) -> None:
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    answer = office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))
    (told,) = answer["entries"]
    assert told["officer_name"] == OFFICER.name
    assert told["agency_name"] == "Cơ quan H26.12"
    assert told["decision"] == "permitted"
    assert (told["purpose"], told["case"]) == (ERRAND.purpose, ERRAND.case)
    assert [one["record"] for one in told["records"]] == [
        of("dossier", DOSSIER_CODE),
        of("insurance-card", INSURANCE_NUMBER),
        of("person", PERSON_ID),
    ]
    assert PERSON_ID.encode() not in canonical(answer)
    assert office.noted[1:] == [(PERSON, "read-access-log", True)]
    again = office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))
    assert len(again["entries"]) == 2


def test_a_look_that_was_one_too_many_is_told_with_its_allowance() -> None:
    office = Office(INHABITED, log=Log(Limits(day=1, minute=9)))
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    for _ in range(3):
        with pytest.raises(AllowanceSpent):
            office.ask(office.service.lookup, personal_id=PERSON_ID)
    office.caller = replace(OFFICER, id="another")
    entries = office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))["entries"]
    assert [(one["decision"], one.get("spent")) for one in entries] == [
        ("refused", "day"),
        ("permitted", None),
    ]
    assert {of("person", PERSON_ID)} < {one["record"] for one in entries[0]["records"]}
    assert not any(one["seen"] for one in entries[0]["records"])


def test_what_is_deferred_is_hidden_from_the_subject_and_not_from_the_auditor() -> None:
    office = Office(INHABITED)
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    entry_id = OPAQUE.entry(PERSON, 1)
    deferred = office.ask(office.service.defer, entry_id=entry_id, until="2026-12-31", why="A case")
    assert deferred["hidden_until"] == "2026-12-30T17:00:00.000000Z"
    assert office.noted[1:] == [(PERSON, "defer-disclosure", True)]
    whole = office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))
    assert [e.get("hidden_until") for e in whole["entries"]] == [deferred["hidden_until"]] * 2
    office.policies.permits = lambda question: question.action is not Action.READ_ACCESS_LOG
    told = office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))
    assert [entry["action"] for entry in told["entries"]] == ["read-access-log"]
    assert office.noted[-1] == (PERSON, "read-trace", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"until": "tomorrow"},
        {"until": "0001-01-01"},
        {"until": "9999-12-31"},
        {"until": "2026-W52-1"},
        {"until": SENT_AT[:10]},
        {"until": later(SENT_AT, (LONGEST_DEFERRAL + 1) * 86_400)[:10]},
        {"why": "  "},
        {"why": "x" * 501},
    ],
)
def test_a_deferral_ends_and_has_a_reason(office: Office, changes: dict[str, str]) -> None:
    asked = {"entry_id": OPAQUE.entry(PERSON, 1), "until": "2026-12-31", "why": "A case", **changes}
    with pytest.raises(BadRequest):
        office.ask(office.service.defer, **asked)
    assert not office.log.noted


def test_what_is_no_entry_is_not_deferred(office: Office) -> None:
    for entry_id in ("nonsense", of("person", PERSON_ID), OPAQUE.entry(PERSON, 9)):
        with pytest.raises(NotFound):
            office.ask(office.service.defer, entry_id=entry_id, until="2026-12-31", why="A case")
    assert office.noted == [(PERSON, "defer-disclosure", False)]


def test_the_log_is_searched_by_officer_agency_or_purpose(office: Office) -> None:
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    for asked in [{"officer": OFFICER.id}, {"agency": "H26.12"}, {"purpose": "dossier-handling"}]:
        answer = office.ask(office.service.access_log, **asked)
        assert answer["entries"][-1]["action"] == "read"
        assert office.noted[-1] == (ME, "read-access-log", True)
        assert office.last.note == asked
    assert office.ask(office.service.access_log, agency="K02")["entries"] == []


def test_the_log_is_read_from_one_instant_to_another_both_inclusive(office: Office) -> None:
    office.ask(office.service.lookup, personal_id=PERSON_ID)
    at = office.last.looked_at
    answer = office.ask(office.service.access_log, officer=OFFICER.id, since=at, until=at)
    assert [entry["looked_at"] for entry in answer["entries"]] == [at]


def test_the_log_goes_on_with_the_same_span_page_by_page(office: Office) -> None:
    for _ in range(60):
        office.ask(office.service.lookup, personal_id=PERSON_ID)
    first = office.ask(office.service.access_log, officer=OFFICER.id)
    second = office.ask(office.service.access_log, officer=OFFICER.id, cursor=first["cursor"])
    assert (len(first["entries"]), len(second["entries"]), second["cursor"]) == (50, 11, None)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"officer": "o", "since": "yesterday"},
        {"officer": "o", "until": "0001-01-02T00:00:00Z"},
        {"officer": "o", "since": "9999-12-30T00:00:00Z", "until": "9999-12-31T00:00:00Z"},
        {"officer": "o", "until": "9999-12-31T23:59:59.999999Z"},
        {"officer": "o", "since": "2026-01-01T00:00:00Z"},
        {"officer": "o", "since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
        {"officer": "o", "cursor": "nonsense"},
    ],
)
def test_nobody_reads_the_log_whole(office: Office, arguments: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        office.ask(office.service.access_log, **arguments)
    assert not office.log.noted


def test_who_may_not_read_the_log_is_refused_and_noted() -> None:
    office = Office(INHABITED, nothing())
    with pytest.raises(NotPermitted):
        office.ask(office.service.access_log, officer="o")
    with pytest.raises(NotPermitted):
        office.ask(office.service.trace, opaque_id=of("person", PERSON_ID))
    with pytest.raises(NotPermitted):
        office.ask(
            office.service.defer,
            entry_id=OPAQUE.entry(PERSON, 1),
            until="2026-12-31",
            why="A case",
        )
    assert office.noted == [
        (ME, "read-access-log", False),
        (PERSON, "read-trace", False),
        (PERSON, "defer-disclosure", False),
    ]


def test_whoever_asks_learns_who_they_are(office: Office) -> None:
    answer = office.ask(office.service.me)
    assert (answer["name"], answer["agency"]) == (OFFICER.name, "H26.12")
    assert answer["allowance"] == {"looks": 0, "most": 100_000, "left": 100_000}


# Whatever is asked --------------------------------------------------------------------------

Ask = Callable[[Office], dict[str, Any]]

QUESTIONS: Final[Mapping[str, Ask]] = {
    "lookup": lambda o: o.ask(o.service.lookup, personal_id=PERSON_ID),
    "lookup by old number": lambda o: o.ask(o.service.lookup, old_identity_number=OLD_NUMBER),
    "lookup by card": lambda o: o.ask(o.service.lookup, insurance_number=INSURANCE_NUMBER),
    "lookup of nobody": lambda o: o.ask(o.service.lookup, personal_id="999999999999"),
    "search": lambda o: o.ask(o.service.search, name=NAME, year_of_birth=1990),
    "search for nobody": lambda o: o.ask(o.service.search, name="Trần Thử", commune="00001"),
    "person": lambda o: o.ask(o.service.record, kind="person", opaque_id=of("person", PERSON_ID)),
    "card": lambda o: o.ask(
        o.service.record,
        kind="insurance-card",
        opaque_id=of("insurance-card", INSURANCE_NUMBER),
    ),
    "dossier": lambda o: o.ask(
        o.service.record, kind="dossier", opaque_id=of("dossier", DOSSIER_CODE)
    ),
    "dossier by code": lambda o: o.ask(o.service.dossier_lookup, dossier_code=DOSSIER_CODE),
    "dossiers": lambda o: o.ask(o.service.dossiers),
    "at": lambda o: o.ask(o.service.history_at, opaque_id=of("person", PERSON_ID), at=SENT_AT),
    "at first": lambda o: o.ask(
        o.service.history_at, opaque_id=of("dossier", DOSSIER_CODE), at="2020-01-01T00:00:00Z"
    ),
    "history": lambda o: o.ask(o.service.history, opaque_id=of("dossier", DOSSIER_CODE)),
    "receipt": lambda o: o.ask(o.service.receipt, source="/agencies/H26.12", id_="d-1"),
    "refused": lambda o: o.ask(o.service.receipt, source="/agencies/G01", id_="p-refused"),
    "trace": lambda o: o.ask(o.service.trace, opaque_id=of("person", PERSON_ID)),
    "log": lambda o: o.ask(o.service.access_log, officer=OFFICER.id),
}
ask_anything = st.sampled_from(sorted(QUESTIONS))
groups = st.sets(st.sampled_from(["identity", "contact", "insurance", "dossier", "frame"]))


def handed_out(office: Office) -> dict[str, str]:
    return {k: s for reader in office.readers.opened for k, s in reader.handed_out.items()}


def covered(office: Office) -> bool:
    """Whether every record that was handed out is in an entry of its subject."""
    noted = {(e.subject, key) for e in office.log.noted for key in (*e.seen, *e.masked)}
    return all((subject, key) in noted for key, subject in handed_out(office).items())


@given(ask_anything, groups)
def test_whatever_is_asked_and_permitted_all_that_was_read_is_noted(
    name: str, permitted: set[str]
) -> None:
    office = Office(INHABITED, FakePolicies(lambda q: (q.group or "frame") in permitted))
    try:
        answer = QUESTIONS[name](office)
    except (NotPermitted, NotFound):
        answer = {}
    assert office.log.noted
    assert covered(office)
    if answer:
        assert all(entry.allowed for entry in office.log.noted)
    for value, group in [("0900000001", "contact"), (NAME, "identity"), ("K02", "dossier")]:
        if group not in permitted and "log" not in name and name not in ("trace", "receipt"):
            assert value.encode() not in canonical([d.get("fields") for d in _records(answer)])


def _records(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "fields" in answer:
        yield answer
    for part in answer.values():
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, dict):
                yield from _records(one)


@given(ask_anything, groups)
def test_without_a_trace_nothing_leaves(name: str, permitted: set[str]) -> None:
    office = Office(INHABITED, FakePolicies(lambda q: (q.group or "frame") in permitted))
    office.log.unwritable = Retry("not now")
    with pytest.raises(Unavailable):
        QUESTIONS[name](office)
    assert not office.log.noted


@given(ask_anything)
def test_a_spent_allowance_is_told_and_nothing_leaves(name: str) -> None:
    office = Office(INHABITED)
    office.log.unwritable = AllowanceSpent(Window.MINUTE, SENT_AT)
    with pytest.raises(AllowanceSpent):
        QUESTIONS[name](office)


class Breaking:
    """A door that breaks after it handed out something, or before."""

    def __init__(self, office: Office, error: Exception, *, after: bool) -> None:
        self._office, self._error, self._after = office, error, after

    def open(self) -> Any:
        reader = FakeReader(self._office.town)
        self._office.readers.opened.append(reader)
        return _Broken(reader, self._error, after=self._after)


class _Broken:
    def __init__(self, reader: FakeReader, error: Exception, *, after: bool) -> None:
        self._reader, self._error, self._after = reader, error, after

    def __getattr__(self, name: str) -> Any:
        there = getattr(self._reader, name)
        if name in ("handed_out", "heads"):
            return there

        def broken(*arguments: Any, **named: Any) -> Any:
            if self._after:
                there(*arguments, **named)
            raise self._error

        return broken


@given(
    ask_anything.filter(lambda name: name not in ("trace", "log")),
    st.sampled_from([Retry("not now"), Defect("broken"), ValueError("unexpected")]),
    st.booleans(),
)
def test_whatever_breaks_nothing_leaves_and_what_was_read_is_noted_as_not_answered(
    name: str, error: Exception, after: bool
) -> None:
    office = Office(INHABITED)
    office.service = replace(office.service, readers=Breaking(office, error, after=after))
    with pytest.raises(type(error)):
        QUESTIONS[name](office)
    assert office.log.noted
    assert covered(office)
    for entry in office.log.noted:
        assert not entry.allowed
        assert not entry.seen
        assert entry.note == {"outcome": "not-answered"}


@given(ask_anything.filter(lambda name: name not in ("trace", "log")))
def test_what_breaks_while_the_answer_is_made_is_noted_as_well(
    name: str,
) -> None:
    office = Office(INHABITED)

    def breaking(caller: Caller, errand: Errand, questions: Sequence[Question]) -> Any:
        if handed_out(office):
            raise ValueError("unexpected")
        return FakePolicies().rule(caller, errand, questions)

    office.policies.rule = breaking  # type: ignore[method-assign]
    with suppress(ValueError, NotFound):
        QUESTIONS[name](office)
    assert office.log.noted
    assert covered(office)


@pytest.mark.parametrize("noted", [False, True])
def test_an_answer_with_a_record_that_no_look_is_of_is_not_released(noted: bool) -> None:
    office = Office(INHABITED)

    def careless() -> None:
        with Visit(office.service, OFFICER, ERRAND, Action.READ, PERSON) as visit:
            visit.reader.about(PERSON_ID, visit.deadline)
            if noted:
                visit.saw(PERSON, PERSON, ["full_name"], [], ["may-read"])
                visit.saw(CARD, "insurance-card/another", [], [], ["may-read"])
            visit.release({"secret": NAME})

    with pytest.raises(Defect):
        careless()
    assert covered(office)
    assert not any(entry.allowed for entry in office.log.noted)


@pytest.mark.parametrize("name", [*QUESTIONS, "me"])
@pytest.mark.parametrize(
    ("purpose", "case", "header"),
    [
        ("", None, "X-Purpose"),
        ("curiosity", None, "X-Purpose"),
        ("dossier-handling", None, "X-Case"),
        ("dossier-handling", PERSON_ID, "X-Case"),
    ],
)
def test_nothing_is_asked_without_a_purpose_and_the_case_it_needs(
    name: str, purpose: str, case: str | None, header: str
) -> None:
    office = Office(INHABITED, errand=Errand(purpose, case, "request-1"))
    ask: Ask = QUESTIONS.get(name, lambda o: o.ask(o.service.me))
    with pytest.raises(BadRequest) as refused:
        ask(office)
    assert [problem.path for problem in refused.value.problems] == [header]
    assert not office.policies.asked
    assert not office.readers.opened


@given(ask_anything, groups)
def test_no_error_holds_personal_data(name: str, permitted: set[str]) -> None:
    office = Office(INHABITED, FakePolicies(lambda q: (q.group or "frame") in permitted))
    try:
        QUESTIONS[name](office)
    except LienThongError as error:
        text = f"{error} {error.text if isinstance(error, Declined) else ''}"
        for value in (PERSON_ID, INSURANCE_NUMBER, DOSSIER_CODE, NAME, OLD_NUMBER, "p-refused"):
            assert value not in text


def test_no_code_of_the_api_has_another_way_to_a_record_than_the_door() -> None:
    sources = [Path(inspect.getfile(QueryService)), *Path(inspect.getfile(api)).parent.glob("*.py")]
    known = {
        module
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (module := node.module) is not None
        if module.startswith("functions.shared.adapters")
    }
    assert known == {"functions.shared.adapters.opaque"}
