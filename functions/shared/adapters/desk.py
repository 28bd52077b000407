"""The desk: refused messages found, looked at, sent again or put aside, and every step noted.

What is guaranteed of a replay, wherever it is cut off:

- it is noted in the entry (who, why, which event) before anything is sent, and the entry is
  closed only after it was sent, so nothing is lost;
- what is noted names what is sent to the byte, so whoever goes on sends the same again, which is
  a duplicate, and never something else beside it: nothing is done twice;
- a note is taken only by an entry that is as it was read, so of two people one does it.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from heapq import merge
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from functions.shared.adapters.attributes import Item, from_item, to_attribute
from functions.shared.adapters.bulk import Waiting, Wanted, read_items
from functions.shared.adapters.dynamodb import DynamoLedger
from functions.shared.adapters.errors import AWS_ERRORS, code_of, translated
from functions.shared.adapters.keys import (
    SHARDS,
    event_uid,
    parse_reason_key,
    queue_key,
    reason_key,
    shard_of,
)
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.cases import (
    OPEN,
    Did,
    Entry,
    Followed,
    Selection,
    Step,
    days_between,
)
from functions.shared.core.correction import (
    Patch,
    Unfit,
    World,
    by_patch,
    event_type_of,
    read_for,
    sendable,
    still_refused,
)
from functions.shared.core.errors import LienThongError
from functions.shared.core.events import Reason
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.core.planning import KnownEvent
from functions.shared.core.quarantine import corrected_entry, quarantine_id
from functions.shared.core.registry import Senders, agency_id, asks_the_registry
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

_T = TypeVar("_T")
_U = TypeVar("_U")

MOST_TOGETHER: Final = 100
"""Entries that are worked together: as many as one bulk read takes."""
LARGEST_PAGE: Final = 5000
"""Keys of one page of an index, well under its 1 MB."""
MOST_MESSAGES: Final = 10
MOST_BYTES: Final = 1024 * 1024
"""Messages of one SendMessageBatch call, and their bytes with their attributes."""
MOST_TRIES: Final = 6
THREADS: Final = 8

_KEYS: Final = ("quarantine_id", "queue", "status", "received_at", "reason_key", "source")
_WHOLE: Final = (
    *_KEYS,
    "reasons",
    "reasons_count",
    "reasons_object",
    "seen",
    "event_id",
    "event_uid",
    "sender",
    "replays",
    "steps",
    "closed_at",
    "closed_by",
    "closed_because",
    "body_object",
    "body_bytes",
)


@dataclass(frozen=True, slots=True)
class Places:
    """The names of the tables and the bucket, and the queues' URLs by queue."""

    quarantine: str
    bucket: str
    ledger: str
    agencies: str
    queues: Mapping[str, str]


class Cursor(NamedTuple):
    """The last entry that was seen of a selection; going on begins after it."""

    received_at: str
    id: str


BEFORE_ALL: Final = Cursor("9999-12-31T23:59:59.999999Z", "")
"""Going on from there begins at the beginning."""
REFUSED_AGAIN: Final = "refused again"
IN_THE_LEDGER: Final = "in the ledger"
ON_ITS_WAY: Final = "not arrived, or accepted under a source of its own"


@dataclass(slots=True)
class Watch:
    """Ends a search between two bulk reads when `stop` says so, and knows where that was."""

    stop: Callable[[], bool] = lambda: False
    stopped: bool = False
    at: Cursor | None = None
    """The last entry that was looked at, whether it was meant or not."""

    def over(self, chunks: Iterable[list[Cursor]]) -> Iterator[list[Cursor]]:
        """The same, until it is to stop."""
        for chunk in chunks:
            if self.stop():
                self.stopped = True
                return
            yield chunk
            self.at = chunk[-1]


@dataclass(frozen=True, slots=True)
class Replay:
    """A message to be sent for an entry."""

    entry: Entry
    did: Did
    body: str
    event_id: str | None
    refused: tuple[Reason, ...] = ()
    """What it would be refused for, as far as can be told beforehand."""

    @property
    def becomes(self) -> str:
        """The id of the quarantine entry that this becomes if it is refused."""
        return quarantine_id(self.entry.queue, self.body, self.entry.id)


@dataclass(frozen=True, slots=True)
class Unsuited:
    """An entry for which there is nothing to be sent, and why."""

    entry: Entry
    why: Unfit


class Outcome(Enum):
    """What became of an entry that was to be replayed or dismissed."""

    DONE = "done"
    """Sent, or dismissed; noted, and closed."""
    FINISHED = "finished"
    """An earlier replay of it had arrived; its entry is now closed, and nothing was sent."""
    UNDERWAY = "underway"
    """Another replay of it was begun, and where that is cannot be told; nothing was sent."""
    TAKEN = "taken"
    """Somebody else did something about it since it was read; nothing was sent."""
    UNSENT = "unsent"
    """The queue did not take it; it is open, and its replay may be repeated."""


class NotTaken(LienThongError):
    """A queue did not answer; what it took until then is closed, the rest is still open."""


@dataclass(slots=True)
class Tally:
    """What became of all of them."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    unsuited: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """First reasons of those that were left alone because they would be refused again."""
    stopped: bool = False

    @property
    def looked_at(self) -> int:
        """How many entries were looked at."""
        return self.outcomes.total() + self.unsuited.total() + self.refused.total()

    @property
    def left(self) -> int:
        """How many are as open as they were."""
        done = self.outcomes[Outcome.DONE] + self.outcomes[Outcome.FINISHED]
        return self.looked_at - done - self.outcomes[Outcome.TAKEN]


class Desk:
    """The quarantine of one stack, for whoever looks after it.

    `patience` makes a deadline for one bulk read. `singly` sends with SendMessage, which is what a
    role is granted by that name alone wherever roles are held to it. A context manager: it has
    threads of its own.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        s3: S3Client,
        sqs: SQSClient,
        places: Places,
        senders: Senders,
        *,
        waiting: Waiting,
        patience: Callable[[], Deadline],
        monotonic: Callable[[], float],
        threads: int = THREADS,
        singly: bool = False,
    ) -> None:
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sqs = sqs
        self._places = places
        self._senders = senders
        self._waiting = waiting
        self._patience = patience
        self._agencies = DynamoAgencies(dynamodb, places.agencies, waiting, monotonic)
        self._ledger = DynamoLedger(dynamodb, places.ledger, waiting)
        self._threads = threads
        self._hand_over = self._one_by_one if singly else self._together
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="desk")

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    # Finding --------------------------------------------------------------------------------

    def keys(
        self,
        selection: Selection,
        after: Cursor | None = None,
        *,
        page: int = LARGEST_PAGE,
        shards: Sequence[int] = range(SHARDS),
    ) -> Iterator[Cursor]:
        """The entries whose queue or first reason is meant, newest first, from an index alone.

        The selection has to have both ends of its time range. The index may lag behind.
        """
        assert selection.since is not None
        assert selection.until is not None
        until = min(filter(None, (selection.until, after and after.received_at)))
        if until < selection.since:
            return
        for day in days_between(selection.since, until):
            # First pages of all partitions at once, the others as they are needed.
            partitions = [
                _Partition(self, index, name, key, selection.since, until, page)
                for index, name, key in _partitions(selection, day, shards)
            ]
            merged = merge(*partitions, key=lambda key: key.received_at, reverse=True)
            for _, together in groupby(merged, key=lambda key: key.received_at):
                found = sorted(set(together), reverse=True)
                yield from (key for key in found if after is None or key < after)

    def page(
        self, index: str, name: str, key: str, since: str, until: str, page: int, start: Item | None
    ) -> tuple[list[Cursor], Item | None]:
        request: Any = {
            "TableName": self._places.quarantine,
            "IndexName": index,
            "KeyConditionExpression": f"{name}=:k AND received_at BETWEEN :a AND :b",
            "ExpressionAttributeValues": {
                ":k": {"S": key},
                ":a": {"S": since},
                ":b": {"S": until},
            },
            "ScanIndexForward": False,
            "Limit": page,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        try:
            answer: Any = self._dynamodb.query(**request)
        except AWS_ERRORS as error:
            raise translated(error, "Query") from None
        found = [Cursor(i["received_at"]["S"], i["quarantine_id"]["S"]) for i in answer["Items"]]
        return found, answer.get("LastEvaluatedKey")

    def entries(
        self,
        selection: Selection,
        *,
        after: Cursor | None = None,
        bodies: bool = False,
        few: bool = False,
        watch: Watch | None = None,
    ) -> Iterator[Entry]:
        """The entries that are meant, newest first, read consistently in bulk.

        With `bodies` each has its body, wherever it is kept. With `few` hardly more is read than
        is taken.
        """
        names = _WHOLE + (("body",) if bodies or selection.types else ())
        yield from self._chosen(selection, after, names, bodies=bodies, few=few, watch=watch)

    def count(
        self,
        selection: Selection,
        by: Callable[[Entry], Iterable[_T]],
        *,
        after: Cursor | None = None,
        reasons: bool = False,
        advance: Callable[[int], None] = lambda _: None,
        watch: Watch | None = None,
    ) -> tuple[int, Counter[_T]]:
        """How many entries are meant, and how many of them fall under each of what `by` names.

        `reasons` says that it looks at the list of reasons.
        """
        names = _KEYS + (("reasons",) if reasons or selection.looks_at_reasons else ())
        names += ("body", "body_object") if selection.types else ()
        found: Counter[_T] = Counter()
        total = 0
        for entry in self._chosen(selection, after, names, watch=watch):
            total += 1
            found.update(set(by(entry)))
            advance(1)
        return total, found

    def _chosen(
        self,
        selection: Selection,
        after: Cursor | None,
        names: tuple[str, ...],
        *,
        bodies: bool = False,
        few: bool = False,
        watch: Watch | None = None,
    ) -> Iterator[Entry]:
        def read(keys: Sequence[Cursor]) -> list[Entry]:
            found = self._items([key.id for key in keys], names)
            entries = (found[key.id] for key in keys if key.id in found)
            return [
                self._with_body(e) if bodies else e for e in entries if self._takes(selection, e)
            ]

        keys = self.keys(selection, after, page=MOST_TOGETHER if few else LARGEST_PAGE)
        chunks = (watch or Watch()).over(_chunks(keys))
        for entries in self._ahead(read, chunks, 1 if few else self._threads):
            yield from entries

    def _takes(self, selection: Selection, entry: Entry) -> bool:
        return selection.takes(entry, lambda: event_type_of(self._with_body(entry).body or ""))

    def _items(self, ids: Collection[str], names: tuple[str, ...] = ()) -> dict[str, Entry]:
        if not ids:
            return {}
        table = self._places.quarantine
        wanted = {table: Wanted("quarantine_id", set(ids), names)}
        items = read_items(self._dynamodb, wanted, self._patience(), self._waiting)[table]
        return {entry.id: entry for entry in map(entry_of, items)}

    def _ahead(self, work: Callable[[_T], _U], given: Iterable[_T], ahead: int) -> Iterator[_U]:
        """The results in their order, while the next ones are worked already.

        `ahead` is how many at first; it doubles as long as more is wanted.
        """
        source = iter(given)
        underway: deque[Future[_U]] = deque()
        try:
            while True:
                for one in islice(source, ahead - len(underway)):
                    underway.append(self.pool.submit(work, one))
                if not underway:
                    return
                yield underway.popleft().result()
                ahead = min(2 * ahead, self._threads)
        finally:
            for future in underway:
                future.cancel()

    def entries_with(self, ids: Collection[str]) -> dict[str, Entry]:
        """The entries with these ids that exist, read consistently and with their bodies."""
        found: dict[str, Entry] = {}
        for chunk in _chunks(sorted(set(ids))):
            found |= {id_: self._with_body(e) for id_, e in self._items(chunk).items()}
        return found

    def beginning_with(self, prefix: str, selection: Selection, most: int = 2) -> list[str]:
        """Ids of entries of the selection's time range that begin with so much of an id."""
        found = (key.id for key in self.keys(selection, shards=(shard_of(prefix),)))
        return sorted(islice((id_ for id_ in found if id_.startswith(prefix)), most))

    def of_event(self, uid: str) -> list[Entry]:
        """The entries of messages that are an event, oldest first."""
        request: Any = {
            "TableName": self._places.quarantine,
            "IndexName": "by-event",
            "KeyConditionExpression": "event_uid=:u",
            "ExpressionAttributeValues": {":u": {"S": uid}},
        }
        try:
            pages = self._dynamodb.get_paginator("query").paginate(**request)
            ids = [item["quarantine_id"]["S"] for page in pages for item in page["Items"]]
        except AWS_ERRORS as error:
            raise translated(error, "Query") from None
        found: dict[str, Entry] = {}
        for chunk in _chunks(ids):
            found |= self._items(chunk, _WHOLE)
        return sorted(found.values(), key=lambda entry: (entry.received_at, entry.id))

    def led_to(self, entry: Entry) -> list[Entry]:
        """The entries that it replays, the nearest first, without bodies."""
        found: dict[str, Entry] = {entry.id: entry}
        while entry.replays is not None and entry.replays not in found:
            earlier = self._items([entry.replays], _WHOLE).get(entry.replays)
            if earlier is None:
                break
            found[earlier.id] = entry = earlier
        return list(found.values())[1:]

    def followed(self, entry: Entry) -> list[Followed]:
        """The entry's steps, and where what they sent is now."""
        sent = [step for step in entry.steps if step.entry is not None]
        again = self._items({step.entry for step in sent if step.entry}, _KEYS)
        uids = {
            step: event_uid(entry.source, step.event_id)
            for step in sent
            if entry.source is not None and step.event_id is not None
        }
        known = self.known(set(uids.values()))
        found = []
        for step in entry.steps:
            if step.entry is None:
                outcome = None
            elif step.entry in again and again[step.entry].status != "resolved":
                outcome = f"{REFUSED_AGAIN}: {step.entry}"
            elif uids.get(step) in known or (step.did == "replayed" and entry.status == "resolved"):
                outcome = IN_THE_LEDGER
            else:
                outcome = ON_ITS_WAY
            found.append(Followed(step, outcome))
        return found

    def traces(self, uids: Collection[str]) -> dict[str, list[Entry]]:
        """What of the quarantine led to each of these events: its own messages that were
        refused, the entry that it corrects, and what those replay; oldest first, by event_uid.
        """
        wanted = sorted(set(uids))
        own = dict(zip(wanted, self.pool.map(self.of_event, wanted), strict=True))
        corrects = {uid: corrected_entry(uid.partition("#")[2]) for uid in wanted}
        known: dict[str, Entry] = {}
        for chunk in _chunks(sorted({id_ for id_ in corrects.values() if id_ is not None})):
            known |= self._items(chunk, _WHOLE)
        traces: dict[str, list[Entry]] = {}
        for uid in wanted:
            nearest = [*own[uid], *filter(None, [known.get(corrects[uid] or "")])]
            found = {e.id: e for entry in nearest for e in (entry, *self.led_to(entry))}
            if found:
                traces[uid] = sorted(found.values(), key=lambda e: (e.received_at, e.id))
        return traces

    def _with_body(self, entry: Entry) -> Entry:
        if entry.body is not None or entry.body_object is None:
            return entry
        content = self._object(entry.body_object)
        return replace(entry, body=content.decode("utf-8", "surrogatepass"))

    def with_reasons(self, entry: Entry) -> Entry:
        """The entry with all of its reasons."""
        if entry.reasons_object is None:
            return entry
        listed = json.loads(self._object(entry.reasons_object))
        return replace(entry, reasons=tuple(map(_reason, listed)))

    def _object(self, key: str) -> bytes:
        try:
            return self._s3.get_object(Bucket=self._places.bucket, Key=key)["Body"].read()
        except AWS_ERRORS as error:
            raise translated(error, "GetObject") from None

    # Looking --------------------------------------------------------------------------------

    def examined(self, replays: Sequence[Replay], now: str) -> list[Replay]:
        """The same replays, each with what it would be refused for were it delivered now."""
        readings = [read_for(replay.entry.queue, replay.body) for replay in replays]
        envelopes = [reading.envelope for reading in readings]
        asked = {agency_id(e.source) for e in envelopes if e and asks_the_registry(e)}
        world = World(
            agencies=self._agencies.agencies(asked, self._patience()) if asked else {},
            events=self.known({e.uid for e in envelopes if e}),
            senders=self._senders,
            now=now,
        )
        return [
            replace(
                replay,
                refused=still_refused(
                    reading, replay.entry.queue, replay.body, replay.entry.sender, world
                ),
            )
            for replay, reading in zip(replays, readings, strict=True)
        ]

    def known(self, events: Collection[str]) -> Mapping[str, KnownEvent]:
        """What the ledger holds of these events, by event_uid."""
        return self._ledger.known(events, self._patience()) if events else {}

    # Sending --------------------------------------------------------------------------------

    def replay(
        self, replays: Sequence[Replay], *, by: str, why: str, at: str, again: bool = False
    ) -> list[Outcome]:
        """Notes, sends and closes; what became of each, in their order.

        At most `MOST_TOGETHER`, for all of them are noted before the first is sent. With `again`
        an entry whose other replay was begun is sent even so. Raises NotTaken where a queue does
        not answer: those that it took are closed, the others may be repeated.
        """
        outcomes: dict[str, Outcome] = {}
        begun: list[Replay] = []
        fresh: list[Replay] = []
        doubtful: list[Replay] = []
        for replay in replays:
            step = replay.entry.underway
            if replay.entry.status != OPEN:
                outcomes[replay.entry.id] = Outcome.TAKEN
            elif step is None:
                fresh.append(replay)
            elif step.entry == replay.becomes and step.by == by:
                begun.append(replay)
            elif step.entry == replay.becomes:
                fresh.append(replay)  # the same again, by somebody else, who is named as well
            else:
                doubtful.append(replay)
        arrived = self._arrived(doubtful)
        for replay in doubtful:
            if replay.entry.id in arrived:
                outcomes[replay.entry.id] = Outcome.FINISHED
            elif again:
                fresh.append(replay)
            else:
                outcomes[replay.entry.id] = Outcome.UNDERWAY
        noted = self.pool.map(
            lambda r: self._note(r.entry, _step(r, by, why, at), status=OPEN), fresh
        )
        sending = list(begun)
        for replay, done in zip(fresh, list(noted), strict=True):
            if done:
                sending.append(replay)
            else:
                outcomes[replay.entry.id] = Outcome.TAKEN
        unsent, failure = self._send(sending)
        for replay in sending:
            sent = replay.entry.id not in unsent
            outcomes[replay.entry.id] = Outcome.DONE if sent else Outcome.UNSENT
        finished = (Outcome.DONE, Outcome.FINISHED)
        closing = [r.entry for r in replays if outcomes[r.entry.id] in finished]
        list(self.pool.map(self._close, closing))
        if failure is not None:
            raise NotTaken(str(failure)) from failure
        return [outcomes[replay.entry.id] for replay in replays]

    def dismiss(
        self, entries: Sequence[Entry], *, by: str, why: str, at: str, again: bool = False
    ) -> list[Outcome]:
        """Puts entries aside for good, with the reason; what became of each, in their order."""
        step = Step(at, by, "dismissed", why)

        def one(entry: Entry) -> Outcome:
            if entry.status != OPEN:
                return Outcome.TAKEN
            if entry.underway is not None and not again:
                return Outcome.UNDERWAY
            done = self._note(entry, step, status="dismissed")
            return Outcome.DONE if done else Outcome.TAKEN

        return list(self.pool.map(one, entries))

    def _arrived(self, replays: Sequence[Replay]) -> set[str]:
        """Those entries whose earlier replay is in the ledger or in quarantine by now."""
        if not replays:
            return set()
        again: dict[str, str] = {}
        events: dict[str, str] = {}
        for replay in replays:
            entry, step = replay.entry, replay.entry.underway
            if step is not None and step.entry is not None:
                again[step.entry] = entry.id
            if step is not None and step.event_id is not None:
                # A correction may have changed the source; the one now tried perhaps did so too.
                reading = read_for(entry.queue, replay.body)
                for source in filter(None, {entry.source, reading.source}):
                    # As it was, the event may be in the ledger with another content.
                    if step.did == "corrected":
                        events[event_uid(source, step.event_id)] = entry.id
        found = {again[id_] for id_ in self._items(set(again), ("quarantine_id",))}
        return found | {events[uid] for uid in self.known(set(events))}

    def _note(self, entry: Entry, step: Step, *, status: str) -> bool:
        """Adds the step to an open entry that is as it was read; whether it did."""
        values: dict[str, Any] = {
            ":step": {"L": [to_attribute(dict(step.as_json()))]},
            ":none": {"L": []},
            ":open": {"S": OPEN},
            ":status": {"S": status},
        }
        sets = "#status=:status,steps=list_append(if_not_exists(steps,:none),:step)"
        if status != OPEN:
            sets += ",closed_at=:at,closed_by=:by,closed_because=:why"
            values |= {":at": {"S": step.at}, ":by": {"S": step.by}, ":why": {"S": step.why}}
        if entry.steps:
            values[":n"] = {"N": str(len(entry.steps))}
        untouched = "size(steps)=:n" if entry.steps else "attribute_not_exists(steps)"
        if self._update(entry.id, f"SET {sets}", f"#status=:open AND {untouched}", values):
            return True
        # Perhaps it was this very call, and only its answer was lost.
        found = self._items([entry.id], _WHOLE).get(entry.id)
        return found is not None and found.steps[len(entry.steps) :] == (step,)

    def _close(self, entry: Entry) -> None:
        """Closes an entry whose replay was sent; one that is closed already stays as it is."""
        values = {":open": {"S": OPEN}, ":status": {"S": "replayed"}}
        self._update(entry.id, "SET #status=:status", "#status=:open", values)

    def _update(self, id_: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._places.quarantine,
                Key={"quarantine_id": {"S": id_}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values,
            )
        except AWS_ERRORS as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise translated(error, "UpdateItem") from None
        return True

    def _send(self, replays: Sequence[Replay]) -> tuple[set[str], LienThongError | None]:
        """Sends them; the entries whose message was not taken, and why if a call failed."""
        unsent = {r.entry.id for r in replays if not fits(r)}
        batches = list(_batches([r for r in replays if r.entry.id not in unsent]))
        failure: LienThongError | None = None
        futures = [self.pool.submit(self._deliver, queue, batch) for queue, batch in batches]
        for (_, batch), future in zip(batches, futures, strict=True):
            try:
                unsent |= future.result()
            except LienThongError as error:
                failure = error
                unsent |= {replay.entry.id for replay in batch}
        return unsent, failure

    def _deliver(self, queue: str, batch: Sequence[Replay]) -> set[str]:
        left = {str(number): replay for number, replay in enumerate(batch)}
        refused: set[str] = set()
        deadline = self._patience()
        for number in range(MOST_TRIES):
            if number:
                self._waiting.before_try(number, deadline)
            failed = self._hand_over(self._places.queues[queue], left)
            refused |= {left[entry["Id"]].entry.id for entry in failed if entry["SenderFault"]}
            left = {e["Id"]: left[e["Id"]] for e in failed if not e["SenderFault"]}
            if not left:
                break
        return refused | {replay.entry.id for replay in left.values()}

    def _together(self, url: str, left: Mapping[str, Replay]) -> Sequence[Any]:
        """Hands messages over in one call; those that were not taken."""
        entries: Any = [
            {"Id": key, "MessageBody": replay.body, "MessageAttributes": _attributes(replay)}
            for key, replay in left.items()
        ]
        try:
            answer = self._sqs.send_message_batch(QueueUrl=url, Entries=entries)
        except AWS_ERRORS as error:
            raise translated(error, "SendMessageBatch") from None
        return answer.get("Failed", [])

    def _one_by_one(self, url: str, left: Mapping[str, Replay]) -> Sequence[Any]:
        """Hands messages over in a call for each; all are taken, or it raises."""
        for replay in left.values():
            try:
                self._sqs.send_message(
                    QueueUrl=url, MessageBody=replay.body, MessageAttributes=_attributes(replay)
                )
            except AWS_ERRORS as error:
                raise translated(error, "SendMessage") from None
        return ()


class _Partition:
    """One partition of an index, newest first; its first page is on its way at once."""

    def __init__(
        self, desk: Desk, index: str, name: str, key: str, since: str, until: str, page: int
    ) -> None:
        read = partial(desk.page, index, name, key, since, until)
        self._first = desk.pool.submit(read, page, None)
        self._more = partial(read, LARGEST_PAGE)

    def __iter__(self) -> Iterator[Cursor]:
        found, start = self._first.result()
        yield from found
        while start is not None:
            found, start = self._more(start)
            yield from found


def _partitions(
    selection: Selection, day: str, shards: Sequence[int]
) -> Iterator[tuple[str, str, str]]:
    """Index, name of its key and key of every partition that a day's entries are in."""
    queues = sorted(selection.queues or KIND_OF_QUEUE)
    by_reason = 0 < len(selection.reasons) <= len(queues)
    for shard in shards:
        if by_reason:
            for reason in sorted(selection.reasons):
                yield "by-reason", "reason_key", reason_key(reason, day, shard)
        else:
            for queue in queues:
                yield "by-queue", "queue_key", queue_key(queue, day, shard)


def _chunks(given: Iterable[_T], size: int = MOST_TOGETHER) -> Iterator[list[_T]]:
    source = iter(given)
    while chunk := list(islice(source, size)):
        yield chunk


def _step(replay: Replay, by: str, why: str, at: str) -> Step:
    return Step(at, by, replay.did, why, replay.event_id, replay.becomes)


def _attributes(replay: Replay) -> dict[str, Any]:
    """What the functions are told about a replay: what it replays, and who spoke."""
    said = {"replays": replay.entry.id}
    if replay.entry.sender:
        said["sender"] = replay.entry.sender
    return {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}


def _weight(replay: Replay) -> int:
    said = sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"])
        for name, value in _attributes(replay).items()
    )
    return len(replay.body.encode("utf-8", "surrogatepass")) + said


def fits(replay: Replay) -> bool:
    """Whether a queue takes the message at all."""
    return bool(replay.body) and sendable(replay.body) and _weight(replay) <= MOST_BYTES


def _batches(replays: Sequence[Replay]) -> Iterator[tuple[str, list[Replay]]]:
    """Batches that fit one call each."""
    by_queue: dict[str, list[Replay]] = {}
    for replay in replays:
        by_queue.setdefault(replay.entry.queue, []).append(replay)
    for queue, given in by_queue.items():
        batch: list[Replay] = []
        weight = 0
        for replay in given:
            own = _weight(replay)
            if batch and (len(batch) == MOST_MESSAGES or weight + own > MOST_BYTES):
                yield queue, batch
                batch, weight = [], 0
            batch.append(replay)
            weight += own
        yield queue, batch


def entry_of(item: Item) -> Entry:
    """The entry of a table item, or of some attributes of it."""
    plain = from_item(item)
    plain["id"] = plain.pop("quarantine_id")
    plain["reason"] = parse_reason_key(plain.pop("reason_key", ""))
    plain["reasons"] = tuple(map(_reason, plain.get("reasons", ())))
    plain["steps"] = tuple(Step(**step) for step in plain.get("steps", ()))
    known = {name: value for name, value in plain.items() if name in _FIELDS}
    return Entry(**{"queue": "", "status": "", "received_at": "", **known})


_FIELDS: Final = frozenset(Entry.__slots__)


def _reason(plain: Mapping[str, str]) -> Reason:
    return Reason(plain["code"], plain["path"], plain["text"], plain.get("error", ""))


# Many at once -------------------------------------------------------------------------------

Maker = Callable[[Entry], Replay | Unsuited]
"""What is to be sent for an entry, which has its body."""


def as_it_was(entry: Entry) -> Replay:
    """The same message again."""
    return Replay(entry, "replayed", entry.body or "", entry.event_id)


def corrected_by(patch: Patch) -> Maker:
    """What a patch makes of messages."""

    def make(entry: Entry) -> Replay | Unsuited:
        made = by_patch(entry, entry.body or "", patch)
        if isinstance(made, Unfit):
            return Unsuited(entry, made)
        return Replay(entry, "corrected", made.body, made.event_id)

    return make


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many a second, or as fast as it goes."""

    rate: float | None
    monotonic: Callable[[], float]
    pause: Callable[[float], None]

    @property
    def together(self) -> int:
        """How many are worked together."""
        return MOST_TOGETHER if self.rate is None else max(1, min(MOST_TOGETHER, int(self.rate)))

    def wait(self, began: float, done: int, stop: Callable[[], bool]) -> None:
        """Waits until so many may have been done since `began`, or until it is to stop."""
        if self.rate is None:
            return
        while not stop() and (left := began + done / self.rate - self.monotonic()) > 0:
            self.pause(min(left, 0.1))


def looked_at(
    desk: Desk, entries: Iterable[Entry], make: Maker, now: Callable[[], str], together: int
) -> Iterator[list[Replay | Unsuited]]:
    """What would be sent for the entries, examined, so many together; nothing is written."""
    for chunk in _chunks(entries, together):
        made = [make(entry) for entry in chunk]
        replays = [one for one in made if isinstance(one, Replay)]
        known = {replay.entry.id: replay for replay in desk.examined(replays, now())}
        yield [known[one.entry.id] if isinstance(one, Replay) else one for one in made]


def replay_all(
    desk: Desk,
    entries: Iterable[Entry],
    make: Maker,
    *,
    by: str,
    why: str,
    now: Callable[[], str],
    pace: Pace,
    stop: Callable[[], bool],
    told: Callable[[Tally], None],
    even_refused: bool = False,
    again: bool = False,
) -> Tally:
    """Replays what `make` makes of the entries; ends between two batches when `stop` says so.

    What would be refused again is left alone, unless `even_refused`. `told` hears the tally
    after every batch. Run again, it goes on: what was done is not open any more.
    """
    tally = Tally()
    began, sent = pace.monotonic(), 0
    for made in looked_at(desk, entries, make, now, pace.together):
        if stop():
            tally.stopped = True
            break
        sending = []
        for one in made:
            if isinstance(one, Unsuited):
                tally.unsuited[one.why.code] += 1
            elif one.refused and not even_refused:
                tally.refused[one.refused[0].code] += 1
            else:
                sending.append(one)
        if sending:
            outcomes = desk.replay(sending, by=by, why=why, at=now(), again=again)
            tally.outcomes.update(outcomes)
            sent += sum(outcome is Outcome.DONE for outcome in outcomes)
        told(tally)
        pace.wait(began, sent, stop)
    return tally


def dismiss_all(
    desk: Desk,
    entries: Iterable[Entry],
    *,
    by: str,
    why: str,
    now: Callable[[], str],
    stop: Callable[[], bool],
    told: Callable[[Tally], None],
    again: bool = False,
) -> Tally:
    """Dismisses the entries; ends between two batches when `stop` says so."""
    tally = Tally()
    for chunk in _chunks(entries):
        if stop():
            tally.stopped = True
            break
        tally.outcomes.update(desk.dismiss(chunk, by=by, why=why, at=now(), again=again))
        told(tally)
    return tally
