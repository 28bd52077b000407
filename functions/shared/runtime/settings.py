"""What a function is told by its environment: frozen, complete, checked once at the start."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.shared.core.errors import Defect
from functions.shared.core.kinds import KIND_OF_QUEUE, Kind
from functions.shared.core.registry import Senders

LOCAL_STAGE: Final = "local"
"""The only stage in which any sender may speak for any agency."""
SHORTEST_HASH_KEY: Final = 32
SMALLEST_RANGE: Final = 1024
"""Bytes of a range; far less than is of use, so that tests need no large files."""
_RECORD_ID_KEY: Final = re.compile("[0-9A-Fa-f]{128}")
TABLES_OF_KINDS: Final[Mapping[str, str]] = {
    "person": "PEOPLE_TABLE",
    "insurance-card": "INSURANCE_CARDS_TABLE",
    "dossier": "DOSSIERS_TABLE",
    "agency": "AGENCIES_TABLE",
}
"""Record kind -> the variable that names its table, for a function that writes them all."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function needs. No resource has a default name."""

    stage: str
    log_hash_key: str
    direct_wire: bool
    compiled_loops: bool
    ledger_table: str
    quarantine_table: str
    quarantine_bucket: str


@dataclass(frozen=True, slots=True)
class SyncSettings(Settings):
    """What a sync function needs besides: its queue, its table, the registry."""

    kind: Kind
    records_table: str
    agencies_table: str
    senders: Senders


@dataclass(frozen=True, slots=True)
class DeadLetterSettings(Settings):
    """What the dead-letter function needs besides: queue ARN -> queue name."""

    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadSettings(Settings):
    """What both functions of a load need besides: where files are dropped and loads are kept."""

    intake_bucket: str
    loads_table: str
    ranges_queue_url: str


@dataclass(frozen=True, slots=True)
class FileSplitSettings(LoadSettings):
    """What the splitting function needs besides: its own queue, and the size of a range."""

    files_queue_url: str
    range_bytes: int


@dataclass(frozen=True, slots=True)
class RangeSyncSettings(LoadSettings):
    """What the function of the ranges needs besides: record kind -> table, and who may speak."""

    records_tables: Mapping[str, str]
    senders: Senders


@dataclass(frozen=True, slots=True)
class ApiSettings(Settings):
    """What both functions of the API need besides: the tables, the key of opaque ids, limits."""

    records_tables: Mapping[str, str]
    access_log_table: str
    access_heads_table: str
    allowances_table: str
    record_id_key: bytes = field(repr=False)
    daily_allowance: int
    minute_allowance: int


@dataclass(frozen=True, slots=True)
class IntakeSettings(ApiSettings):
    """What the function of the incoming events needs besides: queue -> URL."""

    queue_urls: Mapping[str, str]
    senders: Senders


def sync_settings(environment: Mapping[str, str]) -> SyncSettings:
    """The settings of a sync function. Raises Defect naming the variable that is wrong."""
    queue = _required(environment, "QUEUE")
    kind = KIND_OF_QUEUE.get(queue)
    if kind is None:
        raise Defect(f"QUEUE must be one of {', '.join(KIND_OF_QUEUE)}; correct the template.")
    stage = _required(environment, "STAGE")
    return SyncSettings(
        **_shared(environment),
        kind=kind,
        records_table=_required(environment, "RECORDS_TABLE"),
        agencies_table=_required(environment, "AGENCIES_TABLE"),
        senders=Senders(
            registry=_ids(environment, "REGISTRY_SENDERS"),
            relays=_ids(environment, "RELAY_SENDERS"),
            anyone=stage == LOCAL_STAGE,
        ),
    )


def dead_letter_settings(environment: Mapping[str, str]) -> DeadLetterSettings:
    """The dead-letter function's settings. Raises Defect naming the variable that is wrong."""
    try:
        sources = json.loads(_required(environment, "DEAD_LETTER_SOURCES"))
        unknown = set(sources.values()) - set(KIND_OF_QUEUE)
    except (ValueError, AttributeError, TypeError):
        raise Defect("DEAD_LETTER_SOURCES must be an object of queue ARN to queue name.") from None
    if unknown or not sources:
        raise Defect(f"DEAD_LETTER_SOURCES must name queues out of {', '.join(KIND_OF_QUEUE)}.")
    return DeadLetterSettings(**_shared(environment), sources=sources)


def file_split_settings(environment: Mapping[str, str]) -> FileSplitSettings:
    """The splitting function's settings. Raises Defect naming the variable that is wrong."""
    text = _required(environment, "LOAD_RANGE_BYTES")
    if not (text.isascii() and text.isdigit() and int(text) >= SMALLEST_RANGE):
        raise Defect(f"LOAD_RANGE_BYTES must be a whole number from {SMALLEST_RANGE} on.")
    return FileSplitSettings(
        **_shared(environment),
        **_of_loads(environment),
        files_queue_url=_required(environment, "FILES_QUEUE_URL"),
        range_bytes=int(text),
    )


def range_sync_settings(environment: Mapping[str, str]) -> RangeSyncSettings:
    """The settings of the function of the ranges. Raises Defect naming what is wrong."""
    return RangeSyncSettings(
        **_shared(environment),
        **_of_loads(environment),
        records_tables={
            kind: _required(environment, name) for kind, name in TABLES_OF_KINDS.items()
        },
        senders=Senders(
            registry=_ids(environment, "REGISTRY_SENDERS"),
            anyone=_required(environment, "STAGE") == LOCAL_STAGE,
        ),
    )


def api_settings(environment: Mapping[str, str]) -> ApiSettings:
    """The settings of the query function. Raises Defect naming the variable that is wrong."""
    return ApiSettings(**_shared(environment), **_of_the_api(environment))


def intake_settings(environment: Mapping[str, str]) -> IntakeSettings:
    """The settings of the intake function. Raises Defect naming the variable that is wrong."""
    return IntakeSettings(
        **_shared(environment),
        **_of_the_api(environment),
        queue_urls={
            queue: _required(environment, f"{queue.upper()}_QUEUE_URL") for queue in KIND_OF_QUEUE
        },
        senders=Senders(
            registry=_ids(environment, "REGISTRY_SENDERS"),
            anyone=_required(environment, "STAGE") == LOCAL_STAGE,
        ),
    )


def _of_the_api(environment: Mapping[str, str]) -> dict[str, Any]:
    key = _required(environment, "RECORD_ID_KEY")
    if _RECORD_ID_KEY.fullmatch(key) is None:
        raise Defect("RECORD_ID_KEY must be 128 hexadecimal digits; correct the parameter.")
    names = ("access_log_table", "access_heads_table", "allowances_table")
    return {
        **{name: _required(environment, name.upper()) for name in names},
        "records_tables": {
            kind: _required(environment, name) for kind, name in TABLES_OF_KINDS.items()
        },
        "record_id_key": bytes.fromhex(key),
        "daily_allowance": _count(environment, "DAILY_ALLOWANCE"),
        "minute_allowance": _count(environment, "MINUTE_ALLOWANCE"),
    }


def _count(environment: Mapping[str, str], name: str) -> int:
    text = _required(environment, name)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise Defect(f"{name} must be a whole number from 1 on; correct the parameter.")
    return int(text)


def _of_loads(environment: Mapping[str, str]) -> dict[str, Any]:
    names = ("intake_bucket", "loads_table", "ranges_queue_url")
    return {name: _required(environment, name.upper()) for name in names}


def _shared(environment: Mapping[str, str]) -> dict[str, Any]:
    key = _required(environment, "LOG_HASH_KEY")
    if len(key) < SHORTEST_HASH_KEY:
        raise Defect(f"LOG_HASH_KEY needs at least {SHORTEST_HASH_KEY} characters.")
    names = ("stage", "ledger_table", "quarantine_table", "quarantine_bucket")
    return {
        "log_hash_key": key,
        "direct_wire": _direct_wire(environment),
        "compiled_loops": _compiled_loops(environment),
        **{name: _required(environment, name.upper()) for name in names},
    }


def _direct_wire(environment: Mapping[str, str]) -> bool:
    wire = environment.get("WIRE", "plain")
    if wire not in ("direct", "plain"):
        raise Defect("WIRE must be direct or plain; correct the parameter Wire and deploy again.")
    return wire == "direct"


def _compiled_loops(environment: Mapping[str, str]) -> bool:
    loops = environment.get("LOOPS", "compiled")
    if loops not in ("compiled", "plain"):
        raise Defect(
            "LOOPS must be compiled or plain; correct the parameter Loops and deploy again."
        )
    return loops == "compiled"


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Defect(f"The environment variable {name} is missing; deploy the template again.")
    return value


def _ids(environment: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, environment.get(name, "").split(","))))
