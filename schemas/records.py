"""The shared records as the tables hold them.

A record shows what events state, field by field, so its fields are taken from the models of
event data and never written twice: the same order, the same forms, never `null`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import (
    Annotated,
    Any,
    Final,
    Required,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import Field, create_model

from schemas.agency import AgencyData
from schemas.cloud_event import Source
from schemas.document import Document, Hash
from schemas.dossier import DossierData, Step
from schemas.insurance_card import InsuranceCardData
from schemas.model import LEFT_OUT
from schemas.person import PersonData
from schemas.scalars import Instant, PersonalId

StampedStatements = Annotated[
    list[Any],
    Field(
        description=(
            "[time, sequence, source, id, [rank, shown, kept], ...]: the statements of one event"
            " that still hold a lane. `shown` lists the codes of the fields whose value of that"
            " rank the record shows as an attribute; `kept` maps the codes of the others to their"
            " value. Codes are those of `functions.shared.core.kinds`; a step's is `/<step id>`,"
            " a replaced id's `=<id>`."
        )
    ),
]


class Bookkeeping(Document):
    """What every record carries beside what it shows."""

    warnings: list[str] = Field(
        description="What does not fit together, for example disputed:<field>; sorted."
    )
    version: int = Field(ge=1, description="Number of the record's ledger entries.")
    head: Hash = Field(description="Hash of the newest ledger entry.")
    updated_at: Instant = Field(description="When the newest ledger entry was recorded.")
    erasures: int = Field(
        default=LEFT_OUT,
        ge=1,
        description="Grows with every value erased from the record's ledger entries.",
    )
    lanes: list[StampedStatements] = Field(
        description=(
            "Every lane of every field, in the order of stamps. Stored as canonical JSON in a"
            " binary attribute."
        )
    )


class PersonKeys(Bookkeeping):
    """The search keys of a person."""

    name_key: str = Field(
        default=LEFT_OUT, min_length=1, description="The name without case and diacritics."
    )
    birth_key: str = Field(
        default=LEFT_OUT,
        min_length=1,
        description=(
            "<date_of_birth as shown, or 0000>#<residence.commune or nothing>#<personal id>."
        ),
    )


class DossierKeys(Bookkeeping):
    """The search keys of a dossier."""

    applicant_id: PersonalId = Field(
        default=LEFT_OUT, description="Personal id of the applicant, where one is shown."
    )
    status_due: str = Field(
        default=LEFT_OUT,
        min_length=1,
        description="<status, two digits>#<due_at or nothing>#<dossier code>.",
    )


class ShownStep(Document):
    """One entry of the timeline, with the source that stated it."""

    source: Source = Field(description="Source of the event that stated the step.")


def _shown(hint: Any) -> tuple[Any, bool]:
    """A field's type without `null`, and whether it is always there."""
    if get_origin(hint) is Required:
        return _shown(get_args(hint)[0])[0], True
    if get_origin(hint) is Annotated:
        base, *details = get_args(hint)
        if get_origin(base) is Required:
            return Annotated[_shown(base)[0], *details], True
        return Annotated[_shown(base)[0], *details], False
    if NoneType in get_args(hint):
        (part,) = (part for part in get_args(hint) if part is not NoneType)
        return part, False
    return hint, False


def _fields(data: type) -> dict[str, Any]:
    hints = get_type_hints(data, include_extras=True)
    return {
        name: (type_, ... if always else LEFT_OUT)
        for name, (type_, always) in ((n, _shown(h)) for n, h in hints.items())
    }


TimelineStep: Final[type[Document]] = create_model(
    "TimelineStep", __base__=ShownStep, **_fields(Step)
)
"""A step as a record shows it."""


def _record(name: str, summary: str, base: type[Bookkeeping], data: type) -> type[Bookkeeping]:
    fields = _fields(data)
    if "step" in fields:
        del fields["step"]
        fields["steps"] = (
            Annotated[
                list[TimelineStep],
                Field(min_length=1, description="The timeline, by `at`, then source, then id."),
            ],
            LEFT_OUT,
        )
    return create_model(name, __base__=base, __doc__=summary, **fields)


RECORDS: Final[Mapping[str, type[Bookkeeping]]] = {
    "person": _record(
        "PersonRecord", "A person, as all agencies share it.", PersonKeys, PersonData
    ),
    "insurance-card": _record(
        "InsuranceCardRecord",
        "A health-insurance card, as all agencies share it.",
        Bookkeeping,
        InsuranceCardData,
    ),
    "dossier": _record(
        "DossierRecord",
        "An administrative dossier, as all agencies share it.",
        DossierKeys,
        DossierData,
    ),
    "agency": _record("AgencyRecord", "An agency of the registry.", Bookkeeping, AgencyData),
}
"""Record kind -> the model of its table's items."""
