"""Data of events become fields, or every error at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import forms
from schemas.compiling import DATA, compiled
from schemas.event_types import KEY_OF_KIND
from schemas.forms import EXPECTED
from schemas.rules import RULES, UNTOUCHED
from schemas.validation import ERROR_TYPES, FieldError, validate_closely, validate_data

KEYS: Final = {
    "person": "001190000017",
    "insurance-card": "0123456789",
    "dossier": "H26.12-260302-0001",
    "agency": "H26.12",
}
CANARY: Final = "Zq7-canary"
PERIOD: Final = {"kind": "other", "publishes": [], "from": "2026-01-01"}


def of(kind: str, **fields: Any) -> dict[str, Any]:
    """Data of a kind: its key and some fields."""
    return {KEY_OF_KIND[kind]: KEYS[kind], **fields}


def accepted(kind: str, **fields: Any) -> dict[str, object]:
    """The normalised fields of data that must be valid, without the key."""
    value, errors = validate_data(kind, of(kind, **fields))
    assert errors == []
    assert value is not None
    return {name: part for name, part in value.items() if name != KEY_OF_KIND[kind]}


def refused(kind: str, data: object) -> list[FieldError]:
    """The errors of data that must be invalid."""
    value, errors = validate_data(kind, data)
    assert value is None
    assert errors
    return errors


def test_absent_and_null_stay_apart() -> None:
    assert accepted("person", phone=None) == {"phone": None}
    assert accepted("person", sex="male") == {"sex": "male"}


@pytest.mark.parametrize("kind", sorted(DATA))
def test_fields_come_out_in_the_order_of_the_table(kind: str) -> None:
    names = [n for n in DATA[kind].json_schema()["properties"] if n not in ("replaces", "step")]
    backwards = dict.fromkeys(reversed(names)) | {KEY_OF_KIND[kind]: KEYS[kind]}
    value, errors = validate_data(kind, backwards)
    assert errors == []
    assert list(value or ()) == names


def test_values_come_out_normalised() -> None:
    assert accepted("person", full_name=" Nguye\u0302\u0303n\u00a0 Thi\u0323 \t Hoa\u0300 ") == {
        "full_name": "Nguyễn Thị Hoà"
    }
    assert accepted("insurance-card", card={"number": "gd4 01 0123456789"}) == {
        "card": {"number": "GD4010123456789"}
    }
    assert accepted("dossier", due_at="2026-03-02T08:15:00.1234567+07:00") == {
        "due_at": "2026-03-02T01:15:00.123456Z"
    }


def test_objects_come_out_with_the_parts_that_were_sent() -> None:
    assert accepted("dossier", step={"text": " a  b", "at": "2026-03-02T00:00:00Z", "id": "1"}) == {
        "step": {"id": "1", "at": "2026-03-02T00:00:00.000000Z", "text": "a b"}
    }


def test_replaced_ids_come_out_as_a_sorted_set() -> None:
    assert accepted("person", replaces=["2" * 12, "1" * 12, "2" * 12]) == {
        "replaces": ["1" * 12, "2" * 12]
    }


def test_length_is_measured_after_normalisation() -> None:
    composed = "ễ" * 100
    assert accepted("person", full_name=f"  {composed} ") == {"full_name": composed}
    (error,) = refused("person", of("person", full_name=composed + "a"))
    assert (error.path, error.code) == ("/data/full_name", "too-long")


def test_the_data_that_were_sent_are_left_as_they_are() -> None:
    sent = of("person", full_name=" a ", replaces=["2" * 12, "1" * 12])
    before = json.dumps(sent)
    validate_data("person", sent)
    assert json.dumps(sent) == before


def test_an_open_period_is_followed_by_none() -> None:
    later = {**PERIOD, "from": "2027-01-01"}
    assert refused("agency", of("agency", periods=[later, PERIOD]))[0].code == "period-overlap"
    closed = {**PERIOD, "to": "2026-12-31"}
    assert accepted("agency", periods=[later, closed]) == {"periods": [later, closed]}


def test_two_periods_may_not_share_a_day() -> None:
    touching = [{**PERIOD, "to": "2026-12-31"}, {**PERIOD, "from": "2026-12-31"}]
    (error,) = refused("agency", of("agency", periods=touching))
    assert (error.path, error.code) == ("/data/periods", "period-overlap")


@pytest.mark.parametrize(
    ("kind", "fields", "path", "code"),
    [
        ("person", {"life": {}}, "/data/life/status", "missing"),
        ("person", {"a/b~c": 1}, "/data/a~1b~0c", "unknown-field"),
        ("person", {"eid": {"level": 1, "x": 1}}, "/data/eid/x", "unknown-field"),
        ("person", {"life": "alive"}, "/data/life", "not-object"),
        ("person", {"replaces": "1"}, "/data/replaces", "not-list"),
        ("person", {"replaces": []}, "/data/replaces", "empty"),
        ("person", {"replaces": None}, "/data/replaces", "null"),
        ("person", {"replaces": [None]}, "/data/replaces/0", "null"),
        ("person", {"residence": {"commune": None}}, "/data/residence/commune", "null"),
        ("person", {"residence": {"commune": "1"}}, "/data/residence/commune", "pattern"),
        ("person", {"full_name": 5}, "/data/full_name", "not-text"),
        ("person", {"full_name": " \n"}, "/data/full_name", "empty"),
        ("person", {"full_name": "a\0"}, "/data/full_name", "pattern"),
        ("person", {"full_name": "\ud800"}, "/data/full_name", "not-unicode"),
        ("person", {"full_name": "a" * 101}, "/data/full_name", "too-long"),
        ("person", {"sex": "Nam"}, "/data/sex", "not-in-list"),
        ("person", {"identity_card": {}}, "/data/identity_card", "empty"),
        ("person", {"eid": {"level": 3}}, "/data/eid/level", "out-of-range"),
        ("person", {"eid": {"level": True}}, "/data/eid/level", "not-integer"),
        ("person", {"eid": {"level": 1.0}}, "/data/eid/level", "not-integer"),
        ("person", {"eid": {"level": "1"}}, "/data/eid/level", "not-integer"),
        ("person", {"date_of_birth": "2026-02-29"}, "/data/date_of_birth", "pattern"),
        ("person", {"phone": "٠٩٠٠٠٠٠٠٠١"}, "/data/phone", "pattern"),
        ("dossier", {"due_at": "2026-03-02T08:15:60Z"}, "/data/due_at", "not-instant"),
        ("dossier", {"status": 0}, "/data/status", "out-of-range"),
        ("dossier", {"status": 2**70}, "/data/status", "out-of-range"),
        ("dossier", {"fee": {}}, "/data/fee", "empty"),
        ("dossier", {"fee": {"paid": 1}}, "/data/fee/paid", "not-boolean"),
        ("dossier", {"fee": {"amount": 2**53 + 1}}, "/data/fee/amount", "out-of-range"),
        ("dossier", {"step": None}, "/data/step", "null"),
        ("dossier", {"annulment": {}}, "/data/annulment/reason", "missing"),
        ("agency", {"periods": []}, "/data/periods", "empty"),
        ("agency", {"periods": [{**PERIOD, "to": None}]}, "/data/periods/0/to", "null"),
        (
            "agency",
            {"periods": [{**PERIOD, "to": "2025-01-01"}]},
            "/data/periods/0",
            "period-order",
        ),
        ("agency", {"periods": [PERIOD, PERIOD]}, "/data/periods", "period-overlap"),
        ("agency", {"parent": "H26" + ".1234" * 7}, "/data/parent", "too-long"),
    ],
)
def test_each_error_is_reached_at_its_place(
    kind: str, fields: dict[str, Any], path: str, code: str
) -> None:
    (error,) = refused(kind, of(kind, **fields))
    assert (error.path, error.code) == (path, code)
    assert re.fullmatch(r"[A-Z].*[.]", error.text)


def test_all_errors_are_told_at_once() -> None:
    errors = refused("person", {"sex": 1, "phone": "x", "nonsense": 1, "life": {"status": None}})
    assert {error.path for error in errors} == {
        "/data/personal_id",
        "/data/sex",
        "/data/phone",
        "/data/nonsense",
        "/data/life/status",
    }


@pytest.mark.parametrize("data", [None, [], "x", 1, True, {"\ud800": 1}, {"": {}}])
@pytest.mark.parametrize("kind", sorted(DATA))
def test_nothing_that_json_can_hold_breaks_validation(kind: str, data: object) -> None:
    refused(kind, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(CANARY),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=8,
)


@given(st.data(), st.sampled_from(sorted(DATA)))
def test_no_error_text_holds_what_was_received(data: st.DataObject, kind: str) -> None:
    names = [*DATA[kind].json_schema()["properties"], CANARY]
    canaries = st.sampled_from([CANARY, [CANARY], {CANARY: CANARY}, {"status": CANARY}])
    sent = data.draw(st.dictionaries(st.sampled_from(names), canaries | JSON, min_size=1))
    _, errors = validate_data(kind, sent)
    for error in errors:
        assert CANARY not in error.text
        assert "\n" not in error.text


@given(
    st.text() | st.from_regex(UNTOUCHED["text"]) | st.sampled_from(("gd4010123456789", "a\u0301"))
)
def test_text_is_the_same_whether_its_rule_is_asked_or_not(text: str) -> None:
    for kind, fields in (
        ("person", {"full_name": text, "residence": {"commune": "00070", "address": text}}),
        ("insurance-card", {"address": text, "card": {"number": text}}),
        ("dossier", {"applicant": {"kind": "other", "paper_number": text}}),
    ):
        assert validate_data(kind, of(kind, **fields)) == validate_closely(kind, of(kind, **fields))


@pytest.mark.parametrize("rule", sorted(UNTOUCHED))
@given(data=st.data())
def test_a_rule_leaves_alone_what_it_is_not_asked_about(rule: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(UNTOUCHED[rule], fullmatch=True))
    assert RULES[rule](text) == text


def test_where_no_rule_is_asked_the_pattern_of_the_field_holds_as_well() -> None:
    """The pattern of the rule stands in the place of the field's own, and is narrower."""
    narrower = {"text": forms.TEXT_PATTERN, "card_number": forms.CARD_NUMBER_PATTERN}
    own = [
        (node["function"]["rule"], node["schema"].get("pattern"))
        for kind in DATA
        for node in nodes(compiled(kind))
        if node.get("type") == "function-before" and node["function"]["rule"] in UNTOUCHED
    ]
    assert set(own) == {(rule, narrower[rule]) for rule in UNTOUCHED}


@given(st.from_regex(UNTOUCHED["text"], fullmatch=True))
def test_text_that_its_rule_leaves_alone_is_text(text: str) -> None:
    assert re.fullmatch(forms.TEXT_PATTERN, text)


PRODUCES: Final[dict[str, set[str]]] = {
    "definitions": set(),
    "definition-ref": set(),
    "nullable": set(),
    "typed-dict": {"dict_type", "missing", "extra_forbidden", "string_unicode"},
    "typed-dict-field": set(),
    "literal": {"literal_error"},
    "int": {"int_type", "greater_than_equal", "less_than_equal"},
    "bool": {"bool_type"},
    "list": {"list_type", "too_short"},
    "str": {
        "string_type",
        "string_unicode",
        "string_too_short",
        "string_too_long",
        "string_pattern_mismatch",
    },
    "function-before": set(),
    "function-after": set(),
}
RULES_PRODUCE: Final[dict[str, set[str]]] = {
    "text": set(),
    "card_number": set(),
    "distinct_in_order": set(),
    "instant": {"instant"},
    "states_something": {"empty_object"},
    "ends_after_it_begins": {"period_order"},
    "not_overlapping": {"period_overlap"},
}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a compiled validator."""
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from nodes(child)


def test_every_error_that_the_models_can_produce_has_a_code() -> None:
    producible: set[str] = set()
    for kind in DATA:
        for node in nodes(compiled(kind)):
            if isinstance(node.get("type"), str):
                producible |= PRODUCES[node["type"]]
            if isinstance(node.get("rule"), str):
                producible |= RULES_PRODUCE[node["rule"]]
    assert producible == ERROR_TYPES


def test_every_pattern_of_the_models_has_its_sentence() -> None:
    used = {node["pattern"] for kind in DATA for node in nodes(compiled(kind)) if "pattern" in node}
    assert {p for p in used if isinstance(p, str)} == set(EXPECTED)
    for sentence in EXPECTED.values():
        assert re.fullmatch(r"This [^\n]+[.]", sentence)
