"""Who looked is a table: when, who, for what, and what they saw."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.lienthong import who_looked
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse, Refused
from tests.api_double import RECORD, ScriptedWire, answered, api, lookup, options, person, problem
from tests.builders import DOSSIER_CODE, PERSON_ID


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "240")


def look(**changes: Any) -> dict[str, Any]:
    return {
        "entry": "entry-1",
        "looked_at": "2026-11-22T08:00:00.000000Z",
        "officer": "sub-1",
        "officer_name": "officer.lan",
        "agency": "H26.12",
        "agency_name": "Phường Mẫu",
        "roles": ["one-stop-officer"],
        "action": "read",
        "purpose": "dossier-handling",
        "case": DOSSIER_CODE,
        "decision": "permitted",
        "rules": ["one-stop"],
        "records": [
            {"record": "c", "kind": "insurance-card", "seen": [], "masked": ["card", "status"]},
            {"record": "p", "kind": "person", "seen": ["full_name", "sex"], "masked": ["phone"]},
        ],
        "request_id": "request-1",
        **changes,
    }


def page(*entries: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"entries": list(entries), "cursor": cursor, "request_id": "request-2"}


def run(wire: ScriptedWire, *arguments: str, console: Console | None = None) -> Exit:
    return who_looked.ask(api(wire), options("who-looked", *arguments), console or Console())


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out = capsys.readouterr().out
    return [re.sub(" {2,}", " | ", line.strip()) for line in out.splitlines()]


def test_a_look_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(page(look(), look(decision="refused", case=None, records=[]))))
    assert run(wire, RECORD) is Exit.OK
    assert wire.routes == [f"GET /v1/people/{RECORD}/access-log"]
    found = lines(capsys)
    who = "2026-11-22 15:00:00 | officer.lan | H26.12 | dossier-handling"
    assert found[0] == "2 looks"
    seen = "person 2 (1 hidden), insurance-card none (2 hidden)"
    assert found[2] == f"{who} | {DOSSIER_CODE} | read | {seen}"
    assert found[3] == f"{who} | read | refused"
    at = found.index("Officers")
    assert found[at + 2 : at + 4] == ["officer.lan | sub-1 | H26.12 Phường Mẫu", ""]
    assert found[-1].startswith("Times are Vietnam time. Noted in the access log: officer.lan")


def test_each_field_is_named_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run(ScriptedWire(answered(page(look()))), RECORD, "--fields")
    found = lines(capsys)
    assert "person | full_name, sex (hidden: phone)" in found
    assert "insurance-card | nothing (hidden: card, status)" in found


def test_the_id_of_each_look_is_told_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run(ScriptedWire(answered(page(look()))), RECORD, "--ids")
    assert "id | entry-1" in lines(capsys)


def test_a_deferred_entry_says_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = look(hidden_until="2026-12-31T17:00:00.000000Z")
    run(ScriptedWire(answered(page(hidden))), RECORD)
    assert "(hidden from the person until 2027-01-01 00:00:00)" in capsys.readouterr().out


@pytest.mark.parametrize("window", ["day", "minute"])
def test_who_was_stopped_for_asking_too_much_is_told_in_a_sentence(
    window: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = look(decision="refused", rules=[], spent=window)
    run(ScriptedWire(answered(page(stopped))), "--officer", "sub-1")
    found = lines(capsys)
    assert f"refused, the {window}'s allowance used up" in found[2]
    assert (
        "officer.lan was stopped at 2026-11-22 15:00:00 for asking too much: the allowance of that"
        f" {window} was used up. Only the first such request of a {window} is noted."
    ) in found


def test_a_personal_id_is_looked_up_first_and_that_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wire = ScriptedWire(answered(lookup(person=person())), answered(page(look())))
    run(wire, PERSON_ID)
    assert wire.routes == ["POST /v1/people/lookups", f"GET /v1/people/{RECORD}/access-log"]
    assert f"that look is in the log too. Next time ask for {RECORD}" in capsys.readouterr().err


def test_a_reader_who_may_not_see_the_person_is_told_how_to_ask() -> None:
    refused = problem(403, "not-permitted", "No policy permits this.")
    with pytest.raises(
        Refused, match=r"No policy permits this\. .* by the person's opaque record id"
    ):
        run(ScriptedWire(refused), PERSON_ID)


def test_pages_are_read_to_the_end_or_to_the_most(capsys: pytest.CaptureFixture[str]) -> None:
    pages = (answered(page(look(), look(), cursor="next")), answered(page(look(), cursor="more")))
    wire = ScriptedWire(*pages)
    run(wire, RECORD, "--most", "3")
    assert wire.query() == {"cursor": "next"}
    assert "There are more than these 3: add --most." in capsys.readouterr().out


def test_looks_of_an_officer_are_asked_for_with_filters() -> None:
    wire = ScriptedWire(answered(page()))
    arguments = ("--officer", "sub-1", "--for-purpose", "audit", "--from", "2026-11-01")
    run(wire, *arguments)
    assert wire.routes == ["GET /v1/access-log"]
    assert wire.query() == {
        "officer": "sub-1",
        "purpose": "audit",
        "from": "2026-10-31T17:00:00.000000Z",
    }


def test_nobody_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ScriptedWire(answered(page())), "--agency", "H26.12") is Exit.OK
    assert "There is no look" in capsys.readouterr().out


def test_json_has_all_pages_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(page(look(), cursor="next")), answered(page(look())))
    run(wire, RECORD, console=Console(as_json=True))
    document = json.loads(capsys.readouterr().out)
    assert (len(document["entries"]), document["complete"]) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [(), (RECORD, "--officer", "x"), (RECORD, "--to", "2026-01-01"), ("1190000017",)],
)
def test_a_question_without_meaning_is_not_asked(arguments: tuple[str, ...]) -> None:
    with pytest.raises(Misuse):
        run(ScriptedWire(), *arguments)
