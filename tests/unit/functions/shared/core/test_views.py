"""A record as an answer: provenance, rivals, and fields that may not be seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.canonical import canonical
from functions.shared.core.groups import GROUPS, group_of
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.lanes import Record
from functions.shared.core.replay import folded
from functions.shared.core.views import (
    View,
    agencies_of,
    fitting,
    lane_views,
    newest_first,
    record_answer,
    shown_of,
    subject_of,
    unseen,
)
from tests.builders import (
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    KEYS,
    PERSON_ID,
    SOURCES,
    TIME,
    entries_of,
    event,
)
from tests.fakes_query import FakeTown
from tests.histories import histories

EARLIER = "2026-03-01T00:00:00.000000Z"
LATER = "2026-03-04T00:00:00.000000Z"


def record_of(*documents: dict[str, Any], kind: str = PERSON.name) -> Record:
    return folded(kind, KEYS[kind], entries_of(*documents))


def whole(record: Record) -> View:
    return record_answer(record, lambda _: True, "opaque")


def seen_by(record: Record, *groups: str) -> View:
    return record_answer(record, lambda group: group in groups, "opaque")


def rivals() -> Record:
    return record_of(
        event(fields={"full_name": "Nguyễn Thị Mẫu", "phone": "0900000001"}, id_="1"),
        event(
            "person.updated",
            {"full_name": "Nguyễn Thị Mầu"},
            source="/agencies/G03",
            id_="2",
            time=LATER,
        ),
        event(
            "person.updated", {"full_name": "NGUYEN"}, source="/agencies/H26", id_="3", time=EARLIER
        ),
    )


def test_a_record_shows_each_field_with_its_group_source_time_and_rank() -> None:
    record = rivals()
    answer = whole(record).answer
    assert {name: answer[name] for name in ("record", "kind", "version", "updated_at")} == {
        "record": "opaque",
        "kind": "person",
        "version": 3,
        "updated_at": record.updated_at,
    }
    assert answer["fields"]["phone"] == {
        "group": "contact",
        "value": "0900000001",
        "source": SOURCES["person"],
        "time": TIME,
        "rank": 10,
        "rivals": [],
    }


def test_a_field_shows_its_rivals_and_which_of_them_dispute_it() -> None:
    name = whole(rivals()).answer["fields"]["full_name"]
    assert (name["value"], name["source"], name["rank"]) == (
        "Nguyễn Thị Mẫu",
        "/agencies/G01",
        30,
    )
    assert name["rivals"] == [
        {
            "value": "Nguyễn Thị Mầu",
            "source": "/agencies/G03",
            "time": LATER,
            "rank": 20,
            "disputed": True,
        },
        {
            "value": "NGUYEN",
            "source": "/agencies/H26",
            "time": EARLIER,
            "rank": 10,
            "disputed": False,
        },
    ]


def test_what_was_withdrawn_is_no_rival_and_no_field() -> None:
    record = record_of(
        event(fields={"phone": "0900000001", "full_name": "Nguyễn Thị Mẫu"}, id_="1"),
        event(fields={"phone": None, "full_name": None}, id_="2", time=LATER),
        event("person.updated", {"full_name": "MẪU"}, source="/agencies/H26", id_="3"),
    )
    fields = whole(record).answer["fields"]
    assert "phone" not in fields
    assert fields["full_name"]["value"] == "MẪU"
    assert fields["full_name"]["rivals"] == []


def test_the_key_is_a_field_without_a_source() -> None:
    fields = whole(rivals()).answer["fields"]
    assert fields["personal_id"] == {"group": "identity", "value": PERSON_ID}


def test_steps_are_one_field_that_is_a_list() -> None:
    record = record_of(
        event("dossier.accepted", {"status": 2}, id_="1"),
        event("dossier.progressed", {"status": 4}, id_="2", time=LATER),
        kind="dossier",
    )
    steps = whole(record).answer["fields"]["steps"]
    assert set(steps) == {"group", "value"}
    assert [(step["id"], step["status"], step["source"]) for step in steps["value"]] == [
        ("1", 2, "/agencies/H26.12"),
        ("2", 4, "/agencies/H26.12"),
    ]


def test_a_masked_field_shows_that_it_exists_and_nothing_else() -> None:
    view = seen_by(rivals(), "contact")
    assert view.answer["fields"]["full_name"] == {"group": "identity", "masked": True}
    assert view.answer["fields"]["personal_id"] == {"group": "identity", "masked": True}
    assert view.answer["fields"]["phone"]["value"] == "0900000001"
    assert (view.seen, view.masked) == (("phone",), ("personal_id", "full_name"))


def test_a_warning_about_a_masked_field_keeps_its_code_alone() -> None:
    def disputed(view: View) -> Any:
        (found,) = [w for w in view.answer["warnings"] if w["code"] == "disputed"]
        return found

    assert disputed(whole(rivals()))["field"] == "full_name"
    told = disputed(seen_by(rivals(), "contact"))
    assert set(told) == {"code", "text"}
    assert "full_name" not in told["text"]


def test_an_unusual_move_is_told_to_those_who_see_the_timeline() -> None:
    record = record_of(
        event("dossier.accepted", {"status": 2}, id_="1"),
        event("dossier.returned", {"status": 10, "returned_at": LATER}, id_="2", time=LATER),
        kind="dossier",
    )

    def told(view: View) -> Any:
        (found,) = [w for w in view.answer["warnings"] if w["code"] == "unusual-move"]
        return found

    assert told(whole(record))["field"] == "steps"
    assert told(whole(record))["text"].endswith("2-10.")
    assert "2-10" not in told(seen_by(record, "identity"))["text"]


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind: Kind = draw(st.sampled_from((PERSON, INSURANCE_CARD, DOSSIER)))
    key = KEYS[kind.name]
    town = FakeTown().sent(*draw(histories(kind, keys=[key])))
    record = town.record(kind.name, key)
    assert record is not None
    return record


@given(records(), st.sets(st.sampled_from(GROUPS)))
def test_no_value_of_a_group_that_may_not_be_seen_is_in_an_answer(
    record: Record, groups: set[str]
) -> None:
    view = record_answer(record, groups.__contains__, "opaque")
    fields = view.answer["fields"]
    assert sorted(view.seen + view.masked) == sorted(fields)
    for name, told in fields.items():
        group = group_of(record.kind, name)
        assert told["group"] == group
        assert (name in view.seen) == (group in groups)
        if group not in groups:
            assert told == {"group": group, "masked": True}
    for warning in view.answer["warnings"]:
        assert warning.get("field") is None or group_of(record.kind, warning["field"]) in groups


@given(records())
def test_whoever_may_see_everything_sees_what_the_record_shows(record: Record) -> None:
    fields = whole(record).answer["fields"]
    values = {name: told["value"] for name, told in fields.items()}
    key = values.pop({"person": "personal_id", "insurance-card": "insurance_number"}.get(
        record.kind, "dossier_code"))  # fmt: skip
    assert (key, values) == (record.key, shown_of(record))
    canonical(whole(record).answer)


@given(records())
def test_every_lane_that_is_not_withdrawn_is_shown_or_a_rival(record: Record) -> None:
    fields = whole(record).answer["fields"]
    lanes = [v for v in lane_views(record) if v.state != "withdrawn" and "/" not in v.field]
    told = [
        (name, told["rank"], told["value"])
        for name, field in fields.items()
        if "rank" in field
        for told in (field, *field["rivals"])
    ]
    assert sorted(map(canonical, told)) == sorted(
        canonical((v.field, v.rank, v.lane.value)) for v in lanes
    )


@pytest.mark.parametrize(
    ("kind", "key", "fields", "subject"),
    [
        ("person", PERSON_ID, {}, f"person/{PERSON_ID}"),
        ("insurance-card", INSURANCE_NUMBER, {}, f"insurance-card/{INSURANCE_NUMBER}"),
        (
            "insurance-card",
            INSURANCE_NUMBER,
            {"personal_id": PERSON_ID},
            f"person/{PERSON_ID}",
        ),
        ("dossier", DOSSIER_CODE, {}, f"dossier/{DOSSIER_CODE}"),
        ("dossier", DOSSIER_CODE, {"applicant": {"kind": "other"}}, f"dossier/{DOSSIER_CODE}"),
        (
            "dossier",
            DOSSIER_CODE,
            {"applicant": {"kind": "citizen", "personal_id": PERSON_ID}},
            f"person/{PERSON_ID}",
        ),
        ("agency", "H26.12", {}, "agency/H26.12"),
    ],
)
def test_a_record_is_about_the_person_it_names_else_about_itself(
    kind: str, key: str, fields: dict[str, Any], subject: str
) -> None:
    assert subject_of(kind, key, fields) == subject


def test_a_dossier_belongs_to_those_who_receive_and_handle_it() -> None:
    fields = {"receiving_agency": "H26.12", "handling_agency": "K02"}
    assert agencies_of("dossier", fields) == {"H26.12", "K02"}
    assert agencies_of("dossier", {}) == frozenset()
    assert agencies_of("person", fields) == frozenset()


def test_dossier_codes_of_both_forms_are_sorted_by_their_day() -> None:
    codes = ["H26.12-20260303-0000003", "000.12.00.H26-250630-0001", "H26-20260304-0000001"]
    assert newest_first(codes) == [codes[2], codes[0], codes[1]]


def test_as_many_records_as_fit_are_answered_and_always_the_first() -> None:
    view = whole(rivals())
    size = len(canonical(view.answer))
    assert fitting([view] * 3, 3 * size) == 3
    assert fitting([view] * 3, 3 * size - 1) == 2
    assert fitting([view] * 3, 1) == 1
    assert fitting([], 1) == 0


def test_what_does_not_fit_shows_nothing() -> None:
    view = unseen(seen_by(rivals(), "contact"))
    assert (view.answer, view.seen) == ({}, ())
    assert set(view.masked) == {"phone", "personal_id", "full_name"}
