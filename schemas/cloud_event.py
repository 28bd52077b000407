"""The envelope of an event as a model: CloudEvents 1.0, structured JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Field, StringConstraints, with_config
from typing_extensions import TypedDict

from schemas.envelope import (
    DATACONTENTTYPE_PATTERN,
    ID_PATTERN,
    SEQUENCE_PATTERN,
    SOURCE_MAX,
    SOURCE_PATTERN,
    TYPE_PATTERN,
)
from schemas.model import STATED
from schemas.scalars import Instant

EventId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Source = Annotated[str, StringConstraints(pattern=SOURCE_PATTERN, max_length=SOURCE_MAX)]


@with_config(STATED)
class CloudEvent(TypedDict, total=False):
    """One event, one queue message, at most 262,144 bytes of UTF-8.

    Other extension attributes, named with 1 to 20 of `a-z0-9`, are accepted and ignored.
    """

    specversion: Required[
        Annotated[Literal["1.0"], Field(description="Version of CloudEvents: 1.0.")]
    ]
    id: Required[
        Annotated[
            EventId,
            Field(description="1-128 printable characters; unique within the source, for ever."),
        ]
    ]
    source: Required[
        Annotated[
            Source,
            Field(
                description="/agencies/<agency id>, the id in its new or Z form.",
                examples=["/agencies/H26.12"],
            ),
        ]
    ]
    type: Required[
        Annotated[
            str,
            StringConstraints(pattern=TYPE_PATTERN),
            Field(description="The event type; its last part is the version."),
        ]
    ]
    subject: Required[
        Annotated[
            str,
            StringConstraints(min_length=1),
            Field(description="The record's key; equals the key inside data."),
        ]
    ]
    time: Required[
        Annotated[
            Instant,
            Field(
                description=(
                    "When the source recorded the fact: RFC 3339 with offset, digits after the"
                    " sixth are cut off. More than 5 minutes after it was sent is refused."
                )
            ),
        ]
    ]
    sequence: Annotated[
        Annotated[str, StringConstraints(pattern=SEQUENCE_PATTERN)] | None,
        Field(
            description=(
                "1-18 digits, growing per source and subject; wanted from sources whose clock has"
                " whole seconds."
            )
        ),
    ]
    correctionof: Annotated[
        EventId | None,
        Field(description="Id of the quarantined event that this one corrects; not looked up."),
    ]
    datacontenttype: Annotated[
        Annotated[str, StringConstraints(pattern=DATACONTENTTYPE_PATTERN)] | None,
        Field(description="application/json, with or without a charset of UTF-8."),
    ]
    data: Required[
        Annotated[
            dict[str, Any],
            Field(description="What the event says, by its type; at most 16 KiB."),
        ]
    ]
