"""What an event costs follows from the items that the code writes."""

from __future__ import annotations

import pytest

from functions.shared.core.kinds import KINDS
from infra.build.costs import BATCH, CASES, INDEX_KEYS, Case, Prices, cost_of, refusal_units
from infra.lienthong.tables import OUTPUT_OF_KIND
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


def test_the_index_keys_are_the_templates() -> None:
    wanted = {
        kind: tuple(TABLES[OUTPUT_OF_KIND[kind]][1][name] for name in _indexes(kind))
        for kind in KINDS
    }

    assert dict(INDEX_KEYS) == wanted


def _indexes(kind: str) -> list[str]:
    properties = TEMPLATE["Resources"][OUTPUT_OF_KIND[kind]]["Properties"]
    return [index["IndexName"] for index in properties.get("GlobalSecondaryIndexes", ())]


def test_a_full_batch_is_what_the_template_asks_for() -> None:
    source = TEMPLATE["Resources"]["DossierSyncFunction"]["Properties"]["Events"]["Queue"]

    assert source["Properties"]["BatchSize"] == BATCH


def test_money_is_mostly_write_units() -> None:
    prices = Prices()
    cost = COSTS["a new card"]

    assert cost.write_units * prices.million_write_units > 0.8 * cost.dollars(prices)
