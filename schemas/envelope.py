"""The attributes of an event: limits and patterns, as the parser enforces them.

CloudEvents 1.0, structured JSON, one event per queue message. Attributes that are `null` are
as good as left out (CloudEvents JSON format, section 2.2). Patterns match whole values; use
`re.fullmatch`. `schemas.cloud_event` has the same as a model, with a description per attribute.
"""

from __future__ import annotations

from typing import Final

from schemas.forms import AGENCY_ID_MAX, AGENCY_NEW, AGENCY_OTHER, PRINTABLE_PATTERN

MAX_MESSAGE_BYTES: Final = 262_144
"""Bytes of UTF-8 of a message."""
MAX_DATA_BYTES: Final = 16_384
"""Bytes of `data` as compact JSON in UTF-8."""
MAX_NESTING: Final = 32
"""Levels of nesting of a message, the outermost value being 1."""
MAX_SECONDS_AHEAD: Final = 300
"""How far `time` may be after the queue's SentTimestamp."""

SPECVERSION: Final = "1.0"
ID_PATTERN: Final = PRINTABLE_PATTERN
"""1-128 printable characters; unlike `str.isprintable` alike in every version of Python."""
REGISTRY_SOURCE: Final = "/agencies/registry"
SOURCE_MAX: Final = len("/agencies/") + AGENCY_ID_MAX
SOURCE_PATTERN: Final = f"^/agencies/(?:{AGENCY_NEW}|{AGENCY_OTHER}|registry)$"
"""Agency ids have at most 35 characters, so a source has at most `SOURCE_MAX`."""
TYPE_PATTERN: Final = "^vn[.]lienthong[.][a-z-]{1,32}[.][a-z-]{1,32}[.]v[0-9]{1,4}$"
SEQUENCE_PATTERN: Final = "^[0-9]{1,18}$"
EXTENSION_NAME: Final = "^[a-z0-9]{1,20}$"


def _either_case(text: str) -> str:
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in text)


DATACONTENTTYPE_PATTERN: Final = (
    f"^{_either_case('application/json')}"
    f"(?:[ \\t]*;[ \\t]*{_either_case('charset')}=(?:{_either_case('utf-8')}"
    f'|"{_either_case("utf-8")}"))?$'
)
"""`application/json` in either case, with or without a charset of UTF-8 (RFC 9110, 8.3.1)."""

CORE: Final = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "correctionof",
    "data",
)
"""The attributes that an event's digest covers."""
