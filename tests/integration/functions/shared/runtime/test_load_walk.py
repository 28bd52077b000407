"""A whole small load: its calls times what can happen to them.

What a load calls is found by watching it undisturbed, so a call that comes to its two functions
comes to this walk, and fails it until `KNOWN` has it. Every call that differs from the others in
operation or target meets every sort of fault; of faults that come to the same in
`adapters.errors` one stands for all. The thorough profile takes every call times every fault.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import settings

from functions.shared.core.kinds import INSURANCE_CARD
from functions.shared.core.loads import LoadState
from functions.shared.runtime import range_sync
from functions.shared.runtime.sqs import LambdaContext
from tests.builders import body, event
from tests.faults import EVERYWHERE, Call, Clock, Faults, Faulty, at_call, from_call
from tests.fuzz.mutants import Mutants
from tests.integration.functions.loading import LoadWorld
from tests.integration.functions.shared.runtime.test_loading import CONTENT, assert_loaded
from tests.integration.functions.stack import Aws

THOROUGH: Final = settings().max_examples > 500
SORTS: Final = (
    *("access denied", "throttled", "no connection", "answer garbled", "done twice"),
    *("slow until no time is left but to answer", "slow until it is stopped"),
)
"""A death before and after each call and an answer that is lost have a test beside this one."""
NAMES: Final = tuple(EVERYWHERE) if THOROUGH else SORTS
PACKED: Final = gzip.compress(CONTENT[:500]) + gzip.compress(CONTENT[500:])

Place = tuple[str, str]
"""An operation and what it goes to: an item of the table, a folder of the bucket, a queue."""
KNOWN: Final[frozenset[Place]] = frozenset(
    {
        *(("put_item", "load"), ("get_item", "load"), ("update_item", "load")),
        *(("put_item", "range"), ("get_item", "range"), ("update_item", "range")),
        *(("get_item", "report"), ("query", "loads"), ("transact_write_items", "loads")),
        *(("get_object", "incoming"), ("get_object", "parts"), ("get_object", "reports")),
        *(("put_object", "parts"), ("put_object", "reports"), ("send_message", "ranges")),
    }
)
"""Every call that a small load makes."""
RECOVERY: Final[frozenset[Place]] = frozenset({("change_message_visibility", "files")})
"""What is called besides where something failed."""


@dataclass
class TimedWorld(LoadWorld):
    """A world to load files in, whose functions have no other time than the clock's."""

    clock: Clock = field(default_factory=lambda: Clock(900.0))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.context = self._begun

    def _begun(self) -> LambdaContext:
        self.clock.begin()
        return self.clock

    def _faulty(self, client: Any) -> Any:
        return Faulty(client, lambda call: self.faults(call), calls=self.calls, clock=self.clock)


def place(call: Call) -> Place:
    """Which call it is."""
    request = call.request
    if "Bucket" in request:
        return call.operation, request["Key"].partition("/")[0]
    if "QueueUrl" in request:
        return call.operation, request["QueueUrl"]
    item = request.get("Key") or request.get("Item") or {}
    return call.operation, item["item"]["S"].partition("#")[0] if item else "loads"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_sync, "MOST_LINES", 6)
    monkeypatch.setattr(range_sync, "READ", 2000)


@pytest.fixture(autouse=True)
def _own_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "load-walk")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")


def loaded(aws: Aws, content: bytes, faults: Faults = lambda _: None) -> TimedWorld:
    """The world after a load that ended as it should."""
    world = TimedWorld(aws, 1800, faults=faults)
    told = world.put("a", content)
    world.notify(told)
    world.work()
    assert world.dead == []
    assert_loaded(world, told)
    assert {place(call) for call in world.calls} <= KNOWN | RECOVERY
    return world


def chosen(calls: list[Call]) -> Iterator[Call]:
    """One call of each place, another one in each run; all of them if it is to be thorough."""
    if THOROUGH:
        yield from calls
        return
    for one in sorted({place(call) for call in calls}):
        yield random.choice([call for call in calls if place(call) == one])


def walk(aws: Aws, content: bytes, calls: Iterable[Call]) -> None:
    """What happens at any of these calls harms nothing."""
    for call in calls:
        for name in NAMES:
            try:
                loaded(aws, content, at_call(call.number, EVERYWHERE[name]))
            except BaseException as error:
                error.add_note(f"{name} at call {call.number}, {place(call)}")
                raise


def test_each_call_times_each_sort_of_fault(aws: Aws) -> None:
    walk(aws, CONTENT, chosen(loaded(aws, CONTENT).calls))


def test_each_call_that_only_a_packed_file_needs_likewise(aws: Aws) -> None:
    plain = {place(call) for call in loaded(aws, CONTENT).calls}
    own = [call for call in loaded(aws, PACKED).calls if place(call) not in plain]
    assert own
    walk(aws, PACKED, chosen(own))


@pytest.mark.parametrize("name", ["throttled", "answer lost"])
def test_an_outage_that_begins_at_any_call_and_lasts(aws: Aws, name: str) -> None:
    for call in chosen(loaded(aws, CONTENT).calls):
        loaded(aws, CONTENT, from_call(call.number, EVERYWHERE[name]))


def test_the_walk_meets_every_call_that_is_known(aws: Aws) -> None:
    met = {place(call) for content in (CONTENT, PACKED) for call in loaded(aws, content).calls}
    assert met == KNOWN


def raw(text: str) -> bytes:
    """The bytes that a text was read from; half a letter that was written as an escape as well."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def test_a_file_of_broken_lines_ends_line_by_line(aws: Aws) -> None:
    """Every line is accounted for: as its event, or in quarantine and in the report."""
    seed = random.getrandbits(32)
    mutants = Mutants(INSURANCE_CARD, seed)
    lines = [raw(mutants.body()).replace(b"\n", b" ") for _ in range(600)]
    good = [body(event("insurance-card.updated", id_=f"{n}")).encode() for n in range(300)]
    lines = [*good, *lines, good[0]]  # its beginning is what a file is judged by
    content = b"\n".join(lines)
    world = TimedWorld(aws, 50_000)
    told = world.put("broken.ndjson", content)
    world.notify(told)
    world.work()
    load = world.found(told)
    assert load.state is LoadState.DONE, seed
    assert load.lines == len(lines)
    assert load.tally is not None
    blank = sum(not line.strip(b" \t\r") for line in lines)
    assert load.tally.total == load.lines - blank, seed
    report = world.report(load)
    assert len(report) == load.tally.quarantined
    assert {line["quarantine_id"] for line in report} == set(world.quarantine.kept)
    outcomes = world.outcomes()
    written = load.tally.applied + load.tally.superseded
    assert outcomes["applied"] + outcomes["superseded"] == written
    assert {f"/agencies/G24#{n}" for n in range(300)} <= world.ledger.entries.keys()
