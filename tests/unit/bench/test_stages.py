"""A sample belongs to the stage of the innermost function that begins one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable

import pytest

from infra.local.site import ROOT
from tests.bench.stages import ELSEWHERE, MERGE, STAGE_OF, STAGES, Profile, stage_of
from tests.bench.starts import by_package


@pytest.mark.parametrize(("file", "function"), STAGE_OF)
def test_every_function_that_begins_a_stage_exists(file: str, function: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    assert function in defined, f"{file} has no {function} any more: correct STAGE_OF."


def test_every_stage_is_begun_by_a_function() -> None:
    assert set(STAGE_OF.values()) == set(STAGES)


def test_a_stack_outside_of_all_stages_is_elsewhere() -> None:
    assert stage_of(sys._getframe()) == ELSEWHERE


def test_a_sample_goes_to_the_innermost_stage() -> None:
    profile = Profile()

    def sample() -> None:
        profile.take(sys._getframe())

    outer = named("functions/shared/runtime/pipeline.py", "settle")
    inner = named("functions/shared/runtime/pipeline.py", "_plan")
    outer(lambda: inner(sample))

    assert profile.largest == MERGE
    assert profile.shares[MERGE] == 1
    assert sum(profile.shares.values()) == 1


def named(file: str, function: str) -> Callable[[Callable[[], None]], None]:
    """A function that passes for one of a file: it calls what it is given."""
    found: dict[str, Callable[[Callable[[], None]], None]] = {}
    code = compile(f"def {function}(call):\n    call()\n", f"/somewhere/{file}", "exec")
    exec(code, found)
    return found[function]


def test_imports_are_added_up_by_package() -> None:
    lines = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |        500 |     json.decoder\n"
        "import time:      1500 |       2000 |   json\n"
        "import time:      3000 |       5000 | botocore.session\n"
    )

    assert by_package(lines) == {"standard library": 2.0, "botocore": 3.0}
