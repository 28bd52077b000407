"""Attribute values, compared with boto3's own serializer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from functions.shared.adapters.attributes import (
    from_attribute,
    from_item,
    size_of_item,
    to_attribute,
    to_item,
)
from functions.shared.adapters.dynamodb import item_from_record
from functions.shared.core.items import size_of
from functions.shared.core.kinds import Kind
from functions.shared.core.replay import folded
from tests.builders import entries_of
from tests.histories import Document, any_history

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | _TEXT | st.binary(max_size=8)


def _containers(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4)


VALUES = st.recursive(_SCALARS, _containers, max_leaves=10)


def _plain(value: Any) -> Any:
    """A value without boto3's own types."""
    if isinstance(value, Binary):
        return bytes(cast(Any, value))
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _typed(value: Any) -> Any:
    """A value whose numbers and truths are told apart by comparing."""
    if isinstance(value, dict):
        return {name: _typed(part) for name, part in value.items()}
    return [_typed(part) for part in value] if isinstance(value, list) else (type(value), value)


@given(VALUES)
def test_values_are_written_as_boto3_writes_them(value: Any) -> None:
    assert to_attribute(value) == _plain(TypeSerializer().serialize(value))


@given(VALUES)
def test_values_are_read_as_boto3_reads_them(value: Any) -> None:
    attribute: Any = to_attribute(value)
    assert _typed(from_attribute(attribute)) == _typed(
        _plain(TypeDeserializer().deserialize(attribute))
    )
    assert _typed(from_attribute(attribute)) == _typed(value)


def test_a_null_can_be_read_but_not_written() -> None:
    assert from_attribute({"NULL": True}) is None
    with pytest.raises(TypeError, match="NoneType has no place"):
        to_attribute(None)


@pytest.mark.parametrize("value", [1.5, Decimal(1), (1,), {1, 2}, object()])
def test_what_items_never_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no place"):
        to_attribute(value)


def test_the_error_does_not_hold_the_value() -> None:
    with pytest.raises(TypeError) as caught:
        to_item({"x": ["001190000017", 1.25]})
    assert "1.25" not in str(caught.value)


def test_items_are_mappings_of_attributes() -> None:
    plain = {"a": "x", "b": 1, "c": True, "d": [{"e": b"y"}]}
    item: Any = {
        "a": {"S": "x"},
        "b": {"N": "1"},
        "c": {"BOOL": True},
        "d": {"L": [{"M": {"e": {"B": b"y"}}}]},
    }
    assert to_item(plain) == item
    assert from_item(item) == plain


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"ab": {"S": "xyz"}}, 5),
        ({"ab": {"S": "é"}}, 4),
        ({"ab": {"S": "\U0001f600"}}, 6),
        ({"ab": {"B": b"xyz"}}, 5),
        ({"ab": {"BOOL": True}}, 3),
        ({"ab": {"NULL": True}}, 3),
        ({"ab": {"N": "12345678"}}, 8),
        ({"ab": {"M": {}}}, 5),
        ({"ab": {"M": {"c": {"S": "x"}}}}, 8),
        ({"ab": {"L": [{"S": "x"}, {"S": "y"}]}}, 9),
    ],
)
def test_sizes_are_those_of_dynamodbs_documentation(item: Any, size: int) -> None:
    assert size_of_item(item) == size


@given(any_history())
def test_a_records_size_in_json_is_never_less_than_the_items(
    drawn: tuple[Kind, list[Document]],
) -> None:
    """What planning lets into a record the store must have room for."""
    kind, history = drawn
    for key in {document["subject"] for document in history}:
        entries = entries_of(*(d for d in history if d["subject"] == key))
        record = folded(kind.name, key, entries)
        assert size_of(record) >= size_of_item(item_from_record(record))
