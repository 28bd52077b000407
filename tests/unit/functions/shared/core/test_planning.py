"""A batch becomes writes: what is known, what may not speak, what folds into what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import LedgerEntry, Outcome, erase
from functions.shared.core.planning import (
    MOST_BYTES_PER_CHANGE,
    MOST_EVENTS_PER_CHANGE,
    KnownEvent,
    Loaded,
    Message,
    Plan,
    plan_round,
)
from functions.shared.core.reading import read
from functions.shared.core.registry import Senders
from functions.shared.core.replay import folded
from tests.builders import (
    OTHER_PERSON_ID,
    PERSON_ID,
    RECORDED_AT,
    SENT_AT,
    SOURCES,
    circumstances,
    entries_of,
    event,
    message,
    understood,
)

NOTHING = Loaded({}, {})


def planned(
    contents: Sequence[Mapping[str, Any] | str | Message],
    loaded: Loaded = NOTHING,
    kind: Kind = PERSON,
    **changes: Any,
) -> Plan:
    arrived = [c if isinstance(c, Message) else message(c) for c in contents]
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    return plan_round(arrived, readings, loaded, circumstances(kind, **changes))


def known(entry: LedgerEntry) -> KnownEvent:
    return KnownEvent(entry.event.digest, entry.salt, entry.entry_hash, entry.outcome)


def after(*documents: Mapping[str, Any]) -> Loaded:
    """The tables after these events of one record."""
    entries = entries_of(*documents)
    kind, _, key = entries[0].record_key.partition("/")
    return Loaded({key: folded(kind, key, entries)}, {e.event_uid: known(e) for e in entries})


def reasons(plan: Plan, position: int = 0) -> list[tuple[str, str]]:
    return [(reason.code, reason.path) for reason in plan.refused[position]]


def long_step(number: int) -> dict[str, Any]:
    """An event of which 24 fill a record almost, and 25 are too many."""
    step = {"id": f"s{number}", "at": "2026-03-03T02:00:00Z"}
    step |= dict.fromkeys(("handler", "unit", "text", "origin"), "\U0001f600" * 1000)
    return event("dossier.updated", {"step": step}, id_=f"e{number}")


class TestWrites:
    def test_an_event_becomes_its_record_and_one_entry(self) -> None:
        plan = planned([event(fields={"phone": "0900000001"})])
        (change,) = plan.changes
        assert (change.before.version, change.after.version) == (0, 1)
        assert change.messages == (0,)
        (entry,) = change.entries
        assert change.after.head == entry.entry_hash
        assert change.after.updated_at == entry.recorded_at == RECORDED_AT
        assert (plan.refused, plan.duplicates, plan.followers, plan.waiting) == ({}, {}, {}, ())

    def test_events_of_one_record_fold_into_one_write(self) -> None:
        plan = planned([event(id_=str(n), fields={"phone": f"090000000{n}"}) for n in range(3)])
        (change,) = plan.changes
        assert change.messages == (0, 1, 2)
        assert [entry.version for entry in change.entries] == [1, 2, 3]
        assert [e.prev for e in change.entries[1:]] == [e.entry_hash for e in change.entries[:-1]]
        assert change.after == folded("person", PERSON_ID, change.entries)

    def test_events_of_several_records_are_several_writes(self) -> None:
        plan = planned([event(), event(key=OTHER_PERSON_ID, id_="2"), event(id_="3")])
        assert [(c.after.key, c.messages) for c in plan.changes] == [
            (PERSON_ID, (0, 2)),
            (OTHER_PERSON_ID, (1,)),
        ]

    def test_a_chain_goes_on_where_the_table_has_it(self) -> None:
        loaded = after(event())
        plan = planned([event(id_="2", time="2026-03-04T00:00:00Z")], loaded)
        (change,) = plan.changes
        assert change.before == loaded.records[PERSON_ID]
        assert change.entries[0].version == 2
        assert change.entries[0].prev == change.before.head

    def test_a_superseded_event_is_written_as_well(self) -> None:
        plan = planned([event(id_="0", time="2026-03-01T00:00:00Z")], after(event()))
        (change,) = plan.changes
        assert [entry.outcome for entry in change.entries] == [Outcome.SUPERSEDED]
        assert change.after.lanes == change.before.lanes
        assert change.after.version == 2

    def test_every_entry_has_a_salt_of_its_own(self) -> None:
        (change,) = planned([event(), event(id_="2")]).changes
        assert len({entry.salt for entry in change.entries}) == 2

    def test_the_sender_is_recorded(self) -> None:
        plan = planned([message(event(), sender="AROAX"), message(event(id_="2"), sender=None)])
        assert [entry.sender for entry in plan.changes[0].entries] == ["AROAX", None]

    def test_100_events_of_one_record_are_two_writes(self) -> None:
        """One transaction holds 100 actions: the record and 99 entries."""
        plan = planned([event(id_=f"{n:03}") for n in range(MOST_EVENTS_PER_CHANGE + 1)])
        (change,) = plan.changes
        assert len(change.entries) == MOST_EVENTS_PER_CHANGE == 99
        assert plan.waiting == (99,)

    def test_large_events_of_one_record_are_several_writes(self) -> None:
        events = [long_step(number) for number in range(99)]
        plan = planned(events, kind=DOSSIER)
        (change,) = plan.changes
        cores = [len(understood(document).core) for document in events]
        held = len(change.entries)
        assert sum(cores[: held - 1]) < MOST_BYTES_PER_CHANGE <= sum(cores[:held])
        assert plan.waiting == tuple(range(held, 99))


class TestRepeats:
    def test_what_the_ledger_holds_is_a_duplicate(self) -> None:
        loaded = after(event())
        plan = planned([{**event(), "traceparent": "00-1"}], loaded)
        assert plan.duplicates == {0: loaded.events["/agencies/G01#e-1"]}
        assert (plan.changes, plan.refused) == ((), {})

    def test_the_ledger_is_asked_before_the_registry(self) -> None:
        assert planned([event()], after(event()), agencies={}).duplicates
        assert reasons(planned([event()], agencies={})) == [("source-not-permitted", "/source")]

    def test_the_ledger_is_asked_before_the_sender(self) -> None:
        other = message(event(), sender="AROAOTHER")
        assert planned([other], after(event()), senders=Senders()).duplicates
        refused = planned([other], senders=Senders())
        assert reasons(refused) == [("source-not-permitted", "/source")]

    def test_the_ledger_is_asked_before_the_clock(self) -> None:
        early = message(event(), sent_at="2020-01-01T00:00:00.000000Z")
        assert planned([early], after(event())).duplicates
        assert reasons(planned([early])) == [("time-in-future", "/time")]

    def test_the_same_id_with_other_content_is_refused(self) -> None:
        plan = planned([event(fields={"phone": "0900000009"})], after(event()))
        assert reasons(plan) == [("id-reused", "/id")]
        assert plan.changes == ()

    def test_the_same_id_of_another_source_is_another_event(self) -> None:
        plan = planned([event(source="/agencies/G03")], after(event()))
        assert len(plan.changes) == 1

    def test_the_same_id_for_another_record_is_reused(self) -> None:
        plan = planned([event(key=OTHER_PERSON_ID)], after(event()))
        assert reasons(plan) == [("id-reused", "/id")]

    def test_after_an_erasure_any_content_is_a_duplicate(self) -> None:
        (entry,) = entries_of(event(fields={"phone": "0900000001"}))
        loaded = Loaded({}, {entry.event_uid: known(erase(entry, ["phone"]))})
        assert planned([event(fields={"phone": "0900000009"})], loaded).duplicates

    def test_twice_in_one_batch_is_once_and_a_follower(self) -> None:
        plan = planned([event(), event(), {**event(), "traceparent": "00-1"}])
        (change,) = plan.changes
        assert change.messages == (0,)
        assert plan.followers == {1: 0, 2: 0}

    def test_the_same_id_with_other_content_in_one_batch_waits_for_the_ledger(self) -> None:
        plan = planned([event(), event(fields={"phone": "0900000009"})])
        assert plan.changes[0].messages == (0,)
        assert plan.waiting == (1,)

    def test_a_refused_event_takes_no_id(self) -> None:
        """Only a ledger entry does."""
        plan = planned([event(fields={"phone": "x"}), event()])
        assert 0 in plan.refused
        assert plan.changes[0].messages == (1,)

    def test_a_damaged_repeat_is_refused_for_what_is_wrong_with_it_and_for_its_id(self) -> None:
        plan = planned([event(fields={"phone": "x"})], after(event()))
        assert reasons(plan) == [("invalid-data", "/data/phone"), ("id-reused", "/id")]

    def test_an_event_of_another_type_under_a_known_id_stops_at_its_type(self) -> None:
        plan = planned([{**event(), "type": "vn.lienthong.person.x.v1"}], after(event()))
        assert reasons(plan) == [("unknown-type", "/type")]


class TestRefusals:
    def test_what_cannot_be_read_is_refused_as_it_was_read(self) -> None:
        plan = planned(["{", event(), "[]"])
        assert reasons(plan, 0) == [("not-json", "")]
        assert reasons(plan, 2) == [("not-cloudevent", "")]
        assert plan.changes[0].messages == (1,)

    @pytest.mark.parametrize(
        ("time", "refused"),
        [
            ("2026-11-22T08:05:00.000000Z", False),
            ("2026-11-22T15:05:00.000000+07:00", False),
            ("2026-11-22T08:05:00.000001Z", True),
            ("2027-01-01T00:00:00Z", True),
        ],
    )
    def test_five_minutes_ahead_of_the_queue_are_allowed(self, time: str, refused: bool) -> None:
        assert SENT_AT == "2026-11-22T08:00:00.000000Z"
        plan = planned([event(time=time)])
        assert (plan.refused != {}) is refused
        if refused:
            assert reasons(plan) == [("time-in-future", "/time")]

    def test_everything_that_holds_is_listed_in_the_contracts_order(self) -> None:
        document = event(
            "person.updated",
            {"life": {"status": "alive"}, "phone": "x"},
            source="/agencies/G24",
            time="2030-01-01T00:00:00Z",
        )
        document["subject"] = OTHER_PERSON_ID
        loaded = after(event(source="/agencies/G24"))
        assert reasons(planned([document], loaded, senders=Senders())) == [
            ("subject-mismatch", "/subject"),
            ("invalid-data", "/data/phone"),
            ("time-in-future", "/time"),
            ("source-not-permitted", "/source"),
            ("source-not-permitted", "/data/life"),
            ("id-reused", "/id"),
        ]

    def test_an_agency_is_refused_by_the_registry(self) -> None:
        for source, kind in [("H26.99", PERSON), ("H26.91", PERSON), ("K02", PERSON)]:
            plan = planned([event(source=f"/agencies/{source}")], kind=kind)
            assert reasons(plan) == [("source-not-permitted", "/source")]

    def test_one_field_too_much_refuses_the_event(self) -> None:
        fields = {"phone": "0900000001", "life": {"status": "alive"}}
        plan = planned([event(fields=fields, source="/agencies/H26")])
        assert reasons(plan) == [("source-not-permitted", "/data/life")]
        assert plan.changes == ()

    def test_a_withdrawal_needs_the_right_to_state(self) -> None:
        plan = planned([event(fields={"eid": None}, source="/agencies/G03")])
        assert reasons(plan) == [("source-not-permitted", "/data/eid")]

    def test_the_registrys_own_events_ask_no_registry(self) -> None:
        assert planned([event("agency.changed")], kind=AGENCY, agencies={}).changes

    def test_the_rank_is_that_of_the_agencys_period_at_the_time_of_the_event(self) -> None:
        early = event(
            source="/agencies/H26.40", fields={"full_name": "A"}, time="2025-06-30T16:59:59Z"
        )
        late = event(
            source="/agencies/H26.40",
            fields={"full_name": "B"},
            time="2025-06-30T17:00:00Z",
            id_="2",
        )
        (change,) = planned([late, early]).changes
        assert {rank: lane.value for rank, lane in change.after.lanes["full_name"].items()} == {
            20: "A",
            30: "B",
        }


class TestFullRecords:
    def steps(
        self, first: int, count: int, source: str = SOURCES["dossier"]
    ) -> list[dict[str, Any]]:
        return [
            event(
                "dossier.updated",
                {"step": {"id": f"s{n}", "at": "2026-03-03T02:00:00Z"}},
                id_=f"e{n}",
                source=source,
            )
            for n in range(first, first + count)
        ]

    def full(self) -> Loaded:
        documents = self.steps(0, 200)
        loaded = Loaded({}, {})
        for start in range(0, 200, 50):
            (change,) = planned(documents[start : start + 50], loaded, DOSSIER).changes
            loaded = Loaded({change.after.key: change.after}, {})
        return loaded

    def test_a_sources_201st_step_is_refused(self) -> None:
        plan = planned(self.steps(200, 1), self.full(), DOSSIER)
        assert reasons(plan) == [("record-full", "/data/step")]
        assert plan.changes == ()

    def test_a_step_that_exists_may_be_stated_again(self) -> None:
        again = {**self.steps(7, 1)[0], "id": "again"}
        assert len(planned([again], self.full(), DOSSIER).changes) == 1

    def test_another_source_has_200_of_its_own(self) -> None:
        assert planned(self.steps(0, 1, "/agencies/K02"), self.full(), DOSSIER).changes

    def test_events_without_a_step_still_fit(self) -> None:
        plan = planned([event("dossier.updated"), *self.steps(200, 1)], self.full(), DOSSIER)
        assert plan.changes[0].messages == (0,)
        assert list(plan.refused) == [1]

    def test_a_status_is_a_step_as_well(self) -> None:
        plan = planned([event("dossier.accepted", {"status": 2})], self.full(), DOSSIER)
        assert reasons(plan) == [("record-full", "/data/step")]

    def large(self) -> Loaded:
        """A dossier to which one more long step does not fit."""
        lanes: dict[str, Any] = {}
        record = Record("dossier", "H26.12-20260303-0000003", lanes)
        for number in range(24):
            (change,) = planned(
                [long_step(number)], Loaded({record.key: record}, {}), DOSSIER
            ).changes
            record = change.after
        return Loaded({record.key: record}, {})

    def test_a_record_that_was_too_large_refuses_what_does_not_fit(self) -> None:
        tight = frozenset({"dossier/H26.12-20260303-0000003"})
        batch = [long_step(100), event("dossier.updated"), long_step(101)]
        plan = planned(batch, self.large(), DOSSIER, tight=tight)
        assert reasons(plan, 0) == [("record-full", "")]
        assert reasons(plan, 2) == [("record-full", "")]
        assert plan.changes[0].messages == (1,)

    def test_a_record_that_was_never_too_large_is_not_measured(self) -> None:
        assert planned([long_step(100)], self.large(), DOSSIER).changes


class TestTies:
    @pytest.mark.parametrize(
        ("second", "ties"),
        [
            ({"id_": "2"}, 1),
            ({"id_": "2", "time": "2026-03-03T09:00:00+07:00"}, 1),
            ({"id_": "2", "sequence": "0"}, 1),
            ({"id_": "2", "sequence": "1"}, 0),
            ({"id_": "2", "time": "2026-03-03T02:00:00.000001Z"}, 0),
            ({"id_": "2", "source": "/agencies/H26"}, 0),
            ({"id_": "2", "fields": {"sex": "male"}}, 0),
        ],
    )
    def test_statements_that_only_their_ids_tell_apart_are_counted(
        self, second: dict[str, Any], ties: int
    ) -> None:
        (change,) = planned([event(), event(**second)]).changes
        assert change.ties == ties

    def test_a_tie_with_the_table_counts_as_well(self) -> None:
        (change,) = planned([event(id_="2")], after(event())).changes
        assert change.ties == 1


def test_kinds_do_not_mix() -> None:
    plan = planned([event(), event("insurance-card.updated")], kind=INSURANCE_CARD)
    assert reasons(plan, 0) == [("unknown-type", "/type")]
    assert plan.changes[0].after.kind == "insurance-card"
