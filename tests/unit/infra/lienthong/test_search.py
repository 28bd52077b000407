"""People are found by name and one more thing; how each matches is said in words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.lienthong import search
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse
from tests.api_double import RECORD, ScriptedWire, answered, api, masked, options


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def found(match: str = "exact", **fields: Any) -> dict[str, Any]:
    return {
        "record": RECORD,
        "match": match,
        "fields": {
            "full_name": {"group": "identity", "value": "Đặng Thị Mẫu"},
            "date_of_birth": {"group": "identity", "value": "1990-04-30"},
            "sex": {"group": "identity", "value": "female"},
            "residence": masked("residence"),
            **fields,
        },
    }


def answer(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"people": list(people), "complete": True, "request_id": "request-1", **more}


def run(wire: ScriptedWire, *arguments: str) -> Exit:
    return search.ask(api(wire), options("search", *arguments), Console())


def test_people_are_listed_with_how_they_match(capsys: pytest.CaptureFixture[str]) -> None:
    wire = ScriptedWire(answered(answer(found(), found("diacritics"))))
    assert run(wire, "dang", "thi", "mau", "--born", "1990") is Exit.OK
    lines = [re.sub(" {2,}", " | ", line.strip()) for line in capsys.readouterr().out.splitlines()]
    person = "Đặng Thị Mẫu | 1990-04-30 | female | (hidden from one-stop-officer)"
    assert lines[0] == "2 people"
    assert lines[2] == f"{person} | as typed | {RECORD}"
    assert lines[3] == f"{person} | without diacritics | {RECORD}"
    assert lines[-1].startswith("Times are Vietnam time. Noted in the access log: officer.lan")


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (("--born", "1990"), {"year_of_birth": 1990}),
        (("--born", "1990-05-12"), {"date_of_birth": "1990-05-12"}),
        (("--commune", "00004"), {"commune": "00004"}),
        (("--old-number", "012345678", "--most", "5"), {"old_identity_number": "012345678"}),
    ],
)
def test_the_question_is_in_the_body(arguments: tuple[str, ...], more: dict[str, Any]) -> None:
    wire = ScriptedWire(answered(answer(found())))
    run(wire, "Đặng", "Thị", "Mẫu", *arguments)
    assert wire.routes == ["POST /v1/people/searches"]
    limit = {"limit": 5} if "--most" in arguments else {}
    assert wire.body() == {"name": "Đặng Thị Mẫu", **more, **limit}


def test_nobody_is_a_finding_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ScriptedWire(answered(answer())), "Mẫu", "--born", "1990") is Exit.FINDINGS
    assert "Nobody of that name" in capsys.readouterr().out


def test_more_than_one_answer_holds_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(found(), complete=False, hint="Add the commune.")
    run(ScriptedWire(answered(told)), "Mẫu", "--born", "1990")
    assert "Add the commune." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "A name alone finds too many people"),
        (("--born", "12/05/1990"), "a year \\(1990\\) or a date"),
        (("--born", "1990-02-30"), "a date that exists"),
        (("--commune", "4"), "5 digits"),
        (("--old-number", "1"), "9 digits"),
        (("--born", "1990", "--most", "51"), "from 1 to 50"),
    ],
)
def test_a_question_that_is_too_wide_is_not_asked(
    arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        run(ScriptedWire(), "Mẫu", *arguments)
