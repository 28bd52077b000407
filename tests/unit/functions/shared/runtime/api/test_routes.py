"""The routes, in the syntax of the gateway."""

from __future__ import annotations

import pytest

from functions.shared.runtime.api.routes import ROUTES, in_powertools_syntax, routes_at


def test_no_route_is_listed_twice() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_only_the_document_and_its_page_are_open() -> None:
    assert [route.path for route in ROUTES if route.open] == ["/v1/openapi.json", "/v1/docs"]


def test_everything_that_reads_names_a_purpose() -> None:
    silent = [(route.method, route.path) for route in ROUTES if not route.reads]
    assert silent == [("GET", "/v1/openapi.json"), ("GET", "/v1/docs"), ("POST", "/v1/events")]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/people/lookups", {"POST"}),
        ("/v1/people/abc", {"GET"}),
        ("/v1/people/abc/access-log", {"GET"}),
        ("/v1/events", {"GET", "POST"}),
        ("/v1/quarantine/replays", {"POST"}),
        ("/v1/quarantine/abc", {"GET"}),
        ("/v1/quarantine/abc/replays", {"POST"}),
        ("/v1/people", set()),
        ("/v1/people/", set()),
        ("/v1/people/abc/", set()),
        ("/v1/people/a/b", set()),
        ("/v2/people/abc", set()),
        ("", set()),
    ],
)
def test_a_path_has_its_methods_and_no_others(path: str, methods: set[str]) -> None:
    assert routes_at(path).keys() == methods


def test_a_parameter_is_written_as_powertools_writes_it() -> None:
    assert (
        in_powertools_syntax("/v1/people/{record}/access-log") == "/v1/people/<record>/access-log"
    )
