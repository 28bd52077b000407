"""Which purposes there are, and what a request must say with each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.purposes import PURPOSES, problem_with
from tests.builders import DOSSIER_CODE

NEEDING = [code for code, purpose in PURPOSES.items() if purpose.needs_case]
FREE = [code for code, purpose in PURPOSES.items() if not purpose.needs_case]


def case_for(code: str) -> str:
    return DOSSIER_CODE if PURPOSES[code].is_dossier else "KB-2026/118"


@pytest.mark.parametrize("code", PURPOSES)
def test_a_purpose_with_its_case_is_enough(code: str) -> None:
    assert problem_with(code, case_for(code)) is None
    assert PURPOSES[code].code == code


@pytest.mark.parametrize("code", NEEDING)
def test_a_purpose_that_needs_a_case_says_which(code: str) -> None:
    problem = problem_with(code, None)
    assert problem is not None
    assert PURPOSES[code].case in problem
    assert problem_with(code, "") is not None


@pytest.mark.parametrize("code", FREE)
def test_a_purpose_that_needs_none_may_do_without(code: str) -> None:
    assert problem_with(code, None) is None


@pytest.mark.parametrize("code", [None, "", "curiosity", "AUDIT", " audit"])
def test_an_unknown_purpose_is_answered_with_the_list(code: str | None) -> None:
    problem = problem_with(code, "A-1")
    assert problem is not None
    assert all(known in problem for known in PURPOSES)


@pytest.mark.parametrize(
    "number", ["001190000017", "012345678", "0123456789", "DN4010123456789"], ids=len
)
@pytest.mark.parametrize("code", [c for c in PURPOSES if not PURPOSES[c].is_dossier])
def test_a_number_of_a_person_is_no_case(code: str, number: str) -> None:
    problem = problem_with(code, number)
    assert problem is not None
    assert number not in problem


@pytest.mark.parametrize(
    "case", ["-a", "a-", "a b", "a\n", "ă", "x" * 65, "a#b", "٣", "a:b"], ids=ascii
)
def test_a_case_is_short_and_plain(case: str) -> None:
    assert problem_with("audit", case) is not None


def test_handling_a_dossier_names_the_dossier() -> None:
    assert problem_with("dossier-handling", "KB-2026") is not None


@given(st.text(max_size=80))
def test_no_problem_repeats_what_was_said(case: str) -> None:
    problem = problem_with("inspection", case)
    if problem is not None and len(case) > 3:
        assert case not in problem or case in "a case is an inspection decision's number"
