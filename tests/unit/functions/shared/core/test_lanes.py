"""Statements fold into lanes, lanes show a record, and lanes are stored and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.canonical import canonical
from functions.shared.core.events import Json
from functions.shared.core.items import fields_of, item_of
from functions.shared.core.kinds import (
    DOSSIER,
    KINDS,
    MOST_STEPS_PER_SOURCE,
    PERSON,
    Kind,
)
from functions.shared.core.lanes import (
    NO_HASH,
    Change,
    Lane,
    Lanes,
    Record,
    Statement,
    decode_lanes,
    disputed,
    encode_lanes,
    fold,
    has_room_for_step,
    new_record,
    replaces_field,
    shown,
    shown_lane,
    step_field,
    step_prefix,
)
from functions.shared.core.planning import judged
from functions.shared.core.stamps import Stamp
from functions.shared.core.taking import statements_of
from tests.builders import circumstances, message, reading_of
from tests.histories import Document, any_history, histories

SOON = "2026-03-03T02:00:00.000000Z"
LATER = "2026-03-03T02:00:00.000001Z"


def stamp(
    time: str = SOON, sequence: int = 0, source: str = "/agencies/G01", id_: str = "e"
) -> Stamp:
    return Stamp(time, sequence, source, id_)


def phone(value: Json, rank: int = 10) -> list[Statement]:
    return [Statement("phone", rank, value)]


def folded(*told: tuple[Stamp, list[Statement]]) -> Lanes:
    lanes: Lanes = {}
    for at, statements in told:
        lanes, _ = fold(lanes, at, statements)
    return lanes


def lanes_of(kind: Kind, history: list[Document]) -> dict[str, Lanes]:
    """The lanes of each record after the history, folded one event at a time."""
    now = circumstances(kind)
    records: dict[str, Lanes] = {}
    for document in history:
        reading = reading_of(document, kind)
        ranks, reasons = judged(reading, message(document), None, now)
        assert reading.event is not None
        assert not reasons
        at, statements = reading.event.envelope.stamp, statements_of(reading.event, ranks)
        records[reading.event.key], _ = fold(records.get(reading.event.key, {}), at, statements)
    return records


class TestFolding:
    def test_the_first_statement_of_a_lane_wins(self) -> None:
        lanes, changes = fold({}, stamp(), phone("1"))
        assert lanes == {"phone": {10: Lane(stamp(), "1")}}
        assert changes == (Change("phone", 10, True, None, "1"),)

    def test_a_newer_statement_wins_and_tells_what_was_before(self) -> None:
        before = folded((stamp(), phone("1")))
        lanes, changes = fold(before, stamp(LATER), phone("2"))
        assert lanes["phone"][10] == Lane(stamp(LATER), "2")
        assert changes == (Change("phone", 10, True, "1", "2"),)

    def test_an_older_statement_changes_nothing(self) -> None:
        before = folded((stamp(LATER), phone("2")))
        lanes, changes = fold(before, stamp(), phone("1"))
        assert lanes == before
        assert changes == (Change("phone", 10, False, "2", "1"),)

    def test_the_same_statement_again_changes_nothing(self) -> None:
        before = folded((stamp(), phone("1")))
        lanes, changes = fold(before, stamp(), phone("1"))
        assert lanes == before
        assert not changes[0].won

    def test_a_newer_statement_of_the_same_value_wins(self) -> None:
        before = folded((stamp(), phone("1")))
        lanes, changes = fold(before, stamp(LATER), phone("1"))
        assert changes[0].won
        assert lanes["phone"][10].stamp == stamp(LATER)

    def test_ranks_are_lanes_of_their_own(self) -> None:
        lanes = folded((stamp(LATER), phone("1", 10)), (stamp(), phone("2", 30)))
        assert lanes["phone"] == {10: Lane(stamp(LATER), "1"), 30: Lane(stamp(), "2")}

    def test_the_lanes_that_were_given_stay_as_they_are(self) -> None:
        before = folded((stamp(), phone("1")))
        fold(before, stamp(LATER), [*phone("2"), *phone("3", 30)])
        assert before == {"phone": {10: Lane(stamp(), "1")}}

    def test_changes_come_in_the_order_of_the_statements(self) -> None:
        stated = [Statement("sex", 10, "male"), Statement("full_name", 10, "A")]
        _, changes = fold({}, stamp(), stated)
        assert [change.field for change in changes] == ["sex", "full_name"]


class TestStamps:
    ASCENDING = (
        stamp("2026-03-03T01:59:59.999999Z", 9, "/agencies/Z", "z"),
        stamp(SOON, 0, "/agencies/Z", "z"),
        stamp(SOON, 2, "/agencies/A", "z"),
        stamp(SOON, 10, "/agencies/A", "a"),
        stamp(SOON, 10, "/agencies/A", "b"),
        stamp(SOON, 10, "/agencies/B", "a"),
        stamp(SOON, 10, "/agencies/B", "\uffee"),
        stamp(SOON, 10, "/agencies/B", "\U0001f600"),
        stamp(LATER, 0, "/agencies/A", "a"),
    )

    def test_stamps_compare_by_time_sequence_source_and_id_by_code_point(self) -> None:
        assert sorted(self.ASCENDING, reverse=True)[::-1] == list(self.ASCENDING)
        assert len(set(self.ASCENDING)) == len(self.ASCENDING)

    @pytest.mark.parametrize("position", range(1, 9))
    def test_the_greater_stamp_wins_in_either_order(self, position: int) -> None:
        older, newer = self.ASCENDING[position - 1 : position + 1]
        told = [(older, phone("old")), (newer, phone("new"))]
        assert folded(*told) == folded(*told[::-1])
        assert folded(*told)["phone"][10].value == "new"


class TestShowing:
    def test_the_highest_rank_is_shown_though_it_is_older(self) -> None:
        lanes = folded((stamp(LATER), phone("1", 10)), (stamp(), phone("2", 30)))
        assert shown(PERSON, lanes) == {"phone": "2"}

    def test_a_withdrawn_lane_lets_the_next_one_show(self) -> None:
        lanes = folded((stamp(), phone("1", 10)), (stamp(), phone(None, 30)))
        assert shown(PERSON, lanes) == {"phone": "1"}

    def test_a_field_withdrawn_by_all_is_not_shown(self) -> None:
        lanes = folded((stamp(), phone(None, 10)), (stamp(), phone(None, 30)))
        assert shown(PERSON, lanes) == {}
        assert shown_lane(lanes["phone"]) is None

    @pytest.mark.parametrize("value", [False, 0, []])
    def test_a_value_that_python_calls_false_is_shown(self, value: Json) -> None:
        assert shown(DOSSIER, folded((stamp(), [Statement("fee", 10, value)]))) == {"fee": value}

    def test_fields_are_shown_in_the_order_of_the_table(self) -> None:
        stated = [Statement(field.name, 10, "x") for field in reversed(PERSON.fields)]
        assert list(shown(PERSON, folded((stamp(), stated)))) == [f.name for f in PERSON.fields]

    def test_steps_are_shown_by_time_source_and_id_each_with_its_source(self) -> None:
        def step(source: str, id_: str, at: str) -> tuple[Stamp, list[Statement]]:
            value = {"id": id_, "at": at}
            return stamp(source=source), [Statement(step_field(source, id_), 10, value)]

        told = [
            step("/agencies/H26", "b", LATER),
            step("/agencies/H26.12", "a", SOON),
            step("/agencies/H26", "c", SOON),
            step("/agencies/H26", "a", LATER),
        ]
        steps = shown(DOSSIER, folded(*told))["steps"]
        assert steps == [
            {"id": "c", "at": SOON, "source": "/agencies/H26"},
            {"id": "a", "at": SOON, "source": "/agencies/H26.12"},
            {"id": "a", "at": LATER, "source": "/agencies/H26"},
            {"id": "b", "at": LATER, "source": "/agencies/H26"},
        ]

    def test_replaced_ids_are_shown_as_one_sorted_list(self) -> None:
        stated = [Statement(replaces_field(id_), 30, True) for id_ in ("2", "10", "1")]
        assert shown(PERSON, folded((stamp(), stated))) == {"replaces": ["1", "10", "2"]}


class TestDisputes:
    def test_a_newer_other_value_of_a_lower_rank_is_a_dispute(self) -> None:
        assert disputed(folded((stamp(), phone("2", 30)), (stamp(LATER), phone("1", 10)))) == [
            "phone"
        ]

    def test_an_older_rival_is_none(self) -> None:
        assert disputed(folded((stamp(LATER), phone("2", 30)), (stamp(), phone("1", 10)))) == []

    def test_a_rival_of_the_same_value_is_none(self) -> None:
        assert disputed(folded((stamp(), phone("1", 30)), (stamp(LATER), phone("1", 10)))) == []

    def test_a_withdrawn_rival_is_none(self) -> None:
        assert disputed(folded((stamp(), phone("1", 30)), (stamp(LATER), phone(None, 10)))) == []

    def test_what_a_withdrawn_higher_lane_lets_show_has_no_rival_above_it(self) -> None:
        told = [(stamp(), phone("1", 10)), (stamp(LATER), phone(None, 30))]
        assert disputed(folded(*told)) == []

    def test_the_lowest_of_three_may_dispute_what_the_middle_one_shows(self) -> None:
        told = [
            (stamp(LATER), phone(None, 30)),
            (stamp(), phone("2", 20)),
            (stamp(LATER), phone("1", 10)),
        ]
        assert disputed(folded(*told)) == ["phone"]


class TestSteps:
    def test_a_source_has_room_for_200_steps(self) -> None:
        source = "/agencies/H26.12"
        lanes = folded(
            *(
                (stamp(), [Statement(step_field(source, str(n)), 10, {"id": str(n), "at": SOON})])
                for n in range(MOST_STEPS_PER_SOURCE - 1)
            )
        )
        assert has_room_for_step(lanes, step_field(source, "200th"))
        lanes, _ = fold(lanes, stamp(), [Statement(step_field(source, "x"), 10, {"at": SOON})])
        assert not has_room_for_step(lanes, step_field(source, "201st"))
        assert has_room_for_step(lanes, step_field(source, "7")), "a step it has already"
        assert has_room_for_step(lanes, step_field("/agencies/H26", "x")), "another source"
        assert has_room_for_step(lanes, step_field("/agencies/H26.1", "x")), "a name that begins it"

    @pytest.mark.parametrize("step_id", ["a", "a/b", "/", "//", "é/\U0001f600"])
    def test_a_step_field_is_parsed_whatever_its_id_holds(self, step_id: str) -> None:
        field = step_field("/agencies/H26.12", step_id)
        assert step_prefix(field) == "step//agencies/H26.12/"
        assert field[len(step_prefix(field)) :] == step_id


class TestStorage:
    @given(any_history())
    def test_lanes_come_back_from_what_the_item_shows_and_keeps(
        self, drawn: tuple[Kind, list[Document]]
    ) -> None:
        kind, history = drawn
        for lanes in lanes_of(kind, history).values():
            stored = json.loads(encode_lanes(kind, lanes))
            assert decode_lanes(kind, stored, shown(kind, lanes)) == lanes

    @given(any_history())
    def test_a_shown_value_is_not_stored_twice(self, drawn: tuple[Kind, list[Document]]) -> None:
        kind, history = drawn
        for lanes in lanes_of(kind, history).values():
            for _, _, _, _, *groups in json.loads(encode_lanes(kind, lanes)):
                for rank, codes, kept in groups:
                    for code in codes:
                        assert code[0] in "/=" or _rank_shown(lanes[kind.names[code]]) == rank
                    for code, value in kept.items():
                        assert value is None or (_rank_shown(lanes[kind.names[code]]) or 0) > rank

    def test_the_stored_form_is_as_documented(self) -> None:
        """Stored items of version 1 must be read for ever."""
        lanes = folded(
            (stamp(id_="e1"), [*phone("1", 10), Statement("full_name", 30, "A")]),
            (stamp(LATER, 7, id_="e2"), [*phone("2", 30), Statement("full_name", 10, "B")]),
            (stamp(LATER, 8, id_="e3"), [Statement("sex", 30, None)]),
            (stamp(LATER, 9, id_="e4"), [Statement("replaces/1", 30, True)]),
        )
        stored = [
            [SOON, 0, "/agencies/G01", "e1", [30, ["n"], {}], [10, [], {"p": "1"}]],
            [LATER, 7, "/agencies/G01", "e2", [30, ["p"], {}], [10, [], {"n": "B"}]],
            [LATER, 8, "/agencies/G01", "e3", [30, [], {"s": None}]],
            [LATER, 9, "/agencies/G01", "e4", [30, ["=1"], {}]],
        ]
        assert json.loads(encode_lanes(PERSON, lanes)) == stored

    def test_the_stored_form_of_steps_is_as_documented(self) -> None:
        source = "/agencies/G01"
        lanes = folded(
            (stamp(id_="e1"), [Statement(step_field(source, "e1"), 10, {"id": "e1", "at": SOON})]),
            (
                stamp(id_="e2"),
                [Statement(step_field(source, "e1x"), 10, {"id": "e1x", "at": SOON})],
            ),
        )
        stored = [
            [SOON, 0, source, "e1", [10, ["/"], {}]],
            [SOON, 0, source, "e2", [10, ["/e1x"], {}]],
        ]
        assert json.loads(encode_lanes(DOSSIER, lanes)) == stored

    def test_the_codes_of_fields_are_what_they_were(self) -> None:
        """A code that changed its field would make every stored item another one."""
        assert {name: "".join(kind.names) for name, kind in KINDS.items()} == {
            "person": "nbsaemoclrtghpidx=",
            "insurance-card": "inbsapcyftx",
            "dossier": "cnfrhaltsediumpqvox/",
            "agency": "npasdo",
        }


class TestOrder:
    """Guarantee G1 on the core."""

    @given(st.data(), any_history())
    def test_any_order_and_repetition_gives_byte_equal_items(
        self, data: st.DataObject, drawn: tuple[Kind, list[Document]]
    ) -> None:
        kind, history = drawn
        again = data.draw(st.lists(st.sampled_from(history), max_size=3))
        other = data.draw(st.permutations([*history, *again]))
        assert _items(kind, other) == _items(kind, history)

    def test_all_orders_of_some_rivals_give_byte_equal_items(self) -> None:
        told: list[tuple[Stamp, list[Statement]]] = [
            (stamp(), phone("1", 30)),
            (stamp(), phone(None, 10)),
            (stamp(sequence=1), phone("2", 10)),
            (stamp(LATER), phone(None, 30)),
            (stamp(LATER, source="/agencies/G03"), phone("4", 30)),
        ]
        items = {_item("person", "001190000017", folded(*order)) for order in permutations(told)}
        assert len(items) == 1

    @given(st.data())
    def test_the_record_of_each_key_depends_on_its_own_events_alone(
        self, data: st.DataObject
    ) -> None:
        kind = data.draw(st.sampled_from(list(KINDS.values())))
        history = data.draw(histories(kind))
        together = _items(kind, history)
        for key in {document["subject"] for document in history}:
            own = [document for document in history if document["subject"] == key]
            assert _items(kind, own) == {key: together[key]}


def _rank_shown(by_rank: Mapping[int, Lane]) -> int | None:
    best = shown_lane(by_rank)
    return None if best is None else best[0]


def _item(kind: str, key: str, lanes: Lanes) -> bytes:
    item: dict[str, Any] = item_of(Record(kind, key, lanes))
    item["lanes"] = item["lanes"].decode()
    return canonical(item)


def _items(kind: Kind, history: list[Document]) -> dict[str, bytes]:
    return {key: _item(kind.name, key, lanes) for key, lanes in lanes_of(kind, history).items()}


def test_a_record_begins_empty() -> None:
    record = new_record("person", "001190000017")
    assert (record.lanes, record.version, record.head) == ({}, 0, NO_HASH)
    assert record.record_key == "person/001190000017"


def test_an_item_names_what_it_shows_apart_from_its_bookkeeping() -> None:
    lanes = folded((stamp(), [*phone("1"), Statement("full_name", 30, "Nguyễn Thị Mẫu")]))
    item = item_of(Record("person", "001190000017", lanes))
    assert fields_of(PERSON, item) == {"full_name": "Nguyễn Thị Mẫu", "phone": "1"}
