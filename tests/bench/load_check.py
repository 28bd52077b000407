"""A loaded file against the tables: exactly its events, and nothing more.

The emulator sorts a whole table for every page of a scan, so a million items are never scanned.
What is compared instead is as exact: every expected key is read and found, and the table holds
exactly as many items as there are expected keys (the emulator counts an item with its write). Keys
are made up anew a few thousand at a time, so memory stays the same for any size of the file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

from functions.shared.adapters.attributes import Item
from functions.shared.adapters.bulk import Wanted, read_items
from functions.shared.adapters.keys import record_key
from functions.shared.core.kinds import INSURANCE_CARD
from infra.lienthong.context import Stack
from infra.lienthong.tables import Patience, waiting
from infra.lienthong.verification import faults
from tests.bench.load_cards import SOURCE, Fate, Line, events_of, lines, number_of

STEP: Final = 2_000
_SHOWN: Final = 20
_T = TypeVar("_T")
Advance = Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items the tables hold."""

    cards: int
    ledger: int
    quarantine: int


@dataclass(slots=True)
class Found:
    """What the comparison met: counts, a digest of all cards' chains, and what is wrong."""

    cards: int = 0
    events: int = 0
    refused: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    heads: str = ""
    wrong: list[str] = field(default_factory=list)

    def complain(self, sentence: str) -> None:
        """Notes something wrong; the first twenty are kept, which is enough to look further."""
        if len(self.wrong) < _SHOWN:
            self.wrong.append(sentence)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a file of so many cards holds."""

    lines: int
    taken: int
    repeated: int
    refused: Mapping[str, int]

    @property
    def all_refused(self) -> int:
        """Lines that must be in quarantine."""
        return sum(self.refused.values())


def truth_of(found: Iterable[Line]) -> Truth:
    """Counts the lines by what must become of them."""
    fates: Counter[Fate] = Counter()
    reasons: Counter[str] = Counter()
    for line in found:
        fates[line.fate] += 1
        if line.fate is Fate.REFUSED:
            reasons[line.reason] += 1
    return Truth(fates.total(), fates[Fate.TAKEN], fates[Fate.REPEATED], dict(reasons))


class Tables:
    """The tables of a stack that a load of cards touches."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.dynamodb
        self.cards = stack.output("InsuranceCardsTable")
        self.ledger = stack.output("LedgerTable")
        self.quarantine = stack.output("QuarantineTable")

    def counts(self) -> Counts:
        """The number of items of each, which the emulator keeps exactly."""

        def count(table: str) -> int:
            return self._client.describe_table(TableName=table)["Table"]["ItemCount"]

        return Counts(count(self.cards), count(self.ledger), count(self.quarantine))

    def read(self, wanted: Mapping[str, Wanted]) -> dict[str, list[Item]]:
        """The items that exist, by table."""
        return read_items(self._client, wanted, Patience(600), waiting())


def compared(tables: Tables, cards: int, before: Counts, advance: Advance) -> Found:
    """Every event and card of the file in its table, every bad line in quarantine, no item more."""
    found, digest = Found(), hashlib.sha256()
    for numbers in _steps(range(cards)):
        _compare_cards(tables, numbers, cards, found, digest)
        advance(len(numbers))
    found.heads = digest.hexdigest()
    refused = (line for line in lines(cards) if line.fate is Fate.REFUSED)
    for bad in _steps(refused):
        _compare_refused(tables, bad, found)
    now = tables.counts()
    for name, wanted, there in (
        ("cards", found.cards, now.cards - before.cards),
        ("ledger entries", found.events, now.ledger - before.ledger),
        ("quarantine entries", found.refused, now.quarantine - before.quarantine),
    ):
        if wanted != there:
            found.complain(f"{there:,} {name} were added where {wanted:,} are of the file.")
    return found


def heads_of(tables: Tables, cards: int, advance: Advance) -> str:
    """A digest of key, version and newest hash of every card: of all that their ledgers say."""
    found, digest = Found(), hashlib.sha256()
    for numbers in _steps(range(cards)):
        _read_heads(tables, numbers, found, digest)
        advance(len(numbers))
    return digest.hexdigest()


def verified(tables: Tables, cards: int, sample: int, advance: Advance) -> Found:
    """Recomputes every hash of a sample spread over all cards, and folds their entries again."""
    found = Found()
    step = max(1, cards // sample)
    for numbers in _steps(range(0, cards, step), 500):
        keys = {number_of(card): card for card in numbers}
        uids = [f"{SOURCE}#{id_}" for card in numbers for id_ in events_of(card, cards)]
        items = tables.read(
            {
                tables.cards: Wanted(INSURANCE_CARD.key, keys),
                tables.ledger: Wanted("event_uid", uids),
            }
        )
        entries: dict[str, list[Item]] = {}
        for item in items[tables.ledger]:
            entries.setdefault(item["record_key"]["S"], []).append(item)
        records = {item[INSURANCE_CARD.key]["S"]: item for item in items[tables.cards]}
        for key in keys:
            name = record_key(INSURANCE_CARD.name, key)
            for fault in faults(name, records.get(key), entries.get(name, [])):
                found.complain(f"{name}: {fault}")
            found.events += len(entries.get(name, []))
        found.cards += len(keys)
        advance(len(keys))
    return found


def _compare_cards(
    tables: Tables, numbers: list[int], cards: int, found: Found, digest: hashlib._Hash
) -> None:
    of = {f"{SOURCE}#{id_}": card for card in numbers for id_ in events_of(card, cards)}
    wanted = Wanted("event_uid", of, ("event_uid", "record_key", "outcome"))
    there = {
        item["event_uid"]["S"]: item for item in tables.read({tables.ledger: wanted})[tables.ledger]
    }
    for uid, card in of.items():
        item = there.get(uid)
        if item is None:
            found.complain(f"The ledger has no {uid}.")
        elif item["record_key"]["S"] != record_key(INSURANCE_CARD.name, number_of(card)):
            found.complain(f"The ledger has {uid} at another record.")
        else:
            found.events += 1
            found.outcomes[item["outcome"]["S"]] += 1
    versions = _read_heads(tables, numbers, found, digest)
    for card in numbers:
        if versions.get(number_of(card)) != len(events_of(card, cards)):
            found.complain(f"Card {number_of(card)} has not as many entries as events.")


def _read_heads(
    tables: Tables, numbers: list[int], found: Found, digest: hashlib._Hash
) -> dict[str, int]:
    keys = [number_of(card) for card in numbers]
    wanted = Wanted(INSURANCE_CARD.key, keys, (INSURANCE_CARD.key, "version", "head"))
    items = tables.read({tables.cards: wanted})[tables.cards]
    rows = sorted(
        (item[INSURANCE_CARD.key]["S"], item["version"]["N"], item["head"]["S"]) for item in items
    )
    for row in rows:
        digest.update(" ".join(row).encode() + b"\n")
    found.cards += len(rows)
    return {key: int(version) for key, version, _ in rows}


def _compare_refused(tables: Tables, bad: list[Line], found: Found) -> None:
    of = {line.quarantine_id: line for line in bad}
    wanted = Wanted("quarantine_id", of, ("quarantine_id", "reason_key", "status"))
    items = tables.read({tables.quarantine: wanted})[tables.quarantine]
    there = {item["quarantine_id"]["S"]: item for item in items}
    for id_, line in of.items():
        item = there.get(id_)
        if item is None:
            found.complain(f"The quarantine has no entry of a bad line of card {line.card}.")
            continue
        found.refused += 1
        if item["reason_key"]["S"].partition("#")[0] != line.reason:
            found.complain(f"A bad line of card {line.card} was refused for another reason.")


def _steps(values: Iterable[_T], size: int = STEP) -> Iterator[list[_T]]:
    remaining = iter(values)
    while step := list(islice(remaining, size)):
        yield step
