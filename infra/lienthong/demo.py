"""`lienthong demo`: the main job on this machine, told from the queue to the verified tables.

Everything it claims is read from the queues and tables at that moment; what does not hold makes
the command fail. Run again on the same stack, every event is a duplicate and nothing changes.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import orjson

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.core.kinds import DOSSIER
from functions.shared.core.quarantine import quarantine_id
from infra.lienthong import context, history, import_log, show, stats, verify
from infra.lienthong.conservation import Sent
from infra.lienthong.console import Console, Json, counted
from infra.lienthong.context import Stack
from infra.lienthong.keys import RecordName, recognised
from infra.lienthong.mapping import load
from infra.lienthong.messages import Message, messages_of
from infra.lienthong.problems import Exit, Misuse, Problem, Unreachable
from infra.lienthong.send import queue_of, send, urls_of
from infra.lienthong.tables import AgencyNames, Patience, archive_of, reached
from infra.lienthong.verification import Outcome, Verifier
from infra.local import stack as local_stack
from infra.local.site import ROOT, LocalStackError, Site, environment
from schemas.envelope import MAX_MESSAGE_BYTES

SEED: Final = 20260101
"""Of the order in which the samples and the log are sent."""
QUEUE: Final = "population"
"""Where messages go whose type cannot be read."""
THREADS: Final = 8
LONGEST_WAIT: Final = 900.0
LOG: Final = Path("dossiers/wabo_receipt_events.csv")
MAPPING: Final = ROOT / "infra/reference/mappings/wabo-receipt.toml"
SAMPLES: Final = ROOT / "events/demo"
REGISTRY: Final = ROOT / "infra/reference/registry.ndjson"
PERSON: Final = "001080200137"
TIMELINE: Final = "H26.201-250707-0001"
PUBLISHED: Final = (1434, 1329, 377)
"""Of the log: cases, closed ones, closed ones after their deadline."""
ABOUT_THE_LOG: Final = (
    "the receipt phase of environmental permits of a municipality (CoSeLoG project, J.C.A.M. "
    "Buijs, doi 10.4121/uuid:a07386a5-7be3-4367-9535-70bc9e77dbe6)"
)
_STEPS_WANTED: Final = 11


@dataclass(slots=True)
class Found:
    """What was checked, for the end of the story."""

    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: bool, sentence: str, console: Console) -> None:
        """Notes whether something holds, and says so."""
        (self.held if holds else self.broken).append(sentence)
        mark = "[green]holds[/]" if holds else "[bold red]does not hold[/]"
        console.say(f"{mark}  {sentence}")


@dataclass(slots=True)
class DossierCounts:
    """The dossiers of the log as the table has them."""

    dossiers: int = 0
    finished: int = 0
    late: int = 0
    example: tuple[int, str] = (1 << 30, TIMELINE)
    """How far its steps are from a good number to read, and the code of that dossier."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`demo` and its options."""
    parser = commands.add_parser(
        "demo",
        help="run the main job on this machine, with samples or a real log",
        description="Start the local stack, send the sample events and, where --data holds it, a "
        "published log of a municipality, and show what became of them.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help=f"folder with the published log as {LOG}",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Tell the story; `Exit.FINDINGS` if anything in it does not hold."""
    log = _log_in(options.data)
    story = console.aside() if console.as_json else console
    began = time.monotonic()
    site = Site.of(environment())
    folder = site.state / "demo"
    stack = _up(site, story)
    folder.mkdir(parents=True, exist_ok=True)
    with reached():
        found = _Demo(stack, folder, log, story).run()
    seconds = time.monotonic() - began
    if console.as_json:
        document: Any = {
            "holds": found.held,
            "does_not_hold": found.broken,
            "seconds": round(seconds),
        }
        console.document(cast(Json, document))
    if found.broken:
        console.complain(Problem("The demo found what must not be:", tuple(found.broken)))
        return Exit.FINDINGS
    story.say(f"\nThe demo took {seconds:.0f} seconds. Everything it checked holds.")
    return Exit.OK


def _log_in(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    for name in (folder / LOG, folder / LOG.name):
        if name.is_file():
            return name
    raise Misuse(
        f"{folder} holds no {LOG}. Give the folder that does, or none; the log is {ABOUT_THE_LOG}."
    )


def _up(site: Site, story: Console) -> Stack:
    story.heading("The stack")
    story.say("One template, deployed to an emulator on this machine: queues, functions, tables.")
    try:
        local_stack.up(site, report=story.note)
    except LocalStackError as error:
        raise Unreachable(str(error)) from None
    stack = context.read_outputs(site.outputs_file)
    story.say(f"It is up at {site.endpoint}; the agencies of the registry are in its tables.")
    return stack


class _Demo:
    """One run of the story."""

    def __init__(self, stack: Stack, folder: Path, log: Path | None, story: Console) -> None:
        self._stack = stack
        self._archive = archive_of(stack)
        self._folder = folder
        self._log = log
        self._story = story
        self._sent = Sent()
        self._found = Found()

    def run(self) -> Found:
        try:
            self._everything()
        finally:
            self._sent.close()
        return self._found

    def _everything(self) -> None:
        samples, bad, reused = self._samples()
        receipt = self._import() if self._log is not None else None
        self._spool([*samples, *reused], receipt)
        foreign = self._foreign()
        self._send_samples(samples, reused)
        if receipt is not None:
            self._send_log(receipt)
        self._wait()
        self._conservation(foreign)
        self._refused(bad, reused)
        counts = self._count_log() if receipt is not None else DossierCounts()
        self._look(counts)
        self._verify()
        self._next(receipt, counts)

    # Input ----------------------------------------------------------------------------------

    def _samples(self) -> tuple[list[Message], list[Message], list[Message]]:
        """What is sent first, in the order it is sent; the bad ones of it; what comes after."""
        too_large = self._folder / "too-large.ndjson"
        too_large.write_bytes(_too_large())
        good = list(messages_of(_names("0[1-7]-*.ndjson")))
        bad = [*messages_of(_names("90-*.ndjson")), *messages_of([str(too_large)])]
        chance = random.Random(SEED)  # an order, not a secret
        samples = [*good, *bad]
        samples += chance.sample(samples, len(samples) // 3)
        chance.shuffle(samples)
        return samples, bad, list(messages_of(_names("91-*.ndjson")))

    def _import(self) -> tuple[Path, import_log.Summary]:
        self._story.heading("A real log becomes events of the contract")
        self._story.say(f"{self._log}: {ABOUT_THE_LOG}.")
        target = self._folder / "receipt.ndjson"
        summary = import_log.import_file(str(self._log), load(MAPPING), str(target), self._story)
        self._story.say(import_log.told(summary))
        return target, summary

    def _spool(
        self, samples: Sequence[Message], receipt: tuple[Path, import_log.Summary] | None
    ) -> None:
        self._sent.add(messages_of([str(REGISTRY)]), QUEUE)
        self._sent.add(samples, QUEUE)
        if receipt is not None:
            self._sent.add(messages_of([str(receipt[0])]), QUEUE)

    def _foreign(self) -> set[tuple[str, str]]:
        """What the tables hold already that is not of the demo: it is left aside."""
        self._sent.locate(self._archive, Patience())
        return set(self._sent.extras(self._archive))

    # Sending --------------------------------------------------------------------------------

    def _send_samples(self, samples: Sequence[Message], reused: Sequence[Message]) -> None:
        story = self._story
        story.heading("Sample events into the queues")
        story.say(
            "People, insurance cards and dossiers of a small city, all invented: rival statements, "
            "late and repeated events, and bad messages among them, shuffled."
        )
        self._send(samples, "Sending the samples")
        stats.drain(self._stack, story, len(samples), Patience(LONGEST_WAIT))
        story.say("When those were taken in: ids that were used before, with other content.")
        self._send(reused, "Sending reused ids")
        if self._log is None:
            story.say(
                f"Not sent: {ABOUT_THE_LOG}. `make demo DATA=folder` adds it, where the folder "
                f"holds {LOG}."
            )

    def _send_log(self, receipt: tuple[Path, import_log.Summary]) -> None:
        self._story.heading("The real log into the dossier queue")
        everything = list(messages_of([str(receipt[0])]))
        random.Random(SEED).shuffle(everything)
        self._send(everything, "Sending the log, shuffled")

    def _send(self, messages: Sequence[Message], label: str) -> None:
        total = sum(len(message.body) + 1 for message in messages)
        began = time.monotonic()
        with self._story.progress(label, total) as advance:
            report = send(
                messages,
                self._stack.sqs,
                urls_of(self._stack),
                queue=QUEUE,
                threads=THREADS,
                advance=advance,
            )
        seconds = time.monotonic() - began
        counts = ", ".join(f"{queue} {count:,}" for queue, count in sorted(report.sent.items()))
        self._story.say(f"Sent {report.sent.total():,} messages in {seconds:.1f} s ({counts}).")
        if report.unsent:
            self._found.check(
                False, f"{counted(len(report.unsent), 'message')} not accepted.", self._story
            )

    def _wait(self) -> None:
        began = time.monotonic()
        stats.wait(self._sent, self._stack, self._archive, self._story, LONGEST_WAIT)
        seconds = time.monotonic() - began
        self._story.say(
            f"The queues were empty, and every event looked for, {seconds:.1f} s later."
        )

    # What became of it ----------------------------------------------------------------------

    def _conservation(self, foreign: set[tuple[str, str]]) -> None:
        story = self._story
        story.heading("Nothing vanished: sent = applied + superseded + quarantined")
        result = stats.conservation(self._sent, self._archive, exact=True)
        result.extras = [extra for extra in result.extras if extra not in foreign]
        stats.tell_conservation(result, story)
        if foreign:
            story.say(f"{counted(len(foreign), 'entry')} of others on this stack left aside.")
        self._found.check(
            result.holds, "Each event sent is in the ledger or in quarantine, nothing more.", story
        )

    def _refused(self, bad: Sequence[Message], reused: Sequence[Message]) -> None:
        story = self._story
        story.heading("Bad messages are kept whole, each with every reason against it")
        stats.tell_quarantine(stats.gather(self._archive), story)
        expected = {_held(message): _expected(message) for message in [*bad, *reused]}
        reasons = {
            plain["quarantine_id"]: plain["reasons"][0]["code"]
            for plain in map(from_item, self._archive.quarantined(expected, Patience()))
        }
        as_expected = [
            held in reasons and expects in (None, reasons[held])
            for held, expects in expected.items()
        ]
        self._found.check(
            all(as_expected),
            f"{counted(len(expected), 'bad message')} quarantined for the reason each expects.",
            story,
        )

    def _count_log(self) -> DossierCounts:
        counts = DossierCounts()
        code = load(MAPPING).dossier.procedure_code
        for item in self._archive.all_records(DOSSIER.name):
            plain = from_item(item)
            if plain.get("procedure_code") != code:
                continue
            counts.dossiers += 1
            finished, due = plain.get("finished_at"), plain.get("due_at")
            counts.finished += finished is not None
            late = finished is not None and due is not None and finished > due
            counts.late += late
            if late:
                distance = abs(len(plain.get("steps", [])) - _STEPS_WANTED)
                counts.example = min(counts.example, (distance, plain["dossier_code"]))
        story = self._story
        story.heading("The log's own counts, from the tables")
        there = (counts.dossiers, counts.finished, counts.late)
        columns = ("", "dossiers", "finished", "of them after due_at")
        rows = (("published", PUBLISHED), ("in the tables", there))
        story.table(
            columns, [(name, *(f"{n:,}" for n in row)) for name, row in rows], right=columns[1:]
        )
        self._found.check(
            there == PUBLISHED, "The dossiers of the log end as its publication counts them.", story
        )
        return counts

    def _look(self, counts: DossierCounts) -> None:
        story, names = self._story, AgencyNames(self._archive)
        story.heading("A record, and for each field who said it and who says otherwise")
        show.tell(show.load(self._archive, recognised(PERSON)), names, story)
        story.heading("Its past: one ledger entry per event, each a link of a chain of hashes")
        _tell_history(self._archive, recognised(PERSON), story)
        story.heading("A dossier's timeline")
        dossier = show.load(self._archive, recognised(counts.example[1]))
        story.say(f"dossier {dossier.key}, times in Vietnam time")
        show.timeline(dossier, story, titled=False)

    def _verify(self) -> None:
        story = self._story
        story.heading("Nothing was changed behind its back")
        outcome: Outcome = verify.check_all(
            Verifier(self._archive, Patience(LONGEST_WAIT), time.sleep), story
        )
        verify.tell(outcome, story)
        self._found.check(
            not outcome.findings,
            "Every hash can be recomputed, and each record is the fold of its ledger entries.",
            story,
        )

    def _next(self, receipt: tuple[Path, import_log.Summary] | None, counts: DossierCounts) -> None:
        story = self._story
        here = Path.cwd()
        files = [*_names("*.ndjson"), str(self._folder / "too-large.ndjson"), str(REGISTRY)]
        if receipt is not None:
            files.append(str(receipt[0]))
        shown = " ".join(_relative(name, here) for name in files if "/events/demo/" not in name)
        story.heading("What to type next")
        command = "lienthong" if _on_path() else _relative(str(ROOT / ".venv/bin/lienthong"), here)
        samples = f"{_relative(str(SAMPLES), here)}/*.ndjson"
        for line in (
            f"{command} show person {PERSON} --withdrawn",
            f"{command} history {counts.example[1]} --json",
            f"{command} stats",
            f"{command} stats --sent {samples} {shown} --queue {QUEUE} --exact",
            f"{command} verify",
            f"{command} --help",
            "make down",
        ):
            story.out.print(f"  {line}", markup=False)


def _tell_history(archive: Archive, name: RecordName, story: Console) -> None:
    items = history.entry_items(archive, name)
    history.tell(name, history.understood(items)[0], items, story)


def _names(pattern: str) -> list[str]:
    found = sorted(str(path) for path in SAMPLES.glob(pattern))
    if not found:
        raise Misuse(f"{SAMPLES} has no {pattern}. Check out the whole repository.")
    return found


def _too_large() -> bytes:
    """A message over the limit, always the same; too long for a file of samples."""
    event = {
        "specversion": "1.0",
        "id": "bad-too-large",
        "source": "/agencies/G01",
        "type": "vn.lienthong.person.updated.v1",
        "subject": "004200206850",
        "time": "2025-09-20T09:00:00+07:00",
        "expects": "too-large",
        "note": "x" * MAX_MESSAGE_BYTES,
        "data": {"personal_id": "004200206850", "phone": "0000000900"},
    }
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _held(message: Message) -> str:
    return quarantine_id(queue_of(message.body) or QUEUE, message.body.decode())


def _expected(message: Message) -> str | None:
    """The reason that a bad message says it expects; None where it cannot say."""
    try:
        value = json.loads(message.body)  # takes what senders do, such as half a surrogate pair
    except ValueError:
        return None
    expects = value.get("expects") if isinstance(value, dict) else None
    return expects if isinstance(expects, str) else None


def _relative(name: str, here: Path) -> str:
    path = Path(name)
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _on_path() -> bool:
    return shutil.which("lienthong") is not None
