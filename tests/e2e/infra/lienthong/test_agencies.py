"""An agency that is registered from the command line may publish, and not before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.lienthong.__main__ import main
from tests.builders import event
from tests.e2e.delivery import contents, disagreements, known, send, settle, taken

if TYPE_CHECKING:
    import pytest

    from tests.e2e.conftest import Deployed

NEWCOMER = "H26.881"


def agencies(stack: Deployed, *arguments: str) -> int:
    outputs = str(stack.site.outputs_file)
    return main(["agencies", *arguments, "--outputs", outputs, "--json"])


def submitted(number: int) -> dict[str, Any]:
    fields = {"channel": "online"}
    code = f"{NEWCOMER}-20260303-000000{number}"
    source = f"/agencies/{NEWCOMER}"
    return event("dossier.updated", fields, key=code, source=source, id_=f"agencies-{number}")


def test_an_agency_publishes_from_its_registration_on(
    stack: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    before = known(stack)
    send(stack, [taken(submitted(1))])
    settle(stack)
    too_early = contents(stack, before)
    assert [item["reasons"][0]["code"] for item in too_early.quarantine.values()] == [
        "source-not-permitted"
    ]

    register = ("register", NEWCOMER, "--name", "Phường Mẫu", "--kind", "one-stop")
    assert agencies(stack, *register, "--publishes", "dossier", "--from", "2025-07-01") == 0
    (shown,) = json.loads(capsys.readouterr().out)["agencies"]
    assert shown["in_force"]["kind"] == "one-stop"
    send(stack, [taken(submitted(1)), taken(submitted(2))])
    settle(stack)

    now = contents(stack, before)
    assert {f"/agencies/{NEWCOMER}#agencies-{n}" for n in (1, 2)} <= set(now.ledger)
    assert {item["status"] for item in now.quarantine.values()} == {"resolved"}
    assert agencies(stack, "senders", NEWCOMER, "add", "AROAEXAMPLE") == 0
    assert agencies(stack, "end", NEWCOMER, "--on", "2026-12-31", "--succeeded-by", "H26") == 0
    assert disagreements(stack) == []
