"""Puts an account's agency and roles into the access token that its sign-in gets."""

from functions.shared.runtime.token_claims import TokenContext, TokenEvent, with_claims


def lambda_handler(event: TokenEvent, context: TokenContext) -> TokenEvent:
    """The event with its response; an error refuses the sign-in."""
    del context
    return with_claims(event)
