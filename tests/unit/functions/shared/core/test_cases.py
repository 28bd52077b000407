"""Which entries are meant, and which times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.shared.core.cases import (
    Contradiction,
    Entry,
    Selection,
    Step,
    days_between,
    moment,
)
from functions.shared.core.events import Reason

NOW = "2026-11-22T08:00:00.000000Z"
ENTRY = Entry(
    "a" * 64,
    "population",
    "open",
    "2026-11-22T07:00:00.000000Z",
    "subject-mismatch",
    reasons=(
        Reason("subject-mismatch", "/subject", "…"),
        Reason("invalid-data", "/data/phone", "…", "pattern"),
        Reason("invalid-data", "/data/sex", "…", "missing"),
    ),
    source="/agencies/G01",
)


def takes(selection: Selection, entry: Entry = ENTRY, event_type: str | None = None) -> bool:
    return selection.takes(entry, lambda: event_type)


def some(*texts: str) -> frozenset[str]:
    return frozenset(texts)


def test_what_is_not_named_does_not_matter() -> None:
    assert takes(Selection())


def test_any_of_the_named_will_do_and_each_sort_has_to_hold() -> None:
    assert takes(Selection(queues=some("population", "dossier"), statuses=some("open")))
    assert not takes(Selection(queues=some("dossier")))
    assert not takes(Selection(queues=some("population"), sources=some("/agencies/G03")))


def test_the_reason_is_the_first_one() -> None:
    assert takes(Selection(reasons=some("subject-mismatch")))
    assert not takes(Selection(reasons=some("invalid-data")))


def test_error_and_path_hold_for_one_and_the_same_reason() -> None:
    assert takes(Selection(errors=some("pattern"), paths=some("/data/phone")))
    assert not takes(Selection(errors=some("pattern"), paths=some("/data/sex")))


def test_a_type_is_named_whole_or_by_its_middle() -> None:
    moved = "vn.lienthong.person.moved.v1"
    assert takes(Selection(types=some("person.moved")), event_type=moved)
    assert takes(Selection(types=some(moved)), event_type=moved)
    assert not takes(Selection(types=some("person.moved.v1")), event_type=moved)
    assert not takes(Selection(types=some("person.moved")), event_type="com.example.person.moved")
    assert not takes(Selection(types=some("person.moved")), event_type=None)


def test_the_ends_of_a_time_range_are_in_it() -> None:
    assert takes(Selection(since=ENTRY.received_at, until=ENTRY.received_at))
    assert not takes(Selection(since="2026-11-22T07:00:00.000001Z"))
    assert not takes(Selection(until="2026-11-22T06:59:59.999999Z"))


def test_two_selections_together_mean_what_both_mean() -> None:
    one = Selection(queues=some("population", "dossier"), since="2026-11-01T00:00:00.000000Z")
    other = Selection(queues=some("population"), reasons=some("not-json"), since=NOW)

    assert one.narrowed(other) == Selection(
        queues=some("population"), reasons=some("not-json"), since=NOW
    )


def test_selections_that_exclude_each_other_are_told() -> None:
    with pytest.raises(Contradiction, match="different queues"):
        Selection(queues=some("population")).narrowed(Selection(queues=some("dossier")))
    with pytest.raises(Contradiction, match="ends before it begins"):
        Selection(since=NOW).narrowed(Selection(until="2026-11-21T00:00:00.000000Z"))


def test_a_replay_is_underway_while_the_entry_is_open_after_it() -> None:
    replayed = Step(NOW, "somebody", "replayed", "…", "e-1", "b" * 64)
    begun = replace(ENTRY, steps=(replayed,))
    assert begun.underway == replayed
    assert ENTRY.underway is None
    assert replace(begun, status="replayed").underway is None


@pytest.mark.parametrize(
    ("text", "end", "instant"),
    [
        ("90s", False, "2026-11-22T07:58:30.000000Z"),
        ("2h", False, "2026-11-22T06:00:00.000000Z"),
        ("1w", True, "2026-11-15T08:00:00.000000Z"),
        ("2026-11-22", False, "2026-11-21T17:00:00.000000Z"),
        ("2026-11-22", True, "2026-11-22T16:59:59.999999Z"),
        ("2026-11-22T08:30:00+07:00", True, "2026-11-22T01:30:00.000000Z"),
    ],
)
def test_a_time_is_an_age_a_day_in_vietnam_or_an_instant(
    text: str, end: bool, instant: str
) -> None:
    assert moment(text, NOW, end=end) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2h ago", "9999999d", "-2h"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="Write one of these"):
        moment(text, NOW)


def test_days_are_counted_in_utc_newest_first() -> None:
    assert days_between("2026-10-31T23:59:59.999999Z", "2026-11-02T00:00:00.000000Z") == [
        "2026-11-02",
        "2026-11-01",
        "2026-10-31",
    ]
