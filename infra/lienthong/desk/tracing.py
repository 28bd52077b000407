"""What of the quarantine led to the events of a record, for its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.shared.core.cases import Entry
from infra.lienthong.console import Console, markup
from infra.lienthong.context import Stack
from infra.lienthong.desk.opened import opened
from infra.lienthong.desk.telling import DID, entry_document
from infra.lienthong.provenance import local

Traces = Mapping[str, Sequence[Entry]]
"""By event_uid, the entries that led to the event, oldest first."""
NO_TRACES: Final[Traces] = {}


def traces_of(stack: Stack, uids: Sequence[str]) -> Traces:
    """The traces of events in the quarantine; most events have none."""
    with opened(stack) as desk:
        return desk.traces(uids)


def tell_trace(entries: Sequence[Entry], console: Console) -> None:
    """How an event came out of the quarantine, below its ledger entry."""
    for entry in entries:
        console.say(
            f"   [yellow]quarantine[/] {entry.id[:12]}  {local(entry.received_at)} refused "
            f"({entry.reason}), now {entry.status}"
        )
        for step in entry.steps:
            console.say(
                f"      {local(step.at)} {DID[step.did]} by {markup(step.by)}: {markup(step.why)}"
            )


def traces_document(traces: Traces) -> list[dict[str, Any]]:
    """The traces for programs."""
    return [
        {"event_uid": uid, "entries": [entry_document(entry) for entry in entries]}
        for uid, entries in traces.items()
    ]
