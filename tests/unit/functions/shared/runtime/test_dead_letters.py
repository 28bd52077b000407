"""What the queues gave up on is kept, or closed where the ledger holds it after all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest

from functions.shared.core.errors import Retry
from functions.shared.core.kinds import DOSSIER, PERSON
from functions.shared.core.planning import KnownEvent
from functions.shared.core.quarantine import quarantine_id
from functions.shared.ports import Deadline, KnownEvents, Refusal
from functions.shared.runtime.dead_letters import DeadLetterService
from functions.shared.runtime.logs import Narrator
from tests.builders import body, event, lambda_context, messages, sqs_event
from tests.fakes import FakeQuarantine, FakeWorld, Kept, Unhurried

Narrate = Callable[[], Narrator]
Said = Callable[[], list[dict[str, Any]]]
PEOPLE = "arn:aws:sqs:ap-southeast-1:123456789012:population-dead"
DOSSIERS = "arn:aws:sqs:ap-southeast-1:123456789012:dossier-dead"


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(PERSON)


def service(
    world: FakeWorld, narrator: Narrator, ledger: KnownEvents | None = None
) -> DeadLetterService:
    return DeadLetterService(
        {PEOPLE: "population", DOSSIERS: "dossier"},
        ledger or world.ledger,
        world.quarantine,
        narrator,
        world.now,
    )


def kept(world: FakeWorld, document: Mapping[str, Any] | str, queue: str = "population") -> Kept:
    text = document if isinstance(document, str) else body(document)
    return world.quarantine.kept[quarantine_id(queue, text)]


def test_what_the_queue_gave_up_on_is_kept_whole(world: FakeWorld, narrate: Narrate) -> None:
    answer = service(world, narrate()).handle(sqs_event([event()], arn=PEOPLE), lambda_context())
    assert answer == {"batchItemFailures": []}
    entry = kept(world, event())
    assert [reason.code for reason in entry.refusal.reasons] == ["gave-up"]
    assert (entry.status, entry.refusal.body) == ("open", body(event()))
    assert (entry.refusal.source, entry.refusal.event_id) == ("/agencies/G01", "e-1")
    assert entry.refusal.sender == "AROAEXAMPLEEXAMPLEG01"


@pytest.mark.parametrize("text", ["", "nonsense", "[" * 1000, "\ud800", '{"a":1,"a":1}'])
def test_what_cannot_be_read_is_kept_as_well(text: str, world: FakeWorld, narrate: Narrate) -> None:
    service(world, narrate()).handle(sqs_event([text], arn=PEOPLE), lambda_context())
    assert [r.code for r in kept(world, text).refusal.reasons] == ["not-json", "gave-up"]


def test_what_is_wrong_with_the_message_comes_first(world: FakeWorld, narrate: Narrate) -> None:
    document = event(fields={"phone": "x", "sex": "x"})
    service(world, narrate()).handle(sqs_event([document], arn=PEOPLE), lambda_context())
    codes = [reason.code for reason in kept(world, document).refusal.reasons]
    assert codes == ["invalid-data", "invalid-data", "gave-up"]


def test_an_event_that_the_ledger_holds_is_closed(world: FakeWorld, narrate: Narrate) -> None:
    world.pipeline.run(messages([event()]), Unhurried())
    service(world, narrate()).handle(sqs_event([event()], arn=PEOPLE), lambda_context())
    entry = kept(world, event())
    assert entry.status == "resolved"
    assert "before the queue gave up" in entry.closed_because


def test_another_event_under_a_known_id_stays_open(world: FakeWorld, narrate: Narrate) -> None:
    world.pipeline.run(messages([event()]), Unhurried())
    other = event(fields={"phone": "0900000009"})
    service(world, narrate()).handle(sqs_event([other], arn=PEOPLE), lambda_context())
    assert kept(world, other).status == "open"


def test_it_is_closed_when_the_queue_delivers_it_once_more(
    world: FakeWorld, narrate: Narrate
) -> None:
    service(world, narrate()).handle(sqs_event([event()], arn=PEOPLE), lambda_context())
    report = world.pipeline.run(messages([event()]), Unhurried())
    assert report.resolved == 1
    assert kept(world, event()).status == "resolved"


def test_each_queue_is_told_by_its_own_dead_letters(world: FakeWorld, narrate: Narrate) -> None:
    document = event("dossier.updated")
    batch = sqs_event([event(), "x"], arn=PEOPLE)
    batch["Records"] += sqs_event([document], arn=DOSSIERS)["Records"]
    batch["Records"] += sqs_event(["y"], arn=PEOPLE)["Records"]
    service(world, narrate()).handle(batch, lambda_context())
    assert [r.code for r in kept(world, document, DOSSIER.queue).refusal.reasons] == ["gave-up"]
    assert len(world.quarantine.kept) == 4
    assert {kept(world, text).refusal.queue for text in "xy"} == {"population"}


def test_again_is_one_entry(world: FakeWorld, narrate: Narrate) -> None:
    for _ in range(2):
        service(world, narrate()).handle(sqs_event([event()], arn=PEOPLE), lambda_context())
    assert kept(world, event()).seen == 2


def test_what_could_not_be_kept_comes_back(narrate: Narrate) -> None:
    class Closed(FakeQuarantine):
        def keep(self, *_: Any) -> None:
            raise Retry("no")

    world = FakeWorld(PERSON, quarantine=Closed())
    batch = sqs_event([event(), "x"], arn=PEOPLE)
    answer = service(world, narrate()).handle(batch, lambda_context())
    named = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert named == [record["messageId"] for record in batch["Records"]]


def test_one_that_a_bug_stops_takes_no_other_with_it(narrate: Narrate, said: Said) -> None:
    class Breaking(FakeQuarantine):
        def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
            if any(refusal.body == "x" for refusal in refusals):
                raise ZeroDivisionError
            super().keep(refusals, deadline)

    world = FakeWorld(PERSON, quarantine=Breaking())
    batch = sqs_event([event(), "x", "y"], arn=PEOPLE)
    answer = service(world, narrate()).handle(batch, lambda_context())
    named = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert named == [batch["Records"][1]["messageId"]]
    assert world.quarantine.bodies() == {body(event()), "y"}
    failed = [line["Failed"] for line in said() if "Failed" in line]
    assert failed == [[1.0], [1.0]], "together, and alone"


def test_what_the_ledger_could_not_be_asked_about_comes_back(
    world: FakeWorld, narrate: Narrate
) -> None:
    class Unreadable:
        def known(self, events: Collection[str], deadline: Deadline) -> Mapping[str, KnownEvent]:
            del events, deadline
            raise Retry("no")

    batch = sqs_event([event()], arn=PEOPLE)
    answer = service(world, narrate(), Unreadable()).handle(batch, lambda_context())
    assert len(answer["batchItemFailures"]) == 1
    assert kept(world, event()).status == "open", "kept all the same"


def test_dead_letters_are_counted(world: FakeWorld, narrate: Narrate, said: Said) -> None:
    service(world, narrate()).handle(sqs_event([event(), "x"], arn=PEOPLE), lambda_context())
    counts = [line["DeadLetters"] for line in said() if "DeadLetters" in line]
    assert counts == [[2.0]]
