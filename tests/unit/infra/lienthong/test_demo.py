"""The demo's own input, and what it says of data that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.shared.core.cases import Entry
from functions.shared.core.correction import Corrected, by_patch
from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import KIND_OF_QUEUE, PERSON
from functions.shared.core.reading import read
from infra.lienthong import demo
from infra.lienthong.__main__ import main
from infra.lienthong.messages import Message, messages_of
from infra.lienthong.quarantine import read_rule
from infra.lienthong.send import unsendable


def test_the_message_over_the_limit_is_sendable_and_always_the_same() -> None:
    body = demo._too_large().rstrip(b"\n")
    assert body == demo._too_large().rstrip(b"\n")
    assert unsendable(body) is None
    assert [reason.code for reason in read(body.decode(), PERSON).reasons] == ["too-large"]
    assert demo._expected(Message(1, body)) == "too-large"


def test_bad_messages_are_refused_by_their_content_unless_the_registry_or_the_clock_does() -> None:
    by_tables = {"time-in-future", "source-not-permitted"}
    for message in messages_of(demo._names("90-*.ndjson")):
        expected = demo._expected(message)
        kind = KIND_OF_QUEUE[queue_of(message.body) or demo.QUEUE]
        reasons = [reason.code for reason in read(message.body.decode(), kind).reasons]
        if expected is None:
            assert reasons[0] in ("not-json", "not-cloudevent")
        else:
            assert reasons[:1] == ([] if expected in by_tables else [expected])


def test_a_folder_without_the_log_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--data", str(tmp_path)]) == 2
    assert "doi 10.4121/uuid:a07386a5" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["dossiers/wabo_receipt_events.csv", "wabo_receipt_events.csv"])
def test_the_log_is_found_in_the_folder(tmp_path: Path, place: str) -> None:
    log = tmp_path / place
    log.parent.mkdir(exist_ok=True)
    log.touch()
    assert demo._log_in(tmp_path) == log
    assert demo._log_in(None) is None


def test_the_rule_to_type_mends_one_sample_and_that_alone() -> None:
    rule = read_rule(demo.MEND)
    meant = []
    for sample in messages_of(demo._names("90-*.ndjson")):
        body = sample.body.decode()
        kind = KIND_OF_QUEUE[queue_of(sample.body) or demo.QUEUE]
        reading = read(body, kind)
        if not reading.reasons or reading.source not in rule.select.sources:
            continue
        if reading.reasons[0].path in rule.select.paths:
            meant.append((kind.queue, body, reading.reasons[0].code))
    ((queue, body, code),) = meant
    assert rule.select.queues == {queue}
    assert rule.select.reasons == {code}
    entry = Entry("0" * 64, queue, "open", "2026-01-01T00:00:00.000000Z", code, body=body)
    corrected = by_patch(entry, body, rule.patch)
    assert isinstance(corrected, Corrected)
    assert read(corrected.body, PERSON).reasons == ()
