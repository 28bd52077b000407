"""The two ways to the desk: through the API, and directly to the tables; a command knows neither.

What a way is asked for, it gives alike: entries, counts, what would happen, what happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.shared.adapters.desk import Replay, Tally
from functions.shared.core.cases import Did, Entry, Followed, Selection
from functions.shared.core.correction import Patch
from functions.shared.core.events import Reason
from functions.shared.core.foresight import Foresight
from infra.lienthong.console import Advance
from infra.lienthong.desk.changing import Stop, Told
from infra.lienthong.problems import Refused


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry whole, with what led to it and followed."""

    entry: Entry
    steps: Sequence[Followed]
    led: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: with the open entries of a selection, or with those that are named."""

    did: Did
    chosen: Selection | None = None
    ids: tuple[str, ...] = ()
    patch: Patch | None = None
    again: bool = False
    even_refused: bool = False

    @property
    def corrects(self) -> bool:
        """Whether messages are changed."""
        return self.did == "corrected"


@dataclass(frozen=True, slots=True)
class Doing:
    """How it is done: why, so many a second, until when, and who hears of it."""

    why: str
    rate: float | None
    stop: Stop
    told: Told


@dataclass(frozen=True, slots=True)
class Edited:
    """What a person left of a message, and what it makes of it."""

    text: str
    replay: Replay


class Way(Protocol):
    """A way to the desk. Raises `Refused` where a named entry is not there or not open."""

    def page(
        self, chosen: Selection, after: str | None, limit: int
    ) -> tuple[list[Entry], str | None]:
        """Entries, newest first, and where to go on if there are more."""
        ...

    def count(
        self, chosen: Selection, by: Sequence[str], advance: Advance
    ) -> tuple[int, Counter[tuple[str, ...]]]:
        """How many there are, and how many of them fall under what `by` names."""
        ...

    def beginning_with(self, prefix: str, chosen: Selection) -> list[str]:
        """Ids of entries that begin so: one, or two of several."""
        ...

    def shown(self, id_: str) -> Shown:
        """One entry whole, with all of its reasons."""
        ...

    def foreseen(self, job: Job, advance: Advance) -> Foresight:
        """What would happen; nothing is written."""
        ...

    def worked(self, job: Job, doing: Doing) -> Tally:
        """Does it, and tells what became of all of them."""
        ...

    def examined(self, edited: Edited) -> tuple[Reason, ...]:
        """What an edited message would still be refused for."""
        ...

    def sent(self, edited: Edited, why: str, *, again: bool) -> Tally:
        """Sends an edited message, whatever it would be refused for."""
        ...


def no_such_entry(id_: str) -> Refused:
    """There is no entry of an id."""
    return Refused(f"There is no entry {id_}. `lienthong quarantine list` names them.")


def not_open(id_: str, status: str) -> Refused:
    """There is nothing to be done about an entry any more."""
    return Refused(
        f"{id_} is {status}. Only open entries can be worked on; "
        "`lienthong quarantine show` tells what was done about it."
    )
