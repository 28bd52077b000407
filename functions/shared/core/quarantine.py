"""The identity of a refused message."""

from __future__ import annotations

import hashlib


def quarantine_id(queue: str, body: str, replays: str | None = None) -> str:
    """SHA-256 of the queue's name, the body and the quarantine entry it replays, if any.

    The same bad message delivered twice is thus one entry. The parts are joined by a NUL
    byte, which neither a queue's name nor an id contains.
    """
    parts = (queue.encode(), body.encode("utf-8", "surrogatepass"), (replays or "").encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
