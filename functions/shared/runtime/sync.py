"""The sync functions' work: a batch of SQS messages through the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.shared.core.planning import Message
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Pipeline
from functions.shared.runtime.sqs import (
    Answer,
    LambdaContext,
    SqsEvent,
    TimeLeft,
    answer,
    messages_of,
)

KEPT_BACK: Final = 5.0
"""Seconds of the function's time that stay for quarantine and the answer."""


@dataclass(frozen=True, slots=True)
class SyncService:
    """Answers an SQS event per message."""

    pipeline: Pipeline
    narrator: Narrator

    def handle(self, event: SqsEvent, context: LambdaContext) -> Answer:
        """Works the batch; messages it names come back, all others are accounted for.

        Should a bug or a broken stack stop the batch, its messages are worked one by one, so
        that one message takes no other with it. What was written before is known as written.
        """
        messages = messages_of(event, self.pipeline.senders)
        deadline = TimeLeft(context, KEPT_BACK)
        unfinished = self._work(messages, deadline)
        if unfinished is None:
            unfinished = []
            for message in messages:
                alone = self._work([message], deadline) if deadline.remaining() > 0 else None
                unfinished += [message] if alone is None else alone
        return answer(unfinished)

    def _work(self, messages: list[Message], deadline: TimeLeft) -> list[Message] | None:
        """The messages that have to come back; None if a bug or a broken stack stopped it."""
        queue = self.pipeline.kind.queue
        try:
            report = self.pipeline.run(messages, deadline)
        except Exception as error:  # the batch loop: be loud, without the error's text
            self.narrator.failed(queue, error)
            return None
        self.narrator.tell(queue, messages, report)
        return [messages[position] for position in report.unfinished()]
