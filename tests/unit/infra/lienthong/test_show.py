"""A record is shown through the API; the tables are read only where that is asked for."""

from __future__ import annotations

import json
import re

import pytest

from infra.lienthong import show
from infra.lienthong.__main__ import main
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Refused
from tests.api_double import (
    RECORD,
    ScriptedWire,
    answered,
    api,
    card,
    dossier,
    lookup,
    masked,
    options,
    problem,
)
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, PERSON_ID


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(wire: ScriptedWire, *arguments: str, console: Console | None = None) -> Exit:
    return show.ask(api(wire), options("show", *arguments), console or Console())


def lines(text: str) -> list[str]:
    return [re.sub(" {2,}", " | ", line.strip()) for line in text.splitlines()]


def test_a_person_is_looked_up_and_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(lookup()))
    assert run(wire, "person", PERSON_ID) is Exit.OK
    assert wire.body() == {"personal_id": PERSON_ID}
    told = capsys.readouterr()
    assert told.out.startswith(f"person {PERSON_ID}  version 3")
    assert "Insurance card" not in told.out
    assert "covers the person with cards and dossiers" in told.err


def test_a_card_is_the_one_of_that_number(capsys: pytest.CaptureFixture[str]) -> None:
    other = card(insurance_number={"group": "insurance", "value": "9999999999"})
    wire = ScriptedWire(answered(lookup(insurance_cards=[other, card()])))
    run(wire, "card", INSURANCE_NUMBER)
    assert wire.body() == {"insurance_number": INSURANCE_NUMBER}
    assert capsys.readouterr().out.startswith(f"insurance-card {INSURANCE_NUMBER}")


def test_a_card_whose_number_is_hidden_is_shown_where_it_is_the_only_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = card(insurance_number=masked("insurance"))
    run(ScriptedWire(answered(lookup(insurance_cards=[hidden]))), "card", INSURANCE_NUMBER)
    assert capsys.readouterr().out.startswith("insurance-card (hidden from one-stop-officer)")
    several = answered(lookup(insurance_cards=[hidden, hidden]))
    with pytest.raises(Refused, match="hidden from you"):
        run(ScriptedWire(several), "card", INSURANCE_NUMBER)


def test_a_dossier_is_looked_up_by_its_code_with_its_timeline(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wire = ScriptedWire(answered({**dossier(), "request_id": "request-1"}))
    run(wire, "dossier", DOSSIER_CODE)
    assert wire.routes == ["POST /v1/dossiers/lookups"]
    assert wire.body() == {"dossier_code": DOSSIER_CODE}
    found = lines(capsys.readouterr().out)
    assert "status | 4 in process | 30 | G01 | 2026-03-03 07:00:00" in found
    assert found[found.index("Timeline") + 2].startswith(
        "2026-03-03 03:30:00 | 4 in process | Thẩm định"
    )


@pytest.mark.parametrize(
    ("kind", "path"),
    [("person", "people"), ("card", "insurance-cards"), ("dossier", "dossiers")],
)
def test_an_opaque_id_is_asked_for_by_its_path(kind: str, path: str) -> None:
    wire = ScriptedWire(answered(dossier()))
    run(wire, kind, RECORD, console=Console(as_json=True))
    assert wire.routes == [f"GET /v1/{path}/{RECORD}"]


def test_json_is_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    run(ScriptedWire(answered(lookup())), "person", PERSON_ID, console=Console(as_json=True))
    assert json.loads(capsys.readouterr().out) == lookup()["person"]


def test_a_person_that_only_cards_know_is_not_there() -> None:
    with pytest.raises(Refused, match="There is no record person/"):
        run(ScriptedWire(answered(lookup(person=None))), "person", PERSON_ID)


def test_what_the_api_does_not_have_is_told_in_its_words() -> None:
    missing = problem(404, "not-found", "There is no dossier with this code.")
    with pytest.raises(Refused, match="There is no dossier with this code"):
        run(ScriptedWire(missing), "dossier", DOSSIER_CODE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("person", "123"), "a personal id has 12 digits"),
        (("person", PERSON_ID, "--withdrawn"), "Add --direct"),
        (("person", PERSON_ID), "--purpose"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(
    arguments: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LIENTHONG_PURPOSE", raising=False)
    assert main(["show", *arguments]) == 2
    assert sentence in capsys.readouterr().err
