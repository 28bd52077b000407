"""The API of a deployed stack as its callers ask it: people by role, an agency's system."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError

from functions.shared.core.access import Role
from infra.local import accounts
from infra.local.accounts import SCOPE, SIGN_INS
from tests.e2e.delivery import by_deadline

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

DOSSIER: Final = "000.00.01.H26-260302-0001"
ERRANDS: Final[Mapping[str, Mapping[str, str]]] = {
    Role.AGENCY_SYSTEM: {"X-Purpose": "data-sharing"},
    Role.ONE_STOP_OFFICER: {"X-Purpose": "dossier-handling", "X-Case": DOSSIER},
    Role.INSURANCE_OFFICER: {"X-Purpose": "insurance-administration"},
    Role.FACILITY_STAFF: {"X-Purpose": "medical-examination", "X-Case": "visit-1"},
    Role.POPULATION_OFFICER: {"X-Purpose": "population-administration"},
    Role.QUALITY_OFFICER: {"X-Purpose": "data-quality", "X-Case": "ticket-1"},
    Role.INSPECTOR: {"X-Purpose": "inspection", "X-Case": "decision-1"},
    Role.AUDITOR: {"X-Purpose": "audit"},
    Role.OPERATOR: {"X-Purpose": "operation"},
}
"""The errand that each role is there for."""
ANSWER_TO_A_REQUEST: Final = {"X-Purpose": "subject-request", "X-Case": "request-1"}


@dataclass(frozen=True)
class Answer:
    """What the API said; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that it is."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def ask(
    stack: Deployed,
    method: str,
    path: str,
    token: str | None = None,
    errand: Mapping[str, str] | None = None,
    body: Any = None,
    media_type: str = "application/json",
) -> Answer:
    """One request, whatever comes of it."""
    content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {
        **({} if token is None else {"Authorization": f"Bearer {token}"}),
        **(errand or {}),
        **({} if content is None else {"Content-Type": media_type}),
    }
    url = stack.outputs["ApiUrl"] + path
    request = urllib.request.Request(url, data=content, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=30)
    except HTTPError as error:
        answer = error
    with answer:
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, names, answer.read())


def ask_as(stack: Deployed, role: str, method: str, path: str, body: Any = None) -> Answer:
    """One request of a role on the errand it is there for."""
    return ask(stack, method, path, token_of(stack, role), ERRANDS[role], body)


def sign_ins(stack: Deployed) -> dict[str, Any]:
    """What opens the accounts that the stack was seeded with."""
    found: dict[str, Any] = json.loads((stack.site.state / SIGN_INS).read_bytes())
    return found


_TOKENS: Final[dict[tuple[str, str], str]] = {}


def token_of(stack: Deployed, role: str) -> str:
    """The access token of the account of a role; for a system that of its client."""
    key = (stack.endpoint, str(role))
    if key not in _TOKENS:
        _TOKENS[key] = _new_token_of(stack, str(role))
    return _TOKENS[key]


def signed_in(stack: Deployed, name: str, password: str) -> dict[str, str]:
    """The tokens that a name and a password get from the stack's pool."""
    answer = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    tokens: dict[str, str] = answer["AuthenticationResult"]
    return tokens


@contextmanager
def account(stack: Deployed, name: str, agency: str | None, *groups: str) -> Iterator[str]:
    """An account that is there while the block runs; its access token."""
    client, pool = stack.client("cognito-idp"), stack.outputs["UserPoolId"]
    password = "An example, 1 of many"
    attributes = [] if agency is None else [{"Name": "custom:agency", "Value": agency}]
    client.admin_create_user(
        UserPoolId=pool,
        Username=name,
        TemporaryPassword=password,
        UserAttributes=attributes,
        MessageAction="SUPPRESS",
    )
    try:
        client.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=password, Permanent=True
        )
        for group in groups:
            client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
        yield signed_in(stack, name, password)["AccessToken"]
    finally:
        client.admin_delete_user(UserPoolId=pool, Username=name)


def _new_token_of(stack: Deployed, role: str) -> str:
    known = sign_ins(stack)
    if role != Role.AGENCY_SYSTEM:
        return signed_in(stack, role, known["people"][role])["AccessToken"]
    system = known["system"]
    pair = f"{system['client_id']}:{system['client_secret']}".encode()
    request = urllib.request.Request(
        stack.outputs["SystemTokenUrl"],
        data=f"grant_type=client_credentials&scope={SCOPE}".encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


# What is asked about ------------------------------------------------------------------------

PERSON: Final = "001190000777"
NAME: Final = "Nguyễn Văn Thử Nghiệm"
EVENTS_TYPE: Final = "application/cloudevents-batch+json"


def person_event(id_: str, **fields: Any) -> dict[str, Any]:
    """An event by which the agency of the system registers, or updates, a person."""
    type_ = "person.registered" if "full_name" in fields else "person.updated"
    return {
        "specversion": "1.0",
        "id": id_,
        "source": f"/agencies/{accounts.SYSTEM_AGENCY}",
        "type": f"vn.lienthong.{type_}.v1",
        "subject": PERSON,
        "time": "2026-03-02T08:15:00+07:00",
        "data": {"personal_id": PERSON, **fields},
    }


def publish(stack: Deployed, *events: Mapping[str, Any]) -> Answer:
    """Events as the agency's system sends them over HTTP."""
    token = token_of(stack, Role.AGENCY_SYSTEM)
    return ask(stack, "POST", "/v1/events", token, body=list(events), media_type=EVENTS_TYPE)


def receipt(stack: Deployed, id_: str) -> Answer:
    """What became of an event of the agency's system, once it ended."""
    path = f"/v1/events?source=/agencies/{accounts.SYSTEM_AGENCY}&id={id_}"
    found: list[Answer] = []

    def ended() -> bool:
        found.append(ask_as(stack, Role.AGENCY_SYSTEM, "GET", path))
        return found[-1].status != 404

    by_deadline(ended, f"the event {id_} ends", 60)
    return found[-1]
