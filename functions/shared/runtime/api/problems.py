"""Problem documents (RFC 9457): every request that is not answered gets one.

`detail` and `errors` say what to do, and never hold a value that was received.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from functions.shared.core.answers import BadRequest, Declined, NotFound, NotPermitted, Problem
from functions.shared.core.errors import LienThongError, Retry
from functions.shared.runtime.api.gateway import HttpAnswer

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "urn:lienthong:problem:"
SECONDS_TO_WAIT: Final = 2
"""After a failure that passes."""


class Meaning(NamedTuple):
    """What a problem's code stands for."""

    status: int
    title: str


PROBLEMS: Final[Mapping[str, Meaning]] = {
    "malformed-request": Meaning(400, "The request cannot be read"),
    "purpose-required": Meaning(400, "The purpose or the case is missing or wrong"),
    "invalid-request": Meaning(400, "What is asked has no meaning"),
    "not-signed-in": Meaning(401, "Sign in first"),
    "no-agency": Meaning(403, "The account belongs to no agency of the registry"),
    "not-permitted": Meaning(403, "No policy permits this"),
    "source-not-permitted": Meaning(403, "The events are another agency's"),
    "not-found": Meaning(404, "There is no such thing"),
    "no-such-route": Meaning(404, "The API has no such path"),
    "method-not-allowed": Meaning(405, "The path has no such method"),
    "not-acceptable": Meaning(406, "The answer has another media type"),
    "too-large": Meaning(413, "The body is too large"),
    "unsupported-media-type": Meaning(415, "The body has another media type"),
    "invalid-fields": Meaning(422, "Fields or parameters are invalid"),
    "events-refused": Meaning(422, "No event was queued"),
    "allowance-spent": Meaning(429, "The allowance is used up"),
    "internal-error": Meaning(500, "The service failed"),
    "unavailable": Meaning(503, "Something is in the way for a moment"),
}
"""The codes of problem documents; `type` is `urn:lienthong:problem:<code>`."""


class Refused(LienThongError):
    """The shell does not answer a request; `more` is added to the document."""

    def __init__(
        self,
        code: str,
        text: str,
        problems: tuple[Problem, ...] = (),
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.problems = problems
        self.headers = headers or {}
        self.more = more or {}


def refusal_of(error: Exception) -> Refused:
    """The refusal that answers an error; for what nobody expected, one that says nothing."""
    # A function that answers no question about people starts without the allowances.
    from functions.shared.core.allowances import AllowanceSpent

    if isinstance(error, Refused):
        return error
    if isinstance(error, AllowanceSpent):
        return Refused(
            "allowance-spent",
            f"The allowance of this {error.window.value} is used up; ask again later, or ask the"
            " operator for a larger one.",
            headers={"Retry-After": str(error.seconds)},
        )
    if isinstance(error, BadRequest):
        return Refused(error.code, error.text, error.problems)
    if isinstance(error, NotPermitted | NotFound):
        return Refused(error.code, error.text)
    if isinstance(error, Declined):
        return Refused("invalid-request", error.text)
    if isinstance(error, Retry):
        return Refused(
            "unavailable",
            "Something passing is in the way; nothing was released. Asking again does no harm.",
            headers={"Retry-After": str(SECONDS_TO_WAIT)},
        )
    return Refused(
        "internal-error",
        "The service failed; tell the operator the request id if it happens again.",
    )


def document(refused: Refused, request_id: str) -> dict[str, Any]:
    """The problem document of a refusal."""
    status, title = PROBLEMS[refused.code]
    return {
        "type": f"{PREFIX}{refused.code}",
        "title": title,
        "status": status,
        "detail": refused.text,
        "code": refused.code,
        "errors": [dict(problem.as_json()) for problem in refused.problems],
        "request_id": request_id,
        **refused.more,
    }


def answer(refused: Refused, request_id: str) -> HttpAnswer:
    """The answer that carries the document."""
    return {
        "statusCode": PROBLEMS[refused.code].status,
        "headers": {"content-type": MEDIA_TYPE, **refused.headers},
        "body": orjson.dumps(document(refused, request_id)).decode(),
        "isBase64Encoded": False,
    }
