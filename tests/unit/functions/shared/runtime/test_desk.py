"""What the desk says is read back as it was said, and what has no meaning never reaches it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any, Final, cast

import pytest

from functions.shared.adapters.desk import Desk, Outcome, Tally
from functions.shared.adapters.opaque import Opaque
from functions.shared.core.access import Caller, Errand, Role
from functions.shared.core.answers import BadRequest, NotPermitted
from functions.shared.core.cases import Entry, Followed, Step
from functions.shared.core.correction import Unfit
from functions.shared.core.events import Reason
from functions.shared.core.foresight import Foresight
from functions.shared.runtime.desk import DeskService
from functions.shared.runtime.desk_answers import (
    counts_answer,
    counts_from,
    entry_answer,
    entry_from,
    followed_from,
    foresight_answer,
    foresight_from,
    groups,
    tally_answer,
    tally_from,
    whole_answer,
)
from tests.builders import SENT_AT
from tests.fakes import Unhurried
from tests.fakes_api import FakeAccessLog
from tests.fakes_query import FakeDirectory, FakePolicies

OFFICER: Final = Caller("id", "quality", "H26", (), frozenset({Role.QUALITY_OFFICER}))
TICKET: Final = Errand("data-quality", "T-17", "r-1")
REASONS: Final = (
    Reason("invalid-data", "/data/phone", "It is no number.", "pattern"),
    Reason("subject-mismatch", "/subject", "It is another."),
)
STEP: Final = Step(SENT_AT, "lan", "corrected", "Misnamed.", "event-1", "b" * 64)
ENTRY: Final = Entry(
    id="a" * 64,
    queue="population",
    status="open",
    received_at=SENT_AT,
    reason="invalid-data",
    reasons=REASONS,
    reasons_count=7,
    seen=2,
    source="/agencies/G01",
    event_id="e-1",
    sender="AROAEXAMPLE",
    steps=(STEP,),
    body='{"data":{"phone":"x"}}',
)


def over_the_wire(answer: Any) -> Any:
    return json.loads(json.dumps(answer))


# There and back


def test_an_entry_comes_back_as_it_was_said() -> None:
    bare = replace(ENTRY, body=None)
    assert entry_from(over_the_wire(entry_answer(ENTRY))) == bare
    least = Entry("c" * 64, "dossier", "open", SENT_AT, "not-json", reasons_count=0)
    assert entry_from(over_the_wire(entry_answer(least))) == least
    steps = [Followed(STEP, "in the ledger"), Followed(replace(STEP, did="replayed"), None)]
    whole = over_the_wire(whole_answer(ENTRY, steps, [bare], body=True))
    assert followed_from(whole) == steps
    assert entry_from(whole).body == ENTRY.body
    assert [entry_from(one) for one in whole["led_to_it"]] == [bare]
    assert [error["place"] for error in whole["errors"]] == ["/data/phone", ""]


def test_a_masked_body_says_that_there_is_one_and_nothing_of_it() -> None:
    whole = over_the_wire(whole_answer(replace(ENTRY, body="{ x"), [], [], body=False))
    assert (whole["body"], whole["body_masked"]) == (None, True)
    assert [set(error) & {"place", "line", "column"} for error in whole["errors"]] == [set()] * 2


def test_what_a_newer_service_adds_is_passed_over() -> None:
    answer = {**over_the_wire(entry_answer(ENTRY)), "colour": "red"}
    answer["steps"][0]["colour"] = "red"
    assert entry_from(answer) == replace(ENTRY, body=None)


def test_counts_foresight_and_tally_come_back() -> None:
    by = ("queue", "error")
    counts = Counter(groups(ENTRY, by))
    assert counts == {("population", "pattern"): 1, ("population", "subject-mismatch"): 1}
    assert counts_from(by, over_the_wire(counts_answer(by, counts))) == counts
    found = Foresight()
    found.see(ENTRY, "{}", REASONS)
    found.see(ENTRY, Unfit("not-json", "It is not JSON."))
    assert foresight_from(over_the_wire(foresight_answer(found))) == found
    tally = Tally(Counter({Outcome.DONE: 2}), Counter({"unchanged": 1}), Counter(), stopped=True)
    back = tally_from(over_the_wire(tally_answer(tally)))
    assert (back.looked_at, back.outcomes, back.unsuited, back.stopped) == (
        tally.looked_at,
        tally.outcomes,
        tally.unsuited,
        True,
    )


# What never reaches the tables


class Untouched:
    """A desk that nothing may be asked of."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"The desk was asked: {name}")


def service(log: FakeAccessLog, policies: FakePolicies | None = None) -> DeskService:
    return DeskService(
        cast(Desk, Untouched()),
        policies or FakePolicies(),
        log,
        FakeDirectory(),
        Opaque(bytes(64)),
        now=lambda: SENT_AT,
        patience=Unhurried,
    )


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("entries", {"status": "gone"}),
        ("entries", {"limit": 201}),
        ("counts", {"by": ["queue", "queue"]}),
        ("counts", {"by": ()}),
        ("replay_one", {"id": "a" * 64, "why": "x" * 501}),
        ("replay_many", {"select": {"queue": "people"}}),
        ("correct_many", {"select": {"queue": "dossier"}, "patch": [{"op": "remove"}]}),
        ("dismiss_many", {"select": {"queue": "dossier"}, "most": 0}),
    ],
)
def test_what_has_no_meaning_is_not_asked_of_the_tables(method: str, given: Any) -> None:
    log = FakeAccessLog()
    with pytest.raises(BadRequest) as refused:
        getattr(service(log), method)(OFFICER, TICKET, **given)
    assert all(problem.text.endswith(".") for problem in refused.value.problems)
    assert log.entries() == []


def test_what_no_policy_permits_is_not_asked_of_the_tables_and_is_noted() -> None:
    log = FakeAccessLog()
    nothing = FakePolicies(lambda _: False)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("entries", {}),
        ("counts", {}),
        ("replay_many", {"select": {"queue": "dossier"}}),
        ("dismiss_many", {"select": {"queue": "dossier"}, "why": "Noise.", "dry_run": False}),
    ]
    for number, (method, given) in enumerate(calls, 1):
        with pytest.raises(NotPermitted):
            getattr(service(log, nothing), method)(OFFICER, TICKET, **given)
        assert len(log.entries()) == number
    # Of everything first, then of what is the caller's own.
    assert [question.agencies for question in nothing.asked[:2]] == [
        frozenset(),
        frozenset({"H26"}),
    ]
