"""The questions over tables, with the policies, the access log and the registry as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.shared.adapters.access_log import DynamoAccessLog, Places
from functions.shared.adapters.directory import DynamoDirectory
from functions.shared.adapters.opaque import KEY_BYTES, Opaque
from functions.shared.adapters.policies import CedarPolicies
from functions.shared.core.access import Caller, Errand, Role, chain_faults
from functions.shared.core.allowances import Limits
from functions.shared.core.answers import NotFound, NotPermitted, Unavailable
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.replay import folded
from functions.shared.core.views import record_answer
from functions.shared.runtime.query import QueryService
from tests import faults
from tests.builders import (
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    KEYS,
    PERSON_ID,
    event,
    messages,
    registrations,
    ticking,
)
from tests.fakes import Unhurried
from tests.faults import Faulty
from tests.histories import histories
from tests.integration.functions.stack import WAITING, Aws, create_table
from tests.integration.functions.town import MotoTown

OPAQUE: Final = Opaque(bytes(range(KEY_BYTES)))
POLICIES: Final = Path(__file__).parents[5] / "infra" / "policies"
SUBJECT: Final = f"person/{PERSON_ID}"
NAME: Final = "Nguyễn Thị Mẫu"
BEFORE: Final = "2020-01-01T00:00:00.000000Z"


def policies() -> CedarPolicies:
    texts = [path.read_text(encoding="utf-8") for path in sorted(POLICIES.glob("*.cedar"))]
    return CedarPolicies(texts, (POLICIES / "schema.cedarschema").read_text(encoding="utf-8"))


CEDAR: Final = policies()


def caller(role: Role, agency: str, *above: str) -> Caller:
    return Caller(f"id-of-{role}", f"name-of-{role}", agency, above, frozenset({role}))


POPULATION: Final = caller(Role.POPULATION_OFFICER, "G01")
POPULATION_WORK: Final = Errand("population-administration", None, "request-1")
ONE_STOP: Final = caller(Role.ONE_STOP_OFFICER, "H26.12", "H26")
HANDLING: Final = Errand("dossier-handling", DOSSIER_CODE, "request-2")
FACILITY: Final = caller(Role.FACILITY_STAFF, "Z0101020")
VISIT: Final = Errand("medical-examination", "visit-77", "request-3")
INSPECTOR: Final = caller(Role.INSPECTOR, "H26")
INSPECTION: Final = Errand("inspection", "12/QD-TTr", "request-4")
AUDITOR: Final = caller(Role.AUDITOR, "K02")
AUDIT: Final = Errand("audit", None, "request-5")


class Changing(Faulty):
    """A client whose faults can be changed on the way."""

    def __init__(self, client: Any) -> None:
        self.faults: faults.Faults = lambda _: None
        super().__init__(client, lambda call: self.faults(call))


@dataclass
class Open:
    """A service over a town, and the calls that it makes."""

    town: MotoTown
    service: QueryService
    client: Changing
    log: DynamoAccessLog
    places: Places

    def calls(self) -> list[str]:
        """The operations since the last time, the first round's two queries in either order."""
        made = [call.operation for call in self.client.calls]
        self.client.calls.clear()
        return made


@pytest.fixture
def opened(aws: Aws) -> Iterator[Open]:
    town = MotoTown(aws)
    town.worlds["agency"].pipeline().run(messages(registrations()), Unhurried())
    changing = Changing(aws.dynamodb)
    client: Any = changing
    places = Places(
        create_table(aws.dynamodb, "AccessLogTable"),
        town.heads,
        create_table(aws.dynamodb, "AllowancesTable"),
    )
    log = DynamoAccessLog(
        client,
        places,
        Limits(day=10_000, minute=10_000),
        bytes(32),
        WAITING,
        ticking("2026-11-22T09:00:00Z"),
    )
    with town.doors(client) as doors:
        service = QueryService(
            readers=doors,
            policies=CEDAR,
            log=log,
            directory=DynamoDirectory(
                client, town.worlds["agency"].records_table, WAITING, lambda: 0.0
            ),
            opaque=OPAQUE,
            patience=Unhurried,
            now=lambda: "2026-11-22T10:00:00.000000Z",
        )
        yield Open(town, service, changing, log, places)


def inhabited(town: MotoTown) -> None:
    town.sent(
        event(
            "person.registered",
            {
                "full_name": NAME,
                "date_of_birth": "1990-02-03",
                "sex": "female",
                "ethnicity_code": "01",
                "residence": {"commune": "00070"},
                "phone": "0900000001",
            },
            id_="p-1",
        ),
        event(
            "insurance-card.issued",
            {"full_name": NAME, "personal_id": PERSON_ID, "card": {"number": INSURANCE_NUMBER}},
            id_="c-1",
        ),
        event(
            "dossier.accepted",
            {
                "status": 2,
                "handling_agency": "H26.12",
                "applicant": {"kind": "citizen", "personal_id": PERSON_ID},
            },
            id_="d-1",
        ),
        event(fields={"phone": "0900000002"}, id_="p-2", time="2026-03-04T00:00:00Z"),
    )


def test_a_lookup_is_two_rounds_of_reads_and_one_transaction(opened: Open) -> None:
    inhabited(opened.town)
    opened.service.lookup(ONE_STOP, HANDLING, personal_id=PERSON_ID)  # the registry is read once
    opened.calls()
    opened.service.lookup(ONE_STOP, HANDLING, personal_id=PERSON_ID)
    first, second, note = (calls := opened.calls())[:3], calls[3:4], calls[4:]
    assert sorted(first) == ["batch_get_item", "query", "query"]
    assert (second, note) == (["batch_get_item"], ["transact_write_items"])


def test_reading_a_person_is_one_call_and_one_transaction(opened: Open) -> None:
    inhabited(opened.town)
    opaque_id = OPAQUE.record("person", PERSON_ID)
    opened.service.record(POPULATION, POPULATION_WORK, "person", opaque_id)
    assert opened.calls() == ["batch_get_item", "transact_write_items"]


def test_a_search_by_year_is_two_rounds_and_one_transaction(opened: Open) -> None:
    inhabited(opened.town)
    opened.service.search(POPULATION, POPULATION_WORK, name="nguyen thi mau", year_of_birth=1990)
    assert opened.calls() == ["query", "batch_get_item", "transact_write_items"]


def shown(answer: Mapping[str, Any]) -> set[str]:
    """The fields whose values an answer has."""
    return {
        f"{record['kind']}.{name}"
        for record in [answer["person"], *answer["insurance_cards"], *answer["dossiers"]]
        for name, field in record["fields"].items()
        if "value" in field
    }


def test_each_role_sees_the_same_person_as_its_policies_say(opened: Open) -> None:
    inhabited(opened.town)
    lookup = opened.service.lookup
    population = shown(lookup(POPULATION, POPULATION_WORK, personal_id=PERSON_ID))
    assert {"person.ethnicity_code", "person.phone", "person.residence"} <= population
    assert "insurance-card.card" not in population
    assert not any(name.startswith("dossier.") for name in population)
    one_stop = shown(lookup(ONE_STOP, HANDLING, personal_id=PERSON_ID))
    assert {"person.phone", "dossier.status"} <= one_stop
    assert "person.ethnicity_code" not in one_stop
    facility = shown(lookup(FACILITY, VISIT, insurance_number=INSURANCE_NUMBER))
    assert {"person.full_name", "insurance-card.card"} <= facility
    assert not {"person.phone", "person.residence", "person.ethnicity_code"} & facility
    for other in (AUDITOR, AUDIT), (FACILITY, POPULATION_WORK), (POPULATION, VISIT):
        with pytest.raises(NotPermitted):
            lookup(*other, personal_id=PERSON_ID)
    chain = opened.log.trace(SUBJECT, Unhurried(), for_subject=False, cursor=None, limit=50)
    entries = [traced.entry for traced in reversed(chain.entries)]
    assert [entry.allowed for entry in entries] == [True, True, True, False, False, False]
    assert entries[2].rules == ("facility-person-identity", "facility-cards")
    assert not chain_faults(entries, opened.log.heads([SUBJECT], Unhurried())[SUBJECT])


def test_an_inspector_asks_everything_and_all_of_it_is_in_the_persons_log(opened: Open) -> None:
    inhabited(opened.town)
    ask, service = (INSPECTOR, INSPECTION), opened.service
    found = service.search(*ask, name=NAME, commune="00070")
    (person,) = found["people"]
    assert person["match"] == "exact"
    record = person["record"]
    assert service.record(*ask, "person", record)["fields"]["phone"]["value"] == "0900000002"
    whole = service.lookup(*ask, personal_id=PERSON_ID)
    card, dossier = whole["insurance_cards"][0]["record"], whole["dossiers"][0]["record"]
    assert service.record(*ask, "insurance-card", card)["version"] == 1
    assert service.record(*ask, "dossier", dossier)["version"] == 1
    listed = service.dossiers(*ask, agency="H26.12")
    assert [one["record"] for one in listed["dossiers"]] == [dossier]
    changes = service.history(*ask, record)["changes"]
    assert [change["version"] for change in changes] == [1, 2]
    at = changes[0]["recorded_at"]
    assert service.history_at(*ask, record, at=at)["fields"]["phone"]["value"] == "0900000001"
    assert service.receipt(*ask, source="/agencies/G01", id_="p-2")["version"] == 2
    trace = service.trace(*ask, record)["entries"]
    assert [entry["action"] for entry in reversed(trace)] == [
        *("search", "read", "read", "read", "read", "list"),
        *("read-history", "read-history", "read-receipt"),
    ]
    log = service.access_log(*ask, officer=INSPECTOR.id)["entries"]
    assert {entry["action"] for entry in log} == {e["action"] for e in trace} | {"read-access-log"}
    deferred = service.defer(
        *ask, trace[0]["entry"], until="2026-12-31", why="The inspection goes on"
    )
    told = service.trace(INSPECTOR, Errand("subject-request", "r-1", "request-9"), record)
    hidden = {trace[0]["entry"]}
    assert not hidden & {entry["entry"] for entry in told["entries"]}
    whole_log = service.trace(*ask, record)["entries"]
    assert deferred["hidden_until"] in [entry.get("hidden_until") for entry in whole_log]


def test_an_auditor_sees_when_something_changed_and_no_value(opened: Open) -> None:
    inhabited(opened.town)
    answer = opened.service.history(AUDITOR, AUDIT, OPAQUE.record("person", PERSON_ID))
    assert len(answer["changes"]) == 2
    assert all(field["masked"] for change in answer["changes"] for field in change["fields"])


Ask = Callable[[QueryService], object]
RECORD: Final = OPAQUE.record("person", PERSON_ID)
QUESTIONS: Final[Mapping[str, Ask]] = {
    "lookup": lambda s: s.lookup(INSPECTOR, INSPECTION, personal_id=PERSON_ID),
    "search": lambda s: s.search(INSPECTOR, INSPECTION, name=NAME, year_of_birth=1990),
    "record": lambda s: s.record(INSPECTOR, INSPECTION, "person", RECORD),
    "dossiers": lambda s: s.dossiers(INSPECTOR, INSPECTION, agency="H26.12"),
    "history": lambda s: s.history(INSPECTOR, INSPECTION, RECORD),
    "receipt": lambda s: s.receipt(INSPECTOR, INSPECTION, source="/agencies/G01", id_="p-1"),
    "trace": lambda s: s.trace(INSPECTOR, INSPECTION, RECORD),
    "refused": lambda s: s.lookup(AUDITOR, AUDIT, personal_id=PERSON_ID),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_while_the_log_cannot_be_written_nothing_is_answered(
    opened: Open, ask: Ask, code: str
) -> None:
    inhabited(opened.town)
    opened.client.faults = faults.always("transact_write_items", faults.answers(code))
    with pytest.raises(Unavailable):
        ask(opened.service)
    assert not opened.town.aws.dynamodb.scan(TableName=opened.places.log)["Items"]


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_a_note_whose_answer_was_lost_is_written_once_and_the_request_answered(
    opened: Open, ask: Ask
) -> None:
    inhabited(opened.town)
    opened.client.faults = faults.on("transact_write_items", faults.lost())
    with suppress(NotPermitted):
        ask(opened.service)
    written = opened.town.aws.dynamodb.scan(TableName=opened.places.log)["Items"]
    assert len({item["subject"]["S"] for item in written}) == len(written) > 0


@st.composite
def lives(draw: st.DrawFn) -> tuple[Kind, list[dict[str, Any]]]:
    kind: Kind = draw(st.sampled_from((PERSON, INSURANCE_CARD, DOSSIER)))
    return kind, draw(histories(kind, most=6, keys=[KEYS[kind.name]]))


numbers = count(100)


def elsewhere(kind: Kind, documents: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The same history of a record that is in no table yet, and its key."""
    number = next(numbers)
    key = KEYS[kind.name][:-3] + f"{number:03d}"
    return key, [
        {
            **document,
            "id": f"{number}-{document['id']}",
            "subject": key,
            "data": {**document["data"], kind.key: key},
        }
        for document in documents
    ]


@given(life=lives())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_at_each_instant_the_answer_is_the_fold_of_the_entries_recorded_until_then(
    opened: Open, life: tuple[Kind, list[dict[str, Any]]]
) -> None:
    kind = life[0]
    key, documents = elsewhere(*life)
    opaque_id = OPAQUE.record(kind.name, key)
    opened.town.sent(*documents)
    ask = (INSPECTOR, INSPECTION, opaque_id)
    with pytest.raises(NotFound):
        opened.service.history_at(*ask, at=BEFORE)
    with opened.town.doors() as doors:
        entries = doors.open().chain(kind.name, key, Unhurried(), whole=True).entries
    assert len(entries) == len(documents)
    for number, entry in enumerate(entries, start=1):
        answer = opened.service.history_at(*ask, at=entry.recorded_at)
        fold = folded(kind.name, key, entries[:number])
        expected = record_answer(fold, lambda _: True, opaque_id).answer
        assert {**expected, "at": entry.recorded_at, "request_id": "request-4"} == answer
