"""Finding people by name: what has to be asked, and how well a name matches."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.answers import BadRequest
from functions.shared.core.items import item_of
from functions.shared.core.replay import folded
from functions.shared.core.search import LONGEST_NAME, Match, match, normal, wanted
from tests.builders import PERSON_ID, entries_of, event


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nguyễn Thị Hòa", Match.EXACT),
        (unicodedata.normalize("NFD", "Nguyễn Thị  Hòa "), Match.EXACT),
        ("NGUYỄN THỊ HÒA", Match.CASE),
        ("nguyễn thị hòa", Match.CASE),
        ("Nguyễn Thị Hoà", Match.TONE),
        ("NGUYỄN THỊ HOÀ", Match.TONE),
        ("Nguyễn Thị Hoa", Match.DIACRITICS),
        ("Nguyen Thi Hoa", Match.DIACRITICS),
        ("Nguyễn Thị Hóa", Match.DIACRITICS),
        ("Nguyển Thị Hòa", Match.DIACRITICS),
        ("Nguyễn Thị Hoài", None),
        ("Nguyễn Hòa", None),
        ("Thị Hòa Nguyễn", None),
        ("", None),
    ],
)
def test_a_name_matches_the_better_the_less_it_differs(name: str, expected: Match | None) -> None:
    assert match("Nguyễn Thị Hòa", name) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("Thuý", "Thúy"), ("Hoè", "Hòe"), ("thuỷ", "Thủy"), ("Quý", "QUÝ"), ("Khoẻ", "Khỏe")],
)
def test_where_the_tone_mark_stands_makes_no_difference(one: str, other: str) -> None:
    assert match(one, other) in (Match.CASE, Match.TONE)


def test_the_letter_d_with_stroke_has_two_forms() -> None:
    assert match("Đỗ Đạt", "Ðỗ Ðạt") is Match.DIACRITICS
    assert match("Đỗ Đạt", "do dat") is Match.DIACRITICS


@given(st.text(max_size=20), st.text(max_size=20))
def test_matching_does_not_depend_on_who_asks(one: str, other: str) -> None:
    one, other = normal(one), normal(other)
    assert match(one, other) == match(other, one)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "/name"),
        ({"name": " a "}, "/name"),
        ({"name": "Ế"}, "/name"),
        ({"name": "\u0301\u0301\u0301"}, "/name"),
        ({"name": "a" * (LONGEST_NAME + 1)}, "/name"),
        ({"date_of_birth": "3.2.1990"}, "/date_of_birth"),
        ({"date_of_birth": "1990-13"}, "/date_of_birth"),
        ({"date_of_birth": "１９９０"}, "/date_of_birth"),
        ({"year_of_birth": 190}, "/year_of_birth"),
        ({"year_of_birth": 1991}, "/year_of_birth"),
        ({"commune": "7"}, "/commune"),
        ({"old_identity_number": PERSON_ID}, "/old_identity_number"),
        ({"limit": 0}, "/limit"),
        ({"limit": 51}, "/limit"),
        ({"date_of_birth": None}, ""),
    ],
)
def test_a_search_without_a_meaning_is_refused_and_names_no_value(
    changes: dict[str, Any], path: str
) -> None:
    asked = {"name": "Nguyễn Thị Hòa", "date_of_birth": "1990-02-03", **changes}
    with pytest.raises(BadRequest) as refused:
        wanted(**asked)
    (problem,) = refused.value.problems
    assert problem.path == path
    for value in changes.values():
        assert len(str(value)) < 4 or str(value) not in problem.text


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BadRequest) as refused:
        wanted(name="", commune="x", old_identity_number="y")
    assert [problem.path for problem in refused.value.problems] == [
        "/name",
        "/commune",
        "/old_identity_number",
    ]


def person(**fields: Any) -> dict[str, Any]:
    entries = entries_of(event(fields={"full_name": "Nguyễn Thị Hòa", **fields}))
    return item_of(folded("person", PERSON_ID, entries))


births = st.sampled_from(["1990", "1990-02", "1990-02-03", "1990-02-04", "1990-12", "1991", None])
communes = st.sampled_from(["00070", "00082", None])


@given(births, communes, births, communes)
def test_the_index_ranges_hold_everybody_who_matches_and_nobody_twice(
    born: str | None, lives: str | None, asked: str | None, commune: str | None
) -> None:
    fields: dict[str, Any] = {}
    if born is not None:
        fields["date_of_birth"] = born
    if lives is not None:
        fields["residence"] = {"commune": lives}
    item = person(**fields)
    search = wanted(
        name="nguyen thi hoa",
        date_of_birth=asked,
        commune=commune,
        old_identity_number="010000024" if asked is None and commune is None else None,
    )
    key = item["birth_key"]
    held = [begins for begins in search.ranges if key.startswith(begins) and search.takes(key)]
    assert item["name_key"] == search.name_key
    if search.old_identity_number is None:
        assert len(held) == (search.matches(item) is not None)


def test_a_person_without_a_name_matches_nothing() -> None:
    search = wanted(name="Nguyễn Thị Hòa", year_of_birth=1990)
    assert search.matches({"date_of_birth": "1990-02-03"}) is None
    assert search.matches({"full_name": "Nguyễn Thị Hòa"}) is None
    assert search.matches({"full_name": "Nguyễn Thị Hòa", "date_of_birth": "1990"}) is Match.EXACT
