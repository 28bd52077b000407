"""CPU per event with a million people in the table against ten thousand.

Two functions of one process meet two tables of one server, in interleaved rounds. Everybody in
the tables exists: events are about people drawn from the whole of each. What this shows is that
nothing of ours looks at more than the batch; that DynamoDB does not either is its promise.
"""

from __future__ import annotations

import random
import statistics
from typing import Final

from tests.bench import workload
from tests.bench.goals import GROWTH, Figure, Result
from tests.bench.server import Tables, running
from tests.bench.sides import (
    Batch,
    Say,
    Side,
    freeze,
    measure,
    our_handler,
    quartiles,
    ratios,
    silent,
)

SMALL, LARGE = 10_000, workload.LARGEST_CROWD
_FIRST: Final = 2_000_000
"""Number of the first event: newer than all that the tables hold."""


def result(rounds: int, say: Say) -> Result:
    """The ratio of both, which should be one."""
    say(f"Measuring known people out of {SMALL:,} and out of {LARGE:,}.")
    source, chance = workload.events(_FIRST), random.Random(1)

    def of(crowd: int) -> Batch:
        return source.batch(chance.sample(range(crowd), 100))

    tables: Tables = {
        "PeopleOfATown": SMALL,
        "PeopleOfACity": LARGE,
        "Agencies": workload.AGENCY_ITEMS,
    }
    with running(tables) as server, silent():
        sides = {
            "town": Side(our_handler(server, table="PeopleOfATown"), lambda: of(SMALL), 4),
            "city": Side(our_handler(server, table="PeopleOfACity"), lambda: of(LARGE), 4),
        }
        freeze()
        found = measure(sides, server, rounds)
    town, city = found["town"], found["city"]
    quotients = ratios(city, town)
    return Result(
        figures=[
            Figure(
                GROWTH,
                statistics.median(quotients),
                f"{city.median:.0f} us an event",
                f"{town.median:.0f} us an event at 10,000",
                quartiles(quotients),
                "No call and no loop of ours depends on the size of a table, so what is over 1 is"
                " the spread of this machine; more rounds (--rounds) make it smaller.",
            )
        ],
        details={name: measured.as_json() for name, measured in found.items()},
    )
