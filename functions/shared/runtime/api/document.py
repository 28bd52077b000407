"""The OpenAPI document of the whole API, out of the resolvers of both functions.

Powertools describes what it validates; what the shell does around it is added here: purpose and
case, the sign-in, problems, the media types of events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import TypeAdapter

from functions.shared.core.purposes import PURPOSES
from functions.shared.core.receipts import RECIPE
from functions.shared.runtime.api.guard import MOST_BYTES, media_type_of, takes_json
from functions.shared.runtime.api.intake_routes import intake_resolver
from functions.shared.runtime.api.problems import MEDIA_TYPE, PROBLEMS
from functions.shared.runtime.api.query_routes import query_resolver
from functions.shared.runtime.api.routes import PUBLISHING, ROUTES, Route
from functions.shared.runtime.publishing import BATCH, MOST_EVENTS, STRUCTURED
from schemas import api_answers as answers
from schemas.cloud_event import CloudEvent
from schemas.envelope import EXTENSION_NAME

TITLE: Final = "Liên thông"
VERSION: Final = "1"
REFERENCE: Final = "#/components/schemas/{model}"
_POWERTOOLS: Final = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_CASE: Final = "^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?$"
_DESCRIPTION: Final = f"""\
The shared population, health-insurance and dossier records of a province or city: who is asked \
about, where each field came from, who looked, and what became of every event.

**Signing in.** Every route but this document and its page takes an access token of the user pool \
in `Authorization: Bearer <token>`. An officer signs in with an account whose groups are roles and \
which names an agency; the system of an agency signs in with client credentials, and its agency is \
the one that names the client id among its senders.

**Purpose and case.** Every route that reads takes `X-Purpose`, a registered purpose, and \
`X-Case`, what is being worked on, where the purpose needs one. Both are kept with each \
look, for good.

**Every look is noted** before its answer leaves, and so is every refusal. What a policy does not \
show is masked: a field says that it is there and in which group.

**No personal id in a URL.** Records are named by opaque ids, which answers hold. Cursors are \
opaque as well and belong to one question of one caller.

**What cannot be answered** comes as a problem document (RFC 9457). 422 says that the request is \
not as this document says; 400 that it is, and still has no meaning, or cannot be read at all.

**Receipts.** {RECIPE}
"""
_TAGS: Final[Mapping[str, str]] = {
    "people": "People, with their cards and dossiers",
    "records": "One record, now or in the past",
    "events": "Events and their receipts",
    "quarantine": "Refused events",
    "access-log": "Who looked at what, and why",
    "service": "The API itself",
}
_TAG_OF: Final[Mapping[str, str]] = {
    "people": "people",
    "insurance-cards": "records",
    "dossiers": "records",
    "records": "records",
    "events": "events",
    "quarantine": "quarantine",
    "access-log": "access-log",
}
_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "person-moved-2026-0007",
    "source": "/agencies/G01",
    "type": "vn.lienthong.person.moved.v1",
    "subject": "001190000017",
    "time": "2026-03-02T08:15:00+07:00",
    "data": {
        "personal_id": "001190000017",
        "residence": {"commune": "00070", "address": "Số 12, ngõ Mẫu, phố Thử Nghiệm"},
    },
}
Schema = dict[str, Any]


def document() -> Schema:
    """The document: always the same for the same code."""
    nobody = cast(Any, None)
    parts = [
        _described(query_resolver(nobody)),
        _described(intake_resolver(nobody, nobody, nobody)),
    ]
    schemas = _merged(part["components"]["schemas"] for part in parts)
    for name in _POWERTOOLS:
        schemas.pop(name, None)
    schemas = _merged([schemas, _schemas_of_the_shell(), *map(_schemas_of, ANSWERS.values())])
    paths: Schema = {}
    for route in ROUTES:
        (operation,) = [
            methods[route.method.lower()]
            for part in parts
            if route.method.lower() in (methods := part["paths"].get(route.path, {}))
        ]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation)
    return cast(
        Schema,
        _tidy(
            {
                "openapi": "3.1.0",
                "info": {"title": TITLE, "version": VERSION, "description": _DESCRIPTION},
                # Relative to the document, so that it holds below any address.
                "servers": [{"url": "..", "description": "The stack that serves this document."}],
                "security": [{"signIn": []}],
                "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
                "paths": paths,
                "components": {
                    "schemas": schemas,
                    "parameters": _HEADERS,
                    "responses": {f"Problem{status}": _problem(status) for status in _STATUSES},
                    "securitySchemes": {
                        "signIn": {
                            "type": "http",
                            "scheme": "bearer",
                            "bearerFormat": "JWT",
                            "description": "An access token of the stack's user pool.",
                        }
                    },
                },
            }
        ),
    )


ANSWERS: Final[Mapping[tuple[str, str], Any]] = {
    ("POST", "/v1/people/lookups"): answers.LookupAnswer,
    ("POST", "/v1/people/searches"): answers.SearchAnswer,
    ("GET", "/v1/people/{record}"): answers.OneRecordAnswer,
    ("GET", "/v1/insurance-cards/{record}"): answers.OneRecordAnswer,
    ("GET", "/v1/dossiers"): answers.DossiersAnswer,
    ("POST", "/v1/dossiers/lookups"): answers.OneRecordAnswer,
    ("GET", "/v1/dossiers/{record}"): answers.OneRecordAnswer,
    ("GET", "/v1/records/{record}/history"): answers.PastRecordAnswer | answers.ChangesAnswer,
    ("GET", "/v1/events"): answers.ReceiptAnswer,
    ("GET", "/v1/people/{record}/access-log"): answers.AccessLogAnswer,
    ("GET", "/v1/access-log"): answers.AccessLogAnswer,
    ("POST", "/v1/access-log/{entry}/deferrals"): answers.DeferralAnswer,
    ("GET", "/v1/me"): answers.MeAnswer,
    ("GET", "/v1/openapi.json"): dict[str, Any],
    ("GET", "/v1/docs"): str,
    PUBLISHING: answers.PublishedAnswer,
    ("GET", "/v1/quarantine"): answers.EntriesAnswer | answers.CountsAnswer,
    ("GET", "/v1/quarantine/{entry}"): answers.WholeEntryAnswer,
    ("POST", "/v1/quarantine/{entry}/replays"): answers.ReplayAnswer,
    ("POST", "/v1/quarantine/{entry}/dismissals"): answers.DismissalAnswer,
    ("POST", "/v1/quarantine/replays"): answers.ForesightAnswer | answers.TallyAnswer,
    ("POST", "/v1/quarantine/corrections"): answers.ForesightAnswer | answers.TallyAnswer,
    ("POST", "/v1/quarantine/dismissals"): answers.ForesightAnswer | answers.TallyAnswer,
}
"""What each route answers where all is well."""


def _described(resolver: APIGatewayHttpResolver) -> Schema:
    described: Schema = json.loads(resolver.get_openapi_json_schema(title=TITLE, version=VERSION))
    for route in (*resolver._static_routes, *resolver._dynamic_routes):
        operation = described["paths"][route.openapi_path][route.method.lower()]
        operation["operationId"] = route.func.__name__
        operation["summary"] = (route.func.__doc__ or "").strip()
    return described


def _merged(several: Iterable[Schema]) -> Schema:
    whole: Schema = {}
    for schemas in several:
        for name, schema in schemas.items():
            if whole.setdefault(name, schema) != schema and name not in _POWERTOOLS:
                raise ValueError(f"Two schemas are called {name}.")
    return whole


def _schemas_of(answer: Any) -> Schema:
    """The schemas that an answer refers to, itself included."""
    schema = TypeAdapter(answer).json_schema(ref_template=REFERENCE)
    schemas: Schema = schema.pop("$defs", {})
    if isinstance(answer, type) and issubclass(answer, answers.Answer):
        schemas[answer.__name__] = schema
    return schemas


def _reference_to(answer: Any) -> Schema:
    """The schema of an answer, by reference where it has a name."""
    if isinstance(answer, type) and issubclass(answer, answers.Answer):
        return {"$ref": REFERENCE.format(model=answer.__name__)}
    schema: Schema = TypeAdapter(answer).json_schema(ref_template=REFERENCE)
    schema.pop("$defs", None)
    return schema


def _schemas_of_the_shell() -> Schema:
    problem = TypeAdapter(answers.ProblemDocument).json_schema(ref_template=REFERENCE)
    event = TypeAdapter(CloudEvent).json_schema(ref_template=REFERENCE)
    event["patternProperties"] = {EXTENSION_NAME: True}
    return {
        **problem.pop("$defs", {}),
        "ProblemDocument": problem,
        **event.pop("$defs", {}),
        "CloudEvent": {
            **event,
            "description": (
                "CloudEvents 1.0, structured. What `data` holds is in the schema of each event"
                " type: schemas/generated/<type>.schema.json, and asyncapi.json."
            ),
        },
    }


# One operation ------------------------------------------------------------------------------


def _operation(route: Route, described: Schema) -> Schema:
    area = route.path.split("/")[2]
    area = "access-log" if route.path.endswith("/access-log") else area
    operation: Schema = {
        "operationId": described["operationId"],
        "summary": described["summary"],
        "tags": [_TAG_OF.get(area, "service")],
        "parameters": [_parameter(one) for one in described.get("parameters", ())],
        "responses": {
            "202" if route[:2] == PUBLISHING else "200": _well(route),
            **{
                str(status): {"$ref": f"#/components/responses/Problem{status}"}
                for status in _STATUSES
                if _may_be(route, status)
            },
        },
    }
    if route.reads:
        operation["parameters"] += [
            {"$ref": f"#/components/parameters/{name}"} for name in _HEADERS
        ]
    if route.open:
        operation["security"] = []
    if takes_json(route):
        operation["requestBody"] = described["requestBody"]
    elif route[:2] == PUBLISHING:
        operation["requestBody"] = _EVENTS
        operation["description"] = _OF_EVENTS
    return operation


def _well(route: Route) -> Schema:
    return {
        "description": "As asked.",
        "content": {media_type_of(route): {"schema": _reference_to(ANSWERS[route[:2]])}},
        "headers": {
            "X-Request-Id": {"description": "Id of the request.", "schema": {"type": "string"}},
            "Cache-Control": {"schema": {"const": "no-store"}},
        },
    }


def _parameter(parameter: Schema) -> Schema:
    """A parameter that may be left out is never null."""
    schema = dict(parameter["schema"])
    if {"type": "null"} in (choices := schema.pop("anyOf", [])):
        (choice,) = (one for one in choices if one != {"type": "null"})
        schema = {**schema, **choice}
    schema.pop("description", None)
    return {**parameter, "schema": schema}


def _may_be(route: Route, status: int) -> bool:
    """Whether a route may be answered with a status."""
    if route.open:
        return status in (406, 422, 400, 500)
    if status == 404:
        return "{" in route.path or route.path.endswith("lookups") or route.path == "/v1/events"
    if status in (413, 415):
        return route.method == "POST"
    return True


_STATUSES: Final = tuple(sorted({meaning.status for meaning in PROBLEMS.values()} - {405}))


def _problem(status: int) -> Schema:
    """The answer of a status: which problems it may be."""
    codes = {code: meaning for code, meaning in PROBLEMS.items() if meaning.status == status}
    texts = [f"`{code}`: {meaning.title}." for code, meaning in codes.items()]
    response: Schema = {
        "description": " ".join(texts),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": REFERENCE.format(model="ProblemDocument")},
                "example": _example(next(iter(codes)), status),
            }
        },
    }
    headers = {429: "Retry-After", 503: "Retry-After", 401: "WWW-Authenticate"}
    if status in headers:
        response["headers"] = {headers[status]: {"schema": {"type": "string"}}}
    return response


def _example(code: str, status: int) -> Schema:
    return {
        "type": f"urn:lienthong:problem:{code}",
        "title": PROBLEMS[code].title,
        "status": status,
        "detail": "A sentence that says what to do.",
        "code": code,
        "errors": [],
        "request_id": "JKJaXmPLvHcESHA=",
    }


_HEADERS: Final[Schema] = {
    "Purpose": {
        "name": "X-Purpose",
        "in": "header",
        "required": True,
        "description": "Why you ask: "
        + "; ".join(f"`{purpose.code}` {purpose.title}" for purpose in PURPOSES.values())
        + ".",
        "schema": {"type": "string", "enum": list(PURPOSES)},
        "example": "population-administration",
    },
    "Case": {
        "name": "X-Case",
        "in": "header",
        "required": False,
        "description": "What is being worked on; never a person's number. Needed for "
        + "; ".join(
            f"`{purpose.code}`: {purpose.case}"
            for purpose in PURPOSES.values()
            if purpose.needs_case
        )
        + ".",
        "schema": {"type": "string", "pattern": _CASE},
    },
}
_EVENT: Final = {"$ref": REFERENCE.format(model="CloudEvent")}
_EVENTS: Final[Schema] = {
    "required": True,
    "content": {
        STRUCTURED: {"schema": _EVENT, "example": _EXAMPLE},
        BATCH: {
            "schema": {
                "type": "array",
                "items": _EVENT,
                "minItems": 1,
                "maxItems": MOST_EVENTS,
            },
            "example": [_EXAMPLE],
        },
    },
}
_OF_EVENTS: Final = (
    f"One event as `{STRUCTURED}`, or 1 to {MOST_EVENTS} as `{BATCH}`; in binary mode the event's"
    " attributes are headers that begin with `ce-`, percent-encoded, and the body is its data as"
    f" `application/json`. A body may have {MOST_BYTES['intake']:,} bytes, an event 262,144. Each"
    " event is examined at once by the rules of the contract and queued as it was given. Its"
    " `source` is the caller's own agency. Sending the same event again does no harm."
)


def _tidy(node: Any) -> Any:
    """Without the titles that pydantic derives from names, and without nulls as defaults."""
    if isinstance(node, list):
        return [_tidy(child) for child in node]
    if not isinstance(node, dict):
        return node
    if "properties" in node or "$ref" in node or "type" in node or "anyOf" in node:
        node = {
            name: value
            for name, value in node.items()
            if not (name == "title" and isinstance(value, str))
            and not (name == "default" and value is None)
        }
    return {name: _tidy(value) for name, value in node.items()}
