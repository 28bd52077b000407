"""Guarantee G5: what is said aloud counts and names codes, and tells of nobody."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from functions.shared.core.errors import Defect, Retry
from functions.shared.core.kinds import KIND_OF_QUEUE, PERSON, Kind
from functions.shared.runtime.dead_letters import DeadLetterService
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.measures import OF_A_LOAD
from functions.shared.runtime.sync import SyncService
from tests.builders import (
    OTHER_PERSON_ID,
    PERSON_ID,
    SENDER,
    body,
    event,
    lambda_context,
    messages,
    sqs_event,
)
from tests.fakes import FakeWorld, Unhurried
from tests.faults import aws_error
from tests.histories import Document, any_history

Said = Callable[[], list[dict[str, Any]]]
Narrate = Callable[[], Narrator]

SECRETS: Final = (
    "Bí Mật Riêng",
    "0987654321",
    PERSON_ID,
    OTHER_PERSON_ID,
    "event-id-of-the-sender",
    "unknown-field-of-the-sender",
    "Ngõ Kín 17",
    "unknown-attribute",
    "H26.99",
    SENDER,
)
"""Recognisable values of every kind that a message may hold."""


def telling() -> list[Document | str]:
    """Messages that end in every way there is, full of recognisable values."""
    told = {"full_name": "Bí Mật Riêng", "phone": "0987654321"}
    place = {"residence": {"commune": "00070", "address": "Ngõ Kín 17"}}
    good = event(fields={**told, **place}, id_="event-id-of-the-sender")
    return [
        good,
        good,
        event(fields=told, id_="event-id-of-the-sender-2", time="2026-03-01T00:00:00Z"),
        event(fields=place, id_="event-id-of-the-sender"),
        event(fields={**told, "unknown-field-of-the-sender": "Bí Mật Riêng"}),
        event(fields={"sex": "Bí Mật Riêng", "phone": "Bí Mật Riêng"}),
        {**good, "subject": OTHER_PERSON_ID},
        {**good, "source": "/agencies/H26.99"},
        {**good, "type": "Bí Mật Riêng"},
        {**good, "Unknown-Attribute": "unknown-attribute"},
        {**good, "time": "2100-01-01T00:00:00Z", "id": "event-id-of-the-sender-3"},
        body(good)[:-9],
        f'{{"{PERSON_ID}": "Bí Mật Riêng", "{PERSON_ID}": 1}}',
        "Bí Mật Riêng " * 30_000,
        f'["{PERSON_ID}"]',
    ]


def assert_nobody_is_told_of(lines: list[dict[str, Any]]) -> None:
    assert lines
    text = repr(lines)
    for secret in SECRETS:
        assert secret not in text
        assert secret.encode("unicode_escape").decode() not in text


class TestBatches:
    def test_a_worked_batch_tells_of_nobody(self, narrate: Narrate, said: Said) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        service = SyncService(world.pipeline, narrator)
        answer = service.handle(sqs_event(telling()), lambda_context())
        assert answer == {"batchItemFailures": []}
        assert_nobody_is_told_of(said())

    def test_a_batch_that_was_stopped_tells_the_errors_class_alone(
        self, narrate: Narrate, said: Said
    ) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)

        class Broken:
            def load(self, *_: Any) -> Any:
                raise Defect(str(aws_error("ValidationException", "BatchGetItem")) + PERSON_ID)

            def commit(self, *_: Any) -> Any:
                raise AssertionError

        service = SyncService(replace(world.pipeline, store=Broken()), narrator)
        records = sqs_event(telling())
        answer = service.handle(records, lambda_context())
        assert len(answer["batchItemFailures"]) > 0
        lines = said()
        assert_nobody_is_told_of(lines)
        assert {line["error"] for line in lines if "error" in line} == {"Defect"}

    def test_dead_letters_tell_of_nobody(self, narrate: Narrate, said: Said) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        arn = "arn:aws:sqs:ap-southeast-1:123456789012:dead"
        service = DeadLetterService(
            {arn: "population"}, world.ledger, world.quarantine, narrator, world.now
        )
        service.handle(sqs_event(telling(), arn=arn), lambda_context())
        assert len(world.quarantine.kept) == len(telling()) - 1
        assert_nobody_is_told_of(said())

    @settings(suppress_health_check=list(HealthCheck))
    @given(any_history(most=4))
    def test_no_history_is_told_of(
        self, narrate: Narrate, said: Said, drawn: tuple[Kind, list[Document]]
    ) -> None:
        narrator = narrate()
        kind, history = drawn
        world = FakeWorld(kind)
        narrator.tell(
            kind.queue, messages(history), world.pipeline.run(messages(history), Unhurried())
        )
        text = repr(said())
        for document in history:
            assert document["subject"] not in text
            assert f"'{document['id']}'" not in text
            for value in document["data"].values():
                assert not (isinstance(value, str) and len(value) > 6 and value in text)


class TestHashes:
    def test_a_text_is_known_by_a_keyed_hash(self, narrate: Narrate) -> None:
        narrator = narrate()
        expected = hmac.new(b"k" * 32, PERSON_ID.encode(), "sha256").hexdigest()[:16]
        assert narrator.hashed(PERSON_ID) == expected
        assert narrator.hashed(None) is None

    def test_without_the_key_nobody_can_guess(self, narrate: Narrate) -> None:
        narrator = narrate()
        assert Narrator("x" * 32).hashed(PERSON_ID) != narrator.hashed(PERSON_ID)

    def test_what_is_no_unicode_is_hashed_as_well(self, narrate: Narrate) -> None:
        narrator = narrate()
        assert narrator.hashed("\ud800") is not None


class TestLines:
    def test_a_refusal_is_told_with_its_codes(self, narrate: Narrate, said: Said) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        arrived = messages(["nonsense", event()])
        narrator.tell("population", arrived, world.pipeline.run(arrived, Unhurried()))
        refused, worked, *_ = said()
        assert refused["message_id"] == arrived[0].id
        assert refused["reasons"] == ["not-json"]
        assert refused["body_hash"] == narrator.hashed("nonsense")
        assert refused["kept"] is True
        assert worked["verdicts"] == {"applied": 1, "quarantined": 1}
        assert worked["messages"] == 2

    def test_a_line_is_written_as_powertools_writes_it(
        self, narrate: Narrate, capsys: pytest.CaptureFixture[str]
    ) -> None:
        narrator, world = narrate(), FakeWorld(PERSON)
        arrived = messages(["nonsense", event()])
        narrator.tell("population", arrived, world.pipeline.run(arrived, Unhurried()))
        narrator.failed("population", ValueError("x"))
        lines = [line for line in capsys.readouterr().out.splitlines() if "_aws" not in line]
        assert len(lines) == 3
        for line in lines:
            assert line == json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)
            names = ["level", "location", "message", "timestamp", "service", "queue"]
            assert list(json.loads(line))[: len(names)] == names

    def test_metrics_are_counted_by_kind(self, narrate: Narrate, said: Said) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        arrived = messages(["nonsense", event(), event(), event(id_="2", fields={"phone": "x"})])
        narrator.tell("population", arrived, world.pipeline.run(arrived, Unhurried()))
        metrics = [line for line in said() if "_aws" in line]
        counts = next(line for line in metrics if "Applied" in line)
        assert counts["kind"] == "person"
        assert (counts["Applied"], counts["Duplicate"], counts["Quarantined"]) == (
            [1.0],
            [1.0],
            [2.0],
        )
        by_reason = {line["reason"]: line["Quarantined"] for line in metrics if "reason" in line}
        assert by_reason == {"not-json": [1.0], "invalid-data": [1.0]}

    @pytest.mark.parametrize("queue", KIND_OF_QUEUE)
    def test_every_queue_has_a_dimension(self, queue: str, narrate: Narrate, said: Said) -> None:
        narrator = narrate()
        narrator.failed(queue, ValueError("Bí Mật Riêng"))
        line, metric = said()
        assert (line["level"], line["error"]) == ("ERROR", "ValueError")
        assert metric["kind"] == KIND_OF_QUEUE[queue].name
        assert_nobody_is_told_of([line, metric])

    def test_a_change_that_the_store_will_never_take_is_an_error(
        self, narrate: Narrate, said: Said
    ) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        arrived = messages([event()])
        report = world.pipeline.run(arrived, Unhurried())
        report.defects = 1
        narrator.tell("population", arrived, report)
        assert [line["changes"] for line in said() if line.get("level") == "ERROR"] == [1]

    def test_a_large_batch_keeps_every_value_of_a_distribution(
        self, narrate: Narrate, said: Said
    ) -> None:
        narrator = narrate()
        world = FakeWorld(PERSON)
        now = "2026-11-22T07:59:59.000000Z"
        arrived = messages([event(id_=f"{n:03}", time=now) for n in range(250)])
        narrator.tell("population", arrived, world.pipeline.run(arrived, Unhurried()))
        metrics = [line for line in said() if "_aws" in line]
        assert [len(line["Age"]) for line in metrics] == [100, 100, 50]
        assert sum(len(line.get("RefusedPercent", ())) for line in metrics) == 250
        assert [line.get("Applied") for line in metrics] == [[250], None, None]


def test_loops_that_are_wanted_and_missing_are_a_warning(narrate: Narrate, said: Said) -> None:
    narrate().without_compiled_loops()
    (line,) = said()
    assert line["level"] == "WARNING"
    assert "deploy with Loops=plain" in line["message"]


class TestLoads:
    def test_what_became_of_a_load_is_counted_by_function_alone(
        self, narrate: Narrate, said: Said
    ) -> None:
        narrator = narrate()
        for measure in OF_A_LOAD:
            narrator.tell_load("a" * 32, measure)
            line, metric = said()
            assert (line["load"], line["counted"]) == ("a" * 32, measure)
            assert metric[measure] == [1.0]
            assert metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]

    def test_a_range_is_told_with_its_counts(self, narrate: Narrate, said: Said) -> None:
        narrate().tell_range("a" * 32, 7, {"applied": 3, "quarantined": 1}, 5)
        (line,) = said()
        assert (line["range"], line["lines"], line["verdicts"]["applied"]) == (7, 5, 3)

    @pytest.mark.parametrize(("error", "level"), [(Retry, "INFO"), (Defect, "ERROR")])
    def test_what_comes_back_tells_the_errors_class_alone(
        self, narrate: Narrate, said: Said, error: type[Exception], level: str
    ) -> None:
        narrate().failed_at_loading(error("Bí Mật Riêng"))
        (line,) = said()
        assert (line["level"], line["error"]) == (level, error.__name__)
        assert_nobody_is_told_of([line])
