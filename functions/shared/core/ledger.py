"""The ledger: one entry per event, a link of its record's hash chain, provable piece by piece.

    salt           16 random bytes of the entry
    event_salt     HMAC-SHA256(salt, "event")
    event digest   SHA-256(event_salt || canonical(core as received))
    field_salt(f)  HMAC-SHA256(salt, "field:" + f)
    commit(f)      SHA-256(field_salt(f) || canonical([before, stated]))
    changes_digest SHA-256(canonical([[field, rank, won, commit], ...]))
    entry_hash     SHA-256(canonical({v, record, version, prev, event, sender, recorded_at,
                                      outcome, changes_digest}))

Because the digest and each commit have a salt of their own derived from the entry's, one
value can be erased (its pair of values and every salt that could confirm a guess) while the
chain still verifies and every other value can still be proved.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from functions.shared.core.canonical import canonical, canonical_of_data, sha256_hex
from functions.shared.core.events import Event, Json
from functions.shared.core.kinds import KINDS
from functions.shared.core.lanes import Change
from functions.shared.core.stamps import Stamp

if TYPE_CHECKING:
    from hashlib import _Hash

LEDGER_FORM: Final = 1
"""`v` of the hashed entry; another number would mean another set of rules."""
SALT_BYTES: Final = 16


class Outcome(StrEnum):
    """What an event did: changed at least one lane, or none."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"


class EventRef(NamedTuple):
    """The event as the ledger names it; `digest` is salted, `sequence` as it was sent."""

    source: str
    id: str
    type: str
    time: str
    sequence: str | None
    digest: str

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.time, int(self.sequence or 0), self.source, self.id)

    def as_json(self) -> dict[str, Json]:
        source, id_, type_, time, sequence, digest = self
        return {
            "source": source,
            "id": id_,
            "type": type_,
            "time": time,
            "sequence": sequence,
            "digest": digest,
        }


class LedgerEntry(NamedTuple):
    """The proof that one event was taken and what it did. Hashes are lower-case hex.

    `document` is the canonical JSON of its changes, `[field, rank, won, before, stated]` for
    each: the very bytes that were hashed piece by piece, and that are stored. `salt` is the
    entry's secret; after an erasure it is None and `salts` holds the derived salts (hex) of the
    fields that are still whole.
    """

    event_uid: str
    record_key: str
    version: int
    prev: str
    entry_hash: str
    event: EventRef
    sender: str | None
    recorded_at: str
    outcome: Outcome
    changes_digest: str
    document: bytes
    salt: bytes | None
    salts: Mapping[str, str] | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the event did to each field it states. Raises ValueError for another document."""
        return changes_of(self.document)

    @property
    def erased(self) -> bool:
        return self.salt is None

    def with_changes(self, changes: Iterable[Change]) -> LedgerEntry:
        """The entry with other changes and nothing else another."""
        return self._replace(document=document_of(changes))


def document_of(changes: Iterable[Change]) -> bytes:
    """The canonical JSON of changes. An erased one has its proof in the place of its values."""
    return canonical([_stored(change) for change in changes])


@lru_cache(maxsize=16)
def changes_of(document: bytes) -> tuple[Change, ...]:
    """The changes of a document. Raises ValueError where it does not have the form of one.

    Kept for a while: whoever reads a chain asks each of its entries several times.
    """
    try:
        return tuple([_change(*stored) for stored in orjson.loads(document)])
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError("The document of the changes does not have its form.") from error


def _stored(change: Change) -> Json:
    if change.erased is None:
        return change[:5]
    field, rank, won, _, stated, proof, erased = change
    return [field, rank, won, {"commit": proof, "erased": erased, "stated": stated}]


def _change(field: str, rank: int, won: bool, *values: Any) -> Change:
    if len(values) == 2:
        return Change(field, rank, won, *values)
    (erased,) = values
    return Change(field, rank, won, None, erased["stated"], erased["commit"], erased["erased"])


def event_digest(salt: bytes, core: bytes) -> str:
    """The salted digest of an event's core as received."""
    event_salt = hmac.digest(salt, b"event", "sha256")
    return sha256(event_salt + core).hexdigest()


def field_salt(salt: bytes, field: str) -> bytes:
    """The salt of one field, which tells nothing about the entry's other salts."""
    return hmac.digest(salt, b"field:" + field.encode(), "sha256")


def commit(salt_of_field: bytes, before: Json, stated: Json) -> str:
    """The commitment to what a field was and what was stated."""
    return sha256(salt_of_field + canonical([before, stated])).hexdigest()


def _begun_under(salt: bytes) -> tuple[_Hash, _Hash]:
    """The inner and outer hash of HMAC-SHA256 with `salt`, of at most 64 bytes, as its key.

    HMAC is SHA-256(outer || SHA-256(inner || message)): RFC 2104. Spelt out, with what is the same
    for all of an entry's many short messages hashed once, each takes a third of the time of
    `hmac.digest`, which is what verification uses, so each checks the other.
    """
    key = salt.ljust(64, b"\0")
    return sha256(key.translate(_INNER)), sha256(key.translate(_OUTER))


def _finished(inner: _Hash, outer: _Hash, message: bytes) -> bytes:
    """The HMAC of a message."""
    inside, outside = inner.copy(), outer.copy()
    inside.update(message)
    outside.update(inside.digest())
    return outside.digest()


_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_MESSAGES: Final[Mapping[str, bytes]] = {
    name: b"field:" + name.encode() for kind in KINDS.values() for name in kind.field_names
}


def make_entry(
    event: Event,
    changes: Sequence[Change],
    *,
    version: int,
    prev: str,
    sender: str | None,
    recorded_at: str,
    salt: bytes,
) -> LedgerEntry:
    """The entry that proves `event` made `changes` as version `version` of its record."""
    envelope = event.envelope
    inner, outer = _begun_under(salt)
    event_salt = _finished(inner, outer, b"event")
    ref = EventRef(
        envelope.source,
        envelope.id,
        envelope.type,
        envelope.time,
        envelope.sequence,
        sha256(event_salt + event.core).hexdigest(),
    )
    commits, applied = [], False
    for field, rank, won, before, stated, _, _ in changes:
        inside, outside = inner.copy(), outer.copy()  # `_finished`, without a call for each
        inside.update(_MESSAGES.get(field) or b"field:" + field.encode())
        outside.update(inside.digest())
        proof = sha256(outside.digest() + canonical_of_data([before, stated])).hexdigest()
        commits.append((field, rank, won, proof))
        applied |= won
    outcome = Outcome.APPLIED if applied else Outcome.SUPERSEDED
    digest = _changes_digest(commits)
    return LedgerEntry(
        event_uid=envelope.uid,
        record_key=event.record_key,
        version=version,
        prev=prev,
        entry_hash=_entry_hash(
            event.record_key, version, prev, ref, sender, recorded_at, outcome, digest
        ),
        event=ref,
        sender=sender,
        recorded_at=recorded_at,
        outcome=outcome,
        changes_digest=digest,
        document=document_of(changes),
        salt=salt,
    )


def _changes_digest(commits: list[tuple[str, int, bool, str]]) -> str:
    return sha256_hex(canonical(commits))


def _entry_hash(
    record_key: str,
    version: int,
    prev: str,
    event: EventRef,
    sender: str | None,
    recorded_at: str,
    outcome: Outcome,
    changes_digest: str,
) -> str:
    return sha256_hex(
        canonical(
            {
                "v": LEDGER_FORM,
                "record": record_key,
                "version": version,
                "prev": prev,
                "event": event.as_json(),
                "sender": sender,
                "recorded_at": recorded_at,
                "outcome": outcome.value,
                "changes_digest": changes_digest,
            }
        )
    )


def repeats(entry_digest: str, salt: bytes | None, core: bytes | None) -> bool:
    """Whether a message with this core repeats the event of an entry.

    After an erasure the salt is gone and any repeat of that event counts as one.
    """
    if salt is None:
        return True
    return core is not None and hmac.compare_digest(event_digest(salt, core), entry_digest)


def faults(entry: LedgerEntry) -> list[str]:
    """What in the entry disagrees with its own hashes, as sentences; empty when nothing does."""
    found = []
    if entry.event_uid != f"{entry.event.source}#{entry.event.id}":
        found.append("Its key is not the event it describes.")
    commits = []
    for change in entry.changes:
        salt = salt_of(entry, change.field)
        if change.erased is None:
            if salt is None:
                found.append(f"The salt of {change.field} is missing, though its value is there.")
                continue
            commits.append((*change[:3], commit(salt, change.before, change.stated)))
        elif change.commit is None:
            found.append(f"The commit of the erased {change.field} is missing.")
        else:
            commits.append((*change[:3], change.commit))
    if _changes_digest(commits) != entry.changes_digest:
        found.append("Its changes are not the ones that were recorded.")
    expected = _entry_hash(
        entry.record_key,
        entry.version,
        entry.prev,
        entry.event,
        entry.sender,
        entry.recorded_at,
        entry.outcome,
        entry.changes_digest,
    )
    if expected != entry.entry_hash:
        found.append("It is not the entry that was recorded: its hash does not fit.")
    return found


def salt_of(entry: LedgerEntry, field: str) -> bytes | None:
    """The salt of a field's commitment, or None where it was erased."""
    if entry.salt is not None:
        return field_salt(entry.salt, field)
    derived = (entry.salts or {}).get(field)
    return bytes.fromhex(derived) if derived is not None else None


def erasures(entry: LedgerEntry) -> int:
    """How many values were erased from the entry: it grows with every erasure."""
    weights = {None: 0, "before": 1, "pair": 2}
    return sum(weights.get(change.erased, 2) for change in entry.changes)


def erase(entry: LedgerEntry, fields: Iterable[str], *, before_only: bool = False) -> LedgerEntry:
    """The entry without the values of `fields`; its hash and the chain stay valid.

    Erased changes keep field, rank, won and commit. The entry's salt goes, because it could
    confirm a guess of the erased value; the derived salts of the whole fields are kept, so
    they can still be proved. The event's salt goes too, for the core contains the value:
    from then on any repeat of the event counts as a duplicate.

    With `before_only` only the value until then goes and the stated one stays; it is for the
    next entry of the same lane, which repeats an erased value as its `before`. Raises
    ValueError for a field that the entry does not state.
    """
    gone = frozenset(fields)
    if unknown := gone - {change.field for change in entry.changes}:
        raise ValueError(f"The entry does not state {', '.join(sorted(unknown))}.")
    changes, salts = [], {}
    for change in entry.changes:
        salt = salt_of(entry, change.field)
        if change.field in gone and change.erased != "pair":
            assert change.commit is not None or salt is not None
            kept = change.commit or commit(salt or b"", change.before, change.stated)
            changes.append(
                change._replace(
                    before=None,
                    stated=change.stated if before_only else None,
                    commit=kept,
                    erased="before" if before_only else "pair",
                )
            )
        else:
            changes.append(change)
            if change.erased is None and salt is not None:
                salts[change.field] = salt.hex()
    return entry.with_changes(changes)._replace(salt=None, salts=salts)
