"""What a request costs, when there is more, and what looks like collecting people."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.access import Action, Caller, Errand, Look, Role
from functions.shared.core.allowances import (
    FEWEST_SUBJECTS,
    SYSTEM_COUNTERS,
    SYSTEM_TIMES,
    WATCHED_EVERY,
    AllowanceSpent,
    Limits,
    Standing,
    Window,
    cost_of,
    counted_subjects,
    counter_of,
    is_watched,
    most_in_counter,
    seconds_until_renewed,
)

LIMITS: Final = Limits(day=300, minute=60)
OFFICER: Final = Caller("o", "lan", "H26.12", (), frozenset({Role.ONE_STOP_OFFICER}))
SYSTEM: Final = replace(OFFICER, roles=frozenset({Role.AGENCY_SYSTEM}), is_system=True)
ERRAND: Final = Errand("dossier-handling", "000.00.01.H26-261126-0001", "r")


def look(subject: str = "person/1", action: Action = Action.READ) -> Look:
    return Look(subject, action, True, (), {}, {})


def test_a_look_costs_one_whether_it_was_permitted_or_not() -> None:
    assert cost_of([]) == 0
    assert cost_of([look()]) == 1
    assert cost_of([look(), replace(look(), allowed=False)]) == 2


@pytest.mark.parametrize(("hits", "cost"), [(1, 1), (10, 1), (11, 2), (50, 5)])
@pytest.mark.parametrize("action", [Action.SEARCH, Action.LIST])
def test_ten_people_of_a_list_cost_one(action: Action, hits: int, cost: int) -> None:
    assert cost_of([look(f"person/{n}", action) for n in range(hits)]) == cost


def test_a_system_has_no_day_and_a_larger_minute() -> None:
    assert (LIMITS.day_of(OFFICER), LIMITS.minute_of(OFFICER)) == (300, 60)
    assert (LIMITS.day_of(SYSTEM), LIMITS.minute_of(SYSTEM)) == (None, 60 * SYSTEM_TIMES)


def test_the_counters_of_a_system_hold_its_minute_together() -> None:
    assert most_in_counter(LIMITS, SYSTEM) * SYSTEM_COUNTERS == 600
    assert most_in_counter(LIMITS, OFFICER) == 60
    assert counter_of(OFFICER, "r") is None


@given(st.text(max_size=40))
def test_a_request_is_counted_in_the_same_place_however_often_it_is_tried(request_id: str) -> None:
    counter = counter_of(SYSTEM, request_id)
    assert counter in range(SYSTEM_COUNTERS)
    assert counter == counter_of(SYSTEM, request_id)


def test_one_request_in_eight_is_watched_and_none_of_a_system() -> None:
    ids = [f"request-{number}" for number in range(800)]
    watched = sum(is_watched(OFFICER, id_) for id_ in ids)
    assert 60 < watched * 8 / WATCHED_EVERY < 140
    assert not any(is_watched(SYSTEM, id_) for id_ in ids)


@pytest.mark.parametrize(
    ("window", "at", "seconds"),
    [
        (Window.MINUTE, "2026-11-26T09:00:00.000000Z", 60),
        (Window.MINUTE, "2026-11-26T09:00:59.999999Z", 1),
        (Window.DAY, "2026-11-26T16:59:59.999999Z", 1),
        (Window.DAY, "2026-11-26T17:00:00.000000Z", 86400),
        (Window.DAY, "2026-11-26T16:00:00.500000Z", 3600),
    ],
)
def test_the_next_allowance_comes_with_the_minute_or_midnight_in_vietnam(
    window: Window, at: str, seconds: int
) -> None:
    assert seconds_until_renewed(window, at) == seconds


class TestCollecting:
    def test_is_many_people_for_few_cases(self) -> None:
        assert Standing(30, 300, subjects=30, cases=2).is_suspect
        assert not Standing(30, 300, subjects=30, cases=3).is_suspect

    def test_is_not_suspected_of_a_morning(self) -> None:
        assert not Standing(29, 300, subjects=FEWEST_SUBJECTS - 1, cases=1).is_suspect

    def test_is_much_of_the_allowance_whatever_the_cases(self) -> None:
        assert Standing(181, 300, subjects=180, cases=180).is_suspect
        assert not Standing(180, 300, subjects=180, cases=180).is_suspect

    def test_is_not_told_of_whoever_has_no_allowance(self) -> None:
        assert not Standing(9999, None).is_suspect
        assert Standing(9999, None).left is None

    def test_counts_who_was_looked_at_for_a_case(self) -> None:
        looks = [
            look("person/1"),
            look("person/1"),
            look("dossier/2"),
            look("caller/3"),
            look("person/4", Action.SEARCH),
        ]
        assert counted_subjects(ERRAND, looks) == {"person/1", "dossier/2"}
        assert counted_subjects(Errand("audit", None, "r"), looks) == frozenset()
        assert counted_subjects(Errand("unknown", None, "r"), looks) == frozenset()


def test_what_is_left_is_never_less_than_nothing() -> None:
    assert Standing(7, 10).left == 3
    assert Standing(11, 10).left == 0


def test_a_spent_allowance_says_which_and_how_long() -> None:
    error = AllowanceSpent(Window.DAY, 60)
    assert (str(error), error.seconds) == ("The allowance of this day is used up.", 60)
