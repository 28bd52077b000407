"""The compiled loops give what the Python they stand in for gives, and survive any argument."""

from __future__ import annotations

import base64
import contextlib
import json
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.shared import native
from functions.shared.adapters.documents import DICTIONARY, unpack
from functions.shared.adapters.dynamodb import entry_action_plainly
from functions.shared.core.canonical import canonical
from functions.shared.core.events import Event
from functions.shared.core.kinds import KINDS, Kind
from functions.shared.core.lanes import Lane, Lanes, Record, new_record
from functions.shared.core.ledger import EventRef, LedgerEntry, Outcome
from functions.shared.core.planning import Loaded, judged, plan_round
from functions.shared.core.reading import read
from functions.shared.core.stamps import Stamp
from functions.shared.core.taking import SHAPES, Taken, take_plainly
from tests.builders import (
    circumstances,
    entries_of,
    event,
    message,
    messages,
    reading_of,
    understood,
)
from tests.histories import Document, any_history

assert native.COMPILED is not None, "The loops are not compiled: run `make setup`."
LOOPS = native.COMPILED

SALT = bytes(range(16))
AT = "2026-03-03T03:00:00.000000Z"

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text('abcdé漢_\x00"\\\n', max_size=4), inner, max_size=20)
    ),
    max_leaves=30,
)
_stated = st.dictionaries(_texts, _json, max_size=6)


def stating(values: Mapping[str, Any], **parts: Any) -> tuple[Event, tuple[int, ...]]:
    """An event that states any values of any fields, and their ranks."""
    known = understood(event("person.updated", {"phone": "0900000001"}))
    envelope = known.envelope._replace(**parts)
    made = known._replace(envelope=envelope, fields=tuple(values), values=tuple(values.values()))
    return made, tuple(10 + n % 3 for n in range(len(values)))


def taken(by: Callable[..., Taken], record: Record, *told: Any) -> tuple[Any, ...]:
    return tuple(by(record, *told, "AIDA", AT, SALT))


def compiled(*told: Any, owned: bool = False) -> Taken:
    record, event_, ranks, sender, at, salt = told
    return LOOPS.take(record, event_, ranks, sender, at, salt, owned, SHAPES)


def empty() -> Record:
    return new_record("person", "001190000017")


def entry_stating(value: Any) -> LedgerEntry:
    """A ledger entry that states one value."""
    return compiled(empty(), *stating({"full_name": value}), None, AT, SALT).entry


def told(action: bytes) -> tuple[Any, dict[str, bytes]]:
    """An action, and apart from it the documents of its item, plain."""
    plain = json.loads(action)
    item = plain["Put"]["Item"]
    stored = {name: base64.b64decode(item.pop(name)["B"]) for name in ("changes", "event")}
    return plain, {name: inflated(value) for name, value in stored.items()}


def inflated(stored: bytes) -> bytes:
    if stored[:1] != b"\x01":
        return stored
    inflater = zlib.decompressobj(-12, zdict=DICTIONARY)
    plain = inflater.decompress(stored[1:]) + inflater.flush()
    assert inflater.eof
    assert not inflater.unused_data
    return plain


def written_plainly(table: str, entry: LedgerEntry) -> tuple[bytes, int]:
    action, documents = entry_action_plainly(table, entry)
    return orjson.dumps(action, default=lambda raw: base64.b64encode(raw).decode()), documents


def ranked(document: Document, kind: Kind) -> tuple[Event, tuple[int, ...]]:
    reading = reading_of(document, kind)
    ranks, reasons = judged(reading, message(document), None, circumstances(kind))
    assert reading.event is not None
    assert not reasons
    return reading.event, ranks


def order_of(lanes: Lanes) -> list[tuple[str, list[int]]]:
    return [(field, list(by_rank)) for field, by_rank in lanes.items()]


class TestTake:
    @given(any_history())
    def test_it_takes_as_python_does(self, history: tuple[Kind, list[Document]]) -> None:
        kind, documents = history
        records: dict[str, Record] = {}
        for told_ in (ranked(document, kind) for document in documents):
            key = told_[0].key
            record = records.setdefault(key, new_record(kind.name, key))
            before = repr(record)
            expected = taken(take_plainly, record, *told_)
            assert taken(compiled, record, *told_) == expected
            assert repr(record) == before
            records[key] = expected[0]

    @given(any_history())
    def test_lanes_of_ones_own_are_changed_in_place_to_the_same(
        self, history: tuple[Kind, list[Document]]
    ) -> None:
        kind, documents = history
        owned: dict[str, Record] = {}
        copied: dict[str, Record] = {}
        first: dict[str, tuple[Record, str]] = {}
        for event_, ranks in (ranked(document, kind) for document in documents):
            key = event_.key
            told_ = (event_, ranks, "AIDA", AT, SALT)
            begun = new_record(kind.name, key)
            copied[key], *of_copied = compiled(copied.get(key, begun), *told_)
            owned[key], *of_owned = compiled(owned.get(key, begun), *told_, owned=key in owned)
            assert owned[key] == copied[key]
            assert order_of(owned[key].lanes) == order_of(copied[key].lanes)
            assert of_owned == of_copied
            first.setdefault(key, (copied[key], repr(copied[key])))
        for record, as_it_was in first.values():
            assert repr(record) == as_it_was

    def test_what_was_loaded_is_left_as_it_is_though_a_later_step_owns_its_copy(self) -> None:
        loaded, *_ = compiled(empty(), *stating({"a": 1, "b": 2}, time="1"), None, AT, SALT)
        before = repr(loaded)
        once, *_ = compiled(loaded, *stating({"a": 3}, time="2"), None, AT, SALT)
        twice, *_ = compiled(once, *stating({"a": 4, "b": 5}, time="3"), None, AT, SALT, owned=True)
        assert repr(loaded) == before
        shown = {field: [lane.value for lane in of.values()] for field, of in twice.lanes.items()}
        assert shown == {"a": [4], "b": [5]}

    @given(_stated, _stated, st.none() | st.integers(0, 10**18 - 1).map(str), st.integers(0, 2))
    @example({"f": '\x00\x01\x1f\x7f"\\/\b\t\n\f\r\u2028\U0001f600'}, {}, None, 1)
    @example({"f": {f"{n:02}": n for n in range(40, 0, -1)}}, {}, "007", 1)
    def test_any_values_are_proved_as_in_python(
        self, first: Any, second: Any, sequence: str | None, later: int
    ) -> None:
        record = take_plainly(empty(), *stating(first, time="1"), None, AT, SALT).record
        told_ = stating(second, time=str(later), sequence=sequence)
        assert taken(compiled, record, *told_) == taken(take_plainly, record, *told_)
        entry = compiled(record, *told_, None, AT, SALT).entry
        assert entry.document == canonical([change[:5] for change in entry.changes])

    def test_its_tuples_are_the_cores_named_ones(self) -> None:
        event_, ranks = stating({"phone": "0900000001"})
        made = compiled(empty(), event_, ranks, None, AT, SALT)
        record, entry, tied = made
        assert type(made) is Taken
        assert type(record) is Record
        assert type(entry) is LedgerEntry
        assert type(entry.event) is EventRef
        assert entry.outcome is Outcome.APPLIED
        lane = record.lanes["phone"][10]
        assert type(lane) is Lane
        assert type(lane.stamp) is Stamp
        assert lane.stamp == event_.envelope.stamp
        assert tied is False

    @pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, {1: 2}, b"x", object(), 2**64, {1}])
    def test_what_has_no_canonical_form_is_refused_by_both(self, value: Any) -> None:
        told_ = (*stating({"f": value}), None, AT, SALT)
        with pytest.raises((ValueError, TypeError)):
            take_plainly(empty(), *told_)
        with pytest.raises(ValueError, match="no canonical JSON form"):
            compiled(empty(), *told_)

    @pytest.mark.parametrize("value", [1.5, {"a": [(1,)]}])
    def test_what_no_reading_lets_through_is_refused_though_python_would_take_it(
        self, value: Any
    ) -> None:
        with pytest.raises(ValueError, match="no canonical JSON form"):
            compiled(empty(), *stating({"f": value}), None, AT, SALT)

    def test_what_nests_without_end_is_an_error_and_no_crash(self) -> None:
        value: list[Any] = []
        value.append(value)
        with pytest.raises(RecursionError):
            compiled(empty(), *stating({"f": value}), None, AT, SALT)


class TestEntryAction:
    @given(any_history())
    def test_it_writes_what_python_writes(self, history: tuple[Kind, list[Document]]) -> None:
        kind, documents = history
        for entry in entries(kind, documents):
            made, size = LOOPS.entry_action("Ledger", entry, DICTIONARY)
            plain, size_in_python = written_plainly("Ledger", entry)
            assert told(made) == told(plain)
            assert size <= size_in_python * 1.15 + 24

    @given(st.integers(0, 20_000), st.integers(1, 300), st.integers(0, 2**32), st.booleans())
    @example(60_000, 1, 0, True)
    @example(70_000, 258, 7, False)
    def test_any_document_can_be_unpacked(
        self, length: int, period: int, seed: int, plain: bool
    ) -> None:
        made_up = _noise(seed, period) if plain else DICTIONARY[:period].decode(errors="replace")
        text = (made_up * (length // max(len(made_up), 1) + 1))[:length]
        entry = entry_stating(text)
        document = canonical([["full_name", 10, True, None, text]])
        assert entry.document == document
        made, size = LOOPS.entry_action("t", entry, DICTIONARY)
        item = json.loads(made)["Put"]["Item"]
        stored = base64.b64decode(item["changes"]["B"])
        assert unpack(stored) == orjson.loads(document)
        assert inflated(stored) == document
        assert size == len(stored) + len(base64.b64decode(item["event"]["B"]))
        assert len(stored) <= len(document)


class TestAnyArgument:
    @given(
        st.sampled_from(["take", "entry_action"]),
        st.lists(
            st.one_of(
                _json,
                st.binary(max_size=80),
                st.just(SHAPES),
                st.just(DICTIONARY),
                st.builds(empty),
                st.builds(lambda values: stating(values)[0], _stated),
                st.builds(entry_stating, _json),
                st.lists(st.integers(0, 30), max_size=6).map(tuple),
                st.tuples(*[_json] * 7),
                st.tuples(*[_json] * 13),
            ),
            max_size=9,
        ),
    )
    def test_a_wrong_one_is_an_error_and_no_crash(self, name: str, given_: list[Any]) -> None:
        function: Callable[..., Any] = getattr(LOOPS, name)
        with contextlib.suppress(TypeError, ValueError):
            function(*given_)

    @given(st.data())
    def test_one_wrong_part_is_an_error_and_no_crash(self, data: st.DataObject) -> None:
        event_, ranks = stating({"phone": "0900000001", "sex": None})
        record, entry, _ = compiled(empty(), event_, ranks, None, AT, SALT)
        good: dict[str, list[Any]] = {
            "take": [record, event_, ranks, "AIDA", AT, SALT, False, SHAPES],
            "entry_action": ["Ledger", entry, DICTIONARY],
        }
        name = data.draw(st.sampled_from(sorted(good)))
        arguments = good[name]
        at = data.draw(st.integers(0, len(arguments) - 1))
        arguments[at] = data.draw(_one_part_else(arguments[at]))
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            getattr(LOOPS, name)(*arguments)

    def test_what_is_missing_says_what_is_wanted(self) -> None:
        call: Any = LOOPS
        with pytest.raises(TypeError, match="take takes"):
            call.take(SALT)
        with pytest.raises(TypeError, match="entry_action takes"):
            call.entry_action("t", ())
        with pytest.raises(ValueError, match="A dictionary has"):
            call.entry_action("t", entry_stating("A"), b"x")

    def test_nothing_is_left_behind(self) -> None:
        stated = {"full_name": "Nguyễn Thị Mẫu", "residence": {"commune": "00070", "address": "1"}}
        documents = [
            event("person.updated", {**stated, "phone": f"09{n:08}", "household": None}, id_=str(n))
            for n in range(8)
        ]
        kind = KINDS["person"]
        told_ = [ranked(document, kind) for document in documents]
        wrong = stating({"f": object()})

        def work() -> None:
            record, owned = empty(), False
            for event_, ranks in told_:
                record, entry, _ = compiled(record, event_, ranks, "AIDA", AT, SALT, owned=owned)
                owned = not owned
                LOOPS.entry_action("Ledger", entry, DICTIONARY)
            with pytest.raises(ValueError, match="canonical"):
                compiled(record, *wrong, None, AT, SALT)

        work()
        tracemalloc.start()
        try:
            work()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(50):
                work()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 20_000


class TestTheSwitch:
    def test_without_the_compiled_loops_those_in_python_do_the_work(self) -> None:
        document = event("person.updated", {"full_name": "Nguyễn Thị Mẫu", "phone": None})
        by_the_compiled = entries_of(document)
        native.use(compiled=False)
        try:
            assert native.loops is None
            assert entries_of(document) == by_the_compiled
        finally:
            native.use(compiled=True)
        assert native.loops is LOOPS


def entries(kind: Kind, documents: list[Document]) -> list[LedgerEntry]:
    """The entries of a batch."""
    arrived = messages(documents)
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    plan = plan_round(arrived, readings, Loaded({}, {}), circumstances(kind))
    return [entry for change in plan.changes for entry in change.entries]


_anything = st.one_of(_json, st.binary(max_size=4), st.builds(object), st.just(10**30))


def _one_part_else(value: Any) -> st.SearchStrategy[Any]:
    """Something else, or the same with one part of it, or a part of that, something else."""
    if not isinstance(value, tuple) or not value:
        return _anything
    return st.integers(0, len(value) - 1).flatmap(
        lambda at: _one_part_else(value[at]).map(
            lambda part: tuple.__new__(type(value), (*value[:at], part, *value[at + 1 :]))
        )
    ) | st.just(value[:-1])


def _noise(seed: int, length: int) -> str:
    """Text of which no part repeats another for long."""
    state, made = seed, []
    for _ in range(length):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append(chr(0x20 + (state >> 33) % 0x5F))
    return "".join(made)
