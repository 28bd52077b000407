"""What is checked of a request before its fields are: size, media types, JSON, parameters.

A parameter that the route does not have is refused, as is one that is given twice: what a
document cannot say is not guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from functions.shared.core.answers import Problem
from functions.shared.runtime.api.gateway import BrokenBody, Request
from functions.shared.runtime.api.problems import Refused
from functions.shared.runtime.api.routes import PUBLISHING, Route

KIBIBYTE: Final = 1024
MOST_BYTES: Final[Mapping[str, int]] = {"query": 64 * KIBIBYTE, "intake": 1024 * KIBIBYTE}
"""Of a body, by function: an event may have 256 KiB, a batch holds several."""
MOST_DEPTH: Final = 64
_JSON: Final = re.compile(r'application/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*', re.IGNORECASE)
_WEIGHT_OF_NOTHING: Final = re.compile(r"\s*q\s*=\s*0(?:\.0{0,3})?\s*")


def check_acceptable(request: Request, media_type: str) -> None:
    """Refuses (406) a request whose Accept has no place for the answer."""
    accept = request.headers.get("accept", "").strip()
    if not accept:
        return
    kind = media_type.partition("/")[0]
    wanted = (media_type, f"{kind}/*", "*/*")
    for part in accept.split(","):
        name, *parameters = part.split(";")
        if name.strip().lower() in wanted and not any(
            _WEIGHT_OF_NOTHING.fullmatch(parameter) for parameter in parameters
        ):
            return
    raise Refused("not-acceptable", f"The answer is {media_type}; accept that.")


def parameters_of(request: Request, known: Collection[str]) -> dict[str, str]:
    """The query's parameters, each once and each known. Raises Refused."""
    try:
        pairs = parse_qsl(
            request.query, keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError:
        if request.query:
            raise Refused(
                "malformed-request",
                "The query is not name=value pairs in UTF-8 with & between; correct it.",
            ) from None
        pairs = []
    found: dict[str, str] = {}
    problems = []
    for name, value in pairs:
        if name not in known:
            text = "The route has no such parameter; leave it out, or correct its name."
            problems.append(Problem(name, "unknown-parameter", text))
        elif name in found:
            text = "The parameter is given more than once; give it once."
            problems.append(Problem(name, "repeated-parameter", text))
        found[name] = value
    if problems:
        raise invalid(problems)
    return found


def invalid(problems: Collection[Problem]) -> Refused:
    """The refusal (422) of fields or parameters."""
    number = len(problems)
    what = "One field or parameter is" if number == 1 else f"{number} fields or parameters are"
    return Refused("invalid-fields", f"{what} invalid; see `errors`.", tuple(problems))


def body_of(request: Request, route: Route) -> bytes:
    """The body, not larger than the route takes. Raises Refused (400, 413)."""
    most = MOST_BYTES[route.function]
    try:
        body = request.body
    except BrokenBody:
        raise Refused("malformed-request", "The body is broken; send it again.") from None
    if len(body) > most:
        raise Refused("too-large", f"The body may have {most} bytes; send less at a time.")
    return body


def json_of(request: Request, route: Route) -> dict[str, Any]:
    """The JSON object in the body. Raises Refused (400, 413, 415, 422)."""
    if not _JSON.fullmatch(request.headers.get("content-type", "").strip()):
        raise Refused(
            "unsupported-media-type",
            "The body is application/json in UTF-8; say so in Content-Type.",
            headers={"Accept": "application/json"},
        )
    value = parsed(body_of(request, route))
    if not isinstance(value, dict):
        raise invalid([Problem("", "not-object", "The body must be a JSON object.")])
    return value


def parsed(body: bytes) -> Any:
    """The value of strict JSON: UTF-8, no key twice, no NaN, not deep. Raises Refused (400)."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8; encode it so.") from None
    if text.count("{") + text.count("[") > MOST_DEPTH and _nesting(text) > MOST_DEPTH:
        raise _malformed(f"The JSON nests deeper than {MOST_DEPTH} levels; flatten it.")
    try:
        value = _DECODER.decode(text)
        # An escaped half of a surrogate pair is JSON, and no text.
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _malformed(
            f"The body is not JSON from line {error.lineno}, column {error.colno} on; correct it."
        ) from None
    except UnicodeEncodeError:
        raise _malformed("A text holds half of a surrogate pair; correct it.") from None
    except ValueError:
        raise _malformed("The body holds a number that has too many digits.") from None
    return value


_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]', re.DOTALL)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()[0]
        if mark in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "}]":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _malformed("An object of the body names a key twice; keep one of them.")
    return value


def _constant(_: str) -> NoReturn:
    raise _malformed("NaN and Infinity are not JSON; leave the value out.")


def _malformed(text: str) -> Refused:
    return Refused("malformed-request", text)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def takes_json(route: Route) -> bool:
    """Whether the route's body is a JSON object of its own form."""
    return route.method == "POST" and route[:2] != PUBLISHING


def media_type_of(route: Route) -> str:
    """The media type of the route's answer where all is well."""
    return "text/html" if route.path == "/v1/docs" else "application/json"
