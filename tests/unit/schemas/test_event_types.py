"""The table of event types, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.event_types import EVENT_TYPES, KEY_OF_KIND, EventType, check_type, validate_event_data
from tests.unit.schemas.test_validation import KEYS

TYPES = {row.name: row for row in EVENT_TYPES.values()}


def errors(name: str, /, **fields: Any) -> list[tuple[str, str]]:
    """Path and code of what the type says of some fields."""
    row = TYPES[name]
    data = {row.key: KEYS[row.kind], **fields}
    return [(error.path, error.code) for error in check_type(row, data)]


def test_there_are_thirty_types_of_four_kinds() -> None:
    assert len(EVENT_TYPES) == 30
    assert {row.kind for row in TYPES.values()} == set(KEY_OF_KIND)
    assert all(key == row.type for key, row in EVENT_TYPES.items())


@pytest.mark.parametrize("row", TYPES.values(), ids=list(TYPES))
def test_an_event_that_states_nothing_but_its_key_is_invalid(row: EventType) -> None:
    assert errors(row.name)


@pytest.mark.parametrize(
    "row", [row for row in TYPES.values() if row.must_state], ids=lambda row: row.name
)
def test_null_does_not_state_what_must_be_stated(row: EventType) -> None:
    nulls = {field: None for group in row.must_state for field in group}
    missing = [path for path, code in errors(row.name, **nulls) if code == "missing"]
    assert len(missing) == len(row.must_state)


@pytest.mark.parametrize("name", ["person.updated", "dossier.updated", "agency.changed"])
def test_a_withdrawal_alone_is_an_update(name: str) -> None:
    field = "name" if name.startswith("agency") else "annulment"
    assert errors(name, **{field: None}) == []


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("insurance-card.suspended", "suspended"),
        ("insurance-card.ended", "ended"),
        ("dossier.accepted", 2),
        ("dossier.refused", 3),
        ("dossier.progressed", 4),
        ("dossier.supplement-requested", 5),
        ("dossier.supplement-received", 2),
        ("dossier.supplement-received", 4),
        ("dossier.fee-requested", 6),
        ("dossier.withdrawn", 7),
        ("dossier.stopped", 8),
    ],
)
def test_a_status_that_the_type_lists_is_enough(name: str, status: object) -> None:
    assert errors(name, status=status) == []


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("dossier.progressed", {"step": {"id": "1", "at": "2026-03-02T00:00:00.000000Z"}}),
        ("dossier.completed", {"status": 9, "finished_at": "2026-03-02T00:00:00.000000Z"}),
        ("dossier.returned", {"status": 10, "returned_at": "2026-03-02T00:00:00.000000Z"}),
        ("dossier.rated", {"satisfaction": 5}),
        ("dossier.rated", {"satisfaction": 5, "status": None}),
        ("insurance-card.renewed", {"card": {"number": "0123456789"}}),
        ("insurance-card.updated", {"status": None}),
        ("insurance-card.annulled", {"annulment": {"reason": "x"}, "status": None}),
        ("person.moved", {"current_residence": {"commune": "00070"}}),
        ("person.moved", {"residence": {"commune": "00070"}, "current_residence": None}),
        ("person.deceased", {"life": {"status": "deceased"}}),
        ("person.updated", {"life": {"status": "deceased"}}),
    ],
)
def test_what_the_type_asks_for_is_enough(name: str, fields: dict[str, Any]) -> None:
    assert errors(name, **fields) == []


@pytest.mark.parametrize(
    ("name", "fields", "error"),
    [
        ("dossier.accepted", {"status": 4}, ("/data/status", "not-in-list")),
        ("dossier.accepted", {"status": True}, ("/data/status", "not-in-list")),
        ("dossier.supplement-received", {"status": 5}, ("/data/status", "not-in-list")),
        ("dossier.progressed", {"step": {}, "status": None}, ("/data/status", "null")),
        ("dossier.progressed", {"step": {}, "status": 9}, ("/data/status", "not-in-list")),
        ("dossier.rated", {"satisfaction": 5, "status": 10}, ("/data/status", "not-in-this-type")),
        ("dossier.updated", {"status": 4}, ("/data/status", "not-in-this-type")),
        ("dossier.updated", {"satisfaction": 4}, ("/data/satisfaction", "not-in-this-type")),
        ("insurance-card.updated", {"status": "ended"}, ("/data/status", "not-in-this-type")),
        ("insurance-card.renewed", {"card": {}, "status": None}, ("/data/status", "null")),
        (
            "insurance-card.renewed",
            {"card": {}, "status": "ended"},
            ("/data/status", "not-in-list"),
        ),
        ("person.deceased", {"life": {"status": "alive"}}, ("/data/life/status", "not-in-list")),
        ("person.updated", {"replaces": ["1" * 12]}, ("/data/replaces", "not-in-this-type")),
        ("person.updated", {"annulment": {}}, ("/data/annulment", "not-in-this-type")),
        ("person.moved", {"phone": "113"}, ("/data", "missing")),
    ],
)
def test_what_the_type_forbids_is_named(
    name: str, fields: dict[str, Any], error: tuple[str, str]
) -> None:
    assert errors(name, **fields) == [error]


def test_form_and_type_are_told_together_and_each_place_once() -> None:
    data = {"dossier_code": "nonsense", "status": 11, "satisfaction": 3}
    fields, found = validate_event_data(TYPES["dossier.completed"], data)
    assert fields is None
    assert [(error.path, error.code) for error in found] == [
        ("/data/dossier_code", "pattern"),
        ("/data/status", "out-of-range"),
        ("/data/finished_at", "missing"),
        ("/data/satisfaction", "not-in-this-type"),
    ]


@pytest.mark.parametrize("row", TYPES.values(), ids=list(TYPES))
@pytest.mark.parametrize("value", [[], {}, {"status": []}, 0, "x", True])
def test_data_of_any_shape_can_be_asked_about(row: EventType, value: object) -> None:
    names = ["status", "life", "step", "annulment", "replaces", "satisfaction"]
    check_type(row, dict.fromkeys(names, value))
    validate_event_data(row, dict.fromkeys(names, value))
    validate_event_data(row, value)
