"""Instants as people type them: a day or a time of day in Vietnam, or RFC 3339 with an offset."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, time
from typing import Final

from functions.shared.core.instants import VIETNAM, instant
from schemas.forms import normalise_instant

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
FORMS: Final = "2026-03-31, '2026-03-31 07:00' (Vietnam time) or 2026-03-31T00:00:00Z"


def from_moment(text: str) -> str:
    """The instant that is meant, a day by its beginning; for argparse."""
    return _moment(text, time.min)


def to_moment(text: str) -> str:
    """The instant that is meant, a day by its end; for argparse."""
    return _moment(text, time.max)


def _moment(text: str, of_day: time) -> str:
    try:
        if _DAY.fullmatch(text):
            day = datetime.fromisoformat(text).date()
            return instant(datetime.combine(day, of_day, VIETNAM))
        if _TIME.fullmatch(text):
            return instant(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))
        return normalise_instant(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write {FORMS}") from None
