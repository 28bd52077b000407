"""A record is shown with who said each field, who says otherwise and who took it back."""

from __future__ import annotations

import json
import re

import pytest

from tests.builders import DOSSIER_CODE, PERSON_ID, agency_fields, event, period
from tests.integration.infra.lienthong.town import Town


@pytest.fixture
def person(town: Town) -> Town:
    """A name with a newer rival and an older one, and a field that was withdrawn."""
    town.take(
        event(
            "agency.registered",
            agency_fields(period("population", "person")),
            key="G01",
            id_="r",
        ),
        event(fields={"full_name": "Trần An"}, id_="1", time="2026-03-03T00:00:00Z"),
        event(
            fields={"full_name": "Trần Ân"},
            source="/agencies/G24",
            id_="2",
            time="2026-03-04T00:00:00Z",
        ),
        event(
            fields={"full_name": "Trần Ẩn"},
            source="/agencies/G03",
            id_="3",
            time="2026-03-02T00:00:00Z",
        ),
        event(fields={"nationality": None}, id_="4"),
    )
    return town


def lines(text: str) -> list[str]:
    return [re.sub(" {2,}", " | ", line.strip()) for line in text.splitlines()]


def test_rivals_stand_under_their_field(person: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID) == 0
    found = lines(capsys.readouterr().out)
    start = next(i for i, line in enumerate(found) if line.startswith("full_name"))
    assert found[start] == "full_name | Trần An | 30 | G01 | 2026-03-03 07:00:00 | 1"
    assert found[start + 1] == "└ rival | Trần Ẩn | 20 | G03 | 2026-03-02 07:00:00 | 3"
    assert found[start + 2] == "└ disputed | Trần Ân | 10 | G24 | 2026-03-04 07:00:00 | 2"
    assert not any("nationality" in line or "withdrawn" in line for line in found)


def test_withdrawn_statements_are_shown_when_asked_for(
    person: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID, "--withdrawn") == 0
    assert "└ withdrawn" in capsys.readouterr().out


def test_sources_have_the_names_that_the_registry_gives(
    person: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID) == 0
    found = lines(capsys.readouterr().out)
    assert "G01 | Cơ quan Mẫu" in found
    assert "G24 | not an agency of the registry" in found


def test_warnings_are_explained(person: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID) == 0
    out = capsys.readouterr().out
    assert "disputed:full_name" in out
    assert "A lower-ranked source says something newer" in out


def test_json_has_every_lane(person: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shows"]["full_name"] == "Trần An"
    assert found["fields"]["full_name"]["event"] == "1"
    states = [(lane["rank"], lane["state"]) for lane in found["lanes"]["full_name"]]
    assert states == [(30, "shown"), (20, "rival"), (10, "disputed")]
    assert found["lanes"]["nationality"][0]["state"] == "withdrawn"
    assert found["version"] == 4


def test_a_dossier_has_a_timeline_in_vietnam_time(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    step = {"id": "s", "at": "2026-03-02T20:30:00Z", "status": 4, "text": "Thẩm định"}
    town.take(
        event("dossier.accepted", {"status": 2}, id_="1"),
        event("dossier.progressed", {"step": step}, id_="2"),
    )
    assert town.run("show", "--direct", "dossier", DOSSIER_CODE) == 0
    found = lines(capsys.readouterr().out)
    at = found.index("Timeline")
    assert found[at + 2].startswith("2026-03-03 03:30:00 | 4 in process | Thẩm định")
    assert found[at + 3].startswith("2026-03-03 09:00:00 | 2 accepted")


def test_what_a_sender_wrote_does_not_command_the_terminal(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.take(event(fields={"full_name": "An [red]đỏ[/red] \x1b[31m\u202e"}))
    assert town.run("show", "--direct", "person", PERSON_ID) == 0
    out = capsys.readouterr().out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
    assert "An [red]đỏ[/red] \\u001b[31m\\u202e" in out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("person", "001190000099"), 1, "There is no record person/001190000099."),
        (("person", "1190000099"), 2, "a personal id has 12 digits"),
        (("card", "123"), 2, "an insurance number has 10 digits"),
        (("dossier", "H26"), 2, "a dossier code is"),
        (("agency", "h26"), 2, "an agency id looks like"),
    ],
)
def test_what_is_not_there_or_no_key_is_told(
    town: Town,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    code: int,
    sentence: str,
) -> None:
    assert town.run("show", "--direct", *arguments) == code
    assert sentence in capsys.readouterr().err


def test_an_item_without_the_stored_form_is_told(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.put("PeopleTable", {"personal_id": {"S": PERSON_ID}})
    assert town.run("show", "--direct", "person", PERSON_ID) == 1
    assert "lienthong verify" in capsys.readouterr().err


def test_tables_that_are_gone_are_told(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.dynamodb.delete_table(TableName="PeopleTable")
    assert town.run("show", "--direct", "person", PERSON_ID) == 3
    assert "make up" in capsys.readouterr().err


def test_a_direct_read_says_what_it_leaves_no_trace_of(
    person: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.run("show", "--direct", "person", PERSON_ID) == 0
    assert "the access log has no trace of this look" in capsys.readouterr().err


def test_an_agency_is_no_personal_data_and_is_read_from_its_table(
    person: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.run("show", "agency", "G01") == 0
    told = capsys.readouterr()
    assert "Cơ quan Mẫu" in told.out
    assert told.err == ""
    assert person.run("history", "agency", "G01") == 0
