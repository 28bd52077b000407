"""A request as API Gateway hands it over (HTTP API, payload format 2.0), and an answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

HttpEvent = Mapping[str, Any]
HttpAnswer = dict[str, Any]


class BrokenBody(ValueError):
    """The body is not the bytes that it says it is."""


@dataclass(frozen=True)
class Request:
    """What a function looks at of a request; names of headers are in lower case."""

    event: HttpEvent = field(repr=False)

    @cached_property
    def id(self) -> str:
        """The gateway's id of the request."""
        return str(self._context.get("requestId") or "none")

    @property
    def method(self) -> str:
        return str(self._http.get("method", "")).upper()

    @property
    def path(self) -> str:
        """The path without the stage, which the gateway leaves in where it has a name."""
        path = str(self.event.get("rawPath", ""))
        stage = self._context.get("stage")
        if stage and stage != "$default":
            path = path.removeprefix(f"/{stage}")
        return path

    @property
    def query(self) -> str:
        return str(self.event.get("rawQueryString") or "")

    @cached_property
    def headers(self) -> Mapping[str, str]:
        return {str(k).lower(): str(v) for k, v in (self.event.get("headers") or {}).items()}

    @property
    def claims(self) -> Mapping[str, Any] | None:
        """The claims that the gateway verified; None where it verified none."""
        authorizer = self._context.get("authorizer") or {}
        claims = (authorizer.get("jwt") or {}).get("claims")
        return claims if isinstance(claims, Mapping) and claims else None

    @cached_property
    def body(self) -> bytes:
        """The body's bytes. Raises BrokenBody."""
        body = self.event.get("body") or ""
        if not self.event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise BrokenBody from None

    @property
    def _context(self) -> Mapping[str, Any]:
        return self.event.get("requestContext") or {}

    @property
    def _http(self) -> Mapping[str, Any]:
        return self._context.get("http") or {}
