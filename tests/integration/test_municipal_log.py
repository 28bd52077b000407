"""The whole published log of a municipality through the import and the pipeline, in two orders."""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pytest

from functions.shared.core.kinds import AGENCY, DOSSIER
from functions.shared.core.planning import Verdict
from functions.shared.core.registry import agency_from
from functions.shared.core.replay import disagreements
from infra.lienthong.import_log import import_events
from infra.lienthong.mapping import load
from infra.local.registry import read_seed
from infra.local.site import ROOT
from tests.builders import messages
from tests.fakes import FakeAgencies, FakeWorld, Unhurried

MAPPING: Final = ROOT / "infra" / "reference" / "mappings" / "wabo-receipt.toml"
LOG: Final = Path("dossiers", "wabo_receipt_events.csv")
BATCH: Final = 100


@pytest.fixture(scope="module")
def events() -> list[str]:
    """The log's events."""
    folder = Path(os.environ.get("LIENTHONG_DATA") or ROOT / "../shared/data")
    if not (folder / LOG).exists():
        pytest.skip(
            f"The published log {LOG} is absent: name its folder with LIENTHONG_DATA to test it."
        )
    with (folder / LOG).open("rb") as log:
        return [event.decode().strip() for event in import_events(log, load(MAPPING))]


def seeded() -> FakeAgencies:
    """The registry as the project's own file seeds it."""
    world = FakeWorld(AGENCY)
    world.pipeline.run(messages(event.body for event in read_seed()), Unhurried())
    return FakeAgencies({key: agency_from(key, item) for key, item in world.records.items.items()})


def delivered(bodies: Sequence[str], seed: int) -> tuple[FakeWorld, Counter[Verdict]]:
    """A world that took the events in an order that the seed alone decides, and the verdicts."""
    world, verdicts = FakeWorld(DOSSIER, agencies=seeded()), Counter[Verdict]()
    arriving = list(bodies)
    random.Random(seed).shuffle(arriving)
    for start in range(0, len(arriving), BATCH):
        batch = messages(arriving[start : start + BATCH])
        verdicts.update(world.pipeline.run(batch, Unhurried()).verdicts.values())
    return world, verdicts


def test_the_log_ends_as_published_whatever_the_order(events: list[str]) -> None:
    world, verdicts = delivered(events, seed=1)
    other, _ = delivered(events, seed=2)

    assert verdicts.total() == len(events) == len(world.ledger.entries)
    assert verdicts.keys() <= {Verdict.APPLIED, Verdict.SUPERSEDED}
    dossiers: list[dict[str, Any]] = list(world.records.items.values())
    finished = [dossier for dossier in dossiers if "finished_at" in dossier]
    late = [dossier for dossier in finished if dossier["finished_at"] > dossier["due_at"]]
    assert (len(dossiers), len(finished), len(late)) == (1434, 1329, 377)
    assert {dossier["status"] for dossier in finished} == {9}
    assert world.contents() == other.contents()

    chains = defaultdict(list)
    for entry in world.ledger.entries.values():
        chains[entry.record_key].append(entry)
    for chain in chains.values():
        chain.sort(key=attrgetter("version"))
    assert [
        fault
        for key in world.records.items
        for fault in disagreements(DOSSIER.name, key, chains[f"{DOSSIER.name}/{key}"])
    ] == []
