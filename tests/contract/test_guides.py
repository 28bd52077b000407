"""What README, guides and contract name exists, and what exists is named in them."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.runtime.measures import Measure
from infra.build import looks
from infra.build.costs import CASES, Prices, cost_of, table
from infra.lienthong.__main__ import parser
from schemas.event_types import EVENT_TYPES
from schemas.reasons import ReasonCode
from tests.unit.test_template import TEMPLATE

ROOT: Final = Path(__file__).parents[2]
GUIDES: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "schemas" / "CONTRACT.md",
        *sorted((ROOT / "infra" / "docs").glob("*.md")),
    )
}
EVERYTHING: Final = "\n".join(GUIDES.values())
OPERATIONS: Final = GUIDES["infra/docs/operations.md"]
DEPLOY: Final = GUIDES["infra/docs/deploy.md"]
_FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
OURS: Final = ("functions", "schemas", "events", "infra", "tests", ".ci")


def blocks(text: str) -> list[str]:
    """The blocks of commands and code, diffs left out."""
    return [found[1] for found in _FENCE.findall(text) if found[0] != "diff"]


def spans(text: str) -> list[str]:
    """What stands between backticks in the prose."""
    return _SPAN.findall(_FENCE.sub("", text))


def named(text: str) -> list[str]:
    """Everything that is written as code."""
    return [*spans(text), *blocks(text)]


def first_cells(text: str, heading: str) -> list[str]:
    """The code spans in the first column of the table below a heading row."""
    rows = text.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()
    cells = [row.replace("\\|", "/").split("|")[1] for row in rows if row.startswith("|")]
    return [name for cell in cells for name in spans(cell)]


def resources(kind: str) -> dict[str, Any]:
    """The template's resources of a type."""
    found = TEMPLATE["Resources"].items()
    return {name: resource for name, resource in found if resource["Type"] == kind}


# Tables, outputs, alarms, parameters, settings ------------------------------------------------


def test_outputs_are_named_in_the_contract_and_exist() -> None:
    names = set(re.findall(r"\b[A-Z]\w*(?:Table|QueueUrl|Bucket)\b", EVERYTHING))

    outputs = set(TEMPLATE["Outputs"])
    assert names <= outputs
    shown = {name for name in outputs if not name.endswith("DeadLetterQueueUrl")}
    assert shown <= set(spans(GUIDES["schemas/CONTRACT.md"]))


def test_every_index_is_in_the_contract() -> None:
    indexes = {
        index["IndexName"]
        for table_ in resources("AWS::DynamoDB::Table").values()
        for index in table_["Properties"].get("GlobalSecondaryIndexes", ())
    }

    assert indexes == set(re.findall(r"`(by-[a-z-]+)`", GUIDES["schemas/CONTRACT.md"]))


def test_every_queue_is_named() -> None:
    assert set(KIND_OF_QUEUE) <= set(spans(GUIDES["schemas/CONTRACT.md"]))


def test_every_alarm_is_explained_and_exists() -> None:
    alarms = set(resources("AWS::CloudWatch::Alarm"))

    assert set(first_cells(OPERATIONS, "| alarms | mean | do |")) == alarms
    assert set(re.findall(r"\b[A-Z]\w+Alarm\b", EVERYTHING)) == alarms


def test_every_parameter_is_explained_and_exists() -> None:
    assert set(first_cells(DEPLOY, "| parameter | default | |")) == set(TEMPLATE["Parameters"])


def test_parameters_given_in_commands_exist() -> None:
    given = {
        name
        for block in [*blocks(EVERYTHING), *spans(EVERYTHING)]
        for name in re.findall(r"(?<=[ `,])([A-Z][a-z]+[a-zA-Z]*)=", f" {block}")
        if "sqs.send_message" not in block
    }

    others = {"Enabled", "KMSMasterKeyId"}  # of `aws dynamodb restore-table-to-point-in-time`
    others |= {"Name", "Value"}  # of `aws cognito-idp admin-create-user`
    assert given - others <= set(TEMPLATE["Parameters"])


def test_a_setting_that_is_named_is_read_somewhere() -> None:
    names = {
        name for name in spans(EVERYTHING) if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", name)
    }

    code = [
        path.read_text("utf-8")
        for place in ("functions", "infra", "schemas")
        for path in (ROOT / place).rglob("*.py")
    ]
    elsewhere = {"LOCALSTACK_AUTH_TOKEN"}  # read by LocalStack alone, as its guide says
    assert {n for n in names - elsewhere if not any(n in text for text in code)} == set()


# Metrics and reasons --------------------------------------------------------------------------


def test_every_metric_is_explained_and_exists() -> None:
    assert first_cells(OPERATIONS, "| metric | says | look closer when |") == [
        name
        for name in first_cells(OPERATIONS, "| metric | says | look closer when |")
        if name in set(Measure) | {"reason", "time"}
    ]
    assert set(first_cells(OPERATIONS, "| metric | says |")) >= set(Measure)


def test_every_reason_is_explained_and_exists() -> None:
    reasons = [str(code) for code in ReasonCode]

    assert first_cells(OPERATIONS, "| first reason | usually means |") == reasons
    listed = GUIDES["schemas/CONTRACT.md"].split("Quarantine reasons, in order", 1)[1]
    listed = listed.split("## 7", 1)[0]
    # The sentence before the list names one of them.
    listed = listed.split("JSON Pointer into the event:", 1)[1]
    assert [name for name in spans(listed) if name in reasons] == reasons


def test_every_event_type_is_in_the_contract() -> None:
    table_ = GUIDES["schemas/CONTRACT.md"].split("| type (`vn.lienthong.`", 1)[1].split("\n\n")[0]
    found, kind = set(), ""
    for name in (name for row in table_.splitlines()[2:] for name in spans(row.split("|")[1])):
        kind = kind if name.startswith(".") else name.partition(".")[0]
        found.add(f"vn.lienthong.{kind}{name}.v1" if name[0] == "." else f"vn.lienthong.{name}.v1")

    assert found == set(EVENT_TYPES)


# Commands -------------------------------------------------------------------------------------


def test_make_targets_that_are_named_exist_and_make_help_lists_all() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = makefile.split(".PHONY:", 1)[1].split("\n\n", 1)[0].replace("\\", " ").split()
    used = {name for code in named(EVERYTHING) for name in re.findall(r"\bmake ([a-z0-9-]+)", code)}

    assert used <= set(phony)
    assert used >= {"demo", "up", "down", "status", "test", "check", "bench", "build", "artifacts"}
    helped = {
        name
        for names in re.findall(r"^([a-z0-9 -]+):.*## ", makefile, re.MULTILINE)
        for name in names.split()
    }
    assert helped == set(phony)
    assert "make help" in EVERYTHING


def commands() -> dict[tuple[str, ...], argparse.ArgumentParser]:
    """Every command of the command line, with those inside it, by its words."""

    def below(
        words: tuple[str, ...], here: argparse.ArgumentParser
    ) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
        yield words, here
        for action in here._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, sub in action.choices.items():
                    yield from below((*words, word), sub)

    return dict(below((), parser()))


COMMANDS: Final = commands()
_CALL: Final = re.compile(r"(?:\.venv/bin/|^|[\s`(])lienthong((?: [^\n#`;|&]+)+)")


def calls() -> list[list[str]]:
    """Every call of the command line in the guides, as words."""
    joined = [re.sub(r" *\\\n *", " ", code) for code in named(EVERYTHING)]
    found = [match for code in joined for match in _CALL.findall(code)]
    return list({tuple(words): words for words in map(_words, found) if words}.values())


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_a_command_that_is_named_exists_with_its_options(words: list[str]) -> None:
    known = max(
        (name for name in COMMANDS if tuple(words[: len(name)]) == name), key=len, default=()
    )
    if not known and words[0].startswith("-"):
        return
    assert known, f"there is no command {words[0]}"
    taken = {option for action in COMMANDS[known]._actions for option in action.option_strings}
    options = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert options <= taken


def test_every_command_is_documented() -> None:
    listed = first_cells(GUIDES["README.md"], "| command | |")
    everywhere = {words[0] for words in calls()} | {cell.split()[0] for cell in listed}

    assert {name[0] for name in COMMANDS if name} <= everywhere


def test_every_agencies_and_desk_command_is_documented() -> None:
    shown = {tuple(words[:2]) for words in calls()}

    assert {name for name in COMMANDS if len(name) == 2} <= shown | {("quarantine", "list")}


# Places ---------------------------------------------------------------------------------------


def test_files_that_are_named_exist() -> None:
    paths = {
        name.rstrip("/").split("#")[0]
        for name in spans(EVERYTHING)
        if name.split("/")[0] in OURS and "/" in name and not re.search(r"[<>*{ =]", name)
    }

    assert len(paths) >= 30
    new = {"events/released/v2"}  # what the guide says will be made
    missing = {path for path in paths - new if not (ROOT / path).exists()}
    assert missing == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", GUIDES[guide]):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = ((ROOT / guide).parent / file).resolve() if file else ROOT / guide
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in {slug(line) for line in path.read_text("utf-8").splitlines()}, target


def slug(line: str) -> str:
    """The anchor of a heading, as the usual viewers make it."""
    text = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()) if line.startswith("#") else ""
    return text.replace(" ", "-")


def test_modules_that_are_named_exist() -> None:
    modules = {m for code in named(EVERYTHING) for m in re.findall(r"python3? -m ([a-z_.]+)", code)}

    assert modules
    for module in modules:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module


# Figures --------------------------------------------------------------------------------------


def test_the_costs_are_those_of_the_code() -> None:
    prices = Prices()

    assert "\n".join(table([cost_of(case) for case in CASES], prices)) in DEPLOY
    assert prices.named.partition(",")[0] in DEPLOY


def test_the_costs_of_looks_are_those_of_the_code() -> None:
    assert "\n".join(looks.table(looks.costs(), Prices())) in DEPLOY


def test_the_fixed_costs_are_counted_from_the_template() -> None:
    from functions.shared.runtime.api.routes import ROUTES
    from functions.shared.runtime.measures import (
        OF_A_BATCH,
        OF_A_LOAD,
        OF_DEAD_LETTERS,
        OF_THE_API,
    )

    by_kind = len(OF_A_BATCH) + len((Measure.AGE, Measure.REFUSED_PERCENT, Measure.FAILED))
    # By the queue's own function and by the one that takes files in; those of a load by the latter,
    # and failed ones by the one that splits as well.
    by_kind = 2 * (by_kind + len(ReasonCode)) + len(OF_DEAD_LETTERS)
    metrics = len(KIND_OF_QUEUE) * by_kind + len(OF_A_LOAD) + 1
    # By both functions of the API; requests by route as well, and by no route of either.
    metrics += 2 * len(OF_THE_API) + len(ROUTES) + 2
    alarms = len(resources("AWS::CloudWatch::Alarm"))
    most = 0.30 * metrics + 0.10 * alarms + 3.0 + 1.0

    assert f"{alarms} alarms, one dashboard, one key, and at most {metrics} metrics" in DEPLOY
    assert f"at most {most:.0f} USD a month" in DEPLOY
