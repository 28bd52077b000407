"""A record with the provenance of each of its fields, as a document and for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from functions.shared.core.instants import VIETNAM
from functions.shared.core.kinds import KINDS, REPLACES, STEP
from functions.shared.core.lanes import Lane, Lanes, Record, shown_lane
from functions.shared.core.warnings import WARNINGS
from schemas.forms import STORED_INSTANT_PATTERN

STATUS_NAMES: Final[Mapping[int, str]] = {
    1: "registered",
    2: "accepted",
    3: "refused",
    4: "in process",
    5: "supplement requested",
    6: "fee due",
    7: "withdrawn",
    8: "stopped",
    9: "done",
    10: "result returned",
}
"""The national dossier states, as the contract names them."""


class LaneView(NamedTuple):
    """One lane and what it is to its field: shown, rival, disputed or withdrawn."""

    field: str
    rank: int
    lane: Lane
    state: str


def lane_views(record: Record) -> list[LaneView]:
    """Every lane: fields in the contract's order, then replaced ids and steps; ranks downward."""
    order = {field.name: place for place, field in enumerate(KINDS[record.kind].fields)}
    names = sorted(record.lanes, key=lambda name: (order.get(name, len(order)), name))
    return [view for name in names for view in _views(name, record.lanes)]


def _views(field: str, lanes: Lanes) -> list[LaneView]:
    by_rank = lanes[field]
    best = shown_lane(by_rank)
    views = []
    for rank in sorted(by_rank, reverse=True):
        lane = by_rank[rank]
        if lane.value is None:
            state = "withdrawn"
        elif best is None or best[0] == rank:
            state = "shown"
        elif lane.stamp > best[1].stamp and lane.value != best[1].value:
            state = "disputed"
        else:
            state = "rival"
        views.append(LaneView(field, rank, lane, state))
    # What is shown stands first; what is above it was withdrawn.
    return sorted(views, key=lambda view: view.state != "shown")


def explained(warning: str) -> str:
    """What a warning of a record says, in words."""
    return WARNINGS.get(warning.partition(":")[0], "")


def is_family(field: str) -> bool:
    """Whether a field is one of many: a step or a replaced id."""
    return field.startswith((f"{STEP}/", f"{REPLACES}/"))


_INSTANT: Final = re.compile(STORED_INSTANT_PATTERN)


def local(instant: str) -> str:
    """A stored instant in Vietnam time, to the second; anything else as it is."""
    if not _INSTANT.fullmatch(instant):
        return instant
    try:
        moment = datetime.fromisoformat(instant).astimezone(VIETNAM)
    except OverflowError:  # the last hours of the year 9999
        return instant
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def readable(value: Any) -> str:
    """A value for people: instants in Vietnam time, objects as `name: value`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case str():
            return local(value)
        case dict():
            return ", ".join(f"{name}: {readable(part)}" for name, part in value.items())
        case list():
            return "; ".join(map(readable, value))
        case _:
            return str(value)


def status_name(status: Any) -> str:
    """`4 in process`."""
    return f"{status} {STATUS_NAMES.get(status, '')}".strip() if status is not None else ""
