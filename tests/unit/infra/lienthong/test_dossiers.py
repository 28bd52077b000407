"""An agency's dossiers are listed as they fall due, with what each reader may see of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.lienthong import dossiers
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse, Refused
from tests.api_double import (
    ScriptedWire,
    answered,
    api,
    dossier,
    masked,
    options,
    problem,
    record,
    stated,
)
from tests.builders import DOSSIER_CODE

APPLICANT = stated({"kind": "citizen", "name": "Đặng Thị Mẫu", "personal_id": "001190000017"})


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def page(*found: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"dossiers": list(found), "cursor": cursor, "request_id": "request-1"}


def run(wire: ScriptedWire, *arguments: str, console: Console | None = None) -> Exit:
    return dossiers.ask(api(wire), options("dossiers", *arguments), console or Console())


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out = capsys.readouterr().out
    return [re.sub(" {2,}", " | ", line.strip()) for line in out.splitlines()]


def test_a_dossier_is_a_line_with_applicant_state_and_due_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wire = ScriptedWire(answered(page(dossier(applicant=APPLICANT), dossier())))
    assert run(wire) is Exit.OK
    assert wire.routes == ["GET /v1/dossiers"]
    assert wire.query() == {}
    found = lines(capsys)
    assert found[0] == "2 dossiers handled by H26.12"
    assert found[1] == "dossier | applicant | state | due"
    assert found[2] == f"{DOSSIER_CODE} | Đặng Thị Mẫu | 4 in process | 2026-03-09 17:00:00"
    hidden = "(hidden from one-stop-officer)"
    assert found[3] == f"{DOSSIER_CODE} | {hidden} | 4 in process | 2026-03-09 17:00:00"
    assert found[-1].startswith("Times are Vietnam time. Noted in the access log: officer.lan")


def test_an_applicant_without_a_name_is_told_by_what_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(ScriptedWire(answered(page(dossier(applicant=stated({"kind": "state-body"}))))))
    assert lines(capsys)[2].startswith(f"{DOSSIER_CODE} | kind: state-body | 4 in process")


def test_who_handles_them_stands_above_and_in_no_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(ScriptedWire(answered(page(dossier(handling_agency=stated("H26.201", "dossier"))))))
    assert lines(capsys)[1] == "dossier | applicant | state | due"


def test_what_may_not_be_seen_at_all_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    whole = record("dossier", {"dossier_code": masked("dossier"), "status": masked("dossier")})
    run(ScriptedWire(answered(page(dossier(), whole))))
    assert "1 more (hidden from one-stop-officer)" in lines(capsys)


def test_the_question_has_agency_states_and_when_they_are_due() -> None:
    wire = ScriptedWire(answered(page()))
    run(wire, "--agency", "H26.201", "--status", "5, 6,5", "--due-before", "2026-04-01")
    assert wire.query() == {
        "agency": "H26.201",
        "status": "5,6",
        "due_before": "2026-03-31T17:00:00.000000Z",
    }


def test_pages_are_read_to_the_end_or_to_the_most(capsys: pytest.CaptureFixture[str]) -> None:
    pages = (page(dossier(), dossier(), cursor="next"), page(dossier(), cursor="more"))
    wire = ScriptedWire(*map(answered, pages))
    run(wire, "--status", "4", "--most", "3")
    assert wire.query() == {"status": "4", "cursor": "next"}
    assert "There are more than these 3: add --most." in lines(capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "H26.12 handles no dossier that is open. With --status 9,10"),
        (("--agency", "H26.201", "--status", "5"), "H26.201 handles no such dossier. Without"),
    ],
)
def test_an_empty_desk_is_no_finding_and_says_what_else_to_ask(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ScriptedWire(answered(page())), *arguments) is Exit.OK
    assert lines(capsys)[0].startswith(said)


def test_json_has_all_pages_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(page(dossier(), cursor="next")), answered(page(dossier())))
    run(wire, console=Console(as_json=True))
    document = json.loads(capsys.readouterr().out)
    assert (len(document["dossiers"]), document["complete"]) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--agency", "h26"), "must be an agency id"),
        (("--agency", "H" + "2" * 40), "must be an agency id"),
        (("--status", "11"), "10 result returned"),
        (("--status", "open"), "1 registered, 2 accepted"),
        (("--status", ""), "one or more of the national states"),
        (("--most", "0"), "from 1 on"),
    ],
)
def test_a_slip_of_the_finger_is_told_before_anything_is_asked(
    arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        run(ScriptedWire(), *arguments)


def test_a_refusal_is_its_sentence_and_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(problem(403, "not-permitted", "No policy permits this."))
    with pytest.raises(Refused, match="No policy permits this"):
        run(wire, "--agency", "H27")
    assert capsys.readouterr().out == ""
