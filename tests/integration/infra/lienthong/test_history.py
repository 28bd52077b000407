"""What `history --json` shows is enough to recompute every hash by the contract's rules alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import rfc8785

from tests.builders import DOSSIER_CODE, PERSON_ID, event
from tests.integration.infra.lienthong.town import Town

_SCHEMA = Path(__file__).parents[4] / "schemas/generated/ledger-entry.schema.json"

# Nothing of the service is used here but its command: only the contract, section 5.


def canonical(value: Any) -> bytes:
    return rfc8785.dumps(value)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def commit_of(entry: dict[str, Any], change: dict[str, Any]) -> str:
    if "erased" in change:
        return str(change["commit"])
    name = change["field"]
    if "salt" in entry:
        salt = hmac.digest(bytes.fromhex(entry["salt"]), b"field:" + name.encode(), "sha256")
    else:
        salt = bytes.fromhex(entry["salts"][name])
    return sha256(salt + canonical([change["before"], change["stated"]]))


def recomputed(entry: dict[str, Any]) -> tuple[str, str]:
    """The changes digest and the hash of an entry."""
    commits = [[c["field"], c["rank"], c["won"], commit_of(entry, c)] for c in entry["changes"]]
    hashed = {
        "v": 1,
        "record": entry["record_key"],
        "version": entry["version"],
        "prev": entry["prev"],
        "event": entry["event"],
        "sender": entry["sender"],
        "recorded_at": entry["recorded_at"],
        "outcome": entry["outcome"],
        "changes_digest": entry["changes_digest"],
    }
    return sha256(canonical(commits)), sha256(canonical(hashed))


def history(town: Town, key: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert town.run("history", "--direct", key, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def check_chain(found: dict[str, Any]) -> None:
    prev = "0" * 64
    for version, entry in enumerate(found["entries"], 1):
        assert entry["version"] == version
        assert entry["prev"] == prev
        assert recomputed(entry) == (entry["changes_digest"], entry["entry_hash"])
        for change in entry["changes"]:
            assert change["commit"] == commit_of(entry, change)
        prev = entry["entry_hash"]


EVENTS = [
    event(
        "person.registered",
        {"full_name": "Đặng Thị Hồng Ánh", "date_of_birth": "1990-02", "sex": "female"},
        id_="1",
        sequence="7",
    ),
    event(fields={"full_name": "ĐẶNG THỊ HỒNG ÁNH"}, source="/agencies/G24", id_="2"),
    event(fields={"full_name": None, "phone": "0900000001"}, id_="3", time="2026-03-05T02:00:00Z"),
]


def test_every_hash_can_be_recomputed(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.take(*EVENTS)
    found = history(town, PERSON_ID, capsys)
    assert len(found["entries"]) == 3
    check_chain(found)


def test_the_digest_of_an_event_is_the_salted_hash_of_its_core(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.take(*EVENTS)
    for sent, entry in zip(EVENTS, history(town, PERSON_ID, capsys)["entries"], strict=True):
        salt = hmac.digest(bytes.fromhex(entry["salt"]), b"event", "sha256")
        assert entry["event"]["digest"] == sha256(salt + canonical(sent))


def test_every_hash_can_be_recomputed_after_an_erasure(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.take(*EVENTS)
    arguments = ("person", PERSON_ID, "full_name", "--version", "1", "--yes")
    assert town.run("erase", *arguments, "--reason", "not theirs") == 0
    found = history(town, PERSON_ID, capsys)
    check_chain(found)
    assert [c.get("erased") for e in found["entries"] for c in e["changes"]].count("pair") == 1
    assert [note["field"] for note in found["erasures"]] == ["full_name", "full_name"]
    assert {note["because"] for note in found["erasures"]} == {"not theirs"}


def test_documents_keep_the_published_schema(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    town.take(*EVENTS, event("dossier.accepted", {"status": 2}))
    town.run("erase", "person", PERSON_ID, "sex", "--yes", "--reason", "not theirs")
    for key in (PERSON_ID, DOSSIER_CODE):
        for entry in history(town, key, capsys)["entries"]:
            jsonschema.validate(entry, schema)


def test_entries_are_shown_in_order_with_what_was_before(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.take(*EVENTS)
    assert town.run("history", "--direct", PERSON_ID) == 0
    text = capsys.readouterr().out
    assert text.index("person.registered") < text.index("person.updated")
    assert "withdrawn" in text
    assert "ĐẶNG THỊ HỒNG ÁNH" in text


def test_a_record_that_is_not_there_is_told(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert town.run("history", "--direct", PERSON_ID) == 1
    assert "The ledger has no entry of person/" in capsys.readouterr().err


def test_a_key_of_no_form_is_refused(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert town.run("history", "--direct", "12345") == 2
    assert "12 digits" in capsys.readouterr().err
