"""The claims of a verified token, and the registry, make a caller; nothing else does."""

from __future__ import annotations

from typing import Any, Final

import pytest

from functions.shared.core.access import Caller, Role
from functions.shared.runtime.api.caller import caller_of
from functions.shared.runtime.api.problems import PROBLEMS, Refused
from tests.builders import agency
from tests.fakes import Unhurried
from tests.fakes_query import FakeDirectory

OFFICER: Final = {
    "sub": "5f0c",
    "username": "officer.g01",
    "client_id": "the-pools-client",
    "token_use": "access",
    "agency": "H26.12",
    "roles": "one-stop-officer inspector",
}
SYSTEM: Final = {"sub": "client-1", "client_id": "client-1", "token_use": "access"}


def directory(*senders: str) -> FakeDirectory:
    """A registry of two agencies, one above the other, with these senders."""
    known = {"H26.12": agency("one-stop", senders=senders), "H26": agency("one-stop")}
    named = {id_: type(one)(id_, one.senders, one.periods) for id_, one in known.items()}
    return FakeDirectory({"H26.12": "H26"}, named)


def called(claims: Any, *senders: str) -> Caller:
    return caller_of(claims, directory(*senders), Unhurried())


def refused(claims: Any, *senders: str) -> tuple[int, str]:
    with pytest.raises(Refused) as error:
        called(claims, *senders)
    return PROBLEMS[error.value.code].status, error.value.code


def test_an_officer_has_the_agency_and_the_roles_of_the_token() -> None:
    assert called(OFFICER) == Caller(
        id="5f0c",
        name="officer.g01",
        agency="H26.12",
        above=("H26",),
        roles=frozenset({Role.ONE_STOP_OFFICER, Role.INSPECTOR}),
        is_system=False,
    )


def test_a_machine_belongs_to_the_agency_that_names_its_client_among_its_senders() -> None:
    caller = called(SYSTEM, "client-1")
    assert caller == Caller(
        id="client-1",
        name="client-1",
        agency="H26.12",
        above=("H26",),
        roles=frozenset({Role.AGENCY_SYSTEM}),
        is_system=True,
    )


@pytest.mark.parametrize(
    "claims",
    [
        None,
        {},
        {**OFFICER, "token_use": "id"},
        {name: value for name, value in OFFICER.items() if name != "token_use"},
        {name: value for name, value in OFFICER.items() if name != "sub"},
        {**SYSTEM, "client_id": ""},
        {**SYSTEM, "client_id": 7},
    ],
)
def test_who_has_no_verified_access_token_is_not_signed_in(claims: Any) -> None:
    assert refused(claims) == (401, "not-signed-in")


@pytest.mark.parametrize("named", [None, "", "H99", 12])
def test_an_account_without_an_agency_of_the_registry_may_do_nothing(named: Any) -> None:
    assert refused({**OFFICER, "agency": named}) == (403, "no-agency")


def test_a_client_that_no_agency_names_may_do_nothing() -> None:
    assert refused(SYSTEM, "another") == (403, "no-agency")


def test_a_machine_has_no_agency_by_what_its_token_says() -> None:
    assert refused({**SYSTEM, "agency": "H26.12", "roles": "inspector"}) == (403, "no-agency")


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        ("", set()),
        (None, set()),
        ("auditor nonsense auditor", {Role.AUDITOR}),
        ("agency-system", set()),
        (["auditor"], set()),
    ],
)
def test_only_known_roles_count_and_no_account_is_a_machine(said: Any, roles: set[Role]) -> None:
    assert called({**OFFICER, "roles": said}).roles == roles
