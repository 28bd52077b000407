"""The conservation rule, event by event: what was sent is in the ledger or in quarantine.

Distinct events are told apart by source, id and content; messages that cannot be read as events
by their body. The events of the files are spooled into a private database on disk, so memory
does not grow with them.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from functions.shared.adapters.archive import Archive
from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.documents import unpack
from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.core.ledger import repeats
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.reading import read
from functions.shared.ports import Deadline
from infra.lienthong.messages import Message
from infra.lienthong.send import unsendable

_CHUNK: Final = 100
_RESOLVED: Final = "resolved"
LEDGER: Final = "ledger"
QUARANTINE: Final = "quarantine"


class State(Enum):
    """Where a sent event is."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    MISSING = "missing"
    """Neither in the ledger nor in quarantine."""
    BOTH = "both"
    """In the ledger, and in quarantine in an entry that is not closed as resolved."""


BROKEN: Final = (State.MISSING, State.BOTH)
_LEDGER: Final = (State.APPLIED, State.SUPERSEDED, State.BOTH)


class Offence(NamedTuple):
    """A sent event that is not where it should be; `place` is where it was first sent from."""

    place: str
    queue: str
    state: State


class Extra(NamedTuple):
    """What the ledger or the quarantine holds and the files do not."""

    table: str
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """The events of one queue: messages sent, distinct events, how many are in each state."""

    queue: str
    messages: int
    events: int
    states: dict[State, int]


class Sent:
    """What a set of files says was sent, and where each event of it is now."""

    def __init__(self) -> None:
        # A private database that SQLite deletes when closed.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            """
            PRAGMA journal_mode = OFF;
            CREATE TABLE event (
                number INTEGER PRIMARY KEY, identity BLOB UNIQUE, queue TEXT, uid TEXT,
                core BLOB, place TEXT, messages INTEGER, state TEXT
            );
            CREATE TABLE body (
                quarantine_id TEXT PRIMARY KEY, event INTEGER
            ) WITHOUT ROWID;
            CREATE INDEX event_by_uid ON event (uid);
            CREATE INDEX event_by_state ON event (state);
            CREATE INDEX body_by_event ON body (event);
            """
        )
        self.unsendable = 0

    def close(self) -> None:
        """Forgets everything."""
        self._db.close()

    def add(
        self,
        messages: Iterable[Message],
        queue: str | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Takes messages as `send` does; `queue` is where those went whose type says none."""
        self._db.execute("BEGIN")
        for message in messages:
            advance(len(message.body) + 1)
            target = queue_of(message.body) or message.queue or queue
            if target is None or unsendable(message.body) is not None:
                self.unsendable += 1
                continue
            self._add(message, target)
        self._db.execute("COMMIT")

    def _add(self, message: Message, queue: str) -> None:
        body = message.body.decode()
        held = quarantine_id(queue, body)
        if self._db.execute(
            "UPDATE event SET messages = messages + 1"
            " WHERE number = (SELECT event FROM body WHERE quarantine_id = ?)",
            (held,),
        ).rowcount:
            return
        envelope = read(body, KIND_OF_QUEUE[queue]).envelope
        uid = core = None
        identity = held.encode()
        if envelope is not None and envelope.core is not None:
            uid, core = envelope.uid, envelope.core
            identity = hashlib.sha256(f"{queue}\0{uid}\0".encode() + core).digest()
        (number,) = self._db.execute(
            "INSERT INTO event (identity, queue, uid, core, place, messages)"
            " VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (identity) DO UPDATE SET messages = messages + 1 RETURNING number",
            (identity, queue, uid, core, message.place),
        ).fetchone()
        self._db.execute("INSERT INTO body VALUES (?, ?)", (held, number))

    @property
    def events(self) -> int:
        """How many distinct events were sent."""
        return int(self._db.execute("SELECT COUNT(*) FROM event").fetchone()[0])

    def unsettled(self) -> int:
        """How many events are not where they should be, as far as was looked."""
        return int(
            self._db.execute(
                "SELECT COUNT(*) FROM event WHERE state IS NULL OR state IN (?, ?)",
                [state.value for state in BROKEN],
            ).fetchone()[0]
        )

    def locate(
        self,
        archive: Archive,
        deadline: Deadline,
        advance: Callable[[int], None] = lambda _: None,
        *,
        again: bool = True,
    ) -> None:
        """Looks for every event; with `again` False for those only that were not in place."""
        only = "" if again else f" AND (state IS NULL OR state IN {_values(BROKEN)})"
        last = 0
        while chunk := self._db.execute(
            f"SELECT number, uid, core FROM event WHERE number > ?{only} ORDER BY number LIMIT ?",
            (last, _CHUNK),
        ).fetchall():
            last = chunk[-1][0]
            self._locate(chunk, archive, deadline)
            advance(len(chunk))

    def _locate(
        self,
        chunk: list[tuple[int, str | None, bytes | None]],
        archive: Archive,
        deadline: Deadline,
    ) -> None:
        bodies = self._db.execute(
            f"SELECT event, quarantine_id FROM body WHERE event IN ({','.join('?' * len(chunk))})",
            [number for number, _, _ in chunk],
        ).fetchall()
        statuses = {
            item["quarantine_id"]["S"]: item.get("status", {}).get("S", "")
            for item in archive.quarantined(
                {held for _, held in bodies}, deadline, ("quarantine_id", "status")
            )
        }
        held_of: dict[int, list[str]] = {}
        for number, held in bodies:
            if held in statuses:
                held_of.setdefault(number, []).append(statuses[held])
        uids = {uid for _, uid, _ in chunk if uid is not None}
        known = {
            item["event_uid"]["S"]: item for item in archive.events(uids, deadline, _OF_AN_ENTRY)
        }
        states = [
            (_state(known.get(uid or ""), core, held_of.get(number, [])).value, number)
            for number, uid, core in chunk
        ]
        self._db.execute("BEGIN")
        self._db.executemany("UPDATE event SET state = ? WHERE number = ?", states)
        self._db.execute("COMMIT")

    def rows(self) -> list[Row]:
        """The counts of each queue that was sent to, as of the last look."""
        found = []
        for queue in KIND_OF_QUEUE:
            states: dict[State, int] = {}
            messages = events = 0
            for state, sent, count in self._db.execute(
                "SELECT state, SUM(messages), COUNT(*) FROM event WHERE queue = ? GROUP BY state",
                (queue,),
            ):
                states[State(state or State.MISSING.value)] = count
                messages, events = messages + sent, events + count
            if events:
                found.append(Row(queue, messages, events, states))
        return found

    def offences(self) -> Iterator[Offence]:
        """The events that are not where they should be, in the order they were sent."""
        rows = self._db.execute(
            f"SELECT place, queue, state FROM event WHERE state IN {_values(BROKEN)}"
            " ORDER BY number"
        )
        for place, queue, state in rows:
            yield Offence(place, queue, State(state))

    def extras(self, archive: Archive) -> Iterator[Extra]:
        """What the ledger and the quarantine hold beyond the events of the files.

        Call `locate` first: an entry whose id alone was sent, with other content, is one too.
        """
        in_quarantine = "SELECT 1 FROM body WHERE quarantine_id = ?"
        in_ledger = f"SELECT 1 FROM event WHERE uid = ? AND state IN {_values(_LEDGER)}"
        for extra in held(archive):
            known = in_ledger if extra.table == LEDGER else in_quarantine
            if self._db.execute(known, (extra.key,)).fetchone() is None:
                yield extra


def held(archive: Archive) -> Iterator[Extra]:
    """All that the ledger and the quarantine hold, whoever sent it."""
    for item in archive.all_entries(("event_uid",)):
        yield Extra(LEDGER, item["event_uid"]["S"])
    for item in archive.all_quarantined(("quarantine_id",)):
        yield Extra(QUARANTINE, item["quarantine_id"]["S"])


_OF_AN_ENTRY: Final = ("event_uid", "event", "salt", "outcome")


def _values(states: Iterable[State]) -> str:
    return "(" + ", ".join(f"'{state.value}'" for state in states) + ")"


def _state(entry: Item | None, core: bytes | None, held: list[str]) -> State:
    """Where an event is: `entry` is what the ledger has under its id, `held` the status of each
    of its messages that is in quarantine."""
    closed = all(status == _RESOLVED for status in held)
    if entry is not None and core is not None:
        plain = from_item(entry)
        salt = plain.get("salt")
        # After an erasure the ledger cannot tell two contents of one id apart; a message that
        # is held in quarantine is then the other content.
        foreign = salt is None and not closed
        if not foreign and repeats(
            unpack(plain["event"])["digest"], bytes(salt) if salt is not None else None, core
        ):
            return State.BOTH if not closed else State(plain["outcome"])
    # A resolved entry says that the ledger has the event: without it there, it is missing.
    return State.MISSING if closed else State.QUARANTINED
