"""`make load-test`: a million insurance cards loaded from a file, with workers killed on the way.

    python -m tests.bench.load [--cards N] [--kills K] [--sample N | --verify-all]

On an emulator of its own the file is written, dropped into the intake bucket and worked by the real
functions. In the middle all workers are killed with SIGKILL, several times. Then every event of the
file is looked for in ledger or quarantine, a sample of the cards is verified against its ledger,
and the same file is dropped a second time, which must change nothing. The report (text and JSON, in
`.local/load-test`) says how long it took, what the limit was, and what the same load costs on AWS.

The exit code is 1 if anything does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from functions.shared.adapters.loads import DynamoLoads
from functions.shared.core.loads import Load, LoadState, Progress
from infra.build.costs import Prices, Shape, load_cost
from infra.lienthong import context
from infra.lienthong.console import Console
from infra.lienthong.context import Stack
from infra.lienthong.following import in_words
from infra.lienthong.intake import drop
from infra.lienthong.load import fetched, loads_of
from infra.local import deployment, emulator, stack
from infra.local.site import ROOT, Site
from tests.bench.load_cards import lines
from tests.bench.load_check import Found, Tables, Truth, compared, heads_of, truth_of, verified
from tests.bench.load_watch import Usage, Watch
from tests.bench.machine import facts

FOLDER: Final = ROOT / ".local" / "load-test"
REGION: Final = "ap-southeast-1"
MIB: Final = 1024 * 1024
WORKER: Final = "RangeSyncFunction"
NAME: Final = "cards.ndjson"
HANGS_AFTER: Final = 400.0
"""Seconds without any progress after which a load is given up on."""
BEGINS_WITHIN: Final = 180.0
"""Seconds in which the first range must be begun."""
BYTES_OF_A_CARD: Final = 16 * 1024
"""Memory of the emulator for a card, its ledger entry, their stream records and index entries."""
COPIES_OF_THE_FILE: Final = 4
"""That the emulator holds at most: two versions, and the parts of the second upload twice."""
_SECOND: Final = 1.0
_MANIFEST: Final = '{"format": "ndjson", "queue": "insurance"}'


@dataclass(slots=True)
class Kill:
    """What was done to the workers, and when: at how many lines, how many seconds in."""

    lines: int
    seconds: float
    workers: int
    ranges: int
    """Ranges that were begun and not done."""


@dataclass(slots=True)
class Drive:
    """One drop of the file, to its end."""

    load: Load
    seconds: float
    usage: Mapping[str, Usage]
    others: float
    """Processor seconds of everything else on the machine."""
    kills: list[Kill] = field(default_factory=list)
    rates: list[tuple[float, int]] = field(default_factory=list)
    """(Seconds since the drop, lines done) every ten seconds."""

    @property
    def rate(self) -> float:
        """Lines a second."""
        return (self.load.lines or 0) / self.seconds


@dataclass(slots=True)
class Verdicts:
    """What holds, and what does not."""

    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: bool, sentence: str) -> None:
        """Notes whether something holds, and prints it."""
        (self.held if holds else self.broken).append(sentence)
        print(f"  {'holds' if holds else 'DOES NOT HOLD'}: {sentence}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs it; the exit code is 1 if anything does not hold."""
    options = _options(arguments)
    # Asked to end, it ends its emulator as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    FOLDER.mkdir(parents=True, exist_ok=True)
    console = Console()
    file = FOLDER / NAME
    say(f"Writing {options.cards:,} cards to {file.relative_to(ROOT)}.")
    truth = write(file, options.cards, console)
    size = file.stat().st_size
    say(
        f"{truth.lines:,} lines, {size / MIB:,.0f} MiB: {truth.repeated:,} repeats, "
        f"{truth.all_refused:,} bad."
    )
    _warn_of_memory(options.cards * BYTES_OF_A_CARD + size * COPIES_OF_THE_FILE)
    range_bytes = max(64 * 1024, min(8 * MIB, size // 64))
    verdicts, began = Verdicts(), time.monotonic()
    with deployed(LoadRangeBytes=str(range_bytes)) as (site, found_stack):
        report = _run(site, found_stack, file, options, truth, verdicts, console)
    report |= {
        "machine": dict(facts()),
        "cards": options.cards,
        "lines": truth.lines,
        "bytes": size,
        "range_bytes": range_bytes,
        "holds": verdicts.held,
        "does_not_hold": verdicts.broken,
        "seconds": round(time.monotonic() - began, 1),
    }
    text = _text(report)
    (FOLDER / "report.json").write_text(
        json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    (FOLDER / "report.txt").write_text(text, "utf-8")
    print(f"\n{text}")
    say(f"The report is in {FOLDER.relative_to(ROOT)}/report.txt and report.json.")
    return 1 if verdicts.broken else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.load",
        description="Load cards from a file on an emulator, kill workers, prove that all is there.",
    )
    parser.add_argument(
        "--cards", type=int, default=1_000_000, help="cards of the file (1,000,000)"
    )
    parser.add_argument("--kills", type=int, default=3, help="times all workers are killed (3)")
    parser.add_argument(
        "--sample", type=int, default=50_000, help="cards whose hashes are recomputed (50,000)"
    )
    parser.add_argument("--verify-all", action="store_true", help="recompute all of them")
    options = parser.parse_args(arguments)
    if options.cards < 1000 or options.kills < 0 or options.sample < 1:
        parser.error("give at least 1,000 cards, no negative kills, a sample of 1 or more")
    return options


def _warn_of_memory(needed: int) -> None:
    """Says so if the emulator, which keeps everything in memory, may not find enough of it."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        line = next(line for line in text.splitlines() if line.startswith("MemAvailable"))
        available = int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        return
    if needed > available:
        say(
            f"The emulator will need about {needed / 2**30:.0f} GiB of memory and "
            f"{available / 2**30:.0f} GiB are available; it may be killed. N=100000 needs a tenth."
        )


def say(sentence: str) -> None:
    """A line of the story."""
    print(sentence, flush=True)


def write(file: Path, cards: int, console: Console) -> Truth:
    """Writes the file and counts what it holds, as a stream."""
    with (
        file.open("w", encoding="utf-8", newline="\n") as out,
        console.progress("Writing cards", cards) as advance,
    ):

        def written() -> Iterator[Any]:
            for line in lines(cards):
                out.write(line.text + "\n")
                if line.event and line.card % 1000 == 999 and "-" not in line.event[5:]:
                    advance(1000)
                yield line

        return truth_of(written())


@contextmanager
def deployed(**parameters: str) -> Iterator[tuple[Site, Stack]]:
    """The whole stack on an emulator of its own, which keeps nothing, gone afterwards."""
    site = Site(
        state=Path(tempfile.mkdtemp(prefix="stack-", dir=FOLDER)),
        endpoint=f"http://localhost:{_free_port()}",
        region=REGION,
        keep=False,
    )
    try:
        stack.up(site, parameters=parameters, report=say)
        yield site, context.read_outputs(site.outputs_file)
    finally:
        log = emulator.log_file(site)
        stack.down(site, report=say)
        if log.exists():
            shutil.copyfile(log, FOLDER / "emulator.log")
        shutil.rmtree(site.state, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(
    site: Site,
    found_stack: Stack,
    file: Path,
    options: argparse.Namespace,
    truth: Truth,
    verdicts: Verdicts,
    console: Console,
) -> dict[str, Any]:
    tables, cards = Tables(found_stack), options.cards
    before = tables.counts()
    # A killed worker's range comes back when its message shows again: six times the function's
    # time on AWS, which would be most of this test.
    found_stack.sqs.set_queue_attributes(
        QueueUrl=found_stack.output("RangesQueueUrl"),
        Attributes={"VisibilityTimeout": "150" if cards >= 500_000 else "30"},
    )
    say("\nThe first load, its workers killed on the way.")
    first = drive(site, found_stack, file, options.kills)
    _check_first(first, truth, verdicts, options.kills)
    say("\nEvery line against ledger and quarantine.")
    looked: dict[str, float] = {}
    with _timed("comparing", looked), console.progress("Comparing cards", cards) as advance:
        found = compared(tables, cards, before, advance)
    _check_conserved(found, truth, cards, verdicts)
    sample = cards if options.verify_all else min(cards, options.sample)
    with _timed("verifying", looked), console.progress("Recomputing", sample) as advance:
        proof = verified(tables, cards, sample, advance)
    verdicts.check(
        not proof.wrong,
        f"{proof.cards:,} cards {'(all)' if proof.cards == cards else 'spread over all'} agree "
        f"with the fold of their {proof.events:,} ledger entries, every hash recomputed.",
    )
    refused = _refused_lines(found_stack, first.load)
    verdicts.check(
        refused == truth.all_refused,
        f"The report names {refused:,} refused lines with line numbers and reasons.",
    )
    say("\nThe same file once more.")
    counts = tables.counts()
    second = drive(site, found_stack, file, 0)
    with _timed("chains", looked), console.progress("Comparing chains", cards) as advance:
        heads = heads_of(tables, cards, advance)
    _check_second(second, truth, verdicts)
    verdicts.check(
        tables.counts() == counts and heads == found.heads,
        f"It changed nothing: as many items in every table, and the newest hash of each of the "
        f"{cards:,} chains is the same (digest {heads[:16]}).",
    )
    for sentence in (*found.wrong, *proof.wrong):
        say(f"  {sentence}")
    cost = load_cost(
        Shape(truth.lines, truth.taken, truth.all_refused, file.stat().st_size), Prices()
    )
    return {
        "first": _drive_document(first),
        "second": _drive_document(second),
        "outcomes_in_ledger": dict(found.outcomes),
        "verified": proof.cards,
        "seconds_of_looking": looked,
        "limit": _limit(first),
        "aws": {**asdict(cost), "dollars": round(cost.total, 2)},
    }


@contextmanager
def _timed(what: str, seconds: dict[str, float]) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[what] = round(time.monotonic() - began, 1)


# Driving a load -----------------------------------------------------------------------------------


def drive(site: Site, found_stack: Stack, file: Path, kills: int) -> Drive:
    """Drops the file and watches it to its end; kills all workers so many times on the way."""
    pid = int((site.state / "emulator.pid").read_text("ascii").split()[0])
    loads = loads_of(found_stack)
    began = time.monotonic()
    with Watch(pid, deployment.functions(site)) as watch:
        dropped = drop(found_stack.s3, found_stack.output("IntakeBucket"), file, NAME, _MANIFEST)
        say(f"  Uploaded in {time.monotonic() - began:.1f} s: load {dropped.load_id}.")
        drive_ = _Driver(loads, dropped.load_id, watch, kills, began)
        load = drive_.to_the_end()
        seconds = time.monotonic() - began
    say(f"  {load.state.value} after {in_words(seconds)}: {load.lines or 0:,} lines.")
    return Drive(load, seconds, watch.usage(), watch.others, drive_.kills, drive_.rates)


class _Driver:
    """Follows one load."""

    def __init__(
        self, loads: DynamoLoads, load_id: str, watch: Watch, kills: int, began: float
    ) -> None:
        self._loads, self._id, self._watch, self._began = loads, load_id, watch, began
        self._left = [(number + 1) / (kills + 1) for number in range(kills)]
        self.kills: list[Kill] = []
        self.rates: list[tuple[float, int]] = []

    def to_the_end(self) -> Load:
        """The load when it has ended. Raises RuntimeError if nothing moves for long."""
        moved, lines_then, said, begun = time.monotonic(), 0, 0.0, False
        while True:
            load = self._loads.found(self._id)
            progress = None if load is None else Progress.of(load, self._loads.ranges(self._id))
            now = time.monotonic()
            if load is not None and progress is not None:
                if load.finished_at is not None or load.state is LoadState.FAILED:
                    return load
                begun = begun or progress.lines > 0
                if progress.lines != lines_then:
                    moved, lines_then = now, progress.lines
                if now - said >= 10:
                    said = now
                    self._tell(progress, now)
                self._kill_if_due(progress, now)
            if now - moved > HANGS_AFTER:
                raise RuntimeError(
                    f"Nothing moved for {HANGS_AFTER:.0f} seconds; see emulator.log."
                )
            time.sleep(_SECOND)

    def _tell(self, progress: Progress, now: float) -> None:
        seconds = now - self._began
        self.rates.append((round(seconds, 1), progress.lines))
        share = progress.bytes_done / progress.bytes_total if progress.bytes_total else 0.0
        usage = self._watch.usage()
        print(
            f"  {in_words(seconds):>12}  {share:>4.0%}  {progress.lines:>10,} lines  "
            f"emulator {usage['emulator'].peak / MIB:,.0f} MiB",
            flush=True,
        )

    def _kill_if_due(self, progress: Progress, now: float) -> None:
        if not self._left or not progress.bytes_total:
            return
        if progress.bytes_done / progress.bytes_total < self._left[0]:
            return
        begun = [part for part in self._loads.ranges(self._id) if part.state.value != "done"]
        if not begun:
            return
        killed = self._watch.kill(WORKER)
        if killed:
            del self._left[0]
            self.kills.append(Kill(progress.lines, round(now - self._began, 1), killed, len(begun)))
            say(f"  Killed {killed} workers with {len(begun)} ranges in their hands.")


# What must hold -----------------------------------------------------------------------------------


def _check_first(drive_: Drive, truth: Truth, verdicts: Verdicts, kills: int) -> None:
    load = drive_.load
    verdicts.check(
        load.state is LoadState.DONE and load.lines == truth.lines,
        f"All {truth.lines:,} lines ended.",
    )
    if kills:
        verdicts.check(
            len(drive_.kills) >= min(2, kills),
            f"It went on by itself after its workers were killed {len(drive_.kills)} times.",
        )
    if load.tally is None:
        return
    again = load.tally.duplicate - truth.repeated
    # A batch of each range that a killed worker held, and writes whose answer was lost.
    most = sum(kill.ranges for kill in drive_.kills) * 1000 + truth.lines // 100
    verdicts.check(
        load.tally.quarantined == truth.all_refused
        and load.tally.total == truth.lines
        and 0 <= again <= most,
        f"A killed worker's range went on where it was: {again:,} lines were worked twice, where "
        "a batch of a thousand for each range in a killed worker's hands may be.",
    )


def _check_conserved(found: Found, truth: Truth, cards: int, verdicts: Verdicts) -> None:
    verdicts.check(
        not found.wrong
        and found.events == truth.taken
        and found.refused == truth.all_refused
        and found.cards == cards,
        f"The conservation rule, exactly: {truth.taken:,} distinct events are in the ledger, "
        f"{truth.all_refused:,} in quarantine with the right reason, {cards:,} cards in their "
        "table, and the tables hold no item more.",
    )


def _check_second(drive_: Drive, truth: Truth, verdicts: Verdicts) -> None:
    tally = drive_.load.tally
    verdicts.check(
        tally is not None
        and (tally.applied, tally.superseded) == (0, 0)
        and tally.duplicate == truth.taken + truth.repeated
        and tally.quarantined == truth.all_refused,
        f"Dropped again, {truth.taken + truth.repeated:,} lines are duplicates, none is applied.",
    )


def _refused_lines(found_stack: Stack, load: Load) -> int:
    """Lines of the load's report; each must be JSON with a line number and reasons."""
    out = fetched(found_stack, load, FOLDER / "refused.ndjson")
    if out is None:
        return 0
    count, last = 0, 0
    with out.open("rb") as report:
        for raw in report:
            told = json.loads(raw)
            if told["line"] > last and told["reasons"]:
                count += 1
            last = told["line"]
    return count


# The report ---------------------------------------------------------------------------------------


def _drive_document(drive_: Drive) -> dict[str, Any]:
    load = drive_.load
    return {
        "load_id": load.load_id,
        "state": load.state.value,
        "lines": load.lines,
        "ranges": load.ranges,
        "seconds": round(drive_.seconds, 1),
        "lines_per_second": round(drive_.rate),
        "outcomes": dict(load.tally.as_json()) if load.tally is not None else {},
        "kills": [asdict(kill) for kill in drive_.kills],
        "progress": drive_.rates,
        "usage": {
            name: {
                "peak_mib": round(usage.peak / MIB),
                "cpu_seconds": round(usage.seconds, 1),
                "processes": usage.processes,
                "cpu_microseconds_per_line": round(1e6 * usage.seconds / (load.lines or 1)),
            }
            for name, usage in sorted(drive_.usage.items())
        },
    }


def _limit(drive_: Drive) -> str:
    """What kept the load from being faster, by the processor time of each side."""
    server = drive_.usage.get("emulator", Usage()).seconds / drive_.seconds
    functions = sum(u.seconds for n, u in drive_.usage.items() if n != "emulator")
    ours, others = functions / drive_.seconds, drive_.others / drive_.seconds
    shares = (
        f"the emulator (one process) used {server:.2f} processors, all functions {ours:.2f}, "
        f"everything else {others:.2f} of {_cores()}"
    )
    if server > 0.85:
        return f"The emulator was the limit: {shares}."
    if server + ours + others > 0.9 * _cores():
        return f"The machine's processors were the limit: {shares}."
    return f"Neither side was at its limit: {shares}; the rest is waiting for redelivery and calls."


def _cores() -> int:
    return os.cpu_count() or 1


def _text(report: Mapping[str, Any]) -> str:
    machine, aws = report["machine"], report["aws"]
    size, piece = report["bytes"] / MIB, report["range_bytes"] / MIB
    about = f"Load test: {report['cards']:,} cards, {report['lines']:,} lines, {size:,.0f} MiB"
    where = f"{machine['date']}, {machine['cores']} cores ({machine['processor']})"
    units = f"{aws['write_units']:,} write units, {aws['lambda_seconds']:,.0f} GB-seconds"
    speed = f"{in_words(aws['seconds'])} at {aws['rate']:,} events a second"
    looking = sum(report["seconds_of_looking"].values())
    warm = f"{aws['workers']} workers and WarmWriteUnits={aws['warm_write_units']}"
    out = [
        f"{about}, in ranges of {piece:.2f} MiB",
        f"{where}, Python {machine['Python']}",
        "",
        *_drive_text("first load", report["first"]),
        *_drive_text("second load, the same file", report["second"]),
        "",
        report["limit"],
        f"Looking took {in_words(looking)}, the whole test {in_words(report['seconds'])}.",
        "",
        "On AWS, by the cost model (python -m infra.build.costs):",
        f"  {units}, {aws['requests']:,} requests of S3 and SQS: {aws['dollars']:.2f} USD",
        f"  {speed}, with {warm}",
        "",
        *(f"holds: {sentence}" for sentence in report["holds"]),
        *(f"DOES NOT HOLD: {sentence}" for sentence in report["does_not_hold"]),
    ]
    return "\n".join(out) + "\n"


def _drive_text(name: str, drive_: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{name}: {in_words(drive_['seconds'])}, {drive_['lines_per_second']:,} lines a second "
        f"({drive_['ranges']} ranges)"
    )
    yield "  " + ", ".join(f"{count:,} {what}" for what, count in drive_["outcomes"].items())
    for kill in drive_["kills"]:
        yield (
            f"  killed {kill['workers']} workers after {kill['seconds']:.0f} s, at "
            f"{kill['lines']:,} lines, {kill['ranges']} ranges under way"
        )
    for process, usage in drive_["usage"].items():
        yield (
            f"  {process:<18} peak {usage['peak_mib']:>6,} MiB, processor "
            f"{usage['cpu_seconds']:>7,.0f} s ({usage['cpu_microseconds_per_line']:,} us a line), "
            f"processes {usage['processes']}"
        )


if __name__ == "__main__":
    sys.exit(main())
