"""A receipt: what its publisher learns and can check, and no value of a field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
import rfc8785
from hypothesis import given

from functions.shared.core.cases import Entry
from functions.shared.core.events import Reason
from functions.shared.core.kinds import Kind
from functions.shared.core.ledger import LedgerEntry, erase
from functions.shared.core.receipts import receipt
from tests.builders import OTHER_PERSON_ID, PERSON_ID, entries_of, event
from tests.fakes_query import FakeTown
from tests.histories import any_history

CORE = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "correctionof",
    "data",
)


def receipt_of(entry: LedgerEntry | None, *refused: Entry, own: bool = True) -> dict[str, Any]:
    return receipt("/agencies/G01", "e-1", entry, refused, opaque_id="opaque", own=own)


def digest_of(document: Mapping[str, Any], salt: str) -> str:
    """What the publisher of an event computes, with nothing of ours."""
    core = {name: document[name] for name in CORE if name in document}
    return hashlib.sha256(bytes.fromhex(salt) + rfc8785.dumps(core)).hexdigest()


@given(any_history(most=4))
def test_a_publisher_recomputes_the_digest_of_what_was_sent(
    history: tuple[Kind, list[dict[str, Any]]],
) -> None:
    _, documents = history
    town = FakeTown().sent(*documents)
    for document in documents:
        entry = town.ledger.entries[f"{document['source']}#{document['id']}"]
        told = receipt_of(entry)
        assert digest_of(document, told["event_salt"]) == told["event_digest"]


@given(any_history(most=4))
def test_whoever_has_a_receipt_recomputes_the_hash_of_the_entry(
    history: tuple[Kind, list[dict[str, Any]]],
) -> None:
    for entry in FakeTown().sent(*history[1]).ledger.entries.values():
        told = receipt_of(entry)
        changes = [[c["field"], c["rank"], c["won"], c["commit"]] for c in told["changes"]]
        digest = hashlib.sha256(rfc8785.dumps(changes)).hexdigest()
        assert digest == told["changes_digest"]
        hashed = {
            "v": 1,
            "record": entry.record_key,
            "version": told["version"],
            "prev": told["prev"],
            "event": {
                "source": entry.event.source,
                "id": entry.event.id,
                "type": told["type"],
                "time": told["time"],
                "sequence": entry.event.sequence,
                "digest": told["event_digest"],
            },
            "sender": entry.sender,
            "recorded_at": told["recorded_at"],
            "outcome": told["state"],
            "changes_digest": told["changes_digest"],
        }
        assert hashlib.sha256(rfc8785.dumps(hashed)).hexdigest() == told["entry_hash"]


def entry() -> LedgerEntry:
    (only,) = entries_of(event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}))
    return only


def test_an_applied_event_says_where_it_is_and_why_nothing() -> None:
    told = receipt_of(entry())
    assert told["state"] == "applied"
    assert (told["record"], told["version"], told["why"]) == ("opaque", 1, None)
    assert told["quarantine"] == []


def test_a_superseded_event_says_why_nothing_changed() -> None:
    _, second = entries_of(
        event(fields={"phone": "0900000001"}, id_="1"),
        event(fields={"phone": "0900000002"}, id_="2", time="2026-03-01T00:00:00Z"),
    )
    told = receipt_of(second)
    assert told["state"] == "superseded"
    assert "newer statement" in told["why"]


@pytest.mark.parametrize("own", [True, False])
def test_no_value_of_a_field_is_in_a_receipt(own: bool) -> None:
    text = json.dumps(receipt_of(entry(), own=own), ensure_ascii=False)
    for value in ("Nguyễn", "0900000001", PERSON_ID):
        assert value not in text


def test_a_replaced_id_is_told_to_who_named_it_alone() -> None:
    (only,) = entries_of(event("person.identifier-replaced", {"replaces": [OTHER_PERSON_ID]}))
    assert receipt_of(only)["changes"][0]["field"] == f"replaces/{OTHER_PERSON_ID}"
    assert receipt_of(only, own=False)["changes"][0]["field"] == "replaces"


def test_after_an_erasure_the_events_salt_is_gone_and_the_hashes_stay() -> None:
    before, after = receipt_of(entry()), receipt_of(erase(entry(), ["phone"]))
    assert after["event_salt"] is None
    assert {**after, "event_salt": before["event_salt"]} == before


def refused(id_: str, at: str, status: str = "open") -> Entry:
    reasons = (Reason("invalid-data", "/data/phone", "A telephone number is digits."),)
    return Entry(id_, "population", status, at, "invalid-data", reasons)


def test_a_refused_event_tells_its_reasons() -> None:
    told = receipt_of(
        None,
        refused("a1", "2026-03-03T02:00:00.000000Z"),
        refused("b2", "2026-03-04T02:00:00.000000Z", "dismissed"),
    )
    assert told["state"] == "quarantined"
    assert told["recorded_at"] == "2026-03-04T02:00:00.000000Z"
    assert [(q["id"], q["status"]) for q in told["quarantine"]] == [
        ("a1", "open"),
        ("b2", "dismissed"),
    ]
    assert told["quarantine"][0]["reasons"] == [
        {
            "code": "invalid-data",
            "path": "/data/phone",
            "text": "A telephone number is digits.",
        }
    ]
    assert told["entry_hash"] is told["event_salt"] is told["version"] is None
    assert told["changes"] == []


def test_where_both_have_it_the_ledger_counts() -> None:
    told = receipt_of(entry(), refused("a1", "2026-03-03T02:00:00.000000Z", "resolved"))
    assert told["state"] == "applied"
    assert [q["status"] for q in told["quarantine"]] == ["resolved"]
