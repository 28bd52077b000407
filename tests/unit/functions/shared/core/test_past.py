"""What was known at an instant, and what changed between two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.answers import BadRequest
from functions.shared.core.canonical import canonical
from functions.shared.core.groups import GROUPS, group_of
from functions.shared.core.items import item_of
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.ledger import LedgerEntry, erase
from functions.shared.core.past import as_known, between, change_answer, instant_asked
from functions.shared.core.replay import folded
from tests.builders import KEYS, OTHER_PERSON_ID, PERSON_ID, entries_of, event
from tests.fakes_query import FakeTown
from tests.histories import histories

BEFORE = "2020-01-01T00:00:00.000000Z"


@st.composite
def chains(draw: st.DrawFn) -> tuple[Kind, list[LedgerEntry]]:
    """A record's entries, recorded one after the other, some perhaps by a clock that is behind."""
    kind: Kind = draw(st.sampled_from((PERSON, INSURANCE_CARD, DOSSIER)))
    key = KEYS[kind.name]
    town = FakeTown().sent(*draw(histories(kind, keys=[key])))
    entries = town.entries(kind.name, key)
    moments = [entry.recorded_at for entry in entries]
    if draw(st.booleans()):
        moments = draw(st.permutations(moments))
    return kind, [e._replace(recorded_at=at) for e, at in zip(entries, moments, strict=True)]


@given(chains(), st.randoms(use_true_random=False))
def test_at_each_instant_a_record_is_the_fold_of_the_entries_recorded_until_then(
    chain: tuple[Kind, list[LedgerEntry]], random: Any
) -> None:
    kind, entries = chain
    key = KEYS[kind.name]
    shuffled = random.sample(entries, len(entries))
    for moment in sorted({BEFORE, *(entry.recorded_at for entry in entries)}):
        known = [entry for entry in entries if entry.recorded_at <= moment]
        then = as_known(kind.name, key, shuffled, moment)
        if not known:
            assert then is None
        else:
            assert then is not None
            assert item_of(then) == item_of(folded(kind.name, key, known))


@given(chains(), st.sets(st.sampled_from(GROUPS)))
def test_a_change_tells_values_of_groups_that_may_be_seen_alone(
    chain: tuple[Kind, list[LedgerEntry]], groups: set[str]
) -> None:
    kind, entries = chain
    for entry in entries:
        view = change_answer(kind.name, entry, groups.__contains__)
        canonical(view.answer)
        assert not view.seen & view.masked
        for told in view.answer["fields"]:
            group = group_of(kind.name, told["field"])
            if group in groups:
                assert set(told) == {"field", "group", "rank", "won", "before", "stated"}
            else:
                assert told == {"field": told["field"], "group": group, "masked": True}
                assert "/" not in told["field"]
        assert len(view.answer["fields"]) == len(
            [c for c in entry.changes if group_of(kind.name, c.field) in groups]
        ) + len(view.masked)


def chain() -> list[LedgerEntry]:
    return entries_of(
        event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="e-1"),
        event(fields={"phone": "0900000002"}, id_="e-2", time="2026-03-04T00:00:00Z"),
    )


def test_a_change_tells_what_was_and_what_was_stated_and_no_event_id() -> None:
    entry = chain()[1]
    view = change_answer("person", entry, lambda _: True)
    assert view.answer == {
        "version": 2,
        "recorded_at": entry.recorded_at,
        "outcome": "applied",
        "event": {
            "source": "/agencies/G01",
            "type": "vn.lienthong.person.updated.v1",
            "time": "2026-03-04T00:00:00.000000Z",
        },
        "fields": [
            {
                "field": "phone",
                "group": "contact",
                "rank": 10,
                "won": True,
                "before": "0900000001",
                "stated": "0900000002",
            }
        ],
    }
    assert (view.seen, view.masked) == (frozenset({"phone"}), frozenset())


def test_an_erased_value_says_so() -> None:
    first, second = chain()
    (phone,) = change_answer("person", erase(second, ["phone"]), lambda _: True).answer["fields"]
    assert phone == {
        "field": "phone",
        "group": "contact",
        "rank": 10,
        "won": True,
        "erased": "pair",
    }
    erased = erase(second, ["phone"], before_only=True)
    (phone,) = change_answer("person", erased, lambda _: True).answer["fields"]
    assert (phone["erased"], phone["stated"]) == ("before", "0900000002")
    assert "before" not in phone
    gone = as_known("person", PERSON_ID, [erase(first, ["phone"])], first.recorded_at)
    assert gone is not None
    assert "phone" not in item_of(gone)


def test_a_replaced_id_is_in_no_masked_field() -> None:
    (entry,) = entries_of(event("person.identifier-replaced", {"replaces": [OTHER_PERSON_ID]}))
    view = change_answer("person", entry, lambda _: False)
    assert view.answer["fields"] == [{"field": "replaces", "group": "identity", "masked": True}]
    assert OTHER_PERSON_ID.encode() not in canonical(view.answer)


def test_changes_are_chosen_by_when_they_were_recorded_both_ends_included() -> None:
    first, second = chain()
    first = first._replace(recorded_at="2026-03-05T00:00:00.000000Z")
    second = second._replace(recorded_at="2026-03-06T00:00:00.000000Z")
    both = [second, first]
    assert between(both, None, None) == [first, second]
    assert between(both, second.recorded_at, None) == [second]
    assert between(both, None, first.recorded_at) == [first]
    assert between(both, "2026-03-05T00:00:00.000001Z", "2026-03-05T23:00:00.000000Z") == []


def test_an_instant_is_taken_with_any_offset() -> None:
    assert instant_asked("at", "2026-03-03T09:00:00+07:00") == "2026-03-03T02:00:00.000000Z"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-03", "2026-03-03T09:00:00", "1767225600"]
)
def test_an_instant_without_a_day_time_and_offset_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        instant_asked("at", text)
    assert refused.value.problems[0].path == "at"
