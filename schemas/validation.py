"""The data of an event becomes normalised fields, or every error in it at once.

The models of `schemas.person` and its neighbours are the source. What runs here is their
validators as `schemas.generate` compiled them (`schemas.compiled`, compared in every check):
with pydantic's core alone a function starts at a fraction of the cost of building the models
anew. No error holds a value that was received: `path` names the place, `text` says what is
expected there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final, Literal

from pydantic_core import ErrorDetails, SchemaValidator, ValidationError

from schemas.forms import EXPECTED
from schemas.rules import RULES, UNTOUCHED

Kind = Literal["person", "insurance-card", "dossier", "agency"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the data of an event.

    `path` is a JSON Pointer (RFC 6901) from the event's root, `code` a short stable word,
    `text` one sentence for the sender, without any value that was received.
    """

    path: str
    code: str
    text: str


def validate_data(kind: str, data: object) -> tuple[dict[str, object] | None, list[FieldError]]:
    """The fields that were sent, normalised, in the order of the kind's table; or all errors.

    A field sent as `null` is there with the value None, one that was not sent is not there.
    Values are plain JSON: text, integers, booleans, lists and dictionaries, all of them new.
    `data` itself is left as it is.
    """
    try:
        return _quick_validator(kind)(data), []
    except ValidationError:
        return validate_closely(kind, data)


def validate_closely(kind: str, data: object) -> tuple[dict[str, object] | None, list[FieldError]]:
    """What `validate_data` gives, by asking every rule of the models."""
    try:
        return _validator(kind)(data), []
    except ValidationError as error:
        return None, [
            _field_error(details)
            for details in error.errors(include_url=False, include_context=True)
        ]


def pointer(*parts: str | int) -> str:
    """The JSON Pointer of a place inside the event's data."""
    return "/data" + "".join(
        f"/{part}" if type(part) is int else "/" + str(part).replace("~", "~0").replace("/", "~1")
        for part in parts
    )


@cache
def _validator(kind: str) -> Callable[[object], dict[str, object]]:
    return SchemaValidator(_with_rules(_compiled(kind))).validate_python


@cache
def _quick_validator(kind: str) -> Callable[[object], dict[str, object]]:
    """Takes what `_validator` takes and makes the same of it; only its errors are no use.

    A rule is a call from Rust into Python, and most text is as the rule would leave it.
    """
    return SchemaValidator(_with_rules(_asking_less(_compiled(kind)))).validate_python


def _compiled(kind: str) -> Any:
    return import_module(f"schemas.compiled.{kind.replace('-', '_')}").VALIDATOR


def _asking_less(node: Any) -> Any:
    """A compiled schema that asks no rule about a value that the rule leaves as it is."""
    if isinstance(node, list):
        return [_asking_less(child) for child in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "function-before" and node["function"]["rule"] in UNTOUCHED:
        untouched = {**node["schema"], "pattern": UNTOUCHED[node["function"]["rule"]]}
        return {"type": "union", "mode": "left_to_right", "choices": [untouched, node]}
    return {name: _asking_less(child) for name, child in node.items()}


def _with_rules(node: Any) -> Any:
    """A compiled schema with the functions of `schemas.rules` in place of their names."""
    if isinstance(node, list):
        return [_with_rules(child) for child in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"rule"}:
        return {"type": "no-info", "function": RULES[node["rule"]]}
    return {name: _with_rules(child) for name, child in node.items()}


# From pydantic's error types to codes and sentences ----------------------------------------

_FIXED: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("missing", "This part is required here; state it."),
    "extra_forbidden": (
        "unknown-field",
        "The contract has no such field here; leave it out, or correct its name.",
    ),
    "dict_type": ("not-object", "This must be a JSON object."),
    "list_type": ("not-list", "This must be a JSON list."),
    "string_type": ("not-text", "This must be text: a JSON string in quotation marks."),
    "string_unicode": (
        "not-unicode",
        "This must be Unicode text; replace the unpaired surrogates in it.",
    ),
    "string_too_short": ("empty", "This text must not be empty or white space; leave it out."),
    "too_short": ("empty", "This list must hold at least one entry."),
    "empty_object": ("empty", "This object must state at least one of its parts."),
    "int_type": ("not-integer", "This must be a JSON integer, without quotation marks."),
    "bool_type": ("not-boolean", "This must be true or false, without quotation marks."),
    "instant": (
        "not-instant",
        "This must be an instant of RFC 3339 with its offset: 2026-03-02T08:15:00+07:00.",
    ),
    "period_order": ("period-order", "This period must not end before it begins; correct `to`."),
    "period_overlap": (
        "period-overlap",
        "These periods must not share a day, and only the last may be open; correct their dates.",
    ),
}
_NULL: Final = (
    "null",
    "This is never null; leave it out where there is nothing to say.",
)
_IN_CONTEXT: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "string_pattern_mismatch": lambda context: ("pattern", EXPECTED[context["pattern"]]),
    "string_too_long": lambda context: (
        "too-long",
        f"This text may have at most {context['max_length']:,} characters; shorten it.",
    ),
    "literal_error": lambda context: (
        "not-in-list",
        f"This must be {context['expected']}.",
    ),
    "greater_than_equal": lambda context: (
        "out-of-range",
        f"This must be {context['ge']:,} or more.",
    ),
    "less_than_equal": lambda context: (
        "out-of-range",
        f"This must be {context['le']:,} or less.",
    ),
}
ERROR_TYPES: Final = frozenset(_FIXED) | frozenset(_IN_CONTEXT)
"""Every error type of pydantic that the models can produce."""


def _field_error(details: ErrorDetails) -> FieldError:
    type_ = details["type"]
    if details["input"] is None and type_ != "missing" and type_ != "extra_forbidden":
        code, text = _NULL
    elif type_ in _FIXED:
        code, text = _FIXED[type_]
    else:
        code, text = _IN_CONTEXT[type_](details["ctx"])
    return FieldError(pointer(*details["loc"]), code, text)
