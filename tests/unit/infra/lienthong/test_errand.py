"""A command says why it asks, or says which purposes there are."""

from __future__ import annotations

import argparse

import pytest

from functions.shared.core.purposes import PURPOSES
from infra.lienthong.errand import CASE, PURPOSE, Errand, add_as_options, errand_of
from infra.lienthong.problems import Misuse
from tests.builders import DOSSIER_CODE, PERSON_ID


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_as_options(parser)
    return parser.parse_args(arguments)


def test_the_options_name_it() -> None:
    given = options("--purpose", "dossier-handling", "--case", DOSSIER_CODE)
    assert errand_of(given, {}) == Errand("dossier-handling", DOSSIER_CODE)


def test_the_environment_names_it_where_the_options_do_not() -> None:
    environment = {PURPOSE: "inspection", CASE: "QD-12/2026"}
    assert errand_of(options(), environment) == Errand("inspection", "QD-12/2026")
    assert errand_of(options("--case", "QD-13"), environment) == Errand("inspection", "QD-13")
    assert errand_of(options("--purpose", "inspection"), environment).case == "QD-12/2026"


def test_a_case_of_the_environment_does_not_join_another_purpose() -> None:
    environment = {PURPOSE: "inspection", CASE: "QD-12/2026"}
    assert errand_of(options("--purpose", "audit"), environment) == Errand("audit", None)


@pytest.mark.parametrize("arguments", [(), ("--purpose", "curiosity")])
def test_without_a_registered_purpose_all_are_listed(arguments: tuple[str, ...]) -> None:
    with pytest.raises(Misuse, match="--purpose") as caught:
        errand_of(options(*arguments), {})
    assert [line.split()[0] for line in caught.value.details] == list(PURPOSES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--purpose", "inspection"), "needs a case: give the decision's number with --case"),
        (("--purpose", "audit", "--case", PERSON_ID), "--case looks like a personal id"),
        (("--purpose", "dossier-handling", "--case", "x"), "--case has not the form of a dossier"),
    ],
)
def test_a_case_that_does_not_fit_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(Misuse) as caught:
        errand_of(options(*arguments), {})
    assert sentence in caught.value.message
    assert "X-Case" not in caught.value.message
