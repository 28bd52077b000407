"""A town on moto: tables of every kind over one ledger and one quarantine, and doors to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from functions.shared.adapters.reader import THREADS, Doors
from functions.shared.core.kinds import KINDS, PERSON
from tests.builders import kind_of_type, messages, salts, ticking
from tests.fakes import Unhurried
from tests.integration.functions.stack import WAITING, Aws, MotoWorld, create_table


class MotoTown:
    """What `FakeTown` is in memory, on moto."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        now, salt = ticking(), salts()
        self.worlds = {
            kind.name: MotoWorld(aws, kind, now=now, salt=salt) for kind in KINDS.values()
        }
        self.heads = create_table(aws.dynamodb, "AccessHeadsTable")
        first = self.worlds[PERSON.name]
        self.ledger, self.quarantine = first.ledger_table, first.quarantine_table
        for world in self.worlds.values():
            world.ledger_table, world.quarantine_table = self.ledger, self.quarantine

    def sent(self, *documents: Mapping[str, Any] | str, kind: str = PERSON.name) -> MotoTown:
        """Takes these events in, each in a batch of its own."""
        for document in documents:
            queue = kind
            if not isinstance(document, str):
                queue = kind_of_type(document["type"].removeprefix("vn.lienthong.")).name
            self.worlds[queue].pipeline().run(messages([document]), Unhurried())
        return self

    @contextmanager
    def doors(self, client: Any = None) -> Iterator[Doors]:
        """Doors over the tables, or over a stand-in of the client."""
        with ThreadPoolExecutor(THREADS) as pool:
            yield Doors(
                client=client or self.aws.dynamodb,
                records={name: world.records_table for name, world in self.worlds.items()},
                ledger=self.ledger,
                quarantine=self.quarantine,
                heads=self.heads,
                waiting=WAITING,
                pool=pool,
            )
