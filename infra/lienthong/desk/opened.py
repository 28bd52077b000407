"""The desk of a stack, and who sits at it."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from functions.shared.adapters.desk import Desk, Places
from functions.shared.core.instants import instant
from functions.shared.core.registry import Senders
from infra.lienthong.context import Stack
from infra.lienthong.problems import Misuse, Refused
from infra.lienthong.send import urls_of
from infra.lienthong.tables import Patience, reached, waiting

LONGEST_NAME: Final = 256


@contextmanager
def opened(stack: Stack) -> Iterator[Desk]:
    """The stack's desk; failures of AWS inside become problems that say what to do next."""
    places = Places(
        quarantine=stack.output("QuarantineTable"),
        bucket=stack.output("QuarantineBucket"),
        ledger=stack.output("LedgerTable"),
        agencies=stack.output("AgenciesTable"),
        queues=urls_of(stack),
    )
    with (
        reached(),
        Desk(
            stack.dynamodb,
            stack.s3,
            stack.sqs,
            places,
            senders_of(stack),
            waiting=waiting(),
            patience=Patience,
            monotonic=time.monotonic,
        ) as desk,
    ):
        yield desk


def senders_of(stack: Stack) -> Senders:
    """Who may speak, as far as this stack's functions were told and we can know."""
    if stack.is_local or stack.parameters is None:
        return Senders(anyone=True)
    named = stack.parameters.get("RegistrySenders", "")
    return Senders(registry=frozenset(filter(None, named.split(","))))


def who(stack: Stack, named: str | None) -> str:
    """Who does it, as it is recorded: the caller's identity, on one machine user@host.

    `named` is another name, which only a stack of one machine takes.
    """
    if stack.is_local:
        if named is None:
            return f"{getpass.getuser()}@{socket.gethostname()}"
        if not 1 <= len(named) <= LONGEST_NAME or not named.isprintable():
            raise Misuse(f"A name has 1 to {LONGEST_NAME} printable characters. Correct --as.")
        return named
    if named is not None:
        raise Misuse(
            "On AWS the step is recorded under the identity that AWS knows. Leave --as out, or "
            "choose an identity with --profile."
        )
    with reached():
        return stack.identity()["Arn"]


def may_replay(stack: Stack) -> None:
    """Makes sure that the functions will believe our replays whom they are from.

    From anybody else a replay would look like a message of our own: it would be refused, and its
    entry closed for nothing.
    """
    if stack.is_local:
        return
    if stack.parameters is None:
        raise Misuse(
            "Whether you may replay stands in the stack's parameters, which this outputs file does "
            "not have. Name the stack with --stack-name, --profile and --region, or note its "
            "parameters in the file as an object `parameters`."
        )
    with reached():
        unique_id = stack.identity()["UserId"].partition(":")[0]
    if unique_id not in stack.parameters.get("RelaySenders", "").split(","):
        raise Refused(
            f"Your identity ({unique_id}) is not among the stack's RelaySenders, so its functions "
            "would not believe whom a replay is from. Use a role that is (--profile), or deploy "
            "with it in the parameter RelaySenders."
        )


def now() -> str:
    """The present instant."""
    return instant(datetime.now(UTC))
