"""Instants as text, and the day they fall on in Vietnam."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.instants import (
    instant,
    instant_of_milliseconds,
    later,
    milliseconds,
    vietnam_day,
)


def test_an_instant_is_utc_with_six_digits() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, timezone(timedelta(hours=7)))
    assert instant(moment) == "2026-01-01T20:04:05.000006Z"


def test_milliseconds_since_1970_are_an_instant() -> None:
    assert instant_of_milliseconds(0) == "1970-01-01T00:00:00.000000Z"
    assert instant_of_milliseconds(1775000000017) == "2026-03-31T23:33:20.017000Z"


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001 - made aware below
def test_the_order_of_texts_is_the_order_of_instants(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert instant(aware) < instant(aware + timedelta(microseconds=1))
    assert datetime.fromisoformat(instant(aware)) == aware


def test_seconds_later() -> None:
    assert later("2026-12-31T23:59:00.000001Z", 300) == "2027-01-01T00:04:00.000001Z"


def test_milliseconds_from_each_instant_to_another() -> None:
    begins = ["2026-12-31T23:59:59.000500Z", "2027-01-01T00:00:00.000000Z"]
    assert milliseconds(begins, "2027-01-01T00:00:00.000000Z") == [999, 0]
    assert milliseconds(["2027-01-02T00:00:00.000001Z"], begins[1]) == [-86_400_001]
    assert milliseconds([], begins[1]) == []


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2025-06-30T16:59:59.999999Z", "2025-06-30"),
        ("2025-06-30T17:00:00.000000Z", "2025-07-01"),
        ("2024-02-28T17:00:00.000000Z", "2024-02-29"),
        ("2026-12-31T17:00:00.000000Z", "2027-01-01"),
        ("9999-12-31T23:00:00.000000Z", "9999-12-31"),
        ("0001-01-01T00:00:00.000000Z", "0001-01-01"),
    ],
)
def test_a_day_in_vietnam_begins_at_17_oclock_utc(at: str, day: str) -> None:
    assert vietnam_day(at) == day
