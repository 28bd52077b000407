"""`lienthong demo`: the main job on this machine, told from the queue to who looked at it.

Everything it claims is read from the queues and tables at that moment; what does not hold makes
the command fail. Run again on the same stack, every event is a duplicate and nothing changes.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import orjson

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.keys import parse_record_key
from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import DOSSIER, KIND_OF_QUEUE
from functions.shared.core.loads import LoadState
from functions.shared.core.loads import Progress as Done
from functions.shared.core.reading import read
from infra.lienthong import (
    context,
    demo_city,
    following,
    history,
    import_log,
    intake,
    show,
    stats,
    truth,
    verify,
)
from infra.lienthong.conservation import LEDGER, Extra, Sent, held
from infra.lienthong.console import Advance, Console, Json, counted, markup
from infra.lienthong.context import Stack
from infra.lienthong.demo_access import (
    EVENT,
    INSPECTOR,
    NAME,
    ONE_STOP,
    QUALITY,
    YEAR,
    Asker,
    DemoAccess,
)
from infra.lienthong.demo_city import DemoCity, Told
from infra.lienthong.keys import RecordName, recognised
from infra.lienthong.load import fetched, loads_of
from infra.lienthong.mapping import load
from infra.lienthong.messages import Message, manifest_beside, messages_of
from infra.lienthong.pacing import STEP, mixed, paced, waiting_in
from infra.lienthong.problems import Exit, Misuse, Problem, Unreachable
from infra.lienthong.send import send, urls_of
from infra.lienthong.tables import AgencyNames, Patience, archive_of, reached
from infra.lienthong.truth import Bad, Place
from infra.lienthong.verification import Outcome, Verifier
from infra.local import stack as local_stack
from infra.local.site import ROOT, LocalStackError, Site, environment
from schemas.envelope import MAX_MESSAGE_BYTES

SEED: Final = 20260101
"""Of the order in which the samples and the log are sent; the city has one of its own."""
QUEUE: Final = "population"
"""Where messages go whose type cannot be read."""
THREADS: Final = 4
LONGEST_WAIT: Final = 900.0
LOG: Final = Path("dossiers/wabo_receipt_events.csv")
MAPPING: Final = ROOT / "infra/reference/mappings/wabo-receipt.toml"
SAMPLES: Final = ROOT / "events/demo"
TOO_LARGE: Final = "too-large.ndjson"
CARDS: Final = SAMPLES / "08-cards.csv"
"""A file that is loaded in bulk; its manifest lies beside it."""
MEND: Final = SAMPLES / "mend.toml"
"""A correction rule for one of the bad samples."""
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


@dataclass(frozen=True, slots=True)
class Samples:
    """The project's own samples: what is sent in any order, what afterwards, the bad of both."""

    shuffled: list[Message]
    reused: list[Message]
    bad: list[Bad]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The published log as events: their file, and in the order in which they are sent."""

    file: Path
    events: list[Message]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`demo` and its options."""
    parser = commands.add_parser(
        "demo",
        help="run the main job on this machine, with an invented city and a real log",
        description="Start the local stack, send the sample events, an invented city and, where "
        "--data holds it, a published log of a municipality, and show what became of them.",
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
        samples = self._samples()
        city = self._city()
        told = city.told(QUEUE)
        receipt = self._import() if self._log is not None else None
        before = self._held()
        self._send_registry(city)
        load_id = self._drop_file()
        self._send_everything(samples, told, receipt)
        self._file_loaded(load_id)
        foreign = self._conservation(before)
        self._truth(city, foreign)
        self._refused(samples, told)
        counts = self._count_log() if receipt is not None else DossierCounts()
        self._look(counts)
        self._verify()
        self._access()
        self._next(city, receipt, counts)

    # Input ----------------------------------------------------------------------------------

    def _samples(self) -> Samples:
        too_large = self._folder / TOO_LARGE
        too_large.write_bytes(_too_large())
        good = list(messages_of(_names("0[1-7]-*.ndjson")))
        bad = [*messages_of(_names("90-*.ndjson")), *messages_of([str(too_large)])]
        reused = list(messages_of(_names("91-*.ndjson")))
        chance = random.Random(SEED)  # an order, not a secret
        shuffled = [*good, *bad]
        shuffled += chance.sample(shuffled, len(shuffled) // 3)
        chance.shuffle(shuffled)
        return Samples(shuffled, reused, [_bad(message) for message in [*bad, *reused]])

    def _city(self) -> DemoCity:
        story = self._story
        story.heading("A city, invented: always the same one")
        city = demo_city.made(self._folder / "city", story)
        counts, records = city.counts, city.counts["records"]
        story.say(
            f"{records['person']:,} records of people, {records['insurance-card']:,} of "
            f"health-insurance cards and {records['dossier']:,} of dossiers, in "
            f"{counts['good']:,} events from {city.since} to {city.until}."
        )
        story.say(
            f"{counts['messages']:,} messages: {city.repeats:,} repeat another "
            f"({city.repeats / counts['messages']:.1%}), {sum(counts['bad'].values()):,} must be "
            f"refused, {counts['disorder'] + counts['late']:,} come late, "
            f"{sum(counts['rival'].values()):,} contradict another agency, "
            f"{sum(counts['typo'].values()):,} hold a typing error."
        )
        return city

    def _import(self) -> Receipt:
        self._story.heading("A real log becomes events of the contract")
        self._story.say(f"{self._log}: {ABOUT_THE_LOG}.")
        target = self._folder / "receipt.ndjson"
        summary = import_log.import_file(str(self._log), load(MAPPING), str(target), self._story)
        self._story.say(import_log.told(summary))
        events = list(messages_of([str(target)]))
        random.Random(SEED).shuffle(events)  # an order, not a secret
        return Receipt(target, events)

    def _held(self) -> set[Extra]:
        """What the tables hold before anything is sent; what of it the demo did not send, on an
        earlier run, is left aside."""
        return set(held(self._archive))

    # Sending --------------------------------------------------------------------------------

    def _send_registry(self, city: DemoCity) -> None:
        story = self._story
        story.heading("The registry first: who may say what")
        self._sent.add(messages_of([str(REGISTRY)]), QUEUE)
        events = list(messages_of([str(city.registry)]))
        self._send(events, len(events), "Sending the registry")
        stats.drain(self._stack, story, len(events), Patience(LONGEST_WAIT))

    def _send_everything(self, samples: Samples, told: Told, receipt: Receipt | None) -> None:
        story = self._story
        story.heading("Everything at once into the queues")
        if receipt is None:
            story.say(
                f"Not sent: {ABOUT_THE_LOG}. `make demo DATA=folder` adds it, where the folder "
                f"holds {LOG}."
            )
        story.say("The queues are worked while more is sent; few messages wait at any time.")
        began = time.monotonic()
        sources = [samples.shuffled, told.messages, receipt.events if receipt else []]
        count = sum(map(len, sources))
        patience = Patience(LONGEST_WAIT)
        flow = paced(mixed(*sources), lambda: waiting_in(self._stack), patience)
        self._send(flow, count, "Sending, and working")
        stats.drain(self._stack, story, count, patience)
        story.say("Those were taken in. Now ids that were used before, with other content.")
        last = [*samples.reused, *told.last]
        self._send(last, len(last), "Sending reused ids")
        stats.wait(self._sent, self._stack, self._archive, story, patience.remaining())
        seconds = time.monotonic() - began
        story.say(
            f"The queues are empty and every event was looked for: {seconds:.0f} s, "
            f"{(count + len(last)) / seconds:,.0f} messages a second on this machine's emulator."
        )

    def _drop_file(self) -> str:
        """An agency's file into the intake bucket; it is loaded while the queues are worked."""
        story = self._story
        story.heading("A file from a spreadsheet: cards as CSV, dropped into a bucket")
        manifest = manifest_beside(CARDS)
        found = intake.look(CARDS, manifest)
        story.say(
            f"{_relative(str(CARDS))} has leading zeros lost, dates as dd/MM/yyyy, years alone, "
            "words for codes. What its columns mean is declared beside it, in "
            f"{_relative(str(manifest))}; no code knows of it."
        )
        self._sent.add(messages_of([str(CARDS)]), QUEUE)
        bucket = self._stack.output("IntakeBucket")
        dropped = intake.drop(self._stack.s3, bucket, CARDS, CARDS.name, found.manifest)
        story.say(f"Dropped; the load is {dropped.load_id}. It goes on while events are sent.")
        return dropped.load_id

    def _file_loaded(self, load_id: str) -> None:
        story = self._story
        story.heading("The file meanwhile")
        loads = loads_of(self._stack)
        load = following.follow(loads, load_id, story)
        following.tell(load, Done.of(load, loads.ranges(load_id)), story)
        report = fetched(self._stack, load, self._folder / f"{CARDS.name}.refused.jsonl")
        refused = [] if report is None else list(map(orjson.loads, report.open("rb")))
        story.say("Its refused lines came back with their numbers and every reason:")
        story.table(
            ("line", "where", "what to do"),
            (
                (str(line["line"]), markup(reason["path"] or "the line"), markup(reason["text"]))
                for line in refused
                for reason in line["reasons"]
            ),
            right=("line",),
        )
        expected = [message.line for message in messages_of([str(CARDS)]) if _is_bad(message)]
        self._found.check(
            load.state is LoadState.DONE and [line["line"] for line in refused] == expected,
            f"Every row of the file ended, and its {len(expected)} bad ones are named.",
            story,
        )

    def _send(self, messages: Iterable[Message], count: int, label: str) -> None:
        began = time.monotonic()
        with self._story.progress(label, count) as advance:
            report = send(
                self._spooled(messages, advance),
                self._stack.sqs,
                urls_of(self._stack),
                queue=QUEUE,
                threads=THREADS,
            )
        seconds = time.monotonic() - began
        counts = ", ".join(f"{queue} {count:,}" for queue, count in sorted(report.sent.items()))
        self._story.say(f"Sent {report.sent.total():,} messages in {seconds:.1f} s ({counts}).")
        if report.unsent:
            self._found.check(
                False, f"{counted(len(report.unsent), 'message')} not accepted.", self._story
            )

    def _spooled(self, messages: Iterable[Message], advance: Advance) -> Iterator[Message]:
        """The messages, noted as sent on their way."""
        remaining = iter(messages)
        while chunk := list(islice(remaining, STEP)):
            self._sent.add(chunk, QUEUE)
            yield from chunk
            advance(len(chunk))

    # What became of it ----------------------------------------------------------------------

    def _conservation(self, before: set[Extra]) -> set[Place]:
        """The rule; returns the records about which others than the demo had their say."""
        story = self._story
        story.heading("Nothing vanished: sent = applied + superseded + quarantined")
        result = stats.conservation(self._sent, self._archive, exact=True)
        foreign = [extra for extra in result.extras if extra in before]
        result.extras = [extra for extra in result.extras if extra not in before]
        stats.tell_conservation(result, story)
        if foreign:
            story.say(f"{counted(len(foreign), 'entry')} of others on this stack left aside.")
        self._found.check(
            result.holds, "Each event sent is in the ledger or in quarantine, nothing more.", story
        )
        uids = {extra.key for extra in foreign if extra.table == LEDGER}
        entries = self._archive.events(uids, Patience(LONGEST_WAIT), ("event_uid", "record_key"))
        return {parse_record_key(entry["record_key"]["S"]) for entry in entries}

    def _truth(self, city: DemoCity, foreign: set[Place]) -> None:
        story = self._story
        story.heading("The city's records against what is true of it")
        with story.progress("Comparing records", None) as advance:
            found = truth.compared(city.records, self._archive, foreign, advance)
        truth.tell_records(found, story)
        if found.mistyped:
            story.say(
                f"{counted(found.mistyped, 'record')} of them must show a typing error: nobody "
                f"has corrected it. {_relative(str(city.records))} says what should stand there."
            )
        self._found.check(
            found.holds, "Every record of the city shows what the city's truth says.", story
        )

    def _refused(self, samples: Samples, told: Told) -> None:
        story = self._story
        story.heading("Bad messages are kept whole, each with every reason against it")
        bad = [*samples.bad, *told.bad]
        found = truth.refusals(bad, self._archive, Patience(LONGEST_WAIT))
        truth.tell_refusals(found, story)
        self._found.check(
            found.holds, f"{counted(len(bad), 'bad message')} refused for what is wrong.", story
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

    def _access(self) -> None:
        story = self._story

        def check(holds: bool, sentence: str) -> None:
            self._found.check(holds, sentence, story)

        DemoAccess(self._stack, PERSON, SAMPLES, check, story).run()

    def _next(self, city: DemoCity, receipt: Receipt | None, counts: DossierCounts) -> None:
        story = self._story
        files = [str(CARDS), str(self._folder / TOO_LARGE), str(REGISTRY)]
        files += [str(city.registry), str(city.events)]
        if receipt is not None:
            files.append(str(receipt.file))
        sent = " ".join([f"{_relative(str(SAMPLES))}/*.ndjson", *map(_relative, files)])
        command = "lienthong" if _on_path() else _relative(str(ROOT / ".venv/bin/lienthong"))
        rule = f"{command} quarantine correct --rule {_relative(str(MEND))}"
        source, event_id = EVENT
        story.heading("What to type next")
        story.say("Sign in, and ask as an officer of a one-stop shop; every look is noted.")
        self._commands(
            _as(ONE_STOP),
            f"{command} login --as {ONE_STOP.role}",
            f"{command} search {NAME} --born {YEAR}",
            f"{command} person {PERSON}",
            f"{command} dossiers",
        )
        story.say("See who looked, and how a record came to be, as an inspector.")
        self._commands(
            _as(INSPECTOR),
            f"{command} login --as {INSPECTOR.role}",
            f"{command} who-looked {PERSON} --fields",
            f"{command} show person {city.disputed()}",
            f"{command} history {PERSON}",
            f"{command} history {counts.example[1]} --json",
            f"{command} receipt {source} {event_id} --event {_relative(str(_file_of(EVENT)))}",
        )
        story.say("As whoever runs the stack: what was counted, verified, loaded.")
        self._commands(
            f"{command} stats",
            f"{command} stats --sent {sent} --queue {QUEUE} --exact",
            f"{command} verify",
            f"{command} access-log verify",
        )
        story.say("Load the file again: every row is a duplicate and nothing changes.")
        self._commands(f"{command} load {_relative(str(CARDS))}", f"{command} loads")
        story.say("Mend a refused message: look, try the rule, apply it, see what it did.")
        self._commands(
            _as(QUALITY),
            f"{command} login --as {QUALITY.role}",
            f"{command} quarantine count",
            f"{command} quarantine list --source H26.202",
            f"{rule} --dry-run",
            f"{rule} --yes",
            f"{command} history {PERSON} {_asked_as(INSPECTOR)}",
        )
        story.say("And in the end:")
        self._commands("make down")

    def _commands(self, *lines: str) -> None:
        for line in lines:
            self._story.out.print(f"  {line}", markup=False)


def _as(asker: Asker) -> str:
    """Tells the commands that follow why they ask."""
    purpose, case = asker.errand
    named = "unset LIENTHONG_CASE" if case is None else f"export LIENTHONG_CASE={case}"
    return f"export LIENTHONG_PURPOSE={purpose}; {named}"


def _asked_as(asker: Asker) -> str:
    """The options by which one command is asked as somebody else who has signed in."""
    purpose, case = asker.errand
    return f"--as {asker.role} --purpose {purpose}" + (f" --case {case}" if case else "")


def _file_of(event: tuple[str, str]) -> Path:
    """The file of samples that an event is in."""
    for name in _names("0[1-6]-*.ndjson"):
        for message in messages_of([name]):
            told = json.loads(message.body)
            if (told["source"], told["id"]) == event:
                return Path(name)
    raise Misuse(f"{SAMPLES} lacks the event {event[1]}. Check out the whole repository.")


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


def _bad(message: Message) -> Bad:
    """A sample to be refused, for the reason that it says it expects, if it can say one."""
    queue = queue_of(message.body) or QUEUE
    return Bad(message.file, message.line, queue, message.body, _expected(message))


def _is_bad(message: Message) -> bool:
    """Whether a message would be refused for what it says."""
    kind = KIND_OF_QUEUE[queue_of(message.body) or message.queue or QUEUE]
    return bool(read(message.body.decode(), kind).reasons)


def _expected(message: Message) -> str | None:
    """The reason that a bad message says it expects; None where it cannot say."""
    try:
        value = json.loads(message.body)  # takes what senders do, such as half a surrogate pair
    except ValueError:
        return None
    expects = value.get("expects") if isinstance(value, dict) else None
    return expects if isinstance(expects, str) else None


def _relative(name: str) -> str:
    path, here = Path(name), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _on_path() -> bool:
    return shutil.which("lienthong") is not None
