"""The accounts of a local stack, and the secrets that it keeps."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from functions.shared.core.access import Role
from infra.local import accounts, deployment, registry
from infra.local.site import Site


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(state=tmp_path / "state", endpoint="http://localhost:1", region="ap-southeast-1")


def test_there_is_one_account_for_every_role_that_a_person_has() -> None:
    assert set(accounts.ACCOUNTS) == set(Role) - {Role.AGENCY_SYSTEM}


def test_every_account_is_of_an_agency_that_the_seed_registers() -> None:
    seeded = {event.agency_id for event in registry.read_seed()}

    agencies = {account.agency for account in accounts.ACCOUNTS.values()}
    assert {*agencies, accounts.SYSTEM_AGENCY} <= seeded


@pytest.mark.parametrize("content", [None, "", "[]", '{"user_pool": "x"}'])
def test_what_is_not_kept_whole_is_made_again(site: Site, content: str | None) -> None:
    if content is not None:
        deployment.write_secret(site.state / accounts.SIGN_INS, content)

    assert accounts.kept(site) is None


def test_what_was_made_is_found_again(site: Site) -> None:
    system = {"agency": "H26.201", "client_id": "a", "client_secret": "b"}
    text = json.dumps({"user_pool": "pool", "people": {"auditor": "x"}, "system": system})
    deployment.write_secret(site.state / accounts.SIGN_INS, text)

    found = accounts.kept(site)

    assert found == accounts.SignIns("pool", {"auditor": "x"}, accounts.System(**system))


def test_a_secret_is_made_once_and_for_its_owner_alone(site: Site) -> None:
    first = deployment.record_id_key(site)

    assert deployment.record_id_key(site) == first
    assert len(bytes.fromhex(first)) == 64
    assert len(bytes.fromhex(deployment.log_hash_key(site))) == 32
    for path in site.state.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
