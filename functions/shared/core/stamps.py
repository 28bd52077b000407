"""The order of statements.

A stamp orders any two statements of one lane, whatever order they arrive in: by the instant
at which the source recorded the fact, then the source's own sequence, then the source, then
the event id. No two events share a stamp, for (source, id) is unique.
"""

from __future__ import annotations

from typing import NamedTuple


class Stamp(NamedTuple):
    """Compares from left to right; strings by code point.

    `time` is `YYYY-MM-DDTHH:MM:SS.ffffffZ`, whose text order is the order of instants;
    `sequence` is 0 where the event has none.
    """

    time: str
    sequence: int
    source: str
    id: str
