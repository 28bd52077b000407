"""Quarantine entries as people and programs read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, cast

from functions.shared.core.cases import OPEN, Entry, Followed, Step
from functions.shared.core.marking import Line, marked
from infra.lienthong.console import Console, Json, counted, markup
from infra.lienthong.provenance import local
from infra.lienthong.tables import short

SHORT_ID: Final = 12
_STATUS_STYLE: Final = {"open": "yellow", "replayed": "cyan", "resolved": "green"}
DID: Final = {
    "replayed": "replayed as it was",
    "corrected": "corrected and replayed",
    "dismissed": "dismissed",
}


def entry_document(entry: Entry) -> dict[str, Any]:
    """An entry for programs, without its body."""
    values: dict[str, Any] = {
        "quarantine_id": entry.id,
        "queue": entry.queue,
        "status": entry.status,
        "received_at": entry.received_at,
        "seen": entry.seen,
        "source": entry.source,
        "event_id": entry.event_id,
        "sender": entry.sender,
        "reasons": [dict(reason.as_json()) for reason in entry.reasons],
        "reasons_count": entry.reasons_count or len(entry.reasons),
        "replays": entry.replays,
        "steps": [step.as_json() for step in entry.steps],
        "closed_at": entry.closed_at,
        "closed_by": entry.closed_by,
        "closed_because": entry.closed_because,
    }
    return {name: value for name, value in values.items() if value is not None}


def status(entry: Entry) -> str:
    """The status, styled; an open entry whose replay was begun says so."""
    style = _STATUS_STYLE.get(entry.status, "dim")
    more = " (replay begun)" if entry.underway is not None else ""
    return f"[{style}]{entry.status}[/]{more}"


def tell_list(entries: Sequence[Entry], more: str | None, console: Console) -> None:
    """Entries as a table, newest first."""
    console.table(
        ("received", "id", "queue", "source", "status", "first reason", "at"),
        (
            (
                local(entry.received_at),
                entry.id[:SHORT_ID],
                entry.queue,
                markup(short(entry.source or "-")),
                status(entry),
                entry.reason + (f" +{_further(entry)}" if _further(entry) else ""),
                markup(entry.reasons[0].path if entry.reasons else ""),
            )
            for entry in entries
        ),
    )
    if more is not None:
        console.say(f"\nThere is more: add --after {more}")


def _further(entry: Entry) -> int:
    return (entry.reasons_count or len(entry.reasons)) - 1


def tell_counts(by: Sequence[str], counts: Counter[tuple[str, ...]], console: Console) -> None:
    """Counts as a table, the largest first."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    console.table(
        (*by, "entries"),
        ((*map(markup, names), f"{count:,}") for names, count in rows),
        right=("entries",),
    )


def tell_entry(
    entry: Entry, steps: Sequence[Followed], led: Sequence[Entry], console: Console, *, whole: bool
) -> None:
    """One entry whole: what it is, its body with every error marked, what led to it and followed.

    `led` are the entries that it replays, the nearest first.
    """
    console.say(f"[bold]{entry.id}[/]  {status(entry)}")
    rows = [
        ("queue", entry.queue),
        ("received", f"{local(entry.received_at)}, seen {counted(entry.seen, 'time')}"),
        ("source", markup(entry.source or "not readable")),
        ("event", markup(entry.event_id or "not readable")),
        ("sender", markup(entry.sender or "not known")),
    ]
    if entry.closed_at is not None:
        closed = f"{local(entry.closed_at)} by {entry.closed_by}: {entry.closed_because}"
        rows.append(("closed", markup(closed)))
    for name, value in rows:
        console.say(f"{name:<10}{value}")
    console.say()
    if entry.body is None:
        console.say("Its body holds fields that you may not see. What is wrong with it:")
        for reason in entry.reasons:
            console.say(styled(Line(f"  {reason.path or '(the whole)'}", reason)))
    for line in marked(entry.body, entry.reasons, whole=whole) if entry.body is not None else ():
        console.say(styled(line))
    missing = (entry.reasons_count or 0) - len(entry.reasons)
    if missing > 0:
        console.say(f"... and {counted(missing, 'more reason')}.")
    for earlier in led:
        console.say(f"\nIt replays {earlier.id}, refused on {local(earlier.received_at)}:")
        tell_steps([Followed(step, None) for step in earlier.steps], console)
    if steps:
        console.say("\n[bold]What was done[/]")
        tell_steps(steps, console)
    elif entry.status == OPEN:
        console.say("\nNothing was done about it yet.")
    console.say("\nTimes are Vietnam time.")


def styled(line: Line) -> str:
    """A line of a body for the terminal."""
    if line.marks is None:
        return markup(line.text)
    reason = line.marks
    code = f"{reason.code}/{reason.error}" if reason.error else reason.code
    return f"[red]{markup(line.text)} {code}:[/] {markup(reason.text)}"


def tell_steps(steps: Sequence[Followed], console: Console) -> None:
    """Who did what, when and why."""
    for step, outcome in ((one.step, one.outcome) for one in steps):
        after = f"  [dim]{markup(outcome)}[/]" if outcome else ""
        console.say(f"  {local(step.at)}  {DID[step.did]} by {markup(step.by)}{after}")
        console.say(f"      {markup(step.why)}")
        if step.event_id is not None and step.did == "corrected":
            console.say(f"      as the event {markup(step.event_id)}")


def entry_whole_document(entry: Entry, steps: Sequence[Followed], led: Sequence[Entry]) -> Json:
    """One entry whole for programs."""
    document = entry_document(entry) | {
        "body": entry.body,
        "steps": [
            step_document(one.step) | ({"outcome": one.outcome} if one.outcome else {})
            for one in steps
        ],
        "led_to_it": [entry_document(earlier) for earlier in led],
    }
    return cast(Json, document)


def step_document(step: Step) -> dict[str, str]:
    """A step for programs."""
    return step.as_json()
