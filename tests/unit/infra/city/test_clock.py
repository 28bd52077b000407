"""Days, instants and working time in Vietnam."""

from __future__ import annotations

import csv
import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.city.clock import (
    DAY,
    DAYS_OFF,
    GRAIN,
    HOUR,
    MADE_UP,
    MINUTE,
    Clock,
    Term,
    age_on,
    date_text,
    day,
    due,
    is_working,
    local_text,
    normal_text,
    normalised,
    opened,
    resumed,
    time_text,
    working_day,
    working_day_before,
    working_time,
    years_after,
)
from schemas.forms import normalise_instant

REPOSITORY = Path(__file__).parents[4]
DATA = Path(os.environ.get("DATA", REPOSITORY.parent / "shared/data"))
VIETNAM = timezone(timedelta(hours=7))


def at(text: str) -> int:
    """`2025-04-29 16:00` as an instant."""
    moment = datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
    local = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return local // timedelta(microseconds=1)


def read(instant: int) -> str:
    return local_text(instant)[:16].replace("T", " ")


instants = st.integers(day("1950-01-01") * DAY, day("2090-01-01") * DAY)
working_instants = st.integers(day("2024-01-01") * DAY, day("2026-12-01") * DAY)


@given(instants, st.sampled_from(get_args(Clock)))
def test_every_clock_writes_what_the_service_reads_as_the_same_instant(
    instant: int, clock: Clock
) -> None:
    instant -= instant % GRAIN[clock]
    text = time_text(instant, clock)
    assert normalise_instant(text) == normal_text(instant)
    assert normalised(text) == normal_text(instant)


@given(st.dates(date(1930, 1, 1), date(2080, 1, 1)))
def test_days_are_those_of_the_calendar(today: date) -> None:
    assert date_text(day(today.isoformat())) == today.isoformat()


def test_a_leap_day_comes_back_on_the_last_of_february() -> None:
    assert date_text(years_after(day("2024-02-29"), 1)) == "2025-02-28"


def test_someone_is_a_year_older_on_the_birthday() -> None:
    born = day("1990-06-15")
    assert [age_on(born, day(f"2025-06-{d}")) for d in (14, 15)] == [34, 35]


def test_offices_are_closed_at_tet_and_open_on_a_made_up_saturday() -> None:
    assert not is_working(day("2025-01-29"))
    assert not is_working(day("2025-05-02"))
    assert is_working(day("2025-04-26"))
    assert not is_working(day("2025-04-27"))
    assert is_working(day("2025-11-24"))
    assert not is_working(day("2026-11-24"))


def test_days_off_are_no_weekends_and_made_up_days_are_saturdays() -> None:
    for year, days in DAYS_OFF.items():
        for text in days.split():
            assert date.fromisoformat(f"{year}-{text}").weekday() < 5
    for year, days in MADE_UP.items():
        for text in days.split():
            assert date.fromisoformat(f"{year}-{text}").weekday() == 5


@pytest.mark.parametrize(
    ("received", "term", "expected"),
    [
        # 27-31 January 2025 is Tết.
        ("2025-01-24 09:00", Term(3, "working-days"), "2025-02-05 17:00"),
        # 30 April and 1 and 2 May are off, 26 April, a Saturday, is worked.
        ("2025-04-25 16:59", Term(1, "working-days"), "2025-04-26 17:00"),
        ("2025-04-25 16:59", Term(4, "working-days"), "2025-05-05 17:00"),
        ("2025-06-10 09:00", Term(15, "working-days"), "2025-07-01 17:00"),
        # Days as such end on a working day: 10 + 20 June is a Monday, 2025-05-01 is a holiday.
        ("2025-06-10 09:00", Term(20, "days"), "2025-06-30 17:00"),
        ("2025-04-11 09:00", Term(20, "days"), "2025-05-05 17:00"),
        # Hours run while the office is open: 07:00-11:30 and 13:30-17:00.
        ("2025-06-10 09:00", Term(2, "hours"), "2025-06-10 11:00"),
        ("2025-06-10 09:00", Term(3, "hours"), "2025-06-10 14:00"),
        ("2025-06-10 09:00", Term(8, "hours"), "2025-06-11 09:00"),
        ("2025-06-10 12:15", Term(1, "hours"), "2025-06-10 14:30"),
        ("2025-06-13 16:00", Term(2, "hours"), "2025-06-16 08:00"),
        # A year's end.
        ("2025-12-31 10:00", Term(2, "working-days"), "2026-01-06 17:00"),
    ],
)
def test_due_dates(received: str, term: Term, expected: str) -> None:
    assert read(due(at(received), term)) == expected


@pytest.mark.parametrize(
    ("due_at", "term", "paused", "again", "expected"),
    [
        ("20 17:00", Term(5, "working-days"), "16 09:00", "18 09:00", "24 17:00"),
        ("20 17:00", Term(5, "working-days"), "16 09:00", "16 10:00", "23 17:00"),
        ("16 15:00", Term(8, "hours"), "16 09:00", "16 10:00", "16 16:00"),
    ],
)
def test_a_pause_puts_the_due_date_off_by_its_working_time(
    due_at: str, term: Term, paused: str, again: str, expected: str
) -> None:
    instants = (at(f"2025-06-{text}") for text in (due_at, paused, again))
    due_before, asked, answered = instants
    assert read(resumed(due_before, term, asked, answered)) == f"2025-06-{expected}"


@given(working_instants, st.integers(1, 60))
def test_a_term_ends_when_offices_are_open_or_close(received: int, value: int) -> None:
    for term in (Term(value, "hours"), Term(value, "working-days"), Term(value, "days")):
        end = due(received, term)
        assert end > received
        assert is_working(end // DAY)
        assert opened(end - MINUTE) == end - MINUTE


@given(working_instants, st.integers(1, 100))
def test_a_term_in_hours_is_that_much_working_time(received: int, hours: int) -> None:
    assert working_time(received, due(received, Term(hours, "hours"))) == hours * HOUR


@given(working_instants)
def test_an_office_is_open_at_once_or_at_the_next_opening(instant: int) -> None:
    found = opened(instant)
    assert found >= instant
    assert opened(found) == found
    assert working_time(instant, found) == 0


@given(st.integers(day("2024-01-02"), day("2026-12-01")))
def test_the_working_days_around_a_day(number: int) -> None:
    assert working_day_before(number) < number <= working_day(number)


PUBLISHED = DATA / "holidays/vn_holidays_2020_2030.csv"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published holidays are not on this machine")
def test_the_days_off_are_those_that_were_published() -> None:
    off, made_up = set(), set()
    for name in ("vn_holidays_2020_2030.csv", "vn_holidays_overrides.csv"):
        with (DATA / "holidays" / name).open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if "2024" <= row["date"] < "2027":
                    if row["kind"] == "weekend_workday":
                        made_up.add(row["date"])
                    elif date.fromisoformat(row["date"]).weekday() < 5:
                        off.add(row["date"])
    assert {f"{y}-{d}" for y, days in DAYS_OFF.items() if y < 2027 for d in days.split()} == off
    assert {f"{y}-{d}" for y, days in MADE_UP.items() for d in days.split()} == made_up
