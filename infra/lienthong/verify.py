"""`lienthong verify`: the live tables against the ledger's hashes and its fold."""

from __future__ import annotations

import argparse
import time

from infra.lienthong import context, findings
from infra.lienthong.console import Console, Json, counted
from infra.lienthong.keys import add_kind_option, recognised
from infra.lienthong.problems import Exit, Refused
from infra.lienthong.tables import Patience, archive_of, reached
from infra.lienthong.verification import Outcome, Verifier

_HOURS: float = 24 * 3600.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`verify [KEY]` and its options."""
    parser = commands.add_parser(
        "verify",
        help="check records and ledger against each other",
        description="Recompute every hash and fold every record's entries over the live tables. "
        "Without KEY all records are checked. The access log has its own: `access-log verify`.",
    )
    parser.add_argument("key", metavar="KEY", nargs="?", help="check this record alone")
    add_kind_option(parser)
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Check; `Exit.FINDINGS` if anything does not agree."""
    name = recognised(options.key, options.kind) if options.key is not None else None
    stack = context.resolve(options)
    with reached():
        verifier = Verifier(archive_of(stack), Patience(_HOURS), time.sleep)
        if name is not None:
            outcome = verifier.one(name.kind, name.key)
            if not outcome.records and not outcome.entries:
                raise Refused(f"There is neither a record {name} nor a ledger entry of it.")
        else:
            outcome = check_all(verifier, console)
    if console.as_json:
        console.document(document(outcome))
    else:
        tell(outcome, console)
    return Exit.FINDINGS if outcome.findings else Exit.OK


def check_all(verifier: Verifier, console: Console) -> Outcome:
    """Checks everything under a progress bar."""
    with console.progress("Verifying records", None) as advance:
        return verifier.everything(advance)


def document(outcome: Outcome) -> Json:
    """The outcome for programs."""
    return {
        "records": outcome.records,
        "entries": outcome.entries,
        "findings": findings.document(outcome.findings, "record"),
    }


def tell(outcome: Outcome, console: Console) -> None:
    """The outcome for people."""
    checked = (
        f"{counted(outcome.records, 'record')} and {counted(outcome.entries, 'ledger entry')} were "
        "checked"
    )
    if not outcome.findings:
        console.say(f"[green]Everything agrees:[/] {checked}.")
        return
    findings.tell(outcome.findings, "record", console)
    console.say(
        f"\n[bold red]{counted(len(outcome.findings), 'record')}[/] not as the ledger says; "
        f"{checked}. `lienthong history KEY --direct` shows a record's entries."
    )
