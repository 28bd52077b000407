"""The service, fed a dirty city in batches, ends with exactly what the truth says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from functions.shared.core.items import fields_of
from functions.shared.core.kinds import KIND_OF_QUEUE, KINDS
from functions.shared.core.planning import Message
from infra.city.chance import Chance
from tests.fakes import FakeAgencies, FakeWorld, Unhurried
from tests.unit.infra.city.telling import SENT_AT, Told, kind_of, told

BATCH = 50


def dirty_city() -> Told:
    return told(400, "all,bad=0.1")


@cache
def worlds(shuffled: bool) -> Mapping[str, FakeWorld]:
    """The three queues after all messages, in the stream's order or in another one.

    An id that is used again comes after its first use, as it does in the stream: which of two
    events under one id came first is all that tells them apart.
    """
    city = dirty_city()
    found = {
        queue: FakeWorld(kind, agencies=FakeAgencies(city.agencies))
        for queue, kind in KIND_OF_QUEUE.items()
    }
    reused = {n for n, d in city.bad.items() if d["reasons"][0]["code"] == "id-reused"}
    lines = [line for line in range(1, len(city.messages) + 1) if line not in reused]
    if shuffled:
        chance = Chance("order")
        lines = [line for _, line in sorted((chance.random(), line) for line in lines)]
    waiting: dict[str, list[Message]] = {queue: [] for queue in found}
    for line in [*lines, *sorted(reused)]:
        body = city.messages[line - 1]
        document = city.bad.get(line)
        queue = document["queue"] if document else kind_of(body).queue
        batch = waiting[queue]
        batch.append(Message(str(line), body.decode(), SENT_AT))
        if len(batch) == BATCH:
            _taken(found[queue], batch)
            batch.clear()
    for queue, batch in waiting.items():
        _taken(found[queue], batch)
    return found


def _taken(world: FakeWorld, batch: list[Message]) -> None:
    if batch:
        report = world.pipeline.run(list(batch), Unhurried())
        assert not report.unfinished()


def test_the_records_are_those_of_the_truth_in_any_order() -> None:
    for shuffled in (False, True):
        for document in dirty_city().truth["records"]:
            kind = KINDS[document["kind"]]
            if kind.name != "agency":
                item = worlds(shuffled)[kind.queue].records.items[document["key"]]
                assert fields_of(kind, item) == document["shows"]


def test_every_good_event_is_in_the_ledger_and_every_bad_one_in_the_quarantine() -> None:
    city = dirty_city()
    for shuffled in (False, True):
        entries = [e for world in worlds(shuffled).values() for e in world.ledger.entries.values()]
        assert {entry.event.id for entry in entries} == city.ids
        kept = {b for world in worlds(shuffled).values() for b in world.quarantine.bodies()}
        assert kept == {city.messages[line - 1].decode() for line in city.bad}


def test_the_quarantine_gives_the_reasons_of_the_truth() -> None:
    city = dirty_city()
    expected = {
        city.messages[line - 1].decode(): [(r["code"], r["path"]) for r in document["reasons"]]
        for line, document in city.bad.items()
    }
    for world in worlds(True).values():
        for entry in world.quarantine.kept.values():
            reasons = [(reason.code, reason.path) for reason in entry.refusal.reasons]
            assert reasons == expected[entry.refusal.body]
