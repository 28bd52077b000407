"""`lienthong history`: a record's ledger entries in their order, each change with its outcome.

With `--json` the documents are plain: whoever reads them can recompute every hash from the
rules of the contract alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final, cast

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.adapters.erasure import NOTES
from functions.shared.core.kinds import AGENCY
from functions.shared.core.lanes import Change
from functions.shared.core.ledger import LedgerEntry, commit, salt_of
from infra.lienthong import asking, context, directly
from infra.lienthong.api import Api, Document, in_path
from infra.lienthong.console import Console, Json, counted, markup
from infra.lienthong.desk.tracing import (
    NO_TRACES,
    Traces,
    tell_trace,
    traces_document,
    traces_of,
)
from infra.lienthong.directly import broken_glass
from infra.lienthong.keys import WORDS, RecordName, add_kind_option, recognised
from infra.lienthong.lookups import RECORD_ID, by_name, is_record_id, pages
from infra.lienthong.moments import FORMS, from_moment, to_moment
from infra.lienthong.problems import Exit, Misuse, Problem, Refused
from infra.lienthong.provenance import local, readable
from infra.lienthong.record_answers import Reader, tell_record
from infra.lienthong.tables import Patience, archive_of, reached, short
from schemas.event_types import PREFIX

_COLUMNS: Final = ("   field", "rank", "", "before", "", "stated")
_OUTCOMES: Final = {"applied": "green", "superseded": "dim"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`history KEY` and its options."""
    parser = commands.add_parser(
        "history",
        help="show what changed in a record, or how it was known at a time",
        description="Show what each event did to a record, oldest first; with --at, the record as "
        "it was known then. People, cards and dossiers are asked for through the API, as far as "
        "your role may see them, and the look is noted. The ledger entries themselves, with all "
        "that is needed to recompute every hash, are read with --direct.",
        epilog="A record is found by its key with a lookup, which is noted as well; the opaque "
        "record id that answers have saves it.",
    )
    parser.add_argument(
        "word",
        metavar="KIND",
        nargs="?",
        choices=WORDS,
        help=f"{', '.join(WORDS)}; may be left out",
    )
    parser.add_argument(
        "key", metavar="KEY", help=f"the record's key, whose form tells the kind, or {RECORD_ID}"
    )
    add_kind_option(parser)
    parser.add_argument(
        "--at", type=to_moment, metavar="T", help=f"the record as it was known then: {FORMS}"
    )
    parser.add_argument(
        "--from", dest="since", type=from_moment, metavar="T", help="only what changed since"
    )
    parser.add_argument(
        "--to", dest="until", type=to_moment, metavar="T", help="only what changed until"
    )
    directly.add_as_option(parser)
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show the changes; `Exit.FINDINGS` if an entry of the ledger cannot be read."""
    ranged = options.since or options.until
    if options.at and ranged:
        raise Misuse("--at is one time, --from and --to are two: use one or the others.")
    word = options.kind or options.word
    name = None if is_record_id(options.key) else recognised(options.key, word)
    if options.direct or (name is not None and name.kind == AGENCY.name):
        if options.at or ranged:
            raise Misuse("--at, --from and --to are for the API. Leave them out of a direct read.")
        if name is None:
            raise Misuse("The tables know no opaque ids. Give the record's key.")
        if not options.direct:
            return _from_ledger(name, options, console)
        with broken_glass(console):
            return _from_ledger(name, options, console)
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API what changed in the record, or how it was known, and show it."""
    reader = Reader.of(api)
    if is_record_id(options.key):
        record, title = options.key, f"record {options.key}"
    else:
        name = recognised(options.key, options.kind or options.word)
        _, found = by_name(api, name)
        record, title = str(found.get("record")), f"{name.kind} {name.key}"
    path = f"/v1/records/{in_path(record)}/history"
    if options.at:
        answer = api.get(path, at=options.at)
        if console.as_json:
            console.document(answer.document)
            return Exit.OK
        console.say(f"As it was known at {local(str(answer.document.get('at')))}:")
        tell_record(answer.document, reader, console, title=markup(title))
    else:
        span = {"from": options.since, "to": options.until}
        answer, changes, _ = pages(
            lambda cursor: api.get(path, **span, cursor=cursor), sys.maxsize, "changes"
        )
        if console.as_json:
            console.document({"record": record, "changes": changes})
            return Exit.OK
        tell_changes(changes, reader, console, title=title)
    asking.tell_trace(api, answer, console)
    return Exit.OK


def tell_changes(
    changes: Sequence[Document], reader: Reader, console: Console, *, title: str
) -> None:
    """What events did to a record, as the API tells it."""
    console.say(f"[bold]{markup(title)}[/]  {counted(len(changes), 'change')}")
    for change in changes:
        event, outcome = change.get("event") or {}, str(change.get("outcome"))
        style = _OUTCOMES.get(outcome, "bold")
        console.say(
            f"\n[bold]{change.get('version')}[/]  [{style}]{markup(outcome)}[/]  "
            f"{markup(str(event.get('type')).removeprefix(PREFIX))}  from "
            f"{markup(short(str(event.get('source'))))}"
        )
        console.say(
            f"   stated {local(str(event.get('time')))}; recorded "
            f"{local(str(change.get('recorded_at')))}"
        )
        console.table(
            _COLUMNS,
            (_told(field, reader) for field in change.get("fields") or ()),
            right=("rank",),
        )


def _told(field: Document, reader: Reader) -> Sequence[str]:
    name = "   " + markup(str(field.get("field")))
    if field.get("masked"):
        return (name, "", "", "", "", reader.cell("", field))
    return _cells(
        name,
        field.get("rank"),
        field.get("won"),
        field.get("before"),
        field.get("stated"),
        field.get("erased"),
    )


def _from_ledger(name: RecordName, options: argparse.Namespace, console: Console) -> Exit:
    """Show the entries as the ledger has them."""
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
            _COLUMNS,
            (_row(change) for change in entry.changes),
            right=("rank",),
        )
    _tell_erasures(items, console)
    console.say("\nTimes are Vietnam time.")


def _row(change: Change) -> Sequence[str]:
    name, rank, won, before, stated, _, erased = change
    return _cells("   " + markup(name), rank, won, before, stated, erased)


def _cells(
    name: str, rank: Any, won: Any, was: Any, said: Any, erased: str | None
) -> Sequence[str]:
    before, stated = markup(readable(was)), markup(readable(said))
    if erased is not None:
        before = "[magenta]erased[/]"
    if erased == "pair":
        stated = "[magenta]erased[/]"
    elif erased is None and said is None:
        stated = "[dim]withdrawn[/]"
    if erased is None and was is None:
        before = "[dim]nothing[/]"
    mark = "[green]won[/]" if won else "[dim]lost[/]"
    return (name, str(rank), mark, before, "->", stated)


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
