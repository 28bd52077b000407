"""What is wrong with fields, as sentences without the value."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from functions.shared.core.answers import Problem
from functions.shared.runtime.api.invalid import problems_of
from schemas import api

SECRET = "bí mật 001190000017"


def problems(model: type[api.Question], value: Any) -> list[Problem]:
    with pytest.raises(ValidationError) as error:
        model.model_validate(value)
    found = [{**one, "loc": ("body", *one["loc"])} for one in error.value.errors()]
    return problems_of(found)


@pytest.mark.parametrize(
    ("model", "value", "told"),
    [
        (api.LookupQuestion, {"personal_id": SECRET}, [("/personal_id", "pattern")]),
        (api.LookupQuestion, {"personal_id": 1}, [("/personal_id", "not-text")]),
        (api.LookupQuestion, {"personal_id": None}, [("/personal_id", "not-text")]),
        (api.LookupQuestion, {"no/such~one": SECRET}, [("/no~1such~0one", "unknown-field")]),
        (api.LookupQuestion, {}, [("", "exactly-one")]),
        (
            api.LookupQuestion,
            {"personal_id": "001190000017", "insurance_number": "0123456790"},
            [("", "exactly-one")],
        ),
        (api.SearchQuestion, {"name": "An"}, [("", "too-little")]),
        (api.SearchQuestion, {"commune": "00070"}, [("/name", "missing")]),
        (
            api.SearchQuestion,
            {"name": "x" * 101, "commune": SECRET, "limit": 51, "year_of_birth": 1},
            [
                ("/name", "too-long"),
                ("/year_of_birth", "out-of-range"),
                ("/commune", "pattern"),
                ("/limit", "out-of-range"),
            ],
        ),
        (
            api.SearchQuestion,
            {"name": "An", "year_of_birth": "1990"},
            [("/year_of_birth", "not-integer")],
        ),
        (
            api.DeferralQuestion,
            {"until": "2026-02-30", "why": " "},
            [("/until", "pattern"), ("/why", "empty")],
        ),
        (
            api.ReplayQuestion,
            {"why": "w", "body": "b", "patch": [{"op": "test", "path": ""}]},
            [("", "exactly-one")],
        ),
        (api.ReplayQuestion, {"again": 1, "why": "w"}, [("/again", "not-boolean")]),
        (api.ReplayQuestion, {}, [("", "missing")]),
        (api.ReplayQuestion, {"patch": []}, [("/patch", "empty")]),
        (
            api.ReplayQuestion,
            {"patch": [{"op": "x", "path": "/a"}]},
            [("/patch/0/op", "not-in-list")],
        ),
        (api.DismissalQuestion, {}, [("", "missing")]),
        (api.BulkReplayQuestion, {"select": {}}, [("/select", "too-little")]),
        (api.BulkReplayQuestion, {"select": {"queue": "a"}, "dry_run": False}, [("", "missing")]),
        (api.BulkReplayQuestion, {"select": SECRET}, [("/select", "not-object")]),
    ],
)
def test_each_fault_has_its_place_and_its_code(
    model: type[api.Question], value: Any, told: list[tuple[str, str]]
) -> None:
    found = problems(model, value)
    assert [(one.path, one.code) for one in found] == told
    assert all(one.text.endswith(".") for one in found)
    assert not any(SECRET in one.text for one in found)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (api.LookupQuestion, {"old_identity_number": "012345678"}),
        (api.SearchQuestion, {"name": "An", "date_of_birth": "1990-02"}),
        (api.ReplayQuestion, {"dry_run": True}),
        (api.ReplayQuestion, {"why": "w", "patch": [{"op": "move", "from": "/a", "path": "/b"}]}),
        (
            api.BulkCorrectionQuestion,
            {
                "select": {"source": ["/a", "/b"]},
                "patch": [{"op": "add", "path": "/a", "value": None}],
            },
        ),
    ],
)
def test_what_is_right_is_given_as_it_was_sent(model: type[api.Question], value: Any) -> None:
    assert model.model_validate(value).given() == value


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    asked = api.SearchQuestion.model_validate({"name": "An", "year_of_birth": 1990.0, "limit": 5.0})
    assert asked.given() == {"name": "An", "year_of_birth": 1990, "limit": 5}
    told = problems(api.SearchQuestion, {"name": "An", "year_of_birth": 1990.5})
    assert [(one.path, one.code) for one in told] == [("/year_of_birth", "not-integer")]


def test_an_error_nobody_named_says_nothing_of_the_value() -> None:
    (problem,) = problems_of([{"type": "url_parsing", "loc": ("query", "at"), "input": SECRET}])
    assert (problem.path, problem.code) == ("at", "invalid")
    assert SECRET not in problem.text
