"""What an event costs follows from the items that the code writes."""

from __future__ import annotations

import pytest

from functions.shared.runtime.range_sync import MOST_LINES, READ
from infra.build.costs import (
    BATCH,
    CASES,
    LOAD_BATCH,
    LOADS,
    PIECE_BYTES,
    RANGE_BYTES,
    UPLOAD_PART_BYTES,
    Case,
    Prices,
    Shape,
    cost_of,
    load_cost,
    refusal_units,
)
from infra.lienthong.intake import MULTIPART
from tests.unit.test_template import TABLES, TEMPLATE

COSTS = {case.name: cost_of(case) for case in CASES}


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("a new person", 6),
        ("a new card", 6),
        ("a new dossier", 7),
        ("an update that touches no index key", 5),
    ],
)
def test_the_common_events_cost_what_the_design_allows(name: str, units: int) -> None:
    assert COSTS[name].write_units == units


def test_items_of_the_samples_stay_under_a_kilobyte() -> None:
    assert all(max(cost.record_bytes, cost.entry_bytes) <= 1024 for cost in COSTS.values())


def test_an_index_key_that_changes_costs_two_units_more() -> None:
    moved, quiet = COSTS["a person who moves"], COSTS["an update that touches no index key"]

    assert moved.write_units == quiet.write_units + 2


def test_a_long_text_costs_the_units_of_its_kilobytes() -> None:
    long = {"residence": {"commune": "00004", "address": "Số 12 " * 80}}
    cost = cost_of(Case("long", "person.moved", ("person.registered",), long))

    assert cost.entry_bytes > 1024 or cost.record_bytes > 1024
    assert cost.write_units > COSTS["a person who moves"].write_units


def test_a_refused_message_pays_for_its_entry_and_three_indexes() -> None:
    assert len(TABLES["QuarantineTable"][1]) == 3
    assert (refusal_units(900), refusal_units(1_500)) == (4, 5)


def test_a_full_batch_is_what_the_template_asks_for() -> None:
    source = TEMPLATE["Resources"]["DossierSyncFunction"]["Properties"]["Events"]["Queue"]

    assert source["Properties"]["BatchSize"] == BATCH


def test_money_is_mostly_write_units() -> None:
    prices = Prices()
    cost = COSTS["a new card"]

    assert cost.write_units * prices.million_write_units > 0.8 * cost.dollars(prices)


def test_a_load_costs_the_units_of_its_events_and_little_more() -> None:
    shape = LOADS["a million cards"]
    cost = load_cost(shape, Prices())

    assert 6_000_000 <= cost.write_units <= 6_010_000
    assert cost.dollars_of_writes > 0.8 * cost.total


def test_a_file_loaded_again_costs_its_reads() -> None:
    again = load_cost(LOADS["the million cards, dropped again"], Prices())

    assert again.dollars_of_writes < 0.01
    assert again.dollars_of_reads > 0.7 * again.total


def test_refused_lines_of_a_load_pay_for_their_entries_and_reports() -> None:
    clean, dirty = (
        load_cost(Shape(10_000, 9_000, refused, 10_000_000), Prices()) for refused in (0, 1_000)
    )

    assert dirty.write_units == clean.write_units + 1_000 * refusal_units()
    assert dirty.requests > clean.requests


def test_ranges_and_batches_of_the_model_are_those_of_the_functions() -> None:
    assert TEMPLATE["Parameters"]["LoadRangeBytes"]["Default"] == RANGE_BYTES
    assert (LOAD_BATCH, PIECE_BYTES) == (MOST_LINES, READ)
    assert UPLOAD_PART_BYTES == MULTIPART
