"""What `RecordStore` and `KnownEvents` guarantee: the fakes and the adapters pass one suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest

from functions.shared.adapters.attributes import size_of_item
from functions.shared.adapters.bulk import MOST_KEYS, Waiting
from functions.shared.adapters.dynamodb import (
    MOST_ACTIONS,
    MOST_BYTES,
    DynamoRecords,
    entry_from_item,
    item_from_entry,
    item_from_record,
    record_from_item,
)
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.kinds import DOSSIER, PERSON, Kind
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import LedgerEntry, erase
from functions.shared.core.planning import Loaded, RecordChange, plan_round
from functions.shared.core.reading import read
from functions.shared.ports import Commit, KnownEvents, RecordStore
from tests import faults
from tests.builders import (
    DOSSIER_CODE,
    OTHER_PERSON_ID,
    PERSON_ID,
    circumstances,
    entries_of,
    event,
    messages,
    salts,
)
from tests.fakes import FakeLedger, FakeRecords, Passed, Unhurried
from tests.faults import Faulty
from tests.integration.functions.stack import Aws, MotoWorld

NOTHING = Loaded({}, {})


class Stores(Protocol):
    """A record store and a ledger over the same tables."""

    @property
    def store(self) -> RecordStore: ...

    @property
    def ledger(self) -> KnownEvents: ...


@dataclass(frozen=True)
class Pair:
    store: RecordStore
    ledger: KnownEvents


def stores(which: str, aws: Aws, kind: Kind = PERSON) -> Pair:
    if which == "fake":
        ledger = FakeLedger()
        return Pair(FakeRecords(kind, ledger), ledger)
    world = MotoWorld(aws, kind)
    return Pair(world.store(), world.ledger())


@pytest.fixture(params=["fake", "dynamodb"])
def pair(request: pytest.FixtureRequest, aws: Aws) -> Pair:
    return stores(request.param, aws)


def changes(
    *documents: Mapping[str, Any], loaded: Loaded = NOTHING, kind: Kind = PERSON, salt: int = 1
) -> tuple[RecordChange, ...]:
    arrived = messages(documents)
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    plan = plan_round(arrived, readings, loaded, circumstances(kind, salt=salts(salt)))
    assert not plan.refused
    return plan.changes


def load(pair: Stores, *keys: str, events: tuple[str, ...] = ()) -> Loaded:
    return pair.store.load(keys, events, Unhurried())


def test_a_table_that_answers_for_one_key_at_a_time_is_slow_and_not_broken(aws: Aws) -> None:
    few = faults.unprocessed(lambda keys: min(keys, 1))
    client = Faulty(aws.dynamodb, faults.always("batch_get_item", few))
    keys = [f"0011900000{n:02d}" for n in range(12)]
    store = MotoWorld(aws, PERSON).store(client)
    assert store.load(keys, [], Unhurried()) == NOTHING
    assert len(client.calls) == len(keys)


class TestLoading:
    def test_what_is_not_there_is_absent(self, pair: Pair) -> None:
        assert load(pair, PERSON_ID, events=("/agencies/G01#e-1",)) == NOTHING
        assert load(pair) == NOTHING

    def test_what_was_committed_is_loaded(self, pair: Pair) -> None:
        (change,) = changes(event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": None}))
        assert pair.store.commit([change]) == [Commit.DONE]
        loaded = load(pair, PERSON_ID, OTHER_PERSON_ID, events=("/agencies/G01#e-1", "x#y"))
        assert loaded.records == {PERSON_ID: change.after}
        (entry,) = change.entries
        (known,) = loaded.events.values()
        assert list(loaded.events) == ["/agencies/G01#e-1"]
        assert (known.digest, known.salt) == (entry.event.digest, entry.salt)
        assert (known.entry_hash, known.outcome) == (entry.entry_hash, entry.outcome)

    def test_more_than_a_call_holds_is_loaded_as_well(self, pair: Pair) -> None:
        keys = [f"0011900{n:05}" for n in range(MOST_KEYS + 20)]
        written = changes(*(event(key=key, id_=key) for key in keys))
        assert set(pair.store.commit(written)) == {Commit.DONE}
        loaded = load(pair, *keys, events=tuple(f"/agencies/G01#{key}" for key in keys))
        assert set(loaded.records) == set(keys)
        assert len(loaded.events) == len(keys)

    def test_the_ledger_is_asked_by_event_alone(self, pair: Pair) -> None:
        pair.store.commit(changes(event(), event(id_="2")))
        asked = {"/agencies/G01#e-1", "/agencies/G01#3"}
        known = pair.ledger.known(asked, Unhurried())
        assert set(known) == {"/agencies/G01#e-1"}
        assert pair.ledger.known((), Unhurried()) == {}


class TestCommitting:
    def test_every_change_is_answered_in_order(self, pair: Pair) -> None:
        first, second = changes(event(), event(key=OTHER_PERSON_ID, id_="2"))
        assert pair.store.commit([second]) == [Commit.DONE]
        assert pair.store.commit([first, second]) == [Commit.DONE, Commit.CONFLICT]
        assert set(load(pair, PERSON_ID, OTHER_PERSON_ID).records) == {PERSON_ID, OTHER_PERSON_ID}

    def test_nothing_to_commit_is_nothing(self, pair: Pair) -> None:
        assert pair.store.commit([]) == []

    def test_a_record_that_appeared_is_a_conflict(self, pair: Pair) -> None:
        (mine,), (theirs,) = changes(event()), changes(event(id_="2"), salt=9)
        assert pair.store.commit([theirs]) == [Commit.DONE]
        assert pair.store.commit([mine]) == [Commit.CONFLICT]
        loaded = load(pair, PERSON_ID, events=("/agencies/G01#e-1",))
        assert loaded.records == {PERSON_ID: theirs.after}
        assert loaded.events == {}, "nothing of it was written"

    def test_a_record_that_moved_on_is_a_conflict(self, pair: Pair) -> None:
        pair.store.commit(changes(event()))
        before = load(pair, PERSON_ID)
        (mine,) = changes(event(id_="2"), loaded=before)
        (theirs,) = changes(event(id_="3"), loaded=before, salt=9)
        assert pair.store.commit([theirs]) == [Commit.DONE]
        assert pair.store.commit([mine]) == [Commit.CONFLICT]
        assert load(pair, PERSON_ID).records == {PERSON_ID: theirs.after}

    def test_an_event_that_is_there_already_is_a_conflict(self, pair: Pair) -> None:
        pair.store.commit(changes(event(key=OTHER_PERSON_ID)))
        (mine,) = changes(event(), salt=9)
        assert pair.store.commit([mine]) == [Commit.CONFLICT]
        assert load(pair, PERSON_ID) == NOTHING, "the record was not written either"

    def test_one_event_that_is_there_stops_all_of_its_change(self, pair: Pair) -> None:
        pair.store.commit(changes(event(key=OTHER_PERSON_ID, id_="2")))
        (mine,) = changes(event(), event(id_="2"), event(id_="3"), salt=9)
        assert pair.store.commit([mine]) == [Commit.CONFLICT]
        assert load(pair, PERSON_ID, events=("/agencies/G01#e-1",)) == NOTHING

    def test_the_same_change_again_is_a_conflict(self, pair: Pair) -> None:
        written = changes(event())
        assert pair.store.commit(written) == [Commit.DONE]
        assert pair.store.commit(written) == [Commit.CONFLICT]
        assert load(pair, PERSON_ID).records[PERSON_ID].version == 1

    def test_a_value_erased_meanwhile_is_not_brought_back(self, pair: Pair) -> None:
        """An erasure keeps the head, so the head alone must not be the guard."""
        pair.store.commit(changes(event()))
        before = load(pair, PERSON_ID)
        erased = before.records[PERSON_ID]._replace(erasures=2)
        stale = Loaded({PERSON_ID: erased}, {})
        (mine,) = changes(event(id_="2"), loaded=stale)
        assert pair.store.commit([mine]) == [Commit.CONFLICT]

    def test_a_change_of_99_events_fits(self, pair: Pair) -> None:
        (change,) = changes(*(event(id_=f"{n:02}") for n in range(99)))
        assert pair.store.commit([change]) == [Commit.DONE]
        assert load(pair, PERSON_ID).records[PERSON_ID].version == 99


@pytest.mark.parametrize("which", ["fake", "dynamodb"])
def test_a_record_beyond_an_item_is_too_large_and_the_others_are_written(
    which: str, aws: Aws
) -> None:
    pair = stores(which, aws, DOSSIER)
    long = dict.fromkeys(("handler", "unit", "text", "origin"), "\U0001f600" * 1000)
    steps = [
        event(
            "dossier.updated",
            {"step": {"id": str(n), "at": "2026-03-03T02:00:00Z", **long}},
            id_=str(n),
        )
        for n in range(30)
    ]
    other = event("dossier.updated", key="H26.12-260303-0001", id_="other")
    large, small = changes(*steps, other, kind=DOSSIER)
    assert pair.store.commit([large, small]) == [Commit.TOO_LARGE, Commit.DONE]
    assert set(load(pair, DOSSIER_CODE, small.after.key).records) == {small.after.key}


class TestTransactions:
    """What the adapter alone has: many records in one transaction, and its limits."""

    def sizes(self, client: Faulty) -> list[int]:
        return [len(c.actions) for c in client.calls if c.operation == "transact_write_items"]

    def test_many_records_share_a_transaction(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb)
        store = MotoWorld(aws, PERSON).store(client)
        keys = [f"0011900{n:05}" for n in range(60)]
        outcomes = store.commit(changes(*(event(key=key, id_=key) for key in keys)))
        assert set(outcomes) == {Commit.DONE}
        assert self.sizes(client) == [MOST_ACTIONS, 20]

    def test_a_change_is_never_split(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb)
        store = MotoWorld(aws, PERSON).store(client)
        documents = [event(id_=f"{n:02}") for n in range(70)]
        documents += [event(key=OTHER_PERSON_ID, id_=f"x{n:02}") for n in range(40)]
        assert store.commit(changes(*documents)) == [Commit.DONE, Commit.DONE]
        assert self.sizes(client) == [71, 41]

    def test_a_transaction_stays_under_its_bytes(self, aws: Aws) -> None:
        def written(*_: object) -> dict[str, Any]:
            return {}  # what is sent is looked at, not what becomes of it

        client = Faulty(aws.dynamodb, faults.always("transact_write_items", written))
        store = MotoWorld(aws, DOSSIER).store(client)
        long = dict.fromkeys(("handler", "unit", "text", "origin"), "\U0001f600" * 1000)
        step = {"at": "2026-03-03T02:00:00Z", **long}
        plans = [
            change
            for key in range(20)
            for change in changes(
                *(
                    event(
                        "dossier.updated",
                        {"step": {"id": f"{n}", **step}},
                        id_=f"{key}-{n}",
                        key=f"H26.12-260303-{key:04}",
                    )
                    for n in range(20)
                ),
                kind=DOSSIER,
            )
        ]
        alone = [change._replace(entries=change.entries[:1]) for change in plans]
        assert set(store.commit(alone)) == {Commit.DONE}
        assert sum(self.sizes(client)) == 2 * len(alone)
        sizes = [
            sum(size_of_item(action["Put"]["Item"]) for action in call.actions)
            for call in client.calls
        ]
        assert len(sizes) > 1, "by the number of actions one would do"
        assert max(sizes) <= MOST_BYTES < 4 * 1024 * 1024
        assert sizes[0] > MOST_BYTES - 400_000, "filled as far as it goes"

    def test_reads_are_consistent(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb)
        world = MotoWorld(aws, PERSON)
        world.store(client).load({PERSON_ID}, {"a#b"}, Unhurried())
        world.ledger(client).known({"a#b"}, Unhurried())
        world.quarantine(client).resolve({"x"}, "", "", Unhurried())
        for call in client.calls:
            for wanted in call.request["RequestItems"].values():
                assert wanted["ConsistentRead"] is True

    def test_both_tables_are_read_in_one_call(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb)
        MotoWorld(aws, PERSON).store(client).load({PERSON_ID}, {"a#b"}, Unhurried())
        assert len(client.calls) == 1


class TestReading:
    def test_unprocessed_keys_are_asked_again_and_no_other(self, aws: Aws) -> None:
        world = MotoWorld(aws, PERSON)
        keys = [f"0011900{n:05}" for n in range(10)]
        world.store().commit(changes(*(event(key=key, id_=key) for key in keys)))
        client = Faulty(
            aws.dynamodb, faults.on("batch_get_item", faults.half_processed, faults.half_processed)
        )
        loaded = world.store(client).load(keys, (), Unhurried())
        assert set(loaded.records) == set(keys)
        asked = [len(c.request["RequestItems"][world.records_table]["Keys"]) for c in client.calls]
        assert asked == [10, 5, 3]

    def test_keys_that_stay_unprocessed_are_a_retry(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb, faults.always("batch_get_item", faults.nothing_processed))
        with pytest.raises(Retry):
            MotoWorld(aws, PERSON).store(client).load({PERSON_ID}, (), Unhurried())
        assert 1 < len(client.calls) < 20

    def test_a_deadline_ends_the_waiting(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb, faults.always("batch_get_item", faults.nothing_processed))
        with pytest.raises(Retry):
            MotoWorld(aws, PERSON).store(client).load({PERSON_ID}, (), Passed())
        assert len(client.calls) == 1, "once it is asked all the same"

    def test_waiting_grows_and_is_jittered(self, aws: Aws) -> None:
        client = Faulty(aws.dynamodb, faults.always("batch_get_item", faults.cut()))
        world = MotoWorld(aws, PERSON)
        pauses: list[float] = []
        waiting = Waiting(pauses.append, lambda: 0.5)
        store = DynamoRecords(client, PERSON, world.records_table, world.ledger_table, waiting)  # type: ignore[arg-type]  # a stand-in
        with pytest.raises(Retry):
            store.load({PERSON_ID}, (), Unhurried())
        assert pauses == sorted(pauses)
        assert pauses[0] == 0.025
        assert pauses[-1] == 0.5

    def test_a_broken_stack_is_a_defect(self, aws: Aws) -> None:
        world = replace(MotoWorld(aws, PERSON).store(), records_table="missing")
        with pytest.raises(Defect, match="ResourceNotFoundException"):
            world.load({PERSON_ID}, (), Unhurried())


class TestForms:
    def entries(self) -> list[LedgerEntry]:
        first = event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="1")
        second = event(fields={"phone": None}, id_="2", sequence="07", time="2026-03-04T00:00:00Z")
        return entries_of(first, second)

    def test_an_entry_comes_back_from_its_item(self) -> None:
        for entry in self.entries():
            assert entry_from_item(item_from_entry(entry)) == entry

    def test_an_erased_entry_comes_back_from_its_item(self) -> None:
        first, second = self.entries()
        for erased in (
            erase(first, ["phone"]),
            erase(second, ["phone"], before_only=True),
            erase(first, ["full_name", "phone"]),
        ):
            item = item_from_entry(erased)
            assert entry_from_item(item) == erased
            assert "salt" not in item
            assert "Mẫu" not in repr(item) or "full_name" in repr(erased.salts)

    def test_an_entry_has_the_attributes_of_the_contract(self) -> None:
        first, _ = self.entries()
        item = item_from_entry(first)
        assert set(item) == {
            *("event_uid", "record_key", "version", "prev", "entry_hash", "event", "sender"),
            *("recorded_at", "outcome", "changes_digest", "changes", "salt"),
        }
        erased = item_from_entry(erase(first, ["phone"])._replace(sender=None))
        assert set(erased) == (set(item) - {"salt", "sender"}) | {"salts"}

    @pytest.mark.parametrize(
        "name", ["event_uid", "event", "changes", "salt", "outcome", "version"]
    )
    def test_an_entry_of_another_form_is_a_value_error(self, name: str) -> None:
        first, _ = self.entries()
        item = item_from_entry(first)
        for damaged in (
            {**item, name: {"B": b"nonsense"}},
            {k: v for k, v in item.items() if k != name},
        ):
            if name in ("event_uid", "version", "salt") and name in damaged:
                continue  # bytes are taken for what they are; their hashes accuse them
            with pytest.raises(ValueError):  # noqa: PT011 - which text it has is another module's
                entry_from_item(damaged)

    @pytest.mark.parametrize("name", ["personal_id", "lanes", "version", "head", "phone"])
    def test_a_record_of_another_form_is_a_defect(self, name: str) -> None:
        (change,) = changes(event())
        item = item_from_record(change.after)
        assert record_from_item(PERSON, item) == change.after
        with pytest.raises(Defect, match="person"):
            record_from_item(PERSON, {k: v for k, v in item.items() if k != name})

    def test_a_record_of_nothing_is_an_item_without_nothing(self) -> None:
        item = item_from_record(Record("person", PERSON_ID, {}))
        assert not [value for value in item.values() if "NULL" in value or value == {"S": None}]
