"""The models of what is stored."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from schemas.compiling import DATA
from schemas.event_types import KEY_OF_KIND
from schemas.ledger import LedgerEntry
from schemas.quarantine import QuarantineEntry
from schemas.reasons import STOPPING, ReasonCode
from schemas.records import RECORDS
from tests.unit.schemas.test_validation import KEYS

HASH: Final = "0" * 64
AT: Final = "2026-03-02T01:15:00.000000Z"
BOOKKEEPING: Final[dict[str, Any]] = {
    "warnings": [],
    "version": 1,
    "head": HASH,
    "updated_at": AT,
    "lanes": [],
}
ENTRY: Final[dict[str, Any]] = {
    "event_uid": "/agencies/H26#1",
    "record_key": "person/001190000017",
    "version": 1,
    "prev": HASH,
    "entry_hash": HASH,
    "event": {
        "source": "/agencies/H26",
        "id": "1",
        "type": "vn.lienthong.person.updated.v1",
        "time": AT,
        "sequence": None,
        "digest": HASH,
    },
    "sender": None,
    "recorded_at": AT,
    "outcome": "applied",
    "changes_digest": HASH,
    "changes": [{"field": "phone", "rank": 10, "won": True, "before": None, "stated": "113"}],
    "salt": "0" * 32,
}


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_a_record_shows_the_fields_that_events_state(kind: str) -> None:
    stated = [
        "steps" if name == "step" else name for name in DATA[kind].json_schema()["properties"]
    ]
    assert set(stated) <= set(RECORDS[kind].model_fields)


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_a_record_shows_no_null_and_nothing_unknown(kind: str) -> None:
    record = {KEY_OF_KIND[kind]: KEYS[kind], **BOOKKEEPING}
    RECORDS[kind].model_validate(record)
    for field in RECORDS[kind].model_fields:
        with pytest.raises(ValidationError):
            RECORDS[kind].model_validate({**record, field: None})
    with pytest.raises(ValidationError):
        RECORDS[kind].model_validate({**record, "unknown": 1})


def test_a_step_is_shown_with_its_source() -> None:
    step = {"source": "/agencies/H26", "id": "1", "at": AT, "status": 4}
    record = {"dossier_code": KEYS["dossier"], **BOOKKEEPING}
    RECORDS["dossier"].model_validate({**record, "steps": [step]})
    with pytest.raises(ValidationError):
        RECORDS["dossier"].model_validate({**record, "steps": [{"id": "1", "at": AT}]})


def test_a_ledger_entry_is_whole_or_erased() -> None:
    LedgerEntry.model_validate(ENTRY)
    erased = {"field": "phone", "rank": 10, "won": True, "commit": HASH, "erased": "pair"}
    entry = {name: value for name, value in ENTRY.items() if name != "salt"}
    LedgerEntry.model_validate({**entry, "changes": [erased], "salts": {"sex": HASH}})


def test_a_quarantine_entry_names_its_reasons() -> None:
    entry = {
        "quarantine_id": HASH,
        "seen": 1,
        "queue": "population",
        "reasons": [{"code": "not-json", "path": "", "text": "Send JSON."}],
        "body": "{",
        "received_at": AT,
        "status": "open",
        "queue_key": "population#2026-03-02#0",
        "reason_key": "not-json#2026-03-02#0",
    }
    kept = QuarantineEntry.model_validate_json(json.dumps(entry))
    assert kept.reasons[0].code is ReasonCode.NOT_JSON
    assert kept.model_dump(mode="json", exclude_unset=True) == entry


def test_the_first_five_reasons_stop_the_examination() -> None:
    assert [str(code) for code in STOPPING] == [
        "too-large",
        "not-json",
        "not-cloudevent",
        "unknown-type",
        "unsupported-version",
    ]
    assert list(ReasonCode)[-1] == "gave-up"
