"""`lienthong load FILE`: a file of events or rows into the intake bucket, followed to its end.

What is guaranteed: what cannot be loaded is told before anything is uploaded; once the file lies in
the bucket, the load goes on without this command, which may be interrupted and taken up again.
Loading a file twice changes nothing: every line is a duplicate.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from functions.shared.adapters.loads import DynamoLoads
from functions.shared.core.loads import Load, LoadState
from functions.shared.core.loads import Progress as Done
from infra.lienthong import context
from infra.lienthong.console import Console, counted
from infra.lienthong.context import Stack
from infra.lienthong.following import document, follow, tell, what_to_do
from infra.lienthong.intake import Look, drop, look
from infra.lienthong.messages import manifest_beside
from infra.lienthong.problems import Exit, Misuse, Problem, Refused
from infra.lienthong.tables import reached, waiting

SHOWN: Final = 5
"""So many of the first lines that would be refused are shown."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`load FILE` and its options."""
    parser = commands.add_parser(
        "load",
        help="load a file of events or of rows in bulk",
        description="Drop a file (NDJSON, or CSV with a manifest; plain or gzip) into the intake "
        "bucket and follow it until each of its lines is applied, superseded, a duplicate or "
        "refused. The lines that are refused come back as a file.",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="the file to load")
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="M",
        help="what its columns mean (default: FILE.manifest.json, if it is there)",
    )
    parser.add_argument("--name", help="its name in the bucket (default: that of the file)")
    parser.add_argument(
        "--detach", action="store_true", help="do not wait until it is loaded; print its id"
    )
    parser.add_argument(
        "--follow", metavar="LOAD", help="upload nothing; follow a load that is under way"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="OUT",
        help="where the refused lines go (default: FILE.refused.jsonl)",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="upload even if all of the first lines would be refused",
    )
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Load or follow; `Exit.FINDINGS` if a line was refused or the load does not go on."""
    if (options.file is None) == (options.follow is None):
        raise Misuse("Name a FILE to load, or with --follow a load that is under way.")
    stack = context.resolve(options)
    if options.follow is not None:
        load_id = options.follow
        with reached():
            if loads_of(stack).found(load_id) is None:
                raise Misuse(
                    f"There is no load {load_id}. `lienthong loads` lists them; a file that was "
                    "dropped a moment ago appears within seconds."
                )
    else:
        dropped = _upload(stack, options, console)
        if dropped is None:
            return Exit.FINDINGS
        load_id = dropped
        if options.detach:
            _tell_detached(load_id, console)
            return Exit.OK
    with reached():
        loads = loads_of(stack)
        load = follow(loads, load_id, console)
        done = Done.of(load, loads.ranges(load_id))
        report = fetched(stack, load, _place_of(options, load)) if load.report else None
    return ended(load, done, report, console)


def loads_of(stack: Stack) -> DynamoLoads:
    """The stack's loads, for reading."""
    return DynamoLoads(stack.dynamodb, stack.output("LoadsTable"), waiting())


def _upload(stack: Stack, options: argparse.Namespace, console: Console) -> str | None:
    file: Path = options.file
    bucket = stack.output("IntakeBucket")
    found = look(file, options.manifest or manifest_beside(file))
    _tell_look(found, file, console)
    if found.lines and len(found.refused) == found.lines and not options.anyway:
        raise Refused(
            f"All of the first {counted(found.lines, 'line')} would be refused, so nothing was "
            "uploaded. Correct the file or its manifest, or upload it with --anyway.",
            _lines_of(found),
        )
    with reached(), console.progress(f"Uploading {file.name}", file.stat().st_size) as advance:
        dropped = drop(stack.s3, bucket, file, options.name or file.name, found.manifest, advance)
    console.note(f"The load is {dropped.load_id}.")
    return dropped.load_id


def _lines_of(found: Look) -> tuple[str, ...]:
    return tuple(
        f"line {line.number}: {reason}" for line in found.refused[:SHOWN] for reason in line.reasons
    )


def _tell_look(found: Look, file: Path, console: Console) -> None:
    if not found.refused or len(found.refused) == found.lines:
        return
    console.note(
        f"Of the first {counted(found.lines, 'line')} of {file}, {len(found.refused)} will be "
        "refused; the others are loaded:"
    )
    for text in _lines_of(found):
        console.note(f"  {text}")


def _tell_detached(load_id: str, console: Console) -> None:
    if console.as_json:
        console.document({"load_id": load_id})
    else:
        console.say(f"{load_id} is being loaded. Follow it: lienthong load --follow {load_id}")


def _place_of(options: argparse.Namespace, load: Load) -> Path:
    """Where the refused lines go: what was said, beside the file, or here by the load's id."""
    if options.report is not None:
        return Path(options.report)
    if options.file is not None:
        file: Path = options.file
        return file.with_name(f"{file.name}.refused.jsonl")
    return Path(f"{load.load_id}.refused.jsonl")


def fetched(stack: Stack, load: Load, out: Path) -> Path | None:
    """The report of refused lines, downloaded to `out`; None where no line was refused."""
    if load.report is None or load.tally is None or not load.tally.quarantined:
        return None
    try:
        stack.s3.download_file(load.bucket, load.report, str(out))
    except OSError as error:
        raise Misuse(f"The report cannot be written to {out}: {error.strerror}.") from None
    return out


def ended(load: Load, done: Done, report: Path | None, console: Console) -> Exit:
    """Tells how a load ended and what there is to do about it."""
    refused = load.tally.quarantined if load.tally is not None else done.tally.quarantined
    if console.as_json:
        console.document(
            {**document(load, done), "report_file": None if report is None else str(report)}
        )
    else:
        tell(load, done, console)
    problem = what_to_do(load)
    if problem is None and refused:
        problem = Problem(
            f"{counted(refused, 'line')} were refused; the others are in. Each is in quarantine, "
            f"and with its number and every reason in {report}. Correct them at the source and "
            "load a file of them, or mend them at the desk: `lienthong quarantine list`."
            if refused != 1
            else "1 line was refused; the others are in. It is in quarantine, and with its number "
            f"and every reason in {report}."
        )
    if problem is None:
        return Exit.OK if load.state is LoadState.DONE else Exit.FINDINGS
    console.complain(problem)
    return Exit.FINDINGS
