"""Keys of tables and indexes, built and parsed here and nowhere else."""

from __future__ import annotations

from typing import Final

SHARDS: Final = 8
"""Partitions of a day in the quarantine's indexes, so that a bad morning is not one hot key."""


def event_uid(source: str, event_id: str) -> str:
    """`<source>#<id>`, the ledger's key."""
    return f"{source}#{event_id}"


def record_key(kind: str, key: str) -> str:
    """`<kind>/<key>`, the ledger's index key."""
    return f"{kind}/{key}"


def parse_record_key(text: str) -> tuple[str, str]:
    """Kind and key of a `record_key`."""
    kind, _, key = text.partition("/")
    return kind, key


def shard_of(quarantine_id: str) -> int:
    """The shard of a quarantine entry, 0 to 7, from its hash."""
    return int(quarantine_id[0], 16) % SHARDS


def queue_key(queue: str, received_at: str, shard: int) -> str:
    """`<queue>#<day>#<shard>`; the day is that of `received_at` in UTC."""
    return f"{queue}#{received_at[:10]}#{shard}"


def reason_key(reason: str, received_at: str, shard: int) -> str:
    """`<first reason>#<day>#<shard>`; the day is that of `received_at` in UTC."""
    return f"{reason}#{received_at[:10]}#{shard}"


def parse_reason_key(text: str) -> str:
    """The first reason of a `reason_key`."""
    return text.partition("#")[0]


def quarantine_object(queue: str, quarantine_id: str, part: str) -> str:
    """The bucket key of what is too large for a quarantine item: its body or its reasons."""
    return f"{queue}/{quarantine_id}/{part}"
