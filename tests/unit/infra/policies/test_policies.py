"""The policies decide what the table of cases states, and nothing is permitted beside it."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any, Final

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.access import Action, Caller, Errand, Question, Role
from functions.shared.core.groups import GROUPS, groups_of
from functions.shared.core.purposes import PURPOSES
from tests.unit.infra.policies.specification import (
    SCHEMA,
    TEXTS,
    case_of,
    cases,
    lines,
    policies,
    ruling_on,
)

RECORDS: Final = ("person", "insurance-card", "dossier")
KINDS: Final = (*RECORDS, "ledger", "quarantine", "access-log", "event")
WHOLE: Final = "\n".join(TEXTS.values())
PARSED: Final[list[dict[str, Any]]] = list(
    json.loads(cedarpy.policies_to_json_str(WHOLE))["staticPolicies"].values()
)
IDS: Final = {policy["annotations"]["id"] for policy in PARSED}


# The specification ---------------------------------------------------------------------------


@pytest.mark.parametrize("line", lines(), ids=lambda line: " ".join(line.split()))
def test_a_case_is_decided_as_the_table_states(line: str) -> None:
    case = case_of(line)

    assert ruling_on(case) == case.expected


def test_no_case_is_stated_twice() -> None:
    asked = [case[:5] for case in cases()]

    assert len(asked) >= 150
    assert len(set(asked)) == len(asked)


def test_every_role_is_asked_for_every_action() -> None:
    assert {(*case.roles, case.question.action) for case in cases() if len(case.roles) == 1} == {
        (role, action) for role in Role for action in Action
    }


def test_every_role_is_asked_for_every_group_of_every_kind() -> None:
    asked = {
        (*case.roles, case.question.kind, case.question.group)
        for case in cases()
        if len(case.roles) == 1 and case.question.action is Action.READ
    }

    assert asked >= {
        (role, kind, group) for role in Role for kind in RECORDS for group in groups_of(kind)
    }


def test_every_purpose_is_asked_by_one_who_has_it_and_by_one_who_has_not() -> None:
    for purpose in PURPOSES:
        outcomes = {case.expected.allowed for case in cases() if case.purpose == purpose}
        assert outcomes == {True, False}, purpose


def test_every_policy_decides_a_case() -> None:
    assert {rule for case in cases() for rule in case.expected.rules} == IDS


def test_any_two_roles_may_do_different_things() -> None:
    seen = {
        role: {
            (case.question.action, case.question.kind, case.question.group, case.whose)
            for case in cases()
            if case.roles == {role} and case.expected.allowed
        }
        for role in Role
    }

    for one, other in combinations(Role, 2):
        assert seen[one] != seen[other], (one, other)


# The policies as texts -----------------------------------------------------------------------


def test_the_policies_fit_their_schema() -> None:
    assert cedarpy.validate_policies(WHOLE, SCHEMA).errors == []


def test_a_word_that_the_schema_does_not_know_is_found() -> None:
    wrong = WHOLE.replace('Group::"identity"', 'Group::"identiy"', 1)

    assert wrong != WHOLE
    assert cedarpy.validate_policies(wrong, SCHEMA).errors


def test_every_policy_has_an_id_a_title_in_one_sentence_and_a_source() -> None:
    assert len(IDS) == len(PARSED)
    for policy in PARSED:
        annotations = policy["annotations"]
        assert set(annotations) == {"id", "title", "source"}
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", annotations["id"])
        assert re.fullmatch(r"[A-Z][^.]*\.", annotations["title"]), annotations["title"]
        assert annotations["source"]


def test_each_file_begins_with_what_it_is_about() -> None:
    for name, text in TEXTS.items():
        assert text.startswith("// "), name


def test_what_holds_for_everybody_forbids_and_the_roles_permit() -> None:
    for name, text in TEXTS.items():
        effects = set(re.findall(r"^(permit|forbid) \(", text, re.MULTILINE))
        assert effects == ({"forbid"} if name == "everybody.cedar" else {"permit"}), name


@pytest.mark.parametrize(
    ("entity", "names"),
    [
        ("Role", [role.value for role in Role]),
        ("Purpose", list(PURPOSES)),
        ("Group", ["frame", *GROUPS]),
    ],
)
def test_the_schema_has_the_words_of_the_code(entity: str, names: list[str]) -> None:
    listed = SCHEMA.split(f"entity {entity} enum [", 1)[1].split("]", 1)[0]

    assert re.findall(r'"([^"]+)"', listed) == names


def test_the_schema_has_the_actions_of_the_code() -> None:
    named = re.findall(r"^action (.+?) appliesTo", SCHEMA, re.MULTILINE)

    assert re.findall(r'"([^"]+)"', " ".join(named)) == [action.value for action in Action]


def test_the_purposes_that_need_a_case_are_those_of_the_code() -> None:
    text = TEXTS["everybody.cedar"].split('@id("nobody-without-case")', 1)[1].split("};", 1)[0]

    needed = [purpose.code for purpose in PURPOSES.values() if purpose.needs_case]
    assert re.findall(r'Purpose::"([^"]+)"', text) == needed


# Any question --------------------------------------------------------------------------------

AGENCIES: Final = st.sampled_from(["H26", "H26.07", "H26.12", "G01", "H56.09"])
CALLERS: Final = st.builds(
    Caller,
    id=st.just("sub-1"),
    name=st.just("officer-1"),
    agency=AGENCIES,
    above=st.just(()),
    roles=st.frozensets(st.sampled_from(Role), max_size=3),
)
QUESTIONS: Final = st.builds(
    Question,
    action=st.sampled_from(Action),
    kind=st.sampled_from(KINDS),
    group=st.none() | st.sampled_from(GROUPS),
    agencies=st.frozensets(AGENCIES, max_size=3),
)
ERRANDS: Final = st.builds(
    Errand,
    purpose=st.sampled_from(list(PURPOSES)),
    case=st.none() | st.just("H26.07-260102-0001"),
    request_id=st.just("request-1"),
)


@given(CALLERS, ERRANDS, QUESTIONS)
def test_what_is_permitted_is_permitted_by_a_policy_of_one_of_the_callers_roles(
    caller: Caller, errand: Errand, question: Question
) -> None:
    [ruling] = policies().rule(caller, errand, [question])

    assert set(ruling.rules) <= IDS
    if ruling.allowed:
        assert set(ruling.rules) <= {rule for role in caller.roles for rule in _permits(role)}
        assert ruling.rules


def _permits(role: Role) -> set[str]:
    return {
        policy["annotations"]["id"]
        for policy in PARSED
        if policy["effect"] == "permit"
        and policy["principal"]["entity"] == {"type": "Role", "id": role.value}
    }


def test_every_policy_that_permits_names_one_role() -> None:
    named = [rule for role in Role for rule in _permits(role)]

    assert sorted(named) == sorted(
        policy["annotations"]["id"] for policy in PARSED if policy["effect"] == "permit"
    )


@given(CALLERS, st.text(max_size=20) | st.just(""), QUESTIONS)
def test_without_a_registered_purpose_nothing_is_permitted(
    caller: Caller, purpose: str, question: Question
) -> None:
    if purpose in PURPOSES:
        return
    errand = Errand(purpose, "H26.07-260102-0001", "request-1")
    [ruling] = policies().rule(caller, errand, [question])

    assert not ruling.allowed
    assert {"nobody-without-purpose", "error"} & set(ruling.rules)


@given(ERRANDS, QUESTIONS, AGENCIES)
def test_without_a_role_nothing_is_permitted(
    errand: Errand, question: Question, agency: str
) -> None:
    caller = Caller("sub-1", "officer-1", agency, (), frozenset())

    assert not policies().rule(caller, errand, [question])[0].allowed


@given(CALLERS, ERRANDS, QUESTIONS)
def test_the_company_of_other_questions_changes_no_ruling(
    caller: Caller, errand: Errand, question: Question
) -> None:
    others = [Question(Action.READ, kind, group) for kind in RECORDS for group in groups_of(kind)]
    alone = policies().rule(caller, errand, [question])

    assert policies().rule(caller, errand, [*others, question])[-1:] == alone


def test_leaving_the_purpose_out_of_any_permitted_case_denies_it() -> None:
    for case in cases():
        if case.expected.allowed:
            assert not ruling_on(case._replace(purpose="")).allowed


def test_a_further_role_that_forbids_nothing_takes_nothing_away() -> None:
    takes_away = {Role.OPERATOR, Role.AUDITOR, Role.FACILITY_STAFF, Role.AGENCY_SYSTEM}
    for case in cases():
        if case.expected.allowed:
            for role in set(Role) - takes_away:
                assert ruling_on(case._replace(roles=case.roles | {role})).allowed
