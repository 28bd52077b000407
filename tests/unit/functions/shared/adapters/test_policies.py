"""The port `Policies` over Cedar."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.policies import TYPE_OF_KIND, CedarPolicies
from functions.shared.core.access import Action, Caller, Errand, Question, Role, Ruling
from functions.shared.core.errors import Defect
from functions.shared.core.groups import GROUP_OF, groups_of
from functions.shared.ports import Policies
from tests.unit.infra.policies.specification import SCHEMA, TEXTS, cases

ERRAND: Final = Errand("inspection", "QD-17/2026", "request-1")
IDENTITY: Final = Question(Action.READ, "person", "identity")
PERMIT: Final = '@id("anybody") permit (principal, action, resource);'


def built(*texts: str, most_remembered: int = 100) -> CedarPolicies:
    return CedarPolicies(texts, SCHEMA, most_remembered=most_remembered)


def whole() -> CedarPolicies:
    return CedarPolicies(TEXTS.values(), SCHEMA)


def caller(*roles: Role, agency: str = "H26.07", above: tuple[str, ...] = ("H26",)) -> Caller:
    return Caller("sub-1", "officer-1", agency, above, frozenset(roles))


def test_it_is_the_port() -> None:
    policies: Policies = whole()

    assert policies.rule(caller(Role.INSPECTOR), ERRAND, [IDENTITY]) == [
        Ruling(True, ("inspector-records",))
    ]


def test_no_question_has_no_ruling() -> None:
    assert whole().rule(caller(Role.INSPECTOR), ERRAND, []) == []


def test_questions_are_answered_in_their_order_repeated_ones_too() -> None:
    officer = caller(Role.INSURANCE_OFFICER)
    errand = Errand("insurance-administration", None, "request-1")
    contact = Question(Action.READ, "person", "contact")
    questions = [IDENTITY, contact, IDENTITY, contact, contact]

    rulings = whole().rule(officer, errand, questions)

    assert [ruling.allowed for ruling in rulings] == [True, False, True, False, False]


def test_what_no_policy_permits_is_denied_by_none() -> None:
    assert built('@id("nothing") forbid (principal, action, resource) when { false };').rule(
        caller(Role.INSPECTOR), ERRAND, [IDENTITY]
    ) == [Ruling(False, ())]


def test_every_policy_that_decides_is_named_in_order() -> None:
    more = PERMIT.replace("anybody", "also")

    assert built(PERMIT, more).rule(caller(), ERRAND, [IDENTITY]) == [
        Ruling(True, ("also", "anybody"))
    ]


def test_a_policy_that_forbids_wins_and_is_the_one_named() -> None:
    forbid = '@id("never") forbid (principal, action, resource);'

    assert built(PERMIT, forbid).rule(caller(), ERRAND, [IDENTITY]) == [Ruling(False, ("never",))]


def test_every_kind_and_action_can_be_asked() -> None:
    questions = [Question(action, kind) for action in Action for kind in TYPE_OF_KIND]

    assert set(built(PERMIT).rule(caller(), ERRAND, questions)) == {Ruling(True, ("anybody",))}
    assert {kind for kind in GROUP_OF if groups_of(kind)} <= set(TYPE_OF_KIND)


# What cannot be evaluated --------------------------------------------------------------------


def test_a_policy_that_fails_denies_though_another_permits() -> None:
    failing = """
        @id("fails") forbid (principal, action, resource)
        when { context has caseGiven && 9223372036854775807 + 1 == 0 };
    """

    assert built(PERMIT, failing).rule(caller(), ERRAND, [IDENTITY]) == [Ruling(False, ("error",))]


def test_a_kind_that_policies_do_not_know_is_denied_beside_others_that_are_ruled() -> None:
    rulings = built(PERMIT).rule(caller(), ERRAND, [Question(Action.READ, "agency"), IDENTITY])

    assert rulings == [Ruling(False, ("error",)), Ruling(True, ("anybody",))]


def test_what_cannot_be_evaluated_is_heard_each_time() -> None:
    heard: list[None] = []
    policies = CedarPolicies([PERMIT], SCHEMA, failed=lambda: heard.append(None))
    policies.rule(caller(), ERRAND, [IDENTITY])
    assert heard == []

    odd = Question(Action.READ, "agency")
    for _ in range(2):
        policies.rule(caller(), ERRAND, [odd, IDENTITY])

    assert len(heard) == 2


def test_an_agency_above_itself_is_denied() -> None:
    odd = caller(agency="H26", above=("H26.07", "H26"))

    assert built(PERMIT).rule(odd, ERRAND, [IDENTITY]) == [Ruling(False, ("error",))]


@given(st.text(), st.text(), st.text(), st.text())
def test_no_text_whatever_raises_or_permits(
    agency: str, purpose: str, group: str, other: str
) -> None:
    odd = Question(Action.READ, "dossier", f"no {group}", frozenset({other, agency}))
    asking = caller(Role.ONE_STOP_OFFICER, agency=agency, above=())

    [ruling] = whole_once().rule(asking, Errand(purpose, other, "request-1"), [odd])

    assert not ruling.allowed


@pytest.mark.parametrize("text", ["\ud800", "\x00", '"', '"); permit(principal,action,resource);'])
def test_text_that_looks_like_a_policy_is_text(text: str) -> None:
    asking = caller(Role.INSPECTOR, agency=text, above=(text + "1",))

    for errand in (ERRAND, Errand(text, text, "request-1")):
        [ruling] = whole_once().rule(asking, errand, [Question(Action.PUBLISH, "event", text)])
        assert not ruling.allowed


_WHOLE: Final[list[CedarPolicies]] = []


def whole_once() -> CedarPolicies:
    """The policies of the repository, parsed once for many examples."""
    if not _WHOLE:
        _WHOLE.append(whole())
    return _WHOLE[0]


# Policies that are not accepted --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("permit (principal, action, resource;", "cannot be read"),
        ("permit (principal, action, resource);", "needs an @id"),
        (PERMIT + PERMIT, "an @id of its own"),
        (PERMIT.replace("anybody", "error"), "none may be 'error'"),
        (PERMIT.replace(";", "when { resource.colour };"), "do not fit their schema"),
        (PERMIT.replace("principal,", 'principal in Role::"king",'), "do not fit their schema"),
    ],
)
def test_policies_that_say_nothing_sure_are_a_defect(text: str, says: str) -> None:
    with pytest.raises(Defect, match=says):
        built(text)


def test_a_schema_that_cannot_be_read_is_a_defect() -> None:
    with pytest.raises(Defect, match="cannot be read"):
        CedarPolicies([PERMIT], "entity")


# Memory --------------------------------------------------------------------------------------


def test_a_remembered_ruling_is_the_one_that_was_made() -> None:
    policies = whole()
    first = [policies.rule(c.caller, c.errand, [c.question]) for c in cases()]

    again = [policies.rule(c.caller, c.errand, [c.question]) for c in cases()]

    assert again == first == [[c.expected] for c in cases()]


def test_with_room_for_one_ruling_all_are_still_right() -> None:
    policies = CedarPolicies(TEXTS.values(), SCHEMA, most_remembered=1)

    for case in cases()[:60]:
        assert policies.rule(case.caller, case.errand, [case.question]) == [case.expected]


def test_what_is_remembered_is_bounded_and_the_longest_unused_goes_first() -> None:
    policies = built(PERMIT, most_remembered=2)
    groups = [Question(Action.READ, "person", group) for group in groups_of("person")]
    for question in (groups[0], groups[1], groups[0], groups[2]):
        policies.rule(caller(), ERRAND, [question])

    kept = [question for _, question in policies._remembered]
    assert kept == [groups[0], groups[2]]


def test_another_person_with_the_same_standing_is_answered_from_memory() -> None:
    policies = built(PERMIT)
    policies.rule(caller(), ERRAND, [IDENTITY])
    other = Caller("sub-2", "officer-2", "H26.07", ("H26",), frozenset())
    policies.rule(other, Errand("inspection", "QD-18/2026", "request-2"), [IDENTITY])

    assert len(policies._remembered) == 1


def test_a_question_that_could_not_be_evaluated_is_asked_again() -> None:
    policies = built(PERMIT)
    policies.rule(caller(agency="H26", above=("H26",)), ERRAND, [IDENTITY])

    assert len(policies._remembered) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"agency": "H26.12"},
        {"above": ()},
        {"roles": frozenset({Role.AUDITOR})},
    ],
)
def test_whatever_decides_is_remembered_apart(change: dict[str, object]) -> None:
    policies = built(PERMIT)
    values = {"agency": "H26.07", "above": ("H26",), "roles": frozenset({Role.INSPECTOR})}
    for given_ in (values, {**values, **change}):
        policies.rule(Caller("sub-1", "officer-1", **given_), ERRAND, [IDENTITY])
    policies.rule(caller(Role.INSPECTOR), Errand("audit", "K-1", "request-1"), [IDENTITY])
    policies.rule(caller(Role.INSPECTOR), Errand("inspection", None, "request-1"), [IDENTITY])

    assert len(policies._remembered) == 4


def test_a_remembered_ruling_takes_a_fraction_of_a_fresh_one() -> None:
    policies = whole()
    questions = [
        Question(Action.READ, kind, group, frozenset({"H26", "H26.07"}))
        for kind in ("person", "insurance-card", "dossier")
        for group in groups_of(kind)
    ]

    def took() -> float:
        begin = time.perf_counter()
        policies.rule(caller(Role.INSPECTOR), ERRAND, questions)
        return time.perf_counter() - begin

    fresh = took()
    assert min(took() for _ in range(20)) < fresh / 10


def test_nothing_that_tells_a_person_is_kept() -> None:
    policies = built(PERMIT)
    policies.rule(caller(), ERRAND, [IDENTITY])

    [(standing, _)] = policies._remembered
    assert not {"sub-1", "officer-1", "QD-17/2026", "request-1"} & set(map(str, standing))
