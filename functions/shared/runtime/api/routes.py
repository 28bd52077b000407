"""Every route of the API, in the path syntax of API Gateway: what the template and the resolvers
have in common, and tests compare."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Route(NamedTuple):
    """A method and path, the function behind it, and whether it is answered without a token."""

    method: str
    path: str
    function: str
    open: bool

    @property
    def reads(self) -> bool:
        """Whether a purpose has to be named: everywhere but where an agency's own events come
        in, for the fixed purpose of data sharing."""
        return not self.open and self[:2] != PUBLISHING


PUBLISHING: Final = ("POST", "/v1/events")

ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", "/v1/people/lookups", "query", open=False),
    Route("POST", "/v1/people/searches", "query", open=False),
    Route("GET", "/v1/people/{record}", "query", open=False),
    Route("GET", "/v1/insurance-cards/{record}", "query", open=False),
    Route("GET", "/v1/dossiers", "query", open=False),
    Route("POST", "/v1/dossiers/lookups", "query", open=False),
    Route("GET", "/v1/dossiers/{record}", "query", open=False),
    Route("GET", "/v1/records/{record}/history", "query", open=False),
    Route("GET", "/v1/events", "query", open=False),
    Route("GET", "/v1/people/{record}/access-log", "query", open=False),
    Route("GET", "/v1/access-log", "query", open=False),
    Route("POST", "/v1/access-log/{entry}/deferrals", "query", open=False),
    Route("GET", "/v1/me", "query", open=False),
    Route("GET", "/v1/openapi.json", "query", open=True),
    Route("GET", "/v1/docs", "query", open=True),
    Route(*PUBLISHING, "intake", open=False),
    Route("GET", "/v1/quarantine", "intake", open=False),
    Route("GET", "/v1/quarantine/{entry}", "intake", open=False),
    Route("POST", "/v1/quarantine/{entry}/replays", "intake", open=False),
    Route("POST", "/v1/quarantine/{entry}/dismissals", "intake", open=False),
    Route("POST", "/v1/quarantine/replays", "intake", open=False),
    Route("POST", "/v1/quarantine/corrections", "intake", open=False),
    Route("POST", "/v1/quarantine/dismissals", "intake", open=False),
)

_PARAMETER: Final = re.compile(r"\{([a-z]+)\}")
_PATTERNS: Final = tuple(
    (re.compile(_PARAMETER.sub(r"[^/]+", path)), path)
    for path in sorted({route.path for route in ROUTES}, key=lambda path: (path.count("{"), path))
)


def routes_at(path: str) -> dict[str, Route]:
    """The routes of a path, by method; none where the API has no such path. A path of words is
    never taken for one with a parameter in it."""
    for pattern, known in _PATTERNS:
        if pattern.fullmatch(path):
            return {route.method: route for route in ROUTES if route.path == known}
    return {}


def in_powertools_syntax(path: str) -> str:
    """The path with its parameters as powertools writes them (`<record>`)."""
    return _PARAMETER.sub(r"<\1>", path)
