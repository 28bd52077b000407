"""JSON Schemas (2020-12) of every contract, made from the models and the table of types.

A schema says whether a document has the right form. What a schema cannot say is listed in
`BEYOND_SCHEMA` and stands in each event's schema as a comment.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from schemas.cloud_event import CloudEvent
from schemas.compiling import DATA
from schemas.envelope import EXTENSION_NAME
from schemas.event_types import EVENT_TYPES, OWN_ONLY, EventType
from schemas.ledger import LedgerEntry
from schemas.load_manifest import MANIFEST
from schemas.quarantine import QuarantineEntry
from schemas.records import RECORDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
BEYOND_SCHEMA: Final = (
    "subject equals the key inside data",
    "text is measured after normalisation (Unicode NFC, single blanks), not as it is sent",
    "card numbers are also accepted in lower case and with white space",
    "an instant must fall into the years 0001 to 9999 after conversion to UTC",
    "time may be at most 5 minutes after the message was sent",
    "periods end after they begin and share no day",
    "integers are written without fraction or exponent",
    "data has at most 16,384 bytes, a message at most 262,144",
    "text holds no unpaired surrogates, and no object names a key twice",
)
"""What the service checks and these schemas cannot."""

Schema = dict[str, Any]


def event_schema(event_type: EventType) -> Schema:
    """The schema of a whole event of a type: the envelope, and what its data must state."""
    data = _of(DATA[event_type.kind])
    definitions = data.pop("$defs", {})
    envelope = _of(TypeAdapter(CloudEvent))
    properties = envelope["properties"]
    properties["type"] = {
        "const": event_type.type,
        "description": properties["type"]["description"],
    }
    properties["data"] = _data_of_type(event_type, data)
    schema = {
        "$schema": DIALECT,
        "$id": f"urn:lienthong:schema:{event_type.type}",
        "$comment": f"Checked beyond this schema: {'; '.join(BEYOND_SCHEMA)}.",
        "title": event_type.type,
        "description": event_type.summary,
        "type": "object",
        "properties": properties,
        "patternProperties": {EXTENSION_NAME: True},
        "additionalProperties": False,
        "required": envelope["required"],
        "$defs": definitions,
    }
    return _without_unused_definitions(schema)


def document_schemas() -> dict[str, Schema]:
    """The schemas of what is stored and of what lies beside a file, by name."""
    models: dict[str, type[BaseModel]] = {
        **{f"record.{kind}": model for kind, model in RECORDS.items()},
        "ledger-entry": LedgerEntry,
        "quarantine-entry": QuarantineEntry,
    }
    adapters: dict[str, TypeAdapter[Any]] = {
        name: TypeAdapter(model) for name, model in models.items()
    }
    return {
        name: {
            "$schema": DIALECT,
            "$id": f"urn:lienthong:schema:{name}",
            "title": name,
            **_of(adapter),
        }
        for name, adapter in {**adapters, "load-manifest": MANIFEST}.items()
    }


def event_schemas() -> dict[str, Schema]:
    """The schemas of all event types, by type."""
    return {name: event_schema(event_type) for name, event_type in EVENT_TYPES.items()}


def _of(adapter: TypeAdapter[Any]) -> Schema:
    schema: Schema = _tidy(adapter.json_schema())
    return schema


def _tidy(node: Any) -> Any:
    """Without the titles pydantic derives from names, and without defaults: nothing has one."""
    if isinstance(node, list):
        return [_tidy(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {key: _tidy(child) for key, child in value.items()}
        if name in ("properties", "$defs")
        else _tidy(value)
        for name, value in node.items()
        if name not in ("title", "default")
    }


def _data_of_type(event_type: EventType, data: Schema) -> Schema:
    schema = deepcopy(data)
    properties: Schema = schema["properties"]
    required: list[str] = schema["required"]
    for field, names in OWN_ONLY.items():
        if field in properties and event_type.name not in names:
            if _takes_null(properties[field]):
                properties[field] = _only(properties[field], {"type": "null"})
            else:
                del properties[field]
    if event_type.statuses:
        allowed = sorted(event_type.statuses, key=str)
        rule = {"const": allowed[0]} if len(allowed) == 1 else {"enum": allowed}
        properties["status"] = _only(properties["status"], rule)
    elif event_type.statuses is not None:
        properties["status"] = _only(properties["status"], {"type": "null"})
    if event_type.life_statuses:
        life = {"properties": {"status": {"enum": sorted(event_type.life_statuses)}}}
        properties["life"] = {**_stated(properties["life"]), **life}
    for group in event_type.must_state:
        if len(group) == 1:
            (field,) = group
            properties[field] = _stated(properties[field])
            required.append(field)
        else:
            schema["anyOf"] = [
                {"required": [field], "properties": {field: {"not": {"type": "null"}}}}
                for field in group
            ]
    if not event_type.must_state:
        schema["minProperties"] = 2
    return schema


def _takes_null(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def _stated(schema: Schema) -> Schema:
    """A field's schema without `null`."""
    if not _takes_null(schema):
        return schema
    (stated,) = (choice for choice in schema["anyOf"] if choice != {"type": "null"})
    outer = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**stated, **outer}


def _only(schema: Schema, rule: Schema) -> Schema:
    return {"description": schema["description"], **rule}


def _without_unused_definitions(schema: Schema) -> Schema:
    definitions: Schema = schema.pop("$defs")
    used: Schema = {}
    waiting = _references(schema)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = definitions[name]
            waiting |= _references(definitions[name])
    return {**schema, "$defs": used} if used else schema


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {name for child in node for name in _references(child)}
    if not isinstance(node, dict):
        return set()
    found = {name for child in node.values() for name in _references(child)}
    reference = node.get("$ref")
    if isinstance(reference, str):
        found.add(reference.removeprefix("#/$defs/"))
    return found
