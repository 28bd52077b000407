"""Normalisation and patterns of text, numbers and instants."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import forms
from schemas.forms import normalise_card_number, normalise_instant, normalise_text

AWARE = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-03-02T08:15:00+07:00", "2026-03-02T01:15:00.000000Z"),
        ("2026-03-02T01:15:00Z", "2026-03-02T01:15:00.000000Z"),
        ("2026-03-02t01:15:00z", "2026-03-02T01:15:00.000000Z"),
        ("2026-03-02T01:15:00.5-00:00", "2026-03-02T01:15:00.500000Z"),
        ("2026-03-02T01:15:00.123456789Z", "2026-03-02T01:15:00.123456Z"),
        ("2026-03-02T01:15:00.9999999+00:00", "2026-03-02T01:15:00.999999Z"),
        ("2024-02-29T23:59:59-00:01", "2024-03-01T00:00:59.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_stored_in_utc_with_six_digits(sent: str, stored: str) -> None:
    assert normalise_instant(sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "1767225600",
        "2026-03-02",
        "2026-03-02 01:15:00Z",
        "2026-03-02T01:15Z",
        "2026-03-02T01:15:00",
        "2026-03-02T01:15:60Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T01:60:00Z",
        "2026-02-29T01:15:00Z",
        "2026-13-01T01:15:00Z",
        "2026-04-31T01:15:00+07:00",
        "0000-01-01T00:00:00Z",
        "2026-03-02T01:15:00+7:00",
        "2026-03-02T01:15:00+0700",
        "2026-03-02T01:15:00+24:00",
        "2026-03-02T01:15:00+07:60",
        "2026-03-02T01:15:00.Z",
        "2026-03-02T01:15:00,5Z",
        "2026-03-02T01:15:00Z\n",
        " 2026-03-02T01:15:00Z",
        "٢٠٢٦-03-02T01:15:00Z",
        "2026-W10-1T01:15:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_what_is_no_instant_is_refused(sent: str) -> None:
    with pytest.raises(ValueError, match="instant"):
        normalise_instant(sent)


@given(AWARE, AWARE)
def test_instants_keep_their_order_as_text(one: datetime, other: datetime) -> None:
    first, second = normalise_instant(one.isoformat()), normalise_instant(other.isoformat())
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@given(AWARE)
def test_an_instant_is_stored_as_python_counts_it(moment: datetime) -> None:
    in_utc = moment.astimezone(UTC).isoformat(timespec="microseconds")
    assert normalise_instant(moment.isoformat()) == in_utc.replace("+00:00", "Z")


@given(AWARE)
def test_normalising_an_instant_twice_changes_nothing_more(moment: datetime) -> None:
    stored = normalise_instant(moment.isoformat())
    assert normalise_instant(stored) == stored
    assert re.fullmatch(forms.STORED_INSTANT_PATTERN, stored)


@given(AWARE, st.text("0123456789", min_size=1, max_size=12))
def test_digits_after_the_sixth_are_cut_off(moment: datetime, digits: str) -> None:
    whole = moment.replace(microsecond=0)
    text = whole.isoformat()
    cut = int(digits[:6].ljust(6, "0"))
    expected = normalise_instant(whole.replace(microsecond=cut).isoformat())
    assert normalise_instant(f"{text[:19]}.{digits}{text[19:]}") == expected


@given(st.text())
def test_normalised_text_is_composed_and_single_spaced(text: str) -> None:
    normal = normalise_text(text)
    assert normalise_text(normal) == normal
    assert unicodedata.is_normalized("NFC", normal)
    assert normal == " ".join(normal.split())


def test_no_two_characters_of_normal_text_become_others_side_by_side() -> None:
    everything = (chr(code) for code in range(0x110000))
    letters = [char for char in everything if re.fullmatch(forms.NORMAL_TEXT_PATTERN, char)]
    assert set("Nguyễn Thị Đặng Ước, số 1/2".replace(" ", "")) <= set(letters)
    for first in letters:
        pairs = "".join(first + second for second in letters)
        assert normalise_text(pairs) == pairs


def test_one_name_in_two_encodings_is_one_text() -> None:
    decomposed = unicodedata.normalize("NFD", "Nguyễn Thị Hoà")
    assert normalise_text(f"\u00a0{decomposed.replace(' ', '  ')}\n") == "Nguyễn Thị Hoà"


def test_a_card_number_loses_white_space_and_gains_capitals() -> None:
    assert normalise_card_number(" gd4 01 0123456789\t") == "GD4010123456789"


def test_letters_outside_ascii_never_become_letters_of_a_card_number() -> None:
    for odd in ("ſs4010123456789", "ß4010123456789", "ıd4010123456789"):
        number = normalise_card_number(odd)
        assert re.fullmatch(forms.CARD_NUMBER_PATTERN, number) is None


@given(st.dates())
def test_every_date_of_the_calendar_fits_the_date_pattern(day: date) -> None:
    assert re.fullmatch(forms.DATE_PATTERN, day.isoformat())


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_no_other_date_fits_the_date_pattern(year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
        exists = True
    except ValueError:
        exists = False
    text = f"{year:04d}-{month:02d}-{day:02d}"
    assert (re.fullmatch(forms.DATE_PATTERN, text) is not None) == exists


def test_white_space_of_the_text_pattern_is_what_python_strips() -> None:
    everything = (chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)
    blank = {char for char in everything if not re.fullmatch(forms.TEXT_PATTERN, char)}
    assert blank == {chr(c) for c in range(0x110000) if chr(c).isspace()} | {"\0"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (forms.PERSONAL_ID_PATTERN, ["001190000017"], ["00119000001", "٠٠١١٩٠٠٠٠٠١٧", "1" * 13]),
        (
            forms.CARD_NUMBER_PATTERN,
            ["GD4010123456789", "0123456789", "TE101KT12345678"],
            ["GD6010123456789", "gd4010123456789", "123456789", "TE101KT1234567"],
        ),
        (forms.FACILITY_PATTERN, ["01020", "01C51"], ["0102", "C1020", "01c51"]),
        (
            forms.AGENCY_ID_PATTERN,
            ["H26", "H26.12.34", "Z010099999999", "Z01"],
            ["Z1", "H2", "H26.", "H26.12345", "h26", "000.17.22.H56", "Z01.1"],
        ),
        (forms.ANY_AGENCY_ID_PATTERN, ["000.17.22.H56", "H56.22"], ["00.17.22.H56"]),
        (
            forms.DOSSIER_CODE_PATTERN,
            ["000.17.22.H56-210531-0001", "H56.14-240823-0001", "G09.20-20260609-0092637"],
            ["H56.14-2408231-0001", "H56.14-240823-001", "Z01-240823-0001"],
        ),
        (
            forms.PROCEDURE_CODE_PATTERN,
            ["1.004222", "1.003560.000.00.00.H56", "2.002621.H56"],
            ["0.004222", "1.04222", "1.004222.56"],
        ),
        (forms.PARTIAL_DATE_PATTERN, ["1958", "1958-07", "2024-02-29"], ["58", "0000", "1958-13"]),
        (forms.PHONE_PATTERN, ["+84900000001", "113"], ["090 000 0001", "+", "12"]),
        (forms.PRINTABLE_PATTERN, ["a", "Hồ sơ/1", "x" * 128], ["", "x" * 129, "a\n", "a\u2028"]),
    ],
)
def test_a_pattern_takes_its_form_and_no_other(
    pattern: str, good: list[str], bad: list[str]
) -> None:
    assert [text for text in good if not re.fullmatch(pattern, text)] == []
    assert [text for text in bad if re.fullmatch(pattern, text)] == []
