"""What a caller may ask: requests a minute, looks a day, and when asking looks like collecting.

The day is Vietnam's. An officer has both allowances. An agency's system has the minute alone, and
a larger one: it asks for every patient of a hospital, and each of its requests names a case.

Who is stopped for asking too much leaves an entry in the access log, the first time in a window: a
flood of requests is one entry a minute and one a day, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zlib import crc32

from functions.shared.core.access import (
    AccessEntry,
    Action,
    Caller,
    Errand,
    Look,
    caller_subject,
)
from functions.shared.core.errors import LienThongError
from functions.shared.core.instants import VIETNAM
from functions.shared.core.purposes import PURPOSES

SYSTEM_TIMES: Final = 10
"""So many times an officer's requests a minute are a system's."""
SYSTEM_COUNTERS: Final = 8
"""A system's minute is counted in so many places, for its requests come together."""
LISTED_TOGETHER: Final = 10
"""So many subjects of a search or a list count as one look: they show little of each."""
FEWEST_SUBJECTS: Final = 30
"""Below so many people a day nobody is suspected of collecting them by their cases."""
SUBJECTS_A_CASE: Final = 10
"""More people a case than this, over a day, is no handling of cases."""
SUSPECT_PERCENT: Final = 60
"""More of the day's allowance than this is worth a question, whatever the cases."""
WATCHED_EVERY: Final = 8
"""One request in so many is followed by a look at how its caller stands: collecting takes many."""

_SPENT: Final = "allowance-spent"
_LISTING: Final = frozenset({Action.SEARCH.value, Action.LIST.value})


class Window(StrEnum):
    """What an allowance is for."""

    DAY = "day"
    MINUTE = "minute"


class AllowanceSpent(LienThongError):
    """Nothing may be released: the allowance of the window that `at` is in is used up.

    `seconds` is how long until there is a new one, at least 1.
    """

    def __init__(self, window: Window, at: str) -> None:
        super().__init__(f"The allowance of this {window.value} is used up.")
        self.window = window
        self.at = at
        self.seconds = seconds_until_renewed(window, at)


@dataclass(frozen=True, slots=True)
class Limits:
    """The allowances of an officer: looks a day, requests a minute."""

    day: int
    minute: int

    def day_of(self, caller: Caller) -> int | None:
        """A caller's looks a day; None for a system, which has no such limit."""
        return None if caller.is_system else self.day

    def minute_of(self, caller: Caller) -> int:
        """A caller's requests a minute."""
        return self.minute * SYSTEM_TIMES if caller.is_system else self.minute


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands today: looks, of how many, at how many people for how many cases.

    `subjects` and `cases` count what was looked at under purposes that need a case, hits of
    searches and lists left out.
    """

    looks: int = 0
    most: int | None = None
    subjects: int = 0
    cases: int = 0

    @property
    def left(self) -> int | None:
        """Looks that are left today; None where there is no limit."""
        return None if self.most is None else max(self.most - self.looks, 0)

    @property
    def is_suspect(self) -> bool:
        """Whether somebody seems to collect people rather than to handle cases."""
        return self.has_few_cases or self.is_large

    @property
    def has_few_cases(self) -> bool:
        """Many people, few cases."""
        return self.subjects >= FEWEST_SUBJECTS and self.subjects > SUBJECTS_A_CASE * self.cases

    @property
    def is_large(self) -> bool:
        """Much of the day's allowance."""
        return self.most is not None and self.looks * 100 > self.most * SUSPECT_PERCENT


def cost_of(looks: Sequence[Look]) -> int:
    """What the looks of one request take off the day's allowance; refused ones count as well."""
    listed = sum(look.action in _LISTING for look in looks)
    return len(looks) - listed + -(-listed // LISTED_TOGETHER)


def counted_subjects(errand: Errand, looks: Sequence[Look]) -> frozenset[str]:
    """The subjects that count for `Standing.subjects`."""
    purpose = PURPOSES.get(errand.purpose)
    if purpose is None or not purpose.needs_case:
        return frozenset()
    return frozenset(
        look.subject
        for look in looks
        if look.action not in _LISTING and not look.subject.startswith("caller/")
    )


def counter_of(caller: Caller, request_id: str) -> int | None:
    """Which of a system's counters a request is counted in; None for an officer, who has one."""
    if not caller.is_system:
        return None
    return crc32(request_id.encode()) % SYSTEM_COUNTERS


def is_watched(caller: Caller, request_id: str) -> bool:
    """Whether it is looked at after this request how its caller stands; a system has no day."""
    return not caller.is_system and crc32(request_id.encode()) % WATCHED_EVERY == 0


def most_in_counter(limits: Limits, caller: Caller) -> int:
    """Requests a minute that one counter of the caller takes."""
    most = limits.minute_of(caller)
    return -(-most // SYSTEM_COUNTERS) if caller.is_system else most


def stopped(caller: Caller, looks: Sequence[Look], window: Window) -> Look:
    """The one look that is noted of a request whose looks were too many for a window.

    It is about whom they are about, and where that is not one alone, about the caller; it names
    every record that was read for them.
    """
    (first, *others) = looks
    subjects = {look.subject for look in looks}
    note = first.note if all(look.note == first.note for look in others) else None
    return Look(
        subject=first.subject if len(subjects) == 1 else caller_subject(caller.id),
        action=first.action,
        allowed=False,
        rules=(),
        seen={},
        masked={key: () for look in looks for key in (*look.seen, *look.masked)},
        note={**(note or {}), "outcome": _SPENT, "window": window.value},
    )


def stopped_by(entry: AccessEntry) -> Window | None:
    """The window whose allowance was used up, where that is what an entry was refused for."""
    note = entry.note or {}
    return Window(note["window"]) if note.get("outcome") == _SPENT else None


def seconds_until_renewed(window: Window, at: str) -> int:
    """Seconds from an instant until the window's next allowance, at least 1."""
    moment = datetime.fromisoformat(at).astimezone(VIETNAM)
    if window is Window.MINUTE:
        return 60 - moment.second
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return -((moment - midnight) // timedelta(seconds=1))
