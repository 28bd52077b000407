"""`make bench`: every goal of the pipeline, measured in one run beside its baseline.

Prints the goals first, then what lies behind them; `.local/bench` keeps the report as JSON and as
Markdown. Ends with 1 where a goal is missed; a moonshot that is not reached is explained.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from infra.local.site import ROOT
from tests.bench import batches, growth, lookups, machine, path, report, starts, units
from tests.bench.goals import Result
from tests.bench.sides import Say

FOLDER: Final = ROOT / ".local" / "bench"
PARTS: Final[Mapping[str, Callable[[int, Say], Result]]] = {
    "batches": batches.result,
    "cold-start": starts.cold_start,
    "memory": starts.memory,
    "growth": growth.result,
    "lookups": lookups.result,
    "write-units": units.result,
    "path": path.result,
}
"""The parts of the report in its order; each takes the rounds and tells what it measures."""
BUSY: Final = 0.5
"""Runnable processes per core, beside which figures are doubtful."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--rounds", type=int, default=15, help="rounds that count (default 15)")
    parser.add_argument(
        "--only", choices=tuple(PARTS), action="append", metavar="PART", help=", ".join(PARTS)
    )
    arguments = parser.parse_args()
    if arguments.rounds < 3:
        parser.error("Medians and quartiles need at least 3 rounds.")
    facts = {**machine.facts(), "others at work before": f"{machine.load():.1f} a core"}
    if machine.load() > BUSY:
        _say("Others are at work on this machine; the figures will spread.")
    results = {}
    for name in arguments.only or PARTS:
        began = time.monotonic()
        results[name] = PARTS[name](arguments.rounds, _say)
        _say(f"The part {name} took {time.monotonic() - began:.0f} s.")
    document = json.dumps(report.as_json(results, facts), indent=2) + "\n"
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "report.json").write_text(document, encoding="utf-8")
    (FOLDER / "report.md").write_text(report.as_markdown(results, facts), encoding="utf-8")
    print(document if arguments.json else report.as_text(results, facts), end="")
    missed = report.missed(results)
    if missed:
        print("A goal is missed:", *missed, sep="\n  ", file=sys.stderr)
    return 1 if missed else 0


def _say(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
