"""A record with the provenance of each of its fields, as a document and for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from functions.shared.core.instants import VIETNAM
from functions.shared.core.views import LaneView, is_family, lane_views
from functions.shared.core.warnings import WARNINGS
from schemas.forms import STORED_INSTANT_PATTERN

__all__ = [
    "STATUS_NAMES",
    "LaneView",
    "explained",
    "is_family",
    "lane_views",
    "local",
    "readable",
    "status_name",
]

STATUS_NAMES: Final[Mapping[int, str]] = {
    1: "registered",
    2: "accepted",
    3: "refused",
    4: "in process",
    5: "supplement requested",
    6: "fee due",
    7: "withdrawn",
    8: "stopped",
    9: "done",
    10: "result returned",
}
"""The national dossier states, as the contract names them."""


def explained(warning: str) -> str:
    """What a warning of a record says, in words."""
    return WARNINGS.get(warning.partition(":")[0], "")


_INSTANT: Final = re.compile(STORED_INSTANT_PATTERN)


def local(instant: str) -> str:
    """A stored instant in Vietnam time, to the second; anything else as it is."""
    if not _INSTANT.fullmatch(instant):
        return instant
    try:
        moment = datetime.fromisoformat(instant).astimezone(VIETNAM)
    except OverflowError:  # the last hours of the year 9999
        return instant
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def readable(value: Any) -> str:
    """A value for people: instants in Vietnam time, objects as `name: value`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case str():
            return local(value)
        case dict():
            return ", ".join(f"{name}: {readable(part)}" for name, part in value.items())
        case list():
            return "; ".join(map(readable, value))
        case _:
            return str(value)


def status_name(status: Any) -> str:
    """`4 in process`."""
    return f"{status} {STATUS_NAMES.get(status, '')}".strip() if status is not None else ""
