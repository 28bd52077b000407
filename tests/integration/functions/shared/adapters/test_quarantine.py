"""What `Quarantine` guarantees: the fake and the adapter pass one suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.quarantine import FIRST_REASONS, LARGEST_INLINE
from functions.shared.core.canonical import canonical
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.events import Reason
from functions.shared.core.kinds import PERSON
from functions.shared.ports import Deadline, Quarantine, Refusal
from tests import faults
from tests.builders import SENT_AT
from tests.fakes import FakeQuarantine, Passed, Unhurried
from tests.faults import Faulty
from tests.integration.functions.stack import BUCKET, Aws, MotoWorld

AT, WHY = "2026-11-23T00:00:00.000000Z", "The ledger holds it."


def refusal(text: str = "nonsense", *codes: str, **attributes: Any) -> Refusal:
    reasons = tuple(Reason(code, "/x", "It is wrong.") for code in codes or ("not-json",))
    return Refusal("population", text, reasons, SENT_AT, **attributes)


@dataclass(frozen=True)
class Seen:
    """What an entry holds, whichever quarantine keeps it."""

    body: str
    seen: int
    status: str
    reasons: tuple[str, ...]
    received_at: str


class FakeCase:
    def __init__(self) -> None:
        self.fake = FakeQuarantine()
        self.quarantine: Quarantine = self.fake

    def entries(self) -> dict[str, Seen]:
        return {
            id_: Seen(
                kept.refusal.body,
                kept.seen,
                kept.status,
                tuple(reason.code for reason in kept.refusal.reasons),
                kept.refusal.received_at,
            )
            for id_, kept in self.fake.kept.items()
        }


class DynamoCase:
    def __init__(self, aws: Aws) -> None:
        self.world = MotoWorld(aws, PERSON)
        self.quarantine: Quarantine = self.world.quarantine()

    def entries(self) -> dict[str, Seen]:
        return {
            entry["quarantine_id"]: Seen(
                entry["body"],
                entry["seen"],
                entry["status"],
                tuple(reason["code"] for reason in entry["reasons"]),
                entry["received_at"],
            )
            for entry in self.world.quarantined()
        }


@pytest.fixture(params=["fake", "dynamodb"])
def case(request: pytest.FixtureRequest, aws: Aws) -> FakeCase | DynamoCase:
    return FakeCase() if request.param == "fake" else DynamoCase(aws)


BODIES = [
    "nonsense",
    "",
    "é" * 5000,
    "x" * LARGEST_INLINE,
    "x" * (LARGEST_INLINE + 1),
    "\ud800",
    "\0",
]


class TestKeeping:
    @pytest.mark.parametrize("text", BODIES)
    def test_a_message_is_kept_whole(self, case: FakeCase | DynamoCase, text: str) -> None:
        kept = refusal(text, "invalid-data", "id-reused")
        case.quarantine.keep([kept], Unhurried())
        assert case.entries() == {
            kept.id: Seen(text, 1, "open", ("invalid-data", "id-reused"), SENT_AT)
        }

    def test_the_same_message_again_only_counts_up(self, case: FakeCase | DynamoCase) -> None:
        first, again = refusal("x", "not-json"), refusal("x", "gave-up")
        case.quarantine.keep([first, first], Unhurried())
        case.quarantine.keep([again], Unhurried())
        assert case.entries() == {first.id: Seen("x", 3, "open", ("not-json",), SENT_AT)}

    def test_other_messages_are_other_entries(self, case: FakeCase | DynamoCase) -> None:
        kept = [refusal("x"), refusal("y"), refusal("x", replays="a" * 64)]
        case.quarantine.keep(kept, Unhurried())
        assert set(case.entries()) == {one.id for one in kept}

    def test_without_time_it_is_tried_once_all_the_same(self, case: FakeCase | DynamoCase) -> None:
        case.quarantine.keep([refusal("x"), refusal("y")], Passed())
        assert len(case.entries()) == 2


class TestResolving:
    def resolve(self, case: FakeCase | DynamoCase, ids: Sequence[str]) -> frozenset[str]:
        return case.quarantine.resolve(ids, AT, WHY, Unhurried())

    def test_only_what_is_there_and_open_is_closed(self, case: FakeCase | DynamoCase) -> None:
        one, other = refusal("x"), refusal("y")
        case.quarantine.keep([one, other], Unhurried())
        assert self.resolve(case, [one.id, "0" * 64]) == {one.id}
        assert self.resolve(case, [one.id, "0" * 64]) == frozenset()
        statuses = {id_: seen.status for id_, seen in case.entries().items()}
        assert statuses == {one.id: "resolved", other.id: "open"}

    def test_nothing_to_close_is_nothing(self, case: FakeCase | DynamoCase) -> None:
        assert self.resolve(case, []) == frozenset()

    def test_what_comes_again_stays_closed(self, case: FakeCase | DynamoCase) -> None:
        kept = refusal("x")
        case.quarantine.keep([kept], Unhurried())
        self.resolve(case, [kept.id])
        case.quarantine.keep([kept], Unhurried())
        assert case.entries()[kept.id] == Seen("x", 2, "resolved", ("not-json",), SENT_AT)


class TestItems:
    """What the adapter alone has: its attributes, its bucket, its errors."""

    def kept(self, aws: Aws, one: Refusal) -> tuple[MotoWorld, dict[str, Any]]:
        world = MotoWorld(aws, PERSON)
        world.quarantine().keep([one], Unhurried())
        (item,) = world.items(world.quarantine_table)
        return world, from_item(item)

    def test_an_entry_has_the_attributes_of_the_contract(self, aws: Aws) -> None:
        one = refusal("x", "not-json", source="/agencies/G01", event_id="e", sender="AROAX")
        _, item = self.kept(aws, one)
        shard = int(one.id[0], 16) % 8
        assert item == {
            "quarantine_id": one.id,
            "seen": 1,
            "queue": "population",
            "reasons": [{"code": "not-json", "path": "/x", "text": "It is wrong."}],
            "body": "x",
            "source": "/agencies/G01",
            "event_id": "e",
            "sender": "AROAX",
            "received_at": SENT_AT,
            "status": "open",
            "queue_key": f"population#2026-11-22#{shard}",
            "reason_key": f"not-json#2026-11-22#{shard}",
        }

    def test_an_entry_is_found_by_queue_and_by_reason(self, aws: Aws) -> None:
        world, item = self.kept(aws, refusal("x"))
        for index, name in [("by-queue", "queue_key"), ("by-reason", "reason_key")]:
            found = aws.dynamodb.query(
                TableName=world.quarantine_table,
                IndexName=index,
                KeyConditionExpression="#k=:k",
                ExpressionAttributeNames={"#k": name},
                ExpressionAttributeValues={":k": {"S": item[name]}},
            )
            assert [i["quarantine_id"]["S"] for i in found["Items"]] == [item["quarantine_id"]]

    def test_a_large_body_is_in_the_bucket_and_the_item_says_where(self, aws: Aws) -> None:
        text = "é" * LARGEST_INLINE
        _, item = self.kept(aws, refusal(text))
        assert "body" not in item
        assert item["body_bytes"] == 2 * LARGEST_INLINE
        stored = aws.s3.get_object(Bucket=BUCKET, Key=item["body_object"])["Body"].read()
        assert stored == text.encode()

    def test_many_reasons_are_in_the_bucket_and_the_first_in_the_item(self, aws: Aws) -> None:
        one = refusal("x", *["invalid-data"] * 3000)
        _, item = self.kept(aws, one)
        assert len(item["reasons"]) == FIRST_REASONS
        assert item["reasons_count"] == 3000
        stored = aws.s3.get_object(Bucket=BUCKET, Key=item["reasons_object"])["Body"].read()
        assert stored == canonical([dict(reason.as_json()) for reason in one.reasons])

    def test_the_first_of_many_long_reasons_still_fit(self, aws: Aws) -> None:
        long = tuple(Reason("invalid-data", "/" + "é" * 5000, "t" * 5000) for _ in range(50))
        _, item = self.kept(aws, Refusal("population", "x", long, SENT_AT))
        assert len(canonical(item["reasons"])) < 40_000

    def test_a_closed_entry_says_who_when_and_why(self, aws: Aws) -> None:
        world, item = self.kept(aws, refusal("x"))
        world.quarantine().resolve([item["quarantine_id"]], AT, WHY, Unhurried())
        (closed,) = world.quarantined()
        assert closed == {
            **item,
            "status": "resolved",
            "closed_at": AT,
            "closed_by": "tests",
            "closed_because": WHY,
        }

    def test_the_body_is_stored_before_the_item_speaks_of_it(self, aws: Aws) -> None:
        world = MotoWorld(aws, PERSON)
        refused = Faulty(aws.s3, faults.always("put_object", faults.answers("SlowDown", 503)))
        with pytest.raises(Retry):
            world.quarantine(s3=refused).keep([refusal("x" * 9000)], Unhurried())
        assert world.quarantined() == []

    def test_a_broken_stack_is_a_defect_that_tells_nothing(self, aws: Aws) -> None:
        world = MotoWorld(aws, PERSON)
        denied = Faulty(
            aws.dynamodb, faults.always("update_item", faults.answers("AccessDeniedException"))
        )
        with pytest.raises(Defect) as caught:
            world.quarantine(denied).keep([refusal("x")], Unhurried())
        assert str(caught.value) == "UpdateItem failed with AccessDeniedException."
        assert caught.value.__cause__ is None

    def test_trying_ends(self, aws: Aws) -> None:
        world = MotoWorld(aws, PERSON)
        deadlines: list[tuple[Deadline, int]] = [(Unhurried(), 10), (Passed(), 1)]
        for deadline, most in deadlines:
            busy = Faulty(
                aws.dynamodb, faults.always("update_item", faults.answers("ThrottlingException"))
            )
            with pytest.raises(Retry):
                world.quarantine(busy).keep([refusal("x")], deadline)
            assert 1 <= len(busy.calls) <= most

    def test_an_entry_that_was_removed_meanwhile_is_not_made_again(self, aws: Aws) -> None:
        world, item = self.kept(aws, refusal("x"))
        key = {"quarantine_id": {"S": item["quarantine_id"]}}

        def remove() -> None:
            aws.dynamodb.delete_item(TableName=world.quarantine_table, Key=key)

        client = Faulty(aws.dynamodb, faults.on("update_item", faults.meanwhile(remove)))
        world.quarantine(client).resolve([item["quarantine_id"]], AT, WHY, Unhurried())
        assert world.quarantined() == []
