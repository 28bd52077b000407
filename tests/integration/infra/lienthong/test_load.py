"""Files are dropped, followed and reported by commands; the functions load them in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import SOURCES, body, event
from tests.integration.infra.lienthong.harbour import BUCKET, Harbour
from tests.integration.infra.lienthong.town import Town

HEADER = "ma,ho_ten,sinh,gioi,ghi_nhan"
MANIFEST = {
    "format": "csv",
    "source": SOURCES["person"],
    "type": "vn.lienthong.person.registered.v1",
    "id": "dan-cu-{ma}",
    "time": {"value": "{ghi_nhan}", "forms": ["dd/MM/yyyy"], "zone": "Asia/Ho_Chi_Minh"},
    "columns": {
        "ma": {"field": "personal_id", "pad": 12},
        "ho_ten": {"field": "full_name"},
        "sinh": {"field": "date_of_birth", "dates": ["dd/MM/yyyy", "yyyy"]},
        "gioi": {"field": "sex", "words": {"Nam": "male", "Nữ": "female"}},
    },
}


def rows(count: int, *bad: int) -> list[str]:
    return [
        f"{1190000000 + n},Đặng Thị Mẫu {'Nử' if n in bad else 'A'},1990,"
        f"{'Nử' if n in bad else 'Nữ'},05/01/2026"
        for n in range(count)
    ]


def people(folder: Path, count: int = 20, *bad: int, manifest: Any = MANIFEST) -> Path:
    file = folder / "people.csv"
    file.write_text("\n".join([HEADER, *rows(count, *bad), ""]), "utf-8")
    (folder / "people.csv.manifest.json").write_text(json.dumps(manifest), "utf-8")
    return file


@pytest.fixture
def harbour(town: Town, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "loading")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    return Harbour(town)


def output(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def dropped(harbour: Harbour, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert harbour.town.run("load", str(file), "--detach", "--json") == 0
    load_id: str = output(capsys)["load_id"]
    return load_id


def test_a_file_is_loaded_and_its_refused_lines_come_back(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people(harbour.town.folder, 20, 3, 11)
    load_id = dropped(harbour, file, capsys)
    harbour.load("people.csv")
    report = harbour.town.folder / "refused.ndjson"

    assert harbour.town.run("load", "--follow", load_id, "--report", str(report)) == 1

    captured = capsys.readouterr()
    assert "people.csv  done" in captured.out
    assert "2 lines were refused; the others are in." in captured.err
    told = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [line["line"] for line in told] == [5, 13]
    assert {reason["path"] for line in told for reason in line["reasons"]} == {"/data/sex"}
    people_there = harbour.town.dynamodb.scan(TableName="PeopleTable")["Items"]
    assert len(people_there) == 18


def test_the_same_file_again_is_another_load_that_changes_nothing(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people(harbour.town.folder)
    first = dropped(harbour, file, capsys)
    harbour.load("people.csv")
    before = harbour.town.everything()
    second = dropped(harbour, file, capsys)
    harbour.load("people.csv")

    assert harbour.town.run("load", "--follow", second, "--json") == 0
    told = output(capsys)
    assert first != second
    assert told["outcomes"] == {"applied": 0, "superseded": 0, "duplicate": 20, "quarantined": 0}
    assert told["report_file"] is None
    assert harbour.town.everything() == before


def test_the_manifest_lies_in_the_bucket_before_the_file(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped(harbour, people(harbour.town.folder), capsys)

    stored = harbour.town.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    by_key = {version["Key"]: version for version in stored}
    assert by_key.keys() == {"incoming/people.csv", "incoming/people.csv.manifest.json"}
    body_ = harbour.town.s3.get_object(Bucket=BUCKET, Key="incoming/people.csv.manifest.json")
    assert json.loads(body_["Body"].read()) == MANIFEST


def test_ndjson_goes_by_the_name_it_is_given(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    file = harbour.town.folder / "x"
    file.write_text("\n".join(body(event(id_=str(n))) for n in range(3)), "utf-8")

    assert harbour.town.run("load", str(file), "--name", "H26/events", "--detach", "--json") == 0
    load_id = output(capsys)["load_id"]
    harbour.load("H26/events")

    assert harbour.town.run("loads", "show", load_id[:8], "--json") == 0
    told = output(capsys)
    assert (told["name"], told["state"], told["lines"]) == ("H26/events", "done", 3)


@pytest.mark.parametrize("manifest", [{**MANIFEST, "type": "x"}, {**MANIFEST, "columns": {}}])
def test_what_cannot_be_loaded_is_told_and_not_uploaded(
    harbour: Harbour, capsys: pytest.CaptureFixture[str], manifest: Any
) -> None:
    file = people(harbour.town.folder, manifest=manifest)

    assert harbour.town.run("load", str(file)) == 1

    assert "nothing was uploaded" in capsys.readouterr().err
    assert "Contents" not in harbour.town.s3.list_objects_v2(Bucket=BUCKET)


def test_a_file_of_which_every_line_would_be_refused_is_not_uploaded_unless_one_insists(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people(harbour.town.folder, 3, 0, 1, 2)

    assert harbour.town.run("load", str(file)) == 1
    assert "line 2: /data/sex" in capsys.readouterr().err
    assert "Contents" not in harbour.town.s3.list_objects_v2(Bucket=BUCKET)
    assert harbour.town.run("load", str(file), "--anyway", "--detach") == 0


def test_a_load_that_fails_says_what_to_do(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    harbour.town.s3.put_object(Bucket=BUCKET, Key="incoming/a.csv", Body=b"ma\n1\n")
    harbour.town.s3.put_object(
        Bucket=BUCKET, Key="incoming/a.csv.manifest.json", Body=json.dumps(MANIFEST).encode()
    )
    harbour.notify("a.csv")

    assert harbour.town.run("loads", "--json") == 0
    (told,) = output(capsys)
    assert told["state"] == "failed"
    assert harbour.town.run("loads", "show", told["load_id"]) == 1
    assert "The header has no column `ho_ten`" in capsys.readouterr().err


def test_a_load_under_way_has_its_share_and_no_report(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    load_id = dropped(harbour, people(harbour.town.folder), capsys)
    harbour.notify("people.csv")
    harbour.work(most=2)

    assert harbour.town.run("loads", "show", load_id, "--json") == 0
    told = output(capsys)
    assert (told["state"], told["ranges"]["done"]) == ("loading", 2)
    assert 0 < told["percent"] < 100
    assert harbour.town.run("loads", "show", load_id) == 0
    assert "people.csv  loading, " in capsys.readouterr().out
    assert harbour.town.run("loads", "report", load_id) == 1
    assert "has no report yet: it is loading" in capsys.readouterr().err


def test_loads_are_listed_newest_first(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harbour.town.run("loads") == 0
    assert "No file was ever loaded." in capsys.readouterr().out
    dropped(harbour, people(harbour.town.folder, 4, 1), capsys)
    harbour.load("people.csv")

    assert harbour.town.run("loads", "list", "--limit", "5") == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[1:4] == ["people.csv", "done", "100%"]


def test_the_report_is_printed_or_written(
    harbour: Harbour, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = people(harbour.town.folder, 5, 2)
    assert harbour.town.run("load", str(file), "--detach", "--json") == 0
    load_id = json.loads(capsysbinary.readouterr().out)["load_id"]
    harbour.load("people.csv")

    assert harbour.town.run("loads", "report", load_id) == 0
    printed = capsysbinary.readouterr().out
    out = harbour.town.folder / "out.ndjson"
    assert harbour.town.run("loads", "report", load_id, "--out", str(out)) == 0
    assert out.read_bytes() == printed
    assert json.loads(printed)["line"] == 4


def test_all_of_a_csv_is_accounted_for_by_stats(
    harbour: Harbour, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people(harbour.town.folder, 6, 2)
    file.write_text(file.read_text("utf-8") + "1,2\n", "utf-8")
    dropped(harbour, file, capsys)
    harbour.load("people.csv")

    assert harbour.town.run("stats", "--sent", str(file), "--exact", "--json") == 0
    told = output(capsys)
    assert told["holds"] is True
    assert told["queues"]["population"]["quarantined"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("load",), 2, "Name a FILE to load"),
        (("load", "a", "--follow", "b"), 2, "Name a FILE to load"),
        (("load", "nothing.csv"), 2, "There is no file"),
        (("load", "--follow", "0" * 32), 2, "There is no load"),
        (("loads", "show", "0" * 32), 2, "There is no load"),
        (("loads", "show", "00000000"), 2, "There is no load"),
        (("loads", "show", "xyz"), 2, "give 8 to 32 of the digits"),
    ],
)
def test_wrong_use_is_told(
    harbour: Harbour,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    assert harbour.town.run(*arguments) == code
    assert says in capsys.readouterr().err
