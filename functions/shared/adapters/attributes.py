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
        return {"M": to_item(cast(dict[str, Json], value))}
    if kind is list:
        return {"L": [to_attribute(v) for v in cast(list[Json], value)]}
    raise TypeError(f"A {kind.__name__} has no place in a table item.")


def to_item(values: Mapping[str, Json | bytes]) -> Item:
    """The table item of a mapping."""
    return {
        name: {"S": value} if type(value) is str else to_attribute(value)  # most are text
        for name, value in values.items()
    }


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
    size = 0
    for name, attribute in item.items():
        ((kind, value),) = attribute.items()
        if kind == "S" or kind == "B":
            size += len(name) + _bytes(value)
        else:
            size += len(name) + _size(attribute)
    return size


def _bytes(value: str | bytes) -> int:
    return len(value) if value.isascii() or type(value) is bytes else len(cast(str, value).encode())


def _size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S" or kind == "B":
        return _bytes(value)
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "M":
        return 3 + len(value) + size_of_item(value)
    if kind == "L":
        return 3 + sum(1 + _size(v) for v in value)
    return 1
