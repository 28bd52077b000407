"""What `AgencySource` guarantees: the fake and the adapter pass one suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from functions.shared.adapters.registry import REMEMBERED_FOR, DynamoAgencies
from functions.shared.core.errors import Retry
from functions.shared.core.kinds import AGENCY
from functions.shared.core.planning import Verdict
from functions.shared.ports import AgencySource
from tests import faults
from tests.builders import AGENCIES, event, messages, period, registrations, registry
from tests.fakes import FakeAgencies, Unhurried
from tests.faults import Fault, Faulty
from tests.integration.functions.stack import WAITING, Aws, MotoWorld


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Registered:
    """The registry's tables with the agencies of tests, and a source over them."""

    aws: Aws
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.world = MotoWorld(self.aws, AGENCY)
        report = self.world.pipeline().run(messages(registrations()), Unhurried())
        assert set(report.verdicts.values()) == {Verdict.APPLIED}
        self.client = Faulty(self.aws.dynamodb)

    def source(self, client: Any = None) -> DynamoAgencies:
        used: Any = client or self.client
        return DynamoAgencies(used, self.world.records_table, WAITING, self.clock)

    def change(self, **fields: Any) -> None:
        document = event(
            "agency.changed", fields, key="G01", id_=f"c{len(fields)}", time="2026-04-01T00:00:00Z"
        )
        self.world.pipeline().run(messages([document]), Unhurried())


@pytest.fixture
def registered(aws: Aws) -> Registered:
    return Registered(aws)


@pytest.mark.parametrize("which", ["fake", "dynamodb"])
class TestBoth:
    def source(self, which: str, aws: Aws) -> AgencySource:
        return FakeAgencies() if which == "fake" else Registered(aws).source()

    def test_every_agency_is_what_its_events_made_it(self, which: str, aws: Aws) -> None:
        found = self.source(which, aws).agencies(list(AGENCIES), Unhurried())
        assert dict(found) == registry()

    def test_an_unknown_agency_is_answered_with_none(self, which: str, aws: Aws) -> None:
        source = self.source(which, aws)
        for afresh in (False, True):
            found = source.agencies(["G01", "H99"], Unhurried(), afresh=afresh)
            assert dict(found) == {"G01": registry()["G01"], "H99": None}

    def test_nothing_asked_is_nothing(self, which: str, aws: Aws) -> None:
        assert dict(self.source(which, aws).agencies([], Unhurried())) == {}


class TestRemembering:
    def test_what_was_read_is_not_read_again(self, registered: Registered) -> None:
        source = registered.source()
        for _ in range(3):
            source.agencies(["G01", "H99"], Unhurried())
        assert len(registered.client.calls) == 1, "not even that it is unknown"

    def test_only_what_is_not_remembered_is_read(self, registered: Registered) -> None:
        source = registered.source()
        source.agencies(["G01"], Unhurried())
        source.agencies(["G01", "G03"], Unhurried())
        (wanted,) = registered.client.calls[1].request["RequestItems"].values()
        assert wanted["Keys"] == [{"agency_id": {"S": "G03"}}]

    def test_a_registry_is_at_most_a_minute_old(self, registered: Registered) -> None:
        source = registered.source()
        source.agencies(["G01"], Unhurried())
        registered.change(periods=[period("justice", "person")])
        registered.clock.now += REMEMBERED_FOR
        assert source.agencies(["G01"], Unhurried())["G01"] == registry()["G01"]
        registered.clock.now += 0.001
        changed = source.agencies(["G01"], Unhurried())["G01"]
        assert changed is not None
        assert [p.kind for p in changed.periods] == ["justice"]
        assert REMEMBERED_FOR < 60

    def test_afresh_is_afresh(self, registered: Registered) -> None:
        source = registered.source()
        source.agencies(["G01"], Unhurried())
        registered.change(periods=[period("justice", "person")], senders=["AROANEW"])
        changed = source.agencies(["G01"], Unhurried(), afresh=True)["G01"]
        assert changed is not None
        assert changed.senders == {"AROANEW"}
        assert source.agencies(["G01"], Unhurried())["G01"] == changed

    def test_a_flood_of_unknown_agencies_is_forgotten_and_answered(
        self, registered: Registered
    ) -> None:
        source = registered.source()
        source.agencies(["G01"], Unhurried())
        ids = [f"Z99{n}" for n in range(10_050)]
        found = source.agencies(ids, Unhurried())
        assert dict(found) == dict.fromkeys(ids)
        calls = len(registered.client.calls)
        assert source.agencies(["G01"], Unhurried())["G01"] == registry()["G01"]
        assert len(registered.client.calls) == calls, "those that exist are still remembered"
        source.agencies(ids[:1], Unhurried())
        assert len(registered.client.calls) == calls + 1


UNREADABLE: Final = {
    "throttled": faults.answers("ThrottlingException"),
    "no connection": faults.cut(),
    "no key processed": faults.nothing_processed,
}


@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE)
def test_a_registry_that_cannot_be_read_is_a_retry(fault: Fault, registered: Registered) -> None:
    client = Faulty(registered.aws.dynamodb, faults.always("batch_get_item", fault))
    source = registered.source(client)
    with pytest.raises(Retry):
        source.agencies(["G01"], Unhurried())
    with pytest.raises(Retry):
        source.agencies(["G01"], Unhurried())
