"""Guarantees G1 and G2 on the real pipeline with a store in memory."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.kinds import Kind
from functions.shared.core.planning import Verdict
from functions.shared.core.replay import disagreements, folded
from tests.builders import message, messages
from tests.fakes import FakeWorld, Unhurried
from tests.histories import Document, any_history, deliveries


def worked(kind: Kind, batches: Sequence[Sequence[Document]]) -> tuple[FakeWorld, list[Verdict]]:
    """The tables after the batches, and how each message ended."""
    world = FakeWorld(kind)
    verdicts: list[Verdict] = []
    for batch in batches:
        report = world.pipeline.run(messages(batch), Unhurried())
        verdicts += [report.verdicts[position] for position in range(len(batch))]
    return world, verdicts


@given(st.data(), any_history())
def test_any_order_batching_and_repetition_gives_equal_tables(
    data: st.DataObject, drawn: tuple[Kind, list[Document]]
) -> None:
    kind, history = drawn
    batches = data.draw(deliveries(history))
    world, verdicts = worked(kind, batches)
    undisturbed, _ = worked(kind, [[document] for document in history])
    assert world.contents() == undisturbed.contents()
    assert set(world.ledger.entries) == {f"{e['source']}#{e['id']}" for e in history}
    assert verdicts.count(Verdict.DUPLICATE) == len(verdicts) - len(history)
    ended = {Verdict.APPLIED, Verdict.SUPERSEDED, Verdict.DUPLICATE}
    assert set(verdicts) <= ended
    assert not world.quarantine.kept


@given(st.data(), any_history())
def test_every_record_is_the_fold_of_its_entries(
    data: st.DataObject, drawn: tuple[Kind, list[Document]]
) -> None:
    kind, history = drawn
    world, _ = worked(kind, data.draw(deliveries(history)))
    for key in world.records.items:
        record = world.records.record(key)
        entries = world.ledger.of(record)
        assert folded(kind.name, key, entries) == record
        assert disagreements(kind.name, key, entries) == []
        assert record.version == len(entries)


@given(st.data(), any_history())
def test_what_is_refused_costs_its_neighbours_nothing(
    data: st.DataObject, drawn: tuple[Kind, list[Document]]
) -> None:
    kind, history = drawn
    poison = ["", "{", "[1]", '{"specversion":"1.0"}', '"\\ud800"', '{"id":1e999}']
    spoilt = [{**document, "type": f"{document['type']}x"} for document in history]
    arriving = [*messages(history), *map(message, poison), *messages(spoilt)]
    world = FakeWorld(kind)
    report = world.pipeline.run(data.draw(st.permutations(arriving)), Unhurried())
    undisturbed, _ = worked(kind, [history])
    assert world.contents() == undisturbed.contents()
    assert set(world.ledger.entries) == set(undisturbed.ledger.entries)
    assert report.count(Verdict.QUARANTINED) == len(poison) + len(spoilt)
    assert world.quarantine.bodies() == {m.body for m in arriving[len(history) :]}
