"""A change of the registry is one valid event, newer than all that the registry holds."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, Final

import pytest

from functions.shared.core.kinds import AGENCY
from functions.shared.core.lanes import Record
from functions.shared.core.planning import Verdict
from functions.shared.core.reading import read
from infra.lienthong.problems import Misuse, Refused
from infra.lienthong.registry_events import (
    CHANGED,
    REGISTERED,
    RegistryEvent,
    ended,
    event_of,
    fields_of,
    in_force,
    with_period,
)
from tests.builders import AGENCY_ID, message, period
from tests.fakes import FakeWorld, Unhurried

NOW: Final = "2026-03-03T02:00:00.000000Z"
EARLIER: Final = "2026-03-03T01:59:00.000000Z"
DEPARTMENT: Final = period("department", "dossier", since="2020-01-01", until="2025-06-30")
ONE_STOP: Final = period("one-stop", "dossier", "person", since="2025-07-01")
FIELDS: Final[dict[str, Any]] = {"name": "Cơ quan Mẫu", "periods": [DEPARTMENT, ONE_STOP]}


class Registry:
    """The registry's pipeline and its records."""

    def __init__(self) -> None:
        self.world = FakeWorld(AGENCY)
        self.numbers = count()

    def record(self) -> Record | None:
        known = AGENCY_ID in self.world.records.items
        return self.world.records.record(AGENCY_ID) if known else None

    def take(self, event: RegistryEvent) -> Verdict:
        return self.world.pipeline.run([message(event.body)], Unhurried()).verdicts[0]

    def change(self, now: str, **fields: Any) -> Verdict:
        fresh = str(next(self.numbers))
        return self.take(event_of(CHANGED, AGENCY_ID, fields, self.record(), now, fresh))


def test_a_registration_is_an_event_of_the_registry_s_own_source() -> None:
    event = event_of(REGISTERED, AGENCY_ID, FIELDS, None, NOW, "x")

    reading = read(event.body, AGENCY)
    assert reading.event is not None
    assert reading.event.envelope.source == "/agencies/registry"
    assert reading.event.envelope.uid == event.event_uid
    assert json.loads(event.body)["time"] == NOW
    assert json.loads(event.body)["sequence"] == "1"


def test_changes_within_one_instant_order_as_they_were_made() -> None:
    registry = Registry()
    for name in ("Một", "Hai", "Ba"):
        assert registry.change(NOW, name=name) is Verdict.APPLIED

    assert fields_of(registry.record()) == {"name": "Ba"}


def test_a_machine_whose_clock_is_behind_still_has_the_last_word() -> None:
    registry = Registry()
    registry.change(NOW, name="Một")

    assert registry.change(EARLIER, name="Hai") is Verdict.APPLIED
    assert fields_of(registry.record()) == {"name": "Hai"}


def test_what_the_registry_would_refuse_is_refused_before_it_is_sent() -> None:
    overlapping = [ONE_STOP, period("justice", since="2026-01-01")]
    with pytest.raises(Refused) as refused:
        event_of(CHANGED, AGENCY_ID, {"periods": overlapping, "senders": ["a:b"]}, None, NOW, "x")

    assert [line.split(":")[0] for line in refused.value.details] == [
        "/data/senders/0",
        "/data/periods",
    ]


# Periods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2019-12-31", None),
        ("2020-01-01", DEPARTMENT),
        ("2025-06-30", DEPARTMENT),
        ("2025-07-01", ONE_STOP),
        ("2099-01-01", ONE_STOP),
    ],
)
def test_a_day_falls_into_at_most_one_period(day: str, found: Any) -> None:
    assert in_force([ONE_STOP, DEPARTMENT], day) == found


def test_a_new_period_ends_the_one_in_force_the_day_before() -> None:
    new = period("ministry", "dossier", since="2027-03-01")

    after = with_period([DEPARTMENT, ONE_STOP], new)

    assert after == [DEPARTMENT, {**ONE_STOP, "to": "2027-02-28"}, new]


def test_a_period_that_begins_on_the_same_day_is_replaced() -> None:
    new = period("one-stop", "dossier", since="2025-07-01")

    assert with_period([DEPARTMENT, ONE_STOP], new) == [DEPARTMENT, new]


def test_a_period_before_another_needs_an_end() -> None:
    new = period("one-stop", "dossier", since="2025-01-01")
    with pytest.raises(Misuse, match="--to 2025-06-30"):
        with_period([DEPARTMENT, ONE_STOP], new)

    bounded = {**new, "to": "2025-06-30"}
    after = with_period([DEPARTMENT, ONE_STOP], bounded)
    assert after == [{**DEPARTMENT, "to": "2024-12-31"}, bounded, ONE_STOP]


def test_a_period_ends_on_its_last_day() -> None:
    closed = {**ONE_STOP, "to": "2026-12-31"}

    assert ended([DEPARTMENT, ONE_STOP], "2026-12-31") == [DEPARTMENT, closed]
    assert ended([DEPARTMENT, closed], "2026-12-31") == [DEPARTMENT, closed]


@pytest.mark.parametrize(
    ("day", "why"), [("2019-01-01", "not in force"), ("2024-01-01", "a period after that day")]
)
def test_an_agency_ends_in_its_last_period_alone(day: str, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        ended([DEPARTMENT, ONE_STOP], day)
