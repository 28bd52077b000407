"""A record as its item: what it shows, what it is found by."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from functions.shared.core.items import (
    LANES,
    LONGEST_NAME_KEY,
    fields_of,
    item_of,
    record_of,
    size_of,
)
from functions.shared.core.kinds import DOSSIER, KINDS, PERSON, Kind
from functions.shared.core.lanes import Lanes, Record, Statement, fold
from functions.shared.core.replay import folded
from functions.shared.core.stamps import Stamp
from tests.builders import DOSSIER_CODE, KEYS, PERSON_ID, entries_of, event
from tests.histories import Document, any_history

STAMP = Stamp("2026-03-03T02:00:00.000000Z", 0, "/agencies/G01", "e")


def item(kind: str = "person", key: str | None = None, **fields: Any) -> dict[str, Any]:
    lanes: Lanes
    lanes, _ = fold({}, STAMP, [Statement(name, 10, value) for name, value in fields.items()])
    return item_of(Record(kind, key or KEYS[kind], lanes))


class TestShape:
    def test_an_item_carries_its_key_what_it_shows_and_its_bookkeeping(self) -> None:
        entries = entries_of(event(fields={"phone": "1234", "sex": "female"}))
        record = folded("person", PERSON_ID, entries)
        assert item_of(record) == {
            "personal_id": PERSON_ID,
            "sex": "female",
            "phone": "1234",
            "warnings": [],
            "version": 1,
            "head": entries[0].entry_hash,
            "updated_at": entries[0].recorded_at,
            "lanes": item_of(record)["lanes"],
        }

    def test_a_withdrawn_field_is_no_attribute(self) -> None:
        assert "phone" not in item(phone=None)

    @given(any_history())
    def test_a_record_comes_back_from_its_item(self, drawn: tuple[Kind, list[Document]]) -> None:
        kind, history = drawn
        for key in {document["subject"] for document in history}:
            entries = entries_of(*(d for d in history if d["subject"] == key))
            record = folded(kind.name, key, entries)
            stored: Any = item_of(record)
            assert record_of(kind, stored, orjson.loads(stored[LANES])) == record

    def test_an_erasure_is_counted_in_the_item(self) -> None:
        record = Record("person", PERSON_ID, {}, erasures=2)
        stored: Any = item_of(record)
        assert stored["erasures"] == 2
        assert record_of(PERSON, stored, orjson.loads(stored[LANES])) == record

    @pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
    def test_no_field_has_the_name_of_something_else_in_the_item(self, kind: Kind) -> None:
        other = {"steps", "warnings", "version", "head", "updated_at", "lanes", "erasures"}
        other |= {"name_key", "birth_key", "applicant_id", "status_due", kind.key}
        assert not other & {field.name for field in kind.fields}

    def test_shown_fields_are_told_apart_from_the_rest(self) -> None:
        shown = {"full_name": "A", "date_of_birth": "1990"}
        assert fields_of(PERSON, item(**shown)) == shown
        step: dict[str, Any] = {"step//agencies/G01/s": {"id": "s", "at": STAMP.time}}
        (steps,) = fields_of(DOSSIER, item("dossier", **step)).items()
        assert steps == ("steps", [{"id": "s", "at": STAMP.time, "source": "/agencies/G01"}])

    def test_the_size_grows_with_every_byte(self) -> None:
        def record(name: str) -> Record:
            lanes, _ = fold({}, STAMP, [Statement("full_name", 10, name)])
            return Record("insurance-card", "0123456790", lanes)

        assert size_of(record("abé")) == size_of(record("ab")) + 2


class TestPersonKeys:
    def test_a_person_is_found_by_folded_name_birth_and_commune(self) -> None:
        found = item(
            full_name="Nguyễn Thị Hoà",
            date_of_birth="1990-02",
            residence={"commune": "00070", "address": "x"},
        )
        assert found["name_key"] == "nguyen thi hoa"
        assert found["birth_key"] == f"1990-02#00070#{PERSON_ID}"

    def test_what_is_not_known_is_left_blank(self) -> None:
        assert item(full_name="A")["birth_key"] == f"0000##{PERSON_ID}"

    def test_a_person_without_a_name_has_no_such_key(self) -> None:
        """An empty string as an index key would fail the whole transaction."""
        assert {"name_key", "birth_key"}.isdisjoint(item(date_of_birth="1990"))

    def test_a_name_of_marks_alone_is_its_own_key(self) -> None:
        assert item(full_name="\u0301")["name_key"] == "\u0301"

    def test_a_name_that_folds_into_much_more_still_fits_the_index(self) -> None:
        key = item(full_name="\ufdfa" * 100)["name_key"]
        assert len(key) == LONGEST_NAME_KEY
        assert len(("\U0001f600" * LONGEST_NAME_KEY).encode()) <= 2048, "DynamoDB's limit"

    def test_an_old_number_is_a_key_as_it_is(self) -> None:
        assert item(old_identity_number="010000024")["old_identity_number"] == "010000024"


class TestDossierKeys:
    def test_a_dossier_is_found_by_handler_status_and_due_date(self) -> None:
        found = item(
            "dossier",
            handling_agency="H26.12",
            status=4,
            due_at="2026-03-24T10:00:00.000000Z",
            applicant={"kind": "citizen", "personal_id": PERSON_ID},
        )
        assert found["status_due"] == f"04#2026-03-24T10:00:00.000000Z#{DOSSIER_CODE}"
        assert found["applicant_id"] == PERSON_ID

    def test_statuses_sort_as_numbers(self) -> None:
        keys = [item("dossier", handling_agency="H26", status=n)["status_due"] for n in (2, 9, 10)]
        assert (
            keys
            == sorted(keys)
            == [f"02##{DOSSIER_CODE}", f"09##{DOSSIER_CODE}", f"10##{DOSSIER_CODE}"]
        )

    def test_without_a_handler_or_a_status_there_is_no_such_key(self) -> None:
        assert "status_due" not in item("dossier", status=4)
        assert "status_due" not in item("dossier", handling_agency="H26")

    def test_an_applicant_without_a_personal_id_is_no_key(self) -> None:
        assert "applicant_id" not in item("dossier", applicant={"kind": "enterprise"})
        assert "applicant_id" not in item("dossier")


@pytest.mark.parametrize("kind", ["insurance-card", "agency"])
def test_other_kinds_have_no_keys_of_their_own(kind: str) -> None:
    names = {"insurance-card": "full_name", "agency": "name"}
    assert {"name_key", "birth_key"}.isdisjoint(item(kind, **{names[kind]: "A"}))
