"""What the registry says of an agency (Agencies, queue registry)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Required

from pydantic import AfterValidator, Field, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas.model import STATED
from schemas.scalars import AgencyId, CalendarDate, SenderId, ShortText, Title

AgencyKind = Literal[
    "population",
    "justice",
    "social-insurance",
    "one-stop",
    "department",
    "ministry",
    "facility",
    "other",
]
PublishedKind = Literal["person", "insurance-card", "dossier"]

_OPEN: Final = "9999-12-31"


_Period = TypedDict(
    "_Period",
    {
        "kind": Required[
            Annotated[AgencyKind, Field(description="Decides the rank of what it states.")]
        ],
        "publishes": Required[
            Annotated[
                list[PublishedKind],
                Field(description="Kinds of record it may publish; an empty list for none."),
            ]
        ],
        "from": Required[Annotated[CalendarDate, Field(description="First day, inclusive.")]],
        "to": Annotated[
            CalendarDate,
            Field(description="Last day, inclusive; left out while the period is open."),
        ],
    },
    total=False,
)


@with_config(STATED)
class Period(_Period):
    """What the agency was, and what it might publish, in a span of days (Vietnam time)."""


def _ends_after_it_begins(period: Period) -> Period:
    if period.get("to", _OPEN) < period["from"]:
        raise PydanticCustomError("period_order", "period order")
    return period


def _not_overlapping(periods: list[Period]) -> list[Period]:
    end = ""
    for period in sorted(periods, key=lambda period: period["from"]):
        if period["from"] <= end:
            raise PydanticCustomError("period_overlap", "period overlap")
        end = period.get("to", _OPEN)
    return periods


@with_config(STATED)
class AgencyData(TypedDict, total=False):
    """What one event of the registry says of one agency; `null` withdraws it."""

    agency_id: Required[
        Annotated[AgencyId, Field(description="The record's key: the new form, or the Z form.")]
    ]
    name: Annotated[Title | None, Field(description="Name of the agency.")]
    parent: Annotated[AgencyId | None, Field(description="Id of the agency above it.")]
    aliases: Annotated[list[ShortText] | None, Field(description="Old forms of the id.")]
    succeeds: Annotated[
        list[AgencyId] | None, Field(description="Ids of the agencies whose work it took over.")
    ]
    senders: Annotated[
        list[SenderId] | None, Field(description="IAM unique ids that may speak for it.")
    ]
    periods: Annotated[
        Annotated[
            list[Annotated[Period, AfterValidator(_ends_after_it_begins)]],
            AfterValidator(_not_overlapping),
            Field(min_length=1),
        ]
        | None,
        Field(description="Spans of days, not overlapping, in which it is in force."),
    ]
