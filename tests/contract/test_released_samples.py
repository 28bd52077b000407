"""Samples of released versions parse for ever."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from schemas.event_types import EVENT_TYPES, QUEUE_OF_KIND, validate_event_data
from schemas.generate import ROOT
from schemas.json_schemas import event_schemas

RELEASED: Final = sorted((ROOT / "events" / "released").glob("v*/*.json"))
SCHEMAS: Final = event_schemas()


def sample(path: Path) -> dict[str, Any]:
    """A sample as it was released."""
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def test_every_type_has_a_sample() -> None:
    assert {path.name.removesuffix(".json") for path in RELEASED} >= set(EVENT_TYPES)


@pytest.mark.parametrize("kind", sorted(QUEUE_OF_KIND))
def test_every_field_of_a_kind_is_in_some_sample(kind: str) -> None:
    rows = [row for row in EVENT_TYPES.values() if row.kind == kind]
    fields = {
        name for row in rows for name in SCHEMAS[row.type]["properties"]["data"]["properties"]
    }
    data = [
        sample(path)["data"] for path in RELEASED if path.name.startswith(f"vn.lienthong.{kind}.")
    ]
    assert {name for one in data for name, value in one.items() if value is not None} == fields


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_sample_is_still_accepted(path: Path) -> None:
    event = sample(path)
    row = EVENT_TYPES[event["type"]]
    fields, errors = validate_event_data(row, event["data"])
    assert errors == []
    assert fields is not None
    assert set(fields) == set(event["data"])
    assert fields[row.key] == event["subject"]


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_sample_still_fits_its_schema(path: Path) -> None:
    event = sample(path)
    assert list(Draft202012Validator(SCHEMAS[event["type"]]).iter_errors(event)) == []


def test_no_two_samples_share_an_id() -> None:
    names = [(event["source"], event["id"]) for event in map(sample, RELEASED)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("queue", sorted(QUEUE_OF_KIND.values()))
def test_a_sample_invocation_holds_events_of_its_queue(queue: str) -> None:
    invocation = sample(ROOT / "events" / f"{queue}_sync" / "sqs.json")
    assert invocation["Records"]
    for record in invocation["Records"]:
        event = json.loads(record["body"])
        row = EVENT_TYPES[event["type"]]
        assert QUEUE_OF_KIND[row.kind] == queue
        assert validate_event_data(row, event["data"])[1] == []
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
        assert record["eventSourceARN"].endswith(f"-{queue}")
        assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", record["messageId"])
