"""What is wrong with a request's fields, as sentences; never the value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from functions.shared.core.answers import Problem
from schemas.forms import EXPECTED

_FIXED: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("missing", "This is required; state it."),
    "extra_forbidden": ("unknown-field", "There is no such field; leave it out."),
    "dict_type": ("not-object", "This must be a JSON object."),
    "model_type": ("not-object", "This must be a JSON object."),
    "model_attributes_type": ("not-object", "This must be a JSON object."),
    "list_type": ("not-list", "This must be a JSON list."),
    "string_type": ("not-text", "This must be text: a JSON string in quotation marks."),
    "string_too_short": ("empty", "This text is too short."),
    "too_short": ("empty", "This holds too little."),
    "too_long": ("too-long", "This holds too much."),
    "int_type": ("not-integer", "This must be a JSON integer, without quotation marks."),
    "int_parsing": ("not-integer", "This must be a whole number."),
    "bool_type": ("not-boolean", "This must be true or false, without quotation marks."),
    "instant": (
        "not-instant",
        "This must be an instant of RFC 3339 with its offset: 2026-03-02T08:15:00+07:00.",
    ),
}
_IN_CONTEXT: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "string_pattern_mismatch": lambda context: (
        "pattern",
        EXPECTED.get(context["pattern"], f"This must match {context['pattern']}."),
    ),
    "string_too_long": lambda context: (
        "too-long",
        f"This text may have at most {context['max_length']:,} characters; shorten it.",
    ),
    "literal_error": lambda context: ("not-in-list", f"This must be {context['expected']}."),
    "greater_than_equal": lambda context: (
        "out-of-range",
        f"This must be {context['ge']} or more.",
    ),
    "less_than_equal": lambda context: ("out-of-range", f"This must be {context['le']} or less."),
    "request": lambda context: (context["code"], context["text"]),
}
_OTHERWISE: Final = ("invalid", "This is not as the description of the API says.")


def problems_of(errors: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Problems out of validation errors: where, which, and what to do."""
    return [_problem(error) for error in errors]


def _problem(error: Mapping[str, Any]) -> Problem:
    kind = error["type"]
    if kind in _FIXED:
        code, text = _FIXED[kind]
    elif kind in _IN_CONTEXT:
        code, text = _IN_CONTEXT[kind](error.get("ctx") or {})
    else:
        code, text = _OTHERWISE
    return Problem(_path(error["loc"]), code, text)


def _path(location: tuple[str | int, ...]) -> str:
    """A JSON Pointer into the body, or the name of a parameter or a header."""
    where, *parts = location
    if where != "body":
        return str(parts[0]) if parts else ""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
