"""The steps of infra/docs/extending.md, walked in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("functions", "schemas", "events", "tests")
GUIDE: Final = (ROOT / "infra" / "docs" / "extending.md").read_text("utf-8")
CHECKS: Final = (
    "tests/contract/test_released_samples.py",
    "tests/unit/functions/shared/core/test_kinds.py",
    "tests/unit/functions/shared/core/test_lanes.py::TestStorage",
    "tests/unit/schemas/test_event_types.py",
)
PROBE: Final = """
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Verdict
from tests.builders import PERSON_ID, event, messages
from tests.fakes import FakeWorld, Unhurried

world = FakeWorld(PERSON)
documents = [
    event("person.occupation-changed", {"occupation_code": "2411"}, id_="new"),
    event("person.updated", {"occupation_code": None}, id_="back", source="/agencies/H26"),
    event("person.updated", {"occupation_code": "2411"}, id_="not-theirs", source="/agencies/G24"),
]
report = world.pipeline.run(messages(documents), Unhurried())
assert [report.verdicts[i] for i in range(3)] == [
    Verdict.APPLIED, Verdict.APPLIED, Verdict.QUARANTINED
], report
assert world.records.items[PERSON_ID]["occupation_code"] == "2411"
assert report.refused[2][0].path == "/data/occupation_code"
"""


def diffs(section: str) -> str:
    """The diffs of a section of the guide, in their order."""
    text = GUIDE.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return "".join(re.findall(r"^```diff\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


class Copy:
    """A copy of the repository that a person extends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def apply(self, patch: str) -> None:
        """Changes files as the diffs of the guide say."""
        self.run("git", "apply", "--verbose", "-", given=patch)

    def python(self, *arguments: str) -> None:
        """Runs Python on the copy."""
        self.run(sys.executable, *arguments)

    def run(self, *command: str, given: str = "") -> None:
        """Runs a command in the copy; fails with all it said."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ran = subprocess.run(
            command,
            cwd=self.folder,
            input=given,
            text=True,
            capture_output=True,
            env={
                **kept,
                "PYTHONPATH": str(self.folder),
                "PYTHONDONTWRITEBYTECODE": "1",
                "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
            },
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"{command}:\n{ran.stdout}\n{ran.stderr}"


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_a_field_and_an_event_type_are_added_by_the_steps_of_the_guide(copy: Copy) -> None:
    for section in ("A field", "An event type"):
        copy.apply(diffs(section))
    copy.python("-m", "schemas.generate")

    copy.python("-m", "schemas.generate", "--check")
    copy.python("-c", PROBE)
    copy.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKS)
