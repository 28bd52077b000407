"""A city through the functions' own code shows what is true; whatever does not is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from functions.shared.adapters.attributes import Item
from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import AGENCY, KIND_OF_QUEUE, PERSON
from functions.shared.core.registry import agency_from
from functions.shared.runtime.pipeline import Pipeline
from infra.city.dirt import rates
from infra.lienthong import demo_city, truth
from infra.lienthong.console import Console
from infra.lienthong.demo_city import DemoCity, Told
from infra.lienthong.messages import Message, messages_of
from infra.lienthong.tables import OUTPUT_OF_KIND, Patience
from tests.builders import messages
from tests.fakes import FakeAgencies, FakeWorld, Unhurried
from tests.integration.infra.lienthong.town import Town

QUEUE = "population"
SETTINGS = replace(
    demo_city.SETTINGS,
    people=100,
    cards=90,
    dossiers=20,
    dirt=rates("usual,duplicates=0.1,bad=0.05"),
)
BATCH = 100


class City:
    """A small city that was taken in by a town."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.made: DemoCity = demo_city.made(folder / "city", Console(quiet=True), SETTINGS)
        self.told: Told = self.made.told(QUEUE)
        registry = list(messages_of([str(self.made.registry)]))
        self._agencies = _agencies(registry)
        for sent in (registry, self.told.messages, self.told.last):
            self._take(sent)

    def _take(self, sent: list[Message]) -> None:
        for queue, kind in KIND_OF_QUEUE.items():
            mine = [m.body.decode() for m in sent if (queue_of(m.body) or QUEUE) == queue]
            pipeline: Pipeline = replace(self.town.pipeline(kind.name), agencies=self._agencies)
            for start in range(0, len(mine), BATCH):
                pipeline.run(messages(mine[start : start + BATCH]), Unhurried())

    def records(self, *aside: truth.Place) -> truth.Records:
        return truth.compared(self.made.records, self.town.archive(), aside)

    def refusals(self) -> truth.Refusals:
        return truth.refusals(self.told.bad, self.town.archive(), Patience())

    def items(self, table: str) -> list[Item]:
        """The items of a table."""
        found: list[Item] = self.town.dynamodb.scan(TableName=table)["Items"]
        return found


def _agencies(registry: list[Message]) -> FakeAgencies:
    world = FakeWorld(AGENCY)
    world.pipeline.run(messages([m.body.decode() for m in registry]), Unhurried())
    return FakeAgencies({key: agency_from(key, item) for key, item in world.records.items.items()})


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One city for all tests here."""
    with mock_aws():
        yield City(tmp_path_factory.mktemp("town"))


@pytest.fixture
def city(taken_in: City) -> Iterator[City]:
    """The city, put back as it was afterwards."""
    tables = (OUTPUT_OF_KIND[PERSON.name], "QuarantineTable")
    before = {table: taken_in.items(table) for table in tables}
    yield taken_in
    for table, items in before.items():
        for item in items:
            taken_in.town.put(table, item)


def test_a_city_that_was_taken_in_is_true(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    records, refusals = city.records(), city.refusals()
    assert records.holds
    assert records.untrue == []
    assert records.true == records.expected
    counts = dict(city.made.counts["records"])
    assert {kind: records.true[kind] for kind in counts} == counts
    assert records.mistyped == city.made.counts["untrue_records"]
    assert refusals.holds
    assert refusals.refused == refusals.expected == Counter(city.made.counts["bad"])
    truth.tell_records(records, Console())
    truth.tell_refusals(refusals, Console())
    assert f"all {records.true.total():,}".split()[1] in capsys.readouterr().out


def test_a_record_that_is_not_as_it_should_be_is_found(city: City) -> None:
    wrong, more, less, gone, erased, others = city.items(OUTPUT_OF_KIND[PERSON.name])[:6]
    table = OUTPUT_OF_KIND[PERSON.name]
    city.town.put(table, {**wrong, "full_name": {"S": "Một Người Khác"}})
    city.town.put(table, {**more, "nationality": {"S": "LA"}, "phone": {"S": "0"}})
    city.town.put(table, {name: value for name, value in less.items() if name != "sex"})
    city.town.dynamodb.delete_item(TableName=table, Key={PERSON.key: gone[PERSON.key]})
    city.town.put(table, {**erased, "full_name": {"S": "?"}, "erasures": {"N": "1"}})
    city.town.put(table, {**others, "full_name": {"S": "?"}})

    found = city.records((PERSON.name, others[PERSON.key]["S"]))
    assert not found.holds
    assert {(u.key, u.fields) for u in found.untrue} == {
        (wrong[PERSON.key]["S"], ("full_name",)),
        (more[PERSON.key]["S"], ("nationality", "phone")),
        (less[PERSON.key]["S"], ("sex",)),
        (gone[PERSON.key]["S"], ()),
    }
    assert found.aside == {PERSON.name: 2}
    assert found.true[PERSON.name] == found.expected[PERSON.name] - 6


def test_a_bad_message_that_was_not_refused_for_what_is_wrong_is_found(
    city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, other, elsewhere, *_ = city.told.bad
    table = city.town.dynamodb
    key = {"quarantine_id": {"S": missing.entry}}
    table.delete_item(TableName="QuarantineTable", Key=key)
    bad = [
        missing,
        replace(other, code="gave-up"),
        replace(elsewhere, path="/nowhere"),
        replace(other, code=None, path=None),
    ]
    found = truth.refusals(bad[:3], city.town.archive(), Patience())
    assert not found.holds
    assert [one for one, _ in found.other] == bad[:3]
    assert found.other[0][1] == "not refused"
    assert found.refused.total() == 0
    assert truth.refusals(bad[3:], city.town.archive(), Patience()).holds
    truth.tell_refusals(found, Console())
    assert "not refused" in capsys.readouterr().out
