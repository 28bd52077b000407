"""A batch delivered until it ends, over clients that fail, and what must then be so.

The batch goes the whole way: from the SQS event through the function to its answer. What the
answer names is delivered again, all of it where the function died. `assert_whole` is what the
guarantees G2 to G4 of the design come to.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from functions.shared.adapters.attributes import from_item, to_item
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.errors import LienThongError
from functions.shared.core.ledger import LedgerEntry, repeats
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.reading import read
from functions.shared.core.replay import disagreements, folded
from functions.shared.runtime.dead_letters import DeadLetterService
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Pipeline, Report
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent, messages_of
from functions.shared.runtime.sync import SyncService
from tests.builders import AGENCIES, ANYONE
from tests.faults import APPLICABLE, Call, Clock, Died, Fault, Faults, Faulty
from tests.integration.functions.memory import copied, tables_of
from tests.integration.functions.stack import (
    BUCKET,
    MotoWorld,
    create_table,
)

Place = tuple[str, frozenset[str]]
"""An operation and what it goes to: `records`, `ledger`, `agencies`, `quarantine`, `bucket`."""
Record = Mapping[str, Any]
"""A record of an SQS event."""
DEAD_LETTERS: Final = "arn:aws:sqs:ap-southeast-1:123456789012:dead-letters"
MOST_DELIVERIES: Final = 30


def _place(operation: str, *targets: str) -> Place:
    return operation, frozenset(targets)


KNOWN: Final[Mapping[Place, Mapping[str, Fault]]] = {
    place: APPLICABLE[place[0]]
    for place in (
        _place("batch_get_item", "ledger"),
        _place("batch_get_item", "records"),
        _place("batch_get_item", "ledger", "records"),
        _place("batch_get_item", "agencies"),
        _place("batch_get_item", "quarantine"),
        _place("transact_write_items", "ledger", "records"),
        _place("update_item", "quarantine"),
        _place("put_object", "bucket"),
    )
}
"""Every call that the functions make, and all that can happen to it."""


class Function(Protocol):
    """A function as Lambda calls it."""

    def handle(self, event: SqsEvent, context: LambdaContext) -> Answer: ...


class Ear(Narrator):
    """A narrator that also remembers what it was told."""

    def __init__(self) -> None:
        super().__init__("k" * 32)
        self.ends: dict[str, Verdict] = {}
        self.failures: list[Exception] = []

    def tell(self, queue: str, messages: Sequence[Message], report: Report) -> None:
        self._hear(messages, report)
        super().tell(queue, messages, report)

    def tell_dead_letters(self, queue: str, messages: Sequence[Message], report: Report) -> None:
        self._hear(messages, report)
        super().tell_dead_letters(queue, messages, report)

    def failed(self, queue: str, error: Exception) -> None:
        self.failures.append(error)
        super().failed(queue, error)

    def _hear(self, messages: Sequence[Message], report: Report) -> None:
        for position, verdict in report.verdicts.items():
            self.ends[messages[position].id] = verdict

    def counts(self) -> Counter[Verdict]:
        """How the messages ended."""
        return Counter(self.ends.values())


@dataclass
class Site(MotoWorld):
    """The tables of one kind, the registry, and the functions over them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.agencies_table = create_table(self.aws.dynamodb, "AgenciesTable")
        for id_, fields in AGENCIES.items():
            item = to_item({"agency_id": id_, **fields})
            self.aws.dynamodb.put_item(TableName=self.agencies_table, Item=item)

    def again(self) -> Site:
        """The same tables in memory once more, changed apart."""
        other = copy.copy(self)
        other.aws = copied(self.aws)
        return other

    @property
    def roles(self) -> Mapping[str, str]:
        """What a table or bucket is to the functions, by its name."""
        return {
            self.ledger_table: "ledger",
            self.records_table: "records",
            self.agencies_table: "agencies",
            self.quarantine_table: "quarantine",
            BUCKET: "bucket",
        }

    def place(self, call: Call) -> Place:
        """Which call it is."""
        return _place(call.operation, *(self.roles[name] for name in call.targets))

    def sync(self, dynamodb: Any, s3: Any, clock: Clock, narrator: Narrator) -> SyncService:
        """The sync function of the kind's queue, in a new process."""
        return SyncService(self.timed(dynamodb, s3, clock), narrator)

    def timed(self, dynamodb: Any, s3: Any, clock: Clock) -> Pipeline:
        """The pipeline of a function, which knows no other time than the clock's."""
        waiting = Waiting(clock.passes, lambda: 1.0)
        return Pipeline(
            kind=self.kind,
            store=replace(self.store(dynamodb), waiting=waiting),
            quarantine=replace(self.quarantine(dynamodb, s3), waiting=waiting),
            agencies=DynamoAgencies(dynamodb, self.agencies_table, waiting, lambda: clock.now),
            senders=ANYONE,
            now=self.now,
            salt=self.salt,
            jitter=lambda: 1.0,
            pause=clock.passes,
        )

    def dead_letter(
        self, dynamodb: Any, s3: Any, clock: Clock, narrator: Narrator
    ) -> DeadLetterService:
        """The function behind the dead-letter queues, in a new process."""
        waiting = Waiting(clock.passes, lambda: 1.0)
        return DeadLetterService(
            {DEAD_LETTERS: self.kind.queue},
            replace(self.ledger(dynamodb), waiting=waiting),
            replace(self.quarantine(dynamodb, s3), waiting=waiting),
            narrator,
            self.now,
        )


Start = Callable[[Any, Any, Clock, Narrator], Function]
"""Starts a function in a new process: over these clients of DynamoDB and S3."""


@dataclass(frozen=True)
class Delivered:
    """What was called until nothing came back, what was told, and how often it was delivered."""

    calls: Sequence[Call]
    ear: Ear
    deliveries: int


def delivered(
    site: Site,
    start: Start,
    batch: Sequence[Record],
    ear: Ear,
    faults: Faults | None = lambda _: None,
    clock: Clock | None = None,
) -> Delivered:
    """Delivers what comes back until nothing does; fails where something comes back for ever.

    The calls are numbered from the first delivery to the last. Where `faults` are None nothing
    stands between function and clients, and no call is seen.
    """
    clock, calls = clock or Clock(), list[Call]()
    dynamodb: Any = site.aws.dynamodb
    s3: Any = site.aws.s3
    if faults is not None:
        dynamodb = Faulty(dynamodb, faults, calls=calls, clock=clock)
        s3 = Faulty(s3, faults, calls=calls, clock=clock)
    arriving = list(batch)
    function: Function | None = None
    for number in range(1, MOST_DELIVERIES + 1):
        clock.begin()
        try:
            function = function or start(dynamodb, s3, clock, ear)
            answer = function.handle({"Records": arriving}, clock)
        except Died:
            function = None
            continue
        except LienThongError as error:  # Lambda reports it, and all of it comes back
            ear.failures.append(error)
            continue
        back = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        arriving = [record for record in arriving if record["messageId"] in back]
        if not arriving:
            return Delivered(calls, ear, number)
    raise AssertionError("Something came back for ever.")


def strangers(site: Site, calls: Iterable[Call]) -> set[Place]:
    """The calls for which nobody has said what can happen to them."""
    return {site.place(call) for call in calls} - set(KNOWN)


# What is there -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Whole:
    """What the tables hold, apart from what may depend on the order of arrival and on retries."""

    records: Mapping[str, Any]
    entries: Mapping[str, Any]
    quarantine: Mapping[str, Any]
    objects: Mapping[str, bytes]


_BY_ARRIVAL: Final = frozenset({"seen", "closed_at"})


def whole(site: Site) -> Whole:
    """All of it, bodies and reasons of the quarantine included."""
    kept = [from_item(item) for item in site.items(site.quarantine_table)]
    stored = {
        entry[name] for entry in kept for name in ("body_object", "reasons_object") if name in entry
    }
    return Whole(
        site.contents(),
        {
            uid: (
                entry.record_key,
                (entry.event.source, entry.event.id, entry.event.type, entry.event.stamp),
                entry.sender,
                {(change.field, change.rank, str(change.stated)) for change in entry.changes},
            )
            for uid, entry in site.entries().items()
        },
        {
            entry["quarantine_id"]: {n: v for n, v in entry.items() if n not in _BY_ARRIVAL}
            for entry in kept
        },
        {
            key: site.aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for key in sorted(stored)
        },
    )


@dataclass(frozen=True)
class Sent:
    """A message of a batch: the event it holds, and the entries that may keep it."""

    uid: str | None
    core: bytes | None
    entries: frozenset[str]


def sent(site: Site, batch: Sequence[Record]) -> list[Sent]:
    """The messages of a batch."""
    found = []
    for message in messages_of({"Records": batch}, ANYONE):
        envelope = read(message.body, site.kind).envelope
        ids = {quarantine_id(site.kind.queue, message.body, r) for r in (message.replays, None)}
        uid, core = (envelope.uid, envelope.core) if envelope is not None else (None, None)
        found.append(Sent(uid, core, frozenset(ids)))
    return found


def assert_whole(site: Site, expected: Whole, batch: Iterable[Sent]) -> None:
    """No update is lost, none is applied twice, ledger and record agree, quarantine is exact."""
    found = whole(site)
    assert found == expected
    entries = site.entries()
    records = site.records()
    assert {entry.record_key for entry in entries.values()} == {
        record.record_key for record in records.values()
    }
    chains: dict[str, list[LedgerEntry]] = {}
    for entry in sorted(entries.values(), key=lambda entry: entry.version):
        chains.setdefault(entry.record_key, []).append(entry)
    for key, record in records.items():
        chain = chains[record.record_key]
        assert disagreements(site.kind.name, key, chain) == []
        assert folded(site.kind.name, key, chain) == record
        assert record.version == len(chain)
    for message in batch:
        known = entries.get(message.uid or "")
        written = known is not None and repeats(known.event.digest, known.salt, message.core)
        assert written or message.entries & set(found.quarantine), "a message is unaccounted for"
    if (tables := tables_of(site.aws)) is not None:
        put = Counter(tables.puts)
        assert {put[site.ledger_table, uid] for uid in entries} <= {0, 1}, "an entry was replaced"
