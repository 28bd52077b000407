"""Guarantees G2 to G4: every call of a batch times everything that can happen to it.

What a batch calls is found by watching it undisturbed, so a call that comes to the functions
comes to this walk, and fails it until `walk.KNOWN` says what can happen to it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import settings

from functions.shared.core.kinds import DOSSIER, KIND_OF_QUEUE, PERSON, Kind
from functions.shared.core.planning import Verdict
from functions.shared.core.quarantine import correction_id, quarantine_id
from tests.builders import (
    OTHER_PERSON_ID,
    PERSON_ID,
    body,
    event,
    message,
    messages,
    sqs_record,
)
from tests.fakes import Unhurried
from tests.faults import (
    APPLICABLE,
    EVERYWHERE,
    Call,
    Clock,
    Fault,
    Faults,
    Faulty,
    Late,
    at_calls,
    from_call,
    on,
)
from tests.integration.functions.memory import Compared, in_memory
from tests.integration.functions.stack import Aws
from tests.integration.functions.walk import (
    DEAD_LETTERS,
    KNOWN,
    Delivered,
    Ear,
    Record,
    Site,
    Start,
    Whole,
    assert_whole,
    delivered,
    sent,
    strangers,
    whole,
)

SAMPLES: Final = Path(__file__).parents[5] / "events" / "released" / "v1"
EARLY: Final = "2020-01-01T00:00:00.000000Z"
"""A queue received something then: every event's time was in its future."""

# What is delivered ---------------------------------------------------------------------------


def arriving(content: Mapping[str, Any] | str, replays: str | None = None) -> Record:
    """A message as a queue hands it to a function."""
    text = content if isinstance(content, str) else body(content)
    attributes = {}
    if replays is not None:
        attributes["replays"] = {"stringValue": replays, "dataType": "String"}
    return sqs_record(text, attributes=attributes)


def refused_before(site: Site, content: Mapping[str, Any] | str) -> str:
    """Has a message refused in the past; gives the entry that keeps it."""
    text = content if isinstance(content, str) else body(content)
    site.pipeline().run([message(text, sent_at=EARLY)], Unhurried())
    return quarantine_id(site.kind.queue, text)


def poison(kind: Kind) -> list[str]:
    """Messages that are refused: small and large bodies, few and many reasons, no UTF-8."""
    document = event(next(t for t in TYPES if t.startswith(kind.name)), id_="poison")

    def stating(**fields: Any) -> str:
        return body({**document, "data": {**document["data"], **fields}})

    return [
        f"nonsense for {kind.name}",
        stating(unknown=1),
        stating(unknown="y" * 9_000),
        stating(**{f"u{number}": number for number in range(90)}),
        stating(**{f"u{number}": "y" * 100 for number in range(90)}),
        f"half a letter \ud800 for {kind.name}",
        "x" * 262_145,
        body({**document, "type": "com.example.thing"}),
        body({**document, "id": "far", "time": "2999-12-31T23:59:59Z"}),
    ]


TYPES: Final = ("person.updated", "insurance-card.updated", "dossier.updated", "agency.changed")


@dataclass(frozen=True)
class Scene:
    """Tables in which something is already, a batch, and the function that gets it."""

    site: Site
    batch: Sequence[Record]
    start: Callable[[Site], Start]
    otherwise: Sequence[Record] | None = None
    """The batch in the order that ends otherwise, where the contract lets an order decide."""


def people(aws: Aws) -> Scene:
    """A rich batch: records that are new and that are there, rivals, withdrawals, repeats, ids
    used again, everything that is refused, replays and corrections; two transactions of it."""
    site = Site(aws, PERSON)
    known = event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="b1")
    taken = event(fields={"sex": "female"}, id_="b2", key=OTHER_PERSON_ID)
    site.pipeline().run(messages([known, taken]), Unhurried())

    waited = event(fields={"nationality": "VN"}, id_="waited", time="2026-03-03T05:00:00Z")
    replayed = event(fields={"ethnicity_code": "01"}, id_="replayed")
    mistaken = event(fields={"phone": "x"}, id_="mistaken")
    hopeless = event(fields={"phone": "y"}, id_="hopeless")
    refused_before(site, waited)
    replay = refused_before(site, replayed)
    correct = refused_before(site, mistaken)
    again = refused_before(site, hopeless)
    mended = {**mistaken, "id": correction_id(correct, "mended"), "correctionof": "mistaken"}
    mended["data"] = {**mistaken["data"], "phone": "0900000007"}

    first = event(fields={"phone": "0900000002"}, id_="1", time="2026-03-04T00:00:00Z")
    batch = [
        # several events on one record: rivals, a withdrawal, a late one, two in one lane
        arriving(first),
        arriving(event(fields={"full_name": "Nguyễn Thị Thử"}, id_="2", source="/agencies/G24")),
        arriving(event(fields={"phone": None}, id_="3", time="2026-03-05T00:00:00Z")),
        arriving(event(fields={"phone": "0900000000"}, id_="4", time="2026-03-01T00:00:00Z")),
        arriving(event(fields={"sex": "male"}, id_="5", key=OTHER_PERSON_ID)),
        # repeats: of the ledger's, of the batch's; ids used again, likewise
        arriving({**known, "traceparent": "00-0"}),
        arriving({**first, "traceparent": "00-1"}),
        arriving({**taken, "data": {**taken["data"], "sex": "male"}}),
        arriving({**first, "data": {**first["data"], "phone": "0900000003"}}),
        # what was refused before
        arriving(waited),
        arriving(replayed, replay),
        arriving(mended, correct),
        arriving(hopeless, again),
        # refused now, the registry read afresh first
        *map(arriving, poison(PERSON)),
        arriving(poison(PERSON)[0]),
        arriving(event(id_="stranger", source="/agencies/H99")),
        arriving(event(id_="abolished", source="/agencies/H26.33")),
        # new ones, so many that one transaction does not hold them
        arriving(
            event("person.identifier-replaced", {"replaces": [PERSON_ID]}, id_="6", key=_new(0))
        ),
        *(arriving(event(id_=f"new-{n}", key=_new(n))) for n in range(50)),
    ]
    return Scene(site, batch, lambda site: site.sync)


def _new(number: int) -> str:
    return f"079300{number:06}"


def samples(queue: str, aws: Aws) -> Scene:
    """Every released sample of a queue's kind with some of what that queue refuses."""
    kind = KIND_OF_QUEUE[queue]
    site = Site(aws, kind)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLES.glob(f"*.{kind.name}.*"))]
    site.pipeline().run(messages(texts[:1]), Unhurried())
    waited = event(next(t for t in TYPES if t.startswith(kind.name)), id_="waited")
    refused_before(site, waited)
    batch = [*texts, texts[-1], body(waited), *poison(kind)[:3]]
    return Scene(site, list(map(arriving, batch)), lambda site: site.sync)


def a_full_record(aws: Aws) -> Scene:
    """A dossier that has room for one more long step and not for two; its neighbours have.

    Which of the two is refused is for the order of arrival to say (contract section 3), and a
    fault that sends the first one back lets the second arrive before it.
    """
    site = Site(aws, DOSSIER)

    def stating(number: int, **texts: str) -> dict[str, Any]:
        step = {"id": f"{number}", "at": "2026-03-03T02:00:00Z", **texts}
        return event("dossier.updated", {"step": step}, id_=f"step-{number}")

    long = dict.fromkeys(("handler", "unit", "text", "origin"), "\U0001f600" * 1_000)
    for number in range(23):
        site.pipeline().run(messages([stating(number, **long)]), Unhurried())
    batch = [
        *(stating(number, **long) for number in range(100, 102)),
        event("dossier.updated", {"channel": "post"}, id_="small"),
        event("dossier.updated", id_="other", key="H26.12-20260303-0000099"),
    ]
    first, second, *others = map(arriving, batch)
    return Scene(site, [first, second, *others], lambda site: site.sync, [second, first, *others])


def dead_letters(aws: Aws) -> Scene:
    """What a queue gave up on: written before, never written, known already, no event at all."""
    site = Site(aws, PERSON)
    written = event(id_="written")
    site.pipeline().run(messages([written]), Unhurried())
    refused_before(site, event(id_="refused"))
    site.pipeline().run(messages([poison(PERSON)[1]]), Unhurried())
    contents = [
        body(written),
        body({**written, "traceparent": "00-1"}),
        body({**written, "data": {**written["data"], "phone": "0900000009"}}),
        body(event(id_="never-written")),
        body(event(id_="refused")),
        *poison(PERSON),
    ]
    batch = [sqs_record(text, arn=DEAD_LETTERS) for text in contents]
    return Scene(site, batch, lambda site: site.dead_letter)


SCENES: Final[Mapping[str, Callable[[Aws], Scene]]] = {
    "population": people,
    **{queue: partial(samples, queue) for queue in KIND_OF_QUEUE if queue != "population"},
    "a full record": a_full_record,
    "dead letters": dead_letters,
}

# The walk ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _services(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrator made by a test speaks to that test; see the narrators' own tests."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"walk-{next(_numbers)}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")


_numbers: Final = count(1)


class Walk:
    """A scene delivered again and again, each time from the same beginning."""

    def __init__(self, name: str) -> None:
        self.scene = SCENES[name](in_memory())
        site, undisturbed = self.delivered(at_calls({}))
        self.calls = undisturbed.calls
        self.ends = undisturbed.ear.ends
        self.expected: Whole = whole(site)
        self.sent = sent(site, self.scene.batch)
        self.possible_ends = [(self.expected, self.ends)]
        if self.scene.otherwise is not None:
            site, otherwise = self.delivered(at_calls({}), batch=self.scene.otherwise)
            self.possible_ends.append((whole(site), otherwise.ear.ends))

    def delivered(
        self, faults: Faults, clock: Clock | None = None, batch: Sequence[Record] | None = None
    ) -> tuple[Site, Delivered]:
        """The tables and what was called."""
        site = self.scene.site.again()
        start = self.scene.start(site)
        return site, delivered(site, start, batch or self.scene.batch, Ear(), faults, clock)

    def assert_whole(self, site: Site) -> Mapping[str, Verdict]:
        """Holds the tables against each end that they may come to; gives that end's verdicts."""
        found = whole(site)
        expected, ends = next(
            (end for end in self.possible_ends if end[0] == found), self.possible_ends[0]
        )
        assert_whole(site, expected, self.sent)
        return ends

    def assert_unharmed(self, faults: Faults, clock: Clock | None = None) -> Delivered:
        """Delivers with faults and holds what is then there against the undisturbed end."""
        site, found = self.delivered(faults, clock)
        assert strangers(site, found.calls) == set()
        ends = self.assert_whole(site)
        assert found.ear.ends.keys() == ends.keys()
        for message_id, verdict in found.ear.ends.items():
            assert verdict in _MAY_END[ends[message_id]]
        return found

    def possible(self, call: Call) -> list[tuple[int, str, Fault]]:
        """All that can happen to a call: its number, the name of it and the fault."""
        known = KNOWN[self.scene.site.place(call)]
        return [(call.number, name, fault) for name, fault in known.items()]

    def assert_unharmed_by(self, *happening: tuple[int, str, Fault]) -> Delivered:
        """What happens at some calls harms nothing, and costs a delivery each at most."""
        try:
            found = self.assert_unharmed(at_calls({n: fault for n, _, fault in happening}))
            assert found.deliveries <= 1 + len(happening)
        except BaseException as error:
            error.add_note("; ".join(f"{name} at call {n}" for n, name, _ in happening))
            raise
        return found


_WRITTEN: Final = frozenset({Verdict.APPLIED, Verdict.SUPERSEDED, Verdict.DUPLICATE})
_MAY_END: Final[Mapping[Verdict, frozenset[Verdict]]] = {
    # Events of a record that are written in another order win or lose otherwise, and what was
    # written by a function that then died is known when it comes again.
    Verdict.APPLIED: _WRITTEN,
    Verdict.SUPERSEDED: _WRITTEN,
    Verdict.DUPLICATE: _WRITTEN,
    Verdict.QUARANTINED: frozenset({Verdict.QUARANTINED}),
}


@pytest.fixture(params=SCENES)
def walk(request: pytest.FixtureRequest) -> Walk:
    return Walk(request.param)


def test_every_call_times_everything_that_can_happen_to_it(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strangers(walk.scene.site, walk.calls) == set()
    cases = [case for call in walk.calls for case in walk.possible(call)]
    for case in cases:
        walk.assert_unharmed_by(case)
    assert len(cases) >= len(walk.calls) * len(EVERYWHERE)
    spoken = capsys.readouterr().out
    assert "Nguyễn" not in spoken
    assert not [key for key in walk.expected.records if key in spoken]


def test_a_second_fault_during_the_recovery_from_the_first(walk: Walk) -> None:
    """A sample, another one in each run; the thorough profile takes a large one."""
    for _ in range(settings().max_examples):
        first = random.choice(walk.possible(random.choice(walk.calls)))
        recovery = walk.assert_unharmed_by(first).calls[first[0] :]
        if recovery:
            walk.assert_unharmed_by(first, random.choice(walk.possible(random.choice(recovery))))


OUTAGES: Final = ("access denied", "server error", "throttled", "no connection", "answer lost")


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_that_begins_at_any_call_and_lasts(walk: Walk, name: str) -> None:
    """Trying again is of no use until the batch is delivered again."""
    for call in walk.calls:
        found = walk.assert_unharmed(from_call(call.number, EVERYWHERE[name]))
        assert found.deliveries == 2


@pytest.mark.parametrize("after", [1, 5, 1000])
def test_a_write_that_arrives_when_nobody_waits_for_it_any_more(walk: Walk, after: int) -> None:
    """As late as during a later delivery, or after all of them."""
    for call in walk.calls:
        if call.operation == "batch_get_item":
            continue
        late = Late(call.number, after)
        site, _ = walk.delivered(late)
        late.arrive()
        walk.assert_whole(site)


def test_a_storm_of_faults_that_ends(walk: Walk) -> None:
    """A fifth of all calls fails, in the recovery from failures as well, for a while."""
    for _ in range(settings().max_examples // 4):
        chance = random.Random(random.getrandbits(64))

        def stormy(call: Call, chance: random.Random = chance) -> Fault | None:
            if call.number > 3 * len(walk.calls) or chance.random() > 0.2:
                return None
            return chance.choice(walk.possible(call))[2]

        walk.assert_unharmed(stormy)


class Hurried(Clock):
    """A clock whose first invocation has no time left once it was asked so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times
        self.asked = 0

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        late = self.invocations == 1 and self.asked > self._times
        return 0 if late else super().get_remaining_time_in_millis()


def test_a_function_that_runs_out_of_time_at_every_point_where_it_looks(walk: Walk) -> None:
    calm = Hurried(1_000)
    walk.assert_unharmed(at_calls({}), calm)
    for times in range(calm.asked + 1):
        walk.assert_unharmed(at_calls({}), Hurried(times))


# What the walk stands on ---------------------------------------------------------------------


def test_the_batch_is_as_rich_as_it_should_be() -> None:
    walk = Walk("population")
    counts = Counter(walk.scene.site.place(call) for call in walk.calls)
    assert Counter(walk.ends.values()) == {
        Verdict.APPLIED: 56,
        Verdict.SUPERSEDED: 3,
        Verdict.DUPLICATE: 2,
        Verdict.QUARANTINED: 15,
    }
    reasons = {entry["reasons"][0]["code"] for entry in walk.expected.quarantine.values()}
    assert reasons == {
        "too-large",
        "not-json",
        "unknown-type",
        "invalid-data",
        "time-in-future",
        "source-not-permitted",
        "id-reused",
    }
    statuses = Counter(entry["status"] for entry in walk.expected.quarantine.values())
    assert statuses == {"resolved": 2, "open": 16}
    assert len(walk.expected.objects) == 6
    assert counts["transact_write_items", frozenset({"ledger", "records"})] == 2
    assert counts["batch_get_item", frozenset({"agencies"})] == 2


def test_the_walk_meets_every_call_that_is_known() -> None:
    met = {walk.scene.site.place(call) for walk in map(Walk, SCENES) for call in walk.calls}
    assert met == set(KNOWN)


def test_a_full_record_has_two_possible_ends() -> None:
    one, other = Walk("a full record").possible_ends
    assert one[0].quarantine != other[0].quarantine
    assert Counter(one[1].values()) == Counter(other[1].values())


def test_a_call_that_nobody_knows_fails_it() -> None:
    site = Site(in_memory(), PERSON)
    client = Faulty(site.aws.dynamodb)
    client.put_item(TableName=site.quarantine_table, Item={"quarantine_id": {"S": "x"}})
    client.batch_get_item(RequestItems={site.ledger_table: {"Keys": [{"event_uid": {"S": "x"}}]}})
    assert strangers(site, client.calls) == {("put_item", frozenset({"quarantine"}))}


OPERATIONS: Final = sorted({operation for operation, _ in KNOWN})
REACHING: Final = (
    *("answer lost", "done but answered with an error", "done twice", "died before", "died after"),
    *("half of the keys processed", "one table processed", "conflict on an entry"),
)
"""After these a service is asked something that it is not asked otherwise."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_moto_answers_as_the_tables_in_memory_do(operation: str, aws: Aws) -> None:
    """Each answer that a scene and its recovery from a fault get is held against moto's."""
    for name in set(APPLICABLE[operation]) & set(REACHING):
        both = in_memory()
        compared = Aws(
            cast(Any, Compared(both.dynamodb, aws.dynamodb)), cast(Any, Compared(both.s3, aws.s3))
        )
        scene = SCENES["insurance"](compared)
        faults = on(operation, APPLICABLE[operation][name])
        delivered(scene.site, scene.start(scene.site), scene.batch, Ear(), faults)
        scene.site.items(scene.site.records_table)
        scene.site.items(scene.site.ledger_table)
        scene.site.items(scene.site.quarantine_table)
