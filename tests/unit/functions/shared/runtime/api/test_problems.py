"""Every request that is not answered gets a problem document that holds nothing of it."""

from __future__ import annotations

import json

import pytest

from functions.shared.core.allowances import AllowanceSpent, Window
from functions.shared.core.answers import (
    BadRequest,
    NotFound,
    NotPermitted,
    Problem,
    Unavailable,
)
from functions.shared.core.errors import Conflict, Defect, Retry
from functions.shared.runtime.api import problems
from functions.shared.runtime.api.problems import PROBLEMS, Refused, refusal_of
from tests.builders import RECORDED_AT


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadRequest([Problem("/a", "form", "A is a letter.")]), 400, "invalid-request"),
        (NotPermitted(["rule"], "No policy."), 403, "not-permitted"),
        (NotFound("There is none."), 404, "not-found"),
        (AllowanceSpent(Window.DAY, RECORDED_AT), 429, "allowance-spent"),
        (Unavailable("secret"), 503, "unavailable"),
        (Retry("secret"), 503, "unavailable"),
        (Conflict("secret"), 503, "unavailable"),
        (Defect("secret"), 500, "internal-error"),
        (KeyError("secret"), 500, "internal-error"),
        (ZeroDivisionError("secret"), 500, "internal-error"),
        (Refused("no-such-route", "There is no such path."), 404, "no-such-route"),
    ],
)
def test_each_error_has_its_status_and_its_code(error: Exception, status: int, code: str) -> None:
    answer = problems.answer(refusal_of(error), "request-1")
    document = json.loads(answer["body"])
    assert answer["statusCode"] == document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"urn:lienthong:problem:{code}"
    assert document["title"] == PROBLEMS[code].title
    assert document["request_id"] == "request-1"
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert "secret" not in answer["body"]


def test_a_problem_lists_what_is_wrong_and_where() -> None:
    error = BadRequest([Problem("/a", "form", "A is a letter."), Problem("b", "x", "No.")])
    document = json.loads(problems.answer(refusal_of(error), "r")["body"])
    assert document["errors"] == [
        {"path": "/a", "code": "form", "text": "A is a letter."},
        {"path": "b", "code": "x", "text": "No."},
    ]
    assert document["detail"] == "A is a letter. No."


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(AllowanceSpent(Window.MINUTE, "2026-11-22T08:00:48.000000Z"), "12"), (Retry("busy"), "2")],
)
def test_who_may_ask_again_is_told_when(error: Exception, seconds: str) -> None:
    assert problems.answer(refusal_of(error), "r")["headers"]["Retry-After"] == seconds
