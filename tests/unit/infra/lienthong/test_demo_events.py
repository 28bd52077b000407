"""The sample files hold what their README says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from functions.shared.core.intake import kind_of
from functions.shared.core.kinds import KINDS
from functions.shared.core.reading import read
from infra.lienthong.messages import messages_of
from schemas.event_types import EVENT_TYPES, KEY_OF_KIND, validate_event_data

REPOSITORY = Path(__file__).parents[4]
FOLDER = REPOSITORY / "events/demo"
GOOD = sorted(FOLDER.glob("0[1-6]-*.ndjson"))
REPEATS = FOLDER / "07-repeats.ndjson"
BAD = FOLDER / "90-bad-messages.ndjson"
REUSED = FOLDER / "91-reused-ids.ndjson"
WITHOUT_TYPE = {1, 2, 6}
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
REASONS = {
    "not-json",
    "not-cloudevent",
    "unknown-type",
    "unsupported-version",
    "subject-mismatch",
    "invalid-data",
    "time-in-future",
    "source-not-permitted",
}


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(path)]


def uid(event: dict[str, Any]) -> tuple[str, str]:
    return event["source"], event["id"]


def core(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in CORE if name in event}


def good() -> list[dict[str, Any]]:
    return [event for path in GOOD for event in events(path)]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_every_good_event_is_valid(path: Path) -> None:
    for event in events(path):
        kind = event["type"].split(".")[2]
        assert validate_event_data(EVENT_TYPES[event["type"]], event["data"])[1] == []
        assert event["subject"] == event["data"][KEY_OF_KIND[kind]]


def test_good_events_have_ids_of_their_own() -> None:
    assert max(Counter(map(uid, good())).values()) == 1


def test_every_event_type_but_those_of_the_registry_is_there() -> None:
    used = {event["type"] for event in good()}
    assert {type_ for type_ in EVENT_TYPES if ".agency." not in type_} == used


def test_there_are_sixty_people_fifty_cards_and_thirty_dossiers_or_so() -> None:
    records = Counter({(e["type"].split(".")[2], e["subject"]) for e in good()})
    kinds = Counter(kind for kind, _ in records)
    assert kinds == {"person": 61, "insurance-card": 51, "dossier": 29}


def test_equal_times_are_there_with_and_without_a_sequence() -> None:
    times = Counter((event["source"], event["subject"], event["time"]) for event in good())
    twins = [e for e in good() if times[e["source"], e["subject"], e["time"]] > 1]
    assert {"sequence" in event for event in twins} == {True, False}


def test_repeats_are_events_of_the_other_files() -> None:
    known = {uid(event): core(event) for event in good()}
    repeats = events(REPEATS)
    assert all(known[uid(event)] == core(event) for event in repeats)
    everything = {line for path in GOOD for line in lines(path)}
    assert sum(line not in everything for line in lines(REPEATS)) == 2


def test_reused_ids_are_those_of_other_content() -> None:
    known = {uid(event): core(event) for event in good()}
    for event in events(REUSED):
        assert known[uid(event)] != core(event)
        assert event["expects"] == "id-reused"


def test_bad_messages_say_what_they_expect() -> None:
    expected = Counter[str]()
    for number, line in enumerate(lines(BAD), 1):
        assert (kind_of(line.encode()) is None) == (number in WITHOUT_TYPE)
        if number not in WITHOUT_TYPE:
            expected[json.loads(line)["expects"]] += 1
            assert json.loads(line)["note"]
    assert set(expected) == REASONS


def test_bad_messages_have_ids_that_nothing_else_has() -> None:
    bad = {json.loads(line).get("id") for n, line in enumerate(lines(BAD), 1) if n not in {1, 2, 6}}
    assert not bad & {event["id"] for event in good()}


def test_every_publisher_is_registered() -> None:
    registered = {
        event["subject"] for event in events(REPOSITORY / "infra/reference/registry.ndjson")
    }
    assert {event["source"].removeprefix("/agencies/") for event in good()} <= registered


def test_the_spreadsheet_has_three_hundred_cards_bad_rows_and_repeats() -> None:
    found = list(messages_of([str(FOLDER / "08-cards.csv")]))
    kind = KINDS["insurance-card"]
    readings = [read(message.body.decode(), kind) for message in found]
    good = [reading.event for reading in readings if reading.event is not None]
    uids = Counter(event.envelope.uid for event in good)

    assert len(found) == 300 + 1 + 3
    assert [m.line for m, r in zip(found, readings, strict=True) if r.reasons] == [
        43, 79, 122, 165, 203, 252
    ]  # fmt: skip
    assert sorted(Counter(uids.values()).items()) == [(1, 292), (2, 3)]
    # No card of the samples, and none of the city, whose numbers begin with its province's.
    samples = {event["subject"] for path in GOOD for event in events(path)}
    assert {event.key[:2] for event in good} == {"00"}
    assert not {event.key for event in good} & samples
