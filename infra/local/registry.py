"""The agencies of the seed file, registered by events like every other change of the registry."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.local.site import ROOT, LocalStackError, Site

SEED: Final = ROOT / "infra" / "reference" / "registry.ndjson"
WAIT_SECONDS: Final = 90.0
_SQS_BATCH: Final = 10
_DYNAMODB_BATCH: Final = 100


@dataclass(frozen=True)
class SeedEvent:
    """One line of the seed file: its text, and the keys it leads to."""

    body: str
    event_uid: str
    agency_id: str


def read_seed(path: Path = SEED) -> list[SeedEvent]:
    """The events of an NDJSON file, in its order."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            event: dict[str, Any] = json.loads(line)
            uid = f"{event['source']}#{event['id']}"
            events.append(SeedEvent(line.strip(), uid, event["subject"]))
    return events


def seed(
    site: Site,
    outputs: Mapping[str, str],
    report: Callable[[str], None],
    events: Sequence[SeedEvent] | None = None,
) -> int:
    """Sends the seed events the ledger does not hold yet and waits until it holds them all.

    Returns how many were sent. Repeating it does nothing; a repeated event would be a duplicate.
    Raises `LocalStackError` where some are still missing after a while.
    """
    wanted = read_seed() if events is None else events
    missing = _missing(site, outputs["LedgerTable"], wanted)
    if not missing:
        return 0
    sent = len(missing)
    report(f"Registering agencies: {sent} events.")
    _send(site, outputs["RegistryQueueUrl"], missing)
    begin = said = time.monotonic()
    while missing := _missing(site, outputs["LedgerTable"], missing):
        now = time.monotonic()
        if now - begin > WAIT_SECONDS:
            raise LocalStackError(
                f"{len(missing)} of {sent} registry events are not in the ledger after "
                f"{WAIT_SECONDS:.0f} seconds, {missing[0].event_uid} among them. The log of the "
                "function registry_sync (`make status` names the server's log) says why."
            )
        if now - said > 5:
            said = now
            report(f"  {sent - len(missing)} of {sent} are registered.")
        time.sleep(0.2)
    return sent


def _send(site: Site, queue_url: str, events: Sequence[SeedEvent]) -> None:
    for batch in _in_batches(events, _SQS_BATCH):
        answer = site.sqs.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "MessageBody": event.body} for number, event in enumerate(batch)
            ],
        )
        if answer.get("Failed"):
            raise LocalStackError(
                f"The registry queue refused {len(answer['Failed'])} of {len(batch)} events. Run "
                "`make up` again."
            )


def _missing(site: Site, ledger: str, events: Sequence[SeedEvent]) -> list[SeedEvent]:
    found: set[str] = set()
    for batch in _in_batches(events, _DYNAMODB_BATCH):
        keys = [{"event_uid": {"S": event.event_uid}} for event in batch]
        request: Any = {
            ledger: {"Keys": keys, "ProjectionExpression": "event_uid", "ConsistentRead": True}
        }
        while request:
            answer = site.dynamodb.batch_get_item(RequestItems=request)
            found |= {item["event_uid"]["S"] for item in answer["Responses"].get(ledger, [])}
            request = answer.get("UnprocessedKeys")
    return [event for event in events if event.event_uid not in found]


def _in_batches(events: Sequence[SeedEvent], size: int) -> Iterator[Sequence[SeedEvent]]:
    starts: Iterable[int] = range(0, len(events), size)
    return (events[start : start + size] for start in starts)
