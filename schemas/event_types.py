"""The event types as data: what each must state, and which `status` it may state.

To state is to be present and not `null`. A type implies no value: what an event does not
state, it does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.validation import FieldError, pointer, validate_data

PREFIX: Final = "vn.lienthong."
VERSION: Final = 1

KEY_OF_KIND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "personal_id",
        "insurance-card": "insurance_number",
        "dossier": "dossier_code",
        "agency": "agency_id",
    }
)
"""Record kind -> the field of its data that is the record's key."""

QUEUE_OF_KIND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "population",
        "insurance-card": "insurance",
        "dossier": "dossier",
        "agency": "registry",
    }
)
"""Record kind -> the queue that takes its events."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A row of the contract's table.

    `name` is without prefix and version (`person.moved`), `summary` says what happened.
    `must_state` lists groups of fields: of each group at least one is stated. `statuses` are
    the values of `status` that may be stated: None where the kind has no `status`, empty where
    none may be stated (and `null` withdraws); where it lists values, `status` is none of the
    others and not `null`. `life_statuses` does the same for `life.status`.
    """

    name: str
    summary: str
    kind: str
    must_state: tuple[tuple[str, ...], ...]
    statuses: frozenset[int | str] | None
    life_statuses: frozenset[str] | None = None
    version: int = VERSION

    @property
    def type(self) -> str:
        """The CloudEvents `type`."""
        return f"{PREFIX}{self.name}.v{self.version}"

    @property
    def key(self) -> str:
        """The field of `data` that is the record's key."""
        return KEY_OF_KIND[self.kind]


def _row(
    name: str, summary: str, must_state: str = "", *, status: str | None = None, life: str = ""
) -> EventType:
    kind = name.partition(".")[0]
    statuses: frozenset[int | str] | None = None
    if status is not None:
        statuses = frozenset(int(s) if s.isdigit() else s for s in status.split())
    return EventType(
        name=name,
        summary=summary,
        kind=kind,
        must_state=tuple(tuple(group.split("|")) for group in must_state.split()),
        statuses=statuses,
        life_statuses=frozenset(life.split()) if life else None,
    )


EVENT_TYPES: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        row.type: row
        for row in (
            _row(
                "person.registered",
                "A person was entered into a register.",
                "full_name date_of_birth sex",
            ),
            _row("person.updated", "Something about a person changed or was corrected."),
            _row(
                "person.moved",
                "A person has another permanent or current residence.",
                "residence|current_residence",
            ),
            _row("person.deceased", "A person died.", "life", life="deceased"),
            _row(
                "person.identifier-replaced",
                "A person has this personal id in place of cancelled ones.",
                "replaces",
            ),
            _row(
                "person.eid-activated",
                "A person's electronic identity account was activated.",
                "eid",
            ),
            _row(
                "person.digital-signature-issued",
                "A person was issued a digital signature.",
                "digital_signature_issued_on",
            ),
            _row(
                "person.annulled",
                "The record of a person should not be, or is another one.",
                "annulment",
            ),
            _row(
                "insurance-card.issued",
                "A health-insurance card was issued.",
                "full_name card",
                status="active",
            ),
            _row(
                "insurance-card.renewed",
                "A health-insurance card was renewed or exchanged.",
                "card",
                status="active",
            ),
            _row(
                "insurance-card.updated",
                "Something about a card changed or was corrected.",
                status="",
            ),
            _row(
                "insurance-card.suspended",
                "A health-insurance card is suspended.",
                "status",
                status="suspended",
            ),
            _row(
                "insurance-card.ended",
                "A health-insurance card has ended.",
                "status",
                status="ended",
            ),
            _row(
                "insurance-card.annulled",
                "The record of a card should not be, or is another one.",
                "annulment",
                status="",
            ),
            _row(
                "dossier.submitted",
                "An applicant submitted a dossier.",
                "procedure_code receiving_agency applicant status submitted_at",
                status="1",
            ),
            _row("dossier.accepted", "A dossier was accepted.", "status", status="2"),
            _row("dossier.refused", "A dossier was not accepted.", "status", status="3"),
            _row(
                "dossier.progressed",
                "A step of the work on a dossier was taken.",
                "status|step",
                status="4",
            ),
            _row(
                "dossier.supplement-requested",
                "The applicant was asked to supplement a dossier; the clock stops.",
                "status",
                status="5",
            ),
            _row(
                "dossier.supplement-received",
                "The supplement of a dossier arrived.",
                "status",
                status="2 4",
            ),
            _row(
                "dossier.fee-requested",
                "The applicant was asked to pay; the clock stops.",
                "status",
                status="6",
            ),
            _row("dossier.withdrawn", "The applicant withdrew a dossier.", "status", status="7"),
            _row("dossier.stopped", "The work on a dossier was stopped.", "status", status="8"),
            _row(
                "dossier.completed",
                "The work on a dossier is done and its result is at the counter.",
                "status finished_at",
                status="9",
            ),
            _row(
                "dossier.returned",
                "The applicant got the result of a dossier.",
                "status returned_at",
                status="10",
            ),
            _row(
                "dossier.rated",
                "The applicant rated how a dossier was handled.",
                "satisfaction",
                status="",
            ),
            _row(
                "dossier.updated", "Something about a dossier changed or was corrected.", status=""
            ),
            _row(
                "dossier.annulled",
                "The record of a dossier should not be, or is another one.",
                "annulment",
                status="",
            ),
            _row("agency.registered", "An agency was entered into the registry.", "name periods"),
            _row("agency.changed", "Something about an agency changed or was corrected."),
        )
    }
)
"""CloudEvents `type` -> its row."""

OWN_ONLY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "replaces": frozenset({"person.identifier-replaced"}),
        "annulment": frozenset({"person.annulled", "insurance-card.annulled", "dossier.annulled"}),
        "satisfaction": frozenset({"dossier.rated"}),
    }
)
"""Field -> the only event types (`EventType.name`) that state it. Any may withdraw it with
`null`, but for `replaces`, which is never `null`."""
_OWN_ONLY: Final = tuple(OWN_ONLY.items())


def check_type(event_type: EventType, data: Mapping[str, object]) -> list[FieldError]:
    """What the type forbids or misses in `data`; empty if nothing.

    Looks only at what is stated, so it may be asked about data that are not valid, too.
    """
    errors = []
    for group in event_type.must_state:
        for field in group:
            if data.get(field) is not None:
                break
        else:
            errors.append(_missing(event_type, group))
    if not event_type.must_state and len(data) <= (event_type.key in data):
        errors.append(
            FieldError(
                pointer(),
                "nothing-stated",
                "This event states nothing but its key; state at least one field.",
            )
        )
    if event_type.statuses is not None and "status" in data:
        errors += _check_status(event_type, data["status"])
    if event_type.life_statuses is not None:
        errors += _check_life(event_type.life_statuses, data.get("life"))
    for field, names in _OWN_ONLY:
        if data.get(field) is not None and event_type.name not in names:
            errors.append(
                FieldError(
                    pointer(field),
                    "not-in-this-type",
                    f"Only {_either(sorted(names))} events state this field; leave it out.",
                )
            )
    return errors


def validate_event_data(
    event_type: EventType, data: object
) -> tuple[dict[str, object] | None, list[FieldError]]:
    """`validate_data` and `check_type` together: normalised fields, or every error at once.

    Where a field breaks its own form, what the type says of the same field is left out.
    """
    fields, errors = validate_data(event_type.kind, data)
    if fields is not None:
        errors = check_type(event_type, fields)
        return (None, errors) if errors else (fields, errors)
    if isinstance(data, dict):
        paths = {error.path for error in errors}
        errors += [error for error in check_type(event_type, data) if error.path not in paths]
    return None, errors


def _missing(event_type: EventType, group: tuple[str, ...]) -> FieldError:
    if len(group) == 1:
        return FieldError(
            pointer(*group),
            "missing",
            f"Every {event_type.name} event must state this field, and not as null.",
        )
    return FieldError(
        pointer(),
        "missing",
        f"Every {event_type.name} event must state {_either(group)}.",
    )


def _check_status(event_type: EventType, status: object) -> list[FieldError]:
    allowed = event_type.statuses or frozenset()
    if status is None:
        if not allowed or ("status",) in event_type.must_state:
            return []
        return [
            FieldError(
                pointer("status"),
                "null",
                f"No {event_type.name} event withdraws the status; leave it out.",
            )
        ]
    if not allowed:
        return [
            FieldError(
                pointer("status"),
                "not-in-this-type",
                f"No {event_type.name} event states the status; leave it out.",
            )
        ]
    if _is_one_of(status, allowed):
        return []
    return [
        FieldError(
            pointer("status"),
            "not-in-list",
            f"The status of every {event_type.name} event must be"
            f" {_either([str(s) for s in sorted(allowed, key=str)])}.",
        )
    ]


def _check_life(allowed: frozenset[str], life: object) -> list[FieldError]:
    status = life.get("status") if isinstance(life, dict) else None
    if status is None or (isinstance(status, str) and status in allowed):
        return []
    return [
        FieldError(
            pointer("life", "status"),
            "not-in-list",
            f"The status of life in this event must be {_either(sorted(allowed))}.",
        )
    ]


def _is_one_of(value: object, allowed: frozenset[int | str]) -> bool:
    return (type(value) is int or type(value) is str) and value in allowed


def _either(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join(names)
