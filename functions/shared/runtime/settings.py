"""What a function is told by its environment: frozen, complete, checked once at the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.shared.core.errors import Defect
from functions.shared.core.kinds import KIND_OF_QUEUE, Kind
from functions.shared.core.registry import Senders

LOCAL_STAGE: Final = "local"
"""The only stage in which any sender may speak for any agency."""
SHORTEST_HASH_KEY: Final = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function needs. No resource has a default name."""

    stage: str
    log_hash_key: str
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


def _shared(environment: Mapping[str, str]) -> dict[str, str]:
    key = _required(environment, "LOG_HASH_KEY")
    if len(key) < SHORTEST_HASH_KEY:
        raise Defect(f"LOG_HASH_KEY needs at least {SHORTEST_HASH_KEY} characters.")
    names = ("stage", "ledger_table", "quarantine_table", "quarantine_bucket")
    return {
        "log_hash_key": key,
        **{name: _required(environment, name.upper()) for name in names},
    }


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Defect(f"The environment variable {name} is missing; deploy the template again.")
    return value


def _ids(environment: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, environment.get(name, "").split(","))))
