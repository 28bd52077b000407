"""The groups of fields that policies speak of: every field of every kind is in exactly one.

Sensitive is what Decree 13/2023 (article 2.4) and Decree 356/2025 (article 4) call so and we hold:
ethnicity, and what is an identity account's. Family relations have a group of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, KINDS, PERSON, family_of

GROUPS: Final = (
    "identity",
    "residence",
    "contact",
    "family",
    "insurance",
    "dossier",
    "sensitive",
)

_TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    PERSON.name: {
        "identity": (
            "personal_id full_name date_of_birth sex nationality old_identity_number identity_card"
            " life replaces annulment"
        ),
        "residence": "residence current_residence birth_registration_commune",
        "contact": "phone",
        "family": "marital_status_code household",
        "sensitive": "ethnicity_code eid digital_signature_issued_on",
    },
    INSURANCE_CARD.name: {
        "identity": "personal_id full_name date_of_birth sex",
        "insurance": ("insurance_number card five_years_from primary_facility status annulment"),
        "residence": "address",
        "contact": "phone",
    },
    DOSSIER.name: {
        "dossier": (
            "dossier_code procedure_code procedure_name field_code receiving_agency"
            " handling_agency channel status submitted_at received_at due_at finished_at"
            " returned_at fee digitised_parts digitised_result reused_data satisfaction"
            " annulment steps step"
        ),
        "identity": "applicant",
    },
}

GROUP_OF: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        kind: MappingProxyType({f: group for group, names in groups.items() for f in names.split()})
        for kind, groups in _TABLE.items()
    }
)
"""Kind -> field as a record shows it (its key included) -> group."""


def group_of(kind: str, field: str) -> str:
    """The group of a field, family members included (`step/...`, `replaces/...`)."""
    return GROUP_OF[kind][family_of(field)]


def groups_of(kind: str) -> tuple[str, ...]:
    """The groups that a kind has fields of, in the order of `GROUPS`."""
    there = set(GROUP_OF[KINDS[kind].name].values())
    return tuple(group for group in GROUPS if group in there)
