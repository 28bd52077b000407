"""The accounts of a local stack: a person for every role, and the system of one agency.

The people are invented. Each is named after the role, so that nobody has to remember a name. What
opens the accounts is made once and kept in a file that its owner alone may read.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.dynamodb import record_from_item
from functions.shared.core.access import Role
from functions.shared.core.instants import instant
from functions.shared.core.kinds import AGENCY
from infra.local import registry
from infra.local.deployment import write_secret
from infra.local.site import Site

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

SIGN_INS: Final = "sign-ins.json"
"""In the site's state: passwords by name, and the system's client with its secret."""
SCOPE: Final = "lienthong/api"
SYSTEM_AGENCY: Final = "H26.201"
"""The agency whose system may ask and publish; the registry's seed has it."""


@dataclass(frozen=True)
class Account:
    """A person: the agency they work for, and what they are called."""

    agency: str
    full_name: str


ACCOUNTS: Final[Mapping[Role, Account]] = {
    Role.ONE_STOP_OFFICER: Account("H26.201", "Nguyễn Thị Mẫu"),
    Role.INSURANCE_OFFICER: Account("G24", "Trần Văn Thử"),
    Role.FACILITY_STAFF: Account("H26.901", "Lê Thị Ví Dụ"),
    Role.POPULATION_OFFICER: Account("G01", "Phạm Văn Nháp"),
    Role.QUALITY_OFFICER: Account("H26", "Hoàng Thị Kiểm"),
    Role.INSPECTOR: Account("H26", "Vũ Văn Thanh Tra"),
    Role.AUDITOR: Account("H26", "Đặng Thị Soát"),
    Role.OPERATOR: Account("H26", "Bùi Văn Trực"),
}
"""Everybody but the systems of agencies, which are no people."""


@dataclass(frozen=True)
class System:
    """The client by which an agency's system gets its tokens."""

    agency: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class SignIns:
    """What opens the accounts of one user pool."""

    user_pool: str
    people: Mapping[str, str]
    system: System


def kept(site: Site) -> SignIns | None:
    """What was made by an earlier `seed`; None where nothing was."""
    try:
        value = json.loads((site.state / SIGN_INS).read_bytes())
        return SignIns(value["user_pool"], value["people"], System(**value["system"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def seed(site: Site, outputs: Mapping[str, str], report: Callable[[str], None]) -> SignIns:
    """The accounts of the stack's user pool, made where they are not there.

    Repeating it does nothing. The system's client still has to be named to the gateway (parameter
    `SystemClientIds`) and to the registry (`register`).
    """
    pool = outputs["UserPoolId"]
    client: CognitoIdentityProviderClient = site.client("cognito-idp")
    before = kept(site)
    names = {role.value for role in ACCOUNTS}
    if before is not None and before.user_pool == pool and set(before.people) == names:
        there = {user.get("Username") for user in client.list_users(UserPoolId=pool)["Users"]}
        if there >= names and _has_client(client, pool, before.system.client_id):
            return before
    report(f"Making {len(ACCOUNTS)} accounts, one for every role, and the system of an agency.")
    people = {role.value: _make_account(client, pool, role) for role in ACCOUNTS}
    made = SignIns(pool, people, _make_system(client, pool))
    text = {**vars(made), "system": vars(made.system)}
    write_secret(site.state / SIGN_INS, json.dumps(text, indent=2) + "\n")
    return made


def register(
    site: Site, outputs: Mapping[str, str], system: System, report: Callable[[str], None]
) -> None:
    """Has the registry name the client among the senders of its agency, once."""
    from infra.lienthong.registry_events import CHANGED, event_of, fields_of

    answer: Any = site.dynamodb.get_item(
        TableName=outputs["AgenciesTable"],
        Key={AGENCY.key: {"S": system.agency}},
        ConsistentRead=True,
    )
    item = answer.get("Item")
    record = record_from_item(AGENCY, item) if item is not None else None
    senders = list(fields_of(record).get("senders") or ())
    if record is None or system.client_id in senders:
        return
    fields: Any = {"senders": [*senders, system.client_id]}
    now = instant(datetime.now(UTC))
    event = event_of(CHANGED, system.agency, fields, record, now, f"client-{system.client_id}")
    seeds = [registry.SeedEvent(event.body, event.event_uid, event.agency)]
    registry.seed(site, outputs, report, seeds)


def _make_account(client: CognitoIdentityProviderClient, pool: str, role: Role) -> str:
    account, name = ACCOUNTS[role], role.value
    attributes: Any = [
        {"Name": "custom:agency", "Value": account.agency},
        {"Name": "name", "Value": account.full_name},
    ]
    password = f"{secrets.token_urlsafe(18)}.aA1"
    try:
        client.admin_create_user(
            UserPoolId=pool,
            Username=name,
            UserAttributes=attributes,
            TemporaryPassword=password,
            MessageAction="SUPPRESS",
        )
    except client.exceptions.UsernameExistsException:
        client.admin_update_user_attributes(
            UserPoolId=pool, Username=name, UserAttributes=attributes
        )
    client.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=password, Permanent=True
    )
    client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=name)
    return password


def _make_system(client: CognitoIdentityProviderClient, pool: str) -> System:
    made = client.create_user_pool_client(
        UserPoolId=pool,
        ClientName=f"system of {SYSTEM_AGENCY}",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[SCOPE],
    )["UserPoolClient"]
    return System(SYSTEM_AGENCY, made["ClientId"], made["ClientSecret"])


def _has_client(client: CognitoIdentityProviderClient, pool: str, client_id: str) -> bool:
    try:
        client.describe_user_pool_client(UserPoolId=pool, ClientId=client_id)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True
