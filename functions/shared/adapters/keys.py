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


# The intake bucket, and the table of loads ------------------------------------------------------

_INCOMING: Final = "incoming/"
_MANIFEST: Final = ".manifest.json"


def incoming_object(name: str) -> str:
    """`incoming/<name>`, the bucket key under which a file is dropped; a name may hold `/`."""
    return f"{_INCOMING}{name}"


def parse_incoming(key: str) -> str | None:
    """The name of a dropped file or manifest, or None for another key."""
    return key.removeprefix(_INCOMING) or None if key.startswith(_INCOMING) else None


def manifest_object(key: str) -> str:
    """The key of the manifest that belongs to a dropped file's key."""
    return f"{key}{_MANIFEST}"


def parse_manifest(key: str) -> str | None:
    """The key of the file that a manifest's key belongs to, or None if it is no manifest's."""
    return key.removesuffix(_MANIFEST) if key.endswith(_MANIFEST) else None


def part_object(load_id: str, number: int) -> str:
    """`parts/<load id>/<number>`: the plain lines of a range of a packed file."""
    return f"parts/{load_id}/{number:08d}"


def range_report_object(load_id: str, number: int, position: int) -> str:
    """Refused lines of a range, from the line on that starts at `position`."""
    return f"reports/{load_id}/ranges/{number:08d}/{position:015d}.ndjson"


def report_object(load_id: str) -> str:
    """`reports/<load id>/refused.ndjson`: every refused line of a load."""
    return f"reports/{load_id}/refused.ndjson"


LOAD_ITEM: Final = "load"
"""The sort key of a load's own item."""
RANGES: Final = "range#"
"""What the sort keys of a load's ranges begin with."""
LISTED: Final = "load"
"""The partition of the index `by-time`, in which the loads' own items are."""


def range_item(number: int) -> str:
    """`range#<number, eight digits>`: sorted as the ranges lie in the file."""
    return f"{RANGES}{number:08d}"


def parse_range_item(text: str) -> int:
    """The number in a `range_item`."""
    return int(text.removeprefix(RANGES))


# The access log, and the allowances --------------------------------------------------------------


def agency_day(agency: str, at: str) -> str:
    """`<agency>#<day>`, the key of the index `by-agency`; the day is that of `at` in UTC."""
    return f"{agency}#{at[:10]}"


def purpose_day(purpose: str, at: str) -> str:
    """`<purpose>#<day>`, the key of the index `by-purpose`; the day is that of `at` in UTC."""
    return f"{purpose}#{at[:10]}"


def day_allowance(caller: str, day: str) -> str:
    """`<caller>#<day>`: what a caller looked at on a day of Vietnam's."""
    return f"{caller}#{day}"


def minute_allowance(caller: str, at: str, counter: int | None = None) -> str:
    """`<caller>#<minute of UTC>`, of a caller with several counters `...#<counter>`."""
    key = f"{caller}#{at[:16]}"
    return key if counter is None else f"{key}#{counter}"
