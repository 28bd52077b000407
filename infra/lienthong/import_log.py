"""`lienthong import-log`: a CSV event log and a declared mapping become contract events.

The same log and mapping always give the same bytes. The log is read twice: first everything is
checked, and if anything is wrong every fault is named with its line and column and nothing is
written; then the events are written case by case, holding only the cases that are underway.

What becomes of a case:

* one `dossier.submitted`, status 1;
* one event per row, with the row as a `step`; the status is the activity's;
* one `dossier.completed`, status 9, if the case has an end.

Records take the newest statement by `time`, so the times decide how a case ends, whatever
order the events arrive in:

* `dossier.submitted` bears the start of the case or, where rows or the end are older than the
  start, the oldest of these, so that status 1 never hides what was done; `submitted_at` is the
  start as the log has it.
* `dossier.completed` bears the end of the case.
* A row later than the end states only its step, without a status (as a `dossier.progressed`):
  it adds to the timeline and changes nothing of a closed case. A `returned` row keeps its
  status, for results are handed out after the end.
* Events of one time are ordered by `sequence`: 1 for the submission, 10, 20, 30 ... for the
  rows in their order, and the end between the last row that is not later and the next. Rows
  that are added at the end of a log in a later export leave the earlier events as they are.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import IO, Final, TypeVar

import orjson

from functions.shared.core.instants import instant
from infra.lienthong.console import Console
from infra.lienthong.mapping import (
    Activity,
    EventLogMapping,
    load,
    zone_of,
)
from infra.lienthong.messages import Raw, opened
from infra.lienthong.problems import Exit, Misuse, Refused
from schemas.forms import DOSSIER_CODE_PATTERN, PRINTABLE_PATTERN, normalise_text

_T = TypeVar("_T")

_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r" ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_MOST_FAULTS: Final = 200
_LONGEST_TEXT: Final = 1000
_LONGEST_STEP_ID: Final = 128
_SUBMITTED: Final = 1
_STRIDE: Final = 10

_INSTANT_OF_TYPE: Final[Mapping[str, str]] = {
    "accepted": "received_at",
    "completed": "finished_at",
    "returned": "returned_at",
}


@dataclass(slots=True)
class Row:
    """One row of the log, understood."""

    line: int
    case: str
    activity: Activity
    text: str
    at: datetime
    agency: str
    task: str | None
    handler: str | None
    position: str | None
    unit: str | None
    channel: str | None
    start: datetime | None
    deadline: datetime | None
    end: datetime | None
    as_written: tuple[str, ...] = ()
    """The cells of the whole case's columns: channel, start, deadline, end."""


@dataclass(slots=True)
class Case:
    """What the first reading remembers of a case."""

    line: int
    as_written: tuple[str, ...]
    rows: int = 1


@dataclass(slots=True)
class Summary:
    """Counts of an import."""

    rows: int = 0
    cases: int = 0
    closed: int = 0
    closed_late: int = 0
    late_rows: int = 0
    events: Counter[str] = field(default_factory=Counter)


class _Faults:
    """Collects findings up to a limit, so that a wrong mapping does not fill the screen."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, line: int, column: str, text: str) -> None:
        self.found.append(f"line {line}, column {column}: {text}")

    @property
    def many(self) -> bool:
        return len(self.found) >= _MOST_FAULTS


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`import-log FILE --mapping MAPPING` and its options."""
    parser = commands.add_parser(
        "import-log",
        help="turn a CSV event log into events of the contract",
        description="Turn the CSV event log FILE into dossier events, one a line.",
    )
    parser.add_argument("file", metavar="FILE", help="CSV, plain or gzip; - reads stdin")
    parser.add_argument(
        "--mapping", type=Path, required=True, help="TOML file that says what the log means"
    )
    parser.add_argument(
        "--out",
        default="-",
        metavar="OUT",
        help="where the events go (- is stdout, the default; a name in .gz is packed)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Import the log; the whole output is there afterwards, or none of it."""
    if console.as_json and options.out == "-":
        raise Misuse("With --json the events need a file of their own: add --out FILE.")
    summary = import_file(options.file, load(options.mapping), options.out, console)
    if console.as_json:
        console.document(
            {
                "file": options.file,
                "out": options.out,
                "rows": summary.rows,
                "cases": summary.cases,
                "closed": summary.closed,
                "closed_late": summary.closed_late,
                "rows_after_end": summary.late_rows,
                "events": dict(sorted(summary.events.items())),
            }
        )
    else:
        console.note(told(summary))
    return Exit.OK


def import_file(name: str, mapping: EventLogMapping, out: str, console: Console) -> Summary:
    """Write the events of the log `name` to `out`, whole or not at all.

    Raises `Refused` if anything in the log is wrong.
    """
    summary = Summary()
    with (
        opened(name) as (stream, size),
        _rereadable(stream, size) as (log, length),
        console.progress(f"Importing {name}", length * 2) as advance,
    ):
        cases = check(_watched(log, advance), mapping)
        log.seek(0)
        with _output(out) as target:
            for event in events(_watched(log, advance), mapping, cases, summary):
                target.write(event)
    return summary


def told(summary: Summary) -> str:
    """The counts of an import, as sentences."""
    return (
        f"{summary.rows:,} rows of {summary.cases:,} cases became "
        f"{summary.events.total():,} events. {summary.closed:,} cases are closed, "
        f"{summary.closed_late:,} of them after their deadline; {summary.late_rows:,} rows "
        "are later than the end of their case."
    )


def import_events(log: IO[bytes], mapping: EventLogMapping) -> Iterator[bytes]:
    """The events of a seekable log, each as one line of JSON; `Refused` if anything is wrong."""
    cases = check(log, mapping)
    log.seek(0)
    yield from events(log, mapping, cases, Summary())


def check(log: IO[bytes], mapping: EventLogMapping) -> dict[str, Case]:
    """Read the whole log once; its cases, or `Refused` with every fault that was found."""
    faults = _Faults()
    cases: dict[str, Case] = {}
    codes: dict[str, str] = {}
    tasks: set[tuple[str, str]] = set()
    for row in _rows(log, mapping, faults):
        if faults.many:
            break
        known = cases.get(row.case)
        if known is None:
            cases[row.case] = Case(row.line, row.as_written)
            _check_code(row, mapping, codes, faults)
        else:
            known.rows += 1
            _check_same(row, known, mapping, faults)
        if row.task is not None:
            if (row.case, row.task) in tasks:
                faults.add(
                    row.line,
                    str(mapping.columns.task),
                    "this task stands in an earlier row of the case. Each row needs a task id of "
                    "its own; leave `task` out of the mapping if the log has none.",
                )
            tasks.add((row.case, row.task))
    if faults.found:
        more = "at least " if faults.many else ""
        raise Refused(
            f"The log has {more}{len(faults.found)} faults, so nothing was written. Correct the "
            "log or the mapping and run the import again.",
            tuple(faults.found),
        )
    if not cases:
        raise Refused(
            "The log has no rows, so nothing was written. Check that it is the right file."
        )
    return cases


def _check_same(row: Row, known: Case, mapping: EventLogMapping, faults: _Faults) -> None:
    columns = mapping.columns
    names = (columns.channel, columns.start, columns.deadline, columns.end)
    for name, here, there in zip(names, row.as_written, known.as_written, strict=True):
        if here != there:
            faults.add(
                row.line,
                str(name),
                f"it differs from line {known.line} of the same case. It holds for the whole "
                "case, so every row of the case must have the same.",
            )


def _check_code(row: Row, mapping: EventLogMapping, codes: dict[str, str], faults: _Faults) -> None:
    column = mapping.columns.case
    number = mapping.case_number(row.case)
    if number is None:
        faults.add(row.line, column, "it does not fit dossier.number of the mapping.")
        return
    try:
        code = mapping.dossier_code(row.case, number, row.start or row.at, row.agency)
    except ValueError as error:
        faults.add(row.line, column, f"no dossier code can be made of it: {error}.")
        return
    if not re.fullmatch(DOSSIER_CODE_PATTERN, code):
        faults.add(
            row.line,
            column,
            f"dossier.code makes {code!r} of it, which is no dossier code. Wanted is "
            "<agency>-<YYMMDD or YYYYMMDD>-<4 to 7 digits>.",
        )
    elif codes.setdefault(code, row.case) != row.case:
        faults.add(
            row.line,
            column,
            f"it gets the dossier code {code}, which an earlier case has. Make dossier.code "
            "tell the cases apart.",
        )


def events(
    log: IO[bytes], mapping: EventLogMapping, cases: Mapping[str, Case], summary: Summary
) -> Iterator[bytes]:
    """The events of a log that `check` has accepted; a case as soon as its rows are complete."""
    faults = _Faults()
    underway: dict[str, list[Row]] = {}
    for row in _rows(log, mapping, faults):
        rows = underway.setdefault(row.case, [])
        rows.append(row)
        if len(rows) == cases[row.case].rows:
            yield from _events_of(underway.pop(row.case), mapping, summary)
    if faults.found or underway:
        raise Refused("The log changed while it was read. Run the import again.")


def _events_of(rows: list[Row], mapping: EventLogMapping, summary: Summary) -> Iterator[bytes]:
    first = rows[0]
    agencies = {row.agency for row in rows}
    start = first.start or min(row.at for row in rows)
    number = mapping.case_number(first.case) or 0
    code = mapping.dossier_code(first.case, number, first.start or first.at, first.agency)
    rows = sorted(rows, key=attrgetter("at"))
    summary.cases += 1
    summary.rows += len(rows)

    def event(
        name: str, agency: str, what: str, at: datetime, sequence: int, data: dict[str, object]
    ) -> bytes:
        summary.events[f"dossier.{what}"] += 1
        return orjson.dumps(
            {
                "specversion": "1.0",
                "id": f"{mapping.name}:{first.case}:{name}",
                "source": f"/agencies/{agency}",
                "type": f"vn.lienthong.dossier.{what}.v1",
                "subject": code,
                "time": instant(at),
                "sequence": str(sequence),
                "data": {"dossier_code": code, **data},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    oldest = min(start, rows[0].at, first.end or start)
    yield event(
        "submitted",
        first.agency,
        "submitted",
        oldest,
        _SUBMITTED,
        _present(
            procedure_code=mapping.dossier.procedure_code,
            procedure_name=mapping.dossier.procedure_name,
            field_code=mapping.dossier.field_code,
            receiving_agency=mapping.dossier.receiving_agency,
            handling_agency=first.agency,
            applicant={"kind": mapping.dossier.applicant_kind},
            channel=first.channel,
            status=1,
            submitted_at=instant(start),
            due_at=None if first.deadline is None else instant(first.deadline),
        ),
    )
    in_time = 0
    for place, row in enumerate(rows, 1):
        late = first.end is not None and row.at > first.end
        in_time += not late
        summary.late_rows += late
        quiet = late and row.activity.type != "returned"
        what = "progressed" if quiet else row.activity.type
        data: dict[str, object] = {}
        if not quiet:
            data["status"] = row.activity.status
            if what in _INSTANT_OF_TYPE:
                data[_INSTANT_OF_TYPE[what]] = instant(row.at)
            if len(agencies) > 1:
                data["handling_agency"] = row.agency
        data["step"] = _present(
            id=row.task or str(place),
            at=instant(row.at),
            status=None if quiet else row.activity.status,
            handler=row.handler,
            position=row.position,
            unit=row.unit,
            text=row.text,
        )
        yield event(f"step:{row.task or place}", row.agency, what, row.at, place * _STRIDE, data)
    if first.end is not None:
        summary.closed += 1
        summary.closed_late += first.deadline is not None and first.end > first.deadline
        yield event(
            "completed",
            first.agency,
            "completed",
            first.end,
            in_time * _STRIDE + _STRIDE // 2,
            {"status": 9, "finished_at": instant(first.end)},
        )


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _rows(log: IO[bytes], mapping: EventLogMapping, faults: _Faults) -> Iterator[Row]:
    """The rows that can be understood; what cannot is added to `faults`."""
    text = io.TextIOWrapper(io.BufferedReader(Raw(log)), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=mapping.log.delimiter, strict=True)
    names = mapping.columns.named()
    places: dict[str, int] | None = None
    width = 0
    begin = 1
    try:
        for cells in reader:
            line, begin = begin, reader.line_num + 1
            if not cells:
                continue
            if places is None:
                places = _header(cells, names)
                width = len(cells)
            elif len(cells) != width:
                faults.add(
                    line,
                    names["case"],
                    f"the row has {len(cells)} cells and the header {width}. Quote cells that "
                    "hold the delimiter.",
                )
            else:
                row = _row(line, {role: cells[at] for role, at in places.items()}, mapping, faults)
                if row is not None:
                    yield row
            if faults.many:
                return
    except UnicodeDecodeError:
        raise Refused(
            f"The log is not UTF-8 (near line {begin}). Save it as UTF-8 and run the import again."
        ) from None
    except csv.Error as error:
        raise Refused(
            f"The log is not well-formed CSV near line {begin}: {error}. Correct it there."
        ) from None
    if places is None:
        raise Refused("The log is empty. Check that it is the right file.")


def _header(cells: list[str], names: Mapping[str, str]) -> dict[str, int]:
    header = [cell.strip() for cell in cells]
    missing = [name for name in names.values() if name not in header]
    if missing:
        raise Refused(
            f"The log has no column {', '.join(missing)}. It has {', '.join(header)}. Correct "
            "`columns` of the mapping, or `log.delimiter`."
        )
    twice = [name for name in names.values() if header.count(name) > 1]
    if twice:
        raise Refused(f"The log has the column {', '.join(twice)} twice. Rename one of them.")
    return {role: header.index(name) for role, name in names.items()}


def _row(
    line: int, cells: Mapping[str, str], mapping: EventLogMapping, faults: _Faults
) -> Row | None:
    names = mapping.columns.named()
    before = len(faults.found)

    def fault(role: str, text: str) -> None:
        faults.add(line, names[role], text)

    def text_of(role: str, longest: int = _LONGEST_TEXT) -> str | None:
        value = normalise_text(cells.get(role, ""))
        if not value or value in mapping.log.empty:
            return None
        if "\0" in value:
            fault(role, "it has the character NUL. Remove it.")
        if len(value) > longest:
            fault(role, f"it has {len(value)} characters and at most {longest} are taken.")
        return value

    def required(role: str, longest: int = _LONGEST_TEXT) -> str:
        value = text_of(role, longest)
        if value is None:
            fault(role, "it is empty, and every row needs it.")
        return value or ""

    def time_of(role: str, *, needed: bool = False) -> datetime | None:
        value = required(role) if needed else text_of(role)
        if not value:
            return None
        try:
            return _time(value, mapping)
        except ValueError as error:
            fault(role, f"{value!r} {error}")
            return None

    def one_of(role: str, known: Mapping[str, _T], default: _T | None, table: str) -> _T | None:
        value = text_of(role)
        if value is not None and value in known:
            return known[value]
        if default is None and role in names:
            found = "it is empty" if value is None else f"{value!r} is not in the mapping"
            fault(
                role,
                f"{found}. Known are {', '.join(sorted(known)) or 'none'}. Add it to `{table}`, "
                f"or give `defaults.{role}`.",
            )
        return default

    case = required("case", _LONGEST_STEP_ID)
    at = time_of("time", needed=True)
    name = required("activity")
    activity = one_of("activity", mapping.activities, mapping.defaults.activity, "activities")
    agency = one_of("department", mapping.departments, mapping.defaults.department, "departments")
    channel = one_of("channel", mapping.channels, mapping.defaults.channel, "channels")
    task = required("task", _LONGEST_STEP_ID) if "task" in names else None
    for role, value in (("case", case), ("task", task)):
        if value and not re.fullmatch(PRINTABLE_PATTERN, value):
            fault(role, "it becomes part of an event id, so it needs printable characters only.")
    handler, position, unit = text_of("handler"), text_of("position"), text_of("unit")
    start, deadline, end = time_of("start"), time_of("deadline"), time_of("end")
    if len(f"{mapping.name}:{case}:step:{task or '0000000'}") > _LONGEST_STEP_ID:
        fault("case", "the event id made of it would be over 128 characters. Shorten it.")
    if len(faults.found) > before or at is None or activity is None or agency is None:
        return None
    return Row(
        line=line,
        case=case,
        activity=activity,
        text=activity.text or name,
        at=at,
        agency=agency,
        task=task,
        handler=handler,
        position=position,
        unit=unit,
        channel=channel,
        start=start,
        deadline=deadline,
        end=end,
        as_written=tuple(cells.get(role, "") for role in ("channel", "start", "deadline", "end")),
    )


def _time(text: str, mapping: EventLogMapping) -> datetime:
    """An aware datetime; ValueError says what is wrong and what to do."""
    declared = mapping.log.time_format
    try:
        if declared is not None:
            moment = datetime.strptime(text, declared)  # noqa: DTZ007  # the zone comes below
        elif _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").upper())
        else:
            raise ValueError
    except ValueError:
        form = f"`{declared}`" if declared else "YYYY-MM-DD HH:MM:SS with an offset"
        raise ValueError(
            f"is no time of the form {form}. Correct it, or declare `log.time_format`."
        ) from None
    if moment.tzinfo is None:
        if mapping.log.time_zone is None:
            raise ValueError("has no offset. Say in `log.time_zone` which zone it is in.")
        moment = moment.replace(tzinfo=zone_of(mapping.log.time_zone))
    try:
        instant(moment)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999. Correct it.") from None
    return moment


def _watched(log: IO[bytes], advance: Callable[[int], None]) -> IO[bytes]:
    return io.BufferedReader(_Counted(log, advance), 1 << 16)


class _Counted(Raw):
    """Tells how many bytes were read of a stream."""

    def __init__(self, stream: IO[bytes], advance: Callable[[int], None]) -> None:
        super().__init__(stream)
        self._advance = advance

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        count = super().readinto(buffer)
        self._advance(count)
        return count


@contextmanager
def _rereadable(stream: IO[bytes], size: int | None) -> Iterator[tuple[IO[bytes], int]]:
    """A plain file, else (unpacked, from a pipe) a temporary copy; and its length."""
    if size is not None:
        yield stream, size
        return
    with tempfile.TemporaryFile() as copy:
        while block := stream.read(1 << 20):
            copy.write(block)
        length = copy.tell()
        copy.seek(0)
        yield copy, length


@contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    """Where the events go. A file appears whole, or stays as it was."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise Misuse(f"{target} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as raw:
            if target.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                    yield packed  # type: ignore[misc]  # GzipFile writes bytes, though not an IO
            else:
                yield raw
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
