"""The models' validators as plain data, so that a function starts without building models.

A compiled schema is pydantic's core schema of a kind's data, with `{"rule": name}` where a
function of `schemas.rules` is called, and without what only Python classes need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from schemas.agency import AgencyData
from schemas.dossier import DossierData
from schemas.insurance_card import InsuranceCardData
from schemas.load_manifest import MANIFEST
from schemas.person import PersonData
from schemas.rules import RULES

DATA: Final[Mapping[str, TypeAdapter[Any]]] = {
    "person": TypeAdapter(PersonData),
    "insurance-card": TypeAdapter(InsuranceCardData),
    "dossier": TypeAdapter(DossierData),
    "agency": TypeAdapter(AgencyData),
}
"""Record kind -> pydantic's view of what its events may say."""

_NAMES: Final[Mapping[Callable[[Any], Any], str]] = {rule: name for name, rule in RULES.items()}
_FOR_CLASSES_ONLY: Final = frozenset({"cls", "cls_name", "metadata", "serialization"})

_REFERENCES: Final = frozenset({"ref", "schema_ref"})


def module_of(kind: str) -> str:
    """The source of the module `schemas.compiled.<kind>`."""
    return _module(f"the data of {kind} events", compiled(kind))


def module_of_manifest() -> str:
    """The source of the module `schemas.compiled.load_manifest`."""
    return _module("load manifests", _compiled(MANIFEST.core_schema))


def _module(what: str, schema: Any) -> str:
    return (
        f'"""The validator of {what}; written by `schemas.generate`."""\n'
        "# ruff: noqa: E501 - patterns stay whole\n\n"
        "from typing import Any, Final\n\n"
        f"VALIDATOR: Final[dict[str, Any]] = {_source(schema)}\n"
    )


def compiled(kind: str) -> Any:
    """The validator of a kind's data, as plain data."""
    return _compiled(DATA[kind].core_schema)


def _source(value: Any, indent: str = "") -> str:
    deeper = f"{indent}    "
    if isinstance(value, dict) and value:
        lines = (f"{deeper}{json.dumps(k)}: {_source(v, deeper)},\n" for k, v in value.items())
        return "{\n" + "".join(lines) + indent + "}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"{deeper}{_source(v, deeper)},\n" for v in value) + indent + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _compiled(node: Any) -> Any:
    if isinstance(node, Mapping):
        if node.get("type") == "no-info":
            return {"rule": _NAMES[node["function"]]}
        return {
            name: _lasting(child) if name in _REFERENCES else _compiled(child)
            for name, child in node.items()
            if name not in _FOR_CLASSES_ONLY
        }
    if isinstance(node, list):
        return [_compiled(child) for child in node]
    if node is None or isinstance(node, str | int):
        return node
    raise TypeError(f"A {type(node).__name__} has no place in a compiled validator.")


def _lasting(reference: str) -> str:
    """A reference without the address that the class had in this process."""
    return reference.partition(":")[0]
