"""The desk as the API has it: by the real policies, noted before it answers, in bounded parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from pydantic import BaseModel

from functions.shared.adapters.attributes import to_item
from functions.shared.adapters.desk import Desk, Places
from functions.shared.adapters.opaque import Opaque
from functions.shared.adapters.policies import CedarPolicies
from functions.shared.core.access import Caller, Errand, Role
from functions.shared.core.allowances import AllowanceSpent, Window
from functions.shared.core.answers import BadRequest, NotFound, NotPermitted
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.instants import later
from functions.shared.core.kinds import AGENCY, KIND_OF_QUEUE, PERSON
from functions.shared.core.quarantine import quarantine_id
from functions.shared.ports import Policies
from functions.shared.runtime.desk import DeskService
from functions.shared.runtime.desk_answers import entry_from
from schemas import api_answers as api
from tests.builders import (
    AGENCIES,
    ANYONE,
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    PERSON_ID,
    RECORDED_AT,
    SENT_AT,
    body,
    event,
)
from tests.fakes import Unhurried
from tests.fakes_api import FakeAccessLog
from tests.fakes_query import FakeDirectory, FakePolicies
from tests.integration.functions.stack import BUCKET, WAITING, Aws
from tests.integration.functions.town import MotoTown

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

POLICIES: Final = Path(__file__).parents[5] / "infra" / "policies"
NOW: Final = later(SENT_AT, 3600)
RENAME: Final = {"op": "move", "from": "/data/fullname", "path": "/data/full_name"}
LATELY: Final[dict[str, Any]] = {"since": "2h"}
SELECT: Final = {"queue": "population", "path": "/data/fullname", **LATELY}
WHY: Final = "The export named the field wrongly."
OFFICER: Final = Caller("5f0c-quality", "quality.h26", "H26", (), frozenset({Role.QUALITY_OFFICER}))
OPERATOR: Final = Caller("5f0c-operator", "operator", "H26", (), frozenset({Role.OPERATOR}))
SYSTEM: Final = Caller(
    "client-g01", "client-g01", "G01", (), frozenset({Role.AGENCY_SYSTEM}), is_system=True
)
NURSE: Final = Caller("5f0c-nurse", "nurse", "Z0101020", (), frozenset({Role.FACILITY_STAFF}))
TICKET: Final = Errand("data-quality", "T-17", "r-1")
OPERATION: Final = Errand("operation", None, "r-2")
SHARING: Final = Errand("data-sharing", None, "r-3")
VISIT: Final = Errand("medical-examination", "V-1", "r-4")
_numbers: Final = count(1)


@cache
def policies() -> CedarPolicies:
    """The policies of this folder."""
    return CedarPolicies(
        [path.read_text("utf-8") for path in sorted(POLICIES.glob("*.cedar"))],
        (POLICIES / "schema.cedarschema").read_text("utf-8"),
    )


class Hasty:
    """A deadline that leaves time for so many batches."""

    def __init__(self, batches: int) -> None:
        self._left = batches

    def remaining(self) -> float:
        self._left -= 1
        return 60.0 if self._left >= 0 else 0.0


class Office:
    """A town's quarantine, and the service over it."""

    def __init__(self, aws: Aws) -> None:
        self.town = MotoTown(aws)
        self.aws = aws
        self.sqs: SQSClient = boto3.client("sqs", region_name="us-east-1")
        number = next(_numbers)
        self.urls = {
            queue: self.sqs.create_queue(QueueName=f"{queue}-desk-{number}")["QueueUrl"]
            for queue in KIND_OF_QUEUE
        }
        agencies = self.town.worlds[AGENCY.name].records_table
        for id_, fields in AGENCIES.items():
            aws.dynamodb.put_item(TableName=agencies, Item=to_item({"agency_id": id_, **fields}))
        self.log = FakeAccessLog()
        self.hurry: Any = Unhurried
        self.desk = Desk(
            aws.dynamodb,
            aws.s3,
            self.sqs,
            Places(self.town.quarantine, BUCKET, self.town.ledger, agencies, self.urls),
            ANYONE,
            waiting=WAITING,
            patience=Unhurried,
            monotonic=lambda: 0.0,
            threads=4,
            singly=True,
        )
        self.service = self.ruled_by(policies())

    def ruled_by(self, policies: Policies) -> DeskService:
        """The service under other policies."""
        return DeskService(
            self.desk,
            policies,
            self.log,
            FakeDirectory({"H26.12": "H26", "H26.40": "H26"}),
            Opaque(bytes(64)),
            now=lambda: NOW,
            patience=lambda: self.hurry(),
        )

    def refuse(self, *contents: Any, kind: str = PERSON.name) -> list[str]:
        """The ids of messages that a queue refuses."""
        self.town.sent(*contents, kind=kind)
        queue = self.town.worlds[kind].kind.queue
        return [
            quarantine_id(queue, one if isinstance(one, str) else body(one)) for one in contents
        ]

    def stored(self) -> dict[str, Any]:
        """Every entry's item."""
        items = self.aws.dynamodb.scan(TableName=self.town.quarantine)["Items"]
        return {item["quarantine_id"]["S"]: item for item in items}

    def statuses(self) -> list[str]:
        return sorted(item["status"]["S"] for item in self.stored().values())

    def sent(self, queue: str = "population") -> list[Any]:
        """What was sent to a queue, as JSON."""
        found: list[Any] = []
        while got := self.sqs.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=10
        ).get("Messages"):
            found += [json.loads(one["Body"]) for one in got]
            for one in got:
                self.sqs.delete_message(
                    QueueUrl=self.urls[queue], ReceiptHandle=one["ReceiptHandle"]
                )
        return found


@pytest.fixture
def office(aws: Aws) -> Iterator[Office]:
    made = Office(aws)
    with made.desk:
        yield made


def wrong(number: int = 7, **changes: Any) -> dict[str, Any]:
    fields = {"fullname": f"Nguyễn Thị Mẫu {number}", **changes.pop("fields", {})}
    key = changes.pop("key", f"001190{number:06}")
    return event(fields=fields, key=key, id_=f"e-{number}", **changes)


# Reading


def test_a_page_has_no_bodies_and_goes_on_where_it_ended(office: Office) -> None:
    sent = office.refuse(*(wrong(n) for n in range(7)))

    first = office.service.entries(OFFICER, TICKET, **LATELY, limit=5)
    rest = office.service.entries(OFFICER, TICKET, **LATELY, limit=5, cursor=first["cursor"])

    found = [entry["id"] for entry in first["entries"] + rest["entries"]]
    assert sorted(found) == sorted(sent)
    assert rest["cursor"] is None
    assert "Nguyễn" not in json.dumps([first, rest], ensure_ascii=False)
    assert first["entries"][0]["reasons"][0]["path"] == "/data/fullname"
    looks = office.log.chain(f"caller/{OFFICER.id}")
    assert [look.action for look in looks] == ["read-quarantine"] * 2
    assert looks[0].note == {"select": '{"since": "2h"}', "entries": "5"}


def test_a_cursor_is_its_callers_own(office: Office) -> None:
    office.refuse(*(wrong(n) for n in range(3)))
    cursor = office.service.entries(OFFICER, TICKET, **LATELY, limit=1)["cursor"]
    with pytest.raises(BadRequest):
        office.service.entries(OPERATOR, OPERATION, limit=1, cursor=cursor)


def test_each_selector_narrows(office: Office) -> None:
    (renamed,) = office.refuse(wrong(1))
    (unsure,) = office.refuse(event(fields={"phone": "none"}, id_="e-2"))
    (broken,) = office.refuse("{")
    (card,) = office.refuse("[", kind="insurance-card")

    def found(**selectors: Any) -> set[str]:
        answer = office.service.entries(OFFICER, TICKET, **{**LATELY, **selectors})
        return {entry["id"] for entry in answer["entries"]}

    assert found() == {renamed, unsure, broken, card}
    assert found(queue="insurance") == {card}
    assert found(reason=["invalid-data", "not-json"]) == {renamed, unsure, broken, card}
    assert found(error="unknown-field", path=["/data/fullname"]) == {renamed}
    assert found(source="G01") == {renamed, unsure}
    assert found(type="person.updated") == {renamed, unsure}
    assert found(status="dismissed") == set()
    assert found(until="2h", since="3h") == set()
    assert found(id=renamed[:12]) == {renamed}
    assert found(id=renamed[:12], queue="insurance") == set()


def test_an_agencys_system_sees_its_own_alone(office: Office) -> None:
    (mine,) = office.refuse(wrong(1))
    (other,) = office.refuse(wrong(2, source="/agencies/G03"))
    (nobodys,) = office.refuse("{")

    listed = office.service.entries(SYSTEM, SHARING, **LATELY)
    counted = office.service.counts(SYSTEM, SHARING, **LATELY, by="source")
    assert [entry["id"] for entry in listed["entries"]] == [mine]
    assert counted["counts"] == [{"source": "/agencies/G01", "entries": 1}]
    assert office.service.entry(SYSTEM, SHARING, mine)["body"] == body(wrong(1))
    for id_ in (other, nobodys):
        with pytest.raises(NotPermitted):
            office.service.entry(SYSTEM, SHARING, id_)
    with pytest.raises(NotPermitted):
        office.service.entries(SYSTEM, SHARING, source="G03")
    with pytest.raises(NotPermitted):
        office.service.replay_one(SYSTEM, SHARING, mine, why=WHY)
    with pytest.raises(NotFound):
        office.service.entry(SYSTEM, SHARING, "0" * 64)
    refused = [entry for entry in office.log.entries() if not entry.allowed]
    assert len(refused) == 4
    assert office.statuses() == ["open"] * 3


def test_who_has_no_business_with_it_sees_nothing_and_that_is_noted(office: Office) -> None:
    (id_,) = office.refuse(wrong())
    calls: list[Any] = [
        lambda s: s.entries(NURSE, VISIT),
        lambda s: s.counts(NURSE, VISIT),
        lambda s: s.entry(NURSE, VISIT, id_),
        lambda s: s.entry(NURSE, VISIT, "0" * 64),
        lambda s: s.replay_one(NURSE, VISIT, id_, why=WHY),
        lambda s: s.replay_one(NURSE, VISIT, id_, why=WHY, patch=[RENAME]),
        lambda s: s.dismiss_one(NURSE, VISIT, id_, why=WHY),
        lambda s: s.replay_many(NURSE, VISIT, select=SELECT),
        lambda s: s.correct_many(NURSE, VISIT, select=SELECT, patch=[RENAME], why=WHY),
        lambda s: s.dismiss_many(NURSE, VISIT, select=SELECT, dry_run=False, why=WHY),
    ]
    for number, call in enumerate(calls, 1):
        with pytest.raises(NotPermitted):
            call(office.service)
        assert [entry.allowed for entry in office.log.entries()] == [False] * number
    assert office.statuses() == ["open"]
    assert office.sent() == []


def test_a_body_is_noted_under_the_person_it_is_about(office: Office) -> None:
    (id_,) = office.refuse(wrong(7, fields={"phone": "none"}))

    seen = office.service.entry(OFFICER, TICKET, id_)

    assert seen["body"] == body(wrong(7, fields={"phone": "none"}))
    assert {error["place"] for error in seen["errors"]} == {"/data/fullname", "/data/phone"}
    (look,) = office.log.chain("person/001190000007")
    assert look.officer_name == OFFICER.name
    assert look.seen == {"person/001190000007": ("personal_id", "phone")}
    assert look.note == {"quarantine": id_, "body": "seen"}


def test_a_cards_and_a_dossiers_body_are_noted_under_whom_they_name(office: Office) -> None:
    owned = event("insurance-card.updated", {"personal_id": PERSON_ID, "colour": "red"})
    (card,) = office.refuse(owned, kind="insurance-card")
    (stray,) = office.refuse(
        event("insurance-card.updated", {"colour": "red"}, id_="e-2"), kind="insurance-card"
    )
    applied = event("dossier.updated", {"applicant": {"personal_id": PERSON_ID, "hat": 1}})
    (dossier,) = office.refuse(applied, kind="dossier")
    (broken,) = office.refuse("{")
    for id_ in (card, stray, dossier, broken):
        assert office.service.entry(OFFICER, TICKET, id_)["body_masked"] is False

    assert [e.note and e.note["quarantine"] for e in office.log.chain(f"person/{PERSON_ID}")] == [
        card,
        dossier,
    ]
    assert office.log.chain(f"insurance-card/{INSURANCE_NUMBER}")[0].seen == {
        f"insurance-card/{INSURANCE_NUMBER}": ("insurance_number",)
    }
    assert office.log.chain(f"dossier/{DOSSIER_CODE}") == []
    assert office.log.chain(f"caller/{OFFICER.id}")[0].note == {
        "quarantine": broken,
        "body": "seen",
    }


def test_without_the_right_to_its_fields_a_body_is_masked(office: Office) -> None:
    (id_,) = office.refuse(wrong(1))

    seen = office.service.entry(OPERATOR, OPERATION, id_)

    assert seen["body"] is None
    assert seen["body_masked"] is True
    assert "Nguyễn" not in json.dumps(seen, ensure_ascii=False)
    assert [set(error) for error in seen["errors"]] == [{"code", "path", "text", "error"}]
    (look,) = office.log.chain("person/001190000001")
    assert (look.seen, look.masked) == ({}, {"person/001190000001": ("personal_id",)})
    assert look.note == {"quarantine": id_, "body": "masked"}


def test_a_body_of_which_a_part_may_not_be_seen_is_not_seen_at_all(office: Office) -> None:
    (person,) = office.refuse(wrong(1))
    (card,) = office.refuse("{", kind="insurance-card")
    service = office.ruled_by(FakePolicies(lambda question: question.group != "sensitive"))

    assert service.entry(OFFICER, TICKET, person)["body_masked"] is True
    assert service.entry(OFFICER, TICKET, card)["body"] == "{"
    with pytest.raises(NotPermitted):
        service.replay_one(OFFICER, TICKET, person, why=WHY, patch=[RENAME])
    for select in ({"queue": "population"}, {"source": "G01"}):
        with pytest.raises(NotPermitted):
            service.correct_many(OFFICER, TICKET, select=select, patch=[RENAME])
    assert service.correct_many(
        OFFICER, TICKET, select={"queue": "insurance", **LATELY}, patch=[RENAME]
    )["after"]["not_applicable"] == {"not-json": 1}
    assert office.statuses() == ["open"] * 2


def test_what_the_log_does_not_take_is_neither_shown_nor_done(office: Office) -> None:
    (id_,) = office.refuse(wrong())
    for error in (Retry("no answer"), AllowanceSpent(Window.DAY, RECORDED_AT)):
        office.log.unwritable = error
        calls: list[Any] = [
            lambda s: s.entries(OFFICER, TICKET, **LATELY),
            lambda s: s.counts(OFFICER, TICKET, **LATELY),
            lambda s: s.entry(OFFICER, TICKET, id_),
            lambda s: s.replay_one(OFFICER, TICKET, id_, why=WHY, patch=[RENAME]),
            lambda s: s.dismiss_one(OFFICER, TICKET, id_, why=WHY),
            lambda s: s.correct_many(
                OFFICER, TICKET, select=SELECT, patch=[RENAME], why=WHY, dry_run=False
            ),
            lambda s: s.correct_many(OFFICER, TICKET, select=SELECT, patch=[RENAME]),
            lambda s: s.dismiss_many(OFFICER, TICKET, select=SELECT, why=WHY, dry_run=False),
        ]
        for call in calls:
            with pytest.raises(type(error)):
                call(office.service)
    assert office.statuses() == ["open"]
    assert office.sent() == []
    assert "steps" not in office.stored()[id_]


# Changing one


def test_a_patch_mends_one_and_says_what_it_became(office: Office) -> None:
    (id_,) = office.refuse(wrong())

    foreseen = office.service.replay_one(OFFICER, TICKET, id_, patch=[RENAME], dry_run=True)
    assert foreseen["outcome"] == "foreseen"
    assert foreseen["still_refused"] == []
    assert office.statuses() == ["open"]
    done = office.service.replay_one(OFFICER, TICKET, id_, why=WHY, patch=[RENAME])

    assert done["outcome"] == "done"
    assert {d["path"] for d in done["differences"]} >= {"/data/fullname", "/data/full_name"}
    (sent,) = office.sent()
    assert sent["id"] == done["event_id"] == foreseen["event_id"]
    assert sent["correctionof"] == "e-7"
    shown = entry_from(office.service.entry(OFFICER, TICKET, id_))
    assert shown.status == "replayed"
    (step,) = shown.steps
    assert (step.by, step.why, step.entry) == ("quality.h26 (H26)", WHY, done["becomes"])
    changes = [e for e in office.log.chain("person/001190000007") if "did" in (e.note or {})]
    assert [(e.action, e.note) for e in changes] == [
        (
            "correct-quarantine",
            {"quarantine": id_, "did": "corrected", "why": "", "dry_run": "true"},
        ),
        ("correct-quarantine", {"quarantine": id_, "did": "corrected", "why": WHY}),
    ]
    again = office.service.replay_one(OFFICER, TICKET, id_, why=WHY, patch=[RENAME])
    assert (again["outcome"], again["status"]) == ("taken", "replayed")
    assert office.sent() == []


def test_an_edited_body_is_sent_and_what_would_be_refused_is_not(office: Office) -> None:
    (id_,) = office.refuse(wrong())
    still = json.dumps({**wrong(), "data": {"personal_id": "001190000007", "phone": "none"}})

    left = office.service.replay_one(OFFICER, TICKET, id_, why=WHY, body=still)
    assert left["outcome"] == "still-refused"
    assert left["still_refused"][0]["path"] == "/data/phone"
    broken = office.service.replay_one(OFFICER, TICKET, id_, why=WHY, body="{")
    assert broken["outcome"] == "not-applicable"
    assert broken["not_applicable"]["code"] == "not-json"
    assert office.sent() == []
    good = {**wrong(), "data": {"personal_id": "001190000007", "full_name": "Lê Văn Mẫu"}}
    done = office.service.replay_one(OFFICER, TICKET, id_, why=WHY, body=good)
    assert done["outcome"] == "done"
    assert office.sent()[0]["data"]["full_name"] == "Lê Văn Mẫu"


def test_an_operator_sends_again_as_it_was_and_edits_nothing(office: Office) -> None:
    (id_,) = office.refuse(wrong())
    with pytest.raises(NotPermitted):
        office.service.replay_one(OPERATOR, OPERATION, id_, why=WHY, patch=[RENAME])
    with pytest.raises(NotPermitted):
        office.service.dismiss_one(OPERATOR, OPERATION, id_, why=WHY)
    left = office.service.replay_one(OPERATOR, OPERATION, id_, why=WHY)
    assert left["outcome"] == "still-refused"
    done = office.service.replay_one(OPERATOR, OPERATION, id_, why=WHY, even_refused=True)
    assert (done["outcome"], done["differences"]) == ("done", [])
    assert office.sent() == [wrong()]


def test_dismissing_keeps_the_reason(office: Office) -> None:
    (id_,) = office.refuse("{")
    assert office.service.dismiss_one(OFFICER, TICKET, id_, dry_run=True)["outcome"] == "foreseen"
    assert office.service.dismiss_one(OFFICER, TICKET, id_, why="Noise.")["outcome"] == "done"
    assert office.service.dismiss_one(OFFICER, TICKET, id_, why="Noise.")["outcome"] == "taken"
    entry = office.service.entry(OFFICER, TICKET, id_)
    assert entry["closed_because"] == "Noise."
    assert entry["closed_by"] == "quality.h26 (H26)"


# Changing many


def test_a_rule_is_tried_then_applied_in_parts_and_harms_nothing_twice(office: Office) -> None:
    office.refuse(*(wrong(n) for n in range(7)))
    office.refuse(wrong(90, fields={"phone": "none"}), wrong(91, fields={"sex": 7}))

    def applied(**more: Any) -> Any:
        given = {"select": SELECT, "patch": [RENAME], "why": WHY, **more}
        return office.service.correct_many(OFFICER, TICKET, **given)

    foreseen = applied()
    assert foreseen["dry_run"] is True
    assert foreseen["meant"] == 9
    assert foreseen["after"] == {
        "passing": 7,
        "still_refused": {"invalid-data": 2},
        "not_applicable": {},
    }
    assert foreseen["cursor"] is None
    assert len(foreseen["samples"]) == 3
    sampled = [e for e in office.log.entries() if e.subject.startswith("person/")]
    assert {e.note and e.note["quarantine"] for e in sampled} == {
        sample["entry"] for sample in foreseen["samples"]
    }
    assert office.statuses() == ["open"] * 9

    done, cursor = 0, None
    for _ in range(5):
        part = applied(dry_run=False, most=2, cursor=cursor)
        assert part["looked_at"] <= 2
        done, cursor = done + part["outcomes"]["done"], part["cursor"]
    assert (done, cursor) == (7, None)
    assert len(office.sent()) == 7
    again = applied(dry_run=False)
    assert (again["looked_at"], again["outcomes"]["done"]) == (2, 0)
    assert office.sent() == []
    assert office.statuses() == ["open"] * 2 + ["replayed"] * 7


def test_without_time_it_stops_and_its_cursor_goes_on(office: Office) -> None:
    office.refuse(*(f"{{{n}" for n in range(4)))
    select = {"reason": "not-json", **LATELY}

    office.hurry = lambda: Hasty(0)
    nothing = office.service.dismiss_many(
        OFFICER, TICKET, select=select, why="Noise.", dry_run=False
    )
    assert nothing["looked_at"] == 0
    page = office.service.entries(OFFICER, TICKET, **LATELY)
    counted = office.service.counts(OFFICER, TICKET, **LATELY)
    foreseen = office.service.dismiss_many(OFFICER, TICKET, select=select)
    assert (page["entries"], counted["total"], foreseen["meant"]) == ([], 0, 0)
    office.hurry = Unhurried
    rest = office.service.entries(OFFICER, TICKET, **LATELY, cursor=page["cursor"])
    assert len(rest["entries"]) == 4
    assert office.service.counts(OFFICER, TICKET, **LATELY, cursor=counted["cursor"])["total"] == 4
    done = office.service.dismiss_many(
        OFFICER, TICKET, select=select, why="Noise.", dry_run=False, cursor=nothing["cursor"]
    )
    assert done["outcomes"]["done"] == 4
    assert done["cursor"] is None


def test_an_agencys_messages_are_replayed_and_no_others(office: Office) -> None:
    office.refuse(wrong(1), wrong(2, source="/agencies/G03"))
    answer = office.service.replay_many(
        OPERATOR,
        OPERATION,
        select={"source": "G03", **LATELY},
        why=WHY,
        dry_run=False,
        even_refused=True,
    )
    assert answer["outcomes"]["done"] == 1
    assert [one["source"] for one in office.sent()] == ["/agencies/G03"]
    note = office.log.chain(f"caller/{OPERATOR.id}")[-1].note
    assert note == {
        "select": '{"since": "2h", "source": "G03"}',
        "did": "replayed",
        "why": WHY,
        "dry_run": "false",
    }


def test_every_answer_has_the_form_of_the_contract(office: Office) -> None:
    mended, broken, left = office.refuse(wrong(), "{", wrong(8, fields={"phone": "none"}))
    service = office.service
    asked: list[tuple[type[BaseModel], Any]] = [
        (api.EntriesAnswer, service.entries(OFFICER, TICKET, **LATELY, limit=1)),
        (api.CountsAnswer, service.counts(OFFICER, TICKET, **LATELY, by=("day", "error"))),
        (
            api.ForesightAnswer,
            service.correct_many(OFFICER, TICKET, select=SELECT, patch=[RENAME]),
        ),
        (
            api.ReplayAnswer,
            service.replay_one(OFFICER, TICKET, mended, why=WHY, patch=[RENAME]),
        ),
        (api.ReplayAnswer, service.replay_one(OFFICER, TICKET, broken, patch=[RENAME], why=WHY)),
        (api.ReplayAnswer, service.replay_one(OFFICER, TICKET, left, why=WHY)),
        (api.DismissalAnswer, service.dismiss_one(OFFICER, TICKET, left, why=WHY)),
        (
            api.TallyAnswer,
            service.dismiss_many(OFFICER, TICKET, select=LATELY, why=WHY, dry_run=False),
        ),
        *(
            (api.WholeEntryAnswer, service.entry(caller, errand, id_))
            for id_ in (mended, broken, left)
            for caller, errand in ((OFFICER, TICKET), (OPERATOR, OPERATION))
        ),
    ]
    for model, answer in asked:
        model.model_validate_json(json.dumps(answer))


def test_a_queue_that_does_not_answer_is_told_and_nothing_is_lost(office: Office) -> None:
    (id_,) = office.refuse(wrong())
    real = office.urls["population"]
    for url, error in ((f"{real}-gone", Defect), (real, None)):
        office.urls["population"] = url
        for again in range(2):
            call = partial(office.service.replay_one, OFFICER, TICKET, id_, why=WHY, patch=[RENAME])
            if error is None:
                assert call()["outcome"] == ("taken" if again else "done")
                continue
            with pytest.raises(error):
                call()
            assert office.statuses() == ["open"]
    (step,) = office.stored()[id_]["steps"]["L"]
    assert len(office.sent()) == 1
    assert step["M"]["by"]["S"] == "quality.h26 (H26)"


@pytest.mark.parametrize(
    ("method", "given", "path"),
    [
        ("entries", {"queue": "people"}, "query"),
        ("entries", {"since": "soon"}, "query"),
        ("entries", {"since": "1h", "until": "2h"}, "query"),
        ("entries", {"limit": 0}, "limit"),
        ("entries", {"id": "xyz"}, "id"),
        ("entries", {"cursor": "AAAA"}, "cursor"),
        ("counts", {"by": ["colour"]}, "by"),
        ("replay_many", {"select": {}, "why": WHY}, "/select"),
        ("replay_many", {"select": {"colour": "red"}, "why": WHY}, "/select"),
        ("replay_many", {"select": SELECT, "dry_run": False}, "/why"),
        ("replay_many", {"select": SELECT, "most": 1001}, "/most"),
        ("correct_many", {"select": SELECT, "patch": []}, "/patch"),
        ("dismiss_many", {"select": SELECT, "why": " ", "dry_run": False}, "/why"),
        ("replay_one", {"id": "0" * 64}, "/why"),
        ("replay_one", {"id": "0" * 64, "why": WHY, "patch": [{"op": "x"}]}, "/patch"),
        ("replay_one", {"id": "0" * 64, "why": WHY, "patch": [RENAME], "body": "x"}, "/patch"),
        ("dismiss_one", {"id": "0" * 64}, "/why"),
    ],
)
def test_what_has_no_meaning_is_told_and_changes_nothing(
    office: Office, method: str, given: dict[str, Any], path: str
) -> None:
    office.refuse(wrong())
    with pytest.raises(BadRequest) as refused:
        getattr(office.service, method)(OFFICER, TICKET, **given)
    assert [problem.path for problem in refused.value.problems] == [path]
    assert office.statuses() == ["open"]
    assert office.log.entries() == []
