"""The tables held against what is true of a city: each record, and each message to be refused.

The truth is the one that `lienthong city` writes beside its events, worked out apart from the
service's own folding. A record shows what is true when its fields are equal to the truth's, with
none missing and none more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import orjson

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.core.intake import queue_of
from functions.shared.core.items import fields_of
from functions.shared.core.kinds import KINDS
from functions.shared.core.quarantine import quarantine_id
from functions.shared.ports import Deadline
from infra.lienthong.console import Console, markup

MOST_SHOWN: Final = 10
_CHUNK: Final = 100

Place = tuple[str, str]
"""Kind and key of a record."""


@dataclass(frozen=True, slots=True)
class Untrue:
    """A record that does not show what is true; no fields where there is no such record."""

    kind: str
    key: str
    fields: tuple[str, ...]


@dataclass(slots=True)
class Records:
    """How many records of each kind there should be, and how many show what is true."""

    expected: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    aside: Counter[str] = field(default_factory=Counter)
    """Not compared: others had their say about them, or a value was erased."""
    mistyped: int = 0
    """Records that show an agency's typing error which nobody has corrected, as they must."""
    untrue: list[Untrue] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every record that was compared shows what is true."""
        return not self.untrue


@dataclass(frozen=True, slots=True)
class Bad:
    """A message that must be refused: its line of a file, its queue, its first reason."""

    file: str
    line: int
    queue: str
    body: bytes
    code: str | None = None
    path: str | None = None
    """None, as for the code: any will do."""

    @property
    def entry(self) -> str:
        """The id of its quarantine entry."""
        return quarantine_id(self.queue, self.body.decode())


@dataclass(slots=True)
class Refusals:
    """How many messages were to be refused for each reason, and how many were for just that."""

    expected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    other: list[tuple[Bad, str]] = field(default_factory=list)
    """Messages that were not refused, or for another reason first, and that reason."""

    @property
    def holds(self) -> bool:
        """Whether every one of them was refused for the reason expected."""
        return not self.other


# Records ------------------------------------------------------------------------------------


def compared(
    truth: Path,
    archive: Archive,
    aside: Collection[Place] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Records:
    """The records that `truth` (the city's `records.ndjson`) tells of, held against the tables.

    Those of `aside` and those in which a value was erased are not compared. Records that the
    truth does not tell of are nobody's concern here.
    """
    found = Records()
    left: dict[Place, bytes] = {}
    with truth.open("rb") as lines:
        for line in lines:
            document = orjson.loads(line)
            kind = document["kind"]
            left[kind, document["key"]] = orjson.dumps(document["shows"])
            found.expected[kind] += 1
            found.mistyped += "should_show" in document
    for kind in sorted(found.expected):
        for item in archive.all_records(kind):
            place = (kind, item[KINDS[kind].key]["S"])
            if place in left:
                _compare(place, orjson.loads(left.pop(place)), item, aside, found)
                advance(1)
    found.untrue += [Untrue(kind, key, ()) for kind, key in left]
    return found


def _compare(
    place: Place,
    true: Mapping[str, Any],
    item: Item,
    aside: Collection[Place],
    found: Records,
) -> None:
    kind, key = place
    if place in aside or "erasures" in item:
        found.aside[kind] += 1
        return
    shown = from_item(cast(Item, fields_of(KINDS[kind], cast(Any, item))))
    if shown == true:
        found.true[kind] += 1
        return
    names = sorted(n for n in {*shown, *true} if shown.get(n, _NONE) != true.get(n, _NONE))
    found.untrue.append(Untrue(kind, key, tuple(names)))


_NONE: Final = object()


def tell_records(found: Records, console: Console) -> None:
    """The comparison for people."""
    columns = ("kind", "records", "as is true", "left aside", "otherwise")
    otherwise = Counter(untrue.kind for untrue in found.untrue)
    counts = (found.expected, found.true, found.aside, otherwise)
    rows: list[tuple[str, ...]] = [
        (kind, *(f"{c[kind]:,}" for c in counts)) for kind in found.expected
    ]
    rows += [("[bold]all[/]", *(f"[bold]{c.total():,}[/]" for c in counts))]
    console.table(columns, rows, right=columns[1:])
    if found.untrue:
        console.table(
            ("record", "what is not as is true"),
            (
                (markup(f"{u.kind} {u.key}"), markup(", ".join(u.fields)) or "there is none")
                for u in found.untrue[:MOST_SHOWN]
            ),
        )
        if (more := len(found.untrue) - MOST_SHOWN) > 0:
            console.say(f"... and {more:,} more.")


# Bad messages -------------------------------------------------------------------------------


def bad_of(truth: Path, bodies: Mapping[int, bytes], queue: str, file: str) -> list[Bad]:
    """The messages that `truth` (the city's `bad.ndjson`) tells of.

    `bodies` has their bytes by line of `file`; `queue` is where messages went whose
    type names none.
    """
    found = []
    for line in truth.read_bytes().splitlines():
        document = orjson.loads(line)
        first, body = document["reasons"][0], bodies[document["line"]]
        target = queue_of(body) or queue
        found.append(Bad(file, document["line"], target, body, first["code"], first["path"]))
    return found


def refusals(bad: Iterable[Bad], archive: Archive, deadline: Deadline) -> Refusals:
    """What became of messages that must be refused."""
    found = Refusals()
    remaining = iter(bad)
    while chunk := list(islice(remaining, _CHUNK)):
        entries = {one.entry: one for one in chunk}
        reasons = {
            plain["quarantine_id"]: plain["reasons"][0]
            for plain in map(
                from_item,
                archive.quarantined(entries, deadline, ("quarantine_id", "reasons")),
            )
        }
        for entry, one in entries.items():
            reason = reasons.get(entry)
            code = reason["code"] if reason else None
            expects = one.code or code or "any"
            found.expected[expects] += 1
            if reason is None:
                found.other.append((one, "not refused"))
            elif one.code in (None, code) and one.path in (None, reason.get("path", "")):
                found.refused[expects] += 1
            else:
                found.other.append((one, f"{code} {reason.get('path', '')}".rstrip()))
    return found


def tell_refusals(found: Refusals, console: Console) -> None:
    """What became of them, for people."""
    columns = ("first reason", "expected", "refused for it")
    rows = [
        (code, f"{count:,}", f"{found.refused[code]:,}")
        for code, count in sorted(found.expected.items())
    ]
    expected, refused = found.expected.total(), found.refused.total()
    rows.append(("[bold]all[/]", f"[bold]{expected:,}[/]", f"[bold]{refused:,}[/]"))
    console.table(columns, rows, right=columns[1:])
    if found.other:
        console.table(
            ("message", "expected", "it was"),
            (
                (
                    markup(f"{one.file}:{one.line}"),
                    f"{one.code or 'any'} {one.path or ''}".rstrip(),
                    what,
                )
                for one, what in found.other[:MOST_SHOWN]
            ),
        )
