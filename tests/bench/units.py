"""Write units by kind of event, and the share of the demo's items that are under 1 KB.

The units come from the items that the code really writes (`infra.build.costs`). The baseline's
are worked out by the same rules, its tables having the same indexes: a put of the record, a put
of the audit entry, two writes of the idempotency item, none of them in a transaction.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer

from functions.shared import native
from functions.shared.adapters.attributes import Item, size_of_item
from functions.shared.adapters.documents import DICTIONARY
from functions.shared.adapters.dynamodb import item_from_entry, item_from_record
from functions.shared.adapters.wire import Written, plainly
from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import AGENCY, KIND_OF_QUEUE
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.registry import Agency, agency_from
from infra.build.costs import CASES, Case, Cost, cost_of
from infra.build.meter import kilobytes
from infra.lienthong import demo, demo_city
from infra.lienthong.console import Console
from infra.lienthong.messages import messages_of
from infra.local.site import ROOT
from tests.bench import baseline
from tests.bench.goals import (
    SMALL_ITEMS,
    UNITS_OF_A_CARD,
    UNITS_OF_A_DOSSIER,
    UNITS_OF_A_PERSON,
    UNITS_OF_AN_UPDATE,
    Figure,
    Goal,
    Result,
    Table,
)
from tests.bench.sides import Say
from tests.builders import message
from tests.fakes import FakeAgencies, FakeWorld, Unhurried

GOALS: Final[Mapping[str, Goal]] = {
    "a new person": UNITS_OF_A_PERSON,
    "a new card": UNITS_OF_A_CARD,
    "a new dossier": UNITS_OF_A_DOSSIER,
    "an update that touches no index key": UNITS_OF_AN_UPDATE,
}
"""Case of the costs -> its goal."""
KILOBYTE: Final = 1024
IDEMPOTENCY: Final = 2
"""Units of the baseline's idempotency item: put before the work, updated after it."""
CITY: Final = ROOT / ".local" / "bench" / "city"
_BATCH: Final = 100
_SAMPLES: Final = ROOT / "events" / "demo"


@dataclass(slots=True)
class Sizes:
    """Bytes of items, by what they are."""

    of: dict[str, list[int]] = field(default_factory=dict)

    def add(self, what: str, item: Item) -> None:
        self.of.setdefault(what, []).append(size_of_item(item))

    def share(self, what: str | None = None) -> float:
        """Per cent of the items, or of those of one sort, that are within 1 KB."""
        found = [size for name, sizes in self.of.items() if what in (None, name) for size in sizes]
        return 100 * sum(size <= KILOBYTE for size in found) / len(found)

    def over(self, what: str) -> int:
        """How many of a sort are over 1 KB."""
        return sum(size > KILOBYTE for size in self.of[what])


def result(rounds: int, say: Say) -> Result:
    """The units of each case, and the share of small items; `rounds` changes nothing here."""
    del rounds
    costs = [cost_of(case) for case in CASES]
    say("Working the demo's events for the sizes of their items.")
    sizes = sizes_of_the_demo()
    return Result(
        figures=[
            *(_units(cost) for cost in costs if cost.case.name in GOALS),
            _small(sizes),
        ],
        tables=[_by_case(costs), _by_sort(sizes)],
        details={
            "units": {cost.case.name: cost.write_units for cost in costs},
            "small": {what: round(sizes.share(what), 1) for what in sizes.of},
        },
    )


# Units --------------------------------------------------------------------------------------


def _units(cost: Cost) -> Figure:
    return Figure(
        GOALS[cost.case.name],
        cost.write_units,
        f"record {cost.record_bytes} B, entry {cost.entry_bytes} B",
        f"{idiomatic_units(cost)}, not atomic",
    )


def idiomatic_units(cost: Cost) -> int:
    """Write units of the idiomatic handler for the same event, on tables with our indexes."""
    record, entry = _idiomatic_items(cost.case)
    indexes = cost.write_units - 2 * kilobytes(cost.record_bytes) - 2 * kilobytes(cost.entry_bytes)
    return kilobytes(size_of_item(record)) + kilobytes(size_of_item(entry)) + IDEMPOTENCY + indexes


def _idiomatic_items(case: Case) -> tuple[Item, Item]:
    path = ROOT / "events" / "released" / "v1" / f"vn.lienthong.{case.event}.v1.json"
    event = json.loads(path.read_text(encoding="utf-8"))
    data: dict[str, Any] = event["data"] | dict(case.fields or {})
    now, serialise = datetime.now(UTC), TypeSerializer().serialize
    record = baseline.record_item(data, event["source"], now, now.isoformat())
    entry = baseline.audit_item(
        f"{event['source']}#{event['id']}", event["subject"], event["type"], data, now.isoformat()
    )
    return dict(serialise(record)["M"]), dict(serialise(entry)["M"])


def _by_case(costs: Sequence[Cost]) -> Table:
    return Table(
        "Write units of an event",
        ("event", "record, bytes", "entry, bytes", "units", "baseline"),
        [
            (
                cost.case.name,
                str(cost.record_bytes),
                str(cost.entry_bytes),
                str(cost.write_units),
                str(idiomatic_units(cost)),
            )
            for cost in costs
        ],
        "The baseline's two writes can be parted by a crash; ours are one transaction, which"
        " DynamoDB counts twice.",
    )


# Sizes --------------------------------------------------------------------------------------


def sizes_of_the_demo() -> Sizes:
    """Of every record and ledger entry that the demo's samples and its city leave behind."""
    city = demo_city.made(CITY, Console())
    agencies = _agencies([demo.REGISTRY, city.registry])
    samples = [*sorted(_SAMPLES.glob("*.ndjson")), city.events]
    worlds = {
        queue: FakeWorld(kind, agencies=FakeAgencies(agencies))
        for queue, kind in KIND_OF_QUEUE.items()
        if kind is not AGENCY
    }
    waiting: dict[str, list[str]] = {queue: [] for queue in worlds}
    for one in messages_of([str(path) for path in samples]):
        queue = queue_of(one.body) or demo.QUEUE
        if queue in waiting:
            waiting[queue].append(one.body.decode())
    found = Sizes()
    for queue, bodies in waiting.items():
        _work(worlds[queue], bodies)
        _weigh(worlds[queue], found)
    return found


def _agencies(files: Iterable[Path]) -> dict[str, Agency]:
    world = FakeWorld(AGENCY)
    _work(world, (one.body.decode() for one in messages_of([str(file) for file in files])))
    return {key: agency_from(key, item) for key, item in world.records.items.items()}


def _work(world: FakeWorld, bodies: Iterable[str]) -> None:
    remaining = iter(bodies)
    while batch := [message(body) for body, _ in zip(remaining, range(_BATCH), strict=False)]:
        world.pipeline.run(batch, Unhurried())


def _weigh(world: FakeWorld, found: Sizes) -> None:
    name = world.kind.name
    for key in world.records.items:
        found.add(f"{name} records", item_from_record(world.records.record(key)))
    for entry in world.ledger.entries.values():
        found.add(f"{name} entries", _as_written(entry))


def _as_written(entry: LedgerEntry) -> Item:
    """The item of an entry as a deployed function writes it, whose DEFLATE is the loops' own."""
    if native.loops is None:
        return item_from_entry(entry)
    action, _ = native.loops.entry_action("Ledger", entry, DICTIONARY)
    item: Item = plainly(Written(action))["Put"]["Item"]
    return item


def _small(sizes: Sizes) -> Figure:
    worst = sorted(sizes.of, key=lambda what: -sizes.over(what))
    over = ", ".join(f"{sizes.over(what):,} {what}" for what in worst[:3] if sizes.over(what))
    number = sum(map(len, sizes.of.values()))
    return Figure(
        SMALL_ITEMS,
        sizes.share(),
        f"of {number:,} items",
        "the idiomatic items carry no provenance",
        None,
        f"Over 1 KB are {over}: they would have to keep less of what was before, or share more.",
    )


def _by_sort(sizes: Sizes) -> Table:
    return Table(
        "The demo's items (its samples and its city of 5,000 people)",
        ("items", "number", "median bytes", "largest", "under 1 KB, %"),
        [
            (
                what,
                f"{len(of):,}",
                f"{statistics.median(of):.0f}",
                f"{max(of):,}",
                f"{sizes.share(what):.1f}",
            )
            for what, of in sizes.of.items()
        ],
    )
