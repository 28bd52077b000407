"""Messages on their way to the queues of a deployed stack, and what its tables hold afterwards.

What a test expects is worked out here from the contract alone, not with the service's own code:
the digest of an event (contract section 5) and the id of a quarantine entry (section 7).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.core.ledger import LedgerEntry
from infra.lienthong.verification import Verifier

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

QUEUES: Final = ("population", "insurance", "dossier", "registry")
QUEUE_OF: Final[Mapping[str, str]] = {
    "person": "population",
    "insurance-card": "insurance",
    "dossier": "dossier",
    "agency": "registry",
}
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "person": ("PeopleTable", "personal_id"),
    "insurance-card": ("InsuranceCardsTable", "insurance_number"),
    "dossier": ("DossiersTable", "dossier_code"),
    "agency": ("AgenciesTable", "agency_id"),
}
"""Record kind -> the output that names its table, and the table's key."""
CORE: Final = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "correctionof",
    "data",
)
MOST_MESSAGES: Final = 10
MOST_BYTES: Final = 1024 * 1024
VISIBILITY: Final = 20
"""Seconds, so that what comes again does so within a test's patience (by the template 420)."""
PATIENCE: Final = 240.0

Place = tuple[str, str]
"""A reason's code and path."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message for a queue, and why it is refused; nothing where its event is to be taken."""

    queue: str
    body: str
    reasons: tuple[Place, ...] = ()

    @property
    def quarantine_id(self) -> str:
        """The id its quarantine entry must have."""
        return hashlib.sha256(f"{self.queue}\0{self.body}\0".encode()).hexdigest()

    @property
    def event(self) -> dict[str, Any]:
        """The event that a message which is to be taken holds."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def event_uid(self) -> str:
        """The ledger's key of that event."""
        event = self.event
        return f"{event['source']}#{event['id']}"


def kind_of(document: Mapping[str, Any]) -> str:
    """The record kind in an event's type."""
    return str(document["type"]).split(".")[2]


def taken(document: Mapping[str, Any]) -> Sent:
    """An event for the queue of its kind, which is to take it."""
    return Sent(QUEUE_OF[kind_of(document)], json.dumps(document, ensure_ascii=False))


# Sending ------------------------------------------------------------------------------------


def send(
    stack: Deployed, messages: Iterable[Sent], *, at_once: int = 4, visibility: int = VISIBILITY
) -> None:
    """Sends the messages, each queue's in their order and ten to a call, several calls at once.

    What is not answered for comes again after `visibility` seconds.
    """
    sqs = stack.client("sqs")

    def deliver(queue: str, batch: Sequence[Sent]) -> None:
        answer = sqs.send_message_batch(
            QueueUrl=stack.outputs[url_output(queue)],
            Entries=[{"Id": str(i), "MessageBody": sent.body} for i, sent in enumerate(batch)],
        )
        assert not answer.get("Failed"), answer["Failed"]

    for queue in QUEUES:
        stack.set_visibility(url_output(queue), visibility)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        for done in [pool.submit(deliver, queue, batch) for queue, batch in _batches(messages)]:
            done.result()


def url_output(queue: str, *, dead_letters: bool = False) -> str:
    """The output that holds a queue's URL."""
    return f"{queue.capitalize()}{'DeadLetter' if dead_letters else ''}QueueUrl"


def _batches(messages: Iterable[Sent]) -> Iterator[tuple[str, list[Sent]]]:
    waiting: dict[str, list[Sent]] = {queue: [] for queue in QUEUES}
    for sent in messages:
        batch = waiting[sent.queue]
        size = sum(len(other.body.encode()) for other in batch) + len(sent.body.encode())
        if len(batch) == MOST_MESSAGES or (batch and size > MOST_BYTES):
            yield sent.queue, batch
            batch = waiting[sent.queue] = []
        batch.append(sent)
    yield from ((queue, batch) for queue, batch in waiting.items() if batch)


def by_deadline(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Waits until the condition holds; fails, saying `what` did not come about, when it is late."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"After {seconds:.0f} s: {what}."
        time.sleep(0.2)


def settle(stack: Deployed, seconds: float = PATIENCE) -> None:
    """Waits until no queue has a message left, neither waiting nor in a function's hands."""
    by_deadline(lambda: _all_empty(stack.client("sqs"), stack), "a queue is not empty", seconds)


def _all_empty(sqs: Any, stack: Deployed) -> bool:
    # Asks one queue after the other and no further than the first that is not empty.
    return not any(
        int(number)
        for queue in QUEUES
        for dead_letters in (False, True)
        for number in sqs.get_queue_attributes(
            QueueUrl=stack.outputs[url_output(queue, dead_letters=dead_letters)],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"].values()
    )


@contextmanager
def denied(stack: Deployed, function: str, *actions: str) -> Iterator[None]:
    """A function's role, given by the function's logical id, is refused actions in the block."""
    iam = stack.client("iam")
    role = stack.role_arns[function].rpartition("/")[2]
    statement = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(
        RoleName=role, PolicyName="denied-for-a-while", PolicyDocument=json.dumps(policy)
    )
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied-for-a-while")


# What is there afterwards -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """Which events the ledger holds, and which entries the quarantine."""

    events: frozenset[str]
    quarantined: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contents:
    """The ledger by event, the quarantine by id with its bodies and reasons whole."""

    ledger: Mapping[str, LedgerEntry]
    quarantine: Mapping[str, Mapping[str, Any]]


def known(stack: Deployed) -> Known:
    """What the ledger and the quarantine hold now."""
    return Known(_keys(stack, "LedgerTable"), _keys(stack, "QuarantineTable"))


def contents(stack: Deployed, since: Known) -> Contents:
    """All that has come into the ledger and the quarantine since."""
    archive = archive_of(stack)
    events = _keys(stack, "LedgerTable") - since.events
    quarantined = _keys(stack, "QuarantineTable") - since.quarantined
    entries = map(entry_from_item, archive.events(events, NoHurry()))
    items = map(from_item, archive.quarantined(quarantined, NoHurry()))
    return Contents(
        {entry.event_uid: entry for entry in entries},
        {item["quarantine_id"]: _whole(stack, item) for item in items},
    )


def _keys(stack: Deployed, table_output: str) -> frozenset[str]:
    key = {"LedgerTable": "event_uid", "QuarantineTable": "quarantine_id"}[table_output]
    return frozenset(item[key]["S"] for item in scan(stack, table_output, ProjectionExpression=key))


def archive_of(stack: Deployed) -> Archive:
    """The tables as the command line reads them."""
    return Archive(
        stack.client("dynamodb"),
        {kind: stack.outputs[table] for kind, (table, _) in TABLES.items()},
        stack.outputs["LedgerTable"],
        stack.outputs["QuarantineTable"],
        Waiting(time.sleep, lambda: 1.0),
    )


class NoHurry:
    """A deadline that is far away."""

    def remaining(self) -> float:
        return PATIENCE


def scan(stack: Deployed, table_output: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """The items of a table, as DynamoDB has them."""
    pages = stack.client("dynamodb").get_paginator("scan")
    table = stack.outputs[table_output]
    for page in pages.paginate(TableName=table, ConsistentRead=True, **arguments):
        yield from page["Items"]


def entries(stack: Deployed) -> int:
    """How many entries the ledger has; the emulator counts at once."""
    table = stack.client("dynamodb").describe_table(TableName=stack.outputs["LedgerTable"])
    count: int = table["Table"]["ItemCount"]
    return count


def has_more_entries(stack: Deployed, than: int) -> bool:
    """Whether the ledger has grown."""
    return entries(stack) > than


def workers(stack: Deployed, function: str) -> list[int]:
    """The processes in which the emulator of this stack runs a function."""
    emulator = (stack.site.state / "emulator.pid").read_text(encoding="ascii").split()[0]
    listing = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(maxsplit=2) for line in listing.stdout.splitlines())
    return [
        int(pid)
        for pid, parent, command in rows
        if parent == emulator and f"ministack-lambda-{function}-" in command
    ]


def _whole(stack: Deployed, item: dict[str, Any]) -> dict[str, Any]:
    if "body_object" in item:
        assert "body" not in item
        stored = _object(stack, item["body_object"])
        assert len(stored) == item["body_bytes"]
        item["body"] = stored.decode()
    if "reasons_object" in item:
        reasons = json.loads(_object(stack, item["reasons_object"]))
        assert len(reasons) == item["reasons_count"]
        shown = [(reason["code"], reason["path"]) for reason in item["reasons"]]
        assert shown == [(reason["code"], reason["path"]) for reason in reasons][: len(shown)]
        item["reasons"] = reasons
    return item


def _object(stack: Deployed, key: str) -> bytes:
    answer = stack.client("s3").get_object(Bucket=stack.outputs["QuarantineBucket"], Key=key)
    content: bytes = answer["Body"].read()
    return content


def unconserved(sent: Iterable[Sent], found: Contents) -> list[str]:
    """Where the conservation rule does not hold between the messages sent and what was found.

    Every event that is to be taken is in the ledger with its digest, every refused message in
    quarantine, whole and with exactly its reasons in their order, and there is nothing else.
    """
    sent = list(sent)
    good = {message.event_uid: message for message in sent if not message.reasons}
    bad = {message.quarantine_id: message for message in sent if message.reasons}
    faults = [f"not in the ledger: {uid}" for uid in good if uid not in found.ledger]
    faults += [f"in the ledger and never sent: {uid}" for uid in found.ledger if uid not in good]
    faults += [
        f"another digest than the event sent: {uid}"
        for uid, entry in found.ledger.items()
        if uid in good and entry.event.digest != digest(good[uid].event, entry.salt or b"")
    ]
    faults += [
        f"not in quarantine: {message.body[:200]}"
        for id_, message in bad.items()
        if id_ not in found.quarantine
    ]
    for id_, item in found.quarantine.items():
        if id_ in bad:
            faults += _entry_faults(bad[id_], item)
        else:
            faults.append(f"in quarantine and not expected: {item['reasons']} {item['body'][:200]}")
    return faults


def _entry_faults(message: Sent, item: Mapping[str, Any]) -> Iterator[str]:
    about = message.body[:200]
    reasons = tuple((reason["code"], reason["path"]) for reason in item["reasons"])
    if reasons != message.reasons:
        yield f"reasons {reasons[:20]} instead of {message.reasons[:20]}: {about}"
    if not all(reason["text"].strip() for reason in item["reasons"]):
        yield f"a reason without text: {about}"
    if item["body"] != message.body:
        yield f"not its whole body: {about}"
    if item["queue"] != message.queue or item["seen"] < 1:
        yield f"queue {item['queue']}, seen {item['seen']} times: {about}"
    for name, attribute in (("source", "source"), ("event_id", "id")):
        if item.get(name) != _readable(message, attribute):
            yield f"{name} is {item.get(name)}: {about}"


def _readable(message: Sent, attribute: str) -> str | None:
    if message.reasons[0][0] in ("too-large", "not-json"):
        return None
    document = json.loads(message.body, parse_int=float)
    value = document.get(attribute) if isinstance(document, dict) else None
    return value if isinstance(value, str) and value and value.isprintable() else None


def digest(event: Mapping[str, Any], salt: bytes) -> str:
    """The digest that an event's entry must have, given the entry's salt."""
    core = {name: event[name] for name in CORE if event.get(name) is not None}
    event_salt = hmac.digest(salt, b"event", "sha256")
    return hashlib.sha256(event_salt + rfc8785.dumps(core)).hexdigest()


def disagreements(stack: Deployed) -> list[str]:
    """What verification finds wrong in the live tables, all hashes and folds recomputed."""
    outcome = Verifier(archive_of(stack), NoHurry(), time.sleep).everything(lambda _: None)
    assert outcome.records, "there is nothing to verify"
    return [f"{finding.of}: {finding.faults}" for finding in outcome.findings]
