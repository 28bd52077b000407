"""A file that is loaded: what is known of it, of its ranges, and how far they are.

A load is one version of one object of the intake bucket. Its id is made from bucket, key and
version, so a notification that comes again is the same load, and the same file dropped again
is another one, all of whose lines are duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from functions.shared.core.planning import Verdict

SPLITTER: Final = -1
"""Stands for the splitting itself among the numbers of stuck ranges."""


def load_id(bucket: str, key: str, version: str) -> str:
    """32 hex digits of the SHA-256 of bucket, key and version of the object."""
    text = "\0".join((bucket, key, version))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Form(StrEnum):
    """How a line becomes a message."""

    NDJSON = "ndjson"
    """A line is the CloudEvent itself."""
    CSV = "csv"
    """A line is a row; the manifest says which event it states."""


class LoadState(StrEnum):
    """Where a load stands."""

    WAITING = "waiting"
    """For its manifest; `problems` says so. Nothing of it has been worked."""
    SPLITTING = "splitting"
    """Its ranges are being told to the workers; some may be worked already."""
    LOADING = "loading"
    """Every range is known; they are being worked."""
    STUCK = "stuck"
    """A range, or the splitting, was given up on for now (`stuck`): its message is in the
    dead-letter queue. Mend the cause and redrive; the load goes on where it was."""
    DONE = "done"
    """Every line has ended, and the report is written."""
    FAILED = "failed"
    """The file or its manifest is not as it must be; `problems` says what to do. Nothing of it
    has been worked, unless `ranges` are there: then a packed file broke off in its middle, what
    came before is loaded, and the report is written."""


class RangeState(StrEnum):
    """Where a range stands."""

    WORKING = "working"
    STUCK = "stuck"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines by what became of them. Blank lines and a header are in none of the numbers.

    A line that was worked twice, since the worker died before it could write how far it was,
    counts as duplicate: the ledger's outcome of an event may be applied and this say duplicate.
    """

    applied: int = 0
    superseded: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def total(self) -> int:
        """The lines that have ended."""
        return self.applied + self.superseded + self.duplicate + self.quarantined

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.applied + other.applied,
            self.superseded + other.superseded,
            self.duplicate + other.duplicate,
            self.quarantined + other.quarantined,
        )

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Tally:
        """The tally of verdicts, none of which is AGAIN."""
        counts = dict.fromkeys(Verdict, 0)
        for verdict in verdicts:
            counts[verdict] += 1
        assert not counts[Verdict.AGAIN]
        return cls(*(counts[verdict] for verdict in _COUNTED))

    def as_json(self) -> Mapping[str, int]:
        """By the verdicts' names."""
        return {verdict.value: getattr(self, verdict.value) for verdict in _COUNTED}


_COUNTED: Final = (
    Verdict.APPLIED,
    Verdict.SUPERSEDED,
    Verdict.DUPLICATE,
    Verdict.QUARANTINED,
)


@dataclass(frozen=True, slots=True)
class Pinned:
    """Which content of an object is meant: its version, and the ETag by which it is known."""

    version: str
    etag: str


@dataclass(frozen=True, slots=True)
class Load:
    """A load, as the table has it.

    `size` is that of the object; `plain_size` that of its lines, which for a packed file is
    known once it is split. `queue` takes the lines whose kind cannot be read. `manifest` is the
    manifest's JSON text, `header` the first line of a CSV file. `ranges` is how many there are
    (None while that is not known), `done` how many of them are; `opened` says that all of them
    are told to the workers. `sender` is the principal that
    dropped the file, `sent_at` the instant of it. `lines`, `tally`, `report` (its key in the
    bucket) and `finished_at` are there once the load is done.
    """

    load_id: str
    bucket: str
    key: str
    version: str
    etag: str
    size: int
    sender: str | None
    sent_at: str
    range_bytes: int
    state: LoadState = LoadState.WAITING
    opened: bool = False
    problems: tuple[str, ...] = ()
    form: Form | None = None
    packed: bool = False
    queue: str | None = None
    manifest: str | None = None
    header: str | None = None
    plain_size: int | None = None
    ranges: int | None = None
    done: int = 0
    stuck: frozenset[int] = frozenset()
    split: Split | None = None
    lines: int | None = None
    tally: Tally | None = None
    report: str | None = None
    started_at: str | None = None
    updated_at: str | None = None
    finished_at: str | None = None

    @property
    def pinned(self) -> Pinned:
        """The file's content, whatever is dropped under its key later."""
        return Pinned(self.version, self.etag)


@dataclass(frozen=True, slots=True)
class Split:
    """How far the splitting is: this many ranges are told to the workers.

    For a packed file also where to go on: the first `plain` unpacked bytes are in parts, which
    have `written` bytes together (less where a line was cut); the gzip member that held the
    last of them begins at byte `member` of the object and byte `member_plain` unpacked.
    """

    told: int = 0
    plain: int = 0
    written: int = 0
    member: int = 0
    member_plain: int = 0


@dataclass(frozen=True, slots=True)
class ReportPart:
    """An object with refused lines of a range; only its first `size` bytes count."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Range:
    """A range of a load and how far its worker is.

    It owns the lines that start in the bytes from `begin` up to `end` of the plain file. `part`
    is the key of the object that holds just these bytes, where it is not the file itself. The
    next line to be worked starts at `position`; `lines` were counted until there, blank ones and
    a header included, so the numbers of a file's lines are sums over ranges. `reports` holds the
    refused lines, their numbers counted within the range.
    """

    load_id: str
    number: int
    begin: int
    end: int
    position: int
    part: str | None = None
    state: RangeState = RangeState.WORKING
    lines: int = 0
    tally: Tally = field(default_factory=Tally)
    reports: tuple[ReportPart, ...] = ()
    updated_at: str | None = None

    @property
    def bytes_done(self) -> int:
        """How many of its bytes are worked; its last line may lie beyond its end."""
        if self.state is RangeState.DONE:
            return self.end - self.begin
        return min(self.position, self.end) - self.begin


@dataclass(frozen=True, slots=True)
class Reporting:
    """How far a load's final report is: a multipart upload that is resumed.

    `etags` are the parts that are uploaded. What comes next is the refused lines of range
    `number` from its report part `index` on; the ranges before it have `lines` lines.
    """

    upload: str
    etags: tuple[str, ...] = ()
    number: int = 0
    index: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A load's ranges together. `bytes_total` is None while the size is not known."""

    bytes_done: int
    bytes_total: int | None
    lines: int
    tally: Tally

    @classmethod
    def of(cls, load: Load, ranges: Iterable[Range]) -> Progress:
        """How far a load is; ranges that no worker has begun need not be there."""
        done, lines, tally = 0, 0, Tally()
        for part in ranges:
            done += part.bytes_done
            lines += part.lines
            tally += part.tally
        return cls(done, load.plain_size, lines, tally)
