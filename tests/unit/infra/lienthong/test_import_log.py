"""A CSV event log and a declared mapping become contract events."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import pytest

from infra.lienthong.__main__ import main
from infra.lienthong.import_log import import_events
from infra.lienthong.mapping import EventLogMapping, load
from infra.lienthong.problems import Misuse, Refused
from schemas.event_types import EVENT_TYPES, validate_event_data

REPOSITORY = Path(__file__).parents[4]
RECEIPT_MAPPING = REPOSITORY / "infra/reference/mappings/wabo-receipt.toml"
DATA = Path(os.environ.get("DATA", REPOSITORY.parent / "shared/data"))
RECEIPT_LOG = DATA / "dossiers/wabo_receipt_events.csv"
HEADER = "case,what,at,who,unit,channel,dept,start,due,end,task"

MAPPING = """
name = "sample"
[log]
empty = ["EMPTY"]
[columns]
case = "case"
activity = "what"
time = "at"
handler = "who"
unit = "unit"
channel = "channel"
department = "dept"
start = "start"
deadline = "due"
end = "end"
task = "task"
[dossier]
code = "H26-{start:%y%m%d}-{number:05}"
number = "c-([0-9]+)"
procedure_code = "1.004222"
receiving_agency = "H26"
applicant_kind = "citizen"
[departments]
"Front" = "H26"
"Back" = "H26.07"
[channels]
"Web" = "online"
[activities]
"Receive" = { type = "accepted", status = 2 }
"Work" = { type = "progressed", status = 4 }
"Hand out" = { type = "returned", status = 10 }
"""


def mapping(tmp_path: Path, text: str = MAPPING) -> EventLogMapping:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def log(*rows: str, header: str = HEADER) -> io.BytesIO:
    return io.BytesIO("\n".join([header, *rows, ""]).encode())


def row(
    what: str = "Work",
    at: str = "2025-03-03T09:00:00+07:00",
    task: str = "t1",
    *,
    case: str = "c-1",
    who: str = "An",
    unit: str = "U",
    channel: str = "Web",
    dept: str = "Front",
    start: str = "2025-03-03T08:00:00+07:00",
    due: str = "2025-03-10T08:00:00+07:00",
    end: str = "",
) -> str:
    return f"{case},{what},{at},{who},{unit},{channel},{dept},{start},{due},{end},{task}"


def imported(source: IO[bytes], declared: EventLogMapping) -> list[dict[str, Any]]:
    return [json.loads(line) for line in import_events(source, declared)]


def shown(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What a record would show: per field the statement with the newest stamp."""
    newest: dict[str, tuple[Any, Any]] = {}
    for event in events:
        stamp = (event["time"], int(event["sequence"]), event["source"], event["id"])
        for name, value in event["data"].items():
            if name != "step" and (name not in newest or newest[name][0] < stamp):
                newest[name] = (stamp, value)
    return {name: value for name, (_, value) in newest.items()}


def faults_of(source: io.BytesIO, declared: EventLogMapping) -> tuple[str, ...]:
    with pytest.raises(Refused) as caught:
        list(import_events(source, declared))
    return caught.value.details or (caught.value.message,)


def test_a_case_becomes_a_submission_a_step_per_row_and_a_completion(tmp_path: Path) -> None:
    end = "2025-03-05T10:00:00+07:00"
    events = imported(
        log(
            row("Receive", "2025-03-03T09:00:00+07:00", "t1", end=end),
            row("Work", "2025-03-04T09:00:00+07:00", "t2", end=end),
        ),
        mapping(tmp_path),
    )
    assert [event["type"].split(".", 2)[2] for event in events] == [
        "dossier.submitted.v1",
        "dossier.accepted.v1",
        "dossier.progressed.v1",
        "dossier.completed.v1",
    ]
    assert {event["subject"] for event in events} == {"H26-250303-00001"}
    submitted, accepted, progressed, completed = (event["data"] for event in events)
    assert submitted["due_at"] == "2025-03-10T01:00:00.000000Z"
    assert submitted["applicant"] == {"kind": "citizen"}
    assert accepted["received_at"] == "2025-03-03T02:00:00.000000Z"
    assert progressed["step"] == {
        "id": "t2",
        "at": "2025-03-04T02:00:00.000000Z",
        "status": 4,
        "handler": "An",
        "unit": "U",
        "text": "Work",
    }
    assert completed["finished_at"] == "2025-03-05T03:00:00.000000Z"


def test_every_event_is_valid_by_the_schemas(tmp_path: Path) -> None:
    end = "2025-03-05T10:00:00+07:00"
    events = imported(
        log(
            row("Receive", task="t1", end=end),
            row("Hand out", "2025-03-06T09:00:00+07:00", "t2", end=end),
            row("Work", "2025-03-07T09:00:00+07:00", "t3", end=end, dept="Back"),
        ),
        mapping(tmp_path),
    )
    for event in events:
        assert validate_event_data(EVENT_TYPES[event["type"]], event["data"])[1] == []


def test_a_row_after_the_end_states_only_its_step(tmp_path: Path) -> None:
    end = "2025-03-05T10:00:00+07:00"
    late = imported(
        log(
            row("Work", "2025-03-04T09:00:00+07:00", "t1", end=end),
            row("Receive", "2025-03-06T09:00:00+07:00", "t2", end=end),
        ),
        mapping(tmp_path),
    )[2]
    assert late["type"] == "vn.lienthong.dossier.progressed.v1"
    assert set(late["data"]) == {"dossier_code", "step"}
    assert "status" not in late["data"]["step"]


def test_results_handed_out_after_the_end_keep_their_status(tmp_path: Path) -> None:
    end = "2025-03-05T10:00:00+07:00"
    events = imported(log(row("Hand out", "2025-03-06T09:00:00+07:00", end=end)), mapping(tmp_path))
    assert shown(events)["status"] == 10
    assert shown(events)["finished_at"] == "2025-03-05T03:00:00.000000Z"


@pytest.mark.parametrize(
    ("at", "end", "status"),
    [
        ("2025-03-01T09:00:00+07:00", "", 4),  # a row before the start
        ("2025-03-03T08:00:00+07:00", "", 4),  # a row at the start
        ("2025-03-04T09:00:00+07:00", "2025-03-02T09:00:00+07:00", 9),  # an end before the start
        ("2025-03-04T09:00:00+07:00", "2025-03-04T09:00:00+07:00", 9),  # an end with a row
        ("2025-03-04T09:00:00+07:00", "2025-03-03T08:00:00+07:00", 9),  # an end at the start
    ],
)
def test_the_status_ends_right_whatever_comes_before_the_start(
    tmp_path: Path, at: str, end: str, status: int
) -> None:
    events = imported(log(row("Work", at, end=end)), mapping(tmp_path))
    for order in itertools.permutations(events):
        assert shown(order)["status"] == status
        assert shown(order)["submitted_at"] == "2025-03-03T01:00:00.000000Z"


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    declared = mapping(tmp_path)
    rows = [row(task=f"t{n}", case=f"c-{n % 3}") for n in range(9)]
    assert list(import_events(log(*rows), declared)) == list(import_events(log(*rows), declared))


def test_rows_appended_to_a_log_leave_the_earlier_events_as_they_are(tmp_path: Path) -> None:
    declared = mapping(tmp_path)
    before = [row(task="t1"), row(at="2025-03-04T09:00:00+07:00", task="t2")]
    after = [*before, row(at="2025-03-05T09:00:00+07:00", task="t3")]
    earlier = set(import_events(log(*before), declared))
    assert earlier < set(import_events(log(*after), declared))


def test_cases_may_be_mixed(tmp_path: Path) -> None:
    events = imported(
        log(
            row(case="c-1", task="a"),
            row(case="c-2", task="b"),
            row(case="c-1", task="c", at="2025-03-04T09:00:00+07:00"),
        ),
        mapping(tmp_path),
    )
    assert [event["subject"][-1] for event in events] == ["2", "2", "1", "1", "1"]


def test_the_department_decides_who_publishes(tmp_path: Path) -> None:
    events = imported(
        log(row(task="t1"), row(task="t2", dept="Back", at="2025-03-04T09:00:00+07:00")),
        mapping(tmp_path),
    )
    assert [event["source"] for event in events] == [
        "/agencies/H26",
        "/agencies/H26",
        "/agencies/H26.07",
    ]
    assert shown(events)["handling_agency"] == "H26.07"


def test_without_a_task_column_rows_are_numbered_in_their_order(tmp_path: Path) -> None:
    declared = mapping(tmp_path, MAPPING.replace('task = "task"\n', ""))
    events = imported(log(row(at="2025-03-05T09:00:00+07:00"), row()), declared)
    assert [event["id"] for event in events[1:]] == ["sample:c-1:step:1", "sample:c-1:step:2"]
    assert events[1]["time"] < events[2]["time"]


def test_declared_empty_values_are_left_out(tmp_path: Path) -> None:
    events = imported(log(row(unit="EMPTY", who="")), mapping(tmp_path))
    assert set(events[1]["data"]["step"]) == {"id", "at", "status", "text"}


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\n\n"),
    ],
    ids=["byte order mark", "CRLF", "blank lines"],
)
def test_the_way_a_file_was_saved_does_not_matter(tmp_path: Path, disguise: Any) -> None:
    declared = mapping(tmp_path)
    plain = log(row(task="t1"), row(task="t2"))
    disguised = io.BytesIO(disguise(plain.getvalue()))
    assert list(import_events(disguised, declared)) == list(import_events(plain, declared))


def test_a_quoted_line_break_is_white_space_in_a_text(tmp_path: Path) -> None:
    events = imported(log(row(who='"An\nBình"')), mapping(tmp_path))
    assert events[1]["data"]["step"]["handler"] == "An Bình"


def test_faults_name_the_line_where_their_row_begins(tmp_path: Path) -> None:
    faults = faults_of(
        log(row(who='"An\nBình"', task="t1"), row(at="yesterday", task="t2")), mapping(tmp_path)
    )
    assert len(faults) == 1
    assert faults[0].startswith("line 4, column at: 'yesterday' is no time")


@pytest.mark.parametrize(
    ("changed", "column", "says"),
    [
        ({"what": "Dance"}, "what", "Known are Hand out, Receive, Work"),
        ({"channel": "Pigeon"}, "channel", "defaults.channel"),
        ({"dept": "Moon"}, "dept", "Known are Back, Front"),
        ({"at": "2025-02-30T00:00:00Z"}, "at", "is no time"),
        ({"at": "2025-02-20 00:00:00"}, "at", "log.time_zone"),
        ({"at": ""}, "at", "it is empty"),
        ({"at": "0001-01-01T00:00:00+07:00"}, "at", "outside the years"),
        ({"task": ""}, "task", "it is empty"),
        ({"task": "t0"}, "task", "earlier row"),
        ({"case": "x"}, "case", "dossier.number"),
        ({"end": "2026-01-01T00:00:00Z"}, "end", "differs from line 2"),
        ({"who": "a" * 1001}, "who", "1001 characters"),
        ({"who": "a\0b"}, "who", "NUL"),
    ],
)
def test_a_bad_cell_is_named_with_line_column_and_what_to_do(
    tmp_path: Path, changed: dict[str, str], column: str, says: str
) -> None:
    bad = row(**{"task": "t9", **changed})
    faults = faults_of(log(row(task="t0"), bad), mapping(tmp_path))
    assert len(faults) == 1
    assert faults[0].startswith(f"line 3, column {column}: ")
    assert says in faults[0]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    bad = row(what="Dance", at="?", channel="Pigeon", dept="Moon")
    assert len(faults_of(log(bad, row(what="Sing")), mapping(tmp_path))) == 5


def test_a_default_takes_what_the_mapping_does_not_name(tmp_path: Path) -> None:
    declared = mapping(
        tmp_path,
        MAPPING + '[defaults]\nchannel = "post"\ndepartment = "H26.12"\n'
        'activity = { type = "progressed", status = 4 }\n',
    )
    events = imported(log(row(what="Dance", channel="Pigeon", dept="Moon")), declared)
    assert events[0]["data"]["channel"] == "post"
    assert events[0]["source"] == "/agencies/H26.12"
    assert events[1]["data"]["step"]["text"] == "Dance"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The log is empty"),
        (HEADER.encode(), "no rows"),
        (b"case,what\nc-1,Work\n", "has no column at"),
        (HEADER.encode() + b",at\n", "the column at twice"),
        (HEADER.encode("utf-16"), "not UTF-8"),
        (HEADER.encode() + b'\n"c-1,Work\n', "not well-formed CSV"),
        (HEADER.encode() + b"\nc-1,Work\n", "has 2 cells and the header 11"),
    ],
)
def test_a_file_that_is_no_such_log_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in faults_of(io.BytesIO(content), mapping(tmp_path))[0]


def test_two_cases_with_one_dossier_code_are_refused(tmp_path: Path) -> None:
    faults = faults_of(log(row(case="c-1"), row(case="c-01")), mapping(tmp_path))
    assert "an earlier case has" in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "sample"', "", "name: Field required"),
        ("status = 4", "status = 9", "states status 4"),
        ('type = "accepted"', 'type = "celebrated"', "the type is one of"),
        ("{number:05}", "{nummer}", "may use {start}, {number}"),
        ("c-([0-9]+)", "c-[0-9]+", "exactly one group"),
        ("c-([0-9]+)", "c-([0-9]+", "no regular expression"),
        ('"Front" = "H26"', '"Front" = "Moon"', "departments.Front"),
        ('"Web" = "online"', '"Web" = "pigeon"', "channels.Web"),
        ('procedure_code = "1.004222"', 'procedure_code = "x"', "dossier.procedure_code"),
        ('empty = ["EMPTY"]', 'time_zone = "Mars/Olympus"', "no time zone 'Mars/Olympus'"),
        ('case = "case"', 'case = "case"\ncolour = "red"', "columns.colour"),
    ],
)
def test_a_faulty_mapping_is_refused_with_the_place_of_the_fault(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(Misuse) as caught:
        mapping(tmp_path, MAPPING.replace(old, new))
    assert any(says in detail for detail in caught.value.details)


def test_a_mapping_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="is not TOML"):
        mapping(tmp_path, "name =")


@pytest.mark.parametrize("zone", ["+07:00", "Asia/Ho_Chi_Minh"])
def test_a_declared_zone_is_that_of_times_without_one(tmp_path: Path, zone: str) -> None:
    declared = mapping(
        tmp_path,
        MAPPING.replace(
            'empty = ["EMPTY"]', f'time_zone = "{zone}"\ntime_format = "%d/%m/%Y %H:%M"'
        ),
    )
    events = imported(
        log(row(at="03/03/2025 09:00", start="03/03/2025 08:00", due="10/03/2025 08:00")), declared
    )
    assert events[1]["time"] == "2025-03-03T02:00:00.000000Z"


def test_the_command_writes_a_whole_file_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping(tmp_path)
    source, out = tmp_path / "log.csv", tmp_path / "events.ndjson.gz"
    arguments = ["import-log", str(source), "--mapping", str(tmp_path / "mapping.toml")]
    arguments += ["--out", str(out), "--json"]
    source.write_bytes(gzip.compress(log(row()).getvalue()))
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["events"] == {
        "dossier.progressed": 1,
        "dossier.submitted": 1,
    }
    written = out.read_bytes()
    assert len(gzip.decompress(written).splitlines()) == 2

    source.write_bytes(log(row(at="never")).getvalue())
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "line 2, column at" in captured.err
    assert out.read_bytes() == written
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "events.ndjson.gz",
        "log.csv",
        "mapping.toml",
    ]


def test_json_and_events_do_not_share_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-log", "x.csv", "--mapping", "y.toml", "--json"]) == 2
    assert "add --out FILE" in capsys.readouterr().err


def test_a_missing_file_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mapping(tmp_path)
    path = str(tmp_path / "mapping.toml")
    assert main(["import-log", str(tmp_path / "no.csv"), "--mapping", path]) == 2
    assert main(["import-log", path, "--mapping", str(tmp_path / "no.toml")]) == 2
    assert capsys.readouterr().err.count("There is no") == 2


def test_the_mapping_of_the_receipt_log_declares_what_the_log_is_known_to_hold() -> None:
    declared = load(RECEIPT_MAPPING)
    assert len(declared.activities) == 27
    assert len(declared.channels) == 5
    assert set(declared.channels.values()) == {"online", "in-person", "post"}
    assert declared.defaults.activity is None


def test_the_mapping_of_the_receipt_log_publishes_as_agencies_that_were_in_force() -> None:
    lines = (REPOSITORY / "infra/reference/registry.ndjson").read_text("utf-8").splitlines()
    periods = {
        event["subject"]: period
        for event in map(json.loads, lines)
        for period in event["data"]["periods"]
    }
    for agency in load(RECEIPT_MAPPING).departments.values():
        assert periods[agency]["from"] < "2010-10-01"
        assert "to" not in periods[agency]
        assert "dossier" in periods[agency]["publishes"]


@pytest.mark.skipif(not RECEIPT_LOG.exists(), reason="DATA names no folder with the receipt log")
def test_the_receipt_log_ends_with_the_counts_that_are_published_for_it() -> None:
    with RECEIPT_LOG.open("rb") as source:
        events = imported(source, load(RECEIPT_MAPPING))
    dossiers: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        dossiers.setdefault(event["subject"], []).append(event)
    records = [shown(reversed(of_one)) for of_one in dossiers.values()]
    closed = [record for record in records if record["status"] == 9]
    assert len(records) == 1434
    assert sum("step" in event["data"] for event in events) == 8577
    assert len(closed) == sum("finished_at" in record for record in records) == 1329
    assert sum(record["finished_at"] > record["due_at"] for record in closed) == 377
