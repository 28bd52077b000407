"""The answer per message, whatever happens to the batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from functions.shared.core.errors import Defect
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Loaded, RecordChange
from functions.shared.ports import Commit, Deadline
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.sync import SyncService
from tests.builders import OTHER_PERSON_ID, PERSON_ID, event, lambda_context, sqs_event
from tests.fakes import FakeWorld

Said = Callable[[], list[dict[str, Any]]]
Narrate = Callable[[], Narrator]


class Breaking:
    """A store that a bug stops whenever it meets one record."""

    def __init__(self, world: FakeWorld, key: str) -> None:
        self._world = world
        self._key = key

    def load(self, records: Collection[str], events: Collection[str], deadline: Deadline) -> Loaded:
        if self._key in records:
            raise ZeroDivisionError
        return self._world.records.load(records, events, deadline)

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]:
        return self._world.records.commit(changes)


def failures(answer: Mapping[str, list[dict[str, str]]]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_a_worked_batch_returns_nothing(narrate: Narrate) -> None:
    world = FakeWorld(PERSON)
    service = SyncService(world.pipeline, narrate())
    records = sqs_event([event(), "nonsense", event()])
    assert service.handle(records, lambda_context()) == {"batchItemFailures": []}
    assert len(world.ledger.entries) == 1
    assert world.quarantine.bodies() == {"nonsense"}


def test_messages_for_which_there_was_no_time_come_back(narrate: Narrate) -> None:
    world = FakeWorld(PERSON)
    service = SyncService(world.pipeline, narrate())
    records = sqs_event([event(), "nonsense"])
    answer = service.handle(records, lambda_context(milliseconds=5_000))
    assert failures(answer) == [records["Records"][0]["messageId"]]
    assert not world.ledger.entries


def test_a_bug_that_one_message_meets_takes_no_other_with_it(narrate: Narrate, said: Said) -> None:
    world = FakeWorld(PERSON)
    pipeline = replace(world.pipeline, store=Breaking(world, PERSON_ID))
    service = SyncService(pipeline, narrate())
    documents = [event(key=OTHER_PERSON_ID), event(id_="2"), event(key=OTHER_PERSON_ID, id_="3")]
    records = sqs_event([*documents, "nonsense"])
    answer = service.handle(records, lambda_context())
    assert failures(answer) == [records["Records"][1]["messageId"]]
    assert set(world.ledger.entries) == {"/agencies/G01#e-1", "/agencies/G01#3"}
    assert world.quarantine.bodies() == {"nonsense"}
    assert [line["error"] for line in said() if "error" in line] == ["ZeroDivisionError"] * 2


def test_beside_a_bug_what_the_tables_are_too_busy_for_comes_back(narrate: Narrate) -> None:
    class Busy(Breaking):
        def commit(self, changes: Sequence[RecordChange]) -> list[Commit]:
            return [Commit.BUSY] * len(changes)

    world = FakeWorld(PERSON)
    service = SyncService(replace(world.pipeline, store=Busy(world, PERSON_ID)), narrate())
    records = sqs_event([event(), event(key=OTHER_PERSON_ID, id_="2")])
    answer = service.handle(records, lambda_context())
    assert failures(answer) == [record["messageId"] for record in records["Records"]]
    assert not world.ledger.entries


def test_a_broken_stack_returns_all_of_it(narrate: Narrate) -> None:
    class Denied(Breaking):
        def load(self, *_: Any) -> Loaded:
            raise Defect("BatchGetItem failed with AccessDeniedException.")

    world = FakeWorld(PERSON)
    service = SyncService(replace(world.pipeline, store=Denied(world, "")), narrate())
    records = sqs_event([event(), event(id_="2")])
    answer = service.handle(records, lambda_context())
    assert failures(answer) == [record["messageId"] for record in records["Records"]]


def test_when_time_is_up_after_a_bug_the_rest_comes_back_untried(narrate: Narrate) -> None:
    world = FakeWorld(PERSON)

    class Late:
        def __init__(self) -> None:
            self.left = [60_000, 60_000, 60_000, 0]

        def get_remaining_time_in_millis(self) -> int:
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    service = SyncService(replace(world.pipeline, store=Breaking(world, PERSON_ID)), narrate())
    records = sqs_event([event(), event(key=OTHER_PERSON_ID, id_="2")])
    answer = service.handle(records, Late())
    assert failures(answer) == [record["messageId"] for record in records["Records"]]


def test_senders_are_taken_from_the_queue(narrate: Narrate) -> None:
    world = FakeWorld(PERSON)
    SyncService(world.pipeline, narrate()).handle(sqs_event([event()]), lambda_context())
    (entry,) = world.ledger.entries.values()
    assert entry.sender == "AROAEXAMPLEEXAMPLEG01"
