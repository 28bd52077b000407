"""Quarantine entries as the desk sees them, and which of them are meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from functions.shared.core.events import Reason
from functions.shared.core.instants import VIETNAM, instant, later
from schemas.event_types import PREFIX
from schemas.forms import normalise_instant

Did = Literal["replayed", "corrected", "dismissed"]
OPEN: Final = "open"
LOOKED_BACK: Final = "14d"
"""How far back is looked where nobody says since when."""
_AHEAD: Final = 600
"""Seconds that a queue's clock may be ahead of whoever looks."""
_SENT: Final = ("replayed", "corrected")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did about an entry.

    `event_id` is the id of the event that was sent, `entry` the id of the quarantine entry that
    this becomes if it is refused again; the latter identifies what was sent to the byte.
    """

    at: str
    by: str
    did: Did
    why: str
    event_id: str | None = None
    entry: str | None = None

    def as_json(self) -> dict[str, str]:
        """The step as it is stored: without what it does not have."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in named if value is not None}


@dataclass(frozen=True, slots=True)
class Entry:
    """A quarantine entry, as much of it as was asked for.

    `reason` is the first reason's code. `body` is None where it lies in the bucket (under
    `body_object`) or was not asked for; of the reasons the first are here where they are many.
    """

    id: str
    queue: str
    status: str
    received_at: str
    reason: str
    reasons: tuple[Reason, ...] = ()
    seen: int = 1
    source: str | None = None
    event_id: str | None = None
    event_uid: str | None = None
    sender: str | None = None
    replays: str | None = None
    steps: tuple[Step, ...] = ()
    body: str | None = field(default=None, repr=False)
    body_object: str | None = None
    body_bytes: int | None = None
    reasons_count: int | None = None
    reasons_object: str | None = None
    closed_at: str | None = None
    closed_by: str | None = None
    closed_because: str | None = None

    @property
    def underway(self) -> Step | None:
        """The replay that was begun and is not known to be finished.

        A replay is noted before it is sent and the entry closed after it was; an entry that is
        open and whose last step is a replay was left in between.
        """
        last = self.steps[-1] if self.steps else None
        return last if self.status == OPEN and last is not None and last.did in _SENT else None


@dataclass(frozen=True, slots=True)
class Followed:
    """A step and what came of it: where the event that it sent is now."""

    step: Step
    outcome: str | None


class Contradiction(ValueError):
    """Nothing can be meant; the text is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are meant; what is empty does not matter.

    `reasons` are first reasons, by which the quarantine is indexed and counted. `errors` and
    `paths` have to hold for one and the same of the reasons that the entry lists. `types` are
    whole event types or their middle (`person.moved`). `since` and `until` are instants of
    `received_at`, both inclusive.
    """

    queues: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    errors: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    since: str | None = None
    until: str | None = None

    @property
    def names_something(self) -> bool:
        """Whether it is about less than the whole quarantine; its status aside."""
        return any(getattr(self, f.name) for f in fields(self) if f.name != "statuses")

    @property
    def looks_at_reasons(self) -> bool:
        """Whether the list of reasons decides, and not the first one alone."""
        return bool(self.errors or self.paths)

    def takes(self, entry: Entry, event_type: Callable[[], str | None]) -> bool:
        """Whether the entry is meant; the type of its event is asked for only if it matters."""
        return (
            _any(self.queues, entry.queue)
            and _any(self.reasons, entry.reason)
            and _any(self.statuses, entry.status)
            and _any(self.sources, entry.source)
            and (self.since is None or self.since <= entry.received_at)
            and (self.until is None or entry.received_at <= self.until)
            and (
                not self.looks_at_reasons
                or any(
                    _any(self.errors, reason.error) and _any(self.paths, reason.path)
                    for reason in entry.reasons
                )
            )
            and (not self.types or not self.types.isdisjoint(_names(event_type())))
        )

    def narrowed(self, other: Selection) -> Selection:
        """What both mean. Raises Contradiction where nothing can be meant by both."""
        values: dict[str, frozenset[str]] = {}
        for name, words in _WORDS.items():
            mine, theirs = getattr(self, name), getattr(other, name)
            both = mine & theirs if mine and theirs else mine or theirs
            if mine and theirs and not both:
                raise Contradiction(
                    f"The two selections name different {words}, so that no entry is in both."
                    " Leave one of them out."
                )
            values[name] = both
        since = max(filter(None, (self.since, other.since)), default=None)
        until = min(filter(None, (self.until, other.until)), default=None)
        return replace(self, **values, since=since, until=until).checked()

    def checked(self) -> Selection:
        """The same. Raises Contradiction where it begins after its end."""
        if self.since is not None and self.until is not None and self.since > self.until:
            raise Contradiction("The time range ends before it begins. Exchange its ends.")
        return self

    def ranged(self, now: str) -> Selection:
        """The same with both ends of its time range. Raises Contradiction where it has none."""
        since = self.since or moment(LOOKED_BACK, now)
        return replace(self, since=since, until=self.until or later(now, _AHEAD)).checked()


_WORDS: Final[Mapping[str, str]] = {
    "queues": "queues",
    "reasons": "reasons",
    "errors": "classes of error",
    "paths": "paths",
    "sources": "sources",
    "types": "event types",
    "statuses": "statuses",
}


def _any(wanted: frozenset[str], value: str | None) -> bool:
    return not wanted or value in wanted


def _names(event_type: str | None) -> frozenset[str]:
    if event_type is None:
        return frozenset()
    middle = event_type.removeprefix(PREFIX).rpartition(".")[0]
    return frozenset({event_type, middle} if event_type.startswith(PREFIX) else {event_type})


_AGO: Final = re.compile(r"([0-9]{1,6})([smhdw])")
_UNIT: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def moment(text: str, now: str, *, end: bool = False) -> str:
    """The instant that a person means: `2h` ago, a day in Vietnam or an RFC 3339 instant.

    Of a day it is the first instant, or the last one where `end` is asked for. Raises ValueError
    with a sentence.
    """
    text = text.strip()
    try:
        if (ago := _AGO.fullmatch(text)) is not None:
            seconds = int(ago[1]) * _UNIT[ago[2]]
            return instant(datetime.fromisoformat(now) - timedelta(seconds=seconds))
        if _DAY.fullmatch(text):
            start = datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
            return instant(start + timedelta(days=1, microseconds=-1) if end else start)
        return normalise_instant(text)
    except (ValueError, OverflowError):
        raise ValueError(
            "A time is an age such as 90s, 30m, 2h, 3d or 1w, a day such as 2026-11-22 (in"
            " Vietnam), or an instant such as 2026-11-22T08:30:00+07:00. Write one of these."
        ) from None


def days_between(since: str, until: str) -> list[str]:
    """The days in UTC that the range touches, newest first."""
    first = datetime.fromisoformat(since[:10])
    count = (datetime.fromisoformat(until[:10]) - first).days
    return [(first + timedelta(days=n)).date().isoformat() for n in range(count, -1, -1)]
