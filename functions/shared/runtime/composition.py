"""The one place where everything is put together, once, when it is first needed.

`os.environ`, the clock and randomness enter here and nowhere else.
"""

from __future__ import annotations

import gc
import os
import random
import secrets
import time
from datetime import UTC, datetime
from functools import cache

from functions.shared.adapters import clients
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.dynamodb import DynamoLedger, DynamoRecords
from functions.shared.adapters.quarantine import DynamoQuarantine
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.instants import instant
from functions.shared.core.ledger import SALT_BYTES
from functions.shared.runtime.dead_letters import DeadLetterService
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Pipeline
from functions.shared.runtime.settings import (
    Settings,
    dead_letter_settings,
    sync_settings,
)
from functions.shared.runtime.sync import SyncService


@cache
def sync_service() -> SyncService:
    """The sync function of the queue that the environment names."""
    settings = sync_settings(os.environ)
    dynamodb = clients.dynamodb()
    waiting = Waiting(time.sleep, random.random)
    service = SyncService(
        Pipeline(
            kind=settings.kind,
            store=DynamoRecords(
                dynamodb, settings.kind, settings.records_table, settings.ledger_table, waiting
            ),
            quarantine=_quarantine(settings, waiting, f"{settings.kind.queue}_sync"),
            agencies=DynamoAgencies(dynamodb, settings.agencies_table, waiting, time.monotonic),
            senders=settings.senders,
            now=_now,
            salt=_salt,
            jitter=random.random,
            pause=time.sleep,
        ),
        Narrator(settings.log_hash_key),
    )
    # What start-up made lives as long as the process; the collector need not look at it.
    gc.freeze()
    return service


@cache
def dead_letter_service() -> DeadLetterService:
    """The function behind the dead-letter queues."""
    settings = dead_letter_settings(os.environ)
    waiting = Waiting(time.sleep, random.random)
    return DeadLetterService(
        sources=settings.sources,
        ledger=DynamoLedger(clients.dynamodb(), settings.ledger_table, waiting),
        quarantine=_quarantine(settings, waiting, "dead_letter"),
        narrator=Narrator(settings.log_hash_key),
        now=_now,
    )


def _quarantine(settings: Settings, waiting: Waiting, closer: str) -> DynamoQuarantine:
    return DynamoQuarantine(
        clients.dynamodb(),
        clients.s3(),
        settings.quarantine_table,
        settings.quarantine_bucket,
        waiting,
        closer,
    )


def _now() -> str:
    return instant(datetime.now(UTC))


def _salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)
