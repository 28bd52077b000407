"""`lienthong erase`: a value leaves the record and its ledger entries, and the chain holds."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.adapters.erasure import DynamoErasure
from functions.shared.core.canonical import canonical
from functions.shared.core.erasure import (
    PAIR,
    Erasure,
    Stated,
    erasable,
    plan_erasure,
    stated_values,
)
from functions.shared.core.errors import Conflict
from functions.shared.core.events import Json as Value
from functions.shared.core.instants import instant
from functions.shared.core.kinds import KINDS
from functions.shared.core.ledger import LedgerEntry
from infra.lienthong import context
from infra.lienthong.console import Console, Json, markup
from infra.lienthong.keys import WORDS, RecordName, named
from infra.lienthong.problems import Exit, Misuse, Refused
from infra.lienthong.provenance import is_family, readable
from infra.lienthong.tables import Patience, archive_of, reached
from infra.lienthong.verification import Verifier

_LONGEST_REASON = 500
NOT_COVERED = (
    "Not covered: refused messages in quarantine, point-in-time backups, files that were sent and "
    "whatever other systems have read. The record's key, event ids and field names stay."
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`erase KIND KEY FIELD --reason TEXT` and its options."""
    parser = commands.add_parser(
        "erase",
        help="erase a value from a record and its ledger entries",
        description="Erase a value that an event stated: from every entry of the record that "
        "holds it in FIELD, and from the record. It cannot be undone.",
    )
    parser.add_argument("kind", metavar="KIND", choices=WORDS, help=", ".join(WORDS))
    parser.add_argument("key", metavar="KEY", help="its key, leading zeros included")
    parser.add_argument("field", metavar="FIELD", help="the field, as `history` names it")
    parser.add_argument(
        "--reason", required=True, metavar="TEXT", help="why; it is kept beside the entries"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--version", type=int, metavar="N", help="the value that entry N states (see `history`)"
    )
    which.add_argument(
        "--value-of", nargs="+", metavar="EVENT_ID", help="the values that these events state"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Erase; `Refused` where there is no such value, or where the record does not verify."""
    name = named(options.kind, options.key)
    _check(options, console)
    stack = context.resolve(options)
    archive = archive_of(stack)
    with reached():
        entries, items = _agreeing(archive, name)
        values = _chosen(entries, options)
        _check_reason(options.reason, values)
        erasure = plan_erasure(name.kind, name.key, entries, options.field, values)
        store = DynamoErasure(stack.dynamodb, archive.records[name.kind], archive.ledger)
        if not store.fits(erasure):
            raise Refused(
                f"{len(erasure.entries):,} entries of {name} hold the value, and one transaction "
                "takes 99 of them and 3.5 MB at most. Nothing was erased, for an erasure is done "
                "whole or not at all."
            )
        if not options.yes and not _confirmed(name, erasure, values, console):
            console.note("Nothing was erased.")
            return Exit.FINDINGS
        loaded = {item["event_uid"]["S"]: item for item in items}
        try:
            store.write(erasure, loaded, at=instant(datetime.now(UTC)), because=options.reason)
        except Conflict:
            raise Refused(
                f"{name} was written while its value was being erased, or the answer was lost. "
                "Run the command again: it looks anew at what is there."
            ) from None
        copies = _quarantined(archive, erasure)
    _tell(name, erasure, copies, console)
    return Exit.OK


def _check(options: argparse.Namespace, console: Console) -> None:
    if not erasable(options.field):
        raise Misuse(
            "A replaced id is part of the field's own name, which cannot be erased. Annul the "
            "statement with an event instead."
        )
    reason = options.reason.strip()
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise Misuse(f"Give a reason of 1 to {_LONGEST_REASON} printable characters.")
    if not options.yes and (console.as_json or not sys.stdin.isatty()):
        raise Misuse("Nobody can be asked here whether to erase. Add --yes if you are sure.")


def _check_reason(reason: str, values: Sequence[Value]) -> None:
    if any(isinstance(value, str) and value.casefold() in reason.casefold() for value in values):
        raise Misuse("The reason repeats the value that is to go. Say why without it.")


def _agreeing(archive: Archive, name: RecordName) -> tuple[list[LedgerEntry], Sequence[Item]]:
    look = Verifier(archive, Patience(), time.sleep).look(name.kind, name.key)
    if look.item is None and not look.entries:
        raise Refused(f"There is no record {name}. Check the key.")
    if look.faults:
        raise Refused(
            f"{name} does not agree with its ledger, so nothing was erased: an erasure would "
            f"hide that. `lienthong verify {name.key}` names what does not agree."
        )
    entries = [entry_from_item(item) for item in look.entries]
    return sorted(entries, key=lambda entry: entry.version), look.entries


def _chosen(entries: Sequence[LedgerEntry], options: argparse.Namespace) -> list[Value]:
    """The values that are to go, each once; `Refused` where it is not clear which."""
    stated = stated_values(entries, options.field)
    if not stated:
        # A step's or a replaced id's name holds an id; that is for stdout (`history`) alone.
        fields = sorted(
            {c.field for entry in entries for c in entry.changes if not is_family(c.field)}
        )
        raise Refused(
            f"No entry states a value of {options.field} that is still there. The record's "
            f"entries speak of: {', '.join(fields) or 'steps alone'}."
        )
    if options.version is not None:
        found = [entry for entry in stated if entry.version == options.version]
        if not found:
            raise Refused(
                f"Entry {options.version} states no value of {options.field}. {_where(stated)}"
            )
        return _distinct(found)
    if options.value_of:
        return _distinct(
            [s for event in options.value_of for s in _of_event(stated, event, options)]
        )
    values = _distinct(stated)
    if len(values) > 1:
        raise Refused(
            f"Several values of {options.field} were stated. Say which one with --version or "
            f"--value-of. {_where(stated)}"
        )
    return values


def _of_event(stated: Sequence[Stated], event: str, options: argparse.Namespace) -> list[Stated]:
    found = [s for s in stated if event in (s.event_uid, s.event_uid.partition("#")[2])]
    if not found:
        raise Refused(f"The event {event} states no value of {options.field}. {_where(stated)}")
    if len(found) > 1:
        raise Refused(
            f"Several sources have an event {event}. Name one as <source>#<id>: "
            f"{', '.join(s.event_uid for s in found)}."
        )
    return found


def _where(stated: Sequence[Stated]) -> str:
    return f"Entries that state one: {', '.join(str(entry.version) for entry in stated)}."


def _distinct(stated: Sequence[Stated]) -> list[Value]:
    return list({canonical(entry.value): entry.value for entry in stated}.values())


def _confirmed(
    name: RecordName, erasure: Erasure, values: Sequence[Value], console: Console
) -> bool:
    console.say(f"[bold]{markup(str(name))}[/]  {markup(erasure.field)}")
    for value in values:
        console.say(f"  {markup(readable(value))}")
    versions = ", ".join(str(entry.was.version) for entry in erasure.entries)
    console.say(f"This would go from the record and from its entries {versions}, for good.")
    return console.out.input("Type [bold]erase[/] to go on: ").strip() == "erase"


def _quarantined(archive: Archive, erasure: Erasure) -> list[str]:
    """Quarantine entries of the events whose values went; their bodies may still hold them."""
    events = {entry.was.event_uid for entry in erasure.entries}
    names = ("quarantine_id", "source", "event_id")
    return [
        item["quarantine_id"]["S"]
        for item in archive.all_quarantined(names)
        if f"{item.get('source', {}).get('S')}#{item.get('event_id', {}).get('S')}" in events
    ]


def _tell(name: RecordName, erasure: Erasure, copies: Sequence[str], console: Console) -> None:
    kind = KINDS[name.kind]
    if console.as_json:
        found: Any = {
            "kind": kind.name,
            "key": name.key,
            "field": erasure.field,
            "entries": [
                {"version": e.was.version, "event_uid": e.was.event_uid, "erased": e.what}
                for e in erasure.entries
            ],
            "quarantine_copies": list(copies),
            "not_covered": NOT_COVERED,
        }
        console.document(cast(Json, found))
        return
    console.say(f"Erased from {markup(str(name))}, field {markup(erasure.field)}:")
    console.table(
        ("entry", "event", "what went"),
        (
            (
                str(entry.was.version),
                markup(entry.was.event_uid),
                "what it stated and what was before" if entry.what == PAIR else "what was before",
            )
            for entry in erasure.entries
        ),
        right=("entry",),
    )
    console.say(NOT_COVERED)
    if copies:
        console.say(f"In quarantine are messages of these events: {', '.join(copies)}.")
    console.say(f"`lienthong verify {markup(name.key)}` checks the record again.")
