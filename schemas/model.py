"""What all models of event data have in common.

Event data are typed dictionaries validated by pydantic: an event that leaves a field out and
one that withdraws it with `null` differ, so a default would lie. Validation gives a new plain
dictionary of what was sent, in the order of the table, at a third of the cost of a class.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict

STATED: Final = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
"""Strict, closed, and its errors never hold what was received."""
NOT_EMPTY: Final = ConfigDict(**STATED, json_schema_extra={"minProperties": 1})
"""The same for an object of which every part is optional but one must be there."""

LEFT_OUT: Final[Any] = None
"""The default of a document's attribute that may be missing but is never `null`."""
