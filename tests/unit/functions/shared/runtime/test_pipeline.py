"""The batch, worked as a batch, over fakes of everything it touches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.shared.core.errors import Conflict, Defect, Retry
from functions.shared.core.kinds import AGENCY, DOSSIER, PERSON
from functions.shared.core.planning import Loaded, Message, RecordChange, Verdict
from functions.shared.core.quarantine import correction_id, quarantine_id
from functions.shared.core.registry import Agency, Senders
from functions.shared.ports import Commit, Deadline, Refusal
from functions.shared.runtime.pipeline import (
    LONGEST_PAUSE,
    MOST_FRUITLESS_ROUNDS,
    Pipeline,
    Report,
)
from tests.builders import (
    OTHER_PERSON_ID,
    PERSON_ID,
    agency,
    body,
    event,
    message,
    messages,
    registrations,
)
from tests.fakes import FakeQuarantine, FakeRecords, FakeWorld, Impatient, Passed, Unhurried


def run(
    world: FakeWorld, *contents: Mapping[str, object] | str, deadline: Deadline | None = None
) -> Report:
    return world.pipeline.run(messages(contents), deadline or Unhurried())


def verdicts(report: Report) -> list[Verdict]:
    return [report.verdicts[position] for position in sorted(report.verdicts)]


class Scripted:
    """A store of which some commits end as the script says; nothing of those is written."""

    def __init__(
        self, store: FakeRecords, script: Callable[[int, RecordChange], Commit | None]
    ) -> None:
        self._store = store
        self._script = script
        self.commits: list[Sequence[RecordChange]] = []

    def load(self, records: Collection[str], events: Collection[str], deadline: Deadline) -> Loaded:
        return self._store.load(records, events, deadline)

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]:
        self.commits.append(changes)
        return [
            self._script(len(self.commits), change) or self._store.commit([change])[0]
            for change in changes
        ]


def scripted(
    world: FakeWorld, script: Callable[[int, RecordChange], Commit | None]
) -> tuple[Pipeline, Scripted]:
    store = Scripted(world.records, script)
    return replace(world.pipeline, store=store), store


class TestVerdicts:
    def test_each_message_ends_once(self) -> None:
        world = FakeWorld(PERSON)
        report = run(
            world,
            event(id_="1"),
            event(id_="2", time="2026-03-01T00:00:00Z"),
            event(id_="1"),
            "nonsense",
            event(id_="3", fields={"phone": "x"}),
        )
        assert verdicts(report) == [
            Verdict.APPLIED,
            Verdict.SUPERSEDED,
            Verdict.DUPLICATE,
            Verdict.QUARANTINED,
            Verdict.QUARANTINED,
        ]
        assert report.reasons == {"not-json": 1, "invalid-data": 1}
        assert report.unfinished() == []
        assert report.rounds == 1

    def test_an_empty_batch_ends_at_once(self) -> None:
        report = run(FakeWorld(PERSON))
        assert (report.verdicts, report.rounds) == ({}, 0)

    def test_nonsense_alone_asks_no_table(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, "", "{", "[]")
        assert report.rounds == 0
        assert report.count(Verdict.QUARANTINED) == 3

    def test_many_events_of_one_record_take_as_many_rounds_as_they_need(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, *(event(id_=f"{n:04}") for n in range(250)))
        assert report.rounds == 3
        assert report.pauses == 0
        assert report.count(Verdict.APPLIED) == 250
        assert world.records.record(PERSON_ID).version == 250

    def test_the_same_id_with_other_content_in_one_batch(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, event(), event(fields={"phone": "0900000009"}))
        assert verdicts(report) == [Verdict.APPLIED, Verdict.QUARANTINED]
        assert [r.code for r in report.refused[1]] == ["id-reused"]

    def test_ties_are_counted(self) -> None:
        assert run(FakeWorld(PERSON), event(id_="1"), event(id_="2")).ties == 1

    def test_a_sources_201st_step_is_refused_and_the_others_are_written(self) -> None:
        world = FakeWorld(DOSSIER)
        steps = [
            event(
                "dossier.updated",
                {"step": {"id": f"{n}", "at": "2026-03-03T02:00:00Z"}},
                id_=f"{n}",
            )
            for n in range(201)
        ]
        report = run(world, *steps)
        assert report.count(Verdict.APPLIED) == 200
        assert [r.code for reasons in report.refused.values() for r in reasons] == ["record-full"]

    def test_a_record_that_would_be_too_large_refuses_what_does_not_fit(self) -> None:
        world = FakeWorld(DOSSIER)

        def long(number: int) -> dict[str, object]:
            step = {"id": str(number), "at": "2026-03-03T02:00:00Z"}
            step |= dict.fromkeys(("handler", "unit", "text", "origin"), "\U0001f600" * 1000)
            return event("dossier.updated", {"step": step}, id_=str(number))

        small = event("dossier.updated", {"channel": "post"}, id_="small")
        report = run(world, *map(long, range(30)), small)
        assert report.defects == 0
        assert report.unfinished() == []
        refused = [reasons[0].code for reasons in report.refused.values()]
        assert refused == ["record-full"] * len(refused)
        assert 0 < len(refused) < 10
        assert report.verdicts[30] is Verdict.APPLIED


class TestAges:
    """How long ago what was applied was recorded, where that says something of the service."""

    def test_fresh_events_have_an_age(self) -> None:
        world = FakeWorld(PERSON, now=lambda: "2026-11-22T08:00:03.500000Z")
        fresh = [
            event(id_="1", time="2026-11-22T07:59:59.000000Z"),
            event(id_="2", time="2026-11-22T08:04:00.000000Z"),
            event(id_="3", time="2026-11-21T08:00:00.000000Z", fields={"sex": "male"}),
        ]
        report = run(world, *fresh)
        assert report.ages == [4500, 0, 24 * 60 * 60 * 1000 + 3500]
        assert report.late == 0

    def test_old_facts_have_none(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, event(time="2026-11-21T07:59:59.999000Z"))
        assert (report.ages, report.late) == ([], 1)

    def test_what_changed_nothing_has_none(self) -> None:
        now = "2026-11-22T08:00:00.000000Z"
        world = FakeWorld(PERSON)
        run(world, event(id_="1", time=now))
        report = run(world, event(id_="1", time=now), event(id_="0", time=now), "nonsense")
        assert (report.ages, report.late) == ([], 0)


class TestRetries:
    def test_a_conflict_is_loaded_and_merged_again(self) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(world, lambda n, _: Commit.CONFLICT if n < 3 else None)
        report = pipeline.run(messages([event()]), Unhurried())
        assert verdicts(report) == [Verdict.APPLIED]
        assert (len(store.commits), report.rounds, report.pauses) == (3, 3, 2)

    def test_a_conflict_of_one_record_holds_up_no_other(self) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(
            world,
            lambda n, c: Commit.CONFLICT if n == 1 and c.after.key == PERSON_ID else None,
        )
        report = pipeline.run(messages([event(), event(key=OTHER_PERSON_ID, id_="2")]), Unhurried())
        assert verdicts(report) == [Verdict.APPLIED, Verdict.APPLIED]
        assert [[c.after.key for c in changes] for changes in store.commits] == [
            [PERSON_ID, OTHER_PERSON_ID],
            [PERSON_ID],
        ]

    @pytest.mark.parametrize("outcome", [Commit.CONFLICT, Commit.BUSY])
    def test_what_never_succeeds_comes_back_after_growing_pauses(self, outcome: Commit) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(world, lambda *_: outcome)
        report = pipeline.run(messages([event(), event()]), Unhurried())
        assert report.unfinished() == [0, 1]
        assert len(store.commits) == MOST_FRUITLESS_ROUNDS
        assert world.pauses == sorted(world.pauses)
        assert world.pauses[-1] <= LONGEST_PAUSE
        assert len(set(world.pauses)) == len(world.pauses)
        assert not world.ledger.entries

    def test_it_gives_up_when_time_is_up(self) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(world, lambda *_: Commit.BUSY)
        report = pipeline.run(messages([event()]), Impatient(3))
        assert report.unfinished() == [0]
        assert len(store.commits) < 3

    def test_without_time_nothing_is_begun_and_nonsense_is_still_kept(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, event(), "nonsense", deadline=Passed())
        assert verdicts(report) == [Verdict.AGAIN, Verdict.QUARANTINED]
        assert report.rounds == 0

    def test_tables_that_cannot_be_read_return_all_of_it(self) -> None:
        world = FakeWorld(PERSON)

        class Unreadable(Scripted):
            def load(self, *_: Any) -> Loaded:
                raise Retry("no")

        pipeline = replace(world.pipeline, store=Unreadable(world.records, lambda *_: None))
        report = pipeline.run(messages([event(), "nonsense"]), Unhurried())
        assert verdicts(report) == [Verdict.AGAIN, Verdict.QUARANTINED]

    def test_a_written_event_whose_answer_was_lost_is_no_duplicate(self) -> None:
        world = FakeWorld(PERSON)

        def lose(number: int, change: RecordChange) -> Commit | None:
            if number > 1:
                return None
            assert world.records.commit([change]) == [Commit.DONE]
            return Commit.CONFLICT

        pipeline, _ = scripted(world, lose)
        late = event(id_="2", time="2026-03-01T00:00:00Z")
        report = pipeline.run(messages([event(), late, event()]), Unhurried())
        assert verdicts(report) == [Verdict.APPLIED, Verdict.SUPERSEDED, Verdict.DUPLICATE]

    def test_a_rivals_write_of_the_same_event_makes_it_a_duplicate(self) -> None:
        world = FakeWorld(PERSON)

        def rival(number: int, _: RecordChange) -> Commit | None:
            if number == 1:
                world.pipeline.run(messages([event()]), Unhurried())
            return None

        pipeline, _ = scripted(world, rival)
        report = pipeline.run(messages([event()]), Unhurried())
        assert verdicts(report) == [Verdict.DUPLICATE]

    def test_what_the_store_will_never_take_goes_back_and_is_told(self) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(
            world, lambda _, c: Commit.REFUSED if c.after.key == PERSON_ID else None
        )
        other = event(key=OTHER_PERSON_ID, id_="2")
        report = pipeline.run(messages([event(), other, event()]), Unhurried())
        assert verdicts(report) == [Verdict.AGAIN, Verdict.APPLIED, Verdict.AGAIN]
        assert report.defects > 0
        assert len(store.commits) <= 2

    def test_a_store_that_calls_everything_too_large_is_a_defect(self) -> None:
        world = FakeWorld(PERSON)
        pipeline, store = scripted(world, lambda *_: Commit.TOO_LARGE)
        report = pipeline.run(messages([event()]), Unhurried())
        assert verdicts(report) == [Verdict.AGAIN]
        assert (report.defects, len(store.commits)) == (1, 2)


class TestRegistry:
    def test_an_unknown_agency_is_looked_up_afresh_before_it_is_refused(self) -> None:
        world = FakeWorld(PERSON)
        world.agencies.agencies_by_id.pop("G03")
        report = run(world, event(source="/agencies/G03"), event(id_="2"))
        assert verdicts(report) == [Verdict.QUARANTINED, Verdict.APPLIED]
        assert world.agencies.asked == [frozenset({"G03"})], "only the doubted one"

    def test_an_agency_registered_a_moment_ago_is_accepted(self) -> None:
        class Stale:
            """Remembers a registry without the agency until it reads afresh."""

            known: Mapping[str, Agency | None] = {"G03": None}

            def agencies(
                self, ids: Collection[str], deadline: Deadline, *, afresh: bool = False
            ) -> Mapping[str, Agency | None]:
                del ids, deadline
                if afresh:
                    self.known = {"G03": agency("justice", "person")}
                return self.known

        world = FakeWorld(PERSON)
        pipeline = replace(world.pipeline, agencies=Stale())
        report = pipeline.run(messages([event(source="/agencies/G03")]), Unhurried())
        assert verdicts(report) == [Verdict.APPLIED]
        assert report.rounds == 1

    def test_a_registry_that_cannot_be_read_refuses_nobody(self) -> None:
        class Unreadable:
            def agencies(self, *_: Any, **__: Any) -> Mapping[str, Agency | None]:
                raise Conflict("no")

        world = FakeWorld(PERSON)
        pipeline = replace(world.pipeline, agencies=Unreadable())
        report = pipeline.run(messages([event(), "nonsense"]), Unhurried())
        assert verdicts(report) == [Verdict.AGAIN, Verdict.QUARANTINED]

    def test_who_is_in_force_is_not_looked_up_twice(self) -> None:
        world = FakeWorld(PERSON)
        run(world, event(), event(id_="2", fields={"phone": "x"}))
        assert world.agencies.asked == []

    def test_the_registrys_own_queue_asks_no_registry(self) -> None:
        class Silent:
            def agencies(self, *_: Any, **__: Any) -> Mapping[str, Agency | None]:
                raise AssertionError("The registry was asked about itself.")

        world = FakeWorld(AGENCY)
        pipeline = replace(world.pipeline, agencies=Silent())
        report = pipeline.run(messages(registrations()), Unhurried())
        assert set(verdicts(report)) == {Verdict.APPLIED}

    def test_senders_are_checked(self) -> None:
        world = FakeWorld(PERSON, senders=Senders())
        arrived = [message(event()), message(event(id_="2"), sender="AROAOTHER")]
        report = world.pipeline.run(arrived, Unhurried())
        assert verdicts(report) == [Verdict.APPLIED, Verdict.QUARANTINED]
        assert [r.code for r in report.refused[1]] == ["source-not-permitted"]


class TestQuarantine:
    def test_a_refused_message_is_kept_whole_with_what_was_read_of_it(self) -> None:
        world = FakeWorld(PERSON)
        document = {**event(id_="x", fields={"phone": "x"}), "traceparent": "00-1"}
        arrived = message(document, sender="AROAX")
        world.pipeline.run([arrived], Unhurried())
        (kept,) = world.quarantine.kept.values()
        refusal = kept.refusal
        assert (refusal.queue, refusal.body) == ("population", body(document))
        assert (refusal.source, refusal.event_id) == ("/agencies/G01", "x")
        assert (refusal.sender, refusal.received_at) == ("AROAX", arrived.sent_at)
        assert [(r.code, r.path) for r in refusal.reasons] == [("invalid-data", "/data/phone")]

    def test_the_same_nonsense_twice_is_one_entry_seen_twice(self) -> None:
        world = FakeWorld(PERSON)
        report = run(world, "nonsense", "nonsense")
        assert report.count(Verdict.QUARANTINED) == 2
        (kept,) = world.quarantine.kept.values()
        assert kept.seen == 2

    def test_what_cannot_be_kept_comes_back(self) -> None:
        class Closed(FakeQuarantine):
            def keep(self, *_: Any) -> None:
                raise Retry("no")

        world = FakeWorld(PERSON, quarantine=Closed())
        report = run(world, event(), "nonsense")
        assert verdicts(report) == [Verdict.APPLIED, Verdict.AGAIN]
        assert report.reasons == {}

    def test_a_refused_event_that_the_ledger_took_meanwhile_is_closed(self) -> None:
        world = FakeWorld(PERSON)
        early = Message("m", body(event()), "2020-01-01T00:00:00.000000Z")

        class Slow(FakeQuarantine):
            def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
                super().keep(refusals, deadline)
                world.pipeline.run(messages([event()]), Unhurried())

        slow = Slow()
        world.quarantine.kept = slow.kept
        report = replace(world.pipeline, quarantine=slow).run([early], Unhurried())
        assert {kept.status for kept in slow.kept.values()} == {"resolved"}
        assert report.verdicts == {0: Verdict.QUARANTINED}

    def test_another_event_under_the_same_id_stays_open(self) -> None:
        world = FakeWorld(PERSON)
        run(world, event())
        run(world, event(fields={"phone": "0900000009"}))
        assert [kept.status for kept in world.quarantine.kept.values()] == ["open"]

    def test_an_accepted_event_closes_its_entry(self) -> None:
        world = FakeWorld(PERSON)
        early = Message("m", body(event()), "2020-01-01T00:00:00.000000Z")
        world.pipeline.run([early], Unhurried())
        report = run(world, event())
        assert report.resolved == 1
        kept = world.quarantine.kept[quarantine_id("population", body(event()))]
        assert kept.status == "resolved"
        assert kept.closed_because.endswith("the ledger holds it.")
        assert run(world, event()).resolved == 0, "once is enough"

    def test_an_accepted_replay_closes_every_entry_of_its_event(self) -> None:
        world = FakeWorld(PERSON)
        early, late = "2020-01-01T00:00:00.000000Z", "2026-11-22T00:00:00.000000Z"
        first = quarantine_id("population", body(event()))
        second = quarantine_id("population", body(event()), first)
        for sent_at, replays in ((early, None), (early, first), (late, second)):
            world.pipeline.run([Message("m", body(event()), sent_at, replays=replays)], Unhurried())
        statuses = {id_: kept.status for id_, kept in world.quarantine.kept.items()}
        assert statuses == {first: "resolved", second: "resolved"}

    def test_an_accepted_correction_leaves_the_entry_that_it_corrects(self) -> None:
        world = FakeWorld(PERSON)
        run(world, "nonsense")
        (entry,) = world.quarantine.kept
        corrected = event(id_=correction_id(entry, "mended"))
        message = Message("m", body(corrected), "2026-11-22T00:00:00.000000Z", replays=entry)
        report = world.pipeline.run([message], Unhurried())
        assert report.verdicts == {0: Verdict.APPLIED}
        assert world.quarantine.kept[entry].status == "open", "the desk closes it"

    @pytest.mark.parametrize("first", [True, False])
    def test_what_could_not_be_closed_comes_back(self, first: bool) -> None:
        class Stuck(FakeQuarantine):
            def resolve(self, *_: Any) -> frozenset[str]:
                raise Retry("no")

        world = FakeWorld(PERSON, quarantine=Stuck())
        report = run(world, *([event()] if first else ["nonsense", event()]))
        assert report.unfinished() == ([0] if first else [1])
        assert len(world.ledger.entries) == 1, "written all the same"

    def test_a_refusal_whose_ledger_cannot_be_asked_comes_back(self) -> None:
        world = FakeWorld(PERSON)
        loads: Iterator[int] = iter(range(9))

        class Once(Scripted):
            def load(
                self, records: Collection[str], events: Collection[str], deadline: Deadline
            ) -> Loaded:
                if next(loads):
                    raise Retry("no")
                return super().load(records, events, deadline)

        pipeline = replace(world.pipeline, store=Once(world.records, lambda *_: None))
        report = pipeline.run(messages([event(fields={"phone": "x"})]), Unhurried())
        assert verdicts(report) == [Verdict.AGAIN]
        assert len(world.quarantine.kept) == 1, "kept all the same"


def test_a_defect_of_the_store_is_raised() -> None:
    world = FakeWorld(PERSON)

    class Broken(Scripted):
        def commit(self, *_: Any) -> list[Commit]:
            raise Defect("TransactWriteItems failed with AccessDeniedException.")

    pipeline = replace(world.pipeline, store=Broken(world.records, lambda *_: None))
    with pytest.raises(Defect):
        pipeline.run(messages([event()]), Unhurried())
