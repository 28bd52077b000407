"""`make soak`: minutes of mixed load with faults, and what is left of it afterwards.

An emulator of its own takes in a city with all its dirt, hot records and poison on all queues,
while workers are killed, permissions vanish, calls are throttled and answers lost. It ends with
the conservation rule checked exactly, every record held against the city's truth and everything
verified; memory and latency over time are drawn. `.local/soak` keeps the figures and the plot.
Ends with 1 where anything disagrees.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from functions.shared.core.intake import queue_of
from functions.shared.core.quarantine import quarantine_id
from infra.lienthong.console import Console
from infra.lienthong.messages import Message, messages_of
from infra.lienthong.send import send
from infra.local.site import ROOT
from tests.bench import machine
from tests.bench.emulated import deployed
from tests.bench.soak import checks
from tests.bench.soak.checks import Findings, Published
from tests.bench.soak.faults import KINDS, Saboteur
from tests.bench.soak.flow import QUEUE, Due, Flow, crushes, flow, message_of
from tests.bench.soak.gauges import Gauges, Probes, intervals, quantiles
from tests.bench.soak.threads import Clock
from tests.e2e.conftest import Deployed
from tests.e2e.delivery import QUEUES, VISIBILITY, settle, url_output

FOLDER: Final = ROOT / ".local" / "soak"
FAULTS: Final = 20
"""About so many faults are in a soak, if they leave each other room."""
LONG_ENOUGH: Final = 175.0
"""Seconds in which every kind of fault has its turn."""
INTERVAL: Final = 10.0
"""Seconds over which quantiles are taken."""
RECOVERY: Final = 25.0
"""Seconds after a fault in which its effects may still be felt: what was not answered for is
hidden for most of them."""
ENOUGH: Final = 100
"""Probes, of which quantiles say something."""
SETTLING: Final = 900.0
_TICK: Final = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long to publish (10)")
    parser.add_argument("--rate", type=float, default=25, help="messages a second (25)")
    parser.add_argument("--seed", type=int, default=4, help="another seed, another soak")
    parser.add_argument("--plots", metavar="PYTHON", help="the Python that draws the plot")
    arguments = parser.parse_args()
    if arguments.minutes < 1 or arguments.rate < 1:
        parser.error("A soak takes at least a minute and a message a second.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    seconds = arguments.minutes * 60
    _say(f"Making a city for {seconds * arguments.rate:,.0f} messages.")
    folder = FOLDER / f"city-{seconds * arguments.rate:.0f}-{arguments.seed}"
    flow_ = flow(folder, seconds, arguments.rate, arguments.seed, Console(quiet=True))
    facts = machine.facts()
    with deployed(_say, enforce_iam=True, MaximumConcurrency="2") as stack:
        soak = _Soak(stack, flow_, arguments.seed)
        findings = soak.run()
        document = soak.document(findings, facts)
    figures = FOLDER / "soak.json"
    figures.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    _say(f"The figures are in {figures.relative_to(ROOT)}.")
    if arguments.plots:
        _draw(arguments.plots, figures, FOLDER / "soak.png")
    _tell(document)
    findings.tell(print)
    return 1 if findings.broken else 0


class _Soak:
    """One soak, from the first message to the last look."""

    def __init__(self, stack: Deployed, flow_: Flow, seed: int) -> None:
        self._stack, self._flow = stack, flow_
        self._sqs = stack.client("sqs")
        self._urls = {queue: stack.outputs[url_output(queue)] for queue in QUEUES}
        self._published: list[Published] = []
        self._clock = Clock()
        self._probes = Probes(stack, self._clock)
        self._gauges = Gauges(stack, self._clock)
        self._saboteur = Saboteur(stack, self._clock, seed, _say)
        self._given_up: list[Published] = []
        self._ended = 0.0

    def run(self) -> Findings:
        """Publishes while things go wrong, waits until all is done, and looks."""
        for queue in QUEUES:
            self._stack.set_visibility(url_output(queue), VISIBILITY)
        there_before = checks.before(self._stack)
        self._send("registry", list(messages_of([str(self._flow.city.registry)])))
        settle(self._stack, SETTLING)
        self._clock.begin()
        failures = self._under_faults()
        published = [*self._published, *self._probed()]
        findings = checks.examined(
            self._stack, self._flow, published, self._given_up, there_before, _say
        )
        if self._flow.seconds >= LONG_ENOUGH:
            happened = {fault.name for fault in self._saboteur.done}
            findings.check(
                f"Each of {len(KINDS)} kinds of fault happened.", KINDS.keys() - happened
            )
        findings.check("Whatever ran beside the load ran to its end.", failures)
        findings.check(
            f"All {len(self._probes.sent):,} probes became visible.", self._probes.waiting
        )
        return findings

    def _under_faults(self) -> list[str]:
        publishing, seeing = self._probes.threads()
        faults, gauges = self._saboteur.thread(every(self._flow.seconds)), self._gauges.thread()
        threads = [publishing, seeing, faults, gauges]
        for thread in threads:
            thread.start()
        try:
            self._publish(self._flow.due)
            for thread in (faults, publishing):
                thread.stop()
            self._ended = self._clock.now()
            self._finish()
        finally:
            for thread in threads:
                thread.stop()
        return [thread.failure for thread in threads if thread.failure is not None]

    def _publish(self, due: Sequence[Due]) -> None:
        """Each message when it is due; what is late goes at once."""
        place, said = 0, 0.0
        while place < len(due):
            now, ready = self._clock.now(), list[Published]()
            while place < len(due) and due[place].at <= now:
                ready.append((due[place].queue, due[place].message))
                place += 1
            for queue, messages in checks.by_queue(ready).items():
                self._send(queue, messages)
            if now - said > 30:
                said = now
                _say(f"{now:5.0f} s  {place:,} of {len(due):,} messages are published.")
            time.sleep(_TICK)

    def _finish(self) -> None:
        """The queues empty, ids used again, and what was given up on sent once more."""
        _say("All is published; waiting for the queues.")
        settle(self._stack, SETTLING)
        last = [(queue_of(message.body) or QUEUE, message) for message in self._flow.last]
        for queue, messages in checks.by_queue(last).items():
            self._send(queue, messages)
        settle(self._stack, SETTLING)
        self._given_up = again = checks.given_up(self._stack, [*self._published, *self._probed()])
        _say(f"{len(again):,} messages had been given up on; they are sent once more.")
        for queue, messages in checks.by_queue(again).items():
            self._send(queue, messages)
        settle(self._stack, SETTLING)

    def _probed(self) -> list[Published]:
        return [
            (probe.queue, message_of(probe, "probes", line))
            for line, probe in enumerate(self._probes.sent, 1)
        ]

    def _send(self, queue: str, messages: Sequence[Message]) -> None:
        report = send(messages, self._sqs, self._urls, queue=queue, every_line=True, threads=2)
        if report.unsent:
            raise SystemExit(f"A queue did not take {report.unsent[0].message.place}.")
        self._published += [(queue, message) for message in messages]
        self._gauges.published = len(self._published)

    # Figures --------------------------------------------------------------------------------

    def document(self, findings: Findings, facts: Mapping[str, str]) -> dict[str, Any]:
        """All that was read, done and found."""
        seen = self._seen()
        calm = self._calm(seen)
        return {
            "holds": findings.holds,
            "does_not_hold": findings.broken,
            "machine": dict(facts),
            "seconds": round(self._ended, 1),
            "settled_after": round(self._clock.now(), 1),
            "messages": len(self._published) + len(self._probes.sent),
            "given_up": len(self._given_up),
            "given_up_probes": len(self._probes.seen) - len(seen),
            "counts": findings.counts,
            "latency": quantiles([took for _, took in seen]),
            "calm_latency": quantiles(calm) if len(calm) >= ENOUGH else None,
            "intervals": intervals(seen, INTERVAL),
            "gauges": self._gauges.read,
            "faults": [fault.as_json() for fault in self._saboteur.done],
            "crushes": crushes(self._flow.seconds),
        }

    def _seen(self) -> list[tuple[float, float]]:
        """When each probe was published and how long it took, without those given up on."""
        gave_up = {quarantine_id(queue, message.body.decode()) for queue, message in self._given_up}
        return [
            self._probes.seen[probe.event_uid]
            for probe in self._probes.sent
            if probe.event_uid in self._probes.seen and probe.quarantine_id not in gave_up
        ]

    def _calm(self, seen: Sequence[tuple[float, float]]) -> list[float]:
        """Latencies of probes that were published while nothing was wrong, nor just before."""
        busy = [(fault.begin - 1, fault.end + RECOVERY) for fault in self._saboteur.done]
        busy += crushes(self._flow.seconds)
        return [took for began, took in seen if not any(a <= began <= b for a, b in busy)]


def every(seconds: float) -> float:
    """Seconds from the end of a fault to the begin of the next."""
    return max(10.0, seconds / FAULTS)


def _draw(python: str, figures: Path, plot: Path) -> None:
    script = ROOT / "tests" / "bench" / "soak" / "plot.py"
    subprocess.run([python, str(script), str(figures), str(plot)], check=True)
    _say(f"The plot is {plot.relative_to(ROOT)}.")


def _tell(document: Mapping[str, Any]) -> None:
    latency, calm, gauges = document["latency"], document["calm_latency"], document["gauges"]
    most = {name: max(read[name] for read in gauges) for name in gauges[0]}
    print(
        f"{document['messages']:,} messages in {document['seconds']:.0f} s with"
        f" {len(document['faults'])} faults; the last was done with after"
        f" {document['settled_after']:.0f} s. {document['given_up']:,} had been given up on.\n"
        f"Published to visible: p50 {latency['p50']:.2f} s, p99 {latency['p99']:.2f} s of"
        f" {latency['probes']:,} probes ({document['given_up_probes']:,} more were given up on);"
        f" {_of_calm(calm)}.\n"
        f"Memory: the emulator with its tables at most {most['emulator_mb']:.0f} MB, the largest"
        f" worker {most['largest_worker_mb']:.0f} MB. At most {most['waiting']:,.0f} messages"
        " waited."
    )


def _of_calm(calm: Mapping[str, float] | None) -> str:
    if calm is None:
        return f"fewer than {ENOUGH} were published while nothing was wrong"
    return (
        f"while nothing was wrong p50 {calm['p50']:.2f} s, p99 {calm['p99']:.2f} s of"
        f" {calm['probes']:,}"
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
