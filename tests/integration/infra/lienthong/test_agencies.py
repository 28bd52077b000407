"""The registry is read and changed from the command line, by events that the ledger holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from functions.shared.core.instants import instant
from functions.shared.core.planning import Message
from functions.shared.core.registry import Senders
from tests.builders import agency_fields, event, period
from tests.fakes import Unhurried
from tests.integration.infra.lienthong.town import Town

OLD: Final = period("department", "dossier", since="2015-01-01", until="2025-06-30")
NEW: Final = period("one-stop", "dossier", "person", since="2025-07-01")
ANYBODY: Final = Senders(anyone=True)


@pytest.fixture(name="registry")
def _registry(town: Town) -> Town:
    """Two agencies: one that changed its kind, one that ended."""
    town.take(
        event("agency.registered", agency_fields(OLD, NEW), key="H26.12", id_="a"),
        event("agency.registered", agency_fields(OLD), key="H26.33", id_="b"),
    )
    return town


@contextmanager
def working(town: Town, senders: Senders = ANYBODY) -> Iterator[None]:
    """The registry's function takes what is on its queue while the block runs."""
    done = threading.Event()
    pipeline = replace(town.pipeline("agency"), senders=senders)

    def work() -> None:
        while not done.is_set():
            for message in queued(town):
                pipeline.run([message], Unhurried())
            done.wait(0.02)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()


def queued(town: Town) -> list[Message]:
    """Takes what is on the registry's queue."""
    url = town.outputs["RegistryQueueUrl"]
    found = town.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        town.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [Message(m["MessageId"], m["Body"], instant(datetime.now(UTC))) for m in found]


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_agencies_are_listed_with_what_they_are(
    registry: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert registry.run("agencies", "list", "--json") == 0
    everyone = told(capsys)["agencies"]
    assert registry.run("agencies", "list", "--json", "--on", "2025-07-01") == 0
    in_force = told(capsys)["agencies"]

    assert [agency["agency_id"] for agency in everyone] == ["H26.12", "H26.33"]
    assert [(agency["agency_id"], agency["in_force"]) for agency in in_force] == [("H26.12", NEW)]
    assert registry.run("agencies", "list") == 0
    assert "not in force" in capsys.readouterr().out


def test_an_agency_is_shown_as_of_a_day(registry: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert registry.run("agencies", "show", "H26.12", "--on", "2020-05-05") == 0
    assert "department on 2020-05-05" in capsys.readouterr().out
    assert registry.run("agencies", "show", "H26.12", "--on", "2014-12-31") == 0
    assert "not in force on 2014-12-31" in capsys.readouterr().out
    assert registry.run("agencies", "show", "H26.99") == 1
    assert "does not know H26.99" in capsys.readouterr().err


def test_an_agency_is_registered_changed_and_ended_by_events(
    registry: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    with working(registry):
        assert (
            registry.run(
                *("agencies", "register", "H26.50", "--name", "Phường Mẫu", "--kind", "one-stop"),
                *("--publishes", "dossier,person", "--from", "2025-07-01", "--parent", "H26"),
                *("--alias", "000.05.00.H26", "--sender", "AROAEXAMPLE"),
            )
            == 0
        )
        assert "one-stop on" in capsys.readouterr().out
        change = ("agencies", "change", "H26.50", "--kind", "department", "--from", "2026-01-01")
        assert registry.run(*change) == 0
        end = ("agencies", "end", "H26.50", "--on", "2026-06-30", "--succeeded-by", "H26.12")
        assert registry.run(*end) == 0
        capsys.readouterr()

    assert registry.run("agencies", "show", "H26.50", "--json") == 0
    agency = told(capsys)
    assert agency["periods"] == [
        period("one-stop", "dossier", "person", since="2025-07-01", until="2025-12-31"),
        period("department", "dossier", "person", since="2026-01-01", until="2026-06-30"),
    ]
    assert (agency["parent"], agency["aliases"]) == ("H26", ["000.05.00.H26"])
    assert registry.run("agencies", "show", "H26.12", "--json") == 0
    assert told(capsys)["succeeds"] == ["H26.50"]
    assert len(registry.entries("agency", "H26.50")) == 3
    assert registry.run("verify") == 0


def test_senders_come_and_go(registry: Town, capsys: pytest.CaptureFixture[str]) -> None:
    with working(registry):
        senders = ("agencies", "senders", "H26.12")
        assert registry.run(*senders, "add", "AROAONE", "AROATWO", "--json") == 0
        assert told(capsys)["agencies"][0]["senders"] == ["AROAONE", "AROATWO"]
        assert registry.run(*senders, "remove", "AROAONE", "--json") == 0
        assert told(capsys)["agencies"][0]["senders"] == ["AROATWO"]
    entries = len(registry.entries("agency", "H26.12"))

    assert registry.run(*senders, "add", "AROATWO") == 0
    assert "says so already" in capsys.readouterr().err
    assert registry.run(*senders, "remove", "AROAONE") == 1
    assert registry.run(*senders, "add", "AROAONE:session") == 1
    assert len(registry.entries("agency", "H26.12")) == entries
    assert queued(registry) == []


def test_a_dry_run_prints_the_event_and_sends_nothing(
    registry: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    end = ("agencies", "end", "H26.12", "--on", "2026-06-30", "--succeeded-by", "H26.33")
    assert registry.run(*end, "--dry-run") == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["subject"] for line in lines] == ["H26.12", "H26.33"]
    assert lines[0]["data"]["periods"] == [OLD, {**NEW, "to": "2026-06-30"}]
    assert queued(registry) == []


@pytest.mark.parametrize(
    ("arguments", "exit_", "sentence"),
    [
        (("register", "H26.12", "--name", "x", "--from", "2026-01-01"), 1, "knows H26.12 already"),
        (("register", "26", "--name", "x", "--from", "2026-01-01"), 2, "no key of that kind"),
        (("register", "H9", "--name", "x", "--from", "2026-02-30"), 2, "no date that exists"),
        (("register", "H99", "--name", " ", "--from", "2026-01-01"), 1, "/data/name"),
        (("change", "H26.12"), 2, "Say what is to change"),
        (("change", "H26.12", "--kind", "other"), 2, "Say from which day"),
        (("change", "H26.12", "--from", "2014-01-01"), 2, "no earlier period to follow"),
        (("end", "H26.33", "--on", "2026-01-01"), 2, "not in force"),
        (("end", "H26.12", "--on", "2026-01-01", "--succeeded-by", "H26.12"), 2, "itself"),
        (("end", "H26.12", "--on", "2026-01-01", "--succeeded-by", "H77"), 1, "does not know H77"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_sent(
    registry: Town,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    exit_: int,
    sentence: str,
) -> None:
    rest = ("--kind", "one-stop", "--publishes", "none") if arguments[0] == "register" else ()

    assert registry.run("agencies", *arguments, *rest) == exit_

    assert sentence in " ".join(capsys.readouterr().err.split())
    assert queued(registry) == []


def test_a_refused_event_is_told_with_its_reasons(
    registry: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    with working(registry, senders=Senders(registry=frozenset({"AROAOPERATOR"}))):
        assert registry.run("agencies", "change", "H26.12", "--name", "Tên khác") == 1

    assert "source-not-permitted /source" in capsys.readouterr().err


def test_an_event_that_does_not_arrive_in_time_is_told(
    registry: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    change = ("agencies", "change", "H26.12", "--name", "Tên khác", "--wait", "0")
    assert registry.run(*change) == 3

    assert "do not send it again" in " ".join(capsys.readouterr().err.split())
    assert len(queued(registry)) == 1
