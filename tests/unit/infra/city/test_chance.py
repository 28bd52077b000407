"""Chance: what a seed gives never changes, rates and quotas come out exactly."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.city.chance import Chance, Quota, Share, Weighted, weights


def test_a_name_gives_the_same_numbers_for_ever() -> None:
    chance = Chance("world", 1, 2)
    assert [chance.below(1000) for _ in range(6)] == [73, 71, 746, 669, 244, 286]


def test_other_names_give_other_numbers() -> None:
    firsts = {Chance("world", seed, n).random() for seed in range(5) for n in range(5)}
    assert len(firsts) == 25


def test_weights_are_kept() -> None:
    chance, table = Chance("weights"), weights("An:1 Bình_Yên:3")
    counts = Counter(chance.weighted(table) for _ in range(4000))
    assert set(counts) == {"An", "Bình Yên"}
    assert 2800 < counts["Bình Yên"] < 3200


def test_the_ends_of_a_table_are_reached() -> None:
    table = Weighted([("first", 1), ("last", 1)])
    assert table.at(0.0) == "first"
    assert table.at(0.999999999999) == "last"


@given(st.integers(0, 20), st.integers(0, 20))
def test_some_of_the_values_are_as_many_as_were_asked_for_in_their_order(
    number: int, length: int
) -> None:
    values = list(range(length))
    chosen = Chance(number, length).some_of(values, min(number, length))
    assert len(chosen) == min(number, length)
    assert chosen == sorted(set(chosen))


@given(st.floats(0, 1), st.lists(st.integers(0, 50), max_size=40))
def test_a_share_is_exact_to_within_one(rate: float, cases: list[int]) -> None:
    share = Share(rate)
    assert abs(sum(map(share.of, cases)) - rate * sum(cases)) < 1.000001


def test_what_could_not_be_is_due_next_time() -> None:
    share = Share(0.5)
    share.owe(share.of(4))
    assert share.of(4) == 4


@given(st.integers(0, 500), st.lists(st.integers(0, 9), min_size=1, max_size=60))
def test_a_quota_comes_out_exactly(total: int, cases: list[int]) -> None:
    among = sum(cases)
    if among:
        quota = Quota(total, among)
        assert sum(map(quota.of, cases)) == total


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_never_and_always_are_never_and_always(rate: float) -> None:
    chance = Chance("certain")
    assert {chance.happens(rate) for _ in range(200)} == {bool(rate)}
