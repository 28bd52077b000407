"""Who gets in: tokens that are missing, foreign, expired, tampered with or without an agency."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.shared.core.access import Role
from functions.shared.runtime.api.routes import PUBLISHING, ROUTES, Route
from infra.lienthong import context, signing_in
from infra.lienthong.problems import Unreachable
from tests.e2e.asking import (
    ERRANDS,
    Answer,
    account,
    ask,
    person_event,
    sign_ins,
    signed_in,
    token_of,
)
from tests.e2e.delivery import by_deadline

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

CLOSED: Final = [route for route in ROUTES if not route.open]
OPEN: Final = [route for route in ROUTES if route.open]
PASSWORD: Final = "An example, 1 of many"


def everywhere(stack: Deployed, token: str | None, routes: list[Route] = CLOSED) -> list[Answer]:
    """What each route answers to a token."""

    def one(route: Route) -> Answer:
        path = route.path.replace("{record}", "x").replace("{entry}", "x")
        body: Any = None
        media_type = "application/json"
        if route[:2] == PUBLISHING:
            body, media_type = person_event("never-taken"), "application/cloudevents+json"
        elif route.method == "POST":
            body = {}
        return ask(stack, route.method, path, token, ERRANDS[Role.AUDITOR], body, media_type)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, routes))


def is_shut(answer: Answer) -> bool:
    """Whether it is the gateway's 401, which says nothing more."""
    return answer.status == 401 and answer.document == {"message": "Unauthorized"}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found


def with_claims(token: str, **claims: Any) -> str:
    """The token with other claims and the signature that it had."""
    header, _, signature = token.split(".")
    text = json.dumps({**claims_of(token), **claims}).encode()
    return ".".join((header, base64.urlsafe_b64encode(text).rstrip(b"=").decode(), signature))


def test_nobody_gets_in_without_a_token(stack: Deployed) -> None:
    assert all(map(is_shut, everywhere(stack, None)))


def test_the_documentation_needs_none(stack: Deployed) -> None:
    assert [answer.status for answer in everywhere(stack, None, OPEN)] == [200] * len(OPEN)


@pytest.fixture(scope="module", name="foreign")
def _foreign(stack: Deployed) -> Iterator[str]:
    """A good token of another pool, which says the same of its holder."""
    client = stack.client("cognito-idp")
    pool = client.create_user_pool(PoolName="another")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = client.create_user_pool_client(
        UserPoolId=pool, ClientName="people", ExplicitAuthFlows=flows
    )["UserPoolClient"]["ClientId"]
    client.admin_create_user(UserPoolId=pool, Username="auditor", MessageAction="SUPPRESS")
    client.admin_set_user_password(
        UserPoolId=pool, Username="auditor", Password=PASSWORD, Permanent=True
    )
    answer = client.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "auditor", "PASSWORD": PASSWORD},
    )
    yield answer["AuthenticationResult"]["AccessToken"]
    client.delete_user_pool(UserPoolId=pool)


def test_a_token_of_another_pool_opens_nothing(stack: Deployed, foreign: str) -> None:
    assert all(map(is_shut, everywhere(stack, foreign)))


def test_a_token_of_another_client_of_the_pool_opens_nothing(stack: Deployed) -> None:
    client, pool = stack.client("cognito-idp"), stack.outputs["UserPoolId"]
    app = client.create_user_pool_client(
        UserPoolId=pool, ClientName="unknown", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    try:
        answer = client.initiate_auth(
            ClientId=app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={
                "USERNAME": Role.AUDITOR.value,
                "PASSWORD": sign_ins(stack)["people"][Role.AUDITOR],
            },
        )
        token = answer["AuthenticationResult"]["AccessToken"]
        assert is_shut(ask(stack, "GET", "/v1/me", token, ERRANDS[Role.AUDITOR]))
    finally:
        client.delete_user_pool_client(UserPoolId=pool, ClientId=app)


@pytest.mark.parametrize("claims", [{"roles": "inspector"}, {"exp": 4102444800}, {"agency": "G01"}])
def test_a_token_that_was_tampered_with_opens_nothing(
    stack: Deployed, claims: dict[str, Any]
) -> None:
    tampered = with_claims(token_of(stack, Role.AUDITOR), **claims)

    assert all(map(is_shut, everywhere(stack, tampered)))


def test_a_token_signed_by_nobody_opens_nothing(stack: Deployed) -> None:
    _, payload, _ = token_of(stack, Role.AUDITOR).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()

    for token in (f"{header}.{payload}.", f"{header}.{payload}.x", "x", "x.y.z"):
        assert is_shut(ask(stack, "GET", "/v1/me", token, ERRANDS[Role.AUDITOR]))


def test_a_token_that_has_expired_opens_nothing(stack: Deployed) -> None:
    client = stack.client("cognito-idp")
    names = {
        "UserPoolId": stack.outputs["UserPoolId"],
        "ClientId": stack.outputs["UserPoolClientId"],
    }
    before = client.describe_user_pool_client(**names)["UserPoolClient"]
    kept = {
        name: before[name]
        for name in ("ClientName", "ExplicitAuthFlows", "TokenValidityUnits", "AccessTokenValidity")
    }
    units = before["TokenValidityUnits"]
    client.update_user_pool_client(
        **names,
        **{
            **kept,
            "AccessTokenValidity": 2,
            "TokenValidityUnits": {**units, "AccessToken": "seconds"},
        },
    )
    try:
        password = sign_ins(stack)["people"][Role.AUDITOR]
        token = signed_in(stack, Role.AUDITOR, password)["AccessToken"]
    finally:
        client.update_user_pool_client(**names, **kept)

    by_deadline(
        lambda: ask(stack, "GET", "/v1/me", token, ERRANDS[Role.AUDITOR]).status == 401,
        "the token expires",
        20,
    )
    assert all(map(is_shut, everywhere(stack, token)))


def test_an_id_token_is_no_access_token(stack: Deployed) -> None:
    password = sign_ins(stack)["people"][Role.AUDITOR]
    token = signed_in(stack, Role.AUDITOR, password)["IdToken"]

    assert {answer.status for answer in everywhere(stack, token)} == {403}


@pytest.mark.parametrize("agency", [None, "H99.99"])
def test_an_account_without_an_agency_of_the_registry_is_refused(
    stack: Deployed, agency: str | None
) -> None:
    with account(stack, "newcomer", agency, Role.AUDITOR) as token:
        answers = everywhere(stack, token)

    assert {answer.status for answer in answers} == {403}
    assert {answer.document["code"] for answer in answers} == {"no-agency"}


def test_an_account_without_a_role_may_nothing(stack: Deployed) -> None:
    with account(stack, "newcomer", "H26") as token:
        me = ask(stack, "GET", "/v1/me", token, ERRANDS[Role.AUDITOR])
        log = ask(stack, "GET", "/v1/access-log?agency=H26", token, ERRANDS[Role.AUDITOR])

    assert me.document["roles"] == []
    assert (log.status, log.document["code"]) == (403, "not-permitted")


# The command line -----------------------------------------------------------------------------


@pytest.fixture(name="here")
def _here(stack: Deployed, tmp_path: Path) -> context.Stack:
    """The stack as commands see it, with sign-ins of its own."""
    for name in ("outputs.json", "sign-ins.json"):
        (tmp_path / name).write_bytes((stack.site.state / name).read_bytes())
    return context.read_outputs(tmp_path / "outputs.json")


def test_several_roles_are_signed_in_side_by_side(here: context.Stack, stack: Deployed) -> None:
    people = sign_ins(stack)["people"]
    for role in (Role.INSPECTOR, Role.AUDITOR):
        signing_in.sign_in(here, role, people[role])

    assert signing_in.current(here).roles == (Role.AUDITOR,)
    assert signing_in.current(here, Role.INSPECTOR).agency == "H26"
    token = signing_in.token(here, Role.INSPECTOR)
    assert ask(stack, "GET", "/v1/me", token, ERRANDS[Role.INSPECTOR]).status == 200


def test_a_token_that_is_about_to_expire_is_renewed_with_its_claims(
    here: context.Stack, stack: Deployed
) -> None:
    signing_in.sign_in(here, Role.AUDITOR, sign_ins(stack)["people"][Role.AUDITOR])
    old = signing_in.token(here)
    hour_later = signing_in.Sessions(here, now=lambda: float(claims_of(old)["exp"]) - 1)

    new = hour_later.token(None)

    assert new != old
    assert claims_of(new)["roles"] == claims_of(old)["roles"] == Role.AUDITOR
    assert ask(stack, "GET", "/v1/me", new, ERRANDS[Role.AUDITOR]).status == 200


def test_a_wrong_password_signs_nobody_in(here: context.Stack) -> None:
    with pytest.raises(Unreachable, match="no such name with this password"):
        signing_in.sign_in(here, Role.AUDITOR, "Not the password, 1")
    with pytest.raises(Unreachable, match="Sign in first: lienthong login --as one-stop-officer"):
        signing_in.token(here)


def test_a_first_password_is_changed_at_the_first_sign_in(
    here: context.Stack, stack: Deployed
) -> None:
    client, pool = stack.client("cognito-idp"), stack.outputs["UserPoolId"]
    client.admin_create_user(
        UserPoolId=pool,
        Username="beginner",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "custom:agency", "Value": "H26"}],
        MessageAction="SUPPRESS",
    )
    try:
        prompts = signing_in.Prompts(hidden=lambda _: "A second one, 2 of many")
        who = signing_in.sign_in(here, "beginner", PASSWORD, prompts)
    finally:
        client.admin_delete_user(UserPoolId=pool, Username="beginner")

    assert (who.name, who.agency) == ("beginner", "H26")
