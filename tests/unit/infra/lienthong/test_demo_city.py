"""The demo's city: made once, used again while it is whole, and as large as it has to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.lienthong.console import Console
from infra.lienthong.demo_city import REUSES, SETTINGS, DemoCity, made

SMALL = replace(SETTINGS, people=150, cards=140, dossiers=30)


def small(folder: Path) -> DemoCity:
    return made(folder, Console(quiet=True), SMALL)


def test_the_city_of_the_demo_is_as_large_as_it_says() -> None:
    assert (SETTINGS.people, SETTINGS.cards, SETTINGS.dossiers) == (5_000, 4_700, 1_000)


def test_a_tenth_of_its_messages_are_repeats(tmp_path: Path) -> None:
    city = small(tmp_path)
    assert city.repeats >= city.counts["messages"] * 0.1


def test_a_whole_city_is_used_again(tmp_path: Path) -> None:
    summary = tmp_path / "truth/summary.json"
    first = small(tmp_path)
    written = summary.stat().st_mtime_ns
    assert small(tmp_path) == first
    assert summary.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "truth/summary.json").unlink(),
        lambda folder: (folder / "truth/summary.json").write_text("{"),
        lambda folder: (folder / "truth/records.ndjson").unlink(),
        lambda folder: (folder / "events.ndjson").write_bytes(b"{}\n"),
        lambda folder: made(folder, Console(quiet=True), replace(SMALL, seed=2)),
    ],
    ids=["no summary", "a broken one", "no truth", "other events", "another city"],
)
def test_anything_else_is_made_anew(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    first = small(tmp_path)
    events = first.events.read_bytes()
    spoil(tmp_path)
    assert small(tmp_path) == first
    assert first.events.read_bytes() == events


def test_messages_that_use_an_id_again_come_last(tmp_path: Path) -> None:
    city = made(tmp_path, Console(quiet=True), replace(SMALL, people=1_500, dossiers=300))
    told = city.told("population")
    lines = {message.line for message in told.messages}
    last = {message.line for message in told.last}
    assert last
    assert last == {bad.line for bad in told.bad if bad.code == REUSES}
    assert not lines & last
    assert len(lines | last) == city.counts["messages"]
    assert len(told.bad) == sum(city.counts["bad"].values())


def test_the_person_to_look_at_is_one_that_agencies_disagree_about(tmp_path: Path) -> None:
    city = made(tmp_path, Console(quiet=True), replace(SMALL, people=600))
    disputes = [
        json.loads(line)["key"]
        for name in ("rivals", "typos")
        for line in (city.folder / f"truth/{name}.ndjson").read_bytes().splitlines()
    ]
    assert city.disputed() in disputes
