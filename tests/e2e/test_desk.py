"""Refused events mended on the real stack: by one rule, stopped, killed and resumed; by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.local.site import ROOT
from tests.e2e.delivery import (
    Contents,
    Sent,
    by_deadline,
    contents,
    disagreements,
    known,
    send,
    settle,
)
from tests.e2e.poison import key_of, stating

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

EVENTS: Final = 500
TWICE_WRONG: Final = 50
FIRST: Final = 700_000
"""Numbers of people that no other test has."""
RATE: Final = 60
"""A second, so that there is a middle to stop it in."""
MISNAMED: Final = "ho_va_ten"
RENAME: Final = {"op": "move", "from": f"/data/{MISNAMED}", "path": "/data/full_name"}
RULE: Final = {
    "select": {
        "queue": "population",
        "reason": "invalid-data",
        "error": "unknown-field",
        "path": f"/data/{MISNAMED}",
    },
    "patch": [RENAME],
    "why": "The export named the field wrongly.",
}
SECOND_RULE: Final = {
    **RULE,
    "patch": [
        {"op": "test", "path": "/data/phone", "value": "none"},
        {"op": "remove", "path": "/data/phone"},
        RENAME,
    ],
}


def misnamed(number: int) -> Sent:
    document = stating("person", FIRST + number, f"desk-{number}")
    document["data"][MISNAMED] = document["data"].pop("full_name")
    reasons = [("invalid-data", f"/data/{MISNAMED}")]
    if number < TWICE_WRONG:
        document["data"]["phone"] = "none"
        reasons.append(("invalid-data", "/data/phone"))
    return Sent("population", json.dumps(document, ensure_ascii=False), tuple(sorted(reasons)))


DIRECTLY: Final = ("--direct",)
SIGNED_IN: Final = ("--as", "quality-officer", "--purpose", "data-quality", "--case", "T-17")


class Terminal:
    """Commands as an operator types them, each a process of its own."""

    def __init__(self, stack: Deployed, way: Sequence[str] = DIRECTLY) -> None:
        self._outputs = str(stack.site.outputs_file)
        self._way = way

    def start(self, *arguments: str, command: str = "quarantine") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "infra.lienthong", command),
                *(*arguments, *(self._way if command != "login" else ())),
                *("--outputs", self._outputs),
            ],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def type(
        self, *arguments: str, codes: Sequence[int] = (0,), command: str = "quarantine"
    ) -> str:
        """What the command says on stdout."""
        with self.start(*arguments, command=command) as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode in codes, err
        return out

    def read(self, *arguments: str, codes: Sequence[int] = (0,)) -> Any:
        return json.loads(self.type(*arguments, "--json", codes=codes))

    def statuses(self) -> Counter[str]:
        """How many of the misnamed there are in each status."""
        found = self.read("count", "--by", "status", "--path", f"/data/{MISNAMED}", "--since", "1d")
        return Counter({row["status"]: row["entries"] for row in found["counts"]})


@pytest.fixture
def terminal(stack: Deployed) -> Terminal:
    return Terminal(stack)


def test_a_rule_stopped_killed_and_resumed_mends_every_event_once(
    stack: Deployed, terminal: Terminal, tmp_path: Path
) -> None:
    settle(stack)
    before, earlier, replayed = known(stack), terminal.statuses(), _replayed(stack)

    def statuses() -> Counter[str]:
        return terminal.statuses() - earlier

    sent = [misnamed(number) for number in range(EVENTS)]
    send(stack, sent)
    settle(stack)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps(RULE), "utf-8")
    second.write_text(json.dumps(SECOND_RULE), "utf-8")
    once = ("correct", "--rule", str(first), "--since", "1d", "--yes")
    assert statuses() == {"open": EVENTS}

    foreseen = terminal.read(*once[:-1], "--dry-run")
    assert foreseen["meant"] == EVENTS
    assert foreseen["after"] == {
        "passing": EVENTS - TWICE_WRONG,
        "still_refused": {"invalid-data": TWICE_WRONG},
        "not_applicable": {},
    }
    assert statuses() == {"open": EVENTS}

    # Stopped: it ends with the batch in hand.
    with terminal.start(*once, "--rate", str(RATE)) as process:
        by_deadline(lambda: _replayed(stack) > replayed, "nothing is replayed")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    stopped = statuses()
    assert 0 < stopped["replayed"] < EVENTS - TWICE_WRONG
    assert f"Corrected {stopped['replayed']} entries." in out

    # Killed: whatever it was doing.
    with terminal.start(*once, "--rate", str(RATE)) as process:
        by_deadline(
            lambda: _replayed(stack) > replayed + stopped["replayed"], "nothing more is replayed"
        )
        process.kill()
        process.communicate(timeout=120)
    killed = statuses()
    assert killed["replayed"] < EVENTS - TWICE_WRONG

    # Resumed: the rest, and only the rest.
    out = terminal.type(*once, codes=(1,))
    assert f"Corrected {killed['open'] - TWICE_WRONG} entries." in out
    assert statuses() == {"replayed": EVENTS - TWICE_WRONG, "open": TWICE_WRONG}
    terminal.type("correct", "--rule", str(second), "--since", "1d", "--yes")
    assert statuses() == {"replayed": EVENTS}

    settle(stack)
    _conserved(sent, contents(stack, before))
    assert disagreements(stack) == []


def _replayed(stack: Deployed) -> int:
    """How many entries are replayed by now."""
    found = stack.client("dynamodb").scan(
        TableName=stack.outputs["QuarantineTable"],
        FilterExpression="#s=:s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "replayed"}},
        ProjectionExpression="quarantine_id",
    )
    return len(found["Items"])


def _conserved(sent: Sequence[Sent], found: Contents) -> None:
    """Each refused message is one entry, each entry's correction one event, and nothing else."""
    assert set(found.quarantine) == {message.quarantine_id for message in sent}
    corrections = set()
    for message in sent:
        entry = found.quarantine[message.quarantine_id]
        assert entry["body"] == message.body
        assert entry["status"] == "replayed"
        (step,) = entry["steps"]
        assert step["did"] == "corrected"
        uid = f"{message.event['source']}#{step['event_id']}"
        corrections.add(uid)
        assert found.ledger[uid].record_key == f"person/{message.event['subject']}"
        assert found.ledger[uid].version == 1
    assert set(found.ledger) == corrections


def test_a_replay_that_fails_comes_back_and_a_mended_one_shows_in_history(
    stack: Deployed, terminal: Terminal, tmp_path: Path
) -> None:
    number = EVENTS + 1
    document = stating("person", FIRST + number, "desk-again")
    document["data"][MISNAMED] = document["data"].pop("full_name")
    sent = Sent("population", json.dumps(document, ensure_ascii=False))
    send(stack, [sent])
    settle(stack)
    first = sent.quarantine_id

    why = ("--yes", "--why", "Perhaps the service has learnt it.", "--as", "Lan")
    assert "would still be refused" in terminal.type("replay", first, *why, codes=(1,))
    terminal.type("replay", first, "--even-refused", *why)
    settle(stack)
    shown = terminal.read("show", first)
    again = shown["steps"][0]["entry"]
    assert shown["steps"][0]["outcome"] == f"refused again: {again}"
    assert terminal.read("show", again)["led_to_it"][0]["quarantine_id"] == first

    rule = tmp_path / "rule.json"
    rule.write_text(json.dumps(RULE), "utf-8")
    terminal.type("correct", "--rule", str(rule), "--since", "1d", "--yes", "--as", "Minh")
    settle(stack)
    history = terminal.type(key_of("person", FIRST + number), "--direct", command="history")
    assert "replayed as it was by Lan: Perhaps the service has learnt it." in history
    assert "corrected and replayed by Minh: The export named the field wrongly." in history
    assert disagreements(stack) == []


def test_through_the_api_a_rule_mends_and_leaves_its_trace(stack: Deployed, tmp_path: Path) -> None:
    terminal = Terminal(stack, SIGNED_IN)
    terminal.type("--as", "quality-officer", command="login")
    numbers = range(EVENTS + 10, EVENTS + 13)
    sent = [misnamed(number) for number in numbers]
    send(stack, sent)
    settle(stack)
    path = f"/data/{MISNAMED}"
    rule = tmp_path / "rule.json"
    rule.write_text(json.dumps(RULE), "utf-8")
    once = ("correct", "--rule", str(rule), "--since", "1d")

    (counted,) = terminal.read(
        "count", "--by", "status", "--path", path, "--status", "open", "--since", "1d"
    )["counts"]
    assert counted == {"status": "open", "entries": len(sent)}
    assert terminal.read(*once, "--dry-run")["after"]["passing"] == len(sent)
    assert f"Corrected {len(sent)} entries." in terminal.type(*once, "--yes")

    settle(stack)
    shown = [terminal.read("show", message.quarantine_id) for message in sent]
    assert {entry["status"] for entry in shown} == {"replayed"}
    assert {entry["steps"][0]["outcome"] for entry in shown} == {"in the ledger"}
    assert {entry["steps"][0]["by"] for entry in shown} == {"quality-officer (H26)"}
    looked_at = stack.client("dynamodb").scan(TableName=stack.outputs["AccessLogTable"])["Items"]
    subjects = {look["subject"]["S"] for look in looked_at}
    assert {f"person/{key_of('person', FIRST + number)}" for number in numbers} <= subjects
    assert disagreements(stack) == []
