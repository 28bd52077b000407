"""What the API really answers, as the commands tell it: one person, three readers, their trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from functions.shared.adapters.clients import Clients
from functions.shared.core.instants import VIETNAM
from infra.lienthong.__main__ import main
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, PERSON_ID, event
from tests.integration.functions.serving import opened, served
from tests.integration.functions.stack import BUCKET, Aws

POOL: Final = "ap-southeast-1_Mau"
ROLES: Final = ("inspector", "population-officer", "facility-staff", "auditor", "operator")
INSPECTION: Final = ("--as", "inspector", "--purpose", "inspection", "--case", "12/QD-TTr")
POPULATION: Final = ("--as", "population-officer", "--purpose", "population-administration")
PATIENT: Final = ("--as", "facility-staff", "--purpose", "medical-examination", "--case", "V-1")
AUDIT: Final = ("--as", "auditor", "--purpose", "audit")
ANSWER: Final = ("--as", "inspector", "--purpose", "subject-request", "--case", "YC-1")


class Terminal:
    """A stack whose API is served here, with an account of every role signed in."""

    def __init__(self, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._outputs = folder / "outputs.json"
        outputs = {"endpoint": "http://localhost:1", "ApiUrl": url, "UserPoolId": POOL}
        self._outputs.write_text(json.dumps(outputs), "utf-8")
        people = {role: {"access": role, "refresh": "", "expires": 4e9} for role in ROLES}
        session = {"current": ROLES[0], "people": people}
        (folder / f"session-{POOL}.json").write_text(json.dumps(session), "utf-8")

    def type(self, *arguments: str, code: int = 0) -> list[str]:
        """What a command says, whole lines with one bar between columns, errors last."""
        self._capsys.readouterr()
        found = main([*arguments, "--outputs", str(self._outputs)])
        printed = self._capsys.readouterr()
        assert found == code, printed.err
        lines = [
            re.sub(" {2,}", " | ", line.strip())
            for line in f"{printed.out}\n{printed.err}".splitlines()
            # What the function logs is not what the command says.
            if not line.startswith(('{"level"', '{"_aws"'))
        ]
        return [line for line in lines if line]

    def read(self, *arguments: str) -> Any:
        """The document of a command."""
        return json.loads("\n".join(self.type(*arguments, "--json")))


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.setenv("COLUMNS", "240")
    with mock_aws():
        clients = Clients()
        clients.s3().create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"}
        )
        with opened(Aws(clients.dynamodb(), clients.s3())) as house, served(house) as url:
            yield Terminal(url, tmp_path, capsys)


def test_one_person_as_each_reader_may_see_them_and_the_trace_of_it(terminal: Terminal) -> None:
    whole = terminal.type("person", PERSON_ID, *INSPECTION)
    assert whole[0].startswith("Nguyễn Thị Hoà Mẫu, female, born 1990-02-03")
    assert any(line.startswith(f"Insurance card {INSURANCE_NUMBER}") for line in whole)
    assert any(line.startswith(f"{DOSSIER_CODE} | 1 registered") for line in whole)
    assert whole[-1].startswith("Times are Vietnam time. Noted in the access log")
    left = terminal.read("allowance", *INSPECTION)["allowance"]
    assert left["looks"] == left["most"] - left["left"] == 1

    patient = terminal.type("person", "--insurance-number", INSURANCE_NUMBER, *PATIENT)
    assert "residence | (hidden from you)" in patient
    refused = terminal.type("person", PERSON_ID, *AUDIT, code=1)
    assert "No policy permits this" in refused[-2]

    found = terminal.read("search", "nguyen thi hoa mau", "--born", "1990", *POPULATION)
    (person,) = found["people"]
    assert person["match"] == "diacritics"

    looks = terminal.type("who-looked", person["record"], *AUDIT)
    assert looks[0] == "4 looks"
    told = [line.split(" | ")[1:3] for line in looks[2:6]]
    assert told == [
        ["population-officer", "G01"],
        ["auditor", "G01"],
        ["facility-staff", "G01"],
        ["inspector", "G01"],
    ]
    assert looks[3].endswith("| read | refused")
    by_purpose = terminal.read("who-looked", "--for-purpose", "inspection", *AUDIT)
    assert [entry["officer_name"] for entry in by_purpose["entries"]] == ["inspector"]


def test_a_look_is_hidden_from_the_person_until_a_day_and_from_no_auditor(
    terminal: Terminal,
) -> None:
    person = terminal.read("person", PERSON_ID, *INSPECTION)["person"]["record"]
    trace = ("who-looked", person)
    (look,) = terminal.read(*trace, *AUDIT)["entries"]
    assert f"id | {look['entry']}" in terminal.type(*trace, "--ids", *AUDIT)
    until = (datetime.now(VIETNAM) + timedelta(days=30)).date().isoformat()
    hiding = ("access-log", "defer", look["entry"], "--until", until, "--why", "An inquiry.")

    refused = terminal.type(*hiding, *AUDIT, code=1)
    told = terminal.type(*hiding, *INSPECTION)

    assert "No policy permits this" in refused[-2]
    assert told[0].startswith(f"Hidden from the person until {until} 00:00:00")
    hidden = [e for e in terminal.read(*trace, *AUDIT)["entries"] if "hidden_until" in e]
    assert look["entry"] in {entry["entry"] for entry in hidden}
    shown = terminal.read(*trace, *ANSWER)["entries"]
    told_to_the_person = [e["action"] for e in shown if e["decision"] == "permitted"]
    assert {"read", "defer-disclosure"}.isdisjoint(told_to_the_person)
    late = terminal.type(*hiding[:4], "2199-01-01", *hiding[5:], *INSPECTION, code=2)
    assert any("within 366 days" in line for line in late)


def test_records_their_history_and_how_they_were_known(terminal: Terminal) -> None:
    assert f"insurance_number | {INSURANCE_NUMBER}" in terminal.type(
        "show", "card", INSURANCE_NUMBER, *INSPECTION
    )
    dossier = terminal.type("show", "dossier", DOSSIER_CODE, *INSPECTION)
    assert "Timeline" in dossier
    changes = terminal.type("history", "dossier", DOSSIER_CODE, *INSPECTION)
    assert changes[0] == f"dossier {DOSSIER_CODE} | 1 change"
    then = terminal.type("history", PERSON_ID, "--at", "2026-11-22", *INSPECTION)
    assert then[0].startswith("As it was known at 2026-11-22 23:59:59")
    before = terminal.type("history", PERSON_ID, "--at", "2020-01-01", *INSPECTION, code=1)
    assert "The record was not known yet at that instant." in before[-2]


def test_what_an_agency_handles_is_listed_to_whoever_may_see_it(terminal: Terminal) -> None:
    listed = terminal.type("dossiers", "--agency", "H26.12", *INSPECTION)
    assert listed[0] == "1 dossier handled by H26.12"
    assert listed[2].startswith(f"{DOSSIER_CODE} | Nguyễn Thị Hoà Mẫu | 1 registered | ")
    nothing = terminal.read("dossiers", "--agency", "H26.12", "--status", "9,10", *INSPECTION)
    assert nothing == {"dossiers": [], "complete": True}
    early = ("--due-before", "2026-03-10 17:00")
    assert terminal.read("dossiers", "--agency", "H26.12", *early, *INSPECTION)["dossiers"] == []
    refused = terminal.type("dossiers", "--agency", "H26.12", *POPULATION, code=1)
    assert "No policy permits this" in refused[-2]


def test_receipts_of_what_was_taken_and_of_what_was_refused(
    terminal: Terminal, tmp_path: Path
) -> None:
    person = {
        "full_name": "Nguyễn Thị Hoà Mẫu",
        "date_of_birth": "1990-02-03",
        "sex": "female",
        "residence": {"commune": "00070", "address": "Số 12, ngõ Mẫu"},
    }
    sent = tmp_path / "sent.json"
    sent.write_text(json.dumps(event("person.registered", person)), "utf-8")
    taken = terminal.type("receipt", "G01", "e-1", "--event", str(sent), *POPULATION)
    assert taken[0] == "G01 | event e-1 | applied"
    assert "The ledger holds this very event: its digest agrees with yours." in taken
    refused = terminal.type("receipt", "G01", "refused-1", *POPULATION, code=1)
    assert refused[0] == "G01 | event refused-1 | quarantined"
    assert any(line.startswith("invalid-data | /data/phone") for line in refused)
    missing = terminal.type("receipt", "G01", "never-sent", *POPULATION, code=1)
    assert "Neither the ledger nor the quarantine has this event." in missing[-2]
