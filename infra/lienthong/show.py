"""`lienthong show`: a record, and for each field who said it, when, and who says otherwise."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.dynamodb import record_from_item
from functions.shared.core.errors import Defect
from functions.shared.core.items import fields_of, item_of
from functions.shared.core.kinds import AGENCY, DOSSIER, KINDS, STEP
from functions.shared.core.lanes import Record
from infra.lienthong import asking, context, directly
from infra.lienthong.api import Api, Document
from infra.lienthong.console import Console, Json, markup
from infra.lienthong.directly import broken_glass
from infra.lienthong.keys import KIND_OF_WORD, WORDS, RecordName, named
from infra.lienthong.lookups import RECORD_ID, by_id, by_name, is_record_id
from infra.lienthong.problems import Exit, Misuse, Refused
from infra.lienthong.provenance import (
    LaneView,
    explained,
    is_family,
    lane_views,
    local,
    readable,
    status_name,
)
from infra.lienthong.record_answers import Reader, tell_record, tell_timeline
from infra.lienthong.tables import AgencyNames, archive_of, reached, short
from schemas.envelope import REGISTRY_SOURCE


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`show KIND KEY` and its options."""
    parser = commands.add_parser(
        "show",
        help="show a record with the provenance of each field",
        description="Show a record: each field with its value, rank, source and time. People, "
        "cards and dossiers are asked for through the API, as far as your role may see them, and "
        "the look is noted in the access log. Agencies are no personal data: they are read from "
        "their table.",
    )
    parser.add_argument("kind", metavar="KIND", choices=WORDS, help=", ".join(WORDS))
    parser.add_argument(
        "key", metavar="KEY", help=f"its key, leading zeros included, or {RECORD_ID}"
    )
    parser.add_argument(
        "--withdrawn",
        action="store_true",
        help="with --direct: also list what sources have withdrawn",
    )
    directly.add_as_option(parser)
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show the record; `Refused` if there is none."""
    kind = KIND_OF_WORD[options.kind]
    if options.direct:
        with broken_glass(console):
            return _from_table(options, console)
    if kind == AGENCY.name:
        with reached():
            return _from_table(options, console)
    if options.withdrawn:
        raise Misuse("The API does not tell what was withdrawn. Add --direct, or see `history`.")
    if not is_record_id(options.key):
        named(options.kind, options.key)
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API for the record and show it."""
    kind = KIND_OF_WORD[options.kind]
    if is_record_id(options.key):
        answer = by_id(api, kind, options.key)
        record = answer.document
    else:
        answer, record = by_name(api, named(options.kind, options.key))
    if console.as_json:
        console.document(record)
        return Exit.OK
    reader = Reader.of(api)
    key = reader.text(record, KINDS[kind].key)
    tell_record(record, reader, console, title=f"{kind} {key}")
    console.say(f"\n[dim]record {markup(str(record.get('record')))}[/]")
    asking.tell_trace(api, answer, console)
    if record is not answer.document and kind != DOSSIER.name:
        console.note(
            "The lookup, and what is noted of it, covers the person with cards and dossiers: "
            "`lienthong person` shows all of them."
        )
    return Exit.OK


def _from_table(options: argparse.Namespace, console: Console) -> Exit:
    """Show the record as its table has it."""
    name = named(options.kind, options.key)
    archive = archive_of(context.resolve(options))
    record = load(archive, name)
    names = AgencyNames(archive)
    if console.as_json:
        console.document(document(record, names))
    else:
        tell(record, names, console, withdrawn=options.withdrawn)
    return Exit.OK


def load(archive: Archive, name: RecordName) -> Record:
    """The record as its table has it now."""
    item = archive.record_item(name.kind, name.key)
    if item is None:
        raise Refused(
            f"There is no record {name}. Check the key; if an event about it was sent, "
            "`lienthong stats` tells whether it was refused."
        )
    try:
        return record_from_item(KINDS[name.kind], item)
    except Defect:
        raise Refused(
            f"The item of {name} does not have the stored form. `lienthong verify {name.key}` "
            "names what does not agree."
        ) from None


def document(record: Record, names: AgencyNames) -> Json:
    """Everything of the record, all lanes included, for programs."""
    kind = KINDS[record.kind]
    item = item_of(record)
    views = lane_views(record)
    lanes: dict[str, list[Json]] = {}
    for view in views:
        lanes.setdefault(view.field, []).append(_lane(view, names))
    shown = {view.field: _lane(view, names) for view in views if view.state == "shown"}
    found: Any = {
        "kind": record.kind,
        "key": record.key,
        "version": record.version,
        "head": record.head,
        "updated_at": record.updated_at,
        **({"erasures": record.erasures} if record.erasures else {}),
        "warnings": [
            {"warning": w, "text": explained(w)} for w in cast(list[str], item["warnings"])
        ],
        "shows": fields_of(kind, item),
        "fields": {name: lane for name, lane in shown.items() if not is_family(name)},
        "lanes": lanes,
    }
    return cast(Json, found)


def _lane(view: LaneView, names: AgencyNames) -> Json:
    stamp = view.lane.stamp
    found: Any = {
        "rank": view.rank,
        "state": view.state,
        "value": view.lane.value,
        "source": stamp.source,
        "agency": names.of(stamp.source),
        "time": stamp.time,
        "sequence": stamp.sequence,
        "event": stamp.id,
    }
    return cast(Json, found)


def tell(record: Record, names: AgencyNames, console: Console, *, withdrawn: bool = False) -> None:
    """The record as tables, times in Vietnam time."""
    item = item_of(record)
    views = [v for v in lane_views(record) if withdrawn or v.state != "withdrawn"]
    console.say(
        f"[bold]{record.kind} {markup(record.key)}[/]  version {record.version}, updated "
        f"{local(record.updated_at)}"
    )
    if record.erasures:
        console.say("Values of it were erased from the ledger; `history` shows where.")
    console.say()
    fields = [view for view in views if not view.field.startswith(f"{STEP}/")]
    console.table(
        ("field", "value", "rank", "source", "time", "event"), _rows(fields), right=("rank",)
    )
    timeline(record, console)
    warnings = cast(list[str], item["warnings"])
    if warnings:
        console.say("\n[bold]Warnings[/]")
        console.table(
            ("warning", "what it says"),
            ((f"[yellow]{markup(w)}[/]", markup(explained(w))) for w in warnings),
        )
    _tell_sources(views, names, console)
    console.say(f"\nTimes are Vietnam time. head {record.head}")


def _rows(views: Iterable[LaneView]) -> Iterator[Sequence[str]]:
    for field, rank, lane, state in views:
        value = markup(
            status_name(lane.value)
            if field == "status" and isinstance(lane.value, int)
            else readable(lane.value)
        )
        cells = (value, str(rank), short(lane.stamp.source), local(lane.stamp.time))
        event = markup(lane.stamp.id)
        if state == "shown":
            yield (markup(field), *cells, event)
        else:
            style = "yellow" if state == "disputed" else "dim"
            yield tuple(f"[{style}]{cell}[/]" for cell in (f"  └ {state}", *cells, event))


def timeline(record: Record, console: Console, *, titled: bool = True) -> None:
    """The steps of a dossier in their order; nothing for other records."""
    steps = cast(list[Document], item_of(record).get("steps", []))
    tell_timeline(steps, console, titled=titled)


def _tell_sources(views: Iterable[LaneView], names: AgencyNames, console: Console) -> None:
    sources = sorted({view.lane.stamp.source for view in views})
    console.say("\n[bold]Sources[/]")
    console.table(
        ("source", "agency"),
        ((short(source), markup(names.of(source) or _unnamed(source))) for source in sources),
    )


def _unnamed(source: str) -> str:
    if source == REGISTRY_SOURCE:
        return "the operator's registry of agencies"
    return "not an agency of the registry"
