"""The indexes of the benchmark's server are those of the items, sorted and in pages."""

from __future__ import annotations

from typing import Any

import pytest

from functions.shared.core.items import item_of
from tests.bench import workload
from tests.bench.indexes import Indexes
from tests.bench.lookups import percentile

CROWD = 20_000


def by_name(number: int, **more: Any) -> dict[str, Any]:
    item = item_of(workload.person_record(number))
    return {
        "IndexName": "by-name",
        "KeyConditionExpression": "name_key=:v",
        "ExpressionAttributeValues": {":v": {"S": item["name_key"]}},
        **more,
    }


def beginning(number: int, length: int) -> dict[str, Any]:
    item = item_of(workload.person_record(number))
    asked = by_name(number)
    asked["KeyConditionExpression"] += " AND begins_with(birth_key,:b)"
    asked["ExpressionAttributeValues"][":b"] = {"S": str(item["birth_key"])[:length]}
    return asked


@pytest.mark.parametrize("number", [7, 8, workload.common(5_000), workload.common(19_000)])
def test_everybody_is_in_the_index_with_the_keys_of_their_item(number: int) -> None:
    item = item_of(workload.person_record(number))
    keys = Indexes(CROWD, "").query(by_name(number))["Items"]
    own = {name: {"S": item[name]} for name in ("personal_id", "name_key", "birth_key")}
    assert own in keys
    sorted_by = [key["birth_key"]["S"] for key in keys]
    assert sorted_by == sorted(sorted_by)
    for key in keys:
        other = item_of(workload.person_record(int(key["personal_id"]["S"][-6:])))
        assert {name: {"S": other[name]} for name in key} == key


def test_a_range_of_the_sort_key_is_what_begins_so() -> None:
    indexes, number = Indexes(CROWD, ""), workload.common(6_000)
    whole = indexes.query(by_name(number))["Items"]
    year = indexes.query(beginning(number, 4))["Items"]
    begins = year[0]["birth_key"]["S"][:4]
    assert year == [key for key in whole if key["birth_key"]["S"].startswith(begins)]
    assert 0 < len(year) < len(whole)


def test_pages_follow_each_other() -> None:
    indexes, number = Indexes(CROWD, ""), workload.common(0)
    found: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        page = indexes.query(by_name(number, Limit=7, **start))
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == indexes.query(by_name(number))["Items"]


def test_items_are_found_by_whom_they_are_of() -> None:
    cards = [workload.card_record(number) for number in range(5)]
    held = {card.key: workload.item_on_the_wire(card) for card in cards}
    asked = {
        "IndexName": "by-person",
        "KeyConditionExpression": "personal_id=:v",
        "ExpressionAttributeValues": {":v": {"S": workload.key_of_person(3)}},
    }
    (key,) = Indexes(held, "insurance_number").query(asked)["Items"]
    assert key["insurance_number"] == {"S": cards[3].key}


def test_a_question_that_the_server_does_not_know_is_no_answer() -> None:
    asked = by_name(1, KeyConditionExpression="name_key=:v AND birth_key>:v")
    with pytest.raises(NotImplementedError):
        Indexes(CROWD, "").query(asked)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.99) == 99
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3
    assert percentile([5.0], 0.5) == 5
