"""The record kinds as data: fields in their order, who may state what at which rank.

One place, read by the pipeline, the tests and the documentation alike. Event types and what
they must state are the other table, `schemas.event_types`. The order of `Kind.fields` is the
order in which the ledger lists changes, so it is part of every hash: a new field goes to the
end, before `annulment`, and no field ever moves. `Field.code` names the field inside a stored
item's lanes and may never be reused for another field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

STEP: Final = "step"
REPLACES: Final = "replaces"
MOST_STEPS_PER_SOURCE: Final = 200

Ranks = Mapping[str, int]
"""Kind of the publishing agency -> rank; an agency kind that is absent may not state it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A register of a record: its name, its code in stored lanes, its ranks."""

    name: str
    code: str
    ranks: Ranks


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its key, its queue and its fields in the order of the contract.

    `families` are fields of which a record holds many, each a register of its own:
    `step/<source>/<step id>` and `replaces/<id>`.
    """

    name: str
    queue: str
    key: str
    fields: tuple[Field, ...]
    families: tuple[Field, ...] = ()
    field_names: tuple[str, ...] = field(init=False)
    ranks: Mapping[str, Ranks] = field(init=False)
    codes: Mapping[str, str] = field(init=False)
    names: Mapping[str, str] = field(init=False)
    _ranks_for: Mapping[str, Ranks] = field(init=False)

    def __post_init__(self) -> None:
        everything = (*self.fields, *self.families)
        object.__setattr__(self, "field_names", tuple(f.name for f in self.fields))
        object.__setattr__(self, "ranks", MappingProxyType({f.name: f.ranks for f in everything}))
        object.__setattr__(self, "codes", MappingProxyType({f.name: f.code for f in everything}))
        object.__setattr__(self, "names", MappingProxyType({f.code: f.name for f in everything}))
        ranks_for = {
            agency_kind: {
                f.name: f.ranks[agency_kind] for f in everything if agency_kind in f.ranks
            }
            for agency_kind in {agency_kind for f in everything for agency_kind in f.ranks}
        }
        object.__setattr__(self, "_ranks_for", MappingProxyType(ranks_for))

    def ranks_of(self, field_name: str) -> Ranks:
        """The ranks of a field, family members included (`step/...`, `replaces/...`)."""
        ranks = self.ranks.get(field_name)
        return self.ranks[family_of(field_name)] if ranks is None else ranks

    def ranks_for(self, agency_kind: str) -> Mapping[str, int]:
        """Field or family -> rank, for what agencies of this kind may state; all else is absent."""
        return self._ranks_for.get(agency_kind, {})


def family_of(field_name: str) -> str:
    """The family of a member (`step/...`, `replaces/...`); any other field's own name."""
    return field_name.partition("/")[0]


def _ranks(**ranks: int) -> Ranks:
    return MappingProxyType({name.replace("_", "-"): rank for name, rank in ranks.items()})


def _fields(groups: Mapping[Ranks, str] | tuple[tuple[Ranks, str], ...]) -> dict[str, Ranks]:
    pairs = groups.items() if isinstance(groups, Mapping) else groups
    return {name: ranks for ranks, names in pairs for name in names.split()}


def _in_order(order: str, ranks: Mapping[str, Ranks]) -> tuple[Field, ...]:
    """`order` is `name:code` in the order of the contract's table."""
    pairs = [entry.split(":") for entry in order.split()]
    return tuple(Field(name, code, ranks[name]) for name, code in pairs)


# The authority table, contract section 3. Decree 43/2021, article 7.1: identity data of the
# insurance database is taken from the population database; article 6.2: insurance data proper
# is the social insurance's own. Hence 30 for the owner and less for those who repeat it.
_PERSON = _fields(
    (
        (
            _ranks(population=30, justice=20, social_insurance=10, one_stop=10),
            "full_name date_of_birth sex nationality ethnicity_code old_identity_number household",
        ),
        (_ranks(population=30), "identity_card replaces eid"),
        (_ranks(population=30, justice=30), "life"),
        (_ranks(population=20, justice=30, one_stop=10), "marital_status_code"),
        (
            _ranks(population=30, one_stop=10),
            "residence current_residence birth_registration_commune",
        ),
        (
            _ranks(population=10, justice=10, social_insurance=10, one_stop=10),
            "phone digital_signature_issued_on",
        ),
        (_ranks(population=30, justice=20), "annulment"),
    )
)
_INSURANCE_CARD = _fields(
    (
        (
            _ranks(social_insurance=10, population=30),
            "personal_id full_name date_of_birth sex",
        ),
        (
            _ranks(social_insurance=30),
            "card status primary_facility five_years_from annulment",
        ),
        (_ranks(social_insurance=10, facility=10), "address phone"),
    )
)
_HANDLERS = _ranks(one_stop=10, department=10, ministry=10)
_REGISTRY = _ranks(registry=10)

PERSON: Final = Kind(
    name="person",
    queue="population",
    key="personal_id",
    fields=_in_order(
        "full_name:n date_of_birth:b sex:s nationality:a ethnicity_code:e"
        " marital_status_code:m old_identity_number:o identity_card:c life:l residence:r"
        " current_residence:t birth_registration_commune:g household:h phone:p eid:i"
        " digital_signature_issued_on:d annulment:x",
        _PERSON,
    ),
    families=_in_order("replaces:=", _PERSON),
)
INSURANCE_CARD: Final = Kind(
    name="insurance-card",
    queue="insurance",
    key="insurance_number",
    fields=_in_order(
        "personal_id:i full_name:n date_of_birth:b sex:s address:a phone:p card:c"
        " five_years_from:y primary_facility:f status:t annulment:x",
        _INSURANCE_CARD,
    ),
)
_DOSSIER_FIELDS = (
    "procedure_code:c procedure_name:n field_code:f receiving_agency:r handling_agency:h"
    " applicant:a channel:l status:t submitted_at:s received_at:e due_at:d finished_at:i"
    " returned_at:u fee:m digitised_parts:p digitised_result:q reused_data:v"
    " satisfaction:o annulment:x"
)
DOSSIER: Final = Kind(
    name="dossier",
    queue="dossier",
    key="dossier_code",
    fields=_in_order(
        _DOSSIER_FIELDS, {entry.split(":")[0]: _HANDLERS for entry in _DOSSIER_FIELDS.split()}
    ),
    families=(Field(STEP, "/", _HANDLERS),),
)
_AGENCY_FIELDS = "name:n parent:p aliases:a succeeds:s senders:d periods:o"
AGENCY: Final = Kind(
    name="agency",
    queue="registry",
    key="agency_id",
    fields=_in_order(
        _AGENCY_FIELDS, {entry.split(":")[0]: _REGISTRY for entry in _AGENCY_FIELDS.split()}
    ),
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.name: kind for kind in (PERSON, INSURANCE_CARD, DOSSIER, AGENCY)}
)
KIND_OF_QUEUE: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.queue: kind for kind in KINDS.values()}
)

DOSSIER_MOVES: Final[Mapping[int, frozenset[int]]] = MappingProxyType(
    {
        1: frozenset({2, 3}),
        2: frozenset({4, 5, 6, 7, 8, 9}),
        3: frozenset(),
        4: frozenset({5, 6, 7, 8, 9}),
        5: frozenset({2, 4, 7, 8}),
        6: frozenset({4, 7, 8, 9}),
        7: frozenset(),
        8: frozenset({4, 7, 9}),
        9: frozenset({4, 10}),
        10: frozenset(),
    }
)
"""Usual moves between the national dossier states 1-10. They only derive warnings: the order
of arrival is unknown, so no move is ever a reason to refuse an event."""
