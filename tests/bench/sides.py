"""The two sides of the benchmark: our functions and the idiomatic handler, met by one server.

Both run in this process and meet the same server, which answers at once and runs in another
process, so what is measured is the CPU of the client alone. Rounds are interleaved, so that a
slow moment of the machine meets both; each round works fresh events.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from functions.shared.runtime import composition
from infra.local.site import ROOT
from tests.bench.server import Server

Handler = Callable[[Any, Any], Any]
Batch = dict[str, Any]
Say = Callable[[str], None]
"""Tells whoever waits what is being measured."""

WARM_UP: Final = 3
"""Rounds that are worked and not counted."""
KINDS: Final[Mapping[str, str]] = {
    "population": "People",
    "insurance": "InsuranceCards",
    "dossier": "Dossiers",
}
"""Queue -> the table of its records."""
ENVIRONMENT: Final[Mapping[str, str]] = {
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
    "WIRE": "direct",  # the template's defaults
    "LOOPS": "compiled",
    # Those of the baseline as a function (`typical`).
    "PEOPLE_TABLE": "BaselinePeople",
    "AUDIT_TABLE": "BaselineAudit",
    "IDEMPOTENCY_TABLE": "BaselineIdempotency",
}
"""What both sides are told by their environment."""


class Context:
    """Lambda's context, as far as handlers look at it; there is always a minute left."""

    function_name = "population_sync"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:population_sync"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass(slots=True)
class Measured:
    """Microseconds of CPU per event, one figure a round, and calls per event."""

    rounds: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    events: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def quartiles(self) -> tuple[float, float]:
        return quartiles(self.rounds)

    @property
    def calls_per_event(self) -> dict[str, float]:
        return {name: number / self.events for name, number in sorted(self.calls.items())}

    def as_json(self) -> dict[str, Any]:
        return {
            "microseconds_per_event": round(self.median, 1),
            "quartiles": [round(quartile, 1) for quartile in self.quartiles],
            "events_per_second_and_core": round(1_000_000 / self.median),
            "calls_per_event": {name: round(n, 3) for name, n in self.calls_per_event.items()},
        }


@dataclass(frozen=True, slots=True)
class Side:
    """A handler, how its next batch is made, and how many batches it works in a round.

    `collector` are the garbage collector's thresholds that it runs under where it is deployed.
    """

    handler: Handler
    batch: Callable[[], Batch]
    repeats: int
    collector: tuple[int, int, int] = composition.COLLECTOR


def quartiles(rounds: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper quartile."""
    low, _, high = statistics.quantiles(rounds, n=4)
    return low, high


def ratios(over: Measured, under: Measured) -> list[float]:
    """The quotients round by round, so that a slow moment weighs on both."""
    return [a / b for a, b in zip(over.rounds, under.rounds, strict=True)]


def measure(sides: Mapping[str, Side], server: Server, rounds: int) -> dict[str, Measured]:
    """CPU per event of each side, in interleaved rounds after a warm-up."""
    measured = {name: Measured() for name in sides}
    for number in range(-WARM_UP, rounds):
        for name, side in sides.items():
            batches = [side.batch() for _ in range(side.repeats)]
            server.calls()
            gc.set_threshold(*side.collector)
            gc.collect()
            spent = cpu(side.handler, batches)
            if number < 0:
                continue
            events = sum(len(batch["Records"]) for batch in batches)
            measured[name].rounds.append(spent / events * 1_000_000)
            measured[name].calls += server.calls()
            measured[name].events += events
    return measured


def cpu(handler: Handler, batches: Sequence[Batch]) -> float:
    """Seconds of CPU that a handler takes for batches, every message of which it must take."""
    context = Context()
    start = time.process_time()
    answers = [handler(batch, context) for batch in batches]
    spent = time.process_time() - start
    if any(answer["batchItemFailures"] for answer in answers):
        raise SystemExit("A handler gave messages back; the figures would mean nothing.")
    return spent


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """What handlers print is thrown away."""
    with contextlib.redirect_stdout(_NOWHERE):
        yield


# Never closed: a handler's logger keeps the stream that it met first.
_NOWHERE: Final = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
PYTHONS_COLLECTOR: Final = gc.get_threshold()
"""The collector's thresholds where nobody sets them."""


def our_handler(
    server: Server,
    queue: str = "population",
    table: str | None = None,
    wire: str = ENVIRONMENT["WIRE"],
) -> Handler:
    """The sync function of a queue over the server's tables, made as its own process makes it."""
    os.environ.update(
        ENVIRONMENT,
        AWS_ENDPOINT_URL=server.url,
        QUEUE=queue,
        RECORDS_TABLE=table or KINDS[queue],
        WIRE=wire,
    )
    composition.sync_service.cache_clear()
    return composition.sync_service().handle


def their_handler(server: Server) -> Handler:
    """The idiomatic handler over tables of its own."""
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=server.url)
    from tests.bench import baseline

    return baseline.build(
        ENVIRONMENT["PEOPLE_TABLE"], ENVIRONMENT["AUDIT_TABLE"], ENVIRONMENT["IDEMPOTENCY_TABLE"]
    )


def freeze() -> None:
    """What start-up made is not looked at again by the collector; ours does so itself."""
    gc.collect()
    gc.freeze()


def environment_of(server: Server) -> dict[str, str]:
    """The environment of a fresh process that meets the server."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": server.url,
        "PYTHONPATH": str(ROOT),
    }


def module_file(module: str) -> Path:
    """Where a module of this project lies."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")
