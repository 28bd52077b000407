"""Random histories: events of every type, as agencies of every kind may publish them.

Values come from small pools, so that equal times, repeated values, rivals and withdrawals are
the rule. Every event drawn here is one that the service accepts; what is refused has its own
tests, and `deliveries` may mix it in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, KINDS, PERSON, Kind
from schemas.event_types import EVENT_TYPES, OWN_ONLY, EventType
from tests.builders import AGENCIES, Fields

Document = dict[str, Any]
"""An event as a dictionary."""

# Values -------------------------------------------------------------------------------------

RECORD_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    PERSON.name: ("001190000017", "001085000024", "999999999999"),
    INSURANCE_CARD.name: ("0123456790", "0000000001"),
    DOSSIER.name: ("H26.12-20260303-0000003", "000.12.00.H26-250630-0001", "H26-20261399-0000"),
    AGENCY.name: ("H26.77", "K09", "Z09ABC"),
}
_IDS: Final = st.sampled_from(("001190000017", "001085000024", "079300000001"))
_DATES: Final = st.sampled_from(("1990-02-03", "2024-02-29", "2026-12-31"))
_PARTIAL: Final = st.sampled_from(("1990", "1990-02", "1990-02-03", "2026-01-01"))
_MOMENTS: Final = st.sampled_from(
    (
        "2026-03-03T09:00:00+07:00",
        "2026-03-03T02:00:00Z",
        "2026-03-03t02:00:00.000001z",
        "2026-03-02T23:59:59.9999999-05:00",
    )
)
_NAMES: Final = st.sampled_from(
    ("Nguyễn Thị Mẫu", "Nguyê\u0303n  Thị Mẫu ", "TRẦN THỬ", "Không rõ", "Đ\u0301 𠮷")
)
_TEXTS: Final = st.sampled_from(("Số 3, phố Thử Nghiệm", "a/b#c~d", "“\u202f”", "\U0001f600"))
_CODES: Final = st.sampled_from(("VN", "01", "0", "a.b-c_d"))
_PHONES: Final = st.sampled_from(("0900000001", "+84900000001"))
_STATUSES: Final = st.integers(1, 10)
_AGENCY_IDS: Final = st.sampled_from(("H26.12", "000.12.00.H26", "Z0101020"))


def _object(required: Mapping[str, Any], optional: Mapping[str, Any]) -> SearchStrategy[Any]:
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


def _not_empty(optional: Mapping[str, Any]) -> SearchStrategy[Any]:
    return _object({}, optional).filter(bool)


_PLACE: Final = _object({"commune": st.sampled_from(("00070", "00082"))}, {"address": _TEXTS})
_PERIODS: Final = st.sampled_from(
    (
        [{"kind": "other", "publishes": [], "from": "2020-01-01"}],
        [
            {"kind": "justice", "publishes": ["person"], "from": "2020-01-01", "to": "2025-06-30"},
            {"kind": "one-stop", "publishes": ["dossier", "person"], "from": "2025-07-01"},
        ],
    )
)
_STEP_IDS: Final = st.sampled_from(("task-1", "a/b", "/", "Ω", "e0"))


def _annulment(kind: Kind) -> SearchStrategy[Any]:
    same_as = st.sampled_from(RECORD_KEYS[kind.name])
    return _object({"reason": _TEXTS}, {"same_as": same_as})


VALUES: Final[Mapping[str, Mapping[str, SearchStrategy[Any]]]] = {
    PERSON.name: {
        "full_name": _NAMES,
        "date_of_birth": _PARTIAL,
        "sex": st.sampled_from(("male", "female")),
        "nationality": _CODES,
        "ethnicity_code": _CODES,
        "marital_status_code": _CODES,
        "old_identity_number": st.sampled_from(("010000024", "000000000")),
        "identity_card": _not_empty({"issued_on": _DATES, "expires_on": _DATES}),
        "life": _object(
            {"status": st.sampled_from(("alive", "deceased", "missing"))},
            {"deceased_on": _DATES},
        ),
        "residence": _PLACE,
        "current_residence": _PLACE,
        "birth_registration_commune": st.sampled_from(("00070", "99999")),
        "household": _object({"head_id": _IDS}, {"relation_code": _CODES}),
        "phone": _PHONES,
        "eid": _object({"level": st.integers(1, 2)}, {"activated_at": _MOMENTS}),
        "digital_signature_issued_on": _DATES,
        "annulment": _annulment(PERSON),
        "replaces": st.lists(_IDS, min_size=1, max_size=3),
    },
    INSURANCE_CARD.name: {
        "personal_id": _IDS,
        "full_name": _NAMES,
        "date_of_birth": _PARTIAL,
        "sex": st.sampled_from(("male", "female")),
        "address": _TEXTS,
        "phone": _PHONES,
        "card": _object(
            {
                "number": st.sampled_from(
                    ("GD4010123456790", "gd4 01 0123456790", "0123456790", "XX101KT00000001")
                )
            },
            {
                "group_code": st.sampled_from(("GD", "DN", "QQ")),
                "benefit_level": st.integers(1, 5),
                "valid_from": _DATES,
                "valid_to": _DATES,
            },
        ),
        "five_years_from": _DATES,
        "primary_facility": st.sampled_from(("01020", "01C51")),
        "status": st.sampled_from(("active", "suspended", "ended")),
        "annulment": _annulment(INSURANCE_CARD),
    },
    DOSSIER.name: {
        "procedure_code": st.sampled_from(("1.004222", "2.000488.H26")),
        "procedure_name": _TEXTS,
        "field_code": st.just("G17-XD03"),
        "receiving_agency": _AGENCY_IDS,
        "handling_agency": _AGENCY_IDS,
        "applicant": _object(
            {"kind": st.sampled_from(("citizen", "enterprise", "other"))},
            {
                "name": _NAMES,
                "personal_id": _IDS,
                "paper_number": st.sampled_from(("MST-1", "000000001")),
                "phone": _PHONES,
            },
        ),
        "channel": st.sampled_from(("in-person", "online", "post")),
        "status": _STATUSES,
        "submitted_at": _MOMENTS,
        "received_at": _MOMENTS,
        "due_at": _MOMENTS,
        "finished_at": _MOMENTS,
        "returned_at": _MOMENTS,
        "step": _object(
            {"id": _STEP_IDS, "at": _MOMENTS},
            {"status": _STATUSES, "handler": _TEXTS, "text": _TEXTS, "due_at": _MOMENTS},
        ),
        "fee": _not_empty(
            {
                "amount": st.sampled_from((0, 75_000, 2**53 - 1)),
                "paid": st.booleans(),
                "paid_online": st.booleans(),
            }
        ),
        "digitised_parts": st.booleans(),
        "digitised_result": st.booleans(),
        "reused_data": st.booleans(),
        "satisfaction": st.integers(1, 5),
        "annulment": _annulment(DOSSIER),
    },
    AGENCY.name: {
        "name": _TEXTS,
        "parent": st.sampled_from(("H26", "Z09")),
        "aliases": st.lists(st.sampled_from(("000.77.00.H26", "H26-77")), max_size=2),
        "succeeds": st.lists(st.sampled_from(("H26.33", "H26.34")), max_size=2),
        "senders": st.lists(st.sampled_from(("AROAEXAMPLE1", "AROAEXAMPLE2")), max_size=2),
        "periods": _PERIODS,
    },
}
"""Record kind -> field -> valid values. Kept in the order of the contract by its test."""

NEVER_NULL: Final = frozenset({"replaces", "step"})

# Events -------------------------------------------------------------------------------------

_OLD_TIMES: Final = ("2025-06-30T16:59:59.999999Z", "2024-02-29T10:00:00+07:00")
_NEW_TIMES: Final = (
    "2025-06-30T17:00:00Z",
    "2026-03-03T09:00:00+07:00",
    "2026-03-03T02:00:00.0000009Z",  # cut off: the same instant as the one before
    "2026-03-03t02:00:00.000001z",
    "2026-03-02T21:00:00-05:00",
)
_SEQUENCES: Final = ("0", "00", "1", "2", "000000000000000010", "999999999999999999")


@dataclass(frozen=True)
class Publisher:
    """A source, the kind its agency is of in a period, and instants of that period."""

    source: str
    agency_kind: str
    times: tuple[str, ...]


def _publishers(kind: Kind) -> list[Publisher]:
    if kind is AGENCY:
        return [Publisher("/agencies/registry", "registry", _OLD_TIMES + _NEW_TIMES)]
    found = []
    for id_, fields in AGENCIES.items():
        for period in fields["periods"]:
            if kind.name in period["publishes"]:
                times = _OLD_TIMES if "to" in period else _NEW_TIMES
                found.append(Publisher(f"/agencies/{id_}", period["kind"], times))
    return found


def _may_state(kind: Kind, agency_kind: str) -> list[str]:
    return [name for name in VALUES[kind.name] if agency_kind in kind.ranks_of(name)]


def _own_fields(row: EventType, stated: Sequence[str]) -> list[str]:
    """The fields that an event of this type may state, of those its agency may."""
    return [
        name
        for name in stated
        if (name not in OWN_ONLY or row.name in OWN_ONLY[name])
        and not (name == "status" and row.statuses is not None and not row.statuses)
    ]


def _possible(kind: Kind) -> list[tuple[Publisher, EventType]]:
    rows = [row for row in EVENT_TYPES.values() if row.kind == kind.name]
    return [
        (publisher, row)
        for publisher in _publishers(kind)
        if (stated := _may_state(kind, publisher.agency_kind))
        for row in rows
        if all(any(field in stated for field in group) for group in row.must_state)
        and _own_fields(row, stated)
    ]


POSSIBLE: Final[Mapping[str, Sequence[tuple[Publisher, EventType]]]] = {
    kind.name: _possible(kind) for kind in KINDS.values()
}
"""Record kind -> who may publish which of its event types."""


def _value(kind: Kind, row: EventType, field: str) -> SearchStrategy[Any]:
    if field == "status" and row.statuses:
        return st.sampled_from(sorted(row.statuses, key=str))
    if field == "life" and row.life_statuses:
        died = st.sampled_from(sorted(row.life_statuses))
        return _object({"status": died}, {"deceased_on": _DATES})
    return VALUES[kind.name][field]


@st.composite
def fields_of(draw: st.DrawFn, kind: Kind, row: EventType, agency_kind: str) -> Fields:
    """What one event states: what its type must, some of what it may, some withdrawals."""
    stated = _may_state(kind, agency_kind)
    own = _own_fields(row, stated)
    must = {
        draw(st.sampled_from([field for field in group if field in own]))
        for group in row.must_state
    }
    also = draw(st.sets(st.sampled_from(own), max_size=4))
    bound = row.statuses and ("status",) in row.must_state
    withdrawable = [
        name
        for name in stated
        if name not in NEVER_NULL and not (name == "status" and (bound or row.statuses))
    ]
    withdrawn = draw(st.sets(st.sampled_from(withdrawable), max_size=2)) - must
    if not must | also | withdrawn:
        also = {draw(st.sampled_from(own))}
    fields = {name: draw(_value(kind, row, name)) for name in VALUES[kind.name] if name in must}
    fields |= {name: draw(_value(kind, row, name)) for name in sorted(also - must)}
    return {**fields, **dict.fromkeys(sorted(withdrawn))}


@st.composite
def events(
    draw: st.DrawFn, kind: Kind, ids: SearchStrategy[str], keys: Sequence[str] | None = None
) -> Document:
    """One event that the service accepts."""
    publisher, row = draw(st.sampled_from(POSSIBLE[kind.name]))
    key = draw(st.sampled_from(keys or RECORD_KEYS[kind.name]))
    document = {
        "specversion": "1.0",
        "id": draw(ids),
        "source": publisher.source,
        "type": row.type,
        "subject": key,
        "time": draw(st.sampled_from(publisher.times)),
        "data": {kind.key: key, **draw(fields_of(kind, row, publisher.agency_kind))},
    }
    sequence = draw(st.none() | st.sampled_from(_SEQUENCES))
    if sequence is not None:
        document["sequence"] = sequence
    return document


EVENT_IDS: Final = st.sampled_from(
    ("e0", "e1", "e10", "e2", "a/b", "Ω", "ω", "é", "#", "~1", "\U0001f600", "Z", "00", "0")
)


@st.composite
def histories(
    draw: st.DrawFn, kind: Kind, *, most: int = 10, keys: Sequence[str] | None = None
) -> list[Document]:
    """Events of one kind whose (source, id) are all different."""
    drawn = draw(
        st.lists(
            events(kind, EVENT_IDS, keys),
            min_size=1,
            max_size=most,
            unique_by=lambda document: (document["source"], document["id"]),
        )
    )
    return list(drawn)


def any_history(*, most: int = 10) -> SearchStrategy[tuple[Kind, list[Document]]]:
    """A kind and a history of it."""
    return st.sampled_from(list(KINDS.values())).flatmap(
        lambda kind: st.tuples(st.just(kind), histories(kind, most=most))
    )


@st.composite
def deliveries(
    draw: st.DrawFn, history: Sequence[Document], *, extra: int = 4
) -> list[list[Document]]:
    """The history as a queue may deliver it: any order, any batches, some of it again.

    What comes again may carry another trace header, which is no part of an event's core.
    """
    again = draw(st.lists(st.sampled_from(range(len(history))), max_size=extra))
    repeats = [{**history[index], "traceparent": f"00-{index}"} for index in again]
    arriving = draw(st.permutations([*history, *repeats]))
    batches: list[list[Document]] = []
    for document in arriving:
        if not batches or draw(st.booleans()):
            batches.append([])
        batches[-1].append(document)
    return batches
