"""Whatever is changed in the access log behind the service's back is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from functions.shared.adapters.access_log import (
    DynamoAccessLog,
    Places,
    entry_from_item,
    item_from_entry,
)
from functions.shared.core.access import (
    Action,
    Caller,
    Errand,
    Look,
    Role,
    deferral_note,
    hash_of,
)
from functions.shared.core.allowances import AllowanceSpent, Limits
from infra.lienthong.access_log import Chains, Outcome, tell
from infra.lienthong.console import Console
from infra.lienthong.findings import Finding
from tests.builders import ticking
from tests.fakes import Unhurried
from tests.integration.functions.stack import WAITING, create_table
from tests.integration.infra.lienthong.town import Town

SUBJECT: Final = "person/001190000017"
OTHER: Final = "person/001190000018"
OFFICER: Final = Caller("o", "lan", "H26.12", (), frozenset({Role.AUDITOR}))
FAR_AWAY: Final = "2099-01-01T00:00:00.000000Z"


class Log:
    """A town's access log: three looks at one person and one at another."""

    def __init__(self, town: Town) -> None:
        self.client: Any = town.dynamodb
        self.places = Places(
            log=create_table(town.dynamodb, "AccessLogTable"),
            heads=create_table(town.dynamodb, "AccessHeadsTable"),
            allowances=create_table(town.dynamodb, "AllowancesTable"),
        )
        town.outputs |= {
            "AccessLogTable": self.places.log,
            "AccessHeadsTable": self.places.heads,
        }
        town.outputs_file.write_text(json.dumps(town.outputs), "utf-8")
        log = DynamoAccessLog(
            self.client, self.places, Limits(99, 99), b"k" * 32, WAITING, ticking()
        )
        deferral = deferral_note(1, FAR_AWAY, "An inquiry.")
        for number, (subject, action, note) in enumerate(
            [
                (SUBJECT, Action.READ, None),
                (OTHER, Action.READ, None),
                (SUBJECT, Action.DEFER_DISCLOSURE, deferral),
                (SUBJECT, Action.READ, None),
            ]
        ):
            look = Look(subject, action, True, ("rule",), {subject: ("phone",)}, {}, note)
            log.note(OFFICER, Errand("audit", None, str(number)), [look], {}, Unhurried())

    def verified(self) -> Outcome:
        pauses: list[float] = []
        return Chains(self.client, self.places.log, self.places.heads, pauses.append).everything()

    def accused(self) -> dict[str, tuple[str, ...]]:
        return {finding.of: finding.faults for finding in self.verified().findings}

    def key(self, number: int) -> dict[str, Any]:
        return {"subject": {"S": SUBJECT}, "number": {"N": str(number)}}

    def edit(self, number: int, **changes: Any) -> None:
        item = self.client.get_item(TableName=self.places.log, Key=self.key(number))["Item"]
        self.client.put_item(TableName=self.places.log, Item={**item, **changes})

    def remove(self, *numbers: int) -> None:
        for number in numbers:
            self.client.delete_item(TableName=self.places.log, Key=self.key(number))

    def edit_head(self, **changes: Any) -> None:
        key = {"subject": {"S": SUBJECT}}
        item = self.client.get_item(TableName=self.places.heads, Key=key)["Item"]
        changed = {name: value for name, value in {**item, **changes}.items() if value}
        self.client.put_item(TableName=self.places.heads, Item=changed)


@pytest.fixture
def log(town: Town) -> Log:
    return Log(town)


def test_nothing_is_found_in_an_honest_log(log: Log) -> None:
    outcome = log.verified()
    assert (outcome.subjects, outcome.entries, outcome.findings) == (2, 4, [])


def test_a_refusal_for_an_allowance_is_a_link_like_others(log: Log) -> None:
    few = DynamoAccessLog(
        log.client, log.places, Limits(1, 99), b"k" * 32, WAITING, ticking("2026-12-24T08:00:00Z")
    )
    look = Look(SUBJECT, Action.READ, True, ("rule",), {SUBJECT: ("phone",)}, {})
    few.note(OFFICER, Errand("audit", None, "a"), [look], {}, Unhurried())
    for request in "bcd":
        with pytest.raises(AllowanceSpent):
            few.note(OFFICER, Errand("audit", None, request), [look], {}, Unhurried())
    outcome = log.verified()
    assert (outcome.subjects, outcome.entries, outcome.findings) == (2, 6, [])


def rehashed(log: Log) -> None:
    item = log.client.get_item(TableName=log.places.log, Key=log.key(2))["Item"]
    entry = entry_from_item(item)._replace(officer="somebody-else")
    log.client.put_item(
        TableName=log.places.log, Item=item_from_entry(entry._replace(entry_hash=hash_of(entry)))
    )


TAMPERING: Final[dict[str, Callable[[Log], None]]] = {
    "an officer exchanged": lambda log: log.edit(1, officer={"S": "somebody-else"}),
    "an officer exchanged and hashed anew": rehashed,
    "another agency's index": lambda log: log.edit(1, agency_day={"S": "H27#2026-11-26"}),
    "nonsense": lambda log: log.edit(2, fields={"B": b"x"}),
    "the first removed": lambda log: log.remove(1),
    "one between removed": lambda log: log.remove(2),
    "the newest removed": lambda log: log.remove(3),
    "all removed": lambda log: log.remove(1, 2, 3),
    "the head set back": lambda log: log.edit_head(number={"N": "2"}),
    "the head's hash": lambda log: log.edit_head(entry_hash={"S": "0" * 64}),
    "the head's form": lambda log: log.edit_head(entry_hash=None),
    "the deferrals": lambda log: log.edit_head(deferrals=None),
    "the head removed": lambda log: log.client.delete_item(
        TableName=log.places.heads, Key={"subject": {"S": SUBJECT}}
    ),
}


def test_tampering_is_found_and_accuses_nobody_else(town: Town) -> None:
    for how, tamper in TAMPERING.items():
        log = Log(town)
        tamper(log)
        found = log.accused()
        assert set(found) == {SUBJECT}, how
        assert all(fault.endswith(".") for fault in found[SUBJECT]), how


def test_a_log_that_goes_on_while_it_is_read_is_not_accused(log: Log) -> None:
    log.edit_head(number={"N": "2"})
    chains = Chains(
        log.client, log.places.log, log.places.heads, lambda _: log.edit_head(number={"N": "3"})
    )
    assert chains.everything().findings == []


def test_the_command_says_what_it_checked(
    town: Town, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    del log
    assert town.run("access-log", "verify") == 0
    assert "4 entries about 2 subjects were checked" in capsys.readouterr().out
    assert town.run("access-log", "verify", "--subject", OTHER, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"subjects": 1, "entries": 1, "findings": []}


def test_the_command_fails_where_something_was_changed(
    town: Town, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.remove(2)
    assert town.run("access-log", "verify", "--subject", OTHER) == 0
    capsys.readouterr()
    assert town.run("access-log", "verify", "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding == {
        "subject": SUBJECT,
        "faults": ["Entry 3 stands after entry 1: entries are missing.", DEFERRALS],
    }


def test_a_finding_is_told_with_its_subject(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Outcome(1, 2, [Finding(SUBJECT, (DEFERRALS,))]), Console())
    told = capsys.readouterr().out
    assert SUBJECT in told
    assert DEFERRALS in told


DEFERRALS: Final = "The head does not name the deferrals of the chain."


def test_a_subject_that_nobody_looked_at_is_said_so(
    town: Town, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    del log
    assert town.run("access-log", "verify", "--subject", "person/1") == 1
    assert "Nobody looked at this subject" in capsys.readouterr().err
