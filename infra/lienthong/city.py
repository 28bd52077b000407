"""`lienthong city`: the events of an invented city, and what is true beside them.

What is guaranteed: the same arguments give the same bytes, on every machine. A folder that has
`truth/summary.json` is whole.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson

from infra.city.clock import FIRST_YEAR, LAST_YEAR, date_text, day
from infra.city.dirt import PRESETS, SORTS, rates
from infra.city.identifiers import MOST_PEOPLE
from infra.city.places import AGENCY_OF_PROVINCE
from infra.city.stream import DEFAULT_SINCE, DEFAULT_UNTIL, City, Settings
from infra.lienthong.console import Console, Json
from infra.lienthong.problems import Exit, Misuse, Problem

CARDS: Final = 0.94
"""Health-insurance cards per person, unless --cards says otherwise."""
DOSSIERS: Final = 0.2
SHORTEST: Final = 90
"""Days; in fewer a child is not born, registered and insured."""
TRUTH: Final = ("people", "records", "bad", "typos", "rivals")
EVENTS: Final = "events.ndjson"
REGISTRY: Final = "registry.ndjson"
SUMMARY: Final = "summary.json"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`city --seed N --people N` and its options."""
    sorts = "; ".join(f"{name}: events {text}" for name, text in SORTS.items())
    parser = commands.add_parser(
        "city",
        help="make the events of an invented city",
        description=(
            "Write events of an invented city as NDJSON: its agencies first, then everything in"
            " the order of publication. With --out FOLDER, what is true is written beside it. The"
            " same arguments give the same bytes."
        ),
        epilog=f"Dirt, each with a rate such as duplicates=0.1. {sorts}.",
    )
    parser.add_argument("--seed", type=int, required=True, help="a number; another, another city")
    parser.add_argument("--people", type=int, required=True, metavar="N", help="how many people")
    parser.add_argument(
        "--cards", type=int, metavar="N", help="how many have a health-insurance card (94%%)"
    )
    parser.add_argument(
        "--dossiers", type=int, metavar="N", help="how many dossiers they submit (a fifth)"
    )
    parser.add_argument(
        "--from", dest="since", metavar="DATE", help=f"first day ({date_text(DEFAULT_SINCE)})"
    )
    parser.add_argument(
        "--to", dest="until", metavar="DATE", help=f"last day ({date_text(DEFAULT_UNTIL)})"
    )
    parser.add_argument(
        "--province", default="01", metavar="CODE", help="two digits of a province (01, Hà Nội)"
    )
    parser.add_argument(
        "--dirt",
        default="none",
        metavar="SPEC",
        help=f"{', '.join(PRESETS)}, or rates, or a preset and rates: usual,bad=0.1 (none)",
    )
    parser.add_argument(
        "--out", default="-", metavar="FOLDER", help="a new folder; - writes to stdout (-)"
    )
    parser.add_argument("--gzip", action="store_true", help="pack the events of --out FOLDER")
    parser.add_argument("--force", action="store_true", help="replace a city that is in FOLDER")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Make the city."""
    settings = settings_of(options)
    if settings.until > (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days:
        console.note(
            "The city goes on after today. Sent now, events of days to come are refused as"
            " time-in-future."
        )
    if options.out == "-":
        if console.as_json or options.gzip:
            raise Misuse("With --json or --gzip the events need a folder: add --out FOLDER.")
        try:
            _to_stdout(settings, console)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Problem(
                f"The city cannot be written: {error.strerror}. What does not fit into memory goes"
                " to the folder for temporary files (TMPDIR); make room there."
            ) from None
        return Exit.OK
    folder = _folder(Path(options.out), force=options.force)
    try:
        summary = to_folder(settings, folder, console, packed=options.gzip)
    except OSError as error:
        raise Problem(
            f"{folder} cannot be written: {error.strerror}. Make room or name another folder, and"
            " run it again with --force."
        ) from None
    if console.as_json:
        console.document(cast(Json, summary))
    else:
        _tell(summary, folder, console)
    return Exit.OK


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that the options ask for; raises `Misuse` for what is impossible."""
    people = options.people
    if not 1 <= people <= MOST_PEOPLE:
        raise Misuse(f"A city has 1 to {MOST_PEOPLE:,} people. Correct --people.")
    cards = int(people * CARDS) if options.cards is None else options.cards
    if not 0 <= cards <= people:
        raise Misuse(
            f"{people:,} people cannot have {cards:,} cards: everyone has one at most. Correct"
            " --cards or --people."
        )
    dossiers = int(people * DOSSIERS) if options.dossiers is None else options.dossiers
    if dossiers < 0:
        raise Misuse("There cannot be fewer than no dossiers. Correct --dossiers.")
    since = _day(options.since, "--from", DEFAULT_SINCE)
    until = _day(options.until, "--to", DEFAULT_UNTIL)
    if until - since < SHORTEST - 1:
        raise Misuse(f"A city is told over {SHORTEST} days or more. Correct --from or --to.")
    if options.province not in AGENCY_OF_PROVINCE:
        raise Misuse(
            f"There is no province {options.province}. Use one of {', '.join(AGENCY_OF_PROVINCE)}."
        )
    try:
        dirt = rates(options.dirt)
    except ValueError as error:
        raise Misuse(str(error)) from None
    return Settings(
        seed=options.seed,
        people=people,
        cards=cards,
        dossiers=dossiers,
        since=since,
        until=until,
        province=options.province,
        dirt=dirt,
    )


def _day(text: str | None, option: str, default: int) -> int:
    if text is None:
        return default
    try:
        found = day(text)
    except ValueError:
        raise Misuse(f"{text} is no date. Write {option} YYYY-MM-DD.") from None
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise Misuse(
            f"Working days are known from {FIRST_YEAR} to {LAST_YEAR}. Choose {option} within"
            " these years."
        )
    return found


def _folder(folder: Path, *, force: bool) -> Path:
    """The folder, made and free of an earlier city."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        if found and not force:
            raise Misuse(
                f"{folder} is not empty. Name a new folder, or replace the city in it with --force."
            )
        ours = {EVENTS, f"{EVENTS}.gz", REGISTRY, "truth"}
        if foreign := [name for name in found if name not in ours]:
            raise Misuse(
                f"{folder} holds {foreign[0]}, which is no part of a city. Name another folder."
            )
        (folder / "truth").mkdir(exist_ok=True)
        # Gone first: a folder without it is not whole.
        (folder / "truth" / SUMMARY).unlink(missing_ok=True)
        for name in (EVENTS, f"{EVENTS}.gz"):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise Misuse(f"{folder} cannot be used: {error.strerror}. Name another one.") from None
    return folder


def _prepare(city: City, console: Console) -> None:
    with console.progress("Making people", city.settings.people) as advance:
        city.prepare(advance)


def _written(
    lines: Iterable[bytes], stream: IO[bytes], advance: Callable[[int], None] = lambda _: None
) -> str:
    """Writes lines; the SHA-256 of what they are together."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
        stream.write(line)
        stream.write(b"\n")
        advance(1)
    return digest.hexdigest()


def _to_stdout(settings: Settings, console: Console) -> None:
    city = City(settings)
    registry = list(city.registry())
    _prepare(city, console)
    _written(registry, sys.stdout.buffer)
    _written(city.messages(), sys.stdout.buffer)
    sys.stdout.flush()
    console.note(
        f"{city.counts['registry']:,} events of the registry and {city.counts['messages']:,}"
        " messages. What is true of them is written with --out FOLDER."
    )


def to_folder(
    settings: Settings, folder: Path, console: Console, *, packed: bool
) -> dict[str, Any]:
    with ExitStack() as open_files:
        truth = {
            name: open_files.enter_context((folder / "truth" / f"{name}.ndjson").open("wb"))
            for name in TRUTH
        }

        def tell(name: str, document: Mapping[str, Any]) -> None:
            truth[name].write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))

        city = City(settings, tell=tell, scratch=folder)
        with (folder / REGISTRY).open("wb") as agencies:
            registry = _written(city.registry(), agencies)
        _prepare(city, console)
        name = f"{EVENTS}.gz" if packed else EVENTS
        with (
            console.progress("Writing messages", city.expected) as advance,
            _opened(folder / name, packed=packed) as stream,
        ):
            events = _written(city.messages(), stream, advance)
    summary = {
        "settings": settings.as_json(),
        "files": {
            "registry": {"name": REGISTRY, "sha256": registry},
            "events": {"name": name, "sha256_unpacked": events},
        },
        "counts": grouped(city.counts),
    }
    (folder / "truth" / SUMMARY).write_bytes(
        orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
    return summary


@contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as stream:
        if not packed:
            yield stream
            return
        # Without name and time of day, so that the same city is packed alike.
        with gzip.GzipFile("", "wb", 1, stream, mtime=0) as packing:
            yield cast(IO[bytes], packing)


def grouped(counts: Counter[str]) -> dict[str, Any]:
    """`type/person.moved` and its like as documents in documents, sorted."""
    found: dict[str, Any] = {}
    for name, number in sorted(counts.items()):
        group, slash, member = name.partition("/")
        if slash:
            found.setdefault(group, {})[member] = number
        else:
            found[group] = number
    return found


def _tell(summary: Mapping[str, Any], folder: Path, console: Console) -> None:
    counts = summary["counts"]
    records = counts.get("records", {})
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(records.items()))
    console.out.print(
        f"{counts['messages']:,} messages in {folder / summary['files']['events']['name']}:"
        f" {counts['good']:,} events of {kinds} records,"
        f" {sum(counts.get('repeats', {}).values()):,} repeats,"
        f" {sum(counts.get('bad', {}).values()):,} bad ones."
    )
    console.out.print(
        f"{counts['registry']:,} events of the registry in {folder / REGISTRY}; send them first."
        f" What is true is in {folder / 'truth'}."
    )
