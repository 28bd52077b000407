"""What happens in one neighbourhood, in the order of time, and what agencies say of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec

from infra.city.agencies import Agencies
from infra.city.chance import Chance, Quota
from infra.city.clock import DAY, GRAIN, HOUR, MINUTE, SECOND, Clock, opened
from infra.city.identifiers import Identifiers
from infra.city.names import Names, Sex
from infra.city.places import Province
from schemas.event_types import KEY_OF_KIND

P = ParamSpec("P")

HANDLERS_OF_AN_AGENCY: Final = 7


@dataclass(slots=True)
class Saying:
    """One statement of an agency: an event before it is written down.

    `what` is the event type's name, `kind` the kind of record. `at` is when the agency recorded it
    (its time), `delay` how much later it is published, both in microseconds. `number` is unique in
    the neighbourhood and becomes the id; sequences are given when everything is said.
    """

    at: int
    agency: str
    kind: str
    what: str
    key: str
    data: dict[str, Any]
    number: int
    clock: Clock
    sequence: int | None = None
    delay: int = 0


@dataclass(slots=True)
class World:
    """What all neighbourhoods share, none of which grows with their number."""

    seed: int
    since: int
    until: int
    province: Province
    agencies: Agencies
    names: Names
    identifiers: Identifiers
    people: Quota
    cards: Quota
    dossiers: Quota
    persons: int = 0
    _handlers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        """The end of the first load, in which everything that exists already is published."""
        return self.since + min(30 * DAY, (self.until - self.since) // 10)

    @property
    def years(self) -> float:
        """How long the city is watched after the first load."""
        return (self.until - self.loaded) / (365 * DAY)

    def next_person(self) -> int:
        """The next person's number, from 1."""
        self.persons += 1
        return self.persons

    def handler(self, agency: str, which: int) -> str:
        """One of the agency's officers, who are always the same."""
        names = self._handlers.get(agency)
        if names is None:
            chance = Chance("handlers", self.seed, agency)
            made = []
            for n in range(HANDLERS_OF_AN_AGENCY):
                family = self.names.family(chance, None)
                sex: Sex = "female" if n % 2 else "male"
                made.append(self.names.full(chance, None, family, sex, 1970 + 4 * n))
            names = self._handlers[agency] = tuple(made)
        return names[which % HANDLERS_OF_AN_AGENCY]


class Chronicle:
    """The story of one neighbourhood.

    Actions are put on an agenda and happen in the order of time; what would happen after the
    city's last instant never does.
    """

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.chance = Chance("world", world.seed, number)
        self.sayings: list[Saying] = []
        self.now = world.since
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._entries = 0

    def later(self, at: int, action: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Puts an action on the agenda."""
        if at <= self.world.until:
            self._entries += 1
            heapq.heappush(self._agenda, (at, self._entries, lambda: action(*args, **kwargs)))

    def sometime(
        self, rate: float, action: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Puts an action on the agenda that happens at such a rate per year, once at most."""
        chance = self.chance
        part = chance.random()
        if part < rate * self.world.years:
            since, until = self.world.loaded, self.world.until
            self.later(since + int(chance.random() * (until - since)), action, *args, **kwargs)

    def run(self) -> None:
        """Lets everything happen."""
        while self._agenda:
            self.now, _, action = heapq.heappop(self._agenda)
            action()

    def say(self, at: int, agency: str, what: str, key: str, **data: Any) -> bool:
        """An agency states something, unless the city's time is over; whether it did."""
        if at > self.world.until:
            return False
        clock = self.world.agencies.clock(agency)
        kind = what.partition(".")[0]
        self.sayings.append(
            Saying(
                at - at % GRAIN[clock],
                agency,
                kind,
                what,
                key,
                {KEY_OF_KIND[kind]: key, **data},
                len(self.sayings),
                clock,
            )
        )
        return True

    # When things are recorded -------------------------------------------------------------

    def soon(self, at: int, least: float, most: float) -> int:
        """An instant between so many days later."""
        return at + int((least + self.chance.random() * (most - least)) * DAY)

    def in_office(self, at: int) -> int:
        """An instant at which an office is open, at the given one or soon after it opens."""
        open_at = opened(at)
        if open_at != at:
            open_at += self.chance.below(80 * MINUTE // SECOND) * SECOND
        return open_at

    def by_day(self, at: int) -> int:
        """An instant of the same day, between seven in the morning and ten at night."""
        return at - at % DAY + 7 * HOUR + int(self.chance.random() * 15 * HOUR)
