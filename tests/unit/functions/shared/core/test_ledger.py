"""Ledger entries, recomputed here from the contract's section 5 with code of the test's own."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.kinds import DOSSIER, PERSON, Kind
from functions.shared.core.lanes import NO_HASH, Change
from functions.shared.core.ledger import (
    EventRef,
    LedgerEntry,
    Outcome,
    erase,
    erasures,
    faults,
    repeats,
)
from functions.shared.core.planning import Loaded, plan_round
from functions.shared.core.reading import read
from functions.shared.core.replay import disagreements, folded
from schemas.forms import normalise_instant
from tests.builders import (
    PERSON_ID,
    RECORDED_AT,
    SENDER,
    circumstances,
    entries_of,
    event,
    messages,
    understood,
)
from tests.histories import Document, histories

# The contract's words, in code of the test's own ---------------------------------------------

CORE = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "correctionof",
    "data",
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def salted(salt: bytes, label: str) -> bytes:
    return hmac.new(salt, label.encode(), hashlib.sha256).digest()


def digest_of(salt: bytes, document: Document) -> str:
    core = {name: document[name] for name in CORE if name in document}
    return sha256(salted(salt, "event") + rfc8785.dumps(core))


def commit_of(salt: bytes, change: Change) -> str:
    values: list[Any] = [change.before, change.stated]
    return sha256(salted(salt, f"field:{change.field}") + rfc8785.dumps(values))


def hash_of(entry: LedgerEntry, document: Document) -> str:
    assert entry.salt is not None
    commits: list[Any] = [[c.field, c.rank, c.won, commit_of(entry.salt, c)] for c in entry.changes]
    return sha256(
        rfc8785.dumps(
            {
                "v": 1,
                "record": entry.record_key,
                "version": entry.version,
                "prev": entry.prev,
                "event": {
                    "source": document["source"],
                    "id": document["id"],
                    "type": document["type"],
                    "time": normalise_instant(document["time"]),
                    "sequence": document.get("sequence"),
                    "digest": digest_of(entry.salt, document),
                },
                "sender": entry.sender,
                "recorded_at": entry.recorded_at,
                "outcome": "applied" if any(c.won for c in entry.changes) else "superseded",
                "changes_digest": sha256(rfc8785.dumps(commits)),
            }
        )
    )


def chains(kind: Kind, documents: Sequence[Document]) -> dict[str, list[LedgerEntry]]:
    """The entries of each record after one batch of all the documents."""
    arrived = messages(documents)
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    plan = plan_round(arrived, readings, Loaded({}, {}), circumstances(kind))
    return {change.after.key: list(change.entries) for change in plan.changes}


# Chains of which the tests below know every value.
FIRST = event("person.updated", {"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="1")
SECOND = event(
    "person.updated", {"phone": None, "sex": "female"}, id_="2", time="2026-03-04T00:00:00Z"
)
THIRD = event(
    "person.updated", {"phone": "0900000003"}, id_="3", time="2026-03-05T00:00:00Z", sequence="07"
)
LATE = event("person.updated", {"phone": "0900000000"}, id_="0", time="2026-03-01T00:00:00Z")


class TestEntries:
    @given(st.data())
    def test_every_hash_is_the_contracts(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([PERSON, DOSSIER]))
        history = data.draw(histories(kind))
        by_uid = {f"{d['source']}#{d['id']}": d for d in history}
        for entries in chains(kind, history).values():
            prev = "0" * 64
            for version, entry in enumerate(entries, start=1):
                assert (entry.version, entry.prev) == (version, prev)
                assert entry.entry_hash == hash_of(entry, by_uid[entry.event_uid])
                assert entry.outcome == (
                    "applied" if any(c.won for c in entry.changes) else "superseded"
                )
                prev = entry.entry_hash

    def test_an_entry_says_what_the_event_did(self) -> None:
        first, second = entries_of(FIRST, SECOND)
        assert first == first._replace(
            event_uid="/agencies/G01#1",
            record_key=f"person/{PERSON_ID}",
            version=1,
            prev=NO_HASH,
            sender=SENDER,
            recorded_at=RECORDED_AT,
            outcome=Outcome.APPLIED,
        )
        assert first.changes == (
            Change("full_name", 30, True, None, "Nguyễn Thị Mẫu"),
            Change("phone", 10, True, None, "0900000001"),
        )
        assert first == first.with_changes(first.changes)
        assert second.prev == first.entry_hash
        assert second.changes == (
            Change("sex", 30, True, None, "female"),
            Change("phone", 10, True, "0900000001", None),
        )

    def test_an_older_event_is_superseded_and_keeps_its_entry(self) -> None:
        *_, late = entries_of(FIRST, THIRD, LATE)
        assert late.outcome is Outcome.SUPERSEDED
        assert late.changes == (Change("phone", 10, False, "0900000003", "0900000000"),)

    def test_a_sequence_is_kept_as_it_was_sent(self) -> None:
        (entry,) = entries_of(THIRD)
        assert entry.event.sequence == "07"
        assert entry.event.stamp.sequence == 7

    def test_changes_are_in_the_order_of_the_contract(self) -> None:
        first = event(
            "person.identifier-replaced",
            {"replaces": ["079300000001", "001085000024"], "phone": "1234", "full_name": "A"},
        )
        (entry,) = entries_of(first)
        stated = ["full_name", "phone", "replaces/001085000024", "replaces/079300000001"]
        assert [change.field for change in entry.changes] == stated

    def test_an_annulment_comes_after_the_other_fields_and_before_steps(self) -> None:
        step = {"id": "s", "at": "2026-03-03T02:00:00Z"}
        fields_ = {"annulment": {"reason": "Trùng"}, "step": step, "satisfaction": None}
        (entry,) = entries_of(event("dossier.annulled", fields_))
        stated = ["satisfaction", "annulment", "step//agencies/H26.12/s"]
        assert [change.field for change in entry.changes] == stated


class TestDigests:
    SALT = bytes(range(16))

    def test_a_repeat_has_the_same_core_whatever_else_it_carries(self) -> None:
        again = {**FIRST, "traceparent": "00-1", "datacontenttype": "application/json"}
        core, same = understood(FIRST).core, understood(again).core
        assert same == core
        assert repeats(digest_of(self.SALT, FIRST), self.SALT, same)

    @pytest.mark.parametrize(
        "change",
        [
            {"sequence": "1"},
            {"correctionof": "e"},
            {"time": "2026-03-03T09:00:00+07:00"},  # the same instant, but not as received
            {"data": {**FIRST["data"], "phone": "0900000009"}},
            {"type": "vn.lienthong.person.registered.v1"},
            {"subject": "x"},
            {"id": "x"},
            {"source": "/agencies/G03"},
            {"specversion": "1.1"},
        ],
    )
    def test_any_change_of_the_core_is_another_event(self, change: Document) -> None:
        core = rfc8785.dumps({**FIRST, **change})
        assert not repeats(digest_of(self.SALT, FIRST), self.SALT, core)

    def test_an_attribute_that_is_null_is_left_out_of_the_core(self) -> None:
        assert understood({**FIRST, "sequence": None}).core == understood(FIRST).core

    def test_what_has_no_canonical_form_repeats_nothing(self) -> None:
        assert not repeats(digest_of(self.SALT, FIRST), self.SALT, None)

    def test_after_an_erasure_anything_with_this_identity_is_a_repeat(self) -> None:
        assert repeats(digest_of(self.SALT, FIRST), None, b"{}")
        assert repeats(digest_of(self.SALT, FIRST), None, None)


OTHERS: dict[str, Any] = {
    "event_uid": "/agencies/G01#9",
    "record_key": f"person/{PERSON_ID[:-1]}8",
    "version": 7,
    "prev": "1" * 64,
    "entry_hash": "2" * 64,
    "sender": None,
    "recorded_at": "2026-11-22T08:00:02.000000Z",
    "outcome": Outcome.SUPERSEDED,
    "changes_digest": "3" * 64,
    "salt": b"\1" * 16,
}
"""Another value for each attribute of an entry."""


class TestFaults:
    def test_an_honest_entry_has_none(self) -> None:
        for entry in entries_of(FIRST, SECOND, THIRD, LATE):
            assert faults(entry) == []

    @pytest.mark.parametrize("name", OTHERS)
    def test_every_attribute_of_an_entry_is_proven(self, name: str) -> None:
        (entry,) = entries_of(FIRST)
        assert faults(entry._replace(**{name: OTHERS[name]}))

    def test_no_attribute_was_forgotten_above(self) -> None:
        named = set(LedgerEntry._fields)
        assert named == {*OTHERS, "event", "document", "salts"}

    @pytest.mark.parametrize("name", EventRef._fields)
    def test_everything_about_the_event_is_proven(self, name: str) -> None:
        (entry,) = entries_of(THIRD)
        assert faults(entry._replace(event=entry.event._replace(**{name: "x"})))

    def test_a_sequence_that_was_added_or_taken_away_is_seen(self) -> None:
        (entry,) = entries_of(THIRD)
        assert faults(entry._replace(event=entry.event._replace(sequence=None)))
        assert faults(entry._replace(event=entry.event._replace(sequence="7")))

    @pytest.mark.parametrize(
        "change",
        [
            {"field": "sex"},
            {"rank": 20},
            {"won": False},
            {"before": "x"},
            {"stated": "0900000002"},
            {"stated": None},
            {"erased": "pair"},
            {"erased": "pair", "commit": "0" * 64},
        ],
    )
    def test_everything_about_a_change_is_proven(self, change: dict[str, Any]) -> None:
        (entry,) = entries_of(FIRST)
        name, phone = entry.changes
        assert faults(entry.with_changes((name, phone._replace(**change))))

    def test_a_change_that_was_added_dropped_or_moved_is_seen(self) -> None:
        (entry,) = entries_of(FIRST)
        name, phone = entry.changes
        for changes in [(name,), (phone, name), (name, phone, phone), ()]:
            assert faults(entry.with_changes(changes))

    def test_true_is_not_one(self) -> None:
        """Python calls them equal; in the ledger they are two values."""
        (entry,) = entries_of(event("dossier.updated", {"digitised_parts": True}))
        (change,) = entry.changes
        assert faults(entry.with_changes((change._replace(stated=1),)))


class TestErasure:
    def test_the_values_go_and_the_entry_still_verifies(self) -> None:
        (entry,) = entries_of(FIRST)
        erased = erase(entry, ["full_name"])
        name, phone = erased.changes
        assert (name.before, name.stated, name.erased) == (None, None, "pair")
        assert (name.field, name.rank, name.won) == ("full_name", 30, True)
        assert phone == entry.changes[1], "what was not erased stays"
        assert faults(erased) == []
        assert erased.entry_hash == entry.entry_hash
        assert "Mẫu" not in repr(erased)

    def test_no_salt_that_could_confirm_a_guess_is_left(self) -> None:
        (entry,) = entries_of(FIRST)
        assert entry.salt is not None
        erased = erase(entry, ["full_name"])
        assert erased.salt is None
        assert erased.erased
        assert erased.salts == {"phone": salted(entry.salt, "field:phone").hex()}
        left = repr(erased)
        for label in ("event", "field:full_name"):
            assert salted(entry.salt, label).hex() not in left
        assert entry.salt.hex() not in left

    def test_the_commitment_that_is_kept_is_the_one_that_was_hashed(self) -> None:
        (entry,) = entries_of(FIRST)
        assert entry.salt is not None
        erased = erase(entry, ["full_name"])
        assert erased.changes[0].commit == commit_of(entry.salt, entry.changes[0])

    def test_what_is_left_can_still_be_proven(self) -> None:
        (entry,) = entries_of(FIRST)
        name, phone = erase(entry, ["full_name"]).changes
        forged = erase(entry, ["full_name"]).with_changes((name, phone._replace(stated="1")))
        assert faults(forged)

    def test_only_the_value_until_then_may_go(self) -> None:
        _, second = entries_of(FIRST, {**THIRD, "id": "2"})
        erased = erase(second, ["phone"], before_only=True)
        (phone,) = erased.changes
        assert (phone.before, phone.stated, phone.erased) == (None, "0900000003", "before")
        assert faults(erased) == []

    def test_both_may_go_after_one_went(self) -> None:
        _, second = entries_of(FIRST, {**THIRD, "id": "2"})
        erased = erase(erase(second, ["phone"], before_only=True), ["phone"])
        (phone,) = erased.changes
        assert (phone.before, phone.stated, phone.erased) == (None, None, "pair")
        assert faults(erased) == []

    def test_one_field_after_the_other(self) -> None:
        (entry,) = entries_of(FIRST)
        erased = erase(erase(entry, ["full_name"]), ["phone"])
        assert erased.salts == {}
        assert [change.erased for change in erased.changes] == ["pair", "pair"]
        assert faults(erased) == []
        assert erased == erase(entry, ["phone", "full_name"])

    def test_erasing_again_changes_nothing(self) -> None:
        (entry,) = entries_of(FIRST)
        once = erase(entry, ["full_name"])
        assert erase(once, ["full_name"]) == once
        assert erase(once, ["full_name"], before_only=True) == once

    def test_every_erasure_counts(self) -> None:
        """A writer that loaded the record before must see that something went."""
        _, second = entries_of(FIRST, {**THIRD, "id": "2"})
        before = erase(second, ["phone"], before_only=True)
        assert erasures(second) < erasures(before) < erasures(erase(before, ["phone"]))

    def test_a_field_that_the_entry_does_not_state_cannot_go(self) -> None:
        (entry,) = entries_of(FIRST)
        with pytest.raises(ValueError, match="does not state sex"):
            erase(entry, ["phone", "sex"])

    def test_a_missing_salt_is_a_fault(self) -> None:
        (entry,) = entries_of(FIRST)
        assert faults(erase(entry, ["full_name"])._replace(salts={}))
        assert faults(entry._replace(salt=None))

    @given(st.data(), histories(PERSON, keys=(PERSON_ID,)))
    def test_any_erasure_leaves_a_chain_that_verifies(
        self, data: st.DataObject, history: list[Document]
    ) -> None:
        entries = chains(PERSON, history)[PERSON_ID]
        index = data.draw(st.sampled_from(range(len(entries))))
        named = [change.field for change in entries[index].changes]
        gone = data.draw(st.sets(st.sampled_from(named), min_size=1))
        entries[index] = erase(entries[index], gone)
        for later in range(index + 1, len(entries)):
            stated = gone & {change.field for change in entries[later].changes}
            if stated:
                entries[later] = erase(entries[later], stated, before_only=True)
        assert disagreements("person", PERSON_ID, entries) == []
        assert folded("person", PERSON_ID, entries).version == len(entries)
