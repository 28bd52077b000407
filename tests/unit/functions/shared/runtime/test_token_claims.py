"""What the user pool's trigger adds to an access token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.shared.core.access import Role
from functions.shared.core.errors import Defect
from functions.shared.runtime.token_claims import with_claims
from functions.token_claims.handler import lambda_handler

SAMPLES = Path(__file__).parents[5] / "events" / "token_claims"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return event


def claims_of(event: dict[str, Any]) -> dict[str, str]:
    response = with_claims(event)["response"]
    assert set(response) == {"claimsAndScopeOverrideDetails"}
    assert set(response["claimsAndScopeOverrideDetails"]) == {"accessTokenGeneration"}
    details = response["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
    assert set(details) == {"claimsToAddOrOverride"}
    claims: dict[str, str] = details["claimsToAddOrOverride"]
    return claims


def of(agency: Any, groups: Any) -> dict[str, Any]:
    event = sample("officer")
    event["request"]["userAttributes"] = {"sub": "6f1c2a34"} | (
        {} if agency is None else {"custom:agency": agency}
    )
    event["request"]["groupConfiguration"]["groupsToOverride"] = groups
    return event


def test_a_token_gets_the_agency_and_the_known_roles_of_its_account() -> None:
    assert claims_of(sample("officer")) == {
        "agency": "H26.201",
        "roles": "one-stop-officer quality-officer",
    }


def test_a_renewed_token_gets_them_as_well() -> None:
    assert claims_of(sample("refreshed")) == {"agency": "G24", "roles": "insurance-officer"}


def test_an_account_without_an_agency_gets_none() -> None:
    assert claims_of(sample("without-agency")) == {"roles": "inspector"}


@pytest.mark.parametrize("agency", [None, "", "  ", 7])
def test_what_is_no_agency_is_left_out(agency: Any) -> None:
    assert "agency" not in claims_of(of(agency, ["auditor"]))


@pytest.mark.parametrize("groups", [None, [], ["administrators"], ["Inspector"]])
def test_groups_that_are_no_roles_are_left_out(groups: Any) -> None:
    assert claims_of(of("H26", groups)) == {"agency": "H26"}


def test_every_role_may_be_a_group() -> None:
    assert claims_of(of("H26", list(Role)))["roles"].split() == sorted(Role)


@pytest.mark.parametrize("version", ["1", "3", None])
def test_an_event_of_another_version_refuses_the_sign_in(version: str | None) -> None:
    with pytest.raises(Defect, match="version 2"):
        with_claims(sample("officer") | {"version": version})


def test_the_rest_of_the_event_is_as_it_was() -> None:
    event = sample("officer")

    answer = lambda_handler(event, object())

    assert {**answer, "response": event["response"]} == event
