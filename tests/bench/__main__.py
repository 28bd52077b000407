"""`make bench`: CPU per event of the population function against an idiomatic handler.

Both handlers run in this process and meet the same server, which answers at once and runs in
another one, so the figures are the client's CPU alone. Rounds are interleaved, so that a slow
moment of the machine meets both; each round works fresh events. Ends with 1 where the ratio
at a batch of 100 is below what is promised.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Final

from tests.bench import baseline, workload
from tests.bench.server import Server, running

PROMISED: Final = 10.0
"""The least ratio at a batch of 100 distinct new records."""
OURS, BASELINE = "lienthong", "baseline"
_WARM_UP: Final = 3

_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "AKIABENCH",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "population_sync",
    "POWERTOOLS_SERVICE_NAME": "population_sync",
    "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "STAGE": "bench",
    "LOG_HASH_KEY": "a-key-of-the-benchmark-of-32-characters",
    "QUEUE": "population",
    "RECORDS_TABLE": "People",
    "LEDGER_TABLE": "Ledger",
    "AGENCIES_TABLE": "Agencies",
    "QUARANTINE_TABLE": "Quarantine",
    "QUARANTINE_BUCKET": "quarantine",
}

Handler = Callable[[Any, Any], Any]
Batch = dict[str, Any]


class Context:
    """Lambda's context, as far as handlers look at it; there is always a minute left."""

    function_name = "population_sync"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:population_sync"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured: `batch` makes the next batch; ours works `repeats` of them a round."""

    name: str
    batch: Callable[[], Batch]
    repeats: int


@dataclass(slots=True)
class Measured:
    """Microseconds of CPU per event, one figure a round, and calls per event."""

    rounds: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    events: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, Any]:
        low, _, high = statistics.quantiles(self.rounds, n=4)
        return {
            "microseconds_per_event": round(self.median, 1),
            "quartiles": [round(low, 1), round(high, 1)],
            "events_per_second_and_core": round(1_000_000 / self.median),
            "calls_per_event": {
                name: round(number / self.events, 3) for name, number in self.calls.items()
            },
        }


def workloads() -> list[Workload]:
    """Distinct new people at two sizes of a batch, people that exist, and people in common."""
    source, new = workload.events(), workload.new_people()
    existing = cycle(range(workload.EXISTING))

    def of_new(size: int) -> Batch:
        return source.batch(list(islice(new, size)))

    return [
        Workload("100 new people", lambda: of_new(100), 4),
        Workload("10 new people", lambda: of_new(10), 20),
        Workload("100 existing people", lambda: source.batch(list(islice(existing, 100))), 4),
        Workload(
            "20 new people, 5 events each", lambda: source.batch(list(islice(new, 20)) * 5), 4
        ),
    ]


def measure(
    handlers: dict[str, Handler], server: Server, load: Workload, rounds: int
) -> dict[str, Measured]:
    """Interleaved rounds of one workload; the baseline works a quarter of the batches."""
    measured = {name: Measured() for name in handlers}
    repeats = {OURS: load.repeats, BASELINE: max(1, load.repeats // 4)}
    for number in range(-_WARM_UP, rounds):
        for name, handler in handlers.items():
            batches = [load.batch() for _ in range(repeats[name])]
            server.calls()
            gc.collect()
            spent = _cpu(handler, batches)
            if number < 0:
                continue
            events = sum(len(batch["Records"]) for batch in batches)
            measured[name].rounds.append(spent / events * 1_000_000)
            measured[name].calls += server.calls()
            measured[name].events += events
    return measured


def _cpu(handler: Handler, batches: list[Batch]) -> float:
    context = Context()
    start = time.process_time()
    answers = [handler(batch, context) for batch in batches]
    spent = time.process_time() - start
    if any(answer["batchItemFailures"] for answer in answers):
        raise SystemExit("A handler gave messages back; the figures would mean nothing.")
    return spent


@contextlib.contextmanager
def handlers(server: Server) -> Iterator[dict[str, Handler]]:
    """Both handlers, warm, what they print thrown away."""
    os.environ.update(_ENVIRONMENT, AWS_ENDPOINT_URL=server.url)
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 - a device, no path
        contextlib.redirect_stdout(nowhere),
    ):
        from functions.population_sync.handler import lambda_handler

        ours: Handler = lambda_handler
        theirs = baseline.build("BaselinePeople", "BaselineAudit", "BaselineIdempotency")
        batches = [load.batch() for load in workloads()[:1]]
        _cpu(ours, batches)
        _cpu(theirs, batches)
        gc.collect()
        gc.freeze()  # a function freezes what its start made; here the baseline gains as well
        yield {OURS: ours, BASELINE: theirs}


def _ratio(sides: dict[str, Measured]) -> dict[str, Any]:
    """How many times less CPU, round by round, so that a slow moment weighs on both."""
    pairs = zip(sides[BASELINE].rounds, sides[OURS].rounds, strict=True)
    ratios = [theirs / ours for theirs, ours in pairs]
    low, median, high = statistics.quantiles(ratios, n=4)
    return {"ratio": round(median, 1), "ratio_quartiles": [round(low, 1), round(high, 1)]}


def report(results: dict[str, dict[str, Measured]]) -> dict[str, Any]:
    """The figures, the ratios first."""
    rows = {
        name: {
            **_ratio(sides),
            **{side: measured.as_json() for side, measured in sides.items()},
        }
        for name, sides in results.items()
    }
    distinct, *_, shared = (sides[OURS].median for sides in results.values())
    return {
        "workloads": rows,
        "rate_of_shared_against_distinct_records": round(distinct / shared, 2),
        "promised_ratio": PROMISED,
    }


def show(figures: dict[str, Any]) -> None:
    """A table for people."""
    print("CPU per event: the population function against an idiomatic handler with idempotency")
    print(
        f"{'batch':30} {'ratio':>6} {'quartiles':>11}  {'':9} {'us/event':>9}"
        f" {'quartiles':>15} {'events/s':>9}"
    )
    for name, row in figures["workloads"].items():
        between = "{}-{}".format(*row["ratio_quartiles"])
        for first, side in (
            (f"{name:30} {row['ratio']:5.1f}x {between:>11}", OURS),
            (" " * 49, BASELINE),
        ):
            part = row[side]
            low, high = part["quartiles"]
            print(
                f"{first}  {side:9} {part['microseconds_per_event']:9.1f}"
                f" {f'{low:.1f}-{high:.1f}':>15} {part['events_per_second_and_core']:9,}"
            )
            calls = ", ".join(f"{n} {c:g}" for n, c in sorted(part["calls_per_event"].items()))
            print(f"{'':51}calls per event: {calls}")
    shared = figures["rate_of_shared_against_distinct_records"]
    print(f"Five events for each of 20 records: {shared:.2f}x the rate of 100 distinct records.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--rounds", type=int, default=15, help="rounds per workload (default 15)")
    arguments = parser.parse_args()
    if arguments.rounds < 3:
        parser.error("Medians and quartiles need at least 3 rounds.")
    tables = {
        "People": workload.existing_people(),
        "Agencies": {workload.AGENCY: workload.AGENCY_ITEM},
    }
    results = {}
    with running(tables) as server, handlers(server) as both:
        for load in workloads():
            print(f"Measuring: {load.name}.", file=sys.stderr)
            results[load.name] = measure(both, server, load, arguments.rounds)
    figures = report(results)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)
    ratio = figures["workloads"]["100 new people"]["ratio"]
    if ratio < PROMISED:
        print(
            f"The pipeline is {ratio:.1f} times as fast as the idiomatic handler at a batch of"
            f" 100; {PROMISED:.0f} times is promised. Profile the handler and look at what was"
            " changed last.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
