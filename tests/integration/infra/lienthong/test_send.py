"""Several files are sent as one; what no queue takes is named with its file and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders import body, event
from tests.integration.infra.lienthong.town import Town


def file_of(town: Town, name: str, *contents: Mapping[str, Any] | str) -> str:
    path = town.folder / name
    lines = [content if isinstance(content, str) else body(content) for content in contents]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def waiting(town: Town, output: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = town.sqs.get_queue_attributes(QueueUrl=town.outputs[output], AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_each_event_of_each_file_reaches_its_queue(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    one = file_of(town, "one.ndjson", event(id_="1"), event("dossier.rated", {"satisfaction": 5}))
    two = file_of(town, "two.json", event(id_="2"))
    assert town.run("send", one, two, "--json", "--repeat", "2") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == [one, two]
    assert found["total"] == 6
    assert waiting(town, "PopulationQueueUrl") == 4
    assert waiting(town, "DossierQueueUrl") == 2


def test_a_message_that_is_not_sent_is_named_with_file_and_line(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    one = file_of(town, "one.ndjson", event(id_="1"))
    two = file_of(town, "two.ndjson", event(id_="2"), "nonsense")
    assert town.run("send", one, two, "--shuffle", "7") == 1
    captured = capsys.readouterr()
    assert "Sent 2 messages" in captured.out
    assert f"{two}:2: no queue can be told from it" in captured.err


def test_a_file_that_is_not_there_is_told_before_anything_is_sent(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    one = file_of(town, "one.ndjson", event(id_="1"))
    assert town.run("send", one, str(town.folder / "none.ndjson")) == 2
    assert "There is no file" in capsys.readouterr().err
    assert waiting(town, "PopulationQueueUrl") == 0
