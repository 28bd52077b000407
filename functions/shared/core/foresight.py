"""What would happen to refused messages, were they corrected or replayed: told beforehand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from functions.shared.core.cases import Entry
from functions.shared.core.correction import Unfit
from functions.shared.core.events import Reason
from functions.shared.core.marking import Difference, differences

SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One message, what would be changed in it, and what it would still be refused for."""

    id: str
    queue: str
    reason: str
    differences: tuple[Difference, ...]
    refused: tuple[Reason, ...]


@dataclass(slots=True)
class Foresight:
    """What would happen: counts before and after, and samples. Nothing was written for it."""

    before: Counter[str] = field(default_factory=Counter)
    """First reasons of the entries that are meant."""
    passing: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """First reasons that would still be there."""
    unsuited: Counter[str] = field(default_factory=Counter)
    underway: int = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def meant(self) -> int:
        """How many entries are meant."""
        return self.before.total()

    def meet(self, entry: Entry) -> None:
        """Takes in an entry that is meant."""
        self.before[entry.reason] += 1
        self.underway += entry.underway is not None

    def see(self, entry: Entry, sent: str | Unfit, refused: tuple[Reason, ...] = ()) -> bool:
        """Takes in what would be sent for an entry; whether it became a sample."""
        self.meet(entry)
        if isinstance(sent, Unfit):
            self.unsuited[sent.code] += 1
            return False
        if refused:
            self.refused[refused[0].code] += 1
        else:
            self.passing += 1
        if not self._is_room_for(entry.reason):
            return False
        different = tuple(differences(entry.body or "", sent))
        self._add(Sample(entry.id, entry.queue, entry.reason, different, refused))
        return True

    def join(self, other: Foresight) -> None:
        """Takes in what would happen to further entries."""
        self.before += other.before
        self.passing += other.passing
        self.refused += other.refused
        self.unsuited += other.unsuited
        self.underway += other.underway
        for sample in other.samples:
            if self._is_room_for(sample.reason):
                self._add(sample)

    def _is_room_for(self, reason: str) -> bool:
        """Samples of different faults say more than three of one."""
        kinds = {sample.reason for sample in self.samples}
        return len(self.samples) < SAMPLES or (reason not in kinds and len(kinds) < SAMPLES)

    def _add(self, sample: Sample) -> None:
        if len(self.samples) < SAMPLES:
            self.samples.append(sample)
        else:
            reasons = [one.reason for one in self.samples]
            doubled = next(i for i, reason in enumerate(reasons) if reason in reasons[:i])
            self.samples[doubled] = sample
