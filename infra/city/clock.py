"""Days, instants and working time in Vietnam, in whole numbers.

A day is a number of days since 1970-01-01; an instant is a number of microseconds since that
day began in Vietnam (UTC+7, no daylight saving time), so `instant // DAY` is the day it falls
on there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_EPOCH: Final = date(1970, 1, 1).toordinal()
_OFFSET: Final = 7 * HOUR

Clock = Literal["microseconds", "milliseconds", "seconds"]
"""How fine a source's clock is. A clock of milliseconds writes UTC, the others local time."""
GRAIN: Final[Mapping[Clock, int]] = {
    "microseconds": 1, "milliseconds": 1_000, "seconds": SECOND
}  # fmt: skip


def day(text: str) -> int:
    """The day of `YYYY-MM-DD`."""
    return date.fromisoformat(text).toordinal() - _EPOCH


@lru_cache(maxsize=65_536)  # all days of 150 years
def date_text(number: int) -> str:
    """`YYYY-MM-DD` of a day."""
    return date.fromordinal(number + _EPOCH).isoformat()


@lru_cache(maxsize=65_536)
def parts(number: int) -> tuple[int, int, int]:
    """Year, month and day of the month."""
    found = date.fromordinal(number + _EPOCH)
    return found.year, found.month, found.day


def day_of(year: int, month: int, day_of_month: int) -> int:
    """The day of a date; the last of the month where the month is shorter."""
    while True:
        try:
            return date(year, month, day_of_month).toordinal() - _EPOCH
        except ValueError:
            day_of_month -= 1


def years_after(number: int, years: int) -> int:
    """The same date so many years later."""
    year, month, day_of_month = parts(number)
    return day_of(year + years, month, day_of_month)


def age_on(born: int, number: int) -> int:
    """Completed years of age."""
    (year, *birthday), (now, *today) = parts(born), parts(number)
    return now - year - (today < birthday)


_TWO: Final = tuple(f"{n:02d}" for n in range(100))


def _clock_text(at: int) -> str:
    day_number, rest = divmod(at, DAY)
    minutes, rest = divmod(rest, MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{date_text(day_number)}T{_TWO[hours]}:{_TWO[minutes]}:{_TWO[rest // SECOND]}"


def local_text(at: int) -> str:
    """RFC 3339 in local time, to the second."""
    return f"{_clock_text(at)}+07:00"


def time_text(at: int, clock: Clock) -> str:
    """How a source with such a clock writes an instant."""
    if clock == "seconds":
        return f"{_clock_text(at)}+07:00"
    if clock == "microseconds":
        return f"{_clock_text(at)}.{at % SECOND:06d}+07:00"
    return f"{_clock_text(at - _OFFSET)}.{at % SECOND // 1_000:03d}Z"


def normal_text(at: int) -> str:
    """An instant as records show it: UTC, to the microsecond."""
    return f"{_clock_text(at - _OFFSET)}.{at % SECOND:06d}Z"


@lru_cache(maxsize=65_536)
def _utc_hour(hour: str) -> str:
    number, hours = day(hour[:10]), int(hour[11:13]) - 7
    return f"{date_text(number + hours // 24)}T{_TWO[hours % 24]}"


def normalised(text: str) -> str:
    """The shown form of an instant that `local_text` or `time_text` wrote."""
    if text[-1] == "Z":
        return f"{text[:-1]}000Z"
    fraction = text[19:-6] or ".000000"
    return f"{_utc_hour(text[:13])}{text[13:19]}{fraction}Z"


# Working time -------------------------------------------------------------------------------

FIRST_YEAR: Final = 2024
LAST_YEAR: Final = 2026

DAYS_OFF: Final[Mapping[int, str]] = {
    # Labour Code 2019, article 112: New Year, five days of Tết, the Hùng Kings' day, 30 April,
    # 1 May, two days of the National Day; a holiday on a weekend gives a day after it. The days
    # of Tết and the bridging days are those the Government announced for each year. From 2026
    # also 24 November (Resolution 28/2026/QH16).
    2024: "01-01 02-08 02-09 02-12 02-13 02-14 04-18 04-29 04-30 05-01 09-02 09-03",
    2025: "01-01 01-27 01-28 01-29 01-30 01-31 04-07 04-30 05-01 05-02 09-01 09-02",
    2026: "01-01 01-02 02-16 02-17 02-18 02-19 02-20 04-27 04-30 05-01 08-31 09-01 09-02 11-24",
    # Not announced yet, only for terms that begin in 2026: what the law gives.
    2027: "01-01 02-04 02-05 02-08 02-09 02-10 04-16 04-30 05-03 09-02 09-03 11-24",
}
"""Days on which offices are closed although they are no Saturday or Sunday."""
MADE_UP: Final[Mapping[int, str]] = {2024: "05-04", 2025: "04-26", 2026: "01-10 08-22"}
"""Saturdays that were worked in exchange for a bridging day."""

OPENINGS: Final = ((7 * HOUR, 11 * HOUR + 30 * MINUTE), (13 * HOUR + 30 * MINUTE, 17 * HOUR))
"""When an office is open: eight hours in two parts."""


def _days(table: Mapping[int, str]) -> frozenset[int]:
    return frozenset(day(f"{year}-{d}") for year, text in table.items() for d in text.split())


def _working_days() -> list[int]:
    off, made_up = _days(DAYS_OFF), _days(MADE_UP)
    every = range(day(f"{FIRST_YEAR - 1}-01-01"), day(f"{LAST_YEAR + 2}-01-01"))
    # 1970-01-01 was a Thursday.
    return [d for d in every if ((d + 3) % 7 < 5 and d not in off) or d in made_up]


_WORKING: Final = _working_days()
_IS_WORKING: Final = frozenset(_WORKING)


def is_working(number: int) -> bool:
    """Whether offices are open on a day."""
    return number in _IS_WORKING


def working_day(number: int) -> int:
    """The day itself if it is a working day, else the next one."""
    return _WORKING[bisect_left(_WORKING, number)]


def working_day_before(number: int) -> int:
    """The last working day before a day."""
    return _WORKING[bisect_left(_WORKING, number) - 1]


def opened(at: int) -> int:
    """The first instant from `at` on at which an office is open."""
    number, rest = divmod(at, DAY)
    if number in _IS_WORKING:
        for begin, end in OPENINGS:
            if rest < end:
                return number * DAY + max(rest, begin)
    return working_day(number + 1) * DAY + OPENINGS[0][0]


Unit = Literal["hours", "working-days", "days"]


@dataclass(frozen=True, slots=True)
class Term:
    """A statutory term, in working hours, working days or days."""

    value: int
    unit: Unit


def due(at: int, term: Term) -> int:
    """When a dossier that was received at `at` is due.

    The day of receipt is not counted; a term in days ends with a working day, at closing time.
    A term in hours runs while the office is open, eight hours to a day.
    """
    if term.unit == "hours":
        return _after_hours(at, term.value * HOUR)
    if term.unit == "days":
        number = working_day(at // DAY + term.value)
    else:
        number = _WORKING[bisect_left(_WORKING, at // DAY + 1) + term.value - 1]
    return number * DAY + OPENINGS[-1][1]


def working_time(start: int, end: int) -> int:
    """How long offices are open between two instants."""
    days = range(start // DAY, end // DAY + 1)
    return sum(
        max(0, min(end, d * DAY + closing) - max(start, d * DAY + opening))
        for d in days
        if d in _IS_WORKING
        for opening, closing in OPENINGS
    )


def resumed(due_at: int, term: Term, paused: int, again: int) -> int:
    """When a dossier is due that was paused from one instant to another.

    The working time of the pause is added; a term in days still ends at closing time.
    """
    later = _after_hours(due_at, working_time(paused, again))
    if term.unit == "hours":
        return later
    return later - later % DAY + OPENINGS[-1][1]


def _after_hours(at: int, left: int) -> int:
    """The instant by which offices have been open for so long."""
    while left > 0:
        at = opened(at)
        rest = at % DAY
        closing = next(end for _, end in OPENINGS if rest < end)
        if left <= closing - rest:
            return at + left
        left -= closing - rest
        at += closing - rest
    return at
