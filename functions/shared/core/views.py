"""A record as an answer: each field with its provenance and its rivals, or masked.

A field whose group may not be seen shows that it exists and its group, nothing else: no value,
no source, no time, no number of rivals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from functions.shared.core.access import person_subject
from functions.shared.core.canonical import canonical_of_data
from functions.shared.core.events import Json
from functions.shared.core.groups import group_of
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, KINDS, PERSON, REPLACES, STEP
from functions.shared.core.lanes import Lane, Lanes, Record, kind_of, shown, shown_lane
from functions.shared.core.warnings import WARNINGS, warnings

STEPS: Final = "steps"
MOST_BYTES: Final = 4_000_000
"""Bytes of the records in one answer; a function's answer has at most 6 MB."""

See = Callable[[str], bool]
"""Whether a group of fields may be seen."""


class View(NamedTuple):
    """A record as an answer, and the fields that it shows and masks."""

    answer: dict[str, Any]
    seen: tuple[str, ...]
    masked: tuple[str, ...]


def record_answer(record: Record, see: See, opaque_id: str) -> View:
    """The record for whoever may see these groups of its fields."""
    kind = kind_of(record)
    values = shown(kind, record.lanes)
    fields: dict[str, Json] = {}
    seen, masked = [], []
    for name, value in ((kind.key, record.key), *values.items()):
        group = group_of(kind.name, name)
        if see(group):
            seen.append(name)
            fields[name] = {"group": group, "value": value, **_provenance(record.lanes, name)}
        else:
            masked.append(name)
            fields[name] = masked_field(group)
    answer = {
        "record": opaque_id,
        "kind": kind.name,
        "version": record.version,
        "updated_at": record.updated_at,
        "warnings": _warnings(record, values, see),
        "fields": fields,
    }
    return View(answer, tuple(seen), tuple(masked))


def masked_field(group: str) -> dict[str, Any]:
    """What is left of a field that may not be seen."""
    return {"group": group, "masked": True}


def unseen(view: View) -> View:
    """The same record, read and not answered."""
    return View({}, (), (*view.seen, *view.masked))


def fitting(views: Sequence[View], most: int = MOST_BYTES) -> int:
    """How many of the records, from the first on, fit one answer; at least the first."""
    size = 0
    for number, view in enumerate(views):
        size += len(canonical_of_data(view.answer))
        if number and size > most:
            return number
    return len(views)


def _provenance(lanes: Lanes, field: str) -> dict[str, Any]:
    """Who said what a field shows, and who says otherwise; nothing of a key or of a list."""
    by_rank = lanes.get(field)
    if by_rank is None:
        return {}
    first, *others = _views(field, lanes)
    stamp = first.lane.stamp
    return {
        "source": stamp.source,
        "time": stamp.time,
        "rank": first.rank,
        "rivals": [
            {
                "value": view.lane.value,
                "source": view.lane.stamp.source,
                "time": view.lane.stamp.time,
                "rank": view.rank,
                "disputed": view.state == "disputed",
            }
            for view in others
            if view.state != "withdrawn"
        ],
    }


def _warnings(record: Record, values: Mapping[str, Json], see: See) -> list[dict[str, Any]]:
    """The warnings; one about a field that may not be seen keeps its code alone."""
    kind = kind_of(record)
    told: dict[str, dict[str, Any]] = {}
    for warning in warnings(kind, record.key, values, record.lanes):
        code, _, about = warning.partition(":")
        field = STEPS if code == "unusual-move" else about
        found: dict[str, Any] = {"code": code, "text": WARNINGS[code]}
        if field and see(group_of(kind.name, field)):
            found["field"] = field
            if field != about:
                found["text"] = f"{WARNINGS[code].removesuffix('.')}: {about}."
        told[str(found)] = found  # several about masked fields are one
    return list(told.values())


# Lanes --------------------------------------------------------------------------------------


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


def is_family(field: str) -> bool:
    """Whether a field is one of many: a step or a replaced id."""
    return field.startswith((f"{STEP}/", f"{REPLACES}/"))


# What a record is about ---------------------------------------------------------------------


ABOUT: Final[Mapping[str, str]] = {INSURANCE_CARD.name: "personal_id", DOSSIER.name: "applicant"}
"""Kind -> the field of a record that says whose it is."""


def subject_of(kind: str, key: str, fields: Mapping[str, Json]) -> str:
    """The subject that a look at a record is noted under, by what the record shows: the person
    whose it is, else the record itself."""
    personal_id: object = fields.get(ABOUT.get(kind, ""))
    if kind == PERSON.name:
        personal_id = key
    elif kind == DOSSIER.name:
        personal_id = personal_id.get("personal_id") if isinstance(personal_id, dict) else None
    return person_subject(cast(str, personal_id)) if personal_id else f"{kind}/{key}"


def subject_of_record(record: Record) -> str:
    """The subject that a look at a record is noted under."""
    return subject_of(record.kind, record.key, _shown(record, ABOUT.get(record.kind, "")))


_CONNECTED: Final = ("receiving_agency", "handling_agency")


def agencies_of(kind: str, fields: Mapping[str, Json]) -> frozenset[str]:
    """The agencies that a record is connected with: those that receive and handle a dossier."""
    if kind != DOSSIER.name:
        return frozenset()
    return frozenset(cast(str, fields[name]) for name in _CONNECTED if name in fields)


def agencies_of_record(record: Record) -> frozenset[str]:
    """The agencies that a record is connected with, by what it shows."""
    return agencies_of(record.kind, _shown(record, *_CONNECTED))


def _shown(record: Record, *names: str) -> dict[str, Json]:
    """What a record shows of some fields; the whole of it is not put together for that."""
    return {
        name: best[1].value
        for name in names
        if (by_rank := record.lanes.get(name)) is not None
        and (best := shown_lane(by_rank)) is not None
    }


def shown_of(record: Record) -> dict[str, Json]:
    """What a record shows, by field."""
    return shown(kind_of(record), record.lanes)


def newest_first(dossier_codes: Iterable[str]) -> list[str]:
    """Dossier codes by the day in them (`<agency>-YYMMDD-...`), the newest first.

    Two digits of the year do, for no code is older than the form (2018).
    """
    return sorted(dossier_codes, key=lambda code: (code.split("-")[1][-6:], code), reverse=True)
