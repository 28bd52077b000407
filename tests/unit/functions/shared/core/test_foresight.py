"""What would happen is counted alike in one part or in several, and shown by few samples."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.cases import Entry
from functions.shared.core.correction import Unfit
from functions.shared.core.events import Reason
from functions.shared.core.foresight import SAMPLES, Foresight
from functions.shared.core.marking import Difference

REFUSED = (Reason("invalid-data", "/data/phone", "It is no number."),)
UNFIT = Unfit("not-json", "It is not JSON.")


def entry(reason: str = "invalid-data", number: int = 0) -> Entry:
    return Entry(f"{number:064x}", "population", "open", "2026", reason, body='{"a":1}')


def test_a_sample_shows_what_would_be_different_and_what_would_still_be_wrong() -> None:
    found = Foresight()
    assert found.see(entry(), '{"b":1}', REFUSED)
    (sample,) = found.samples
    assert sample.differences == (Difference("/a", "1", None), Difference("/b", None, "1"))
    assert sample.refused == REFUSED
    assert not found.see(entry(), UNFIT)
    assert (found.meant, found.passing, found.refused.total()) == (2, 0, 1)
    assert found.unsuited == {"not-json": 1}


def test_samples_of_different_faults_are_preferred() -> None:
    found = Foresight()
    for number, reason in enumerate(["one", "one", "one", "one", "two", "three", "four"]):
        found.see(entry(reason, number), "{}")
    assert {sample.reason for sample in found.samples} == {"one", "two", "three"}


steps = st.tuples(
    st.sampled_from(["one", "two", "three", "four"]),
    st.sampled_from(["{}", UNFIT]),
    st.sampled_from([(), REFUSED]),
)


@given(st.lists(steps, max_size=12), st.integers(0, 12))
def test_parts_joined_count_as_the_whole_does(given_: list[Any], at: int) -> None:
    whole, first, second = Foresight(), Foresight(), Foresight()
    for number, (reason, sent, refused) in enumerate(given_):
        for found in (whole, first if number < at else second):
            found.see(entry(reason, number), sent, refused)
    first.join(second)
    assert first.meant == whole.meant == len(given_)
    assert (first.before, first.passing) == (whole.before, whole.passing)
    assert (first.refused, first.unsuited) == (whole.refused, whole.unsuited)
    assert len(first.samples) == len(whole.samples) <= SAMPLES
