"""Agencies whose clocks run apart: any way of arrival ends alike, and the refused ones are exactly
those too far ahead of the queue's clock (contract section 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.instants import instant
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Message, Verdict
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.replay import disagreements, folded
from schemas.envelope import MAX_SECONDS_AHEAD
from tests.builders import OTHER_PERSON_ID, PERSON_ID, body, event
from tests.fakes import FakeWorld, Unhurried

START: Final = datetime.fromisoformat("2026-03-03T02:00:00+00:00")
MICROSECOND: Final = timedelta(microseconds=1)
AHEAD: Final = timedelta(seconds=MAX_SECONDS_AHEAD)
SOURCES: Final = ("/agencies/G01", "/agencies/G03", "/agencies/G24", "/agencies/H26")


@dataclass(frozen=True)
class Arrival:
    """A message, and by how much its event's time is ahead of the queue's."""

    message: Message
    uid: str
    ahead: timedelta

    @property
    def too_far_ahead(self) -> bool:
        return self.ahead > AHEAD


_SKEWS: Final = st.sampled_from((timedelta(0), AHEAD, AHEAD + MICROSECOND)) | st.timedeltas(
    timedelta(minutes=-90), timedelta(minutes=15)
)
"""Mostly within an hour behind; ahead by up to the limit, to the microsecond, and beyond."""
_MOMENTS: Final = st.sampled_from((0, 1, 60, 3600)).map(lambda s: timedelta(seconds=s))
_FIELDS: Final = st.dictionaries(
    st.sampled_from(("phone", "full_name")),
    st.sampled_from(("0900000001", "0900000002")),
    min_size=1,
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Events of agencies, each with a clock that is wrong by an amount of its own."""
    skews: Mapping[str, timedelta] = {source: draw(_SKEWS) for source in SOURCES}
    found = []
    for number in range(draw(st.integers(1, 12))):
        source = draw(st.sampled_from(SOURCES))
        sent_at = START + draw(_MOMENTS)
        # Some clocks have whole seconds; then a sequence may tell their events apart.
        time = sent_at + skews[source]
        if draw(st.booleans()):
            time = time.replace(microsecond=0)
        told: dict[str, Any] = draw(st.sampled_from(({}, {"sequence": "1"}, {"sequence": "02"})))
        fields = draw(_FIELDS)
        if source == "/agencies/H26":
            fields = {"phone": fields.get("phone", "0900000003")}
        document = event(
            fields=fields,
            key=draw(st.sampled_from((PERSON_ID, OTHER_PERSON_ID))),
            source=source,
            id_=f"{number}",
            time=instant(time),
            **told,
        )
        message = Message(f"m-{number}", body(document), instant(sent_at))
        found.append(Arrival(message, f"{source}#{number}", time - sent_at))
    return found


def worked(arriving: Sequence[Sequence[Arrival]]) -> tuple[FakeWorld, dict[str, Verdict]]:
    """The tables after the batches, and how each message ended."""
    world = FakeWorld(PERSON)
    ends: dict[str, Verdict] = {}
    for batch in arriving:
        report = world.pipeline.run([arrival.message for arrival in batch], Unhurried())
        ends |= {one.uid: report.verdicts[position] for position, one in enumerate(batch)}
    return world, ends


@st.composite
def deliveries(draw: st.DrawFn, arriving: Sequence[Arrival]) -> list[list[Arrival]]:
    """In any order, in any batches."""
    batches: list[list[Arrival]] = [[]]
    for arrival in draw(st.permutations(list(arriving))):
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(arrival)
    return batches


@given(st.data(), arrivals())
def test_refused_are_exactly_those_too_far_ahead(
    data: st.DataObject, arriving: list[Arrival]
) -> None:
    _, ends = worked(data.draw(deliveries(arriving)))
    refused = {uid for uid, verdict in ends.items() if verdict is Verdict.QUARANTINED}
    assert refused == {arrival.uid for arrival in arriving if arrival.too_far_ahead}
    assert Verdict.AGAIN not in ends.values()


@given(st.data(), arrivals())
def test_any_interleaving_ends_alike(data: st.DataObject, arriving: list[Arrival]) -> None:
    world, _ = worked(data.draw(deliveries(arriving)))
    other, _ = worked(data.draw(deliveries(arriving)))
    assert world.contents() == other.contents()
    assert world.ledger.entries.keys() == other.ledger.entries.keys()
    assert world.quarantine.kept.keys() == other.quarantine.kept.keys()
    for key in world.records.items:
        record = world.records.record(key)
        chain = world.ledger.of(record)
        assert folded("person", key, chain) == record
        assert disagreements("person", key, chain) == []


@given(st.data(), arrivals())
def test_a_fact_from_the_future_is_taken_once_its_time_has_come(
    data: st.DataObject, arriving: list[Arrival]
) -> None:
    """Replayed from quarantine when the queue's clock has caught up, it is as if it had waited."""
    world, _ = worked(data.draw(deliveries(arriving)))
    later = instant(START + timedelta(days=30))
    early = [arrival for arrival in arriving if arrival.too_far_ahead]
    for one in data.draw(st.permutations(early)):
        entry = quarantine_id(PERSON.queue, one.message.body)
        replay = Message("replay", one.message.body, later, None, entry)
        report = world.pipeline.run([replay], Unhurried())
        assert report.verdicts[0] in (Verdict.APPLIED, Verdict.SUPERSEDED)
        assert world.quarantine.kept[entry].status == "resolved"
    patient, _ = worked([[]])
    for one in arriving:
        patient.pipeline.run([Message("m", one.message.body, later)], Unhurried())
    assert world.contents() == patient.contents()
    assert world.ledger.entries.keys() == patient.ledger.entries.keys()
