"""A record is a fold of statements that does not depend on their order.

Every field has lanes, one per rank. A lane keeps the statement with the greatest stamp. The
record shows, for each field, the highest lane whose value is not None; the lower lanes stay
as rivals. Taking the greatest of a set is commutative, associative and idempotent, so any
order, batching or repetition of the same events gives the same lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

from functions.shared.core.canonical import canonical_of_data
from functions.shared.core.events import Json
from functions.shared.core.kinds import (
    KINDS,
    MOST_STEPS_PER_SOURCE,
    REPLACES,
    STEP,
    Kind,
)
from functions.shared.core.stamps import Stamp

NO_HASH: Final = "0" * 64
"""The `prev` of a record's first entry."""
_STEP_PREFIX: Final = f"{STEP}/"
_REPLACES_PREFIX: Final = f"{REPLACES}/"


class Lane(NamedTuple):
    """The newest statement of one rank."""

    stamp: Stamp
    value: Json


Lanes = Mapping[str, Mapping[int, Lane]]
"""field -> rank -> the newest statement of that rank."""


class Statement(NamedTuple):
    """One field that an event states, with the rank of the agency that states it."""

    field: str
    rank: int
    value: Json


class Change(NamedTuple):
    """What one statement did to its lane; `before` is the lane's value until then.

    In the ledger, where values may be erased, an erased one reads None: `erased` tells which are
    gone (`pair`: both, `before`: only the value until then) and `commit` keeps the proof that is
    computed from them otherwise (`ledger`).
    """

    field: str
    rank: int
    won: bool
    before: Json
    stated: Json
    commit: str | None = None
    erased: str | None = None


class Record(NamedTuple):
    """The shared record as it is kept: lanes, and its place in the ledger.

    `version` is the number of its ledger entries, `head` the hash of the newest. `erasures`
    grows with every erasure in them, which leaves the head as it is: a writer that loaded the
    record before an erasure must not bring the value back.
    """

    kind: str
    key: str
    lanes: Lanes
    version: int = 0
    head: str = NO_HASH
    updated_at: str = ""
    erasures: int = 0

    @property
    def record_key(self) -> str:
        """`<kind>/<key>`, the ledger's name for the record."""
        return f"{self.kind}/{self.key}"


def new_record(kind: str, key: str) -> Record:
    """The record before its first event."""
    return Record(kind, key, {})


def fold(
    lanes: Lanes, stamp: Stamp, statements: Iterable[Statement]
) -> tuple[Lanes, tuple[Change, ...]]:
    """The lanes after one event, and what it did to each lane it spoke to.

    The given lanes are left as they are. The event is *applied* if any change `won`, and
    *superseded* if none did.
    """
    if not lanes:  # most records of a first load
        told = tuple(statements)
        first = {field: {rank: _lane((stamp, value))} for field, rank, value in told}
        return first, tuple([_change((f, r, True, None, v, None, None)) for f, r, v in told])
    after: dict[str, Mapping[int, Lane]] = dict(lanes)
    changes = []
    for field, rank, value in statements:
        by_rank = after.get(field)
        if by_rank is None:
            after[field] = {rank: _lane((stamp, value))}
            changes.append(_change((field, rank, True, None, value, None, None)))
        elif (lane := by_rank.get(rank)) is None:
            after[field] = {**by_rank, rank: _lane((stamp, value))}
            changes.append(_change((field, rank, True, None, value, None, None)))
        elif stamp > lane.stamp:
            after[field] = {**by_rank, rank: _lane((stamp, value))}
            changes.append(_change((field, rank, True, lane.value, value, None, None)))
        else:
            changes.append(_change((field, rank, False, lane.value, value, None, None)))
    return after, tuple(changes)


# A batch makes thousands: straight from their values, in half of the time of a call by name.
_lane: Final = partial(tuple.__new__, Lane)
_change: Final = partial(tuple.__new__, Change)


def shown_lane(by_rank: Mapping[int, Lane]) -> tuple[int, Lane] | None:
    """The rank and lane a field shows: the highest whose value is not None."""
    best = None
    for rank, lane in by_rank.items():
        if lane.value is not None and (best is None or rank > best[0]):
            best = (rank, lane)
    return best


def shown(kind: Kind, lanes: Lanes) -> dict[str, Json]:
    """What the record shows, by field: `steps` and `replaces` gathered into sorted lists."""
    fields: dict[str, Json] = {}
    for name in kind.field_names:
        by_rank = lanes.get(name)
        if by_rank is None:
            continue
        if len(by_rank) == 1:
            ((_, value),) = by_rank.values()
            if value is not None:
                fields[name] = value
        elif (best := shown_lane(by_rank)) is not None:
            fields[name] = best[1].value
    if kind.families and len(lanes) > len(fields):
        steps, replaces = [], []
        for name, by_rank in lanes.items():
            if name.startswith(_STEP_PREFIX):
                if (best := shown_lane(by_rank)) is not None:
                    steps.append({**_object(best[1].value), "source": best[1].stamp.source})
            elif name.startswith(_REPLACES_PREFIX) and shown_lane(by_rank) is not None:
                replaces.append(name[len(_REPLACES_PREFIX) :])
        if steps:
            steps.sort(key=lambda step: (step["at"], step["source"], step["id"]))
            fields["steps"] = steps
        if replaces:
            fields[REPLACES] = sorted(replaces)
    return fields


def _object(value: Json) -> dict[str, str]:
    assert isinstance(value, dict)
    return value


def disputed(lanes: Lanes) -> list[str]:
    """The fields of which a lower lane holds a newer, other value that is not None."""
    fields = []
    for name, by_rank in lanes.items():
        if len(by_rank) > 1 and (best := shown_lane(by_rank)) is not None:
            rank, winner = best
            if any(
                other < rank
                and rival.value is not None
                and rival.stamp > winner.stamp
                and rival.value != winner.value
                for other, rival in by_rank.items()
            ):
                fields.append(name)
    return fields


def has_room_for_step(lanes: Lanes, field: str) -> bool:
    """Whether a source may add this step: it has it already, or holds fewer than 200."""
    if field in lanes:
        return True
    prefix = step_prefix(field)
    return sum(name.startswith(prefix) for name in lanes) < MOST_STEPS_PER_SOURCE


def step_field(source: str, step_id: str) -> str:
    """`step/<source>/<step id>`."""
    return f"{_STEP_PREFIX}{source}/{step_id}"


def step_prefix(field: str) -> str:
    """`step/<source>/` of a step's field; a source is `/agencies/<id without a slash>`."""
    _, _, agencies, agency, _ = field.split("/", 4)
    return f"{_STEP_PREFIX}/{agencies}/{agency}/"


def replaces_field(personal_id: str) -> str:
    """`replaces/<cancelled personal id>`."""
    return f"{_REPLACES_PREFIX}{personal_id}"


# The stored form of lanes -----------------------------------------------------------------
#
# Canonical JSON: a list of [time, sequence, source, id, [rank, shown, kept], ...], one per
# stamp in the order of stamps, ranks from high to low. `shown` lists the codes (kinds.py) of
# the fields whose value of that rank is the one the record shows, and which the item carries
# as a plain attribute; `kept` maps the codes of the others to their value. A step's code is
# `/<step id>`, or `/` where the step id is the event id; a replaced id's is `=<id>`.


def encode_lanes(kind: Kind, lanes: Lanes) -> bytes:
    """The lanes without the values that the item shows, in the stored form."""
    stamps: dict[Stamp, dict[int, tuple[list[str], dict[str, Json]]]] = {}
    codes = kind.codes
    of_stamp = of_rank = None
    shown_codes: list[str] = []
    kept: dict[str, Json] = {}
    for field, by_rank in lanes.items():
        best = shown_lane(by_rank) if len(by_rank) > 1 else None
        for rank, (stamp, value) in by_rank.items():
            if stamp is not of_stamp or rank != of_rank:  # neighbours mostly come from one event
                groups = stamps.setdefault(stamp, {})
                shown_codes, kept = groups.setdefault(rank, ([], {}))
                of_stamp, of_rank = stamp, rank
            code = codes.get(field) or _member_code(kind, field, stamp)
            if value is not None and (best is None or best[0] == rank):
                shown_codes.append(code)
            else:
                kept[code] = value
    return canonical_of_data(
        [
            [
                *stamp,
                *(
                    [rank, sorted(groups[rank][0]), groups[rank][1]]
                    for rank in sorted(groups, reverse=True)
                ),
            ]
            for stamp, groups in sorted(stamps.items())
        ]
    )


def decode_lanes(kind: Kind, stored: list[Json], fields: Mapping[str, Json]) -> Lanes:
    """The lanes again, from their stored form (parsed) and what the item shows."""
    lanes: dict[str, dict[int, Lane]] = {}
    steps: dict[tuple[str, str], Json] | None = None
    for entry in stored:
        assert isinstance(entry, list)
        time, sequence, source, id_, *groups = entry
        stamp = Stamp(time, sequence, source, id_)
        for rank, shown_codes, kept in groups:
            for code in shown_codes:
                field = _field(kind, code, stamp)
                if code[0] == "/":
                    if steps is None:
                        steps = _steps_by_id(fields)
                    value = steps[source, code[1:] or id_]
                elif code[0] == "=":
                    value = True
                else:
                    value = fields[field]
                lanes.setdefault(field, {})[rank] = Lane(stamp, value)
            for code, value in kept.items():
                lanes.setdefault(_field(kind, code, stamp), {})[rank] = Lane(stamp, value)
    return lanes


def _steps_by_id(fields: Mapping[str, Json]) -> dict[tuple[str, str], Json]:
    steps = fields.get("steps", [])
    assert isinstance(steps, list)
    return {
        (step["source"], step["id"]): {k: v for k, v in step.items() if k != "source"}
        for step in steps
    }


def _member_code(kind: Kind, field: str, stamp: Stamp) -> str:
    family, _, member = field.partition("/")
    if family == STEP:
        step_id = field[len(step_prefix(field)) :]
        return "/" if step_id == stamp.id else f"/{step_id}"
    return f"{kind.codes[family]}{member}"


def _field(kind: Kind, code: str, stamp: Stamp) -> str:
    if code[0] == "/":
        return step_field(stamp.source, code[1:] or stamp.id)
    if code[0] == "=":
        return replaces_field(code[1:])
    return kind.names[code]


def advanced(record: Record, lanes: Lanes, version: int, head: str, updated_at: str) -> Record:
    """The record after a ledger entry."""
    kind, key, _, _, _, _, erasures = record
    return Record(kind, key, lanes, version, head, updated_at, erasures)


def kind_of(record: Record) -> Kind:
    """The table row of the record's kind."""
    return KINDS[record.kind]
