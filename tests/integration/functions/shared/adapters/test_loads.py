"""The table of loads, and its fake: what follows on what, and what a lost answer looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.loads import (
    DynamoLoads,
    item_of_load,
    item_of_range,
    load_from,
    range_from,
)
from functions.shared.core.errors import Conflict, Defect, Retry
from functions.shared.core.loads import (
    Form,
    Load,
    LoadState,
    Range,
    RangeState,
    Reporting,
    ReportPart,
    Split,
    Tally,
)
from functions.shared.ports import Loads
from tests.fakes import FakeLoads, Passed, Unhurried
from tests.faults import Faulty, always, answers, cancelled, cut, lost, on
from tests.integration.functions.stack import WAITING, Aws, create_table

AT: Final = "2026-11-26T09:00:00.000000Z"
NOW: Final = Unhurried()
LOAD: Final = Load(
    load_id="a" * 32,
    bucket="b",
    key="incoming/k",
    version="v",
    etag="e",
    size=1000,
    sender="AROAEXAMPLE",
    sent_at=AT,
    range_bytes=400,
)
BEGUN: Final = replace(LOAD, form=Form.NDJSON, queue="population", plain_size=1000, ranges=3)
RANGE: Final = Range(LOAD.load_id, 1, 400, 800, 400)

Over = Callable[..., DynamoLoads]


@pytest.fixture
def over(aws: Aws) -> Over:
    """The adapter over a new table, or over a stand-in of its client."""
    table = create_table(aws.dynamodb, "LoadsTable")

    def loads(**faults: Any) -> DynamoLoads:
        return DynamoLoads(Faulty(aws.dynamodb, **faults), table, WAITING)  # type: ignore[arg-type]

    return loads


class AllLoads(Loads, Protocol):
    """The port, and what the command line reads besides."""

    def recent(self) -> Iterator[Load]: ...


@pytest.fixture(params=["table", "fake"])
def loads(request: pytest.FixtureRequest) -> AllLoads:
    found: AllLoads = FakeLoads() if request.param == "fake" else request.getfixturevalue("over")()
    return found


def begun(loads: Loads) -> None:
    loads.create(LOAD, NOW)
    loads.begin(BEGUN, AT, NOW)


class TestALoad:
    def test_is_stored_once_and_stays_as_it_was(self, loads: AllLoads) -> None:
        assert loads.found(LOAD.load_id, NOW) is None
        assert loads.create(LOAD, NOW) == LOAD
        assert loads.create(replace(LOAD, size=7), NOW) == LOAD
        assert loads.found(LOAD.load_id, NOW) == LOAD

    def test_waits_fails_and_begins_in_any_order(self, loads: AllLoads) -> None:
        loads.create(LOAD, NOW)
        loads.hold(LOAD.load_id, ("Drop its manifest.",), AT, NOW)
        loads.fail(LOAD.load_id, ("Correct it.",), AT, NOW)
        failed = loads.found(LOAD.load_id, NOW)
        assert failed is not None
        assert (failed.state, failed.problems) == (LoadState.FAILED, ("Correct it.",))
        loads.begin(BEGUN, AT, NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        assert (load.state, load.problems, load.ranges) == (LoadState.SPLITTING, (), 3)
        assert (load.form, load.queue, load.started_at) == (Form.NDJSON, "population", AT)

    def test_that_has_begun_neither_waits_nor_begins_nor_fails_anew(self, loads: AllLoads) -> None:
        begun(loads)
        with pytest.raises(Conflict):
            loads.begin(BEGUN, AT, NOW)
        for change in (loads.hold, loads.fail):
            with pytest.raises(Conflict):
                change(LOAD.load_id, (), AT, NOW)

    def test_is_told_forwards_and_never_backwards(self, loads: AllLoads) -> None:
        begun(loads)
        loads.told(LOAD.load_id, Split(2, 20, 20, 3, 4), AT, NOW)
        loads.told(LOAD.load_id, Split(2, 20, 20, 3, 4), AT, NOW)
        with pytest.raises(Conflict):
            loads.told(LOAD.load_id, Split(1), AT, NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        assert load.split == Split(2, 20, 20, 3, 4)

    def test_is_opened_once_and_ends_once(self, loads: AllLoads) -> None:
        begun(loads)
        loads.opened(LOAD.load_id, 3, 1000, (), AT, NOW)
        with pytest.raises(Conflict):
            loads.opened(LOAD.load_id, 3, 1000, (), AT, NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        assert (load.state, load.opened) == (LoadState.LOADING, True)
        loads.close(load, 9, Tally(applied=9), "reports/x", AT, NOW)
        with pytest.raises(Conflict):
            loads.close(load, 9, Tally(applied=9), "reports/x", AT, NOW)
        done = loads.found(LOAD.load_id, NOW)
        assert done is not None
        assert (done.state, done.lines, done.tally) == (LoadState.DONE, 9, Tally(applied=9))
        assert (done.report, done.finished_at, done.opened) == ("reports/x", AT, True)

    def test_with_problems_ends_as_failed(self, loads: AllLoads) -> None:
        begun(loads)
        loads.opened(LOAD.load_id, 1, 10, ("It breaks off.",), AT, NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        loads.close(load, 1, Tally(applied=1), "reports/x", AT, NOW)
        ended = loads.found(LOAD.load_id, NOW)
        assert ended is not None
        assert (ended.state, ended.problems) == (LoadState.FAILED, ("It breaks off.",))

    def test_loads_are_listed_newest_first(self, loads: AllLoads) -> None:
        for number in (2, 1, 3):
            at = f"2026-11-2{number}T00:00:00.000000Z"
            loads.create(replace(LOAD, load_id=f"{number}", sent_at=at), NOW)
        loads.open_range(replace(RANGE, load_id="3"), NOW)
        assert [load.load_id for load in loads.recent()] == ["3", "2", "1"]


class TestARange:
    def test_is_stored_once_and_stays_as_it_was(self, loads: AllLoads) -> None:
        assert loads.range(LOAD.load_id, 1, NOW) is None
        assert loads.open_range(RANGE, NOW) == RANGE
        assert loads.open_range(replace(RANGE, lines=5), NOW) == RANGE
        assert loads.range(LOAD.load_id, 1, NOW) == RANGE

    def test_moves_from_where_it_is_alone(self, loads: AllLoads) -> None:
        loads.open_range(RANGE, NOW)
        part = ReportPart("reports/x", 12)
        moved = replace(
            RANGE, position=470, lines=4, tally=Tally(applied=3), reports=(part,), updated_at=AT
        )
        loads.checkpoint(RANGE, moved, NOW)
        assert loads.range(LOAD.load_id, 1, NOW) == moved
        for stale in (RANGE, replace(moved, lines=3), replace(moved, position=469)):
            with pytest.raises(Conflict):
                loads.checkpoint(stale, replace(moved, position=500), NOW)
        assert loads.range(LOAD.load_id, 1, NOW) == moved

    def test_is_done_once_and_counted_in_the_same_write(self, loads: AllLoads) -> None:
        begun(loads)
        loads.open_range(RANGE, NOW)
        after = replace(RANGE, position=801, lines=9, updated_at=AT)
        loads.complete(RANGE, after, NOW)
        for again in (loads.complete, loads.checkpoint):
            with pytest.raises(Conflict):
                again(RANGE, after, NOW)
            with pytest.raises(Conflict):
                again(after, after, NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        assert load.done == 1
        stored = loads.range(LOAD.load_id, 1, NOW)
        assert stored == replace(after, state=RangeState.DONE)

    def test_of_no_load_is_never_done(self, loads: AllLoads) -> None:
        loads.open_range(RANGE, NOW)
        with pytest.raises(Conflict):
            loads.complete(RANGE, replace(RANGE, updated_at=AT), NOW)
        assert loads.range(LOAD.load_id, 1, NOW) == RANGE

    def test_that_is_stuck_shows_in_its_load_until_it_moves_on_or_ends(
        self, loads: AllLoads
    ) -> None:
        begun(loads)
        for number in (0, 1):
            loads.open_range(replace(RANGE, number=number), NOW)
            loads.stick(LOAD.load_id, number, AT, NOW)
            loads.stick(LOAD.load_id, number, AT, NOW)
        stuck = loads.found(LOAD.load_id, NOW)
        assert stuck is not None
        assert (stuck.state, stuck.stuck) == (LoadState.STUCK, frozenset({0, 1}))
        assert {part.state for part in loads.ranges(LOAD.load_id, NOW)} == {RangeState.STUCK}
        loads.unstick(LOAD.load_id, 0, AT, NOW)
        loads.complete(RANGE, replace(RANGE, updated_at=AT), NOW)
        load = loads.found(LOAD.load_id, NOW)
        assert load is not None
        assert (load.state, load.stuck) == (LoadState.SPLITTING, frozenset())
        with pytest.raises(Conflict):
            loads.stick(LOAD.load_id, 1, AT, NOW)

    def test_ranges_are_listed_as_they_lie_in_the_file(self, loads: AllLoads) -> None:
        begun(loads)
        for number in (11, 2, 0):
            loads.open_range(replace(RANGE, number=number), NOW)
        assert [part.number for part in loads.ranges(LOAD.load_id, NOW)] == [0, 2, 11]

    def test_of_many_all_are_listed(self, loads: AllLoads) -> None:
        text = "x" * 100_000  # so that a query answers in pages
        for number in range(15):
            loads.open_range(replace(RANGE, number=number, part=text), NOW)
        assert len(loads.ranges(LOAD.load_id, NOW)) == 15


class TestTheReport:
    def test_is_written_on_from_where_it_is_alone(self, loads: AllLoads) -> None:
        assert loads.reporting(LOAD.load_id, NOW) is None
        first = Reporting("upload", ("1",), 3, 1, 77)
        loads.save_reporting(LOAD.load_id, None, first, NOW)
        assert loads.reporting(LOAD.load_id, NOW) == first
        second = replace(first, etags=("1", "2"), number=4)
        loads.save_reporting(LOAD.load_id, first, second, NOW)
        for before in (None, first, replace(second, upload="another")):
            with pytest.raises(Conflict):
                loads.save_reporting(LOAD.load_id, before, second, NOW)
        assert loads.reporting(LOAD.load_id, NOW) == second


class TestFaults:
    def test_passing_trouble_is_waited_out(self, over: Over) -> None:
        trouble = on("put_item", answers("ThrottlingException"), cut())
        over(faults=trouble).create(LOAD, NOW)
        assert over().found(LOAD.load_id, NOW) == LOAD

    def test_lasting_trouble_ends_in_a_retry(self, over: Over) -> None:
        with pytest.raises(Retry):
            over(faults=always("get_item", answers("ThrottlingException"))).found("x", Passed())

    def test_a_broken_stack_is_a_defect(self, over: Over) -> None:
        with pytest.raises(Defect):
            over(faults=always("get_item", answers("AccessDeniedException"))).found("x")

    def test_a_write_whose_answer_was_lost_is_a_conflict_to_be_read_again(self, over: Over) -> None:
        begun(over())
        over().open_range(RANGE, NOW)
        moved = replace(RANGE, position=470, lines=4, updated_at=AT)
        with pytest.raises(Conflict):
            over(faults=on("update_item", lost())).checkpoint(RANGE, moved, NOW)
        assert over().range(LOAD.load_id, 1, NOW) == moved

    @pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
    def test_a_transaction_that_met_another_is_tried_again(self, over: Over, code: str) -> None:
        begun(over())
        over().open_range(RANGE, NOW)
        over(faults=on("transact_write_items", cancelled(code))).complete(
            RANGE, replace(RANGE, updated_at=AT), NOW
        )
        load = over().found(LOAD.load_id, NOW)
        assert load is not None
        assert load.done == 1


TEXTS: Final = st.text(max_size=20)
NUMBERS: Final = st.integers(0, 2**50)
TALLIES: Final = st.builds(Tally, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
LOADS: Final = st.builds(
    Load,
    load_id=TEXTS,
    bucket=TEXTS,
    key=TEXTS,
    version=TEXTS,
    etag=TEXTS,
    size=NUMBERS,
    sender=st.none() | TEXTS,
    sent_at=TEXTS,
    range_bytes=NUMBERS,
    state=st.sampled_from([state for state in LoadState if state is not LoadState.STUCK]),
    problems=st.lists(TEXTS, max_size=3).map(tuple),
    form=st.none() | st.sampled_from(Form),
    packed=st.booleans(),
    queue=st.none() | TEXTS,
    manifest=st.none() | TEXTS,
    header=st.none() | TEXTS,
    plain_size=st.none() | NUMBERS,
    ranges=st.none() | NUMBERS,
    done=NUMBERS,
    stuck=st.frozensets(st.integers(-1, 9), max_size=3),
    split=st.none() | st.builds(Split, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    lines=st.none() | NUMBERS,
    tally=st.none() | TALLIES,
    report=st.none() | TEXTS,
    started_at=st.none() | TEXTS,
    updated_at=st.none() | TEXTS,
    finished_at=st.none() | TEXTS,
)
RANGES: Final = st.builds(
    Range,
    load_id=TEXTS,
    number=st.integers(0, 99_999_999),
    begin=NUMBERS,
    end=NUMBERS,
    position=NUMBERS,
    part=st.none() | TEXTS,
    state=st.sampled_from(RangeState),
    lines=NUMBERS,
    tally=TALLIES,
    reports=st.lists(st.builds(ReportPart, TEXTS, NUMBERS), max_size=3).map(tuple),
    updated_at=st.none() | TEXTS,
)


@given(LOADS)
def test_a_load_is_read_as_it_was_stored(load: Load) -> None:
    held_up = load.state in (LoadState.SPLITTING, LoadState.LOADING) or (
        load.state is LoadState.WAITING and not load.problems
    )
    shown = LoadState.STUCK if held_up and load.stuck else load.state
    opened = load.state in (LoadState.LOADING, LoadState.DONE)
    assert load_from(item_of_load(load)) == replace(load, state=shown, opened=opened)


@given(RANGES)
def test_a_range_is_read_as_it_was_stored(part: Range) -> None:
    assert range_from(item_of_range(part)) == part
