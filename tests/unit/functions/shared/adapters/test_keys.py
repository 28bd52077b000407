"""Keys of tables and indexes."""

from __future__ import annotations

from functions.shared.adapters import keys
from functions.shared.core.lanes import Record
from tests.builders import event, understood

AT = "2026-03-03T23:59:59.999999Z"


def test_an_event_has_the_key_that_the_core_calls_it_by() -> None:
    said = understood(event(id_="a#b"))
    assert keys.event_uid("/agencies/G01", "a#b") == said.uid == "/agencies/G01#a#b"


def test_a_record_has_the_key_that_the_core_calls_it_by() -> None:
    assert keys.record_key("person", "1") == Record("person", "1", {}).record_key == "person/1"
    assert keys.parse_record_key("dossier/H26-1/2") == ("dossier", "H26-1/2")


def test_quarantine_entries_are_spread_over_shards() -> None:
    shards = [keys.shard_of(f"{digit:x}{'0' * 63}") for digit in range(16)]
    assert shards == [0, 1, 2, 3, 4, 5, 6, 7] * 2


def test_index_keys_name_the_day() -> None:
    assert keys.queue_key("population", AT, 3) == "population#2026-03-03#3"
    assert keys.reason_key("not-json", AT, 0) == "not-json#2026-03-03#0"


def test_objects_of_an_entry_lie_together() -> None:
    assert keys.quarantine_object("population", "ab", "body") == "population/ab/body"
