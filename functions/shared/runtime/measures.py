"""The metrics that the functions emit: what each counts, under which dimensions.

One table, read by the code that emits them, by the tests of dashboard and alarms, and by the
tests of the guides. All are in one namespace; the dimension `kind` is the record kind of the
queue (`person`, `insurance-card`, `dossier`, `agency`), `service` the function, `reason` the
first reason of a refusal, one of the contract's list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NAMESPACE: Final = "LienThong"
FRESH_FOR: Final = 24 * 60 * 60
"""Seconds. An event that reaches its queue later than this after its `time` tells of an old fact
(a first load, a late file, a replay): its age says nothing about the service."""


class Measure(StrEnum):
    """A metric's name. All are counts but `AGE`, in milliseconds, and `REFUSED_PERCENT`."""

    APPLIED = "Applied"
    """Events that changed a record."""
    SUPERSEDED = "Superseded"
    """Events that a newer statement of each of their fields had overtaken."""
    DUPLICATE = "Duplicate"
    """Messages that repeated an event of the ledger."""
    QUARANTINED = "Quarantined"
    """Messages that were refused and are kept; also by `reason`."""
    REFUSED_PERCENT = "RefusedPercent"
    """0 or 100 for each message that ended: their average is the share that was refused."""
    RETURNED = "Returned"
    """Messages that went back to their queue, to be worked later."""
    RESOLVED = "Resolved"
    """Quarantine entries closed because the ledger holds their event."""
    TIES = "TiesDecidedById"
    """Events that met a statement with their source, time and sequence: the ids decided."""
    AGE = "Age"
    """Milliseconds from an applied event's `time` until it was in the tables; fresh ones only."""
    LATE = "Late"
    """Applied events that were not fresh: they reached the queue over a day after their `time`."""
    DEFECTS = "Defects"
    """Changes that the store will never take."""
    FAILED = "Failed"
    """Batches that a bug or a broken stack stopped; each message is then tried alone."""
    DEAD_LETTERS = "DeadLetters"
    """Messages that a queue gave up on and that are now kept in quarantine."""
    LOADS_DONE = "LoadsDone"
    """Files of which every line has ended."""
    LOADS_FAILED = "LoadsFailed"
    """Files that could not be loaded, or not to their end: they or their manifest are wrong."""
    LOADS_REFUSED = "LoadsRefused"
    """Files of which more than a twentieth of the lines was refused; they count as done as well."""
    RANGES_STUCK = "RangesStuck"
    """Ranges of a file, or files still being split, that began their last try."""
    REQUESTS = "Requests"
    """Requests to the API; also by `route`."""
    ACCESS_REFUSED = "AccessRefused"
    """Requests that no policy permitted."""
    ALLOWANCE_SPENT = "AllowanceSpent"
    """Requests of callers who had used up their allowance of the minute or the day."""
    ENUMERATION_SUSPECTED = "EnumerationSuspected"
    """Requests of callers who seem to collect people rather than to handle cases."""
    ACCESS_LOG_UNWRITABLE = "AccessLogUnwritable"
    """Requests that were not answered because something passing was in the way."""
    API_FAILED = "ApiFailed"
    """Requests that a bug or a broken stack stopped."""
    EVENTS_QUEUED = "EventsQueued"
    """Events that came in over HTTP and were queued."""
    EVENTS_REFUSED = "EventsRefused"
    """Events that came in over HTTP and were refused at once; their agency knows why."""


OF_A_BATCH: Final = (
    Measure.APPLIED,
    Measure.SUPERSEDED,
    Measure.DUPLICATE,
    Measure.QUARANTINED,
    Measure.RETURNED,
    Measure.RESOLVED,
    Measure.TIES,
    Measure.LATE,
    Measure.DEFECTS,
)
"""What a sync function counts for every batch, nothing being a 0 so that rates are defined."""
OF_A_LOAD: Final = (
    Measure.LOADS_DONE,
    Measure.LOADS_FAILED,
    Measure.LOADS_REFUSED,
    Measure.RANGES_STUCK,
)
"""What the functions of a load count, when it happens, by `service` alone."""
OF_THE_API: Final = (
    Measure.REQUESTS,
    Measure.ACCESS_REFUSED,
    Measure.ALLOWANCE_SPENT,
    Measure.ENUMERATION_SUSPECTED,
    Measure.ACCESS_LOG_UNWRITABLE,
    Measure.API_FAILED,
    Measure.EVENTS_QUEUED,
    Measure.EVENTS_REFUSED,
)
"""What the functions of the API count, when it happens, by `service` alone."""
OF_DEAD_LETTERS: Final = (Measure.DEAD_LETTERS, Measure.RETURNED, Measure.RESOLVED)
"""What the dead-letter function counts for every batch."""
