"""What must hold when a soak is over, each as a sentence that holds or does not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.keys import parse_record_key
from functions.shared.core.quarantine import quarantine_id
from infra.lienthong import context, stats, tables, truth
from infra.lienthong.conservation import LEDGER, Extra, State, held
from infra.lienthong.conservation import Sent as Account
from infra.lienthong.console import Console
from infra.lienthong.messages import Message
from infra.lienthong.tables import Patience
from infra.lienthong.verification import Verifier
from tests.bench.sides import Say
from tests.bench.soak.flow import Flow
from tests.e2e.conftest import Deployed

GIVEN_UP: Final = "gave-up"
PATIENCE: Final = 600.0
_MOST_SHOWN: Final = 5

Published = tuple[str, Message]
"""The queue that a message was sent to, and the message."""


@dataclass(slots=True)
class Findings:
    """The sentences, and for those that do not hold what is wrong."""

    holds: list[str] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)

    def check(self, sentence: str, wrong: Iterable[str]) -> None:
        """Notes a sentence with what speaks against it."""
        if found := list(wrong):
            self.broken[sentence] = found
        else:
            self.holds.append(sentence)

    def tell(self, say: Say) -> None:
        """All of them, for people."""
        for sentence in self.holds:
            say(f"holds           {sentence}")
        for sentence, wrong in self.broken.items():
            say(f"DOES NOT HOLD   {sentence}")
            for what in wrong[:_MOST_SHOWN]:
                say(f"                {what}")
            if (more := len(wrong) - _MOST_SHOWN) > 0:
                say(f"                ... and {more:,} more.")


def archive_of(stack: Deployed) -> Archive:
    """The tables of the soak's stack."""
    return tables.archive_of(context.read_outputs(stack.site.outputs_file))


def before(stack: Deployed) -> set[Extra]:
    """What the tables hold before anything is published: the registry's events."""
    return set(held(archive_of(stack)))


def given_up(stack: Deployed, published: Iterable[Published]) -> list[Published]:
    """The messages that a queue gave up on and whose entry is open, to be sent once more."""
    by_entry = {quarantine_id(queue, m.body.decode()): (queue, m) for queue, m in published}
    found = []
    for item in archive_of(stack).all_quarantined(("quarantine_id", "reasons", "status")):
        plain = from_item(item)
        codes = {reason["code"] for reason in plain["reasons"]}
        if GIVEN_UP in codes and plain["status"] == "open" and plain["quarantine_id"] in by_entry:
            found.append(by_entry[plain["quarantine_id"]])
    return found


def examined(
    stack: Deployed,
    flow: Flow,
    published: Iterable[Published],
    gave_up: Iterable[Published],
    there_before: set[Extra],
    say: Say,
) -> Findings:
    """Every event looked for, every hash recomputed, every record held against the truth."""
    archive, found, console = archive_of(stack), Findings(), Console(quiet=True)
    say("Looking for every event.")
    account = Account()
    try:
        for queue, messages in by_queue(published).items():
            account.add(messages, queue)
        described = context.read_outputs(stack.site.outputs_file)
        stats.wait(account, described, archive, console, PATIENCE)
        result = stats.conservation(account, archive, exact=True)
    finally:
        account.close()
    found.counts["events"] = sum(row.events for row in result.rows)
    found.counts["messages"] = sum(row.messages for row in result.rows)
    found.counts["states"] = {state.value: result.count(state) for state in State}
    found.check(
        f"Of {found.counts['events']:,} distinct events in {found.counts['messages']:,} messages"
        " each is in the ledger or in quarantine, and in one of them alone.",
        (f"{o.place} of {o.queue}: {o.state.value}" for o in result.offences),
    )
    found.check(
        "Ledger and quarantine hold nothing that was not sent.",
        (f"{e.table}: {e.key}" for e in result.extras if e not in there_before),
    )
    say("Holding the records against what is true of the city.")
    records = truth.compared(flow.city.records, archive, _others(archive, there_before))
    found.counts["records"] = dict(records.expected)
    found.check(
        f"All {records.true.total():,} records of the city show what is true of it.",
        (f"{u.kind} {u.key}: {', '.join(u.fields) or 'missing'}" for u in records.untrue),
    )
    refusals = truth.refusals(flow.bad, archive, Patience(PATIENCE))
    found.counts["refused"] = dict(refusals.refused)
    # An entry keeps the reasons with which it was made. Whoever made it when the queue gave up
    # knows neither registry nor clock.
    first = {quarantine_id(queue, message.body.decode()) for queue, message in gave_up}
    found.check(
        f"Each of {refusals.expected.total():,} bad messages is kept for what is wrong with it, or"
        " as given up on where that came first.",
        (
            f"{bad.file}:{bad.line} should be {bad.code}: {what}"
            for bad, what in refusals.other
            if not (what.split()[0] == GIVEN_UP and bad.entry in first)
        ),
    )
    say("Verifying everything.")
    outcome = Verifier(archive, Patience(PATIENCE), time.sleep).everything(lambda _: None)
    found.check(
        f"Every hash of {outcome.records:,} records can be recomputed, and each record is the"
        " fold of its entries.",
        (f"{finding.of}: {finding.faults}" for finding in outcome.findings),
    )
    return found


def by_queue(published: Iterable[Published]) -> Mapping[str, list[Message]]:
    """The messages of each queue, in their order."""
    found: dict[str, list[Message]] = {}
    for queue, message in published:
        found.setdefault(queue, []).append(message)
    return found


def _others(archive: Archive, there_before: set[Extra]) -> set[tuple[str, str]]:
    """The records about which others than the city have spoken: agencies of the seed."""
    uids = {extra.key for extra in there_before if extra.table == LEDGER}
    entries = archive.events(uids, Patience(PATIENCE), ("event_uid", "record_key"))
    return {parse_record_key(entry["record_key"]["S"]) for entry in entries}
