"""A replay from quarantine a month later, while newer facts exist: the desk's own way of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from functions.shared.adapters.attributes import to_item
from functions.shared.adapters.desk import Outcome, as_it_was
from functions.shared.adapters.registry import DynamoAgencies
from functions.shared.core.cases import Selection
from functions.shared.core.instants import later
from functions.shared.core.kinds import PERSON
from functions.shared.core.ledger import Outcome as Effect
from functions.shared.core.replay import disagreements, folded
from functions.shared.runtime.pipeline import Pipeline
from tests.builders import (
    AGENCIES,
    PERSON_ID,
    SENT_AT,
    agency_fields,
    event,
    messages,
    period,
    registry,
)
from tests.fakes import FakeAgencies, FakeWorld, Unhurried
from tests.integration.functions.shared.adapters.test_desk import PEOPLE, World, correction, mend
from tests.integration.functions.stack import WAITING, Aws, chain_of

MONTH: Final = 30 * 86_400
NEW: Final = {"H26.77": agency_fields(period("one-stop", "person"))}
"""An agency that was made before the registry knew of it."""
OLD_TIME: Final = "2026-11-01T02:00:00.000000Z"
NEW_TIME: Final = "2026-11-20T02:00:00.000000Z"


class LateWorld(World):
    """Functions that read the registry's own table."""

    def pipeline(self, client: Any = None, s3: Any = None) -> Pipeline:
        agencies = DynamoAgencies(self.aws.dynamodb, self.agencies_table, WAITING, lambda: 0.0)
        return replace(super().pipeline(client, s3), agencies=agencies)

    def register(self) -> None:
        """The registry learns of the agency."""
        for id_, fields in NEW.items():
            item = to_item({"agency_id": id_, **fields})
            self.aws.dynamodb.put_item(TableName=self.agencies_table, Item=item)


def test_an_older_event_takes_what_is_free_and_leaves_newer_facts(aws: Aws) -> None:
    world = LateWorld(aws, PERSON)
    home = {"commune": "00070", "address": "Số 3, phố Thử Nghiệm"}
    moved = {"commune": "00082", "address": "Số 5, phố Giả Định"}
    # Refused in the first week: nobody knew the agency, somebody misnamed a field.
    mixed = event(
        fields={"phone": "0900000001", "nationality": "VN", "residence": home},
        id_="mixed",
        source="/agencies/H26.77",
        time=OLD_TIME,
    )
    stale = event(
        fields={"phone": "0900000002"}, id_="stale", source="/agencies/H26.77", time=OLD_TIME
    )
    misnamed = event(
        fields={"fullname": "Nguyễn Thị Cũ", "sex": "female"}, id_="misnamed", time=OLD_TIME
    )
    world.send(mixed, stale, misnamed)
    assert len(world.quarantined()) == 3
    assert world.entries() == {}
    # Since then others have said newer things: in the same lane, and in a higher one.
    newer = [
        event(fields={"phone": "0900000009"}, id_="n1", source="/agencies/H26", time=NEW_TIME),
        event(fields={"residence": moved}, id_="n2", time=NEW_TIME),
        event(fields={"full_name": "Nguyễn Thị Mới"}, id_="n3", time=NEW_TIME),
    ]
    world.send(*newer)

    world.register()
    rename = {"op": "move", "from": "/data/fullname", "path": "/data/full_name"}
    month_later = later(SENT_AT, MONTH)
    tally = mend(world.desk(), correction(rename), _of("/agencies/G01"), now=lambda: month_later)
    assert tally.outcomes == {Outcome.DONE: 1}
    tally = mend(world.desk(), as_it_was, _of("/agencies/H26.77"), now=lambda: month_later)
    assert tally.outcomes == {Outcome.DONE: 2}
    assert world.deliver() == 3

    entries = world.entries()
    effects = {
        uid.partition("#")[2]: {change.field: change.won for change in entry.changes}
        for uid, entry in entries.items()
    }
    (corrected,) = (name for name in effects if name.startswith("correction-"))
    # In its own lane an older home is news, though a higher lane shows another.
    assert effects["mixed"] == {"nationality": True, "residence": True, "phone": False}
    assert effects["stale"] == {"phone": False}
    assert effects[corrected] == {"full_name": False, "sex": True}
    assert entries["/agencies/H26.77#stale"].outcome is Effect.SUPERSEDED
    (item,) = world.contents().values()
    shown = {name: item.get(name) for name in ("full_name", "sex", "nationality", "phone")}
    assert shown == {
        "full_name": "Nguyễn Thị Mới",
        "sex": "female",
        "nationality": "VN",
        "phone": "0900000009",
    }
    assert item["residence"] == moved

    record = world.records()[PERSON_ID]
    chain = chain_of(record.record_key, entries.values())
    assert folded("person", PERSON_ID, chain) == record
    assert disagreements("person", PERSON_ID, chain) == []
    assert {entry["status"] for entry in world.quarantined()} <= {"replayed", "resolved"}


def _of(source: str) -> Selection:
    """The entries of a source."""
    return replace(PEOPLE, sources=frozenset({source}))


def test_the_tables_are_those_of_events_that_came_in_time(aws: Aws) -> None:
    """What was a month in quarantine ends as what was never refused."""
    world = LateWorld(aws, PERSON)
    late = [
        event(fields={"phone": f"090000000{n}"}, id_=f"{n}", source="/agencies/H26.77", time=time)
        for n, time in enumerate((OLD_TIME, NEW_TIME, OLD_TIME))
    ]
    newer = [event(fields={"phone": "0900000009", "sex": "male"}, id_="n", time=NEW_TIME)]
    world.send(*late)
    world.send(*newer)
    world.register()
    mend(world.desk(), as_it_was)
    assert world.deliver() == len(late)

    in_time = FakeWorld(PERSON, agencies=FakeAgencies(registry({**AGENCIES, **NEW})))
    in_time.pipeline.run(messages([*late, *newer]), Unhurried())
    assert world.contents() == in_time.contents()
    assert world.entries().keys() == in_time.ledger.entries.keys()
