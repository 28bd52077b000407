"""Opaque ids: stable, distinct, and of no use to whoever changes one or makes one up."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.opaque import KEY_BYTES, LONGEST, NotOpaque, Opaque
from functions.shared.core.kinds import KINDS
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, KEYS, PERSON_ID

KEY = bytes(range(KEY_BYTES))
OPAQUE = Opaque(KEY)
OTHER = Opaque(bytes(reversed(range(KEY_BYTES))))
PERSON = OPAQUE.record("person", PERSON_ID)

kinds_and_keys = st.tuples(st.sampled_from(sorted(KINDS)), st.text(min_size=1, max_size=40))


@given(kinds_and_keys)
def test_an_id_gives_its_record_back_and_is_the_same_whenever_it_is_made(
    record: tuple[str, str],
) -> None:
    text = OPAQUE.record(*record)
    assert OPAQUE.parse_record(text) == record
    assert Opaque(KEY).record(*record) == text


@given(kinds_and_keys, kinds_and_keys)
def test_two_records_never_share_an_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (OPAQUE.record(*one) == OPAQUE.record(*other)) == (one == other)


def test_the_same_key_of_another_kind_has_another_id() -> None:
    assert len({OPAQUE.record(kind, PERSON_ID) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_id_shows_nothing_of_its_key_and_fits_a_path(kind: str) -> None:
    text = OPAQUE.record(kind, KEYS[kind])
    assert KEYS[kind] not in text
    assert KEYS[kind].encode() not in urlsafe_b64decode(text + "==")
    assert text.replace("-", "").replace("_", "").isalnum()
    assert len(text) < 80


@pytest.mark.parametrize("place", range(len(PERSON)))
def test_an_id_with_another_character_is_none(place: int) -> None:
    changed = "A" if PERSON[place] != "A" else "B"
    with pytest.raises(NotOpaque):
        OPAQUE.parse_record(PERSON[:place] + changed + PERSON[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        *("", "A", "AAAA", PERSON_ID, INSURANCE_NUMBER, DOSSIER_CODE),
        *(PERSON[:-1], PERSON + "A", PERSON + "=", f" {PERSON}", PERSON + "\n"),
        *("é" * 40, "\ud800", "A" * (LONGEST + 1)),
    ],
)
def test_what_was_never_made_is_no_id(text: str) -> None:
    for parse in (OPAQUE.parse_record, OPAQUE.parse_entry):
        with pytest.raises(NotOpaque):
            parse(text)


@given(st.text())
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    with pytest.raises(NotOpaque):
        OPAQUE.parse_cursor("c", text)


def test_an_id_under_another_key_is_none() -> None:
    assert OTHER.record("person", PERSON_ID) != PERSON
    with pytest.raises(NotOpaque):
        OTHER.parse_record(PERSON)


def test_what_was_made_for_one_thing_is_nothing_else() -> None:
    cursor = OPAQUE.cursor("access-log", ["person", 1])
    entry = OPAQUE.entry("person", 1)
    for parse, text in [
        (OPAQUE.parse_record, cursor),
        (OPAQUE.parse_record, entry),
        (OPAQUE.parse_entry, PERSON),
        (OPAQUE.parse_entry, cursor),
    ]:
        with pytest.raises(NotOpaque):
            parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.text(), json_values)
def test_a_cursor_gives_its_place_back_to_the_same_question_alone(context: str, value: Any) -> None:
    try:
        text = OPAQUE.cursor(context, value)
    except ValueError:
        return  # a lone surrogate, which no answer ever holds
    assert OPAQUE.parse_cursor(context, text) == value
    with pytest.raises(NotOpaque):
        OPAQUE.parse_cursor(context + "'", text)


def test_an_entry_gives_its_subject_and_number_back() -> None:
    assert OPAQUE.parse_entry(OPAQUE.entry(f"person/{PERSON_ID}", 7)) == (f"person/{PERSON_ID}", 7)
    assert OPAQUE.entry("a", 1) != OPAQUE.entry("a", 2)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Opaque(b"short")
