"""The innermost loops of a batch in C, where a compiled form is at hand.

    take          an event into its record, with every hash of its ledger entry
    entry_action  a ledger entry as the JSON of its write

Each stands in for a function in Python that gives the same, is its specification, and does the
work where `loops` is None: where nothing was compiled for the machine, where `hashlib` has no
OpenSSL, or where the stack's parameter `Loops=plain` says so (decision note
2026-11-26-compiled-loops).
"""

from __future__ import annotations

import hashlib  # noqa: F401 - loads the library whose SHA-256 the loops use
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from functions.shared.core.events import Event
    from functions.shared.core.lanes import Record
    from functions.shared.core.ledger import LedgerEntry
    from functions.shared.core.taking import Taken


class Loops(Protocol):
    """What `loops.c` gives; its comments say which function in Python each stands in for."""

    def take(
        self,
        record: Record,
        event: Event,
        ranks: tuple[int, ...],
        sender: str | None,
        recorded_at: str,
        salt: bytes,
        owned: bool,
        shapes: tuple[object, ...],
        /,
    ) -> Taken: ...

    def entry_action(
        self, table: str, entry: LedgerEntry, dictionary: bytes, /
    ) -> tuple[bytes, int]: ...


_FORM: Final = 1
"""Of what the loops take and give; one more with every change of it, here and in `loops.c`."""


def _compiled() -> Loops | None:
    try:
        found = import_module(f"{__name__}._loops")
    except ImportError:
        return None
    # A library that is older or newer than what calls it is none; `make` compiles it anew.
    return cast(Loops, found) if getattr(found, "FORM", None) == _FORM else None


COMPILED: Final = _compiled()
"""What was compiled for this machine, or None."""
loops: Loops | None = COMPILED
"""What does the work; None says that the functions in Python do."""


def use(*, compiled: bool) -> None:
    """Lets the compiled loops do the work from now on, if there are any, or those in Python."""
    global loops
    loops = COMPILED if compiled else None
