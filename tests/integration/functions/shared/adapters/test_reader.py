"""What `Reader` guarantees: the fake and the adapter pass one suite; then the calls it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import pytest

from functions.shared.adapters import reader as adapter
from functions.shared.adapters.attributes import to_attribute
from functions.shared.core.access import NO_HEAD, Head
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON
from functions.shared.core.search import Match, wanted
from functions.shared.core.views import shown_of
from functions.shared.ports import Due, Reader, Readers
from tests import faults
from tests.builders import (
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    OTHER_PERSON_ID,
    PERSON_ID,
    event,
)
from tests.fakes import Passed, Unhurried
from tests.fakes_query import FakeReaders, FakeTown
from tests.faults import Faulty
from tests.integration.functions.stack import Aws
from tests.integration.functions.town import MotoTown

PERSON_KEY: Final = f"person/{PERSON_ID}"
CARD_KEY: Final = f"insurance-card/{INSURANCE_NUMBER}"
DOSSIER_KEY: Final = f"dossier/{DOSSIER_CODE}"
SOON: Final = Unhurried()


class Town(Protocol):
    def sent(self, *documents: Mapping[str, Any] | str, kind: str = ...) -> object: ...


@pytest.fixture(params=["fake", "dynamodb"])
def opened(request: pytest.FixtureRequest, aws: Aws) -> Iterator[tuple[Town, Readers]]:
    """A town, and doors to it."""
    if request.param == "fake":
        fake = FakeTown()
        yield fake, FakeReaders(fake)
        return
    town = MotoTown(aws)
    with town.doors() as doors:
        yield town, doors


def registered(key: str = PERSON_ID, name: str = "Nguyễn Thị Mẫu", **fields: Any) -> dict[str, Any]:
    stated = {"full_name": name, "date_of_birth": "1990-02-03", "sex": "female", **fields}
    return event("person.registered", stated, key=key, id_=f"registered-{key}")


def card(number: str = INSURANCE_NUMBER, personal_id: str | None = PERSON_ID) -> dict[str, Any]:
    stated = {"full_name": "Nguyễn Thị Mẫu", "card": {"number": number}}
    if personal_id is not None:
        stated["personal_id"] = personal_id
    return event("insurance-card.issued", stated, key=number, id_=f"issued-{number}")


def dossier(
    code: str = DOSSIER_CODE,
    applicant: str | None = PERSON_ID,
    *,
    handler: str = "H26.12",
    status: int = 4,
    due_at: str | None = "2026-03-10T02:00:00.000000Z",
) -> dict[str, Any]:
    stated: dict[str, Any] = {"handling_agency": handler, "status": status}
    if applicant is not None:
        stated["applicant"] = {"kind": "citizen", "personal_id": applicant}
    if due_at is not None:
        stated["due_at"] = due_at
    type_ = {4: "dossier.progressed", 2: "dossier.accepted", 9: "dossier.completed"}[status]
    if status == 9:
        stated["finished_at"] = "2026-03-09T02:00:00Z"
    return event(type_, stated, key=code, id_=f"sent-{code}")


def test_a_person_comes_with_cards_and_dossiers(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(
        registered(), card(), dossier(), registered(OTHER_PERSON_ID), card("0000000001", None)
    )
    reader = readers.open()
    found = reader.about(PERSON_ID, SOON)
    assert found.person is not None
    assert found.person.key == PERSON_ID
    assert [record.key for record in found.cards] == [INSURANCE_NUMBER]
    assert [record.key for record in found.dossiers] == [DOSSIER_CODE]
    assert found.complete
    assert dict(reader.handed_out) == dict.fromkeys((PERSON_KEY, CARD_KEY, DOSSIER_KEY), PERSON_KEY)


def test_nobody_is_handed_out_where_there_is_nobody(opened: tuple[Town, Readers]) -> None:
    _, readers = opened
    reader = readers.open()
    found = reader.about(PERSON_ID, SOON)
    assert (found.person, found.cards, found.dossiers, found.complete) == (None, (), (), True)
    assert not reader.handed_out


def test_of_many_dossiers_the_newest_are_handed_out(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    codes = [f"H26.12-2026{1 + n // 28:02d}{1 + n % 28:02d}-{n:07d}" for n in range(52)]
    town.sent(*(dossier(code) for code in codes))
    reader = readers.open()
    found = reader.about(PERSON_ID, SOON)
    assert [record.key for record in found.dossiers] == sorted(codes, reverse=True)[:50]
    assert not found.complete
    assert len(reader.handed_out) == 50


def test_records_are_read_by_kind_and_key(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(registered(), card(personal_id=None), dossier(applicant=None))
    reader = readers.open()
    asked = {
        ("person", PERSON_ID),
        ("insurance-card", INSURANCE_NUMBER),
        ("dossier", DOSSIER_CODE),
        ("person", OTHER_PERSON_ID),
    }
    found = reader.records(asked, SOON)
    assert set(found) == {PERSON_KEY, CARD_KEY, DOSSIER_KEY}
    assert dict(reader.handed_out) == {key: key for key in found}


def test_people_who_share_an_old_number_are_all_named(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(
        registered(old_identity_number="010000024"),
        registered(OTHER_PERSON_ID, old_identity_number="010000024"),
    )
    reader = readers.open()
    ids = reader.with_old_number("010000024", SOON)
    assert sorted(ids) == sorted([PERSON_ID, OTHER_PERSON_ID])
    assert not reader.with_old_number("000000000", SOON)
    assert not reader.handed_out


NAMES: Final = {
    "001190000001": ("Nguyễn Thị Hòa", "1990-02-03", "00070"),
    "001190000002": ("NGUYỄN THỊ HÒA", "1990-02-03", "00070"),
    "001190000003": ("Nguyễn Thị Hoà", "1990-02", "00070"),
    "001190000004": ("Nguyễn Thị Hoa", "1990", "00082"),
    "001190000005": ("Nguyễn Thị Hòa", "1991-02-03", "00070"),
    "001190000006": ("Nguyễn Thị Hoài", "1990-02-03", "00070"),
}


def named(town: Town) -> None:
    for key, (name, born, commune) in NAMES.items():
        residence = {"commune": commune, "address": "Số 3, phố Thử"}
        number = f"01000002{key[-1]}"
        fields = {"date_of_birth": born, "residence": residence, "old_identity_number": number}
        town.sent(registered(key, name, **fields))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"date_of_birth": "1990-02-03"}, "1234"),
        ({"date_of_birth": "1990-02"}, "1234"),
        ({"year_of_birth": 1990}, "1234"),
        ({"date_of_birth": "1990-02-03", "commune": "00070"}, "123"),
        ({"date_of_birth": "1990-02-04"}, "34"),
        ({"commune": "00070"}, "1523"),
        ({"commune": "00082"}, "4"),
        ({"old_identity_number": "010000022"}, "2"),
        ({"old_identity_number": "010000026"}, ""),
        ({"old_identity_number": "010000022", "year_of_birth": 1991}, ""),
        ({"year_of_birth": 1980}, ""),
    ],
)
def test_people_are_found_by_name_and_more_exact_matches_first(
    opened: tuple[Town, Readers], more: Mapping[str, Any], expected: str
) -> None:
    town, readers = opened
    named(town)
    reader = readers.open()
    found = reader.people(wanted(name="Nguyễn Thị Hòa", **more), SOON)
    assert "".join(one.personal_id[-1] for one in found.people) == expected
    assert found.complete
    assert set(reader.handed_out) == {f"person/00119000000{n}" for n in expected}


def test_of_a_person_who_is_found_a_search_has_what_it_shows(
    opened: tuple[Town, Readers],
) -> None:
    town, readers = opened
    named(town)
    found = readers.open().people(wanted(name="nguyen thi hoa", commune="00082"), SOON)
    (one,) = found.people
    assert one.match is Match.DIACRITICS
    assert dict(one.fields) == {
        "full_name": "Nguyễn Thị Hoa",
        "date_of_birth": "1990",
        "sex": "female",
        "residence": {"commune": "00082", "address": "Số 3, phố Thử"},
    }


def test_a_search_hands_out_no_more_than_is_asked_for_and_says_so(
    opened: tuple[Town, Readers],
) -> None:
    town, readers = opened
    named(town)
    reader = readers.open()
    found = reader.people(wanted(name="Nguyễn Thị Hòa", year_of_birth=1990, limit=2), SOON)
    assert [one.match for one in found.people] == [Match.EXACT, Match.CASE]
    assert not found.complete
    assert len(reader.handed_out) == 2


def due(**changes: Any) -> Due:
    known: dict[str, Any] = {
        "agency": "H26.12",
        "statuses": frozenset({2, 4}),
        "before": None,
        "limit": 2,
    }
    return Due(**{**known, **changes})


def all_of(readers: Readers, asked: Due | None) -> list[list[str]]:
    pages = []
    while asked is not None:
        records, asked = readers.open().handled(asked, SOON)
        pages.append([record.key[-1] for record in records])
    return pages


def worklist(town: Town) -> None:
    for number, (status, day, handler) in enumerate(
        [(4, 10, "H26.12"), (2, 9, "H26.12"), (9, 8, "H26.12"), (4, 0, "H26.12"), (4, 7, "H26"),
         (4, 12, "H26.12"), (2, 10, "H26.12")]
    ):  # fmt: skip
        due_at = f"2026-03-{day:02d}T02:00:00.000000Z" if day else None
        code = f"H26.12-20260303-000000{number}"
        town.sent(dossier(code, handler=handler, status=status, due_at=due_at))


def test_dossiers_are_listed_by_due_date_in_pages(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    worklist(town)
    assert all_of(readers, due()) == [["3", "1"], ["0", "6"], ["5"]]
    assert all_of(readers, due(limit=5)) == [["3", "1", "0", "6", "5"]]
    assert all_of(readers, due(limit=1)) == [["3"], ["1"], ["0"], ["6"], ["5"]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"before": "2026-03-10T02:00:00.000000Z"}, "1"),
        ({"before": "2026-03-10T02:00:00.000001Z"}, "106"),
        ({"statuses": frozenset({9})}, "2"),
        ({"agency": "H26"}, "4"),
        ({"agency": "H26.99"}, ""),
    ],
)
def test_dossiers_are_chosen_by_agency_status_and_due_date(
    opened: tuple[Town, Readers], changes: Mapping[str, Any], expected: str
) -> None:
    town, readers = opened
    worklist(town)
    reader = readers.open()
    records, rest = reader.handled(due(limit=50, **changes), SOON)
    assert "".join(record.key[-1] for record in records) == expected
    assert rest is None
    assert set(reader.handed_out) == {record.record_key for record in records}


def test_a_chain_is_the_record_and_its_entries(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(registered(), *(event(fields={"phone": f"090000000{n}"}, id_=f"{n}") for n in (1, 2)))
    reader = readers.open()
    chain = reader.chain("person", PERSON_ID, SOON, whole=True)
    assert chain.record is not None
    assert chain.record.version == 3
    assert [entry.version for entry in chain.entries] == [1, 2, 3]
    assert not chain.more
    assert dict(reader.handed_out) == {PERSON_KEY: PERSON_KEY}
    rest = readers.open().chain("person", PERSON_ID, SOON, after=2)
    assert [entry.version for entry in rest.entries] == [3]


def test_a_chain_comes_in_pages(
    opened: tuple[Town, Readers], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, readers = opened
    monkeypatch.setattr(adapter, "MOST_ENTRIES", 2)
    monkeypatch.setattr("tests.fakes_query.MOST_ENTRIES", 2)
    town.sent(registered(), *(event(fields={"phone": f"090000000{n}"}, id_=f"{n}") for n in (1, 2)))
    first = readers.open().chain("person", PERSON_ID, SOON)
    assert ([entry.version for entry in first.entries], first.more) == ([1, 2], True)
    second = readers.open().chain("person", PERSON_ID, SOON, after=2)
    assert ([entry.version for entry in second.entries], second.more) == ([3], False)


def test_the_chain_of_a_card_is_its_holders_concern(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(card())
    reader = readers.open()
    reader.chain("insurance-card", INSURANCE_NUMBER, SOON)
    assert dict(reader.handed_out) == {CARD_KEY: PERSON_KEY}


def test_there_is_no_chain_of_nothing(opened: tuple[Town, Readers]) -> None:
    _, readers = opened
    reader = readers.open()
    chain = reader.chain("person", PERSON_ID, SOON, whole=True)
    assert (chain.record, chain.entries, chain.more) == (None, (), False)
    assert not reader.handed_out


def test_an_event_is_found_in_the_ledger_with_whose_it_is(opened: tuple[Town, Readers]) -> None:
    town, readers = opened
    town.sent(registered(), card(), dossier(applicant=None))
    for source, id_, record, subject in [
        ("/agencies/G01", f"registered-{PERSON_ID}", PERSON_KEY, PERSON_KEY),
        ("/agencies/G24", f"issued-{INSURANCE_NUMBER}", CARD_KEY, PERSON_KEY),
        ("/agencies/H26.12", f"sent-{DOSSIER_CODE}", DOSSIER_KEY, DOSSIER_KEY),
    ]:
        reader = readers.open()
        happened = reader.event(f"{source}#{id_}", SOON)
        assert happened.entry is not None
        assert happened.entry.record_key == record
        assert not happened.refused
        assert dict(reader.handed_out) == {record: subject}


def test_an_event_that_was_refused_is_found_with_its_reasons(
    opened: tuple[Town, Readers],
) -> None:
    town, readers = opened
    refused = event(fields={"phone": "not a number"}, id_="refused")
    town.sent(refused, event(fields={"phone": "0900000001"}, id_="refused"))
    reader = readers.open()
    happened = reader.event("/agencies/G01#refused", SOON)
    assert happened.entry is not None
    (entry,) = happened.refused
    assert [reason.code for reason in entry.reasons] == ["invalid-data"]
    assert entry.status in ("open", "resolved")
    nothing = readers.open().event("/agencies/G01#other", SOON)
    assert (nothing.entry, nothing.refused) == (None, ())


# The adapter alone ----------------------------------------------------------------------------


@pytest.fixture
def town(aws: Aws) -> MotoTown:
    return MotoTown(aws)


def cost_of(town: MotoTown, read: Callable[[Reader], object]) -> dict[str, int]:
    client = Faulty(town.aws.dynamodb)
    with town.doors(client) as doors:
        read(doors.open())
    counted: dict[str, int] = {}
    for call in client.calls:
        counted[call.operation] = counted.get(call.operation, 0) + 1
    return counted


def test_a_lookup_is_four_calls_in_two_rounds(town: MotoTown) -> None:
    town.sent(registered(), card(), dossier())
    cost = cost_of(town, lambda reader: reader.about(PERSON_ID, SOON))
    assert cost == {"batch_get_item": 2, "query": 2}


def test_a_search_costs_the_same_however_many_there_are(town: MotoTown) -> None:
    asked = wanted(name="Nguyễn Thị Hòa", date_of_birth="1990-02-03")
    named(town)
    few = cost_of(town, lambda reader: reader.people(asked, SOON))
    for number in range(60):
        town.sent(registered(f"0011910000{number:02d}", "Nguyễn Thị Hòa", date_of_birth="1991"))
    assert cost_of(town, lambda reader: reader.people(asked, SOON)) == few
    assert few == {"query": 3, "batch_get_item": 1}


def test_more_people_than_are_handed_out_are_compared_and_the_best_come(
    town: MotoTown,
) -> None:
    for number in range(60):
        town.sent(registered(f"0011900001{number:02d}", "Nguyễn Thị Hoa"))
    town.sent(registered("001190000299", "Nguyễn Thị Hòa"))
    with town.doors() as doors:
        reader = doors.open()
        asked = wanted(name="Nguyễn Thị Hòa", year_of_birth=1990)
        found = reader.people(asked, SOON)
    assert found.people[0].personal_id == "001190000299"
    assert len(found.people) == len(reader.handed_out) == 50
    assert not found.complete
    assert not reader.heads


def test_too_many_of_a_name_in_a_commune_are_looked_through_in_part(
    town: MotoTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_NAME_KEYS", 3)
    named(town)
    with town.doors() as doors:
        found = doors.open().people(wanted(name="Nguyễn Thị Hòa", commune="00070"), SOON)
    assert not found.complete


def test_index_pages_are_followed_to_their_end(
    town: MotoTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_PAGE", 2)
    named(town)
    with town.doors() as doors:
        found = doors.open().people(wanted(name="Nguyễn Thị Hòa", year_of_birth=1990), SOON)
    assert len(found.people) == 4


def test_a_card_that_shows_another_person_by_now_is_not_handed_out(town: MotoTown) -> None:
    town.sent(registered(), card())

    def lagging(call: faults.Call, proceed: faults.Proceed) -> Any:
        if call.request.get("IndexName") == "by-person":
            return {"Items": [{"insurance_number": to_attribute(INSURANCE_NUMBER)}]}
        return proceed()

    client = Faulty(town.aws.dynamodb, lambda _: lagging)
    with town.doors(client) as doors:
        reader = doors.open()
        found = reader.about(OTHER_PERSON_ID, SOON)
    assert (found.person, found.cards) == (None, ())
    assert not reader.handed_out


def test_a_dossier_that_somebody_else_handles_by_now_is_not_listed(town: MotoTown) -> None:
    town.sent(dossier(handler="H26"))

    def lagging(call: faults.Call, proceed: faults.Proceed) -> Any:
        if call.request.get("IndexName") == "by-handler":
            return {
                "Items": [
                    {
                        "dossier_code": to_attribute(DOSSIER_CODE),
                        "status_due": to_attribute(f"04##{DOSSIER_CODE}"),
                    }
                ]
            }
        return proceed()

    with town.doors(Faulty(town.aws.dynamodb, lambda _: lagging)) as doors:
        reader = doors.open()
        assert reader.handled(due(), SOON) == ([], None)
    assert not reader.handed_out


def test_a_whole_chain_waits_for_its_index(town: MotoTown) -> None:
    town.sent(registered(), event(id_="2"))
    lags = iter([True, True, False])

    def lagging(call: faults.Call, proceed: faults.Proceed) -> Any:
        answer = proceed()
        if call.request.get("IndexName") == "by-record" and next(lags):
            return {"Items": answer["Items"][:1]}
        return answer

    with town.doors(Faulty(town.aws.dynamodb, lambda _: lagging)) as doors:
        assert len(doors.open().chain("person", PERSON_ID, SOON, whole=True).entries) == 2


def test_a_whole_chain_is_not_answered_in_part(town: MotoTown) -> None:
    town.sent(registered(), event(id_="2"))

    def lagging(call: faults.Call, proceed: faults.Proceed) -> Any:
        answer = proceed()
        if call.request.get("IndexName") == "by-record":
            return {"Items": answer["Items"][:1]}
        return answer

    with town.doors(Faulty(town.aws.dynamodb, lambda _: lagging)) as doors:
        reader = doors.open()
        with pytest.raises(Retry):
            reader.chain("person", PERSON_ID, SOON, whole=True)
    assert not reader.handed_out


READS: Final[Mapping[str, Callable[[Reader, Any], object]]] = {
    "about": lambda reader, deadline: reader.about(PERSON_ID, deadline),
    "records": lambda reader, deadline: reader.records({("person", PERSON_ID)}, deadline),
    "with_old_number": lambda reader, deadline: reader.with_old_number("010000024", deadline),
    "people": lambda reader, deadline: reader.people(
        wanted(name="Nguyễn Thị Mẫu", year_of_birth=1990), deadline
    ),
    "handled": lambda reader, deadline: reader.handled(due(), deadline),
    "chain": lambda reader, deadline: reader.chain("person", PERSON_ID, deadline),
    "event": lambda reader, deadline: reader.event(
        f"/agencies/G01#registered-{PERSON_ID}", deadline
    ),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("number", [1, 2])
def test_a_throttled_call_is_tried_again(
    town: MotoTown, read: Callable[[Reader, Any], object], number: int
) -> None:
    town.sent(registered(), dossier())

    throttled = faults.at_call(number, faults.answers("ProvisionedThroughputExceededException"))
    with town.doors() as doors:
        whole = read(doors.open(), SOON)
    with town.doors(Faulty(town.aws.dynamodb, throttled)) as doors:
        assert read(doors.open(), SOON) == whole


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("code", "deadline", "error"),
    [
        ("ThrottlingException", Passed(), Retry),
        ("InternalServerError", SOON, Retry),
        ("AccessDeniedException", SOON, Defect),
    ],
)
def test_a_read_that_never_succeeds_hands_out_nothing(
    town: MotoTown,
    read: Callable[[Reader, Any], object],
    code: str,
    deadline: Any,
    error: type[Exception],
) -> None:
    town.sent(registered(), dossier())
    client = Faulty(town.aws.dynamodb, lambda _: faults.answers(code))
    with town.doors(client) as doors:
        reader = doors.open()
        with pytest.raises(error):
            read(reader, deadline)
    assert not reader.handed_out


def test_an_item_without_the_stored_form_is_a_defect(town: MotoTown) -> None:
    town.sent(registered())
    table = town.worlds[PERSON.name].records_table
    town.aws.dynamodb.put_item(TableName=table, Item={"personal_id": {"S": PERSON_ID}})
    with town.doors() as doors, pytest.raises(Defect):
        doors.open().about(PERSON_ID, SOON)


def test_the_tables_of_every_kind_that_is_served_have_a_door(town: MotoTown) -> None:
    town.sent(registered(), card(), dossier())
    with town.doors() as doors:
        found = doors.open().about(PERSON_ID, SOON)
    records = [found.person, *found.cards, *found.dossiers]
    assert [r.kind for r in records if r] == [PERSON.name, INSURANCE_CARD.name, DOSSIER.name]
    assert all(shown_of(record) for record in records if record)


def test_the_newest_link_of_a_person_is_read_on_the_way(town: MotoTown) -> None:
    town.sent(registered(), registered(OTHER_PERSON_ID, "Trần Thử"))
    link = {"subject": {"S": PERSON_KEY}, "number": {"N": "7"}, "entry_hash": {"S": "ab" * 32}}
    town.aws.dynamodb.put_item(TableName=town.heads, Item=link)
    with town.doors() as doors:
        for read in (READS["about"], READS["records"], READS["people"], READS["chain"]):
            reader = doors.open()
            read(reader, SOON)
            assert dict(reader.heads) == {PERSON_KEY: Head(7, "ab" * 32)}
        reader = doors.open()
        reader.about(OTHER_PERSON_ID, SOON)
        assert dict(reader.heads) == {f"person/{OTHER_PERSON_ID}": NO_HEAD}
