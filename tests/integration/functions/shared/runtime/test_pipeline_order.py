"""Guarantees G1 and G2 on the real pipeline with the real adapters."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.shared.core.kinds import Kind
from functions.shared.core.planning import Verdict
from functions.shared.core.replay import disagreements, folded
from tests.builders import messages
from tests.fakes import FakeWorld, Unhurried
from tests.histories import Document, any_history, deliveries
from tests.integration.functions.stack import Aws, MotoWorld, chain_of

FEWER = settings(
    max_examples=max(settings().max_examples // 6, 5),
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)


@FEWER
@given(st.data(), any_history())
def test_any_order_batching_and_repetition_gives_equal_tables(
    aws: Aws, data: st.DataObject, drawn: tuple[Kind, list[Document]]
) -> None:
    kind, history = drawn
    world, undisturbed = MotoWorld(aws, kind), FakeWorld(kind)
    undisturbed.pipeline.run(messages(history), Unhurried())
    verdicts = []
    for batch in data.draw(deliveries(history)):
        report = world.pipeline().run(messages(batch), Unhurried())
        verdicts += list(report.verdicts.values())
    assert world.contents() == undisturbed.contents()
    entries = world.entries()
    assert set(entries) == {f"{e['source']}#{e['id']}" for e in history}
    assert verdicts.count(Verdict.DUPLICATE) == len(verdicts) - len(history)
    assert set(verdicts) <= {Verdict.APPLIED, Verdict.SUPERSEDED, Verdict.DUPLICATE}
    for key, record in world.records().items():
        chain = chain_of(record.record_key, entries.values())
        assert folded(kind.name, key, chain) == record
        assert disagreements(kind.name, key, chain) == []
