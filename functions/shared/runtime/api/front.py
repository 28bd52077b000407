"""One request through the API: who asks and why, what is asked, the answer, what is said of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.shared.core.access import Caller, Errand, Look, caller_subject
from functions.shared.core.answers import Problem
from functions.shared.core.errors import Defect
from functions.shared.core.purposes import PURPOSES, header_at_fault, problem_with
from functions.shared.ports import AccessLog, Deadline, Directory
from functions.shared.runtime.api import answering, guard, problems
from functions.shared.runtime.api.caller import caller_of
from functions.shared.runtime.api.gateway import HttpAnswer, HttpEvent, Request
from functions.shared.runtime.api.invalid import problems_of
from functions.shared.runtime.api.problems import Refused, refusal_of
from functions.shared.runtime.api.routes import PUBLISHING, Route, routes_at
from functions.shared.runtime.sqs import LambdaContext, TimeLeft

if TYPE_CHECKING:
    from functions.shared.runtime.api.narration import ApiNarrator

KEPT_BACK: Final = 2.0
"""Seconds of the function's time that stay for the answer."""
ALWAYS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""Headers of every answer."""
WITHOUT_PURPOSE: Final = "none"
"""What stands for the purpose of a request that names none that is registered."""
SHARING: Final = "data-sharing"
"""The purpose of what an agency publishes, which names none."""


class Asked(NamedTuple):
    """What a route's function is told besides its fields."""

    caller: Caller
    errand: Errand
    deadline: Deadline
    request: Request
    body: bytes


class Patience:
    """The deadline of the request that is being answered, for services that outlive it."""

    def __init__(self) -> None:
        self._deadline: Deadline | None = None

    def begin(self, deadline: Deadline) -> None:
        """Another request is answered from now on."""
        self._deadline = deadline

    def __call__(self) -> Deadline:
        """The deadline. Raises Defect where no request is being answered."""
        if self._deadline is None:
            raise Defect("There is no request that has a deadline.")
        return self._deadline


class Api:
    """Answers requests to the routes of one function. Never raises."""

    def __init__(
        self,
        function: str,
        resolver: APIGatewayHttpResolver,
        directory: Directory,
        log: AccessLog,
        narrator: ApiNarrator,
        patience: Patience,
    ) -> None:
        self._function = function
        self._resolver = resolver
        self._directory = directory
        self._log = log
        self._narrator = narrator
        self._patience = patience
        self._parameters: dict[tuple[str, str], frozenset[str]] = {}
        resolver.exception_handler(Exception)(_raised)

    def handle(self, event: HttpEvent, context: LambdaContext) -> HttpAnswer:
        """The answer, a problem document where the request is not answered."""
        began = time.perf_counter()
        visit = _Visit(Request(event), TimeLeft(context, KEPT_BACK))
        self._patience.begin(visit.deadline)
        try:
            answer, refused, unexpected = self._answered(visit, context), None, None
        except Exception as error:  # the edge: whatever happened, the caller gets a document
            refused = _refused(error)
            unexpected = error
            answer = problems.answer(refused, visit.request.id)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        answer["headers"] = {**headers, **ALWAYS, "x-request-id": visit.request.id}
        self._narrator.tell(
            visit.route,
            visit.request.id,
            answer["statusCode"],
            round((time.perf_counter() - began) * 1000),
            code=refused.code if refused else None,
            caller=visit.caller,
            errand=visit.errand,
            error=unexpected,
        )
        return answer

    def _answered(self, visit: _Visit, context: LambdaContext) -> HttpAnswer:
        request = visit.request
        visit.route = route = self._route(request)
        if not route.open:
            visit.caller = caller_of(request.claims, self._directory, visit.deadline)
            visit.errand = self._errand(visit, visit.caller, route)
        guard.check_acceptable(request, guard.media_type_of(route))
        parameters = guard.parameters_of(request, self._known(route))
        body = b""
        if guard.takes_json(route):
            guard.json_of(request, route)
            body = request.body
        elif route[:2] == PUBLISHING:
            body = guard.body_of(request, route)
        if visit.caller is not None and visit.errand is not None:
            asked = Asked(visit.caller, visit.errand, visit.deadline, request, body)
            answering.ask(self._resolver, asked)
        asked_for = _checked(request, parameters, body)
        answer = self._resolver.resolve(asked_for, cast(Any, context))
        headers = answer.pop("multiValueHeaders", None) or answer.get("headers") or {}
        return {
            "statusCode": answer["statusCode"],
            "headers": dict(headers),
            "body": answer["body"],
            "isBase64Encoded": answer["isBase64Encoded"],
        }

    def _route(self, request: Request) -> Route:
        there = routes_at(request.path)
        route = there.get(request.method)
        if route is not None and route.function == self._function:
            return route
        if not there or route is not None:
            raise Refused("no-such-route", "The API has no such path; see /v1/docs.")
        raise Refused(
            "method-not-allowed",
            f"The path takes {' and '.join(sorted(there))}.",
            headers={"Allow": ", ".join(sorted(there))},
        )

    def _errand(self, visit: _Visit, caller: Caller, route: Route) -> Errand:
        """Why it is asked. A request that does not say so is refused, and that is noted."""
        request = visit.request
        if not route.reads:
            return Errand(SHARING, None, request.id)
        purpose, case = request.headers.get("x-purpose"), request.headers.get("x-case")
        text = problem_with(purpose, case)
        if text is None:
            return Errand(str(purpose), case, request.id)
        known = str(purpose) if purpose in PURPOSES else WITHOUT_PURPOSE
        look = Look(
            subject=caller_subject(caller.id),
            action="ask",
            allowed=False,
            rules=(),
            seen={},
            masked={},
            note={"outcome": "no-purpose", "route": f"{route.method} {route.path}"},
        )
        self._log.note(caller, Errand(known, None, request.id), [look], {}, visit.deadline)
        problem = Problem(header_at_fault(purpose), "purpose-required", text)
        raise Refused("purpose-required", text, (problem,))

    def _known(self, route: Route) -> frozenset[str]:
        """The query parameters that a route has."""
        key = route.method, route.path
        if (known := self._parameters.get(key)) is None:
            known = self._parameters[key] = query_parameters(self._resolver, route)
        return known


class _Visit:
    """What is known of a request so far."""

    def __init__(self, request: Request, deadline: Deadline) -> None:
        self.request = request
        self.deadline = deadline
        self.route: Route | None = None
        self.caller: Caller | None = None
        self.errand: Errand | None = None


def query_parameters(resolver: APIGatewayHttpResolver, route: Route) -> frozenset[str]:
    """The names of the query parameters that a route's function takes."""
    for found in (*resolver._static_routes, *resolver._dynamic_routes):
        if (found.method, found.openapi_path) == (route.method, route.path):
            return frozenset(field.alias for field in found.dependant.query_params)
    raise LookupError(f"The resolver has no {route.method} {route.path}.")


def _checked(request: Request, parameters: dict[str, str], body: bytes) -> dict[str, Any]:
    """The event as the resolver gets it: without the stage, with what was checked."""
    context = {**request.event["requestContext"], "stage": "$default"}
    return {
        **request.event,
        "rawPath": request.path,
        "queryStringParameters": parameters,
        "requestContext": context,
        "headers": dict(request.headers),
        "body": body.decode("utf-8", "replace"),
        "isBase64Encoded": False,
    }


def _raised(error: Exception) -> NoReturn:
    """Keeps powertools from logging an error's text and from answering it in its own form."""
    raise error


def _refused(error: Exception) -> Refused:
    if isinstance(error, RequestValidationError):
        return guard.invalid(problems_of(error.errors()))
    return refusal_of(error)
