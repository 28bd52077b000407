"""`lienthong login`, `logout`, `whoami`: signing in to a stack's user pool, and what is kept of it.

What is kept is in one file that its owner alone may read: beside the outputs of a local stack, else
under `~/.config/lienthong`. Several people may be signed in side by side; the last one to sign in
is who asks, unless a command says `--as`. Passwords are never kept, never taken from the command
line; those of a local stack's accounts are read from where `make up` keeps them.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from functions.shared.core.access import Role
from infra.lienthong import context
from infra.lienthong.api import SignedIn, read_token
from infra.lienthong.console import Console, Json, markup
from infra.lienthong.context import Stack
from infra.lienthong.problems import Exit, Misuse, Problem, Unreachable
from infra.local.accounts import SIGN_INS
from infra.local.deployment import write_secret

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

FIRST_ROLE: Final = Role.ONE_STOP_OFFICER.value
MARGIN: Final = 30
"""Seconds. A token that expires sooner is renewed before it is used."""
MOST_CHALLENGES: Final = 5


@dataclass(frozen=True)
class Prompts:
    """How a person is asked for what is not to be seen, and for what may be."""

    hidden: Callable[[str], str] = getpass.getpass
    shown: Callable[[str], str] = input


@dataclass(frozen=True)
class Kept:
    """One person's sign-in; `expires` is the access token's end, in seconds since 1970."""

    access: str
    refresh: str
    expires: float


class Sessions:
    """The sign-ins to one stack that are kept in a file."""

    def __init__(self, stack: Stack, now: Callable[[], float] = time.time) -> None:
        self._stack = stack
        self._now = now
        self._file = _folder(stack) / f"session-{stack.output('UserPoolId')}.json"
        self._people, self._current = self._read()

    @property
    def names(self) -> list[str]:
        """Who is signed in, the one who asks unless told otherwise first."""
        return sorted(self._people, key=lambda name: (name != self._current, name))

    def token(self, name: str | None) -> str:
        """The access token of a person, renewed where it is about to expire; None is whoever
        signed in last. Raises `Problem` where that person is not signed in."""
        who = name or self._current
        kept = self._people.get(who) if who is not None else None
        if who is None or kept is None:
            raise _sign_in_first(self._stack, name)
        if kept.expires - self._now() > MARGIN:
            return kept.access
        client = user_pool(self._stack)
        try:
            answer = client.initiate_auth(
                ClientId=self._stack.output("UserPoolClientId"),
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": kept.refresh},
            )
        except Exception as error:
            if not _is(error, "NotAuthorizedException", "UserNotFoundException"):
                raise context.explained(error) from None
            self.forget(who)
            raise _sign_in_first(self._stack, who) from None
        return self.keep(who, cast("dict[str, Any]", answer["AuthenticationResult"]), kept.refresh)

    def keep(self, name: str, result: Mapping[str, Any], refresh: str = "") -> str:
        """Keeps what a sign-in or a renewal gave; the access token."""
        access = str(result["AccessToken"])
        expires = self._now() + float(result.get("ExpiresIn", 300))
        self._people[name] = Kept(access, str(result.get("RefreshToken") or refresh), expires)
        if not refresh:
            self._current = name
        self._write()
        return access

    def forget(self, name: str) -> Kept | None:
        """Takes a person's sign-in out; None where there is none."""
        kept = self._people.pop(name, None)
        if self._current == name:
            self._current = None
        self._write()
        return kept

    def _read(self) -> tuple[dict[str, Kept], str | None]:
        try:
            value = json.loads(self._file.read_bytes())
            people = {str(name): Kept(**kept) for name, kept in value["people"].items()}
            current = value["current"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, None  # nobody has signed in, or not with this version
        return people, current if current in people else None

    def _write(self) -> None:
        people = {name: vars(kept) for name, kept in self._people.items()}
        text = json.dumps({"current": self._current, "people": people})
        write_secret(self._file, text + "\n")


def add_as_option(parser: argparse.ArgumentParser) -> None:
    """`--as`: who asks, of those who are signed in (`as_role`)."""
    parser.add_argument(
        "--as",
        dest="as_role",
        metavar="NAME",
        help="who asks, of those who are signed in (default: whoever signed in last); the accounts "
        "of a local stack are named after their roles",
    )


def token(stack: Stack, as_role: str | None = None) -> str:
    """The access token to ask a stack's API with, renewed where needed.

    Raises `Problem` that says how to sign in where nobody, or not that person, is signed in.
    """
    return Sessions(stack).token(as_role)


def current(stack: Stack, as_role: str | None = None) -> SignedIn:
    """Who asks, by the token's own words. Raises as `token` does."""
    return read_token(token(stack, as_role))


def sign_in(
    stack: Stack,
    name: str,
    password: str,
    prompts: Prompts | None = None,
    say: Callable[[str], None] = print,
    client: CognitoIdentityProviderClient | None = None,
) -> SignedIn:
    """Signs a person in and keeps it; asks for a new password or a code where the pool wants one.

    Raises `Problem` where the pool refuses.
    """
    prompts = prompts or Prompts()
    client = client or user_pool(stack)
    client_id = stack.output("UserPoolClientId")
    try:
        answer: Any = client.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        for _ in range(MOST_CHALLENGES):
            if "AuthenticationResult" in answer:
                break
            challenge, session = str(answer["ChallengeName"]), str(answer.get("Session", ""))
            replies = {"USERNAME": name}
            if challenge == "NEW_PASSWORD_REQUIRED":
                replies["NEW_PASSWORD"] = _new_password(prompts)
            elif challenge == "SOFTWARE_TOKEN_MFA":
                replies["SOFTWARE_TOKEN_MFA_CODE"] = prompts.shown("Code of the app: ").strip()
            elif challenge == "MFA_SETUP":
                session = _enrol(client, session, prompts, say)
            else:
                raise Unreachable(
                    f"The user pool asks for {challenge}, which this command cannot answer. Ask "
                    "the operator how accounts are set up."
                )
            answer = client.respond_to_auth_challenge(
                ClientId=client_id,
                ChallengeName=challenge,  # type: ignore[arg-type]  # one of those above
                Session=session,
                ChallengeResponses=replies,
            )
    except Problem:
        raise
    except Exception as error:
        raise _refusal(error) from None
    if "AuthenticationResult" not in answer:
        raise Unreachable("The user pool keeps asking. Begin anew with `lienthong login`.")
    return read_token(Sessions(stack).keep(name, answer["AuthenticationResult"]))


def user_pool(stack: Stack) -> CognitoIdentityProviderClient:
    """A client that signs nothing: signing in needs no AWS credentials."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    region = stack.output("UserPoolId").partition("_")[0]
    config = Config(
        signature_version=UNSIGNED, connect_timeout=5, read_timeout=30, retries={"mode": "standard"}
    )
    return boto3.Session(region_name=region).client(
        "cognito-idp", endpoint_url=stack.endpoint, config=config
    )


# Commands -----------------------------------------------------------------------------------


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`login`, `logout` and `whoami`."""
    parser = commands.add_parser(
        "login",
        help="sign in to the API",
        description="Sign in. On a local stack: as one of its accounts, one for every role. "
        "Elsewhere: with your user name; the password is asked for.",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--as", dest="as_role", metavar="ROLE", help=f"a role (default: {FIRST_ROLE})")
    who.add_argument("--user", metavar="NAME", help="a user name of the pool")
    context.add_stack_options(parser)
    parser.set_defaults(run=login)
    parser = commands.add_parser(
        "logout",
        help="sign out of the API",
        description="Sign out: tokens are revoked and forgotten. Without --as, everybody's.",
    )
    parser.add_argument("--as", dest="as_role", metavar="NAME", help="this person alone")
    context.add_stack_options(parser)
    parser.set_defaults(run=logout)
    parser = commands.add_parser(
        "whoami",
        help="who is signed in",
        description="Show who is signed in, with agency and roles; the first is who asks.",
    )
    add_as_option(parser)
    context.add_stack_options(parser)
    parser.set_defaults(run=whoami)


def login(options: argparse.Namespace, console: Console) -> Exit:
    """Sign in, and show who that is."""
    stack = context.resolve(options)
    if options.user is not None:
        name, password = options.user, Prompts().hidden(f"Password of {options.user}: ")
    else:
        name = options.as_role or FIRST_ROLE
        password = _password_of_account(stack, name)
    _show(console, [sign_in(stack, name, password, say=console.note)])
    return Exit.OK


def logout(options: argparse.Namespace, console: Console) -> Exit:
    """Sign out; the tokens are revoked."""
    stack = context.resolve(options)
    sessions = Sessions(stack)
    gone = [name for name in sessions.names if options.as_role in (None, name)]
    client = user_pool(stack)
    for name in gone:
        kept = sessions.forget(name)
        if kept is None or not kept.refresh:
            continue
        try:
            client.revoke_token(Token=kept.refresh, ClientId=stack.output("UserPoolClientId"))
        except Exception as error:
            # It is forgotten here either way; a token of a pool that is gone opens nothing.
            console.note(f"{name} is forgotten. {context.explained(error).message}")
    if console.as_json:
        console.document({"signed_out": cast(Json, gone)})
    else:
        console.say(f"Signed out: {', '.join(gone)}." if gone else "Nobody was signed in.")
    return Exit.OK


def whoami(options: argparse.Namespace, console: Console) -> Exit:
    """Show who is signed in."""
    stack = context.resolve(options)
    sessions = Sessions(stack)
    if options.as_role is not None or not sessions.names:
        _show(console, [read_token(sessions.token(options.as_role))])
        return Exit.OK
    _show(console, [read_token(sessions.token(name)) for name in sessions.names])
    return Exit.OK


def _show(console: Console, people: list[SignedIn]) -> None:
    if console.as_json:
        listed = [
            {"name": who.name, "agency": who.agency, "roles": list(who.roles)} for who in people
        ]
        console.document({"signed_in": cast(Json, listed)})
        return
    for who in people:
        roles = ", ".join(who.roles) or "no role"
        agency = f"of {who.agency}" if who.agency else "of no agency, so the API refuses everything"
        console.say(markup(f"{who.name} {agency}, signed in as {roles}."))


# Reasons and replies ------------------------------------------------------------------------


def _folder(stack: Stack) -> Path:
    if stack.emulated and Path(stack.described_by).is_file():
        return Path(stack.described_by).parent
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "lienthong"


def _password_of_account(stack: Stack, name: str) -> str:
    path = _folder(stack) / SIGN_INS
    try:
        people = json.loads(path.read_bytes())["people"]
    except (OSError, ValueError, KeyError):
        raise Misuse(
            f"{stack.described_by} has no accounts that were made by `make up`. Name yours: "
            "`lienthong login --user NAME`."
        ) from None
    if name not in people:
        raise Misuse(f"There is no account {name}. There are: {', '.join(sorted(people))}.")
    return str(people[name])


def _sign_in_first(stack: Stack, name: str | None) -> Problem:
    if not stack.emulated:
        return Unreachable(f"Sign in first: lienthong login --user {name or 'NAME'}")
    return Unreachable(f"Sign in first: lienthong login --as {name or FIRST_ROLE}")


def _new_password(prompts: Prompts) -> str:
    first = prompts.hidden("The password has to be changed. New password: ")
    if first != prompts.hidden("Once more: "):
        raise Misuse("The two are not the same. Run `lienthong login` again.")
    return first


def _enrol(
    client: CognitoIdentityProviderClient,
    session: str,
    prompts: Prompts,
    say: Callable[[str], None],
) -> str:
    """Enters an authenticator app for the account; the session to go on with."""
    answer = client.associate_software_token(Session=session)
    say(f"Enter this key into an authenticator app: {answer['SecretCode']}")
    code = prompts.shown("Code of the app: ").strip()
    return client.verify_software_token(Session=answer["Session"], UserCode=code)["Session"]


def _refusal(error: Exception) -> Problem:
    if _is(error, "NotAuthorizedException", "UserNotFoundException"):
        return Unreachable("The user pool knows no such name with this password. Try again.")
    if _is(
        error, "CodeMismatchException", "ExpiredCodeException", "EnableSoftwareTokenMFAException"
    ):
        return Unreachable("The code was not accepted. Run `lienthong login` again.")
    if _is(error, "InvalidPasswordException"):
        return Misuse(
            "The new password is too weak: 14 characters or more, with upper and lower case, a "
            "digit and a symbol, and none of the last twelve."
        )
    if _is(error, "PasswordResetRequiredException", "UserNotConfirmedException"):
        return Unreachable("The account is not ready. Ask the operator to set a password.")
    if _is(error, "TooManyRequestsException", "LimitExceededException"):
        return Unreachable("The user pool was asked too often. Wait a minute and try again.")
    return context.explained(error)


def _is(error: Exception, *codes: str) -> bool:
    from botocore.exceptions import ClientError

    return isinstance(error, ClientError) and error.response["Error"].get("Code") in codes
