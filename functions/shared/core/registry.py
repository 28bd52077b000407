"""Who may speak, for what, and when: an agency's standing from its own record.

The registry is records of kind agency, folded from events like everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from functions.shared.core.events import Envelope, Json, Reason
from functions.shared.core.instants import vietnam_day
from functions.shared.core.kinds import AGENCY, KINDS, Kind, family_of
from schemas.envelope import REGISTRY_SOURCE

_SOURCE_PREFIX: Final = "/agencies/"
NOT_PERMITTED: Final = "source-not-permitted"


@dataclass(frozen=True, slots=True)
class Period:
    """A span of days, inclusive, Vietnam time; open without `until`."""

    kind: str
    publishes: frozenset[str]
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Agency:
    """What the registry says of one agency."""

    id: str
    senders: frozenset[str]
    periods: tuple[Period, ...]

    def period_on(self, day: str) -> Period | None:
        """The period in force on a day (`YYYY-MM-DD`), if any; periods do not overlap."""
        for period in self.periods:
            if period.since <= day and (period.until is None or day <= period.until):
                return period
        return None


@dataclass(frozen=True, slots=True)
class Senders:
    """The principals (IAM unique ids) that the stack itself knows.

    `registry` may speak for the operator's own source; `relays` are the stack's own intake,
    loading and replay, which pass on the principal they verified. With `anyone`, which only
    a stack of Stage=local has, the sender is recorded and not checked.
    """

    registry: frozenset[str] = frozenset()
    relays: frozenset[str] = frozenset()
    anyone: bool = False

    def relayed(self, sender_id: str | None) -> bool:
        """Whether what a message says of its own way may be believed."""
        return self.anyone or _unique_id(sender_id) in self.relays

    def principal(self, sender_id: str | None, passed_on: str | None) -> str | None:
        """Who speaks: the queue's SenderId up to the colon, or whom a relay vouches for."""
        principal = _unique_id(sender_id)
        return passed_on if passed_on and principal in self.relays else principal


def _unique_id(sender_id: str | None) -> str | None:
    return (sender_id or "").partition(":")[0] or None


def agency_id(source: str) -> str:
    """The agency's id in a source (`/agencies/<id>`)."""
    return source[len(_SOURCE_PREFIX) :]


def source_of(agency: str) -> str:
    """The source that an agency speaks as."""
    return f"{_SOURCE_PREFIX}{agency}"


def agency_from(key: str, fields: Mapping[str, Json]) -> Agency:
    """The agency that the shown fields of its record describe."""
    periods, senders = fields.get("periods") or [], fields.get("senders") or []
    assert isinstance(periods, list)
    assert isinstance(senders, list)
    return Agency(
        key,
        frozenset(senders),
        tuple(
            Period(p["kind"], frozenset(p["publishes"]), p["from"], p.get("to")) for p in periods
        ),
    )


def asks_the_registry(envelope: Envelope) -> bool:
    """Whether the event's standing depends on the registry; the operator's own does not."""
    return envelope.source != REGISTRY_SOURCE


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a source may speak at all: as which kind of agency, or why not."""

    agency_kind: str | None
    reasons: tuple[Reason, ...]


def standing(
    envelope: Envelope, kind: str, agency: Agency | None, sender: str | None, senders: Senders
) -> Standing:
    """What the registry makes of an event's source, for records of `kind`.

    The agency's kind is the one that its period gives for the event's own `time`.
    """
    if envelope.source == REGISTRY_SOURCE:
        if kind != AGENCY.name:
            return _refused(_ONLY_AGENCIES)
        agency_kind, mine = "registry", senders.registry
    else:
        if kind == AGENCY.name:
            return _refused(_ONLY_REGISTRY)
        if agency is None:
            return _refused(_UNKNOWN)
        period = agency.period_on(vietnam_day(envelope.time))
        if period is None:
            return _refused(_OUT_OF_FORCE)
        if kind not in period.publishes:
            return _refused(_NOT_A_PUBLISHER)
        agency_kind, mine = period.kind, agency.senders
    if not senders.anyone and (sender is None or sender not in mine):
        return Standing(agency_kind, (_refusal("/source", _NOT_ITS_SENDER),))
    return _in_good_standing(agency_kind)


def refused_fields(kind: Kind, agency_kind: str | None, fields: Iterable[str]) -> list[Reason]:
    """The fields that an agency of this kind may not state, each once."""
    if agency_kind is None:
        return []
    ranks = kind.ranks_for(agency_kind)
    paths = dict.fromkeys(
        [f"/data/{name}" for field in fields if (name := family_of(field)) not in ranks]
    )
    return [_refusal(path, _NOT_ITS_FIELD) for path in paths]


def ranks_of(kind: Kind, agency_kind: str, fields: tuple[str, ...]) -> tuple[int, ...] | None:
    """The rank of each field, or None where one of them is a refused one."""
    return _ranks_of(kind.name, agency_kind, fields)


@lru_cache(maxsize=1024)
def _ranks_of(kind: str, agency_kind: str, fields: tuple[str, ...]) -> tuple[int, ...] | None:
    """Kept, because events state the same few sets of fields over and over."""
    ranks = KINDS[kind].ranks_for(agency_kind)
    try:
        return tuple(ranks.get(field) or ranks[family_of(field)] for field in fields)
    except KeyError:
        return None


@lru_cache(maxsize=64)
def _in_good_standing(agency_kind: str) -> Standing:
    return Standing(agency_kind, ())


def _refused(text: str) -> Standing:
    return Standing(None, (_refusal("/source", text),))


def _refusal(path: str, text: str) -> Reason:
    return Reason(NOT_PERMITTED, path, text)


_UNKNOWN: Final = (
    "The registry does not know this agency; ask the operator to register it, then send again."
)
_OUT_OF_FORCE: Final = (
    "The agency was not in force on the day of the event's time; let the agency that took over"
    " send it, or correct the time."
)
_NOT_A_PUBLISHER: Final = (
    "The agency does not publish records of this kind; ask the operator to change its registry"
    " period if it should."
)
_NOT_ITS_FIELD: Final = (
    "An agency of this kind may not state this field; leave the field out and send the rest."
)
_NOT_ITS_SENDER: Final = (
    "The principal that sent this may not speak for the agency; send with the agency's own"
    " credentials, or ask the operator to name the principal among its senders."
)
_ONLY_AGENCIES: Final = "The registry's own source publishes agencies only; use an agency's source."
_ONLY_REGISTRY: Final = "Only /agencies/registry publishes agencies; send it with that source."
