"""The demo's spreadsheet by the command, through the real bucket, queues and functions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from infra.lienthong.__main__ import main
from tests.e2e.conftest import Deployed

ROOT = Path(__file__).parents[4]
FILE = ROOT / "events/demo/08-cards.csv"
MANIFEST = FILE.with_name(f"{FILE.name}.manifest.json")
BAD = [43, 79, 122, 165, 203, 252]
EVENTS, REPEATS = 300 - 5, 3


def loaded(
    stack: Deployed, capsys: pytest.CaptureFixture[str], file: Path, *options: str
) -> tuple[int, dict[str, Any]]:
    """What the command says of a load, and its exit code."""
    outputs = str(stack.site.outputs_file)
    manifest = str(MANIFEST)
    code = main(
        ["load", str(file), "--manifest", manifest, *options, "--outputs", outputs, "--json"]
    )
    return code, json.loads(capsys.readouterr().out)


def test_a_spreadsheet_is_loaded_packed_or_plain_and_its_bad_rows_are_named(
    stack: Deployed, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    packed = tmp_path / "cards.csv.gz"
    packed.write_bytes(gzip.compress(FILE.read_bytes()))
    report = tmp_path / "refused.ndjson"

    code, told = loaded(stack, capsys, packed, "--report", str(report))

    assert (code, told["state"], told["queue"]) == (1, "done", "insurance")
    assert told["lines"] == 1 + 300 + 1 + REPEATS
    assert told["outcomes"] == {
        "applied": EVENTS,
        "superseded": 0,
        "duplicate": REPEATS,
        "quarantined": len(BAD),
    }
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [line["line"] for line in lines] == BAD
    card = stack.client("dynamodb").get_item(
        TableName=stack.outputs["InsuranceCardsTable"],
        Key={"insurance_number": {"S": "0090000000"}},
    )["Item"]
    assert card["primary_facility"] == {"S": "01066"}
    assert card["full_name"] == {"S": "Bùi Thị Yến"}

    code, told = loaded(stack, capsys, FILE, "--name", "again.csv", "--report", str(report))

    assert code == 1
    assert told["outcomes"] == {
        "applied": 0,
        "superseded": 0,
        "duplicate": EVENTS + REPEATS,
        "quarantined": len(BAD),
    }
    assert main(["loads", "--outputs", str(stack.site.outputs_file), "--json"]) == 0
    names = [load["name"] for load in json.loads(capsys.readouterr().out)]
    assert names[:2] == ["again.csv", "cards.csv.gz"]
