"""Where the microseconds of a batch go: a profile by sampling, grouped by stage.

The process is interrupted every few milliseconds of its CPU; the innermost function on the stack
that belongs to a stage gives the sample to it. Sampling leaves the code as fast as it is, which a
tracing profiler does not; what runs in C is counted where it returns to.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

EVERY: Final = 0.001
"""Seconds of CPU between two samples; a kernel may take four times as long."""
ELSEWHERE: Final = "elsewhere"
READ, LOAD, MERGE, SERIALISE, SEND, QUARANTINE, TELL = STAGES = (
    "read: parse and validate",
    "load: ask for records and ledger, read the answer",
    "merge, and the ledger's hashes",
    "serialise items",
    "sign and send transactions",
    "look into the quarantine",
    "logs and metrics",
)
STAGE_OF: Final[Mapping[tuple[str, str], str]] = {
    ("functions/shared/runtime/sqs.py", "messages_of"): READ,
    ("functions/shared/core/reading.py", "read"): READ,
    ("functions/shared/runtime/pipeline.py", "_load"): LOAD,
    ("functions/shared/runtime/pipeline.py", "_plan"): MERGE,
    ("functions/shared/adapters/dynamodb.py", "commit"): SEND,
    ("functions/shared/adapters/dynamodb.py", "_group"): SERIALISE,
    ("functions/shared/runtime/pipeline.py", "keep_refused"): QUARANTINE,
    ("functions/shared/runtime/pipeline.py", "settle"): QUARANTINE,
    ("functions/shared/runtime/pipeline.py", "measure"): TELL,
    ("functions/shared/runtime/logs.py", "tell"): TELL,
}
"""File and function -> the stage that begins with it; a test holds that each exists."""


@dataclass(slots=True)
class Profile:
    """How many samples fell into each stage, and into each function itself."""

    stages: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    @property
    def shares(self) -> dict[str, float]:
        """The part of the time that each stage takes; `ELSEWHERE` is the rest."""
        total = self.stages.total() or 1
        return {name: self.stages[name] / total for name in (*STAGES, ELSEWHERE)}

    @property
    def largest(self) -> str:
        """The stage that takes most."""
        return max(STAGES, key=lambda name: self.stages[name])

    def take(self, frame: FrameType | None) -> None:
        """Counts a sample."""
        if frame is None:
            return
        self.functions[f"{_place(frame)}:{frame.f_code.co_name}"] += 1
        self.stages[stage_of(frame)] += 1


def stage_of(frame: FrameType | None) -> str:
    """The stage of the innermost function that begins one."""
    while frame is not None:
        stage = STAGE_OF.get((_place(frame), frame.f_code.co_name))
        if stage is not None:
            return stage
        frame = frame.f_back
    return ELSEWHERE


@contextmanager
def sampled(profile: Profile) -> Iterator[None]:
    """Samples what this thread does in the block."""
    before = signal.signal(signal.SIGPROF, lambda _, frame: profile.take(frame))
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(frame: FrameType) -> str:
    """The file, from the package on; a built-in module keeps its name."""
    path = frame.f_code.co_filename
    for root in ("/site-packages/", "/functions/", "/schemas/", "/tests/"):
        _, found, after = path.rpartition(root)
        if found:
            kept = "" if root == "/site-packages/" else root[1:]
            return kept + after
    return path.rpartition("/")[2]
