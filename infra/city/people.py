"""Households and what becomes of them: births, deaths, marriages, moves, numbers and accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from infra.city import procedures
from infra.city.agencies import JUSTICE, POPULATION, SOCIAL_INSURANCE
from infra.city.chance import Weighted
from infra.city.chronicle import Chronicle
from infra.city.clock import DAY, HOUR, SECOND, age_on, date_text, local_text, parts, years_after
from infra.city.names import KINH, People, Sex
from infra.city.places import Commune, address, birth_province

T = TypeVar("T")

HOUSEHOLDS: Final = Weighted(
    [("alone", 13), ("couple", 20), ("family", 43), ("three generations", 16), ("one parent", 8)]
)
HEAD_AGE: Final[dict[str, tuple[int, int]]] = {
    "alone": (20, 84),
    "couple": (24, 82),
    "family": (26, 60),
    "three generations": (29, 52),
    "one parent": (27, 60),
}
CHILDREN: Final[dict[str, Weighted[int]]] = {
    "family": Weighted([(1, 46), (2, 46), (3, 8)]),
    "three generations": Weighted([(1, 44), (2, 47), (3, 9)]),
    "one parent": Weighted([(1, 62), (2, 38)]),
}
HOUSEHOLDS_OF_A_NEIGHBOURHOOD: Final = 4

# Rates per year.
BIRTHS_OF_A_COUPLE: Final = 0.17
DEATHS: Final = ((40, 0.0007), (60, 0.004), (75, 0.02), (200, 0.075))
MARRIAGES_OF_A_PAIR: Final = 0.035
MOVES_OF_A_HOUSEHOLD: Final = 0.045
MOVES_FOR_WORK: Final = 0.03
E_IDENTITIES: Final = 0.42
SIGNATURES: Final = 0.07
NEW_PHONES: Final = 0.12
NEW_PERSONAL_IDS: Final = 0.002
# Shares.
PHONE_OWNERS: Final = 0.82
YEAR_ONLY: Final = 0.25
"""Of those born before 1960, of whom only the birth year is known; months for a fifth of them."""
OLD_NUMBERS: Final = 0.7
"""Of those born before 2000, who had the nine-digit number."""
REGISTERED_TWICE: Final = 0.006
NOTICED: Final = 0.6
"""Of those registered twice, whose second record is annulled in the end."""
DEATHS_RECORDED_LATE: Final = 0.15

SINGLE, MARRIED, WIDOWED, DIVORCED = "1", "2", "3", "4"
HEAD, SPOUSE, CHILD, PARENT, OTHER = "01", "02", "03", "04", "05"
"""Codes in form; the national catalogues are not public."""


@dataclass(slots=True)
class Person:
    """A person as they are.

    `known` is how much of the date of birth is: 4, 7 or 10 characters. `ids` and `homes` are what
    was so since when; the last is the present one. A misnumbered person's first id says another
    birth year.
    """

    number: int
    full_name: str
    sex: Sex
    born: int
    known: int
    people: People | None
    family: str
    marital: str
    household: Household
    relation: str
    birth_commune: str | None
    phone: str | None
    old_number: str | None
    ids: list[tuple[int, str]]
    homes: list[tuple[int, dict[str, Any]]]
    misnumbered: bool = False
    mistaken_ids: list[str] = field(default_factory=list)
    insurance_numbers: list[str] = field(default_factory=list)
    card_numbers: list[str] = field(default_factory=list)
    dossiers: list[str] = field(default_factory=list)
    died: int | None = None
    needed: bool = False
    registered: bool = False

    @property
    def id(self) -> str:
        return self.ids[-1][1]

    @property
    def date_of_birth(self) -> str:
        return date_text(self.born)[: self.known]

    def age(self, at: int) -> int:
        """Completed years at an instant."""
        return age_on(self.born, at // DAY)

    def alive(self, at: int) -> bool:
        """Whether the person lives on the day of an instant."""
        return self.died is None or at // DAY < self.died

    def id_at(self, at: int) -> str:
        """The personal id at an instant."""
        return _latest(self.ids, at)

    def home_at(self, at: int) -> dict[str, Any]:
        """The residence at an instant: commune and address."""
        return _latest(self.homes, at)

    def move(self, at: int) -> dict[str, Any]:
        """Makes the household's place the person's own from an instant on."""
        place = self.household.place
        self.homes.append((at, place))
        return place


def _latest(history: list[tuple[int, T]], at: int) -> T:
    return next((value for since, value in reversed(history) if since <= at), history[0][1])


@dataclass(slots=True)
class Household:
    """People who live together; the first of them who lives is its head."""

    commune: Commune
    address: str
    members: list[Person] = field(default_factory=list)

    @property
    def place(self) -> dict[str, Any]:
        return {"commune": self.commune.code, "address": self.address}

    @property
    def head(self) -> Person:
        return self.members[0]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something in a life for which a dossier is due."""

    at: int
    what: procedures.Occasion
    person: Person


class Neighbourhood:
    """Four households; their people exist or are about to be born when it is made.

    What befalls people is put on the chronicle's agenda. What the dossiers and the cards have to
    know of it afterwards is in `occasions`, `moved`, `deaths` and `replaced`, with its instant.
    """

    def __init__(self, chronicle: Chronicle, most_people: int) -> None:
        self.chronicle = chronicle
        self.chance = chronicle.chance
        self.world = chronicle.world
        self.left = most_people
        self.people: list[Person] = []
        self.occasions: list[Occasion] = []
        self.moved: list[tuple[int, Person]] = []
        self.deaths: list[tuple[int, Person]] = []
        self.replaced: list[tuple[int, Person]] = []
        communes = self.world.province.communes
        commune = self.chance.one_of(communes)
        self.households = []
        for _ in range(HOUSEHOLDS_OF_A_NEIGHBOURHOOD):
            if self.left:
                self.households.append(self._household(commune))
        self.births = list(self._births())
        self._plan()

    # Who there is -------------------------------------------------------------------------

    def _household(self, commune: Commune) -> Household:
        chance = self.chance
        shape = chance.weighted(HOUSEHOLDS)
        people = self.world.names.people(chance)
        household = Household(commune, address(chance, commune))
        least, most = HEAD_AGE[shape]
        age = chance.between(least, most)
        man = chance.happens(0.74 if shape != "one parent" else 0.25)
        head = self._person(
            household, people, "male" if man else "female", age, HEAD, None,
            MARRIED if shape in ("couple", "family", "three generations")
            else DIVORCED if shape == "one parent" or age > 45 else SINGLE,
        )  # fmt: skip
        if head is None:
            return household
        spouse = None
        if shape in ("couple", "family", "three generations"):
            other: Sex = "female" if man else "male"
            years = chance.between(-1, 5) * (1 if man else -1)
            spouse = self._person(
                household, people, other, max(20, age - years), SPOUSE, None, MARRIED
            )
        father = head if man else spouse
        if shape in CHILDREN:
            mother_age = age if not man else age - 3
            for _ in range(chance.weighted(CHILDREN[shape])):
                oldest = min(mother_age - 20, 27)
                if oldest >= 0:
                    sex: Sex = "male" if chance.happens(0.525) else "female"
                    self._person(
                        household, people, sex, chance.between(0, oldest), CHILD,
                        (father or head).family, SINGLE,
                    )  # fmt: skip
        if shape == "three generations":
            both = chance.happens(0.55)
            marital = MARRIED if both else WIDOWED
            older = chance.between(22, 30)
            if both:
                self._person(
                    household, people, "male", age + older + 2, PARENT, head.family, marital
                )
            self._person(household, people, "female", age + older, PARENT, None, marital)
        return household

    def _person(
        self,
        household: Household,
        people: People | None,
        sex: Sex,
        age: int,
        relation: str,
        family: str | None,
        marital: str,
    ) -> Person | None:
        if not self.left:
            return None
        since = self.world.since // DAY
        born = years_after(since, -age) - 1 - self.chance.below(365)
        return self._made(household, people, sex, born, relation, family, marital)

    def _made(
        self,
        household: Household,
        people: People | None,
        sex: Sex,
        born: int,
        relation: str,
        family: str | None,
        marital: str,
    ) -> Person:
        chance, world = self.chance, self.world
        self.left -= 1
        year = parts(born)[0]
        family = family or world.names.family(chance, people)
        known = 10
        if year < 1960 and chance.happens(YEAR_ONLY):
            known = 7 if chance.happens(0.2) else 4
        where = birth_province(chance, world.province)
        at_home = where == f"0{world.province.code}"
        grown = year < parts(world.since // DAY)[0] - 13
        misnumbered = grown and chance.happens(NEW_PERSONAL_IDS * world.years)
        person = Person(
            number=world.next_person(),
            full_name=world.names.full(chance, people, family, sex, year),
            sex=sex,
            born=born,
            known=known,
            people=people,
            family=family,
            marital=marital,
            household=household,
            relation=relation,
            birth_commune=chance.one_of(world.province.communes).code if at_home else None,
            phone=world.identifiers.phone() if grown and chance.happens(PHONE_OWNERS) else None,
            old_number=world.identifiers.old_identity_number()
            if year < 2000 and chance.happens(OLD_NUMBERS)
            else None,
            ids=[(born * DAY, world.identifiers.personal_id(where, sex, year + misnumbered))],
            homes=[(born * DAY, household.place)],
            misnumbered=misnumbered,
        )
        household.members.append(person)
        self.people.append(person)
        return person

    def _births(self) -> Iterator[tuple[int, Person, Person]]:
        """(instant, mother, child) of the children to come."""
        chance, world = self.chance, self.world
        first, last = world.loaded, world.until - 50 * DAY
        for household in self.households:
            couple = [p for p in household.members if p.relation in (HEAD, SPOUSE)]
            mother = next((p for p in couple if p.sex == "female"), None)
            if len(couple) < 2 or mother is None or not 19 <= mother.age(first) <= 42:
                continue
            if self.left and chance.happens(BIRTHS_OF_A_COUPLE * (last - first) / (365 * DAY)):
                at = first + int(chance.random() * (last - first))
                father = next((p for p in couple if p.sex == "male"), mother)
                for parent in couple:
                    parent.needed = True
                sex: Sex = "male" if chance.happens(0.528) else "female"
                child = self._made(
                    household, mother.people, sex, at // DAY, CHILD, father.family, SINGLE
                )
                yield at, mother, child

    # What befalls them --------------------------------------------------------------------

    def _plan(self) -> None:
        chronicle, chance, world = self.chronicle, self.chance, self.world
        unborn = {child.number for _, _, child in self.births}
        for household in self.households:
            at = chronicle.by_day(
                world.since + chance.below(max(1, (world.loaded - world.since) // DAY - 1)) * DAY
            )
            for person in household.members:
                if person.number not in unborn:
                    at += (1 + chance.below(20)) * SECOND + chance.below(SECOND)
                    chronicle.later(at, self._load, at, person)
                    self._plan_life(person)
            chronicle.sometime(MOVES_OF_A_HOUSEHOLD, self._move, household)
        for at, mother, child in self.births:
            chronicle.later(at, self._birth, at, mother, child)
        self._plan_marriages()

    def _plan_life(self, person: Person) -> None:
        chronicle = self.chronicle
        age = person.age(self.world.since)
        if not person.needed:
            rate = next(rate for limit, rate in DEATHS if age < limit)
            chronicle.sometime(rate, self._death, person)
        if age < 14:
            return
        chronicle.sometime(E_IDENTITIES, self._e_identity, person)
        if age >= 18:
            chronicle.sometime(SIGNATURES, self._signature, person)
            chronicle.sometime(NEW_PHONES, self._phone, person)
            if person.misnumbered:
                chronicle.sometime(1 / self.world.years, self._new_personal_id, person)
            if person.relation in (CHILD, HEAD):
                chronicle.sometime(MOVES_FOR_WORK, self._work_elsewhere, person)
        if self.chance.happens(REGISTERED_TWICE):
            chronicle.sometime(1 / self.world.years, self._twice, person)

    def _plan_marriages(self) -> None:
        eligible = [
            p for p in self.people if p.marital == SINGLE and 20 <= p.age(self.world.since) <= 34
        ]
        for man in [p for p in eligible if p.sex == "male"]:
            for woman in [p for p in eligible if p.sex == "female"]:
                if man.household is not woman.household:
                    self.chronicle.sometime(MARRIAGES_OF_A_PAIR, self._marriage, man, woman)

    @property
    def now(self) -> int:
        return self.chronicle.now

    def _load(self, at: int, person: Person) -> None:
        person.registered = True
        self.chronicle.say(at, POPULATION, "person.registered", person.id, **self.facts(person, at))

    def facts(self, person: Person, at: int) -> dict[str, Any]:
        """What the population register states of a person when it states everything."""
        facts: dict[str, Any] = {
            "full_name": person.full_name,
            "date_of_birth": person.date_of_birth,
            "sex": person.sex,
            "nationality": "VN",
            "ethnicity_code": person.people.code if person.people else KINH,
            "marital_status_code": person.marital,
            "residence": person.household.place,
            "household": {"head_id": person.household.head.id, "relation_code": person.relation},
            "life": {"status": "alive"},
        }
        if person.birth_commune:
            facts["birth_registration_commune"] = person.birth_commune
        if person.old_number:
            facts["old_identity_number"] = person.old_number
        if person.phone:
            facts["phone"] = person.phone
        if person.age(at) >= 14:
            facts["identity_card"] = self._identity_card(person, at)
        return facts

    def _identity_card(self, person: Person, at: int) -> dict[str, str]:
        """Law on Identity 26/2023/QH15, article 21: valid until 14, 25, 40 and 60 years of age."""
        issued = at // DAY - self.chance.between(30, 1400)
        issued = max(issued, years_after(person.born, 14))
        card = {"issued_on": date_text(issued)}
        # A card issued within two years of such a birthday is valid until the next one.
        age = age_on(person.born, issued) + 2
        until = next((years for years in (25, 40, 60) if age < years), None)
        if until:
            card["expires_on"] = date_text(years_after(person.born, until))
        return card

    def _birth(self, at: int, mother: Person, child: Person) -> None:
        chronicle = self.chronicle
        household = child.household
        registered = chronicle.in_office(chronicle.soon(at, 2, 30))
        chronicle.say(
            registered,
            JUSTICE,
            "person.registered",
            child.id,
            full_name=child.full_name,
            date_of_birth=child.date_of_birth,
            sex=child.sex,
            nationality="VN",
            ethnicity_code=child.people.code if child.people else KINH,
            life={"status": "alive"},
        )
        child.registered = True
        confirmed = chronicle.soon(registered, 0.05, 4)
        chronicle.say(
            confirmed,
            POPULATION,
            "person.registered",
            child.id,
            full_name=child.full_name,
            date_of_birth=child.date_of_birth,
            sex=child.sex,
            residence=household.place,
            birth_registration_commune=household.commune.code,
            household={"head_id": household.head.id, "relation_code": CHILD},
        )
        self.occasions.append(Occasion(registered - 2 * HOUR, "birth", mother))

    def _death(self, person: Person) -> None:
        if not person.alive(self.now):
            return
        chronicle, now = self.chronicle, self.now
        person.died = now // DAY
        late = self.chance.happens(DEATHS_RECORDED_LATE)
        recorded = chronicle.soon(now, 20, 90) if late else chronicle.soon(now, 0.3, 6)
        life = {"status": "deceased", "deceased_on": date_text(person.died)}
        if self.chance.happens(0.75):
            recorded = chronicle.in_office(recorded)
            chronicle.say(recorded, JUSTICE, "person.deceased", person.id, life=life)
            again = chronicle.soon(recorded, 0.02, 3)
            chronicle.say(again, POPULATION, "person.deceased", person.id, life=life)
        else:
            chronicle.say(recorded, POPULATION, "person.deceased", person.id, life=life)
        self.deaths.append((recorded, person))
        household = person.household
        left = [p for p in household.members if p is not person and p.died is None]
        gone = [p for p in household.members if p is person or p.died is not None]
        if left:
            self.occasions.append(Occasion(recorded - 2 * HOUR, "death", left[0]))
        was_head = household.head is person
        household.members = [*left, *gone]
        if was_head and left:
            self._new_head(household, left, chronicle.soon(recorded, 3, 15))
        spouse_relation = {HEAD: SPOUSE, SPOUSE: HEAD}.get(person.relation)
        for other in left:
            if other.relation == spouse_relation and other.marital == MARRIED:
                other.marital = WIDOWED

    def _new_head(self, household: Household, members: list[Person], at: int) -> None:
        members.sort(key=lambda p: (p.age(at) < 18, p.relation, p.number))
        household.members = [*members, *(p for p in household.members if p.died is not None)]
        head = members[0]
        for member in members:
            if not member.registered:
                continue
            member.relation = HEAD if member is head else CHILD if member.age(at) < 25 else OTHER
            at += SECOND + self.chance.below(SECOND)
            self.chronicle.say(
                at,
                POPULATION,
                "person.updated",
                member.id,
                household={"head_id": head.id, "relation_code": member.relation},
            )

    def _marriage(self, man: Person, woman: Person) -> None:
        chronicle, now = self.chronicle, self.now
        both = (man, woman)
        if any(p.marital != SINGLE or not p.alive(now) or not p.registered for p in both):
            return
        at = chronicle.in_office(now)
        self.occasions.append(Occasion(at - 2 * HOUR, "marriage", self.chance.one_of(both)))
        for person in both:
            person.marital = MARRIED
            at += 7 * SECOND
            chronicle.say(at, JUSTICE, "person.updated", person.id, marital_status_code=MARRIED)
        home = man.household
        if woman.relation == HEAD:
            return  # she keeps a household of her own
        woman.household.members.remove(woman)
        woman.household = home
        home.members.append(woman)
        woman.relation = SPOUSE if man.relation == HEAD else OTHER
        moved = chronicle.soon(at, 2, 40)
        chronicle.later(moved, self._moves_in, woman)

    def _moves_in(self, person: Person) -> None:
        home = person.household
        self.moved.append((self.now, person))
        self.chronicle.say(
            self.now,
            POPULATION,
            "person.moved",
            person.id,
            residence=person.move(self.now),
            household={"head_id": home.head.id, "relation_code": person.relation},
        )

    def _move(self, household: Household) -> None:
        chronicle, chance, now = self.chronicle, self.chance, self.now
        members = [p for p in household.members if p.alive(now) and p.registered]
        if not members:
            return
        household.commune = chance.one_of(self.world.province.communes)
        household.address = address(chance, household.commune)
        self.occasions.append(Occasion(now, "move", members[0]))
        at = chronicle.soon(now, 1, 7)
        for person in members:
            at += SECOND + chance.below(3 * SECOND)
            chronicle.say(at, POPULATION, "person.moved", person.id, residence=person.move(at))
            self.moved.append((at, person))

    def _work_elsewhere(self, person: Person) -> None:
        if not person.alive(self.now):
            return
        commune = self.chance.one_of(self.world.province.communes)
        place = {"commune": commune.code, "address": address(self.chance, commune)}
        at = self.chronicle.in_office(self.now)
        if self.chance.happens(0.6):
            office = self.world.agencies.office(commune.code, at // DAY)
            self.chronicle.say(at, office, "person.moved", person.id, current_residence=place)
            at = self.chronicle.soon(at, 1, 9)
        self.chronicle.say(at, POPULATION, "person.moved", person.id, current_residence=place)

    def _e_identity(self, person: Person) -> None:
        now, chronicle = self.now, self.chronicle
        if not person.alive(now):
            return
        level = 2 if self.chance.happens(0.8) else 1
        eid = {"level": level, "activated_at": local_text(now)}
        chronicle.say(now + SECOND, POPULATION, "person.eid-activated", person.id, eid=eid)
        if level == 1:
            chronicle.sometime(0.8, self._second_level, person)

    def _second_level(self, person: Person) -> None:
        now = self.now
        if person.alive(now):
            eid = {"level": 2, "activated_at": local_text(now)}
            self.chronicle.say(now + SECOND, POPULATION, "person.eid-activated", person.id, eid=eid)

    def _signature(self, person: Person) -> None:
        now, chronicle = self.now, self.chronicle
        if not person.alive(now):
            return
        at = chronicle.in_office(now)
        agency = (
            self.world.agencies.office(person.household.commune.code, at // DAY)
            if self.chance.happens(0.7)
            else POPULATION
        )
        chronicle.say(
            at,
            agency,
            "person.digital-signature-issued",
            person.id,
            digital_signature_issued_on=date_text(at // DAY),
        )

    def _phone(self, person: Person) -> None:
        now, chronicle = self.now, self.chronicle
        if not person.alive(now):
            return
        person.phone = self.world.identifiers.phone()
        if self.chance.happens(0.5):
            at = chronicle.in_office(now)
            agency = self.world.agencies.office(person.household.commune.code, at // DAY)
        else:
            at, agency = now, self.chance.one_of((POPULATION, SOCIAL_INSURANCE))
        chronicle.say(at, agency, "person.updated", person.id, phone=person.phone)

    def _new_personal_id(self, person: Person) -> None:
        """The birth year turned out to be another; the number that says so is replaced."""
        now, chronicle = self.now, self.chronicle
        if not person.alive(now) or not person.registered:
            return
        old = person.id
        year = parts(person.born)[0]
        new = self.world.identifiers.personal_id(old[:3], person.sex, year)
        person.ids.append((now, new))
        chronicle.say(now, POPULATION, "person.registered", person.id, **self.facts(person, now))
        chronicle.say(
            now + SECOND, POPULATION, "person.identifier-replaced", person.id, replaces=[old]
        )
        chronicle.say(
            now + 2 * SECOND,
            POPULATION,
            "person.annulled",
            old,
            annulment={"reason": "Số định danh đã hủy, xác lập lại", "same_as": person.id},
        )
        self.replaced.append((now, person))
        if person.household.head is person:
            at = now + DAY
            for member in person.household.members[1:]:
                if member.died is None and member.registered:
                    at += SECOND + self.chance.below(SECOND)
                    household = {"head_id": person.id, "relation_code": member.relation}
                    chronicle.say(at, POPULATION, "person.updated", member.id, household=household)

    def _twice(self, person: Person) -> None:
        """A clerk does not find the person and registers them once more, under a new number."""
        now, chronicle, chance = self.now, self.chronicle, self.chance
        if not person.alive(now) or not person.registered:
            return
        year = parts(person.born)[0]
        mistaken = self.world.identifiers.personal_id(person.id[:3], person.sex, year)
        person.mistaken_ids.append(mistaken)
        at = chronicle.in_office(now)
        agency = (
            JUSTICE
            if chance.happens(0.5)
            else self.world.agencies.office(person.household.commune.code, at // DAY)
        )
        chronicle.say(
            at,
            agency,
            "person.registered",
            mistaken,
            full_name=person.full_name,
            date_of_birth=person.date_of_birth,
            sex=person.sex,
        )
        if chance.happens(NOTICED):
            chronicle.say(
                chronicle.soon(at, 5, 120),
                POPULATION,
                "person.annulled",
                mistaken,
                annulment={"reason": "Đăng ký trùng một người", "same_as": person.id},
            )
