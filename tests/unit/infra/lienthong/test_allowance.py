"""What is left of a day's looks is told as the API counts it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.lienthong import allowance
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Unreachable
from tests.api_double import ScriptedWire, answered, api, problem


def me(**counted: int | None) -> dict[str, Any]:
    return {
        "id": "sub-1",
        "name": "officer.lan",
        "agency": "H26.12",
        "agency_name": "Phường Mẫu",
        "roles": ["one-stop-officer"],
        "is_system": False,
        "allowance": counted,
        "request_id": "request-1",
    }


def told(document: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> tuple[Exit, list[str]]:
    wire = ScriptedWire(answered(document))
    found = allowance.ask(api(wire), Console())
    assert wire.routes == ["GET /v1/me"]
    return found, capsys.readouterr().out.splitlines()


def test_looks_of_the_day_are_told_with_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(me(looks=37, most=500, left=463), capsys) == (
        Exit.OK,
        [
            "officer.lan of H26.12 Phường Mẫu, as one-stop-officer.",
            "463 looks left today: 37 of 500 are used.",
        ],
    )


def test_a_day_that_is_used_up_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    found, lines = told(me(looks=500, most=500, left=0), capsys)
    assert found is Exit.FINDINGS
    assert lines[-1] == "0 looks left today: 500 of 500 are used."


def test_whoever_has_no_limit_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    found, lines = told(me(looks=0, most=None, left=None), capsys)
    assert found is Exit.OK
    assert lines[-1] == "There is no limit to your looks a day."


def test_json_is_the_document_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    document = me(looks=1, most=500, left=499)
    allowance.ask(api(ScriptedWire(answered(document))), Console(as_json=True))
    assert json.loads(capsys.readouterr().out) == document


def test_a_sign_in_that_has_expired_is_told_what_to_do() -> None:
    with pytest.raises(Unreachable, match="Sign in again"):
        allowance.ask(api(ScriptedWire(problem(401, "no-caller", "Who?"))), Console())
