"""Units are counted by DynamoDB's rules, of tables that are the template's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from functions.shared.adapters.attributes import Item
from infra.build.meter import TABLES, AtOnce, Meter, Table, index_units, size
from infra.lienthong.tables import OUTPUT_OF_KIND
from tests.unit.test_template import TABLES as OF_THE_RECORDS
from tests.unit.test_template import TABLES_OF_THE_API

OUTPUTS: Final[Mapping[str, str]] = {
    **OUTPUT_OF_KIND,
    "ledger": "LedgerTable",
    "quarantine": "QuarantineTable",
    "access-log": "AccessLogTable",
    "access-heads": "AccessHeadsTable",
    "allowances": "AllowancesTable",
}


def thing(key: str, **more: str) -> Item:
    return {"id": {"S": key}, **{name: {"S": text} for name, text in more.items()}}


@pytest.fixture
def meter() -> Meter:
    return Meter({"things": Table(("id",), {"by-name": ("name", "birth")})})


def written(meter: Meter, *actions: Mapping[str, Any]) -> int:
    meter.reset()
    meter.transact_write_items(TransactItems=actions)
    return meter.write_units


def put(item: Item) -> Mapping[str, Any]:
    return {"Put": {"TableName": "things", "Item": item}}


def update(expression: str, **values: Any) -> Mapping[str, Any]:
    return {
        "Update": {
            "TableName": "things",
            "Key": {"id": {"S": "1"}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
    }


def found(meter: Meter, condition: str, **values: str) -> list[str]:
    answer = meter.query(
        TableName="things",
        IndexName="by-name",
        KeyConditionExpression=condition,
        ExpressionAttributeValues={f":{name}": {"S": text} for name, text in values.items()},
        Limit=10,
    )
    return [item["id"]["S"] for item in answer["Items"]]


def test_the_tables_are_the_template_s() -> None:
    known = {**OF_THE_RECORDS, **TABLES_OF_THE_API}

    assert {OUTPUTS[name]: ("+".join(t.key), dict(t.indexes)) for name, t in TABLES.items()} == {
        output: (key, dict(indexes)) for output, (key, indexes) in known.items()
    }


def test_a_write_in_a_transaction_is_two_units_for_each_kilobyte(meter: Meter) -> None:
    assert written(meter, put(thing("1"))) == 2
    assert written(meter, put(thing("2", text="x" * 1024))) == 4
    assert written(meter, put(thing("3")), put(thing("4"))) == 4


def test_a_write_is_as_large_as_what_was_there(meter: Meter) -> None:
    meter.fill("things", thing("1", text="x" * 3000))

    assert written(meter, put(thing("1"))) == 6
    assert written(meter, put(thing("1"))) == 2


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, {"name": "a", "birth": "1"}, 1),
        (None, {"name": "a"}, 0),
        ({"name": "a", "birth": "1"}, {"name": "a", "birth": "1", "text": "b"}, 0),
        ({"name": "a", "birth": "1"}, {"name": "a", "birth": "2"}, 2),
        ({"name": "a", "birth": "1"}, {"name": "a"}, 1),
    ],
)
def test_an_index_costs_what_appears_in_it_and_what_goes(
    meter: Meter, before: dict[str, str] | None, after: dict[str, str], units: int
) -> None:
    was = thing("1", **before) if before is not None else None
    if was is not None:
        meter.fill("things", was)

    assert index_units(was, thing("1", **after), ("name", "birth")) == units
    assert written(meter, put(thing("1", **after))) == 2 + units


def test_a_consistent_read_is_a_unit_for_each_four_kilobytes_and_one_for_nothing(
    meter: Meter,
) -> None:
    meter.fill("things", thing("1", text="x" * 4096))
    keys = [thing("1"), thing("2")]
    answer = meter.batch_get_item(RequestItems={"things": {"Keys": keys, "ConsistentRead": True}})

    assert len(answer["Responses"]["things"]) == 1
    assert meter.read_units == 2 + 1


def test_an_index_is_read_for_half_in_its_order(meter: Meter) -> None:
    for key, birth in (("1", "1990#b"), ("2", "1990#a"), ("3", "1991#c")):
        meter.fill("things", thing(key, name="mau", birth=birth, text="x" * 5000))
    meter.fill("things", thing("4", name="mau"))

    assert found(meter, "name=:v", v="mau") == ["2", "1", "3"]
    assert found(meter, "name=:v AND begins_with(birth,:b)", v="mau", b="1990") == ["2", "1"]
    assert found(meter, "name=:v AND birth BETWEEN :a AND :b", v="mau", a="1990#b", b="1992") == [
        "1",
        "3",
    ]
    assert found(meter, "name=:v", v="nobody") == []
    assert meter.read_units == 4 * 0.5


def test_an_update_sets_adds_and_joins(meter: Meter) -> None:
    for number in range(2):
        change = update(
            "SET expires=:e ADD looks :n,subjects :s",
            e={"N": "9"},
            n={"N": "3"},
            s={"BS": [b"same", bytes([number])]},
        )
        assert written(meter, change) == 2
    answer = meter.batch_get_item(
        RequestItems={"things": {"Keys": [thing("1")], "ConsistentRead": True}}
    )

    (item,) = answer["Responses"]["things"]
    assert item["looks"] == {"N": "6"}
    assert item["subjects"] == {"BS": [b"\x00", b"\x01", b"same"]}
    assert size({"subjects": item["subjects"]}) == len("subjects") + 6


@pytest.mark.parametrize(
    "action",
    [
        {"Delete": {"TableName": "things", "Key": {"id": {"S": "1"}}}},
        update("SET notes=list_append(notes,:n)", n={"L": []}),
        update("SET a=:a ADD b.c :b", a={"N": "1"}, b={"N": "1"}),
    ],
)
def test_what_it_does_not_know_is_not_counted_wrongly(
    meter: Meter, action: Mapping[str, Any]
) -> None:
    with pytest.raises(NotImplementedError):
        written(meter, action)


def test_a_condition_or_a_read_that_it_does_not_know_is_refused(meter: Meter) -> None:
    with pytest.raises(NotImplementedError):
        found(meter, "name=:v AND size(birth)>:b", v="mau", b="1")
    with pytest.raises(NotImplementedError):
        meter.batch_get_item(RequestItems={"things": {"Keys": [thing("1")]}})
    for number in range(11):
        meter.fill("things", thing(str(number), name="mau", birth="1990"))
    with pytest.raises(NotImplementedError):
        found(meter, "name=:v", v="mau")


def test_calls_that_go_out_together_are_made_one_after_the_other() -> None:
    made: list[int] = []
    futures = [AtOnce().submit(made.append, number) for number in range(3)]

    assert made == [0, 1, 2]
    assert all(future.done() for future in futures)
