"""An artifact that does not run by itself is found, whatever is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from infra.build.artifacts import MOST_BYTES, ROOT, Tried, functions_built, sample_of, tried
from infra.build.stub import Stub, serving

GOOD: Final = """
import os, urllib.request
def lambda_handler(event, context):
    assert event["Records"] and context.get_remaining_time_in_millis()
    target = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], b"{}", target))
    return {"batchItemFailures": []}
"""


@pytest.fixture(scope="module", name="stub")
def _stub() -> Iterator[Stub]:
    with serving(Stub({})) as stub:
        yield stub


def trial(folder: Path, stub: Stub, handler: str = GOOD) -> Tried:
    place = folder / "functions" / "dead_letter"
    place.mkdir(parents=True)
    (place / "handler.py").write_text(handler, "utf-8")
    return tried(folder, "dead_letter", sys.executable, stub)


def test_one_that_answers_its_sample_and_writes_is_good(tmp_path: Path, stub: Stub) -> None:
    result = trial(tmp_path, stub)

    assert result.faults == ()
    assert result.size == len(GOOD)


@pytest.mark.parametrize(
    ("handler", "fault"),
    [
        (f"import orjson\n{GOOD}", "it does not run: ModuleNotFoundError"),
        (f"import functions.shared\n{GOOD}", "it does not run: ModuleNotFoundError"),
        (GOOD.replace("[]", "[1]"), "it answers {'batchItemFailures': [1]}"),
        (GOOD.replace("UpdateItem", "PutItem"), "it wrote nothing"),
        (f"import boto3\n{GOOD}", "it loads boto3"),
    ],
)
def test_one_that_does_not_stand_alone_is_found(
    tmp_path: Path, stub: Stub, handler: str, fault: str
) -> None:
    (tmp_path / "boto3.py").touch()

    (found,) = trial(tmp_path, stub, handler).faults

    assert found.startswith(fault)


ANSWERS: Final = """
def lambda_handler(event, context):
    return {answer}
"""


def trial_of(folder: Path, name: str, answer: object, stub: Stub) -> Tried:
    place = folder / "functions" / name
    place.mkdir(parents=True)
    (place / "handler.py").write_text(ANSWERS.format(answer=answer), "utf-8")
    return tried(folder, name, sys.executable, stub)


@pytest.mark.parametrize("name", ["query", "intake"])
def test_one_behind_the_api_has_to_answer_its_sample_and_to_write(
    tmp_path: Path, stub: Stub, name: str
) -> None:
    answers, wrote = trial_of(tmp_path, name, {"statusCode": 500}, stub).faults

    assert answers == "it answers {'statusCode': 500}"
    assert wrote.startswith("it wrote nothing")


@pytest.mark.parametrize(("claims", "good"), [({"agency": "a", "roles": "b"}, True), ({}, False)])
def test_the_token_trigger_has_to_give_both_claims(
    tmp_path: Path, stub: Stub, claims: dict[str, str], good: bool
) -> None:
    details = {"accessTokenGeneration": {"claimsToAddOrOverride": claims}}
    answer = {"response": {"claimsAndScopeOverrideDetails": details}}

    assert (trial_of(tmp_path, "token_claims", answer, stub).faults == ()) is good


@pytest.mark.parametrize(
    ("asked", "there", "fault"),
    [
        ("compiled", "None", "it works with the plain loops, not the compiled ones"),
        ("plain", "object()", "it works with the compiled loops, not the plain ones"),
        ("compiled", "object()", None),
        ("plain", "None", None),
    ],
)
def test_one_has_to_work_with_the_loops_that_are_asked_for(
    tmp_path: Path, stub: Stub, asked: str, there: str, fault: str | None
) -> None:
    place = tmp_path / "functions" / "dead_letter"
    native = tmp_path / "functions" / "shared" / "native"
    place.mkdir(parents=True)
    native.mkdir(parents=True)
    (place / "handler.py").write_text(f"import functions.shared.native\n{GOOD}", "utf-8")
    (native / "__init__.py").write_text(f"loops = {there}", "utf-8")

    found = tried(tmp_path, "dead_letter", sys.executable, stub, asked)

    assert found.faults == (() if fault is None else (fault,))


def test_a_sync_function_has_loops(tmp_path: Path, stub: Stub) -> None:
    *_, fault = trial_of(tmp_path, "range_sync", {"batchItemFailures": []}, stub).faults

    assert fault == "it has no loops, neither compiled nor plain"


def test_one_that_is_too_large_is_found(tmp_path: Path, stub: Stub) -> None:
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(MOST_BYTES)

    (found,) = trial(tmp_path, stub).faults

    assert "may have 30,000,000" in found


def test_every_function_that_is_built_has_a_sample_event() -> None:
    built = functions_built((ROOT / "infra" / "build" / "Makefile").read_text("utf-8"))

    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert set(built.values()) == folders
    assert [folder for folder in folders if not sample_of(folder).is_file()] == []
