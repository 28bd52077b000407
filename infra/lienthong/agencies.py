"""`lienthong agencies`: who may publish what, and since when; read, and changed by events.

A change is an event of the registry's own source like every other, so it is in the ledger, and
sending it twice does no harm. The command waits until the registry holds it and shows the result.
"""

from __future__ import annotations

import argparse
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, cast, get_args

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.dynamodb import record_from_item
from functions.shared.core.instants import instant, vietnam_day
from functions.shared.core.kinds import AGENCY
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import Outcome
from infra.lienthong import context
from infra.lienthong.console import Console, Json, add_options, markup
from infra.lienthong.keys import named
from infra.lienthong.problems import Exit, Misuse, Problem, Refused, Unreachable
from infra.lienthong.registry_events import (
    CHANGED,
    REGISTERED,
    RegistryEvent,
    ended,
    event_of,
    fields_of,
    in_force,
    with_period,
)
from infra.lienthong.tables import Patience, archive_of, reached
from schemas.agency import AgencyKind, PublishedKind

KINDS: Final[tuple[str, ...]] = get_args(AgencyKind)
PUBLISHED: Final[tuple[str, ...]] = get_args(PublishedKind)
_NONE: Final = "none"
_LOOK_EVERY: Final = 0.3

Parsers = argparse._SubParsersAction  # argparse has no public name for it


def add_parser(commands: Parsers[argparse.ArgumentParser]) -> None:
    """`agencies` and what can be done with them."""
    parser = commands.add_parser(
        "agencies",
        help="list, show, register, change and end agencies, name their senders",
        description="The registry of agencies: who may publish what, and since when.",
    )
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    _add_reading(what)
    _add_writing(what)
    for sub in what.choices.values():
        add_options(sub, below=True)
        context.add_stack_options(sub)


def _add_reading(what: Parsers[argparse.ArgumentParser]) -> None:
    listing = what.add_parser("list", help="all agencies, or those in force on a day")
    listing.add_argument("--on", type=_day, metavar="DATE", help="only those in force that day")
    listing.set_defaults(run=run_list)
    show = what.add_parser("show", help="one agency, as of today or of a day")
    show.add_argument("id", metavar="ID")
    show.add_argument("--on", type=_day, metavar="DATE", help="what it is that day")
    show.set_defaults(run=run_show)


def _add_writing(what: Parsers[argparse.ArgumentParser]) -> None:
    register = what.add_parser("register", help="make an agency known")
    register.add_argument("id", metavar="ID", help="new form, such as H26.12, or Z form")
    register.add_argument("--name", required=True, metavar="TEXT")
    _add_period(register, required=True)
    _add_fields(register)
    register.set_defaults(run=_writing(_registered))

    change = what.add_parser(
        "change",
        help="change what the registry says of an agency",
        description="State anew what is given, leave the rest. With --from a new period begins "
        "that day, and the one then in force ends the day before.",
    )
    change.add_argument("id", metavar="ID")
    change.add_argument("--name", metavar="TEXT")
    _add_period(change, required=False)
    _add_fields(change)
    change.set_defaults(run=_writing(_changed))

    end = what.add_parser("end", help="say on which day an agency ends")
    end.add_argument("id", metavar="ID")
    end.add_argument("--on", type=_day, required=True, metavar="DATE", help="its last day")
    end.add_argument("--succeeded-by", metavar="ID", help="the agency that takes its work over")
    end.set_defaults(run=_writing(_ended))

    senders = what.add_parser("senders", help="name the principals that may speak for an agency")
    senders.add_argument("id", metavar="ID")
    senders.add_argument("do", choices=("add", "remove"))
    senders.add_argument(
        "principals",
        nargs="+",
        metavar="PRINCIPAL",
        help="IAM unique id: what stands before the colon in the SenderId of its messages",
    )
    senders.set_defaults(run=_writing(_senders))

    for sub in (register, change, end, senders):
        sub.add_argument("--dry-run", action="store_true", help="print the event, send nothing")
        sub.add_argument(
            "--wait",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="how long to wait until the registry holds it (60)",
        )


def _add_period(parser: argparse.ArgumentParser, *, required: bool) -> None:
    same = "" if required else " (as in the period it follows)"
    parser.add_argument(
        "--kind", choices=KINDS, required=required, help=f"decides the rank of what it says{same}"
    )
    parser.add_argument(
        "--publishes",
        type=_published,
        required=required,
        metavar="KIND,...",
        help=f"{', '.join(PUBLISHED)}, or none{same}",
    )
    parser.add_argument(
        "--from", dest="since", type=_day, required=required, metavar="DATE", help="first day"
    )
    parser.add_argument("--to", dest="until", type=_day, metavar="DATE", help="last day")


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parent", metavar="ID", help="the agency above it; none withdraws it")
    parser.add_argument(
        "--alias", action="append", metavar="TEXT", help="an old form of the id; all of them"
    )
    parser.add_argument(
        "--succeeds", action="append", metavar="ID", help="whose work it took over; all of them"
    )
    parser.add_argument(
        "--sender", action="append", metavar="PRINCIPAL", help="who may speak for it; all of them"
    )


def _day(text: str) -> str:
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is no date that exists, written YYYY-MM-DD")


def _published(text: str) -> list[str]:
    kinds = [] if text == _NONE else list(dict.fromkeys(text.split(",")))
    if not set(kinds) <= set(PUBLISHED):
        raise argparse.ArgumentTypeError(f"choose of {', '.join(PUBLISHED)}, commas between")
    return kinds


# Reading ------------------------------------------------------------------------------------


def run_list(options: argparse.Namespace, console: Console) -> Exit:
    """List them, in the order of their ids."""
    archive = archive_of(context.resolve(options))
    day = options.on or _today()
    with reached():
        found = sorted(
            (from_item(item) for item in archive.all_records(AGENCY.name)),
            key=lambda item: str(item[AGENCY.key]),
        )
    agencies = [_document(item[AGENCY.key], item, day) for item in found]
    if options.on:
        agencies = [agency for agency in agencies if agency["in_force"] is not None]
    if console.as_json:
        console.document(cast(Json, {"on": day, "agencies": agencies}))
        return Exit.OK
    console.table(
        ("agency", "name", f"on {day}", "publishes", "since", "until", "senders"),
        (_row(agency) for agency in agencies),
        right=("senders",),
    )
    return Exit.OK


def run_show(options: argparse.Namespace, console: Console) -> Exit:
    """Show one; `Refused` if the registry does not know it."""
    agency = named("agency", options.id).key
    archive = archive_of(context.resolve(options))
    with reached():
        record = _known(archive, agency)
    _tell(record, options.on or _today(), console)
    return Exit.OK


def _document(agency: str, fields: Mapping[str, Any], day: str) -> dict[str, Any]:
    """What the registry shows of an agency, and the period that a day falls into."""
    names = [field.name for field in AGENCY.fields]
    shows = {name: fields[name] for name in names if name in fields}
    return {
        AGENCY.key: agency,
        **shows,
        "on": day,
        "in_force": in_force(shows.get("periods", []), day),
    }


def _row(agency: Mapping[str, Any]) -> Sequence[str]:
    period = agency["in_force"]
    cells = (markup(agency[AGENCY.key]), markup(agency.get("name", "")))
    senders = str(len(agency.get("senders", [])))
    if period is None:
        return (*cells, "[dim]not in force[/]", "", "", "", senders)
    return (*cells, *_period_cells(period), senders)


def _period_cells(period: Mapping[str, Any]) -> Sequence[str]:
    publishes = ", ".join(period["publishes"]) or "nothing"
    return (period["kind"], publishes, period["from"], period.get("to", ""))


def _tell(record: Record, day: str, console: Console) -> None:
    agency = _document(record.key, fields_of(record), day)
    if console.as_json:
        console.document(cast(Json, agency))
        return
    period = agency["in_force"]
    state = f"{period['kind']} on {day}" if period else f"not in force on {day}"
    console.say(f"[bold]{markup(record.key)}[/]  {markup(agency.get('name', ''))}, {state}")
    for label, name in (("above it", "parent"), ("old ids", "aliases"), ("succeeds", "succeeds")):
        value = agency.get(name) or []
        if value:
            console.say(f"{label}: {markup(value if isinstance(value, str) else ', '.join(value))}")
    senders = ", ".join(agency.get("senders", [])) or "nobody"
    console.say(f"may speak for it: {markup(senders)}")
    console.table(
        ("kind", "publishes", "since", "until"),
        (
            tuple(f"[bold]{cell}[/]" if p == period else cell for cell in _period_cells(p))
            for p in agency.get("periods", [])
        ),
    )
    console.say(
        f"version {record.version}; `lienthong history {markup(record.key)}` has its events"
    )


def _today() -> str:
    return vietnam_day(instant(datetime.now(UTC)))


# Writing ------------------------------------------------------------------------------------

Make = Callable[[argparse.Namespace, Archive], list[RegistryEvent]]


def _writing(make: Make) -> Callable[[argparse.Namespace, Console], Exit]:
    """A command that makes events, sends them, waits for them and shows the agencies."""

    def run(options: argparse.Namespace, console: Console) -> Exit:
        named("agency", options.id)
        stack = context.resolve(options)
        archive = archive_of(stack)
        with reached():
            events = make(options, archive)
            if not events:
                console.note("The registry says so already; nothing was sent.")
            elif options.dry_run:
                for event in events:
                    print(event.body)
                return Exit.OK
            else:
                url = stack.output("RegistryQueueUrl")
                for event in events:
                    stack.sqs.send_message(QueueUrl=url, MessageBody=event.body)
                _await(archive, events, options.wait)
            changed = [event.agency for event in events] or [options.id]
            records = [_known(archive, agency) for agency in changed]
        _tell_all(records, console)
        return Exit.OK

    return run


def _tell_all(records: Sequence[Record], console: Console) -> None:
    if console.as_json:
        day = _today()
        agencies = [_document(record.key, fields_of(record), day) for record in records]
        console.document(cast(Json, {"agencies": agencies}))
        return
    for record in records:
        _tell(record, _today(), console)


def _registered(options: argparse.Namespace, archive: Archive) -> list[RegistryEvent]:
    record = _record(archive, options.id)
    if fields_of(record).get("periods"):
        raise Refused(
            f"The registry knows {options.id} already. Change it with `lienthong agencies change`."
        )
    stated = {"name": options.name, **_stated(options), "periods": [_period(options)]}
    return [_event(REGISTERED, options.id, stated, record)]


def _changed(options: argparse.Namespace, archive: Archive) -> list[RegistryEvent]:
    record = _known(archive, options.id)
    before = fields_of(record)
    stated: dict[str, Any] = {} if options.name is None else {"name": options.name}
    stated |= _stated(options)
    if options.since is not None:
        periods = before.get("periods", [])
        stated["periods"] = with_period(periods, _period(options, periods))
    elif options.kind or options.publishes is not None or options.until:
        raise Misuse("Say from which day that holds: --from DATE.")
    if not stated:
        raise Misuse("Say what is to change, for example --name TEXT or --from DATE --kind KIND.")
    new = {name: value for name, value in stated.items() if before.get(name) != value}
    return [_event(CHANGED, options.id, new, record)] if new else []


def _ended(options: argparse.Namespace, archive: Archive) -> list[RegistryEvent]:
    record = _known(archive, options.id)
    periods = fields_of(record).get("periods", [])
    events = []
    shortened = ended(periods, options.on)
    if shortened != periods:
        events.append(_event(CHANGED, options.id, {"periods": shortened}, record))
    if options.succeeded_by is not None:
        named("agency", options.succeeded_by)
        if options.succeeded_by == options.id:
            raise Misuse("An agency does not succeed itself. Name the one that takes over.")
        heir = _known(archive, options.succeeded_by)
        succeeds = fields_of(heir).get("succeeds", [])
        if options.id not in succeeds:
            stated = {"succeeds": [*succeeds, options.id]}
            events.append(_event(CHANGED, options.succeeded_by, stated, heir))
    return events


def _senders(options: argparse.Namespace, archive: Archive) -> list[RegistryEvent]:
    record = _known(archive, options.id)
    before = fields_of(record).get("senders", [])
    if options.do == "add":
        after = list(dict.fromkeys([*before, *options.principals]))
    else:
        if missing := [name for name in options.principals if name not in before]:
            raise Refused(f"{', '.join(missing)} may not speak for {options.id} anyway.")
        after = [name for name in before if name not in options.principals]
    return [_event(CHANGED, options.id, {"senders": after}, record)] if after != before else []


def _event(
    type_: str, agency: str, stated: Mapping[str, Any], record: Record | None
) -> RegistryEvent:
    return event_of(type_, agency, stated, record, instant(datetime.now(UTC)), uuid.uuid4().hex)


def _stated(options: argparse.Namespace) -> dict[str, Any]:
    """The fields besides name and periods that the options state."""
    stated: dict[str, Any] = {
        "aliases": options.alias,
        "succeeds": options.succeeds,
        "senders": options.sender,
    }
    stated = {name: value for name, value in stated.items() if value is not None}
    if options.parent is not None:
        stated["parent"] = None if options.parent == _NONE else options.parent
    return stated


def _period(options: argparse.Namespace, periods: Sequence[Any] = ()) -> dict[str, Any]:
    """The period of the options; what they leave out is as in the one before."""
    earlier = [period for period in periods if period["from"] <= options.since]
    model: dict[str, Any] = max(earlier, key=lambda period: str(period["from"]), default={})
    kind = options.kind or model.get("kind")
    publishes = options.publishes if options.publishes is not None else model.get("publishes")
    if kind is None or publishes is None:
        raise Misuse("There is no earlier period to follow. Add --kind and --publishes.")
    until = {"to": options.until} if options.until else {}
    return {"kind": kind, "publishes": publishes, "from": options.since, **until}


def _record(archive: Archive, agency: str) -> Record | None:
    item = archive.record_item(AGENCY.name, agency)
    return None if item is None else record_from_item(AGENCY, item)


def _known(archive: Archive, agency: str) -> Record:
    record = _record(archive, agency)
    if record is None:
        raise Refused(
            f"The registry does not know {agency}. `lienthong agencies list` lists all it knows."
        )
    return record


def _await(archive: Archive, events: Sequence[RegistryEvent], seconds: float) -> None:
    """Returns when the ledger holds all events; says what became of those that it will not."""
    missing = {event.event_uid: event for event in events}
    patience = Patience(seconds)
    while True:
        entries = archive.events(set(missing), Patience(), ("event_uid", "outcome"))
        for entry in map(from_item, entries):
            event = missing.pop(entry["event_uid"])
            if entry["outcome"] != Outcome.APPLIED.value:
                raise Refused(
                    f"A newer statement about {event.agency} stands; this one changed nothing. "
                    f"Look at it (`lienthong agencies show {event.agency}`) and decide again."
                )
        if not missing:
            return
        _raise_if_refused(archive, missing.values())
        if patience.remaining() <= 0:
            raise Unreachable(
                f"The event was sent, but the registry does not hold it after {seconds:.0f} "
                "seconds. `lienthong stats` shows whether it still waits; do not send it again."
            )
        time.sleep(_LOOK_EVERY)


def _raise_if_refused(archive: Archive, events: Iterable[RegistryEvent]) -> None:
    ids = {event.quarantine_id for event in events}
    for item in archive.quarantined(ids, Patience(), ("quarantine_id", "reasons")):
        entry = from_item(item)
        raise _refusal(entry["quarantine_id"], entry["reasons"])


def _refusal(entry: str, reasons: Sequence[Mapping[str, str]]) -> Problem:
    details = tuple(f"{reason['code']} {reason['path']}: {reason['text']}" for reason in reasons)
    return Refused(
        f"The registry's function refused the event; it is in quarantine as {entry}. On AWS the "
        "principal that sends must be one of the parameter RegistrySenders.",
        details,
    )
