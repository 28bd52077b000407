"""Who has read only the README can publish: its examples run as they stand and end in the tables.

The outputs file is where `make up` would have left it. The AWS CLI is no dependency of the project,
so a stand-in on the path takes the call that the example makes and sends what it was given.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.shared.adapters.attributes import from_item
from infra.local import accounts
from infra.local.site import ROOT
from tests.e2e.delivery import TABLES, known, settle

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
LOCAL_ENDPOINT: Final = "http://localhost:4566"

STAND_IN: Final = """#!{python}
import argparse, os, boto3

parser = argparse.ArgumentParser(prog="aws")
parser.add_argument("--endpoint-url", required=True)
parser.add_argument("service", choices=["sqs"])
parser.add_argument("operation", choices=["send-message"])
parser.add_argument("--queue-url", required=True)
parser.add_argument("--message-body", required=True)
given = parser.parse_args()
assert given.endpoint_url == "{written}"
boto3.client("sqs", endpoint_url="{endpoint}").send_message(
    QueueUrl=given.queue_url, MessageBody=given.message_body
)
"""


def example(heading: str, language: str) -> str:
    """The code block of a language that follows the words of `heading` in the README."""
    _, found, rest = README.partition(heading)
    assert found, f"The README does not say {heading!r} any more."
    block = re.search(rf"```{language}\n(.*?)```", rest, re.DOTALL)
    assert block is not None
    return block[1]


def run(commands: list[str], folder: Path) -> str:
    """What a command prints in the folder, with a bare environment and the stand-in first."""
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        commands,
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
        check=True,
        timeout=120,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def folder(stack: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outputs of the stack, from where both examples were published."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / ".local").mkdir()
    shutil.copy(stack.site.outputs_file, folder / ".local" / "outputs.json")
    shutil.copy(stack.site.state / accounts.SIGN_INS, folder / ".local")
    (folder / "example.py").write_text(example("With boto3", "python"), encoding="utf-8")
    stand_in = folder / "aws"
    stand_in.write_text(
        STAND_IN.format(python=sys.executable, written=LOCAL_ENDPOINT, endpoint=stack.endpoint),
        encoding="utf-8",
    )
    stand_in.chmod(0o755)

    run([sys.executable, "example.py"], folder)
    run(["sh", "-e", "-c", example("With the AWS CLI", "sh")], folder)
    settle(stack)
    return folder


def record(stack: Deployed, kind: str, key: str) -> dict[str, Any]:
    """A record's item."""
    table, name = TABLES[kind]
    answer = stack.client("dynamodb").get_item(
        TableName=stack.outputs[table], Key={name: {"S": key}}, ConsistentRead=True
    )
    return from_item(answer["Item"])


def test_the_python_example_ends_in_the_tables(stack: Deployed, folder: Path) -> None:
    assert folder.exists()
    person = record(stack, "person", "001190012345")
    assert person["full_name"] == "Đặng Thị Mẫu"
    assert person["residence"] == {"commune": "00004", "address": "Số 1 phố Mẫu"}
    assert "/agencies/G01#readme-1" in known(stack).events


def test_the_command_line_example_ends_in_the_tables(stack: Deployed, folder: Path) -> None:
    assert folder.exists()
    card = record(stack, "insurance-card", "0123456789")
    assert card["personal_id"] == "001190012345"
    assert card["card"]["number"] == "DN4010123456789"
    assert "/agencies/G24#readme-2" in known(stack).events


def test_the_commands_to_look_at_it_show_it(folder: Path) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "lienthong").symlink_to(Path(sys.executable).with_name("lienthong"))

    shown = run(["sh", "-e", "-c", example("Then look", "sh")], folder)

    assert "Đặng Thị Mẫu" in shown
    assert "readme-1  applied" in shown
    assert "insurance-card 0123456789  1 change" in shown
