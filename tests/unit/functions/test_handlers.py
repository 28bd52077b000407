"""A handler file only wires, and importing it does nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
HANDLERS: Final = sorted((ROOT / "functions").glob("*/handler.py"))
NAMES: Final = [path.parent.name for path in HANDLERS]


def test_there_are_those_of_the_queues_of_the_dead_letters_of_loads_and_of_the_api() -> None:
    assert {
        "population_sync",
        "insurance_sync",
        "dossier_sync",
        "registry_sync",
        "dead_letter",
        "file_split",
        "range_sync",
        "query",
        "intake",
        "token_claims",
    } == set(NAMES)


@pytest.mark.parametrize("path", HANDLERS, ids=NAMES)
def test_a_handler_has_under_40_lines_and_no_branch(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 40
    tree = ast.parse(source)
    entry = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in entry] == ["lambda_handler"]
    branching = (ast.If, ast.IfExp, ast.Match, ast.For, ast.While, ast.Try)
    assert not [node for node in ast.walk(tree) if isinstance(node, branching)]


@pytest.mark.parametrize("name", NAMES)
def test_importing_a_handler_needs_no_environment_and_makes_no_client(name: str) -> None:
    """In a process of its own, with nothing in its environment."""
    program = f"""
import botocore.session
def refuse(*_, **__): raise SystemExit("a client was made")
botocore.session.Session.create_client = refuse
import functions.{name}.handler as handler
assert callable(handler.lambda_handler)
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "POWERTOOLS_DEV": "0"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
