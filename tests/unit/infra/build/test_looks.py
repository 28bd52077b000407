"""What a look costs follows from what the code asks of its tables."""

from __future__ import annotations

from zlib import crc32

import pytest

from functions.shared.core.allowances import WATCHED_EVERY
from infra.build import looks
from infra.build.costs import Prices
from tests.unit.test_template import TEMPLATE

COSTS = {case.name: looks.cost_of(case) for case in looks.CASES}
LOOKUP = COSTS["a lookup: person, card, three dossiers"]


def test_a_look_pays_for_its_entry_three_indexes_its_head_and_two_allowances() -> None:
    assert LOOKUP.entries == 1
    assert LOOKUP.write_units == 2 + 3 + 2 + 2 * 2


def test_a_lookup_reads_what_it_shows_and_the_head_and_asks_two_indexes() -> None:
    assert LOOKUP.read_units == (1 + 1) + 2 * 0.5 + (1 + 3)


def test_a_day_s_people_make_its_last_look_dearer_and_no_other_way() -> None:
    last = COSTS["the same, the last that a day allows"]

    assert last.write_units > LOOKUP.write_units
    assert (last.entries, last.read_units) == (1, LOOKUP.read_units)


@pytest.mark.parametrize(
    ("name", "hits"),
    [
        ("a search that finds one person", 1),
        ("a search that finds ten people", 10),
        ("a list of fifty dossiers", 50),
    ],
)
def test_each_hit_is_an_entry_and_the_allowances_are_charged_once(name: str, hits: int) -> None:
    assert COSTS[name].entries == hits
    assert COSTS[name].write_units == hits * (2 + 3 + 2) + 2 * 2


def test_a_refused_look_is_noted_like_another_and_reads_the_head_alone() -> None:
    refused = COSTS["a refused lookup"]

    assert (refused.entries, refused.write_units) == (1, LOOKUP.write_units)
    assert refused.read_units == 1


def test_who_publishes_pays_for_the_minute_alone() -> None:
    published = COSTS["events sent over HTTP, beside their own cost"]

    assert (published.entries, published.write_units, published.read_units) == (0, 2, 0)


def test_an_entry_stays_under_a_kilobyte() -> None:
    assert all(cost.entry_bytes <= 1024 for cost in COSTS.values())


def test_money_is_of_tables_gateway_and_function() -> None:
    prices = Prices()
    parts = (LOOKUP.of_tables(prices), LOOKUP.of_gateway(prices), LOOKUP.of_function(prices))

    assert LOOKUP.dollars(prices) == pytest.approx(sum(parts))
    assert LOOKUP.of_tables(prices) > 0.6 * LOOKUP.dollars(prices)


def test_the_model_s_function_and_limits_are_the_template_s() -> None:
    parameters = TEMPLATE["Parameters"]
    own = TEMPLATE["Resources"]["QueryFunction"]["Properties"]

    assert parameters["DailyAllowance"]["Default"] == looks.LIMITS.day
    assert parameters["MinuteAllowance"]["Default"] == looks.LIMITS.minute
    memory = own.get("MemorySize", TEMPLATE["Globals"]["Function"]["MemorySize"])
    assert memory == 1024, "a second of it is a gigabyte-second"


def test_the_request_of_the_model_is_not_the_one_in_eight() -> None:
    assert crc32(looks._REQUEST.encode()) % WATCHED_EVERY
