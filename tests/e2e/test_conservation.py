"""The conservation rule over the real stack (contract section 3), whatever goes wrong.

Events sent = ledger + quarantine, nothing missing, nothing more: with poison in every batch, with
workers killed at their work, with messages that a queue gave up on.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.shared.core.ledger import Outcome
from infra.lienthong.__main__ import main
from infra.lienthong.problems import Exit
from infra.local.site import ROOT
from tests.e2e.delivery import (
    QUEUES,
    Contents,
    Sent,
    by_deadline,
    contents,
    denied,
    digest,
    disagreements,
    entries,
    has_more_entries,
    kind_of,
    known,
    send,
    settle,
    taken,
    unconserved,
    workers,
)
from tests.e2e.poison import KINDS, TEXT, key_of, poisons, reusing, stating

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

SAMPLES: Final = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "events" / "released" / "v1").glob("*.json"))
]
"""Events of every type, from agencies that the seeded registry knows."""
GOOD_IN_A_BATCH: Final = 7
LARGE: Final = 100_000


@dataclass(frozen=True)
class Delivered:
    """What was sent, what the tables held beforehand and what came since."""

    sent: Sequence[Sent]
    alone: Sequence[str]
    found: Contents


def samples(label: str, numbers: Iterator[int], *, of_one_record: bool) -> list[dict[str, Any]]:
    """Every sample once, each on a record of its own or all of a kind on one."""
    shared = {kind: key_of(kind, next(numbers)) for kind in KINDS}
    found = []
    for index, sample in enumerate(SAMPLES):
        kind = kind_of(sample)
        key = shared[kind] if of_one_record else key_of(kind, next(numbers))
        (name,) = (name for name in sample["data"] if sample["data"][name] == sample["subject"])
        found.append(
            {
                **sample,
                "id": f"{label}-{index}-{key}",
                "subject": key,
                "data": {**sample["data"], name: key},
            }
        )
    return found


def again(document: dict[str, Any], order: random.Random) -> Sent:
    """The same event once more, perhaps with another trace header and order of attributes."""
    attributes = [*document.items(), ("traceparent", f"00-{order.randrange(10**9)}-01")]
    order.shuffle(attributes)
    return taken(dict(attributes))


def mixed(good: Sequence[Sent], bad: Sequence[Sent], order: random.Random) -> Iterator[Sent]:
    """The good messages shuffled, with bad ones in every ten; each bad one at least once."""
    for queue in QUEUES:
        mine = [message for message in good if message.queue == queue]
        order.shuffle(mine)
        poison = [message for message in bad if message.queue == queue]
        small = [message for message in poison if len(message.body) < LARGE]
        order.shuffle(small)
        yield from (message for message in poison if len(message.body) >= LARGE)
        dealt = cycle(small)
        batches = max(-(-len(mine) // GOOD_IN_A_BATCH), -(-len(small) // (10 - GOOD_IN_A_BATCH)))
        for number in range(batches):
            batch = mine[number * GOOD_IN_A_BATCH : (number + 1) * GOOD_IN_A_BATCH]
            batch += islice(dealt, 10 - len(batch))
            order.shuffle(batch)
            yield from batch


@pytest.fixture(scope="module")
def delivered(stack: Deployed) -> Delivered:
    """Events of every type, some twice, among messages bad in every way; then ids used again."""
    order, numbers = random.Random(3), count(100_000)
    settle(stack)
    before = known(stack)

    alone = [
        *chain.from_iterable(samples(f"own-{n}", numbers, of_one_record=False) for n in range(2)),
        *(
            stating(kind, number, f"own-{kind}-{number}")
            for kind in KINDS
            for number in islice(numbers, 15)
        ),
    ]
    together = chain.from_iterable(
        samples(f"shared-{n}", numbers, of_one_record=True) for n in range(2)
    )
    documents = [*alone, *together]
    repeats = [again(document, order) for document in documents if order.random() < 0.3]
    bad = list(chain.from_iterable(poisons(kind, "bad", numbers) for kind in KINDS))
    first = list(mixed([*map(taken, documents), *repeats], bad, order))
    send(stack, first)
    settle(stack)

    reused = list(chain.from_iterable(reusing(document) for document in alone[-60::5]))
    neighbours = [
        stating(kind, number, f"late-{kind}-{number}")
        for kind in KINDS
        for number in islice(numbers, 10)
    ]
    second = list(mixed([*map(taken, neighbours), *repeats], reused, order))
    send(stack, second)
    settle(stack)

    lonely = [taken(document).event_uid for document in [*alone, *neighbours]]
    return Delivered([*first, *second], lonely, contents(stack, before))


def test_events_sent_are_the_ledger_and_the_quarantine_with_exactly_their_reasons(
    delivered: Delivered,
) -> None:
    assert unconserved(delivered.sent, delivered.found) == []


def test_every_reason_but_those_of_a_full_record_and_a_dead_letter_was_met(
    delivered: Delivered,
) -> None:
    met = {code for message in delivered.sent for code, _ in message.reasons}

    assert len(met) == 10
    assert Counter(m.queue for m in delivered.sent if m.reasons).keys() == set(QUEUES)


def test_neighbours_of_bad_messages_are_applied(delivered: Delivered) -> None:
    outcomes = Counter(delivered.found.ledger[uid].outcome for uid in delivered.alone)

    assert outcomes == {Outcome.APPLIED: len(delivered.alone)}


def test_refused_messages_stay_open_and_name_their_sender(delivered: Delivered) -> None:
    entries = delivered.found.quarantine.values()

    assert {entry["status"] for entry in entries} == {"open"}
    assert all(re.fullmatch("[0-9]{12}", entry["sender"]) for entry in entries)
    assert max(entry["seen"] for entry in entries) > 1


def test_bodies_too_large_for_an_item_are_whole_in_the_bucket(delivered: Delivered) -> None:
    large = {id_ for id_, entry in delivered.found.quarantine.items() if "body_object" in entry}
    listed = {id_ for id_, entry in delivered.found.quarantine.items() if "reasons_object" in entry}

    assert large == {
        message.quarantine_id
        for message in delivered.sent
        if message.reasons and len(message.body.encode()) > 8 * 1024
    }
    assert len(listed) == len(KINDS)


def test_verification_agrees_with_all_of_it(stack: Deployed, delivered: Delivered) -> None:
    assert delivered.found.ledger
    assert disagreements(stack) == []


def test_the_command_line_comes_to_the_same_result(
    stack: Deployed,
    delivered: Delivered,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    foreign = '"type": "vn.lienthong.dossier.'  # the command would look for it on that queue
    bodies = [
        message.body
        for message in delivered.sent
        if message.queue == "population" and foreign not in message.body
    ]
    sent = tmp_path / "sent.ndjson"
    sent.write_text("".join(f"{body}\n" for body in bodies), encoding="utf-8")
    outputs = str(stack.site.outputs_file)

    command = ["stats", "--sent", str(sent), "--queue", "population", "--outputs", outputs]
    assert main(command) == Exit.OK, capsys.readouterr()

    with sent.open("a", encoding="utf-8") as lines:
        lines.write(taken(stating("person", 199_999, "never-sent")).body)
    assert main(command) == Exit.FINDINGS


def test_of_two_events_that_race_with_one_id_one_is_taken_and_one_is_kept(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    pairs = []
    for kind in KINDS:
        for number in range(200_000, 200_012):
            one = stating(kind, number, f"race-{kind}-{number}")
            other = {**one, "data": {**one["data"], TEXT[kind]: "Tên khác"}}
            pairs.append((one, other))
    order = random.Random(5)
    racing = [taken(document) for pair in pairs for document in pair]
    order.shuffle(racing)

    send(stack, racing)
    settle(stack)

    found = contents(stack, before)
    expected = []
    for pair in pairs:
        entry = found.ledger[taken(pair[0]).event_uid]
        won = [digest(document, entry.salt or b"") == entry.event.digest for document in pair]
        assert won.count(True) == 1
        expected.append(taken(pair[won.index(True)]))
        lost = taken(pair[won.index(False)])
        expected.append(Sent(lost.queue, lost.body, (("id-reused", "/id"),)))
    assert unconserved(expected, found) == []


def test_killed_workers_lose_nothing_and_apply_nothing_twice(stack: Deployed) -> None:
    settle(stack)
    before = known(stack)
    numbers = count(300_000)
    function = stack.function_names["PopulationSyncFunction"]
    failed = f"Lambda {function} failed processing SQS batch"
    deaths = stack.server_log().count(failed)
    sent: list[Sent] = []
    kills = 0

    while stack.server_log().count(failed) < deaths + 2:
        assert kills < 20, "no worker was at work when it was killed"
        load = [
            taken(stating("person", 300_000 + number % 40, f"killed-{number}"))
            for number in islice(numbers, 60)
        ]
        there = entries(stack)
        send(stack, load, visibility=8)
        sent += load
        by_deadline(partial(has_more_entries, stack, there), "no event was taken")
        for worker in workers(stack, function):
            os.kill(worker, signal.SIGKILL)
        kills += 1
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    assert disagreements(stack) == []


def test_what_a_queue_gave_up_on_is_kept_and_closed_once_it_succeeds(stack: Deployed) -> None:
    settle(stack)
    written = taken(stating("insurance-card", 400_100, "written-before"))
    send(stack, [written])
    settle(stack)
    before = known(stack)
    events = [
        taken(stating("insurance-card", number, f"given-up-{number}"))
        for number in range(400_000, 400_012)
    ]
    faulty = stating("insurance-card", 400_200, "given-up-faulty")
    faulty["data"]["unknown"] = 1
    gave_up = [
        *(Sent(message.queue, message.body, (("gave-up", ""),)) for message in [*events, written]),
        Sent("insurance", json.dumps(faulty), (("invalid-data", "/data/unknown"), ("gave-up", ""))),
        Sent("insurance", "given up: {", (("not-json", ""),)),
    ]

    with denied(stack, "InsuranceSyncFunction", "dynamodb:BatchGetItem"):
        send(stack, gave_up, visibility=2)
        settle(stack)

    # Nothing of it could be looked up, so the queue gave up; what was written before is known.
    broken = contents(stack, before)
    assert unconserved(gave_up, broken) == []
    status = {entry["body"]: entry["status"] for entry in broken.quarantine.values()}
    closed = {body for body in status if status[body] == "resolved"}
    assert closed == {written.body}

    send(stack, gave_up)
    settle(stack)

    mended = contents(stack, before)
    assert set(mended.ledger) == {message.event_uid for message in events}
    assert unconserved(gave_up, Contents({}, mended.quarantine)) == []
    status = {entry["body"]: entry["status"] for entry in mended.quarantine.values()}
    closed = {body for body in status if status[body] == "resolved"}
    assert closed == {message.body for message in [*events, written]}
    assert all(
        entry["closed_at"] and entry["closed_by"] and entry["closed_because"]
        for entry in mended.quarantine.values()
        if entry["status"] == "resolved"
    )
