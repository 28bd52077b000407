"""What changed in a record, and how it was known at a time, as the API tells it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.lienthong import history
from infra.lienthong.__main__ import main
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit
from tests.api_double import RECORD, ScriptedWire, answered, api, lookup, options, person
from tests.builders import PERSON_ID

_PATH = f"GET /v1/records/{RECORD}/history"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def change(version: int, *fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": version,
        "recorded_at": "2026-03-04T02:00:00.000000Z",
        "outcome": "applied",
        "event": {
            "source": "/agencies/G01",
            "type": "vn.lienthong.person.updated.v1",
            "time": "2026-03-03T00:00:00.000000Z",
        },
        "fields": list(fields),
    }


def field(name: str, **more: Any) -> dict[str, Any]:
    return {"field": name, "group": "identity", "rank": 30, "won": True, **more}


def page(*changes: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"record": RECORD, "changes": list(changes), "cursor": cursor, "request_id": "r-2"}


def run(wire: ScriptedWire, *arguments: str, console: Console | None = None) -> Exit:
    return history.ask(api(wire), options("history", *arguments), console or Console())


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out = capsys.readouterr().out
    return [re.sub(" {2,}", " | ", line.strip()) for line in out.splitlines()]


def test_changes_are_told_field_by_field(capsys: pytest.CaptureFixture[str]) -> None:
    told = change(
        2,
        field("full_name", before=None, stated="Đặng Thị Mẫu"),
        field("sex", before="male", stated=None, won=False),
        field("nationality", stated="VN", erased="before"),
        field("phone", erased="pair"),
        {"field": "household", "group": "family", "masked": True},
    )
    assert run(ScriptedWire(answered(page(told))), RECORD) is Exit.OK
    found = lines(capsys)
    assert "2 | applied | person.updated.v1 | from G01" in found
    assert "stated 2026-03-03 07:00:00; recorded 2026-03-04 09:00:00" in found
    at = next(i for i, line in enumerate(found) if line.startswith("full_name"))
    assert found[at : at + 5] == [
        "full_name | 30 | won | nothing | -> | Đặng Thị Mẫu",
        "sex | 30 | lost | male | -> | withdrawn",
        "nationality | 30 | won | erased | -> | VN",
        "phone | 30 | won | erased | -> | erased",
        "household | (hidden from one-stop-officer)",
    ]


@pytest.mark.parametrize("words", [(PERSON_ID,), ("person", PERSON_ID)])
def test_a_key_is_looked_up_first(words: tuple[str, ...]) -> None:
    wire = ScriptedWire(answered(lookup(person=person())), answered(page(change(1))))
    run(wire, *words)
    assert wire.routes == ["POST /v1/people/lookups", _PATH]


def test_all_pages_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(page(change(1), cursor="next")), answered(page(change(2))))
    run(wire, RECORD, "--from", "2026-03-01", "--to", "2026-03-31", console=Console(as_json=True))
    span = {"from": "2026-02-28T17:00:00.000000Z", "to": "2026-03-31T16:59:59.999999Z"}
    assert (wire.query(0), wire.query(1)) == (span, {**span, "cursor": "next"})
    assert len(json.loads(capsys.readouterr().out)["changes"]) == 2


def test_a_record_is_shown_as_it_was_known(capsys: pytest.CaptureFixture[str]) -> None:
    then = {**person(), "at": "2026-03-31T00:00:00.000000Z", "request_id": "r-2"}
    wire = ScriptedWire(answered(then))
    run(wire, RECORD, "--at", "2026-03-31 07:00")
    assert wire.query() == {"at": "2026-03-31T00:00:00.000000Z"}
    found = lines(capsys)
    assert found[0] == "As it was known at 2026-03-31 07:00:00:"
    assert "full_name | Đặng Thị Mẫu | 30 | G01 | 2026-03-03 07:00:00" in found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((PERSON_ID, "--at", "2026-03-31", "--to", "2026-03-31"), "--at is one time"),
        ((PERSON_ID, "--direct", "--at", "2026-03-31"), "are for the API"),
        ((RECORD, "--direct"), "know no opaque ids"),
        ((PERSON_ID, "--at", "yesterday"), "is no time"),
        (("12345",), "12 digits"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", *arguments]) == 2
    assert sentence in capsys.readouterr().err
