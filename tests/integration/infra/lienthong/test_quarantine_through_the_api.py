"""The desk at the command line through the API: typed, and over HTTP to the function."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from functions.shared.adapters.clients import Clients
from functions.shared.core.quarantine import quarantine_id
from infra.lienthong.__main__ import main
from tests.builders import body, event
from tests.integration.functions.serving import House, opened, served
from tests.integration.functions.stack import BUCKET, Aws

DAY: Final = ("--since", "2026-11-22", "--until", "2026-11-22")
"""The day on which the messages of tests are received."""
QUALITY: Final = ("--as", "quality-officer", "--purpose", "data-quality", "--case", "T-17")
OPERATOR: Final = ("--as", "operator", "--purpose", "operation")
NAME: Final = "Nguyễn Thị Mẫu"
RULE: Final = {
    "select": {"queue": "population", "path": "/data/fullname"},
    "patch": [{"op": "move", "from": "/data/fullname", "path": "/data/full_name"}],
    "why": "The export named the field wrongly.",
}


class Terminal:
    """A house behind HTTP, its accounts signed in, and what is typed there."""

    def __init__(
        self, house: House, url: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.house = house
        self.folder = folder
        self._capsys = capsys
        self._outputs = folder / "outputs.json"
        pool = "ap-southeast-1_Mau"
        outputs = {
            "region": "ap-southeast-1",
            "endpoint": "http://localhost:1",
            "ApiUrl": url,
            "UserPoolId": pool,
        }
        self._outputs.write_text(json.dumps(outputs), "utf-8")
        people = {
            role: {"access": role, "refresh": "", "expires": 4e9}
            for role in ("quality-officer", "operator", "facility-staff")
        }
        session = {"current": "operator", "people": people}
        (folder / f"session-{pool}.json").write_text(json.dumps(session), "utf-8")

    def type(self, *arguments: str, by: tuple[str, ...] = QUALITY) -> tuple[int, str, str]:
        """The exit code of a command and what it printed on stdout and stderr."""
        self._capsys.readouterr()
        code = main(["quarantine", *arguments, *by, "--outputs", str(self._outputs)])
        printed = self._capsys.readouterr()
        # What the function logs is not what the command says.
        out = [
            line
            for line in printed.out.splitlines()
            if not line.startswith(('{"level"', '{"_aws"'))
        ]
        return code, "\n".join(out), " ".join(printed.err.split())

    def read(self, *arguments: str, by: tuple[str, ...] = QUALITY) -> Any:
        """What a command that works says with --json."""
        code, out, err = self.type(*arguments, "--json", by=by)
        assert code == 0, err
        return json.loads(out)

    def refuse(self, *contents: Any) -> list[str]:
        """The ids of messages that people's queue refuses."""
        self.house.town.sent(*contents)
        bodies = [one if isinstance(one, str) else body(one) for one in contents]
        return [quarantine_id("population", text) for text in bodies]

    def rule(self) -> str:
        path = self.folder / "rule.json"
        path.write_text(json.dumps(RULE), "utf-8")
        return str(path)

    def looks(self) -> list[Any]:
        """Everything that the access log has."""
        table = self.house.environment["ACCESS_LOG_TABLE"]
        return list(self.house.town.aws.dynamodb.scan(TableName=table)["Items"])


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with mock_aws():
        s3 = Clients("us-east-1").s3()
        s3.create_bucket(Bucket=BUCKET)
        yield Aws(Clients().dynamodb(), s3)


@pytest.fixture
def terminal(
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    monkeypatch.delenv("COLUMNS", raising=False)
    with opened(aws) as house, served(house) as url:
        yield Terminal(house, url, tmp_path, capsys)


def wrong(number: int = 7, **fields: Any) -> dict[str, Any]:
    named = {"fullname": f"{NAME} {number}", **fields}
    return event(fields=named, key=f"001190{number:06}", id_=f"wrong-{number}")


def test_entries_are_listed_counted_and_shown(terminal: Terminal) -> None:
    ids = terminal.refuse(*(wrong(n) for n in range(3)), "{")

    listed = terminal.read("list", *DAY)
    first = terminal.read("list", *DAY, "--limit", "2")
    rest = terminal.read("list", *DAY, "--after", first["after"])
    assert {one["quarantine_id"] for one in listed["entries"]} > set(ids)
    assert first["entries"] + rest["entries"] == listed["entries"]
    assert rest["after"] is None
    counted = terminal.read("count", *DAY, "--by", "path", "--path", "/data/fullname")
    assert counted == {"total": 3, "counts": [{"path": "/data/fullname", "entries": 3}]}
    for name in (ids[0], ids[0][:10]):
        code, out, err = terminal.type("show", name, "--since", "2026-11-22")
        assert code == 0, err
        assert "^ invalid-data/unknown-field: The contract has no such field" in out
        assert f'"{NAME} 0"' in out
        assert "Noted in the access log" in err
    assert {"person/001190000000"} < {look["subject"]["S"] for look in terminal.looks()}


def test_what_may_not_be_seen_or_done_is_told(terminal: Terminal) -> None:
    (id_,) = terminal.refuse(wrong())

    code, out, _ = terminal.type("show", id_, by=OPERATOR)
    assert code == 0
    assert "Its body holds fields that you may not see" in out
    assert "/data/fullname" in out
    assert NAME not in out
    nurse = ("--as", "facility-staff", "--purpose", "medical-examination", "--case", "V-1")
    for arguments in (("list",), ("show", id_), ("dismiss", id_, "--yes", "--why", "Noise.")):
        code, out, err = terminal.type(*arguments, by=nurse)
        assert (code, out) == (1, "")
        assert "No policy lets you do this" in err
    code, _, err = terminal.type("list", by=("--as", "operator"))
    assert code == 2
    assert "--purpose" in err
    code, _, err = terminal.type("show", "0" * 64)
    assert code == 1
    assert "There is no entry" in err


def test_a_rule_is_tried_and_applied_and_finds_nothing_more(terminal: Terminal) -> None:
    ids = terminal.refuse(*(wrong(n) for n in range(3)), wrong(9, phone="none"))
    rule = ("correct", "--rule", terminal.rule(), *DAY)

    foreseen = terminal.read(*rule, "--dry-run")
    assert foreseen["meant"] == 4
    assert foreseen["after"] == {
        "passing": 3,
        "still_refused": {"invalid-data": 1},
        "not_applicable": {},
    }
    assert len(foreseen["samples"]) == 3
    assert set(foreseen["samples"][0]) == {"quarantine_id", "differences", "still_refused"}
    assert terminal.house.queued("population") == []
    code, out, err = terminal.type(*rule, "--yes")
    assert code == 1
    assert "Corrected 3 entries." in out
    assert "1 entry of 4 stay open" in err
    sent = [json.loads(one["body"]) for one in terminal.house.queued("population")]
    assert {one["data"]["full_name"] for one in sent} == {f"{NAME} {n}" for n in range(3)}
    (step,) = terminal.read("show", ids[0])["steps"]
    assert (step["by"], step["why"]) == ("quality-officer (G01)", RULE["why"])
    terminal.type(*rule, "--yes")
    assert terminal.house.queued("population") == []


def test_named_entries_are_replayed_and_dismissed(terminal: Terminal) -> None:
    first, second = terminal.refuse(wrong(1), wrong(2))
    why = ("--yes", "--why", "The service has learnt it.")

    foreseen = terminal.read("replay", first, second, "--dry-run", by=OPERATOR)
    assert foreseen["after"]["still_refused"] == {"invalid-data": 2}
    code, out, _ = terminal.type("replay", first, *why, by=OPERATOR)
    assert code == 1
    assert "would still be refused (invalid-data)" in out
    code, out, _ = terminal.type("replay", first, "--even-refused", *why, by=OPERATOR)
    assert (code, out) == (0, "Replayed 1 entry.")
    assert [one["replays"] for one in terminal.house.queued("population")] == [first]
    assert terminal.read("dismiss", second, "--dry-run") == {
        "meant": 1,
        "before": {"invalid-data": 1},
    }
    assert terminal.type("dismiss", first, second, *why)[:2] == (0, "Dismissed 1 entry.")
    code, _, err = terminal.type("dismiss", second, *why)
    assert code == 1
    assert f"{second} is dismissed" in err


def test_a_selection_is_dismissed(terminal: Terminal) -> None:
    terminal.refuse("{", "[", "]")
    noise = ("dismiss", "--reason", "not-json", *DAY)
    assert terminal.read(*noise, "--dry-run")["meant"] == 3
    assert terminal.type(*noise, "--yes", "--why", "Noise.")[:2] == (0, "Dismissed 3 entries.")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets an editor that replaces one text by another."""

    def set_to(before: str, after: str) -> None:
        script = tmp_path / "editor"
        script.write_text(
            "#!/usr/bin/env python3\n"
            "import pathlib, sys\n"
            "path = pathlib.Path(sys.argv[1])\n"
            f"path.write_text(path.read_text('utf-8').replace({before!r}, {after!r}), 'utf-8')\n",
            "utf-8",
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EDITOR", str(script))
        monkeypatch.delenv("VISUAL", raising=False)

    return set_to


def test_a_message_is_mended_in_the_editor(
    terminal: Terminal, editor: Callable[[str, str], None]
) -> None:
    (id_,) = terminal.refuse(wrong())
    why = ("--yes", "--why", "Misnamed.")
    editor('"fullname"', '"name"')
    code, _, err = terminal.type("edit", id_, *why)
    assert code == 1
    assert "It would still be refused" in err
    editor('"fullname"', '"full_name"')
    code, out, err = terminal.type("edit", id_, *why)
    assert code == 0, err
    (sent,) = terminal.house.queued("population")
    assert f"It was sent as the event {json.loads(sent['body'])['id']}." in out
    code, _, err = terminal.type("edit", id_, *why, by=OPERATOR)
    assert code == 1
    assert "is replayed" in err
