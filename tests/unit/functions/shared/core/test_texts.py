"""Names folded for search."""

from __future__ import annotations

import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.texts import folded


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Hoà",
        "NGUYỄN THỊ HÒA",
        "nguyen thi hoa",
        "Nguye\u0302\u0303n  Thi\u0323 Ho\u0300a",
        " nguyễn\tthị\u00a0hoà ",
    ],
)
def test_spellings_of_one_name_fold_alike(name: str) -> None:
    assert folded(name) == "nguyen thi hoa"


@pytest.mark.parametrize("letter", ["\u0110", "\u0111", "\u00d0", "\u00f0", "D"])
def test_every_d_folds_alike(letter: str) -> None:
    assert folded(f"{letter}ỗ") == "do"


def test_apostrophes_fold_alike() -> None:
    assert folded("H’Hen") == folded("HʼHen") == folded("H'Hen") == "h'hen"


def test_different_names_stay_different() -> None:
    assert folded("Nguyễn Văn A") != folded("Nguyễn Văn B")


_VIETNAMESE: Final = "AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXYaàáảãạăằắẳẵặâầấẩẫậđeèéẻẽẹêềếểễệiìíỉĩịyỳýỷỹỵ '"


@given(st.text(_VIETNAMESE, max_size=30))
def test_case_and_composition_make_no_difference(name: str) -> None:
    assert folded(name.upper()) == folded(name.lower()) == folded(name)
    assert folded(unicodedata.normalize("NFD", name)) == folded(name)


@given(st.text(max_size=30))
def test_folding_never_fails_and_leaves_single_blanks(name: str) -> None:
    text = folded(name)
    assert text == " ".join(text.split())


@given(st.text(st.characters(max_codepoint=0x1FFF), max_size=40))
def test_folding_word_by_word_is_folding_the_whole(text: str) -> None:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    letters = str.maketrans({"đ": "d", "ð": "d", "ı": "i", "’": "'", "ʼ": "'"})
    assert folded(text) == " ".join(bare.translate(letters).split())
