"""Guarantees G2 to G4 where several writers meet, and what each failure costs.

That every single failure harms nothing is shown by the walk over all of them, beside this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import pytest

from functions.shared.core.items import item_of
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.replay import disagreements, folded
from functions.shared.runtime.pipeline import Report
from tests import faults
from tests.builders import OTHER_PERSON_ID, PERSON_ID, event, message, messages
from tests.fakes import FakeWorld, Unhurried, comparable
from tests.faults import Died, Fault, Faulty
from tests.integration.functions.stack import Aws, MotoWorld, chain_of

# Three records, of which one is there before; rivals, a withdrawal, a late event, a duplicate.
BEFORE: Final = [event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="b1")]
EVENTS: Final = [
    event(fields={"phone": "0900000002"}, id_="1", time="2026-03-04T00:00:00Z"),
    event(fields={"full_name": "Nguyễn Thị Thử"}, id_="2", source="/agencies/G24"),
    event(fields={"phone": None}, id_="3", time="2026-03-05T00:00:00Z"),
    event(fields={"sex": "male"}, id_="4", key=OTHER_PERSON_ID),
    event(fields={"phone": "0900000000"}, id_="5", time="2026-03-01T00:00:00Z"),
    event("person.identifier-replaced", {"replaces": [PERSON_ID]}, id_="6", key="079300000001"),
    event(fields={"sex": "female"}, id_="7", key=OTHER_PERSON_ID, source="/agencies/G03"),
]
POISON: Final = [
    "nonsense",
    message(event(id_="p1", fields={"phone": "x"})).body,
    message(event(id_="p2", fields={"nope": "y" * 9000})).body,  # its body goes to the bucket
]


def batch() -> list[Message]:
    return [*messages(EVENTS), *messages(POISON), message({**EVENTS[0], "traceparent": "00-1"})]


def prepared(aws: Aws) -> MotoWorld:
    world = MotoWorld(aws, PERSON)
    world.pipeline().run(messages(BEFORE), Unhurried())
    return world


def delivered(
    world: MotoWorld, arriving: Sequence[Message], *clients: Faulty
) -> list[tuple[Message, Report, int]]:
    """Delivers what comes back until nothing does: first over the stand-ins, then over AWS.

    Gives each message's last report and its position there.
    """
    ends: dict[str, tuple[Message, Report, int]] = {}
    client, s3 = (clients + (None,) * 2)[:2]
    for _ in range(4):
        report = world.pipeline(client, s3).run(arriving, Unhurried())
        for position, arrived in enumerate(arriving):
            ends[arrived.id] = (arrived, report, position)
        arriving = [arriving[position] for position in report.unfinished()]
        if not arriving:
            return list(ends.values())
        client = s3 = None
    raise AssertionError("Something came back for ever.")


def verdicts(ends: Iterable[tuple[Message, Report, int]]) -> list[Verdict]:
    return [report.verdicts[position] for _, report, position in ends]


@cache
def undisturbed() -> FakeWorld:
    """The tables after everything, had nothing gone wrong."""
    world = FakeWorld(PERSON)
    world.pipeline.run(messages([*BEFORE, *EVENTS]), Unhurried())
    return world


def assert_whole(world: MotoWorld) -> None:
    """Every event and refusal is there once, and every record is the fold of its entries."""
    records, entries, kept = world.records(), world.entries(), world.quarantined()
    assert comparable(map(item_of, records.values()), PERSON) == undisturbed().contents()
    assert set(entries) == set(undisturbed().ledger.entries)
    for key, record in records.items():
        chain = chain_of(record.record_key, entries.values())
        assert disagreements("person", key, chain) == []
        assert folded("person", key, chain) == record
    assert sorted(entry["body"] for entry in kept) == sorted(POISON)
    assert {entry["status"] for entry in kept} == {"open"}


STAYING: Final = (
    "throttled",
    "server error",
    "no connection",
    "answer lost",
    "no key processed",
    "conflict",
    "condition of an entry failed",
    "throttled action",
    "cancelled for nothing",
)
CASES: Final = [
    pytest.param(operation, possible[name], id=f"{operation}-{name}")
    for operation, possible in faults.APPLICABLE.items()
    for name in STAYING
    if name in possible
]


@pytest.mark.parametrize(("operation", "fault"), CASES)
def test_a_fault_that_stays_returns_what_it_stops_and_nothing_is_lost(
    aws: Aws, operation: str, fault: Fault
) -> None:
    world = prepared(aws)
    client = Faulty(aws.dynamodb, faults.always(operation, fault))
    s3 = Faulty(aws.s3, faults.always(operation, fault))
    ends = delivered(world, batch(), client, s3)
    assert operation in client.operations() + s3.operations()
    assert_whole(world)
    found = verdicts(ends)
    assert found.count(Verdict.QUARANTINED) == len(POISON)
    assert Verdict.AGAIN not in found


class TestLostAnswers:
    def test_what_was_written_is_no_duplicate_of_itself(self, aws: Aws) -> None:
        """The counts tell what events did, not how often it was tried."""
        world = prepared(aws)
        client = Faulty(aws.dynamodb, faults.on("transact_write_items", faults.lost()))
        report = world.pipeline(client).run(messages(EVENTS), Unhurried())
        assert report.count(Verdict.APPLIED) == 6
        assert report.count(Verdict.SUPERSEDED) == 1
        assert report.count(Verdict.DUPLICATE) == 0

    def test_after_a_redelivery_it_is_a_duplicate(self, aws: Aws) -> None:
        world = prepared(aws)
        client = Faulty(aws.dynamodb, faults.on("transact_write_items", faults.died_after))
        with pytest.raises(Died):
            world.pipeline(client).run(messages(EVENTS), Unhurried())
        report = world.pipeline().run(messages(EVENTS), Unhurried())
        assert report.count(Verdict.DUPLICATE) == len(EVENTS)


class TestCulprits:
    def test_a_conflict_holds_up_its_own_record_alone(self, aws: Aws) -> None:
        """The innocent are sent again at once, without it and without reading again."""
        world = prepared(aws)
        client = Faulty(
            aws.dynamodb,
            faults.on("transact_write_items", faults.cancelled("TransactionConflict")),
        )
        world.pipeline(client).run(messages(EVENTS), Unhurried())
        calls = [c for c in client.calls if c.operation == "transact_write_items"]
        sizes = [len(call.actions) for call in calls]
        (whole, innocent, culprit) = sizes
        assert whole == innocent + culprit
        assert client.operations()[:3] == [
            "batch_get_item",
            "transact_write_items",
            "transact_write_items",
        ]

    def test_a_request_that_is_invalid_for_good_goes_back_alone(self, aws: Aws) -> None:
        world = prepared(aws)

        def touches(call: faults.Call) -> Fault | None:
            if call.operation != "transact_write_items":
                return None
            keys = [a["Put"]["Item"].get("personal_id", {}).get("S") for a in call.actions]
            return faults.answers("ValidationException") if OTHER_PERSON_ID in keys else None

        report = world.pipeline(Faulty(aws.dynamodb, touches)).run(batch(), Unhurried())
        assert report.defects == 1
        back = [EVENTS[position]["id"] for position in report.unfinished()]
        assert back == ["4", "7"], "the events of that record and no other"

    def test_an_action_that_is_invalid_goes_back_with_its_record_alone(self, aws: Aws) -> None:
        world = prepared(aws)
        client = Faulty(
            aws.dynamodb,
            faults.on("transact_write_items", faults.cancelled("ValidationError", at=1)),
        )
        report = world.pipeline(client).run(batch(), Unhurried())
        assert report.defects == 1
        assert {EVENTS[p]["subject"] for p in report.unfinished() if p < len(EVENTS)} == {PERSON_ID}
        assert delivered(world, batch())
        assert_whole(world)

    def test_a_broken_stack_is_loud(self, aws: Aws) -> None:
        world = prepared(aws)
        for operation in ("batch_get_item", "transact_write_items", "update_item"):
            denied = faults.always(operation, faults.answers("AccessDeniedException"))
            with pytest.raises(Exception, match="AccessDeniedException") as caught:
                world.pipeline(Faulty(aws.dynamodb, denied)).run(batch(), Unhurried())
            assert type(caught.value).__name__ == "Defect"
            assert PERSON_ID not in str(caught.value)
        delivered(world, batch())
        assert_whole(world)


class TestRivalWriters:
    """Two pipelines on the same records: a retry, never an update, is what it costs (G4)."""

    def interleaved(
        self, aws: Aws, mine: Sequence[Any], theirs: Sequence[Any], operation: str, times: int = 1
    ) -> tuple[MotoWorld, Report, list[Report]]:
        world = prepared(aws)
        other: list[Report] = []

        def work() -> None:
            other.append(world.pipeline().run(messages(theirs), Unhurried()))

        client = Faulty(aws.dynamodb, faults.on(operation, *[faults.meanwhile(work)] * times))
        report = world.pipeline(client).run(messages(mine), Unhurried())
        assert report.unfinished() == []
        assert other[0].unfinished() == []
        return world, report, other

    @pytest.mark.parametrize("split", range(1, len(EVENTS)))
    def test_each_writes_its_own_share(self, aws: Aws, split: int) -> None:
        world, report, (other,) = self.interleaved(
            aws, [*EVENTS[:split], *POISON], EVENTS[split:], "transact_write_items"
        )
        assert_whole(world)
        written = [r.count(Verdict.APPLIED) + r.count(Verdict.SUPERSEDED) for r in (report, other)]
        assert written == [split, len(EVENTS) - split]

    def test_both_have_the_same_batch(self, aws: Aws) -> None:
        world, report, (other,) = self.interleaved(
            aws, [*EVENTS, *POISON], [*EVENTS, *POISON], "transact_write_items"
        )
        assert_whole(world)
        assert report.count(Verdict.DUPLICATE) == len(EVENTS)
        assert other.count(Verdict.DUPLICATE) == 0
        assert {entry["seen"] for entry in world.quarantined()} == {2}

    def test_one_writes_before_the_other_reads(self, aws: Aws) -> None:
        world, report, _ = self.interleaved(
            aws, [*EVENTS, *POISON], [*EVENTS, *POISON], "batch_get_item"
        )
        assert_whole(world)
        assert report.count(Verdict.DUPLICATE) == len(EVENTS)

    def test_a_rival_that_writes_before_every_try(self, aws: Aws) -> None:
        world = prepared(aws)
        theirs = iter(EVENTS[1:])

        def work() -> None:
            if (document := next(theirs, None)) is not None:
                world.pipeline().run([message(document)], Unhurried())

        client = Faulty(aws.dynamodb, faults.always("transact_write_items", faults.meanwhile(work)))
        delivered(world, messages([EVENTS[0], *POISON]), client)
        delivered(world, messages(EVENTS[1:]))
        assert_whole(world)

    def test_the_same_id_with_other_content_is_one_or_the_other(self, aws: Aws) -> None:
        mine = event(fields={"phone": "0900000002"}, id_="same")
        theirs = event(fields={"phone": "0900000003"}, id_="same")
        world, report, _ = self.interleaved(aws, [mine], [theirs], "transact_write_items")
        assert [r.code for r in report.refused[0]] == ["id-reused"]
        entry = world.entries()["/agencies/G01#same"]
        assert entry.changes[0].stated == "0900000003"
        (kept,) = world.quarantined()
        assert kept["status"] == "open"

    def test_the_same_id_for_two_records_is_one_or_the_other(self, aws: Aws) -> None:
        """The entry's own condition holds where the records are two."""
        mine = event(fields={"phone": "0900000002"}, id_="same")
        theirs = event(fields={"phone": "0900000003"}, id_="same", key=OTHER_PERSON_ID)
        world, report, _ = self.interleaved(aws, [mine], [theirs], "transact_write_items")
        assert [r.code for r in report.refused[0]] == ["id-reused"]
        assert world.entries()["/agencies/G01#same"].record_key == f"person/{OTHER_PERSON_ID}"


class TestResolving:
    """Where an event is in both, the ledger counts and the quarantine entry is closed."""

    def test_an_event_refused_once_and_accepted_later_is_closed(self, aws: Aws) -> None:
        world = prepared(aws)
        early = Message("m", message(EVENTS[0]).body, "2020-01-01T00:00:00.000000Z")
        world.pipeline().run([early], Unhurried())
        assert [entry["status"] for entry in world.quarantined()] == ["open"]
        report = world.pipeline().run(messages([EVENTS[0]]), Unhurried())
        assert report.resolved == 1
        (entry,) = world.quarantined()
        assert entry["status"] == "resolved"
        assert entry["closed_by"] == "tests"

    @pytest.mark.parametrize("operation", ["batch_get_item", "update_item"])
    def test_closing_that_failed_is_done_when_it_comes_back(self, aws: Aws, operation: str) -> None:
        world = prepared(aws)
        early = Message("m", message(EVENTS[0]).body, "2020-01-01T00:00:00.000000Z")
        world.pipeline().run([early], Unhurried())
        throttled = faults.answers("ThrottlingException")

        def once_written(call: faults.Call) -> Fault | None:
            written = "transact_write_items" in client.operations()
            return throttled if written and call.operation == operation else None

        client = Faulty(aws.dynamodb, once_written)
        report = world.pipeline(client).run(messages([EVENTS[0]]), Unhurried())
        assert report.unfinished() == [0], "written, but not accounted for yet"
        world.pipeline().run(messages([EVENTS[0]]), Unhurried())
        assert [entry["status"] for entry in world.quarantined()] == ["resolved"]

    def test_a_rival_accepts_what_is_being_refused(self, aws: Aws) -> None:
        """Whichever of two racing workers is second sees the other's work."""
        world = prepared(aws)
        early = Message("m", message(EVENTS[0]).body, "2020-01-01T00:00:00.000000Z")

        def work() -> None:
            world.pipeline().run(messages([EVENTS[0]]), Unhurried())

        client = Faulty(aws.dynamodb, faults.on("update_item", faults.meanwhile(work)))
        report = world.pipeline(client).run([early], Unhurried())
        assert report.resolved == 1
        assert [entry["status"] for entry in world.quarantined()] == ["resolved"]
