"""`lienthong city`: a folder that is whole, a stream, and refusals in sentences."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from infra.lienthong.__main__ import main
from infra.lienthong.messages import messages, opened

SMALL = ("--seed", "4", "--people", "60", "--dirt", "all")


def made(folder: Path, *more: str) -> int:
    return main(["city", *SMALL, "--out", str(folder), *more])


def test_a_folder_has_the_events_the_registry_and_the_truth(tmp_path: Path) -> None:
    assert made(tmp_path / "city") == 0
    found = {str(p.relative_to(tmp_path / "city")) for p in (tmp_path / "city").rglob("*.*json*")}
    truth = ("people", "records", "bad", "typos", "rivals")
    assert found == {
        "events.ndjson",
        "registry.ndjson",
        "truth/summary.json",
        *(f"truth/{name}.ndjson" for name in truth),
    }


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    made(tmp_path)
    summary = json.loads((tmp_path / "truth/summary.json").read_bytes())
    lines = (tmp_path / "events.ndjson").read_bytes().splitlines()
    counts = summary["counts"]
    repeats = sum(counts["repeats"].values())
    assert counts["messages"] == len(lines)
    assert counts["good"] == len(lines) - repeats - sum(counts["bad"].values())
    assert sum(counts["type"].values()) == counts["good"]
    assert counts["registry"] == len((tmp_path / "registry.ndjson").read_bytes().splitlines())
    digest = hashlib.sha256((tmp_path / "events.ndjson").read_bytes()).hexdigest()
    assert summary["files"]["events"]["sha256_unpacked"] == digest
    assert summary["settings"]["people"] == 60


def test_a_line_of_the_truth_is_a_line_of_the_events(tmp_path: Path) -> None:
    made(tmp_path)
    with opened(str(tmp_path / "events.ndjson")) as (stream, _):
        lines = {message.line: message.body for message in messages(stream)}
    for line in (tmp_path / "truth/typos.ndjson").read_bytes().splitlines():
        document = json.loads(line)
        assert json.loads(lines[document["line"]])["id"] == document["id"]


def test_the_stream_on_stdout_is_the_registry_and_the_events(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    made(tmp_path)
    capsysbinary.readouterr()
    assert main(["city", *SMALL, "--quiet"]) == 0
    out = capsysbinary.readouterr().out
    files = [(tmp_path / name).read_bytes() for name in ("registry.ndjson", "events.ndjson")]
    assert out == b"".join(files)


def test_packed_events_are_the_same_events_and_packed_alike(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(tmp_path / name, "--gzip")
    made(tmp_path / "plain")
    one, two = ((tmp_path / name / "events.ndjson.gz").read_bytes() for name in ("one", "two"))
    assert one == two
    assert gzip.decompress(one) == (tmp_path / "plain/events.ndjson").read_bytes()


def test_json_gives_the_summary_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((tmp_path / "truth/summary.json").read_bytes())


def test_a_city_is_replaced_only_when_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    before = (tmp_path / "events.ndjson").read_bytes()
    assert made(tmp_path, "--people", "70") == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "events.ndjson").read_bytes() == before
    assert made(tmp_path, "--people", "70", "--force", "--gzip") == 0
    assert not (tmp_path / "events.ndjson").exists()


def test_a_folder_of_something_else_is_never_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    assert made(tmp_path, "--force") == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--people", "0"), "1 to 5,000,000 people"),
        (("--cards", "61"), "cannot have 61 cards"),
        (("--cards", "-1"), "cannot have -1 cards"),
        (("--dossiers", "-1"), "Correct --dossiers"),
        (("--from", "2025-02-30"), "2025-02-30 is no date"),
        (("--from", "2019-01-01"), "from 2024 to 2026"),
        (("--to", "2027-01-01"), "from 2024 to 2026"),
        (("--from", "2025-11-01"), "90 days or more"),
        (("--province", "99"), "There is no province 99"),
        (("--dirt", "bad=2"), "is impossible"),
        (("--dirt", "worst"), "is no preset"),
        (("--gzip", "--out", "-"), "--out FOLDER"),
        (("--json", "--out", "-"), "--out FOLDER"),
    ],
)
def test_the_impossible_is_refused_in_a_sentence_and_nothing_is_made(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert made(tmp_path / "city", *arguments) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.rstrip().endswith(".")
    assert captured.out == ""
    assert not (tmp_path / "city").exists()


def test_a_file_in_the_way_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "city").write_text("")
    assert made(tmp_path / "city") == 2
    assert "cannot be used" in capsys.readouterr().err


def test_a_city_that_goes_on_after_today_is_made_with_a_word_of_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(tmp_path, "--to", "2026-12-31") == 0
    capsys.readouterr()
