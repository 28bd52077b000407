"""A manifest of valid form passes; every complaint about another one is a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.compiled.load_manifest import VALIDATOR
from schemas.load_manifest import MANIFEST
from schemas.manifests import validate_manifest
from tests.manifests import CARDS, cards


def test_both_formats_pass() -> None:
    assert validate_manifest(CARDS) == []
    assert validate_manifest({"format": "ndjson", "queue": "insurance"}) == []


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([], "The manifest must be a JSON object."),
        ({}, "`format` is missing; say ndjson or csv."),
        ({"format": "xlsx"}, "`format` must be ndjson or csv."),
        (
            {"format": "ndjson", "queue": "people"},
            "At queue: This must be 'population', 'insurance', 'dossier' or 'registry'.",
        ),
        (
            cards(ignroe=["stt"]),
            "At ignroe: A manifest has no such entry; leave it out, or correct its name.",
        ),
        (
            cards(columns={"so_bhxh": "insurance_number"}),
            "At columns / so_bhxh: This must be a JSON object.",
        ),
        (
            cards(columns={"so_bhxh": {"field": "insurance_number", "pad": "10"}}),
            "At columns / so_bhxh / pad: This must be a whole number, without quotation marks.",
        ),
        (
            cards(columns={"so_bhxh": {"field": "Số BHXH"}}),
            (
                "At columns / so_bhxh / field: This does not have the form that the manifest's"
                " schema asks for."
            ),
        ),
        (
            cards(columns={"muc": {"field": "card/benefit_level", "words": {"một": 1.5}}}),
            "At columns / muc / words / một: This must be text, a whole number, true or false.",
        ),
        (cards(columns={}), "At columns: This must not be empty."),
        (cards(note="x" * 1001), "At note: This may have at most 1000 characters."),
        (
            cards(columns={"so_bhxh": {"field": "insurance_number", "pad": 99}}),
            "At columns / so_bhxh / pad: This must be 30 or less.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(value: Any, complaint: str) -> None:
    assert complaint in validate_manifest(value)


def test_every_complaint_is_told_at_once_and_each_once() -> None:
    found = validate_manifest(
        {"format": "csv", "columns": {"a": {"field": "b", "words": {"c": []}}}}
    )

    assert len(found) == len(set(found))
    assert {line.partition(":")[0] for line in found} >= {
        "At source",
        "At type",
        "At id",
        "At time",
        "At columns / a / words / c",
    }


@pytest.mark.parametrize("value", [CARDS, {"format": "ndjson"}, cards(source=1), {"format": "x"}])
def test_the_compiled_validator_judges_as_the_model_does(value: Any) -> None:
    try:
        MANIFEST.validate_python(value)
        passes = True
    except ValidationError:
        passes = False

    assert (validate_manifest(value) == []) is passes
    assert VALIDATOR["type"] == "tagged-union"
