"""The city of the demo: always the same one, made once and used again while it is whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from functions.shared.core.kinds import PERSON
from infra.city.clock import date_text, day
from infra.city.dirt import rates
from infra.city.stream import Settings
from infra.lienthong import city
from infra.lienthong.console import Console
from infra.lienthong.messages import Message, messages_of
from infra.lienthong.truth import Bad, bad_of

SETTINGS: Final = Settings(
    seed=20260101,
    people=5_000,
    cards=4_700,
    dossiers=1_000,
    since=day("2025-05-01"),
    until=day("2025-10-31"),
    dirt=rates("usual,duplicates=0.1"),
)
"""Half a year with the reform of 1 July 2025 in it, on which communes take over from districts."""
REUSES: Final = "id-reused"
"""First reason of messages whose id another event has; that one has to be known first."""


@dataclass(frozen=True, slots=True)
class Told:
    """The messages of a city: first these, and once they are known the last; the bad of both."""

    messages: list[Message]
    last: list[Message]
    bad: list[Bad]


@dataclass(frozen=True, slots=True)
class DemoCity:
    """A city in its folder."""

    folder: Path
    settings: Settings
    counts: dict[str, Any]

    @property
    def since(self) -> str:
        """Its first day."""
        return date_text(self.settings.since)

    @property
    def until(self) -> str:
        """Its last day."""
        return date_text(self.settings.until)

    @property
    def registry(self) -> Path:
        """The events that register its agencies."""
        return self.folder / city.REGISTRY

    @property
    def events(self) -> Path:
        """Everything else, in the order of publication."""
        return self.folder / city.EVENTS

    @property
    def records(self) -> Path:
        """What every record shows in the end."""
        return self.folder / "truth/records.ndjson"

    @property
    def repeats(self) -> int:
        """How many of its messages repeat one."""
        return sum(self.counts.get("repeats", {}).values())

    def told(self, queue: str) -> Told:
        """Its messages; `queue` is where those go whose type cannot be read."""
        truth = self.folder / "truth/bad.ndjson"
        messages = {message.line: message for message in messages_of([str(self.events)])}
        bad = bad_of(truth, {line: m.body for line, m in messages.items()}, queue, str(self.events))
        last = [messages.pop(one.line) for one in bad if one.code == REUSES]
        return Told(list(messages.values()), last, bad)

    def disputed(self) -> str:
        """A person of whom agencies say different things, more than of any other."""
        said: Counter[str] = Counter()
        for name in ("rivals", "typos"):
            for line in (self.folder / f"truth/{name}.ndjson").read_bytes().splitlines():
                document = orjson.loads(line)
                if document["kind"] == PERSON.name:
                    said[document["key"]] += 1
        return min(said, key=lambda key: (-said[key], key))


def made(folder: Path, console: Console, settings: Settings = SETTINGS) -> DemoCity:
    """The city in `folder`: the one that is there if it is whole and of these settings."""
    summary = _whole(folder, settings)
    if summary is None:
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        # Gone first: a folder without it is not whole.
        (folder / "truth" / city.SUMMARY).unlink(missing_ok=True)
        summary = city.to_folder(settings, folder, console, packed=False)
    return DemoCity(folder, settings, summary["counts"])


def _whole(folder: Path, settings: Settings) -> dict[str, Any] | None:
    """The summary of the city in the folder, if that is this city, to the byte."""
    try:
        summary: dict[str, Any] = orjson.loads((folder / "truth" / city.SUMMARY).read_bytes())
        files, asked = summary["files"], orjson.loads(orjson.dumps(settings.as_json()))
        there = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in (city.REGISTRY, city.EVENTS)
        }
        said = {
            city.REGISTRY: files["registry"]["sha256"],
            city.EVENTS: files["events"]["sha256_unpacked"],
        }
    except (OSError, ValueError, LookupError, TypeError):
        return None
    truth_is_there = all((folder / "truth" / f"{name}.ndjson").is_file() for name in city.TRUTH)
    return summary if summary["settings"] == asked and there == said and truth_is_there else None
