"""Generated contracts are current, valid, and say what the service does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from schemas import generate
from schemas.event_types import EVENT_TYPES, OWN_ONLY, EventType, validate_event_data
from schemas.json_schemas import document_schemas, event_schemas

SCHEMAS: Final = event_schemas()
TYPES: Final = sorted(SCHEMAS)


def whole(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """ECMA 262's `$` is the very end; Python's also stands before a last line break."""
    if isinstance(value, str) and not re.fullmatch(pattern.removeprefix("^")[:-1], value):
        yield ValidationError("no match")


def is_integer(_: Any, value: object) -> bool:
    """An integer without fraction; a schema cannot say so."""
    return isinstance(value, int) and not isinstance(value, bool)


Validator: Final = extend(  # type: ignore[no-untyped-call]  # jsonschema leaves it untyped
    Draft202012Validator,
    {"pattern": whole},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer),
)
BEYOND: Final = frozenset({"period-order", "period-overlap"})
"""Codes of what a schema cannot say about these data (`json_schemas.BEYOND_SCHEMA`)."""

# Values from a schema ------------------------------------------------------------------------


def values(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema of ours."""
    if "$ref" in schema:
        return values(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema and "properties" not in schema:
        return st.one_of([values(choice, definitions) for choice in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    strategy: st.SearchStrategy[Any] = BY_TYPE[schema["type"]](schema, definitions)
    return strategy


def texts(schema: dict[str, Any], _: Any) -> st.SearchStrategy[str]:
    """Texts of a pattern; free text in its normal form."""
    if "minLength" in schema:
        words = st.text("aạăâbcdđeêễghiklmnoôơpqrstuưvxyHN'-", min_size=1, max_size=12)
        return st.lists(words, min_size=1, max_size=3).map(" ".join)
    return st.from_regex(schema["pattern"], fullmatch=True).filter(
        lambda text: len(text) <= schema.get("maxLength", 200)
    )


def objects(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Objects with the required parts and some of the others."""
    parts = {name: values(part, definitions) for name, part in schema["properties"].items()}
    required = {name: part for name, part in parts.items() if name in schema.get("required", [])}
    optional = {name: part for name, part in parts.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


BY_TYPE: Final[dict[str, Any]] = {
    "null": lambda *_: st.none(),
    "boolean": lambda *_: st.booleans(),
    "integer": lambda schema, _: st.integers(schema["minimum"], schema["maximum"]),
    "string": texts,
    "array": lambda schema, definitions: st.lists(
        values(schema["items"], definitions), min_size=schema.get("minItems", 0), max_size=3
    ),
    "object": objects,
}
ODD: Final = st.sampled_from(
    [
        *(None, True, False, 0, 1, 5, 11, -1, 2**53 + 1),
        *(
            "",
            " ",
            "a\0",
            "x" * 600,
            "2026-02-29",
            "0000",
            "001190000017\n",
            "٠" * 12,
            "Z99",
            "null",
        ),
        *([], [None], ["x"], ["001190000017"], {}, {"status": 4}, {"reason": "x"}, {"x": 1}),
        "2026-03-02T08:15:60Z",
    ]
)


@cache
def data_of(row: EventType) -> st.SearchStrategy[dict[str, Any]]:
    """Data of a type: mostly as its schema says, sometimes with other fields of its kind."""
    schema = SCHEMAS[row.type]
    return objects(schema["properties"]["data"], schema.get("$defs", {}))


@st.composite
def mutated(draw: st.DrawFn, row: EventType) -> dict[str, Any]:
    """Data of a type with some fields gone, replaced or added."""
    data = dict(draw(data_of(row)))
    names = sorted({*SCHEMAS[row.type]["properties"]["data"]["properties"], *OWN_ONLY, "unknown"})
    for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
        if draw(st.booleans()):
            data.pop(name, None)
        elif isinstance(data.get(name), dict) and draw(st.booleans()):
            part = draw(st.sampled_from([*data[name], "x"]))
            data[name] = {**data[name], part: draw(ODD)}
        else:
            data[name] = draw(ODD)
    return data


def agree(row: EventType, data: dict[str, Any]) -> bool:
    """Whether schema and service agree, but for what a schema cannot say; whether it is valid."""
    schema = SCHEMAS[row.type]
    inner = {**schema["properties"]["data"], "$defs": schema.get("$defs", {})}
    fits: bool = Validator(inner).is_valid(data)
    _, errors = validate_event_data(row, data)
    codes = {error.code for error in errors}
    if codes and codes <= BEYOND:
        assert fits
        return False
    assert fits == (not errors), [(error.path, error.code) for error in errors]
    return fits


@pytest.mark.parametrize("name", TYPES)
@given(st.data())
@settings(max_examples=15)
def test_schema_and_service_agree_on_data(name: str, data: st.DataObject) -> None:
    row = EVENT_TYPES[name]
    agree(row, data.draw(data_of(row)))
    agree(row, data.draw(mutated(row)))


@pytest.mark.parametrize("name", TYPES)
def test_schema_and_service_agree_on_an_event_of_its_key_alone(name: str) -> None:
    sample = json.loads((generate.ROOT / generate.SAMPLES / f"{name}.json").read_text("utf-8"))
    row = EVENT_TYPES[name]
    assert not agree(row, {row.key: sample["data"][row.key]})
    assert agree(row, sample["data"])
    for field in sample["data"]:
        agree(row, {**sample["data"], field: None})
        agree(row, {key: value for key, value in sample["data"].items() if key != field})


def test_a_schema_has_a_description_for_every_field() -> None:
    for schema in [*SCHEMAS.values(), *document_schemas().values()]:
        for place, field in described(schema):
            definition = schema.get("$defs", {}).get(field.get("$ref", "")[len("#/$defs/") :], {})
            assert field.get("description") or definition.get("description"), place


def described(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every object of a schema that lists its required parts or closes it."""
    if isinstance(node, list):
        for child in node:
            yield from described(child, place)
    elif isinstance(node, dict):
        if node.get("type") == "object" and "additionalProperties" in node:
            for name, field in node.get("properties", {}).items():
                yield f"{place}/{name}", field
        for name, child in node.items():
            yield from described(child, f"{place}/{name}")


def test_every_schema_is_a_schema() -> None:
    for schema in [*SCHEMAS.values(), *document_schemas().values()]:
        Draft202012Validator.check_schema(schema)


def test_generated_files_are_current() -> None:
    assert generate.differences() == []
    assert generate.main(["--check"]) == 0


def test_a_stale_file_is_named_and_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(generate.ROOT / generate.SAMPLES, tmp_path / generate.SAMPLES)
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0

    stale = tmp_path / generate.GENERATED / "asyncapi.json"
    stale.write_text(stale.read_text("utf-8") + " ", "utf-8")
    old = tmp_path / generate.GENERATED / "old.schema.json"
    old.write_text("{}")
    capsys.readouterr()
    assert generate.main(["--check"], tmp_path) == 1
    message = capsys.readouterr().err
    assert "asyncapi.json" in message
    assert "old.schema.json" in message

    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    assert not old.exists()


def test_the_asyncapi_document_names_every_type_on_one_queue() -> None:
    document = json.loads((generate.ROOT / generate.GENERATED / "asyncapi.json").read_text("utf-8"))
    assert sorted(document["channels"]) == ["dossier", "insurance", "population", "registry"]
    on_queues = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(on_queues) == TYPES == sorted(document["components"]["messages"])
    assert len(document["operations"]) == 8
    for operation in document["operations"].values():
        for reference in [operation["channel"], *operation["messages"]]:
            target: Any = document
            for part in reference["$ref"].removeprefix("#/").split("/"):
                target = target[part]
    for message in document["components"]["messages"].values():
        file = generate.ROOT / generate.GENERATED / message["payload"]["schema"]["$ref"]
        assert json.loads(file.read_text("utf-8"))["title"] == message["name"]
