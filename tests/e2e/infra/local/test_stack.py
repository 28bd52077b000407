"""Up, down and status of a local stack, each against a real emulator process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.local import deployment, emulator, registry, stack
from infra.local.site import ROOT, LocalStackError, Site

REGION = "ap-southeast-1"


@pytest.fixture
def lines() -> list[str]:
    """What the commands said."""
    return []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site on a free port with a copy of the code, stopped at the end."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = tmp_path / "source"
    for folder in ("functions", "schemas"):
        shutil.copytree(ROOT / folder, source / folder)
    shutil.copy(ROOT / "template.yaml", source)
    site = Site(
        state=tmp_path / "state",
        endpoint=f"http://localhost:{port}",
        region=REGION,
        source=source,
    )
    yield site
    stack.down(site)


def process_of(site: Site) -> int:
    return int((site.state / "emulator.pid").read_text().split()[0])


def by_deadline(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def agencies(site: Site, outputs: dict[str, str]) -> int:
    return len(site.dynamodb.scan(TableName=outputs["AgenciesTable"])["Items"])


def test_up_deploys_seeds_and_writes_the_outputs(site: Site, lines: list[str]) -> None:
    outputs = stack.up(site, report=lines.append)

    assert json.loads(site.outputs_file.read_text()) == outputs
    assert outputs["endpoint"] == site.endpoint
    assert outputs["region"] == REGION
    assert agencies(site, outputs) == len({event.agency_id for event in registry.read_seed()})
    assert stack.status(site).is_up


def test_a_second_up_changes_nothing(site: Site, lines: list[str]) -> None:
    first = stack.up(site)
    process = process_of(site)

    second = stack.up(site, report=lines.append)

    assert second == first
    assert process_of(site) == process
    assert lines == ["The stack lienthong is up to date."]


def test_changed_code_is_what_runs_after_the_next_up(site: Site, lines: list[str]) -> None:
    outputs = stack.up(site)
    handler = site.source / "functions" / "population_sync" / "handler.py"
    handler.write_text("def lambda_handler(event, context):\n    return {'new': 'code'}\n")

    stack.up(site, report=lines.append)

    assert "Updating the stack lienthong." in lines
    answer = site.client("lambda").invoke(
        FunctionName=deployment.functions(site)["PopulationSyncFunction"],
        Payload=b'{"Records": []}',
    )
    assert json.load(answer["Payload"]) == {"new": "code"}
    assert agencies(site, outputs) > 0


def test_the_tables_outlive_down_and_up(site: Site) -> None:
    outputs = stack.up(site)
    before = agencies(site, outputs)

    assert stack.down(site)
    again = stack.up(site)

    assert again == outputs
    assert agencies(site, again) == before


def test_down_ends_the_server_and_every_worker(site: Site, lines: list[str]) -> None:
    stack.up(site)
    process = process_of(site)

    assert stack.down(site, report=lines.append)

    with pytest.raises(ProcessLookupError):
        os.killpg(process, 0)  # asks whether the group has a process
    assert emulator.find(site) is None
    assert not site.outputs_file.exists()
    assert not stack.down(site, report=lines.append)
    assert lines[-1] == "The local stack is not running."


def test_a_server_that_was_killed_is_started_again(site: Site) -> None:
    stack.up(site)
    os.killpg(process_of(site), 9)
    assert by_deadline(lambda: emulator.find(site) is None)

    outputs = stack.up(site)

    assert agencies(site, outputs) > 0


def test_a_running_server_is_used_and_left_running(site: Site, lines: list[str]) -> None:
    emulator.start(site, lines.append)
    other = replace(site, state=site.state.with_name("other"))

    outputs = stack.up(other, report=lines.append)
    found = stack.status(other)
    left = not stack.down(other, report=lines.append)

    assert agencies(other, outputs) > 0
    assert not found.started_here
    assert left
    assert emulator.find(site) is not None


def test_a_half_made_stack_is_made_anew(site: Site, lines: list[str]) -> None:
    template = site.source / "template.yaml"
    whole = template.read_text()
    broken = whole.replace(
        "Outputs:\n",
        "  Broken:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n"
        "      Queues: [!GetAtt StackKey.NoSuchAttribute]\n      PolicyDocument: {}\n\nOutputs:\n",
    )
    template.write_text(broken)
    with pytest.raises(LocalStackError, match="Mend the template"):
        stack.up(site, report=lines.append)

    template.write_text(whole)
    stack.up(site, report=lines.append)

    assert stack.status(site).is_up


def test_a_port_that_something_else_has_is_said_so(site: Site) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", site.port), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(LocalStackError, match=rf"Port {site.port} is taken by a program"):
                stack.up(site)
        finally:
            server.shutdown()

    assert not (site.state / "emulator.pid").exists()


def test_a_stack_that_runs_on_another_port_is_not_moved(site: Site, lines: list[str]) -> None:
    emulator.start(site, lines.append)
    moved = replace(site, endpoint="http://localhost:1")

    with pytest.raises(LocalStackError, match=rf"runs on port {site.port}. Run `make down`"):
        stack.up(moved)

    assert emulator.find(site) is not None


def test_a_server_elsewhere_is_never_started(site: Site) -> None:
    elsewhere = replace(site, endpoint="http://192.0.2.1:1")

    with pytest.raises(LocalStackError, match="Start the server there"):
        stack.up(elsewhere)
