"""Keys of tables and indexes."""

from __future__ import annotations

import pytest

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


class TestLoading:
    @pytest.mark.parametrize("name", ["cards.ndjson", "H26.12/a b.csv", "x/.manifest.json.gz"])
    def test_a_dropped_file_has_a_name_and_a_manifest(self, name: str) -> None:
        key = keys.incoming_object(name)
        assert keys.parse_incoming(key) == name
        assert keys.parse_manifest(key) is None
        assert keys.parse_manifest(keys.manifest_object(key)) == key

    @pytest.mark.parametrize("key", ["parts/x", "incoming", "incoming/", "reports/incoming/x"])
    def test_other_objects_are_no_dropped_files(self, key: str) -> None:
        assert keys.parse_incoming(key) is None

    def test_ranges_sort_as_they_lie_in_the_file(self) -> None:
        numbers = [0, 2, 10, 99_999_999]
        items = [keys.range_item(number) for number in numbers]
        assert items == sorted(items)
        assert [keys.parse_range_item(item) for item in items] == numbers
        assert all(item.startswith(keys.RANGES) for item in items)
        assert not keys.LOAD_ITEM.startswith(keys.RANGES)

    def test_what_a_load_writes_lies_together(self) -> None:
        assert keys.part_object("l", 12) == "parts/l/00000012"
        assert (
            keys.range_report_object("l", 1, 5)
            == "reports/l/ranges/00000001/000000000000005.ndjson"
        )
        assert keys.report_object("l") == "reports/l/refused.ndjson"
