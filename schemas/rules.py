"""What validation does beyond patterns: normalising, and rules between parts.

The models name these functions, and so do the compiled validators (`schemas.validation`),
which is why this module needs pydantic's core alone and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic_core import PydanticCustomError

from schemas.forms import (
    CARD_NUMBER_PATTERN,
    NORMAL_TEXT_PATTERN,
    normalise_card_number,
    normalise_instant,
    normalise_text,
)

Value = TypeVar("Value")
_OPEN: Final = "9999-12-31"


def text(value: Any) -> Any:
    """Text normalised; anything else as it is, for its type to be refused."""
    return normalise_text(value) if type(value) is str else value


def card_number(value: Any) -> Any:
    """A card number normalised; anything else as it is."""
    return normalise_card_number(value) if type(value) is str else value


def instant(value: Any) -> Any:
    """An instant normalised, or refused; what is no text as it is."""
    if type(value) is not str:
        return value
    try:
        return normalise_instant(value)
    except ValueError:
        raise PydanticCustomError("instant", "no instant") from None


def states_something(parts: Value) -> Value:
    """An object of optional parts, refused if it is empty."""
    if not parts:
        raise PydanticCustomError("empty_object", "empty object")
    return parts


def distinct_in_order(ids: list[str]) -> list[str]:
    """A list of ids as the set that it means, in code-point order."""
    return sorted(set(ids))


def ends_after_it_begins(period: Any) -> Any:
    """A period, refused if its last day is before its first."""
    if period.get("to", _OPEN) < period["from"]:
        raise PydanticCustomError("period_order", "period order")
    return period


def not_overlapping(periods: list[Any]) -> list[Any]:
    """Periods as they are, refused if two share a day."""
    end = ""
    for period in sorted(periods, key=lambda period: str(period["from"])):
        if period["from"] <= end:
            raise PydanticCustomError("period_overlap", "period overlap")
        end = period.get("to", _OPEN)
    return periods


RULES: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            text,
            card_number,
            instant,
            states_something,
            distinct_in_order,
            ends_after_it_begins,
            not_overlapping,
        )
    }
)
"""The rules by name, as compiled validators name them."""

UNTOUCHED: Final[Mapping[str, str]] = MappingProxyType(
    {"text": NORMAL_TEXT_PATTERN, "card_number": CARD_NUMBER_PATTERN}
)
"""Rule -> the pattern of values that it leaves as they are, so that nobody need ask it."""
