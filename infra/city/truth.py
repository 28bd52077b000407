"""What is true beside the stream: what each record will show, and what it should.

`shown` is worked out here from the contract's section 3 alone, apart from the service's own
folding, so that each can be held against the other: per field and rank the statement with the
greatest stamp stays, and the highest rank that says something shows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from functions.shared.core.kinds import KINDS
from infra.city.agencies import Agencies
from infra.city.chronicle import Saying
from infra.city.clock import DAY, normalised, time_text

Stamp = tuple[int, int, str, str]
Shown = dict[str, Any]


def _text(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split())


def _parts(**rules: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def normal(value: Any) -> Any:
        return {name: rules[name](v) if name in rules else v for name, v in value.items()}

    return normal


_STEP: Final = _parts(at=normalised)
NORMAL: Final[Mapping[str, Callable[[Any], Any]]] = {
    "full_name": _text,
    "applicant": _parts(name=_text),
    "card": _parts(number=lambda number: "".join(number.split()).upper()),
    "eid": _parts(activated_at=normalised),
    **dict.fromkeys(
        ("submitted_at", "received_at", "due_at", "finished_at", "returned_at"), normalised
    ),
}
"""Fields whose shown form may differ from the stated one."""


class Record:
    """What one record shows once all good events about it have arrived."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._ranks = KINDS[kind].ranks
        self._lanes: dict[str, dict[int, tuple[Stamp, Any]]] = {}
        self._steps: dict[tuple[str, str], tuple[Stamp, dict[str, Any]]] = {}
        self._replaces: set[str] = set()

    def hear(self, saying: Saying, agency_kind: str, id_: str) -> None:
        """Takes a statement in."""
        source = f"/agencies/{saying.agency}"
        stamp = (saying.at, saying.sequence or 0, source, id_)
        stated = iter(saying.data.items())
        next(stated)  # the key
        step = None
        for name, value in stated:
            if name == "step":
                step = value
            elif name == "replaces":
                self._replaces.update(value)
            else:
                if name in NORMAL:
                    value = NORMAL[name](value)
                lanes = self._lanes.setdefault(name, {})
                rank = self._ranks[name][agency_kind]
                if rank not in lanes or lanes[rank][0] < stamp:
                    lanes[rank] = (stamp, value)
        if step is None and self.kind == "dossier" and "status" in saying.data:
            at = time_text(saying.at, saying.clock)
            step = {"id": id_, "at": at, "status": saying.data["status"]}
        if step is not None:
            place = (source, step["id"])
            if place not in self._steps or self._steps[place][0] < stamp:
                self._steps[place] = (stamp, {**_STEP(step), "source": source})

    def shown(self) -> Shown:
        """Its fields as the shared table has them."""
        shown = {name: lanes[max(lanes)][1] for name, lanes in self._lanes.items()}
        if self._steps:
            steps = [step for _, step in self._steps.values()]
            steps.sort(key=lambda step: (step["at"], step["source"], step["id"]))
            shown["steps"] = steps
        if self._replaces:
            shown["replaces"] = sorted(self._replaces)
        return shown


def records(
    sayings: Iterable[Saying], agencies: Agencies, id_of: Callable[[Saying], str]
) -> dict[tuple[str, str], Record]:
    """The records that the statements make, in the order in which they are first spoken of."""
    found: dict[tuple[str, str], Record] = {}
    for saying in sayings:
        place = (saying.kind, saying.key)
        record = found.get(place)
        if record is None:
            record = found[place] = Record(saying.kind)
        period = agencies.period(saying.agency, saying.at // DAY)
        assert period is not None, f"{saying.agency} is not in force"
        record.hear(saying, period.kind, id_of(saying))
    return found


def latest(sayings: Iterable[Saying]) -> dict[tuple[str, str], Shown]:
    """What was said of each field last, whoever said it: before any dirt nobody errs."""
    found: dict[tuple[str, str], Shown] = {}
    for saying in sorted(sayings, key=lambda s: (s.at, s.number)):
        fields = found.setdefault((saying.kind, saying.key), {})
        stated = iter(saying.data.items())
        next(stated)
        for name, value in stated:
            if name not in ("step", "replaces"):
                fields[name] = NORMAL[name](value) if name in NORMAL else value
    return found


def untrue(shown: Shown, true: Shown) -> Shown:
    """What should stand where a record shows something else."""
    return {name: value for name, value in true.items() if shown.get(name) != value}
