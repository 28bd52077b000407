"""How far a load is, how fast, and what a person has to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, repeat
from typing import Any

import pytest

from functions.shared.core.loads import (
    SPLITTER,
    Load,
    LoadState,
    Progress,
    Range,
    RangeState,
    Split,
    Tally,
)
from infra.lienthong.console import Console
from infra.lienthong.following import (
    Pace,
    average,
    document,
    duration,
    follow,
    in_words,
    outcomes,
    share,
    what_to_do,
)
from infra.lienthong.problems import Unreachable

LOAD = Load(
    load_id="a" * 32,
    bucket="intake",
    key="incoming/cards.csv",
    version="1",
    etag="e",
    size=1000,
    sender=None,
    sent_at="2026-11-26T08:00:00.000000Z",
    range_bytes=500,
    state=LoadState.LOADING,
    plain_size=1000,
    ranges=2,
    started_at="2026-11-26T08:00:10.000000Z",
    updated_at="2026-11-26T08:00:30.000000Z",
)


def part(number: int, state: RangeState = RangeState.WORKING, **changed: Any) -> Range:
    begin = number * 500
    return replace(Range(LOAD.load_id, number, begin, begin + 500, begin, state=state), **changed)


class Told:
    """A table that shows one state of a load after the other, the last for ever."""

    def __init__(self, *states: Load | None, ranges: list[Range] | None = None) -> None:
        self._states = iter([*states[:-1], *repeat(states[-1], 1000)])
        self._ranges = ranges or []

    def found(self, load_id: str) -> Load | None:
        assert load_id == LOAD.load_id
        return next(self._states)

    def ranges(self, load_id: str) -> list[Range]:
        assert load_id == LOAD.load_id
        return self._ranges


def followed(told: Told) -> Load:
    ticks: Iterator[int] = count()
    return follow(
        told, LOAD.load_id, Console(quiet=True), lambda _: None, lambda: float(next(ticks))
    )


def test_a_load_is_followed_until_it_has_ended() -> None:
    done = replace(LOAD, state=LoadState.DONE)

    assert followed(Told(None, LOAD, LOAD, done)) is done


def test_a_load_that_cannot_be_loaded_has_ended() -> None:
    failed = replace(LOAD, state=LoadState.FAILED, problems=("No.",))

    assert followed(Told(LOAD, failed)) is failed


def test_a_stuck_load_is_followed_while_other_ranges_go_on() -> None:
    stuck = replace(LOAD, state=LoadState.STUCK, stuck=frozenset({1}))
    done = replace(LOAD, state=LoadState.DONE)

    moving = [part(0), part(1, RangeState.STUCK)]
    resting = [part(0, RangeState.DONE), part(1, RangeState.STUCK)]
    assert followed(Told(stuck, stuck, done, ranges=moving)) is done
    assert followed(Told(stuck, done, ranges=resting)) is stuck


def test_a_load_whose_splitting_is_stuck_is_followed_until_its_told_ranges_are_done() -> None:
    stuck = replace(
        LOAD, state=LoadState.STUCK, stuck=frozenset({SPLITTER}), ranges=None, split=Split(told=1)
    )
    done = replace(LOAD, state=LoadState.DONE)

    assert followed(Told(stuck, done, ranges=[part(0)])) is done
    assert followed(Told(stuck, done, ranges=[part(0, RangeState.DONE)])) is stuck


def test_a_load_that_waits_for_its_manifest_is_not_waited_for_for_ever() -> None:
    waiting = replace(LOAD, state=LoadState.WAITING, problems=("It needs a manifest.",))

    assert followed(Told(waiting)) is waiting
    about_to_be_looked_at = replace(waiting, problems=())
    done = replace(LOAD, state=LoadState.DONE)
    assert followed(Told(*[about_to_be_looked_at] * 100, done)) is done
    assert what_to_do(about_to_be_looked_at) is None


def test_a_file_that_nobody_takes_up_is_reported() -> None:
    with pytest.raises(Unreachable, match="lienthong loads show"):
        followed(Told(None))


def test_an_interrupted_follower_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(Told(LOAD), LOAD.load_id, Console(), interrupted)

    assert f"lienthong load --follow {LOAD.load_id}" in capsys.readouterr().err


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ranges = [part(0, RangeState.DONE, lines=10, tally=Tally(applied=9, quarantined=1))]
    done = replace(LOAD, state=LoadState.DONE)
    ticks = count(step=4)

    follow(
        Told(LOAD, LOAD, LOAD, done, ranges=ranges),
        LOAD.load_id,
        Console(),
        lambda _: None,
        lambda: float(next(ticks)),
    )

    assert "cards.csv (loading): 50%, 10 lines" in (told := capsys.readouterr().err)
    assert "9 applied, 1 refused" in told


def test_rate_and_remaining_time_are_those_of_the_last_half_minute() -> None:
    times = iter([0.0, 10.0, 100.0, 110.0])
    pace = Pace(lambda: next(times))

    rates = []
    for lines, done in ((0, 0), (100, 1000), (100, 1000), (400, 4000)):
        pace.note(lines, done)
        rates.append(pace.rate)

    assert rates == [None, 10, 0, 30]
    assert pace.remaining(3000) == 10
    assert pace.remaining(0) == 0


def test_nothing_is_foretold_while_nothing_moves() -> None:
    times = iter([0.0, 10.0])
    pace = Pace(lambda: next(times))
    pace.note(5, 50)
    pace.note(5, 50)

    assert pace.remaining(100) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (8.4, "8 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (4320, "1 h 12 min")],
)
def test_durations_are_told_in_words(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words


def test_a_load_is_shown_as_far_as_its_bytes_are() -> None:
    working = Progress.of(LOAD, [part(0, RangeState.DONE, lines=20), part(1, position=750)])

    assert share(LOAD, working) == 0.75
    assert share(replace(LOAD, state=LoadState.DONE), working) == 1
    assert (
        share(replace(LOAD, plain_size=None), Progress.of(replace(LOAD, plain_size=None), []))
        is None
    )
    assert (duration(LOAD), average(LOAD, 20)) == (20, 1)
    assert average(replace(LOAD, started_at=None), 20) is None


def test_outcomes_are_told_without_the_zeros() -> None:
    assert outcomes(Tally()) == "0 applied"
    assert outcomes(Tally(1000, 2, 1, 3)) == "1,000 applied, 2 superseded, 1 duplicate, 3 refused"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (LoadState.FAILED, "cannot be loaded as it is. Correct this"),
        (LoadState.WAITING, "Put its manifest beside it"),
        (LoadState.STUCK, "(the splitting, range 3)"),
    ],
)
def test_what_does_not_go_on_by_itself_says_what_to_do(state: LoadState, says: str) -> None:
    load = replace(LOAD, state=state, problems=("This.",), stuck=frozenset({SPLITTER, 3}))
    problem = what_to_do(load)

    assert problem is not None
    assert says in problem.message
    if state is not LoadState.STUCK:
        assert problem.details == ("This.",)


@pytest.mark.parametrize("state", [LoadState.SPLITTING, LoadState.LOADING, LoadState.DONE])
def test_what_goes_on_needs_nobody(state: LoadState) -> None:
    assert what_to_do(replace(LOAD, state=state)) is None


def test_a_load_for_programs_has_its_own_counts_once_it_is_done() -> None:
    done = replace(
        LOAD, state=LoadState.DONE, lines=30, tally=Tally(applied=30), report="reports/a/refused"
    )
    told = document(done, Progress.of(done, []))

    assert (told["lines"], told["percent"], told["lines_per_second"]) == (30, 100.0, 1.5)
    assert told["report"] == "s3://intake/reports/a/refused"
    assert told["name"] == "cards.csv"
