"""The manifest of a file that is loaded in bulk: what its lines are, or what its columns mean.

A manifest lies beside its file (`incoming/<name>.manifest.json`). NDJSON needs none; a CSV says in
it, column by column, which field of an event each cell is and how it is written. Nothing is
guessed: a column that the manifest does not name is an error of the manifest.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Required

from pydantic import Field, StringConstraints, TypeAdapter, with_config
from typing_extensions import TypedDict

from schemas.model import STATED

MOST_COLUMNS: Final = 500
WIDEST: Final = 30

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FieldPath = Annotated[
    str, StringConstraints(pattern="^[a-z][a-z_]{0,39}(?:/[a-z][a-z_]{0,39}){0,3}$")
]
Template = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
DateForm = Annotated[
    str, StringConstraints(pattern="^(?:yyyy|MM|M|dd|d|HH|H|mm|ss|[-/. :T]){1,20}$")
]
Zone = Annotated[
    str, StringConstraints(pattern="^(?:Asia/Ho_Chi_Minh|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$")
]
Word = Annotated[str, StringConstraints(max_length=200)]
Value = str | int | bool


@with_config(STATED)
class Column(TypedDict, total=False):
    """What the cells of one column are. At most one of the forms is declared; without one a cell
    is text, taken as it stands."""

    field: Required[
        Annotated[
            FieldPath,
            Field(description="The field of the event's data, a part after `/`: card/number."),
        ]
    ]
    pad: Annotated[
        int,
        Field(
            ge=2,
            le=WIDEST,
            description="Digits that the value has: a cell of fewer digits gets leading zeros back"
            " (a spreadsheet took them for a number).",
        ),
    ]
    dates: Annotated[
        list[DateForm],
        Field(
            min_length=1,
            max_length=10,
            description="The cell is a day, written in one of these forms, the first that fits:"
            " dd/MM/yyyy, d/M/yyyy, yyyyMMdd, yyyy-MM-dd; or less, where the field takes that:"
            " MM/yyyy, yyyy. A time of day is left out.",
        ),
    ]
    instants: Annotated[
        list[DateForm],
        Field(
            min_length=1,
            max_length=10,
            description="The cell is an instant in the zone `zone`, in one of these forms:"
            " yyyyMMddHHmmss, dd/MM/yyyy HH:mm. Without a time of day it is midnight.",
        ),
    ]
    zone: Annotated[
        Zone,
        Field(description="Time zone of the instants: Asia/Ho_Chi_Minh, or an offset as +07:00."),
    ]
    words: Annotated[
        dict[Word, Value],
        Field(
            min_length=1,
            max_length=1000,
            description='The cell is one of these words, and means what stands beside it: {"Nam":'
            ' "male", "Nữ": "female"}, {"1": true, "0": false}.',
        ),
    ]
    whole: Annotated[
        Literal[True], Field(description="The cell is a whole number, without sign or fraction.")
    ]
    grouping: Annotated[
        Literal[".", ",", " "],
        Field(description="Stands between the thousands of whole numbers: 1.200.000."),
    ]
    split: Annotated[
        Literal[";", ",", "|", " "], Field(description="The cell is a list, separated by this.")
    ]
    empty: Annotated[
        Literal["absent", "null"],
        Field(
            description="What an empty cell says: nothing (absent, which holds if this is left"
            " out), or that the field is withdrawn (null)."
        ),
    ]


@with_config(STATED)
class Moment(TypedDict, total=False):
    """How the event's time is made."""

    value: Required[
        Annotated[
            Template,
            Field(
                description="A template over columns, {ngay_cap} or {ngay} {gio}, or the instant"
                " that holds for the whole file."
            ),
        ]
    ]
    forms: Annotated[
        list[DateForm],
        Field(
            min_length=1,
            max_length=10,
            description="How it is then written, the first form that fits. Left out, it is RFC"
            " 3339 already.",
        ),
    ]
    zone: Annotated[
        Zone, Field(description="Time zone of these forms: Asia/Ho_Chi_Minh, or an offset.")
    ]


@with_config(STATED)
class NdjsonManifest(TypedDict, total=False):
    """A file with one CloudEvent a line."""

    format: Required[Annotated[Literal["ndjson"], Field(description="One CloudEvent a line.")]]
    note: Annotated[str, Field(max_length=1000, description="For people; not read.")]
    queue: Annotated[
        Literal["population", "insurance", "dossier", "registry"],
        Field(
            description="The queue whose quarantine takes lines of which not even the type can be"
            " read."
        ),
    ]


@with_config(STATED)
class CsvManifest(TypedDict, total=False):
    """A CSV (RFC 4180, UTF-8) with a header; one event a row, one row a line."""

    format: Required[Annotated[Literal["csv"], Field(description="A CSV with a header.")]]
    note: Annotated[str, Field(max_length=1000, description="For people; not read.")]
    delimiter: Annotated[
        Literal[",", ";", "\t", "|"],
        Field(description="Stands between two cells; a comma if left out."),
    ]
    source: Required[
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=100),
            Field(description="The agency that states this: /agencies/G24."),
        ]
    ]
    type: Required[
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=100),
            Field(description="The event type of every row: vn.lienthong.insurance-card.issued.v1"),
        ]
    ]
    id: Required[
        Annotated[
            Template,
            Field(
                description="A template over columns that gives each row its own id and the same"
                " row the same id again: bhyt-2026-{so_bhxh}. {*} is a digest of all cells whose"
                " columns are not ignored: a corrected row is then another event."
            ),
        ]
    ]
    time: Required[Annotated[Moment, Field(description="When the source recorded the fact.")]]
    sequence: Annotated[
        Template, Field(description="A template over columns that gives the event's sequence.")
    ]
    columns: Required[
        Annotated[
            dict[Name, Column],
            Field(
                min_length=1,
                max_length=MOST_COLUMNS,
                description="Column -> what its cells are.",
            ),
        ]
    ]
    composed: Annotated[
        dict[FieldPath, Template],
        Field(
            description="Field -> a template over columns, where one field is written in several"
            ' columns: {"address": "{so_nha}, {pho}"}. Absent where all of them are empty.'
        ),
    ]
    constants: Annotated[
        dict[FieldPath, Value],
        Field(
            description="Field -> the value that every row states. A part of an object joins the"
            " parts that the row's cells state, and is left out where they state none."
        ),
    ]
    blank: Annotated[
        list[Word],
        Field(
            max_length=50,
            description="Words that mean the same as an empty cell: -, N/A, không rõ.",
        ),
    ]
    ignore: Annotated[
        list[Annotated[str, StringConstraints(max_length=200)]],
        Field(max_length=MOST_COLUMNS, description="Columns that are not loaded."),
    ]


LoadManifest = Annotated[NdjsonManifest | CsvManifest, Field(discriminator="format")]
MANIFEST: Final[TypeAdapter[Any]] = TypeAdapter(LoadManifest)
