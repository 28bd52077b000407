"""What every route's function needs: how it is declared, who asks, how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from functions.shared.core.access import Caller, Errand
from functions.shared.runtime.api.routes import in_powertools_syntax

JSON: str = "application/json"
_KEY = "asked"


def resolver_of() -> APIGatewayHttpResolver:
    """A resolver without routes, which validates what it is asked."""
    return APIGatewayHttpResolver(enable_validation=True, debug=False)


def declared(
    method: str, path: str, answer: Any, media_type: str = JSON, status: int = 200
) -> dict[str, Any]:
    """The arguments of a route's decorator: its path, and what it answers where all is well."""
    del method  # the decorator has it; it stands here so that a route reads as in `routes`
    content: Any = {media_type: {"model": answer}}
    return {
        "rule": in_powertools_syntax(path),
        "responses": {status: {"description": "As asked.", "content": content}},
    }


def ask(resolver: APIGatewayHttpResolver, asked: Any) -> None:
    """Tells the routes' functions who asks what."""
    resolver.context[_KEY] = asked


def asked_whole(resolver: APIGatewayHttpResolver) -> Any:
    """What the front knows of the request that is being answered."""
    return resolver.context[_KEY]


def asked_of(resolver: APIGatewayHttpResolver) -> tuple[Caller, Errand]:
    """Who asks, and why."""
    asked = asked_whole(resolver)
    return asked.caller, asked.errand


def answered(answer: Mapping[str, Any], status: int = 200) -> Response[str]:
    """An answer in JSON. The models describe it; nothing is spent on validating it."""
    return Response(status, JSON, orjson.dumps(answer).decode())
