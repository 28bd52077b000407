"""`lienthong receipt`: what became of an event, and whether it is the event that was published."""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.shared.core.canonical import canonical, sha256_hex
from functions.shared.core.kinds import REPLACES, STEP
from infra.lienthong import asking
from infra.lienthong.api import Api, Document
from infra.lienthong.console import Console, Json, markup
from infra.lienthong.messages import messages_of
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.provenance import local
from infra.lienthong.tables import short
from schemas.envelope import CORE
from schemas.event_types import PREFIX

EVENTS: Final = "/v1/events"
_STYLES: Final = {"applied": "green", "superseded": "yellow", "quarantined": "red"}
_AGENCIES: Final = "/agencies/"
_FAMILIES: Final = frozenset({STEP, REPLACES})
"""What is left of a field's name where the rest is another agency's: it cannot be recomputed."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`receipt SOURCE EVENT_ID` and its options."""
    parser = commands.add_parser(
        "receipt",
        help="show what became of an event",
        description="Show an event's receipt: applied, superseded or quarantined, and why; what "
        "it changed; its place in the ledger and the hashes that hold it there. No value of a "
        "field is in a receipt.",
        epilog="With --event the publisher checks that the ledger holds the very event they sent: "
        "SHA-256 of the receipt's event_salt and the canonical JSON (RFC 8785) of the event's "
        "core must be its event_digest.",
    )
    parser.add_argument("source", metavar="SOURCE", help="H26.12 or /agencies/H26.12")
    parser.add_argument("event_id", metavar="EVENT_ID", help="the event's id, as it was sent")
    parser.add_argument(
        "--event",
        metavar="FILE",
        help="the event as it was sent (JSON or NDJSON that has it; - reads stdin): check it",
    )
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show the receipt; `Exit.FINDINGS` if the event is quarantined or does not agree."""
    core = core_sent(options)
    return ask(asking.opened(options), options, console, core)


def ask(api: Api, options: argparse.Namespace, console: Console, core: bytes | None = None) -> Exit:
    """Ask the API for the receipt, check it and show it; `core` is the publisher's event."""
    answer = api.get(EVENTS, source=whole(options.source), id=options.event_id)
    receipt = answer.document
    findings = checked(receipt, core)
    if console.as_json:
        told: Json = [{"agrees": agrees, "text": text} for agrees, text in findings]
        console.document({**receipt, "checks": told})
    else:
        tell(receipt, findings, console)
        asking.tell_trace(api, answer, console)
    sound = all(agrees for agrees, _ in findings)
    return Exit.OK if sound and receipt.get("state") != "quarantined" else Exit.FINDINGS


def whole(source: str) -> str:
    """`/agencies/H26.12` of `H26.12`."""
    return source if source.startswith("/") else _AGENCIES + source


def core_sent(options: argparse.Namespace) -> bytes | None:
    """The canonical core of the event in the file that --event names."""
    if options.event is None:
        return None
    source = whole(options.source)
    for message in messages_of([options.event]):
        try:
            event = json.loads(message.body)
        except ValueError:
            continue
        if (
            isinstance(event, dict)
            and event.get("source") == source
            and event.get("id") == options.event_id
        ):
            return core_of(event)
    raise Misuse(
        f"{options.event} has no event with this source and id. Name the file that was sent."
    )


def core_of(event: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an event's core, over which its digest is taken."""
    try:
        return canonical({name: event[name] for name in CORE if event.get(name) is not None})
    except ValueError:
        raise Misuse(
            "The event has no canonical JSON form (a lone surrogate in it), so it has no digest."
        ) from None


def checked(receipt: Document, core: bytes | None) -> list[tuple[bool, str]]:
    """What can be recomputed from a receipt, and whether it agrees, as sentences."""
    found: list[tuple[bool, str]] = []
    changes = receipt.get("changes")
    if receipt.get("changes_digest") and isinstance(changes, list):
        listed = [[c["field"], c["rank"], c["won"], c["commit"]] for c in changes]
        whole = not any(c["field"] in _FAMILIES for c in changes)
        if whole and sha256_hex(canonical(listed)) != receipt["changes_digest"]:
            found.append((False, "The changes are not those of the changes digest."))
    if core is not None:
        found.append(_compared(core, receipt.get("event_digest"), receipt.get("event_salt")))
    return found


def _compared(core: bytes, digest: str | None, salt: str | None) -> tuple[bool, str]:
    """Whether the core is that of the event whose salted digest a receipt has."""
    if digest is None:
        return False, "The ledger does not have this event, so there is no digest of it."
    if salt is None:
        return False, (
            "A value of this event was erased, and the salt of its digest with it: the event can "
            "no longer be checked."
        )
    if hmac.compare_digest(hashlib.sha256(bytes.fromhex(salt) + core).hexdigest(), digest):
        return True, "The ledger holds this very event: its digest agrees with yours."
    return False, (
        "The ledger holds another event under this source and id: its digest is not that of the "
        "file. Compare with what was sent first."
    )


def tell(receipt: Document, findings: Sequence[tuple[bool, str]], console: Console) -> None:
    """The receipt for people."""
    state = str(receipt.get("state"))
    style = _STYLES.get(state, "bold")
    console.say(
        f"[bold]{markup(short(str(receipt.get('source'))))}[/]  event "
        f"{markup(str(receipt.get('id')))}  [{style}]{markup(state)}[/]"
    )
    if receipt.get("why"):
        console.say(markup(str(receipt["why"])))
    facts = [
        ("type", _type(receipt.get("type"))),
        ("stated", _when(receipt.get("time"))),
        ("recorded", _when(receipt.get("recorded_at"))),
        ("record", receipt.get("record")),
        ("version", receipt.get("version")),
        ("entry hash", receipt.get("entry_hash")),
        ("the one before", receipt.get("prev")),
        ("event digest", receipt.get("event_digest")),
        ("event salt", receipt.get("event_salt")),
        ("changes digest", receipt.get("changes_digest")),
    ]
    console.table(
        ("", ""), ((name, markup(str(value))) for name, value in facts if value is not None)
    )
    changes = receipt.get("changes") or ()
    if changes:
        console.say("\n[bold]What it stated[/]")
        console.table(
            ("field", "rank", "", "commitment"),
            (
                (
                    markup(str(change.get("field"))),
                    str(change.get("rank")),
                    "[green]changed[/]" if change.get("won") else "[dim]no change[/]",
                    f"[dim]{markup(str(change.get('commit')))}[/]",
                )
                for change in changes
            ),
            right=("rank",),
        )
    _tell_quarantine(receipt.get("quarantine") or (), console)
    if findings:
        console.say()
    for agrees, text in findings:
        console.say(f"[{'green' if agrees else 'bold red'}]{markup(text)}[/]")


def _tell_quarantine(entries: Sequence[Document], console: Console) -> None:
    for entry in entries:
        console.say(
            f"\n[bold]Quarantine[/] {markup(str(entry.get('id'))[:12])}  refused "
            f"{_when(entry.get('received_at'))}, now {markup(str(entry.get('status')))}"
        )
        console.table(
            ("reason", "where", "what it says"),
            (
                (
                    f"[red]{markup(str(reason.get('code') or ''))}[/]",
                    markup(str(reason.get("path") or "")),
                    markup(str(reason.get("text") or "")),
                )
                for reason in entry.get("reasons") or ()
            ),
        )


def _type(name: Any) -> str | None:
    return None if name is None else str(name).removeprefix(PREFIX)


def _when(instant: Any) -> str | None:
    return None if instant is None else local(str(instant))
