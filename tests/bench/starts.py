"""What a function costs before and with its first event: cold start and peak memory.

Each figure is of a fresh process of this interpreter that imports the handler as Lambda does and
works one event against the server that answers at once. Both sides find the byte code of all
they import, as a function that ships it does. The typical function is the baseline without
Tracer: with X-Ray it would need aws-xray-sdk, which is in none of the locks, and start later;
what holds against the leaner one holds against that.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from infra.local.site import ROOT
from tests.bench import workload
from tests.bench.goals import COLD_START, MEMORY, Figure, Result, Table
from tests.bench.processes import MIB
from tests.bench.server import Server, running
from tests.bench.sides import Say, environment_of, quartiles

HANDLERS: Final = {
    "lienthong": "functions.population_sync.handler",
    "baseline": "tests.bench.typical",
}
BATCH: Final = 1_000
STEPS: Final = ("interpreter", "import", "first event")
_WARM_UP: Final = 2
_OF_IMPORTS: Final = 5
"""Times that imports are measured; it is time on the wall, so the shortest counts."""
_NEW: Final = 10_000
_IMPORT: Final = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Start:
    """Of one process: milliseconds of CPU and MiB after each step, and the MiB of its peak."""

    cpu: tuple[float, ...]
    memory: tuple[float, ...]
    peak: float


def cold_start(rounds: int, say: Say) -> Result:
    """CPU of a fresh process with an event of one message, against the typical handler's."""
    say("Starting functions.")
    with _server() as server:
        found = _interleaved(server, 1, rounds)
        imports = _imports(server)
    ours, theirs = ([start.cpu[-1] for start in found[side]] for side in HANDLERS)
    quotients = [a / b for a, b in zip(ours, theirs, strict=True)]
    spent, whole = statistics.median(ours), statistics.median(theirs)
    return Result(
        figures=[
            Figure(
                COLD_START,
                statistics.median(quotients),
                f"{spent:.0f} ms of CPU",
                f"{whole:.0f} ms, without Tracer",
                quartiles(quotients),
                _of_the_start(spent, whole, found["lienthong"], imports),
            )
        ],
        tables=[_steps(found), _packages(imports)],
        details={
            side: {"cpu_ms": [[round(step, 1) for step in s.cpu] for s in starts]}
            for side, starts in found.items()
        },
    )


def memory(rounds: int, say: Say) -> Result:
    """The most memory that a fresh process has resident while it works 1,000 messages."""
    say("Handing fresh functions 1,000 messages.")
    with _server() as server:
        found = _interleaved(server, BATCH, max(3, rounds // 5))
    ours, theirs = ([start.peak for start in found[side]] for side in HANDLERS)
    begin, imported, _ = (
        statistics.median(step)
        for step in zip(*(s.memory for s in found["lienthong"]), strict=True)
    )
    most = statistics.median(ours)
    return Result(
        figures=[
            Figure(
                MEMORY,
                most,
                f"{most:.0f} MB, {imported:.0f} of them before the first event",
                f"{statistics.median(theirs):.0f} MB",
                quartiles(ours),
                f"{begin:.0f} MB are the interpreter's, {imported - begin:.0f} MB what the handler"
                f" imports, {most - imported:.0f} MB the clients and the batch; it is the batch"
                " that would have to be worked in parts, and what is imported to be less.",
            )
        ],
        details={
            side: {"peak_mb": [round(s.peak, 1) for s in starts]} for side, starts in found.items()
        },
    )


def _server() -> AbstractContextManager[Server]:
    return running({"Agencies": workload.AGENCY_ITEMS})


def _interleaved(server: Server, messages: int, rounds: int) -> dict[str, list[Start]]:
    found: dict[str, list[Start]] = {side: [] for side in HANDLERS}
    source = workload.events()
    for number in range(-_WARM_UP, rounds):
        first = _NEW + (number + _WARM_UP) * messages
        event = json.dumps(source.batch(range(first, first + messages)))
        for side, module in HANDLERS.items():
            start = _started(server, module, event)
            if number >= 0:
                found[side].append(start)
    return found


def _started(server: Server, module: str, event: str) -> Start:
    found = json.loads(_run(server, module, event).stdout.splitlines()[-1])
    if not found["took"]:
        raise SystemExit("A handler gave messages back; the figures would mean nothing.")
    return Start(
        tuple(seconds * 1000 for seconds in found["cpu"]),
        tuple(size / MIB for size in found["memory"]),
        found["peak"] / MIB,
    )


def _run(
    server: Server, module: str, event: str, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", *options, str(ROOT / "tests" / "bench" / "fresh.py"), module]
    return subprocess.run(
        command,
        input=event,
        env=environment_of(server),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


# What it is made of -------------------------------------------------------------------------


def _imports(server: Server) -> Mapping[str, Counter[str]]:
    """Side -> milliseconds that the modules of each package take to import, themselves."""
    event = json.dumps(workload.events().batch([_NEW]))
    return {
        side: min(
            (
                by_package(_run(server, module, event, "-X", "importtime").stderr)
                for _ in range(_OF_IMPORTS)
            ),
            key=Counter.total,
        )
        for side, module in HANDLERS.items()
    }


def by_package(importtime: str) -> Counter[str]:
    """Milliseconds by package, of what `python -X importtime` writes."""
    found: Counter[str] = Counter()
    for microseconds, module in _IMPORT.findall(importtime):
        package = module.partition(".")[0]
        if package in sys.stdlib_module_names:
            package = "standard library"
        found[package] += int(microseconds) / 1000  # type: ignore[assignment]  # a float counts
    return found


def _of_the_start(
    spent: float, whole: float, starts: Sequence[Start], imports: Mapping[str, Counter[str]]
) -> str:
    assert COLD_START.moonshot is not None
    begin, imported, handled = (
        statistics.median(step) for step in zip(*(s.cpu for s in starts), strict=True)
    )
    largest = ", ".join(
        f"{package} {took:.0f}" for package, took in imports["lienthong"].most_common(3)
    )
    first, importing = handled - imported, imported - begin
    told = (
        f"{COLD_START.moonshot:g} of the baseline's {whole:.0f} ms leaves"
        f" {whole * COLD_START.moonshot:.0f} ms and we take {spent:.0f}: the interpreter"
        f" {begin:.0f}, imports {importing:.0f} (most by {largest}), making clients and the first"
        f" event {first:.0f}."
    )
    if first > importing:
        return told + " Fewer clients would have to be made, later, of less of botocore's data."
    return told + " Less would have to be imported, or only once it is needed."


def _steps(found: Mapping[str, Sequence[Start]]) -> Table:
    rows = []
    for side, starts in found.items():
        medians = [
            statistics.median(step) for step in zip(*(start.cpu for start in starts), strict=True)
        ]
        steps = [b - a for a, b in pairwise([0.0, *medians])]
        rows.append((side, *(f"{step:.0f}" for step in steps), f"{medians[-1]:.0f}"))
    return Table("A cold start: milliseconds of CPU", ("side", *STEPS, "all"), rows)


def _packages(imports: Mapping[str, Counter[str]]) -> Table:
    both = imports["lienthong"] + imports["baseline"]
    rows = [
        (package, *(f"{imports[side][package]:.0f}" for side in HANDLERS))
        for package, took in both.most_common()
        if took >= 2
    ]
    return Table(
        "Imports of a cold start: milliseconds, the shortest of five, measuring included",
        ("package", *HANDLERS),
        rows,
    )
