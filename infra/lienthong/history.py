"""`lienthong history`: a record's ledger entries in their order, each change with its outcome.

With `--json` the documents are plain: whoever reads them can recompute every hash from the
rules of the contract alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final, cast

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.adapters.erasure import NOTES
from functions.shared.core.lanes import Change
from functions.shared.core.ledger import LedgerEntry, commit, salt_of
from infra.lienthong import context
from infra.lienthong.console import Console, Json, counted, markup
from infra.lienthong.desk.tracing import (
    NO_TRACES,
    Traces,
    tell_trace,
    traces_document,
    traces_of,
)
from infra.lienthong.keys import RecordName, add_kind_option, recognised
from infra.lienthong.problems import Exit, Problem, Refused
from infra.lienthong.provenance import local, readable
from infra.lienthong.tables import Patience, archive_of, reached, short
from schemas.event_types import PREFIX

_OUTCOMES: Final = {"applied": "green", "superseded": "dim"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`history KEY` and its options."""
    parser = commands.add_parser(
        "history",
        help="show the ledger entries of a record",
        description="Show what each event did to a record, oldest entry first.",
    )
    parser.add_argument("key", metavar="KEY", help="the record's key; its form tells the kind")
    add_kind_option(parser)
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show the entries; `Exit.FINDINGS` if one of them cannot be read."""
    name = recognised(options.key, options.kind)
    stack = context.resolve(options)
    with reached():
        items = entry_items(archive_of(stack), name)
    entries, damaged = understood(items)
    traces = traces_of(stack, [entry.event_uid for entry in entries])
    if console.as_json:
        console.document(document(name, entries, items, traces))
    else:
        tell(name, entries, items, console, traces)
    if damaged:
        console.complain(
            Problem(
                f"{damaged} ledger entries of {name} do not have the stored form. `lienthong "
                f"verify {name.key}` names what does not agree."
            )
        )
        return Exit.FINDINGS
    return Exit.OK


def entry_items(archive: Archive, name: RecordName) -> list[Item]:
    """The items of the record's entries; `Refused` where there is none."""
    items = archive.entry_items(name.kind, name.key, Patience())
    if not items:
        raise Refused(
            f"The ledger has no entry of {name}. Check the key; if an event about it was sent, "
            "`lienthong stats` tells whether it was refused."
        )
    return items


def understood(items: Sequence[Item]) -> tuple[list[LedgerEntry], int]:
    """The entries in the order of their versions, and how many items are none."""
    entries, damaged = [], 0
    for item in items:
        try:
            entries.append(entry_from_item(item))
        except ValueError:
            damaged += 1
    return sorted(entries, key=lambda entry: (entry.version, entry.event_uid)), damaged


def document(
    name: RecordName,
    entries: Sequence[LedgerEntry],
    items: Sequence[Item],
    traces: Traces = NO_TRACES,
) -> Json:
    """The record's chain as plain documents, what was noted of erasures, and the steps that led
    events out of quarantine."""
    notes = [
        {"version": plain.get("version"), **note}
        for plain in (from_item(item) for item in items if NOTES in item)
        for note in plain[NOTES]
    ]
    return {
        "kind": name.kind,
        "key": name.key,
        "entries": [entry_document(entry) for entry in entries],
        "erasures": cast(Json, sorted(notes, key=lambda note: (note["at"], note["version"]))),
        "quarantine": cast(Json, traces_document(traces)),
    }


def entry_document(entry: LedgerEntry) -> Json:
    """The entry as the contract describes it: salts and hashes in hex, changes with commits."""
    found: Any = {
        "event_uid": entry.event_uid,
        "record_key": entry.record_key,
        "version": entry.version,
        "prev": entry.prev,
        "entry_hash": entry.entry_hash,
        "event": entry.event.as_json(),
        "sender": entry.sender,
        "recorded_at": entry.recorded_at,
        "outcome": entry.outcome.value,
        "changes_digest": entry.changes_digest,
        "changes": [_change(entry, change) for change in entry.changes],
    }
    if entry.salt is not None:
        found["salt"] = entry.salt.hex()
    else:
        found["salts"] = dict(entry.salts or {})
    return cast(Json, found)


def _change(entry: LedgerEntry, change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"field": change.field, "rank": change.rank, "won": change.won}
    if change.erased is None:
        found |= {"before": change.before, "stated": change.stated}
        salt = salt_of(entry, change.field)
        if salt is not None:
            found["commit"] = commit(salt, change.before, change.stated)
        return found
    if change.erased == "before":
        found["stated"] = change.stated
    return {**found, "commit": change.commit, "erased": change.erased}


def tell(
    name: RecordName,
    entries: Sequence[LedgerEntry],
    items: Sequence[Item],
    console: Console,
    traces: Traces = NO_TRACES,
) -> None:
    """The entries for people, times in Vietnam time."""
    console.say(f"[bold]{name.kind} {markup(name.key)}[/]  {counted(len(entries), 'ledger entry')}")
    for entry in entries:
        event = entry.event
        style = _OUTCOMES[entry.outcome.value]
        what = event.type.removeprefix(PREFIX)
        console.say(
            f"\n[bold]{entry.version}[/]  [{style}]{entry.outcome.value}[/]  {markup(what)}  from "
            f"{markup(short(event.source))}, event {markup(event.id)}"
        )
        sequence = f", sequence {event.sequence}" if event.sequence is not None else ""
        console.say(
            f"   stated {local(event.time)}{sequence}; recorded {local(entry.recorded_at)}; "
            f"hash {entry.entry_hash[:16]}…"
        )
        tell_trace(traces.get(entry.event_uid, ()), console)
        console.table(
            ("   field", "rank", "", "before", "", "stated"),
            (_row(change) for change in entry.changes),
            right=("rank",),
        )
    _tell_erasures(items, console)
    console.say("\nTimes are Vietnam time.")


def _row(change: Change) -> Sequence[str]:
    before, stated = markup(readable(change.before)), markup(readable(change.stated))
    if change.erased is not None:
        before = "[magenta]erased[/]"
    if change.erased == "pair":
        stated = "[magenta]erased[/]"
    elif change.erased is None and change.stated is None:
        stated = "[dim]withdrawn[/]"
    if change.erased is None and change.before is None:
        before = "[dim]nothing[/]"
    won = "[green]won[/]" if change.won else "[dim]lost[/]"
    return ("   " + markup(change.field), str(change.rank), won, before, "->", stated)


def _tell_erasures(items: Sequence[Item], console: Console) -> None:
    notes: list[Any] = [
        (plain["version"], note)
        for plain in (from_item(item) for item in items if NOTES in item)
        for note in plain[NOTES]
    ]
    if not notes:
        return
    console.say("\n[bold]Erased[/]")
    console.table(
        ("entry", "when", "field", "why"),
        (
            (str(version), local(note["at"]), markup(note["field"]), markup(note["because"]))
            for version, note in sorted(notes, key=lambda found: (found[1]["at"], found[0]))
        ),
        right=("entry",),
    )
