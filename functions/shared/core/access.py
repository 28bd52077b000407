"""Who asks, on which errand, what they may see, and what is noted of every look.

Arriving is a `Caller` with an `Errand`; a policy answers each `Question` with a `Ruling`; a `Look`
is what is to be noted, an `AccessEntry` what was noted: a link of its subject's chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

NO_HASH: Final = "0" * 64
"""The `prev` of a subject's first entry."""


class Role(StrEnum):
    """What a caller is; a group of the user pool has the same name."""

    AGENCY_SYSTEM = "agency-system"
    ONE_STOP_OFFICER = "one-stop-officer"
    INSURANCE_OFFICER = "insurance-officer"
    FACILITY_STAFF = "facility-staff"
    POPULATION_OFFICER = "population-officer"
    QUALITY_OFFICER = "quality-officer"
    INSPECTOR = "inspector"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Action(StrEnum):
    """What a caller wants to do; the names that policies use."""

    READ = "read"
    """A record, by lookup or by its opaque id; asked for each group of fields."""
    SEARCH = "search"
    LIST = "list"
    """The dossiers of an agency."""
    READ_HISTORY = "read-history"
    READ_RECEIPT = "read-receipt"
    PUBLISH = "publish"
    READ_QUARANTINE = "read-quarantine"
    CORRECT_QUARANTINE = "correct-quarantine"
    """Edit and replay."""
    DISMISS_QUARANTINE = "dismiss-quarantine"
    READ_TRACE = "read-trace"
    """Who looked at a subject, as the subject may be told: without what is deferred."""
    READ_ACCESS_LOG = "read-access-log"
    """Who looked, whole."""
    DEFER_DISCLOSURE = "defer-disclosure"
    """Hide an entry from its subject until a date."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified principal: an officer, or an agency's system.

    `id` is the token's `sub`, or a system's client id; `name` the account's name, for the log.
    `agency` is in the registry; `above` are the agencies above it, the nearest first.
    """

    id: str
    name: str
    agency: str
    above: tuple[str, ...]
    roles: frozenset[Role]
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """Why something is asked: a registered purpose, the case where it needs one, the request."""

    purpose: str
    case: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a caller may do something to something.

    `kind` is the kind of what it is done to: a record's kind, `ledger`, `quarantine`,
    `access-log` or `event`. `group` is asked of records (to read, and their history), and of
    quarantine for the fields in its messages (to read, to edit); without it a question is about
    the frame: what is there, when, from whom, and replaying it unchanged. `agencies` are those
    it is connected with (a dossier's receiving and handling agency; an event's or a refused
    message's source), each with all that are above it.
    """

    action: Action
    kind: str
    group: str | None = None
    agencies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ruling:
    """A policy's answer; `rules` are the ids of the policies that decided, none if none permits."""

    allowed: bool
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be noted of one subject in one request.

    `subject` is the record key of the person it is about (`person/...`), else the record's own
    key, else `caller/<id>` where a request is about no single subject. `seen` lists, by record
    key, the fields whose values left in the answer; `masked` those that were left out.
    """

    subject: str
    action: str
    allowed: bool
    rules: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]
    masked: Mapping[str, tuple[str, ...]]
    note: Mapping[str, str] | None = None
    """More about an action: of a deferral, which entry (`entry`), until when (`until`), why."""


class AccessEntry(NamedTuple):
    """A link of a subject's chain; `number` counts from 1. Hashed over everything but its hash."""

    subject: str
    number: int
    prev: str
    entry_hash: str
    looked_at: str
    officer: str
    officer_name: str
    agency: str
    roles: tuple[str, ...]
    action: str
    purpose: str
    case: str | None
    allowed: bool
    rules: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]
    masked: Mapping[str, tuple[str, ...]]
    request_id: str
    note: Mapping[str, str] | None = None


def person_subject(personal_id: str) -> str:
    """The subject that looks at a person, their cards and their dossiers are noted under."""
    return f"person/{personal_id}"


def caller_subject(caller_id: str) -> str:
    """The subject of a request that is about no single one."""
    return f"caller/{caller_id}"
