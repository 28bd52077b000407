"""Planning an erasure: which entries hold the value, and what is left of them."""

from __future__ import annotations

import pytest

from functions.shared.core.erasure import erasable, plan_erasure, stated_values
from functions.shared.core.items import item_of
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.replay import disagreements, folded, item_disagreements
from tests.builders import DOSSIER_CODE, PERSON_ID, entries_of, event


def at(day: int) -> str:
    return f"2026-03-{day:02}T00:00:00Z"


def chain() -> list[LedgerEntry]:
    """One number, another, the first again."""
    return entries_of(
        event(fields={"phone": "0901", "nationality": "VN"}, id_="1", time=at(1)),
        event(fields={"phone": "0902"}, id_="2", time=at(2)),
        event(fields={"phone": "0901"}, id_="3", time=at(3)),
        event(fields={"phone": "0903"}, id_="4", time=at(4)),
    )


def test_changes_that_state_the_value_lose_both_and_those_that_had_it_before_lose_that() -> None:
    erasure = plan_erasure("person", PERSON_ID, chain(), "phone", ["0901"])
    assert [(entry.was.version, entry.what) for entry in erasure.entries] == [
        (1, "pair"),
        (2, "before"),
        (3, "pair"),
        (4, "before"),
    ]
    assert erasure.actions == 5


def test_what_is_left_verifies_and_folds_into_the_planned_record() -> None:
    entries = chain()
    erasure = plan_erasure("person", PERSON_ID, entries, "phone", ["0901"])
    changed = {entry.was.version: entry.will_be for entry in erasure.entries}
    after = [changed.get(entry.version, entry) for entry in entries]
    assert disagreements("person", PERSON_ID, after) == []
    assert folded("person", PERSON_ID, after) == erasure.after
    item = item_of(erasure.after)
    assert item_disagreements("person", PERSON_ID, item, after) == []
    assert "0901" not in str(after) + str(item)
    assert item["phone"] == "0903"


def test_erasures_grow_with_every_erasure() -> None:
    first = plan_erasure("person", PERSON_ID, chain(), "phone", ["0902"])
    changed = {entry.was.version: entry.will_be for entry in first.entries}
    between = [changed.get(entry.version, entry) for entry in chain()]
    second = plan_erasure("person", PERSON_ID, between, "phone", ["0901"])
    assert 0 == first.record.erasures < first.after.erasures < second.after.erasures
    assert second.record == first.after


def test_an_erased_value_that_was_shown_is_withdrawn() -> None:
    erasure = plan_erasure("person", PERSON_ID, chain(), "phone", ["0903"])
    assert "phone" not in item_of(erasure.after)
    lane = erasure.after.lanes["phone"][10]
    assert (lane.value, lane.stamp) == (None, erasure.record.lanes["phone"][10].stamp)


def test_other_fields_with_the_same_value_stay() -> None:
    entries = entries_of(
        event(fields={"residence": {"commune": "00070"}, "current_residence": {"commune": "00070"}})
    )
    erasure = plan_erasure("person", PERSON_ID, entries, "residence", [{"commune": "00070"}])
    assert "residence" not in item_of(erasure.after)
    assert item_of(erasure.after)["current_residence"] == {"commune": "00070"}


def test_a_step_of_a_dossier_can_be_erased() -> None:
    step = {"id": "s", "at": "2026-03-03T00:00:00.000000Z", "handler": "Trần An"}
    entries = entries_of(event("dossier.progressed", {"step": step}))
    (stated,) = stated_values(entries, "step//agencies/H26.12/s")
    erasure = plan_erasure(
        "dossier", DOSSIER_CODE, entries, "step//agencies/H26.12/s", [stated.value]
    )
    assert "steps" not in item_of(erasure.after)


def test_a_number_is_not_the_truth_value_that_python_takes_it_for() -> None:
    entries = entries_of(event("dossier.rated", {"satisfaction": 1}))
    with pytest.raises(ValueError, match="holds such a value"):
        plan_erasure("dossier", DOSSIER_CODE, entries, "satisfaction", [True])


def test_a_value_that_is_nowhere_cannot_be_erased() -> None:
    with pytest.raises(ValueError, match="holds such a value"):
        plan_erasure("person", PERSON_ID, chain(), "phone", ["0909"])


def test_a_withdrawal_is_no_value() -> None:
    entries = entries_of(event(fields={"phone": None}))
    assert stated_values(entries, "phone") == []
    with pytest.raises(ValueError, match="holds such a value"):
        plan_erasure("person", PERSON_ID, entries, "phone", [None])


def test_stated_values_are_those_that_are_still_there() -> None:
    erasure = plan_erasure("person", PERSON_ID, chain(), "phone", ["0901"])
    changed = {entry.was.version: entry.will_be for entry in erasure.entries}
    after = [changed.get(entry.version, entry) for entry in chain()]
    assert [stated.value for stated in stated_values(after, "phone")] == ["0902", "0903"]


def test_replaced_ids_are_names_and_no_values() -> None:
    assert not erasable("replaces/001190000018")
    assert erasable("phone")
