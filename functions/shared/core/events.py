"""An event as it arrived and was understood: the first of the three shapes a fact takes.

`Event` (arriving), `lanes.Record` (stored) and `ledger.LedgerEntry` (proof) are three types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from functions.shared.core.stamps import Stamp

Json = object
"""A JSON value: str, int, bool, None, list or dict of such. Never a float."""


# A batch makes hundreds: straight from its values, in half of the time of a call by name.
_stamp: Final = partial(tuple.__new__, Stamp)


class Envelope(NamedTuple):
    """The attributes of a readable CloudEvent.

    `core` is the canonical bytes of the core attributes as received, over which the event's
    digest is taken; None where the data has no canonical form (such an event is refused).
    """

    source: str
    id: str
    type: str
    subject: str
    time: str
    sequence: str | None
    core: bytes | None
    uid: str
    """The event's identity, for ever (`uid_of`)."""

    @property
    def stamp(self) -> Stamp:
        """The stamp of every statement the event makes."""
        source, event_id, _, _, time, sequence, _, _ = self
        return _stamp((time, int(sequence) if sequence else 0, source, event_id))


def uid_of(source: str, event_id: str) -> str:
    """The identity of an event. A source holds no `#`, so no two share one."""
    return f"{source}#{event_id}"


class Event(NamedTuple):
    """A valid event: what it says, field by field.

    `fields` and `values` belong together, in the order in which the ledger lists changes; a
    value of None withdraws. Steps are fields `step/<source>/<step id>`, replaced ids are
    fields `replaces/<id>`.
    """

    envelope: Envelope
    kind: str
    key: str
    core: bytes
    fields: tuple[str, ...]
    values: tuple[Json, ...]

    @property
    def statements(self) -> tuple[tuple[str, Json], ...]:
        """(field, value) pairs."""
        return tuple(zip(self.fields, self.values, strict=True))

    @property
    def uid(self) -> str:
        return self.envelope.uid

    @property
    def record_key(self) -> str:
        """`<kind>/<key>`, the ledger's name for the record."""
        return f"{self.kind}/{self.key}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message was refused: a code of the contract, a JSON Pointer, a sentence.

    `error` is the class of a field's error (`missing`, `pattern`, ...) where there is one.
    """

    code: str
    path: str
    text: str
    error: str = ""

    def as_json(self) -> Mapping[str, str]:
        plain = {"code": self.code, "path": self.path, "text": self.text}
        return {**plain, "error": self.error} if self.error else plain
