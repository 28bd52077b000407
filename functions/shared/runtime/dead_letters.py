"""What the queues gave up on is kept, or closed where the ledger holds it after all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from functions.shared.core.errors import Retry
from functions.shared.core.events import Reason
from functions.shared.core.kinds import KIND_OF_QUEUE, Kind
from functions.shared.core.ledger import repeats
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import Senders
from functions.shared.ports import Deadline, KnownEvents, Quarantine
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Report, refusal
from functions.shared.runtime.sqs import (
    Answer,
    LambdaContext,
    SqsEvent,
    TimeLeft,
    answer,
    messages_of,
)

KEPT_BACK: Final = 3.0
GAVE_UP: Final = Reason(
    "gave-up",
    "",
    "The queue delivered this several times and it was never finished; see the alarms and the"
    " functions' logs of that time, then replay it.",
)
_ANYONE: Final = Senders(anyone=True)
"""Here a message is only kept; whether its sender may speak is asked when it is replayed."""
_WRITTEN_BEFORE: Final = "The ledger holds this event: it was written before the queue gave up."


@dataclass(frozen=True, slots=True)
class DeadLetterService:
    """Turns dead letters into quarantine entries; `sources` is queue ARN -> queue name."""

    sources: Mapping[str, str]
    ledger: KnownEvents
    quarantine: Quarantine
    narrator: Narrator
    now: Callable[[], str]

    def handle(self, event: SqsEvent, context: LambdaContext) -> Answer:
        """Keeps every message whole; those it could not keep come back.

        Should a bug or a broken stack stop a queue's messages, each is kept alone, so that one
        takes no other with it.
        """
        deadline = TimeLeft(context, KEPT_BACK)
        records = sorted(event["Records"], key=lambda record: str(record["eventSourceARN"]))
        unfinished: list[Message] = []
        for arn, group in groupby(records, key=lambda record: record["eventSourceARN"]):
            queue = self.sources[arn]
            messages = messages_of({"Records": list(group)}, _ANYONE)
            left = self._work(queue, messages, deadline)
            if left is None:
                left = []
                for message in messages:
                    alone = self._work(queue, [message], deadline)
                    left += [message] if alone is None else alone
            unfinished += left
        return answer(unfinished)

    def _work(
        self, queue: str, messages: Sequence[Message], deadline: Deadline
    ) -> list[Message] | None:
        """The messages that have to come back; None if a bug or a broken stack stopped it."""
        try:
            report = self._keep(queue, messages, deadline)
        except Exception as error:  # the batch loop: be loud, without the error's text
            self.narrator.failed(queue, error)
            return None
        self.narrator.tell_dead_letters(queue, messages, report)
        return [messages[position] for position in report.unfinished()]

    def _keep(self, queue: str, messages: Sequence[Message], deadline: Deadline) -> Report:
        report = Report(dict.fromkeys(range(len(messages)), Verdict.AGAIN))
        kind = KIND_OF_QUEUE[queue]
        readings = [_read(message, kind) for message in messages]
        # What is wrong with the message itself helps whoever opens the entry.
        refusals = [
            refusal(queue, message, reading, (*reading.reasons, GAVE_UP))
            for message, reading in zip(messages, readings, strict=True)
        ]
        try:
            self.quarantine.keep(refusals, deadline)
            uids = {r.envelope.uid for r in readings if r.envelope is not None}
            known = self.ledger.known(uids, deadline) if uids else {}
            written = {
                kept.id
                for kept, reading in zip(refusals, readings, strict=True)
                if (envelope := reading.envelope) is not None
                and (entry := known.get(envelope.uid)) is not None
                and repeats(entry.digest, entry.salt, envelope.core)
            }
            if written:
                closed = self.quarantine.resolve(written, self.now(), _WRITTEN_BEFORE, deadline)
                report.resolved = len(closed)
        except Retry:
            return report
        for position, kept in enumerate(refusals):
            report.refused[position] = kept.reasons
            report.reasons[kept.reasons[0].code] += 1
            report.verdicts[position] = Verdict.QUARANTINED
        return report


def _read(message: Message, kind: Kind) -> Reading:
    """What can be read of a dead letter, even one whose reading is why it is here."""
    try:
        return read(message.body, kind)
    except Exception:  # the last stop: the body is kept whole whatever reading it does
        return Reading()
