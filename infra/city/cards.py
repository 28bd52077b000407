"""Health-insurance cards: who has one, of which group and level, until when, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from infra.city.agencies import POPULATION, SOCIAL_INSURANCE
from infra.city.chance import Chance, Weighted, weights
from infra.city.chronicle import Chronicle
from infra.city.clock import DAY, SECOND, age_on, date_text, day_of, parts, years_after
from infra.city.people import Neighbourhood, Person
from infra.city.places import Province

GROUPS: Final[tuple[tuple[int, Weighted[str]], ...]] = (
    (6, weights("TE:100")),
    (18, weights("HS:86 HN:3 CN:5 DT:2 DK:1 BT:1 TA:1 TQ:1")),
    (23, weights("SV:46 GD:16 DN:24 HS:2 HN:2 CN:3 QN:1 CA:1 GB:3 XD:1 HX:1")),
    (60, weights(
        "DN:44 GD:24 HC:5 CH:4 TK:2 NN:2 GB:6 HN:2 CN:3 TN:2 CK:1 QN:1 CA:1 CY:1 XK:1"
        " HX:1 CB:1 HG:1"
    )),
    (80, weights("HT:44 GD:26 HN:4 CN:5 CK:4 CB:4 CC:1 KC:2 TS:3 BT:3 XB:2 TB:1 TC:1")),
    (200, weights("HT:30 BT:24 CT:16 GD:10 HN:4 CN:3 CK:5 CC:2 KC:3 TS:3")),
)  # fmt: skip
"""(Below this age, group): who pays for whom, as in Decision 1351/QD-BHXH; shares are plausible."""

LEVELS: Final[Mapping[str, int]] = {
    group: level
    for level, groups in {
        1: "CC TE",
        2: "CK CB KC HN DT DK XD BT TS",
        3: "HT TC CN",
        5: "QN CA CY",
    }.items()
    for group in groups.split()
}
"""Benefit level by group (Law on Health Insurance, article 22); all others have 4."""
OTHER_LEVEL: Final = 4

FIFTEEN_CHARACTERS: Final = 0.55
"""Of the cards; those printed since April 2021 show the ten digits alone."""
RENEWED: Final = 0.94
ENDED_AFTER_EXPIRY: Final = 0.6
BACK_AGAIN: Final = 0.35
GROUP_CHANGES: Final = 0.05
DEATHS_NOTICED: Final = ((0.80, 1, 10), (0.12, 30, 150))
"""Share of the dead whose card is ended, between so many days after the death was recorded. The
rest stays active: the trap of the deceased with an active card."""
CHECKED_BY_POPULATION: Final = 0.15
SECOND_NUMBERS: Final = 0.008
SECOND_NUMBERS_NOTICED: Final = 0.6
# Rates per year.
SUSPENDED: Final = 0.012
SEEN_BY_A_FACILITY: Final = 0.10

_FACILITIES: Final = 60


def facility_codes(province: Province) -> tuple[str, ...]:
    """Invented codes of primary facilities: the province's digits, a digit or letter, a number."""
    chance = Chance("facility-codes", province.code)
    return tuple(
        f"{province.code}{chance.one_of('0000112389CDEK')}{chance.between(1, 99):02d}"
        for _ in range(_FACILITIES)
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was printed."""

    number: str
    group: str
    since: int
    until: int

    @property
    def level(self) -> int:
        return LEVELS.get(self.group, OTHER_LEVEL)

    @property
    def stated(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "group_code": self.group,
            "benefit_level": self.level,
            "valid_from": date_text(self.since),
            "valid_to": date_text(self.until),
        }


def child_card_end(born: int) -> int:
    """The last day of a child's card (Decree 146/2018/ND-CP, article 13.2).

    Born until 30 September: 30 September of the year in which 72 months are full; born later:
    the last day of the month in which they are.
    """
    year, month, _ = parts(born)
    if month <= 9:
        return day_of(year + 6, 9, 30)
    return day_of(year + 6, month, 31)


def pupil_card_end(since: int) -> int:
    """The last day of a pupil's card that begins on `since`: the school year's, 30 September.

    The card of the twelfth grade ends on that day too (article 13.7).
    """
    year, month, _ = parts(since)
    return day_of(year + (month >= 10), 9, 30)


class Cards:
    """The cards of one neighbourhood, told when what befalls its people is known."""

    def __init__(self, chronicle: Chronicle, neighbourhood: Neighbourhood) -> None:
        self.chronicle, self.chance = chronicle, chronicle.chance
        self.world = chronicle.world
        self.neighbourhood = neighbourhood
        self.facilities = facility_codes(self.world.province)

    def tell(self) -> None:
        """Says everything about as many cards as are due."""
        people = self.neighbourhood.people
        for person in self.chance.some_of(people, self.world.cards.of(len(people))):
            self._life_of_a_card(person)

    def _life_of_a_card(self, person: Person) -> None:
        chance, chronicle, world = self.chance, self.chronicle, self.world
        born_here = person.born * DAY >= world.since
        if born_here:
            at = chronicle.soon(max(since for since, _ in person.ids) + 31 * DAY, 1, 18)
        else:
            at = chronicle.by_day(
                world.since + chance.below((world.loaded - world.since) // DAY) * DAY
            )
        number = world.identifiers.insurance_number()
        person.insurance_numbers.append(number)
        card = self._first(person, number, at // DAY)
        self._issue(person, number, card, at)
        if chance.happens(CHECKED_BY_POPULATION):
            self._checked(person, number, chronicle.soon(at, 2, 200))
        if chance.happens(SECOND_NUMBERS):
            self._second(person, number, at)
        self._follow_life(person, number)
        if chance.happens(SUSPENDED * world.years):
            self._suspend(person, number, card, chronicle.soon(at, 5, 150))
        self._renewals(person, number, card, at)

    # A card -------------------------------------------------------------------------------

    def _print(self, number: str, group: str, since: int, until: int) -> Card:
        if self.chance.happens(FIFTEEN_CHARACTERS):
            number = f"{group}{LEVELS.get(group, OTHER_LEVEL)}{self.world.province.code}{number}"
        return Card(number, group, since, until)

    def _group(self, age: int) -> str:
        return self.chance.weighted(next(table for below, table in GROUPS if age < below))

    def _first(self, person: Person, number: str, today: int) -> Card:
        chance = self.chance
        if today <= child_card_end(person.born):
            return self._print(number, "TE", person.born, child_card_end(person.born))
        group = self._group(max(6, age_on(person.born, today)))
        year = parts(today)[0]
        if group == "HS":
            began = day_of(year if parts(today)[1] >= 10 else year - 1, 10, 1)
            return self._print(number, group, began, pupil_card_end(began))
        if chance.happens(0.55):
            return self._print(number, group, day_of(year, 1, 1), day_of(year, 12, 31))
        since = today - chance.between(1, 360)
        return self._print(number, group, since, years_after(since, 1) - 1)

    def _next(self, person: Person, number: str, card: Card, since: int) -> Card:
        age = age_on(person.born, since)
        group = card.group
        outgrown = (
            (group == "TE")
            or (group == "HS" and age >= 18)
            or (group == "SV" and age >= 23)
            or (group in ("DN", "HC", "CH") and age >= 61)
        )
        if outgrown or self.chance.happens(GROUP_CHANGES):
            group = self._group(max(6, age))
        until = pupil_card_end(since) if group == "HS" else years_after(since, 1) - 1
        if group == card.group:
            return replace(card, since=since, until=until)
        return self._print(number, group, since, until)

    # What is said of it -------------------------------------------------------------------

    def _issue(self, person: Person, number: str, card: Card, at: int) -> None:
        person.card_numbers.append(card.number)
        stated: dict[str, Any] = {
            "personal_id": person.id_at(at),
            "full_name": person.full_name,
            "date_of_birth": person.date_of_birth,
            "sex": person.sex,
            "address": person.home_at(at)["address"],
            "card": card.stated,
            "primary_facility": self.chance.one_of(self.facilities),
            "status": "active",
        }
        if card.group != "TE":
            joined = max(person.born, card.since - self.chance.between(0, 3000))
            stated["five_years_from"] = date_text(years_after(joined, 5))
        self.chronicle.say(at, SOCIAL_INSURANCE, "insurance-card.issued", number, **stated)

    def _renewals(self, person: Person, number: str, card: Card, issued: int) -> None:
        chance, chronicle, world = self.chance, self.chronicle, self.world
        while True:
            at = chronicle.by_day(max(card.until - chance.between(1, 20), issued // DAY + 1) * DAY)
            if at > world.until or not person.alive(at):
                return
            if chance.happens(RENEWED):
                card = self._next(person, number, card, card.until + 1)
            else:
                if chance.happens(ENDED_AFTER_EXPIRY):
                    ended = chronicle.by_day((card.until + chance.between(1, 10)) * DAY)
                    self._end(number, ended)
                if not chance.happens(BACK_AGAIN):
                    return
                # Interrupted for three months: valid 30 days after payment (article 16.3c).
                paid = card.until + chance.between(92, 200)
                at = chronicle.by_day(paid * DAY)
                if not person.alive(at):
                    return
                card = self._next(person, number, card, paid + 30)
            if card.number not in person.card_numbers and at <= world.until:
                person.card_numbers.append(card.number)
            chronicle.say(
                at,
                SOCIAL_INSURANCE,
                "insurance-card.renewed",
                number,
                card=card.stated,
                status="active",
            )
            issued = at

    def _end(self, number: str, at: int) -> None:
        self.chronicle.say(at, SOCIAL_INSURANCE, "insurance-card.ended", number, status="ended")

    def _suspend(self, person: Person, number: str, card: Card, at: int) -> None:
        again = self.chronicle.soon(at, 15, 60)
        if again // DAY >= card.until - 25 or not person.alive(again):
            return
        self.chronicle.say(
            at, SOCIAL_INSURANCE, "insurance-card.suspended", number, status="suspended"
        )
        self.chronicle.say(
            again,
            SOCIAL_INSURANCE,
            "insurance-card.renewed",
            number,
            card=card.stated,
            status="active",
        )

    def _checked(self, person: Person, number: str, at: int) -> None:
        """Decree 43/2021/ND-CP, article 7.1: identity data is the population register's."""
        if person.alive(at):
            self.chronicle.say(
                at,
                POPULATION,
                "insurance-card.updated",
                number,
                personal_id=person.id_at(at),
                full_name=person.full_name,
                date_of_birth=person.date_of_birth,
                sex=person.sex,
            )

    def _second(self, person: Person, number: str, at: int) -> None:
        """An employer registers someone who has a number already."""
        if person.age(at) < 18:
            return
        at = self.chronicle.soon(at, 20, 120)
        if not person.alive(at) or at > self.world.until:
            return
        second = self.world.identifiers.insurance_number()
        person.insurance_numbers.append(second)
        since = at // DAY
        card = self._print(second, "DN", since, years_after(since, 1) - 1)
        self._issue(person, second, card, at)
        if self.chance.happens(SECOND_NUMBERS_NOTICED):
            self.chronicle.say(
                self.chronicle.soon(at, 10, 100),
                SOCIAL_INSURANCE,
                "insurance-card.annulled",
                second,
                annulment={"reason": "Một người có hai mã số", "same_as": number},
            )

    def _follow_life(self, person: Person, number: str) -> None:
        chance, chronicle, near = self.chance, self.chronicle, self.neighbourhood
        for recorded, dead in near.deaths:
            if dead is person:
                part = chance.random()
                for share, least, most in DEATHS_NOTICED:
                    if part < share:
                        self._end(number, chronicle.soon(recorded, least, most))
                        break
                    part -= share
        for at, replaced in near.replaced:
            if replaced is person:
                chronicle.say(
                    at + 3 * SECOND,
                    POPULATION,
                    "insurance-card.updated",
                    number,
                    personal_id=person.id_at(at),
                )
        for at, mover in near.moved:
            if mover is person and chance.happens(0.4):
                later = chronicle.soon(at, 5, 60)
                if person.alive(later):
                    chronicle.say(
                        later,
                        SOCIAL_INSURANCE,
                        "insurance-card.updated",
                        number,
                        address=person.home_at(later)["address"],
                        primary_facility=chance.one_of(self.facilities),
                    )
        if chance.happens(SEEN_BY_A_FACILITY * self.world.years):
            since, until = self.world.loaded, self.world.until
            at = chronicle.in_office(since + int(chance.random() * (until - since)))
            if person.alive(at) and person.born * DAY < since:
                stated: dict[str, Any] = {"address": person.home_at(at)["address"]}
                if person.phone:
                    stated["phone"] = person.phone
                facility = chance.one_of(self.world.agencies.facilities)
                chronicle.say(at, facility, "insurance-card.updated", number, **stated)
