"""Why a message is refused: the codes of quarantine entries, in the order of examination."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ReasonCode(StrEnum):
    """The codes in the order in which an entry lists them."""

    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    NOT_CLOUDEVENT = "not-cloudevent"
    UNKNOWN_TYPE = "unknown-type"
    UNSUPPORTED_VERSION = "unsupported-version"
    SUBJECT_MISMATCH = "subject-mismatch"
    INVALID_DATA = "invalid-data"
    TIME_IN_FUTURE = "time-in-future"
    SOURCE_NOT_PERMITTED = "source-not-permitted"
    ID_REUSED = "id-reused"
    RECORD_FULL = "record-full"
    GAVE_UP = "gave-up"


STOPPING: Final = tuple(ReasonCode)[:5]
"""The reasons that end the examination: what follows could not be read."""


class StepKind(StrEnum):
    """What can be done about a refused message."""

    REPLAYED = "replayed"
    CORRECTED = "corrected"
    DISMISSED = "dismissed"


class QuarantineStatus(StrEnum):
    """What became of a refused message."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"
    RESOLVED = "resolved"
