"""What `python -m infra.local` says and how it ends."""

from __future__ import annotations

import pytest

from infra.local.__main__ import main, table
from infra.local.stack import QueueState, Status

DOWN = Status("http://localhost:4566", None, False, ".local/emulator.log", "lienthong")


@pytest.mark.parametrize("arguments", [[], ["sideways"], ["up", "down"]])
def test_wrong_use_says_what_there_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    assert "up|down|status" in capsys.readouterr().err


def test_a_status_without_a_server_says_how_to_start_one() -> None:
    assert table(DOWN) == ["No server answers at http://localhost:4566. `make up` starts one."]


def test_a_status_without_a_stack_says_how_to_deploy_it() -> None:
    bare = Status("http://localhost:4566", "ministack", True, ".local/emulator.log", "lienthong")

    assert table(bare)[-1] == "stack      lienthong is not deployed. `make up` deploys it."


def test_a_status_shows_queues_tables_and_functions() -> None:
    whole = Status(
        "http://localhost:4566",
        "ministack",
        False,
        ".local/emulator.log",
        "lienthong",
        "CREATE_COMPLETE",
        {"PopulationQueue": QueueState(3, 20)},
        {"PeopleTable": 7},
        {"PopulationSyncFunction": "Active"},
    )

    text = "\n".join(table(whole))

    assert whole.is_up
    assert "not started by make up" in text
    assert [line.split() for line in text.splitlines() if line.startswith("P")] == [
        ["PopulationQueue", "3", "20"],
        ["PeopleTable", "7"],
        ["PopulationSyncFunction", "Active"],
    ]
