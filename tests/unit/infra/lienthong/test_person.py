"""A person is shown as their reader may see them, with sources, rivals and what is hidden."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.lienthong import person
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse, Refused
from tests.api_double import (
    RECORD,
    ScriptedWire,
    answered,
    api,
    dossier,
    lookup,
    masked,
    options,
    problem,
    record,
)
from tests.api_double import person as person_record
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, PERSON_ID


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def lines(text: str) -> list[str]:
    return [re.sub(" {2,}", " | ", line.strip()) for line in text.splitlines()]


def shown(
    capsys: pytest.CaptureFixture[str],
    document: dict[str, Any],
    *arguments: str,
    roles: str = "one-stop-officer",
) -> list[str]:
    wire = ScriptedWire(answered(document))
    asked = options("person", *(arguments or (PERSON_ID,)))
    assert person.ask(api(wire, roles), asked, Console()) is Exit.OK
    return lines(capsys.readouterr().out)


def test_who_it_is_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, lookup())
    assert found[0] == (
        "Đặng Thị Mẫu, female, born 1990-04-30 | version 3, updated 2026-03-04 09:00:00"
    )


def test_each_field_has_its_source_and_time_and_rivals_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = shown(capsys, lookup())
    at = found.index("full_name | Đặng Thị Mẫu | 30 | G01 | 2026-03-03 07:00:00")
    assert found[at + 1] == "└ disputed | Đặng Thị Mậu | 10 | G24 | 2026-03-04 07:00:00"
    assert f"personal_id | {PERSON_ID}" in found


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ("one-stop-officer", "(hidden from one-stop-officer)"),
        ("auditor inspector", "(hidden from auditor and inspector)"),
        ("", "(hidden from you)"),
    ],
)
def test_a_masked_field_shows_that_it_is_there(
    capsys: pytest.CaptureFixture[str], roles: str, words: str
) -> None:
    assert f"phone | {words}" in shown(capsys, lookup(), roles=roles)


def test_cards_and_dossiers_follow_with_the_names_of_states(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = shown(capsys, lookup())
    assert any(line.startswith(f"Insurance card {INSURANCE_NUMBER}") for line in found)
    at = found.index("Dossiers")
    assert found[at + 1] == "dossier | state | due"
    assert found[at + 2] == f"{DOSSIER_CODE} | 4 in process | 2026-03-09 17:00:00"


def test_what_is_hidden_whole_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = record("dossier", {"dossier_code": masked("dossier"), "status": masked("dossier")})
    number = record("insurance-card", {"insurance_number": masked("insurance")})
    found = shown(capsys, lookup(insurance_cards=[number], dossiers=[hidden, hidden]))
    at = found.index("Insurance card")
    assert found[at + 1] == "1 (hidden from one-stop-officer)"
    at = found.index("Dossiers")
    assert found[at + 1] == "2 (hidden from one-stop-officer)"


def test_hidden_dossiers_follow_those_that_may_be_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = record("dossier", {"dossier_code": masked("dossier")})
    found = shown(capsys, lookup(dossiers=[hidden, dossier()]))
    at = found.index("Dossiers")
    assert found[at + 2].startswith(DOSSIER_CODE)
    assert found[at + 3] == "1 more (hidden from one-stop-officer)"


def test_warnings_are_explained_and_one_of_a_hidden_field_does_not_name_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = shown(capsys, lookup())
    at = found.index("Warnings")
    assert found[at + 2] == "disputed:full_name | A lower rank says otherwise."
    assert found[at + 3] == "disputed | A lower rank says otherwise."


def test_the_last_line_says_what_was_noted(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, lookup())
    assert found[-1] == (
        "Times are Vietnam time. Noted in the access log: officer.lan, for dossier-handling, case "
        f"{DOSSIER_CODE}; request request-1."
    )
    assert f"record {RECORD}" in found


def test_a_card_without_a_person_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, lookup(person=None, dossiers=[]))
    assert found[0] == "The population records do not have this person."
    assert any(line.startswith("Insurance card") for line in found)


def test_an_answer_that_does_not_hold_all_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There are more" in "\n".join(shown(capsys, lookup(complete=False)))


def test_what_a_sender_wrote_does_not_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = person_record(full_name={"group": "identity", "value": "An [red]đỏ[/red] \x1b[31m"})
    out = "\n".join(shown(capsys, lookup(person=odd)))
    assert "\x1b[31m" not in out
    assert "An [red]đỏ[/red] \\u001b[31m" in out


def test_json_is_the_document_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(lookup()))
    person.ask(api(wire), options("person", PERSON_ID, "--json"), Console(as_json=True))
    assert json.loads(capsys.readouterr().out) == lookup()


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((PERSON_ID,), {"personal_id": PERSON_ID}),
        (("--old-number", "012345678"), {"old_identity_number": "012345678"}),
        (("--insurance-number", INSURANCE_NUMBER), {"insurance_number": INSURANCE_NUMBER}),
        (("001 190 000 017",), {"personal_id": PERSON_ID}),
    ],
)
def test_the_number_is_in_the_body_and_in_no_address(
    arguments: tuple[str, ...], body: dict[str, str]
) -> None:
    wire = ScriptedWire(answered(lookup()))
    person.ask(api(wire), options("person", *arguments), Console(as_json=True))
    assert wire.routes == ["POST /v1/people/lookups"]
    assert wire.body() == body
    assert not any(number in wire.asked[0].url for number in body.values())


def test_an_opaque_id_is_asked_for_by_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, {**person_record(), "request_id": "request-1"}, RECORD)
    assert found[0].startswith("Đặng Thị Mẫu")
    wire = ScriptedWire(answered(person_record()))
    person.ask(api(wire), options("person", RECORD), Console(as_json=True))
    assert wire.routes == [f"GET /v1/people/{RECORD}"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (PERSON_ID, "--old-number", "012345678"),
        ("1190000017",),
        ("--old-number", "0123"),
        ("--insurance-number", "٠١٢٣٤٥٦٧٨٩"),
    ],
)
def test_a_slip_of_the_finger_is_told_before_anything_is_asked(arguments: tuple[str, ...]) -> None:
    wire = ScriptedWire()
    with pytest.raises(Misuse):
        person.ask(api(wire), options("person", *arguments), Console())


def test_a_refused_look_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(problem(403, "not-permitted", "No policy permits this."))
    with pytest.raises(Refused, match="No policy permits this"):
        person.ask(api(wire), options("person", PERSON_ID), Console())
    assert capsys.readouterr().out == ""
