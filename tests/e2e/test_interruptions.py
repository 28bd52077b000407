"""The conservation rule while the machinery is interrupted in the middle of its work.

Workers killed again and again, a function that runs out of its time or hangs, the whole service
stopped and started again, a thousand events on one record through the real queue.

That an emulator that is killed (SIGKILL) comes back without what it did since its last stop is
left out: it writes its tables when it is asked to stop, so what is then missing was lost by the
emulator, which DynamoDB and SQS do not do, and what is left are tables as of that stop.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

import pytest

from infra.local import emulator
from infra.local import stack as local_stack
from infra.local.site import Site
from tests.e2e.conftest import REGION, Deployed
from tests.e2e.delivery import (
    Sent,
    by_deadline,
    contents,
    disagreements,
    entries,
    has_more_entries,
    known,
    send,
    settle,
    taken,
    unconserved,
    workers,
)
from tests.e2e.poison import KINDS, poisons, stating


@contextmanager
def configured(stack: Deployed, function: str, timeout: int) -> Iterator[None]:
    """A function, given by its logical id, has so many seconds in the block."""
    functions = stack.client("lambda")
    name = stack.function_names[function]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=timeout)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=before)


def said(stack: Deployed, function: str, text: str) -> int:
    """How often a function has logged a text."""
    name = f"/aws/lambda/{stack.function_names[function]}"
    pages = stack.client("logs").get_paginator("filter_log_events")
    return sum(
        text in event["message"]
        for page in pages.paginate(logGroupName=name)
        for event in page["events"]
    )


def test_a_thousand_events_on_one_record_end_as_their_fold(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    order = random.Random(11)
    events = [
        taken(stating("person", 600_000, f"hot-{number}", time=f"2026-03-03T0{hour}:00:00Z"))
        for number in range(1_000)
        for hour in (order.randrange(10),)
    ]
    sent = [*events, *order.sample(events, 50)]
    order.shuffle(sent)

    send(stack, sent)
    settle(stack)

    found = contents(stack, before)
    assert unconserved(sent, found) == []
    versions = sorted(entry.version for entry in found.ledger.values())
    assert versions == list(range(1, 1_001))
    assert disagreements(stack) == []


def test_a_function_without_time_returns_what_it_cannot_begin(stack: Deployed) -> None:
    """It keeps five seconds back to answer in; of five it has none to work in."""
    settle(stack)
    before = known(stack)
    numbers = count(610_000)
    bad = poisons("insurance-card", "no-time", numbers)[-20:]
    sent = [
        *(
            taken(stating("insurance-card", number, f"no-time-{number}"))
            for number in islice(numbers, 30)
        ),
        *bad,
    ]
    random.Random(12).shuffle(sent)
    there = said(stack, "InsuranceSyncFunction", '"returned":')

    with configured(stack, "InsuranceSyncFunction", timeout=5):
        send(stack, sent, visibility=6)
        by_deadline(
            lambda: said(stack, "InsuranceSyncFunction", '"returned":') > there,
            "the function returned nothing",
        )
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    assert disagreements(stack) == []


def test_a_function_that_hangs_is_stopped_by_its_timeout(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    function = stack.function_names["DossierSyncFunction"]
    overdue = f"Lambda {function} timed out"
    there = stack.server_log().count(overdue)
    numbers = count(620_000)
    sent: list[Sent] = []

    with configured(stack, "DossierSyncFunction", timeout=6):
        while stack.server_log().count(overdue) == there:
            assert len(sent) < 1_000, "no worker was at work when it was halted"
            more = [
                taken(stating("dossier", 620_000 + number % 20, f"hung-{number}"))
                for number in islice(numbers, 60)
            ]
            written = entries(stack)
            send(stack, more, visibility=8)
            sent += more
            by_deadline(partial(has_more_entries, stack, written), "no event was taken")
            halted = workers(stack, function)
            for worker in halted:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGSTOP)
            by_deadline(partial(gone, stack, function, halted), "a hanging function goes on")
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    assert disagreements(stack) == []


def gone(stack: Deployed, function: str, processes: Sequence[int]) -> bool:
    """Whether one of these workers is there no more."""
    return not set(processes) <= set(workers(stack, function))


def test_workers_of_all_queues_killed_in_a_load_with_poison(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    order, numbers = random.Random(13), count(630_000)
    sent = [
        taken(stating(kind, 630_000 + number % 30, f"killed-often-{kind}-{number}"))
        for kind in KINDS
        for number in islice(numbers, 80)
    ]
    sent += chain.from_iterable(poisons(kind, "killed", numbers)[-12:] for kind in KINDS)
    order.shuffle(sent)
    kills = 0

    written = entries(stack)
    send(stack, sent, visibility=4)
    while kills < 4:  # how many workers there are, and how far they come, is the machine's matter
        by_deadline(partial(has_more_entries, stack, written), "no event was taken")
        written = entries(stack)
        for name in stack.function_names.values():
            for worker in workers(stack, name):
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    kills += 1
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    assert disagreements(stack) == []


@pytest.fixture
def kept_stack() -> Iterator[Deployed]:
    """A stack whose tables, queues and functions outlive a stop of the service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    site = Site(
        state=Path(tempfile.mkdtemp(prefix="lienthong-e2e-")),
        endpoint=f"http://localhost:{port}",
        region=REGION,
        keep=True,
    )
    try:
        yield Deployed(site, local_stack.up(site, parameters={"MaximumConcurrency": "2"}))
    finally:
        local_stack.down(site)
        shutil.rmtree(site.state, ignore_errors=True)


def test_the_service_stopped_and_started_in_a_load_loses_nothing(kept_stack: Deployed) -> None:
    """It is stopped with messages waiting and in hand; sources go on when it is back."""
    stack = kept_stack
    before = known(stack)
    numbers = count(640_000)
    sent: list[Sent] = []

    for interrupted in (True, False):
        more = [
            taken(stating(kind, 640_000 + number % 40, f"stopped-{kind}-{number}"))
            for kind in KINDS
            for number in islice(numbers, 60)
        ]
        more += chain.from_iterable(poisons(kind, "stopped", numbers)[-12:] for kind in KINDS)
        written = entries(stack)
        send(stack, more, visibility=5)
        sent += more
        if interrupted:
            by_deadline(partial(has_more_entries, stack, written), "no event was taken")
            assert emulator.stop(stack.site)
            emulator.start(stack.site, print)
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    assert disagreements(stack) == []
