"""A load manifest is as its model says, or every complaint about it at once.

What runs here is the validator of `schemas.load_manifest` as `schemas.generate` compiled it, as
for event data (`schemas.validation`): a function builds no model for it. No complaint repeats a
value of the manifest; names of columns and fields it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from pydantic_core import ErrorDetails, SchemaValidator, ValidationError

_KINDS: Final = frozenset({"ndjson", "csv"})
_OF_A_UNION: Final = frozenset({"str", "int", "bool"})
_VALUE: Final = "This must be text, a whole number, true or false."
_TEXTS: Final[Mapping[str, str]] = {
    "union_tag_invalid": "`format` must be ndjson or csv.",
    "union_tag_not_found": "`format` is missing; say ndjson or csv.",
    "model_attributes_type": "The manifest must be a JSON object.",
    "missing": "This is required; state it.",
    "extra_forbidden": "A manifest has no such entry; leave it out, or correct its name.",
    "dict_type": "This must be a JSON object.",
    "list_type": "This must be a JSON list.",
    "string_type": "This must be text: a JSON string in quotation marks.",
    "string_unicode": "This must be Unicode text; replace the unpaired surrogates in it.",
    "int_type": "This must be a whole number, without quotation marks.",
    "bool_type": "This must be true or false, without quotation marks.",
    "string_too_short": "This must not be empty.",
    "too_short": "This must not be empty.",
    "string_pattern_mismatch": "This does not have the form that the manifest's schema asks for.",
}
_IN_CONTEXT: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "literal_error": lambda context: f"This must be {context['expected']}.",
    "string_too_long": lambda context: f"This may have at most {context['max_length']} characters.",
    "too_long": lambda context: f"This may have at most {context['max_length']} entries.",
    "greater_than_equal": lambda context: f"This must be {context['ge']} or more.",
    "less_than_equal": lambda context: f"This must be {context['le']} or less.",
}


def validate_manifest(value: object) -> list[str]:
    """Every complaint about the manifest's own form, as sentences; empty if there is none."""
    try:
        _validator()(value)
    except ValidationError as error:
        found = (_complaint(details) for details in error.errors(include_url=False))
        return list(dict.fromkeys(found))
    return []


@cache
def _validator() -> Callable[[object], object]:
    from schemas.compiled.load_manifest import VALIDATOR

    return SchemaValidator(VALIDATOR).validate_python


def _complaint(details: ErrorDetails) -> str:
    place = [str(part) for part in details["loc"]]
    if place and place[0] in _KINDS:
        del place[0]
    text = _TEXTS.get(details["type"])
    if place and place[-1] in _OF_A_UNION and {"words", "constants"} & set(place):
        del place[-1]
        text = _VALUE
    if text is None:
        text = _IN_CONTEXT[details["type"]](details["ctx"])
    return f"At {' / '.join(place)}: {text}" if place else text
