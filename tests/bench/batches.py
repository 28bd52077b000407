"""CPU per event against the idiomatic handler: batches of several sizes and kinds.

The ratios are worked out round by round. Cards and dossiers are measured beside people, without
a baseline: the idiomatic handler is written for people.

What it is worth that events share records is judged by people whom the table knows, on both sides:
several events of one record in a batch are the further course of a record that exists, whose
reading, merging and writing is what they share. For people who are new to the table, of whom
there is nothing to read, it is shown as well.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle, islice
from typing import Any, Final

from functions.shared import native
from tests.bench import workload
from tests.bench.goals import (
    BATCH_OF_10,
    BATCH_OF_100,
    SHARED,
    SHARED_NEW,
    Figure,
    Goal,
    Result,
    Table,
)
from tests.bench.server import Server, Tables, running
from tests.bench.sides import (
    PYTHONS_COLLECTOR,
    Batch,
    Handler,
    Measured,
    Say,
    Side,
    cpu,
    freeze,
    measure,
    our_handler,
    quartiles,
    ratios,
    silent,
    their_handler,
)
from tests.bench.stages import ELSEWHERE, LOAD, QUARANTINE, SEND, STAGES, Profile, sampled

EXISTING: Final = 1_000
"""People whom the table of people holds."""
NEW: Final = 10_000
"""The first number of those it does not hold."""
PROFILED: Final = 2.5
"""Seconds of CPU in a profile."""
OURS, BASELINE = "lienthong", "baseline"
PLAIN = "lienthong, plain wire"
"""Ours with every byte of a request written by botocore: the path to fall back on."""
PLAIN_LOOPS = "lienthong, plain loops"
"""Ours without compiled code, as where none is at hand."""
DISTINCT = "distinct"
"""Side of the shared records: their rate is held against this one, round by round."""
OF_100, OF_10, OF_KNOWN = "100 new people", "10 new people", "100 people who are known"
OF_SHARED, OF_SHARED_NEW = "20 known people, 5 events each", "20 new people, 5 events each"
DISTINCT_OF: Final[Mapping[str, str]] = {OF_SHARED: OF_KNOWN, OF_SHARED_NEW: OF_100}
"""Events that share records -> as many of distinct ones."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured; ours works `repeats` batches a round, the baseline a quarter of them."""

    name: str
    batch: Callable[[], Batch]
    repeats: int
    queue: str = "population"


def workloads() -> list[Workload]:
    """Distinct new records at two sizes of a batch and of each kind, known ones, shared ones."""
    source, new = workload.events(), count(NEW)
    known = cycle(range(EXISTING))
    of_kind = {"insurance": workload.card, "dossier": workload.dossier}

    def of_new(size: int, body: workload.Body | None = None) -> Batch:
        return source.batch(islice(new, size), body)

    def of_shared(people: Iterator[int]) -> Batch:
        return source.batch(list(islice(people, 20)) * 5)

    return [
        Workload(OF_100, partial(of_new, 100), 4),
        Workload(OF_10, partial(of_new, 10), 20),
        Workload(OF_KNOWN, lambda: source.batch(islice(known, 100)), 4),
        Workload(OF_SHARED, partial(of_shared, known), 4),
        Workload(OF_SHARED_NEW, partial(of_shared, new), 4),
        Workload("100 new cards", partial(of_new, 100, of_kind["insurance"]), 4, "insurance"),
        Workload("100 new dossiers", partial(of_new, 100, of_kind["dossier"]), 4, "dossier"),
    ]


def result(rounds: int, say: Say) -> Result:
    """The goals that are ratios of CPU, what an event costs and where that goes."""
    measured: dict[str, dict[str, Measured]] = {}
    profiles: dict[str, Profile] = {}
    tables: Tables = {"People": EXISTING, "Agencies": workload.AGENCY_ITEMS}
    with running(tables) as server, silent():
        for load in workloads():
            say(f"Measuring {load.name}.")
            sides = _sides(load, server)
            measured[load.name] = measure(sides, server, rounds)
            profiles[load.name] = _profiled(sides[OURS].handler, load)
    return Result(
        figures=_figures(measured, profiles),
        tables=[_costs(measured), _calls(measured), _stages(measured, profiles)],
        details={name: _as_json(measured[name], profiles[name]) for name in measured},
    )


def _sides(load: Workload, server: Server) -> dict[str, Side]:
    ours = our_handler(server, load.queue)
    sides = {OURS: Side(ours, load.batch, load.repeats)}
    if load.queue == "population":
        theirs = their_handler(server)
        cpu(theirs, [load.batch()])
        sides[BASELINE] = Side(theirs, load.batch, max(1, load.repeats // 4), PYTHONS_COLLECTOR)
    if load.name in (OF_100, OF_10):
        sides[PLAIN] = Side(our_handler(server, wire="plain"), load.batch, load.repeats)
    if load.name in (OF_100, OF_SHARED_NEW):
        sides[PLAIN_LOOPS] = Side(_without_compiled_loops(ours), load.batch, load.repeats)
    if load.name in DISTINCT_OF:
        of_distinct = {each.name: each.batch for each in workloads()}[DISTINCT_OF[load.name]]
        sides[DISTINCT] = Side(ours, of_distinct, load.repeats)
    freeze()
    return sides


def _without_compiled_loops(handler: Handler) -> Handler:
    def handled(event: Any, context: Any) -> Any:
        native.use(compiled=False)
        try:
            return handler(event, context)
        finally:
            native.use(compiled=True)

    return handled


def _profiled(handler: Handler, load: Workload) -> Profile:
    profile, spent = Profile(), 0.0
    while spent < PROFILED:
        batches = [load.batch() for _ in range(load.repeats)]
        with sampled(profile):
            spent += cpu(handler, batches)
    return profile


# Figures ------------------------------------------------------------------------------------


def _figures(
    measured: Mapping[str, Mapping[str, Measured]], profiles: Mapping[str, Profile]
) -> list[Figure]:
    distinct = " of distinct records"
    return [
        _against(BASELINE, BATCH_OF_100, measured[OF_100], profiles[OF_100]),
        _against(BASELINE, BATCH_OF_10, measured[OF_10], profiles[OF_10]),
        _against(DISTINCT, SHARED, measured[OF_SHARED], profiles[OF_SHARED], distinct),
        _against(DISTINCT, SHARED_NEW, measured[OF_SHARED_NEW], profiles[OF_SHARED_NEW], distinct),
    ]


def _against(
    other: str, goal: Goal, sides: Mapping[str, Measured], profile: Profile, of: str = ""
) -> Figure:
    ours, theirs = sides[OURS], sides[other]
    rounds = ratios(theirs, ours)
    return Figure(
        goal,
        statistics.median(rounds),
        f"{ours.median:.0f} us an event",
        f"{theirs.median:.0f} us an event{of}",
        quartiles(rounds),
        _lacking(goal, theirs.median, ours.median, profile),
    )


def _lacking(goal: Goal, whole: float, spent: float, profile: Profile) -> str:
    """What the profile says would have to change for the moonshot."""
    assert goal.moonshot is not None
    room = whole / goal.moonshot
    shares = profile.shares
    calls = sum(shares[stage] for stage in (LOAD, SEND, QUARANTINE)) * spent
    stages = ", ".join(
        f"{stage.partition(':')[0].partition(',')[0]} {shares[stage] * spent:.0f}"
        for stage in sorted(STAGES, key=lambda stage: -shares[stage])[:4]
    )
    told = f"{goal.moonshot:g}x leaves {room:.0f} us an event and we take {spent:.0f}: {stages} us."
    if spent - calls <= room:
        return told + (
            f" The calls take {calls:.0f} us of it; fewer or cheaper ones would have to bring that"
            f" to {max(room - spent + calls, 0):.0f} us."
        )
    return told + (
        f" Even with calls for nothing {spent - calls:.0f} us would remain: reading an event and"
        " writing a record would have to leave Python for compiled code as well, or an event to"
        " state less."
    )


# Tables -------------------------------------------------------------------------------------


def _costs(measured: Mapping[str, Mapping[str, Measured]]) -> Table:
    rows = []
    for name, sides in measured.items():
        for side, found in sides.items():
            low, high = found.quartiles
            figures = (f"{found.median:,.1f}", f"{low:,.1f} to {high:,.1f}")
            rows.append((name, side, *figures, f"{1_000_000 / found.median:,.0f}"))
    return Table(
        "CPU per event, against a server that answers at once",
        ("batch", "side", "us an event", "quartiles", "events/s and core"),
        rows,
    )


def _calls(measured: Mapping[str, Mapping[str, Measured]]) -> Table:
    names = sorted(
        {name for sides in measured.values() for m in sides.values() for name in m.calls}
    )
    rows = [
        (
            load,
            side,
            *(f"{found.calls_per_event.get(name, 0):.3g}" for name in names),
            f"{found.calls.total() / found.events:.3g}",
        )
        for load, sides in measured.items()
        for side, found in sides.items()
    ]
    return Table("Calls per event", ("batch", "side", *names, "all"), rows)


def _stages(
    measured: Mapping[str, Mapping[str, Measured]], profiles: Mapping[str, Profile]
) -> Table:
    rows = [
        (
            stage,
            *(
                f"{profile.shares[stage] * measured[name][OURS].median:.1f}"
                for name, profile in profiles.items()
            ),
        )
        for stage in (*STAGES, ELSEWHERE)
    ]
    rows.append(("all", *(f"{measured[name][OURS].median:.1f}" for name in profiles)))
    samples = min(profile.stages.total() for profile in profiles.values())
    return Table(
        "Where our microseconds go, by sampling: us an event",
        ("stage", *profiles),
        rows,
        f"At least {samples} samples of each batch.",
    )


def _as_json(sides: Mapping[str, Measured], profile: Profile) -> dict[str, Any]:
    return {
        **{side: found.as_json() for side, found in sides.items()},
        "stages": {stage: round(share, 3) for stage, share in profile.shares.items()},
        "functions": dict(profile.functions.most_common(25)),
    }
