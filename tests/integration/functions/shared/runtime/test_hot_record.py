"""One record, a thousand events, many functions at once (G1, G2, G4)."""

from __future__ import annotations

import queue
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.replay import disagreements, folded
from tests.builders import PERSON_ID, event, messages
from tests.fakes import FakeWorld, Unhurried
from tests.faults import APPLICABLE, Call, Fault, Faulty
from tests.integration.functions.memory import in_memory
from tests.integration.functions.stack import MotoWorld, chain_of

EVENTS: Final = 1_000
IN_A_BATCH: Final = 10
FUNCTIONS: Final = 8
PASSING: Final = (
    *("throttled", "answer lost", "done but answered with an error", "connection cut before"),
    *("conflict", "conflict on an entry", "throttled action", "half of the keys processed"),
)
"""What happens to a hot record's calls, and what emulators never do."""


def documents() -> list[dict[str, Any]]:
    """Statements about one person by several agencies, many of one instant."""
    chance = random.Random(1)
    stated = {
        "/agencies/G01": ("full_name", "nationality", "phone"),
        "/agencies/G24": ("full_name", "nationality", "phone"),
        "/agencies/H26": ("nationality", "phone"),
    }
    values = {
        "full_name": ("Nguyễn Thị Mẫu", "Trần Thử", "Lê Giả Định"),
        "nationality": ("VN", "LA", None),
        "phone": ("0900000001", "0900000002", None),
    }
    found = []
    for number in range(EVENTS):
        source = chance.choice(list(stated))
        fields = chance.sample(stated[source], chance.randint(1, len(stated[source])))
        found.append(
            event(
                fields={name: chance.choice(values[name]) for name in fields},
                id_=f"hot-{number}",
                source=source,
                time=f"2026-03-03T02:{chance.randrange(60):02}:00Z",
            )
        )
    return found


@pytest.fixture
def _often() -> Iterator[None]:
    """Threads take turns a thousand times more often than they would."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@dataclass
class Work:
    """A queue's batches and what became of their messages."""

    batches: queue.SimpleQueue[list[Message]] = field(default_factory=queue.SimpleQueue)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    errors: list[BaseException] = field(default_factory=list)
    retries: int = 0
    left: int = EVENTS
    lock: threading.Lock = field(default_factory=threading.Lock)

    def function(self, world: MotoWorld, seed: int) -> None:
        """Takes batches until none is left; what it returns is delivered again."""
        chance = random.Random(seed)

        def trouble(call: Call) -> Fault | None:
            possible = APPLICABLE[call.operation]
            name = chance.choice(PASSING)
            return possible.get(name) if chance.random() < 0.1 else None

        pipeline = world.pipeline(Faulty(world.aws.dynamodb, trouble))
        while self.left and not self.errors:
            try:
                batch = self.batches.get(timeout=0.05)
            except queue.Empty:
                continue
            try:
                report = pipeline.run(batch, Unhurried())
            except BaseException as error:
                self.errors.append(error)
                return
            back = report.unfinished()
            with self.lock:
                self.left -= len(batch) - len(back)
                self.retries += report.pauses
                self.verdicts.update(v for v in report.verdicts.values() if v is not Verdict.AGAIN)
            if back:
                self.batches.put([batch[position] for position in back])


@pytest.mark.usefixtures("_often")
def test_a_thousand_concurrent_events_on_one_record_are_its_fold() -> None:
    world = MotoWorld(in_memory(), PERSON)
    events = documents()
    arriving = messages(events)
    work = Work()
    for start in range(0, EVENTS, IN_A_BATCH):
        work.batches.put(arriving[start : start + IN_A_BATCH])
    functions = [
        threading.Thread(target=work.function, args=(world, seed)) for seed in range(FUNCTIONS)
    ]
    for function in functions:
        function.start()
    for function in functions:
        function.join()

    assert work.errors == []
    assert work.retries > FUNCTIONS, "they met"
    alone = FakeWorld(PERSON)
    alone.pipeline.run(messages(events), Unhurried())
    assert world.contents() == alone.contents()
    entries = world.entries()
    assert entries.keys() == alone.ledger.entries.keys()
    record = world.records()[PERSON_ID]
    chain = chain_of(record.record_key, entries.values())
    assert record.version == EVENTS
    assert disagreements("person", PERSON_ID, chain) == []
    assert folded("person", PERSON_ID, chain) == record
    # Every event was delivered once; one that its own function wrote before it was returned for
    # another reason is known when it comes again.
    written = work.verdicts[Verdict.APPLIED] + work.verdicts[Verdict.SUPERSEDED]
    assert written + work.verdicts[Verdict.DUPLICATE] == EVENTS
    assert world.quarantined() == []
