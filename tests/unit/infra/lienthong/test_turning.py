"""Between which instants a record changed what it shows, by its history."""

from __future__ import annotations

from typing import Any

from infra.lienthong.turning import turn_of


def stated(field: str, rank: int, value: Any, *, won: bool = True) -> dict[str, Any]:
    return {"field": field, "group": "identity", "rank": rank, "won": won, "stated": value}


def change(version: int, at: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"version": version, "recorded_at": at, "fields": list(fields)}


def test_the_last_change_of_what_was_shown_before_is_found() -> None:
    turn = turn_of(
        [
            change(3, "c", stated("phone", 10, "3")),
            change(1, "a", stated("phone", 10, "1"), stated("sex", 30, "male")),
            change(2, "b", stated("phone", 10, "2")),
        ]
    )
    assert turn is not None
    assert (turn.field, turn.before.at, turn.after.at) == ("phone", "b", "c")
    assert turn.before.shown == {"phone": "2", "sex": "male"}
    assert (turn.before.version, turn.after.version) == (2, 3)


def test_a_lower_rank_and_a_late_statement_change_nothing_that_is_shown() -> None:
    changes = [
        change(1, "a", stated("full_name", 30, "A")),
        change(2, "b", stated("full_name", 10, "B")),
        change(3, "c", stated("full_name", 30, "C", won=False)),
    ]
    assert turn_of(changes) is None


def test_a_withdrawal_shows_the_next_rank() -> None:
    turn = turn_of(
        [
            change(1, "a", stated("marital_status_code", 20, "1")),
            change(2, "b", stated("marital_status_code", 30, "2")),
            change(3, "c", stated("marital_status_code", 30, None)),
        ]
    )
    assert turn is not None
    assert turn.before.shown == {"marital_status_code": "2"}
    assert turn.after.shown == {"marital_status_code": "1"}


def test_what_was_recorded_at_one_instant_is_one_step() -> None:
    changes = [
        change(1, "a", stated("phone", 10, "1")),
        change(2, "a", stated("phone", 10, "2")),
    ]
    assert turn_of(changes) is None


def test_what_is_hidden_or_erased_does_not_count() -> None:
    hidden = {"field": "eid", "group": "sensitive", "masked": True}
    erased = {"field": "phone", "group": "contact", "rank": 10, "won": True, "erased": "pair"}
    assert turn_of([change(1, "a", hidden, erased), change(2, "b", hidden, erased)]) is None
