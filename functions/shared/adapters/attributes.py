"""JSON values as DynamoDB attribute values and back, without boto3's general serializer.

Its TypeSerializer costs three times as much for what records hold: text, whole numbers,
booleans, objects, lists and bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from functions.shared.core.events import Json

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]


def to_attribute(value: Json | bytes) -> AttributeValue:
    """The attribute value of a JSON value or of bytes. Raises TypeError for a null or a float."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is bytes:
        return {"B": value}
    if kind is bool:
        return {"BOOL": value}
    if kind is int:
        return {"N": str(value)}
    if kind is dict:
        return {"M": {k: to_attribute(v) for k, v in cast(dict[str, Json], value).items()}}
    if kind is list:
        return {"L": [to_attribute(v) for v in cast(list[Json], value)]}
    raise TypeError(f"A {kind.__name__} has no place in a table item.")


def to_item(values: Mapping[str, Json | bytes]) -> Item:
    """The table item of a mapping."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The JSON value of an attribute value; numbers are whole."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return int(value)
    if kind == "M":
        return {k: from_attribute(v) for k, v in value.items()}
    if kind == "L":
        return [from_attribute(v) for v in value]
    if kind == "NULL":
        return None
    return value


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The plain values of a table item; binary attributes are bytes."""
    return {name: from_attribute(value) for name, value in item.items()}


def size_of_item(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item as DynamoDB counts them, to within a few per cent."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value) if value.isascii() else len(value.encode())
    if kind == "B":
        return len(value)
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "M":
        return 3 + sum(1 + len(k) + _size(v) for k, v in value.items())
    if kind == "L":
        return 3 + sum(1 + _size(v) for v in value)
    return 1
