"""Changes of the registry as the events that say them.

Nothing here looks at a stack: the record as it is goes in, the event comes out, or a sentence
says why there is none. Whoever folds the event gets the change, whatever else arrives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, cast

from functions.shared.core.events import Json
from functions.shared.core.kinds import AGENCY
from functions.shared.core.lanes import Record, shown
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.reading import read
from infra.lienthong.problems import Misuse, Refused
from schemas.envelope import REGISTRY_SOURCE, SPECVERSION

Period = Mapping[str, Json]
"""`kind`, `publishes`, `from` and, unless it is open, `to`; both days inclusive."""

REGISTERED: Final = "vn.lienthong.agency.registered.v1"
CHANGED: Final = "vn.lienthong.agency.changed.v1"


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """An event of the registry, as it will be sent."""

    agency: str
    body: str
    event_uid: str

    @property
    def quarantine_id(self) -> str:
        """The id of its quarantine entry, should the registry's function refuse it."""
        return quarantine_id(AGENCY.queue, self.body)


def fields_of(record: Record | None) -> dict[str, Any]:
    """What the registry shows of an agency; nothing of one it does not know."""
    return dict(shown(AGENCY, record.lanes)) if record is not None else {}


def event_of(
    type_: str, agency: str, fields: Mapping[str, Json], before: Record | None, now: str, fresh: str
) -> RegistryEvent:
    """The event that states `fields` of an agency, newer than all that its record holds.

    `now` is the present instant, `fresh` what makes the id unlike any other. Two changes within
    one instant, or from two machines of which one's clock is behind, order as they were made:
    the time is never before the newest statement's, and the sequence is one more than the
    greatest. Raises `Refused` with every error that the registry's function would find.
    """
    stamps = [
        lane.stamp
        for ranks in (before.lanes.values() if before is not None else ())
        for lane in ranks.values()
    ]
    id_ = f"registry-{agency}-{fresh}"
    document = {
        "specversion": SPECVERSION,
        "id": id_,
        "source": REGISTRY_SOURCE,
        "type": type_,
        "subject": agency,
        "time": max([now, *(stamp.time for stamp in stamps)]),
        "sequence": str(1 + max((stamp.sequence for stamp in stamps), default=0)),
        "data": {AGENCY.key: agency, **fields},
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if reasons := read(body, AGENCY).reasons:
        raise Refused(
            f"This says nothing valid of {agency}, so nothing was sent. Correct it:",
            tuple(f"{reason.path}: {reason.text}" for reason in reasons),
        )
    return RegistryEvent(agency, body, f"{REGISTRY_SOURCE}#{id_}")


# Periods ------------------------------------------------------------------------------------


def in_force(periods: Sequence[Period], day: str) -> Period | None:
    """The period that a day (`YYYY-MM-DD`, Vietnam time) falls into, if any."""
    for period in periods:
        if _since(period) <= day and day <= _until(period):
            return period
    return None


def with_period(periods: Sequence[Period], new: Period) -> list[Period]:
    """The periods with a new one: an earlier one that would run into it ends the day before.

    One that begins on the same day is replaced. Raises `Misuse` where the new one would run
    into a later one.
    """
    since = _since(new)
    result = []
    for period in sorted(periods, key=_since):
        if _since(period) == since:
            continue
        if _since(period) < since <= _until(period):
            result.append({**period, "to": _day_before(since)})
            continue
        if since < _since(period) <= _until(new):
            raise Misuse(
                f"There is a later period, from {_since(period)}, which this one would run into. "
                f"Give its last day: --to {_day_before(_since(period))}."
            )
        result.append(dict(period))
    return sorted([*result, dict(new)], key=_since)


def ended(periods: Sequence[Period], day: str) -> list[Period]:
    """The periods with `day` as the last one in force. Raises `Misuse` where that is unclear."""
    current = in_force(periods, day)
    if current is None:
        raise Misuse(
            f"The agency is not in force on {day}, so it cannot end then. `lienthong agencies "
            "show` lists its periods."
        )
    if later := [period for period in periods if _since(period) > day]:
        raise Misuse(
            f"The agency has a period after that day, from {_since(later[0])}. Name a day in its "
            "last period."
        )
    return [{**period, "to": day} if period is current else dict(period) for period in periods]


def _since(period: Period) -> str:
    return cast(str, period["from"])


def _until(period: Period) -> str:
    return cast(str, period.get("to", "9999-12-31"))


def _day_before(day: str) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except OverflowError:
        raise Misuse(f"There is no day before {day}.") from None
