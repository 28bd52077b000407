"""What a load is known by, and how its ranges add up."""

from __future__ import annotations

from functions.shared.core.loads import (
    Form,
    Load,
    Progress,
    Range,
    RangeState,
    Tally,
    load_id,
)
from functions.shared.core.planning import Verdict


def a_load() -> Load:
    return Load(
        load_id="l",
        bucket="b",
        key="incoming/k",
        version="v",
        etag="e",
        size=300,
        sender=None,
        sent_at="2026-01-01T00:00:00.000000Z",
        range_bytes=100,
        form=Form.NDJSON,
        plain_size=300,
    )


def test_the_same_object_is_the_same_load_and_another_version_is_another() -> None:
    assert load_id("b", "k", "1") == load_id("b", "k", "1")
    names = [("b", "k", "1"), ("b", "k", "2"), ("b", "k1", ""), ("bk", "", "1"), ("b", "", "k1")]
    assert len({load_id(*name) for name in names}) == len(names)
    assert len(load_id("b", "k", "1")) == 32


def test_a_tally_counts_verdicts_and_adds_up() -> None:
    verdicts = [Verdict.APPLIED, Verdict.APPLIED, Verdict.DUPLICATE, Verdict.QUARANTINED]

    tally = Tally.of(verdicts)

    assert tally == Tally(applied=2, duplicate=1, quarantined=1)
    assert (tally + Tally(superseded=3)).total == 7
    assert dict(tally.as_json()) == {
        "applied": 2,
        "superseded": 0,
        "duplicate": 1,
        "quarantined": 1,
    }


def test_progress_is_that_of_the_ranges_that_were_begun() -> None:
    done = Range("l", 0, 0, 100, 113, state=RangeState.DONE, lines=9, tally=Tally(applied=9))
    working = Range("l", 1, 100, 200, 150, lines=4, tally=Tally(duplicate=4))
    spilling = Range("l", 2, 200, 300, 320, lines=1)

    progress = Progress.of(a_load(), [done, working, spilling])

    assert (progress.bytes_done, progress.bytes_total) == (250, 300)
    assert (progress.lines, progress.tally) == (14, Tally(applied=9, duplicate=4))


def test_a_range_without_a_line_of_its_own_is_done_to_its_end() -> None:
    assert Range("l", 1, 100, 200, 100, state=RangeState.DONE).bytes_done == 100
