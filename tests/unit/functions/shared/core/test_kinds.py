"""The authority table and the moves, compared with how the contract writes them down."""

from __future__ import annotations

import pytest

from functions.shared.core.kinds import (
    AGENCY,
    DOSSIER,
    DOSSIER_MOVES,
    INSURANCE_CARD,
    KIND_OF_QUEUE,
    KINDS,
    PERSON,
    Kind,
)
from schemas.event_types import EVENT_TYPES, KEY_OF_KIND, QUEUE_OF_KIND
from tests.histories import POSSIBLE, VALUES

AGENCY_KINDS = (
    "population",
    "justice",
    "social-insurance",
    "one-stop",
    "department",
    "ministry",
    "facility",
    "other",
    "registry",
)

# The tables of the contract, section 3; "-" is a field that this agency may not state.
PERSON_TABLE = """
fields | population | justice | social-insurance | one-stop
full_name date_of_birth sex nationality | 30 | 20 | 10 | 10
ethnicity_code old_identity_number household | 30 | 20 | 10 | 10
identity_card replaces eid | 30 | - | - | -
life | 30 | 30 | - | -
marital_status_code | 20 | 30 | - | 10
residence current_residence birth_registration_commune | 30 | - | - | 10
phone digital_signature_issued_on | 10 | 10 | 10 | 10
annulment | 30 | 20 | - | -
"""
INSURANCE_CARD_TABLE = """
fields | social-insurance | population | facility
personal_id full_name date_of_birth sex | 10 | 30 | -
card status primary_facility five_years_from annulment | 30 | - | -
address phone | 10 | - | 10
"""
DOSSIER_TABLE = """
fields | one-stop | department | ministry
procedure_code procedure_name field_code receiving_agency | 10 | 10 | 10
handling_agency applicant channel | 10 | 10 | 10
status submitted_at received_at due_at finished_at returned_at step fee | 10 | 10 | 10
digitised_parts digitised_result reused_data satisfaction annulment | 10 | 10 | 10
"""
AGENCY_TABLE = """
fields | registry
name parent aliases succeeds senders periods | 10
"""
TABLES = [
    (PERSON, PERSON_TABLE),
    (INSURANCE_CARD, INSURANCE_CARD_TABLE),
    (DOSSIER, DOSSIER_TABLE),
    (AGENCY, AGENCY_TABLE),
]


def ranks(table: str) -> dict[str, dict[str, int]]:
    heading, *rows = [[cell.strip() for cell in row.split("|")] for row in table.split("\n") if row]
    return {
        field: {
            agency: int(rank)
            for agency, rank in zip(heading[1:], row[1:], strict=True)
            if rank != "-"
        }
        for row in rows
        for field in row[0].split()
    }


@pytest.mark.parametrize(("kind", "table"), TABLES, ids=lambda value: getattr(value, "name", ""))
def test_the_authority_table_is_the_contracts(kind: Kind, table: str) -> None:
    assert {name: dict(by_agency) for name, by_agency in kind.ranks.items()} == ranks(table)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_members_of_a_family_have_its_ranks(kind: Kind) -> None:
    for family in kind.families:
        assert kind.ranks_of(f"{family.name}/whatever/it is") == family.ranks
    for field in kind.fields:
        assert kind.ranks_of(field.name) == field.ranks


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_fields_of_a_kind_are_in_the_order_of_the_contract(kind: Kind) -> None:
    """The order in which changes are hashed: the table, then annulment, then families."""
    stated = [name for name in VALUES[kind.name] if name not in ("replaces", "step")]
    assert [field.name for field in kind.fields] == stated
    if kind is not AGENCY:
        assert kind.fields[-1].name == "annulment"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_no_two_fields_share_a_code(kind: Kind) -> None:
    everything = (*kind.fields, *kind.families)
    assert len({field.code for field in everything}) == len(everything)
    assert all(len(field.code) == 1 for field in everything)


def test_kinds_keys_and_queues_are_those_of_the_event_types() -> None:
    assert {name: kind.key for name, kind in KINDS.items()} == dict(KEY_OF_KIND)
    assert {name: kind.queue for name, kind in KINDS.items()} == dict(QUEUE_OF_KIND)
    assert {queue: kind.name for queue, kind in KIND_OF_QUEUE.items()} == {
        "population": "person",
        "insurance": "insurance-card",
        "dossier": "dossier",
        "registry": "agency",
    }


def test_the_usual_moves_stay_within_the_national_states() -> None:
    assert set(DOSSIER_MOVES) == set(range(1, 11))
    assert set().union(*DOSSIER_MOVES.values()) <= set(DOSSIER_MOVES)
    assert {status for status, moves in DOSSIER_MOVES.items() if not moves} == {3, 7, 10}


def test_random_histories_hold_every_event_type_and_every_kind_of_agency() -> None:
    """What the property tests draw from is not narrower than what the contract allows."""
    drawn = {row.type for pairs in POSSIBLE.values() for _, row in pairs}
    assert drawn == set(EVENT_TYPES)
    publishing = {publisher.agency_kind for pairs in POSSIBLE.values() for publisher, _ in pairs}
    assert publishing == set(AGENCY_KINDS) - {"other"}, "others may state nothing"
