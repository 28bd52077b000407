"""Dirt comes in the shares that were asked for, and the truth knows it."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from itertools import pairwise

import pytest

from infra.city.chance import Chance
from infra.city.dirt import PRESETS, SKEWS, SORTS, TYPOS, Rates, rates
from tests.unit.infra.city.telling import Told, told

DIRTY = "all"


def of_lines(city: Told, name: str) -> list[tuple[dict[str, object], dict[str, object]]]:
    return [(d, json.loads(city.messages[d["line"] - 1])) for d in city.truth[name]]


def at(event: object, path: object) -> object:
    for name in str(path).split("/")[1:]:
        assert isinstance(event, dict)
        event = event[name]
    return event


def slips(name: str, text: str) -> str | None:
    typo = next(typo for typo in TYPOS if typo.name == name)
    return typo.slip(text, Chance("slips"))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", Rates()),
        ("none", Rates()),
        ("all", PRESETS["all"]),
        ("duplicates=0.1", Rates(duplicates=0.1)),
        (" late=1 , bad=0.5 ", Rates(late=1, bad=0.5)),
    ],
)
def test_a_specification_is_a_preset_or_rates(spec: str, expected: Rates) -> None:
    assert rates(spec) == expected


def test_rates_after_a_preset_change_it() -> None:
    found = rates("usual,bad=0")
    assert found.bad == 0
    assert found.typo == PRESETS["usual"].typo


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("filthy", "is no preset"),
        ("mud=0.1", "There is no dirt named"),
        ("bad=much", "is no number"),
        ("bad=1.5", "is impossible"),
        ("late=-0.1", "is impossible"),
        ("typo=0.9", "from 0 to 0.5"),
        ("late=nan", "is impossible"),
        ("bad=0.1,usual", "comes first"),
    ],
)
def test_a_wrong_specification_is_told_in_a_sentence(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        rates(spec)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("sort", SORTS)
def test_one_sort_of_dirt_alone_leaves_the_others_out(sort: str) -> None:
    counts = told(400, f"{sort}=0.3").counts
    found = {name.partition("/")[0] for name, number in counts.items() if number}
    signs = {"duplicates": "repeats"}
    assert signs.get(sort, sort) in found
    assert not found & ({signs.get(other, other) for other in SORTS} - {signs.get(sort, sort)})


def test_rates_come_out() -> None:
    city, asked = told(dirt=DIRTY), PRESETS["all"]
    good = city.counts["good"]
    assert city.counts["duplicates"] / good == pytest.approx(asked.duplicates, rel=0.02)
    assert city.counts["disorder"] / good == pytest.approx(asked.disorder, rel=0.02)
    assert city.counts["late"] / good == pytest.approx(asked.late, rel=0.02)
    assert len(city.truth["bad"]) / good == pytest.approx(asked.bad, rel=0.05)
    assert len(city.truth["typos"]) / good == pytest.approx(asked.typo, rel=0.1)
    assert len(city.truth["rivals"]) / good == pytest.approx(asked.rival, rel=0.15)
    skewed = sum(city.counts[f"skew/{way}"] for way in SKEWS)
    assert skewed / good == pytest.approx(asked.skew, rel=0.2)


def test_a_tenth_and_more_of_the_stream_are_repeats_under_all_dirt() -> None:
    city = told(dirt=DIRTY)
    repeats = len(city.messages) - len(city.bad) - len(city.ids)
    assert repeats == city.counts["repeats/same-bytes"] + city.counts["repeats/other-trace"]
    assert repeats / len(city.messages) >= 0.10


def test_a_repeat_has_the_same_core_and_perhaps_another_trace() -> None:
    cores: dict[tuple[str, str], set[str]] = {}
    traced = 0
    for event in told(dirt=DIRTY).events():
        traced += event.pop("traceparent", None) is not None
        uid = (event["source"], event["id"])
        cores.setdefault(uid, set()).add(json.dumps(event, sort_keys=True))
    assert all(len(forms) == 1 for forms in cores.values())
    assert traced == told(dirt=DIRTY).counts["repeats/other-trace"]


def test_typing_errors_are_where_the_truth_says() -> None:
    city = told(dirt=DIRTY)
    for document, event in of_lines(city, "typos"):
        assert event["id"] == document["id"]
        assert at(event, document["path"]) == document["stated"] != document["right"]
        if "corrected_by" in document:
            assert document["corrected_by"] in city.ids


def test_every_class_of_typing_errors_is_there() -> None:
    assert {d["class"] for d in told(dirt=DIRTY).truth["typos"]} == {t.name for t in TYPOS}


def test_a_harmless_error_shows_nothing_wrong() -> None:
    city = told(600, "typo=0.2")
    wrong = {(d["kind"], d["key"]): set(d.get("should_show", ())) for d in city.truth["records"]}
    spoiled: dict[tuple[str, str], set[str]] = {}
    for document in city.truth["typos"]:
        if not document["harmless"]:
            place = (document["kind"], document["key"])
            spoiled.setdefault(place, set()).add(document["path"].split("/")[2])
    for place, fields in wrong.items():
        assert fields <= spoiled.get(place, set())


def test_rivals_are_other_agencies_newer_or_older() -> None:
    city = told(dirt=DIRTY)
    documents = of_lines(city, "rivals")
    assert Counter(document["newer"] for document, _ in documents).keys() == {True, False}
    for document, event in documents:
        assert at(event, document["path"]) == document["stated"] != document["right"]


def test_late_and_disordered_events_come_behind_newer_ones() -> None:
    def inversions(dirt: str) -> int:
        times = [r.envelope.time for _, _, r in told(400, dirt).good if r.envelope is not None]
        return sum(later < earlier for earlier, later in pairwise(times))

    assert inversions("none") == 0
    assert inversions("disorder=0.2") > 20
    assert inversions("late=0.1") > 20


def test_ties_are_there_with_and_without_a_sequence() -> None:
    city = told(dirt=DIRTY)
    forms: dict[tuple[str, str, str], dict[str, bool]] = {}
    for event in city.events():
        place = (event["source"], event["subject"], event["time"])
        forms.setdefault(place, {})[event["id"]] = "sequence" in event
    ties = [set(ids.values()) for ids in forms.values() if len(ids) > 1]
    assert {True} in ties
    assert {False} in ties


def test_tone_marks_change_their_place() -> None:
    assert slips("tone-placement", "Trần Thị Hòa") == "Trần Thị Hoà"
    assert slips("tone-placement", "Lê Thủy") == "Lê Thuỷ"
    assert slips("tone-placement", "Lê Văn Quý") is None
    assert slips("tone-placement", "Lê Văn Nam") is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("y-and-i", "Trần Lý", "Trần Lí"),
        ("eth-for-d", "Đỗ Anh", "Ðỗ Anh"),
        ("upper-case", "Đỗ Anh", "ĐỖ ANH"),
        ("without-marks", "Đỗ Thị Thủy", "Do Thi Thuy"),
        ("without-tones", "Đỗ Thị Thủy", "Đô Thi Thuy"),
        ("decomposed", "Lê", unicodedata.normalize("NFD", "Lê")),
        ("day-and-month", "1990-05-12", "1990-12-05"),
        ("day-and-month", "1990-05-13", None),
        ("day-and-month", "1990-05-05", None),
        ("day-and-month", "1990", None),
        ("year-only", "1990-05-12", "1990"),
        ("year-only", "1990", None),
        ("month-only", "1990-05-12", "1990-05"),
        ("wrong-year", "1990-05-12", "1989-05-12"),
        ("wrong-year", "1992-02-29", None),
        ("wrong-sex", "male", "female"),
        ("card-number-as-printed", "HN3010121250405", "hn 3 01 0121250405"),
        ("card-number-as-printed", "0121250405", None),
    ],
)
def test_typing_errors(name: str, text: str, expected: str | None) -> None:
    assert slips(name, text) == expected


def test_a_wrong_digit_is_another_digit_of_the_random_part() -> None:
    for name in ("personal-id-digit", "personal-id-swap"):
        wrong = slips(name, "001190123456")
        assert wrong is not None
        assert wrong != "001190123456"
        assert wrong[:6] == "001190"
