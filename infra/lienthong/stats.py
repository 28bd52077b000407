"""`lienthong stats`: what the tables and the queues hold; with `--sent` the conservation rule."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.keys import parse_record_key
from functions.shared.core.kinds import KIND_OF_QUEUE, KINDS
from functions.shared.ports import Deadline
from infra.lienthong import context
from infra.lienthong.conservation import Extra, Offence, Row, Sent, State
from infra.lienthong.console import Console, Json, counted, markup
from infra.lienthong.context import Stack
from infra.lienthong.messages import messages_of, size_of
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.send import OUTPUT_OF_QUEUE
from infra.lienthong.tables import Patience, archive_of, reached

MOST_OFFENCES: Final = 20
_HOURS: Final = 24 * 3600.0
_DEPTHS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages of a queue: waiting, in the hands of a function, and given up on."""

    waiting: int
    in_flight: int
    dead: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight + self.dead


@dataclass(slots=True)
class Statistics:
    """Counts of what the tables hold."""

    records: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, outcome) -> ledger entries."""
    quarantined: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(queue, first reason, status) -> quarantine entries."""


@dataclass(slots=True)
class Conservation:
    """What became of the events of some files."""

    rows: list[Row]
    offences: list[Offence]
    offended: int
    unsendable: int
    extras: list[Extra] = field(default_factory=list)
    exact: bool = False

    @property
    def holds(self) -> bool:
        """Whether the rule holds."""
        return self.offended == 0 and not self.extras

    def count(self, *states: State) -> int:
        """How many distinct events are in one of the states."""
        return sum(row.states.get(state, 0) for row in self.rows for state in states)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`stats` and its options."""
    parser = commands.add_parser(
        "stats",
        help="count events, records and queues; check that nothing sent was lost",
        description="Count ledger entries, records, quarantine entries and queued messages. With "
        "--sent, check instead that each event of the files is in the ledger or in quarantine.",
    )
    parser.add_argument("--sent", nargs="+", metavar="FILE", help="files as they were sent")
    parser.add_argument(
        "--queue",
        choices=sorted(KIND_OF_QUEUE),
        help="where messages were sent whose type cannot be read",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="also name what the tables hold and these files do not",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait so long at most until the queues are empty and every event is accounted for",
    )
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Count; with `--sent`, `Exit.FINDINGS` when the conservation rule is broken."""
    if options.sent is None and (options.exact or options.wait or options.queue):
        raise Misuse("--exact, --wait and --queue go with --sent FILE. Add the files.")
    stack = context.resolve(options)
    archive = archive_of(stack)
    with reached():
        if options.sent is None:
            found = gather(archive)
            depths = depths_of(stack)
            if console.as_json:
                console.document(document(found, depths))
            else:
                tell(found, depths, console)
            return Exit.OK
        sent = Sent()
        try:
            with console.progress("Reading what was sent", size_of(options.sent)) as advance:
                sent.add(messages_of(options.sent), options.queue, advance)
            wait(sent, stack, archive, console, options.wait)
            result = conservation(sent, archive, exact=options.exact)
        finally:
            sent.close()
        depths = depths_of(stack)
    if console.as_json:
        console.document(conservation_document(result, depths))
    else:
        tell_conservation(result, console)
        if sum(depth.total for depth in depths.values()):
            console.say()
            tell_depths(depths, console)
    return Exit.OK if result.holds else Exit.FINDINGS


# What is there ------------------------------------------------------------------------------


def gather(archive: Archive) -> Statistics:
    """Counts everything; reads the whole ledger and quarantine, a few attributes of each."""
    found = Statistics(records={kind: archive.count(kind) for kind in archive.records})
    for item in archive.all_entries(("record_key", "outcome")):
        plain = from_item(item)
        kind, _ = parse_record_key(str(plain.get("record_key", "")))
        found.outcomes[kind, str(plain.get("outcome"))] += 1
    for item in archive.all_quarantined(("queue", "reason_key", "status")):
        plain = from_item(item)
        reason = str(plain.get("reason_key", "")).partition("#")[0]
        found.quarantined[str(plain.get("queue")), reason, str(plain.get("status"))] += 1
    return found


def depths_of(stack: Stack) -> dict[str, Depth]:
    """Messages in each queue and its dead-letter queue, as the queues estimate them."""
    found = {}
    for queue, output in OUTPUT_OF_QUEUE.items():
        waiting, in_flight, delayed = _counts(stack, output)
        dead = sum(_counts(stack, output.replace("QueueUrl", "DeadLetterQueueUrl")))
        found[queue] = Depth(waiting + delayed, in_flight, dead)
    return found


def _counts(stack: Stack, output: str) -> list[int]:
    answer = stack.sqs.get_queue_attributes(
        QueueUrl=stack.output(output), AttributeNames=list(_DEPTHS)
    )
    return [int(answer["Attributes"].get(name, 0)) for name in _DEPTHS]


def document(found: Statistics, depths: dict[str, Depth]) -> Json:
    """The counts for programs."""
    return {
        "records": dict(found.records),
        "ledger": {
            kind: {outcome: found.outcomes[kind, outcome] for outcome in ("applied", "superseded")}
            for kind in KINDS
        },
        "quarantine": [
            {"queue": queue, "reason": reason, "status": status, "count": count}
            for (queue, reason, status), count in sorted(found.quarantined.items())
        ],
        "queues": _depths_document(depths),
    }


def _depths_document(depths: dict[str, Depth]) -> Json:
    return {
        queue: {"waiting": depth.waiting, "in_flight": depth.in_flight, "dead_letters": depth.dead}
        for queue, depth in depths.items()
    }


def tell(found: Statistics, depths: dict[str, Depth], console: Console) -> None:
    """The counts for people."""
    columns = ("kind", "records", "ledger entries", "applied", "superseded")
    rows = []
    for kind, records in found.records.items():
        applied, superseded = (found.outcomes[kind, o] for o in ("applied", "superseded"))
        rows.append((kind, records, applied + superseded, applied, superseded))
    console.table(columns, _in_digits(rows, total=True), right=columns[1:])
    console.say()
    tell_quarantine(found, console)
    console.say()
    tell_depths(depths, console)


def tell_quarantine(found: Statistics, console: Console) -> None:
    """The quarantine by reason."""
    if not found.quarantined:
        console.say("The quarantine is empty.")
        return
    columns = ("quarantined on queue", "first reason", "status", "entries")
    rows = [(*what, count) for what, count in sorted(found.quarantined.items())]
    console.table(columns, _in_digits(rows), right=columns[3:])


def tell_depths(depths: dict[str, Depth], console: Console) -> None:
    """The queues."""
    columns = ("queue", "waiting", "in flight", "dead letters")
    rows = [(queue, d.waiting, d.in_flight, d.dead) for queue, d in depths.items()]
    console.table(columns, _in_digits(rows), right=columns[1:])


def _in_digits(rows: Iterable[Sequence[object]], *, total: bool = False) -> Iterable[Sequence[str]]:
    kept = list(rows)
    for row in kept:
        yield [f"{cell:,}" if isinstance(cell, int) else markup(str(cell)) for cell in row]
    if total and len(kept) > 1:
        sums = [
            sum(cast(int, cell) for cell in column) for column in list(zip(*kept, strict=True))[1:]
        ]
        yield ["[bold]all[/]", *(f"[bold]{cell:,}[/]" for cell in sums)]


# What was sent ------------------------------------------------------------------------------


def wait(
    sent: Sent,
    stack: Stack,
    archive: Archive,
    console: Console,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until the queues are empty and every event is in place, so long at most.

    The first look is always taken, and what is in place then is not asked for again.
    """
    deadline = Patience(seconds)
    drain(stack, console, sent.events, deadline, pause)
    with console.progress("Looking for every event", sent.events) as advance:
        sent.locate(archive, Patience(_HOURS), advance)
    while sent.unsettled() and deadline.remaining() > 0:
        pause(0.5)
        sent.locate(archive, Patience(_HOURS), again=False)


def drain(
    stack: Stack,
    console: Console,
    events: int,
    deadline: Deadline,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until the queues are empty or time is up; `events` is how much may be in them."""
    with console.progress("Waiting for the queues", events) as advance:
        done = 0
        while deadline.remaining() > 0:
            left = sum(depth.total for depth in depths_of(stack).values())
            now = max(0, events - left)
            advance(now - done)
            done = now
            if not left:
                return
            pause(0.5)


def conservation(sent: Sent, archive: Archive, *, exact: bool) -> Conservation:
    """The rule over what was located; with `exact` also what was never sent."""
    return Conservation(
        rows=sent.rows(),
        offences=list(islice(sent.offences(), MOST_OFFENCES)),
        offended=sent.unsettled(),
        unsendable=sent.unsendable,
        extras=list(sent.extras(archive)) if exact else [],
        exact=exact,
    )


def conservation_document(found: Conservation, depths: dict[str, Depth]) -> Json:
    """The rule for programs."""
    result: Any = {
        "holds": found.holds,
        "queues": {
            row.queue: {
                "messages": row.messages,
                "events": row.events,
                **{state.value: row.states.get(state, 0) for state in State},
            }
            for row in found.rows
        },
        "offences": [
            {"place": o.place, "queue": o.queue, "state": o.state.value} for o in found.offences
        ],
        "offences_count": found.offended,
        "never_sent": [{"table": e.table, "key": e.key} for e in found.extras]
        if found.exact
        else None,
        "not_sendable": found.unsendable,
        "depths": _depths_document(depths),
    }
    return cast(Json, result)


def tell_conservation(found: Conservation, console: Console) -> None:
    """The rule for people: sent = applied + superseded + quarantined, and what breaks it."""
    columns = ("queue", "messages", "distinct events", *(state.value for state in State))
    rows = [
        (row.queue, row.messages, row.events, *(row.states.get(state, 0) for state in State))
        for row in found.rows
    ]
    console.table(columns, _in_digits(rows, total=True), right=columns[1:])
    if found.unsendable:
        console.say(f"{found.unsendable:,} messages of the files are ones that no queue takes.")
    if found.offended:
        shown = "" if found.offended <= MOST_OFFENCES else f", the first {MOST_OFFENCES}"
        console.say(f"\n[bold red]{counted(found.offended, 'event')} not in its place[/]{shown}:")
        console.table(
            ("sent from", "queue", "it is"),
            (
                (markup(o.place), o.queue, "nowhere" if o.state is State.MISSING else _BOTH)
                for o in found.offences
            ),
        )
    if found.extras:
        console.say(
            f"\n[bold red]{counted(len(found.extras), 'entry')} never sent[/] by these files:"
        )
        console.table(
            ("table", "entry"), ((e.table, markup(e.key)) for e in found.extras[:MOST_OFFENCES])
        )
    if found.holds:
        events = sum(row.events for row in found.rows)
        ledger = found.count(State.APPLIED, State.SUPERSEDED)
        held = found.count(State.QUARANTINED)
        nothing_more = ", and nothing more" if found.exact else ""
        console.say(
            f"[green]The conservation rule holds:[/] {events:,} distinct events = {ledger:,} in "
            f"the ledger + {held:,} in quarantine{nothing_more}."
        )


_BOTH: Final = "in the ledger and, not closed, in quarantine"
