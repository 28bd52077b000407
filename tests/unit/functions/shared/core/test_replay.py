"""Entries become a record again, and what does not agree is named (guarantee G2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.shared.core.items import item_of
from functions.shared.core.kinds import PERSON
from functions.shared.core.lanes import NO_HASH
from functions.shared.core.ledger import LedgerEntry, Outcome, erase
from functions.shared.core.planning import Loaded, plan_round
from functions.shared.core.reading import read
from functions.shared.core.replay import disagreements, folded, item_disagreements
from tests.builders import (
    OTHER_PERSON_ID,
    PERSON_ID,
    circumstances,
    entries_of,
    event,
    message,
)


def chain() -> list[LedgerEntry]:
    return entries_of(
        event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="1"),
        event(fields={"phone": "0900000002"}, id_="2", time="2026-03-04T00:00:00Z"),
        event(fields={"phone": "0900000000"}, id_="3", time="2026-03-01T00:00:00Z"),
    )


def faults(entries: list[LedgerEntry]) -> list[str]:
    return disagreements("person", PERSON_ID, entries)


def test_an_honest_chain_agrees() -> None:
    assert faults(chain()) == []


def test_no_entries_agree() -> None:
    assert faults([]) == []


def test_the_fold_of_the_entries_is_the_record() -> None:
    record = folded("person", PERSON_ID, chain())
    *_, last = chain()
    assert (record.version, record.head, record.updated_at) == (
        3,
        last.entry_hash,
        last.recorded_at,
    )
    item = item_of(record)
    assert item["phone"] == "0900000002"
    assert item["full_name"] == "Nguyễn Thị Mẫu"


def test_no_entries_fold_into_an_empty_record() -> None:
    assert folded("person", PERSON_ID, []).head == NO_HASH


Tampering = Callable[[list[LedgerEntry]], list[LedgerEntry]]


def _with(index: int, **attributes: Any) -> Tampering:
    return lambda entries: [
        entry._replace(**attributes) if i == index else entry for i, entry in enumerate(entries)
    ]


def _other_record(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    return [*entries, *entries_of(event(key=OTHER_PERSON_ID))]


TAMPERING: dict[str, Tampering] = {
    "the first entry is gone": lambda entries: entries[1:],
    "an entry in the middle is gone": lambda entries: [entries[0], entries[2]],
    "two entries are swapped": lambda entries: [entries[1], entries[0], entries[2]],
    "an entry is there twice": lambda entries: [entries[0], *entries],
    "an entry of another record is among them": _other_record,
    "an entry has another version": _with(1, version=5),
    "an entry follows another one": _with(1, prev=NO_HASH),
    "an entry has another outcome": _with(2, outcome=Outcome.APPLIED),
    "an entry was sent by another principal": _with(0, sender="AROAOTHER"),
    "an entry was recorded at another time": _with(0, recorded_at="2026-01-01T00:00:00.000000Z"),
    "an entry has another hash": _with(2, entry_hash="0" * 64),
    "an entry states something else": lambda entries: _restated(entries),
}


def _restated(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    name, phone = entries[0].changes
    forged = (name, phone._replace(stated="0900000009"))
    return [entries[0].with_changes(forged), *entries[1:]]


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_seen(what: str) -> None:
    assert faults(TAMPERING[what](chain()))


def test_entries_swapped_along_with_their_versions_are_seen() -> None:
    first, second, third = chain()
    swapped = [second._replace(version=1), first._replace(version=2), third]
    assert faults(swapped)


def test_a_chain_that_was_rehashed_but_not_refolded_is_seen() -> None:
    """Whoever can compute the hashes still cannot claim what folding does not give."""
    honest = event(fields={"phone": "0900000001"}, id_="1")
    later = event(fields={"phone": "0900000002"}, id_="2", time="2026-03-04T00:00:00Z")
    (first, _), (forged,) = entries_of(honest, later), entries_of(later)
    rehashed = entries_of(honest, later)[1]
    assert faults([first, rehashed]) == []
    assert faults([first, forged._replace(version=2)])


def test_an_entry_that_claims_to_have_won_is_seen_even_with_hashes_that_fit() -> None:
    late = event(fields={"phone": "0900000000"}, id_="0", time="2026-03-01T00:00:00Z")
    now = event(fields={"phone": "0900000001"}, id_="1")
    (alone,) = entries_of(late)
    assert alone.outcome is Outcome.APPLIED
    found = faults([*entries_of(now), alone])
    assert any("won or lost" in text for text in found)
    assert any("was not what the entry says" in text for text in found)
    assert any("outcome" in text for text in found)


def test_a_gap_in_the_versions_is_seen_even_where_the_links_fit() -> None:
    (first,) = entries_of(event(id_="1"))
    skipping = folded("person", PERSON_ID, [first])._replace(version=5)
    arrived = [message(event(id_="2"))]
    readings = {0: read(arrived[0].body, PERSON)}
    loaded = Loaded({PERSON_ID: skipping}, {})
    (change,) = plan_round(arrived, readings, loaded, circumstances()).changes
    found = faults([first, *change.entries])
    assert len(found) == 1
    assert "version 2 was due" in found[0]


def test_a_fork_is_seen_even_where_the_versions_fit() -> None:
    first = entries_of(event(id_="1"))
    forked = entries_of(event(id_="0"), event(id_="2"))[1:]
    assert any("does not follow" in text for text in faults([*first, *forked]))


def test_the_fault_names_the_entry() -> None:
    assert all(text.startswith("Entry 3: ") for text in faults(_with(2, sender="x")(chain())))


def test_an_erased_value_is_no_disagreement() -> None:
    first, second, third = chain()
    second_erased = erase(second, ["phone"])
    third_erased = erase(third, ["phone"], before_only=True)
    assert faults([first, second_erased, third_erased]) == []
    record = folded("person", PERSON_ID, [first, second_erased, third_erased])
    assert "phone" not in item_of(record), "the erased value was the newest of its lane"
    assert record.erasures > 0


def test_an_erased_value_hides_no_other_forgery() -> None:
    first, second, third = chain()
    erased = erase(second, ["phone"])
    assert faults([first, erased._replace(sender="x"), third])


class TestItems:
    def item(self) -> dict[str, Any]:
        return item_of(folded("person", PERSON_ID, chain()))

    def test_the_item_of_the_fold_agrees(self) -> None:
        assert item_disagreements("person", PERSON_ID, self.item(), chain()) == []

    def test_no_item_and_no_entries_agree(self) -> None:
        assert item_disagreements("person", PERSON_ID, None, []) == []

    @pytest.mark.parametrize("name", sorted(item_of(folded("person", PERSON_ID, chain()))))
    def test_any_attribute_that_is_gone_or_edited_is_named(self, name: str) -> None:
        gone = {key: value for key, value in self.item().items() if key != name}
        assert [
            name in text for text in item_disagreements("person", PERSON_ID, gone, chain())
        ] == [True]
        edited = {**self.item(), name: "edited"}
        assert [
            name in text for text in item_disagreements("person", PERSON_ID, edited, chain())
        ] == [True]

    def test_an_attribute_that_was_added_is_named(self) -> None:
        edited = {**self.item(), "note": "x"}
        assert "note" in item_disagreements("person", PERSON_ID, edited, chain())[0]

    def test_true_is_not_one_however_deep(self) -> None:
        entries = entries_of(event("dossier.updated", {"fee": {"paid": True}}))
        key = entries[0].record_key.partition("/")[2]
        item = item_of(folded("dossier", key, entries))
        assert item_disagreements("dossier", key, item, entries) == []
        assert item_disagreements("dossier", key, {**item, "fee": {"paid": 1}}, entries)

    def test_a_record_that_is_missing_is_named(self) -> None:
        assert "missing" in item_disagreements("person", PERSON_ID, None, chain())[0]

    def test_a_record_without_entries_is_named(self) -> None:
        assert "no ledger entry" in item_disagreements("person", PERSON_ID, self.item(), [])[0]

    def test_an_old_version_put_back_is_named(self) -> None:
        old = item_of(folded("person", PERSON_ID, chain()[:1]))
        assert item_disagreements("person", PERSON_ID, old, chain())
