"""A chain shows whatever was done to it, and what is hidden stays hidden for its time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.access import (
    NO_HEAD,
    AccessEntry,
    Action,
    Caller,
    Errand,
    Head,
    LogQuestion,
    Look,
    Role,
    chain_faults,
    deferral_note,
    deferral_of,
    entry_as_json,
    entry_from_json,
    hash_of,
    hidden_untils,
    linked,
)
from functions.shared.core.errors import Defect

SUBJECT: Final = "person/001190000017"
OFFICER: Final = Caller("o", "lan", "H26.12", ("H26",), frozenset({Role.AUDITOR, Role.OPERATOR}))
ERRAND: Final = Errand("audit", None, "r-1")
AT: Final = "2026-11-26T09:00:00.000000Z"
LATER: Final = "2027-01-01T00:00:00.000000Z"
LATEST: Final = "2028-01-01T00:00:00.000000Z"
LOOK: Final = Look(SUBJECT, Action.READ, True, ("rule",), {SUBJECT: ("phone",)}, {})

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.sampled_from(["phone", "full_name", "sex", "eid"])
sights = st.dictionaries(texts, st.lists(names, max_size=3).map(tuple), max_size=2)
looks = st.builds(
    Look,
    st.just(SUBJECT),
    st.sampled_from([action.value for action in Action if action != Action.DEFER_DISCLOSURE]),
    st.booleans(),
    st.lists(texts, max_size=2).map(tuple),
    sights,
    sights,
    st.none() | st.dictionaries(texts, texts, max_size=2),
)
errands = st.builds(Errand, texts, st.none() | texts, texts)


def chained(looks_: Sequence[tuple[Look, Errand]]) -> tuple[list[AccessEntry], Head]:
    entries: list[AccessEntry] = []
    head = NO_HEAD
    for look, errand in looks_:
        entry = linked(OFFICER, errand, look, head, AT)
        head = Head(entry.number, entry.entry_hash)
        entries.append(entry)
    return entries, head


chains = st.lists(st.tuples(looks, errands), min_size=1, max_size=6).map(chained)


@given(chains)
def test_what_was_noted_is_a_chain(chain: tuple[list[AccessEntry], Head]) -> None:
    entries, head = chain
    assert chain_faults(entries, head) == []
    assert [entry_from_json(entry_as_json(entry)) for entry in entries] == entries


@given(chains, st.data())
def test_any_edit_is_found(chain: tuple[list[AccessEntry], Head], data: st.DataObject) -> None:
    entries, head = chain
    place = data.draw(st.integers(0, len(entries) - 1))
    values: dict[str, Any] = entry_as_json(entries[place])
    name = data.draw(st.sampled_from([name for name in AccessEntry._fields if name in values]))
    changes: dict[type, Any] = {
        str: lambda text: f"{text}x",
        int: lambda number: number + 1,
        bool: lambda flag: not flag,
        list: lambda items: [*items, "x"],
        dict: lambda items: {**items, "\x00": ["x"]},
    }
    edited = entries[place]._replace(**{name: changes[type(values[name])](values[name])})
    if data.draw(st.booleans()) and name != "entry_hash":  # whoever edits hashes it again
        edited = edited._replace(entry_hash=hash_of(edited))
    changed = [*entries[:place], edited, *entries[place + 1 :]]
    assert chain_faults(changed, head) != []


@given(chains, st.data())
def test_any_removal_is_found(chain: tuple[list[AccessEntry], Head], data: st.DataObject) -> None:
    entries, head = chain
    kept = data.draw(
        st.lists(st.booleans(), min_size=len(entries), max_size=len(entries)).filter(
            lambda kept: not all(kept)
        )
    )
    left = [entry for entry, is_kept in zip(entries, kept, strict=True) if is_kept]
    assert chain_faults(left, head) != []


@given(chains.filter(lambda chain: len(chain[0]) > 1), st.data())
def test_any_exchange_is_found(chain: tuple[list[AccessEntry], Head], data: st.DataObject) -> None:
    entries, head = chain
    order = data.draw(st.permutations(entries).filter(lambda order: order != entries))
    assert chain_faults(order, head) != []
    numbered = [entry._replace(number=place) for place, entry in enumerate(order, 1)]
    assert chain_faults(numbered, head) != []


def test_the_newest_entry_leaves_unseen_only_with_its_head() -> None:
    entries, head = chained([(LOOK, ERRAND), (LOOK, ERRAND)])
    assert chain_faults(entries[:1], head) == [
        "The head is that of entry 2, and the newest entry is 1."
    ]
    assert chain_faults(entries[:1], Head(1, entries[0].entry_hash)) == []


def test_an_entry_of_another_subject_is_found_in_a_chain() -> None:
    (entry,), head = chained([(LOOK, ERRAND)])
    assert chain_faults([entry._replace(subject="person/2")], head) != []


def test_a_hash_is_that_of_the_canonical_form_without_it() -> None:
    ((entry,), _) = chained([(LOOK, ERRAND)])
    values = entry_as_json(entry)
    assert entry.entry_hash == values.pop("entry_hash") == GOLDEN
    text = json.dumps({"v": 1, **values}, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN


# Part of the stored form 1: whoever changes it can verify no chain that was written before.
GOLDEN: Final = "59c930df0c4f2320c2552c7d6e8c830b2ff09696c402b4d9107c862b1fff3cf7"


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"number": True},
        {"allowed": 1},
        {"officer": None},
        {"roles": "auditor"},
        {"roles": [1]},
        {"seen": {"a": "phone"}},
        {"seen": {"a": [1]}},
        {"seen": []},
        {"note": {"a": 1}},
        {"note": "x"},
        {"case": None},
        {"case": 7},
        {"more": "x"},
    ],
    ids=str,
)
def test_json_of_another_form_is_no_entry(change: dict[str, Any]) -> None:
    ((entry,), _) = chained([(LOOK, ERRAND)])
    with pytest.raises(ValueError, match="stored form"):
        entry_from_json({**entry_as_json(entry), **change})


def test_json_without_a_part_is_no_entry() -> None:
    ((entry,), _) = chained([(LOOK, ERRAND)])
    for name in entry_as_json(entry):
        values = entry_as_json(entry)
        del values[name]
        with pytest.raises(ValueError, match="stored form"):
            entry_from_json(values)


def deferral(number: int, until: str) -> Look:
    note = deferral_note(number, until, "An inquiry.")
    return replace(LOOK, action=Action.DEFER_DISCLOSURE, note=note)


class TestDeferral:
    def test_hides_an_entry_and_itself(self) -> None:
        entries, _ = chained([(LOOK, ERRAND), (deferral(1, LATER), ERRAND)])
        assert hidden_untils(entries) == {1: LATER, 2: LATER}

    def test_that_is_newer_decides_for_the_older_ones_as_well(self) -> None:
        entries, _ = chained(
            [(LOOK, ERRAND), (deferral(1, LATER), ERRAND), (deferral(1, LATEST), ERRAND)]
        )
        assert hidden_untils(entries) == {1: LATEST, 2: LATEST, 3: LATEST}

    def test_that_was_refused_is_none(self) -> None:
        entries, _ = chained([(replace(deferral(1, LATER), allowed=False), ERRAND)])
        assert hidden_untils(entries) == {}

    @pytest.mark.parametrize("note", [None, {}, {"entry": "1"}, {"entry": "x", "until": LATER}])
    def test_without_its_note_is_a_defect(self, note: dict[str, str] | None) -> None:
        look = replace(LOOK, action=Action.DEFER_DISCLOSURE, note=note)
        ((entry,), _) = chained([(look, ERRAND)])
        with pytest.raises(Defect):
            deferral_of(entry)


def test_a_question_fits_what_agrees_with_all_of_it() -> None:
    ((entry,), _) = chained([(LOOK, ERRAND)])
    question = LogQuestion(AT, LATER, officer="o", agency="H26.12", purpose="audit")
    assert question.fits(entry)
    for change in ({"officer": "p"}, {"agency": "H26"}, {"purpose": "x"}, {"begin": LATER}):
        assert not replace(question, **change).fits(entry)
    assert not replace(question, begin="2026", end=AT).fits(entry)
