"""A receipt says what became of an event, and whether it is the one that was published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.shared.core.cases import Entry
from functions.shared.core.events import Reason
from functions.shared.core.receipts import receipt as receipt_of
from infra.lienthong import receipt
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Misuse
from tests.api_double import RECORD, ScriptedWire, answered, api, options
from tests.builders import entries_of, event

SENT = event(fields={"phone": "0900000001", "nationality": "VN"}, id_="p-1")
"""What the agency published."""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def taken(**changes: Any) -> dict[str, Any]:
    """The service's own receipt for the event."""
    told = receipt_of(SENT["source"], "p-1", entries_of(SENT)[0], (), opaque_id=RECORD, own=True)
    return {**told, "request_id": "request-1", **changes}


def run(document: dict[str, Any], *arguments: str) -> Exit:
    wire = ScriptedWire(answered(document))
    asked = options("receipt", "G01", "p-1", *arguments)
    code = receipt.ask(api(wire), asked, Console(), receipt.core_sent(asked))
    assert wire.query() == {"source": "/agencies/G01", "id": "p-1"}
    return code


def published(folder: Path, *events: dict[str, Any]) -> str:
    path = folder / "sent.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in events), "utf-8")
    return str(path)


def test_it_says_the_outcome_the_place_and_the_hashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(taken()) is Exit.OK
    out = capsys.readouterr().out
    assert out.startswith("G01  event p-1  applied\n")
    for name in ("entry_hash", "event_digest", "event_salt", "changes_digest", "prev"):
        assert taken()[name] in out
    assert "2026-03-03 09:00:00" in out
    assert "changed" in out


def test_the_published_event_agrees(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # Whoever relays an event may add attributes: they are no part of its core.
    file = published(tmp_path, event(id_="p-0"), {**SENT, "traceparent": "00-1"})
    assert run(taken(), "--event", file) is Exit.OK
    assert "its digest agrees with yours" in capsys.readouterr().out


def test_another_event_under_its_id_does_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = {**SENT, "data": {**SENT["data"], "phone": "0900000002"}}
    assert run(taken(), "--event", published(tmp_path, other)) is Exit.FINDINGS
    assert "The ledger holds another event" in capsys.readouterr().out


def test_an_erased_event_can_no_longer_be_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    erased = taken(event_salt=None)
    assert run(erased, "--event", published(tmp_path, SENT)) is Exit.FINDINGS
    assert "A value of this event was erased" in capsys.readouterr().out


def test_changes_that_are_not_those_of_their_digest_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = taken()
    document["changes"] = [{**document["changes"][0], "won": False}, *document["changes"][1:]]
    assert run(document) is Exit.FINDINGS
    assert "not those of the changes digest" in capsys.readouterr().out


def test_names_that_are_cut_for_another_agency_are_no_finding() -> None:
    document = taken()
    document["changes"] = [{**document["changes"][0], "field": "step"}]
    assert run(document) is Exit.OK


def test_a_superseded_event_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(taken(state="superseded", why="A newer statement was there.")) is Exit.OK
    out = capsys.readouterr().out
    assert "superseded" in out
    assert "A newer statement was there." in out


def test_a_quarantined_event_says_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    entry = refused()
    told = receipt_of(SENT["source"], "p-1", None, (entry,), opaque_id=None, own=True)
    assert run({**told, "request_id": "request-1"}) is Exit.FINDINGS
    out = capsys.readouterr().out
    assert "quarantined" in out
    assert "/data/phone" in out
    assert "This must be a telephone number." in out


def refused() -> Entry:
    return Entry(
        id="ab" * 32,
        queue="population",
        received_at="2026-11-22T08:00:00.000000Z",
        reason="invalid-data",
        reasons=(Reason("invalid-data", "/data/phone", "This must be a telephone number."),),
        status="open",
    )


def test_json_has_the_receipt_and_the_checks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wire = ScriptedWire(answered(taken()))
    asked = options("receipt", "/agencies/G01", "p-1", "--event", published(tmp_path, SENT))
    receipt.ask(api(wire), asked, Console(as_json=True), receipt.core_sent(asked))
    document = json.loads(capsys.readouterr().out)
    assert document["event_digest"] == taken()["event_digest"]
    assert [check["agrees"] for check in document["checks"]] == [True]


def test_a_file_without_the_event_is_wrong_use(tmp_path: Path) -> None:
    file = published(tmp_path, event(id_="other"))
    with pytest.raises(Misuse, match="no event with this source and id"):
        receipt.core_sent(options("receipt", "G01", "p-1", "--event", file))
