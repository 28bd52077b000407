"""A look is hidden from the person it is about until a day, with a reason."""

from __future__ import annotations

import json

import pytest

from infra.lienthong import deferral
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse, Refused
from tests.api_double import ScriptedWire, answered, api, options, problem

ENTRY = "b3BhcXVlLWVudHJ5_-1"
UNTIL = "2027-01-31"
WHY = "Inspection 12/QD-TTr is under way"
HIDDEN = {
    "entry": ENTRY,
    "hidden_until": "2027-01-30T17:00:00.000000Z",
    "request_id": "request-1",
}


def run(wire: ScriptedWire, *arguments: str, console: Console | None = None) -> Exit:
    asked = options("access-log", "defer", *arguments)
    return deferral.ask(api(wire, "inspector"), asked, console or Console())


def test_the_look_is_named_in_the_path_and_the_rest_in_the_body(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wire = ScriptedWire(answered(HIDDEN))
    assert run(wire, ENTRY, "--until", UNTIL, "--why", f" {WHY} ") is Exit.OK
    assert wire.routes == [f"POST /v1/access-log/{ENTRY}/deferrals"]
    assert wire.body() == {"until": UNTIL, "why": WHY}
    told = capsys.readouterr().out
    assert "Hidden from the person until 2027-01-31 00:00:00; from then on they are told." in told
    assert "Noted in the access log: officer.lan" in told


def test_json_is_the_document_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (ENTRY, "--until", UNTIL, "--why", WHY)
    run(ScriptedWire(answered(HIDDEN)), *arguments, console=Console(as_json=True))
    assert json.loads(capsys.readouterr().out) == HIDDEN


@pytest.mark.parametrize(
    ("entry", "until", "why", "sentence"),
    [
        ("1", UNTIL, WHY, "no id of a look"),
        ("person/001190000017", UNTIL, WHY, "no id of a look"),
        (ENTRY, "2027-02-30", WHY, "a day that exists"),
        (ENTRY, "31/01/2027", WHY, "a day that exists"),
        (ENTRY, UNTIL, "  ", "^--why is a text of 1 to 500"),
    ],
)
def test_a_slip_of_the_finger_is_told_before_anything_is_asked(
    entry: str, until: str, why: str, sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        run(ScriptedWire(), entry, "--until", until, "--why", why)


def test_a_day_too_far_is_told_in_the_words_of_the_api() -> None:
    finding = {"path": "/until", "code": "range", "text": "The date is after today."}
    wire = ScriptedWire(problem(422, "invalid-fields", "One field is invalid.", [finding]))
    with pytest.raises(Misuse, match="One field is invalid") as refused:
        run(wire, ENTRY, "--until", "2099-01-01", "--why", WHY)
    assert "/until: The date is after today." in refused.value.details


@pytest.mark.parametrize("status", [403, 404])
def test_what_is_not_theirs_to_hide_is_refused(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = ScriptedWire(problem(status, "refused", "Not this one."))
    with pytest.raises(Refused, match="Not this one"):
        run(wire, ENTRY, "--until", UNTIL, "--why", WHY)
    assert capsys.readouterr().out == ""
