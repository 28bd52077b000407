"""What a batch is counted as: the metrics that dashboards, alarms and guides rely on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count
from typing import Any, Final

import pytest

from functions.shared.core.events import Reason
from functions.shared.core.kinds import PERSON
from functions.shared.core.planning import Message, Verdict
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.measures import NAMESPACE, OF_A_BATCH, OF_DEAD_LETTERS, Measure
from functions.shared.runtime.pipeline import Report
from tests.builders import SENT_AT, event, messages
from tests.fakes import FakeWorld, Unhurried

_names: Final = count(1)
Metric = tuple[str, tuple[str, ...]]


@pytest.fixture(name="narrator")
def _narrator(monkeypatch: pytest.MonkeyPatch) -> Narrator:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    # powertools keeps one logger per service name, with the stream it was made with.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"service_{next(_names)}")
    return Narrator("k" * 32)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def measured(written: Iterable[dict[str, Any]]) -> dict[Metric, list[float]]:
    """The values by metric and the values of its dimensions without the service."""
    found: dict[Metric, list[float]] = {}
    for line in written:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == NAMESPACE
            (dimensions,) = directive["Dimensions"]
            assert set(dimensions) <= {"kind", "reason", "service"}
            where = tuple(line[name] for name in ("kind", "reason") if name in dimensions)
            for metric in directive["Metrics"]:
                found.setdefault((metric["Name"], where), []).extend(line[metric["Name"]])
    return found


def units(written: Iterable[dict[str, Any]]) -> dict[str, str]:
    return {
        metric["Name"]: metric["Unit"]
        for line in written
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for metric in directive["Metrics"]
    }


def report(*verdicts: Verdict, **counts: Any) -> Report:
    return Report(dict(enumerate(verdicts)), **counts)


def some(number: int) -> list[Message]:
    return messages(event(id_=f"e-{n}") for n in range(number))


def test_outcomes_are_counted_by_kind_and_nothing_is_a_zero(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = [Verdict.APPLIED, Verdict.APPLIED, Verdict.DUPLICATE, Verdict.AGAIN]
    narrator.tell("population", some(4), report(*verdicts, ties=1, resolved=2, late=2, defects=1))

    found = measured(lines(capsys))

    wanted = dict.fromkeys(OF_A_BATCH, 0) | {
        Measure.APPLIED: 2,
        Measure.DUPLICATE: 1,
        Measure.RETURNED: 1,
        Measure.TIES: 1,
        Measure.RESOLVED: 2,
        Measure.LATE: 2,
        Measure.DEFECTS: 1,
    }
    shares = {("RefusedPercent", ("person",)): [0, 0, 0]}
    assert found == shares | {(str(name), ("person",)): [v] for name, v in wanted.items()}


def test_the_average_of_a_percentage_is_the_share_of_messages_refused(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = [Verdict.QUARANTINED, Verdict.SUPERSEDED, Verdict.DUPLICATE, Verdict.APPLIED]
    narrator.tell("population", some(5), report(*ended, Verdict.AGAIN))

    assert measured(lines(capsys))["RefusedPercent", ("person",)] == [100, 0, 0, 0]


def test_refusals_are_counted_by_their_first_reason(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    given = report(Verdict.QUARANTINED, Verdict.QUARANTINED, Verdict.QUARANTINED)
    given.reasons.update({"invalid-data": 2, "not-json": 1})
    given.refused = {0: (Reason("invalid-data", "", ""), Reason("time-in-future", "", ""))}
    narrator.tell("insurance", some(3), given)

    found = measured(lines(capsys))

    assert found["Quarantined", ("insurance-card",)] == [3]
    assert found["Quarantined", ("insurance-card", "invalid-data")] == [2]
    assert found["Quarantined", ("insurance-card", "not-json")] == [1]
    assert ("Quarantined", ("insurance-card", "time-in-future")) not in found


def test_ages_are_told_one_by_one_whatever_the_batch(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    ages = list(range(250))
    narrator.tell("dossier", some(1), report(Verdict.APPLIED, ages=ages))

    written = lines(capsys)

    assert measured(written)["Age", ("dossier",)] == ages
    assert all(len(line.get("Age", ())) <= 100 for line in written)
    assert units(written)["Age"] == "Milliseconds"
    assert units(written)["RefusedPercent"] == "Percent"
    others = {unit for name, unit in units(written).items() if name in OF_A_BATCH}
    assert others == {"Count"}


def test_dead_letters_are_counted_by_the_kind_of_their_queue(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    for queue in ("registry", "population"):
        verdicts = [Verdict.QUARANTINED, Verdict.AGAIN]
        narrator.tell_dead_letters(queue, some(2), report(*verdicts, resolved=1))

    found = measured(lines(capsys))

    assert {name for name, _ in found} == set(OF_DEAD_LETTERS)
    for kind in ("agency", "person"):
        assert found["DeadLetters", (kind,)] == [1]
        assert found["Returned", (kind,)] == [1]


def test_a_batch_that_a_bug_stopped_is_counted(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    narrator.failed("population", KeyError("0012345"))

    written = lines(capsys)

    assert measured(written) == {("Failed", ("person",)): [1]}
    assert "0012345" not in json.dumps(written)


def test_every_measure_is_emitted_by_something(
    narrator: Narrator, capsys: pytest.CaptureFixture[str]
) -> None:
    narrator.tell("population", some(1), report(Verdict.APPLIED, ages=[5]))
    narrator.tell_dead_letters("population", some(1), report(Verdict.QUARANTINED))
    narrator.failed("population", ValueError())

    assert set(units(lines(capsys))) == {str(measure) for measure in Measure}


# Ages, as the pipeline takes them -----------------------------------------------------------


def aged(time: str, now: str, **changes: Any) -> Report:
    world = FakeWorld(PERSON, now=lambda: now)
    return world.pipeline.run(messages([event(time=time, **changes)]), Unhurried())


def test_a_fresh_event_s_age_is_the_time_from_its_fact_to_the_tables() -> None:
    given = aged("2026-11-22T07:59:58.000000Z", "2026-11-22T08:00:01.250000Z")

    assert (given.ages, given.late) == ([3250], 0)


def test_an_old_fact_has_no_age_but_is_counted() -> None:
    assert SENT_AT == "2026-11-22T08:00:00.000000Z"
    a_day = aged("2026-11-21T08:00:00.000000Z", "2026-11-22T08:00:01.000000Z")
    more = aged("2026-11-21T07:59:59.999000Z", "2026-11-22T08:00:01.000000Z")

    assert (a_day.ages, a_day.late) == ([24 * 3600 * 1000 + 1000], 0)
    assert (more.ages, more.late) == ([], 1)


def test_what_waited_in_the_queue_for_days_is_old_by_our_fault_and_has_an_age() -> None:
    given = aged("2026-11-22T07:59:00.000000Z", "2026-11-26T08:00:00.000000Z")

    assert given.ages == [(4 * 24 * 3600 + 60) * 1000]


def test_a_source_whose_clock_is_ahead_has_no_negative_age() -> None:
    given = aged("2026-11-22T08:04:00.000000Z", "2026-11-22T08:00:01.000000Z")

    assert (given.ages, given.late) == ([0], 0)


def test_what_changed_nothing_has_no_age() -> None:
    world = FakeWorld(PERSON, now=lambda: "2026-11-22T08:00:01.000000Z")
    fresh = event(time="2026-11-22T07:59:58.000000Z")
    world.pipeline.run(messages([fresh]), Unhurried())
    older = event(time="2026-11-22T07:59:50.000000Z", id_="e-0")
    unknown = event(source="/agencies/H99", time="2026-11-22T07:59:59.000000Z", id_="e-2")

    again = world.pipeline.run(messages([fresh, older, unknown]), Unhurried())

    ended = [Verdict.DUPLICATE, Verdict.SUPERSEDED, Verdict.QUARANTINED]
    assert list(again.verdicts.values()) == ended
    assert (again.ages, again.late) == ([], 0)
