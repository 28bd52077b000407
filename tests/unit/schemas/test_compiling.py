"""Compiled validators are the models, no more and no less."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.compiling import DATA
from schemas.validation import FieldError, pointer, validate_data
from tests.unit.schemas.test_validation import JSON


def of_the_model(kind: str, data: object) -> tuple[Any, list[str]]:
    """What the model itself makes of data: the value, or the places of its errors."""
    try:
        return DATA[kind].validate_python(data), []
    except ValidationError as error:
        return None, [pointer(*details["loc"]) for details in error.errors(include_url=False)]


@given(st.data(), st.sampled_from(sorted(DATA)))
def test_a_compiled_validator_agrees_with_its_model(data: st.DataObject, kind: str) -> None:
    names = [*DATA[kind].json_schema()["properties"], "unknown"]
    sent = data.draw(st.dictionaries(st.sampled_from(names), JSON))
    value, errors = validate_data(kind, sent)
    assert (value, [error.path for error in errors]) == of_the_model(kind, sent)


@pytest.mark.parametrize("kind", sorted(DATA))
def test_a_function_validates_without_building_models(kind: str) -> None:
    script = (
        "import sys; from schemas.event_types import EVENT_TYPES, validate_event_data;"
        f"row = next(row for row in EVENT_TYPES.values() if row.kind == {kind!r});"
        "validate_event_data(row, {});"
        "sys.exit(any(name.split('.')[0] == 'pydantic' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_field_error_is_a_plain_value() -> None:
    assert FieldError("/data", "missing", "x") == FieldError("/data", "missing", "x")
