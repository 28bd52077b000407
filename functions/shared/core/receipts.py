"""A receipt: what became of an agency's event, and what its publisher can check that against.

The publisher has the event, so it needs no value from us: with the event's salt it computes
SHA-256(event_salt || canonical(core as sent)) and compares; with version, hashes and the digest of
the changes it sees, now or in years, that this entry is still the one that was recorded.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Final

from functions.shared.core.cases import Entry
from functions.shared.core.kinds import family_of
from functions.shared.core.lanes import Change
from functions.shared.core.ledger import LedgerEntry, Outcome, commit, salt_of

WHY_SUPERSEDED: Final = (
    "Each field that the event states had a newer statement of the same rank already, so nothing"
    " of the record changed. The event is kept in the ledger; there is nothing to do."
)
RECIPE: Final = (
    "The event's digest is the lower-case hexadecimal SHA-256 of the bytes of event_salt followed"
    " by the canonical JSON (RFC 8785, UTF-8) of the event's core: those of specversion, id,"
    " source, type, subject, time, sequence, correctionof and data that the event has, as they were"
    " sent. Compute it from the event and compare it with event_digest. changes_digest is the"
    " SHA-256 of the canonical JSON of [[field, rank, won, commit], ...], and entry_hash that of"
    ' {"v": 1, "record", "version", "prev", "event": {"source", "id", "type", "time", "sequence",'
    ' "digest"}, "sender", "recorded_at", "outcome", "changes_digest"}.'
)
"""How a publisher checks a receipt; part of the API's description."""


def receipt(
    source: str,
    id_: str,
    entry: LedgerEntry | None,
    refused: Sequence[Entry],
    *,
    opaque_id: str | None,
    own: bool,
) -> dict[str, Any]:
    """The receipt of an event that the ledger or the quarantine holds.

    `refused` are the event's quarantine entries, the oldest first. `own` says that its publisher
    asks: a replaced personal id is part of a field's name, and only who named it is told it again.
    """
    newest = refused[-1] if refused else None
    return {
        "source": source,
        "id": id_,
        "state": entry.outcome.value if entry is not None else "quarantined",
        "type": entry.event.type if entry is not None else None,
        "time": entry.event.time if entry is not None else None,
        "recorded_at": _recorded_at(entry, newest),
        "record": opaque_id,
        **(_proof(entry, own=own) if entry is not None else _NO_PROOF),
        "why": WHY_SUPERSEDED if entry and entry.outcome is Outcome.SUPERSEDED else None,
        "quarantine": [
            {
                "id": one.id,
                "status": one.status,
                "received_at": one.received_at,
                "reasons": [dict(reason.as_json()) for reason in one.reasons],
            }
            for one in refused
        ],
    }


def _recorded_at(entry: LedgerEntry | None, newest: Entry | None) -> str | None:
    if entry is not None:
        return entry.recorded_at
    return newest.received_at if newest is not None else None


def _proof(entry: LedgerEntry, *, own: bool) -> dict[str, Any]:
    salt = entry.salt
    return {
        "version": entry.version,
        "prev": entry.prev,
        "entry_hash": entry.entry_hash,
        "event_digest": entry.event.digest,
        "event_salt": hmac.digest(salt, b"event", "sha256").hex() if salt is not None else None,
        "changes_digest": entry.changes_digest,
        "changes": [
            {
                "field": change.field if own else family_of(change.field),
                "rank": change.rank,
                "won": change.won,
                "commit": _commit(entry, change),
            }
            for change in entry.changes
        ],
    }


def _commit(entry: LedgerEntry, change: Change) -> str | None:
    salt = salt_of(entry, change.field)
    if change.commit is not None or salt is None:
        return change.commit
    return commit(salt, change.before, change.stated)


_NO_PROOF: Final[dict[str, Any]] = {
    "version": None,
    "prev": None,
    "entry_hash": None,
    "event_digest": None,
    "event_salt": None,
    "changes_digest": None,
    "changes": [],
}
