"""The compiled loops give what the Python they stand in for gives, and survive any argument."""

from __future__ import annotations

import base64
import contextlib
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.shared import native
from functions.shared.adapters.documents import DICTIONARY, unpack
from functions.shared.adapters.dynamodb import entry_action_plainly
from functions.shared.core.canonical import canonical, canonical_of_data
from functions.shared.core.kinds import KINDS
from functions.shared.core.lanes import Change, Lane, Lanes, Statement, fold, fold_plainly
from functions.shared.core.ledger import LedgerEntry, erase, proof_plainly
from functions.shared.core.planning import Loaded, judged, plan_round
from functions.shared.core.reading import read
from functions.shared.core.stamps import Stamp
from tests.builders import circumstances, entries_of, event, message, messages, reading_of
from tests.histories import Document, any_history, histories

assert native.COMPILED is not None, "The loops are not compiled: run `make setup`."
LOOPS = native.COMPILED

SALT = bytes(range(16))
WORDS = ("person/001", 3, "0" * 64, "/agencies/G01", "e", "t", "2026-03-03T02:00:00.000000Z")

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text('abcdé漢_\x00"\\\n', max_size=4), inner, max_size=20)
    ),
    max_leaves=30,
)
_changes = st.lists(
    st.builds(Change, _texts, st.integers(0, 99), st.booleans(), _json, _json), max_size=6
).map(tuple)


def proved(by: Callable[..., Any], changes: tuple[Change, ...], **other: Any) -> Any:
    sequence, sender = other.get("sequence"), other.get("sender")
    return by(SALT, b"core", changes, *WORDS, sequence, sender, "2026-03-03T03:00:00.000000Z")


def entry_with(changes: tuple[Change, ...], **parts: Any) -> LedgerEntry:
    (entry,) = entries_of(event("person.updated", {"phone": "0900000001"}))
    return entry._replace(changes=changes, **parts)


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


def steps_of(documents: list[Document], kind: Any) -> Iterator[tuple[Stamp, tuple[Statement, ...]]]:
    now = circumstances(kind)
    for document in documents:
        reading = reading_of(document, kind)
        statements, _ = judged(reading, message(document), None, now)
        assert reading.event is not None
        yield reading.event.envelope.stamp, statements


class TestFold:
    @given(any_history())
    def test_it_is_the_fold_in_python(self, history: tuple[Any, list[Document]]) -> None:
        kind, documents = history
        lanes: Lanes = {}
        for stamp, statements in steps_of(documents, kind):
            before = repr(lanes)
            expected = fold_plainly(lanes, stamp, statements)
            after: Any
            after, changes = LOOPS.fold(lanes, stamp, statements, Lane, Change)
            assert (after, changes) == expected
            assert list(after) == list(expected[0])
            assert [list(by_rank) for by_rank in after.values()] == [
                list(by_rank) for by_rank in expected[0].values()
            ]
            assert repr(lanes) == before
            lanes = after

    def test_its_tuples_are_named_ones(self) -> None:
        stamp = Stamp("2026-03-03T02:00:00.000000Z", 0, "/agencies/G01", "e")
        lanes, changes = fold({}, stamp, [Statement("phone", 10, "0900000001")])
        assert lanes == {"phone": {10: Lane(stamp, "0900000001")}}
        assert type(lanes["phone"][10]) is Lane
        assert changes == (Change("phone", 10, True, None, "0900000001"),)
        assert type(changes[0]) is Change


class TestProof:
    @given(_changes, st.none() | _texts, st.none() | _texts)
    def test_it_is_the_proof_in_python(
        self, changes: tuple[Change, ...], sequence: str | None, sender: str | None
    ) -> None:
        other = {"sequence": sequence, "sender": sender}
        assert proved(LOOPS.proof, changes, **other) == proved(proof_plainly, changes, **other)

    @given(_json)
    @example('\x00\x01\x1f\x7f"\\/\b\t\n\f\r\u2028\U0001f600')
    @example({f"{n:02}": n for n in range(40, 0, -1)})
    def test_any_value_has_its_canonical_bytes(self, value: Any) -> None:
        changes = (Change("f", 1, True, None, value),)
        assert proved(LOOPS.proof, changes) == proved(proof_plainly, changes)
        made = LOOPS.entry_action("t", entry_with(changes), DICTIONARY)
        assert made is not None
        assert told(made[0])[1]["changes"] == canonical([["f", 1, True, None, value]])

    @pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, {1: 2}, b"x", object(), 2**64, {1}])
    def test_what_has_no_canonical_form_is_refused_by_both(self, value: Any) -> None:
        changes = (Change("f", 1, True, None, value),)
        with pytest.raises((ValueError, TypeError)):
            proved(proof_plainly, changes)
        with pytest.raises(ValueError, match="no canonical JSON form"):
            proved(LOOPS.proof, changes)

    @pytest.mark.parametrize("value", [1.5, {"a": [(1,)]}])
    def test_what_no_reading_lets_through_is_refused_though_python_would_take_it(
        self, value: Any
    ) -> None:
        with pytest.raises(ValueError, match="no canonical JSON form"):
            proved(LOOPS.proof, (Change("f", 1, True, None, value),))

    def test_what_nests_without_end_is_an_error_and_no_crash(self) -> None:
        value: list[Any] = []
        value.append(value)
        with pytest.raises(RecursionError):
            proved(LOOPS.proof, (Change("f", 1, True, None, value),))


class TestEntryAction:
    @given(any_history())
    def test_it_writes_what_python_writes(self, history: tuple[Any, list[Document]]) -> None:
        kind, documents = history
        for entry in _entries(kind, documents):
            made = LOOPS.entry_action("Ledger", entry, DICTIONARY)
            assert made is not None
            assert told(made[0]) == told(written_plainly("Ledger", entry)[0])

    @given(st.integers(0, 20_000), st.integers(1, 300), st.integers(0, 2**32), st.booleans())
    @example(60_000, 1, 0, True)
    @example(70_000, 258, 7, False)
    def test_any_document_can_be_unpacked(
        self, length: int, period: int, seed: int, plain: bool
    ) -> None:
        made_up = _noise(seed, period) if plain else DICTIONARY[:period].decode(errors="replace")
        text = (made_up * (length // max(len(made_up), 1) + 1))[:length]
        changes = (Change("full_name", 30, True, None, text),)
        made = LOOPS.entry_action("t", entry_with(changes), DICTIONARY)
        assert made is not None
        document = canonical_of_data([["full_name", 30, True, None, text]])
        item = json.loads(made[0])["Put"]["Item"]
        stored = base64.b64decode(item["changes"]["B"])
        assert unpack(stored) == orjson.loads(document)
        assert inflated(stored) == document
        assert made[1] == len(stored) + len(base64.b64decode(item["event"]["B"]))
        assert len(stored) <= len(document)

    @given(histories(KINDS["person"]))
    def test_it_packs_about_as_tightly_as_zlib(self, documents: list[Document]) -> None:
        for entry in _entries(KINDS["person"], documents):
            made = LOOPS.entry_action("Ledger", entry, DICTIONARY)
            assert made is not None
            assert made[1] <= written_plainly("Ledger", entry)[1] * 1.15 + 24

    def test_an_entry_with_erasures_is_left_to_python(self) -> None:
        (entry,) = entries_of(event("person.updated", {"phone": "0900000001"}))
        assert LOOPS.entry_action("Ledger", erase(entry, ["phone"]), DICTIONARY) is None
        erased = tuple(change._replace(erased="pair") for change in entry.changes)
        assert LOOPS.entry_action("Ledger", entry._replace(changes=erased), DICTIONARY) is None


class TestAnyArgument:
    @given(
        st.sampled_from(["fold", "proof", "entry_action"]),
        st.lists(
            st.one_of(
                _json,
                st.binary(max_size=80),
                _changes,
                st.just(Lane),
                st.just(tuple),
                st.builds(lambda changes: entry_with(changes), _changes),
                st.tuples(*[_json] * 13),
            ),
            max_size=14,
        ),
    )
    def test_a_wrong_one_is_an_error_and_no_crash(self, name: str, given_: list[Any]) -> None:
        function: Callable[..., Any] = getattr(LOOPS, name)
        with contextlib.suppress(TypeError, ValueError):
            function(*given_)

    def test_what_is_missing_says_what_is_wanted(self) -> None:
        call: Any = LOOPS
        with pytest.raises(TypeError, match="fold takes"):
            call.fold()
        with pytest.raises(TypeError, match="proof takes"):
            call.proof(SALT)
        with pytest.raises(TypeError, match="entry_action takes"):
            call.entry_action("t", (), DICTIONARY)
        with pytest.raises(ValueError, match="A dictionary has"):
            call.entry_action("t", entry_with(()), b"x")

    def test_nothing_is_left_behind(self) -> None:
        stated = {"full_name": "Nguyễn Thị Mẫu", "residence": {"commune": "00070", "address": "1"}}
        documents = [
            event("person.updated", {**stated, "phone": f"09{n:08}", "household": None}, id_=str(n))
            for n in range(8)
        ]
        entries = _entries(KINDS["person"], documents)
        stamped = list(steps_of(documents, KINDS["person"]))

        def work() -> None:
            for entry in entries:
                LOOPS.entry_action("Ledger", entry, DICTIONARY)
                proved(LOOPS.proof, entry.changes)
                with pytest.raises(ValueError, match="canonical"):
                    proved(LOOPS.proof, (Change("f", 1, True, None, object()),))
            lanes: Any = {}
            for stamp, statements in stamped:
                lanes, _ = LOOPS.fold(lanes, stamp, statements, Lane, Change)

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
        compiled = entries_of(document)
        native.use(compiled=False)
        try:
            assert native.loops is None
            assert entries_of(document) == compiled
        finally:
            native.use(compiled=True)
        assert native.loops is LOOPS


def _entries(kind: Any, documents: list[Document]) -> list[LedgerEntry]:
    arrived = messages(documents)
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    plan = plan_round(arrived, readings, Loaded({}, {}), circumstances(kind))
    return [entry for change in plan.changes for entry in change.entries]


def _noise(seed: int, length: int) -> str:
    """Text of which no part repeats another for long."""
    state, made = seed, []
    for _ in range(length):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append(chr(0x20 + (state >> 33) % 0x5F))
    return "".join(made)
