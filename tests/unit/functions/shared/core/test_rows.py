"""What a row states, how cells are read, what is refused, and what is wrong with a manifest."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.shared.core.kinds import KINDS
from functions.shared.core.reading import Reading, read
from functions.shared.core.rows import NDJSON, NoRow, complaints, mapper, read_manifest
from schemas.manifests import validate_manifest
from tests.manifests import CARDS, HEADER, ROW, cards, row, with_column

CARD = KINDS["insurance-card"]


def stated(line: str, manifest: Mapping[str, Any] = CARDS, header: str = HEADER) -> dict[str, Any]:
    assert complaints(manifest, header) == []
    event: dict[str, Any] = json.loads(mapper(manifest, header)(line))
    return event


def reading(line: str, manifest: Mapping[str, Any] = CARDS) -> Reading:
    return read(mapper(manifest, HEADER)(line), CARD)


def refused(line: str, manifest: Mapping[str, Any] = CARDS) -> dict[str, str]:
    return {reason.path: reason.text for reason in reading(line, manifest).reasons}


# What a row states --------------------------------------------------------------------------------


def test_a_row_states_the_event_that_its_manifest_declares() -> None:
    assert stated(ROW) == {
        "specversion": "1.0",
        "id": "bhyt-2026-01-0123456789",
        "source": "/agencies/G24",
        "type": "vn.lienthong.insurance-card.issued.v1",
        "subject": "0123456789",
        "time": "2026-01-02T00:00:00+07:00",
        "data": {
            "insurance_number": "0123456789",
            "full_name": "Đặng Thị Mẫu",
            "date_of_birth": "1960-02-01",
            "sex": "female",
            "card": {
                "number": "DN4011234567890",
                "group_code": "DN",
                "benefit_level": 4,
                "valid_from": "2026-01-01",
            },
            "primary_facility": "01020",
            "address": "5 phố Mẫu",
            "status": "active",
        },
    }
    assert reading(ROW).event is not None


def test_the_same_row_is_the_same_event_whatever_the_line_ends_with() -> None:
    body_of = mapper(CARDS, "\ufeff" + HEADER + "\r\n")

    assert body_of(ROW) == body_of(ROW + "\r\n") == body_of(ROW + "\n")


def test_quoted_cells_are_read_as_rfc_4180_says() -> None:
    quoted = ROW.replace("phố Mẫu", '"phố ""Mẫu"", ngõ 5"')

    assert stated(quoted)["data"]["address"] == '5 phố "Mẫu", ngõ 5'


def test_another_delimiter_and_order_of_columns_give_the_same_event() -> None:
    names, cells = HEADER.split(","), ROW.split(",")
    manifest = cards(delimiter=";", id="bhyt-{*}")

    turned = stated(";".join(cells[::-1]), manifest, ";".join(names[::-1]))

    assert turned == stated(";".join(cells), manifest, ";".join(names))


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])),
        min_size=13,
        max_size=13,
    )
)
def test_any_row_that_a_csv_writer_makes_is_an_event_or_refused(cells: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)

    result = reading(written.getvalue())

    assert (result.event is None) == bool(result.reasons)


@given(st.text(st.characters(exclude_characters="\n")))
def test_any_line_is_an_event_refused_or_no_row(line: str) -> None:
    with suppress(NoRow):
        result = reading(line)
        assert (result.event is None) == bool(result.reasons)


# Cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [("01/02/1960", "1960-02-01"), ("1960", "1960"), (" 01/02/1960 ", "1960-02-01")],
)
def test_a_day_is_read_in_the_first_form_that_fits(written: str, meant: str) -> None:
    assert stated(row(ngay_sinh=written))["data"]["date_of_birth"] == meant


@pytest.mark.parametrize(
    ("forms", "written", "meant"),
    [
        (["d/M/yyyy"], "1/2/1960", "1960-02-01"),
        (["yyyyMMdd"], "19600201", "1960-02-01"),
        (["yyyy-MM-dd HH:mm:ss"], "1960-02-01 00:00:00", "1960-02-01"),
        (["MM/yyyy"], "02/1960", "1960-02"),
        (["yyyyMMddHHmmss"], "19600201093000", "1960-02-01"),
    ],
)
def test_days_are_written_in_many_forms(forms: list[str], written: str, meant: str) -> None:
    manifest = with_column("ngay_sinh", field="date_of_birth", dates=forms)

    assert stated(row(ngay_sinh=written), manifest)["data"]["date_of_birth"] == meant


@given(
    st.dates(), st.sampled_from(["dd/MM/yyyy", "d/M/yyyy", "yyyyMMdd", "yyyy-MM-dd", "d.M.yyyy"])
)
def test_every_day_in_every_form_is_that_day(day: date, form: str) -> None:
    manifest = with_column("ngay_sinh", field="date_of_birth", dates=[form])
    written = form
    for token, part in (
        ("yyyy", f"{day.year:04d}"),
        ("MM", f"{day.month:02d}"),
        ("M", f"{day.month}"),
        ("dd", f"{day.day:02d}"),
        ("d", f"{day.day}"),
    ):
        written = written.replace(token, part)

    data = json.loads(mapper(manifest, HEADER)(row(ngay_sinh=written)))["data"]
    assert data["date_of_birth"] == day.isoformat()


def test_a_day_that_the_first_form_cannot_be_is_read_in_the_next() -> None:
    manifest = with_column("ngay_sinh", field="date_of_birth", dates=["dd/MM/yyyy", "MM/dd/yyyy"])

    for written, meant in (("12/31/1960", "1960-12-31"), ("01/02/1960", "1960-02-01")):
        assert stated(row(ngay_sinh=written), manifest)["data"]["date_of_birth"] == meant


@pytest.mark.parametrize(
    ("forms", "zone", "written", "meant"),
    [
        (["yyyyMMddHHmmss"], "Asia/Ho_Chi_Minh", "20260102153000", "2026-01-02T15:30:00+07:00"),
        (["yyyyMMddHHmm"], "Asia/Ho_Chi_Minh", "202601021530", "2026-01-02T15:30:00+07:00"),
        (["dd/MM/yyyy H:mm"], "+00:00", "02/01/2026 9:05", "2026-01-02T09:05:00+00:00"),
    ],
)
def test_times_are_read_in_their_zone(
    forms: list[str], zone: str, written: str, meant: str
) -> None:
    manifest = cards(time={"value": "{ngay_cap}", "forms": forms, "zone": zone})

    assert stated(row(ngay_cap=written), manifest)["time"] == meant


def test_a_time_may_be_composed_and_hold_for_the_whole_file() -> None:
    composed = cards(
        time={"value": "{ngay_cap} {stt}", "forms": ["dd/MM/yyyy H"], "zone": "Asia/Ho_Chi_Minh"},
        ignore=None,
    )
    fixed = cards(time={"value": "2026-01-31T17:00:00+07:00"}, ignore=["stt", "ngay_cap"])

    assert stated(row(stt="7"), composed)["time"] == "2026-01-02T07:00:00+07:00"
    assert stated(ROW, fixed)["time"] == "2026-01-31T17:00:00+07:00"


def test_leading_zeros_come_back_where_a_width_is_declared() -> None:
    data = stated(row(so_bhxh="123", kcb="01C51"))["data"]

    assert (data["insurance_number"], data["primary_facility"]) == ("0000000123", "01C51")


def test_words_are_compared_after_normalising() -> None:
    decomposed = "Nu\u031b\u0303"

    assert stated(row(gioi_tinh=f" {decomposed} "))["data"]["sex"] == "female"


def test_whole_numbers_may_have_their_thousands_apart() -> None:
    manifest = with_column("muc", field="card/benefit_level", whole=True, grouping=".")

    assert stated(row(muc="4"), manifest)["data"]["card"]["benefit_level"] == 4
    assert "/data/card/benefit_level" in refused(row(muc="1.000"), manifest)
    assert "/data/card/benefit_level" in refused(row(muc="1.0"), manifest)


def test_a_list_is_split() -> None:
    manifest = {
        "format": "csv",
        "source": "/agencies/G01",
        "type": "vn.lienthong.person.identifier-replaced.v1",
        "id": "thay-{moi}",
        "time": {"value": "2026-01-31T17:00:00+07:00"},
        "columns": {
            "moi": {"field": "personal_id", "pad": 12},
            "cu": {"field": "replaces", "split": ";"},
        },
    }

    event = stated("1190012345,001190012346; 001190012347", manifest, "moi,cu")

    assert event["data"]["replaces"] == ["001190012346", "001190012347"]


def test_an_empty_cell_says_nothing_and_null_where_that_is_declared() -> None:
    manifest = with_column("kcb", field="primary_facility", pad=5, empty="null")

    for blank in ("", "  ", "-", "không rõ"):
        assert "primary_facility" not in stated(row(kcb=blank))["data"]
        assert stated(row(kcb=blank), manifest)["data"]["primary_facility"] is None


def test_a_composed_field_is_absent_where_all_of_it_is_empty() -> None:
    assert "address" not in stated(row(so="", pho="-"))["data"]
    assert stated(row(so="", pho="phố Mẫu"))["data"]["address"] == " phố Mẫu"


def test_a_constant_part_joins_only_an_object_that_cells_state() -> None:
    columns = {n: c for n, c in CARDS["columns"].items() if n != "nhom"}
    manifest = cards(
        columns=columns,
        constants={"status": "active", "card/group_code": "DN"},
        ignore=["stt", "nhom"],
    )

    assert stated(ROW, manifest)["data"]["card"]["group_code"] == "DN"
    assert "card" not in stated(row(so_the="", muc="", tu_ngay=""), manifest)["data"]


def test_a_sequence_is_a_template_and_absent_where_it_is_empty() -> None:
    manifest = cards(sequence="{stt}", ignore=None)

    assert stated(row(stt="7"), manifest)["sequence"] == "7"
    assert "sequence" not in stated(row(stt=""), manifest)


def test_the_digest_of_a_row_is_another_one_when_a_cell_is_corrected() -> None:
    manifest = cards(id="bhyt-{{{so_bhxh}}}-{*}")
    first = stated(ROW, manifest)["id"]

    assert first.startswith("bhyt-{0123456789}-")
    assert stated(row(ho_ten="Đặng Thị Mẫu Hai"), manifest)["id"] != first
    assert stated(row(stt="9999"), manifest)["id"] == first


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        ({"ngay_sinh": "30/02/1960"}, "/data/date_of_birth"),
        ({"ngay_sinh": "1.2.1960"}, "/data/date_of_birth"),
        ({"ngay_sinh": "45/13/1960"}, "/data/date_of_birth"),
        ({"gioi_tinh": "Nử"}, "/data/sex"),
        ({"muc": "bốn"}, "/data/card/benefit_level"),
        ({"muc": "9"}, "/data/card/benefit_level"),
        ({"so_bhxh": "12A"}, "/data/insurance_number"),
        ({"so_bhxh": "1.23E+08"}, "/data/insurance_number"),
        ({"so_the": ""}, "/data/card/number"),
        ({"ho_ten": ""}, "/data/full_name"),
        ({"so_bhxh": ""}, "/subject"),
        ({"ngay_cap": ""}, "/time"),
        ({"ngay_cap": "31/02/2026"}, "/time"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_at_its_place(cells: dict[str, str], path: str) -> None:
    found = refused(row(**cells))

    assert path in found
    assert found[path].endswith(".")


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        # Each of these the field itself would take.
        ({"nhom": "GD"}, "/data/card/group_code"),
        ({"tu_ngay": "2026-01-01"}, "/data/card/valid_from"),
        ({"ngay_sinh": "1960-02"}, "/data/date_of_birth"),
        ({"gioi_tinh": "male"}, "/data/sex"),
        ({"ngay_cap": "2026-01-02T00:00:00+07:00"}, "/time"),
    ],
)
def test_a_cell_in_another_form_than_declared_is_refused_even_if_the_field_would_take_it(
    cells: dict[str, str], path: str
) -> None:
    assert path in refused(row(**cells))
    assert json.dumps(next(iter(cells.values()))) in mapper(CARDS, HEADER)(row(**cells))


def test_all_cells_that_do_not_fit_are_told_at_once() -> None:
    found = refused(row(nhom="GD", gioi_tinh="x", muc="x"))

    assert found.keys() == {"/data/card/group_code", "/data/sex", "/data/card/benefit_level"}


def test_bytes_that_are_no_utf_8_are_refused_and_crash_nothing() -> None:
    line = row(ho_ten=b"\xd0\xc5".decode("utf-8", "surrogateescape"))

    (reason,) = reading(line, cards(id="bhyt-{*}")).reasons
    assert reason.code == "not-json"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (ROW + ",x", "The row has 14 cells and the header 13."),
        ("", "The row has 1 cells and the header 13."),
        (row(ho_ten='"Đặng'), "The quotation marks of this line do not pair."),
        (row(ho_ten='"Đặng" Thị'), "The quotation marks of this line do not pair."),
    ],
)
def test_a_line_that_is_no_row_says_why(line: str, sentence: str) -> None:
    with pytest.raises(NoRow) as error:
        mapper(CARDS, HEADER)(line)

    assert str(error.value).startswith(sentence)


# Manifests ----------------------------------------------------------------------------------------


def test_a_manifest_is_read_from_its_text() -> None:
    manifest, problems = read_manifest("\ufeff" + json.dumps(CARDS))

    assert (manifest, problems) == (CARDS, [])
    assert read_manifest("{")[1] == [
        "The manifest is not JSON. Write one JSON object, encoded as UTF-8."
    ]
    assert read_manifest('{"format": "csv", "format": "ndjson"}')[1] == [
        "The manifest names `format` twice in one object; keep one of them."
    ]
    assert read_manifest('{"format": "csv"}')[0] is None


def test_ndjson_has_nothing_to_complain_of() -> None:
    assert complaints(NDJSON) == []


def test_a_manifest_that_fits_has_no_complaint() -> None:
    assert complaints(CARDS, HEADER) == []
    assert complaints(CARDS, f"\ufeff{HEADER}\r") == []


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        (cards(source="/agencies/000.00.00.H26"), "`source` must be /agencies/<agency id>"),
        (cards(type="vn.lienthong.card.issued.v1"), "`type` must be one of the published"),
        (cards(id="bhyt-2026"), "`id` names no column, so every row would have the same id."),
        (cards(id="bhyt-{so_bhxh"), "The template of `id` has a brace alone"),
        (cards(composed={"address": "{*}"}), "The digest {*} is for `id` alone"),
        (cards(time={"value": "{ngay_cap}", "forms": ["dd/MM/yyyy"]}), "`time` declares forms; it"),
        (cards(time={"value": "{ngay_cap}", "zone": "+07:00"}), "`time` declares a zone; it needs"),
        (cards(time={"value": "hôm nay"}), "`time` names no column and is no instant"),
        (
            cards(time={"value": "{ngay_cap}", "forms": ["MM/yyyy"], "zone": "+07:00"}),
            "At time: The form MM/yyyy gives no whole day",
        ),
        (with_column("so", field="address"), "`composed` and Column `so` both give `address`"),
        (with_column("so", field="card"), "Column `so` gives `card` and Column `so_the` `card/nu"),
        (with_column("so", field="adress"), "Column `so` gives `adress`, and the contract has no"),
        (with_column("so", field="phone/mobile"), "Column `so` gives `phone/mobile`, but `phone`"),
        (
            with_column("muc", field="card/benefit_level"),
            "Column `muc` gives `card/benefit_level`,",
        ),
        (
            with_column("gioi_tinh", field="sex", words={"Nam": "m"}),
            "Column `gioi_tinh` gives `sex` by the word `Nam`, and that does not fit: This must be",
        ),
        (
            with_column("tu_ngay", field="card/valid_from", dates=["yyyy"]),
            "Column `tu_ngay` gives `card/valid_from` by the form yyyy, and that does not fit",
        ),
        (
            with_column("ho_ten", field="full_name", whole=True),
            "Column `ho_ten` gives `full_name`, and that is text",
        ),
        (
            with_column("so_the", field="card/number", empty="null"),
            "Column `so_the` gives `card/number` by an empty cell, and that is never null",
        ),
        (
            with_column("so", field="phone", pad=10, whole=True),
            "Column `so` declares pad and whole; keep one of them.",
        ),
        (with_column("so", field="phone", grouping="."), "Column `so` declares `grouping`; it"),
        (with_column("so", field="phone", zone="+07:00"), "Column `so` declares a zone without"),
        (with_column("so", field="phone", dates=["dd/yyyy"]), "At column `so`: The form dd/yyyy"),
        (
            with_column("so", field="phone", dates=["dd/MM/yyyy dd"]),
            "At column `so`: The form dd/MM/yyyy dd names a part twice.",
        ),
        (
            cards(constants={"status": "ended"}),
            "`constants` gives `status` by this value, and that does not fit: The status of every",
        ),
        (
            cards(columns={n: c for n, c in CARDS["columns"].items() if n != "so_bhxh"}),
            "No column gives `insurance_number`, the key of the record",
        ),
        (
            cards(columns={n: c for n, c in CARDS["columns"].items() if n != "ho_ten"}),
            "No column gives `full_name`: Every insurance-card.issued event must state this field",
        ),
        (cards(ignore=[]), "Column `stt` is not declared; map it, or name it in `ignore`."),
        (cards(ignore=["stt", "tuoi"]), "The header has no column `tuoi`; correct the manifest"),
        (cards(ignore=["stt", "so_the"]), "Column `so_the` is used and ignored; take it from"),
    ],
)
def test_what_would_have_every_row_refused_is_found_before(
    manifest: Mapping[str, Any], complaint: str
) -> None:
    found = complaints(manifest, HEADER)

    assert any(text.startswith(complaint) for text in found), found
    assert all(text.endswith(".") for text in found)


def test_the_header_is_looked_at_as_well() -> None:
    assert complaints(CARDS, HEADER.replace(",", ";")) == [
        "The header has one column; it looks as if `delimiter` should be `;`."
    ]
    assert "The header names the column `stt` twice; rename one of them." in complaints(
        CARDS, HEADER.replace("nhom", "stt")
    )
    assert any(text.startswith("The header cannot be read.") for text in complaints(CARDS, '"stt'))
    assert any(text.startswith("None of the declared columns") for text in complaints(CARDS, ROW))


# Any manifest -------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d", "Số BHXH", "{", ""])
FIELDS = st.sampled_from(
    [
        "insurance_number",
        "full_name",
        "sex",
        "card",
        "card/number",
        "card/number/x",
        "card/benefit_level",
        "date_of_birth",
        "annulment/same_as",
        "status",
        "nothing",
    ]
)
DATE_FORMS = st.lists(
    st.sampled_from(
        ["dd/MM/yyyy", "yyyy", "MM/yyyy", "dd", "yyyyMMddHHmm", "HH:mm", "-", "dd/dd/yyyy"]
    ),
    min_size=1,
    max_size=2,
)
TEMPLATES = st.sampled_from(
    ["{a}", "{a}-{*}", "x", "{", "}}", "{b} {zz}", "{*}", "2026-01-01T00:00:00Z"]
)
WORDS = st.dictionaries(
    st.sampled_from(["Nam", "Nữ", "x"]), st.sampled_from(["male", "DN", 4, True]), min_size=1
)
COLUMNS = st.fixed_dictionaries(
    {"field": FIELDS},
    optional={
        "pad": st.integers(2, 30),
        "dates": DATE_FORMS,
        "instants": DATE_FORMS,
        "zone": st.sampled_from(["+07:00", "Asia/Ho_Chi_Minh"]),
        "words": WORDS,
        "whole": st.just(True),
        "grouping": st.sampled_from([".", " "]),
        "split": st.just(";"),
        "empty": st.sampled_from(["absent", "null"]),
    },
)
MANIFESTS = st.fixed_dictionaries(
    {
        "format": st.just("csv"),
        "source": st.sampled_from(["/agencies/G24", "x"]),
        "type": st.sampled_from(
            [f"vn.lienthong.insurance-card.{n}.v1" for n in ("issued", "updated", "annulled", "x")]
        ),
        "id": TEMPLATES,
        "time": st.fixed_dictionaries(
            {"value": TEMPLATES},
            optional={"forms": DATE_FORMS, "zone": st.just("+07:00")},
        ),
        "columns": st.dictionaries(NAMES.filter(bool), COLUMNS, min_size=1),
    },
    optional={
        "composed": st.dictionaries(FIELDS, TEMPLATES),
        "constants": st.dictionaries(FIELDS, st.sampled_from(["active", 4, True])),
        "ignore": st.lists(NAMES),
        "sequence": TEMPLATES,
        "blank": st.just(["-"]),
    },
)


@given(MANIFESTS, st.lists(NAMES, min_size=1, max_size=6, unique=True))
@example({**CARDS, "columns": {"a": {"field": "insurance_number"}}}, ["a"])
def test_any_manifest_has_complaints_or_maps_any_row(
    manifest: dict[str, Any], columns: list[str]
) -> None:
    assert validate_manifest(manifest) == []
    header = ",".join(columns)

    found = complaints(manifest, header)

    assert all(text.endswith((".", "?")) for text in found), found
    if not found:
        body_of = mapper(manifest, header)
        for cell in ("", "-", "Nam", "01/02/1960", "4", "1.200", "x;y", '""'):
            result = read(body_of(",".join([cell] * len(columns))), CARD)
            assert (result.event is None) == bool(result.reasons)
