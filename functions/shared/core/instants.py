"""Instants as text, and the day they fall on in Vietnam."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""UTC+7 without daylight saving time."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def instant_of_milliseconds(milliseconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of milliseconds since 1970 (the queue's SentTimestamp)."""
    return instant(_EPOCH + timedelta(milliseconds=milliseconds))


def instant(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of an aware datetime."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:-6]}Z"


def later(at: str, seconds: int) -> str:
    """The instant `seconds` after `at`."""
    return instant(datetime.fromisoformat(at) + timedelta(seconds=seconds))


def milliseconds(begins: Iterable[str], end: str) -> list[int]:
    """Whole milliseconds from each stored instant to another; negative if `end` lies before."""
    moment = datetime.fromisoformat(end)
    return [(moment - datetime.fromisoformat(begin)) // _MILLISECOND for begin in begins]


@lru_cache(maxsize=4096)
def _vietnam_day_of_hour(hour: str) -> str:
    moment = datetime.fromisoformat(f"{hour}:00:00+00:00")
    try:
        return (moment + timedelta(hours=7)).date().isoformat()
    except OverflowError:  # the last hours of the year 9999
        return hour[:10]


def vietnam_day(at: str) -> str:
    """The date (`YYYY-MM-DD`) on which a stored instant falls in Vietnam."""
    return _vietnam_day_of_hour(at[:13])
