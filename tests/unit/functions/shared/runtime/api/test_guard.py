"""What is checked of a request before its fields are."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from functions.shared.runtime.api import guard
from functions.shared.runtime.api.gateway import Request
from functions.shared.runtime.api.problems import PROBLEMS, Refused
from functions.shared.runtime.api.routes import routes_at

LOOKUP = routes_at("/v1/people/lookups")["POST"]


def request(body: Any = None, *, query: str = "", **headers: str) -> Request:
    packed = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        {
            "body": packed,
            "isBase64Encoded": isinstance(body, bytes),
            "headers": named,
            "rawQueryString": query,
        }
    )


def code_of(error: pytest.ExceptionInfo[Refused]) -> tuple[int, str]:
    return PROBLEMS[error.value.code].status, error.value.code


def json_of(body: Any, content_type: str = "application/json") -> dict[str, Any]:
    return guard.json_of(request(body, content_type=content_type), LOOKUP)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
@pytest.mark.parametrize("body", ['{"a": [1]}', b'{"a": [1]}'], ids=["text", "bytes"])
def test_a_json_object_is_taken_as_text_and_as_bytes(body: Any, content_type: str) -> None:
    assert json_of(body, content_type) == {"a": [1]}


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "{} {}",
        '{"a": 1, "a": 1}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 100_00 + "]" * 100_00 + "}",
        b"\xff\xfe",
        '{"a": "\x01"}',
    ],
    ids=lambda body: repr(body)[:24],
)
def test_what_is_no_strict_json_cannot_be_read(body: Any) -> None:
    with pytest.raises(Refused) as error:
        json_of(body)
    assert code_of(error) == (400, "malformed-request")


@pytest.mark.parametrize("body", ["[]", "1", "null", '"a"', '[{"a": 1}]'])
def test_only_an_object_is_a_question(body: str) -> None:
    with pytest.raises(Refused) as error:
        json_of(body)
    assert code_of(error) == (422, "invalid-fields")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json; charset=utf-16", "application/jsonx"]
)
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(Refused) as error:
        json_of("{}", content_type)
    assert code_of(error) == (415, "unsupported-media-type")
    assert error.value.headers == {"Accept": "application/json"}


def test_a_body_may_have_64_kib_and_no_byte_more() -> None:
    most = guard.MOST_BYTES["query"]
    text = '{"a": "' + "x" * (most - 9) + '"}'
    assert len(text) == most == 65536
    assert json_of(text)
    for larger in (text + " ", (text + " ").encode()):
        with pytest.raises(Refused) as error:
            json_of(larger)
        assert code_of(error) == (413, "too-large")


def test_a_broken_body_is_refused() -> None:
    with pytest.raises(Refused) as error:
        guard.body_of(Request({"body": "***", "isBase64Encoded": True}), LOOKUP)
    assert code_of(error) == (400, "malformed-request")


def test_parameters_are_decoded() -> None:
    asked = request(query="source=%2Fagencies%2FG01&id=a+b%C3%AA&cursor=")
    known = {"source", "id", "cursor"}
    assert guard.parameters_of(asked, known) == {
        "source": "/agencies/G01",
        "id": "a bê",
        "cursor": "",
    }
    assert guard.parameters_of(request(), known) == {}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("no=1", [("no", "unknown-parameter")]),
        ("id=1&id=1", [("id", "repeated-parameter")]),
        ("id=1&no=1&id=2", [("no", "unknown-parameter"), ("id", "repeated-parameter")]),
    ],
)
def test_what_the_route_does_not_have_once_is_refused(
    query: str, told: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as error:
        guard.parameters_of(request(query=query), {"id"})
    assert code_of(error) == (422, "invalid-fields")
    assert [(one.path, one.code) for one in error.value.problems] == told


@pytest.mark.parametrize("query", ["id", "&&", "id=%ff"])
def test_a_query_that_is_none_cannot_be_read(query: str) -> None:
    with pytest.raises(Refused) as error:
        guard.parameters_of(request(query=query), {"id"})
    assert code_of(error) == (400, "malformed-request")


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/json", "text/html, application/*;q=0.5", "APPLICATION/JSON;v=1"],
)
def test_who_takes_json_is_answered(accept: str) -> None:
    guard.check_acceptable(request(accept=accept), "application/json")


@pytest.mark.parametrize("accept", ["text/html", "application/xml, image/*", "*/*;q=0", ","])
def test_who_takes_no_json_is_not(accept: str) -> None:
    with pytest.raises(Refused) as error:
        guard.check_acceptable(request(accept=accept), "application/json")
    assert code_of(error) == (406, "not-acceptable")
