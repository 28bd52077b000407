"""What every route's function needs: who asks, how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from functions.shared.core.access import Caller, Errand

JSON: str = "application/json"
_KEY = "asked"


def resolver_of() -> APIGatewayHttpResolver:
    """A resolver without routes, which validates what it is asked."""
    return APIGatewayHttpResolver(enable_validation=True, debug=False)


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
