"""`python -m infra.build.costs`: what an event and a look cost in units, and a million in money.

The units of an event come from the items that the code really writes for the released samples of
event types, by the rules that `meter` has; those of a look from what the API really asks of its
tables (`looks`). The prices are an assumption, named below; everything else follows from the code.

A file that is loaded (`load_cost`) costs the same units for each of its events, and instead of the
queues of the events the requests for its pieces, its ranges and their checkpoints.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.shared.adapters.attributes import size_of_item
from functions.shared.adapters.dynamodb import item_from_entry, item_from_record
from functions.shared.core.lanes import Record
from infra.build import looks
from infra.build.meter import TABLES, index_units, kilobytes
from infra.build.samples import sample, taken


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars. Those of your region and day are on AWS's price pages."""

    named: str = "on-demand list prices of us-east-1 since November 2024, free tiers left out"
    million_write_units: float = 0.625
    million_read_units: float = 0.125
    million_queue_requests: float = 0.40
    million_invocations: float = 0.20
    gigabyte_second: float = 0.0000133334
    """arm64."""
    gigabyte_of_logs: float = 0.50
    gigabyte_month: float = 0.25
    gigabyte_month_of_backup: float = 0.20
    million_http_requests: float = 1.00
    """To an HTTP API, up to 512 KB each."""
    million_object_writes: float = 5.00
    million_object_reads: float = 0.40
    gigabyte_month_of_files: float = 0.023


BATCH: Final = 100
SECONDS_OF_A_BATCH: Final = 0.5
"""An assumption: what a full batch takes of a function with 1 GB, its calls included."""
LOG_BYTES_OF_A_BATCH: Final = 2_500
QUEUE_REQUESTS: Final = 0.3
"""Of an event: sent, received and deleted ten at a time."""


@dataclass(frozen=True, slots=True)
class Case:
    """An event as it arrives, after others of the same record."""

    name: str
    event: str
    before: tuple[str, ...] = ()
    fields: Mapping[str, Any] | None = None
    """Fields in place of the sample's."""


CASES: Final = (
    Case("a new person", "person.registered"),
    Case("a new card", "insurance-card.issued"),
    Case("a new dossier", "dossier.submitted", fields={"handling_agency": "H26.12"}),
    Case(
        "an update that touches no index key",
        "person.updated",
        ("person.registered",),
        {"phone": "0900000001"},
    ),
    Case("a card renewed", "insurance-card.renewed", ("insurance-card.issued",)),
    Case("a person who moves", "person.moved", ("person.registered",)),
    Case("a dossier's next status", "dossier.accepted", ("dossier.submitted",)),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one event of a case causes."""

    case: Case
    record_bytes: int
    entry_bytes: int
    write_units: int
    read_units: int

    def dollars(self, prices: Prices) -> float:
        """For a million such events, their tables' storage and backups apart."""
        return (
            self.write_units * prices.million_write_units
            + self.read_units * prices.million_read_units
            + QUEUE_REQUESTS * prices.million_queue_requests
            + prices.million_invocations / BATCH
            + 1e6 / BATCH * SECONDS_OF_A_BATCH * prices.gigabyte_second
            + 1e6 / BATCH * LOG_BYTES_OF_A_BATCH / 1e9 * prices.gigabyte_of_logs
        )


def cost_of(case: Case) -> Cost:
    """The units of a case, from the items that its event changes."""
    records: dict[str, Record] = {}
    key = None
    for name in case.before:
        key = taken(sample(name, key), records)[0].key
    before = records.get(key) if key is not None else None
    event = sample(case.event, key, case.fields)
    after, entry = taken(event, records)
    item, was = item_from_record(after), item_from_record(before) if before else None
    record_bytes, entry_bytes = size_of_item(item), size_of_item(item_from_entry(entry))
    indexes = sum(index_units(was, item, keys) for keys in TABLES[after.kind].indexes.values())
    return Cost(
        case,
        record_bytes,
        entry_bytes,
        write_units=2 * kilobytes(record_bytes) + 2 * kilobytes(entry_bytes) + indexes + 1,
        # The record, the ledger's key, the quarantine's key, each whether it is there or not.
        read_units=2 + -(-(size_of_item(was) if was else 1) // 4096),
    )


def refusal_units(bytes_of_entry: int = 1_500) -> int:
    """Write units of a refused message: its entry and three indexes, without a transaction."""
    return kilobytes(bytes_of_entry) + 3


# A file ----------------------------------------------------------------------------------------

LOAD_BATCH: Final = 1000
SECONDS_OF_A_LOAD_BATCH: Final = 3.0
"""An assumption: what a full batch of a range takes of a function with 1 GB, its calls included."""
PIECE_BYTES: Final = 1024 * 1024
UPLOAD_PART_BYTES: Final = 64 * 1024 * 1024
RANGE_BYTES: Final = 8 * 1024 * 1024
LOAD_RATE: Final = 5_000
"""Events a second that the tables are warmed up for."""
TABLE_UNITS: Final = 2
"""Write units of an event in the table that takes the most of them, its indexes apart."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A file: its lines, how many of them are taken and how many refused, and its plain bytes."""

    lines: int
    taken: int
    refused: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LoadCost:
    """What a load causes, in units and dollars, and how long it takes at a rate."""

    write_units: int
    read_units: int
    lambda_seconds: float
    requests: int
    """Of S3 and SQS."""
    dollars_of_writes: float
    dollars_of_reads: float
    dollars_of_functions: float
    dollars_of_requests: float
    """The file's storage for a month is in them."""
    rate: int
    workers: int
    warm_write_units: int
    seconds: float

    @property
    def total(self) -> float:
        """US dollars, the tables' storage and warming up apart."""
        return (
            self.dollars_of_writes
            + self.dollars_of_reads
            + self.dollars_of_functions
            + self.dollars_of_requests
        )


def load_cost(shape: Shape, prices: Prices, event: Cost | None = None) -> LoadCost:
    """The cost of a file whose events are all like `event`, a new card if it is left out."""
    one = cost_of(CASES[1]) if event is None else event
    ranges, batches = -(-shape.bytes // RANGE_BYTES), -(-shape.lines // LOAD_BATCH)
    # A range is opened (1), noted after each batch (1) and ended with its load (4, a transaction).
    writes = shape.taken * one.write_units + shape.refused * refusal_units() + batches + 5 * ranges
    reads = shape.lines * one.read_units
    seconds = batches * SECONDS_OF_A_LOAD_BATCH
    object_reads = -(-shape.bytes // PIECE_BYTES) + ranges
    # The upload, and the refused lines of each batch and range.
    object_writes = -(-shape.bytes // UPLOAD_PART_BYTES) + 2 + (batches if shape.refused else 0)
    messages = 3 * ranges + 6
    return LoadCost(
        write_units=writes,
        read_units=reads,
        lambda_seconds=seconds,
        requests=object_reads + object_writes + messages,
        dollars_of_writes=writes / 1e6 * prices.million_write_units,
        dollars_of_reads=reads / 1e6 * prices.million_read_units,
        dollars_of_functions=(
            seconds * prices.gigabyte_second
            + ranges / 1e6 * prices.million_invocations
            + batches * LOG_BYTES_OF_A_BATCH / 1e9 * prices.gigabyte_of_logs
        ),
        dollars_of_requests=(
            object_writes / 1e6 * prices.million_object_writes
            + object_reads / 1e6 * prices.million_object_reads
            + messages / 1e6 * prices.million_queue_requests
            + shape.bytes / 1e9 * prices.gigabyte_month_of_files
        ),
        rate=LOAD_RATE,
        workers=-(-LOAD_RATE * int(SECONDS_OF_A_LOAD_BATCH) // LOAD_BATCH),
        warm_write_units=LOAD_RATE * TABLE_UNITS,
        seconds=shape.lines / LOAD_RATE,
    )


LOADS: Final[Mapping[str, Shape]] = {
    "a million cards": Shape(1_000_000, 1_000_000, 0, 640_000_000),
    "Hanoi's 7.1 million cards": Shape(7_100_000, 7_100_000, 0, 4_544_000_000),
    "the million cards, dropped again": Shape(1_000_000, 0, 0, 640_000_000),
}
"""Files of cards, 640 bytes each, as the guide on loading has them."""


def load_table(prices: Prices) -> list[str]:
    """What files cost, as a Markdown table, as the guide on loading has it."""
    rows = [(name, load_cost(shape, prices)) for name, shape in LOADS.items()]
    return [
        "| file | write units | writes, USD | reads | functions | requests | together | time |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {name} | {c.write_units:,} | {c.dollars_of_writes:.2f} | {c.dollars_of_reads:.2f} "
            f"| {c.dollars_of_functions:.2f} | {c.dollars_of_requests:.2f} | {c.total:.2f} "
            f"| {c.seconds / 60:.0f} min |"
            for name, c in rows
        ),
    ]


def table(costs: Sequence[Cost], prices: Prices) -> list[str]:
    """The costs as a Markdown table, as the deploy guide has it."""
    return [
        "| event | record, bytes | entry, bytes | write units | read units | USD per million |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {c.case.name} | {c.record_bytes} | {c.entry_bytes} | {c.write_units} "
            f"| {c.read_units} | {c.dollars(prices):.2f} |"
            for c in costs
        ),
    ]


def main() -> int:
    """Prints the tables."""
    prices = Prices()
    print("\n".join(table([cost_of(case) for case in CASES], prices)))
    print("\n" + "\n".join(looks.table(looks.costs(), prices)))
    print("\n" + "\n".join(load_table(prices)))
    print(f"\nPrices: {prices.named}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
