"""What a soak publishes and when, how latencies are summed up, which requests meet a fault."""

from __future__ import annotations

import random
from itertools import pairwise

from tests.bench.soak.checks import Findings
from tests.bench.soak.flow import crushes, times
from tests.bench.soak.gauges import intervals, quantiles
from tests.bench.soak.proxy import Faults


def test_every_message_is_due_within_the_time_and_in_order() -> None:
    found = times(997, 60)

    assert len(found) == 997
    assert all(a <= b for a, b in pairwise(found))
    assert 0 <= found[0] <= found[-1] < 60


def test_in_a_crush_the_rate_is_four_times_as_high() -> None:
    found, (begin, end) = times(100_000, 100), crushes(100)[0]
    within = sum(begin <= at < end for at in found) / (end - begin)
    before = sum(at < begin for at in found) / begin

    assert 3.9 < within / before < 4.1


def test_latencies_are_grouped_by_when_the_event_was_published() -> None:
    found = intervals([(1, 0.5), (9.9, 1.5), (10, 4.0), (35, 0.25)], 10)

    assert [interval["from"] for interval in found] == [0, 10, 30]
    assert [interval["p50"] for interval in found] == [1.0, 4.0, 0.25]
    assert [interval["probes"] for interval in found] == [2, 1, 1]


def test_of_few_probes_the_99th_per_cent_is_the_largest() -> None:
    assert quantiles([0.1, 0.2, 7.0])["p99"] == 7.0
    assert quantiles([number / 1000 for number in range(1000)])["p99"] == 0.99
    assert quantiles([])["probes"] == 0


def test_faults_are_met_as_often_as_they_are_likely_and_counted() -> None:
    faults, chance = Faults(throttle=0.3, lose=0.2), random.Random(1)
    chosen = [faults.chosen(chance) for _ in range(10_000)]

    assert 2_800 < chosen.count("throttle") < 3_200
    assert 1_800 < chosen.count("lose") < 2_200
    assert chosen.count("drop") == 0
    assert faults.met == {"throttle": chosen.count("throttle"), "lose": chosen.count("lose")}


def test_a_sentence_holds_unless_something_speaks_against_it() -> None:
    findings, said = Findings(), list[str]()

    findings.check("All is well.", ())
    findings.check("Nothing is missing.", (f"event {number}" for number in range(7)))
    findings.tell(said.append)

    assert findings.holds == ["All is well."]
    assert list(findings.broken) == ["Nothing is missing."]
    assert said[0].endswith("All is well.")
    assert said[1].startswith("DOES NOT HOLD")
    assert said[-1].endswith("and 2 more.")
