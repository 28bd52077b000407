"""The one place where everything is put together, once, when it is first needed.

`os.environ`, the clock and randomness enter here and nowhere else.
"""

from __future__ import annotations

import gc
import os
import random
import secrets
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from functions.shared import native
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.clients import Clients
from functions.shared.adapters.dynamodb import DynamoLedger, DynamoRecords
from functions.shared.adapters.quarantine import DynamoQuarantine
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.instants import instant
from functions.shared.core.kinds import AGENCY, KINDS
from functions.shared.core.ledger import SALT_BYTES
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.pipeline import Pipeline
from functions.shared.runtime.settings import (
    ApiSettings,
    IntakeSettings,
    Settings,
    api_settings,
    dead_letter_settings,
    file_split_settings,
    intake_settings,
    range_sync_settings,
    sync_settings,
)
from functions.shared.runtime.sync import SyncService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

    from functions.shared.adapters.access_log import DynamoAccessLog
    from functions.shared.adapters.directory import DynamoDirectory
    from functions.shared.adapters.policies import CedarPolicies
    from functions.shared.ports import Deadline
    from functions.shared.runtime.api.front import Api
    from functions.shared.runtime.api.narration import ApiNarrator
    from functions.shared.runtime.dead_letters import DeadLetterService
    from functions.shared.runtime.desk import DeskService
    from functions.shared.runtime.file_split import FileSplitService
    from functions.shared.runtime.publishing import PublishingService
    from functions.shared.runtime.query import QueryService
    from functions.shared.runtime.range_sync import RangeSyncService


ROOT: Final = Path(__file__).parents[3]
POLICIES: Final = ROOT / "infra" / "policies"
"""What the functions behind the API carry beside their code."""
COLLECTOR: Final = (200_000, 20, 20)
"""The collector's thresholds while a function works."""
_Settings = TypeVar("_Settings", bound=Settings)


@cache
def sync_service() -> SyncService:
    """The sync function of the queue that the environment names."""
    with _starting():
        return _sync_service()


def _sync_service() -> SyncService:
    settings = _heeded(sync_settings(os.environ))
    clients = Clients()
    dynamodb = clients.dynamodb(direct_wire=settings.direct_wire)
    waiting = Waiting(time.sleep, random.random)
    return SyncService(
        Pipeline(
            kind=settings.kind,
            store=DynamoRecords(
                dynamodb, settings.kind, settings.records_table, settings.ledger_table, waiting
            ),
            quarantine=_quarantine(
                settings, dynamodb, clients.s3(), waiting, f"{settings.kind.queue}_sync"
            ),
            agencies=DynamoAgencies(dynamodb, settings.agencies_table, waiting, time.monotonic),
            senders=settings.senders,
            now=_now,
            salt=_salt,
            jitter=random.random,
            pause=time.sleep,
        ),
        _batch_narrator(settings),
    )


@cache
def dead_letter_service() -> DeadLetterService:
    """The function behind the dead-letter queues."""
    from functions.shared.runtime.dead_letters import DeadLetterService

    settings = _heeded(dead_letter_settings(os.environ))
    clients = Clients()
    dynamodb = clients.dynamodb(direct_wire=settings.direct_wire)
    waiting = Waiting(time.sleep, random.random)
    return DeadLetterService(
        sources=settings.sources,
        ledger=DynamoLedger(dynamodb, settings.ledger_table, waiting),
        quarantine=_quarantine(settings, dynamodb, clients.s3(), waiting, "dead_letter"),
        narrator=Narrator(settings.log_hash_key),
        now=_now,
    )


@cache
def file_split_service() -> FileSplitService:
    """The function that cuts dropped files into ranges."""
    # What a sync function does not need is imported where it is: it starts the sooner.
    from functions.shared.adapters import outbox
    from functions.shared.adapters.loads import DynamoLoads
    from functions.shared.adapters.objects import S3Objects
    from functions.shared.runtime.file_split import FileSplitService

    settings = _heeded(file_split_settings(os.environ))
    clients = Clients()
    sqs = clients.sqs()
    waiting = Waiting(time.sleep, random.random)
    return FileSplitService(
        bucket=settings.intake_bucket,
        range_bytes=settings.range_bytes,
        loads=DynamoLoads(clients.dynamodb(), settings.loads_table, waiting),
        objects=S3Objects(clients.s3(), settings.intake_bucket, waiting),
        ranges=outbox.SqsOutbox(sqs, settings.ranges_queue_url, waiting),
        files=outbox.SqsInbox(sqs, settings.files_queue_url),
        narrator=Narrator(settings.log_hash_key),
        now=_now,
    )


@cache
def range_sync_service() -> RangeSyncService:
    """The function that takes ranges of dropped files in."""
    with _starting():
        return _range_sync_service()


def _range_sync_service() -> RangeSyncService:
    from functions.shared.adapters import outbox
    from functions.shared.adapters.loads import DynamoLoads
    from functions.shared.adapters.objects import S3Objects
    from functions.shared.runtime.range_sync import RangeSyncService

    settings = _heeded(range_sync_settings(os.environ))
    clients = Clients()
    dynamodb = clients.dynamodb(direct_wire=settings.direct_wire)
    s3 = clients.s3()
    waiting = Waiting(time.sleep, random.random)
    agencies = DynamoAgencies(
        dynamodb, settings.records_tables[AGENCY.name], waiting, time.monotonic
    )
    quarantine = _quarantine(settings, dynamodb, s3, waiting, "range_sync")
    return RangeSyncService(
        loads=DynamoLoads(dynamodb, settings.loads_table, waiting),
        objects=S3Objects(s3, settings.intake_bucket, waiting),
        ranges=outbox.SqsOutbox(clients.sqs(), settings.ranges_queue_url, waiting),
        pipelines={
            kind.queue: Pipeline(
                kind=kind,
                store=DynamoRecords(
                    dynamodb,
                    kind,
                    settings.records_tables[kind.name],
                    settings.ledger_table,
                    waiting,
                ),
                quarantine=quarantine,
                agencies=agencies,
                senders=settings.senders,
                now=_now,
                salt=_salt,
                jitter=random.random,
                pause=time.sleep,
            )
            for kind in KINDS.values()
        },
        narrator=_batch_narrator(settings),
        now=_now,
        token=lambda: secrets.token_hex(4),
        pause=time.sleep,
        jitter=random.random,
    )


@cache
def query_api() -> Api:
    """The function that answers questions about records, events and looks."""
    with _starting():
        from functions.shared.adapters.directory import DynamoDirectory
        from functions.shared.runtime.api.front import Api, Patience
        from functions.shared.runtime.api.narration import ApiNarrator
        from functions.shared.runtime.api.query_routes import query_resolver

        settings = _heeded(api_settings(os.environ))
        clients = Clients()
        dynamodb = clients.dynamodb(direct_wire=settings.direct_wire)
        waiting = Waiting(time.sleep, random.random)
        patience = Patience()
        directory = DynamoDirectory(
            dynamodb, settings.records_tables[AGENCY.name], waiting, time.monotonic
        )
        narrator = ApiNarrator(settings.log_hash_key)
        service = query_service(settings, dynamodb, directory, waiting, patience, narrator)
        return Api(
            "query",
            query_resolver(service),
            directory,
            service.log,
            narrator,
            patience,
        )


@cache
def intake_api() -> Api:
    """The function that takes events in over HTTP, and settles refused ones."""
    with _starting():
        from functions.shared.adapters.directory import DynamoDirectory
        from functions.shared.runtime.api.front import Api, Patience
        from functions.shared.runtime.api.intake_routes import intake_resolver
        from functions.shared.runtime.api.narration import ApiNarrator

        settings = _heeded(intake_settings(os.environ))
        clients = Clients()
        dynamodb = clients.dynamodb()
        waiting = Waiting(time.sleep, random.random)
        patience = Patience()
        directory = DynamoDirectory(
            dynamodb, settings.records_tables[AGENCY.name], waiting, time.monotonic
        )
        narrator = ApiNarrator(settings.log_hash_key)
        policies = _policies(narrator)
        log = _access_log(settings, dynamodb, waiting, narrator)

        @cache
        def publishing() -> PublishingService:
            return _publishing(settings, clients, dynamodb, policies, log, waiting)

        @cache
        def desk() -> DeskService:
            return _desk(settings, clients, dynamodb, policies, log, directory, waiting, patience)

        return Api(
            "intake",
            intake_resolver(publishing, desk, narrator.count),
            directory,
            log,
            narrator,
            patience,
        )


def query_service(
    settings: ApiSettings,
    dynamodb: DynamoDBClient,
    directory: DynamoDirectory,
    waiting: Waiting,
    patience: Callable[[], Deadline],
    narrator: ApiNarrator,
) -> QueryService:
    """What answers the questions, over the settings' tables."""
    from concurrent.futures import ThreadPoolExecutor

    from functions.shared.adapters.opaque import Opaque
    from functions.shared.adapters.reader import THREADS, Doors
    from functions.shared.runtime.query import QueryService

    return QueryService(
        readers=Doors(
            client=dynamodb,
            records=settings.records_tables,
            ledger=settings.ledger_table,
            quarantine=settings.quarantine_table,
            heads=settings.access_heads_table,
            waiting=waiting,
            pool=ThreadPoolExecutor(THREADS, thread_name_prefix="read"),
        ),
        policies=_policies(narrator),
        log=_access_log(settings, dynamodb, waiting, narrator),
        directory=directory,
        opaque=Opaque(settings.record_id_key),
        patience=patience,
        now=_now,
    )


def _publishing(
    settings: IntakeSettings,
    clients: Clients,
    dynamodb: DynamoDBClient,
    policies: CedarPolicies,
    log: DynamoAccessLog,
    waiting: Waiting,
) -> PublishingService:
    from functions.shared.adapters.outbox import SqsRelay
    from functions.shared.runtime.publishing import PublishingService

    agencies = settings.records_tables[AGENCY.name]
    return PublishingService(
        policies=policies,
        log=log,
        agencies=DynamoAgencies(dynamodb, agencies, waiting, time.monotonic),
        relay=SqsRelay(clients.sqs(), settings.queue_urls, waiting),
        now=_now,
    )


def _desk(
    settings: IntakeSettings,
    clients: Clients,
    dynamodb: DynamoDBClient,
    policies: CedarPolicies,
    log: DynamoAccessLog,
    directory: DynamoDirectory,
    waiting: Waiting,
    patience: Callable[[], Deadline],
) -> DeskService:
    from functions.shared.adapters.desk import Desk, Places
    from functions.shared.adapters.opaque import Opaque
    from functions.shared.runtime.desk import DeskService

    places = Places(
        quarantine=settings.quarantine_table,
        bucket=settings.quarantine_bucket,
        ledger=settings.ledger_table,
        agencies=settings.records_tables[AGENCY.name],
        queues=settings.queue_urls,
    )
    return DeskService(
        Desk(
            dynamodb,
            clients.s3(),
            clients.sqs(),
            places,
            settings.senders,
            waiting=waiting,
            patience=patience,
            monotonic=time.monotonic,
            singly=True,
        ),
        policies,
        log,
        directory,
        Opaque(settings.record_id_key),
        now=_now,
        patience=patience,
    )


def _heeded(settings: _Settings) -> _Settings:
    """The settings, and the loops that they name do the work from here on."""
    native.use(compiled=settings.compiled_loops)
    return settings


def _batch_narrator(settings: Settings) -> Narrator:
    """A narrator that has said so where the compiled loops are wanted and not at hand."""
    narrator = Narrator(settings.log_hash_key)
    if settings.compiled_loops and native.loops is None:
        narrator.without_compiled_loops()
    return narrator


def _policies(narrator: ApiNarrator) -> CedarPolicies:
    from functions.shared.adapters.policies import CedarPolicies

    texts = [path.read_text("utf-8") for path in sorted(POLICIES.glob("*.cedar"))]
    return CedarPolicies(
        texts,
        (POLICIES / "schema.cedarschema").read_text("utf-8"),
        failed=narrator.unevaluated,
    )


def _access_log(
    settings: ApiSettings, dynamodb: DynamoDBClient, waiting: Waiting, narrator: ApiNarrator
) -> DynamoAccessLog:
    from functions.shared.adapters.access_log import DynamoAccessLog, Places
    from functions.shared.core.allowances import Limits

    return DynamoAccessLog(
        dynamodb,
        Places(settings.access_log_table, settings.access_heads_table, settings.allowances_table),
        Limits(settings.daily_allowance, settings.minute_allowance),
        settings.record_id_key,
        waiting,
        _now,
        narrator.suspect,
    )


def _quarantine(
    settings: Settings, dynamodb: DynamoDBClient, s3: S3Client, waiting: Waiting, closer: str
) -> DynamoQuarantine:
    return DynamoQuarantine(
        dynamodb, s3, settings.quarantine_table, settings.quarantine_bucket, waiting, closer
    )


@contextmanager
def _starting() -> Iterator[None]:
    """Start-up without the collector, and the collector as it suits batches from then on.

    What start-up makes lives as long as the process; nobody need look at it, then or later. A
    batch makes tens of thousands of values that refer to each other in no circle, so looking for
    circles after every 700, as Python does, finds none and costs a twentieth of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(*COLLECTOR)


def _now() -> str:
    return instant(datetime.now(UTC))


def _salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)
