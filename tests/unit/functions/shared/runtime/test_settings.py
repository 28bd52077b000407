"""What a function is told by its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from functions.shared.core.errors import Defect
from functions.shared.core.kinds import KIND_OF_QUEUE, KINDS
from functions.shared.core.registry import Senders
from functions.shared.runtime.settings import (
    SHORTEST_HASH_KEY,
    TABLES_OF_KINDS,
    api_settings,
    dead_letter_settings,
    file_split_settings,
    intake_settings,
    range_sync_settings,
    sync_settings,
)

SHARED = {
    "STAGE": "prod",
    "LOG_HASH_KEY": "k" * SHORTEST_HASH_KEY,
    "LEDGER_TABLE": "ledger",
    "QUARANTINE_TABLE": "quarantine",
    "QUARANTINE_BUCKET": "bucket",
}
SYNC = {**SHARED, "QUEUE": "population", "RECORDS_TABLE": "people", "AGENCIES_TABLE": "agencies"}
ARN = "arn:aws:sqs:ap-southeast-1:123456789012:population-dead-letter"
DEAD_LETTER = {**SHARED, "DEAD_LETTER_SOURCES": json.dumps({ARN: "population"})}
LOADS = {**SHARED, "INTAKE_BUCKET": "intake", "LOADS_TABLE": "loads", "RANGES_QUEUE_URL": "ranges"}
FILE_SPLIT = {**LOADS, "FILES_QUEUE_URL": "files", "LOAD_RANGE_BYTES": "8388608"}
RANGE_SYNC = {
    **LOADS,
    "PEOPLE_TABLE": "people",
    "INSURANCE_CARDS_TABLE": "cards",
    "DOSSIERS_TABLE": "dossiers",
    "AGENCIES_TABLE": "agencies",
}
API = {
    **SHARED,
    "PEOPLE_TABLE": "people",
    "INSURANCE_CARDS_TABLE": "cards",
    "DOSSIERS_TABLE": "dossiers",
    "AGENCIES_TABLE": "agencies",
    "ACCESS_LOG_TABLE": "log",
    "ACCESS_HEADS_TABLE": "heads",
    "ALLOWANCES_TABLE": "allowances",
    "RECORD_ID_KEY": "0123456789abcdef" * 8,
    "DAILY_ALLOWANCE": "300",
    "MINUTE_ALLOWANCE": "60",
}
QUEUE_URLS = {f"{queue.upper()}_QUEUE_URL": f"https://{queue}" for queue in KIND_OF_QUEUE}
INTAKE = {**API, **QUEUE_URLS}


def without(environment: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key != name}


class TestSync:
    def test_settings_are_what_the_environment_says(self) -> None:
        settings = sync_settings({**SYNC, "UNRELATED": "x"})
        assert settings.kind.name == "person"
        assert settings.records_table == "people"
        assert settings.agencies_table == "agencies"
        assert settings.ledger_table == "ledger"
        assert settings.quarantine_table == "quarantine"
        assert settings.quarantine_bucket == "bucket"
        assert settings.log_hash_key == "k" * SHORTEST_HASH_KEY
        assert settings.stage == "prod"
        assert settings.senders == Senders()

    @pytest.mark.parametrize("name", SYNC)
    @pytest.mark.parametrize("how", ["missing", "empty"])
    def test_a_variable_that_is_missing_is_named(self, name: str, how: str) -> None:
        environment = without(SYNC, name) if how == "missing" else {**SYNC, name: ""}
        with pytest.raises(Defect, match=name):
            sync_settings(environment)

    @pytest.mark.parametrize("queue", KIND_OF_QUEUE)
    def test_every_queue_has_its_kind(self, queue: str) -> None:
        assert sync_settings({**SYNC, "QUEUE": queue}).kind.queue == queue

    def test_another_queue_is_refused(self) -> None:
        with pytest.raises(Defect, match="QUEUE"):
            sync_settings({**SYNC, "QUEUE": "people"})

    def test_a_short_hash_key_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(Defect, match="LOG_HASH_KEY") as caught:
            sync_settings({**SYNC, "LOG_HASH_KEY": "secret" * 5})
        assert "secret" not in str(caught.value)

    def test_senders_are_lists(self) -> None:
        known = {"REGISTRY_SENDERS": "A, B,", "RELAY_SENDERS": " C "}
        senders = sync_settings({**SYNC, **known}).senders
        assert senders == Senders(registry=frozenset({"A", "B"}), relays=frozenset({"C"}))

    @pytest.mark.parametrize(
        ("stage", "anyone"), [("local", True), ("prod", False), ("Local", False), ("local ", False)]
    )
    def test_only_a_local_stack_takes_any_sender(self, stage: str, anyone: bool) -> None:
        assert sync_settings({**SYNC, "STAGE": stage}).senders.anyone is anyone

    def test_settings_do_not_change(self) -> None:
        settings = sync_settings(SYNC)
        with pytest.raises(AttributeError):
            settings.stage = "local"  # type: ignore[misc]  # that it cannot be is the point


class TestDeadLetter:
    def test_settings_are_what_the_environment_says(self) -> None:
        settings = dead_letter_settings(DEAD_LETTER)
        assert settings.sources == {ARN: "population"}
        assert settings.quarantine_bucket == "bucket"

    @pytest.mark.parametrize("name", DEAD_LETTER)
    def test_a_variable_that_is_missing_is_named(self, name: str) -> None:
        with pytest.raises(Defect, match=name):
            dead_letter_settings(without(DEAD_LETTER, name))

    @pytest.mark.parametrize(
        "sources", ["{}", "[]", "x", "1", "null", '{"arn":"people"}', '{"arn":["population"]}']
    )
    def test_sources_that_are_no_queues_are_refused(self, sources: str) -> None:
        with pytest.raises(Defect, match="DEAD_LETTER_SOURCES"):
            dead_letter_settings({**DEAD_LETTER, "DEAD_LETTER_SOURCES": sources})


class TestLoading:
    def test_settings_of_the_splitting_are_what_the_environment_says(self) -> None:
        settings = file_split_settings(FILE_SPLIT)
        assert (settings.intake_bucket, settings.loads_table) == ("intake", "loads")
        assert (settings.ranges_queue_url, settings.files_queue_url) == ("ranges", "files")
        assert settings.range_bytes == 8 << 20

    def test_settings_of_the_ranges_name_every_kinds_table(self) -> None:
        settings = range_sync_settings(RANGE_SYNC)
        assert settings.records_tables == {
            "person": "people",
            "insurance-card": "cards",
            "dossier": "dossiers",
            "agency": "agencies",
        }
        assert set(TABLES_OF_KINDS) == set(KINDS)
        assert settings.ledger_table == "ledger"

    @pytest.mark.parametrize("name", FILE_SPLIT)
    def test_a_variable_that_the_splitting_misses_is_named(self, name: str) -> None:
        with pytest.raises(Defect, match=name):
            file_split_settings(without(FILE_SPLIT, name))

    @pytest.mark.parametrize("name", RANGE_SYNC)
    def test_a_variable_that_the_ranges_miss_is_named(self, name: str) -> None:
        with pytest.raises(Defect, match=name):
            range_sync_settings(without(RANGE_SYNC, name))

    @pytest.mark.parametrize("text", ["8 MiB", "-1", "0", "1023", "1e6", "٤٠٩٦"])
    def test_a_range_must_have_a_size(self, text: str) -> None:
        with pytest.raises(Defect, match="LOAD_RANGE_BYTES"):
            file_split_settings({**FILE_SPLIT, "LOAD_RANGE_BYTES": text})

    def test_files_state_agencies_only_from_the_registrys_senders(self) -> None:
        settings = range_sync_settings({**RANGE_SYNC, "REGISTRY_SENDERS": "AROA1, AROA2"})
        assert settings.senders == Senders(registry=frozenset({"AROA1", "AROA2"}))
        assert range_sync_settings({**RANGE_SYNC, "STAGE": "local"}).senders.anyone


class TestApi:
    def test_settings_are_what_the_environment_says(self) -> None:
        settings = api_settings(API)
        assert settings.records_tables.keys() == KINDS.keys()
        assert settings.record_id_key == bytes.fromhex("0123456789abcdef" * 8)
        assert (settings.daily_allowance, settings.minute_allowance) == (300, 60)
        assert settings.access_log_table == "log"
        assert "0123" not in repr(settings)

    def test_the_intake_function_knows_the_queue_of_each_kind(self) -> None:
        settings = intake_settings(INTAKE)
        assert settings.queue_urls == {queue: f"https://{queue}" for queue in KIND_OF_QUEUE}
        assert not settings.senders.anyone
        assert intake_settings({**INTAKE, "STAGE": "local"}).senders.anyone

    @pytest.mark.parametrize("name", INTAKE)
    def test_a_variable_that_is_missing_is_named(self, name: str) -> None:
        with pytest.raises(Defect, match=name):
            intake_settings(without(INTAKE, name))

    @pytest.mark.parametrize("key", ["0" * 127, "0" * 129, "x" * 128])
    def test_the_key_of_ids_has_64_bytes(self, key: str) -> None:
        with pytest.raises(Defect, match="RECORD_ID_KEY") as error:
            api_settings({**API, "RECORD_ID_KEY": key})
        assert key not in str(error.value)

    @pytest.mark.parametrize("name", ["DAILY_ALLOWANCE", "MINUTE_ALLOWANCE"])
    @pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "\u0661"])
    def test_an_allowance_is_a_whole_number_from_1_on(self, name: str, text: str) -> None:
        with pytest.raises(Defect, match=name):
            api_settings({**API, name: text})


class TestSwitches:
    def test_a_quick_way_is_gone_where_the_environment_says_so(self) -> None:
        quick = sync_settings({**SYNC, "WIRE": "direct", "LOOPS": "compiled"})
        assert (quick.direct_wire, quick.compiled_loops) == (True, True)
        plain = sync_settings({**SYNC, "WIRE": "plain", "LOOPS": "plain"})
        assert (plain.direct_wire, plain.compiled_loops) == (False, False)
        unsaid = sync_settings(SYNC)
        assert (unsaid.direct_wire, unsaid.compiled_loops) == (False, True)

    @pytest.mark.parametrize("name", ["WIRE", "LOOPS"])
    @pytest.mark.parametrize("value", ["", "yes", "PLAIN"])
    def test_another_word_is_refused_and_its_parameter_named(self, name: str, value: str) -> None:
        with pytest.raises(Defect, match=f"{name} must be .* parameter {name.title()} and"):
            sync_settings({**SYNC, name: value})
