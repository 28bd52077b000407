"""A range of a file through the pipeline, batch by batch, so that a killed worker costs a batch.

A worker reads its range in pieces, hands the lines of a batch to the pipelines of their kinds,
and stores how far it is only once **every** line of the batch has ended: as applied, superseded,
duplicate or quarantined, just as if it had come by its queue. What has not ended is tried again
and never passed over. Whoever ends a load's last range writes the report of all refused lines and
ends the load; until both are done its message comes back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, NoReturn

import orjson

from functions.shared.adapters.keys import range_report_object, report_object
from functions.shared.core import rows
from functions.shared.core.errors import Conflict, Defect, Retry
from functions.shared.core.events import Reason
from functions.shared.core.intake import queue_of
from functions.shared.core.loads import (
    Form,
    Load,
    LoadState,
    Range,
    RangeState,
    Reporting,
    ReportPart,
    Tally,
)
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.ranges import Line, Lines, bounds_of
from functions.shared.ports import Deadline, Loads, Objects, Outbox, Refusal
from functions.shared.runtime.loading import RANGE_TRIES, Delivery, Task, task_of
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.measures import Measure
from functions.shared.runtime.pipeline import Pipeline, Report
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent, TimeLeft

KEPT_BACK: Final = 15.0
"""Seconds of the function's time that stay for quarantine, checkpoint and answer."""
MOST_LINES: Final = 1000
"""Lines of a batch: what is worked again, as duplicates, after a worker was killed."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a batch, apart from its last line."""
READ: Final = 1024 * 1024
"""Bytes of a file that are read at once."""
REPORT_PART: Final = 1024 * 1024
"""Bytes from which on the next refused lines begin another object."""
UPLOAD_PART: Final = 8 * 1024 * 1024
"""Bytes from which on the final report is sent in parts; S3 wants 5 MiB or more of each."""
LONGEST_PAUSE: Final = 8.0
"""Seconds between tries of what the tables did not take; pauses double from a quarter."""
_LINE_FIELD: Final = b'{"line":'


class HandedOver(Exception):
    """Time is up after progress was made: a fresh message goes on, this one is done with."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a line ended. `reasons` are there if it was refused."""

    verdict: Verdict
    queue: str
    body: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class RangeSyncService:
    """Answers the queue of ranges. `pipelines` are by queue; `token` makes names of its own."""

    loads: Loads
    objects: Objects
    ranges: Outbox
    pipelines: Mapping[str, Pipeline]
    narrator: Narrator
    now: Callable[[], str]
    token: Callable[[], str]
    pause: Callable[[float], None]
    jitter: Callable[[], float]

    def handle(self, event: SqsEvent, context: LambdaContext) -> Answer:
        """Tasks that it names come back; the others are accounted for."""
        deadline = TimeLeft(context, KEPT_BACK)
        unfinished = []
        for record in event["Records"]:
            delivery = Delivery.of(record)
            try:
                self._take(task_of(delivery.body), delivery.tries, deadline)
            except HandedOver:
                pass
            except Exception as error:  # the batch loop: be loud, without the error's text
                self.narrator.failed_at_loading(error)
                unfinished.append(delivery.id)
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in unfinished]}

    def _take(self, task: Task, tries: int, deadline: Deadline) -> None:
        load = self.loads.found(task.load_id, deadline)
        if load is None:
            raise Defect("There is no such load; delete the message.")
        if task.number is not None:
            self._work(load, self._claimed(load, task.number, tries, deadline), deadline)
        self._end(task.load_id, deadline)

    def _claimed(self, load: Load, number: int, tries: int, deadline: Deadline) -> Range:
        """The range as it stands, marked as stuck if this is the last try."""
        part = self.loads.range(load.load_id, number, deadline)
        if part is None:
            if load.packed or load.plain_size is None:
                raise Defect("A part of a packed file was never stored.")
            begin, end = bounds_of(number, load.plain_size, load.range_bytes)
            fresh = Range(load.load_id, number, begin, end, begin, updated_at=self.now())
            part = self.loads.open_range(fresh, deadline)
        if part.state is RangeState.DONE:
            return part
        last = tries >= RANGE_TRIES
        if last and number not in load.stuck:
            self.loads.stick(load.load_id, number, self.now(), deadline)
            self.narrator.tell_load(load.load_id, Measure.RANGES_STUCK)
        elif not last and number in load.stuck:
            self.loads.unstick(load.load_id, number, self.now(), deadline)
        return replace(part, state=RangeState.STUCK if last else RangeState.WORKING)

    # A range --------------------------------------------------------------------------------

    def _work(self, load: Load, part: Range, deadline: Deadline) -> None:
        """Every line of the range has ended, or an exception says why not."""
        if part.state is RangeState.DONE:
            return
        worker = _Worker(self, load, part, deadline)
        while worker.step():
            pass

    # The end of a load ----------------------------------------------------------------------

    def _end(self, load_id: str, deadline: Deadline) -> None:
        """Ends the load, if all of its ranges are done and nobody has ended it."""
        load = self.loads.found(load_id, deadline)
        if load is None or load.finished_at is not None:
            return
        if not (load.ranges is not None and load.done >= load.ranges):
            return
        if load.state is LoadState.FAILED or (load.packed and not load.opened):
            return
        ranges = self.loads.ranges(load_id, deadline)
        if len(ranges) != load.ranges or any(r.state is not RangeState.DONE for r in ranges):
            raise Defect("The load counts more ranges as done than there are.")
        report = self._report(load, ranges, deadline)
        lines = sum(part.lines for part in ranges)
        tally = sum((part.tally for part in ranges), Tally())
        try:
            self.loads.close(load, lines, tally, report, self.now(), deadline)
        except Conflict:
            return  # somebody else has, with the same report
        ended = Measure.LOADS_FAILED if load.problems else Measure.LOADS_DONE
        self.narrator.tell_load(load_id, ended)
        if tally.quarantined * 20 > tally.total:
            self.narrator.tell_load(load_id, Measure.LOADS_REFUSED)

    def _report(self, load: Load, ranges: Sequence[Range], deadline: Deadline) -> str:
        """Writes every refused line of the load into one object; gives its key."""
        key = report_object(load.load_id)
        reached = self.loads.reporting(load.load_id, deadline)
        if reached is not None and self.objects.head(key, deadline) is not None:
            return key  # put together before, by a worker that could not end the load
        at = reached or Reporting("")
        content: list[bytes] = []
        length = 0
        for part in ranges[at.number :]:
            for index, piece in enumerate(part.reports):
                if part.number == at.number and index < at.index:
                    continue
                stored = self.objects.read(piece.key, 0, piece.size, deadline)
                content += _renumbered(stored, at.lines)
                length += piece.size
                if length >= UPLOAD_PART:
                    upload = at.upload or self.objects.begin_upload(key, deadline)
                    etag = self.objects.upload_part(
                        key, upload, len(at.etags) + 1, b"".join(content), deadline
                    )
                    at = Reporting(upload, (*at.etags, etag), part.number, index + 1, at.lines)
                    self.loads.save_reporting(load.load_id, reached, at, deadline)
                    reached, content, length = at, [], 0
                    if deadline.remaining() <= 0:
                        self.ranges.send([Task(load.load_id).body()], deadline)
                        raise HandedOver
            at = replace(at, number=part.number + 1, index=0, lines=at.lines + part.lines)
        rest = b"".join(content)
        if not at.upload:
            self.objects.put(key, rest, deadline)
            return key
        etags = at.etags
        if rest:
            number = len(etags) + 1
            etags = (*etags, self.objects.upload_part(key, at.upload, number, rest, deadline))
        self.objects.end_upload(key, at.upload, etags, deadline)
        return key


class _Worker:
    """One run of a worker over a range."""

    def __init__(
        self, service: RangeSyncService, load: Load, part: Range, deadline: Deadline
    ) -> None:
        self._service = service
        self._load = load
        self._part = part
        self._deadline = deadline
        self._body_of = _body_of(load)
        self._lines = self._read()
        self._refusals = _Refusals(service, part, deadline)
        self._advanced = False
        self._hopeless = False
        self._longest = 0.0

    def step(self) -> bool:
        """Works the next batch; False once the range is done.

        Raises HandedOver when time is up after progress, Retry or Defect where it comes to a
        line that does not end.
        """
        began = self._deadline.remaining()
        if self._advanced and began < self._longest:
            self._hand_over()  # a batch of refusals alone takes long, and none may be cut off
        batch = list(self._batch())
        more = len(batch) == MOST_LINES or sum(len(line.body) for line in batch) >= MOST_BYTES
        ended = self._ended(batch)
        reached = len(ended)
        if reached == len(batch) and not more:
            self._finish(batch, ended)
            return False
        if reached:
            self._checkpoint(batch[:reached], ended)
            self._advanced = True
        left = self._deadline.remaining()
        self._longest = max(self._longest, began - left)
        if left <= 0:
            if self._advanced:
                self._hand_over()
            raise Retry("Time is up and the range is where it was.")
        if reached < len(batch):
            kind = Defect if self._hopeless else Retry
            raise kind("The range came to a line that does not end.")
        return True

    def _hand_over(self) -> NoReturn:
        task = Task(self._part.load_id, self._part.number)
        self._service.ranges.send([task.body()], self._deadline)
        raise HandedOver

    # Reading --------------------------------------------------------------------------------

    def _batch(self) -> Iterator[Line]:
        length = 0
        for line in islice(self._lines, MOST_LINES):
            yield line
            length += len(line.body)
            if length >= MOST_BYTES:
                return

    def _read(self) -> Iterator[Line]:
        """The lines that the range owns, from its position on."""
        load, part = self._load, self._part
        # A part holds its range's bytes alone; its lines begin where it does.
        aligned = part.part is not None or part.position > part.begin or part.begin == 0
        lines = Lines(part.position - (not aligned), part.end, aligned=aligned)
        if part.part is None:
            key, pinned, offset, size = load.key, load.pinned, 0, load.size
        else:
            key, pinned, offset, size = part.part, None, part.begin, part.end
        at = part.position - (not aligned)
        while at < size and not lines.done:
            until = min(at + READ, size)
            data = self._service.objects.read(
                key, at - offset, until - offset, self._deadline, pinned
            )
            yield from lines.feed(data)
            at = until
        if at >= size:
            yield from lines.finish()

    # Working --------------------------------------------------------------------------------

    def _ended(self, batch: Sequence[Line]) -> list[Ended | None]:
        """How each line ended, None for one that is no message, up to the first that did not."""
        found: dict[int, Ended | None] = {}
        waiting: dict[str, dict[int, Message]] = {}
        no_rows: dict[int, tuple[Message, Reason]] = {}
        for position, line in enumerate(batch):
            if line.blank or (line.begin == 0 and self._load.form is Form.CSV):
                found[position] = None
                continue
            try:
                queue, body = self._body_of(line)
            except rows.NoRow as error:
                message = self._message(line, line.text)
                no_rows[position] = (message, Reason("not-json", "", str(error)))
                continue
            waiting.setdefault(queue, {})[position] = self._message(line, body)
        found.update(self._refused(no_rows))
        for queue, messages in waiting.items():
            found.update(self._through(queue, messages))
        ended: list[Ended | None] = []
        for position in range(len(batch)):
            if position not in found:
                break
            ended.append(found[position])
        return ended

    def _message(self, line: Line, body: str) -> Message:
        load = self._load
        return Message(f"{load.load_id}:{line.begin}", body, load.sent_at, load.sender)

    def _refused(self, no_rows: Mapping[int, tuple[Message, Reason]]) -> dict[int, Ended]:
        """Keeps lines that are no rows of their file in quarantine."""
        if not no_rows:
            return {}
        queue = str(self._load.queue)
        messages = [message for message, _ in no_rows.values()]
        refusals = [
            Refusal(queue, m.body, (reason,), m.sent_at, sender=m.sender)
            for m, reason in no_rows.values()
        ]
        try:
            self._service.pipelines[queue].quarantine.keep(refusals, self._deadline)
        except Retry:
            return {}
        report = Report(dict.fromkeys(range(len(messages)), Verdict.QUARANTINED))
        for position, (_, reason) in enumerate(no_rows.values()):
            report.refused[position] = (reason,)
            report.reasons[reason.code] += 1
        self._service.narrator.tell(queue, messages, report)
        return {
            position: Ended(Verdict.QUARANTINED, queue, message.body, (reason,))
            for position, (message, reason) in no_rows.items()
        }

    def _through(self, queue: str, messages: Mapping[int, Message]) -> dict[int, Ended]:
        """Those that ended; what comes again is tried again until time is up."""
        ended: dict[int, Ended] = {}
        left = dict(messages)
        tried = 0
        while left and self._deadline.remaining() > 0:
            if tried:
                self._wait(tried)
            tried += 1
            ended.update(self._run(queue, left))
            left = {position: m for position, m in left.items() if position not in ended}
            if self._hopeless:
                break
        return ended

    def _run(self, queue: str, messages: Mapping[int, Message]) -> dict[int, Ended]:
        """One run of the pipeline.

        Should a bug or a broken stack stop it, halves are worked until the first line that
        does, so that what stands before that one is not held up by it.
        """
        positions, batch = list(messages), list(messages.values())
        try:
            report = self._service.pipelines[queue].run(batch, self._deadline)
        except Exception as error:  # as in the batch loop of the queues
            self._service.narrator.failed(queue, error)
            if len(batch) == 1:
                self._hopeless = True
                return {}
            half = len(batch) // 2
            ended = self._run(queue, {p: messages[p] for p in positions[:half]})
            if len(ended) == half:
                ended.update(self._run(queue, {p: messages[p] for p in positions[half:]}))
            return ended
        self._service.narrator.tell(queue, batch, report)
        self._hopeless |= report.defects > 0
        return {
            positions[index]: Ended(
                verdict,
                queue,
                batch[index].body,
                report.refused[index] if verdict is Verdict.QUARANTINED else (),
            )
            for index, verdict in report.verdicts.items()
            if verdict is not Verdict.AGAIN
        }

    def _wait(self, tried: int) -> None:
        longest = min(LONGEST_PAUSE, 0.125 * 2**tried, max(self._deadline.remaining(), 0))
        self._service.pause(longest * (0.5 + self._service.jitter() / 2))

    # How far it is --------------------------------------------------------------------------

    def _after(self, batch: Sequence[Line], ended: Sequence[Ended | None]) -> Range:
        part = self._part
        refused = [
            _refused_line(part.lines + number, line, how)
            for number, (line, how) in enumerate(zip(batch, ended, strict=True), 1)
            if how is not None and how.verdict is Verdict.QUARANTINED
        ]
        return replace(
            part,
            position=batch[-1].next if batch else part.position,
            lines=part.lines + len(batch),
            tally=part.tally + Tally.of(how.verdict for how in ended if how is not None),
            reports=self._refusals.kept(refused, batch[0].begin) if refused else part.reports,
            updated_at=self._service.now(),
        )

    def _checkpoint(self, batch: Sequence[Line], ended: Sequence[Ended | None]) -> None:
        before, after = self._part, self._after(batch, ended)
        try:
            self._service.loads.checkpoint(before, after, self._deadline)
        except Conflict:
            self._only_if_stored(after)
        self._part = after

    def _finish(self, batch: Sequence[Line], ended: Sequence[Ended | None]) -> None:
        before, after = self._part, self._after(batch, ended)
        try:
            self._service.loads.complete(before, after, self._deadline)
        except Conflict:
            self._only_if_stored(replace(after, state=RangeState.DONE))
        self._service.narrator.tell_range(
            after.load_id, after.number, after.tally.as_json(), after.lines
        )

    def _only_if_stored(self, after: Range) -> None:
        """Whether a write was ours after all and only its answer was lost."""
        stored = self._service.loads.range(after.load_id, after.number, self._deadline)
        if stored != after:
            raise Retry("Another worker has this range; its message comes back to see.")


class _Refusals:
    """The refused lines of a range, in objects that only this worker writes.

    An object that is committed is never changed but by what is added to its end, and of each
    only the committed bytes count: a worker that dies between object and checkpoint leaves
    nothing behind that is ever read.
    """

    def __init__(self, service: RangeSyncService, part: Range, deadline: Deadline) -> None:
        self._service = service
        self._part = part
        self._deadline = deadline
        self._parts = part.reports
        self._content: bytes | None = None
        self._key = ""

    def kept(self, lines: Sequence[bytes], position: int) -> tuple[ReportPart, ...]:
        """The objects, once these lines are in the last of them."""
        if self._content is None:
            self._take_over(position)
        assert self._content is not None
        if len(self._content) >= REPORT_PART:
            self._begin(position, b"")
        self._content += b"".join(lines)
        self._service.objects.put(self._key, self._content, self._deadline)
        last = ReportPart(self._key, len(self._content))
        before = [part for part in self._parts if part.key != self._key]
        self._parts = (*before, last)
        return self._parts

    def _take_over(self, position: int) -> None:
        """What an earlier worker's last object holds is copied into one of this worker's."""
        if not self._parts or self._parts[-1].size >= REPORT_PART:
            self._begin(position, b"")
            return
        last = self._parts[-1]
        content = self._service.objects.read(last.key, 0, last.size, self._deadline)
        self._parts = self._parts[:-1]
        self._begin(position, content)

    def _begin(self, position: int, content: bytes) -> None:
        part = self._part
        name = range_report_object(part.load_id, part.number, position)
        self._key = f"{name.removesuffix('.ndjson')}-{self._service.token()}.ndjson"
        self._content = content


def _body_of(load: Load) -> Callable[[Line], tuple[str, str]]:
    """For a line its queue and the message it is."""
    usual = load.queue
    if usual is None:
        raise Defect("The load was never begun.")
    if load.form is not Form.CSV:

        def event(line: Line) -> tuple[str, str]:
            text = line.text
            return queue_of(text) or usual, text

        return event
    manifest, _ = rows.read_manifest(load.manifest or "")
    if manifest is None:
        raise Defect("The load's manifest is not the one it began with.")
    row = rows.mapper(manifest, load.header or "")

    def stated(line: Line) -> tuple[str, str]:
        text = line.text
        return usual, row(text) if _is_text(text) else text

    return stated


def _is_text(text: str) -> bool:
    """Whether the line was UTF-8; what was not ends as `not-json`, as it stands."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused_line(number: int, line: Line, ended: Ended) -> bytes:
    """A line of a report: where it is and what is wrong with it, and never what it says."""
    told: dict[str, Any] = {
        "line": number,
        "byte": line.begin,
        "queue": ended.queue,
        "quarantine_id": quarantine_id(ended.queue, ended.body),
        "reasons": [dict(reason.as_json()) for reason in ended.reasons],
    }
    try:
        return orjson.dumps(told) + b"\n"
    except TypeError:  # a path names a field of the sender's that is no text
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _renumbered(content: bytes, before: int) -> list[bytes]:
    """Lines of a range's report with their numbers in the file, from 1."""
    found = []
    for line in content.splitlines(keepends=True):
        number, _, rest = line.removeprefix(_LINE_FIELD).partition(b",")
        found.append(b"%b%d,%b" % (_LINE_FIELD, int(number) + before, rest))
    return found
