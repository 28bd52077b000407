"""A dropped file becomes a load: looked at, cut into ranges, its ranges told to the workers.

A plain file is not read for that: its ranges are numbers. A packed one is unpacked once, as a
stream, into parts that end with a line each. Whatever stops this, the same notification goes on
where it was: ranges that were told are told again at worst, and a worker that meets its range
done has nothing to do.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from functions.shared.adapters.keys import (
    manifest_object,
    parse_incoming,
    parse_manifest,
    part_object,
)
from functions.shared.core.errors import Conflict, Defect, Retry
from functions.shared.core.instants import instant
from functions.shared.core.intake import GZIP, HEAD, LARGEST_MANIFEST, examine
from functions.shared.core.loads import SPLITTER, Load, LoadState, Range, Split, load_id
from functions.shared.core.ranges import Lines, ranges_in
from functions.shared.ports import Deadline, Gone, Inbox, Loads, Objects, Outbox
from functions.shared.runtime.loading import FILE_TRIES, Delivery, Task
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.measures import Measure
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent, TimeLeft

SOON: Final = 5
"""Seconds until a notification that ran out of time comes again. The queue's visibility covers the
function's longest run, so it would be an hour and a half."""
LONGEST_WAIT: Final = 900
"""Seconds until a notification that failed comes again; they double from ten."""
KEPT_BACK: Final = 20.0
"""Seconds of the function's time that stay for what is under way."""
_TOLD_AT_ONCE: Final = 100
_READ: Final = 4 * 1024 * 1024
_UNPACKED: Final = 4 * 1024 * 1024
_ENDLESS: Final = 1 << 62
_GONE: Final = "The file was taken away before it was looked at. Drop it again and leave it there."
_DAMAGED: Final = (
    "The gzip is damaged or cut off from its byte {} on. The whole lines before that are loaded."
    " Pack the file again and drop it again: what is loaded is then a duplicate and changes"
    " nothing."
)


class OutOfTime(Retry):
    """The function's time is up; what it did is stored, and the next run goes on."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """An object that was dropped: `sender` is the principal that AWS says dropped it."""

    bucket: str
    key: str
    version: str
    etag: str
    size: int
    sender: str | None
    at: str


def dropped_in(body: str) -> list[Dropped]:
    """The objects that a notification of S3 tells of; none for its test message.

    Raises Defect for a message that is no notification.
    """
    try:
        told = json.loads(body)
        if told.get("Event") == "s3:TestEvent":
            return []
        return [_dropped(record) for record in told["Records"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Defect("The queue holds a message that is no notification; delete it.") from None


def _dropped(record: Mapping[str, Any]) -> Dropped:
    stored = record["s3"]["object"]
    return Dropped(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        version=stored.get("versionId", ""),
        etag=stored.get("eTag", ""),
        size=int(stored.get("size", 0)),
        sender=_principal(record.get("userIdentity", {}).get("principalId")),
        at=instant(datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00"))),
    )


def _principal(told: str | None) -> str | None:
    """The IAM unique id in `AWS:AROAEXAMPLE:session`: as a queue's SenderId has it."""
    return (told or "").removeprefix("AWS:").partition(":")[0] or None


@dataclass(frozen=True, slots=True)
class FileSplitService:
    """Answers the notifications of the intake bucket."""

    bucket: str
    range_bytes: int
    loads: Loads
    objects: Objects
    ranges: Outbox
    files: Inbox
    narrator: Narrator
    now: Callable[[], str]

    def handle(self, event: SqsEvent, context: LambdaContext) -> Answer:
        """Notifications that it names come back; the others are accounted for."""
        deadline = TimeLeft(context, KEPT_BACK)
        unfinished = []
        for record in event["Records"]:
            delivery = Delivery.of(record)
            try:
                for dropped in dropped_in(delivery.body):
                    self._take(dropped, delivery.tries, deadline)
            except Exception as error:  # the batch loop: be loud, without the error's text
                self.narrator.failed_at_loading(error)
                unfinished.append(delivery.id)
                wait = SOON if isinstance(error, OutOfTime) else SOON * 2**delivery.tries
                self.files.show_again(delivery.receipt, min(wait, LONGEST_WAIT))
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in unfinished]}

    def _take(self, dropped: Dropped, tries: int, deadline: Deadline) -> None:
        if dropped.bucket != self.bucket:
            raise Defect("A bucket that is not this stack's notified it; correct that bucket.")
        name = parse_incoming(dropped.key)
        if name is None or name.endswith("/"):
            return
        described = parse_manifest(dropped.key)
        load = (
            self._created(dropped, deadline)
            if described is None
            else self._described(described, deadline)
        )
        if load is None:
            return
        if tries >= FILE_TRIES:
            self.loads.stick(load.load_id, SPLITTER, self.now(), deadline)
        try:
            self._go_on(load, deadline)
        except Conflict:
            # Another notification of the same load is at it, or the answer of a write was lost.
            raise Retry("The load was changed meanwhile.") from None
        if SPLITTER in load.stuck or tries >= FILE_TRIES:
            self.loads.unstick(load.load_id, SPLITTER, self.now(), deadline)

    def _created(self, dropped: Dropped, deadline: Deadline) -> Load:
        return self.loads.create(
            Load(
                load_id=load_id(dropped.bucket, dropped.key, dropped.version),
                bucket=dropped.bucket,
                key=dropped.key,
                version=dropped.version,
                etag=dropped.etag,
                size=dropped.size,
                sender=dropped.sender,
                sent_at=dropped.at,
                range_bytes=self.range_bytes,
                updated_at=self.now(),
            ),
            deadline,
        )

    def _described(self, key: str, deadline: Deadline) -> Load | None:
        """The load of the file that a manifest is about, if that file has been notified of.

        If not, its own notification finds the manifest: a load is there before its manifest is
        looked for, and a manifest before its load is.
        """
        newest = self.objects.head(key, deadline)
        if newest is None:
            return None
        return self.loads.found(load_id(self.bucket, key, newest[0]), deadline)

    def _go_on(self, load: Load, deadline: Deadline) -> None:
        """Brings a load to where every range of it is told, or it waits, or it has failed."""
        if load.started_at is None:
            begun = self._begun(load, deadline)
            if begun is None:
                return
            load = begun
        if load.state in (LoadState.DONE, LoadState.FAILED):
            return
        if not load.opened:
            if load.packed:
                self._split_packed(load, deadline)
            else:
                self._split_plain(load, deadline)
        # Where all ranges were done before it was known that these are all, nobody ended the load.
        if load.packed or load.size == 0:
            self.ranges.send([Task(load.load_id).body()], deadline)

    def _begun(self, load: Load, deadline: Deadline) -> Load | None:
        """The load as its splitting begins; None if it waits or has failed."""
        manifest = self.objects.fetch(manifest_object(load.key), LARGEST_MANIFEST + 1, deadline)
        try:
            head = self.objects.read(load.key, 0, min(load.size, HEAD), deadline, load.pinned)
        except Gone:
            self._failed(load, (_GONE,), deadline)
            return None
        packed = head.startswith(GZIP)
        found = examine(load.key, _unpacked(head) if packed else head, manifest)
        if found.state is LoadState.WAITING:
            self.loads.hold(load.load_id, found.problems, self.now(), deadline)
        elif found.state is LoadState.FAILED:
            self._failed(load, found.problems, deadline)
        else:
            begun = replace(
                load,
                state=LoadState.SPLITTING,
                problems=(),
                range_bytes=self.range_bytes,
                packed=packed,
                form=found.form,
                queue=found.queue,
                manifest=found.manifest,
                header=found.header,
                plain_size=None if packed else load.size,
                ranges=None if packed else ranges_in(load.size, self.range_bytes),
                split=Split(),
            )
            self.loads.begin(begun, self.now(), deadline)
            return begun
        return None

    def _failed(self, load: Load, problems: tuple[str, ...], deadline: Deadline) -> None:
        self.loads.fail(load.load_id, problems, self.now(), deadline)
        self.narrator.tell_load(load.load_id, Measure.LOADS_FAILED)

    # Plain ----------------------------------------------------------------------------------

    def _split_plain(self, load: Load, deadline: Deadline) -> None:
        split = load.split or Split()
        assert load.ranges is not None
        for start in range(split.told, load.ranges, _TOLD_AT_ONCE):
            if deadline.remaining() <= 0:
                raise OutOfTime("Not every range is told yet.")
            after = min(start + _TOLD_AT_ONCE, load.ranges)
            bodies = [Task(load.load_id, number).body() for number in range(start, after)]
            self.ranges.send(bodies, deadline)
            self._told(load, replace(split, told=after), deadline)
        self._opened(load, load.ranges, load.size, (), deadline)

    # Packed ---------------------------------------------------------------------------------

    def _split_packed(self, load: Load, deadline: Deadline) -> None:
        split = load.split or Split()
        gunzip = _Gunzip(self.objects, load, split.member, split.member_plain, deadline)
        lines = Lines(split.plain, _ENDLESS)
        part: list[bytes] = []
        length, reached = 0, split.plain
        for piece in gunzip.pieces(split.plain):
            for line in lines.feed(piece):
                part += (line.body, b"\n")
                length, reached = length + len(line.body) + 1, line.next
                if length >= load.range_bytes:
                    split = self._part(load, split, gunzip, reached, part, deadline)
                    part, length = [], 0
            if deadline.remaining() <= 0:
                raise OutOfTime("Not every part is written yet.")
        problems: tuple[str, ...] = ()
        if gunzip.damaged_at is None:
            for line in lines.finish():
                part.append(line.body)
                reached = line.next
        else:
            problems = (_DAMAGED.format(gunzip.damaged_at),)
        if part:
            split = self._part(load, split, gunzip, reached, part, deadline)
        self._opened(load, split.told, split.written, problems, deadline)

    def _part(
        self,
        load: Load,
        split: Split,
        gunzip: _Gunzip,
        plain: int,
        lines: list[bytes],
        deadline: Deadline,
    ) -> Split:
        """Stores a part, tells its range, stores that it is told: in this order."""
        content = b"".join(lines)
        number = split.told
        key = part_object(load.load_id, number)
        self.objects.put(key, content, deadline)
        end = split.written + len(content)
        fresh = Range(load.load_id, number, split.written, end, split.written, key)
        self.loads.open_range(replace(fresh, updated_at=self.now()), deadline)
        self.ranges.send([Task(load.load_id, number).body()], deadline)
        after = Split(number + 1, plain, end, gunzip.member, gunzip.member_plain)
        self._told(load, after, deadline)
        return after

    # Both -----------------------------------------------------------------------------------

    def _told(self, load: Load, split: Split, deadline: Deadline) -> None:
        try:
            self.loads.told(load.load_id, split, self.now(), deadline)
        except Conflict:
            # A worker may have ended a plain load that was told twice; and an answer may be lost.
            stored = self.loads.found(load.load_id, deadline)
            done = stored is not None and stored.state is LoadState.DONE
            if not done and (stored is None or stored.split != split):
                raise

    def _opened(
        self,
        load: Load,
        ranges: int,
        plain_size: int,
        problems: tuple[str, ...],
        deadline: Deadline,
    ) -> None:
        try:
            self.loads.opened(load.load_id, ranges, plain_size, problems, self.now(), deadline)
        except Conflict:
            # Its workers may have ended it already; and an answer may be lost.
            stored = self.loads.found(load.load_id, deadline)
            if stored is None or not (stored.opened or stored.finished_at):
                raise


class _Gunzip:
    """Unpacks an object from one of its gzip members on.

    `member` and `member_plain` are where the member that is being unpacked begins, packed and
    unpacked. `damaged_at` is the packed byte from which on it is no gzip any more.
    """

    def __init__(
        self, objects: Objects, load: Load, member: int, member_plain: int, deadline: Deadline
    ) -> None:
        self._objects = objects
        self._load = load
        self._deadline = deadline
        self._plain = member_plain
        self.member = member
        self.member_plain = member_plain
        self.damaged_at: int | None = None

    def pieces(self, after: int) -> Iterator[bytes]:
        """The unpacked bytes from byte `after` on, piece by piece; none holds two members."""
        inflate = zlib.decompressobj(wbits=31)
        at = self.member
        data = b""
        while True:
            if not data:
                if at >= self._load.size:
                    break
                until = min(at + _READ, self._load.size)
                data = self._objects.read(
                    self._load.key, at, until, self._deadline, self._load.pinned
                )
                at = until
            if inflate.eof:
                # Between members: some tools fill up with zeros.
                data = data.lstrip(b"\0")
                if not data:
                    continue
                inflate = zlib.decompressobj(wbits=31)
                self.member, self.member_plain = at - len(data), self._plain
            try:
                piece = inflate.decompress(data, _UNPACKED)
            except zlib.error:
                self.damaged_at = at - len(data)
                return
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            self._plain += len(piece)
            skipped = max(0, after - (self._plain - len(piece)))
            if piece[skipped:]:
                yield piece[skipped:]
        if not inflate.eof:
            self.damaged_at = self._load.size


def _unpacked(head: bytes) -> bytes:
    """The plain bytes that a packed file begins with, as far as its beginning gives them."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b""
