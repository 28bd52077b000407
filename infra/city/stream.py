"""The city as a stream of messages, neighbourhood by neighbourhood, then in order of publication.

Neighbourhoods do not depend on each other, so one after another is made, written and forgotten;
what remains are counters and the postings that wait for their turn (`spool`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from infra.city import truth
from infra.city.agencies import Agencies
from infra.city.bad import Circumstances, Spoiler, rounds
from infra.city.cards import Cards
from infra.city.chance import Chance, Quota
from infra.city.chronicle import Chronicle, Saying, World
from infra.city.clock import DAY, SECOND, date_text, day
from infra.city.dirt import Dirt, Rates, Shares, Wrong, published
from infra.city.dossiers import Dossiers
from infra.city.identifiers import Identifiers
from infra.city.names import Names
from infra.city.people import Neighbourhood, Person
from infra.city.places import province
from infra.city.spool import MEMORY, Spool
from infra.city.writing import Ids, Note, Posting, event_of, written
from schemas.event_types import KEY_OF_KIND, QUEUE_OF_KIND

Tell = Callable[[str, Mapping[str, Any]], None]
"""Takes a document of the truth and the name of the file it belongs to."""

OTHER_TRACE: Final = 0.3
"""Of the repeats, those that come with a trace header of their own."""
TWICE_MORE: Final = 0.15
LAST: Final = 4_000 * DAY
"""So much later come messages under an id that must be known by then: after everything."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a city is made of; the same settings give the same bytes.

    `since` and `until` are days, both included.
    """

    seed: int
    people: int
    cards: int
    dossiers: int
    since: int
    until: int
    province: str = "01"
    dirt: Rates = field(default_factory=Rates)

    @property
    def mark(self) -> str:
        """Tells the ids of this city from those of any other."""
        return hashlib.sha256(orjson.dumps(asdict(self))).hexdigest()[:8]

    def as_json(self) -> dict[str, Any]:
        """As a document of names and plain values."""
        return {
            **asdict(self),
            "since": date_text(self.since),
            "until": date_text(self.until),
            "mark": self.mark,
        }


DEFAULT_SINCE: Final = day("2025-01-01")
DEFAULT_UNTIL: Final = day("2025-12-31")


class City:
    """A city, told once: `registry` first, then `messages`.

    `counts` is filled while the messages are read. With `tell` the truth is told too: people and
    records before the first message, and what is to be said of single messages, with their line,
    when they come by.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tell: Tell | None = None,
        memory: int = MEMORY,
        scratch: Path | None = None,
    ) -> None:
        """`memory` bytes of postings wait in memory, what is more in the folder `scratch`."""
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self._tell = tell
        self._spool = Spool(memory, scratch)
        self._shares = Shares(settings.dirt)
        self._rounds = rounds()
        self._round = 0
        self._backlog: list[Spoiler] = []
        where = province(settings.province)
        self.agencies = Agencies(where)
        self.world = World(
            seed=settings.seed,
            since=settings.since * DAY,
            until=(settings.until + 1) * DAY - SECOND,
            province=where,
            agencies=self.agencies,
            names=Names(where.southern),
            identifiers=Identifiers(settings.seed, where.code),
            people=Quota(settings.people, settings.people),
            cards=Quota(settings.cards, settings.people),
            dossiers=Quota(settings.dossiers, settings.people),
        )

    def registry(self) -> Iterator[bytes]:
        """The events that register the agencies, which must be known before anything else."""
        for event in self.agencies.events:
            self.counts["registry"] += 1
            yield event.line
        if self._tell:
            for agency, fields in self.agencies.records.items():
                shows = {name: value for name, value in fields.items() if name != "agency_id"}
                self._tell("records", {"kind": "agency", "key": agency, "shows": shows})

    def prepare(self, advance: Callable[[int], None] = lambda _: None) -> None:
        """Makes every neighbourhood; `advance` is told of the people made."""
        world, number = self.world, 0
        while world.persons < self.settings.people:
            before = world.persons
            self._neighbourhood(number)
            number += 1
            advance(world.persons - before)

    @property
    def expected(self) -> int:
        """How many messages there will be, once everything is prepared."""
        return len(self._spool)

    def messages(self) -> Iterator[bytes]:
        """Every message in the order of publication; `prepare` comes before."""
        for line, posting in enumerate(self._spool.postings(), 1):
            self.counts["messages"] += 1
            if self._tell and posting.note:
                self._tell(posting.note.file, {"line": line, **posting.note.says})
            yield posting.body

    # A neighbourhood ----------------------------------------------------------------------

    def _neighbourhood(self, number: int) -> None:
        chronicle = Chronicle(self.world, number)
        near = Neighbourhood(chronicle, self.settings.people - self.world.persons)
        chronicle.run()
        Cards(chronicle, near).tell()
        Dossiers(chronicle, near).tell()
        sayings = chronicle.sayings
        true = truth.latest(sayings) if self._tell else {}
        chance = Chance("dirt", self.settings.seed, number)
        dirt = Dirt(chance, self._shares, self.agencies, self.world.until)
        wrong = [*dirt.typos(sayings), *dirt.rivals(sayings)]
        sayings.sort(key=lambda saying: (saying.at, saying.number))
        _number(sayings)
        self.counts.update(f"skew/{way}" for way in dirt.skew(sayings))
        ids = Ids(self.settings.mark, number)
        self._post(sayings, wrong, ids, chance)
        for kind, _ in dict.fromkeys((saying.kind, saying.key) for saying in sayings):
            self.counts[f"records/{kind}"] += 1
        if self._tell:
            self._tell_records(sayings, true, ids)
            for person in near.people:
                self._tell("people", _person(person))

    def _post(self, sayings: list[Saying], wrong: list[Wrong], ids: Ids, chance: Chance) -> None:
        notes = {w.saying.number: _note(w, ids) for w in wrong}
        for w in wrong:
            self.counts[f"{w.group}/{w.sort}"] += 1
        late = self._some(sayings, "late", chance)
        disorder = self._some(sayings, "disorder", chance)
        repeated = self._some(sayings, "duplicates", chance)
        for saying in sayings:
            line = written(event_of(saying, ids.of(saying.number)))
            at = published(
                saying, chance, late=saying.number in late, disorder=saying.number in disorder
            )
            self._spool.add(Posting(at, line, notes.get(saying.number)))
            self.counts[f"type/{saying.what}"] += 1
            self.counts["good"] += 1
            if saying.number in repeated:
                self._repeat(line, at, chance)
        self._spoil(sayings, ids, chance)

    def _some(self, sayings: list[Saying], sort: str, chance: Chance) -> set[int]:
        due = self._shares.of(sort, len(sayings))
        if not due:
            return set()
        self.counts[sort] += due
        return {saying.number for saying in chance.some_of(sayings, due)}

    def _repeat(self, line: bytes, at: int, chance: Chance) -> None:
        for _ in range(2 if chance.happens(TWICE_MORE) else 1):
            at += SECOND + int(chance.random() * chance.random() * 3 * DAY)
            if chance.happens(OTHER_TRACE):
                trace = f"00-{chance.hexadecimal(32)}-{chance.hexadecimal(16)}-01"
                repeat = b'%b,"traceparent":"%b"}' % (line[:-1], trace.encode())
                self.counts["repeats/other-trace"] += 1
            else:
                repeat = line
                self.counts["repeats/same-bytes"] += 1
            self._spool.add(Posting(at, repeat))

    def _spoil(self, sayings: list[Saying], ids: Ids, chance: Chance) -> None:
        """Puts bad messages before the good ones that they are spoiled copies of.

        A class that no event here fits waits for the next neighbourhood.
        """
        for _ in range(self._shares.of("bad", len(sayings))):
            self._backlog.append(self._rounds[self._round % len(self._rounds)])
            self._round += 1
        waiting = []
        now = Circumstances(chance, self.agencies)
        for position, spoiler in enumerate(self._backlog):
            fitting = [s for s in sayings if self._fits(spoiler, s)]
            if not fitting:
                waiting.append(spoiler)
                continue
            saying = chance.one_of(fitting)
            good = ids.of(saying.number)
            id_ = good if spoiler.reuses_id else f"{good}-b{position}"
            event = orjson.loads(written(event_of(saying, id_)))
            at = saying.at + saying.delay
            at = at + LAST if spoiler.reuses_id else at - chance.below(600) * SECOND
            says = {
                "class": spoiler.name,
                "id": id_,
                "queue": QUEUE_OF_KIND[saying.kind],
                "reasons": [{"code": code, "path": path} for code, path in spoiler.reasons],
                "good": good,
            }
            self._spool.add(Posting(at, spoiler.spoil(event, now), Note("bad", says)))
            self.counts[f"bad/{spoiler.reasons[0][0]}"] += 1
        self._backlog = waiting

    def _fits(self, spoiler: Spoiler, saying: Saying) -> bool:
        if not spoiler.takes(saying.what, saying.data):
            return False
        return not spoiler.for_ever or (
            self.agencies.period(saying.agency, self.settings.until + 500_000) is not None
        )

    # The truth ----------------------------------------------------------------------------

    def _tell_records(
        self, sayings: list[Saying], true: Mapping[tuple[str, str], truth.Shown], ids: Ids
    ) -> None:
        assert self._tell is not None
        found = truth.records(sayings, self.agencies, lambda saying: ids.of(saying.number))
        for (kind, key), record in found.items():
            shows = record.shown()
            document = {"kind": kind, "key": key, "shows": shows}
            untrue = truth.untrue(shows, true[kind, key])
            if untrue:
                document["should_show"] = untrue
                self.counts["untrue_records"] += 1
            self._tell("records", document)


def _number(sayings: list[Saying]) -> None:
    """Gives whole-second sources their sequences, in the order of time."""
    sequences: Counter[tuple[str, str]] = Counter()
    for saying in sayings:
        if saying.clock == "seconds":
            sequences[saying.agency, saying.key] += 1
            saying.sequence = sequences[saying.agency, saying.key]


def _note(wrong: Wrong, ids: Ids) -> Note:
    saying = wrong.saying
    says: dict[str, Any] = {
        "id": ids.of(saying.number),
        "source": f"/agencies/{saying.agency}",
        "kind": saying.kind,
        "key": saying.data[KEY_OF_KIND[saying.kind]],
        "path": wrong.path,
        "stated": wrong.stated,
        "right": wrong.right,
    }
    if wrong.group == "rival":
        return Note("rivals", {**says, "newer": wrong.sort == "newer"})
    says["class"] = wrong.sort
    says["harmless"] = wrong.harmless
    if wrong.corrected is not None:
        says["corrected_by"] = ids.of(wrong.corrected.number)
    return Note("typos", says)


def _person(person: Person) -> dict[str, Any]:
    document: dict[str, Any] = {
        "person": person.number,
        "full_name": person.full_name,
        "date_of_birth": date_text(person.born),
        "sex": person.sex,
        "personal_id": person.id,
        "former_ids": [id_ for _, id_ in person.ids[:-1]],
        "mistaken_ids": person.mistaken_ids,
        "old_identity_number": person.old_number,
        "insurance_numbers": person.insurance_numbers,
        "card_numbers": person.card_numbers,
        "dossiers": person.dossiers,
        "residence": person.homes[-1][1],
        "phone": person.phone,
    }
    if person.died is not None:
        document["deceased_on"] = date_text(person.died)
    return document
