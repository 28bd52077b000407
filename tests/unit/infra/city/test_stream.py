"""The stream: the same bytes, valid events, the truth beside them, in bounded memory."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from functions.shared.core.kinds import KINDS
from functions.shared.core.reading import read
from functions.shared.core.warnings import warnings
from infra.city.clock import day
from infra.city.dirt import rates
from infra.city.places import AGENCY_OF_PROVINCE
from infra.city.stream import DEFAULT_SINCE, DEFAULT_UNTIL, City, Settings
from schemas.event_types import EVENT_TYPES
from tests.unit.infra.city.telling import Told, told

REPOSITORY = Path(__file__).parents[4]
CLEAN = "none"
DIRTY = "all"
BOTH = pytest.mark.parametrize("dirt", [CLEAN, DIRTY])

ONE_CITY = """
import hashlib
from infra.city.dirt import rates
from infra.city.stream import DEFAULT_SINCE, DEFAULT_UNTIL, City, Settings
city = City(Settings(3, 150, 140, 40, DEFAULT_SINCE, DEFAULT_UNTIL, "01", rates("all")))
registry = list(city.registry())
city.prepare()
print(hashlib.sha256(b"\\n".join([*registry, *city.messages()])).hexdigest())
"""
ITS_DIGEST = "f322934b8b1bea01019148155baea6b5f1fbc600211678d6e972791c0efc5865"


def in_a_process_of_its_own(hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", ONE_CITY],
        capture_output=True,
        check=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    ).stdout.strip()


def test_the_same_settings_give_the_same_bytes_whatever_the_order_of_sets() -> None:
    assert in_a_process_of_its_own("1") == in_a_process_of_its_own("2")


def test_the_bytes_are_those_that_every_machine_and_python_gives() -> None:
    """A change of the generator changes them; then write the new digest here."""
    assert in_a_process_of_its_own("0") == ITS_DIGEST


def test_another_seed_gives_another_city() -> None:
    one, other = told(60, seed=1), told(60, seed=2)
    names = [[p["full_name"] for p in city.truth["people"]] for city in (one, other)]
    assert names[0] != names[1]


def test_no_two_cities_share_an_event_id() -> None:
    ids = [told(60, dirt, seed=seed).ids for seed in (1, 2) for dirt in (CLEAN, DIRTY)]
    assert not any(a & b for n, a in enumerate(ids) for b in ids[n + 1 :])


def test_the_city_lives_the_same_life_under_any_dirt() -> None:
    assert told(300, CLEAN).truth["people"] == told(300, DIRTY).truth["people"]


def test_there_are_as_many_people_cards_and_dossiers_as_were_asked_for() -> None:
    city = told(500, cards=470, dossiers=123)
    people = city.truth["people"]
    assert len(people) == 500
    assert sum(bool(person["insurance_numbers"]) for person in people) == 470
    submitted = {e["subject"] for e in city.events() if e["type"].endswith("submitted.v1")}
    annulled = {e["subject"] for e in city.events() if e["type"].endswith("dossier.annulled.v1")}
    assert 123 <= len(submitted) <= 123 + len(annulled) + 3


@pytest.mark.parametrize("people", [1, 2, 3, 7])
def test_a_hamlet_is_a_city_too(people: int) -> None:
    city = told(people, DIRTY, cards=people, dossiers=people)
    assert len(city.truth["people"]) == people
    assert all(reading.event for _, _, reading in city.good)


@BOTH
def test_every_good_event_is_read_without_a_reason(dirt: str) -> None:
    for line, _, reading in told(dirt=dirt).good:
        assert reading.reasons == (), line


@BOTH
def test_every_good_event_is_permitted_by_the_registry_at_its_time(dirt: str) -> None:
    city = told(dirt=dirt)
    for line, kind, reading in city.good:
        assert city.refusals(kind, reading) == [], line


@BOTH
def test_folding_the_stream_gives_the_records_of_the_truth(dirt: str) -> None:
    city = told(dirt=dirt)
    truth = {
        (document["kind"], document["key"]): document["shows"]
        for document in city.truth["records"]
        if document["kind"] != "agency"
    }
    assert truth == city.shown


def test_the_agencies_of_the_truth_are_those_of_the_registry() -> None:
    city = told()
    truth = {d["key"] for d in city.truth["records"] if d["kind"] == "agency"}
    assert truth == set(city.agencies)


def test_without_dirt_records_show_what_is_true() -> None:
    assert [d for d in told().truth["records"] if "should_show" in d] == []


def test_with_dirt_the_truth_says_what_records_should_show() -> None:
    city = told(dirt=DIRTY)
    wrong = [d for d in city.truth["records"] if "should_show" in d]
    assert len(wrong) == city.counts["untrue_records"] > 50
    for document in wrong:
        for field, right in document["should_show"].items():
            assert document["shows"].get(field) != right


def test_without_dirt_the_only_warnings_are_of_people_misnumbered_at_birth() -> None:
    city = told()
    found = Counter(
        warning
        for (kind, key), lanes in city.folded.items()
        for warning in warnings(KINDS[kind], key, city.shown[kind, key], lanes)
    )
    assert set(found) == {"personal-id-year"}


def test_every_event_type_but_a_few_of_agencies_is_there() -> None:
    city = told()
    types = {e["type"] for e in city.events()} | {json.loads(b)["type"] for b in city.registry}
    assert types == set(EVENT_TYPES)


def test_ids_are_unique_and_the_key_is_the_subject() -> None:
    events = list(told().events())
    assert len({(e["source"], e["id"]) for e in events}) == len(events)


def test_without_dirt_events_are_published_in_the_order_of_their_times() -> None:
    times = [r.envelope.time for _, _, r in told().good if r.envelope is not None]
    assert times == sorted(times)


def test_sources_with_whole_seconds_number_what_they_say_of_a_record() -> None:
    last: dict[tuple[str, str], int] = {}
    for event in told().events():
        place = (event["source"], event["subject"])
        if event["source"] in ("/agencies/G01", "/agencies/G24"):
            assert "sequence" not in event
        else:
            assert int(event["sequence"]) == last.get(place, 0) + 1
            last[place] = int(event["sequence"])


def test_nothing_is_recorded_outside_the_time_of_the_city() -> None:
    city = told(400, since=day("2025-03-01"), until=day("2025-09-30"))
    times = [event["time"] for event in city.events()]
    assert min(times) >= "2025-03-01"
    assert max(times) < "2025-10-01"


@pytest.mark.parametrize("province", ["38", "79"])
def test_other_provinces_have_cities_of_the_same_kind(province: str) -> None:
    city = told(300, DIRTY, province=province)
    for line, kind, reading in city.good:
        assert reading.reasons == (), line
        assert city.refusals(kind, reading) == [], line
    for line, document in city.bad.items():
        assert city.reasons(line) == [(r["code"], r["path"]) for r in document["reasons"]]
    offices = {e["source"] for e in city.events() if AGENCY_OF_PROVINCE[province] in e["source"]}
    assert offices


def peak(people: int) -> int:
    """The most memory, in bytes, that a city takes whose postings may take 1 MiB."""
    settings = Settings(
        seed=5,
        people=people,
        cards=people,
        dossiers=people // 5,
        since=DEFAULT_SINCE,
        until=DEFAULT_UNTIL,
        dirt=rates("all"),
    )
    digest = hashlib.sha256()
    tracemalloc.start()
    try:
        city = City(settings, tell=lambda *_: None, memory=1024 * 1024)
        city.prepare()
        for message in city.messages():
            digest.update(message)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_four_times_as_many_people_take_hardly_more_memory() -> None:
    peak(1200)  # fills the caches of days and hours, which have an end of their own
    small, large = peak(300), peak(1200)
    assert large < small * 1.5, (small, large)


def test_a_spool_on_disk_gives_the_same_stream_as_one_in_memory() -> None:
    whole = told(200, DIRTY)
    city = City(whole.settings, memory=20_000)
    list(city.registry())
    city.prepare()
    assert tuple(city.messages()) == whole.messages


def test_messages_can_all_be_sent_through_a_queue() -> None:
    city: Told = told(dirt=DIRTY)
    for body in city.messages:
        assert len(body) <= 1024 * 1024
        assert b"\n" not in body
        assert not any(ord(c) < 32 for c in body.decode())


def test_a_good_event_is_small() -> None:
    assert max(len(json.dumps(event)) for event in told().events()) < 3000


def test_the_reader_agrees_on_what_a_registry_event_is() -> None:
    for body in told().registry:
        assert read(body.decode(), KINDS["agency"]).event is not None
