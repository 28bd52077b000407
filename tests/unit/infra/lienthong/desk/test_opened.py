"""Who sits at the desk, and whether the functions will believe them."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.lienthong.context import Stack, read_outputs
from infra.lienthong.desk.opened import may_replay, senders_of, who
from infra.lienthong.problems import Misuse


def stack(parameters: Mapping[str, str] | None = None, **changes: Any) -> Stack:
    return Stack(outputs={}, described_by="a stack", parameters=parameters, **changes)


def test_on_one_machine_it_is_whoever_is_logged_in_or_says_so() -> None:
    local = stack(emulated=True)
    assert who(local, None) == f"{getpass.getuser()}@{socket.gethostname()}"
    assert who(local, "Lan") == "Lan"
    with pytest.raises(Misuse, match="printable characters"):
        who(local, "a\nb")


def test_on_aws_nobody_is_somebody_else() -> None:
    with pytest.raises(Misuse, match="the identity that AWS knows"):
        who(stack({"Stage": "prod"}), "Lan")


def test_on_one_machine_anyone_replays() -> None:
    may_replay(stack(emulated=True))
    may_replay(stack({"Stage": "local"}))


def test_where_the_parameters_are_not_known_nobody_replays() -> None:
    with pytest.raises(Misuse, match="Name the stack with --stack-name"):
        may_replay(stack(None))


def test_who_may_speak_is_what_the_functions_were_told() -> None:
    strict = senders_of(stack({"Stage": "prod", "RegistrySenders": "AROAONE,AROATWO"}))
    assert not strict.anyone
    assert strict.registry == {"AROAONE", "AROATWO"}
    assert senders_of(stack({"Stage": "prod"})).registry == frozenset()
    assert senders_of(stack({"Stage": "local"})).anyone


def test_an_outputs_file_may_note_the_parameters(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"region": "x", "parameters": {"Stage": "local"}}), "utf-8")
    assert read_outputs(path).is_local
    path.write_text(json.dumps({"region": "x"}), "utf-8")
    assert read_outputs(path).parameters is None
    assert not read_outputs(path).is_local
