"""What the user pool's trigger adds to an access token: the account's agency and its roles.

The event is Cognito's pre token generation event, version 2 (Cognito developer guide, "Pre token
generation Lambda trigger"). What an account does not have is left out, never guessed: a token
without an agency opens nothing. An event of another form is an error, and an error refuses the
sign-in. Nothing is logged: an event is an officer's data.
"""

from __future__ import annotations

from typing import Any, Final

from functions.shared.core.access import Role
from functions.shared.core.errors import Defect

TokenEvent = dict[str, Any]
TokenContext = object
VERSION: Final = "2"
AGENCY_ATTRIBUTE: Final = "custom:agency"
_ROLES: Final = frozenset(role.value for role in Role)


def with_claims(event: TokenEvent) -> TokenEvent:
    """The event, its response saying which claims the access token gets: `agency`, the user
    attribute `custom:agency`; `roles`, those of the account's groups that are roles, sorted, a
    space between. Raises Defect where the event is not of version 2."""
    if event.get("version") != VERSION:
        raise Defect("The trigger takes events of version 2; correct the template's user pool.")
    request = event["request"]
    agency = (request.get("userAttributes") or {}).get(AGENCY_ATTRIBUTE)
    groups = (request.get("groupConfiguration") or {}).get("groupsToOverride") or ()
    roles = sorted(_ROLES.intersection(groups))
    claims = {}
    if isinstance(agency, str) and agency.strip():
        claims["agency"] = agency.strip()
    if roles:
        claims["roles"] = " ".join(roles)
    details = {"accessTokenGeneration": {"claimsToAddOrOverride": claims}}
    return {**event, "response": {"claimsAndScopeOverrideDetails": details}}
