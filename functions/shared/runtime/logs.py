"""What may be said aloud: counts, codes, and keyed hashes instead of personal data.

Record keys, event ids, unknown field names and AWS error texts are a sender's or a person's
data. A log line carries an HMAC of them, so that two lines about one record can be matched,
and an operator who knows a key can find its lines, but nobody can read or guess them.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import orjson
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricResolution, MetricUnit, single_metric

from functions.shared.core.errors import Retry
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.core.planning import Verdict
from functions.shared.runtime.measures import OF_A_BATCH, OF_DEAD_LETTERS, Measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.shared.core.planning import Message
    from functions.shared.runtime.pipeline import Report

_COUNTED: Final = {
    Verdict.APPLIED: Measure.APPLIED,
    Verdict.SUPERSEDED: Measure.SUPERSEDED,
    Verdict.DUPLICATE: Measure.DUPLICATE,
    Verdict.QUARANTINED: Measure.QUARANTINED,
    Verdict.AGAIN: Measure.RETURNED,
}
_ACCEPTED: Final = (Measure.APPLIED, Measure.SUPERSEDED, Measure.DUPLICATE)
_MOST_VALUES: Final = 100
"""Values of one metric that CloudWatch takes in one line."""


def _on_a_line(log: object) -> str:
    return orjson.dumps(log, default=str).decode()


class Narrator:
    """Tells what became of a batch: one log line, a line per refused message, metrics.

    The logger's own event logging stays off, and nothing here ever takes a body.
    """

    def __init__(self, hash_key: str) -> None:
        self._hash_key = hash_key.encode()
        self._logger = Logger(
            log_uncaught_exceptions=False,
            json_serializer=_on_a_line,
            json_deserializer=str,  # a message is a sentence; whether it is JSON need not be tried
        )
        self._metrics = Metrics()

    def without_compiled_loops(self) -> None:
        """Logs that the functions in Python do what compiled ones were wanted for."""
        self._logger.warning(
            "The compiled loops are not at hand; the plain ones give the same and take longer."
            " Package the function for this processor, or deploy with Loops=plain."
        )

    def hashed(self, text: str | None) -> str | None:
        """The keyed hash (64 bits, hex) under which a log knows a text."""
        if text is None:
            return None
        return hmac.digest(self._hash_key, text.encode("utf-8", "replace"), "sha256")[:8].hex()

    def tell(self, queue: str, messages: Sequence[Message], report: Report) -> None:
        """Logs and counts a batch's report."""
        counts = self._log(queue, messages, report)
        refused = counts[Measure.QUARANTINED]
        accepted = sum(counts[measure] for measure in _ACCEPTED)
        shares = [100] * refused + [0] * accepted
        self._measure(
            queue,
            {measure: counts[measure] for measure in OF_A_BATCH},
            (
                (Measure.REFUSED_PERCENT, MetricUnit.Percent, shares),
                (Measure.AGE, MetricUnit.Milliseconds, report.ages),
            ),
        )
        for reason, count in report.reasons.items():
            with single_metric(Measure.QUARANTINED, MetricUnit.Count, count) as metric:
                metric.add_dimension("kind", KIND_OF_QUEUE[queue].name)
                metric.add_dimension("reason", reason)

    def tell_dead_letters(self, queue: str, messages: Sequence[Message], report: Report) -> None:
        """Logs and counts what a queue gave up on."""
        counts = self._log(queue, messages, report)
        self._measure(queue, {measure: counts[measure] for measure in OF_DEAD_LETTERS})

    def failed(self, queue: str, error: Exception) -> None:
        """Logs that a batch could not be worked; names the error's class, never its text."""
        self._logger.error(
            "A batch was not worked; all of it goes back to the queue.",
            queue=queue,
            error=type(error).__name__,
        )
        self._measure(queue, {Measure.FAILED: 1})

    def tell_range(self, load_id: str, number: int, tally: Mapping[str, int], lines: int) -> None:
        """Logs how far a range of a load is. A load's id is a hash and may be said aloud."""
        self._logger.info(
            "A range was worked.", load=load_id, range=number, lines=lines, verdicts=dict(tally)
        )

    def tell_load(self, load_id: str, measure: Measure) -> None:
        """Logs and counts what became of a load: one of `OF_A_LOAD`."""
        self._logger.info("A load went on.", load=load_id, counted=str(measure))
        self._metrics.add_metric(measure, MetricUnit.Count, 1)
        self._metrics.flush_metrics()

    def failed_at_loading(self, error: Exception) -> None:
        """Logs that a message of a load comes back; names the error's class, never its text."""
        name = type(error).__name__
        if isinstance(error, Retry):
            self._logger.info("A step of a load was not finished; it comes back.", error=name)
        else:
            self._logger.error("A step of a load failed; it comes back.", error=name)

    def _log(
        self, queue: str, messages: Sequence[Message], report: Report
    ) -> Mapping[Measure, int]:
        """The log lines of a report, and what may be counted of it."""
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
        return {
            **counts,
            Measure.RESOLVED: report.resolved,
            Measure.TIES: report.ties,
            Measure.LATE: report.late,
            Measure.DEFECTS: report.defects,
            Measure.DEAD_LETTERS: counts[Measure.QUARANTINED],
        }

    def _measure(
        self,
        queue: str,
        counts: Mapping[Measure, int],
        distributions: Sequence[tuple[Measure, MetricUnit, Sequence[int]]] = (),
    ) -> None:
        """Counts and distributions, every value of these, in as few lines as hold them."""
        begin = 0
        while begin == 0 or any(len(values) > begin for _, _, values in distributions):
            self._metrics.add_dimension("kind", KIND_OF_QUEUE[queue].name)
            for measure, count in counts.items() if begin == 0 else ():
                self._add(measure, MetricUnit.Count, [count])
            for measure, unit, values in distributions:
                if portion := values[begin : begin + _MOST_VALUES]:
                    self._add(measure, unit, portion)
            self._metrics.flush_metrics()
            begin += _MOST_VALUES

    def _add(self, measure: Measure, unit: MetricUnit, values: Sequence[int]) -> None:
        """All values of a metric at once. To look at each, as powertools does, takes longer than to
        write it, and would end the line with the hundredth."""
        self._metrics.metric_set[measure] = {
            "Unit": unit.value,
            "StorageResolution": MetricResolution.Standard.value,
            "Value": values,
        }
