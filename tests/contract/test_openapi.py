"""The OpenAPI document says what the API does, and nothing that it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
from jsonschema import Draft202012Validator

from functions.shared.core.purposes import PURPOSES, problem_with
from functions.shared.runtime.api.document import document
from functions.shared.runtime.api.intake_routes import intake_resolver
from functions.shared.runtime.api.problems import PROBLEMS
from functions.shared.runtime.api.query_routes import query_resolver
from functions.shared.runtime.api.routes import ROUTES, Route
from schemas import api

ROOT: Final = Path(__file__).parents[2]
COMMITTED: Final[dict[str, Any]] = json.loads(
    (ROOT / "schemas" / "generated" / "openapi.json").read_text("utf-8")
)
QUESTIONS: Final = [n for n in COMMITTED["components"]["schemas"] if n.endswith("Question")]
NAMES: Final = [f"{route.method} {route.path}" for route in ROUTES]


def operation(route: Route) -> dict[str, Any]:
    return cast(dict[str, Any], COMMITTED["paths"][route.path][route.method.lower()])


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = COMMITTED
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return cast(dict[str, Any], found)


def test_what_is_committed_is_what_the_code_says() -> None:
    assert document() == COMMITTED


def test_the_routes_are_those_of_the_resolvers_and_of_the_document() -> None:
    nobody = cast(Any, None)
    registered = {
        (route.method, route.openapi_path, function)
        for function, resolver in (
            ("query", query_resolver(nobody)),
            ("intake", intake_resolver(nobody, nobody, nobody)),
        )
        for route in (*resolver._static_routes, *resolver._dynamic_routes)
    }
    assert registered == {(route.method, route.path, route.function) for route in ROUTES}
    told = {
        (method.upper(), path) for path, methods in COMMITTED["paths"].items() for method in methods
    }
    assert told == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere_and_everything_is_used() -> None:
    references = {node["$ref"] for node in nodes(COMMITTED) if "$ref" in node}
    for reference in references:
        resolved({"$ref": reference})
    defined = {
        f"#/components/{part}/{name}"
        for part in ("schemas", "parameters", "responses")
        for name in COMMITTED["components"][part]
    }
    assert defined == references


def test_every_schema_is_a_schema() -> None:
    for schema in COMMITTED["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
def test_every_route_says_what_it_is_for_and_how_it_is_refused(route: Route) -> None:
    told = operation(route)
    assert told["summary"].endswith(".")
    responses = told["responses"]
    assert any(status.startswith("2") for status in responses)
    assert "500" in responses
    assert ("401" in responses) == ("403" in responses) == ("503" in responses) == (not route.open)
    assert told.get("security") == ([] if route.open else None)
    headers = [resolved(one)["name"] for one in told["parameters"] if "$ref" in one]
    assert headers == (["X-Purpose", "X-Case"] if route.reads else [])
    assert ("requestBody" in told) == (route.method == "POST")
    in_path = {one["name"] for one in told["parameters"] if one.get("in") == "path"}
    assert in_path == {part[1:-1] for part in route.path.split("/") if part.startswith("{")}


def test_no_personal_id_is_asked_for_in_a_url() -> None:
    for route in ROUTES:
        named = {one.get("name") for one in operation(route)["parameters"]}
        assert not named & {"personal_id", "name", "insurance_number", "old_identity_number"}


def test_objects_that_are_asked_are_closed() -> None:
    for name, schema in COMMITTED["components"]["schemas"].items():
        if name.endswith(("Question", "Answer")) or name in ("Select", "Operation"):
            assert schema["additionalProperties"] is False, name


def test_nothing_that_may_be_left_out_may_be_null() -> None:
    for route in ROUTES:
        for parameter in operation(route)["parameters"]:
            assert "anyOf" not in resolved(parameter)["schema"]
            assert "default" not in resolved(parameter)["schema"]


def test_every_problem_has_a_response_that_names_it() -> None:
    responses = COMMITTED["components"]["responses"]
    for code, meaning in PROBLEMS.items():
        if meaning.status != 405:  # no operation answers it: the method has none
            assert f"`{code}`" in responses[f"Problem{meaning.status}"]["description"]


def test_the_purposes_are_the_registered_ones_and_a_case_has_the_form_that_is_checked() -> None:
    purpose = COMMITTED["components"]["parameters"]["Purpose"]
    assert purpose["schema"]["enum"] == list(PURPOSES)
    form = Draft202012Validator(COMMITTED["components"]["parameters"]["Case"]["schema"])
    for case in ("T-1", "a", "A/b.c_d-9", "x" * 64, "", "-a", "a-", "x" * 65, "a b", "é"):
        assert form.is_valid(case) == (problem_with("inspection", case) is None)


@pytest.mark.parametrize("name", QUESTIONS)
def test_examples_are_right_by_the_schema_and_by_the_model(name: str) -> None:
    schema = COMMITTED["components"]["schemas"][name]
    whole = {**schema, "components": COMMITTED["components"]}
    for example in schema["examples"]:
        Draft202012Validator(whole).validate(example)
        getattr(api, name).model_validate(example)


def test_every_number_that_is_asked_has_its_bounds() -> None:
    for name in QUESTIONS:
        for field, schema in COMMITTED["components"]["schemas"][name]["properties"].items():
            if schema.get("type") == "integer":
                assert {"minimum", "maximum"} <= schema.keys(), (name, field)
