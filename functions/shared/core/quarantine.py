"""The identity of a refused message, and of the event that corrects it."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Final

_CORRECTION: Final = re.compile("correction-([0-9a-f]{64})-[0-9a-f]{8}")


def quarantine_id(queue: str, body: str, replays: str | None = None) -> str:
    """SHA-256 of the queue's name, the body and the quarantine entry it replays, if any.

    The same bad message delivered twice is thus one entry. The parts are joined by a NUL
    byte, which neither a queue's name nor an id contains.
    """
    hashed = _begun(queue).copy()
    hashed.update(body.encode("utf-8", "surrogatepass"))
    hashed.update(f"\0{replays or ''}".encode())
    return hashed.hexdigest()


@cache
def _begun(queue: str) -> hashlib._Hash:
    """The hash of the part that all messages of a queue have in common."""
    return hashlib.sha256(f"{queue}\0".encode())


def correction_id(entry: str, corrected: str) -> str:
    """The id of the event that corrects an entry, made from what the correction gave.

    The same correction of the same entry is thus the same event, however often it is sent.
    """
    return f"correction-{entry}-{hashlib.sha256(corrected.encode()).hexdigest()[:8]}"


def corrected_entry(event_id: str) -> str | None:
    """The quarantine entry that an event corrects, if its id is one that the desk gave."""
    found = _CORRECTION.fullmatch(event_id)
    return found[1] if found else None
