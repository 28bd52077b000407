"""A loaded file against the tables: exactly its events, and nothing more.

The emulator sorts a whole table for every page of a scan, so a million items are never scanned.
What is compared instead is as exact: every expected key is read and found, and the table holds
exactly as many items as there are expected keys (the emulator counts an item with its write). Keys
are made up anew a few thousand at a time, so memory stays the same for any size of the file.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from math import gcd
from typing import Any, Final, TypeVar

from functions.shared.adapters.attributes import Item
from functions.shared.adapters.bulk import Wanted, read_items
from functions.shared.adapters.keys import record_key
from functions.shared.core.kinds import INSURANCE_CARD
from infra.lienthong.context import Stack
from infra.lienthong.tables import Patience, waiting
from infra.lienthong.verification import faults
from tests.bench.load_cards import PERIOD, SOURCE, Fate, Line, events_of, lines, number_of

STEP: Final = 2_000
_AHEAD: Final = 2
_SHOWN: Final = 20
_T = TypeVar("_T")
_R = TypeVar("_R")
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

    def read(numbers: list[int]) -> tuple[list[int], dict[str, list[Item]]]:
        return numbers, tables.read(
            {
                tables.ledger: Wanted("event_uid", _uids(numbers, cards), _OF_AN_ENTRY),
                tables.cards: Wanted(INSURANCE_CARD.key, _keys(numbers), _OF_A_CARD),
            }
        )

    for numbers, items in _ahead(read, _steps(range(cards))):
        _compare_cards(tables, numbers, cards, items, found, digest)
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

    def read(numbers: list[int]) -> list[Item]:
        wanted = Wanted(INSURANCE_CARD.key, _keys(numbers), _OF_A_CARD)
        return tables.read({tables.cards: wanted})[tables.cards]

    for items in _ahead(read, _steps(range(cards))):
        _digest_heads(items, found, digest)
        advance(len(items))
    return digest.hexdigest()


def verified(tables: Tables, cards: int, sample: int, advance: Advance) -> Found:
    """Recomputes every hash of a sample spread over all cards, and folds their entries again."""
    found = Found()
    step = max(1, cards // sample)
    while gcd(step, PERIOD) != 1:  # or some kinds of cards would never be in it
        step -= 1
    for numbers in _steps(range(0, cards, step), 500):
        keys = _keys(numbers)
        items = tables.read(
            {
                tables.cards: Wanted(INSURANCE_CARD.key, keys),
                tables.ledger: Wanted("event_uid", _uids(numbers, cards)),
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


_OF_AN_ENTRY: Final = ("event_uid", "record_key", "outcome")
_OF_A_CARD: Final = (INSURANCE_CARD.key, "version", "head")


def _uids(numbers: Iterable[int], cards: int) -> list[str]:
    return [f"{SOURCE}#{id_}" for card in numbers for id_ in events_of(card, cards)]


def _keys(numbers: Iterable[int]) -> list[str]:
    return [number_of(card) for card in numbers]


def _compare_cards(
    tables: Tables,
    numbers: list[int],
    cards: int,
    items: Mapping[str, list[Item]],
    found: Found,
    digest: hashlib._Hash,
) -> None:
    there = {item["event_uid"]["S"]: item for item in items[tables.ledger]}
    versions = _digest_heads(items[tables.cards], found, digest)
    for card in numbers:
        uids = _uids([card], cards)
        for uid in uids:
            item = there.get(uid)
            if item is None:
                found.complain(f"The ledger has no {uid}.")
            elif item["record_key"]["S"] != record_key(INSURANCE_CARD.name, number_of(card)):
                found.complain(f"The ledger has {uid} at another record.")
            else:
                found.events += 1
                found.outcomes[item["outcome"]["S"]] += 1
        if versions.get(number_of(card)) != len(uids):
            found.complain(f"Card {number_of(card)} has not as many entries as events.")


def _digest_heads(items: Iterable[Item], found: Found, digest: hashlib._Hash) -> dict[str, int]:
    """Adds the chains' heads to the digest, in the order of the keys; the cards' versions."""
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


def _ahead(read: Callable[[_T], _R], steps: Iterable[_T]) -> Iterator[_R]:
    """What `read` gives for each step, in their order, a few of them read ahead."""
    remaining = iter(steps)
    with ThreadPoolExecutor(max_workers=_AHEAD, thread_name_prefix="read") as pool:
        waiting_for = deque(pool.submit(read, step) for step in islice(remaining, _AHEAD + 1))
        while waiting_for:
            yield waiting_for.popleft().result()
            waiting_for.extend(pool.submit(read, step) for step in islice(remaining, 1))


def _steps(values: Iterable[_T], size: int = STEP) -> Iterator[list[_T]]:
    remaining = iter(values)
    while step := list(islice(remaining, size)):
        yield step
