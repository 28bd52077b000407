"""What is read while a soak runs: memory, queues, and how long an event takes to be visible."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from tests.bench.processes import MIB, resident
from tests.bench.soak.faults import emulator_of, workers
from tests.bench.soak.threads import Clock, Repeated
from tests.e2e.conftest import Deployed
from tests.e2e.delivery import QUEUES, Sent, taken, url_output
from tests.e2e.poison import KINDS, stating

PROBES_BEGIN: Final = 500_000
"""Records of probes are numbered from here on, each its own."""
LOOKED_FOR: Final = 100
"""Probes that are looked for in one call, the most that one may ask for."""
AT_RANDOM: Final = 30
"""So many of them are drawn from the old ones, where there are more; the others are the newest."""


@dataclass
class Probes:
    """Events of records of their own, published one after another to every queue in turn, each
    looked for in its table until it shows; `seen` has when each was sent and how long it took, in
    seconds, by its event.
    """

    stack: Deployed
    clock: Clock
    sent: list[Sent] = field(default_factory=list)
    seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(PROBES_BEGIN))

    def __post_init__(self) -> None:
        self._publisher = self.stack.client("sqs")
        self._reader = self.stack.client("dynamodb")

    def threads(self) -> list[Repeated]:
        return [
            Repeated("probes out", 0.2, self.publish),
            Repeated("probes seen", 0.04, self.look),
        ]

    def publish(self) -> None:
        """One more probe."""
        number = next(self._numbers)
        kind = KINDS[number % len(KINDS)]
        probe = taken(stating(kind, number, f"probe-{number}"))
        began = self.clock.now()
        self.sent.append(probe)
        self._publisher.send_message(
            QueueUrl=self.stack.outputs[url_output(probe.queue)], MessageBody=probe.body
        )
        self.waiting[probe.event_uid] = began

    def look(self) -> None:
        """Notes which of the probes are in the ledger; their records came with them."""
        probes = list(self.waiting)
        if not probes:
            return
        if len(probes) > LOOKED_FOR:
            newest = AT_RANDOM - LOOKED_FOR
            probes = random.sample(probes[:newest], AT_RANDOM) + probes[newest:]
        table = self.stack.outputs["LedgerTable"]
        answer = self._reader.batch_get_item(
            RequestItems={
                table: {
                    "Keys": [{"event_uid": {"S": uid}} for uid in probes],
                    "ConsistentRead": True,
                    "ProjectionExpression": "event_uid",
                }
            }
        )
        now = self.clock.now()
        for item in answer["Responses"][table]:
            uid = item["event_uid"]["S"]
            began = self.waiting.pop(uid)
            self.seen[uid] = began, now - began


@dataclass
class Gauges:
    """Memory of the emulator and its workers, and what waits in the queues, over time."""

    stack: Deployed
    clock: Clock
    read: list[dict[str, float]] = field(default_factory=list)
    published: int = 0
    """Set by whoever publishes."""

    def __post_init__(self) -> None:
        self._sqs = self.stack.client("sqs")

    def thread(self) -> Repeated:
        return Repeated("gauges", 2, self.look)

    def look(self) -> None:
        """One reading."""
        at, found = self.clock.now(), workers(self.stack)
        self.read.append(
            {
                "at": round(at, 1),
                "emulator_mb": round(resident(emulator_of(self.stack)) / MIB, 1),
                "workers_mb": round(sum(map(resident, found)) / MIB, 1),
                "largest_worker_mb": round(max(map(resident, found), default=0) / MIB, 1),
                "workers": len(found),
                "waiting": self._in_queues(),
                "published": self.published,
            }
        )

    def _in_queues(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(
            int(number)
            for queue in QUEUES
            for number in self._sqs.get_queue_attributes(
                QueueUrl=self.stack.outputs[url_output(queue)], AttributeNames=names
            )["Attributes"].values()
        )


def intervals(seconds: Sequence[tuple[float, float]], length: float) -> list[dict[str, Any]]:
    """Quantiles of the time from publishing until visible, by when the probe was published."""
    grouped: dict[int, list[float]] = {}
    for began, took in seconds:
        grouped.setdefault(int(began // length), []).append(took)
    return [
        {"from": number * length, "to": (number + 1) * length, **quantiles(grouped[number])}
        for number in sorted(grouped)
    ]


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 99th per cent (the largest of fewer than a hundred) and largest, and of how many."""
    ordered = sorted(seconds)
    if not ordered:
        return {"p50": 0.0, "p99": 0.0, "most": 0.0, "probes": 0}
    return {
        "p50": round(statistics.median(ordered), 3),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 3),
        "most": round(ordered[-1], 3),
        "probes": len(ordered),
    }
