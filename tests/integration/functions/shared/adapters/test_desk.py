"""The desk over tables and queues: found, counted, corrected, replayed; cut off anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest

from functions.shared.adapters.attributes import from_item, to_item
from functions.shared.adapters.desk import (
    Cursor,
    Desk,
    NotTaken,
    Outcome,
    Pace,
    Places,
    Replay,
    Tally,
    Unsuited,
    as_it_was,
    dismiss_all,
    entry_of,
    fits,
    looked_at,
    replay_all,
)
from functions.shared.core.cases import Entry, Selection
from functions.shared.core.correction import Patch, Unfit, by_patch
from functions.shared.core.instants import later
from functions.shared.core.kinds import PERSON
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.registry import Senders
from functions.shared.runtime.sqs import messages_of
from schemas.quarantine import QuarantineEntry
from tests.builders import AGENCIES, SENDER, SENT_AT, body, event, message
from tests.fakes import Unhurried
from tests.faults import (
    Call,
    Died,
    Fault,
    Faulty,
    Proceed,
    answers,
    died_after,
    died_before,
    on,
)
from tests.integration.functions.stack import BUCKET, WAITING, Aws, MotoWorld, create_table

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

QUEUE: Final = "population"
NOW: Final = later(SENT_AT, 3600)
RENAME: Final = {"op": "move", "from": "/data/fullname", "path": "/data/full_name"}
OPEN: Final = Selection(statuses=frozenset({"open"}), since=later(SENT_AT, -60), until=NOW)
WHOLE: Final = replace(OPEN, statuses=frozenset())
PEOPLE: Final = replace(OPEN, queues=frozenset({QUEUE}))
_numbers: Final = count(1)


_WRITES: Final = ("update_item", "send_message_batch", "send_message")


class Mortality:
    """Ends the process at its n-th write: before it reached AWS, or right after."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._at = at
        self._after = after
        self._writes = 0

    def __call__(self, call: Call) -> Fault | None:
        self._writes += call.operation in _WRITES
        if call.operation not in _WRITES or self._writes != self._at:
            return None
        return died_after if self._after else died_before

    def desk(self, world: World, *, singly: bool = False) -> Desk:
        """A desk that does one thing after the other, until it ends."""
        dynamodb, sqs = Faulty(world.aws.dynamodb, self), Faulty(world.sqs, self)
        return world.desk(dynamodb, sqs, threads=1, singly=singly)


class World(MotoWorld):
    """The tables of people, the registry, and a queue."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sqs: SQSClient = boto3.client("sqs", region_name="us-east-1")
        name = f"population-{next(_numbers)}"
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.agencies_table = create_table(self.aws.dynamodb, "AgenciesTable")
        for id_, fields in AGENCIES.items():
            item = to_item({"agency_id": id_, **fields})
            self.aws.dynamodb.put_item(TableName=self.agencies_table, Item=item)

    def desk(
        self, dynamodb: Any = None, sqs: Any = None, threads: int = 4, *, singly: bool = False
    ) -> Desk:
        places = Places(
            self.quarantine_table,
            BUCKET,
            self.ledger_table,
            self.agencies_table,
            {QUEUE: self.url},
        )
        return Desk(
            dynamodb or self.aws.dynamodb,
            self.aws.s3,
            sqs or self.sqs,
            places,
            Senders(anyone=True),
            waiting=WAITING,
            patience=Unhurried,
            monotonic=lambda: 0.0,
            threads=threads,
            singly=singly,
        )

    def send(self, *contents: Any, at: Callable[[int], str] = lambda _: SENT_AT) -> list[str]:
        """Messages as sources send them; the ids they have if they are refused."""
        found = [message(content, sent_at=at(n)) for n, content in enumerate(contents)]
        for start in range(0, len(found), 100):
            self.pipeline().run(found[start : start + 100], Unhurried())
        return [quarantine_id(QUEUE, one.body) for one in found]

    def deliver(self) -> int:
        """Hands the function what is in the queue; how many messages that were."""
        delivered = 0
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            received = answer.get("Messages", [])
            if not received:
                return delivered
            records = [
                {
                    "messageId": one["MessageId"],
                    "body": one["Body"],
                    "attributes": {**_plain(one["Attributes"]), "SenderId": "AROARELAY:desk"},
                    "messageAttributes": {
                        name: {"stringValue": value["StringValue"]}
                        for name, value in one.get("MessageAttributes", {}).items()
                    },
                }
                for one in received
            ]
            # A minute ahead, so that what is refused again is newer than all before.
            senders = Senders(relays=frozenset({"AROARELAY"}), anyone=True)
            messages = [m._replace(sent_at=NOW) for m in messages_of({"Records": records}, senders)]
            report = self.pipeline().run(messages, Unhurried())
            assert not report.unfinished()
            for one in received:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
            delivered += len(received)

    def entry(self, id_: str) -> dict[str, Any]:
        """An entry's item, which has the form of the contract."""
        key = {"quarantine_id": {"S": id_}}
        item = self.aws.dynamodb.get_item(TableName=self.quarantine_table, Key=key)["Item"]
        plain = from_item(item)
        QuarantineEntry.model_validate_json(json.dumps(plain))
        return plain

    def statuses(self) -> dict[str, str]:
        """The status of every entry."""
        return {e["quarantine_id"]: e["status"] for e in self.quarantined()}


def _plain(attributes: Mapping[Any, str]) -> dict[str, str]:
    return dict(attributes)


@pytest.fixture
def world(aws: Aws) -> World:
    return World(aws, PERSON)


def wrong(number: int, **fields: Any) -> dict[str, Any]:
    return event(fields={"fullname": f"Mẫu {number}", **fields}, key=key(number), id_=f"e-{number}")


def key(number: int) -> str:
    return f"001190{number:06}"


def correction(*operations: dict[str, Any]) -> Callable[[Entry], Replay | Unsuited]:
    patch = Patch(list(operations))

    def make(entry: Entry) -> Replay | Unsuited:
        made = by_patch(entry, entry.body or "", patch)
        if isinstance(made, Unfit):
            return Unsuited(entry, made)
        return Replay(entry, "corrected", made.body, made.event_id)

    return make


def clock() -> str:
    return NOW


def unhurried() -> Pace:
    return Pace(None, lambda: 0.0, lambda _: None)


def mend(
    desk: Desk,
    make: Callable[[Entry], Replay | Unsuited],
    selection: Selection = PEOPLE,
    **changes: Any,
) -> Tally:
    arguments: dict[str, Any] = {
        "by": "operator",
        "why": "A field was misnamed.",
        "now": clock,
        "pace": unhurried(),
        "stop": lambda: False,
        "told": lambda _: None,
    }
    entries = desk.entries(selection, bodies=True)
    return replay_all(desk, entries, make, **{**arguments, **changes})


def ids(entries: Iterable[Entry]) -> list[str]:
    return [entry.id for entry in entries]


# Finding


LONG: Final = replace(OPEN, since=later(SENT_AT, -3 * 86_400))


def hourly(number: int) -> str:
    """Each message was received an hour before the one sent before it."""
    return later(SENT_AT, -3600 * number)


def test_entries_come_newest_first_over_days_and_shards(world: World) -> None:
    sent = world.send(*(wrong(n) for n in range(60)), at=hourly)
    with world.desk() as desk:
        assert ids(desk.entries(LONG)) == sent
        assert ids(desk.entries(LONG, few=True)) == sent


def test_a_list_goes_on_where_it_ended_even_within_one_instant(world: World) -> None:
    world.send(*(wrong(n) for n in range(25)))
    seen: list[str] = []
    after: Cursor | None = None
    with world.desk() as desk:
        for _ in range(5):
            entries = desk.entries(OPEN, after=after, few=True)
            page = [next(entries) for _ in range(5)]
            seen += ids(page)
            after = Cursor(page[-1].received_at, page[-1].id)
        assert list(desk.entries(OPEN, after=after)) == []
        assert seen == ids(desk.entries(OPEN))
    assert len(set(seen)) == 25


def test_each_part_of_a_selection_decides(world: World) -> None:
    (renamed,) = world.send(wrong(1))
    (unsure,) = world.send(event(fields={"phone": "none"}, key=key(2), id_="e-2"))
    (broken,) = world.send("{")
    (foreign,) = world.send(event(source="/agencies/G99", key=key(3), id_="e-3"))
    (typed,) = world.send(event("person.vanished", key=key(4), id_="e-4"))

    def found(**changes: Any) -> set[str]:
        names: dict[str, Any] = {
            n: frozenset(v) if isinstance(v, set) else v for n, v in changes.items()
        }
        with world.desk() as desk:
            return set(ids(desk.entries(replace(WHOLE, **names))))

    assert found() == {renamed, unsure, broken, foreign, typed}
    assert found(queues={"population"}) == found()
    assert found(queues={"dossier"}) == set()
    assert found(reasons={"invalid-data"}) == {renamed, unsure}
    assert found(reasons={"invalid-data", "not-json"}) == {renamed, unsure, broken}
    assert found(reasons={"invalid-data"}, queues={"dossier"}) == set()
    assert found(errors={"unknown-field"}) == {renamed}
    assert found(paths={"/data/phone"}) == {unsure}
    assert found(sources={"/agencies/G99"}) == {foreign}
    assert found(types={"person.vanished"}) == {typed}
    assert found(types={"person.updated"}) == {renamed, unsure, foreign}
    assert found(statuses={"dismissed"}) == set()
    assert found(until=later(SENT_AT, -1)) == set()
    assert found(since=SENT_AT, until=SENT_AT) == found()


def test_counting_reads_no_bodies(world: World) -> None:
    long = "x" * 10_000
    world.send(*(wrong(n, address=long) for n in range(3)), "{", *(wrong(n) for n in range(3, 8)))
    # A bucket that does not answer is not missed.
    blind = world.desk()
    blind._s3 = None  # type: ignore[assignment]
    with blind as desk:
        total, counts = desk.count(OPEN, lambda e: [(e.queue, e.reason, e.status)])
        assert total == 9
        assert counts == {
            (QUEUE, "invalid-data", "open"): 8,
            (QUEUE, "not-json", "open"): 1,
        }
        errors = desk.count(OPEN, lambda e: (r.path for r in e.reasons), reasons=True)[1]
    assert errors["/data/fullname"] == 8
    assert errors[""] == 1


def test_a_body_and_reasons_in_the_bucket_are_read_whole(world: World) -> None:
    document = wrong(1, **{f"unknown_{n}": "y" * 100 for n in range(90)})
    (id_,) = world.send(document)
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN, bodies=True)
        assert entry.body == body(document)
        assert entry.reasons_count == 91
        assert len(entry.reasons) == 20
        assert len(desk.with_reasons(entry).reasons) == 91
        assert desk.entries_with([id_, "f" * 64]) == {id_: entry}


def test_an_entry_is_found_by_the_beginning_of_its_id_and_by_its_event(world: World) -> None:
    sent = world.send(*(wrong(n) for n in range(20)), at=hourly)
    with world.desk() as desk:
        assert desk.beginning_with(sent[7][:12], LONG) == [sent[7]]
        assert desk.beginning_with("0" * 12, OPEN) == []
        assert ids(desk.of_event("/agencies/G01#e-7")) == [sent[7]]
        assert desk.of_event("/agencies/G01#nothing") == []


# Looking


def test_looking_writes_nothing(world: World) -> None:
    world.send(*(wrong(n, **({"phone": "none"} if n == 2 else {})) for n in range(4)), "{")
    before = world.quarantined()
    with world.desk() as desk:
        entries = desk.entries(OPEN, bodies=True)
        (seen,) = looked_at(desk, entries, correction(RENAME), clock, 100)
    fit = [one for one in seen if isinstance(one, Replay)]
    assert sorted(len(one.refused) for one in fit) == [0, 0, 0, 1]
    assert [one.why.code for one in seen if isinstance(one, Unsuited)] == ["not-json"]
    assert world.quarantined() == before
    assert world.deliver() == 0


# Replaying


def test_a_rule_mends_what_it_fits_and_leaves_the_rest_open(world: World) -> None:
    good = world.send(*(wrong(n) for n in range(12)))
    (twice,) = world.send(wrong(50, phone="none"))
    (broken,) = world.send("{")

    with world.desk() as desk:
        tally = mend(desk, correction(RENAME))

    assert tally.outcomes == {Outcome.DONE: 12}
    assert tally.refused == {"invalid-data": 1}
    assert tally.unsuited == {"not-json": 1}
    assert tally.left == 2
    assert world.deliver() == 12
    assert world.statuses() == {**dict.fromkeys(good, "replayed"), twice: "open", broken: "open"}
    assert {r.key for r in world.records().values()} == {key(n) for n in range(12)}
    step = world.entry(good[0])["steps"][0]
    assert step["did"] == "corrected"
    assert (step["by"], step["why"]) == ("operator", "A field was misnamed.")
    assert f"/agencies/G01#{step['event_id']}" in world.entries()


def test_a_replay_keeps_the_principal_and_names_its_entry(world: World) -> None:
    (id_,) = world.send(wrong(1))
    with world.desk() as desk:
        mend(desk, correction(RENAME))
        world.deliver()
    (entry,) = world.entries().values()
    assert entry.sender == SENDER
    assert world.entry(id_)["status"] == "replayed"


def test_a_replay_that_is_refused_comes_back_and_points_to_the_first(world: World) -> None:
    (first,) = world.send(event(source="/agencies/G99", key=key(1)))
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN, bodies=True)
        assert mend(desk, as_it_was).refused == {"source-not-permitted": 1}
        assert mend(desk, as_it_was, even_refused=True).outcomes == {Outcome.DONE: 1}
    world.deliver()

    again = quarantine_id(QUEUE, entry.body or "", first)
    assert world.entry(again)["replays"] == first
    assert world.entry(again)["status"] == "open"
    (step,) = world.entry(first)["steps"]
    assert step["entry"] == again
    assert step["did"] == "replayed"


def test_what_is_accepted_as_it_was_is_resolved_and_keeps_its_step(world: World) -> None:
    (id_,) = world.send(event(source="/agencies/G99", key=key(1)))
    registered = AGENCIES["G01"]
    item = to_item({"agency_id": "G99", **registered})
    world.aws.dynamodb.put_item(TableName=world.agencies_table, Item=item)
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN, bodies=True)
        (looked,) = desk.examined([as_it_was(entry)], NOW)
        assert looked.refused == ()
        # The function is quicker than the desk: it resolves the entry before it is closed.
        world.quarantine().resolve({id_}, NOW, "The ledger holds it.", Unhurried())
        assert desk.replay([as_it_was(entry)], by="a", why="b", at=NOW) == [Outcome.TAKEN]
    assert world.entry(id_)["status"] == "resolved"


def test_an_entry_resolved_between_sending_and_closing_stays_resolved(world: World) -> None:
    (id_,) = world.send(wrong(1))

    def quick(_: Call, proceed: Proceed) -> Any:
        answer = proceed()
        world.quarantine().resolve({id_}, NOW, "The ledger holds it.", Unhurried())
        return answer

    with world.desk(sqs=Faulty(world.sqs, on("send_message_batch", quick))) as desk:
        assert mend(desk, correction(RENAME)).outcomes == {Outcome.DONE: 1}
    assert world.entry(id_)["status"] == "resolved"
    assert len(world.entry(id_)["steps"]) == 1


def test_of_two_people_one_does_it(world: World) -> None:
    (id_,) = world.send(wrong(1))
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN, bodies=True)
        mine, theirs = correction(RENAME), correction({"op": "remove", "path": "/data/fullname"})
        replays = [make(entry) for make in (mine, theirs)]
        outcomes = [
            desk.replay([one], by="a", why="b", at=NOW)[0]
            for one in replays
            if isinstance(one, Replay)
        ]
        assert desk.dismiss([entry], by="c", why="d", at=NOW) == [Outcome.TAKEN]
    assert outcomes == [Outcome.DONE, Outcome.TAKEN]
    assert world.deliver() == 1
    assert len(world.entry(id_)["steps"]) == 1


def test_dismissing_closes_with_the_reason_and_sends_nothing(world: World) -> None:
    sent = world.send(*(wrong(n) for n in range(3)))
    with world.desk() as desk:
        tally = dismiss_all(
            desk,
            desk.entries(OPEN),
            by="operator",
            why="A test of the source.",
            now=clock,
            stop=lambda: False,
            told=lambda _: None,
        )
    assert tally.outcomes == {Outcome.DONE: 3}
    assert world.deliver() == 0
    for id_ in sent:
        entry = world.entry(id_)
        assert entry["status"] == "dismissed"
        assert (entry["closed_at"], entry["closed_by"]) == (NOW, "operator")
        assert entry["closed_because"] == entry["steps"][0]["why"] == "A test of the source."


def test_a_message_that_no_queue_takes_stays_open(world: World) -> None:
    (id_,) = world.send(wrong(1))
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN, bodies=True)
        large = Replay(entry, "corrected", "x" * (1024 * 1024 - 10), "e")
        assert not fits(large)
        assert not fits(replace(large, body="a\ufffe"))
        assert desk.replay([large], by="a", why="b", at=NOW) == [Outcome.UNSENT]
    assert world.entry(id_)["status"] == "open"
    assert world.deliver() == 0


def test_a_queue_that_does_not_answer_leaves_what_it_did_not_take_open(world: World) -> None:
    sent = world.send(*(wrong(n) for n in range(25)))

    deaf = on("send_message_batch", None, answers("ServiceUnavailable", 503))
    with world.desk(sqs=Faulty(world.sqs, deaf), threads=1) as desk, pytest.raises(NotTaken):
        mend(desk, correction(RENAME))
    assert sorted(world.statuses().values()) == ["open"] * 10 + ["replayed"] * 15

    with world.desk() as desk:
        assert mend(desk, correction(RENAME)).outcomes == {Outcome.DONE: 10}
    assert world.deliver() == 25
    assert len(world.entries()) == 25
    assert all(len(world.entry(id_)["steps"]) == 1 for id_ in sent)


# Stopped, killed, resumed


def test_stopped_in_the_middle_and_run_again_it_is_done_once(world: World) -> None:
    world.send(*(wrong(n) for n in range(30)))
    told: list[int] = []
    with world.desk() as desk:
        tally = mend(
            desk,
            correction(RENAME),
            pace=Pace(10, lambda: 0.0, lambda _: None),
            stop=lambda: bool(told),
            told=lambda tally: told.append(tally.looked_at),
        )
        assert tally.stopped
        assert tally.outcomes == {Outcome.DONE: 10}
        rest = mend(desk, correction(RENAME))
    assert rest.outcomes == {Outcome.DONE: 20}
    assert not rest.stopped
    assert world.deliver() == 30
    assert len(world.entries()) == 30


def _writes() -> Iterator[tuple[int, bool]]:
    # Three notes, one call that sends, three closings.
    return ((at, after) for at in range(1, 8) for after in (False, True))


@pytest.mark.parametrize(("at", "after"), list(_writes()))
@pytest.mark.parametrize("delivered", [False, True], ids=["waiting", "delivered"])
@pytest.mark.parametrize("make", [correction(RENAME), as_it_was], ids=["corrected", "as-it-was"])
def test_killed_anywhere_nothing_is_lost_and_nothing_done_twice(
    world: World, at: int, after: bool, delivered: bool, make: Any
) -> None:
    sent = world.send(*(wrong(n) for n in range(3)))
    with Mortality(at, after=after).desk(world) as desk, pytest.raises(Died):
        mend(desk, make, even_refused=True)
    if delivered:
        world.deliver()
    with world.desk() as desk:
        # A replay that was refused again is newer, and is not meant by the same command again.
        mend(desk, make, replace(PEOPLE, until=SENT_AT), even_refused=True)
    world.deliver()

    statuses = world.statuses()
    assert [statuses.pop(id_) for id_ in sent] == ["replayed"] * 3
    steps = [world.entry(id_)["steps"] for id_ in sent]
    assert [len(one) for one in steps] == [1, 1, 1]
    if make is as_it_was:
        assert statuses == {one[0]["entry"]: "open" for one in steps}
        assert world.entries() == {}
    else:
        assert statuses == {}
        assert set(world.entries()) == {f"/agencies/G01#{one[0]['event_id']}" for one in steps}
    assert not any(record.version != 1 for record in world.records().values())


@pytest.mark.parametrize(("at", "after"), [(4, False), (5, False), (5, True), (6, True), (7, True)])
@pytest.mark.parametrize("delivered", [False, True], ids=["waiting", "delivered"])
def test_killed_between_two_single_messages_nothing_is_lost_and_nothing_done_twice(
    world: World, at: int, after: bool, delivered: bool
) -> None:
    sent = world.send(*(wrong(n) for n in range(3)))
    dying = Mortality(at, after=after).desk(world, singly=True)
    with dying as desk, pytest.raises(Died):
        mend(desk, correction(RENAME))
    if delivered:
        world.deliver()
    with world.desk(singly=True) as desk:
        mend(desk, correction(RENAME))
    world.deliver()
    assert world.statuses() == dict.fromkeys(sent, "replayed")
    assert len(world.entries()) == 3
    assert {record.version for record in world.records().values()} == {1}


@pytest.mark.parametrize(("at", "after"), list(_writes()))
@pytest.mark.parametrize("delivered", [False, True], ids=["waiting", "delivered"])
def test_killed_and_taken_up_with_another_rule_no_event_is_corrected_twice(
    world: World, at: int, after: bool, delivered: bool
) -> None:
    world.send(*(wrong(n) for n in range(3)))
    with Mortality(at, after=after).desk(world) as desk, pytest.raises(Died):
        mend(desk, correction(RENAME))
    if delivered:
        world.deliver()
    phone = {"op": "add", "path": "/data/phone", "value": "0900000001"}
    with world.desk() as desk:
        mend(desk, correction(RENAME, phone))
        world.deliver()
        # What had been noted and not sent is finished by repeating the first rule.
        mend(desk, correction(RENAME))
        world.deliver()
    assert {record.version for record in world.records().values()} == {1}
    assert len(world.records()) == len(world.entries()) == 3
    assert set(world.statuses().values()) == {"replayed"}


def test_another_replay_that_was_begun_is_told_until_it_is_asked_for_again(world: World) -> None:
    (id_,) = world.send(wrong(1))
    with Mortality(1, after=True).desk(world) as desk, pytest.raises(Died):
        mend(desk, correction(RENAME))
    phone = {"op": "add", "path": "/data/phone", "value": "0900000001"}
    with world.desk() as desk:
        (entry,) = desk.entries(OPEN)
        assert entry.underway is not None
        assert mend(desk, correction(RENAME, phone)).outcomes == {Outcome.UNDERWAY: 1}
        assert desk.dismiss([entry], by="a", why="b", at=NOW) == [Outcome.UNDERWAY]
        assert world.entry(id_)["status"] == "open"
        done = mend(desk, correction(RENAME, phone), again=True)
        assert done.outcomes == {Outcome.DONE: 1}
    assert world.deliver() == 1
    assert [step["did"] for step in world.entry(id_)["steps"]] == ["corrected", "corrected"]


def test_somebody_else_who_repeats_a_replay_is_named_as_well(world: World) -> None:
    (id_,) = world.send(wrong(1))
    with Mortality(1, after=True).desk(world) as desk, pytest.raises(Died):
        mend(desk, correction(RENAME), by="one")
    with world.desk() as desk:
        mend(desk, correction(RENAME), by="another")
    assert world.deliver() == 1
    assert [step["by"] for step in world.entry(id_)["steps"]] == ["one", "another"]


def test_the_rate_is_kept() -> None:
    waited: list[float] = []
    time = [100.0]

    def pause(seconds: float) -> None:
        waited.append(seconds)
        time[0] += seconds

    pace = Pace(50, lambda: time[0], pause)
    assert pace.together == 50
    pace.wait(100.0, 100, lambda: False)
    assert sum(waited) == pytest.approx(2.0)
    pace.wait(100.0, 500, lambda: True)
    assert sum(waited) == pytest.approx(2.0)
    assert Pace(None, lambda: 0.0, pause).together == 100


def test_an_entry_of_some_attributes_is_an_entry() -> None:
    assert entry_of(to_item({"quarantine_id": "a" * 64, "status": "open"})).status == "open"
