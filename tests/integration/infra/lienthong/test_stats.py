"""Each event sent is in the ledger or in quarantine; what is not is named with file and line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.shared.core.quarantine import quarantine_id
from tests.builders import OTHER_PERSON_ID, PERSON_ID, body, event
from tests.integration.infra.lienthong.town import Town

GOOD = event(fields={"phone": "0900000001"}, id_="1")
LATE = event(fields={"phone": "0900000002"}, id_="2", time="2026-01-01T00:00:00Z")
CARD = event("insurance-card.issued", {"full_name": "Trần An", "card": {"number": "0123456790"}})
REFUSED = event(fields={"phone": "x"}, id_="3")
NONSENSE = "this is not JSON"


def file_of(town: Town, *contents: Mapping[str, Any] | str, name: str = "sent.ndjson") -> str:
    path = town.folder / name
    lines = [content if isinstance(content, str) else body(content) for content in contents]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def conservation(
    town: Town, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = town.run("stats", "--json", "--sent", *arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


@pytest.fixture
def taken(town: Town) -> Town:
    """Two applied, one superseded, two quarantined events."""
    town.take(GOOD, LATE, CARD, REFUSED)
    town.take(NONSENSE, kind="person")
    return town


def test_everything_sent_is_accounted_for(taken: Town, capsys: pytest.CaptureFixture[str]) -> None:
    sent = file_of(taken, GOOD, LATE, GOOD, CARD, REFUSED, NONSENSE)
    code, found = conservation(taken, capsys, sent, "--queue", "population", "--exact")
    assert code == 0
    assert found["holds"]
    assert found["queues"]["population"] == {
        "messages": 5,
        "events": 4,
        "applied": 1,
        "superseded": 1,
        "quarantined": 2,
        "missing": 0,
        "both": 0,
    }


def test_a_repeat_with_another_trace_header_is_the_same_event(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(taken, GOOD, {**GOOD, "traceparent": "00-1"}, json.dumps(GOOD))
    code, found = conservation(taken, capsys, sent)
    assert code == 0
    assert found["queues"]["population"]["messages"] == 3
    assert found["queues"]["population"]["events"] == 1


def test_an_event_that_is_nowhere_is_named_with_its_line(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(taken, GOOD, "", event(id_="lost"))
    code, found = conservation(taken, capsys, sent)
    assert code == 1
    assert found["offences"] == [{"place": f"{sent}:3", "queue": "population", "state": "missing"}]


def test_the_same_id_with_other_content_is_not_taken_for_the_event(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(taken, {**GOOD, "data": {"personal_id": PERSON_ID, "phone": "0900000007"}})
    code, found = conservation(taken, capsys, sent)
    assert (code, found["offences"][0]["state"]) == (1, "missing")


def test_an_event_in_both_places_counts_once_it_is_resolved(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.take(event(fields={"phone": "0900000001"}, source="/agencies/H77", id_="1"))
    (held,) = town.dynamodb.scan(TableName="QuarantineTable")["Items"]
    town.take(GOOD)
    sent = file_of(town, GOOD)
    (good,) = town.dynamodb.scan(TableName="LedgerTable")["Items"]
    assert good["event_uid"]["S"].endswith("#1")
    code, found = conservation(town, capsys, sent)
    assert code == 0
    # The same message held as well, as when a queue gave up on it after it was written.
    entry = {**held, "quarantine_id": {"S": quarantine_id("population", body(GOOD))}}
    town.put("QuarantineTable", entry)
    code, found = conservation(town, capsys, sent)
    assert (code, found["offences"][0]["state"]) == (1, "both")
    town.put("QuarantineTable", {**entry, "status": {"S": "resolved"}})
    assert conservation(town, capsys, sent)[0] == 0


def test_what_was_never_sent_is_named_with_exact(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(taken, GOOD, LATE, CARD)
    assert conservation(taken, capsys, sent)[0] == 0
    code, found = conservation(taken, capsys, sent, "--exact")
    assert code == 1
    assert [entry["table"] for entry in found["never_sent"]] == ["quarantine", "quarantine"]
    taken.take(event(id_="foreign", key=OTHER_PERSON_ID))
    found = conservation(taken, capsys, sent, "--exact")[1]
    assert {"table": "ledger", "key": "/agencies/G01#foreign"} in found["never_sent"]


def test_several_files_and_gzip_are_read(taken: Town, capsys: pytest.CaptureFixture[str]) -> None:
    packed = taken.folder / "cards.ndjson.gz"
    packed.write_bytes(gzip.compress(body(CARD).encode()))
    code, found = conservation(taken, capsys, file_of(taken, GOOD, LATE), str(packed))
    assert code == 0
    assert {queue: row["events"] for queue, row in found["queues"].items()} == {
        "population": 2,
        "insurance": 1,
    }


def test_the_rule_holds_after_a_value_is_erased(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(taken, GOOD, LATE, CARD, REFUSED, NONSENSE)
    arguments = ("person", PERSON_ID, "phone", "--version", "1", "--reason", "asked", "--yes")
    assert taken.run("erase", *arguments) == 0
    code, _ = conservation(taken, capsys, sent, "--queue", "population", "--exact")
    assert code == 0


def test_messages_of_no_queue_are_counted_apart(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = conservation(taken, capsys, file_of(taken, GOOD, NONSENSE))
    assert (code, found["not_sendable"]) == (0, 1)


def test_waiting_ends_when_the_event_arrives(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = file_of(town, GOOD)
    town.take(GOOD)
    assert conservation(town, capsys, sent, "--wait", "30")[0] == 0
    url = town.outputs["PopulationQueueUrl"]
    town.sqs.send_message(QueueUrl=url, MessageBody="{}")
    code, found = conservation(town, capsys, sent, "--wait", "0.6")
    assert code == 0
    assert found["depths"]["population"]["waiting"] == 1


def test_counts_are_by_kind_reason_and_queue(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken.run("stats", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["records"] == {"person": 1, "insurance-card": 1, "dossier": 0, "agency": 0}
    assert found["ledger"]["person"] == {"applied": 1, "superseded": 1}
    assert [(row["reason"], row["status"], row["count"]) for row in found["quarantine"]] == [
        ("invalid-data", "open", 1),
        ("not-json", "open", 1),
    ]


def test_tables_for_people_say_whether_the_rule_holds(
    taken: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken.run("stats") == 0
    assert "invalid-data" in capsys.readouterr().out
    assert taken.run("stats", "--sent", file_of(taken, GOOD, LATE)) == 0
    assert "The conservation rule holds: 2 distinct events" in capsys.readouterr().out
    assert taken.run("stats", "--sent", file_of(taken, event(id_="lost")), "--exact") == 1
    out = capsys.readouterr().out
    assert "1 event not in its place" in out
    assert "never sent" in out


def test_options_of_the_rule_need_files(town: Town) -> None:
    assert town.run("stats", "--exact") == 2
