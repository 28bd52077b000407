"""Who asks: the claims of a verified access token, and the registry, make a caller.

The gateway has verified the token; a request that comes without its claims is refused all the
same. An officer's agency and roles are in the token; a machine's agency is the one that names
its client id among its senders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.shared.core.access import Caller, Role
from functions.shared.ports import Deadline, Directory
from functions.shared.runtime.api.problems import Refused

_ROLES: Final[Mapping[str, Role]] = {
    role.value: role for role in Role if role is not Role.AGENCY_SYSTEM
}
"""What an account may be. No group of accounts makes one a machine."""


def caller_of(claims: Mapping[str, Any] | None, directory: Directory, deadline: Deadline) -> Caller:
    """The caller that the claims describe. Raises Refused (401, 403), Retry."""
    if claims is None or claims.get("token_use") != "access":
        raise _not_signed_in()
    client = _text(claims, "client_id")
    name = _text(claims, "username")
    if name is None:
        if client is None:
            raise _not_signed_in()
        agency = directory.of_sender(client, deadline)
        if agency is None:
            raise Refused("no-agency", _NO_SENDER)
        return _caller(client, client, agency, {Role.AGENCY_SYSTEM}, directory, deadline)
    id_, agency = _text(claims, "sub"), _text(claims, "agency")
    if id_ is None:
        raise _not_signed_in()
    if agency is None or directory.agency(agency, deadline) is None:
        raise Refused("no-agency", _NO_AGENCY)
    named = (claims.get("roles") or "") if isinstance(claims.get("roles"), str) else ""
    roles = {_ROLES[word] for word in named.split() if word in _ROLES}
    return _caller(id_, name, agency, roles, directory, deadline, is_system=False)


def _caller(
    id_: str,
    name: str,
    agency: str,
    roles: set[Role],
    directory: Directory,
    deadline: Deadline,
    *,
    is_system: bool = True,
) -> Caller:
    above = directory.above(agency, deadline)
    return Caller(id_, name, agency, above, frozenset(roles), is_system)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _not_signed_in() -> Refused:
    return Refused(
        "not-signed-in",
        "Send the access token of your sign-in as a bearer token in Authorization.",
        headers={"WWW-Authenticate": "Bearer"},
    )


_NO_AGENCY: Final = (
    "The account names no agency that the registry has; ask the operator to enter the agency of"
    " the account, then sign in again."
)
_NO_SENDER: Final = (
    "No agency, or more than one, names this client among its senders; ask the operator to name"
    " it in the registry record of one agency."
)
