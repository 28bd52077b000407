"""A declared mapping: what the columns and the words of an event log mean in the contract.

The mapping is a TOML file written by the people who know the log. Nothing is guessed: a
department, a channel or an activity that it does not name is refused, unless its `defaults`
say what such a one is.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from infra.lienthong.problems import Misuse
from schemas.event_types import EVENT_TYPES, PREFIX, EventType
from schemas.scalars import AgencyId, AnyAgencyId, FieldCode, ProcedureCode

STEP_TYPES: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        name: EVENT_TYPES[f"{PREFIX}dossier.{name}.v1"]
        for name in (
            "accepted",
            "refused",
            "withdrawn",
            "stopped",
            "fee-requested",
            "supplement-requested",
            "progressed",
            "supplement-received",
            "completed",
            "returned",
        )
    }
)
"""The event types that a row of a log can be: those that state where a dossier stands."""

Column = Annotated[str, StringConstraints(min_length=1)]
Channel = Literal["in-person", "online", "post"]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


def _zone(name: str) -> str:
    zone_of(name)
    return name


def zone_of(name: str) -> tzinfo:
    """The zone of `+07:00` or of an IANA name; ValueError for anything else."""
    fixed = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", name)
    if fixed:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(-offset if fixed[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone {name!r} is known here; give an offset as +07:00") from None


class Log(_Part):
    """How the file is written."""

    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        default=None, description="of times without an offset; without it such times are refused"
    )
    time_format: str | None = Field(
        default=None, description="strptime format; without it times are ISO 8601"
    )
    empty: tuple[str, ...] = Field(
        default=(), description="values that mean the same as an empty cell"
    )


class Columns(_Part):
    """The names of the columns; those that are not named are not read."""

    case: Column
    activity: Column
    time: Column
    task: Column | None = None
    handler: Column | None = None
    position: Column | None = None
    unit: Column | None = None
    channel: Column | None = None
    department: Column | None = None
    start: Column | None = None
    deadline: Column | None = None
    end: Column | None = None

    def named(self) -> dict[str, str]:
        """Role -> column name, of the columns that are named."""
        return {role: name for role, name in self.model_dump().items() if name is not None}


class Dossier(_Part):
    """What holds for every case of the log."""

    code: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="template of the dossier code; may use {start}, {number}, {case}, {agency}"
    )
    number: str | None = Field(
        default=None, description="regular expression whose group 1 is the number of a case"
    )
    procedure_code: ProcedureCode
    procedure_name: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    field_code: FieldCode | None = None
    receiving_agency: AnyAgencyId
    applicant_kind: Literal["citizen", "enterprise", "household-business", "state-body", "other"]


class Activity(_Part):
    """What an activity of the log is in the contract."""

    type: str = Field(description="event type without vn.lienthong.dossier. and version")
    status: int
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        default=None, description="shown instead of the activity's name"
    )

    @model_validator(mode="after")
    def _status_fits_type(self) -> Self:
        if self.type not in STEP_TYPES:
            raise ValueError(f"the type is one of {', '.join(STEP_TYPES)}")
        allowed = STEP_TYPES[self.type].statuses or frozenset()
        if self.status not in allowed:
            wanted = " or ".join(sorted(str(status) for status in allowed))
            raise ValueError(f"an event dossier.{self.type} states status {wanted}")
        return self


class Defaults(_Part):
    """What a department, channel or activity is that the mapping does not name."""

    department: AgencyId | None = None
    channel: Channel | None = None
    activity: Activity | None = None


class EventLogMapping(_Part):
    """A whole mapping file."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] = Field(
        description="begins the id of every event, so it never changes once events were sent"
    )
    log: Log = Log()
    columns: Columns
    dossier: Dossier
    departments: Mapping[str, AgencyId] = Field(default_factory=dict)
    channels: Mapping[str, Channel] = Field(default_factory=dict)
    activities: Mapping[str, Activity] = Field(default_factory=dict)
    defaults: Defaults = Defaults()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.columns.department is None and self.defaults.department is None:
            raise ValueError("name a department column, or give defaults.department")
        if self.dossier.number is not None:
            try:
                groups = re.compile(self.dossier.number).groups
            except re.error:
                raise ValueError("dossier.number is no regular expression") from None
            if groups != 1:
                raise ValueError("dossier.number needs exactly one group, as in case-([0-9]+)")
        self.dossier_code("sample", 1, datetime(2025, 7, 1, tzinfo=UTC), "H26")
        return self

    def case_number(self, case: str) -> int | None:
        """The number in a case's name; None where `dossier.number` finds none in it."""
        if self.dossier.number is None:
            return 0
        found = re.fullmatch(self.dossier.number, case)
        return int(found[1]) if found and found[1] and found[1].isascii() else None

    def dossier_code(self, case: str, number: int, start: datetime, agency: str) -> str:
        """The dossier code of a case; ValueError where the template cannot be filled."""
        try:
            return _Template().vformat(
                self.dossier.code,
                (),
                {"start": start, "number": number, "case": case, "agency": agency},
            )
        except (KeyError, IndexError, AttributeError, TypeError):
            raise ValueError(
                "dossier.code may use {start}, {number}, {case} and {agency}, as in "
                "{agency}-{start:%y%m%d}-{number:05}"
            ) from None


class _Template(string.Formatter):
    """A format string that reaches the given values and nothing inside them."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        del args
        return kwargs[field_name], field_name


def load(path: Path) -> EventLogMapping:
    """The mapping of a TOML file; `Misuse` names every fault of it."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Misuse(f"There is no mapping file {path}. Check its name.") from None
    except UnicodeDecodeError:
        raise Misuse(f"The mapping file {path} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise Misuse(f"The mapping file {path} cannot be read: {error.strerror}.") from None
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"The mapping file {path} is not TOML: {error}.") from None
    try:
        # Lax only in that TOML has arrays where the model has tuples.
        return EventLogMapping.model_validate(_tuples(value))
    except ValidationError as error:
        raise Misuse(
            f"The mapping file {path} has {error.error_count()} faults. Correct them and run the "
            "import again.",
            tuple(
                f"{'.'.join(str(part) for part in fault['loc']) or 'the mapping'}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            ),
        ) from None


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value
