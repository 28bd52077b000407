"""A command finds its stack, or says how to get one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from infra.lienthong.context import add_stack_options, read_outputs, resolve
from infra.lienthong.problems import Misuse, Unreachable

LOCAL = {"PopulationQueueUrl": "http://127.0.0.1:4566/1/p", "region": "ap-southeast-1"}


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_stack_options(parser)
    return parser.parse_args(arguments)


def outputs(path: Path, **values: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
    return path


def test_the_local_outputs_are_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outputs(tmp_path / ".local/outputs.json", **LOCAL, endpoint="http://127.0.0.1:9")
    stack = resolve(options())
    assert stack.endpoint == "http://127.0.0.1:9"
    assert stack.region == "ap-southeast-1"


def test_a_named_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outputs(tmp_path / ".local/outputs.json", **LOCAL)
    other = outputs(tmp_path / "other.json", **LOCAL, StackName="other")
    assert resolve(options("--outputs", str(other))).output("StackName") == "other"


def test_without_a_stack_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unreachable, match="make up"):
        resolve(options())


def test_a_missing_output_asks_for_a_new_deployment(tmp_path: Path) -> None:
    stack = read_outputs(outputs(tmp_path / "o.json", **LOCAL))
    with pytest.raises(Unreachable, match="no output LedgerTable"):
        stack.output("LedgerTable")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_file_that_is_no_outputs_file_is_wrong_use(tmp_path: Path, content: str) -> None:
    path = tmp_path / "o.json"
    path.write_text(content)
    with pytest.raises(Misuse):
        read_outputs(path)
    with pytest.raises(Misuse):
        read_outputs(tmp_path / "none.json")


def test_an_endpoint_is_that_of_the_environment_or_of_localstack_where_the_file_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = outputs(tmp_path / "o.json", **LOCAL)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert read_outputs(path).endpoint == "http://localhost:4566"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:7")
    assert read_outputs(path).endpoint == "http://127.0.0.1:7"


def test_queues_on_aws_have_no_endpoint_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    url = "https://sqs.ap-southeast-1.amazonaws.com/1/p"
    assert read_outputs(outputs(tmp_path / "o.json", PopulationQueueUrl=url)).endpoint is None


def test_a_profile_that_does_not_exist_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Misuse, match="profile"):
        resolve(options("--profile", "nobody"))
