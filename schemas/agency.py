"""What the registry says of an agency (Agencies, queue registry)."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict

from schemas import rules
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
            list[Annotated[Period, AfterValidator(rules.ends_after_it_begins)]],
            Field(min_length=1),
            AfterValidator(rules.not_overlapping),
        ]
        | None,
        Field(description="Spans of days, not overlapping, in which it is in force."),
    ]
