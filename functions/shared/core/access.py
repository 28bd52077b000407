"""Who asks, on which errand, what they may see, and what is noted of every look.

Arriving is a `Caller` with an `Errand`; a policy answers each `Question` with a `Ruling`; a `Look`
is what is to be noted, an `AccessEntry` what was noted: a link of its subject's chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from functions.shared.core.canonical import canonical, sha256_hex
from functions.shared.core.errors import Defect
from functions.shared.core.events import Json
from functions.shared.core.instants import later

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
    """More about an action; of a deferral what `deferral_note` makes."""


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


# The chain -----------------------------------------------------------------------------------


class Head(NamedTuple):
    """The newest link of a subject's chain."""

    number: int
    entry_hash: str


NO_HEAD: Final = Head(0, NO_HASH)
"""Of a subject that nobody looked at yet."""


def linked(caller: Caller, errand: Errand, look: Look, head: Head, looked_at: str) -> AccessEntry:
    """The look as the link after `head`."""
    entry = AccessEntry(
        subject=look.subject,
        number=head.number + 1,
        prev=head.entry_hash,
        entry_hash="",
        looked_at=looked_at,
        officer=caller.id,
        officer_name=caller.name,
        agency=caller.agency,
        roles=tuple(sorted(role.value for role in caller.roles)),
        action=str(look.action),
        purpose=errand.purpose,
        case=errand.case,
        allowed=look.allowed,
        rules=tuple(look.rules),
        seen={record: tuple(fields) for record, fields in look.seen.items()},
        masked={record: tuple(fields) for record, fields in look.masked.items()},
        request_id=errand.request_id,
        note=None if look.note is None else dict(look.note),
    )
    return entry._replace(entry_hash=hash_of(entry))


def entry_as_json(entry: AccessEntry) -> dict[str, Json]:
    """The entry as a JSON object, without what it does not have."""
    values: dict[str, Any] = entry._asdict()
    for name in ("roles", "rules"):
        values[name] = list(values[name])
    for name in ("seen", "masked"):
        values[name] = {record: list(fields) for record, fields in values[name].items()}
    for name in ("case", "note"):
        if values[name] is None:
            del values[name]
    return values


def entry_from_json(values: Mapping[str, Any]) -> AccessEntry:
    """The entry of a JSON object. Raises ValueError for one that `entry_as_json` does not make."""
    try:
        entry = AccessEntry(
            **{
                **values,
                "case": values.get("case"),
                "roles": tuple(values["roles"]),
                "rules": tuple(values["rules"]),
                "seen": {record: tuple(fields) for record, fields in values["seen"].items()},
                "masked": {record: tuple(fields) for record, fields in values["masked"].items()},
            }
        )
        if entry_as_json(entry) == values and _has_right_types(entry):
            return entry
    except (AttributeError, KeyError, TypeError):
        pass
    raise ValueError("An access entry does not have the stored form.")


def _has_right_types(entry: AccessEntry) -> bool:
    fields = (*entry.seen.values(), *entry.masked.values())
    texts = [
        *(getattr(entry, name) for name in _TEXTS),
        entry.case or "",
        *entry.roles,
        *entry.rules,
        *entry.seen,
        *entry.masked,
        *(field for names in fields for field in names),
        *(entry.note or {}).keys(),
        *(entry.note or {}).values(),
    ]
    return (
        all(type(text) is str for text in texts)
        and type(entry.number) is int
        and type(entry.allowed) is bool
    )


_TEXTS: Final = (
    "subject",
    "prev",
    "entry_hash",
    "looked_at",
    "officer",
    "officer_name",
    "agency",
    "action",
    "purpose",
    "request_id",
)


def hash_of(entry: AccessEntry) -> str:
    """SHA-256 over the canonical form of everything but the hash itself, and the form's number.

    Raises ValueError where a part has no canonical form.
    """
    values = entry_as_json(entry)
    del values["entry_hash"]
    return sha256_hex(canonical({"v": 1, **values}))


def chain_faults(entries: Sequence[AccessEntry], head: Head) -> list[str]:
    """What is wrong with a subject's entries, in order of their numbers, and its head: sentences.

    An edit, a gap, an exchange and a removal are found; not the removal of the newest entries
    together with setting the head back.
    """
    faults = []
    before = NO_HEAD
    for entry in entries:
        faults += link_faults(entry, before)
        before = Head(entry.number, entry.entry_hash)
    if head != before:
        faults.append(
            f"The head is that of entry {head.number}, and the newest entry is {before.number}."
            if head.number != before.number
            else "The head has not the hash of the newest entry."
        )
    return faults


def link_faults(entry: AccessEntry, before: Head) -> list[str]:
    """What is wrong with an entry that stands after the link `before`: sentences."""
    faults = []
    number = entry.number
    if number != before.number + 1:
        faults.append(f"Entry {number} stands after entry {before.number}: entries are missing.")
    elif entry.prev != before.entry_hash:
        faults.append(f"Entry {number} does not follow on the entry before it.")
    if _hash_or_none(entry) != entry.entry_hash:
        faults.append(f"Entry {number} does not have the content that was hashed.")
    return faults


def _hash_or_none(entry: AccessEntry) -> str | None:
    try:
        return hash_of(entry)
    except ValueError:
        return None


# Deferral ------------------------------------------------------------------------------------


class Deferral(NamedTuple):
    """Entry `number` of the same chain is hidden from its subject until an instant."""

    number: int
    until: str


def deferral_note(number: int, until: str, why: str) -> dict[str, str]:
    """The `note` of a look that defers an entry of its subject's chain; `until` is an instant."""
    return {"entry": str(number), "until": until, "why": why}


def deferral_of(entry: AccessEntry) -> Deferral | None:
    """What an entry defers; None for every other look, and for a deferral that was refused."""
    if entry.action != Action.DEFER_DISCLOSURE or not entry.allowed:
        return None
    note = entry.note or {}
    number, until = note.get("entry", ""), note.get("until")
    if until is None or not (number.isascii() and number.isdigit()):
        raise Defect("A deferral says which entry and until when; make its note of deferral_note.")
    return Deferral(int(number), until)


def hidden_untils(entries: Iterable[AccessEntry]) -> dict[int, str]:
    """Number of an entry -> until when it is hidden, of a chain's deferrals in their order.

    A deferral hides itself as long as what it defers; a later one replaces an earlier one.
    """
    until: dict[int, str] = {}
    by: dict[int, int] = {}
    for entry in entries:
        if (deferral := deferral_of(entry)) is not None:
            until[deferral.number] = deferral.until
            by[entry.number] = deferral.number
    return until | {number: until[deferred] for number, deferred in by.items()}


# Reading -------------------------------------------------------------------------------------


class Traced(NamedTuple):
    """An entry as a reader of the log gets it; `hidden_until` while its subject may not see it."""

    entry: AccessEntry
    hidden_until: str | None


@dataclass(frozen=True, slots=True)
class AccessPage:
    """Entries, the newest first; `cursor` is None where there are no more."""

    entries: tuple[Traced, ...]
    cursor: Json


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """Looks from `begin` until before `end` (instants) that fit all that is given.

    One of `officer`, `agency` and `purpose` is given; `begin` is at most `LONGEST_SPAN` days
    before `end`.
    """

    begin: str
    end: str
    officer: str | None = None
    agency: str | None = None
    purpose: str | None = None

    def check(self) -> None:
        """Raises ValueError for a question that is not as it must be."""
        if (self.officer, self.agency, self.purpose) == (None, None, None):
            raise ValueError("A question of the access log names officer, agency or purpose.")
        if self.begin >= self.end:
            raise ValueError("A question of the access log begins before it ends.")
        if later(self.begin, LONGEST_SPAN * 86400) < self.end:
            raise ValueError(f"A question of the access log is about at most {LONGEST_SPAN} days.")

    def fits(self, entry: AccessEntry) -> bool:
        """Whether an entry is one of those that are asked for."""
        return (
            self.begin <= entry.looked_at < self.end
            and self.officer in (None, entry.officer)
            and self.agency in (None, entry.agency)
            and self.purpose in (None, entry.purpose)
        )


USUAL_SPAN: Final = 7
"""Days that a question of the log is about where nothing else is said."""
LONGEST_SPAN: Final = 31
"""Days that a question of the log may be about."""
