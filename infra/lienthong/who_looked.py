"""`lienthong who-looked`: who looked at what, when, for which purpose and case."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from functions.shared.core.kinds import KINDS
from infra.lienthong import asking
from infra.lienthong.api import Api, Document, in_path
from infra.lienthong.console import Console, counted, markup
from infra.lienthong.keys import named
from infra.lienthong.lookups import RECORD_ID, by_name, is_record_id, pages
from infra.lienthong.moments import FORMS, from_moment, to_moment
from infra.lienthong.problems import Exit, Misuse, Refused
from infra.lienthong.provenance import local

ACCESS_LOG: Final = "/v1/access-log"
_MOST: Final = 100


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`who-looked PERSON` and its options."""
    parser = commands.add_parser(
        "who-looked",
        help="show who looked at a person, or what an officer or agency looked at",
        description="Show the access log: of a person, or by officer, agency or purpose (the last "
        "seven days, unless --from and --to say otherwise). Reading it leaves an entry as well.",
        epilog=f"PERSON is best {RECORD_ID}: `lienthong search` and `lienthong person` show it. "
        "With a personal id the person is looked up first to learn it. That look needs the right "
        "to see the person, and stands in the log that is then shown.",
    )
    parser.add_argument(
        "person", metavar="PERSON", nargs="?", help="an opaque record id, or a personal id"
    )
    parser.add_argument(
        "--officer",
        metavar="ID",
        help="only looks by this officer: their id, as the list below the looks has it",
    )
    parser.add_argument("--agency", metavar="ID", help="only looks by officers of this agency")
    parser.add_argument(
        "--for-purpose",
        "--role-purpose",
        dest="for_purpose",
        metavar="P",
        help="only looks for this purpose",
    )
    parser.add_argument("--from", dest="since", type=from_moment, metavar="T", help=FORMS)
    parser.add_argument("--to", dest="until", type=to_moment, metavar="T", help="until then")
    parser.add_argument(
        "--fields",
        "--at-everything",
        dest="fields",
        action="store_true",
        help="name each field that was seen or hidden, not only how many",
    )
    parser.add_argument(
        "--ids",
        action="store_true",
        help="also the id of each look, by which `access-log defer` hides it from the person",
    )
    parser.add_argument(
        "--most", type=int, default=_MOST, metavar="N", help=f"show at most N looks ({_MOST})"
    )
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show the looks; `Exit.OK` also where there are none."""
    _check(options)
    return ask(asking.opened(options), options, console)


def _check(options: argparse.Namespace) -> None:
    filters = (options.officer, options.agency, options.for_purpose)
    ranged = options.since or options.until
    if options.person is None and not any(filters):
        raise Misuse(
            "Say whose looks: a person (who looked at them), or --officer, --agency or "
            "--for-purpose (what they looked at)."
        )
    if options.person is not None and (any(filters) or ranged):
        raise Misuse(
            "A person's looks are shown whole. Leave the filters out, or leave the person out."
        )
    if options.most < 1:
        raise Misuse("--most is a number from 1 on. Correct it.")
    if options.person is not None and not is_record_id(options.person):
        named("person", options.person)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API for the looks and show them."""
    _check(options)
    if options.person is not None:
        path = f"/v1/people/{in_path(_record(api, options.person, console))}/access-log"
        answer, entries, more = pages(lambda cursor: api.get(path, cursor=cursor), options.most)
    else:
        answer, entries, more = pages(
            lambda cursor: api.get(
                ACCESS_LOG,
                officer=options.officer,
                agency=options.agency,
                purpose=options.for_purpose,
                **{"from": options.since, "to": options.until},
                cursor=cursor,
            ),
            options.most,
        )
    if console.as_json:
        console.document({"entries": entries, "complete": not more})
        return Exit.OK
    tell(entries, console, fields=options.fields, ids=options.ids)
    if more:
        console.say(f"\nThere are more than these {len(entries):,}: add --most.")
    asking.tell_trace(api, answer, console)
    return Exit.OK


def _record(api: Api, person: str, console: Console) -> str:
    """The opaque id of a person, looked up where only their personal id is known."""
    if is_record_id(person):
        return person
    try:
        _, found = by_name(api, named("person", person))
    except Refused as refusal:
        raise Refused(
            f"{refusal.message} Who may see the looks and not the person asks by the person's "
            "opaque record id, as somebody who may see the person gets it.",
            refusal.details,
        ) from None
    record = found.get("record")
    if not isinstance(record, str):
        raise Refused("The API's answer has no record id for this person.")
    console.note(
        f"The person was looked up first, and that look is in the log too. Next time ask for "
        f"{record} instead."
    )
    return record


def tell(
    entries: Sequence[Document], console: Console, *, fields: bool = False, ids: bool = False
) -> None:
    """The looks as a table, times in Vietnam time, and who the officers are."""
    if not entries:
        console.say("There is no look, as far as the access log may be shown to you.")
        return
    console.say(f"[bold]{counted(len(entries), 'look')}[/]")
    console.table(
        ("when", "who", "agency", "purpose", "case", "what", "fields seen"),
        chain.from_iterable(_rows(entry, fields=fields, ids=ids) for entry in entries),
    )
    stopped = [entry for entry in entries if entry.get("spent") is not None]
    for number, entry in enumerate(stopped):
        console.say(("" if number else "\n") + _stopped(entry))
    officers = {_text(entry, "officer"): entry for entry in entries}
    console.say("\n[bold]Officers[/]")
    console.table(
        ("who", "id", "agency"),
        (
            (
                _who(entry),
                markup(officer),
                " ".join(filter(None, (_text(entry, "agency"), _text(entry, "agency_name")))),
            )
            for officer, entry in officers.items()
        ),
    )


def _rows(entry: Document, *, fields: bool, ids: bool) -> list[tuple[str, ...]]:
    refused = entry.get("decision") == "refused"
    records = entry.get("records") or ()
    seen = _refused(entry) if refused else _counts(records)
    if entry.get("hidden_until"):
        seen += f" [yellow](hidden from the person until {_when(entry['hidden_until'])})[/]"
    rows: list[tuple[str, ...]] = [
        (
            _when(entry.get("looked_at")),
            _who(entry),
            *(_text(entry, name) for name in ("agency", "purpose", "case", "action")),
            seen,
        )
    ]
    if fields:
        rows += [
            ("", "", "", "", "", markup(f"  {record.get('kind')}"), _named(record))
            for record in records
        ]
    if ids:
        rows.append(("", "", "", "", "", "  id", _text(entry, "entry")))
    return rows


def _refused(entry: Document) -> str:
    window = entry.get("spent")
    return "[red]refused[/]" + (
        f", the {markup(str(window))}'s allowance used up" if window else ""
    )


def _stopped(entry: Document) -> str:
    """What an entry says of somebody who asked too much, and what it leaves open."""
    window = _text(entry, "spent")
    return (
        f"{_who(entry)} was stopped at {_when(entry.get('looked_at'))} for asking too much: the "
        f"allowance of that {window} was used up. Only the first such request of a {window} is "
        "noted."
    )


def _when(instant: Any) -> str:
    return markup(local(str(instant or "")))


def _text(entry: Document, name: str) -> str:
    return markup(str(entry.get(name) or ""))


def _who(entry: Document) -> str:
    return _text(entry, "officer_name") or _text(entry, "officer")


def _counts(records: Sequence[Document]) -> str:
    """`person 6 (1 hidden), insurance-card 4`, in the order in which kinds are told."""
    sums = {kind: [0, 0, 0] for kind in KINDS}
    for record in records:
        found = sums.setdefault(str(record.get("kind")), [0, 0, 0])
        found[0] += 1
        found[1] += len(record.get("seen") or ())
        found[2] += len(record.get("masked") or ())
    parts = [
        f"{kind if many == 1 else f'{many} {kind}s'} {seen or 'none'}"
        + (f" ({masked} hidden)" if masked else "")
        for kind, (many, seen, masked) in sums.items()
        if many
    ]
    return markup(", ".join(parts)) or "[dim]no record[/]"


def _named(record: Document) -> str:
    seen, masked = record.get("seen") or (), record.get("masked") or ()
    shown = markup(", ".join(seen)) or "[dim]nothing[/]"
    return shown + (f" [dim](hidden: {markup(', '.join(masked))})[/]" if masked else "")
