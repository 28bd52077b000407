"""What must hold of any body whatever that comes among good messages.

Nothing is raised, every good neighbour is taken, and every body is accounted for: its event is in
the ledger, or the body is in quarantine, whole, with reasons that are sentences. What is JSON and
what is not is decided here once more, by Python's own parser.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, NoReturn

from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.dynamodb import entry_from_item
from functions.shared.core.kinds import KIND_OF_QUEUE, Kind
from functions.shared.core.planning import Verdict
from functions.shared.core.quarantine import quarantine_id
from functions.shared.core.reading import read, read_closely
from functions.shared.runtime.pipeline import Pipeline
from schemas.envelope import MAX_MESSAGE_BYTES, MAX_NESTING
from schemas.reasons import ReasonCode
from tests.builders import body, event, message
from tests.e2e.delivery import digest
from tests.fakes import Unhurried
from tests.faults import Clock
from tests.fuzz.mutants import Mutants, samples
from tests.integration.functions.memory import in_memory
from tests.integration.functions.stack import BUCKET
from tests.integration.functions.walk import Site

CORPUS: Final = Path(__file__).parent / "corpus"
"""Bodies that failed once, or that may well: `<queue>.<name>.body`, their bytes as they were."""
IN_A_BATCH: Final = 50
OF_A_WORLD: Final = 1_000
"""Bodies that meet the same tables."""
NEIGHBOURS: Final = {
    "person": ("person.updated", "079199"),
    "insurance-card": ("insurance-card.updated", "7777"),
    "dossier": ("dossier.updated", "H26.12-20260101-1"),
    "agency": ("agency.changed", "Z"),
}
"""Record kind -> type and beginning of the key of good events; no sample has such a key."""
_ENDED_WELL: Final = (Verdict.APPLIED, Verdict.SUPERSEDED, Verdict.DUPLICATE)
_CODES: Final = tuple(ReasonCode)


class Trial:
    """The pipeline of a kind's queue over tables of its own; `bent` makes another one of it."""

    def __init__(self, kind: Kind, bent: Callable[[Pipeline], Pipeline] = lambda p: p) -> None:
        aws = in_memory()
        self._tables: Any = aws.dynamodb
        self._bucket: Any = aws.s3
        self._kind = kind
        self.ends: Counter[str] = Counter()
        self._site = Site(aws, kind)
        self._pipeline = bent(self._site.timed(aws.dynamodb, aws.s3, Clock(float("inf"))))
        self._neighbours = count(1)

    def faults(self, bodies: Sequence[str]) -> list[str]:
        """What is amiss after a batch of the bodies among good neighbours."""
        good = [self._neighbour() for _ in range(3)]
        middle = len(bodies) // 2
        batch = [good[0], *bodies[:middle], good[1], *bodies[middle:], good[2]]
        report = self._pipeline.run([message(text) for text in batch], Unhurried())
        found = []
        for position, text in enumerate(batch):
            verdict = report.verdicts[position]
            if position in (0, middle + 1, len(batch) - 1):
                if verdict is not Verdict.APPLIED:
                    found.append(f"A neighbour was lost: {verdict}.")
            elif verdict in _ENDED_WELL:
                self.ends[verdict.value] += 1
                found += self._unwritten(text)
            elif verdict is Verdict.QUARANTINED:
                self.ends[report.refused[position][0].code] += 1
                found += self._unkept(text)
            else:
                found.append("It did not end.")
        if report.defects:
            found.append("The store would never take a change.")
        return found

    def duplicates(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        """Those texts of events that were sent which are no duplicates, and what they are."""
        report = self._pipeline.run([message(text) for text in texts], Unhurried())
        return [
            (text, f"It is no duplicate but {report.verdicts[position].value}.")
            for position, text in enumerate(texts)
            if report.verdicts[position] is not Verdict.DUPLICATE
        ]

    def _neighbour(self) -> str:
        """A good message about a record of its own."""
        number = next(self._neighbours)
        type_, key = NEIGHBOURS[self._kind.name]
        return body(event(type_, key=f"{key}{number:06}", id_=f"neighbour-{number}"))

    def _unwritten(self, text: str) -> Iterator[str]:
        first = judged(text)
        if first is not None:
            yield f"It was accepted though it is {first}."
            return
        if read(text, self._kind) != read_closely(text, self._kind):
            yield "Read in the short way it says something else."
        document = json.loads(text)
        uid = f"{document['source']}#{document['id']}"
        item = self._item(self._site.ledger_table, uid)
        if item is None:
            yield "Its event is not in the ledger."
            return
        entry = entry_from_item(item)
        if entry.event.digest != digest(document, entry.salt or b""):
            yield "The ledger holds another event under its id."

    def _unkept(self, text: str) -> Iterator[str]:
        id_ = quarantine_id(self._kind.queue, text)
        item = self._item(self._site.quarantine_table, id_)
        if item is None:
            yield "It is not in quarantine."
            return
        entry = from_item(item)
        if not _storable(entry):
            yield "Its entry holds text that no table takes."
        if self._body_of(entry) != text:
            yield "It is not kept whole."
        codes = [reason["code"] for reason in entry["reasons"]]
        if not codes or codes != sorted(codes, key=_CODES.index):
            yield f"Its reasons are {codes}."
        if not all(reason["text"].endswith((".", "?")) for reason in entry["reasons"]):
            yield "A reason is no sentence."
        first = judged(text)
        if first != codes[0] and (first is not None or codes[0] in ("too-large", "not-json")):
            yield f"It is {first or 'JSON'} and was refused as {codes[0]}."

    def _body_of(self, entry: dict[str, Any]) -> str | None:
        if "body" in entry:
            found: str = entry["body"]
            return found
        stored: bytes = self._bucket.objects[BUCKET, entry["body_object"]]
        return stored.decode("utf-8", "surrogatepass")

    def _item(self, table: str, key: str) -> Item | None:
        found: Item | None = self._tables.item(table, key)
        return found


def _storable(entry: dict[str, Any]) -> bool:
    """DynamoDB takes nothing but UTF-8."""
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


# What is JSON --------------------------------------------------------------------------------


def judged(text: str) -> str | None:
    """Why a text is no JSON object that the contract takes, whatever it says; None if it is."""
    try:
        if len(text.encode()) > MAX_MESSAGE_BYTES:
            return "too-large"
    except UnicodeEncodeError:
        size = len(text.encode("utf-8", "surrogatepass"))
        return "too-large" if size > MAX_MESSAGE_BYTES else "not-json"
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_int=str,
            parse_float=str,
            parse_constant=_never,
        )
    except (ValueError, RecursionError):
        return "not-json"
    if _depth(value) > MAX_NESTING:
        return "not-json"
    return None if isinstance(value, dict) else "not-cloudevent"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _never(_: str) -> NoReturn:
    raise ValueError


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return 0
    return 1 + max(map(_depth, value), default=0)


# Runs ----------------------------------------------------------------------------------------


@dataclass
class Run:
    """Bodies for the queue of a kind, made from a seed: how they ended, and what is amiss."""

    kind: Kind
    seed: int | str
    ends: Counter[str] = field(default_factory=Counter)
    amiss: list[tuple[str, str]] = field(default_factory=list)
    """Bodies with what is amiss about them."""

    def go(self, bodies: int) -> None:
        """So many bodies, some of the same after each world's."""
        mutants, own = Mutants(self.kind, self.seed), samples(self.kind)
        for start in range(0, bodies, OF_A_WORLD):
            trial = Trial(self.kind)
            for _ in range(start, min(start + OF_A_WORLD, bodies), IN_A_BATCH):
                batch = [mutants.body() for _ in range(IN_A_BATCH)]
                self.amiss += amiss(self.kind, batch, trial)
            self.ends += trial.ends
            trial = Trial(self.kind)
            trial.faults(own)
            self.amiss += trial.duplicates([mutants.same(text) for text in own])


def amiss(kind: Kind, batch: Sequence[str], trial: Trial) -> Iterator[tuple[str, str]]:
    """The bodies of a batch that something is amiss with, and what: each is tried alone then."""
    faults = _tried(trial, batch)
    if not faults:
        return
    alone = [(text, fault) for text in batch for fault in replayed(kind, text)]
    yield from alone or [(json.dumps(list(batch)), f"Only together: {faults[0]}")]


def _tried(trial: Trial, bodies: Sequence[str]) -> list[str]:
    try:
        return trial.faults(bodies)
    except Exception as error:  # whatever it is, it is what is looked for
        return [f"{type(error).__name__} was raised: {error}"]


# The corpus ----------------------------------------------------------------------------------


def corpus() -> Iterator[tuple[Kind, str, str]]:
    """Kind, name and text of every body that is kept."""
    for path in sorted(CORPUS.glob("*.body")):
        queue, name, _ = path.name.split(".")
        yield KIND_OF_QUEUE[queue], name, path.read_bytes().decode("utf-8", "surrogatepass")


def replayed(kind: Kind, text: str) -> list[str]:
    """What is amiss with one body."""
    return _tried(Trial(kind), [text])


def remember(kind: Kind, text: str) -> Path:
    """Keeps a body in the corpus, for every run to come."""
    path = CORPUS / f"{kind.queue}.{quarantine_id(kind.queue, text)[:12]}.body"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path
