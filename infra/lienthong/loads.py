"""`lienthong loads`: the files that were loaded or are being loaded, and their refused lines."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from functions.shared.adapters.loads import DynamoLoads
from functions.shared.core.loads import Load, LoadState
from functions.shared.core.loads import Progress as Done
from infra.lienthong import context
from infra.lienthong.console import Console, Json, add_options, markup
from infra.lienthong.following import (
    average,
    document,
    name_of,
    share,
    tell,
    tell_ranges,
    what_to_do,
)
from infra.lienthong.load import fetched, loads_of
from infra.lienthong.problems import Exit, Misuse, Refused
from infra.lienthong.tables import reached

MOST: Final = 20
LOOKED_THROUGH: Final = 1000
"""So many of the newest loads are looked through for a shortened id."""
_ID: Final = re.compile("[0-9a-f]{8,32}")
_WHOLE_ID: Final = 32


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`loads`, and what can be asked about them."""
    parser = commands.add_parser(
        "loads",
        help="loads of files: list, show, report",
        description="List the loads, newest first, or look at one of them.",
    )
    what = parser.add_subparsers(dest="what", metavar="WHAT")
    listing = what.add_parser(
        "list", help="loads, newest first", description="List loads, newest first."
    )
    listing.set_defaults(run=run_list)
    show = what.add_parser(
        "show", help="one load", description="Show how far a load is and what to do about it."
    )
    show.set_defaults(run=run_show)
    report = what.add_parser(
        "report",
        help="its refused lines",
        description="Write the lines that were refused, with their numbers and every reason.",
    )
    report.add_argument("--out", type=Path, metavar="FILE", help="write it there, not to stdout")
    report.set_defaults(run=run_report)
    for sub in (show, report):
        sub.add_argument(
            "id", metavar="ID", type=_id, help="its id, or the first 8 or more digits of it"
        )
    for one in (parser, listing):
        one.add_argument(
            "--limit",
            type=_positive,
            default=MOST if one is parser else argparse.SUPPRESS,
            metavar="N",
            help=f"at most so many loads ({MOST})",
        )
    for sub in what.choices.values():
        add_options(sub, below=True)
        context.add_stack_options(sub)
        for action in sub._actions:
            if action.dest in ("outputs", "profile", "region", "stack_name"):
                action.default = argparse.SUPPRESS
    context.add_stack_options(parser)
    parser.set_defaults(run=run_list)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1 on")
    return number


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError("give 8 to 32 of the digits 0-9 and a-f of its id")
    return text


def run_list(options: argparse.Namespace, console: Console) -> Exit:
    """List the newest loads; `Exit.OK` whatever their states."""
    stack = context.resolve(options)
    loads = loads_of(stack)
    with reached():
        found = list(_with_progress(loads, islice(loads.recent(), options.limit)))
    if console.as_json:
        listed: list[Json] = [document(load, done) for load, done in found]
        console.document(listed)
    elif not found:
        console.say("No file was ever loaded. Load one: lienthong load FILE")
    else:
        columns = ("load", "file", "state", "done", "lines", "a second", "refused", "dropped")
        console.table(columns, map(_row, found), right=columns[3:7])
    return Exit.OK


def _with_progress(loads: DynamoLoads, found: Iterable[Load]) -> Iterator[tuple[Load, Done]]:
    for load in found:
        yield load, progress_of(loads, load)


def progress_of(loads: DynamoLoads, load: Load) -> Done:
    """How far a load is; of one that is done, its ranges need not be read."""
    return Done.of(load, () if load.state is LoadState.DONE else loads.ranges(load.load_id))


def _row(found: tuple[Load, Done]) -> tuple[str, ...]:
    load, done = found
    lines = load.lines if load.lines is not None else done.lines
    tally = load.tally if load.tally is not None else done.tally
    part, rate = share(load, done), average(load, lines)
    return (
        load.load_id[:12],
        markup(name_of(load)),
        _STYLES.get(load.state, "{}").format(load.state.value),
        "-" if part is None else f"{part:.0%}",
        f"{lines:,}",
        "-" if rate is None else f"{rate:,.0f}",
        f"{tally.quarantined:,}",
        load.sent_at[:19].replace("T", " "),
    )


_STYLES: Final = {
    LoadState.DONE: "[green]{}[/]",
    LoadState.FAILED: "[bold red]{}[/]",
    LoadState.STUCK: "[bold red]{}[/]",
    LoadState.WAITING: "[yellow]{}[/]",
}


def the_load(loads: DynamoLoads, load_id: str) -> Load:
    """The load of an id or of the beginning of one. Raises `Misuse` where there is none."""
    if len(load_id) == _WHOLE_ID:
        found = loads.found(load_id)
        alike = [] if found is None else [found]
    else:
        newest = islice(loads.recent(), LOOKED_THROUGH)
        alike = [load for load in newest if load.load_id.startswith(load_id)]
    if not alike:
        raise Misuse(f"There is no load {load_id}. `lienthong loads` lists them.")
    if len(alike) > 1:
        raise Misuse(f"Several loads begin with {load_id}. Give more digits of the id.")
    return alike[0]


def run_show(options: argparse.Namespace, console: Console) -> Exit:
    """Show one load; `Exit.FINDINGS` if lines were refused or it does not go on by itself."""
    stack = context.resolve(options)
    loads = loads_of(stack)
    with reached():
        load = the_load(loads, options.id)
        ranges = [] if load.state is LoadState.DONE else loads.ranges(load.load_id)
        done = Done.of(load, ranges)
    if console.as_json:
        console.document(document(load, done))
    else:
        tell(load, done, console)
        tell_ranges(ranges, console)
        if load.report is not None and load.tally is not None and load.tally.quarantined:
            console.say(f"The refused lines: lienthong loads report {load.load_id}")
    problem = what_to_do(load)
    if problem is not None:
        console.complain(problem)
    tally = load.tally if load.tally is not None else done.tally
    return Exit.FINDINGS if problem is not None or tally.quarantined else Exit.OK


def run_report(options: argparse.Namespace, console: Console) -> Exit:
    """Write the refused lines of a load that is done."""
    stack = context.resolve(options)
    loads = loads_of(stack)
    with reached():
        load = the_load(loads, options.id)
        if load.report is None or load.tally is None:
            raise Refused(
                f"{name_of(load)} has no report yet: it is {load.state.value}. The report is "
                f"written when every line has ended; `lienthong loads show {load.load_id}`."
            )
        refused = load.tally.quarantined
        if options.out is not None:
            out = fetched(stack, load, options.out)
        else:
            out = None
            if not console.as_json and refused:
                _print_report(stack, load)
    if console.as_json:
        console.document(
            {
                "load_id": load.load_id,
                "refused": refused,
                "report": f"s3://{load.bucket}/{load.report}",
                "report_file": None if out is None else str(out),
            }
        )
    elif not refused:
        console.note("No line was refused.")
    elif out is not None:
        console.note(f"{refused:,} refused lines are in {out}.")
    return Exit.OK


def _print_report(stack: context.Stack, load: Load) -> None:
    assert load.report is not None
    body = stack.s3.get_object(Bucket=load.bucket, Key=load.report)["Body"]
    for piece in body.iter_chunks(65536):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
