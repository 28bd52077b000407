"""What a request costs, when there is more, and what looks like collecting people."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.access import (
    NO_HEAD,
    Action,
    Caller,
    Errand,
    Look,
    Role,
    deferral_note,
    deferral_of,
    linked,
)
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
    stopped,
    stopped_by,
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
    error = AllowanceSpent(Window.DAY, "2026-11-26T16:59:00.000000Z")
    assert (str(error), error.seconds) == ("The allowance of this day is used up.", 60)


class TestBeingStopped:
    def test_is_about_whom_was_asked_for_and_names_what_was_read(self) -> None:
        asked = replace(
            look(),
            rules=("rule",),
            seen={"person/1": ("full_name",)},
            masked={"person/1": ("phone",), "insurance-card/2": ("card",)},
        )
        noted = stopped(OFFICER, [asked, look()], Window.DAY)
        assert (noted.subject, noted.action, noted.allowed) == ("person/1", "read", False)
        assert (noted.rules, noted.seen) == ((), {})
        assert noted.masked == {"person/1": (), "insurance-card/2": ()}
        assert noted.note == {"outcome": "allowance-spent", "window": "day"}

    def test_is_about_the_caller_where_several_were_asked_for(self) -> None:
        looks = [replace(look(f"person/{n}"), masked={f"person/{n}": ()}) for n in range(3)]
        noted = stopped(OFFICER, looks, Window.MINUTE)
        assert noted.subject == "caller/o"
        assert noted.masked == {"person/0": (), "person/1": (), "person/2": ()}

    def test_keeps_what_was_asked_and_not_what_came_of_it(self) -> None:
        searched = replace(look(), note={"officer": "x", "outcome": "not-found"})
        noted = stopped(OFFICER, [searched, searched], Window.DAY)
        assert noted.note == {"officer": "x", "outcome": "allowance-spent", "window": "day"}
        mixed = stopped(OFFICER, [searched, look()], Window.DAY)
        assert mixed.note == {"outcome": "allowance-spent", "window": "day"}

    def test_from_hiding_a_look_hides_nothing(self) -> None:
        note = deferral_note(1, "2099-01-01T00:00:00.000000Z", "An inquiry.")
        hiding = replace(look(action=Action.DEFER_DISCLOSURE), note=note)
        noted = stopped(OFFICER, [hiding], Window.MINUTE)
        assert deferral_of(linked(OFFICER, ERRAND, noted, NO_HEAD, "2026-11-26")) is None

    @pytest.mark.parametrize("window", Window)
    def test_is_told_by_the_entry(self, window: Window) -> None:
        def entry_of(one: Look) -> Window | None:
            return stopped_by(linked(OFFICER, ERRAND, one, NO_HEAD, "2026-11-26"))

        assert entry_of(stopped(OFFICER, [look()], window)) is window
        assert entry_of(replace(look(), allowed=False)) is None
        assert entry_of(replace(look(), note={"outcome": "not-found"})) is None
