"""What may be said aloud: counts, codes, and keyed hashes instead of personal data.

Record keys, event ids, unknown field names and AWS error texts are a sender's or a person's
data. A log line carries an HMAC of them, so that two lines about one record can be matched,
and an operator who knows a key can find its lines, but nobody can read or guess them.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from functions.shared.core.planning import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.shared.core.planning import Message
    from functions.shared.runtime.pipeline import Report

_COUNTED: Final = {
    Verdict.APPLIED: "Applied",
    Verdict.SUPERSEDED: "Superseded",
    Verdict.DUPLICATE: "Duplicate",
    Verdict.QUARANTINED: "Quarantined",
    Verdict.AGAIN: "Returned",
}


class Narrator:
    """Tells what became of a batch: one log line, a line per refused message, metrics.

    The logger's own event logging stays off, and nothing here ever takes a body.
    """

    def __init__(self, hash_key: str) -> None:
        self._hash_key = hash_key.encode()
        self._logger = Logger(log_uncaught_exceptions=False)
        self._metrics = Metrics()

    def hashed(self, text: str | None) -> str | None:
        """The keyed hash (64 bits, hex) under which a log knows a text."""
        if text is None:
            return None
        return hmac.digest(self._hash_key, text.encode("utf-8", "replace"), "sha256")[:8].hex()

    def tell(self, queue: str, messages: Sequence[Message], report: Report) -> None:
        """Logs and counts a batch's report."""
        for position, reasons in report.refused.items():
            self._logger.info(
                "A message was refused.",
                queue=queue,
                message_id=messages[position].id,
                reasons=[reason.code for reason in reasons[:20]],
                body_hash=self.hashed(messages[position].body),
                kept=report.verdicts[position] is Verdict.QUARANTINED,
            )
        if report.defects:
            self._logger.error(
                "The store will never take some changes; their messages go back and then to the"
                " dead-letter queue. Look at the template, then redrive them.",
                queue=queue,
                changes=report.defects,
            )
        counts = {name: report.count(verdict) for verdict, name in _COUNTED.items()}
        self._logger.info(
            "A batch was worked.",
            queue=queue,
            messages=len(messages),
            verdicts={name.lower(): count for name, count in counts.items() if count},
            resolved=report.resolved,
            rounds=report.rounds,
            pauses=report.pauses,
        )
        self._metrics.add_dimension("queue", queue)
        for name, count in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.add_metric("TiesDecidedById", MetricUnit.Count, report.ties)
        self._metrics.flush_metrics()

    def failed(self, queue: str, error: Exception) -> None:
        """Logs that a batch could not be worked; names the error's class, never its text."""
        self._logger.error(
            "A batch was not worked; all of it goes back to the queue.",
            queue=queue,
            error=type(error).__name__,
        )
