"""What `Directory` guarantees: the fake and the adapter pass one suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from functions.shared.adapters.directory import DynamoDirectory
from functions.shared.adapters.registry import REMEMBERED_FOR
from functions.shared.core.errors import Retry
from functions.shared.core.kinds import AGENCY
from functions.shared.core.registry import agency_from
from functions.shared.ports import Directory
from tests import faults
from tests.builders import agency_fields, event, messages, period
from tests.fakes import Passed, Unhurried
from tests.fakes_query import FakeDirectory
from tests.faults import Faulty
from tests.integration.functions.stack import WAITING, Aws, MotoWorld

SOON: Final = Unhurried()
Fields = Mapping[str, Any]
Make = Callable[[Mapping[str, Fields]], Directory]


def fields(id_: str, parent: str | None = None, *senders: str) -> Fields:
    stated = {**agency_fields(period("one-stop", "dossier"), senders=senders)}
    return {**stated, "name": f"Cơ quan {id_}"} | ({"parent": parent} if parent else {})


TREE: Final[Mapping[str, Fields]] = {
    "H26": fields("H26", None, "client-h26"),
    "H26.12": fields("H26.12", "H26", "client-12", "client-both"),
    "H26.12.01": fields("H26.12.01", "H26.12", "client-both"),
    # Entered by mistake: above each other, and above itself.
    "H26.20": fields("H26.20", "H26.21"),
    "H26.21": fields("H26.21", "H26.20"),
    "H26.30": fields("H26.30", "H26.30"),
    "H26.40": fields("H26.40", "H26.99"),
}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Town:
    """A registry on moto."""

    def __init__(self, aws: Aws) -> None:
        self.world = MotoWorld(aws, AGENCY)
        self.aws = aws
        self.clock = Clock()

    def registered(self, agencies: Mapping[str, Fields]) -> DynamoDirectory:
        events = [
            event("agency.registered", stated, key=id_, id_=f"registry-{id_}")
            for id_, stated in agencies.items()
        ]
        self.world.pipeline().run(messages(events), Unhurried())
        return DynamoDirectory(self.aws.dynamodb, self.world.records_table, WAITING, self.clock)


def fake(agencies: Mapping[str, Fields]) -> FakeDirectory:
    parents = {id_: stated["parent"] for id_, stated in agencies.items() if "parent" in stated}
    known = {id_: agency_from(id_, stated) for id_, stated in agencies.items()}
    return FakeDirectory(parents, known)


@pytest.fixture
def town(aws: Aws) -> Town:
    return Town(aws)


@pytest.fixture(params=["fake", "dynamodb"])
def directory(request: pytest.FixtureRequest, town: Town) -> Directory:
    return fake(TREE) if request.param == "fake" else town.registered(TREE)


def test_an_agency_is_what_the_registry_says(directory: Directory) -> None:
    found = directory.agency("H26.12", SOON)
    assert found == agency_from("H26.12", TREE["H26.12"])
    assert directory.agency("H26.98", SOON) is None
    assert directory.name("H26", SOON) == "Cơ quan H26"


@pytest.mark.parametrize(
    ("id_", "above"),
    [
        ("H26", ()),
        ("H26.12", ("H26",)),
        ("H26.12.01", ("H26.12", "H26")),
        ("H26.40", ("H26.99",)),
        ("H26.98", ()),
    ],
)
def test_above_an_agency_are_its_parents_the_nearest_first(
    directory: Directory, id_: str, above: tuple[str, ...]
) -> None:
    assert directory.above(id_, SOON) == above


@pytest.mark.parametrize("id_", ["H26.20", "H26.21", "H26.30"])
def test_agencies_above_each_other_are_each_named_once(directory: Directory, id_: str) -> None:
    above = directory.above(id_, SOON)
    assert len(set(above)) == len(above) <= 2


@pytest.mark.parametrize(
    ("principal", "agency"),
    [
        ("client-h26", "H26"),
        ("client-12", "H26.12"),
        ("client-both", None),
        ("nobody", None),
        ("", None),
    ],
)
def test_a_principal_is_of_the_one_agency_that_names_it(
    directory: Directory, principal: str, agency: str | None
) -> None:
    assert directory.of_sender(principal, SOON) == agency


def test_the_registry_is_read_once_in_fifty_seconds(town: Town) -> None:
    directory = town.registered({"H26": TREE["H26"]})
    assert directory.agency("H26.12", SOON) is None
    again = town.registered({"H26.12": TREE["H26.12"]})
    town.clock.now += REMEMBERED_FOR
    assert directory.agency("H26.12", SOON) is None
    assert again.agency("H26.12", SOON) is not None
    town.clock.now += 0.1
    assert directory.agency("H26.12", SOON) is not None
    assert directory.of_sender("client-12", SOON) == "H26.12"


def test_a_table_that_answers_in_pages_is_read_whole(aws: Aws) -> None:
    town = Town(aws)
    town.registered(TREE)

    class Pages:
        def scan(self, **asked: Any) -> Any:
            return aws.dynamodb.scan(**asked, Limit=2)

    client: Any = Pages()
    directory = DynamoDirectory(client, town.world.records_table, WAITING, town.clock)
    assert [directory.agency(id_, SOON) is not None for id_ in TREE] == [True] * len(TREE)


def throttled(town: Town, times: int) -> DynamoDirectory:
    """A directory whose first reads are throttled."""
    town.registered(TREE)
    slow = [faults.answers("ProvisionedThroughputExceededException")] * times
    client: Any = Faulty(town.aws.dynamodb, faults.on("scan", *slow))
    return DynamoDirectory(client, town.world.records_table, WAITING, town.clock)


def test_throttling_is_waited_for(town: Town) -> None:
    assert throttled(town, 2).agency("H26", SOON) is not None


def test_without_time_there_is_no_answer(town: Town) -> None:
    directory = throttled(town, 1)
    with pytest.raises(Retry):
        directory.agency("H26", Passed())
    assert directory.agency("H26", SOON) is not None
