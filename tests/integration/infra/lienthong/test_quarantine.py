"""The desk at the command line: what an operator types, reads and gets."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from functions.shared.core.quarantine import quarantine_id
from functions.shared.runtime.sqs import messages_of
from tests.builders import AGENCIES, ANYONE, PERSON_ID, body, event, registrations
from tests.fakes import Unhurried
from tests.integration.infra.lienthong.town import Town

DAY: Final = ("--since", "2026-11-22", "--until", "2026-11-22")
"""The day on which the messages of tests are received."""
NAME: Final = "Nguyễn Thị Mẫu"
WRONG: Final = event(fields={"fullname": NAME}, id_="e-7")
RENAME: Final = {"op": "move", "from": "/data/fullname", "path": "/data/full_name"}
RULE: Final = {
    "select": {"queue": "population", "path": "/data/fullname"},
    "patch": [RENAME],
    "why": "The export named the field wrongly.",
}
OPERATOR: Final = "AKIAIOSFODNN7EXAMPLE"
"""The unique id by which the double knows whoever calls."""


class Desk:
    """A town whose stack is one machine's own, and what is typed there."""

    def __init__(self, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
        self.town = town
        self._capsys = capsys
        self.parameters(Stage="local")
        town.take(*registrations({"G01": AGENCIES["G01"]}))

    def parameters(self, **parameters: str) -> None:
        outputs = {**self.town.outputs, "parameters": parameters}
        self.town.outputs_file.write_text(json.dumps(outputs), "utf-8")

    def type(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code of a command and what it printed on stdout and stderr."""
        self._capsys.readouterr()
        code = self.town.run("quarantine", *arguments, "--direct")
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def read(self, *arguments: str) -> Any:
        """What a command that works says with --json."""
        code, out, err = self.type(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def refuse(self, *contents: Any) -> list[str]:
        """The ids of messages that people's queue refuses."""
        self.town.take(*contents, kind="person")
        bodies = [one if isinstance(one, str) else body(one) for one in contents]
        return [quarantine_id("population", text) for text in bodies]

    def rule(self, document: Any = RULE, name: str = "rule.json") -> str:
        """A file with a rule."""
        path = self.town.folder / name
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text, "utf-8")
        return str(path)

    def deliver(self) -> int:
        """Lets the functions take what is in the queue of people."""
        url = self.town.outputs["PopulationQueueUrl"]
        delivered = 0
        while received := self.town.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages"):
            records = [
                {
                    "messageId": one["MessageId"],
                    "body": one["Body"],
                    "attributes": one["Attributes"],
                    "messageAttributes": {
                        name: {"stringValue": value["StringValue"]}
                        for name, value in one.get("MessageAttributes", {}).items()
                    },
                }
                for one in received
            ]
            messages = messages_of({"Records": records}, ANYONE)
            self.town.pipeline("person").run(messages, Unhurried())
            for one in received:
                self.town.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            delivered += len(received)
        return delivered

    def entry(self, id_: str) -> Any:
        return self.read("show", id_)


@pytest.fixture
def desk(town: Town, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(town, capsys)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets an editor that replaces one text by another."""

    def set_to(before: str, after: str) -> Path:
        script, seen = tmp_path / "editor", tmp_path / "seen"
        script.write_text(
            "#!/usr/bin/env python3\n"
            "import os, pathlib, stat, sys\n"
            "path = pathlib.Path(sys.argv[1])\n"
            f"text = path.read_text('utf-8')\n"
            f"pathlib.Path({str(seen)!r}).write_text("
            "f'{path}\\n{stat.S_IMODE(os.stat(path).st_mode):o}\\n{text}', 'utf-8')\n"
            f"path.write_text(text.replace({before!r}, {after!r}), 'utf-8')\n",
            "utf-8",
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EDITOR", str(script))
        monkeypatch.delenv("VISUAL", raising=False)
        return seen

    return set_to


# Reading


def test_entries_are_listed_counted_and_gone_on_with(desk: Desk) -> None:
    ids = desk.refuse(WRONG, "{", event(fields={"phone": "none"}, id_="e-8"))

    listed = desk.read("list", *DAY)
    assert {entry["quarantine_id"] for entry in listed["entries"]} == set(ids)
    first = desk.read("list", *DAY, "--limit", "2")
    rest = desk.read("list", *DAY, "--after", first["after"])
    assert first["entries"] + rest["entries"] == listed["entries"]
    assert rest["after"] is None

    counts = desk.read("count", *DAY, "--by", "reason,status")
    assert counts["total"] == 3
    assert counts["counts"] == [
        {"reason": "invalid-data", "status": "open", "entries": 2},
        {"reason": "not-json", "status": "open", "entries": 1},
    ]
    by_path = desk.read("count", *DAY, "--by", "path", "--error", "pattern")
    assert by_path["counts"] == [{"path": "/data/phone", "entries": 1}]
    assert "not-json" in desk.type("list", *DAY, "--reason", "not-json")[1]
    assert desk.read("list", *DAY, "--source", "G01", "--type", "person.updated")["entries"]
    assert desk.type("list", *DAY, "--queue", "dossier")[1] == "There are none.\n"


def test_an_entry_is_shown_with_its_errors_marked(desk: Desk) -> None:
    (id_,) = desk.refuse(WRONG)

    for name in (id_, id_[:10]):
        code, out, _ = desk.type("show", name, "--since", "2026-11-22")
        assert code == 0
        lines = out.splitlines()
        at = next(n for n, line in enumerate(lines) if '"fullname"' in line)
        assert "^ invalid-data/unknown-field: The contract has no such field" in lines[at + 1]
    assert desk.entry(id_)["body"] == body(WRONG)


def test_an_id_that_names_nothing_is_told(desk: Desk) -> None:
    code, _, err = desk.type("show", "0" * 64)
    assert code == 1
    assert "There is no entry" in err
    code, _, err = desk.type("show", "0" * 12, "--since", "2026-11-22")
    assert code == 1
    assert "Give the whole id" in " ".join(err.split())
    assert desk.type("show", "123")[0] == 2


# Correcting by a rule


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(desk: Desk) -> None:
    twice = {**WRONG, "data": {**WRONG["data"], "phone": "none"}, "id": "e-9"}
    desk.refuse(WRONG, twice)
    before = desk.town.dynamodb.scan(TableName="QuarantineTable")["Items"]

    seen = desk.read("correct", "--rule", desk.rule(), *DAY, "--dry-run")

    assert seen["meant"] == 2
    assert seen["before"] == {"invalid-data": 2}
    assert seen["after"]["passing"] == 1
    assert seen["after"]["still_refused"] == {"invalid-data": 1}
    assert len(seen["samples"]) == 2
    assert {"path": "/data/full_name", "was": None, "is": f'"{NAME}"'} in seen["samples"][0][
        "differences"
    ]
    code, out, err = desk.type("correct", "--rule", desk.rule(), *DAY, "--dry-run")
    assert code == 0
    assert f'- /data/fullname: "{NAME}"' in out
    assert NAME not in err
    assert desk.town.dynamodb.scan(TableName="QuarantineTable")["Items"] == before
    assert desk.deliver() == 0


def test_a_rule_mends_and_the_record_and_its_history_tell_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = desk.refuse(WRONG)

    code, out, err = desk.type("correct", "--rule", desk.rule(), *DAY, "--yes", "--as", "Lan")

    assert (code, out) == (0, "Corrected 1 entry.\n")
    assert NAME not in err
    assert desk.deliver() == 1
    (step,) = desk.entry(id_)["steps"]
    assert step["by"] == "Lan"
    assert step["why"] == RULE["why"]
    assert step["outcome"] == "in the ledger"
    assert desk.entry(id_)["status"] == "replayed"
    capsys.readouterr()
    assert desk.town.run("history", "--direct", PERSON_ID) == 0
    told = capsys.readouterr().out
    assert f"quarantine {id_[:12]}" in told
    assert f"corrected and replayed by Lan: {RULE['why']}" in told
    assert desk.town.run("history", "--direct", PERSON_ID, "--json") == 0
    (trace,) = json.loads(capsys.readouterr().out)["quarantine"]
    assert [entry["quarantine_id"] for entry in trace["entries"]] == [id_]


def test_run_again_a_rule_finds_nothing_more_to_do(desk: Desk) -> None:
    desk.refuse(WRONG)
    assert desk.type("correct", "--rule", desk.rule(), *DAY, "--yes")[0] == 0
    code, _, err = desk.type("correct", "--rule", desk.rule(), *DAY, "--yes")
    assert code == 1
    assert "No open entry is meant" in err
    assert desk.deliver() == 1


def test_options_narrow_a_rule_and_toml_will_do(desk: Desk) -> None:
    mine, other = desk.refuse(WRONG, {**WRONG, "source": "/agencies/G03", "id": "e-8"})
    rule = desk.rule(
        'why = "Misnamed."\npatch = [{op = "move", from = "/data/fullname", path = '
        '"/data/full_name"}]\n[select]\nqueue = "population"\nsince = 2026-11-22\n',
        "rule.toml",
    )
    code = desk.type(
        "correct", "--rule", rule, "--source", "G01", "--until", "2026-11-22", "--yes"
    )[0]
    assert code == 0
    assert desk.entry(mine)["status"] == "replayed"
    assert desk.entry(other)["status"] == "open"
    code, _, err = desk.type("correct", "--rule", rule, "--queue", "dossier", "--yes")
    assert code == 2
    assert "different queues" in err


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("{", "is not JSON"),
        ({"select": RULE["select"], "patch": {}}, "a list of one or more operations"),
        (
            {**RULE, "patch": [{"op": "replace", "path": "/id", "value": "x"}]},
            "touches /id",
        ),
        (
            {**RULE, "patch": [{"op": "test", "path": "/source", "value": "x"}]},
            "only tests and changes nothing",
        ),
        ({**RULE, "select": {}}, "says which entries the rule is for"),
    ],
)
def test_a_wrong_rule_changes_nothing(desk: Desk, rule: Any, sentence: str) -> None:
    (id_,) = desk.refuse(WRONG)
    code, _, err = desk.type("correct", "--rule", desk.rule(rule), *DAY, "--yes")
    assert code == 1
    assert sentence in " ".join(err.split())
    assert desk.entry(id_)["status"] == "open"
    assert "steps" not in desk.town.dynamodb.scan(TableName="QuarantineTable")["Items"][0]


def test_what_nobody_can_be_asked_about_needs_a_yes(desk: Desk) -> None:
    desk.refuse(WRONG)
    code, _, err = desk.type("correct", "--rule", desk.rule(), *DAY)
    assert code == 2
    assert "Look with --dry-run, then add --yes" in err
    assert desk.deliver() == 0


# Replaying and dismissing


def test_a_replay_as_it_was_is_sent_by_id_or_selection(desk: Desk) -> None:
    (id_,) = desk.refuse(event(source="/agencies/G99", id_="e-3"))
    code, out, err = desk.type("replay", id_, "--yes", "--why", "It was registered.")
    assert code == 1
    assert "would still be refused (source-not-permitted)" in out
    assert "stay open" in err
    desk.town.take(*registrations({"G99": AGENCIES["G01"]}))
    code, out, _ = desk.type("replay", id_, "--yes", "--why", "It was registered.")
    assert (code, out) == (0, "Replayed 1 entry.\n")
    assert desk.type("replay", id_, "--yes", "--why", "Again.")[0] == 1


def test_dismissing_needs_a_reason_and_keeps_it(desk: Desk) -> None:
    first, second = desk.refuse("{", "[")
    code, _, err = desk.type("dismiss", first, "--yes")
    assert code == 2
    assert "Say why with --why" in err
    seen = desk.read("dismiss", "--reason", "not-json", *DAY, "--dry-run")
    assert seen == {"meant": 2, "before": {"not-json": 2}}
    assert desk.entry(second)["status"] == "open"
    assert desk.type("dismiss", "--all", *DAY, "--yes", "--why", "Noise of a test.")[0] == 0
    entry = desk.entry(first)
    assert entry["status"] == "dismissed"
    assert entry["closed_because"] == "Noise of a test."
    assert "dismissed by" in desk.type("show", first)[1]
    assert desk.deliver() == 0


def test_entries_are_named_or_selected_but_not_both(desk: Desk) -> None:
    (id_,) = desk.refuse("{")
    assert "Name entries by their ids" in desk.type("dismiss", "--yes", "--why", "x")[2]
    code, _, err = desk.type("dismiss", id_, "--all", "--yes", "--why", "x")
    assert code == 2
    assert "not both" in err
    assert desk.entry(id_)["status"] == "open"


# Editing


def test_a_message_is_mended_in_the_editor(desk: Desk, editor: Any) -> None:
    (id_,) = desk.refuse(WRONG)
    seen = editor('"fullname"', '"full_name"')

    code, out, err = desk.type("edit", id_, "--yes", "--why", "Misnamed.")

    assert code == 0, err
    assert "Corrected 1 entry." in out
    path, mode, text = seen.read_text("utf-8").split("\n", 2)
    assert text.startswith("# Correct the message below")
    assert "#   /data/fullname: The contract has no such field" in text
    assert mode == "600"
    assert not os.path.exists(path)  # noqa: PTH110 - a text, and gone
    assert desk.deliver() == 1
    assert desk.entry(id_)["steps"][0]["outcome"] == "in the ledger"


def test_what_the_editor_leaves_wrong_is_not_sent(desk: Desk, editor: Any) -> None:
    (id_,) = desk.refuse(WRONG)
    for before, after, sentence in (
        ('"fullname"', '"name"', "It would still be refused"),
        ("{", "", "It cannot be sent"),
        ("nothing of it", "", "Nothing was changed"),
    ):
        editor(before, after)
        code, _, err = desk.type("edit", id_, "--yes", "--why", "Misnamed.")
        assert code == 1
        assert sentence in err
    assert desk.deliver() == 0
    assert desk.entry(id_)["steps"] == []


def test_without_an_editor_it_says_how_to_set_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id_,) = desk.refuse(WRONG)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    code, _, err = desk.type("edit", id_, "--yes", "--why", "Misnamed.")
    assert code == 2
    assert "Set VISUAL or EDITOR" in err


# Who


def test_on_aws_the_step_is_recorded_under_the_callers_identity(desk: Desk) -> None:
    (id_,) = desk.refuse(WRONG)
    desk.parameters(Stage="prod", RelaySenders=f"AROAOTHER,{OPERATOR}")
    code, _, err = desk.type("correct", "--rule", desk.rule(), *DAY, "--yes", "--as", "Lan")
    assert code == 2
    assert "the identity that AWS knows" in " ".join(err.split())
    assert desk.type("correct", "--rule", desk.rule(), *DAY, "--yes")[0] == 0
    assert desk.entry(id_)["steps"][0]["by"].startswith("arn:aws:")


def test_on_aws_only_a_relay_of_the_stack_replays(desk: Desk) -> None:
    (id_,) = desk.refuse(WRONG)
    desk.parameters(Stage="prod", RelaySenders="AROAOTHER")
    code, _, err = desk.type("correct", "--rule", desk.rule(), *DAY, "--yes")
    assert code == 1
    assert "not among the stack's RelaySenders" in " ".join(err.split())
    assert desk.entry(id_)["status"] == "open"
    assert desk.deliver() == 0
