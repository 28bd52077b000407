"""`lienthong access-log verify`: every chain of the access log against its hashes and its head.

It reads the tables themselves, which takes rights at them that nobody has who asks through the
API, and leaves no entry; CloudTrail's data events have it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from functions.shared.adapters.access_log import deferrals_in, entry_from_item, head_from_item
from functions.shared.adapters.attributes import Item
from functions.shared.core.access import (
    NO_HEAD,
    AccessEntry,
    Head,
    chain_faults,
    deferral_of,
    link_faults,
)
from functions.shared.core.errors import Defect
from infra.lienthong import context, deferral, findings
from infra.lienthong.console import Console, Json, add_options, counted
from infra.lienthong.findings import Finding
from infra.lienthong.problems import Exit, Refused
from infra.lienthong.tables import reached

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TRIES: Final = 5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`access-log verify`, `access-log defer` and their options."""
    parser = commands.add_parser(
        "access-log",
        help="check the log of who looked at what; hide a look until a day",
        description="The log of who looked at what. `lienthong who-looked` reads it.",
    )
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    verify = what.add_parser(
        "verify",
        help="check every chain against its hashes and its head",
        description="Check the access log in its tables: each subject's chain has no gap, every "
        "entry has the content that was hashed, and the head names the newest one.",
    )
    verify.add_argument(
        "--subject", metavar="SUBJECT", help="check this chain alone, such as person/<personal id>"
    )
    context.add_stack_options(verify)
    verify.set_defaults(run=run)
    deferral.add_parser(what)
    for sub in what.choices.values():
        add_options(sub, below=True)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Check; `Exit.FINDINGS` if anything does not agree."""
    stack = context.resolve(options)
    with reached():
        chains = Chains(
            stack.dynamodb,
            stack.output("AccessLogTable"),
            stack.output("AccessHeadsTable"),
            time.sleep,
        )
        if options.subject is not None:
            outcome = chains.one(options.subject)
            if not outcome.subjects:
                raise Refused(
                    "Nobody looked at this subject: it has neither an entry nor a head. A subject "
                    "is named like person/<personal id>, dossier/<code> or caller/<id>."
                )
        else:
            with console.progress("Verifying looks", None) as advance:
                outcome = chains.everything(advance)
    if console.as_json:
        console.document(document(outcome))
    else:
        tell(outcome, console)
    return Exit.FINDINGS if outcome.findings else Exit.OK


@dataclass(slots=True)
class Outcome:
    """What a verification looked at and what it found."""

    subjects: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of the two tables.

    What seems wrong is read again before it is accused, for a live log goes on being written
    between two reads. `pause` waits for so many seconds.
    """

    client: DynamoDBClient
    log: str
    heads: str
    pause: Callable[[float], None]

    def everything(self, progress: Callable[[int], None] = lambda _: None) -> Outcome:
        """Checks all chains; `progress` is told how many more entries were looked at."""
        outcome = Outcome()
        newest: dict[str, Head] = {}
        deferrals: dict[str, list[int]] = {}
        suspects: set[str] = set()
        for item in self._all("scan", TableName=self.log):
            subject = item["subject"]["S"]
            before = newest.get(subject, NO_HEAD)
            entry = _entry(item)
            if entry is None or link_faults(entry, before):
                suspects.add(subject)
            elif _defers(entry):
                deferrals.setdefault(subject, []).append(entry.number)
            newest[subject] = Head(int(item["number"]["N"]), entry.entry_hash if entry else "")
            outcome.entries += 1
            progress(1)
        for item in self._all("scan", TableName=self.heads):
            subject = item["subject"]["S"]
            outcome.subjects += 1
            expected = newest.pop(subject, NO_HEAD), deferrals.get(subject, [])
            if _head(item) != expected:
                suspects.add(subject)
        outcome.subjects += len(newest)
        suspects |= newest.keys()
        for subject in sorted(suspects):
            outcome.findings += self.one(subject).findings
        return outcome

    def one(self, subject: str) -> Outcome:
        """Checks one chain, read again for a while as long as it does not agree."""
        outcome = self._read(subject)
        for number in range(1, _TRIES):
            if not outcome.findings:
                break
            self.pause(0.2 * number)
            outcome = self._read(subject)
        return outcome

    def _read(self, subject: str) -> Outcome:
        key = {"subject": {"S": subject}}
        head = self.client.get_item(TableName=self.heads, Key=key, ConsistentRead=True).get("Item")
        items = list(
            self._all(
                "query",
                TableName=self.log,
                KeyConditionExpression="subject=:s",
                ExpressionAttributeValues={":s": {"S": subject}},
            )
        )
        faults = faults_of(cast("Item | None", head), items)
        found = [Finding(subject, tuple(faults))] if faults else []
        return Outcome(int(head is not None or bool(items)), len(items), found)

    def _all(self, operation: str, **request: Any) -> Iterator[Item]:
        pages: Any = self.client.get_paginator(cast(Any, operation))
        for page in pages.paginate(ConsistentRead=True, **request):
            yield from page["Items"]


def faults_of(head_item: Item | None, items: Iterable[Item]) -> list[str]:
    """What is wrong with a chain's items, in the order of their numbers, and its head's."""
    faults, entries = [], []
    for item in items:
        entry = _entry(item)
        if entry is None:
            faults.append(f"Entry {item['number']['N']} does not have the stored form.")
        else:
            entries.append(entry)
    if head_item is None:
        return [*faults, "There are entries and no head."] if faults or entries else []
    head = _head(head_item)
    if head is None:
        return [*faults, "The head does not have the stored form."]
    faults += chain_faults(entries, head[0])
    if [entry.number for entry in entries if _defers(entry)] != head[1]:
        faults.append("The head does not name the deferrals of the chain.")
    return faults


def _entry(item: Item) -> AccessEntry | None:
    try:
        return entry_from_item(item)
    except ValueError:
        return None


def _head(item: Item) -> tuple[Head, list[int]] | None:
    try:
        return head_from_item(item), deferrals_in(item)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _defers(entry: AccessEntry) -> bool:
    try:
        return deferral_of(entry) is not None
    except Defect:
        return False


def document(outcome: Outcome) -> Json:
    """The outcome for programs."""
    return {
        "subjects": outcome.subjects,
        "entries": outcome.entries,
        "findings": findings.document(outcome.findings, "subject"),
    }


def tell(outcome: Outcome, console: Console) -> None:
    """The outcome for people."""
    looks = counted(outcome.entries, "entry")
    chains = counted(outcome.subjects, "subject")
    checked = f"{looks} about {chains} were checked"
    if not outcome.findings:
        console.say(f"[green]Every chain is whole:[/] {checked}.")
        return
    findings.tell(outcome.findings, "subject", console)
    console.say(
        f"\n[bold red]{counted(len(outcome.findings), 'chain')}[/] not as written; {checked}. "
        "A point-in-time copy of the table shows what an entry was."
    )
