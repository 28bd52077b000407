"""The tables of a stack, read by commands; what cannot be read is told in sentences."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import botocore.exceptions

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.bulk import Waiting
from functions.shared.core.errors import LienThongError, Retry
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, PERSON
from infra.lienthong import context
from infra.lienthong.context import Stack
from infra.lienthong.problems import Unreachable

OUTPUT_OF_KIND: Final = {
    PERSON.name: "PeopleTable",
    INSURANCE_CARD.name: "InsuranceCardsTable",
    DOSSIER.name: "DossiersTable",
    AGENCY.name: "AgenciesTable",
}
_PATIENCE: Final = 60.0
_SOURCE: Final = "/agencies/"


class Patience:
    """A deadline so many seconds from now."""

    def __init__(self, seconds: float = _PATIENCE) -> None:
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left."""
        return self._until - time.monotonic()


def waiting() -> Waiting:
    """How commands wait between two tries."""
    return Waiting(time.sleep, random.random)


def archive_of(stack: Stack) -> Archive:
    """The stack's tables, for reading."""
    return Archive(
        stack.dynamodb,
        {kind: stack.output(output) for kind, output in OUTPUT_OF_KIND.items()},
        stack.output("LedgerTable"),
        stack.output("QuarantineTable"),
        waiting(),
    )


@contextmanager
def reached() -> Iterator[None]:
    """Failures of AWS inside become problems that say what to do next."""
    try:
        yield
    except Retry as error:
        raise Unreachable(f"{error} Try again in a moment.") from None
    except LienThongError as error:
        raise Unreachable(
            f"{error} If the outputs are not those of this stack, run `make up` again or check "
            "--stack-name and --region; if it was a permission, use another --profile."
        ) from None
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise context.explained(error) from None


class AgencyNames:
    """Names of agencies as the registry has them, read once each."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[str, str | None] = {}

    def of(self, source: str) -> str | None:
        """The name of the agency that speaks as `source`, if the registry has one."""
        if source not in self._known:
            agency = source.removeprefix(_SOURCE)
            item = self._archive.record_item(AGENCY.name, agency) if agency != source else None
            name = from_item(item).get("name") if item is not None else None
            self._known[source] = name if isinstance(name, str) else None
        return self._known[source]


def short(source: str) -> str:
    """`H26.12` of `/agencies/H26.12`."""
    return source.removeprefix(_SOURCE)
