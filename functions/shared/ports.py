"""What the pipeline needs from the world, as protocols with their guarantees.

Each port has one adapter over AWS and one fake in the tests, and both pass the same suite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from functions.shared.core.errors import Defect
from functions.shared.core.events import Reason
from functions.shared.core.planning import KnownEvent, Loaded, RecordChange
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.registry import Agency

if TYPE_CHECKING:
    # A sync function starts without them.
    from functions.shared.core.access import (
        AccessEntry,
        AccessPage,
        Caller,
        Errand,
        Head,
        LogQuestion,
        Look,
        Question,
        Ruling,
    )
    from functions.shared.core.allowances import Standing
    from functions.shared.core.cases import Entry as Refused
    from functions.shared.core.events import Json
    from functions.shared.core.lanes import Record as LaneRecord
    from functions.shared.core.ledger import LedgerEntry
    from functions.shared.core.loads import Load, Pinned, Range, Reporting, Split, Tally
    from functions.shared.core.search import Named
    from functions.shared.core.search import Wanted as WantedPeople


class Deadline(Protocol):
    """How long the work may still take."""

    def remaining(self) -> float:
        """Seconds left; zero or less when it is time to stop."""
        ...


class Commit(Enum):
    """What became of one record's change."""

    DONE = "done"
    """The record and all its entries are written."""
    CONFLICT = "conflict"
    """Nothing is written, or it is not known: load again and merge again."""
    BUSY = "busy"
    """Nothing is written: the table is throttled; wait, then try again."""
    TOO_LARGE = "too-large"
    """Nothing is written: the record would not fit into an item. Look at each event alone."""
    REFUSED = "refused"
    """Nothing is written and the store will never take it: a defect."""


class RecordStore(Protocol):
    """The records of one kind and the ledger.

    `load` reads consistently, all of it or raises `Retry`. `commit` writes each change whole
    or not at all, guarded by the version and head that were loaded and by the absence of the
    entries' events; it answers for every change, in order, and never raises for a passing
    failure. Changes are independent: one that fails takes no other with it for good.
    """

    def load(
        self, records: Collection[str], events: Collection[str], deadline: Deadline
    ) -> Loaded: ...

    def commit(self, changes: Sequence[RecordChange]) -> list[Commit]: ...


class KnownEvents(Protocol):
    """The ledger, asked by event alone.

    `known` reads consistently and answers by `event_uid`; it raises `Retry` when it cannot.
    """

    def known(self, events: Collection[str], deadline: Deadline) -> Mapping[str, KnownEvent]: ...


class AgencySource(Protocol):
    """The registry, at most a minute old.

    `agencies` answers for every id, None for one that is not registered. With `afresh` it
    reads again whatever it remembers. Raises `Retry` when it cannot be read.
    """

    def agencies(
        self, ids: Collection[str], deadline: Deadline, *, afresh: bool = False
    ) -> Mapping[str, Agency | None]: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message on its way into quarantine, whole.

    `event_uid` is there when the message is a readable event, `replays` when it replays an
    entry of the quarantine, which it then points to.
    """

    queue: str
    body: str
    reasons: tuple[Reason, ...]
    received_at: str
    source: str | None = None
    event_id: str | None = None
    sender: str | None = None
    event_uid: str | None = None
    replays: str | None = None

    @property
    def id(self) -> str:
        """The id of the entry that this becomes."""
        return quarantine_id(self.queue, self.body, self.replays)


class Quarantine(Protocol):
    """The refused messages.

    `keep` stores each refusal under its id, whole, before it returns; the same message again
    only counts up `seen`. `resolve` closes those of the ids that are there and not resolved
    yet, because the ledger holds the event now, and answers which it closed. Both raise
    `Retry` when something could not be done; doing it again is harmless.
    """

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None: ...

    def resolve(
        self, ids: Collection[str], at: str, why: str, deadline: Deadline
    ) -> frozenset[str]: ...


class Outbox(Protocol):
    """A queue to send to.

    `send` returns once every body is in the queue, some perhaps twice; else it raises `Retry`.
    """

    def send(self, bodies: Sequence[str], deadline: Deadline) -> None: ...


class Inbox(Protocol):
    """A queue whose messages can be asked for again before their visibility ends. Never raises."""

    def show_again(self, receipt: str, seconds: int) -> None: ...


class Gone(Defect):
    """An object that must be there is not, or not any more."""


class Objects(Protocol):
    """The intake bucket.

    `read` gives exactly the bytes that were asked for, of the pinned content (else the newest).
    Whatever is stored is stored whole or not at all, and the same again is harmless. All
    raise `Retry` for a passing failure, `Gone` where what is to be read is not there.
    """

    def head(self, key: str, deadline: Deadline) -> tuple[str, int] | None: ...

    def fetch(self, key: str, most: int, deadline: Deadline) -> bytes | None: ...

    def read(
        self, key: str, begin: int, end: int, deadline: Deadline, pinned: Pinned | None = None
    ) -> bytes: ...

    def put(self, key: str, content: bytes, deadline: Deadline) -> None: ...

    def begin_upload(self, key: str, deadline: Deadline) -> str: ...

    def upload_part(
        self, key: str, upload: str, number: int, content: bytes, deadline: Deadline
    ) -> str: ...

    def end_upload(
        self, key: str, upload: str, etags: Sequence[str], deadline: Deadline
    ) -> None: ...


class Loads(Protocol):
    """The table of loads.

    Every write is guarded by what it follows on and raises `Conflict` where that does not hold
    any more, which is also how a write ends whose first answer was lost: read again, then judge.
    Reads are consistent. All raise `Retry` for a passing failure.
    """

    def found(self, load_id: str, deadline: Deadline) -> Load | None: ...

    def ranges(self, load_id: str, deadline: Deadline) -> list[Range]: ...

    def range(self, load_id: str, number: int, deadline: Deadline) -> Range | None: ...

    def create(self, load: Load, deadline: Deadline) -> Load: ...

    def hold(
        self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline
    ) -> None: ...

    def fail(
        self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline
    ) -> None: ...

    def begin(self, load: Load, at: str, deadline: Deadline) -> None: ...

    def told(self, load_id: str, split: Split, at: str, deadline: Deadline) -> None: ...

    def opened(
        self,
        load_id: str,
        ranges: int,
        plain_size: int,
        problems: tuple[str, ...],
        at: str,
        deadline: Deadline,
    ) -> None: ...

    def close(
        self, load: Load, lines: int, tally: Tally, report: str, at: str, deadline: Deadline
    ) -> None: ...

    def open_range(self, fresh: Range, deadline: Deadline) -> Range: ...

    def checkpoint(self, before: Range, after: Range, deadline: Deadline) -> None: ...

    def complete(self, before: Range, after: Range, deadline: Deadline) -> None: ...

    def stick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None: ...

    def unstick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None: ...

    def reporting(self, load_id: str, deadline: Deadline) -> Reporting | None: ...

    def save_reporting(
        self, load_id: str, before: Reporting | None, after: Reporting, deadline: Deadline
    ) -> None: ...


# The API --------------------------------------------------------------------------------------


class Policies(Protocol):
    """Who may do what.

    `rule` answers every question, in order, and never raises: what no policy permits is denied,
    and so is what could not be evaluated (its ruling names the rule `error`).
    """

    def rule(
        self, caller: Caller, errand: Errand, questions: Sequence[Question]
    ) -> list[Ruling]: ...


class AccessLog(Protocol):
    """Who looked at what, in a chain per subject, and what each caller may still ask.

    `heads` gives the newest link of each subject, read consistently, `NO_HEAD` where there is
    none. `note` writes an entry for every look, and takes the request off the caller's
    allowances; when it returns all of it is written, once. It begins at the heads that it is
    given (a subject without one is looked up), and goes on from newer ones where others were
    first. It raises `AllowanceSpent` with none of them written, or `Retry`: then some may be
    written, and nothing may be released. The first request with looks that is refused for an
    allowance is noted as such, one for each caller and window; where that fails it is `Retry`.
    Several looks at one subject become links in their order; with no look the request is counted
    alone. `allowance` is what is left of the day as it was before this request.

    Reading is newest first, in pages; a page's cursor goes on with the same question, None is the
    end. `trace` is a subject's chain, for the subject without what is deferred; `found` searches
    all chains by officer, agency or purpose, as fresh as an index is. All raise `Retry` when
    the tables do not answer in time.
    """

    def heads(self, subjects: Collection[str], deadline: Deadline) -> Mapping[str, Head]: ...

    def note(
        self,
        caller: Caller,
        errand: Errand,
        looks: Sequence[Look],
        heads: Mapping[str, Head],
        deadline: Deadline,
    ) -> list[AccessEntry]: ...

    def allowance(self, caller: Caller, deadline: Deadline) -> Standing: ...

    def entry(self, subject: str, number: int, deadline: Deadline) -> AccessEntry | None: ...

    def trace(
        self, subject: str, deadline: Deadline, *, for_subject: bool, cursor: Json, limit: int
    ) -> AccessPage: ...

    def found(
        self, question: LogQuestion, deadline: Deadline, *, cursor: Json, limit: int
    ) -> AccessPage: ...


class Directory(Protocol):
    """The registry as a whole, at most a minute old.

    `above` lists the agencies above one, the nearest first, each once whatever the registry says.
    `of_sender` is the one agency that names a principal among its senders: None where none does,
    and where more than one does. All raise `Retry` when the registry cannot be read.
    """

    def agency(self, id_: str, deadline: Deadline) -> Agency | None: ...

    def name(self, id_: str, deadline: Deadline) -> str | None: ...

    def above(self, id_: str, deadline: Deadline) -> tuple[str, ...]: ...

    def of_sender(self, principal: str, deadline: Deadline) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What there is about one person; `complete` is False where there are more records of them."""

    person: LaneRecord | None
    cards: tuple[LaneRecord, ...]
    dossiers: tuple[LaneRecord, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """The best matches of a search; `complete` is False where there may be more."""

    people: tuple[Named, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Due:
    """Dossiers that an agency handles, by status, due before an instant, after a place.

    `after` is due instant (or nothing) and code of the last dossier that was seen.
    """

    agency: str
    statuses: frozenset[int]
    before: str | None
    limit: int
    after: tuple[str, str] = ("", "")

    def range_of(self, status: int) -> tuple[str, str]:
        """The first and the last index key (`<status>#<due instant or nothing>#<code>`) of a
        status that may be meant; `$` follows `#`, and no due instant sorts before every one."""
        first = f"{status:02d}#{'#'.join(self.after)}" if any(self.after) else f"{status:02d}#"
        if self.before is None:
            return first, f"{status:02d}$"
        return max(first, f"{status:02d}#0"), f"{status:02d}#{self.before}"

    def after_key(self, place: tuple[str, str]) -> Due:
        """The same, to go on with after a place."""
        return replace(self, after=place)


@dataclass(frozen=True, slots=True)
class Chain:
    """A record as it is, and some of its ledger entries by version; `more` follow or not."""

    record: LaneRecord | None
    entries: tuple[LedgerEntry, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """What the ledger and the quarantine hold of an event, the oldest refusal first."""

    entry: LedgerEntry | None
    refused: tuple[Refused, ...]


class Reader(Protocol):
    """One request's door to people, cards, dossiers and their ledger entries; there is no other.

    `handed_out` has the subject of every record that was handed out, by record key: whoever got
    one has to note it before anything leaves. `heads` has the newest links of subjects' chains, as
    far as they were read on the way. All reads of tables are consistent, those of indexes are
    not, and what a record itself contradicts is not handed out. Everything raises `Retry` when it
    could not be read in time.
    """

    @property
    def handed_out(self) -> Mapping[str, str]: ...

    @property
    def heads(self) -> Mapping[str, Head]: ...

    def about(self, personal_id: str, deadline: Deadline) -> Found: ...

    def records(
        self, wanted: Collection[tuple[str, str]], deadline: Deadline
    ) -> Mapping[str, LaneRecord]: ...

    def with_old_number(self, number: str, deadline: Deadline) -> Sequence[str]: ...

    def people(self, wanted: WantedPeople, deadline: Deadline) -> FoundPeople: ...

    def handled(self, due: Due, deadline: Deadline) -> tuple[Sequence[LaneRecord], Due | None]: ...

    def chain(
        self,
        kind: str,
        key: str,
        deadline: Deadline,
        *,
        after: int = 0,
        whole: bool = False,
    ) -> Chain: ...

    def event(self, uid: str, deadline: Deadline) -> Happened: ...


class Readers(Protocol):
    """Opens a door for each request, which has handed out nothing yet."""

    def open(self) -> Reader: ...


class Relay(Protocol):
    """The queues of the record kinds, for what was verified here.

    `send` returns once the body is in the queue, perhaps twice, attributed to `sender`; else it
    raises `Retry`: then it may be there.
    """

    def send(self, queue: str, body: str, sender: str, deadline: Deadline) -> None: ...
